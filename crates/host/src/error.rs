//! Why a host did not do what it was asked: one enum, with one status and one code for each error.
//!
//! What is wrong with an app is a list of [`Problem`]s, which are found together. Everything else is
//! an error of the operation that fails: a [change](ChangeError) of a running app, a
//! [call](CallError), a change of [which apps](AppsError) a host has, a [request](RequestError) to the
//! admin API, or what the [process](ProcessError) needs from its system.

mod apps;
mod call;
mod change;
mod process;
mod request;

use std::fmt;

use http::StatusCode;
use keyway_app::{Code, Problem};

pub use apps::AppsError;
pub use call::CallError;
pub use change::{Busy, ChangeError, StoreSwapError, TrialError};
pub use process::ProcessError;
pub use request::RequestError;

/// Why a host did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Everything that is wrong with an app and its components. There is at least one problem.
    #[error("{}", Lines(.0))]
    App(Vec<Problem>),
    /// A running app was not changed.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// A function was not called, or did not return.
    #[error(transparent)]
    Call(#[from] CallError),
    /// An app was not deployed, removed, stopped or started.
    #[error(transparent)]
    Apps(#[from] AppsError),
    /// A request to the admin API is wrong.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The process does not get what it needs.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl HostError {
    /// The status that the admin API answers it with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Request(RequestError::NoSuchRequest { .. })
            | Self::Change(ChangeError::NoSuchComponent { .. } | ChangeError::NoSuchStore { .. })
            | Self::Call(CallError::NoSuchFunction { .. })
            | Self::Apps(AppsError::NoSuchApp { .. }) => StatusCode::NOT_FOUND,
            Self::Request(_) | Self::Call(CallError::Text { .. } | CallError::Values { .. }) => {
                StatusCode::BAD_REQUEST
            }
            Self::Change(ChangeError::Busy(_) | ChangeError::NothingToUndo)
            | Self::Apps(AppsError::RouteTaken { .. } | AppsError::Stopped(_)) => {
                StatusCode::CONFLICT
            }
            Self::Apps(AppsError::Disk { .. }) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Apps(AppsError::WhichApp(_) | AppsError::Name(_)) => StatusCode::BAD_REQUEST,
            Self::App(_) | Self::Change(_) | Self::Call(_) | Self::Apps(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Process(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What kind of problem it is; of several, the first.
    pub fn code(&self) -> Code {
        match self {
            // There is always one.
            Self::App(problems) => problems.first().map_or(Code::Internal, |first| first.code),
            Self::Change(error) => error.code(),
            Self::Call(error) => error.code(),
            Self::Apps(error) => error.code(),
            Self::Request(error) => error.code(),
            Self::Process(error) => error.code(),
        }
    }

    /// It as problems to show to a user, each with its place where it has one, and the way out.
    pub fn into_problems(self) -> Vec<Problem> {
        let (code, message) = (self.code(), self.to_string());
        let (help, place) = match self {
            Self::App(problems) => return problems,
            Self::Call(error) => return vec![error.into_problem()],
            Self::Change(error) => (error.help(), error.place()),
            Self::Apps(error) => (error.help(), None),
            Self::Request(error) => (error.help().map(str::to_owned), None),
            Self::Process(error) => (error.help().map(str::to_owned), None),
        };
        vec![Problem { code, message, label: None, help, place }]
    }
}

impl From<Vec<Problem>> for HostError {
    fn from(problems: Vec<Problem>) -> Self {
        Self::App(problems)
    }
}

impl From<Problem> for HostError {
    fn from(problem: Problem) -> Self {
        Self::App(vec![problem])
    }
}

/// Problems, each on a line.
struct Lines<'a>(&'a [Problem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.0.iter().enumerate() {
            let before = if number == 0 { "" } else { "\n" };
            write!(f, "{before}{problem}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_error_has_its_status() {
        let busy = |busy| HostError::from(ChangeError::Busy(busy));
        let no_store =
            ChangeError::NoSuchStore { name: "cahe".into(), known: vec!["cache".into()] };
        let no_request = RequestError::NoSuchRequest { method: "GET".into(), path: "/v1/x".into() };
        for (error, status, code) in [
            (busy(Busy::Change), 409, Code::Busy),
            (busy(Busy::Trial), 409, Code::Busy),
            (busy(Busy::StoreSwap { store: "cache".into() }), 409, Code::Busy),
            (ChangeError::NothingToUndo.into(), 409, Code::NothingToUndo),
            (no_store.into(), 404, Code::NoSuchStore),
            (no_request.into(), 404, Code::NoSuchRequest),
            (RequestError::Unreadable("x".into()).into(), 400, Code::BadRequest),
            (ChangeError::Trial(TrialError::Cancelled).into(), 422, Code::TrialCancelled),
            (ProcessError::Signals(std::io::ErrorKind::Other.into()).into(), 500, Code::NoSignals),
        ] {
            assert_eq!((error.status().as_u16(), error.code()), (status, code), "{error}");
            let problems = error.into_problems();
            assert!(problems.len() == 1 && problems[0].code == code, "{problems:?}");
        }
    }
}
