//! What starts a unit: a request on a route, a message, a change in a store.

use std::time::Duration;

use crate::{
    name::{BackendName, ComponentName},
    place::Place,
};

/// An HTTP route that starts a unit.
#[derive(Debug, Clone)]
pub struct HttpTrigger {
    /// The host name that the request must be for; any, if none.
    pub host: Option<String>,
    /// The path prefix, beginning with `/`, without a trailing `/` (except for the root).
    pub route: String,
    /// Whether it is for that path alone, and not for those below it.
    pub exact: bool,
    /// The root of the unit that answers.
    pub component: ComponentName,
    /// The base that the route begins with, perhaps an empty one, where the component expects the
    /// request headers that Spin's host sets.
    pub spin: Option<String>,
    /// Where the trigger names its component; none for an app of one file.
    pub place: Option<Place>,
}

/// Messages that start a unit.
#[derive(Debug, Clone)]
pub struct MessageTrigger {
    /// The broker that they come by.
    pub from: BackendName,
    /// Their topics, in which `*` stands for any word and `>` for all further words.
    pub topic: String,
    /// The root of the unit that handles them.
    pub component: ComponentName,
    /// One member of a group gets each message. Its component's name unless it is set.
    pub group: String,
    /// How many are handled at once, by each host. 16.
    pub concurrency: usize,
    /// How often one is delivered that is not handled, where the backend can. 5.
    pub attempts: u64,
    /// The pause without a word after which one is delivered again, beyond the unit's time limit.
    pub grace: Duration,
    /// The place of its topic.
    pub place: Option<Place>,
    /// Where it names its component.
    pub component_place: Option<Place>,
}

/// Changes in a store that start a unit.
#[derive(Debug, Clone)]
pub struct ChangeTrigger {
    /// The store, by the name that the component opens it by: it sees what its link lets it see.
    pub store: String,
    /// What the keys begin with.
    pub prefix: String,
    /// The root of the unit that is notified.
    pub component: ComponentName,
    /// Where it names its store, or the trigger itself if it does not.
    pub place: Option<Place>,
    /// Where it names its component.
    pub component_place: Option<Place>,
}
