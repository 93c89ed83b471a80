//! The links of imports of `wasi:messaging`, and `[[trigger.messaging]]`.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Targets, backend,
    component::component_name,
    table::{Table, Value},
};
use crate::{
    Placed,
    backend::BackendName,
    messaging::{DEFAULT, MessageTrigger},
};

/// The brokers that a component may connect to, by the names that it gives.
pub(super) type BrokerLinks = BTreeMap<String, Placed<BackendName>>;

/// Where such a link leads.
pub(super) enum Target {
    /// To brokers.
    Brokers(BrokerLinks),
    /// To a component that exports the interface.
    Component,
    /// Nowhere; a problem was reported.
    Nowhere,
}

/// Reads a link: a broker, or a table of several by the names that the component connects to.
pub(super) fn link(value: &Value<'_>, targets: &Targets) -> Target {
    if let Some(table) = value.as_table() {
        if table.get("to").is_some() {
            return Target::Component;
        }
        let links = table.values().into_iter().filter_map(|(name, value)| {
            Some((name, Placed { value: broker(&value, targets)?, place: value.place() }))
        });
        return Target::Brokers(links.collect());
    }
    let is_component = |to: &str| targets.components.contains(to) && !targets.brokers.contains(to);
    if value.as_str().is_some_and(is_component) {
        return Target::Component;
    }
    let Some(to) = broker(value, targets) else { return Target::Nowhere };
    let own = to.as_str().to_owned();
    let link = Placed { value: to, place: value.place() };
    Target::Brokers(BTreeMap::from([(DEFAULT.to_owned(), link.clone()), (own, link)]))
}

fn broker(value: &Value<'_>, targets: &Targets) -> Option<BackendName> {
    backend::target(value, &targets.brokers, "broker", "messaging")
}

/// Reads a trigger.
pub(super) fn trigger(table: &Table<'_>, targets: &Targets) -> Option<MessageTrigger> {
    table.only(&["from", "topic", "component", "group", "concurrency", "attempts"]);
    let from = table.required("from").and_then(|value| broker(&value, targets));
    let topic = table.required("topic");
    let component = table.required("component");
    let name = component.as_ref().and_then(component_name);
    let group = table.get("group").map(|value| group(&value));
    let concurrency = table.get("concurrency").map_or(Some(16), |value| count(&value, 4096));
    let attempts = table.get("attempts").map_or(Some(5), |value| count(&value, 1000));
    let name = name?;
    Some(MessageTrigger {
        from: from?,
        topic: topic.as_ref()?.string()?.to_owned(),
        group: group.unwrap_or_else(|| Some(name.to_string()))?,
        component: name,
        concurrency: usize::try_from(concurrency?).ok()?,
        attempts: attempts?,
        grace: Duration::from_secs(5),
        place: topic.and_then(|value| value.place()),
        component_place: component.and_then(|value| value.place()),
    })
}

/// A group's name is one that every server takes.
fn group(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if (1..=64).contains(&text.len()) && text.bytes().all(is_plain) {
        return Some(text.to_owned());
    }
    let help = "it is made of up to 64 letters, digits, `-` and `_`";
    value.wrong("group", format!("`{text}` is no group"), Some(help.to_owned()));
    None
}

fn count(value: &Value<'_>, at_most: u64) -> Option<u64> {
    let number = value.integer()?;
    let count = u64::try_from(number).ok().filter(|count| (1..=at_most).contains(count));
    if count.is_none() {
        let help = format!("write a number from 1 to {at_most}");
        value.wrong("range", format!("{number} is out of range"), Some(help));
    }
    count
}
