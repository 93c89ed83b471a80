//! Brokers of messages: the names that an app gives them in `[messaging.NAME]`, and which messages
//! start its units.

use std::time::Duration;

use crate::{ComponentName, backend::BackendName, place::Place};

pub use crate::keyvalue::DEFAULT;

/// Messages that start a unit.
#[derive(Debug, Clone)]
pub struct MessageTrigger {
    /// The broker that they come by.
    pub from: BackendName,
    /// Their topics, in which `*` stands for any word and `>` for all that follow.
    pub topic: String,
    /// The root of the unit that handles them.
    pub component: ComponentName,
    /// Of all who listen in a group, one gets each message. Its component's name unless it is set.
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

/// Whether an import is one of `wasi:messaging`, whose links lead to brokers. A client is of
/// `types`, and the other interfaces work on it, so one link counts for all of them.
pub fn is_messaging(import: &str) -> bool {
    import.starts_with("wasi:messaging/")
}

/// The line that would let `component` connect to `name`, with a broker's name to be put in the
/// place of `BROKER`.
pub fn suggest_broker(component: &str, name: &str) -> String {
    let name = crate::grant::quoted(name);
    format!("component.{component}.link.\"wasi:messaging/producer\" = {{ {name} = \"BROKER\" }}")
}
