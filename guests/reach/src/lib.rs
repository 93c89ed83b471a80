//! Tries to reach what the request names and answers how it went.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

struct Reach;

wasip2::http::proxy::export!(Reach);

impl wasip2::exports::http::incoming_handler::Guest for Reach {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        reply::text(out, &probe::probe(&target));
    }
}
