//! Objects of more than one part of S3, which go piece by piece.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use keyway_capability::blobstore::{Blobs, copy_across};

use crate::{backend, block_on, suite::id};

const PIECE: usize = 1 << 20;
const PIECES: usize = 21;

/// Each piece has its own byte, so that none can be in another's place.
fn piece(number: usize) -> Bytes {
    vec![u8::try_from(number).unwrap(); PIECE].into()
}

async fn write(blobs: &Arc<dyn Blobs>) {
    let mut writing = blobs.write(id("large")).await.unwrap();
    for number in 0..PIECES {
        writing.write(piece(number)).await.unwrap();
    }
    writing.finish().await.unwrap();
}

async fn assert_whole(blobs: &Arc<dyn Blobs>) {
    let mut reading = blobs.read(id("large"), 0..=u64::MAX).await.unwrap();
    assert_eq!(reading.bytes, (PIECE * PIECES) as u64);
    let mut at = 0;
    while let Some(bytes) = reading.data.try_next().await.unwrap() {
        for byte in &bytes {
            assert_eq!(usize::from(*byte), at / PIECE);
            at += 1;
        }
    }
    assert_eq!(at, PIECE * PIECES);
}

#[test]
fn an_object_of_several_parts_comes_back() {
    let (_moto, s3) = backend::s3();
    let (_nats, nats) = backend::nats();
    let (_folder, folder) = backend::folder();
    block_on(async {
        for blobs in [&s3, &nats, &folder] {
            blobs.create_container("box").await.unwrap();
        }
        write(&s3).await;
        assert_whole(&s3).await;
        // From one backend to another, through this process.
        copy_across(&*s3, id("large"), &*nats, id("large")).await.unwrap();
        assert_whole(&nats).await;
        copy_across(&*nats, id("large"), &*folder, id("large")).await.unwrap();
        assert_whole(&folder).await;
    });
}
