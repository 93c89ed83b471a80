//! `GET /LANGUAGE` has the component in that language check its echo, and answers a line for each
//! difference that was found.

mod bindings {
    wit_bindgen::generate!({ world: "front", path: "wit" });
}

use bindings::test::everything as checks;
use wasip2::{
    exports::http::incoming_handler::Guest,
    http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam},
};

/// More than once in one instance: what a language does with its memory shows late.
const ROUNDS: usize = 3;

/// The most that `wasi:io` lets a guest write in one blocking call.
const MAX_WRITE_BYTES: usize = 4096;

struct Front;

wasip2::http::proxy::export!(Front);

impl Guest for Front {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let check = match path.as_str() {
            "/rust" => checks::check_rust::check,
            "/c" => checks::check_c::check,
            "/cpp" => checks::check_cpp::check,
            "/go" => checks::check_go::check,
            "/javascript" => checks::check_javascript::check,
            "/python" => checks::check_python::check,
            _ => || vec!["front: no language has this path".to_owned()],
        };
        let differences: Vec<String> = (0..ROUNDS).flat_map(|_| check()).collect();
        let text: String = differences.iter().map(|line| format!("{line}\n")).collect();
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().expect("a response's body is taken once");
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().expect("a body's stream is taken once");
        for piece in text.as_bytes().chunks(MAX_WRITE_BYTES) {
            stream.blocking_write_and_flush(piece).expect("the test reads to the end");
        }
        drop(stream);
        OutgoingBody::finish(body, None).expect("no length was promised");
    }
}
