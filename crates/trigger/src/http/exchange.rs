//! One request and its response: finds the route, calls the handler, and turns every outcome into a
//! response that HTTP allows.

use std::convert::Infallible;
use std::sync::Arc;

use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderValue, Method, Request, Response, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use tracing::{debug, warn};

use super::activity::Activity;
use super::answer::Answer;
use super::lane::Local;
use super::reply::{HEALTH, Reply};
use super::wire::Line;
use super::{Body, Handler, Peer, status};

/// Answers one request. Never fails: what cannot be answered otherwise is answered in words.
pub(super) fn exchange<H: Handler>(
    local: Arc<Local<H>>,
    activity: &Arc<Activity>,
    line: Line<'_>,
    mut request: Request<Incoming>,
    peer: Peer,
) -> impl Future<Output = Result<Response<Answer>, Infallible>> + Send + use<H> {
    let has_body = !request.body().is_end_stream();
    let running = activity.begin(has_body);
    if request.version() != Version::HTTP_11 {
        name_host(&mut request, line);
    }
    async move {
        let head_only = request.method() == Method::HEAD;
        let is_multiplexed = request.version() == Version::HTTP_2;
        let response = match choose(&local, &request) {
            Ok(handler) => ask(&*handler, request, peer).await,
            Err(reply) => reply.response(),
        };
        let response = if head_only { declare_length(response) } else { response };
        let (head, body) = response.into_parts();
        let mut answer = Answer::new((!head_only).then_some(body), &head.headers, running);
        if is_multiplexed {
            // A client that sees the error stops sending; all others continue until they are reset,
            // and delaying that would only keep them waiting.
            let is_error = head.status.is_client_error() || head.status.is_server_error();
            answer = answer.multiplexed(has_body && is_error);
        }
        Ok(Response::from_parts(head, answer))
    }
}

/// The handler of a request, or the answer that it gets without one.
fn choose<H>(local: &Local<H>, request: &Request<Incoming>) -> Result<Arc<H>, Reply> {
    let host = host_of(request)?;
    if request.method() == Method::CONNECT {
        return Err(Reply::NoTunnels);
    }
    let path = request.uri().path();
    if path == HEALTH {
        let draining = local.stop.is_cancelled();
        return Err(if draining { Reply::Draining } else { Reply::Healthy });
    }
    local.routes.find(host, path).ok_or(Reply::NoRoute)
}

/// The host that a request is for: that of its URI (HTTP/2's `:authority`, or an absolute form of
/// HTTP/1.1), or else of its `Host` header, which HTTP/1.1 demands in any case (RFC 9112, section
/// 3.2). An empty header is valid and names none.
fn host_of<B>(request: &Request<B>) -> Result<Option<&str>, Reply> {
    let mut headers = request.headers().get_all(HOST).iter();
    let header = match (headers.next(), headers.next()) {
        (Some(host), None) => {
            Some(host.to_str().ok().filter(|host| is_authority(host)).ok_or(Reply::BadHost)?)
        }
        (None, _) if request.version() != Version::HTTP_11 => None,
        _ => return Err(Reply::BadHost),
    };
    Ok(request.uri().host().or(header).filter(|host| !host.is_empty()))
}

/// Gives a request that names no host the address that it came to: components cannot do without one,
/// and a server may take it for the default (RFC 9110, section 7.2; RFC 9112, section 3.3).
fn name_host<B>(request: &mut Request<B>, line: Line<'_>) {
    if request.uri().authority().is_some() || request.headers().contains_key(HOST) {
        return;
    }
    let address = line.address().ok();
    if let Some(host) = address.and_then(|address| address.to_string().try_into().ok()) {
        request.headers_mut().insert(HOST, host);
    }
}

/// Whether a text has only what the host and port of a URI may have (RFC 3986, section 3.2).
fn is_authority(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%:[]".contains(&byte))
}

/// Has a handler answer.
async fn ask<H: Handler>(handler: &H, request: Request<Incoming>, peer: Peer) -> Response<Body> {
    let method = request.method().clone();
    // Cheap: a URI's text is shared, not copied.
    let uri = request.uri().clone();
    let client = peer.address;
    match handler.handle(request, peer).await {
        Ok(response) if response.status().is_informational() => {
            let status = response.status().as_u16();
            let path = uri.path();
            warn!(%client, %method, path, status, "the response's status is not a final one");
            Reply::NotFinal.response()
        }
        Ok(response) => {
            let status = response.status().as_u16();
            debug!(%client, %method, path = uri.path(), status, "answered");
            response
        }
        Err(failure) => {
            let response = status::answer(&failure);
            let status = response.status().as_u16();
            warn!(%client, %method, path = uri.path(), status, %failure, "no answer");
            response
        }
    }
}

/// Says in an answer to `HEAD` how long the body would be, as far as that is known without asking
/// for it.
fn declare_length(mut response: Response<Body>) -> Response<Body> {
    // An empty body does not mean an empty response to `GET`: most handlers make none for `HEAD`.
    if let Some(length) = response.body().size_hint().exact().filter(|length| *length > 0) {
        let headers = response.headers_mut();
        headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    response
}
