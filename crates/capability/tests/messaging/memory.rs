//! What waits in memory is bounded.

use std::time::Duration;

use bytes::Bytes;
use keyway_capability::messaging::{Error, Limit, Message, Subscription};

use crate::{backend, block_on};

const MEBIBYTE: usize = 1 << 20;

#[test]
fn what_waits_is_bounded_in_bytes() {
    let ((), broker) = backend::memory();
    block_on(async {
        let subscription = Subscription {
            topics: "orders.>".parse().unwrap(),
            group: "workers".to_owned(),
            attempts: 1,
            patience: Duration::from_secs(2),
        };
        let mut deliveries = broker.subscribe(&subscription).await.unwrap();
        let message = Message { data: Bytes::from(vec![0; MEBIBYTE]), ..Message::default() };
        // Each takes somewhat more than what it says.
        for _ in 0..63 {
            broker.send("orders.paid", message.clone()).await.unwrap();
        }
        let full = broker.send("orders.paid", message.clone()).await.unwrap_err();
        let limit = Limit::Bytes(64 * MEBIBYTE);
        assert!(matches!(&full, Error::Full { limit: of, .. } if *of == limit), "{full:?}");
        assert_eq!(
            full.to_string(),
            "the message on `orders.paid` was rejected: the memory of this host lets at most \
             67108864 bytes wait, and they are handled too slowly"
        );
        // What was taken makes room.
        deliveries.next().await.unwrap().unwrap();
        broker.send("orders.paid", message).await.unwrap();
    });
}
