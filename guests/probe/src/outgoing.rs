//! Asking another server over `wasi:http/outgoing-handler`.

use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{ErrorCode, Fields, OutgoingRequest, Scheme};

/// The status that a GET of `url` is answered with.
pub fn get(url: &str) -> Result<String, String> {
    let request = request(url)?;
    let pending = handle(request, None).map_err(name)?;
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
