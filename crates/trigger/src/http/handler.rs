//! The handler that a route leads to.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use http::uri::Scheme;
use http::{Request, Response};
use hyper::body::Incoming;

use super::{Body, Failure};

/// The sender of a request, and its transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The other end of the connection.
    pub address: SocketAddr,
    /// `https` where the connection is encrypted.
    pub scheme: Scheme,
}

/// Answers the requests of a route.
///
/// The future is dropped as soon as its client has gone, so cancellation is a normal way to end.
/// It stays on the thread that polled it first; it has to be `Send` all the same, as every task of
/// tokio has.
///
/// Any `Fn(Request<Incoming>, Peer) -> impl Future` is a handler.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. What streams on after the head of the answer is the body's business.
    fn handle(
        &self,
        request: Request<Incoming>,
        from: Peer,
    ) -> impl Future<Output = Result<Response<Body>, Failure>> + Send;
}

impl<F, A> Handler for F
where
    F: Fn(Request<Incoming>, Peer) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Response<Body>, Failure>> + Send,
{
    fn handle(
        &self,
        request: Request<Incoming>,
        from: Peer,
    ) -> impl Future<Output = Result<Response<Body>, Failure>> + Send {
        self(request, from)
    }
}

impl<H: Handler> Handler for Arc<H> {
    fn handle(
        &self,
        request: Request<Incoming>,
        from: Peer,
    ) -> impl Future<Output = Result<Response<Body>, Failure>> + Send {
        H::handle(self, request, from)
    }
}
