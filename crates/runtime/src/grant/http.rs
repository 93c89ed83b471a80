//! Outgoing HTTP: every request is checked against the grants of the component that sends it, and
//! again, with the addresses that its host resolves to, when it connects.

mod code;
mod patience;
mod resend;

use std::{future::Future, net::IpAddr, pin::pin, sync::Arc};

use http::{
    HeaderValue, Method, Uri,
    header::{CONTENT_LENGTH, HOST},
    uri::Authority,
};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper_util::client::legacy::connect::capture_connection;
use keyway_app::{
    grant::{HostPattern, HttpScheme},
    lack::Lack,
};
use tokio::time::{Instant, sleep, timeout_at};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpHooks, p2::bindings::http::types as error_0_2,
    p3::bindings::http::types as error_0_3,
};

pub(crate) use self::code::code_0_3;
use self::{
    code::{code, code_of_body},
    patience::PatientBody,
    resend::{MAX_ATTEMPTS, Resendable},
};
use crate::{
    descriptor,
    grant::{
        client::{CONNECT_TIME, History, destination},
        plan::{Member, Plan},
        tls,
    },
    handle,
};

/// The hooks of `wasmtime-wasi-http`, for the member that `State` points them at.
pub(crate) struct Hooks {
    pub(crate) plan: Arc<Plan>,
    pub(crate) member: usize,
}

pub(crate) type SendFuture =
    Box<dyn Future<Output = Result<(http::Response<WasiBody>, Io), Error>> + Send>;
pub(crate) type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    /// An unread body holds a few of these.
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        handle::BODY_CHUNK_BYTES
    }

    fn p2_error_from_hyper(&mut self, error: &hyper::Error) -> error_0_2::ErrorCode {
        match code_of_body(error) {
            Error::HttpResponseIncomplete => error_0_2::ErrorCode::HttpResponseIncomplete,
            Error::ConnectionTerminated => error_0_2::ErrorCode::ConnectionTerminated,
            _ => error_0_2::ErrorCode::HttpProtocolError,
        }
    }

    fn p3_error_from_hyper(&mut self, error: &hyper::Error) -> error_0_3::ErrorCode {
        code_0_3(&code_of_body(error))
    }

    /// The client sets it for HTTP/1.1; HTTP/2 has `:authority` in its place (RFC 9113, section 8.3.1).
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Io,
    ) -> SendFuture {
        // An import without an owner has no grants.
        let Some(member) = self.plan.members.get(self.member) else {
            return Box::new(async { Err(Error::HttpRequestDenied) });
        };
        let checked = without_credentials(&mut request).and_then(|()| check(member, request.uri()));
        if let Err(error) = checked {
            return Box::new(async move { Err(error) });
        }
        // That of a request which came in, and is sent on as it is.
        request.headers_mut().remove(HOST);
        declare_empty_body(&mut request);
        let plan = Arc::clone(&self.plan);
        let slot = self.member;
        Box::new(async move {
            descriptor::make_room_early().await;
            let uri = request.uri().clone();
            let result = send(&plan.members[slot], request, options.unwrap_or_default()).await;
            if let Err(Error::DestinationIpProhibited) = &result {
                report_address(&plan.members[slot], &uri);
            }
            let response = result?;
            Ok((response, Box::new(async { Ok(()) }) as Io))
        })
    }
}

/// Takes the name and the password out of a request's authority, which no server should see: it
/// gets the host and the port (RFC 9110, section 7.2).
fn without_credentials(request: &mut http::Request<WasiBody>) -> Result<(), Error> {
    let invalid = || Error::HttpRequestUriInvalid;
    let Some((_, target)) =
        request.uri().authority().and_then(|authority| authority.as_str().rsplit_once('@'))
    else {
        return Ok(());
    };
    let authority = Authority::try_from(target).map_err(|_| invalid())?;
    let mut parts = request.uri().clone().into_parts();
    parts.authority = Some(authority);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| invalid())?;
    Ok(())
}

/// Says that there is no body where a server may expect one (RFC 9110, section 8.6): some answer 411
/// otherwise.
fn declare_empty_body(request: &mut http::Request<WasiBody>) {
    let may_have_body = [Method::POST, Method::PUT, Method::PATCH].contains(request.method());
    if may_have_body && request.body().is_end_stream() {
        let headers = request.headers_mut();
        headers.entry(CONTENT_LENGTH).or_insert(HeaderValue::from_static("0"));
    }
}

