//! One request and its response: finds the route, calls the handler, and turns every outcome into a
//! response that HTTP allows.

use std::convert::Infallible;
use std::sync::Arc;

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use tracing::{debug, warn};

use super::activity::Activity;
use super::answer::Answer;
use super::local::Local;
use super::reply::{HEALTH, Reply};
use super::request::admit;
use super::wire::Line;
use super::{Body, Handler, Peer, status, trailer};

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
    let chosen = match activity.is_malformed() {
        true => Err(Reply::BadFraming),
        false => choose(&local, &mut request, line),
    };
    let wants_trailers =
        request.version() == Version::HTTP_11 && trailer::are_wanted(request.headers());
    async move {
        let head_only = request.method() == Method::HEAD;
        let version = request.version();
        let is_multiplexed = version == Version::HTTP_2;
        let response = match chosen {
            Ok(handler) => ask(&*handler, request, peer).await,
            Err(reply) => reply.response(),
        };
        let response = if head_only { declare_length(response) } else { response };
        let (mut head, body) = response.into_parts();
        if head.status == StatusCode::NO_CONTENT {
            // It must not have a length (RFC 9110, section 8.6).
            head.headers.remove(CONTENT_LENGTH);
        }
        // Over HTTP/1.1 hyper leaves out the content that a status rules out, and keeps the length that
        // a 304 may have. Over HTTP/2 it sends both, and clients reset the stream.
        let is_empty = head_only || is_multiplexed && rules_out_content(head.status);
        let mut answer = Answer::new((!is_empty).then_some(body), &head.headers, running);
        if is_multiplexed {
            // A client that sees the error stops sending; all others continue until they are reset,
            // and delaying that would only keep them waiting.
            let is_error = head.status.is_client_error() || head.status.is_server_error();
            answer = answer.multiplexed(has_body && is_error);
        } else if wants_trailers {
            answer = answer.with_trailers(&head.headers);
        }
        if version == Version::HTTP_10 && !head_only && !has_length(&head.headers, &answer) {
            // Its end is that of the connection: hyper would promise to keep that all the same, if the
            // client has asked for it.
            head.version = Version::HTTP_10;
        }
        if !is_multiplexed && head.status.canonical_reason().is_none() {
            // hyper writes `<none>` where nobody has a reason; there need not be one (RFC 9112,
            // section 4).
            head.extensions.insert(ReasonPhrase::from_static(b""));
        }
        Ok(Response::from_parts(head, answer))
    }
}

/// The handler of a request, or the answer that it gets without one.
fn choose<H, B>(
    local: &Local<H>,
    request: &mut Request<B>,
    line: Line<'_>,
) -> Result<Arc<H>, Reply> {
    admit(request, line)?;
    let path = request.uri().path();
    if path == HEALTH {
        let draining = local.stop.is_cancelled();
        return Err(if draining { Reply::Draining } else { Reply::Healthy });
    }
    local.routes.find(request).ok_or(Reply::NoRoute)
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

/// Whether a response with this status ends with its head (RFC 9110, section 6.4.1). Those that are
/// informational are refused.
fn rules_out_content(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Whether a client will know where an answer ends without chunks.
fn has_length(headers: &HeaderMap, answer: &Answer) -> bool {
    headers.contains_key(CONTENT_LENGTH) || answer.size_hint().exact().is_some()
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
