//! A PostgreSQL table created elsewhere, whose texts are sorted by a language's rules.

use bytes::Bytes;
use keyway_capability::keyvalue::{Backend, open, postgres};
use keyway_testing::server::Postgres;
use tokio_postgres::NoTls;

use crate::block_on;

#[test]
fn keys_are_listed_in_the_order_of_bytes() {
    let server = Postgres::start();
    let options =
        postgres::Options { table: "words".to_owned(), ..postgres::Options::new(server.url()) };
    let store = open(&Backend::Postgres(options)).unwrap();
    block_on(async {
        let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let create = "CREATE TABLE words \
                      (key text COLLATE \"en-x-icu\" PRIMARY KEY, value bytea NOT NULL)";
        client.batch_execute(create).await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
        // In English `a-b` stands between `aa` and `ac`, and `B` after `a`.
        let keys = ["a-a", "a-b", "a-c", "aa", "ab", "ac", "A-a", "B", "b"];
        for key in keys {
            store.set(key, Bytes::new()).await.unwrap();
        }
        for limit in [1, 2, 10] {
            for (prefix, expected) in [
                ("a-", &["a-a", "a-b", "a-c"][..]),
                ("a", &["a-a", "a-b", "a-c", "aa", "ab", "ac"]),
                ("A", &["A-a"]),
                ("", &["A-a", "B", "a-a", "a-b", "a-c", "aa", "ab", "ac", "b"]),
            ] {
                assert_eq!(crate::suite::list(&store, prefix, limit).await, expected, "{prefix}");
            }
        }
    });
}
