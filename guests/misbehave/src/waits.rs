//! What waits.

use wasip2::clocks::monotonic_clock::subscribe_duration;

const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

/// Waits for `ms` milliseconds.
pub fn sleep(ms: u64) {
    subscribe_duration(ms.saturating_mul(NANOSECONDS_PER_MILLISECOND)).block();
}

/// Waits for a moment that is centuries away.
pub fn hang() {
    subscribe_duration(u64::MAX / 2).block();
}
