//! What a compiler is given to build a project, and what it makes of that.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::{Features, Project};

/// How a component is built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The world among those in `wit`; not needed if there is one.
    pub world: Option<String>,
    /// The features of its WIT that are on, beside those that the project's settings name.
    pub features: Features,
    /// For speed, or for finding mistakes.
    pub profile: Profile,
    /// Whether compilers may colour what they say.
    pub color: bool,
}

/// What a component is built for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// Small and fast.
    #[default]
    Release,
    /// With what a debugger and a stack trace need.
    Debug,
}

/// What a language's compiler is given.
#[derive(Debug)]
pub(crate) struct Task<'a> {
    pub(crate) project: &'a Project,
    pub(crate) options: &'a Options,
    /// An empty folder, on the project's file system, that is removed afterwards.
    pub(crate) work: &'a Path,
    pub(crate) compilers: Stopwatch,
}

/// Adds up times.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch(AtomicU64);

impl Stopwatch {
    pub(crate) fn add(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    pub(crate) fn sum(&self) -> Duration {
        Duration::from_nanos(self.0.load(Relaxed))
    }
}

/// What a language's compiler makes.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// A component, or a core module that can be made one.
    pub(crate) module: Vec<u8>,
    /// Warnings.
    pub(crate) said: String,
    /// Files that the compiler says it has read, some of which are sources: absolute, or as seen from
    /// the project's folder.
    pub(crate) used: Vec<PathBuf>,
}
