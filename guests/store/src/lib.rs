//! Does to a store what the path says: `/get/KEY`, `/get/KEY/TIMES`, `/set/KEY/VALUE`,
//! `/delete/KEY`, `/exists/KEY`, `/list`, `/increment/KEY/BY`, `/swap/KEY/OLD/NEW`, `/many/KEY/KEY…`. What stands before that
//! with a colon is the store's name: `/sessions:/get/KEY`.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({
    path: ["../../wit/wasi-keyvalue-0.2.0-draft2", "../wit/store.wit"],
    world: "test:store/user",
    generate_all,
});

use wasi::keyvalue::{atomics, batch, store};

struct Store;

wasip2::http::proxy::export!(Store);

impl wasip2::exports::http::incoming_handler::Guest for Store {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = reply::path(&request);
        let (name, path) = match path[1..].split_once(":/") {
            Some((name, rest)) => (name, rest),
            None => ("", &path[1..]),
        };
        match answer(name, path) {
            Ok(text) => reply::text(out, &text),
            Err(error) => reply::failure(out, &show(&error)),
        }
    }
}

fn show(error: &store::Error) -> String {
    match error {
        store::Error::NoSuchStore => "no such store".to_owned(),
        store::Error::AccessDenied => "access denied".to_owned(),
        store::Error::Other(text) => format!("other: {text}"),
    }
}

fn text(bytes: Option<Vec<u8>>) -> String {
    bytes.map_or("none".to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn answer(name: &str, path: &str) -> Result<String, store::Error> {
    let bucket = store::open(name)?;
    let parts: Vec<_> = path.split('/').collect();
    Ok(match parts.as_slice() {
        ["get", key] => text(bucket.get(key)?),
        ["get", key, times] => {
            // So many times, which is how a get is measured.
            let times: u64 = times.parse().expect("a number");
            for _ in 1..times {
                bucket.get(key)?;
            }
            text(bucket.get(key)?)
        }
        ["set", key, value] => bucket.set(key, value.as_bytes()).map(|()| "done".to_owned())?,
        ["delete", key] => bucket.delete(key).map(|()| "done".to_owned())?,
        ["exists", key] => bucket.exists(key)?.to_string(),
        ["list"] => list(&bucket)?.join(" "),
        ["increment", key, by] => {
            atomics::increment(&bucket, key, by.parse().expect("a number"))?.to_string()
        }
        ["swap", key, old, new] => swap(&bucket, key, old, new)?,
        ["many", keys @ ..] => many(&bucket, keys)?,
        _ => "what?".to_owned(),
    })
}

fn list(bucket: &store::Bucket) -> Result<Vec<String>, store::Error> {
    let mut keys = Vec::new();
    let mut cursor = None;
    loop {
        let page = bucket.list_keys(cursor.as_deref())?;
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            keys.sort();
            return Ok(keys);
        }
    }
}

/// Exchanges `old` for `new`; where the key has another value, says which.
fn swap(
    bucket: &store::Bucket,
    key: &str,
    old: &str,
    new: &str,
) -> Result<String, store::Error> {
    let cas = atomics::Cas::new(bucket, key)?;
    let current = text(cas.current()?);
    if current != old {
        return Ok(format!("it is {current}"));
    }
    // Another instance may be in between; with `interfere` this one is.
    if new == "interfere" {
        bucket.set(key, b"something else")?;
    }
    match atomics::swap(cas, new.as_bytes()) {
        Ok(()) => Ok("swapped".to_owned()),
        Err(atomics::CasError::StoreError(error)) => Err(error),
        Err(atomics::CasError::CasFailed(again)) => {
            Ok(format!("failed, it is {}", text(again.current()?)))
        }
    }
}

/// Gives all keys their own names as values, reads them and takes the first away.
fn many(bucket: &store::Bucket, keys: &[&str]) -> Result<String, store::Error> {
    let names: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let entries: Vec<_> = names.iter().map(|key| (key.clone(), key.clone().into_bytes())).collect();
    batch::set_many(bucket, &entries)?;
    batch::delete_many(bucket, &names[..1])?;
    let values = batch::get_many(bucket, &names)?;
    let values = values.into_iter().map(|entry| match entry {
        Some((key, value)) => format!("{key}={}", String::from_utf8_lossy(&value)),
        None => "none".to_owned(),
    });
    Ok(values.collect::<Vec<_>>().join(" "))
}
