//! Makes a counter of `test:count/counter`, increments it thrice and answers
//! the count.

use test::count::counter::Counter;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({ path: "../wit/count.wit", world: "counted" });

struct Front;

wasip2::http::proxy::export!(Front);

impl wasip2::exports::http::incoming_handler::Guest for Front {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        let counter = Counter::new();
        counter.increment();
        counter.increment();
        reply::text(out, &counter.increment().to_string());
    }
}
