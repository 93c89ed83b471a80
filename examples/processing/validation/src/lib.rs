//! Implements `example:service/processing`: a request needs a payload.

mod bindings {
    wit_bindgen::generate!({ world: "processor-world", path: "wit" });
    use super::Validation;
    export!(Validation);
}

use bindings::exports::example::service::processing::{Guest, Request, Response};

struct Validation;

impl Guest for Validation {
    fn process(req: Request) -> Response {
        if req.payload.is_empty() {
            return Response { status: 400, message: "Empty payload".to_owned() };
        }
        Response { status: 200, message: format!("Processed {}", req.id) }
    }
}
