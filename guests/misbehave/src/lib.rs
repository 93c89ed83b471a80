//! Does by path what a guest may do wrong, and some of what it may do right,
//! so that tests can see what the host makes of it.

mod bodies;
mod burdens;
mod waits;

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

/// Requests so far that asked for them.
static VISITS: AtomicU32 = AtomicU32::new(0);

struct Misbehave;

wasip2::http::proxy::export!(Misbehave);

impl wasip2::exports::http::incoming_handler::Guest for Misbehave {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        match reply::path(&request).as_str() {
            "/loop" => burdens::spin(),
            "/memory" => burdens::exhaust_memory(),
            "/stack" => reply::text(out, &burdens::exhaust_stack()),
            "/fields" => reply::text(out, &burdens::hoard_fields(reply::number(&request, "count"))),
            "/trap" => panic!("asked to trap"),
            "/silent" => drop(out),
            "/twice" => bodies::twice(out),
            "/hang" => waits::hang(),
            "/sleep" => {
                println!("sleeping");
                waits::sleep(reply::number(&request, "ms"));
                reply::text(out, "ok");
            }
            "/passed" => {
                waits::passed(reply::number(&request, "count"));
                reply::text(out, "ok");
            }
            "/late" => {
                reply::text(out, "ok");
                waits::sleep(reply::number(&request, "ms"));
                println!("late");
            }
            "/late-empty" => {
                let body = bodies::no_content(out);
                waits::sleep(reply::number(&request, "ms"));
                println!("late");
                drop(body);
            }
            "/trap-in-answer" => {
                let _open = bodies::begin(out);
                panic!("asked to trap");
            }
            "/hang-in-answer" => {
                let _open = bodies::begin(out);
                waits::hang();
            }
            "/trap-after-answer" => {
                let (stream, body) = bodies::begin(out);
                reply::close(stream, body);
                panic!("asked to trap");
            }
            "/half" => bodies::half(out),
            "/big" => bodies::big(out, reply::number(&request, "bytes")),
            "/count-body" => bodies::count(&request, out),
            "/echo" => bodies::echo(&request, out),
            "/trailers" => bodies::trailers(&request, out),
            path if path.ends_with("/headers") => bodies::headers(&request, out),
            "/stdout" => {
                println!("to stdout");
                eprintln!("to stderr");
                reply::text(out, "ok");
            }
            "/visits" => {
                let visit = VISITS.fetch_add(1, Relaxed) + 1;
                reply::text(out, &format!("visit {visit}"));
            }
            _ => reply::text(out, "ok"),
        }
    }
}
