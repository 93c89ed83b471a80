//! `[[trigger.http]]`: which requests start which unit.

use crate::{
    HttpTrigger, Placed,
    manifest::{
        component::component_name,
        grant::is_host_name,
        table::{Table, Value},
    },
};

/// The path by which a server says whether it is well: it answers that before all routes.
pub const HEALTH: &str = "/.well-known/keyway/health";

/// The trigger, at the place of its route.
pub(super) fn read(table: &Table<'_>) -> Option<Placed<HttpTrigger>> {
    table.only(&["host", "route", "exact", "component"]);
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
    let trigger = HttpTrigger { host, route: route?, exact, component: component?, place };
    Some(Placed { value: trigger, place: route_value.and_then(|value| value.place()) })
}

/// A path prefix without a slash at its end.
pub(crate) fn route_of(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    let wrong = |reason: &str, help: String| {
        value.wrong("route", format!("the route `{text}` {reason}"), Some(help));
        None
    };
    if !text.starts_with('/') {
        return wrong("does not begin with `/`", format!("write `/{text}`"));
    }
    let is_path = |b: u8| b.is_ascii_graphic() && !b"?#\"<>\\^`{|}%".contains(&b);
    if !text.bytes().all(is_path) {
        let help = "a route is a plain path: letters, digits, `-`, `.`, `_`, `~` and `/`";
        return wrong("has a character that no plain path has", help.to_owned());
    }
    let inner = text.trim_matches('/');
    if !inner.is_empty() && inner.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return wrong("has an empty part, `.` or `..`", "write the path that is meant".to_owned());
    }
    let route = format!("/{inner}");
    if route == HEALTH {
        let help = "take another path: nothing of this one comes to a component";
        return wrong("is never taken, as Keyway answers it by itself", help.to_owned());
    }
    Some(route)
}

fn host(value: &Value<'_>) -> Option<String> {
    let text = value.string()?;
    let name = text.to_ascii_lowercase();
    if is_host_name(&name) || name.parse::<std::net::IpAddr>().is_ok() {
        return Some(name);
    }
    let help = "a host is a name such as `api.example.com`, without scheme, port or wildcard";
    value.wrong("host", format!("`{text}` is no host name"), Some(help.to_owned()));
    None
}
