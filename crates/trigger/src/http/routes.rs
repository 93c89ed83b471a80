//! Which handler a request goes to: by host, then by the longest prefix of whole path segments.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::Request;

use super::request::host_of;

/// The routes of a server. A clone shares all but what is changed afterwards, in either.
///
/// A route is a path prefix, for one host or for any. `/parse` leads `/parse`, `/parse/` and
/// `/parse/x`, but not `/parsex`; `/` leads every path. A route
/// may be for one path alone; it comes before the prefixes. The routes of the request's host come
/// before those of any host, and within each the longest prefix wins. Paths are compared byte by
/// byte, without decoding; hosts without regard to case.
#[derive(Debug)]
pub struct Routes<H> {
    /// Sorted by host, which is in lower case.
    hosts: Vec<(Arc<str>, Arc<Node<H>>)>,
    any: Arc<Node<H>>,
}

impl<H> Clone for Routes<H> {
    fn clone(&self) -> Self {
        Self { hosts: self.hosts.clone(), any: Arc::clone(&self.any) }
    }
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

    /// The routes as they are, to be changed and put in their place.
    #[must_use]
    pub fn current(&self) -> Routes<H> {
        Routes::clone(&self.0.load())
    }

    /// The handler of a request; see [`Routes::find`].
    #[must_use]
    pub fn find<B>(&self, request: &Request<B>) -> Option<Arc<H>> {
        self.0.load().shared(host_of(request), request.uri().path()).cloned()
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
    children: BTreeMap<Arc<str>, Arc<Node<H>>>,
}

impl<H> Clone for Node<H> {
    fn clone(&self) -> Self {
        let Self { handler, exact, children } = self;
        Self { handler: handler.clone(), exact: exact.clone(), children: children.clone() }
    }
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
        Routes { hosts: Vec::new(), any: Arc::default() }
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
        if !prefix.starts_with('/') {
            return Err(RouteError::Relative { route: prefix.to_owned() });
        }
        if prefix.contains(['?', '#']) {
            return Err(RouteError::NotAPath { route: prefix.to_owned() });
        }
        let mut node = match host {
            None => Arc::make_mut(&mut self.any),
            Some(host) => self.host_mut(&without_port(host).to_ascii_lowercase()),
        };
        for segment in segments(prefix) {
            node = Arc::make_mut(match node.children.entry(segment.into()) {
                Entry::Occupied(child) => child.into_mut(),
                Entry::Vacant(place) => place.insert(Arc::default()),
            });
        }
        let place = place(node);
        if place.is_some() {
            let host = host.map(str::to_owned);
            return Err(RouteError::Taken { route: prefix.to_owned(), host });
        }
        *place = Some(Arc::new(handler));
        Ok(())
    }

    /// Removes all routes whose handler is one that `is_gone` says.
    pub fn remove(&mut self, is_gone: impl Fn(&H) -> bool) {
        self.hosts.retain_mut(|(_, node)| Node::prune(node, &is_gone));
        Node::prune(&mut self.any, &is_gone);
    }

    /// The handler of the route itself, if there is one: for this host or any, and this path or prefix.
    #[must_use]
    pub fn at(&self, host: Option<&str>, route: &str, exact: bool) -> Option<&H> {
        let mut node = match host {
            None => &*self.any,
            Some(host) => self.host(without_port(host))?,
        };
        for segment in segments(route) {
            node = node.children.get(segment)?;
        }
        if exact { node.exact.as_deref() } else { node.handler.as_deref() }
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
                self.hosts.insert(at, (name.into(), Arc::default()));
                at
            }
        };
        Arc::make_mut(&mut self.hosts[at].1)
    }
}

impl<H> Node<H> {
    /// The handler of the longest prefix of `path`. A target that is not a path, such as the `*` of
    /// `OPTIONS *`, goes to the root.
    fn find(&self, path: &str) -> Option<&Arc<H>> {
        let mut node = self;
        let mut found = node.handler.as_ref();
        for segment in segments(path) {
            let Some(child) = node.children.get(segment) else { return found };
            node = child;
            found = node.handler.as_ref().or(found);
        }
        node.exact.as_ref().or(found)
    }

    /// Removes the handlers that `is_gone` says, and says whether any is left. What has none of them
    /// stays shared.
    fn prune(this: &mut Arc<Self>, is_gone: &impl Fn(&H) -> bool) -> bool {
        if this.has(is_gone) {
            let node = Arc::make_mut(this);
            node.handler.take_if(|handler| is_gone(handler));
            node.exact.take_if(|handler| is_gone(handler));
            node.children.retain(|_, child| Self::prune(child, is_gone));
        }
        this.handler.is_some() || this.exact.is_some() || !this.children.is_empty()
    }

    fn has(&self, is_gone: &impl Fn(&H) -> bool) -> bool {
        let is_here = [&self.handler, &self.exact].into_iter().flatten().any(|it| is_gone(it));
        is_here || self.children.values().any(|child| child.has(is_gone))
    }
}

/// The segments of a path. A slash at its end makes none.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or("");
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/').filter(move |_| !path.is_empty())
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
