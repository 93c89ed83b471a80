//! Answers by `wasi:http` 0.3 with what `test:greet/greeter` says.

use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_future, wit_stream};

wit_bindgen::generate!({ path: "../wit/greet.wit", world: "greeted" });

struct Front;

wasip3::http::service::export!(Front);

impl wasip3::exports::http::handler::Guest for Front {
    async fn handle(_request: Request) -> Result<Response, ErrorCode> {
        let said = test::greet::greeter::greet("0.3");
        let (mut writer, body) = wit_stream::new();
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
        wasip3::wit_bindgen::spawn_local(async move {
            writer.write_all(said.into_bytes()).await;
        });
        Ok(response)
    }
}
