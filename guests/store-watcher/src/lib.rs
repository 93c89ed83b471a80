//! Copies what it is told of: a value of `KEY` to `seen-KEY`, and of a key that is gone it writes
//! `gone-KEY`. It traps at the value `trap`.

wit_bindgen::generate!({
    path: ["../../wit/wasi-keyvalue-0.2.0-draft2", "../wit/store.wit"],
    world: "test:store/watching",
    generate_all,
});

use exports::wasi::keyvalue::watcher::Guest;
use wasi::keyvalue::store::Bucket;

struct Watcher;

export!(Watcher);

impl Guest for Watcher {
    fn on_set(bucket: Bucket, key: String, value: Vec<u8>) {
        assert_ne!(value, b"trap", "asked to trap");
        bucket.set(&format!("seen-{key}"), &value).expect("written");
    }

    fn on_delete(bucket: Bucket, key: String) {
        bucket.set(&format!("gone-{key}"), b"gone").expect("written");
    }
}
