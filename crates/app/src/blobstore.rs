//! Containers of objects: the names that an app gives their places in `[blobstore.NAME]`. What its
//! components may do with them is a [`StoreLink`](crate::keyvalue::StoreLink), as for stores.

pub use crate::keyvalue::DEFAULT;

/// Whether an import is one of `wasi:blobstore`, whose links lead to containers. They are opened by
/// one of its interfaces, and the others work on what that gave, so one link counts for all of them.
pub fn is_blobstore(import: &str) -> bool {
    import.starts_with("wasi:blobstore/")
}

/// The line that would let `component` use `container`, with the name of a place for containers to
/// be put in the place of `PLACE`.
pub fn suggest_container(component: &str, container: &str) -> String {
    let container = crate::grant::quoted(container);
    format!(
        "component.{component}.link.\"wasi:blobstore/blobstore\" = {{ {container} = \"PLACE\" }}"
    )
}

/// The line that would let `component` change containers that it may only read, with the name of
/// their place to be put in the place of `PLACE`.
pub fn suggest_container_write(component: &str) -> String {
    format!(
        "component.{component}.link.\"wasi:blobstore/blobstore\" = {{ to = \"PLACE\", \
         access = \"read-write\" }}"
    )
}
