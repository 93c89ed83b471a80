//! Keeps values as a component for Spin 4 does, without blocking: `/get/KEY`, `/set/KEY/VALUE`,
//! `/fill/COUNT`, `/variable/NAME`.

use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_future, wit_stream};

/// What it imports. Its streams are of its own, beside those of `wasip3`.
mod import {
    wit_bindgen::generate!({
        path: ["../../wit/spin-key-value-3.0.0", "../../wit/spin-variables-3.0.0"],
        inline: "package test:spin-async; world user {
            import spin:key-value/key-value@3.0.0;
            import spin:variables/variables@3.0.0;
        }",
        world: "test:spin-async/user",
        generate_all,
    });
}

use import::spin::{key_value::key_value::{Error, Store}, variables::variables};

struct SpinAsync;

wasip3::http::service::export!(SpinAsync);

impl wasip3::exports::http::handler::Guest for SpinAsync {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let said = match answer(&path[1..]).await {
            Ok(text) => text,
            Err(error) => format!("{error:?}"),
        };
        let (mut writer, body) = wit_stream::new();
        let (_, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
        wit_bindgen::spawn_local(async move {
            writer.write_all(said.into_bytes()).await;
        });
        Ok(response)
    }
}

async fn answer(path: &str) -> Result<String, Error> {
    let parts: Vec<_> = path.split('/').collect();
    if let ["variable", name] = parts.as_slice() {
        return Ok(match variables::get((*name).to_owned()).await {
            Ok(value) => value,
            Err(error) => format!("{error:?}"),
        });
    }
    let store = Store::open("default".to_owned()).await?;
    Ok(match parts.as_slice() {
        ["get", key] => match store.get((*key).to_owned()).await? {
            Some(value) => String::from_utf8_lossy(&value).into_owned(),
            None => "none".to_owned(),
        },
        ["set", key, value] => {
            store.set((*key).to_owned(), value.as_bytes().to_vec()).await?;
            store.exists((*key).to_owned()).await?.to_string()
        }
        ["fill", count] => {
            for key in 0..count.parse().expect("a number") {
                store.set(u32::to_string(&key), b"x".to_vec()).await?;
            }
            store.delete("0".to_owned()).await?;
            let (mut keys, ended) = store.get_keys().await;
            let mut found = 0;
            while keys.next().await.is_some() {
                found += 1;
            }
            ended.await?;
            u32::to_string(&found)
        }
        _ => "what?".to_owned(),
    })
}
