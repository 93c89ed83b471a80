//! Where what components print goes.

use std::{fmt, sync::Arc};

/// Where the lines that the components of a unit print go: to the standard streams of the process,
/// and to whoever else wants to see them.
#[derive(Clone, Default)]
pub struct Printer {
    pub(super) observer: Option<Arc<Observer>>,
    pub(super) to_stderr: bool,
    /// What goes before the names of components, where those of several apps come together.
    pub(super) app: Option<Arc<str>>,
}

pub(super) type Observer = dyn Fn(&str, &str) + Send + Sync;

impl Printer {
    /// Has `observer` see every line too, with the component's name, without the line's end and with
    /// control characters escaped. It is called on the thread that writes, and should not take long.
    #[must_use]
    pub fn observed_by(self, observer: impl Fn(&str, &str) + Send + Sync + 'static) -> Self {
        Self { observer: Some(Arc::new(observer)), ..self }
    }

    /// Has lines begin with the name of the app, before that of the component.
    #[must_use]
    pub fn named(self, app: &str) -> Self {
        Self { app: Some(app.into()), ..self }
    }

    /// Has all lines go to standard error, for a process whose standard output has another use.
    #[must_use]
    pub fn to_stderr(self) -> Self {
        Self { to_stderr: true, ..self }
    }
}

impl fmt::Debug for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { observer, to_stderr, app } = self;
        let mut shown = f.debug_struct("Printer");
        shown.field("is_observed", &observer.is_some()).field("to_stderr", to_stderr);
        shown.field("app", app).finish()
    }
}
