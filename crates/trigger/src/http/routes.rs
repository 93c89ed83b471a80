//! Which handler a request goes to: by host, then by the longest prefix of whole path segments.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use arc_swap::ArcSwap;

/// The routes of a server.
///
/// A route is a path prefix, for one host or for any. `/parse` leads `/parse`, `/parse/` and
/// `/parse/x`, but not `/parsex`; `/` leads every path. A route
/// may be for one path alone; it comes before the prefixes. The routes of the request's host come
/// before those of any host, and within each the longest prefix wins. Paths are compared byte by
/// byte, without decoding; hosts without regard to case.
#[derive(Debug)]
pub struct Routes<H> {
    /// Sorted by host, which is in lower case.
    hosts: Vec<(Box<str>, Node<H>)>,
    any: Node<H>,
}

/// The routes that a server goes by at the moment. They are replaced as a whole: each request goes
/// by the old ones or by the new ones, and one that has begun stays with its handler.
#[derive(Debug)]
pub struct LiveRoutes<H>(ArcSwap<Routes<H>>);

impl<H> LiveRoutes<H> {
    /// Routes that can be replaced later.
    #[must_use]
    pub fn new(routes: Routes<H>) -> Self {
        Self(ArcSwap::from_pointee(routes))
    }

    /// Replaces the routes for the requests that begin from now on.
    pub fn replace(&self, routes: Routes<H>) {
        self.0.store(Arc::new(routes));
    }

    /// See [`Routes::find`].
    pub(super) fn find(&self, host: Option<&str>, path: &str) -> Option<Arc<H>> {
        self.0.load().shared(host, path).cloned()
    }
}

/// A place in the tree of path segments. A look-up goes down from the root once, and stops where
/// no route goes on, so neither the number of routes nor the length of the path makes it slow.
#[derive(Debug)]
struct Node<H> {
    /// For this path and all below it.
    handler: Option<Arc<H>>,
    /// For this path alone, before the other.
    exact: Option<Arc<H>>,
    children: BTreeMap<Box<str>, Node<H>>,
}

/// Why a route was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// A prefix without its slash.
    #[error("the route `{route}` does not begin with `/`: write `/{route}`")]
    Relative {
        /// The route.
        route: String,
    },
    /// A prefix with a part that no request's path has.
    #[error("the route `{route}` has a query or a fragment: a route is only a path")]
    NotAPath {
        /// The route.
        route: String,
    },
    /// Two handlers for one route.
    #[error("the route `{route}` is defined twice{}: each leads to one component", for_host(.host))]
    Taken {
        /// The route.
        route: String,
        /// The host that both are for.
        host: Option<String>,
    },
}

fn for_host(host: &Option<String>) -> String {
    host.as_ref().map(|host| format!(" for the host `{host}`")).unwrap_or_default()
}

impl<H> Default for Routes<H> {
    fn default() -> Self {
        Routes { hosts: Vec::new(), any: Node::default() }
    }
}

impl<H> Default for Node<H> {
    fn default() -> Self {
        Node { handler: None, exact: None, children: BTreeMap::new() }
    }
}

impl<H> Routes<H> {
    /// No routes yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a route for the requests of `host`, or of any host. A slash at the end of `prefix`
    /// makes no difference, nor does a port after `host`.
    ///
    /// # Errors
    /// The prefix is not a path, or there is such a route already.
    pub fn add(&mut self, host: Option<&str>, prefix: &str, handler: H) -> Result<(), RouteError> {
        self.insert(host, prefix, handler, |node| &mut node.handler)
    }

    /// Adds a route for one path, and none below it.
    ///
    /// # Errors
    /// As in [`add`](Self::add).
    pub fn add_exact(
        &mut self,
        host: Option<&str>,
        path: &str,
        handler: H,
    ) -> Result<(), RouteError> {
        self.insert(host, path, handler, |node| &mut node.exact)
    }

    fn insert(
        &mut self,
        host: Option<&str>,
        prefix: &str,
        handler: H,
        place: fn(&mut Node<H>) -> &mut Option<Arc<H>>,
    ) -> Result<(), RouteError> {
        let Some(path) = prefix.strip_prefix('/') else {
            return Err(RouteError::Relative { route: prefix.to_owned() });
        };
        if path.contains(['?', '#']) {
            return Err(RouteError::NotAPath { route: prefix.to_owned() });
        }
        let mut node = match host {
            None => &mut self.any,
            Some(host) => self.host_mut(&without_port(host).to_ascii_lowercase()),
        };
        let path = path.strip_suffix('/').unwrap_or(path);
        for segment in path.split('/').filter(|_| !path.is_empty()) {
            node = match node.children.entry(segment.into()) {
                Entry::Occupied(child) => child.into_mut(),
                Entry::Vacant(place) => place.insert(Node::default()),
            };
        }
        let place = place(node);
        if place.is_some() {
            let host = host.map(str::to_owned);
            return Err(RouteError::Taken { route: prefix.to_owned(), host });
        }
        *place = Some(Arc::new(handler));
        Ok(())
    }

    /// The handler for `path` on `host`, if there is one. `host` is as a request names it: in any
    /// case, with or without a port.
    #[must_use]
    pub fn find(&self, host: Option<&str>, path: &str) -> Option<&H> {
        self.shared(host, path).map(AsRef::as_ref)
    }

    /// The same, for a caller that keeps it longer than the routes.
    fn shared(&self, host: Option<&str>, path: &str) -> Option<&Arc<H>> {
        host.filter(|_| !self.hosts.is_empty())
            .and_then(|host| self.host(without_port(host)))
            .and_then(|routes| routes.find(path))
            .or_else(|| self.any.find(path))
    }

    /// The routes of a host, by its name in any case.
    fn host(&self, name: &str) -> Option<&Node<H>> {
        let folded = || name.bytes().map(|byte| byte.to_ascii_lowercase());
        let at = self.hosts.binary_search_by(|(host, _)| host.bytes().cmp(folded())).ok()?;
        Some(&self.hosts[at].1)
    }

    /// The routes of a host, by its name in lower case; made where there are none.
    fn host_mut(&mut self, name: &str) -> &mut Node<H> {
        let at = match self.hosts.binary_search_by(|(host, _)| (**host).cmp(name)) {
            Ok(at) => at,
            Err(at) => {
                self.hosts.insert(at, (name.into(), Node::default()));
                at
            }
        };
        &mut self.hosts[at].1
    }
}

impl<H> Node<H> {
    /// The handler of the longest prefix of `path`. A target that is not a path, such as the `*` of
    /// `OPTIONS *`, goes to the root.
    fn find(&self, path: &str) -> Option<&Arc<H>> {
        let mut node = self;
        let mut found = node.handler.as_ref();
        let path = path.strip_prefix('/').unwrap_or("");
        let path = path.strip_suffix('/').unwrap_or(path);
        for segment in path.split('/').filter(|_| !path.is_empty()) {
            let Some(child) = node.children.get(segment) else { return found };
            node = child;
            found = node.handler.as_ref().or(found);
        }
        node.exact.as_ref().or(found)
    }
}

/// The host of an authority: without its port, and without the dot that may end a full name.
fn without_port(authority: &str) -> &str {
    let host = match authority.rsplit_once(':') {
        // The colons within the brackets of an IPv6 address do not begin a port.
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    };
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests;
