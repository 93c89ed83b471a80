//! Answers a request for `/text?calls=N` with the text that `test:echo/echo` returns, which it asks
//! so many times.

use std::hint::black_box;

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({ path: "../wit/echo.wit", world: "echoed" });

struct Front;

wasip2::http::proxy::export!(Front);

impl wasip2::exports::http::incoming_handler::Guest for Front {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = reply::path(&request);
        let text = path.trim_start_matches('/');
        for _ in 1..reply::number(&request, "calls") {
            black_box(test::echo::echo::echo(black_box(text)));
        }
        reply::text(out, &test::echo::echo::echo(text));
    }
}
