//! Tries to reach things itself for `/own/…` and asks `test:reach/reach` to
//! for `/inner/…`, so that a test can tell the rights of the two apart.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({ path: "../wit/reach.wit", world: "reached" });

struct Front;

wasip2::http::proxy::export!(Front);

impl wasip2::exports::http::incoming_handler::Guest for Front {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let answer = if let Some(own) = target.strip_prefix("/own") {
            probe::probe(own)
        } else if let Some(inner) = target.strip_prefix("/inner") {
            test::reach::reach::reach(inner)
        } else {
            "ask for /own/… or /inner/…".to_owned()
        };
        reply::text(out, &answer);
    }
}
