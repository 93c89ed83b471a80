//! Sends what the path says: `/send/TOPIC/TEXT`, `/send/TOPIC/TEXT/TIMES`, and `/ask/TOPIC/TEXT`,
//! which waits for an answer. What stands before that with a colon is the broker's name.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({
    path: [
        "../../wit/wasi-keyvalue-0.2.0-draft2",
        "../../wit/wasi-messaging-0.2.0-draft",
        "../wit/messages.wit",
    ],
    world: "test:messages/sender",
    generate_all,
});

use wasi::messaging::{
    producer,
    request_reply::{self, RequestOptions},
    types::{Client, Error, Message},
};

struct Sender;

wasip2::http::proxy::export!(Sender);

impl wasip2::exports::http::incoming_handler::Guest for Sender {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = reply::path(&request);
        let (name, path) = match path[1..].split_once(":/") {
            Some((name, rest)) => (name, rest),
            None => ("", &path[1..]),
        };
        match answer(name, path) {
            Ok(text) => reply::text(out, &text),
            Err(Error::Timeout) => reply::failure(out, "timeout"),
            Err(Error::Connection(text)) => reply::failure(out, &format!("connection: {text}")),
            Err(Error::PermissionDenied(text)) => reply::failure(out, &format!("denied: {text}")),
            Err(Error::Other(text)) => reply::failure(out, &format!("other: {text}")),
        }
    }
}

fn answer(name: &str, path: &str) -> Result<String, Error> {
    let client = Client::connect(name)?;
    let parts: Vec<_> = path.split('/').collect();
    match parts.as_slice() {
        ["send", topic, text] => {
            producer::send(&client, topic, Message::new(text.as_bytes()))?;
        }
        ["send", topic, text, times] => {
            for _ in 0..times.parse().expect("a number") {
                producer::send(&client, topic, Message::new(text.as_bytes()))?;
            }
        }
        ["ask", topic, text] => {
            let options = RequestOptions::new();
            options.set_timeout_ms(5_000);
            let message = Message::new(text.as_bytes());
            let answers = request_reply::request(&client, topic, &message, Some(options))?;
            return Ok(String::from_utf8_lossy(&answers[0].data()).into_owned());
        }
        _ => return Ok("what?".to_owned()),
    }
    Ok("done".to_owned())
}
