//! Answers every request with a greeting.

mod greeting;

wit_bindgen::generate!({ path: "wit", generate_all });

use exports::wasi::http::incoming_handler::Guest;
use wasi::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct Component;

export!(Component);

impl Guest for Component {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        answer(out, &format!("{}\n", greeting::greeting("world")));
    }
}

fn answer(out: ResponseOutparam, text: &str) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().expect("a response has one body");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("a body has one stream");
    // A client that has disconnected is not an error here.
    let _ = stream.blocking_write_and_flush(text.as_bytes());
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}
