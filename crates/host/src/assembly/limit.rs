//! Limits that are too low for a unit to start, or that it cannot keep.

use keyway_app::{App, Code, ComponentName, Limit, Problem};
use keyway_component::{EntryPoint, Minimum};
use keyway_runtime::MAX_MEMBERS;

use crate::problem::problem;

/// The size of a unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// How many components it is made of.
    pub(crate) components: usize,
    /// What an instance of it takes at least.
    pub(crate) minimum: Minimum,
}

/// What is wrong with the limits of the unit of `root`, which exports `exports`, and with its size
/// if that is known.
pub(crate) fn check(
    app: &App,
    root: &ComponentName,
    exports: &[String],
    size: Option<Size>,
) -> Vec<Problem> {
    let mut problems = Vec::from_iter(at_once(app, root, exports));
    if let Some(Size { components, minimum }) = size {
        problems.extend(too_low(app, root, &minimum));
        problems.extend(too_many(app, root, components));
    }
    problems
}

/// A unit cannot hold more components than the host can keep apart.
fn too_many(app: &App, root: &ComponentName, components: usize) -> Option<Problem> {
    if components <= MAX_MEMBERS {
        return None;
    }
    let message = format!(
        "`{root}` is fused from {components} components, but a unit holds at most {MAX_MEMBERS}"
    );
    let help = "combine some of them with `keyway compose` (they then share their grants), or let \
                them call each other over HTTP";
    let place = app.components[root].place.clone();
    Some(Problem { place, ..problem(Code::TooManyComponents, message, Some(help)) })
}

/// Several requests at once take an interface whose calls are asynchronous.
fn at_once(app: &App, root: &ComponentName, exports: &[String]) -> Option<Problem> {
    let component = &app.components[root];
    let exports_one = |entry| exports.iter().any(|export| EntryPoint::of(export) == Some(entry));
    // One that exports both is called by the later.
    let is_of_0_2 = exports_one(EntryPoint::Http0_2) && !exports_one(EntryPoint::Http0_3);
    if component.limit.reuse.concurrent <= 1 || !is_of_0_2 {
        return None;
    }
    let message = format!(
        "`{root}` exports `wasi:http/incoming-handler@0.2`, whose instances serve one request at a \
         time"
    );
    let help = "remove `concurrent` from its `instances`, or export `wasi:http/handler@0.3`";
    let place = component.reuse_place.clone().or_else(|| component.place.clone());
    Some(Problem { place, ..problem(Code::OneAtOnce, message, Some(help)) })
}

/// What is below that which an instance takes at its start.
fn too_low(app: &App, root: &ComponentName, minimum: &Minimum) -> Vec<Problem> {
    let component = &app.components[root];
    let Limit { memory_bytes, table_elements, core_instances, .. } = component.limit;
    let kib = |bytes: u64| format!("\"{}KiB\"", bytes.div_ceil(1024));
    let needs = [
        ("memory", "of memory", memory_bytes, minimum.memory_bytes),
        ("tables", "table elements", table_elements as u64, minimum.table_elements),
        ("core-instances", "core instances", core_instances as u64, minimum.instances),
    ];
    let too_low = needs.into_iter().filter(|(_, _, limit, needed)| needed > limit);
    too_low
        .map(|(key, what, limit, needed)| {
            let show = |number| if key == "memory" { kib(number) } else { number.to_string() };
            let (limit, needed) = (show(limit), show(needed));
            Problem {
                code: Code::LimitTooLow,
                message: format!(
                    "`limit.{key}` of `{root}` is {limit}, but its unit needs {needed} {what} to \
                     start"
                ),
                label: None,
                help: Some(format!("set `limit.{key}` to {needed} or more")),
                place: component.limit_place.clone().or_else(|| component.place.clone()),
            }
        })
        .collect()
}
