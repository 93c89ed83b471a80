//! Answers a request for `/length` with a stream of so many bytes, which is
//! handed on from `test:bytes/source` without being read.

use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::wit_future;

wit_bindgen::generate!({ path: "../wit/bytes.wit", world: "given" });

struct Front;

wasip3::http::service::export!(Front);

impl wasip3::exports::http::handler::Guest for Front {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let length = path.trim_start_matches('/').parse().unwrap_or(0);
        let body = test::bytes::source::open(length).await;
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
        Ok(response)
    }
}
