//! Calling functions of the components of a running app.

use std::sync::Arc;

use super::{App, in_background};
use crate::{
    error::{ChangeError, HostError},
    live::{
        call::{Asked, Chosen, Function, Functions, Returned},
        facilities::Facilities,
    },
};

impl App {
    /// What the app's components export that can be called.
    ///
    /// # Errors
    /// If a component cannot be read any more.
    pub(crate) async fn functions(&self) -> Result<Vec<Function>, HostError> {
        let current = Arc::clone(&self.serving().current);
        in_background(move || Ok(Functions::of(&current.prepared.app).all()?)).await
    }

    /// Calls a function, with the grants and the stores of the app as it serves.
    ///
    /// # Errors
    /// Everything that is wrong with the call, that a component's file has changed since it was
    /// taken in, or that the function did not come to its end.
    pub(crate) async fn call(self: &Arc<Self>, asked: Asked) -> Result<Returned, HostError> {
        let this = Arc::clone(self);
        let ready = in_background(move || {
            let current = Arc::clone(&this.serving().current);
            let app = &current.prepared.app;
            let chosen = Chosen::find(&Functions::of(app), &asked)?;
            let prepared = this.facilities.workshop.prepare(chosen.app(app))?;
            if let Some(component) = current.prepared.changed_since(&prepared, None) {
                return Err(ChangeError::ChangedSource { component: component.to_string() }.into());
            }
            let Facilities { engines, printer, account, .. } = &this.facilities;
            chosen.bind(&prepared, &current.backends, engines, printer, account)
        });
        Ok(ready.await?.run().await?)
    }
}
