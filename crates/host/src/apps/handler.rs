//! Gives a request to the app that its route leads to.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use http::{Request, Response};
use hyper::body::Incoming;
use keyway_call::{Body, Failure};
use keyway_trigger::http::{Handler, Peer};

use super::slot::Slot;
use crate::error::HostError;

/// The routes of one app, to a host that holds many: the app itself finds the unit.
#[derive(Debug)]
pub(crate) struct AppHandler {
    pub(crate) slot: Arc<Slot>,
}

impl Handler for AppHandler {
    async fn handle(
        &self,
        request: Request<Incoming>,
        from: Peer,
    ) -> Result<Response<Body>, Failure> {
        let count = &self.slot.count;
        count.requests.fetch_add(1, Relaxed);
        let answer = self.answer(request, from).await;
        if answer.as_ref().map_or(true, |answer| answer.status().is_server_error()) {
            count.errors.fetch_add(1, Relaxed);
        }
        answer
    }
}

impl AppHandler {
    async fn answer(
        &self,
        request: Request<Incoming>,
        from: Peer,
    ) -> Result<Response<Body>, Failure> {
        let name = &self.slot.name;
        let app = self.slot.awake().await.map_err(|error| match error {
            HostError::Apps(error) => Failure::NotServed(error.to_string()),
            error => Failure::NotServed(format!("the app `{name}` cannot be started: {error}")),
        })?;
        // It has the routes that the host knows, except for a moment when they change.
        let handler = app.routes().find(&request).ok_or_else(|| {
            Failure::NotServed(format!("the routes of the app `{name}` have just changed"))
        })?;
        handler.handle(request, from).await
    }
}
