//! All states in a state file: read from it at the start, and written to it anew when it has grown long.

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::tenant::{INITIAL, States, Tenant, origin};
use super::{Event, Worlds};
use crate::engine::error::ApiError;
use crate::statefile::event::Line;
use crate::statefile::{Book, StateFile};
use crate::store::State;
use crate::store::clock::Setting;
use crate::store::delta::Delta;

/// What a mock found in its state file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// How many objects of the built-in key's organisation were ever made.
    pub objects: u64,
    /// Whether a seed had grown: [`MockPortkey::start_here`](crate::MockPortkey::start_here) was called.
    pub seeded: bool,
    /// Whether a last change was not finished when the mock before this one ended, and so was dropped. Nobody was told
    /// that it had been made.
    pub unfinished: bool,
}

/// All states at one moment.
#[derive(Debug)]
struct Cut {
    time: Setting,
    started: bool,
    book: Book,
    tenants: Vec<States>,
}

impl Worlds {
    /// Takes over what a state file has, or makes one, and writes changes to it from now on.
    pub(crate) fn keep(&self, path: &Path) -> Result<Option<Restored>, String> {
        let mut known = false;
        let (file, found) = StateFile::open(path, &self.first.api.name, |line| {
            known |= matches!(line.event, Event::Admit(_));
            self.replay(line)
        })?;
        self.keeper.begin(file);
        if !known {
            // A mock that died at once has left a file without a state.
            let setting = self.time.setting();
            let state = self.main.states().current;
            let begin = || Event::Admit(Delta::between(&State::default(), &state));
            let written = self.main.book.note(begin);
            written
                .and_then(|()| self.main.book.note(|| Event::Clock(setting)))
                .map_err(|error| error.message)?;
            return Ok(None);
        }
        Ok(Some(Restored {
            objects: self.main.states().current.count(),
            seeded: self.started.load(Ordering::Relaxed),
            unfinished: found.unfinished,
        }))
    }

    fn replay(&self, line: Line) -> Result<(), ApiError> {
        let tenant = match (&line.tenant, &line.event) {
            (None, _) => Arc::clone(&self.main),
            (Some(key), Event::Admit(_)) => {
                let book = Book::new(&self.keeper, Some(key));
                let tenant = Arc::new(Tenant::new(State::default(), book, &self.lag));
                let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
                tenants.insert(key.to_string(), Arc::clone(&tenant));
                tenant
            }
            (Some(key), _) => {
                let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
                let tenant = tenants.get(&**key).cloned();
                tenant.ok_or_else(|| ApiError::not_found("There is no such organisation"))?
            }
        };
        let changed = |before: &State, delta: Delta| {
            let mut state = State::clone(before);
            delta.apply(&mut state);
            state
        };
        let store = tenant.store(line.branch.as_deref())?;
        match line.event {
            Event::Admit(delta) => {
                let nothing = State::new(
                    Arc::clone(&self.time),
                    crate::engine::identity::Ids::default(),
                );
                tenant.begin(changed(&nothing, delta));
            }
            Event::Change(delta) => drop(store.put_back(changed(&store.read(), delta))),
            // Asking for its state has begun it.
            Event::Begin => {}
            Event::End => tenant.end_branch(line.branch.as_deref().unwrap_or_default())?,
            Event::Take(name) => tenant.take(&name, &store)?,
            Event::Restore(name) => tenant.restore(&name, &store)?,
            Event::Forget(name) => tenant.forget(&name)?,
            Event::Start => {
                self.started.store(true, Ordering::Relaxed);
                tenant.start_here()?;
            }
            Event::Reset => self.reset()?,
            Event::Clock(setting) => self.time.put(setting),
        }
        Ok(())
    }

    /// Writes nothing to the state file any more, and lets others have it.
    pub(crate) fn close(&self) {
        if let Some(file) = self.keeper.file() {
            file.close();
        }
    }

    /// Waits until the state file should be written anew; for ever if there is none.
    pub(crate) async fn long(&self) {
        match self.keeper.file() {
            Some(file) => file.long().await,
            None => std::future::pending().await,
        }
    }

    /// Writes the state file anew, without what came and went.
    pub(crate) fn rewrite(&self) -> io::Result<()> {
        match self.keeper.file() {
            Some(file) => file.rewrite(|| self.cut(), Cut::lines),
            None => Ok(()),
        }
    }

    fn cut(&self) -> Cut {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let all = std::iter::once(&self.main).chain(tenants.values());
        Cut {
            time: self.time.setting(),
            started: self.started.load(Ordering::Relaxed),
            book: self.main.book.clone(),
            tenants: all.map(|tenant| tenant.states()).collect(),
        }
    }
}

impl Cut {
    /// The lines that make these states of nothing.
    fn lines(self, each: &mut dyn FnMut(Line) -> io::Result<()>) -> io::Result<()> {
        let mut starts = self.started;
        for States {
            book,
            current,
            mut snapshots,
            branches,
        } in self.tenants
        {
            let nothing = Arc::new(State::default());
            // Every organisation has it.
            let initial = snapshots.remove(INITIAL).unwrap_or_default();
            each(book.line(Event::Admit(Delta::between(&nothing, &initial))))?;
            // The built-in key's organisation is the first.
            if std::mem::take(&mut starts) {
                each(book.line(Event::Start))?;
            }
            let mut at = Arc::clone(&initial);
            for (name, state) in &snapshots {
                each(book.line(Event::Change(Delta::between(&at, state))))?;
                each(book.line(Event::Take(Arc::clone(name))))?;
                at = Arc::clone(state);
            }
            for (name, state) in branches {
                let began = snapshots.get(origin(&name)).unwrap_or(&initial);
                let book = book.branch(&name);
                each(book.line(Event::Begin))?;
                each(book.line(Event::Change(Delta::between(began, &state))))?;
            }
            each(book.line(Event::Change(Delta::between(&at, &current))))?;
        }
        each(self.book.line(Event::Clock(self.time)))
    }
}
