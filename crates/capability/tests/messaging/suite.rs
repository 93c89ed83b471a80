//! What brokers do; which of it a backend does is said where it is run.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use keyway_capability::messaging::{
    Broker, Deliveries, Delivery, Error, Fate, Message, Subscription, Wanted,
};
use tokio::time::timeout;

type Subject = Arc<dyn Broker>;

/// Nothing that comes takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What has not come by then does not come.
const QUIET: Duration = Duration::from_millis(300);

fn text(text: &str) -> Message {
    Message { data: Bytes::copy_from_slice(text.as_bytes()), ..Message::default() }
}

fn said(message: &Message) -> &str {
    std::str::from_utf8(&message.data).unwrap()
}

async fn listen(broker: &Subject, topics: &str, group: &str) -> Box<dyn Deliveries> {
    let subscription = Subscription {
        topics: topics.parse().unwrap(),
        group: group.to_owned(),
        attempts: 3,
        patience: Duration::from_secs(2),
    };
    broker.subscribe(&subscription).await.unwrap()
}

async fn next(deliveries: &mut Box<dyn Deliveries>) -> Delivery {
    let next = timeout(PATIENCE, deliveries.next()).await.expect("a message comes in time");
    next.unwrap().expect("there is a message")
}

/// The next message, which is handled.
async fn take(deliveries: &mut Box<dyn Deliveries>) -> Message {
    let Delivery { message, receipt, .. } = next(deliveries).await;
    receipt.done().await.unwrap();
    message
}

async fn is_quiet(deliveries: &mut Box<dyn Deliveries>) {
    let more = timeout(QUIET, deliveries.next()).await;
    assert!(more.is_err(), "{more:?}");
}

pub(crate) async fn a_message_comes_to_who_listens(broker: Subject) {
    let mut deliveries = listen(&broker, "orders.paid", "workers").await;
    broker.send("orders.paid", text("one")).await.unwrap();
    broker.send("orders.paid", text("two")).await.unwrap();
    let Delivery { message, attempt, receipt } = next(&mut deliveries).await;
    assert_eq!((message.topic.as_str(), said(&message), attempt), ("orders.paid", "one", 1));
    receipt.done().await.unwrap();
    assert_eq!(said(&take(&mut deliveries).await), "two");
    is_quiet(&mut deliveries).await;
}

pub(crate) async fn a_pattern_takes_its_topics_only(broker: Subject) {
    let mut words = listen(&broker, "orders.*", "words").await;
    let mut rest = listen(&broker, "orders.eu.>", "rest").await;
    for topic in ["orders.paid", "orders.eu.paid", "orders.eu.paid.late", "orders.sent"] {
        broker.send(topic, text(topic)).await.unwrap();
    }
    assert_eq!(said(&take(&mut words).await), "orders.paid");
    assert_eq!(said(&take(&mut words).await), "orders.sent");
    assert_eq!(said(&take(&mut rest).await), "orders.eu.paid");
    assert_eq!(said(&take(&mut rest).await), "orders.eu.paid.late");
    is_quiet(&mut words).await;
    is_quiet(&mut rest).await;
}

pub(crate) async fn every_group_gets_every_message(broker: Subject) {
    let mut one = listen(&broker, "orders.>", "one").await;
    let mut other = listen(&broker, "orders.>", "other").await;
    broker.send("orders.paid", text("both")).await.unwrap();
    assert_eq!(said(&take(&mut one).await), "both");
    assert_eq!(said(&take(&mut other).await), "both");
}

pub(crate) async fn groups_and_topics_of_like_names_are_apart(broker: Subject) {
    let mut dot = listen(&broker, "orders.eu.new", "mail").await;
    let mut dash = listen(&broker, "orders.eu-new", "mail").await;
    let mut long = listen(&broker, "orders.uk", "mail:orders.uk").await;
    let mut colon = listen(&broker, "orders.uk:orders.uk", "mail").await;
    for topic in ["orders.eu.new", "orders.eu-new", "orders.uk:orders.uk", "orders.uk"] {
        broker.send(topic, text(topic)).await.unwrap();
    }
    assert_eq!(said(&take(&mut dot).await), "orders.eu.new");
    assert_eq!(said(&take(&mut dash).await), "orders.eu-new");
    assert_eq!(said(&take(&mut long).await), "orders.uk");
    assert_eq!(said(&take(&mut colon).await), "orders.uk:orders.uk");
}

