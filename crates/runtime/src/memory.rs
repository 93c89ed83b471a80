//! The memory of the host: how much this process may use, and how much all instances together take.
//! Limits are per unit, and a host may have less than all units would take at their limits.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::{account::Standing, place::Place};

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
///
/// Where a host has many apps, each has its [`Standing`], and a part of the memory that it can count
/// on. A quarter of the memory is only for apps within that part. Of the rest an app may have twice as
/// much as it leaves free: one alone has half of all memory at most, and the more apps want more than
/// their part, the less each of them gets. No app takes what another counts on, and none waits for it.
/// (A. Choudhury and E. Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches",
/// 1998, do so with the memory of a switch.)
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
    /// The room of its instance in the pool of many apps, by which its app is known.
    place: Option<Place>,
}

/// The budget does not have what was asked of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Exhausted {
    /// All shares together may have no more than so many bytes.
    All(u64),
    /// The app may have no more than so many bytes at the moment.
    App(u64),
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

    /// What each of many apps can count on, as long as no more than 16 use all of theirs.
    fn part_bytes(&self) -> u64 {
        self.to_grow_bytes / 64
    }

    /// How much an app may have where `free` bytes are left of `of`.
    fn most_of_app(&self, free: u64, of: u64) -> u64 {
        self.part_bytes().max(2 * free.saturating_sub(of / 4))
    }

    fn take(&self, standing: Option<&Standing>, more: u64, at_most: u64) -> Result<(), Exhausted> {
        // Taken first and checked afterwards, so that two concurrent callers cannot both get the
        // last one.
        let taken = self.taken.fetch_add(more, Relaxed).saturating_add(more);
        let exhausted = match standing {
            _ if taken > at_most => Exhausted::All(at_most),
            None => return Ok(()),
            Some(standing) => {
                let of_app = standing.memory_bytes.fetch_add(more, Relaxed).saturating_add(more);
                let most = self.most_of_app(at_most - taken, at_most);
                if of_app <= most {
                    return Ok(());
                }
                standing.memory_bytes.fetch_sub(more, Relaxed);
                Exhausted::App(most)
            }
        };
        self.taken.fetch_sub(more, Relaxed);
        Err(exhausted)
    }
}

impl Share {
    /// Nothing yet, for the instance that has this place.
    pub(crate) fn of(budget: &'static Budget, place: Option<Place>) -> Self {
        Self { of: budget, bytes: 0, place }
    }

    /// One of the same budget, for no instance.
    pub(crate) fn of_nothing(&self) -> Self {
        Self::of(self.of, None)
    }

    /// Gives back what was taken.
    pub(crate) fn give_back(&mut self) {
        self.give_back_some(self.bytes);
    }

    /// Gives back a part of it.
    pub(crate) fn give_back_some(&mut self, bytes: u64) {
        self.bytes -= bytes;
        if bytes > 0 {
            self.of.taken.fetch_sub(bytes, Relaxed);
            if let Some(standing) = self.standing() {
                standing.memory_bytes.fetch_sub(bytes, Relaxed);
            }
        }
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
        self.of.take(self.standing(), more, at_most_bytes)?;
        self.bytes += more;
        Ok(())
    }

    fn standing(&self) -> Option<&Standing> {
        self.place.as_ref().map(Place::standing)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back();
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
        let exhausted = Err(Exhausted::All(80));
        let (mut one, mut other) = (Share::of(&BUDGET, None), Share::of(&BUDGET, None));
        assert_eq!(one.grow(60), Ok(()));
        assert_eq!(other.grow(21), exhausted);
        assert_eq!(other.grow(20), Ok(()));
        assert_eq!(other.grow(1), exhausted);
        assert_eq!(other.begin(20), Ok(()));
        assert_eq!(other.begin(1), Err(Exhausted::All(100)));
        drop(one);
        assert_eq!(other.grow(40), Ok(()));
    }

    #[test]
    fn an_app_that_takes_all_it_can_leaves_to_others_what_they_count_on() {
        let budget = Budget::new(6_400, 6_400);
        let take = |app: &Standing, more| budget.take(Some(app), more, budget.to_grow_bytes);
        let takes_all = |app: &Standing| while take(app, 1).is_ok() {};
        let [first, second] = [Standing::default(), Standing::default()];
        takes_all(&first);
        assert_eq!(first.memory_bytes.load(Relaxed), 3_200, "half, if it is alone");
        takes_all(&second);
        let had = [&first, &second].map(|app| app.memory_bytes.load(Relaxed));
        assert!(had[1] > 1_000, "the second has two thirds of the rest: {had:?}");
        // Whatever those do, a quarter is left for apps with no more than their part.
        let small: Vec<_> = (0..16).map(|_| Standing::default()).collect();
        for app in &small {
            assert_eq!(take(app, budget.part_bytes()), Ok(()));
        }
        let more = take(&small[0], 1);
        assert!(matches!(more, Err(Exhausted::App(_))), "{more:?}");
        // What was refused is not taken.
        let all = small.iter().chain([&first, &second]).map(|app| app.memory_bytes.load(Relaxed));
        assert_eq!(all.sum::<u64>(), budget.taken.load(Relaxed));
    }

    #[test]
    fn this_host_has_memory() {
        assert!(total_bytes() > 64 << 20);
    }
}
