//! The HTTP face of the service: `POST /process?id=ID`, with the payload as body.

mod bindings {
    wit_bindgen::generate!({ world: "gateway", path: "wit", generate_all });
}

use bindings::example::service::processing::{Request, process};
use gateway_http::Answer;
use serde_json::json;
use wasip2::{
    exports::http::incoming_handler::Guest,
    http::types::{IncomingRequest, Method, ResponseOutparam},
};

/// The largest payload that is taken.
const MAX_PAYLOAD_KIB: usize = 256;

struct Gateway;

wasip2::http::proxy::export!(Gateway);

impl Guest for Gateway {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        answer(request).send(out);
    }
}

fn answer(request: IncomingRequest) -> Answer {
    let target = request.path_with_query().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    if path != "/process" {
        return Answer::error(404, &format!("There is nothing at `{path}`."));
    }
    if !matches!(request.method(), Method::Post) {
        return Answer::error(405, "`/process` takes the method POST only.")
            .with_header("allow", "POST");
    }
    let Some(id) = query.split('&').find_map(|pair| pair.strip_prefix("id=")) else {
        return Answer::error(400, "The query names no request: add `?id=…`.");
    };
    let id = id.to_owned();
    let payload = match gateway_http::bytes(request, MAX_PAYLOAD_KIB) {
        Ok(payload) => payload,
        Err(error) => return error.into(),
    };
    let response = process(&Request { id, payload });
    // The service speaks of statuses as HTTP does, and need not keep to those that there are.
    let status = u16::try_from(response.status).ok().filter(|status| (200..600).contains(status));
    Answer::json(status.unwrap_or(502), &json!({ "message": response.message }))
}
