//! What a group on a stream of Redis does when its members come, go and die.

use std::{
    fmt::{Debug, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use keyway_capability::messaging::{
    Backend, Broker, Deliveries, Delivery, Fate, Message, Subscription, open, streams,
};
use keyway_testing::server::Redis;
use tokio::time::timeout;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use crate::{backend::shared_redis, block_on};

const TOPIC: &str = "orders.paid";

/// A broker on a stream of its own.
fn broker(server: &Redis) -> (String, Arc<dyn Broker>) {
    let stream = crate::backend::fresh_name();
    let options =
        streams::Options { stream: stream.clone(), ..streams::Options::new(server.url()) };
    (stream, open(&Backend::Streams(options)).unwrap())
}

async fn listen(broker: &Arc<dyn Broker>, attempts: u64) -> Box<dyn Deliveries> {
    let subscription = Subscription {
        topics: "orders.>".parse().unwrap(),
        group: "workers".to_owned(),
        attempts,
        patience: Duration::from_secs(2),
    };
    broker.subscribe(&subscription).await.unwrap()
}

async fn next(deliveries: &mut Box<dyn Deliveries>) -> Delivery {
    let next = timeout(Duration::from_secs(20), deliveries.next()).await;
    next.expect("a message comes in time").unwrap().expect("there is a message")
}

/// How many members the one group of a stream has.
async fn members(server: &Redis, stream: &str) -> usize {
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut ask = redis::cmd("XINFO");
    ask.arg("GROUPS").arg(stream);
    let groups: Vec<std::collections::HashMap<String, redis::Value>> =
        ask.query_async(&mut connection).await.unwrap();
    let redis::Value::Int(members) = groups[0]["consumers"] else { panic!("{groups:?}") };
    usize::try_from(members).unwrap()
}

#[test]
fn nobody_takes_a_message_in_the_pause_before_its_next_attempt() {
    let server = shared_redis();
    let (_, broker) = broker(&server);
    block_on(async {
        let mut mine = listen(&broker, 10).await;
        broker.send(TOPIC, Message::default()).await.unwrap();
        let mut delivery = next(&mut mine).await;
        let mut others = listen(&broker, 10).await;
        let failing = async {
            // The last pauses would be longer than anybody is patient.
            for attempt in 2..=8 {
                delivery = match delivery.receipt.failed().await.unwrap() {
                    Fate::Here(delivery) => delivery,
                    fate => panic!("{fate:?}"),
                };
                assert_eq!(delivery.attempt, attempt);
            }
            delivery
        };
        tokio::select! {
            delivery = failing => delivery.receipt.done().await.unwrap(),
            taken = others.next() => panic!("another has taken it: {taken:?}"),
        }
    });
}

#[test]
fn a_member_leaves_when_it_has_nothing_left() {
    let server = shared_redis();
    let (stream, broker) = broker(&server);
    block_on(async {
        let mut idle = listen(&broker, 3).await;
        let mut busy = listen(&broker, 3).await;
        broker.send(TOPIC, Message::default()).await.unwrap();
        next(&mut idle).await.receipt.done().await.unwrap();
        broker.send(TOPIC, Message::default()).await.unwrap();
        let delivery = next(&mut busy).await;
        assert_eq!(members(&server, &stream).await, 2);
        for deliveries in [&mut idle, &mut busy] {
            deliveries.stop().await;
            assert!(deliveries.next().await.unwrap().is_none());
        }
        // What was not acknowledged would be gone with its member.
        assert_eq!(members(&server, &stream).await, 1);
        delivery.receipt.done().await.unwrap();
        assert_eq!(members(&server, &stream).await, 0);
    });
}

#[test]
fn a_message_whose_readers_die_is_given_up_with_a_word() {
    let server = shared_redis();
    let (_, broker) = broker(&server);
    let told = Told::default();
    let told_of = Arc::clone(&told.0);
    let _guard = tracing::subscriber::set_default(told);
    block_on(async {
        let mut first = listen(&broker, 1).await;
        broker.send(TOPIC, Message::default()).await.unwrap();
        drop(next(&mut first).await);
        drop(first);
        let mut second = listen(&broker, 1).await;
        let given_up = async {
            while told_of.lock().unwrap().is_empty() {
                let more = timeout(Duration::from_millis(100), second.next()).await;
                assert!(more.is_err(), "{more:?}");
            }
        };
        timeout(Duration::from_secs(20), given_up).await.expect("it is given up in time");
    });
    let expected =
        "a message on `orders.paid` is dropped after attempt 1: the host that was handling it died";
    assert_eq!(*told_of.lock().unwrap(), expected);
}

/// Keeps what the crate tells as a warning.
#[derive(Default)]
struct Told(Arc<Mutex<String>>);

impl Subscriber for Told {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("keyway_capability")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Text(&mut self.0.lock().unwrap()));
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        write!(self.0, "{value:?}").unwrap();
    }
}
