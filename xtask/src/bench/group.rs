//! A control group that limits memory, for as long as something is measured in it.
//!
//! It lies in this process's own group, so that whatever limits that has hold in it too.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};

/// Where the kernel shows control groups.
const ROOT: &str = "/sys/fs/cgroup";

/// How long a group may take to be free of processes that have ended.
const RELEASE: Duration = Duration::from_millis(20);

/// A control group. It is removed when dropped, which is to be after the processes in it.
#[derive(Debug)]
pub(super) struct Group {
    folder: PathBuf,
    version: Version,
    limit_bytes: u64,
}

/// Versions 1 and 2 of control groups (cgroups(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Version {
    fn limit(self) -> &'static str {
        match self {
            Self::One => "memory.limit_in_bytes",
            Self::Two => "memory.max",
        }
    }

    fn usage(self) -> &'static str {
        match self {
            Self::One => "memory.usage_in_bytes",
            Self::Two => "memory.current",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = if self.version == Version::One { 1 } else { 2 };
        write!(f, "a control group (version {version}) of {} MiB", self.limit_bytes >> 20)
    }
}

impl Group {
    /// A new group.
    ///
    /// # Errors
    /// Why none can be made.
    pub(super) fn new(limit_bytes: u64) -> io::Result<Self> {
        let groups = fs::read_to_string("/proc/self/cgroup")?;
        let path = |controllers: &str| {
            let mut lines = groups.lines().map(|line| line.splitn(3, ':').skip(1));
            lines.find_map(|mut line| (line.next()? == controllers).then(|| line.next())?)
        };
        let (root, path, version) = match path("memory") {
            Some(path) => (Path::new(ROOT).join("memory"), path, Version::One),
            None => (ROOT.into(), path("").unwrap_or("/"), Version::Two),
        };
        let folder = root.join(path.trim_start_matches('/'));
        let folder = folder.join(format!("keyway-bench-{}", std::process::id()));
        fs::create_dir(&folder)?;
        let group = Self { folder, version, limit_bytes };
        // With version 2, only if the group above has the controller for those in it.
        fs::write(group.folder.join(version.limit()), limit_bytes.to_string())?;
        Ok(group)
    }

    /// What all that is in it takes, with what it has read of files.
    pub(super) fn used_bytes(&self) -> Result<f64> {
        let file = self.folder.join(self.version.usage());
        fs::read_to_string(&file)?.trim().parse().with_context(|| file.display().to_string())
    }

    /// A shell that runs the program of its arguments in the group.
    pub(super) fn shell(&self) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]).arg(self.folder.join("cgroup.procs"));
        shell
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The kernel takes a moment to release what has just ended.
        for _ in 0..100 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            thread::sleep(RELEASE);
        }
        eprintln!("the control group {} cannot be removed", self.folder.display());
    }
}
