//! How large a pool is: what it has to hold for the units that it is made for.

use keyway_app::Limit;

use super::{MAX_SLOTS, RESERVATION_BYTES, compiler::Compiled};
use crate::place::Slots;

/// Room for the instances of one unit.
#[derive(Debug, Clone, Copy)]
pub struct Room<'a> {
    /// The unit's code.
    pub compiled: &'a Compiled,
    /// Its limits.
    pub limit: &'a Limit,
}

/// The size of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Size {
    pub(crate) slots: Slots,
    /// Bytes of the largest memory.
    pub(crate) memory_bytes: u64,
    /// Elements of the largest table.
    pub(crate) table_elements: u64,
    /// Memories of one module.
    pub(crate) memories: u32,
    /// What an instance of the largest unit takes.
    pub(crate) largest: Slots,
}

impl Size {
    /// What units take together if each has as many instances as it may have, less the
    /// [`crowding`].
    pub(crate) fn of<'a>(rooms: impl IntoIterator<Item = Room<'a>>, crowding: u64) -> Self {
        let sizes = rooms.into_iter().map(|Room { compiled, limit }| {
            let needs = compiled.needs;
            // Summed after the division, whose rounding would otherwise starve a unit.
            let instances = (limit.concurrency as u64).div_ceil(crowding).max(1);
            Self {
                // One more is a pattern for the rest, see `reset`.
                slots: compiled.slots().times(instances + 1),
                memory_bytes: needs.memory_bytes.max(limit.memory_bytes),
                table_elements: needs.table_elements.max(limit.table_elements as u64),
                memories: needs.memories,
                largest: compiled.slots(),
            }
        });
        sizes.fold(Self::default(), |all, one| Self {
            slots: all.slots.plus(one.slots),
            ..all.max(one)
        })
    }

    /// A size that holds what either does.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            slots: self.slots.max(other.slots),
            memory_bytes: self.memory_bytes.max(other.memory_bytes),
            table_elements: self.table_elements.max(other.table_elements),
            memories: self.memories.max(other.memories),
            largest: self.largest.max(other.largest),
        }
    }

    /// What a host begins with that is to hold many apps, whose number and needs nobody knows.
    pub(crate) fn for_many() -> Self {
        Self {
            slots: Slots { memories: 2048, tables: 4096, instances: 1024 },
            memory_bytes: RESERVATION_BYTES,
            table_elements: 100_000,
            memories: 2,
            largest: Slots { memories: 2, tables: 4, instances: 1 },
        }
    }

    /// Whether a pool of this size holds what one of the `other` size does.
    pub(crate) fn holds(self, other: Self) -> bool {
        self.max(other) == self
    }
}

/// How many instances may run for each that was asked for, when the address space cannot hold them all: 1
/// and more divide. All engines of the process share one address space.
pub(super) fn crowding(rooms: &[Room<'_>]) -> u64 {
    let asked = rooms.iter().map(|Room { compiled, limit }| {
        u64::from(compiled.needs.memories) * limit.concurrency as u64
    });
    asked.sum::<u64>().div_ceil(MAX_SLOTS).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_pool_holds_a_smaller_one() {
        let small = Size { memory_bytes: 1 << 20, memories: 2, ..Size::default() };
        let large = Size { memory_bytes: 2 << 20, table_elements: 10, ..Size::default() };
        assert!(!large.holds(small) && !small.holds(large));
        assert!(large.max(small).holds(small) && large.max(small).holds(large));
    }
}
