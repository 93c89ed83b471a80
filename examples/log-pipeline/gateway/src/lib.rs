//! The HTTP face of the log pipeline: `POST /parse` and `POST /ingest`.
//!
//! It maps HTTP to the contracts of the components behind it and back; it neither parses nor
//! encodes anything itself.

mod bindings {
    wit_bindgen::generate!({ world: "gateway", path: "wit", generate_all });
}

use bindings::{cyber::systems::parser, neon::ingest::ingestor};
use gateway_http::Answer;
use serde_json::json;
use wasip2::{
    exports::http::incoming_handler::Guest,
    http::types::{IncomingRequest, Method, ResponseOutparam},
};

/// The largest body that is taken.
const MAX_BODY_KIB: usize = 64;

struct Gateway;

wasip2::http::proxy::export!(Gateway);

impl Guest for Gateway {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        answer(request).send(out);
    }
}

/// What each route does with the text of a request.
type Action = fn(&str) -> Answer;

fn answer(request: IncomingRequest) -> Answer {
    let target = request.path_with_query().unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let action: Action = match path {
        "/parse" => parse,
        "/ingest" => ingest,
        _ => return Answer::error(404, &format!("There is nothing at `{path}`.")),
    };
    if !matches!(request.method(), Method::Post) {
        return Answer::error(405, &format!("`{path}` takes the method POST only."))
            .with_header("allow", "POST");
    }
    match gateway_http::text(request, MAX_BODY_KIB) {
        Ok(text) => action(&text),
        Err(error) => error.into(),
    }
}

fn parse(line: &str) -> Answer {
    match parser::parse(line) {
        Ok(entry) => Answer::json(
            200,
            &json!({
                "timestamp": entry.timestamp,
                "severity": entry.severity,
                "message": entry.message,
            }),
        ),
        Err(error) => refuse(&error),
    }
}

fn ingest(text: &str) -> Answer {
    match ingestor::ingest(text) {
        Ok(encoded) => Answer::json(200, &json!({ "encoded": encoded })),
        Err(error) => refuse(&error),
    }
}

/// The request was understood, but its text is not what the component behind the route takes.
fn refuse(error: &str) -> Answer {
    eprintln!("refused: {error}");
    Answer::error(422, error)
}
