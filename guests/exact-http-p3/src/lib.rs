//! Holds `wasi:http` 0.3 to what its WIT file says.
//!
//! `ORIGIN` in its environment is the server that it asks, which answers `/echo` with what it
//! was sent, `REFUSED` is a granted address where nobody listens, and `DENIED` one that is not
//! granted.

mod client;
mod field;
mod request;
mod response;

use exact::Checks;
use wasip3::{
    http::types::{ErrorCode, Fields, Request, Scheme, Trailers},
    wit_bindgen::{FutureReader, StreamReader},
    wit_future,
};

exact::component_p3!(check);

async fn check(checks: &mut Checks) {
    checks.interface("wasi:http/types@0.3.0");
    field::check(checks);
    request::check(checks).await;
    response::check(checks).await;
    checks.interface("wasi:http/client@0.3.0");
    client::check(checks).await;
}

type Sent = FutureReader<Result<(), ErrorCode>>;

/// No trailers, as soon as somebody asks.
fn no_trailers() -> FutureReader<Result<Option<Trailers>, ErrorCode>> {
    wit_future::new(|| Ok(None)).1
}

/// A request to a server's path.
fn request(authority: &str, path: Option<&str>, body: Option<StreamReader<u8>>) -> (Request, Sent) {
    let (request, sent) = Request::new(Fields::new(), body, no_trailers(), None);
    request.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    request.set_authority(Some(authority)).expect("an authority");
    request.set_path_with_query(path).expect("a path");
    (request, sent)
}
