//! Keeps values as a component for the first Spin did: `/get/KEY`, `/set/KEY/VALUE`, `/keys`,
//! `/guess/HANDLE`, `/closed`, `/config/KEY`.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({
    path: "../../wit/fermyon-spin",
    world: "fermyon:spin/imports",
    generate_all,
});

use fermyon::spin::{config, key_value::{self, Error}};

struct SpinFirst;

wasip2::http::proxy::export!(SpinFirst);

impl wasip2::exports::http::incoming_handler::Guest for SpinFirst {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        match answer(&reply::path(&request)) {
            Ok(text) => reply::text(out, &text),
            Err(error) => reply::failure(out, &format!("{error:?}")),
        }
    }
}

fn answer(path: &str) -> Result<String, Error> {
    let parts: Vec<_> = path[1..].split('/').collect();
    Ok(match parts.as_slice() {
        ["config", key] => match config::get_config(key) {
            Ok(value) => value,
            Err(config::Error::InvalidKey(_)) => "invalid key".to_owned(),
            Err(config::Error::Provider(_)) => "provider".to_owned(),
            Err(error) => format!("{error:?}"),
        },
        // A handle that nobody gave to it.
        ["guess", handle] => key_value::get_keys(handle.parse().expect("a number"))?.join(" "),
        ["closed"] => {
            let store = key_value::open("default")?;
            key_value::close(store);
            key_value::get_keys(store)?.join(" ")
        }
        ["get", key] => {
            let value = key_value::get(key_value::open("default")?, key)?;
            String::from_utf8_lossy(&value).into_owned()
        }
        ["set", key, value] => {
            key_value::set(key_value::open("default")?, key, value.as_bytes())?;
            "done".to_owned()
        }
        ["keys"] => key_value::get_keys(key_value::open("")?)?.join(" "),
        _ => "what?".to_owned(),
    })
}
