//! The backends of messages by their words.

use std::collections::BTreeMap;

use super::{Backend, Pattern, jetstream, nats, redis, streams};
use crate::{
    Address, SettingsError,
    address::redact,
    settings::{Settings, nearest},
};

/// The kinds of backends, as [`Backend::from_settings`] takes them.
pub const KINDS: [&str; 5] = ["memory", "nats", "jetstream", "redis", "redis-streams"];

impl Backend {
    /// A backend of one of the [`KINDS`] with settings by name. What is not set is as in the
    /// `Options` of the backend.
    ///
    /// | kind | settings |
    /// | --- | --- |
    /// | `memory` | |
    /// | `nats` | `url`, `timeout` |
    /// | `jetstream` | `url`, `stream`, `subjects`, `replicas`, `timeout` |
    /// | `redis` | `url`, `timeout` |
    /// | `redis-streams` | `url`, `stream`, `keep`, `timeout` |
    ///
    /// # Errors
    /// If there is no such backend, or a setting is missing, unknown or wrong.
    pub fn from_settings(
        kind: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, SettingsError> {
        match kind {
            "memory" => {
                Settings::new("memory", settings, &[])?;
                Ok(Self::Memory)
            }
            "nats" => {
                let settings = Settings::new("nats", settings, &["url", "timeout"])?;
                let url = settings.needed("url", NATS_URL)?;
                let mut options = nats::Options::new(Address::from(url));
                settings.duration("timeout", &mut options.timeout)?;
                Ok(Self::Nats(options))
            }
            "jetstream" => jetstream_options(settings).map(Self::JetStream),
            "redis" => {
                let settings = Settings::new("redis", settings, &["url", "timeout"])?;
                let url = settings.needed("url", REDIS_URL)?;
                let mut options = redis::Options::new(Address::from(url));
                settings.duration("timeout", &mut options.timeout)?;
                Ok(Self::Redis(options))
            }
            "redis-streams" => streams_options(settings).map(Self::Streams),
            kind => Err(SettingsError::UnknownKind {
                of: "messages",
                kind: redact(kind),
                known: &KINDS,
                nearest: match kind.to_ascii_lowercase().as_str() {
                    "valkey" => Some("redis"),
                    "streams" | "redis-stream" => Some("redis-streams"),
                    kind => nearest(kind, &KINDS),
                },
            }),
        }
    }
}

const NATS_URL: &str = "nats://127.0.0.1:4222";
const REDIS_URL: &str = "redis://127.0.0.1:6379";

fn jetstream_options(
    settings: &BTreeMap<String, String>,
) -> Result<jetstream::Options, SettingsError> {
    let known = &["url", "stream", "subjects", "replicas", "timeout"];
    let settings = Settings::new("jetstream", settings, known)?;
    let url = settings.needed("url", NATS_URL)?;
    let mut options = jetstream::Options::new(Address::from(url));
    settings.text("stream", &mut options.stream);
    let mut subjects = Subjects::default();
    settings.parsed(
        "subjects",
        "topics with spaces between them: \"orders.> bills.>\"",
        &mut subjects,
    )?;
    options.subjects = subjects.0;
    settings.count("replicas", &mut options.replicas)?;
    settings.duration("timeout", &mut options.timeout)?;
    Ok(options)
}

/// Topics with spaces or commas between them.
#[derive(Default)]
struct Subjects(Vec<Pattern>);

impl std::str::FromStr for Subjects {
    type Err = super::PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        words.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

fn streams_options(settings: &BTreeMap<String, String>) -> Result<streams::Options, SettingsError> {
    let known = &["url", "stream", "keep", "timeout"];
    let settings = Settings::new("redis-streams", settings, known)?;
    let url = settings.needed("url", REDIS_URL)?;
    let mut options = streams::Options::new(Address::from(url));
    settings.text("stream", &mut options.stream);
    let mut keep = options.keep.unwrap_or_default();
    settings.count("keep", &mut keep)?;
    options.keep = Some(keep);
    settings.duration("timeout", &mut options.timeout)?;
    Ok(options)
}
