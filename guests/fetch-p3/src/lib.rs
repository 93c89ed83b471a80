//! Asks the server that the path names (`/127.0.0.1:80`), by `wasi:http` 0.3, and answers with the
//! status that it gave, or with the error.

use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Request, Response, Scheme};
use wasip3::{wit_bindgen, wit_future, wit_stream};

struct Fetch;

wasip3::http::service::export!(Fetch);

impl wasip3::exports::http::handler::Guest for Fetch {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let said = match ask(path.trim_start_matches('/')).await {
            Ok(status) => status.to_string(),
            Err(error) => format!("{error:?}"),
        };
        let (mut writer, body) = wit_stream::new();
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
        wit_bindgen::spawn_local(async move {
            writer.write_all(said.into_bytes()).await;
        });
        Ok(response)
    }
}

async fn ask(authority: &str) -> Result<u16, ErrorCode> {
    let wrong = |()| ErrorCode::HttpRequestUriInvalid;
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _sent) = Request::new(Fields::new(), None, trailers, None);
    request.set_scheme(Some(&Scheme::Http)).map_err(wrong)?;
    request.set_authority(Some(authority)).map_err(wrong)?;
    request.set_path_with_query(Some("/")).map_err(wrong)?;
    Ok(client::send(request).await?.get_status_code())
}
