//! Answers with the configuration: `/get/KEY` with one value, `/all` with every one; `/log/TEXT`
//! logs a text in two lines.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({
    path: [
        "../../wit/wasi-config-0.2.0-draft",
        "../../wit/wasi-logging-0.1.0-draft",
        "../wit/config.wit",
    ],
    world: "test:config/reader",
    generate_all,
});

use wasi::{
    config::store,
    logging::logging::{Level, log},
};

struct Reader;

wasip2::http::proxy::export!(Reader);

impl wasip2::exports::http::incoming_handler::Guest for Reader {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = reply::path(&request);
        let answer = match path[1..].split_once('/').unwrap_or((&path[1..], "")) {
            ("get", key) => store::get(key).map(|value| value.unwrap_or("none".to_owned())),
            ("all", _) => store::get_all().map(|all| {
                let all: Vec<_> = all.iter().map(|(key, value)| format!("{key}={value}")).collect();
                all.join(" ")
            }),
            ("log", text) => {
                log(Level::Warn, "reader", &format!("{text}\nand more"));
                log(Level::Info, "", text);
                Ok("logged".to_owned())
            }
            _ => Ok("what?".to_owned()),
        };
        match answer {
            Ok(text) => reply::text(out, &text),
            Err(store::Error::Upstream(text)) => reply::failure(out, &format!("upstream: {text}")),
            Err(store::Error::Io(text)) => reply::failure(out, &format!("io: {text}")),
        }
    }
}
