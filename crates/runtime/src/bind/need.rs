//! Interfaces that a component has whole or not at all. All others are there for each component,
//! and check every call against its grants.

use keyway_app::{
    Grant,
    grant::SocketDirection,
    lack::{FlagGrant, Lack, Protocol},
};
use keyway_component::{Authority, authority};

/// What an interface needs.
pub(super) struct Need {
    authority: Authority,
    /// Whether these grants have it.
    pub(super) is_granted: fn(&Grant) -> bool,
    /// What a component lacks that does not have it.
    pub(super) lack: Lack<'static>,
}

const NEEDS: &[Need] = &[
    Need {
        authority: Authority::Clocks,
        is_granted: |it| it.clocks,
        lack: Lack::Flag(FlagGrant::Clocks),
    },
    Need {
        authority: Authority::Random,
        is_granted: |it| it.random,
        lack: Lack::Flag(FlagGrant::Random),
    },
    // Encryption is of no use to a component that may not connect.
    Need {
        authority: Authority::Tls,
        is_granted: |it| !it.tcp.is_empty(),
        lack: Lack::Socket {
            protocol: Protocol::Tcp,
            address: None,
            direction: SocketDirection::Connect,
        },
    },
];

/// What `interface` needs, if it needs something.
pub(super) fn of(interface: &str) -> Option<&'static Need> {
    let authority = authority(interface);
    NEEDS.iter().find(|need| need.authority == authority)
}
