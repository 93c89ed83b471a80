//! What a client sees of a [`Failure`]: the only place that maps them to HTTP (RFC 9110, section
//! 15). The log gets the whole sentence; the client learns what it can act on, and no internals.

use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};

use super::reply::text;
use super::{Body, Failure};

/// The answer in place of the one that failed.
pub(super) fn answer(failure: &Failure) -> Response<Body> {
    let (status, says) = explain(failure);
    let mut response = text(status, says);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn explain(failure: &Failure) -> (StatusCode, &'static str) {
    match failure {
        Failure::Busy { .. }
        | Failure::AppBusy(_)
        | Failure::NoTurn(_)
        | Failure::NoPlace(_)
        | Failure::NoRoom(_)
        | Failure::HostMemory(_)
        | Failure::AppMemory(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "All instances of this service are busy. Try again in a moment.\n",
        ),
        Failure::NotServed(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "This service is not available at the moment.\n")
        }
        Failure::TimedOut(_) => {
            (StatusCode::GATEWAY_TIMEOUT, "The service did not respond in time.\n")
        }
        Failure::CpuTime(_) => (
            StatusCode::GATEWAY_TIMEOUT,
            "The service reached its computing limit for a request.\n",
        ),
        Failure::BodyTooLarge(_) => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "The request body is larger than this service accepts.\n",
        ),
        Failure::Request(_) => {
            (StatusCode::BAD_REQUEST, "This service cannot accept this request.\n")
        }
        Failure::ErrorCode(code) => of_code(code),
        Failure::Memory(_) | Failure::Resources { .. } => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "The service reached its memory limit for a request.\n",
        ),
        Failure::Trap(_) | Failure::Denied(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "The service failed while responding.\n")
        }
        Failure::NoAnswer => {
            (StatusCode::INTERNAL_SERVER_ERROR, "The service ended without a response.\n")
        }
    }
}

/// A component mostly answers with the error of what it asked for itself, so that a client is told
/// which of the statuses of a gateway it is (RFC 9110, section 15.6).
fn of_code(code: &str) -> (StatusCode, &'static str) {
    let name = code.strip_prefix("ErrorCode::").unwrap_or(code);
    match name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default() {
        "ConnectionTimeout"
        | "ConnectionReadTimeout"
        | "ConnectionWriteTimeout"
        | "DnsTimeout"
        | "HttpResponseTimeout" => (
            StatusCode::GATEWAY_TIMEOUT,
            "The service could not answer, because something that it depends on took too long.\n",
        ),
        "ConnectionLimitReached" => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The service has no connection left for this request. Try again in a moment.\n",
        ),
        "InternalError" | "ConfigurationError" => {
            (StatusCode::INTERNAL_SERVER_ERROR, "The service failed while responding.\n")
        }
        _ => (
            StatusCode::BAD_GATEWAY,
            "The service could not respond, because something it depends on failed.\n",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_failure_has_its_status() {
        let second = Duration::from_secs(1);
        let resources = Failure::Resources { what: "tables", key: "tables", limit: 1 };
        let of = [
            (Failure::Busy { running: 1, waiting: 1 }, 503),
            (Failure::NoRoom("secret".into()), 503),
            (Failure::NotServed("secret".into()), 503),
            (Failure::HostMemory(1), 503),
            (Failure::AppMemory(1), 503),
            (Failure::AppBusy(1), 503),
            (Failure::NoPlace(second), 503),
            (Failure::TimedOut(second), 504),
            (Failure::CpuTime(second), 504),
            (Failure::Memory(1), 500),
            (resources, 500),
            (Failure::BodyTooLarge(1), 413),
            (Failure::Trap("secret".into()), 500),
            (Failure::Denied("secret".into()), 500),
            (Failure::NoAnswer, 500),
            (Failure::ErrorCode("secret".into()), 502),
            (Failure::ErrorCode("ErrorCode::DestinationNotFound".into()), 502),
            (Failure::ErrorCode("ErrorCode::HttpResponseTimeout".into()), 504),
            (Failure::ErrorCode("ErrorCode::ConnectionLimitReached".into()), 503),
            (Failure::ErrorCode("ErrorCode::InternalError(Some(\"secret\"))".into()), 500),
            (Failure::Request("secret".into()), 400),
        ];
        for (failure, status) in of {
            let response = answer(&failure);
            assert_eq!(response.status(), status, "{failure}");
            assert_eq!(response.headers().contains_key(RETRY_AFTER), status == 503, "{failure}");
            assert!(!explain(&failure).1.contains("secret"), "{failure}");
        }
    }
}
