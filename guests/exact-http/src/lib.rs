//! Holds `wasi:http` 0.2 to what its WIT file says. It is given the same as `exact-http-p3`.

mod answer;
mod body;
mod client;
mod field;
mod message;

exact::component_p2!(check, traps: body::trap, answers: answer::answer);

fn check(checks: &mut exact::Checks) {
    checks.interface("wasi:http/types@0.2.12");
    field::check(checks);
    message::check(checks);
    body::check(checks);
    checks.interface("wasi:http/outgoing-handler@0.2.12");
    client::check(checks);
}
