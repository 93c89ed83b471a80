//! Pages of a bucket's keys, read from the bucket's stream of messages.

use async_nats::jetstream::consumer::{DeliverPolicy, ReplayPolicy, push::OrderedConfig};
use futures::StreamExt;

use super::{
    connect::{Bucket, Cause},
    is_deletion, key,
};
use crate::keyvalue::Page;

/// The keys whose last change has the number `start` or a later one, `limit` at most. The cursor
/// is the number from which the next page is read: a key that is changed meanwhile gets a later
/// one, and is listed there.
pub(super) async fn page(
    bucket: &Bucket,
    prefix: &str,
    start: u64,
    limit: usize,
) -> Result<Page, Cause> {
    let stream = &bucket.store.stream;
    // Where a bucket keeps older values of a key too, only the last must be looked at, which the
    // server cannot do from a number on.
    let keeps_one = stream.cached_info().config.max_messages_per_subject == 1;
    let deliver_policy = if keeps_one {
        DeliverPolicy::ByStartSequence { start_sequence: start }
    } else {
        DeliverPolicy::LastPerSubject
    };
    let consumer = stream
        .create_consumer(OrderedConfig {
            deliver_subject: bucket.client.new_inbox(),
            filter_subject: format!("{}>", bucket.store.prefix),
            headers_only: true,
            replay_policy: ReplayPolicy::Instant,
            deliver_policy,
            ..OrderedConfig::default()
        })
        .await?;
    let mut page = Page::default();
    if consumer.cached_info().num_pending == 0 {
        return Ok(page);
    }
    let mut messages = consumer.messages().await?;
    while let Some(message) = messages.next().await {
        let message = message?;
        let info = message.info()?;
        let key = message.subject.strip_prefix(&bucket.store.prefix).and_then(key::decode);
        if let Some(key) = key
            && info.stream_sequence >= start
            && key.starts_with(prefix)
            && !message.headers.as_ref().is_some_and(is_deletion)
        {
            page.keys.push(key);
        }
        if info.pending == 0 {
            break;
        }
        if page.keys.len() == limit {
            page.cursor = Some((info.stream_sequence + 1).to_string());
            break;
        }
    }
    Ok(page)
}
