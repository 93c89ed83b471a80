//! Talks to the server of Redis whose host and port the path names, as a component for Spin does:
//! `/HOST:PORT/COMMAND`. A password stands before the host, as in `/:PASSWORD@HOST:PORT/…`.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

wit_bindgen::generate!({
    path: "../../wit/fermyon-spin-2.0.0",
    inline: "package test:spin-redis; world user { import fermyon:spin/redis@2.0.0; }",
    world: "test:spin-redis/user",
    generate_all,
});

use fermyon::spin::redis::{Connection, Error, RedisParameter, RedisResult};

struct SpinRedis;

wasip2::http::proxy::export!(SpinRedis);

impl wasip2::exports::http::incoming_handler::Guest for SpinRedis {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = reply::path(&request);
        let (server, command) = path[1..].split_once('/').unwrap_or_default();
        match answer(server, command) {
            Ok(text) => reply::text(out, &text),
            Err(error) => reply::text(out, &format!("{error:?}")),
        }
    }
}

fn answer(server: &str, command: &str) -> Result<String, Error> {
    let redis = Connection::open(&format!("redis://{server}"))?;
    let done = |()| "done".to_owned();
    let text = |value: Option<Vec<u8>>| match value {
        Some(value) => String::from_utf8_lossy(&value).into_owned(),
        None => "none".to_owned(),
    };
    let key = "key".to_owned();
    Ok(match command {
        "get" => text(redis.get(&key)?),
        "set" => redis.set(&key, b"value").map(done)?,
        "incr" => redis.incr("count")?.to_string(),
        "incr-text" => redis.incr(&key)?.to_string(),
        "del" => redis.del(&[key, "other".to_owned()])?.to_string(),
        "publish" => redis.publish("channel", b"payload").map(done)?,
        "members" => {
            let all = ["a".to_owned(), "b".to_owned()];
            let (added, removed) = (redis.sadd("set", &all)?, redis.srem("set", &all[..1])?);
            format!("{added} {removed} {}", redis.smembers("set")?.join(" "))
        }
        "execute" => {
            let append = [
                RedisParameter::Binary(b"list".to_vec()),
                RedisParameter::Int64(7),
                RedisParameter::Binary(b"x".to_vec()),
            ];
            redis.execute("DEL", &append[..1])?;
            redis.execute("RPUSH", &append)?;
            let range = [RedisParameter::Binary(b"list".to_vec()), RedisParameter::Int64(0)];
            let range = range.into_iter().chain([RedisParameter::Int64(-1)]);
            let found = redis.execute("LRANGE", &range.collect::<Vec<_>>())?;
            let shown = found.into_iter().map(|value| match value {
                RedisResult::Binary(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                value => format!("{value:?}"),
            });
            shown.collect::<Vec<_>>().join(" ")
        }
        _ => "what?".to_owned(),
    })
}
