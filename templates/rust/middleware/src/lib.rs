//! Answers requests for `/hello` with a greeting, and passes on all other requests.

mod greeting;

wit_bindgen::generate!({ path: "wit", generate_all });

use exports::wasi::http::incoming_handler::Guest;
use wasi::http::{
    incoming_handler as next,
    types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam},
};

struct Component;

export!(Component);

impl Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        if request.path_with_query().as_deref() == Some("/hello") {
            answer(out, &format!("{}\n", greeting::greeting("world")));
        } else {
            next::handle(request, out);
        }
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
