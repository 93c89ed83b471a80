//! The HTTP client of a component: it connects to addresses that the grants allow, and to no others
//! that a name resolves to.

mod history;
mod pool;

use std::{
    error::Error as StdError,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
    vec,
};

use http::Uri;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::TokioExecutor,
};
use keyway_app::grant::{HttpGrant, HttpScheme};
use rustls::ClientConfig;
use wasmtime_wasi_http::WasiBody;

use self::pool::{Open, Pool};
pub(super) use self::{history::History, pool::KEPT_PER_HOST};
use crate::{descriptor, grant::tls};

/// Connecting takes no longer than this; a component may set a shorter time.
pub(super) const CONNECT_TIME: Duration = Duration::from_secs(30);

/// How many header fields an answer of HTTP/1 may have; room for each is set aside while its head is
/// read.
const MAX_FIELDS: usize = 4096;

/// How long the header of an answer of HTTP/2 may be.
const MAX_HEADER_BYTES: u32 = 64 << 10;

/// How long an unused connection is kept for the next request.
const IDLE_TIME: Duration = Duration::from_secs(60);

pub(super) type HttpClient = Client<HttpsConnector<GrantedConnector>, WasiBody>;

/// The HTTP client of one component. Connections are pooled, and never shared between components,
/// whose rights to reach an address may differ.
pub(crate) struct Clients {
    grants: Arc<[HttpGrant]>,
    pool: Arc<Pool<HttpClient>>,
}

impl Clients {
    pub(crate) fn new(grants: &[HttpGrant]) -> Self {
        Self { grants: grants.into(), pool: Arc::default() }
    }

    pub(super) fn client(&self) -> HttpClient {
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
                .http1_max_headers(MAX_FIELDS)
                .http2_max_header_list_size(MAX_HEADER_BYTES)
                .build(connector)
        })
    }
}

/// Connects to addresses that the grants allow for the scheme and the port of a request.
#[derive(Clone)]
pub(super) struct GrantedConnector {
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
pub(super) fn destination(uri: &Uri) -> Option<(HttpScheme, u16)> {
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
pub(super) struct Prohibited {
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use keyway_app::grant::HostPattern;
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
