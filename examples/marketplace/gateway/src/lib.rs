//! A page to upload pictures to, and the path through the components behind it: who asks, what they
//! may have and at what price, and then the work. It decides nothing itself.

mod bindings {
    wit_bindgen::generate!({ world: "gateway", path: "wit", generate_all });
}

use bindings::market::{
    identity::validator,
    images::resizer::{self, Format},
    rules::pricing::{self, Order},
};
use gateway_http::Answer;
use wasip2::{
    exports::http::incoming_handler::Guest,
    http::types::{IncomingRequest, Method, ResponseOutparam},
};

const PAGE: &str = include_str!("page.html");

/// The largest picture that is read at all; a plan may take less.
const MAX_PICTURE_KIB: usize = 8 * 1024;

/// How wide and how high a picture becomes at most, if the request does not say.
const DEFAULT_SIDE: u32 = 256;

struct Gateway;

wasip2::http::proxy::export!(Gateway);

impl Guest for Gateway {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        route(request).send(out);
    }
}

fn route(request: IncomingRequest) -> Answer {
    let target = request.path_with_query().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    match (path, request.method()) {
        ("/", Method::Get) => Answer::new(200, "text/html; charset=utf-8", PAGE.into())
            .with_header("x-content-type-options", "nosniff"),
        ("/pictures", Method::Post) => sell(request, query).unwrap_or_else(|refusal| refusal),
        ("/", _) => wrong_method(path, "GET"),
        ("/pictures", _) => wrong_method(path, "POST"),
        _ => Answer::error(404, &format!("There is nothing at `{path}`.")),
    }
}

fn wrong_method(path: &str, method: &str) -> Answer {
    Answer::error(405, &format!("`{path}` takes the method {method} only."))
        .with_header("allow", method)
}

/// The picture, resized, or why not. Nothing is read of the body before the token is known to
/// count, and nothing is decoded before its price is known.
fn sell(request: IncomingRequest, query: &str) -> Result<Answer, Answer> {
    let (max_width, max_height) = (side(query, "width")?, side(query, "height")?);
    let identity = validator::validate(&token(&request)?).map_err(|error| unauthorized(&error))?;
    let picture = gateway_http::bytes(request, MAX_PICTURE_KIB)?;
    let refuse = |error: String| Answer::error(422, &error);
    let info = resizer::inspect(&picture).map_err(refuse)?;
    let order = Order {
        plan: identity.plan,
        width: info.width,
        height: info.height,
        bytes: picture.len() as u32,
        max_width,
        max_height,
    };
    let decision = pricing::decide(&order).map_err(|error| Answer::error(403, &error))?;
    let (width, height) = (decision.width, decision.height);
    let resized = resizer::resize(&picture, width, height).map_err(refuse)?;
    let content_type = match info.format {
        Format::Png => "image/png",
        Format::Jpeg => "image/jpeg",
    };
    Ok(Answer::new(200, content_type, resized)
        .with_header("x-picture-size", &format!("{width}x{height}"))
        .with_header("x-price-cents", &decision.cents.to_string()))
}

/// One side of the size that is asked for.
fn side(query: &str, name: &str) -> Result<u32, Answer> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let Some(value) = value else { return Ok(DEFAULT_SIDE) };
    value.parse().map_err(|_| {
        Answer::error(400, &format!("`{name}` is `{value}`: give a whole number of pixels."))
    })
}

/// The bearer token, RFC 6750.
fn token(request: &IncomingRequest) -> Result<String, Answer> {
    let values = request.headers().get("authorization");
    let [value] = values.as_slice() else {
        return Err(unauthorized("The request has no token: send `Authorization: Bearer …`."));
    };
    let value = String::from_utf8_lossy(value);
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(token.trim().to_owned())
        }
        _ => Err(unauthorized("The request has no bearer token.")),
    }
}

fn unauthorized(error: &str) -> Answer {
    Answer::error(401, error).with_header("www-authenticate", "Bearer")
}
