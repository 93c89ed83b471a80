//! Outgoing HTTP: every request is checked against the grants of the component that sends it, and
//! again, with the addresses that its host resolves to, when it connects.

mod code;
mod patience;
mod pool;

use std::{
    error::Error as StdError,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
    vec,
};

use http::{HeaderValue, Uri, header::HOST, uri::Authority};
use http_body_util::BodyExt;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, capture_connection, dns::Name},
    },
    rt::TokioExecutor,
};
use keyway_app::{
    grant::{HostPattern, HttpGrant, HttpScheme},
    lack::Lack,
};
use rustls::ClientConfig;
use tokio::time::{Instant, sleep, timeout_at};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpHooks, p2::bindings::http::types as error_0_2,
    p3::bindings::http::types as error_0_3,
};

pub(crate) use self::{code::code_0_3, pool::close_idle};
use self::{
    code::{code, code_of_body},
    patience::PatientBody,
    pool::{KEPT_PER_HOST, Open, Pool},
};
use crate::{
    descriptor,
    grant::tls,
    handle,
    plan::{Member, Plan},
};

/// Connecting takes no longer than this; a component may set a shorter time.
const CONNECT_TIME: Duration = Duration::from_secs(30);

/// How long an unused connection is kept for the next request.
const IDLE_TIME: Duration = Duration::from_secs(60);

type HttpClient = Client<HttpsConnector<GrantedConnector>, WasiBody>;

/// The HTTP client of one component. Connections are pooled, and never shared between components,
/// whose rights to reach an address may differ.
pub(crate) struct Clients {
    grants: Arc<[HttpGrant]>,
    pool: Arc<Pool>,
}

impl Clients {
    pub(crate) fn new(grants: &[HttpGrant]) -> Self {
        Self { grants: grants.into(), pool: Arc::default() }
    }

    fn client(&self) -> HttpClient {
        self.pool.client(|made| {
            let connector = hyper_rustls::HttpsConnectorBuilder::new()
                .with_tls_config(ClientConfig::clone(&tls::CLIENT))
                .https_or_http()
                .enable_all_versions()
                .wrap_connector(GrantedConnector { grants: Arc::clone(&self.grants), made });
            Client::builder(TokioExecutor::new())
                .pool_idle_timeout(IDLE_TIME)
                .pool_max_idle_per_host(KEPT_PER_HOST)
                .pool_timer(hyper_util::rt::TokioTimer::new())
                .build(connector)
        })
    }
}

/// Connects to addresses that the grants allow for the scheme and the port of a request.
#[derive(Clone)]
struct GrantedConnector {
    grants: Arc<[HttpGrant]>,
    /// How many connections were made.
    made: Arc<AtomicUsize>,
}

impl tower_service::Service<Uri> for GrantedConnector {
    type Response = Open;
    type Error = Box<dyn StdError + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Self { grants, made } = self.clone();
        Box::pin(async move {
            descriptor::make_room().await?;
            made.fetch_add(1, Relaxed);
            let (scheme, port) = destination(&uri).ok_or("neither HTTP nor HTTPS is asked for")?;
            let resolver = GrantedResolver { grants, scheme, port };
            let mut connector = HttpConnector::new_with_resolver(resolver);
            connector.enforce_http(false);
            connector.set_nodelay(true);
            connector.set_connect_timeout(Some(CONNECT_TIME));
            let connection = connector.call(uri).await?;
            descriptor::check(connection.inner())?;
            Ok(Open::new(connection))
        })
    }
}

/// What a URI says beside its host.
fn destination(uri: &Uri) -> Option<(HttpScheme, u16)> {
    let (scheme, default_port) = match uri.scheme_str()? {
        "http" => (HttpScheme::Http, 80),
        "https" => (HttpScheme::Https, 443),
        _ => return None,
    };
    Some((scheme, uri.port_u16().unwrap_or(default_port)))
}

/// Resolves names to those of their addresses that the grants allow.
#[derive(Clone)]
struct GrantedResolver {
    grants: Arc<[HttpGrant]>,
    scheme: HttpScheme,
    port: u16,
}

/// All addresses of a host are such that a grant has to name them.
#[derive(Debug, thiserror::Error)]
#[error("{host} resolves to {address}, which is not public and must be named")]
struct Prohibited {
    host: String,
    address: IpAddr,
}

impl tower_service::Service<Name> for GrantedResolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { grants, scheme, port } = self.clone();
        Box::pin(async move {
            let host = name.as_str();
            let mut refused = None;
            let mut allowed = Vec::new();
            for address in tokio::net::lookup_host((host, 0)).await? {
                let mut named = grants.iter().filter(|grant| grant.allows(scheme, host, port));
                if named.any(|grant| grant.allows_address(address.ip())) {
                    allowed.push(address);
                } else {
                    refused = Some(address.ip());
                }
            }
            match refused {
                Some(address) if allowed.is_empty() => {
                    let error = Prohibited { host: host.to_owned(), address };
                    Err(io::Error::new(io::ErrorKind::PermissionDenied, error))
                }
                _ => {
                    // As many as like may have waited for an answer.
                    descriptor::check_left().map_err(io::Error::other)?;
                    Ok(allowed.into_iter())
                }
            }
        })
    }
}

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
        let plan = Arc::clone(&self.plan);
        let slot = self.member;
        Box::new(async move {
            descriptor::make_room_early().await;
            let client = plan.members[slot].http.client();
            let uri = request.uri().clone();
            let result = send(client, request, options.unwrap_or_default()).await;
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
    let host = HeaderValue::from_str(target).map_err(|_| invalid())?;
    let authority = Authority::try_from(target).map_err(|_| invalid())?;
    let mut parts = request.uri().clone().into_parts();
    parts.authority = Some(authority);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| invalid())?;
    request.headers_mut().insert(HOST, host);
    Ok(())
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

async fn send(
    client: HttpClient,
    mut request: http::Request<WasiBody>,
    options: RequestOptions,
) -> Result<http::Response<WasiBody>, Error> {
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
                            .map_err(|_| Error::ConnectionReadTimeout)?,
                    }
                }
                () = sleep(connect.unwrap_or(CONNECT_TIME)) => {
                    return Err(Error::ConnectionTimeout);
                }
            }
        }
    };
    let response = response.map_err(|error| code(&error))?;
    Ok(response.map(|body| match (first_by(begun), between_bytes_timeout) {
        (None, None) => body.map_err(Error::from).boxed_unsync(),
        (first_by, between) => PatientBody { body, first_by, between, sleep: None }.boxed_unsync(),
    }))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tower_service::Service;

    use super::*;

    #[tokio::test]
    async fn addresses_are_for_the_scheme_and_the_port_of_their_grant() {
        let grant = |scheme, port, addresses| HttpGrant {
            scheme,
            host: HostPattern::Exact("localhost".to_owned()),
            port,
            addresses,
        };
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        let grants = Arc::from([
            grant(HttpScheme::Http, 8080, vec![loopback.into()]),
            grant(HttpScheme::Https, 443, Vec::new()),
            grant(HttpScheme::Http, 80, Vec::new()),
        ]);
        let mut resolved = Vec::new();
        for (scheme, port) in
            [(HttpScheme::Http, 8080), (HttpScheme::Https, 443), (HttpScheme::Http, 80)]
        {
            let mut resolver = GrantedResolver { grants: Arc::clone(&grants), scheme, port };
            let name = "localhost".parse().expect("a name");
            let addresses = resolver.call(name).await;
            resolved.push(addresses.is_ok_and(|mut all| all.any(|one| one.ip() == loopback)));
        }
        assert_eq!(resolved, [true, false, false]);
    }
}
