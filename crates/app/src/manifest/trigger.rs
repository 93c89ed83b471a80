//! `[[trigger.http]]`, `[[trigger.messaging]]` and `[[trigger.keyvalue]]`: what starts which unit.

use std::time::Duration;

use keyway_word::{Capability, DEFAULT};

use super::{
    Targets, backend,
    host::is_host_name,
    name::component_name,
    table::{Table, Value},
};
use crate::{
    Code,
    place::Placed,
    trigger::{ChangeTrigger, HttpTrigger, MessageTrigger},
};

/// The path by which a server says whether it is well: it answers that before all routes.
pub const HEALTH: &str = "/.well-known/keyway/health";

/// Reads `[[trigger.http]]`, at the place of its route.
pub(super) fn route(table: &Table<'_>) -> Option<Placed<HttpTrigger>> {
    table.only(&["host", "route", "exact", "component", "spin"]);
    let route_value = table.required("route");
    let route = route_value.as_ref().and_then(route_of);
    let host = table.get("host").map(|value| host(&value));
    let component = table.required("component").and_then(|value| component_name(&value));
    let place = table.get("component").and_then(|value| value.place()).or_else(|| table.place());
    let host = match host {
        None => None,
        Some(host) => Some(host?),
    };
    let exact = table.get("exact").and_then(|value| value.boolean()).unwrap_or(false);
    let spin = table.get("spin").and_then(|value| value.boolean()).unwrap_or(false);
    let trigger = HttpTrigger {
        host,
        route: route?,
        exact,
        component: component?,
        spin: spin.then(String::new),
        place,
    };
    Some(Placed { value: trigger, place: route_value.and_then(|value| value.place()) })
}

/// A path prefix without a slash at its end.
fn route_of(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    checked_route(value, text)
}

/// The same, of a text that was read from `value`.
pub(crate) fn checked_route(value: &Value<'_>, text: &str) -> Option<String> {
    let wrong = |reason: &str, help: String| {
        value.wrong(Code::Route, format!("the route `{text}` {reason}"), Some(help));
        None
    };
    if !text.starts_with('/') {
        return wrong("does not begin with `/`", format!("write `/{text}`"));
    }
    if !text.bytes().all(is_plain) {
        let help = "a route is a plain path: letters, digits, `-`, `.`, `_`, `~` and `/`";
        return wrong("has a character that a plain path cannot have", help.to_owned());
    }
    let inner = text.trim_matches('/');
    if !inner.is_empty() && inner.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return wrong("has an empty part, `.` or `..`", "write the plain path".to_owned());
    }
    let route = format!("/{inner}");
    if route == HEALTH {
        let help = "choose another path: no request to this one reaches a component";
        return wrong("is reserved: Keyway answers it by itself", help.to_owned());
    }
    Some(route)
}

/// Whether a path may have this byte without encoding it.
pub(crate) fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}%".contains(&byte)
}

fn host(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    let name = text.to_ascii_lowercase();
    if is_host_name(&name) || name.parse::<std::net::IpAddr>().is_ok() {
        return Some(name);
    }
    let help = "a host is a name such as `api.example.com`, without scheme, port or wildcard";
    value.wrong(Code::Host, format!("`{text}` is not a host name"), Some(help.to_owned()));
    None
}

/// Reads `[[trigger.messaging]]`.
pub(super) fn message(table: &Table<'_>, targets: &Targets) -> Option<MessageTrigger> {
    table.only(&["from", "topic", "component", "group", "concurrency", "attempts"]);
    let from = table
        .required("from")
        .and_then(|value| backend::target(&value, Capability::Messaging, targets));
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
    let help = "use up to 64 letters, digits, `-` and `_`";
    value.wrong(Code::Group, format!("`{text}` is not a valid group"), Some(help.to_owned()));
    None
}

fn count(value: &Value<'_>, at_most: u64) -> Option<u64> {
    let number = value.integer()?;
    let count = u64::try_from(number).ok().filter(|count| (1..=at_most).contains(count));
    if count.is_none() {
        let help = format!("write a number from 1 to {at_most}");
        value.wrong(Code::Range, format!("{number} is out of range"), Some(help));
    }
    count
}

/// Reads `[[trigger.keyvalue]]`.
pub(super) fn change(table: &Table<'_>) -> Option<ChangeTrigger> {
    table.only(&["store", "prefix", "component"]);
    let text = |key: &str| {
        let value = table.get(key);
        value.map_or(Some(String::new()), |value| value.string().map(str::to_owned))
    };
    let component = table.required("component");
    let store = table.get("store");
    let (name, prefix) = (text("store"), text("prefix"));
    Some(ChangeTrigger {
        store: name.map(|name| if name.is_empty() { DEFAULT.to_owned() } else { name })?,
        prefix: prefix?,
        component: component.as_ref().and_then(component_name)?,
        place: store.map_or_else(|| table.place(), |store| store.place()),
        component_place: component.and_then(|value| value.place()),
    })
}
