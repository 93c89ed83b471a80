//! Handles messages: `count` adds to the counter of the topic, `fail` always fails, `fail-once` the
//! first time, `trap` traps, `ask` answers `answer`, `forward:TOPIC` sends on.

wit_bindgen::generate!({
    path: [
        "../../wit/wasi-keyvalue-0.2.0-draft2",
        "../../wit/wasi-messaging-0.2.0-draft",
        "../wit/messages.wit",
    ],
    world: "test:messages/worker",
    generate_all,
});

use exports::wasi::messaging::incoming_handler::Guest;
use wasi::{
    keyvalue::{atomics, store},
    messaging::{
        producer, request_reply,
        types::{Client, Error, Message},
    },
};

struct Worker;

export!(Worker);

fn failed(error: store::Error) -> Error {
    Error::Other(format!("{error:?}"))
}

impl Guest for Worker {
    fn handle(message: Message) -> Result<(), Error> {
        let topic = message.topic().ok_or(Error::Other("no topic".to_owned()))?;
        let bucket = store::open("").map_err(failed)?;
        let text = String::from_utf8_lossy(&message.data()).into_owned();
        match text.as_str() {
            "count" => {}
            "fail" => {
                atomics::increment(&bucket, "failures", 1).map_err(failed)?;
                return Err(Error::Other("it was to fail".to_owned()));
            }
            "fail-once" => {
                if atomics::increment(&bucket, "attempts", 1).map_err(failed)? == 1 {
                    return Err(Error::Other("the first time it fails".to_owned()));
                }
            }
            "trap" => panic!("it was to trap"),
            "ask" => return request_reply::reply(&message, Message::new(b"answer")),
            other => {
                if let Some(to) = other.strip_prefix("forward:") {
                    return producer::send(&Client::connect("")?, to, Message::new(b"count"));
                }
            }
        }
        atomics::increment(&bucket, &topic, 1).map_err(failed)?;
        Ok(())
    }
}
