//! Asks the server that the path names (`/127.0.0.1:80`, `/https/localhost:443`), by `wasi:http` 0.3,
//! and answers with the status that it gave, or with the error. By `/after/…` and `/endless/…` the
//! server is asked after the answer, for `/sent` or `/lost`: what became of it. By `/hear/LOCAL/PEER`
//! it answers with what it hears by UDP.

mod hear;

use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Request, Response, Scheme};
use wasip3::{wit_bindgen, wit_future, wit_stream};

struct Fetch;

wasip3::http::service::export!(Fetch);

impl wasip3::exports::http::handler::Guest for Fetch {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let path = path.trim_start_matches('/');
        let status = match path.split_once('/') {
            Some(("after", server)) => return Ok(tell(server.to_owned(), 1)),
            Some(("endless", server)) => return Ok(tell(server.to_owned(), usize::MAX)),
            Some(("hear", addresses)) => return Ok(text(hear::hear(addresses).await)),
            Some(("https", server)) => ask(Scheme::Https, server, "/").await,
            _ => ask(Scheme::Http, path, "/").await,
        };
        Ok(text(match status {
            Ok(status) => status.to_string(),
            Err(error) => format!("{error:?}"),
        }))
    }
}

fn text(said: String) -> Response {
    let (mut writer, body) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
    wit_bindgen::spawn_local(async move {
        writer.write_all(said.into_bytes()).await;
    });
    response
}

/// An answer of so many pieces. When it is sent, or never will be, the server is asked.
fn tell(server: String, pieces: usize) -> Response {
    let (mut writer, body) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, sent) = Response::new(Fields::new(), Some(body), trailers);
    wit_bindgen::spawn_local(async move {
        for _ in 0..pieces {
            let unread = writer.write_all(vec![b'.'; 4096]).await;
            if !unread.is_empty() {
                break;
            }
        }
        drop(writer);
        let path = if sent.await.is_ok() { "/sent" } else { "/lost" };
        // What it answers is all the same.
        let _ = ask(Scheme::Http, &server, path).await;
    });
    response
}

async fn ask(scheme: Scheme, authority: &str, path: &str) -> Result<u16, ErrorCode> {
    let wrong = |()| ErrorCode::HttpRequestUriInvalid;
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _sent) = Request::new(Fields::new(), None, trailers, None);
    request.set_scheme(Some(&scheme)).map_err(wrong)?;
    request.set_authority(Some(authority)).map_err(wrong)?;
    request.set_path_with_query(Some(path)).map_err(wrong)?;
    Ok(client::send(request).await?.get_status_code())
}
