//! Has the body of `POST /scan` scanned, and refuses what is a threat.

mod bindings {
    wit_bindgen::generate!({ world: "gateway", path: "wit", generate_all });
}

use bindings::cyber::systems::scanner;
use gateway_http::Answer;
use serde_json::json;
use wasip2::{
    exports::http::incoming_handler::Guest,
    http::types::{IncomingRequest, Method, ResponseOutparam},
};

/// The largest body that is taken.
const MAX_BODY_KIB: usize = 1024;

/// From this level on a body is refused.
const REFUSED_LEVEL: u8 = 7;

struct Gateway;

wasip2::http::proxy::export!(Gateway);

impl Guest for Gateway {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        answer(request).send(out);
    }
}

fn answer(request: IncomingRequest) -> Answer {
    let target = request.path_with_query().unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    if path != "/scan" {
        return Answer::error(404, &format!("There is nothing at `{path}`."));
    }
    if !matches!(request.method(), Method::Post) {
        return Answer::error(405, "`/scan` takes the method POST only.")
            .with_header("allow", "POST");
    }
    let body = match gateway_http::bytes(request, MAX_BODY_KIB) {
        Ok(body) => body,
        Err(error) => return error.into(),
    };
    match scanner::scan(&body) {
        Ok(result) => {
            let status = if result.threat_level < REFUSED_LEVEL { 200 } else { 403 };
            let (level, signature) = (result.threat_level, result.signature);
            Answer::json(status, &json!({ "threat-level": level, "signature": signature }))
        }
        Err(error) => Answer::error(422, &error),
    }
}
