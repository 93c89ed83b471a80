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
    warner: Option<Arc<Warner>>,
}

pub(super) type Observer = dyn Fn(&str, &str) + Send + Sync;

type Warner = dyn Fn(&str) + Send + Sync;

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

    /// Has `warner` log what the host warns of about components, where that is not the log of a single app.
    #[must_use]
    pub fn warned_by(self, warner: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { warner: Some(Arc::new(warner)), ..self }
    }

    /// Logs something that the host has to say about a component.
    pub(crate) fn warn(&self, component: &str, text: &str) {
        let line = format!("{}: {text}", self.full_name(component));
        match &self.warner {
            Some(warner) => warner(&line),
            None => tracing::warn!("{line}"),
        }
    }

    /// The name of a component, after that of its app where there are several.
    pub(crate) fn full_name(&self, component: &str) -> String {
        match &self.app {
            Some(app) => format!("{app}/{component}"),
            None => component.to_owned(),
        }
    }

    /// Has all lines go to standard error, for a process whose standard output has another use.
    #[must_use]
    pub fn to_stderr(self) -> Self {
        Self { to_stderr: true, ..self }
    }
}

impl fmt::Debug for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { observer, to_stderr, app, warner } = self;
        let mut shown = f.debug_struct("Printer");
        shown.field("is_observed", &observer.is_some()).field("to_stderr", to_stderr);
        shown.field("app", app).field("has_warner", &warner.is_some()).finish()
    }
}
