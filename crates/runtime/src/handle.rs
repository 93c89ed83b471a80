//! Handles: host objects that an instance holds, such as streams, headers, sockets and files. They
//! are outside its own memory, so their number and size are limited separately.

use rustix::process::{Resource, getrlimit};

/// What one `fields` may take. Servers and proxies refuse headers of a fraction of it.
pub(crate) const FIELDS_BYTES: usize = 64 << 10;

/// What a body takes of a component at once.
pub(crate) const BODY_CHUNK_BYTES: usize = 64 << 10;

/// As many as a component may hold that has little memory of its own, and one that has much.
const AT_LEAST: usize = 256;
const AT_MOST: usize = 4096;

/// How many handles an instance may hold at once, so that, even if all are full headers, they take
/// no more than about the memory that it may have itself. One that can open sockets or files is
/// kept from most of the file descriptors, without which no connection is accepted.
pub(crate) fn at_most(memory_bytes: u64, takes_descriptors: bool) -> usize {
    let handles = usize::try_from(memory_bytes).unwrap_or(usize::MAX) / FIELDS_BYTES;
    let handles = handles.clamp(AT_LEAST, AT_MOST);
    match getrlimit(Resource::Nofile).current {
        Some(descriptors) if takes_descriptors => {
            let quarter = usize::try_from(descriptors / 4).unwrap_or(usize::MAX);
            handles.min(quarter)
        }
        _ => handles,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_take_no_more_than_the_memory() {
        assert_eq!(at_most(128 << 20, false), 2048);
        assert_eq!(at_most(0, false), AT_LEAST);
        assert_eq!(at_most(u64::MAX, false), AT_MOST);
        assert!(at_most(u64::MAX, true) <= at_most(u64::MAX, false));
    }
}
