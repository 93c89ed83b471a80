//! Answers with what `wasi:http` 0.3 says of its request: the method, the scheme, the authority,
//! and the path with its query; by a path that ends in `/headers`, with the request's headers.

use wasip3::{
    http::types::{ErrorCode, Fields, Request, Response},
    wit_future, wit_stream,
};

struct Target;

wasip3::http::service::export!(Target);

impl wasip3::exports::http::handler::Guest for Target {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let is_about_headers = path.ends_with("/headers");
        let headers: String = request
            .get_headers()
            .copy_all()
            .into_iter()
            .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(&value)))
            .collect();
        let target = format!(
            "{:?} {} {} {}",
            request.get_method(),
            request.get_scheme().map_or_else(|| "none".to_owned(), |scheme| format!("{scheme:?}")),
            request.get_authority().as_deref().unwrap_or("none"),
            request.get_path_with_query().as_deref().unwrap_or("none"),
        );
        let said = if is_about_headers { headers } else { target };
        let (mut writer, body) = wit_stream::new();
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
        wasip3::spawn_local(async move {
            writer.write_all(said.into_bytes()).await;
        });
        Ok(response)
    }
}
