//! What a unit may use, and how many requests its instances answer.

use std::time::Duration;

/// What one unit may use. Every field has a default that protects the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Bytes of linear memory, summed over all memories of an instance. 128 MiB.
    pub memory_bytes: u64,
    /// Table elements, summed over all tables of an instance. 100,000.
    pub table_elements: usize,
    /// Core instances that one instance of the unit may make. 256.
    pub core_instances: usize,
    /// Wall-clock time from the request's start until its answer is complete. 30 s.
    pub time: Duration,
    /// Time spent inside WebAssembly code, at the grain of 10 ms. 10 s.
    pub cpu: Duration,
    /// Bytes of a request's body. Unlimited if none, which is the default: bodies are streamed.
    pub body_bytes: Option<u64>,
    /// Requests that run at the same time. 256.
    pub concurrency: usize,
    /// Requests that wait beyond those, before the next is refused. 1,024.
    pub queue: usize,
    /// How far one instance is used.
    pub reuse: Reuse,
}

/// How many requests an instance of a unit answers. Each gets a fresh one by default, which knows
/// nothing of other requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reuse {
    /// In all, before it is dropped. 1.
    pub requests: usize,
    /// At once, by asynchronous calls of the component model. 1.
    pub concurrent: usize,
    /// How long it waits for a request before it is dropped. 1 s.
    pub idle: Duration,
}

impl Default for Reuse {
    fn default() -> Self {
        Self { requests: 1, concurrent: 1, idle: Duration::from_secs(1) }
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            memory_bytes: 128 << 20,
            table_elements: 100_000,
            core_instances: 256,
            time: Duration::from_secs(30),
            cpu: Duration::from_secs(10),
            body_bytes: None,
            concurrency: 256,
            queue: 1024,
            reuse: Reuse::default(),
        }
    }
}
