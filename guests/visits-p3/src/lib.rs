//! Says what its instance has seen of other requests, by `wasi:http` 0.3. What it does besides is
//! in the request's path.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use wasip3::{
    clocks::monotonic_clock::wait_for,
    http::types::{ErrorCode, Fields, Request, Response},
    wit_bindgen, wit_future, wit_stream,
};

/// Requests so far.
static VISITS: AtomicU32 = AtomicU32::new(0);
/// Requests that wait now.
static WAITING: AtomicU32 = AtomicU32::new(0);

const MOMENT_NS: u64 = 300_000_000;

struct Visits;

wasip3::http::service::export!(Visits);

impl wasip3::exports::http::handler::Guest for Visits {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let visit = VISITS.fetch_add(1, Relaxed) + 1;
        match request.get_path_with_query().as_deref() {
            Some("/together") => {
                WAITING.fetch_add(1, Relaxed);
                wait_for(MOMENT_NS).await;
                let waiting = WAITING.load(Relaxed);
                wait_for(MOMENT_NS).await;
                WAITING.fetch_sub(1, Relaxed);
                return Ok(text(format!("{waiting} wait")));
            }
            Some("/trap") => panic!("asked to trap"),
            Some("/trap-soon") => {
                wait_for(MOMENT_NS).await;
                panic!("asked to trap");
            }
            Some("/error") => return Err(ErrorCode::ConnectionTimeout),
            Some("/loop") => spin(),
            Some("/hang") => wait_for(10_000 * MOMENT_NS).await,
            Some("/late") => wit_bindgen::spawn_local(async {
                wait_for(2 * MOMENT_NS).await;
                println!("late");
            }),
            Some("/drip") => return Ok(drip()),
            _ => {}
        }
        Ok(text(format!("visit {visit}")))
    }
}

fn spin() -> ! {
    loop {
        std::hint::black_box(());
    }
}

fn text(text: String) -> Response {
    respond(async move |mut writer| {
        writer.write_all(text.into_bytes()).await;
    })
}

/// An answer in two parts, with a moment between them.
fn drip() -> Response {
    respond(async |mut writer| {
        writer.write_all(b"first ".to_vec()).await;
        wait_for(MOMENT_NS).await;
        writer.write_all(b"second".to_vec()).await;
    })
}

fn respond(
    write: impl AsyncFnOnce(wasip3::wit_bindgen::rt::async_support::StreamWriter<u8>) + 'static,
) -> Response {
    let (writer, body) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
    wit_bindgen::spawn_local(write(writer));
    response
}
