//! Runs at a terminal: a pseudo one, of any width.

use std::io::Read as _;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::{Cli, wait_for};

impl Cli {
    /// Runs it to its end at a terminal with so many columns, in colours, and returns the exit code
    /// and what came, line breaks as programs write them.
    #[track_caller]
    pub(crate) fn run_at_terminal(mut self, columns: u16) -> (i32, String) {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&terminal, size).unwrap();
        let open = || {
            let path = name.to_str().unwrap();
            let mut options = std::fs::File::options();
            options.read(true).write(true).open(path).unwrap()
        };
        self.command
            .env_remove("NO_COLOR")
            .env_remove("COLUMNS")
            .env("TERM", "xterm-256color")
            .stdin(open())
            .stdout(open())
            .stderr(open());
        let mut child = self.command.spawn().unwrap();
        // The ends that this process has would keep the terminal open.
        drop(self);
        let mut screen = std::fs::File::from(terminal);
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let mut chunk = [0; 8192];
            // A terminal that nobody writes to any more ends with an error.
            while let Ok(count @ 1..) = screen.read(&mut chunk) {
                bytes.extend_from_slice(&chunk[..count]);
            }
            String::from_utf8(bytes).unwrap()
        });
        let status = wait_for("the program to end", || child.try_wait().unwrap());
        let text = reader.join().unwrap().replace("\r\n", "\n");
        (status.code().unwrap(), text)
    }
}
