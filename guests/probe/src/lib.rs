//! Tries what a component may be granted or denied, and says in a line or
//! more how it went. It never panics: a denial is an answer.

mod outgoing;
mod sockets;
mod surroundings;

/// Tries what `request`, a path and a query, names.
///
/// A failure is answered as the error's own name, for tests to compare.
pub fn probe(request: &str) -> String {
    let (path, query) = request.split_once('?').unwrap_or((request, ""));
    let tried = match path {
        "/http" => {
            let time = |key| parameter(query, key).parse().ok();
            let method = Some(parameter(query, "method")).filter(|method| !method.is_empty());
            let url = parameter(query, "url");
            outgoing::ask(method.unwrap_or("GET"), url, time("connect"), time("first-byte"))
        }
        "/env" => Ok(surroundings::environment()),
        "/args" => Ok(surroundings::arguments()),
        "/preopens" => Ok(surroundings::preopens()),
        "/read" => surroundings::read(parameter(query, "path")),
        "/write" => surroundings::write(parameter(query, "path")),
        "/relink" => surroundings::relink(parameter(query, "name"), parameter(query, "target")),
        "/tcp" => sockets::connect(parameter(query, "addr")),
        "/sockets" => sockets::hoard(parameter(query, "count")),
        "/udp" => sockets::send(parameter(query, "addr")),
        "/hear" => sockets::hear(parameter(query, "addr"), parameter(query, "tell")),
        "/listen" => sockets::listen(parameter(query, "addr")),
        "/resolve" => sockets::resolve(parameter(query, "name")),
        "/clock" => Ok(surroundings::clock()),
        "/random" => Ok(surroundings::random()),
        "/forge" => Ok(surroundings::forge()),
        "/stdout" => Ok(surroundings::print()),
        _ => Err(format!("no probe is called {path}")),
    };
    tried.unwrap_or_else(|error| error)
}

/// What the query gives as `key`, as it stands there: nothing is decoded.
fn parameter<'query>(query: &'query str, key: &str) -> &'query str {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == key)
        .map_or("", |(_, value)| value)
}
