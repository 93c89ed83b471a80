//! Which unit gets a request or a message: the one that serves, or the canary beside it.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use keyway_call::{Body, BodyError, Failure};
use keyway_capability::{
    keyvalue::{Change, Store},
    messaging::{Broker, Message},
};
use keyway_trigger::{
    change,
    http::{Handler, Peer, SpinRoute},
    message,
};

use crate::live::unit::LiveUnit;

/// A part of all requests and messages, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share(pub(crate) u32);

impl Share {
    /// All of them.
    pub(crate) const WHOLE: u64 = 10_000;

    /// Whether the request that is number `turn` belongs to it. They are spread evenly.
    fn has(self, turn: u64) -> bool {
        let had_before = |turn: u64| turn * u64::from(self.0) / Self::WHOLE;
        let turn = turn % Self::WHOLE;
        had_before(turn + 1) > had_before(turn)
    }
}

/// Gives requests and messages to a unit, or some of them to its canary.
#[derive(Debug)]
pub(crate) struct UnitHandler {
    stable: Arc<LiveUnit>,
    canary: Option<Canary>,
    /// Where the component expects Spin's headers.
    spin: Option<SpinRoute>,
}

#[derive(Debug)]
struct Canary {
    unit: Arc<LiveUnit>,
    share: Share,
    turns: AtomicU64,
}

impl UnitHandler {
    /// A canary that is the unit itself is none.
    pub(crate) fn new(stable: &Arc<LiveUnit>, canary: Option<(&Arc<LiveUnit>, Share)>) -> Self {
        let canary = canary.filter(|(unit, _)| !Arc::ptr_eq(unit, stable)).map(|(unit, share)| {
            Canary { unit: Arc::clone(unit), share, turns: AtomicU64::new(0) }
        });
        Self { stable: Arc::clone(stable), canary, spin: None }
    }

    /// Sets the headers that Spin's host would, if the route is given.
    pub(crate) fn described(mut self, spin: Option<SpinRoute>) -> Self {
        self.spin = spin;
        self
    }

    /// Counts the next request or message, for the unit that gets it.
    pub(crate) fn begin(&self) -> Begun {
        let (live, is_canary) = match &self.canary {
            Some(canary) if canary.share.has(canary.turns.fetch_add(1, Relaxed)) => {
                (&canary.unit, true)
            }
            _ => (&self.stable, false),
        };
        live.count.requests.fetch_add(1, Relaxed);
        live.unit.usage().add_request();
        Begun { live: Arc::clone(live), is_canary, failed: false }
    }
}

impl Handler for UnitHandler {
    fn handle(
        &self,
        mut request: Request<Incoming>,
        from: Peer,
    ) -> impl Future<Output = Result<Response<Body>, Failure>> + Send {
        let mut begun = self.begin();
        if let Some(spin) = &self.spin {
            spin.describe(&mut request, &from);
        }
        async move {
            let answer = begun.live.unit.handle(request, from.scheme).await;
            begun.failed = is_error(&answer);
            if !begun.is_canary {
                return answer;
            }
            answer.map(|response| response.map(|body| BodyOnTrial { body, begun }.boxed_unsync()))
        }
    }
}

impl message::Handler for UnitHandler {
    async fn handle(&self, message: Message, broker: Arc<dyn Broker>) -> Result<(), String> {
        let mut begun = self.begin();
        let unit = Arc::clone(&begun.live.unit);
        match unit.handle_message(message, broker).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                begun.failed = true;
                Err(format!("`{}` answers: {error}", unit.name()))
            }
            Err(failure) => {
                begun.failed = is_fault(&failure);
                Err(format!("`{}`: {failure}", unit.name()))
            }
        }
    }
}

impl change::Handler for UnitHandler {
    async fn handle(&self, change: Change, store: Arc<dyn Store>) -> Result<(), String> {
        let mut begun = self.begin();
        let unit = Arc::clone(&begun.live.unit);
        unit.handle_change(change, store).await.map_err(|failure| {
            begun.failed = is_fault(&failure);
            format!("`{}`: {failure}", unit.name())
        })
    }
}

/// A request or a message that a unit has got. Its end is counted when it is dropped.
#[derive(Debug)]
pub(crate) struct Begun {
    /// The unit.
    pub(crate) live: Arc<LiveUnit>,
    is_canary: bool,
    /// Whether the component is at fault.
    pub(crate) failed: bool,
}

impl Drop for Begun {
    fn drop(&mut self) {
        if self.failed {
            self.live.count.errors.fetch_add(1, Relaxed);
            self.live.unit.usage().add_error();
        }
        self.live.count.finished.fetch_add(u64::from(self.is_canary), Relaxed);
    }
}

/// The body of a canary's answer, which may break off.
struct BodyOnTrial {
    body: Body,
    begun: Begun,
}

impl http_body::Body for BodyOnTrial {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Err(_))) = &frame {
            self.begun.failed = true;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether the component is at fault.
fn is_error(answer: &Result<Response<Body>, Failure>) -> bool {
    match answer {
        Ok(response) => response.status().is_server_error(),
        Err(failure) => is_fault(failure),
    }
}

/// Whether the component is at fault, and not the client or the load.
fn is_fault(failure: &Failure) -> bool {
    !matches!(
        failure,
        Failure::Busy { .. }
            | Failure::AppBusy(_)
            | Failure::NoTurn(_)
            | Failure::NoPlace(_)
            | Failure::NoRoom(_)
            | Failure::NotServed(_)
            | Failure::HostMemory(_)
            | Failure::AppMemory(_)
            | Failure::BodyTooLarge(_)
            | Failure::Request(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_spread_evenly() {
        for (share, of_hundred) in [(0, 0), (1_000, 10), (3_300, 33), (10_000, 100)] {
            let has = |turn| Share(share).has(turn);
            assert_eq!((0..100).filter(|turn| has(*turn)).count(), of_hundred, "{share}");
            let whole = (10_000..20_000).filter(|turn| has(*turn)).count();
            assert_eq!(whole, share as usize);
        }
        let tenth: Vec<u64> = (0..30).filter(|turn| Share(1_000).has(*turn)).collect();
        assert_eq!(tenth, [9, 19, 29]);
    }
}
