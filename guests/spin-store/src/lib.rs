//! Keeps values as a component for Spin does: `/get/KEY`, `/set/KEY/VALUE`, `/delete/KEY`,
//! `/exists/KEY`, `/keys`, `/fill/COUNT`, `/many/KEY…`, `/variable/NAME`; and says by `/headers` which
//! headers of Spin's host it is given. What stands before that
//! with a colon is the store's label: `/sessions:/get/KEY`.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({
    path: ["../../wit/fermyon-spin-2.0.0", "../../wit/wasi-keyvalue-0.2.0-draft2-2024-10-17"],
    inline: "package test:spin-store; world user {
        import fermyon:spin/key-value@2.0.0;
        import fermyon:spin/variables@2.0.0;
        import wasi:keyvalue/store@0.2.0-draft2;
        import wasi:keyvalue/batch@0.2.0-draft2;
    }",
    world: "test:spin-store/user",
    generate_all,
});

use fermyon::spin::{key_value::{Error, Store}, variables};
use wasi::keyvalue::{batch, store};

struct SpinStore;

wasip2::http::proxy::export!(SpinStore);

impl wasip2::exports::http::incoming_handler::Guest for SpinStore {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = reply::path(&request);
        let (label, path) = match path[1..].split_once(":/") {
            Some((label, rest)) => (label, rest),
            None => ("default", &path[1..]),
        };
        if path == "headers" {
            return reply::text(out, &headers(&request));
        }
        match answer(label, path) {
            Ok(text) => reply::text(out, &text),
            Err(error) => reply::failure(out, &format!("{error:?}")),
        }
    }
}

fn answer(label: &str, path: &str) -> Result<String, Error> {
    let parts: Vec<_> = path.split('/').collect();
    match parts.as_slice() {
        ["variable", name] => return Ok(variable(name)),
        ["many", keys @ ..] => return Ok(many(keys)),
        _ => {}
    }
    let store = Store::open(label)?;
    let done = |()| "done".to_owned();
    Ok(match parts.as_slice() {
        ["get", key] => match store.get(key)? {
            Some(value) => String::from_utf8_lossy(&value).into_owned(),
            None => "none".to_owned(),
        },
        ["set", key, value] => store.set(key, value.as_bytes()).map(done)?,
        ["delete", key] => store.delete(key).map(done)?,
        ["exists", key] => store.exists(key)?.to_string(),
        ["keys"] => {
            let mut keys = store.get_keys()?;
            keys.sort();
            keys.join(" ")
        }
        ["fill", count] => {
            let count: u32 = count.parse().expect("a number");
            (0..count).try_for_each(|key| store.set(&key.to_string(), b"x"))?;
            store.get_keys()?.len().to_string()
        }
        _ => "what?".to_owned(),
    })
}

/// The headers of Spin's host, one a line.
fn headers(request: &IncomingRequest) -> String {
    let all = request.headers().entries().into_iter();
    let all = all.filter(|(name, _)| name.starts_with("spin-"));
    all.map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(&value))).collect()
}

fn variable(name: &str) -> String {
    match variables::get(name) {
        Ok(value) => value,
        Err(variables::Error::InvalidName(_)) => "invalid name".to_owned(),
        Err(variables::Error::Undefined(_)) => "undefined".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

/// Sets all but the first of `keys`, and asks for all of them at once.
fn many(keys: &[&str]) -> String {
    let bucket = store::open("default").expect("the store is linked");
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let entries: Vec<_> = keys[1..].iter().map(|key| (key.clone(), b"1".to_vec())).collect();
    batch::set_many(&bucket, &entries).expect("they are set");
    let values = batch::get_many(&bucket, &keys).expect("they are read");
    let shown = values.into_iter().map(|(key, value)| {
        let value = value.map(|value| String::from_utf8_lossy(&value).into_owned());
        format!("{key}={}", value.as_deref().unwrap_or("none"))
    });
    shown.collect::<Vec<_>>().join(" ")
}