pub(crate) async fn a_message_is_more_than_its_data(broker: Subject) {
    let mut deliveries = listen(&broker, "orders.>", "workers").await;
    let message = Message {
        content_type: Some("text/plain".to_owned()),
        metadata: vec![("trace".to_owned(), "a 1".to_owned())],
        ..text("data")
    };
    broker.send("orders.paid", message.clone()).await.unwrap();
    let taken = take(&mut deliveries).await;
    assert_eq!(taken, Message { topic: "orders.paid".to_owned(), ..message });
    let bytes: Bytes = (0..=255).collect::<Vec<u8>>().into();
    broker
        .send("orders.paid", Message { data: bytes.clone(), ..Message::default() })
        .await
        .unwrap();
    assert_eq!(take(&mut deliveries).await.data, bytes);
}

pub(crate) async fn a_wrong_topic_is_refused(broker: Subject) {
    for topic in ["", "orders.*", "orders.>", "orders paid", "orders..paid"] {
        let refused = broker.send(topic, text("")).await;
        assert!(matches!(refused, Err(Error::Topic { .. })), "{topic:?}: {refused:?}");
    }
}

pub(crate) async fn what_is_kept_for_others_is_refused(broker: Subject) {
    for topic in ["$KV.bucket.key", "$JS.API.STREAM.DELETE.keyway", "_INBOX.1", "_INBOX"] {
        let refused = broker.send(topic, text("")).await;
        assert!(matches!(refused, Err(Error::Topic { .. })), "{topic:?}: {refused:?}");
        let refused = broker.request(topic, text(""), wanted(1)).await;
        assert!(
            matches!(refused, Err(Error::Topic { .. } | Error::Unsupported { .. })),
            "{topic:?}: {refused:?}"
        );
    }
}

pub(crate) async fn of_a_group_one_gets_each_message(broker: Subject) {
    let mut one = listen(&broker, "orders.>", "workers").await;
    let mut other = listen(&broker, "orders.>", "workers").await;
    let all: BTreeSet<String> = (0..20).map(|number| number.to_string()).collect();
    for number in &all {
        broker.send("orders.paid", text(number)).await.unwrap();
    }
    let mut taken = BTreeSet::new();
    for _ in 0..all.len() {
        let delivery = timeout(PATIENCE, async {
            tokio::select! {
                delivery = one.next() => delivery,
                delivery = other.next() => delivery,
            }
        });
        let delivery = delivery.await.expect("it comes in time").unwrap().expect("a message");
        assert!(taken.insert(said(&delivery.message).to_owned()), "{delivery:?}");
        delivery.receipt.done().await.unwrap();
    }
    assert_eq!(taken, all);
    is_quiet(&mut one).await;
    is_quiet(&mut other).await;
}

/// Fails a message, and gives it as it comes again.
async fn fail(delivery: Delivery, deliveries: &mut Box<dyn Deliveries>) -> Option<Delivery> {
    match delivery.receipt.failed().await.unwrap() {
        Fate::Here(delivery) => Some(delivery),
        Fate::Again => Some(next(deliveries).await),
        Fate::Lost => None,
    }
}

pub(crate) async fn what_failed_is_delivered_again(broker: Subject) {
    let mut deliveries = listen(&broker, "orders.>", "workers").await;
    broker.send("orders.paid", text("again")).await.unwrap();
    let first = next(&mut deliveries).await;
    let second = fail(first, &mut deliveries).await.expect("it comes again");
    assert_eq!((said(&second.message), second.attempt), ("again", 2));
    second.receipt.done().await.unwrap();
    is_quiet(&mut deliveries).await;
}

pub(crate) async fn what_always_fails_is_given_up(broker: Subject) {
    let mut deliveries = listen(&broker, "orders.>", "workers").await;
    broker.send("orders.paid", text("poison")).await.unwrap();
    broker.send("orders.paid", text("good")).await.unwrap();
    let mut delivery = next(&mut deliveries).await;
    assert_eq!(said(&take(&mut deliveries).await), "good");
    for attempt in 2..=3 {
        delivery = fail(delivery, &mut deliveries).await.expect("it comes again");
        assert_eq!((said(&delivery.message), delivery.attempt), ("poison", attempt));
    }
    assert!(fail(delivery, &mut deliveries).await.is_none());
    is_quiet(&mut deliveries).await;
}

