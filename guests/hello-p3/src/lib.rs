//! Answers every request with `Hello, world!`, by `wasi:http` 0.3.

use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_bindgen, wit_future, wit_stream};

struct Hello;

wasip3::http::service::export!(Hello);

impl wasip3::exports::http::handler::Guest for Hello {
    async fn handle(_request: Request) -> Result<Response, ErrorCode> {
        let (mut writer, body) = wit_stream::new();
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
        // The body is written while the response is on its way.
        wit_bindgen::spawn_local(async move {
            writer.write_all(b"Hello, world!\n".to_vec()).await;
        });
        Ok(response)
    }
}
