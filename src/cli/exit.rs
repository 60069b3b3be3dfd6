//! How a run ends: one meaning per exit code, the same in every output format.

use std::process::ExitCode;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done, or nothing to do.
    Done,
    /// Something is wrong.
    Error,
    /// There are changes: only where the caller asked to be told by exit code.
    Changes,
    /// Refused by a safety gate.
    Refused,
    /// Somebody else applied since the plan was made.
    Stale,
    /// Some changes were made, others failed.
    Partly,
    /// The server does not accept the key, or the key may not do this.
    NotAuthorised,
    /// Interrupted by the user.
    Interrupted,
}

impl Exit {
    /// The number.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::Changes => 2,
            Self::Refused => 3,
            Self::Stale => 4,
            Self::Partly => 5,
            Self::NotAuthorised => 6,
            Self::Interrupted => 130,
        }
    }

    /// The worst of several ends: interrupted, done in part, and errors come before what is only
    /// refused, and that before changes.
    pub(super) fn worst(exits: impl IntoIterator<Item = Self>) -> Self {
        const FROM_BAD_TO_WORSE: [Exit; 8] = [
            Exit::Done,
            Exit::Changes,
            Exit::Refused,
            Exit::Stale,
            Exit::NotAuthorised,
            Exit::Error,
            Exit::Partly,
            Exit::Interrupted,
        ];
        let rank = |exit: &Exit| FROM_BAD_TO_WORSE.iter().position(|other| other == exit);
        exits.into_iter().max_by_key(rank).unwrap_or(Self::Done)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