pub(crate) async fn what_failed_is_lost(broker: Subject) {
    let mut deliveries = listen(&broker, "orders.>", "workers").await;
    broker.send("orders.paid", text("once")).await.unwrap();
    let delivery = next(&mut deliveries).await;
    assert!(fail(delivery, &mut deliveries).await.is_none());
    is_quiet(&mut deliveries).await;
}

pub(crate) async fn what_nobody_took_waits(broker: Subject) {
    // The group is known from here on, and has nobody.
    drop(listen(&broker, "orders.>", "workers").await);
    broker.send("orders.paid", text("kept")).await.unwrap();
    let mut deliveries = listen(&broker, "orders.>", "workers").await;
    assert_eq!(said(&take(&mut deliveries).await), "kept");
}

pub(crate) async fn what_was_not_acknowledged_comes_again(broker: Subject) {
    let mut deliveries = listen(&broker, "orders.>", "workers").await;
    broker.send("orders.paid", text("left")).await.unwrap();
    // Whoever has it dies.
    drop(next(&mut deliveries).await);
    drop(deliveries);
    let mut deliveries = listen(&broker, "orders.>", "workers").await;
    let again = next(&mut deliveries).await;
    assert_eq!((said(&again.message), again.attempt), ("left", 2));
    again.receipt.done().await.unwrap();
}

pub(crate) async fn who_stops_takes_no_more(broker: Subject) {
    let mut deliveries = listen(&broker, "orders.>", "workers").await;
    broker.send("orders.paid", text("one")).await.unwrap();
    assert_eq!(said(&take(&mut deliveries).await), "one");
    deliveries.stop().await;
    broker.send("orders.paid", text("two")).await.unwrap();
    let end = timeout(PATIENCE, deliveries.next()).await.expect("it ends in time");
    assert!(matches!(end, Ok(None)), "{end:?}");
}

fn wanted(replies: usize) -> Wanted {
    Wanted { timeout: Some(PATIENCE), replies }
}

pub(crate) async fn a_request_is_answered(broker: Subject) {
    let mut deliveries = listen(&broker, "orders.>", "workers").await;
    let asked = broker.request("orders.price", text("how much?"), wanted(2));
    let answers = async {
        let question = take(&mut deliveries).await;
        assert_eq!(said(&question), "how much?");
        for answer in ["5", "or 6"] {
            broker.reply(&question, text(answer)).await.unwrap();
        }
    };
    let (answered, ()) = tokio::join!(asked, answers);
    let answers: Vec<_> = answered.unwrap().iter().map(|answer| said(answer).to_owned()).collect();
    assert_eq!(answers, ["5", "or 6"]);
}

pub(crate) async fn an_answer_comes_from_who_was_asked(broker: Subject) {
    let mut deliveries = listen(&broker, "orders.>", "workers").await;
    let asked = broker.request("orders.price", text("how much?"), wanted(1));
    let answers = async {
        let question = take(&mut deliveries).await;
        // Whoever hears of the topic alone, or makes one up, was not asked.
        let topic = question.reply_to.as_ref().expect("a way back");
        assert!(topic.starts_with("_INBOX."), "{topic}");
        let refused = broker.send(topic, text("0")).await;
        assert!(matches!(refused, Err(Error::Topic { .. })), "{refused:?}");
        broker.reply(&question, text("5")).await.unwrap();
        question
    };
    let (answered, question) = tokio::join!(asked, answers);
    assert_eq!(said(&answered.unwrap()[0]), "5");
    // One that comes too late is no error.
    broker.reply(&question, text("6")).await.unwrap();
}

pub(crate) async fn a_request_that_nobody_answers_ends(broker: Subject) {
    let _deliveries = listen(&broker, "orders.price", "workers").await;
    let wanted = Wanted { timeout: Some(QUIET), replies: 1 };
    let answered = broker.request("orders.price", text("how much?"), wanted).await;
    assert!(matches!(answered, Err(Error::NoReply { .. })), "{answered:?}");
}

pub(crate) async fn a_request_is_refused(broker: Subject) {
    let refused = broker.request("orders.price", text("how much?"), wanted(1)).await;
    assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
}
