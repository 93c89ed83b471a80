//! Does by path what a guest may do wrong, and some of what it may do right,
//! so that tests can see what the host makes of it.

mod bodies;
mod burdens;
mod waits;

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

struct Misbehave;

wasip2::http::proxy::export!(Misbehave);

impl wasip2::exports::http::incoming_handler::Guest for Misbehave {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        match reply::path(&request).as_str() {
            "/loop" => burdens::spin(),
            "/memory" => burdens::exhaust_memory(),
            "/stack" => reply::text(out, &burdens::exhaust_stack()),
            "/trap" => panic!("asked to trap"),
            "/silent" => drop(out),
            "/hang" => waits::hang(),
            "/sleep" => {
                println!("sleeping");
                waits::sleep(number(&request, "ms"));
                reply::text(out, "ok");
            }
            "/late" => {
                reply::text(out, "ok");
                waits::sleep(number(&request, "ms"));
                println!("late");
            }
            "/half" => bodies::half(out),
            "/big" => bodies::big(out, number(&request, "bytes")),
            "/count-body" => bodies::count(&request, out),
            "/echo" => bodies::echo(&request, out),
            "/headers" => bodies::headers(&request, out),
            "/stdout" => {
                println!("to stdout");
                eprintln!("to stderr");
                reply::text(out, "ok");
            }
            _ => reply::text(out, "ok"),
        }
    }
}

/// The number that the query gives as `key`; 0 where it gives none.
fn number(request: &IncomingRequest, key: &str) -> u64 {
    let target = request.path_with_query().unwrap_or_default();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == key)
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0)
}
