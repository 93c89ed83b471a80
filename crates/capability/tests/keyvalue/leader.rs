//! What NATS is asked for values: the leader, which has all that was acknowledged.

use async_nats::ConnectOptions;
use bytes::Bytes;
use futures::StreamExt;
use keyway_capability::keyvalue::Swap;
use keyway_testing::server::PASSWORD;

use crate::{backend, block_on};

#[test]
fn values_are_read_from_the_leader() {
    let (server, store) = backend::nats();
    block_on(async {
        let login =
            ConnectOptions::with_user_and_password("keyway".to_owned(), PASSWORD.to_owned());
        let listener = login.connect(server.url()).await.unwrap();
        // Tests share the server, but all of them read in the same way.
        let mut asked = listener.subscribe("$JS.API.DIRECT.>").await.unwrap();
        let mut asked_leader = listener.subscribe("$JS.API.STREAM.MSG.GET.>").await.unwrap();
        listener.flush().await.unwrap();
        let (one, two) = (Bytes::from_static(b"1"), Bytes::from_static(b"2"));
        assert_eq!(store.get("key").await.unwrap(), None);
        store.set("key", one.clone()).await.unwrap();
        assert_eq!(store.get("key").await.unwrap(), Some(one.clone()));
        assert_eq!(store.swap("key", Some(&one), two.clone()).await.unwrap(), Swap::Done);
        store.delete("key").await.unwrap();
        assert_eq!(store.get_many(&["key".to_owned()]).await.unwrap(), [None]);
        // What was asked before this reached the listener before it as well.
        let mut end = listener.subscribe("end").await.unwrap();
        listener.publish("end", Bytes::new()).await.unwrap();
        assert!(end.next().await.is_some());
        let (asked, asked_leader) =
            (futures::poll!(asked.next()), futures::poll!(asked_leader.next()));
        assert!(asked.is_pending() && asked_leader.is_ready(), "{asked:?}, {asked_leader:?}");
    });
}
