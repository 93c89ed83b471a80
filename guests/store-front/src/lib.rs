//! `/own/get/KEY` and `/own/set/KEY/VALUE` go to its own store, `/inner/…` to that of the component
//! that it is linked to.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({
    path: ["../../wit/wasi-keyvalue-0.2.0-draft2", "../wit/store.wit"],
    world: "test:store/front",
    generate_all,
});

use test::store::keep;
use wasi::keyvalue::store;

struct Front;

wasip2::http::proxy::export!(Front);

impl wasip2::exports::http::incoming_handler::Guest for Front {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = reply::path(&request);
        let parts: Vec<_> = path[1..].split('/').collect();
        let done = match parts.as_slice() {
            ["own", "get", key] => own(|bucket| bucket.get(key)).map(|value| {
                value.map(|value| String::from_utf8_lossy(&value).into_owned())
            }),
            ["own", "set", key, value] => {
                own(|bucket| bucket.set(key, value.as_bytes())).map(|()| Some("done".to_owned()))
            }
            ["inner", "get", key] => keep::get(key),
            ["inner", "set", key, value] => keep::set(key, value).map(|()| Some("done".to_owned())),
            _ => Err("what?".to_owned()),
        };
        match done {
            Ok(text) => reply::text(out, text.as_deref().unwrap_or("none")),
            Err(error) => reply::failure(out, &error),
        }
    }
}

fn own<T>(work: impl Fn(&store::Bucket) -> Result<T, store::Error>) -> Result<T, String> {
    let bucket = store::open("").map_err(|error| format!("{error:?}"))?;
    work(&bucket).map_err(|error| format!("{error:?}"))
}
