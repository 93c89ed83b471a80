//! The same as `store`, as far as the first draft goes: `/get/KEY`, `/set/KEY/VALUE`, `/list`,
//! `/increment/KEY/BY`, `/many/KEY`.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({
    path: ["../../wit/wasi-keyvalue-0.2.0-draft", "../wit/store-first-draft.wit"],
    world: "test:store-first-draft/user",
    generate_all,
});

use wasi::keyvalue::{atomics, batch, store};

struct Store;

wasip2::http::proxy::export!(Store);

impl wasip2::exports::http::incoming_handler::Guest for Store {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        match answer(&reply::path(&request)) {
            Ok(text) => reply::text(out, &text),
            Err(error) => reply::failure(out, &format!("{error:?}")),
        }
    }
}

fn answer(path: &str) -> Result<String, store::Error> {
    let bucket = store::open("default")?;
    let parts: Vec<_> = path[1..].split('/').collect();
    Ok(match parts.as_slice() {
        ["get", key] => format!("{:?}", bucket.get(key)?.map(String::from_utf8)),
        ["set", key, value] => bucket.set(key, value.as_bytes()).map(|()| "done".to_owned())?,
        ["increment", key, by] => {
            atomics::increment(&bucket, key, by.parse().expect("a number"))?.to_string()
        }
        ["list"] => {
            let mut keys = Vec::new();
            let mut cursor = None;
            loop {
                let page = bucket.list_keys(cursor)?;
                keys.extend(page.keys);
                cursor = page.cursor;
                if cursor.is_none() {
                    break keys.len().to_string();
                }
            }
        }
        ["many", key] => {
            let value = batch::get_many(&bucket, &[(*key).to_owned()])?;
            format!("{value:?}")
        }
        ["fill", count] => {
            let count: u32 = count.parse().expect("a number");
            let entry = |number: u32| (format!("filled-{number}"), number.to_string().into_bytes());
            let entries: Vec<_> = (0..count).map(entry).collect();
            batch::set_many(&bucket, &entries).map(|()| "done".to_owned())?
        }
        _ => "what?".to_owned(),
    })
}
