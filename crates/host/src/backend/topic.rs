//! The topics of triggers, in the words of brokers.

use std::collections::BTreeSet;

use keyway_app::{App, Code, Problem};
use keyway_capability::messaging::Pattern;

use crate::problem::problem;

/// All that is wrong with the topics of the triggers of `app`.
pub(super) fn check(app: &App) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for trigger in &app.messages {
        let found = match trigger.topic.parse::<Pattern>() {
            Err(error) => problem(Code::Topic, error.to_string(), None),
            Ok(_) if !seen.insert((&trigger.from, &trigger.topic, &trigger.group)) => problem(
                Code::DuplicateTopic,
                format!(
                    "the group `{}` already receives messages on `{}`",
                    trigger.group, trigger.topic
                ),
                Some(
                    "each message goes to one member of a group: give this trigger another `group`",
                ),
            ),
            Ok(_) => continue,
        };
        problems.push(Problem { place: trigger.place.clone(), ..found });
    }
    problems
}
