//! Says what its instance has seen of other requests, by `wasi:http` 0.3. What it does besides is
//! in the request's path.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use wasip3::{
    clocks::monotonic_clock::wait_for,
    http::types::{ErrorCode, Fields, Request, Response},
    wit_bindgen::{self, rt::async_support::StreamWriter},
    wit_future, wit_stream,
};

/// Requests so far.
static VISITS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// For each request that is held: what releases it when it is dropped.
    static HELD: RefCell<Vec<StreamWriter<u8>>> = const { RefCell::new(Vec::new()) };
}

const MOMENT_NS: u64 = 20_000_000;

/// Centuries.
const FOREVER_NS: u64 = u64::MAX / 2;

struct Visits;

wasip3::http::service::export!(Visits);

impl wasip3::exports::http::handler::Guest for Visits {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let visit = VISITS.fetch_add(1, Relaxed) + 1;
        match request.get_path_with_query().as_deref() {
            Some("/hold") => {
                // The host has seen that the instance waits before it says so.
                wait_for(MOMENT_NS).await;
                held(|waiting| println!("{waiting} wait")).await;
            }
            Some("/release") => drop(HELD.take()),
            Some("/trap") => panic!("asked to trap"),
            Some("/trap-soon") => {
                wait_for(MOMENT_NS).await;
                panic!("asked to trap");
            }
            Some("/error") => return Err(ErrorCode::ConnectionTimeout),
            Some("/loop") => spin(),
            Some("/hang") => wait_for(FOREVER_NS).await,
            Some("/late") => wit_bindgen::spawn_local(async {
                wait_for(MOMENT_NS).await;
                println!("late");
            }),
            Some("/linger") => wit_bindgen::spawn_local(wait_for(FOREVER_NS)),
            Some("/drip") => return Ok(drip()),
            _ => {}
        }
        Ok(text(format!("visit {visit}")))
    }
}

/// Waits until `/release` is asked for in the same instance. How many requests do is given to
/// `tell`.
async fn held(tell: impl FnOnce(usize)) {
    let (release, mut released) = wit_stream::new();
    HELD.with_borrow_mut(|held| held.push(release));
    tell(HELD.with_borrow(Vec::len));
    // Nothing is sent: it ends.
    released.next().await;
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

/// An answer in two parts, of which the second has to be released.
fn drip() -> Response {
    respond(async |mut writer| {
        writer.write_all(b"first ".to_vec()).await;
        held(|_| ()).await;
        writer.write_all(b"second".to_vec()).await;
    })
}

fn respond(write: impl AsyncFnOnce(StreamWriter<u8>) + 'static) -> Response {
    let (writer, body) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
    wit_bindgen::spawn_local(write(writer));
    response
}
