//! A server of Redis that stops answering new connections.

use std::time::Duration;

use keyway_capability::{
    Outage,
    keyvalue::{Backend, Error, open, redis},
};
use keyway_testing::server::Redis;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use crate::block_on;

/// Hands so many connections on to a server, and keeps further ones without a word.
async fn hand_on(listener: TcpListener, server: String, count: usize) {
    let mut tasks = JoinSet::new();
    let mut kept = Vec::new();
    for number in 0.. {
        let (mut client, _) = listener.accept().await.unwrap();
        if number < count {
            let mut server = TcpStream::connect(&server).await.unwrap();
            tasks.spawn(async move {
                // It ends with one of them.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        } else {
            kept.push(client);
        }
    }
}

#[test]
fn who_wants_to_watch_is_told_in_time_that_nobody_answers() {
    let server = Redis::start();
    let (login, address) = server.url().split_once('@').map(owned).unwrap();
    let address = address.trim_end_matches("/0").to_owned();
    block_on(async {
        // One for commands, one to listen by, and one to read what was changed.
        for count in 0..3 {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("{login}@{}/0", listener.local_addr().unwrap());
            let handing = tokio::spawn(hand_on(listener, address.clone(), count));
            let mut options = redis::Options::new(url);
            options.timeout = Duration::from_millis(500);
            options.connections = 1;
            let store = open(&Backend::Redis(options)).unwrap();
            let watched = timeout(Duration::from_secs(20), store.watch("")).await;
            let error = watched.expect("it ends in time").err().expect("it fails");
            assert!(matches!(error, Error::Outage(Outage::TimedOut { .. })), "{error}");
            handing.abort();
        }
    });
}

fn owned((login, address): (&str, &str)) -> (String, String) {
    (login.to_owned(), address.to_owned())
}
