//! Answers a request for `/name` with what `test:greet/greeter` says to `name`.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({ path: "../wit/greet.wit", world: "greeted" });

struct Front;

wasip2::http::proxy::export!(Front);

impl wasip2::exports::http::incoming_handler::Guest for Front {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = reply::path(&request);
        let name = path.trim_start_matches('/');
        reply::text(out, &test::greet::greeter::greet(name));
    }
}
