//! What the components share that hold the host to the WIT files: assertions, each of which is
//! a line of output, and the two ways to run them, as a command and as a service.

use std::{
    fmt::{self, Debug},
    mem,
};

/// The assertions of one component so far.
#[derive(Default)]
pub struct Checks {
    interface: String,
    lines: Vec<String>,
}

impl Checks {
    /// Says which interface the assertions that follow are about, as `wasi:random/random@0.3.0`.
    pub fn interface(&mut self, name: &str) {
        name.clone_into(&mut self.interface);
    }

    /// Asserts that `got` is `expected`. `name` is the function, a colon, and what is promised.
    pub fn equal<T: PartialEq + Debug>(&mut self, name: &str, got: T, expected: T) {
        let is = got == expected;
        self.line(name, is, || format!("{got:?}, expected {expected:?}"));
    }

    /// Asserts that `holds` is true of `got`.
    pub fn that<T: Debug>(&mut self, name: &str, got: T, holds: impl FnOnce(&T) -> bool) {
        let is = holds(&got);
        self.line(name, is, || format!("{got:?}"));
    }

    /// Asserts that `got` is a success, and hands it on.
    pub fn good<T: Debug, E: Debug>(&mut self, name: &str, got: Result<T, E>) -> Option<T> {
        self.line(name, got.is_ok(), || format!("{:?}", got.as_ref().err()));
        got.ok()
    }

    /// Asserts that `got` is an error that is printed as `expected`.
    ///
    /// Error codes are variants without equality; their names are compared, with payloads left out.
    pub fn fails<T: Debug, E: Debug>(&mut self, name: &str, got: Result<T, E>, expected: &str) {
        let said = match &got {
            Ok(value) => format!("success with {value:?}"),
            Err(error) => code(error),
        };
        self.line(name, said == expected, || format!("{said}, expected {expected}"));
    }

    /// Asserts what a handler, which is a function of `interface`, sees of the request that asks for
    /// the assertions: `GET /`, of a server on the loopback.
    pub fn request(
        &mut self,
        interface: &str,
        method: &impl Debug,
        scheme: Option<&impl Debug>,
        authority: Option<String>,
        path: Option<String>,
    ) {
        self.interface(interface);
        self.equal("handle: the method", code(method), "Get".to_owned());
        self.equal(
            "handle: the scheme",
            scheme.map(|scheme| code(scheme)),
            Some("Http".to_owned()),
        );
        self.that("handle: the authority", authority, |authority| {
            authority.as_deref().is_some_and(|authority| authority.starts_with("127.0.0.1:"))
        });
        self.equal("handle: the path", path, Some("/".to_owned()));
    }

    fn line(&mut self, name: &str, is: bool, got: impl FnOnce() -> String) {
        let name = format!("{}#{name}", self.interface);
        self.lines.push(match is {
            true => format!("ok {name}"),
            // A line is an assertion, so what was got has to stay on one.
            false => format!("FAILED {name}: got {}", got().escape_debug()),
        });
    }
}

impl fmt::Display for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// The name of an error's case in Rust: `ErrorCode::NoEntry` and `NoEntry(..)` are `NoEntry`.
pub fn code(error: &impl Debug) -> String {
    let text = format!("{error:?}");
    // Enumerations without payloads print a structure: `ErrorCode { code: 20, name: "no-entry" …`
    if let Some((_, rest)) = text.split_once("name: \"") {
        return camel(rest.split('"').next().unwrap_or_default());
    }
    let name = text.split(['(', ' ']).next().unwrap_or_default();
    name.rsplit("::").next().unwrap_or_default().to_owned()
}

fn camel(kebab: &str) -> String {
    let mut upper = true;
    let mut name = String::new();
    for letter in kebab.chars() {
        if letter == '-' {
            upper = true;
        } else if mem::take(&mut upper) {
            name.push(letter.to_ascii_uppercase());
        } else {
            name.push(letter);
        }
    }
    name
}

