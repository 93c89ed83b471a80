//! Exports `test:store/keep`: a store of its own, for others.

wit_bindgen::generate!({
    path: ["../../wit/wasi-keyvalue-0.2.0-draft2", "../wit/store.wit"],
    world: "test:store/inner",
    generate_all,
});

use wasi::keyvalue::store;

struct Inner;

export!(Inner);

impl exports::test::store::keep::Guest for Inner {
    fn get(key: String) -> Result<Option<String>, String> {
        let bucket = store::open("default").map_err(|error| format!("{error:?}"))?;
        let value = bucket.get(&key).map_err(|error| format!("{error:?}"))?;
        Ok(value.map(|value| String::from_utf8_lossy(&value).into_owned()))
    }

    fn set(key: String, value: String) -> Result<(), String> {
        let bucket = store::open("default").map_err(|error| format!("{error:?}"))?;
        bucket.set(&key, value.as_bytes()).map_err(|error| format!("{error:?}"))
    }
}
