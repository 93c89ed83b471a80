//! Calling functions of the components of a running app.

use std::sync::Arc;

use super::{Done, Running, in_background};
use crate::{
    admin::api::{Asked, Function, Returned},
    call::{Chosen, functions_of},
};

impl Running {
    /// What the app's components export that can be called.
    ///
    /// # Errors
    /// If a component cannot be read any more.
    pub(crate) async fn functions(&self) -> Done<Vec<Function>> {
        let current = Arc::clone(&self.serving().current);
        in_background(move || functions_of(&current.prepared.app)).await
    }

    /// Calls a function, with the grants and the stores of the app as it serves.
    ///
    /// # Errors
    /// All that is wrong with the call, that a component's file has changed since it was taken in,
    /// or that the function did not come to its end.
    pub(crate) async fn call(self: &Arc<Self>, asked: Asked) -> Done<Returned> {
        let this = Arc::clone(self);
        let ready = in_background(move || {
            let current = Arc::clone(&this.serving().current);
            let app = &current.prepared.app;
            let chosen = Chosen::find(&functions_of(app)?, &asked)?;
            let prepared = this.workshop.prepare(chosen.app(app))?;
            current.prepared.same_sources(&prepared, None)?;
            chosen.bind(&prepared, &current.backends)
        });
        ready.await?.run().await
    }
}
