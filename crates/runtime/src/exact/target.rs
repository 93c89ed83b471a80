//! `wasi:http/types`: anything that is not a path, query or scheme in RFC 3986 is rejected.
//! wasmtime drops a fragment, and takes schemes that begin with a digit, percent signs that encode
//! nothing, and in 0.2 ports that are not numbers.

use wasmtime::{
    StoreContextMut,
    component::{LinkerInstance, Resource},
};
use wasmtime_wasi_http::{
    p2::{
        bindings::http::{
            outgoing_handler::Host as _,
            types::{
                ErrorCode, HostOutgoingRequest as Host_0_2, RequestOptions, Scheme as Scheme_0_2,
            },
        },
        types::{HostFutureIncomingResponse, HostOutgoingRequest},
    },
    p3::{
        Request,
        bindings::http::types::{HostRequest as Host_0_3, Scheme as Scheme_0_3},
    },
};

use super::client::View;
use crate::state::State;

macro_rules! overriding {
    ($target:ident, $view:ident, $resource:literal, $request:ty, $host:ident, $scheme:ident) => {{
        $target.func_wrap(
            concat!("[method]", $resource, ".set-path-with-query"),
            move |mut store: StoreContextMut<'_, State>,
                  (request, path): (Resource<$request>, Option<String>)| {
                if path.as_deref().is_some_and(|path| !is_path(path)) {
                    return Ok((Err(()),));
                }
                let mut http = $view(store.data_mut());
                Ok(($host::set_path_with_query(&mut http, request, path)?,))
            },
        )?;
        $target.func_wrap(
            concat!("[method]", $resource, ".set-scheme"),
            move |mut store: StoreContextMut<'_, State>,
                  (request, scheme): (Resource<$request>, Option<$scheme>)| {
                if let Some($scheme::Other(text)) = &scheme
                    && !is_scheme(text)
                {
                    return Ok((Err(()),));
                }
                let mut http = $view(store.data_mut());
                Ok(($host::set_scheme(&mut http, request, scheme)?,))
            },
        )
    }};
}

pub(super) fn override_0_2(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    target.func_wrap(
        "[method]outgoing-request.set-authority",
        move |mut store: StoreContextMut<'_, State>,
              (request, authority): (Resource<HostOutgoingRequest>, Option<String>)| {
            if authority.as_deref().is_some_and(|authority| !is_port_or_none(authority)) {
                return Ok((Err(()),));
            }
            let mut http = view(store.data_mut());
            Ok((Host_0_2::set_authority(&mut http, request, authority)?,))
        },
    )?;
    overriding!(target, view, "outgoing-request", HostOutgoingRequest, Host_0_2, Scheme_0_2)
}

pub(super) fn override_0_3(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    overriding!(target, view, "request", Request, Host_0_3, Scheme_0_3)
}

type Handled = Result<Resource<HostFutureIncomingResponse>, ErrorCode>;

/// `wasi:http/outgoing-handler` 0.2: a request without a path has an empty one.
pub(super) fn override_handler(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    target.func_wrap(
        "handle",
        move |mut store: StoreContextMut<'_, State>,
              (request, options): (
            Resource<HostOutgoingRequest>,
            Option<Resource<RequestOptions>>,
        )| {
            let mut http = view(store.data_mut());
            let path = &mut http.table.get_mut(&request)?.path_with_query;
            path.get_or_insert_with(|| "/".to_owned());
            let handled: Handled = match http.handle(request, options) {
                Ok(future) => Ok(future),
                Err(error) => Err(error.downcast()?),
            };
            Ok((handled,))
        },
    )
}

/// Whether each percent sign begins two digits, and no fragment follows. wasmtime sees to the rest.
fn is_path(path: &str) -> bool {
    let mut encoded = path.split('%');
    let _before_the_first = encoded.next();
    !path.contains('#')
        && encoded.all(|rest| {
            rest.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
        })
}

/// Whether a port is all that follows the host of an authority. wasmtime sees to the rest.
fn is_port_or_none(authority: &str) -> bool {
    let target = authority.rsplit('@').next().unwrap_or_default();
    // Within brackets, colons are the address's own.
    let after = target.rsplit(']').next().unwrap_or_default();
    after.split_once(':').is_none_or(|(_, port)| {
        port.is_empty()
            || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
    })
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_schemes_are_told_from_others() {
        assert!(["", "/", "/a%20b?c=%C3%A4", "?a", "/%00"].into_iter().all(is_path));
        assert!(!["/#a", "/%", "/%2", "/%zz", "/a%2%20", "?#"].into_iter().any(is_path));
        assert!(["", "a", "a:80", "a:", "u:p@a", "u:p@[::1]:1"].into_iter().all(is_port_or_none));
        assert!(!["a:b", "a:+1", "a:65536", "[::1]:x"].into_iter().any(is_port_or_none));
        assert!(["http", "coap+tcp", "a1", "A-b."].into_iter().all(is_scheme));
        assert!(!["", "1a", "+a", "a b", "a:", "ä"].into_iter().any(is_scheme));
    }
}
