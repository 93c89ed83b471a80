//! Answers a request for `/name` with what `test:greet/greeter` says to `name`; with `?calls=N`
//! it asks so many times, which is how a call is measured.

use std::hint::black_box;

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({ path: "../wit/greet.wit", world: "greeted" });

struct Front;

wasip2::http::proxy::export!(Front);

impl wasip2::exports::http::incoming_handler::Guest for Front {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = reply::path(&request);
        let name = path.trim_start_matches('/');
        for _ in 1..reply::number(&request, "calls") {
            black_box(test::greet::greeter::greet(name));
        }
        reply::text(out, &test::greet::greeter::greet(name));
    }
}