/// Tells that a host that may be reached has an address that may not.
fn report_address(member: &Member, uri: &Uri) {
    let host = uri.host().unwrap_or_default();
    let is_http = uri.scheme() == Some(&http::uri::Scheme::HTTP);
    let scheme = if is_http { HttpScheme::Http } else { HttpScheme::Https };
    let port = uri.port_u16().unwrap_or(scheme.default_port());
    let lack = Lack::HttpAddress { scheme, host, port };
    member.report(&format!("an address of {host} that is not public"), &lack);
}

fn check(member: &Member, uri: &Uri) -> Result<(), Error> {
    let (scheme, port) = destination(uri).ok_or(Error::HttpProtocolError)?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or(Error::HttpRequestUriInvalid)?;
    let grants = &member.principal.grant.http;
    let granted = grants.iter().find(|grant| grant.allows(scheme, host, port));
    let Some(_) = granted else {
        member.report(&format!("HTTP to {host}:{port}"), &Lack::Http { scheme, host, port });
        return Err(Error::HttpRequestDenied);
    };
    // A host that is an address is not resolved, so it is checked here. Only an exact grant
    // names an address; a pattern that happens to match its text does not.
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        let named = grants.iter().any(|grant| {
            !matches!(grant.host, HostPattern::Subdomain(_))
                && grant.allows(scheme, host, port)
                && grant.allows_address(address)
        });
        if !named {
            return Err(Error::DestinationIpProhibited);
        }
    }
    Ok(())
}

/// Sends the request, and sends it again where a server closed the connection that was kept for it.
async fn send(
    member: &Member,
    request: http::Request<WasiBody>,
    options: RequestOptions,
) -> Result<http::Response<WasiBody>, Error> {
    let uri = request.uri().clone();
    let failed = |error: Failed| match error {
        Failed::Here(error) => error,
        Failed::There(error) => {
            if let Some(error) = code::tls_error(&error) {
                report_tls(member, &uri, error);
            }
            code(&error)
        }
    };
    let request = match Resendable::new(request) {
        Ok(request) => request,
        Err(request) => return send_once(member, *request, options).await.map_err(failed),
    };
    for _ in 1..MAX_ATTEMPTS {
        match send_once(member, request.request(), options).await {
            Err(Failed::There(error))
                if History::was_kept(&error)
                    && matches!(code(&error), Error::ConnectionTerminated)
                    && request.can_be_repeated() => {}
            result => return result.map_err(failed),
        }
    }
    send_once(member, request.request(), options).await.map_err(failed)
}

/// Why there is no response.
enum Failed {
    /// Its time is up.
    Here(Error),
    /// What the client says.
    There(hyper_util::client::legacy::Error),
}

async fn send_once(
    member: &Member,
    mut request: http::Request<WasiBody>,
    options: RequestOptions,
) -> Result<http::Response<WasiBody>, Failed> {
    let client = member.http.client();
    let RequestOptions { connect_timeout, first_byte_timeout, between_bytes_timeout } = options;
    // Since when the first byte of the answer's body is waited for.
    let mut begun = Instant::now();
    let first_by = |begun: Instant| begun.checked_add(first_byte_timeout?);
    let response = match (connect_timeout, first_byte_timeout) {
        (None, None) => client.request(request).await,
        (connect, _) => {
            let mut connection = capture_connection(&mut request);
            let mut sending = pin!(client.request(request));
            tokio::select! {
                biased;
                response = &mut sending => response,
                // One of the pool, or a new one, with which the time of the answer begins.
                () = async { drop(connection.wait_for_connection_metadata().await) } => {
                    begun = Instant::now();
                    match first_by(begun) {
                        None => sending.await,
                        Some(by) => timeout_at(by, sending)
                            .await
                            .map_err(|_| Failed::Here(Error::ConnectionReadTimeout))?,
                    }
                }
                () = sleep(connect.unwrap_or(CONNECT_TIME)) => {
                    return Err(Failed::Here(Error::ConnectionTimeout));
                }
            }
        }
    };
    let mut response = response.map_err(Failed::There)?;
    History::note(&mut response);
    Ok(response.map(|body| match (first_by(begun), between_bytes_timeout) {
        (None, None) => body.map_err(Error::from).boxed_unsync(),
        (first_by, between) => PatientBody { body, first_by, between, sleep: None }.boxed_unsync(),
    }))
}

/// Tells why a server is not spoken to.
fn report_tls(member: &Member, uri: &Uri, error: &rustls::Error) {
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().unwrap_or(HttpScheme::Https.default_port());
    member.warn(&format!("HTTPS to {host}:{port} failed: {}", tls::explain(error)));
}
