//! The backends of containers by their words.

use std::collections::BTreeMap;

use super::{Backend, folder, nats, s3};
use crate::{
    Address, SettingsError,
    address::redact,
    settings::{Settings, nearest},
};

/// The kinds of backends, as [`Backend::from_settings`] takes them.
pub const KINDS: [&str; 4] = ["folder", "memory", "s3", "nats"];

impl Backend {
    /// A backend of one of the [`KINDS`] with settings by name. What is not set is as in the
    /// `Options` of the backend.
    ///
    /// | kind | settings |
    /// | --- | --- |
    /// | `folder` | `path` |
    /// | `memory` | |
    /// | `s3` | `bucket`, `region`, `url`, `access_key`, `secret_key`, `token`, `prefix`, `timeout` |
    /// | `nats` | `url`, `bucket`, `create`, `replicas`, `timeout` |
    ///
    /// # Errors
    /// If there is no such backend, or a setting is missing, unknown or wrong.
    pub fn from_settings(
        kind: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, SettingsError> {
        match kind {
            "folder" => {
                let settings = Settings::new("folder", settings, &["path"])?;
                let path = settings.needed("path", "data/pictures")?;
                Ok(Self::Folder(folder::Options::new(path)))
            }
            "memory" => {
                Settings::new("memory", settings, &[])?;
                Ok(Self::Memory)
            }
            "s3" => s3_options(settings).map(Self::S3),
            "nats" => nats_options(settings).map(Self::Nats),
            kind => Err(SettingsError::UnknownKind {
                of: "containers",
                kind: redact(kind),
                known: &KINDS,
                nearest: match kind.to_ascii_lowercase().as_str() {
                    "file" | "files" | "fs" | "filesystem" | "directory" => Some("folder"),
                    "aws" | "minio" | "r2" | "amazon" => Some("s3"),
                    "jetstream" => Some("nats"),
                    kind => nearest(kind, &KINDS),
                },
            }),
        }
    }
}

fn s3_options(settings: &BTreeMap<String, String>) -> Result<s3::Options, SettingsError> {
    let known =
        &["bucket", "region", "url", "access_key", "secret_key", "token", "prefix", "timeout"];
    let settings = Settings::new("s3", settings, known)?;
    let mut options = s3::Options::new(settings.needed("bucket", "pictures")?);
    let text = |name| {
        let mut text = String::new();
        settings.text(name, &mut text);
        (!text.is_empty()).then_some(text)
    };
    options.url = text("url").map(Address::from);
    settings.text("region", &mut options.region);
    // Without a login the machine's own is taken, but not without a half of one.
    if text("access_key").is_some() || text("secret_key").is_some() || options.url.is_some() {
        options.login = Some(s3::Login {
            access_key: settings.needed("access_key", "AKIAIOSFODNN7EXAMPLE")?.to_owned(),
            secret_key: settings.needed("secret_key", "wJalrXUtnFEMI/K7MDENG")?.to_owned(),
            token: text("token"),
        });
    }
    settings.text("prefix", &mut options.prefix);
    settings.duration("timeout", &mut options.timeout)?;
    Ok(options)
}

fn nats_options(settings: &BTreeMap<String, String>) -> Result<nats::Options, SettingsError> {
    let known = &["url", "bucket", "create", "replicas", "timeout"];
    let settings = Settings::new("nats", settings, known)?;
    let url = settings.needed("url", "nats://127.0.0.1:4222")?;
    let mut options = nats::Options::new(Address::from(url));
    settings.text("bucket", &mut options.bucket);
    settings.parsed("create", "true or false", &mut options.create)?;
    settings.count("replicas", &mut options.replicas)?;
    settings.duration("timeout", &mut options.timeout)?;
    Ok(options)
}
