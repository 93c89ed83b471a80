//! Why a host did not deploy, remove, stop or start an app.

use std::{
    io,
    path::{Path, PathBuf},
};

use keyway_app::Code;
use keyway_word::did_you_mean;

/// Why a host did not deploy, remove, stop or start an app. All its apps are as they were.
#[derive(Debug, thiserror::Error)]
pub enum AppsError {
    /// The host has no app of this name.
    #[error("the host has no app `{name}`")]
    NoSuchApp {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The request names no app, and the host has none or several.
    #[error("the host has {0} apps, and the request names none of them")]
    WhichApp(usize),
    /// The name is not one of an app.
    #[error(
        "`{0}` cannot be the name of an app: use words of lower-case letters and digits, each \
         beginning with a letter, joined by `-`, at most 64 characters"
    )]
    Name(String),
    /// Another app has the route.
    #[error("the route `{route}`{} of `{app}` is taken by the app `{other}`", for_host(.host))]
    RouteTaken {
        /// The app that was to have it.
        app: String,
        /// The app that has it.
        other: String,
        /// The host that both are for; any, if none.
        host: Option<String>,
        /// The path.
        route: String,
    },
    /// The host serves one app in the foreground.
    #[error("this host serves one app, and takes no others")]
    OneApp,
    /// The app is in the folder of apps that the host watches.
    #[error("the app `{name}` is in the folder of apps, at {}", path.display())]
    InFolder {
        /// The app.
        name: String,
        /// Where it is.
        path: PathBuf,
    },
    /// A folder that is granted by a relative path is not in the app's folder.
    #[error("the path {} leads out of the app's folder", .0.display())]
    Outside(PathBuf),
    /// The app was stopped.
    #[error("the app `{0}` is stopped")]
    Stopped(String),
    /// The app could not be started a moment ago.
    #[error("the app `{name}` could not be started: {error}")]
    Failed {
        /// The app.
        name: String,
        /// Why.
        error: String,
    },
    /// A component is not what it was when it was checked.
    #[error("the file {} has changed while the app was deployed", .0.display())]
    Changed(PathBuf),
    /// The manifest cannot be changed for the host.
    #[error("the manifest cannot be taken over: {0}")]
    Manifest(String),
    /// The disk does not take or give something.
    #[error("cannot {action} {}: {error}", path.display())]
    Disk {
        /// What was to be done.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// Something in a folder that is to be copied cannot be.
    #[error("{} is neither a file nor a folder, nor a link within its folder", .0.display())]
    NoFile(PathBuf),
    /// The data folder is something else's.
    #[error("the folder {} is not empty, and not the data folder of a host", .0.display())]
    NotOurs(PathBuf),
    /// Another host uses the folder.
    #[error("the data folder {} is in use by another host", .0.display())]
    InUse(PathBuf),
}

fn for_host(host: &Option<String>) -> String {
    host.as_ref().map(|host| format!(" for the host `{host}`")).unwrap_or_default()
}

impl AppsError {
    /// What the disk did not do.
    pub(crate) fn disk(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Disk { action, path, error }
    }

    /// What kind of problem it is.
    pub fn code(&self) -> Code {
        match self {
            Self::NoSuchApp { .. } => Code::NoSuchApp,
            Self::WhichApp(_) => Code::WhichApp,
            Self::Name(_) => Code::AppName,
            Self::RouteTaken { .. } => Code::RouteTaken,
            Self::OneApp => Code::OneApp,
            Self::InFolder { .. } => Code::AppInFolder,
            Self::Outside(_) | Self::NoFile(_) => Code::OutsideApp,
            Self::Stopped(_) => Code::AppStopped,
            Self::Failed { .. } => Code::AppFailed,
            Self::Changed(_) => Code::ChangedSource,
            Self::Manifest(_) => Code::Syntax,
            Self::Disk { .. } | Self::NotOurs(_) => Code::DataFolder,
            Self::InUse(_) => Code::DataInUse,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::NoSuchApp { name, known } => {
                return Some(did_you_mean(name, known.iter().map(String::as_str)));
            }
            Self::WhichApp(_) => "name one with `--app`; `keyway apps` lists them",
            Self::Name(_) => "set one with `--name`",
            Self::RouteTaken { .. } => {
                "give one of them another route, or a `host` of its own, in its manifest"
            }
            Self::OneApp => "start a host of many apps with `keyway host`",
            Self::InFolder { .. } => "change its files there; the host takes in what has changed",
            Self::Outside(_) => "name the folder by its whole path",
            Self::Stopped(_) => "start it with `keyway start`",
            Self::NoFile(_) => "remove it from the folder, or grant the folder by its whole path",
            Self::NotOurs(_) => "name a folder of the host's own with `--data`",
            Self::InUse(_) => "give each host a folder of its own with `--data`",
            Self::Changed(_) => "deploy it again",
            Self::Failed { .. } | Self::Manifest(_) | Self::Disk { .. } => return None,
        };
        Some(help.to_owned())
    }
}
