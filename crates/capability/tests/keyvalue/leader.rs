//! Which NATS server is asked for values: the one with every acknowledged write. That is the
//! leader; and where a bucket has one replica, whoever answers directly.

use async_nats::{Client, ConnectOptions, jetstream};
use bytes::Bytes;
use futures::StreamExt;
use keyway_capability::keyvalue::{Backend, Store, Swap, nats, open};
use keyway_testing::server::{Nats, PASSWORD};

use crate::{backend, block_on};

async fn login(server: &Nats) -> Client {
    let login = ConnectOptions::with_user_and_password("keyway".to_owned(), PASSWORD.to_owned());
    login.connect(server.url()).await.unwrap()
}

/// Does all that reads a value, and says whether the server was asked directly, and whether its leader
/// was. Tests share the server, and tell their buckets apart by name.
async fn asked(client: &Client, bucket: &str, store: &dyn Store) -> (bool, bool) {
    let stream = format!("KV_{bucket}");
    let mut directly = client.subscribe(format!("$JS.API.DIRECT.GET.{stream}.>")).await.unwrap();
    let mut leader = client.subscribe(format!("$JS.API.STREAM.MSG.GET.{stream}")).await.unwrap();
    client.flush().await.unwrap();
    let (one, two) = (Bytes::from_static(b"1"), Bytes::from_static(b"2"));
    assert_eq!(store.get("key").await.unwrap(), None);
    store.set("key", one.clone()).await.unwrap();
    assert_eq!(store.get("key").await.unwrap(), Some(one.clone()));
    assert_eq!(store.swap("key", Some(&one), two.clone()).await.unwrap(), Swap::Done);
    store.delete("key").await.unwrap();
    assert_eq!(store.get_many(&["key".to_owned()]).await.unwrap(), [None]);
    // What was asked before this reached the listener before it as well.
    let mut end = client.subscribe("end").await.unwrap();
    client.publish("end", Bytes::new()).await.unwrap();
    assert!(end.next().await.is_some());
    let (directly, leader) = (futures::poll!(directly.next()), futures::poll!(leader.next()));
    (directly.is_ready(), leader.is_ready())
}

#[test]
fn values_are_read_from_who_has_all_that_was_acknowledged() {
    let (server, _) = backend::nats();
    block_on(async {
        let client = login(&server).await;
        for (bucket, allow_direct) in [("one_replica", true), ("by_leader", false)] {
            let config = jetstream::stream::Config {
                name: format!("KV_{bucket}"),
                subjects: vec![format!("$KV.{bucket}.>")],
                max_messages_per_subject: 1,
                allow_direct,
                ..jetstream::stream::Config::default()
            };
            jetstream::new(client.clone()).create_stream(config).await.unwrap();
            let options =
                nats::Options { bucket: bucket.to_owned(), ..nats::Options::new(server.url()) };
            let store = open(&Backend::Nats(options)).unwrap();
            let expected = (allow_direct, !allow_direct);
            assert_eq!(asked(&client, bucket, &*store).await, expected, "{bucket}");
        }
    });
}
