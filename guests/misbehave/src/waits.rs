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

/// Waits for `count` moments that have all passed when the first is asked for.
pub fn passed(count: u64) {
    let moments: Vec<_> = (0..count).map(|_| subscribe_duration(1)).collect();
    sleep(5);
    moments.iter().for_each(|moment| moment.block());
}
