//! Why a request got no response from its unit. The trigger turns each into a status of its
//! protocol; the log gets the whole sentence.

use std::time::Duration;

/// Why a request got no answer, or not a whole one. `Display` is for the log; what a client may
/// see is up to the trigger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// All instances are busy and the queue is full.
    #[error(
        "{running} requests are running and {waiting} are waiting: `limit.concurrency` and \
         `limit.queue` set how many are allowed"
    )]
    Busy {
        /// Requests that may run at once.
        running: usize,
        /// Requests that may wait.
        waiting: usize,
    },
    /// It has waited for as long as it may take.
    #[error(
        "it waited for {0:?} without getting a turn: `limit.concurrency` sets how many requests \
         run at once"
    )]
    NoTurn(Duration),
    /// As many requests of its app run or wait as may.
    #[error(
        "{0} requests of its app are running or waiting, which is as many as one app of a host may have"
    )]
    AppBusy(usize),
    /// It has waited for an instance for as long as it may take.
    #[error(
        "it waited for {0:?} for an instance: the other requests of its app and those of other apps have \
         all that its host can spare"
    )]
    NoPlace(Duration),
    /// The wall-clock limit ran out.
    #[error("not done within {0:?}: `limit.time` sets how long it may take")]
    TimedOut(Duration),
    /// The limit of time inside WebAssembly code ran out.
    #[error("more than {0:?} of computing: `limit.cpu` sets how long it may compute")]
    CpuTime(Duration),
    /// The component wanted more memory than its unit may have, and ended.
    #[error(
        "it asked for more than {0} bytes of memory: `limit.memory` sets how many a unit may have"
    )]
    Memory(u64),
    /// The component wanted more memory than all instances may have together, and ended.
    #[error(
        "all instances together asked for more than {0} bytes of memory, which is all that the \
         host can spare: lower `limit.concurrency` or `limit.memory`"
    )]
    HostMemory(u64),
    /// The component wanted more memory than all instances of its app may have together, and ended.
    #[error(
        "the instances of its app together asked for more than {0} bytes of memory, which is all that \
         the host can spare for one app: lower `limit.concurrency` or `limit.memory`"
    )]
    AppMemory(u64),
    /// The component wanted more table elements, instances or handles than its unit may have, and ended.
    #[error("it asked for more than {limit} {what}: `limit.{key}` sets how many a unit may have")]
    Resources {
        /// What was asked for, in the plural.
        what: &'static str,
        /// The key of `limit`.
        key: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// The request's body is longer than the limit.
    #[error("the request's body is longer than {0} bytes: `limit.body` sets how long it may be")]
    BodyTooLarge(u64),
    /// The component trapped.
    #[error("the component trapped: {0}")]
    Trap(String),
    /// The component called something that it has no grant for and that has no error of its own.
    #[error("{0}")]
    Denied(String),
    /// The component returned without an answer.
    #[error("the component returned without a response")]
    NoAnswer,
    /// The component answered with an error code of `wasi:http/types`.
    #[error("the component answered with the error {0}")]
    ErrorCode(String),
    /// The request cannot be given to a component, such as for its method or URI.
    #[error("the request cannot be passed to a component: {0}")]
    Request(String),
    /// Its app was stopped, or cannot be started.
    #[error("{0}")]
    NotServed(String),
    /// The host has no room for another instance.
    #[error("no instance could be created: {0}")]
    NoRoom(String),
}
