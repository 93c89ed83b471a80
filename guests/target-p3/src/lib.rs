//! Answers with what `wasi:http` 0.3 says of its request: the method, the scheme, the authority,
//! and the path with its query.

use wasip3::{
    http::types::{ErrorCode, Fields, Request, Response},
    wit_future, wit_stream,
};

struct Target;

wasip3::http::service::export!(Target);

impl wasip3::exports::http::handler::Guest for Target {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let said = format!(
            "{:?} {} {} {}",
            request.get_method(),
            request.get_scheme().map_or_else(|| "none".to_owned(), |scheme| format!("{scheme:?}")),
            request.get_authority().as_deref().unwrap_or("none"),
            request.get_path_with_query().as_deref().unwrap_or("none"),
        );
        let (mut writer, body) = wit_stream::new();
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
        wasip3::spawn_local(async move {
            writer.write_all(said.into_bytes()).await;
        });
        Ok(response)
    }
}
