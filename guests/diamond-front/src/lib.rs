//! Asks `test:left/left` and then `test:right/right` for the next number.
//! `1 2` says that both reach the same instance of the component below them.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({ path: "../wit/diamond.wit", world: "top", generate_all });

struct Front;

wasip2::http::proxy::export!(Front);

impl wasip2::exports::http::incoming_handler::Guest for Front {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        let left = test::left::left::next();
        let right = test::right::right::next();
        reply::text(out, &format!("{left} {right}"));
    }
}
