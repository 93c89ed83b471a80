//! Messages: one suite for every backend, against the real servers.

mod backend;
mod memory;
mod streams;
mod suite;
mod words;

use std::sync::Arc;

use keyway_capability::messaging::Broker;

/// Runs the cases that are named on brokers that `$open` opens: each a fresh one, with what must
/// live as long.
macro_rules! conformance {
    ($backend:ident, $open:path: $($case:ident)*) => {
        mod $backend {
            $(
                #[test]
                fn $case() {
                    crate::run($open, crate::suite::$case);
                }
            )*
        }
    };
}

conformance!(on_memory, crate::backend::memory:
    a_message_comes_to_who_listens
    a_pattern_takes_its_topics_only
    every_group_gets_every_message
    a_message_is_more_than_its_data
    a_wrong_topic_is_refused
    what_is_kept_for_others_is_refused
    of_a_group_one_gets_each_message
    what_failed_is_delivered_again
    what_always_fails_is_given_up
    who_stops_takes_no_more
    a_request_is_answered
    a_request_that_nobody_answers_ends
    an_answer_comes_from_who_was_asked
);
conformance!(on_nats, crate::backend::nats:
    a_message_comes_to_who_listens
    a_pattern_takes_its_topics_only
    every_group_gets_every_message
    a_message_is_more_than_its_data
    a_wrong_topic_is_refused
    what_is_kept_for_others_is_refused
    of_a_group_one_gets_each_message
    what_failed_is_lost
    who_stops_takes_no_more
    a_request_is_answered
    a_request_that_nobody_answers_ends
    an_answer_comes_from_who_was_asked
);
conformance!(on_jetstream, crate::backend::jetstream:
    a_message_comes_to_who_listens
    a_pattern_takes_its_topics_only
    every_group_gets_every_message
    a_message_is_more_than_its_data
    a_wrong_topic_is_refused
    what_is_kept_for_others_is_refused
    of_a_group_one_gets_each_message
    what_failed_is_delivered_again
    what_always_fails_is_given_up
    groups_and_topics_of_like_names_are_apart
    what_nobody_took_waits
    what_was_not_acknowledged_comes_again
    who_stops_takes_no_more
    a_request_is_refused
);
conformance!(on_redis, crate::backend::redis:
    a_message_comes_to_who_listens
    a_pattern_takes_its_topics_only
    every_group_gets_every_message
    a_wrong_topic_is_refused
    what_is_kept_for_others_is_refused
    what_failed_is_lost
    who_stops_takes_no_more
    a_request_is_refused
);
conformance!(on_redis_streams, crate::backend::streams:
    a_message_comes_to_who_listens
    a_pattern_takes_its_topics_only
    every_group_gets_every_message
    a_message_is_more_than_its_data
    a_wrong_topic_is_refused
    what_is_kept_for_others_is_refused
    of_a_group_one_gets_each_message
    what_failed_is_delivered_again
    what_always_fails_is_given_up
    groups_and_topics_of_like_names_are_apart
    what_nobody_took_waits
    what_was_not_acknowledged_comes_again
    who_stops_takes_no_more
    a_request_is_refused
);

/// Runs a case.
fn run<G, F: Future<Output = ()>>(
    open: fn() -> (G, Arc<dyn Broker>),
    case: fn(Arc<dyn Broker>) -> F,
) {
    let (_guard, broker) = open();
    block_on(case(broker));
}

/// Runs a test on threads of its own.
fn block_on<F: Future>(test: F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build();
    runtime.expect("a runtime").block_on(test)
}
