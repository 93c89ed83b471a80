//! `[[trigger.http]]` of Spin: an exact path, or one that ends in `/...` and covers everything
//! below it.

use super::{Reader, Reading, Table, Value, unsupported};
use crate::{
    Code,
    manifest::trigger::{checked_route, is_plain},
    name::ComponentName,
    place::Placed,
    trigger::HttpTrigger,
};

impl Reading {
    pub(super) fn read_triggers(&mut self, reader: &Reader, table: &Table<'_>) {
        for (kind, triggers) in table.values() {
            if kind != "http" {
                let help = "Keyway starts components by HTTP; remove the trigger";
                unsupported(&triggers, &format!("the trigger `{kind}`"), help);
                continue;
            }
            for (index, trigger) in triggers.tables().iter().enumerate() {
                self.read_trigger(reader, trigger, index + 1);
            }
        }
    }

    fn read_trigger(&mut self, reader: &Reader, table: &Table<'_>, number: usize) {
        table.only(&["id", "route", "component", "executor"]);
        let id = table.get("id").and_then(|id| id.string());
        if let Some(executor) = table.table("executor")
            && let Some(kind) = executor.get("type")
            && kind.string().is_some_and(|kind| kind != "http")
        {
            let help = "components answer through `wasi:http` and need no executor";
            unsupported(&kind, "an executor other than `http`", help);
        }
        let route = table.required("route").and_then(|value| Some((route(&value)?, value.place())));
        let Some(value) = table.required("component") else { return };
        let place = value.place();
        let component = match value.as_table() {
            // It is written where it is used, and has the trigger's name or number.
            Some(inline) => {
                let name = id.map_or_else(|| format!("http-trigger-n{number}"), str::to_owned);
                self.declared.insert(name.clone());
                self.read_component(reader, &name, &inline);
                Some(name)
            }
            None => value.string().map(str::to_owned),
        };
        let (Some(component), Some(((route, exact), route_place))) = (component, route) else {
            return;
        };
        match ComponentName::new(&component) {
            Ok(component) => {
                // The root of the app is its base alone.
                let route = match (self.base.as_str(), route.as_str()) {
                    ("", route) => route.to_owned(),
                    (base, "/") => base.to_owned(),
                    (base, route) => format!("{base}{route}"),
                };
                let spin = Some(self.base.clone());
                let value = HttpTrigger { host: None, route, exact, component, spin, place };
                self.routes.push(Placed { value, place: route_place });
            }
            Err(error) if self.declared.contains(&component) => drop(error),
            Err(error) => value.wrong(Code::ComponentName, error.to_string(), None),
        }
    }
}

/// What all routes begin with, without a slash at its end.
pub(super) fn base(value: &Value<'_>) -> Option<String> {
    let route = checked_route(value, &absolute(value.string()?))?;
    Some(route.trim_end_matches('/').to_owned())
}

/// Spin takes paths without their first slash too.
fn absolute(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// The path, and whether it is for that alone.
fn route(value: &Value<'_>) -> Option<(String, bool)> {
    if value.as_table().is_some() {
        let help = "in a `keyway.toml`, link the component that calls it";
        unsupported(value, "a private route", help);
        return None;
    }
    let text = absolute(value.string()?);
    if text.contains("/:") {
        let help = "end the route in `/...` before it, and let the component read the path";
        unsupported(value, "a variable part in a route", help);
        return None;
    }
    match text.strip_suffix("/...") {
        Some("") => Some(("/".to_owned(), false)),
        Some(prefix) if prefix.contains("...") => {
            checked_route(value, &text).map(|route| (route, false))
        }
        Some(prefix) => prefix_of(value, prefix).map(|route| (route, false)),
        None => checked_route(value, &text).map(|route| (route, true)),
    }
}

/// The part before `/...`, checked like any other route.
fn prefix_of(value: &Value<'_>, prefix: &str) -> Option<String> {
    let inner = prefix.trim_matches('/');
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(is_plain);
    if prefix.starts_with('/') && inner.split('/').all(is_part) {
        return Some(format!("/{inner}"));
    }
    let message = format!("`{prefix}/...` is not a route");
    let help = "a route is a plain path that begins with `/`, such as `/shop/...`".to_owned();
    value.wrong(Code::Route, message, Some(help));
    None
}
