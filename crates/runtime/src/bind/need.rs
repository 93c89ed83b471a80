//! Interfaces that a component has whole or not at all. All others are there for each component,
//! and check every call against its grants.

use keyway_app::{
    Grant,
    grant::{suggest_clocks, suggest_random, suggest_some_tcp},
};
use keyway_component::{Authority, authority};

/// What an interface needs.
pub(super) struct Need {
    authority: Authority,
    /// Whether these grants have it.
    pub(super) is_granted: fn(&Grant) -> bool,
    /// The line of a manifest that grants it to a component.
    pub(super) line: fn(&str) -> String,
}

const NEEDS: &[Need] = &[
    Need { authority: Authority::Clocks, is_granted: |it| it.clocks, line: suggest_clocks },
    Need { authority: Authority::Random, is_granted: |it| it.random, line: suggest_random },
    // Encryption is of no use to a component that may not connect.
    Need { authority: Authority::Tls, is_granted: |it| !it.tcp.is_empty(), line: suggest_some_tcp },
];

/// What `interface` needs, if it needs something.
pub(super) fn of(interface: &str) -> Option<&'static Need> {
    let authority = authority(interface);
    NEEDS.iter().find(|need| need.authority == authority)
}
