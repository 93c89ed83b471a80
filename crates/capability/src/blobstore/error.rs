//! What can go wrong with containers and objects.

use thiserror::Error;

use crate::{Origin, Outage};

/// Why something was not done that a place for objects was asked for. Each text is a whole sentence
/// without a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// The backend does not serve.
    #[error(transparent)]
    Outage(#[from] Outage),
    /// The bucket behind all containers is not there.
    #[error("{at} has no {name}: {reason}")]
    NoSuchStore {
        /// Where it was looked for.
        at: Origin,
        /// What was looked for, such as "bucket `pictures`".
        name: String,
        /// The way out.
        reason: String,
    },
    /// There is no such container.
    #[error("{at} has no container `{container}`")]
    NoSuchContainer {
        /// Where it was looked for.
        at: Origin,
        /// The container.
        container: String,
    },
    /// The container that was to be made is there.
    #[error("{at} has a container `{container}` already")]
    ContainerExists {
        /// Where it is.
        at: Origin,
        /// The container.
        container: String,
    },
    /// There is no such object.
    #[error("the container `{container}` of {at} has no object `{object}`")]
    NoSuchObject {
        /// Where it was looked for.
        at: Origin,
        /// The container.
        container: String,
        /// The object.
        object: String,
    },
    /// A name that cannot be one.
    #[error("`{name}` cannot be the name of {what}: {rule}")]
    Name {
        /// The name, or its beginning.
        name: String,
        /// What it was to name: "an object".
        what: &'static str,
        /// What names look like.
        rule: String,
    },
    /// Of `a` and `a/b`, a folder of files keeps only one.
    #[error(
        "the object `{object}` cannot be written to {at}: because of another object's name it \
         would have to be a file and a folder at once"
    )]
    FolderInTheWay {
        /// The folder.
        at: Origin,
        /// The object.
        object: String,
    },
    /// The link may only read.
    #[error("{what} cannot be changed: the link to {at} is read-only")]
    ReadOnly {
        /// What is behind the link.
        at: Origin,
        /// What was to be changed: "the object `a`".
        what: String,
    },
    /// An object that the link may not use.
    #[error(
        "the object `{object}` is outside the link to {at}, which covers names that begin with \
         `{prefix}`"
    )]
    OutsidePrefix {
        /// What is behind the link.
        at: Origin,
        /// The object.
        object: String,
        /// What the link's names begin with.
        prefix: String,
    },
    /// The link's quota is used up.
    #[error(
        "the object `{object}` is over the quota of the link to {at}: {used_bytes} of \
         {limit_bytes} bytes are used; delete objects, or raise the quota"
    )]
    OverQuota {
        /// What is behind the link.
        at: Origin,
        /// The object that was to be written.
        object: String,
        /// What the link's objects take, with those that are being written.
        used_bytes: u64,
        /// The quota.
        limit_bytes: u64,
    },
    /// A cursor that this backend did not give.
    #[error("the cursor `{cursor}` does not come from {at}; list from the beginning")]
    WrongCursor {
        /// The backend.
        at: Origin,
        /// The cursor.
        cursor: String,
    },
    /// The backend failed in another way.
    #[error("{at} failed: {reason}")]
    Failed {
        /// The backend that failed.
        at: Origin,
        /// The backend's own words.
        reason: String,
    },
}

impl Error {
    pub(super) fn no_object(at: Origin, object: super::ObjectId<'_>) -> Self {
        Self::NoSuchObject {
            at,
            container: object.container.to_owned(),
            object: object.name.to_owned(),
        }
    }

    pub(super) fn no_container(at: Origin, container: &str) -> Self {
        Self::NoSuchContainer { at, container: container.to_owned() }
    }
}
