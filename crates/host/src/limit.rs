//! Limits that leave a unit no room to begin.

use keyway_app::{App, ComponentName, Limit, Problem};
use keyway_component::Minimum;

/// What is wrong with the limits of the unit of `root`, whose instances take at least `minimum`.
pub(crate) fn check(app: &App, root: &ComponentName, minimum: &Minimum) -> Vec<Problem> {
    let component = &app.components[root];
    let Limit { memory_bytes, table_elements, instances, .. } = component.limit;
    let kib = |bytes: u64| format!("\"{}KiB\"", bytes.div_ceil(1024));
    let needs = [
        ("memory", "of memory", memory_bytes, minimum.memory_bytes),
        ("tables", "table elements", table_elements as u64, minimum.table_elements),
        ("instances", "core instances", instances as u64, minimum.instances),
    ];
    let too_low = needs.into_iter().filter(|(_, _, limit, needed)| needed > limit);
    too_low
        .map(|(key, what, limit, needed)| {
            let show = |number| if key == "memory" { kib(number) } else { number.to_string() };
            let (limit, needed) = (show(limit), show(needed));
            Problem {
                code: "limit-too-low",
                message: format!(
                    "`limit.{key}` of `{root}` is {limit}, but its unit begins with {needed} {what}"
                ),
                label: None,
                help: Some(format!("set `limit.{key}` to {needed} or more")),
                place: component.limit_place.clone().or_else(|| component.place.clone()),
            }
        })
        .collect()
}
