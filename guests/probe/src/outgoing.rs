//! Asking another server over `wasi:http/outgoing-handler`.

use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, Method, OutgoingRequest, RequestOptions, Scheme,
};

const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

/// The status that a request for `url` is answered with, if connecting and the first byte take no
/// longer than so many milliseconds.
pub fn ask(
    method: &str,
    url: &str,
    connect_ms: Option<u64>,
    first_byte_ms: Option<u64>,
) -> Result<String, String> {
    let request = request(url)?;
    let method = match method {
        "GET" => Method::Get,
        "PUT" => Method::Put,
        "POST" => Method::Post,
        other => Method::Other(other.to_owned()),
    };
    request.set_method(&method).map_err(|()| "it is not a method".to_owned())?;
    let options = RequestOptions::new();
    let nanoseconds = |ms: Option<u64>| ms.map(|ms| ms * NANOSECONDS_PER_MILLISECOND);
    options.set_connect_timeout(nanoseconds(connect_ms)).expect("the host has this time-out");
    options.set_first_byte_timeout(nanoseconds(first_byte_ms)).expect("the host has this time-out");
    let pending = handle(request, Some(options)).map_err(name)?;
    pending.subscribe().block();
    let response = pending
        .get()
        .expect("the pollable said that it is there")
        .expect("it is taken once")
        .map_err(name)?;
    Ok(response.status().to_string())
}

fn request(url: &str) -> Result<OutgoingRequest, String> {
    let unfit = || format!("{url:?} is not a URL to ask");
    let (scheme, rest) = url.split_once("://").ok_or_else(unfit)?;
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&scheme)).map_err(|()| unfit())?;
    request.set_authority(Some(authority)).map_err(|()| unfit())?;
    request.set_path_with_query(Some(path)).map_err(|()| unfit())?;
    Ok(request)
}

fn name(error: ErrorCode) -> String {
    format!("{error:?}")
}
