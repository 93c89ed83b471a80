//! Containers in a bucket without containers: a prefix of each object's key. A marker key records
//! that a container exists, so that it can be empty.

use super::{
    Error, ObjectId,
    name::{
        check_container, check_object, read_container, read_object, write_container, write_object,
        write_prefix,
    },
};

/// What marks a container, after its name. No object is written so.
const MARK: &str = "%";

/// What the keys of a container's objects begin with.
pub(super) fn container_key(container: &str) -> Result<String, Error> {
    check_container(container)?;
    Ok(write_container(container) + "/")
}

/// The key that marks a container.
pub(super) fn mark_key(container: &str) -> Result<String, Error> {
    Ok(container_key(container)? + MARK)
}

/// The container that this key marks or the keys of whose objects begin with it.
pub(super) fn container_name(key: &str) -> Option<String> {
    let container = key.strip_suffix(MARK).unwrap_or(key);
    read_container(container.strip_suffix('/').unwrap_or(container))
}

/// Whether this is the key that marks a container.
pub(super) fn is_mark(key: &str) -> bool {
    matches!(key.split_once('/'), Some((_, MARK)))
}

/// The key of an object.
pub(super) fn object_key(object: ObjectId<'_>) -> Result<String, Error> {
    check_object(object.name)?;
    Ok(container_key(object.container)? + &write_object(object.name))
}

/// What the keys of the objects in a container begin with whose names begin with `prefix`.
pub(super) fn prefix_key(container: &str, prefix: &str) -> Result<String, Error> {
    Ok(container_key(container)? + &write_prefix(prefix))
}

/// The name of the object that has this key, which begins with its container's.
pub(super) fn object_name(key: &str, container_key: &str) -> Option<String> {
    read_object(key.strip_prefix(container_key)?)
}
