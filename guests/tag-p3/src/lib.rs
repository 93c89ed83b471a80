//! A middleware of `wasi:http` 0.3: passes each request on, and adds `x-tag: seen` to the answer.

use wasip3::http::types::{ErrorCode, Request, Response};
use wasip3::wit_future;

wit_bindgen::generate!({
    path: [
        "../../wit/wasi-0.3/clocks.wit",
        "../../wit/wasi-0.3/filesystem.wit",
        "../../wit/wasi-0.3/random.wit",
        "../../wit/wasi-0.3/sockets.wit",
        "../../wit/wasi-0.3/cli.wit",
        "../../wit/wasi-0.3/http.wit",
    ],
    inline: "package test:tag; world next { import wasi:http/handler@0.3.0; }",
    world: "test:tag/next",
    with: {
        "wasi:clocks/types@0.3.0": wasip3::clocks::types,
        "wasi:http/types@0.3.0": wasip3::http::types,
    },
    generate_all,
});

struct Tag;

wasip3::http::service::export!(Tag);

impl wasip3::exports::http::handler::Guest for Tag {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let answer = wasi::http::handler::handle(request).await?;
        let headers = answer.get_headers().clone();
        headers.append("x-tag", b"seen").map_err(|error| {
            ErrorCode::InternalError(Some(format!("the header is refused: {error:?}")))
        })?;
        let (_, taken) = wit_future::new(|| Ok(()));
        let (body, trailers) = Response::consume_body(answer, taken);
        let (answer, _sent) = Response::new(headers, Some(body), trailers);
        Ok(answer)
    }
}
