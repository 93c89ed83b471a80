//! The memory of the host: how much this process may use, and how much all instances together take.
//! Limits are per unit, and a host may have less than all units would take at their limits.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// Bytes of memory that this process may use: the machine's, or less where a control group says
/// so, as in a container.
pub fn total_bytes() -> u64 {
    let machine = rustix::system::sysinfo();
    let machine = machine.totalram as u64 * u64::from(machine.mem_unit);
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    group_limit(Path::new("/sys/fs/cgroup"), &groups).map_or(machine, |limit| limit.min(machine))
}

/// Whether the machine has somewhere to put pages of memory that it has no room for.
pub(crate) fn may_be_swapped_out() -> bool {
    // A line of titles, and one for each device or file (proc(5)). What cannot be read may be anything.
    fs::read_to_string("/proc/swaps").map_or(true, |swaps| swaps.lines().count() > 1)
}

/// The least limit of the control groups that a process is in. `groups` is what the kernel says of
/// it (cgroups(7)): `0::/PATH` for version 2, and a line with `memory` for version 1.
fn group_limit(root: &Path, groups: &str) -> Option<u64> {
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (root, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            "memory" => (root.join("memory"), "memory.limit_in_bytes"),
            _ => return None,
        };
        let group = root.join(path.trim_start_matches('/'));
        let folders = group.ancestors().take_while(|folder| folder.starts_with(&root));
        // A container sees its own group at the root, whatever its path is outside.
        let read = |folder: &Path| -> Option<u64> {
            fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok()
        };
        folders.filter_map(read).min()
    });
    limits.min()
}

/// Bytes of which many take a part. Growing instances leave some memory to starting ones, so that
/// small requests are answered while large ones have taken all they can get.
#[derive(Debug)]
pub(crate) struct Budget {
    to_grow_bytes: u64,
    to_begin_bytes: u64,
    taken: AtomicU64,
}

/// A part of a budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    of: &'static Budget,
    bytes: u64,
}

/// The budget does not have what was asked of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exhausted {
    /// What all shares may have together.
    pub(crate) at_most_bytes: u64,
}

impl Budget {
    /// What all instances of this process may take together: three quarters of its memory. The rest is
    /// for the host itself, its buffers, and the pages that the pool keeps.
    ///
    /// It stays as long as the process. To count who has a part in it would cost each instance two writes
    /// to memory that all cores write to.
    pub(crate) fn of_this_host() -> &'static Self {
        let total = total_bytes();
        Box::leak(Box::new(Self::new(total / 4 * 3, total / 8 * 7)))
    }

    const fn new(to_grow_bytes: u64, to_begin_bytes: u64) -> Self {
        Self { to_grow_bytes, to_begin_bytes, taken: AtomicU64::new(0) }
    }
}

impl Share {
    /// Nothing yet.
    pub(crate) fn of(budget: &'static Budget) -> Self {
        Self { of: budget, bytes: 0 }
    }

    /// Of which it is a share.
    pub(crate) fn budget(&self) -> &'static Budget {
        self.of
    }

    /// Takes the bytes that a memory begins with.
    pub(crate) fn begin(&mut self, bytes: u64) -> Result<(), Exhausted> {
        self.take(bytes, self.of.to_begin_bytes)
    }

    /// Takes `more` bytes for a memory that grows.
    pub(crate) fn grow(&mut self, more: u64) -> Result<(), Exhausted> {
        self.take(more, self.of.to_grow_bytes)
    }

    fn take(&mut self, more: u64, at_most_bytes: u64) -> Result<(), Exhausted> {
        // Taken first and checked afterwards, so that two concurrent callers cannot both get the
        // last one.
        let taken = self.of.taken.fetch_add(more, Relaxed).saturating_add(more);
        if taken > at_most_bytes {
            self.of.taken.fetch_sub(more, Relaxed);
            return Err(Exhausted { at_most_bytes });
        }
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.of.taken.fetch_sub(self.bytes, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_of_all_groups_counts() {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let file = root.path().join(path);
            fs::create_dir_all(file.parent().expect("in a folder")).expect("made");
            fs::write(file, text).expect("written");
        };
        assert_eq!(group_limit(root.path(), "0::/a/b\n"), None);
        write("a/memory.max", "3000\n");
        write("a/b/memory.max", "max\n");
        assert_eq!(group_limit(root.path(), "0::/a/b\n"), Some(3000));
        assert_eq!(group_limit(root.path(), "0::/elsewhere\n"), None);
        write("memory/c/memory.limit_in_bytes", "2000\n");
        write("memory/memory.limit_in_bytes", "9223372036854771712\n");
        let both = "4:memory:/c\n3:cpuset:/\n0::/a/b\n";
        assert_eq!(group_limit(root.path(), both), Some(2000));
        assert_eq!(group_limit(root.path(), "nonsense\n:\n"), None);
    }

    #[test]
    fn a_share_is_given_back() {
        static BUDGET: Budget = Budget::new(80, 100);
        let exhausted = Err(Exhausted { at_most_bytes: 80 });
        let (mut one, mut other) = (Share::of(&BUDGET), Share::of(&BUDGET));
        assert_eq!(one.grow(60), Ok(()));
        assert_eq!(other.grow(21), exhausted);
        assert_eq!(other.grow(20), Ok(()));
        assert_eq!(other.grow(1), exhausted);
        assert_eq!(other.begin(20), Ok(()));
        assert_eq!(other.begin(1), Err(Exhausted { at_most_bytes: 100 }));
        drop(one);
        assert_eq!(other.grow(40), Ok(()));
    }

    #[test]
    fn this_host_has_memory() {
        assert!(total_bytes() > 64 << 20);
    }
}
