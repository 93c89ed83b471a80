//! The HTTP client for S3: the one that Keyway uses anyway.

use std::{io, sync::Arc, time::Duration};

use async_trait::async_trait;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, Error as ClientError, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
        HttpResponseBody, HttpService,
    },
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::time::timeout;

use crate::{Address, OpenError, tls};

/// Makes clients that share their connections.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    client: Client<HttpsConnector<HttpConnector>, HttpRequestBody>,
    timeout: Duration,
}

impl Connector {
    pub(super) fn new(server: &Address, timeout: Duration) -> Result<Self, OpenError> {
        let failed =
            |reason: String| OpenError::Certificates { address: server.to_string(), reason };
        let config = if server.secret().starts_with("http://") {
            // No certificate is looked at.
            ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map(|it| it.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
        } else {
            tls::client()
        };
        let config = config.map_err(|error| failed(error.to_string()))?;
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(timeout));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client =
            Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https);
        Ok(Self { client, timeout })
    }
}

impl object_store::client::HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        match timeout(self.timeout, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response.map(|body| {
                let body = http_body_util::BodyExt::map_err(body, |error| {
                    HttpError::new(HttpErrorKind::Interrupted, error)
                });
                HttpResponseBody::new(body)
            })),
            Ok(Err(error)) => Err(HttpError::new(kind(&error), error)),
            Err(_) => {
                let error = io::Error::new(io::ErrorKind::TimedOut, "there was no reply in time");
                Err(HttpError::new(HttpErrorKind::Timeout, error))
            }
        }
    }
}

/// Tells the client what may be tried again.
fn kind(error: &ClientError) -> HttpErrorKind {
    if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Interrupted }
}
