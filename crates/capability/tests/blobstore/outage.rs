//! Servers that go away, and come back.

use std::{sync::Arc, time::Duration};

use keyway_capability::{
    Outage,
    blobstore::{Backend, Blobs, Error, nats, open, s3},
};
use keyway_testing::server::{Moto, Nats};
use tokio::time::timeout;

use crate::{
    backend::s3_options,
    block_on,
    suite::{get, put},
};

const TIMEOUT: Duration = Duration::from_millis(500);

/// Longer than a call may take, and than any pause between attempts to reach a server.
const PATIENCE: Duration = Duration::from_secs(30);

/// An error, by the time-out, which names the server and holds no password.
async fn is_told(blobs: &Arc<dyn Blobs>, backend: &str) {
    let asked = timeout(PATIENCE, get(blobs, "a")).await;
    let error = asked.expect("a call ends by its time-out").unwrap_err();
    assert!(
        matches!(
            error,
            Error::Outage(Outage::Unreachable { .. }) | Error::Outage(Outage::TimedOut { .. })
        ),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(text.starts_with(&format!("{backend} at ")) && !text.contains("secret"), "{text}");
}

#[test]
fn nats_that_was_killed_is_found_again() {
    let mut server = Nats::start();
    let options = nats::Options { timeout: TIMEOUT, ..nats::Options::new(server.url()) };
    let blobs = open(&Backend::Nats(options)).unwrap();
    block_on(async {
        blobs.create_container("box").await.unwrap();
        put(&blobs, "a", "kept").await;
        server.kill();
        is_told(&blobs, "NATS").await;
        server.restart();
        let reading = async {
            loop {
                match get(&blobs, "a").await {
                    Ok(text) => break text,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        let text = timeout(PATIENCE, reading).await.expect("the server answers");
        assert_eq!(text, "kept");
    });
}

#[test]
fn s3_that_was_killed_is_told_of() {
    let mut server = Moto::start();
    server.make_bucket("pictures");
    let options = s3::Options { timeout: TIMEOUT, ..s3_options(&server, "pictures") };
    let blobs = open(&Backend::S3(options)).unwrap();
    block_on(async {
        blobs.create_container("box").await.unwrap();
        put(&blobs, "a", "gone").await;
        server.kill();
        is_told(&blobs, "S3").await;
    });
}
