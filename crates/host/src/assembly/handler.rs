//! Checks that each trigger leads to a component that can handle it.

use keyway_app::{App, Code, ComponentName, Place, Problem};
use keyway_component::EntryPoint;

use crate::problem::problem;

/// What the unit with this root, which exports `exports`, would have to handle and does not.
pub(crate) fn missing(app: &App, root: &ComponentName, exports: &[String]) -> Vec<Problem> {
    [http(app, root, exports), messages(app, root, exports), changes(app, root, exports)]
        .into_iter()
        .flatten()
        .collect()
}

/// A route needs a component that answers HTTP.
fn http(app: &App, root: &ComponentName, exports: &[String]) -> Option<Problem> {
    let trigger = app.routes.iter().find(|trigger| trigger.component == *root)?;
    if has(exports, &[EntryPoint::Http0_2, EntryPoint::Http0_3]) {
        return None;
    }
    let what = format!("the route `{}` leads to `{root}`", trigger.route);
    if exports.iter().any(|export| export.starts_with("fermyon:spin/inbound-http")) {
        let message = format!(
            "{what}, which was built for Spin 1: it exports `fermyon:spin/inbound-http`, which \
             Keyway does not call"
        );
        let help = "rebuild it with the SDK of Spin 2 or later, which exports \
                    `wasi:http/incoming-handler@0.2`";
        let told = problem(Code::Spin1Handler, message, Some(help));
        return Some(at(&trigger.place, told, "this component was built for Spin 1"));
    }
    let message = format!("{what}, which does not answer HTTP: it exports {}", list(exports));
    let entries = [EntryPoint::Http0_2, EntryPoint::Http0_3];
    let told = of_another_version(exports, &entries).map(|(export, wanted)| {
        let message = format!(
            "{what}, which answers HTTP through `{export}`, a version that Keyway does not support"
        );
        problem(Code::NoHttpHandler, message, Some(&format!("build it for `{wanted}`")))
    });
    let help = "a component that answers HTTP exports `wasi:http/incoming-handler@0.2` or \
                `wasi:http/handler@0.3`; link other components to one that does";
    let told = told.unwrap_or_else(|| problem(Code::NoHttpHandler, message, Some(help)));
    Some(at(&trigger.place, told, "this component has no HTTP handler"))
}

/// Whether a component with these exports is meant to answer HTTP, in a version that is served or not.
pub(crate) fn is_for_http(exports: &[String]) -> bool {
    let names = ["wasi:http/incoming-handler@", "wasi:http/handler@", "fermyon:spin/inbound-http"];
    exports.iter().any(|export| names.iter().any(|name| export.starts_with(name)))
}

/// Messages need a component that handles them.
fn messages(app: &App, root: &ComponentName, exports: &[String]) -> Option<Problem> {
    let trigger = app.messages.iter().find(|trigger| trigger.component == *root)?;
    if has(exports, &[EntryPoint::Messages]) {
        return None;
    }
    let message = format!(
        "messages on `{}` lead to `{root}`, which does not handle messages: it exports {}",
        trigger.topic,
        list(exports)
    );
    let help = "a component that handles messages exports \
                `wasi:messaging/incoming-handler@0.2.0-draft`";
    let told = problem(Code::NoMessageHandler, message, Some(help));
    Some(at(&trigger.component_place, told, "this component handles no messages"))
}

/// Changes need a component that watches a store.
fn changes(app: &App, root: &ComponentName, exports: &[String]) -> Option<Problem> {
    let trigger = app.changes.iter().find(|trigger| trigger.component == *root)?;
    if has(exports, &[EntryPoint::Changes]) {
        return None;
    }
    let message = format!(
        "changes in `{}` lead to `{root}`, which does not watch a store: it exports {}",
        trigger.store,
        list(exports)
    );
    let help = "a component that watches a store exports `wasi:keyvalue/watcher@0.2.0-draft2`";
    let told = problem(Code::NoWatcher, message, Some(help));
    Some(at(&trigger.component_place, told, "this component watches no store"))
}

/// Whether one of the exports is one of these ways in.
fn has(exports: &[String], entries: &[EntryPoint]) -> bool {
    exports.iter().filter_map(|export| EntryPoint::of(export)).any(|entry| entries.contains(&entry))
}

/// The export that would be one of these ways in if it were of another version, and the name with the
/// version that is wanted.
fn of_another_version<'e>(
    exports: &'e [String],
    entries: &[EntryPoint],
) -> Option<(&'e str, &'static str)> {
    exports.iter().find_map(|export| {
        let (entry, wanted) = EntryPoint::of_another_version(export)?;
        entries.contains(&entry).then_some((export.as_str(), wanted))
    })
}

fn list(exports: &[String]) -> String {
    if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") }
}

fn at(place: &Option<Place>, told: Problem, label: &str) -> Problem {
    Problem { place: place.clone(), label: Some(label.to_owned()), ..told }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_path_that_no_route_may_have_is_that_of_the_server() {
        assert_eq!(keyway_app::HEALTH, keyway_trigger::http::HEALTH);
    }
}