/// Makes a component of WASI 0.3 of an async function that takes checks: `keyway run` prints
/// them, and `keyway up` answers with them.
#[macro_export]
macro_rules! component_p3 {
    ($check:path) => {
        struct Exact;

        wasip3::cli::command::export!(Exact);
        wasip3::http::service::export!(Exact);

        impl wasip3::exports::cli::run::Guest for Exact {
            async fn run() -> Result<(), ()> {
                let mut checks = $crate::Checks::default();
                $check(&mut checks).await;
                let (mut writer, reader) = wasip3::wit_stream::new();
                let written = wasip3::cli::stdout::write_via_stream(reader);
                writer.write_all(checks.to_string().into_bytes()).await;
                drop(writer);
                written.await.map_err(|_| ())
            }
        }

        impl wasip3::exports::http::handler::Guest for Exact {
            async fn handle(
                request: wasip3::http::types::Request,
            ) -> Result<wasip3::http::types::Response, wasip3::http::types::ErrorCode> {
                use wasip3::http::types::{Fields, Response};
                let mut checks = $crate::Checks::default();
                $check(&mut checks).await;
                checks.request(
                    "wasi:http/handler@0.3.0",
                    &request.get_method(),
                    request.get_scheme().as_ref(),
                    request.get_authority(),
                    request.get_path_with_query(),
                );
                let (mut writer, body) = wasip3::wit_stream::new();
                let (_, trailers) = wasip3::wit_future::new(|| Ok(None));
                let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
                wasip3::spawn_local(async move {
                    writer.write_all(checks.to_string().into_bytes()).await;
                });
                Ok(response)
            }
        }
    };
}

/// Makes a component of WASI 0.2 of a function that takes checks, as [`component_p3`] does.
///
/// `traps` is what a command does instead, with the assertion that is its argument: what traps.
/// `answers` takes the requests for other paths than `/`.
#[macro_export]
macro_rules! component_p2 {
    ($check:path $(, traps: $trap:path)? $(, answers: $answer:path)?) => {
        struct Exact;

        wasip2::cli::command::export!(Exact);
        wasip2::http::proxy::export!(Exact);

        impl wasip2::exports::cli::run::Guest for Exact {
            fn run() -> Result<(), ()> {
                $(
                    if let Some(what) = std::env::args().nth(1) {
                        $trap(&what);
                        return Ok(());
                    }
                )?
                let mut checks = $crate::Checks::default();
                $check(&mut checks);
                print!("{checks}");
                // The standard library does so at the end of `main`, which is not there.
                std::io::Write::flush(&mut std::io::stdout()).map_err(drop)
            }
        }

        impl wasip2::exports::http::incoming_handler::Guest for Exact {
            fn handle(
                request: wasip2::http::types::IncomingRequest,
                out: wasip2::http::types::ResponseOutparam,
            ) {
                use wasip2::http::types::{
                    Fields, OutgoingBody, OutgoingResponse, ResponseOutparam,
                };
                $(
                    if request.path_with_query().is_some_and(|path| path != "/") {
                        return $answer(request, out);
                    }
                )?
                let mut checks = $crate::Checks::default();
                $check(&mut checks);
                checks.request(
                    "wasi:http/incoming-handler@0.2.12",
                    &request.method(),
                    request.scheme().as_ref(),
                    request.authority(),
                    request.path_with_query(),
                );
                let response = OutgoingResponse::new(Fields::new());
                let body = response.body().expect("it is asked for once");
                ResponseOutparam::set(out, Ok(response));
                let stream = body.write().expect("it is asked for once");
                for piece in checks.to_string().as_bytes().chunks(4096) {
                    stream.blocking_write_and_flush(piece).expect("the client reads");
                }
                drop(stream);
                OutgoingBody::finish(body, None).expect("it is complete");
            }
        }
    };
}
