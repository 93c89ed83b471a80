//! Holds `wasi:http` 0.2 to what its WIT file says. It is given the same as `exact-http-p3`.

mod client;
mod message;

exact::component_p2!(check);

fn check(checks: &mut exact::Checks) {
    checks.interface("wasi:http/types@0.2.12");
    message::check(checks);
    checks.interface("wasi:http/outgoing-handler@0.2.12");
    client::check(checks);
}
