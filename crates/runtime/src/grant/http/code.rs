//! What went wrong with a request, as one of the interface's errors.

use std::{error::Error as StdError, io};

use rustix::io::Errno;
use wasmtime_wasi_http::{Error, p3::bindings::http::types as error_0_3};

use crate::descriptor::Exhausted;
use crate::grant::client::Prohibited;

/// Finds the error of the interface that says best what happened.
pub(super) fn code(error: &hyper_util::client::legacy::Error) -> Error {
    let mut source: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = source {
        if error.is::<Prohibited>() {
            return Error::DestinationIpProhibited;
        }
        if error.is::<Exhausted>() {
            return Error::ConnectionLimitReached;
        }
        if let Some(error) = error.downcast_ref::<Error>() {
            // What went wrong with the request's own body; the guest sees that there too.
            return again(error);
        }
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return code_of_tls(error);
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            if let Some(Errno::MFILE | Errno::NFILE) = Errno::from_io_error(error) {
                return Error::ConnectionLimitReached;
            }
            match error.kind() {
                io::ErrorKind::ConnectionRefused => return Error::ConnectionRefused,
                io::ErrorKind::TimedOut => return Error::ConnectionTimeout,
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::BrokenPipe => return Error::ConnectionTerminated,
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                    return Error::DestinationUnavailable;
                }
                _ => {}
            }
            if let Some(inner) = error.get_ref() {
                source = Some(inner);
                continue;
            }
        }
        if error.downcast_ref().is_some_and(is_closing) {
            return Error::ConnectionTerminated;
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_incomplete_message() {
                return Error::ConnectionTerminated;
            }
            if error.is_body_write_aborted() {
                // It ended before as much was sent as it had said.
                return Error::HttpRequestBodySize(None);
            }
            if error.is_parse_too_large() {
                return Error::HttpResponseHeaderSectionSize(None);
            }
            if error.is_parse() {
                return Error::HttpProtocolError;
            }
        }
        if error.to_string() == "dns error" {
            return match error.source().map(code_of_lookup) {
                Some(code) => code,
                None => Error::DnsError { rcode: None, info_code: None },
            };
        }
        source = error.source();
    }
    if error.is_connect() { Error::DestinationUnavailable } else { Error::HttpProtocolError }
}

/// Whether a server of HTTP/2 closes the connection in order (RFC 9113, section 6.8).
fn is_closing(error: &h2::Error) -> bool {
    error.is_remote() && error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR)
}

/// What went wrong with the encryption, if it was that.
pub(super) fn tls_error(error: &hyper_util::client::legacy::Error) -> Option<&rustls::Error> {
    let mut source: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        // The source of such an error is that of the one within.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        source = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn code_of_tls(error: &rustls::Error) -> Error {
    match error {
        rustls::Error::InvalidCertificate(_) => Error::TlsCertificateError,
        rustls::Error::AlertReceived(alert) => Error::TlsAlertReceived {
            alert_id: Some(u8::from(*alert)),
            alert_message: Some(format!("{alert:?}")),
        },
        _ => Error::TlsProtocolError,
    }
}

fn code_of_lookup(error: &(dyn StdError + 'static)) -> Error {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) if inner.is::<Prohibited>() => Error::DestinationIpProhibited,
        Some(inner) if inner.is::<Exhausted>() => Error::ConnectionLimitReached,
        _ => Error::DnsError { rcode: Some(error.to_string()), info_code: None },
    }
}

/// What ended the body of an answer.
pub(super) fn code_of_body(error: &hyper::Error) -> Error {
    let mut source: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = source {
        match error.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::UnexpectedEof) => return Error::HttpResponseIncomplete,
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted) => {
                return Error::ConnectionTerminated;
            }
            _ => source = error.source(),
        }
    }
    if error.is_incomplete_message() {
        return Error::HttpResponseIncomplete;
    }
    Error::HttpProtocolError
}

/// The same error; it cannot be cloned. Those that no host function makes become a general one.
fn again(error: &Error) -> Error {
    code_0_3(error).into()
}

/// The error of `wasi:http` 0.3 that says the same.
pub(crate) fn code_0_3(error: &Error) -> error_0_3::ErrorCode {
    use error_0_3::ErrorCode as Code;
    match error {
        Error::ConnectionLimitReached => Code::ConnectionLimitReached,
        Error::ConnectionReadTimeout => Code::ConnectionReadTimeout,
        Error::ConnectionRefused => Code::ConnectionRefused,
        Error::ConnectionTerminated => Code::ConnectionTerminated,
        Error::ConnectionTimeout => Code::ConnectionTimeout,
        Error::DestinationIpProhibited => Code::DestinationIpProhibited,
        Error::DestinationUnavailable => Code::DestinationUnavailable,
        Error::DnsError { rcode, info_code } => Code::DnsError(error_0_3::DnsErrorPayload {
            rcode: rcode.clone(),
            info_code: *info_code,
        }),
        Error::HttpRequestBodySize(bytes) => Code::HttpRequestBodySize(*bytes),
        Error::HttpRequestDenied => Code::HttpRequestDenied,
        Error::HttpRequestUriInvalid => Code::HttpRequestUriInvalid,
        Error::HttpResponseHeaderSectionSize(bytes) => Code::HttpResponseHeaderSectionSize(*bytes),
        Error::HttpResponseIncomplete => Code::HttpResponseIncomplete,
        Error::InternalError(text) => Code::InternalError(text.clone()),
        Error::TlsAlertReceived { alert_id, alert_message } => {
            Code::TlsAlertReceived(error_0_3::TlsAlertReceivedPayload {
                alert_id: *alert_id,
                alert_message: alert_message.clone(),
            })
        }
        Error::TlsCertificateError => Code::TlsCertificateError,
        Error::TlsProtocolError => Code::TlsProtocolError,
        _ => Code::HttpProtocolError,
    }
}
