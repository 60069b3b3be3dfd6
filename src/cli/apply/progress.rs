//! While an apply goes on: the line that says how far it is, and Ctrl-C.

use tokio::sync::watch;

use super::end;
use crate::apply::Event;
use crate::cli::exit::Exit;
use crate::cli::output::Printer;
use crate::diagnostic::Diagnostic;

/// Listens for Ctrl-C for as long as it is there.
pub(super) struct Stop {
    receiver: watch::Receiver<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Stop {
    pub(super) fn receiver(&self) -> watch::Receiver<bool> {
        self.receiver.clone()
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The first Ctrl-C lets what is under way end and starts nothing new; the second one ends the
/// process, and the journal has what was done.
pub(super) fn stop_on_interrupt(printer: &Printer) -> Stop {
    let (sender, receiver) = watch::channel(false);
    let printer = printer.clone();
    let task = tokio::spawn(async move {
        crate::cli::interrupted().await;
        printer.message(
            "\nstopping: what is under way ends, nothing new begins; Ctrl-C again to quit at once\n",
        );
        let _ = sender.send(true);
        crate::cli::interrupted().await;
        let problem = Diagnostic::error("interrupted", "interrupted a second time")
            .note("what was under way may have been done or not; what was done before is in the journal")
            .help("run it again: the next run reads the journal, and looks for the rest");
        let exit = printer.finish(end(Exit::Interrupted, vec![problem]));
        std::process::exit(i32::from(exit.code()));
    });
    Stop { receiver, task }
}

/// A line on the terminal that says how far the run is.
pub(super) struct Progress<'p> {
    printer: &'p Printer,
    total: usize,
    done: std::cell::Cell<usize>,
}

impl<'p> Progress<'p> {
    pub(super) fn new(printer: &'p Printer, total: usize) -> Self {
        Self {
            printer,
            total,
            done: std::cell::Cell::new(0),
        }
    }

    pub(super) fn show(&self, event: Event<'_>) {
        let step = match event {
            Event::Started(step) => step,
            Event::Done(_) | Event::Failed(_) => {
                self.done.set(self.done.get() + 1);
                return;
            }
        };
        if self.printer.has_live_line() {
            let (done, total) = (self.done.get(), self.total);
            let text = format!("[{done}/{total}] {} {}", step.action.gerund(), step.address);
            let text: String = text.chars().take(78).collect();
            self.printer.message(&format!("\r\x1b[2K{text}"));
        }
    }

    pub(super) fn clear(&self) {
        if self.printer.has_live_line() {
            self.printer.message("\r\x1b[2K");
        }
    }
}
