//! A fresh place for containers on each backend.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use keyway_capability::{
    Rights,
    blobstore::{Backend, Blobs, folder, nats, open, restrict, s3},
};
use keyway_testing::server::{Moto, Nats, Shared};
use tempfile::TempDir;

static MOTO: Shared<Moto> = Shared::new();
static NATS: Shared<Nats> = Shared::new();

/// A name that no other test uses.
pub(crate) fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("bucket-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn folder() -> (TempDir, Arc<dyn Blobs>) {
    let folder = tempfile::tempdir().unwrap();
    let options = folder::Options::new(folder.path().join("data/blobs"));
    (folder, open(&Backend::Folder(options)).unwrap())
}

pub(crate) fn memory() -> ((), Arc<dyn Blobs>) {
    ((), open(&Backend::Memory).unwrap())
}

pub(crate) fn s3() -> (Arc<Moto>, Arc<dyn Blobs>) {
    let server = MOTO.get(Moto::start);
    let bucket = fresh_name();
    server.make_bucket(&bucket);
    let options = s3::Options { prefix: "an app/".to_owned(), ..s3_options(&server, &bucket) };
    (server, open(&Backend::S3(options)).unwrap())
}

pub(crate) fn s3_options(server: &Moto, bucket: &str) -> s3::Options {
    let (access_key, secret_key) = server.login();
    s3::Options {
        url: Some(server.url().into()),
        login: Some(s3::Login { access_key, secret_key, token: None }),
        ..s3::Options::new(bucket)
    }
}

pub(crate) fn nats() -> (Arc<Nats>, Arc<dyn Blobs>) {
    let server = NATS.get(Nats::start);
    let options = nats::Options { bucket: fresh_name(), ..nats::Options::new(server.url()) };
    (server, open(&Backend::Nats(options)).unwrap())
}

/// A link that has all rights, as long as it takes no more than a quota.
pub(crate) fn restricted() -> ((), Arc<dyn Blobs>) {
    let ((), blobs) = memory();
    ((), restrict(blobs, Rights { quota_bytes: Some(64 << 20), ..Rights::default() }))
}
