//! A configuration in a TOML or JSON file. Tables are flattened: `url` in `[db]` is `db.url`.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use serde_json::Value;
use toml_edit::{DocumentMut, TomlError, Value as Toml};

use super::{Config, Error};
use crate::Origin;

/// A file that is read again when it changes.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    read: Mutex<Read>,
}

/// What was read, and of which file.
struct Read {
    of: Identity,
    values: Arc<BTreeMap<String, String>>,
}

/// Tells a file from what it was before: device, node, size, and when it was changed.
type Identity = (u64, u64, u64, i64, i64);

impl std::fmt::Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl File {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let unreadable = |error| Error::File {
            path: path.to_owned(),
            reason: format!("cannot be read: {error}"),
        };
        let of = identify(path).map_err(unreadable)?;
        let values = read(path)?;
        Ok(Self { path: path.to_owned(), read: Mutex::new(Read { of, values }) })
    }

    /// The values as they are now. A file that cannot be read, as while it is being written, leaves
    /// what there was.
    fn values(&self) -> Arc<BTreeMap<String, String>> {
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken before the file is read: what is written in between is noticed by the next look.
        if let Ok(identity) = identify(&self.path)
            && identity != known.of
            // A program that rewrites a file starts with an empty one.
            && identity.2 > 0
        {
            match read(&self.path) {
                Ok(values) => known.values = values,
                Err(error) => tracing::warn!("{error}; its previous content stays in effect"),
            }
            known.of = identity;
        }
        Arc::clone(&known.values)
    }
}

#[async_trait]
impl Config for File {
    async fn get(&self, key: &str) -> Result<Option<String>, Error> {
        Ok(self.values().get(key).cloned())
    }

    async fn get_all(&self) -> Result<Vec<(String, String)>, Error> {
        let values = self.values();
        Ok(values.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn origin(&self) -> Origin {
        Origin::new(format!("the file {}", self.path.display()))
    }
}

fn identify(path: &Path) -> io::Result<Identity> {
    let file = fs::metadata(path)?;
    Ok((file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec()))
}

fn read(path: &Path) -> Result<Arc<BTreeMap<String, String>>, Error> {
    let wrong = |reason: String| Error::File { path: path.to_owned(), reason };
    let text =
        fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    // Some editors write a byte order mark before it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let root: Value = if is_json {
        serde_json::from_str(text).map_err(|error| wrong(format!("is not JSON: {error}")))?
    } else {
        let document: DocumentMut = text
            .parse()
            .map_err(|error: TomlError| wrong(format!("is not TOML: {}", error.message())))?;
        as_json(&Toml::InlineTable(document.into_table().into_inline_table()))
    };
    let mut values = BTreeMap::new();
    flatten("", &root, &mut values).map_err(wrong)?;
    Ok(Arc::new(values))
}

/// A value of TOML as one of JSON. What JSON does not have, such as a date or an infinite number, is
/// a text.
fn as_json(value: &Toml) -> Value {
    match value {
        Toml::String(text) => text.value().as_str().into(),
        Toml::Integer(number) => (*number.value()).into(),
        Toml::Float(number) if number.value().is_finite() => (*number.value()).into(),
        Toml::Float(number) => number.value().to_string().to_lowercase().into(),
        Toml::Boolean(boolean) => (*boolean.value()).into(),
        Toml::Datetime(time) => time.value().to_string().into(),
        Toml::Array(list) => list.iter().map(as_json).collect(),
        Toml::InlineTable(table) => {
            table.iter().map(|(key, value)| (key.to_owned(), as_json(value))).collect()
        }
    }
}

fn flatten(path: &str, value: &Value, into: &mut BTreeMap<String, String>) -> Result<(), String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(boolean) => boolean.to_string(),
        Value::Object(table) => {
            for (key, value) in table {
                let dot = if path.is_empty() { "" } else { "." };
                flatten(&format!("{path}{dot}{key}"), value, into)?;
            }
            return Ok(());
        }
        Value::Null | Value::Array(_) => {
            let what = if path.is_empty() { "the whole".to_owned() } else { format!("`{path}`") };
            return Err(format!("has {what} as a list or null, but values are text"));
        }
    };
    if path.is_empty() {
        return Err("is a single value, not a table of values".to_owned());
    }
    into.insert(path.to_owned(), text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[tokio::test]
    async fn tables_are_flattened() {
        for (name, text) in [
            ("c.toml", "level = \"info\"\nworkers = 3\n[db]\nurl = \"x\"\ntls = true"),
            ("c.json", r#"{"level": "info", "workers": 3, "db": {"url": "x", "tls": true}}"#),
        ] {
            let (_folder, path) = written(name, text);
            let file = File::open(&path).unwrap();
            let all = file.get_all().await.unwrap();
            let all: Vec<_> = all.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(
                all,
                [("db.tls", "true"), ("db.url", "x"), ("level", "info"), ("workers", "3")],
                "{name}"
            );
            assert_eq!(file.get("db.url").await.unwrap().as_deref(), Some("x"));
            assert_eq!(file.get("db").await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn every_value_of_toml_is_a_text() {
        let text = r#"
            day = 2024-02-29
            at = 2024-02-29T12:00:00Z
            time = 12:30:00
            ratio = 1.0
            most = inf
            mask = 0xff
            deep = { until = 2025-01-01T10:00:00 }
        "#;
        let (_folder, path) = written("c.toml", text);
        let all = File::open(&path).unwrap().get_all().await.unwrap();
        let all: Vec<_> = all.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let expected = "at=2024-02-29T12:00:00Z day=2024-02-29 deep.until=2025-01-01T10:00:00 \
                        mask=255 most=inf ratio=1.0 time=12:30:00";
        assert_eq!(all.join(" "), expected);
    }

    #[tokio::test]
    async fn a_byte_order_mark_belongs_to_no_value() {
        for (name, text) in
            [("c.toml", "\u{feff}a = \"x\"\r\n"), ("c.json", "\u{feff}{\"a\": \"x\"}")]
        {
            let (_folder, path) = written(name, text);
            let all = File::open(&path).unwrap().get_all().await.unwrap();
            assert_eq!(all, [("a".to_owned(), "x".to_owned())], "{name}");
        }
    }

    #[tokio::test]
    async fn a_change_is_seen_and_a_broken_one_is_not_taken() {
        let (_folder, path) = written("c.toml", "a = 1");
        let file = File::open(&path).unwrap();
        fs::write(&path, "a = 22").unwrap();
        assert_eq!(file.get("a").await.unwrap().as_deref(), Some("22"));
        fs::write(&path, "a = ").unwrap();
        assert_eq!(file.get("a").await.unwrap().as_deref(), Some("22"));
        fs::remove_file(&path).unwrap();
        assert_eq!(file.get("a").await.unwrap().as_deref(), Some("22"));
    }

    #[test]
    fn what_is_no_table_of_texts_is_refused() {
        for (name, text, reason) in [
            ("c.toml", "a = ", "is not TOML"),
            ("c.json", "{", "is not JSON"),
            ("c.json", "3", "single value"),
            ("c.toml", "a = [1]", "`a` as a list"),
            ("c.json", r#"{"a": {"b": null}}"#, "`a.b`"),
        ] {
            let (_folder, path) = written(name, text);
            let error = File::open(&path).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains(name), "{error}");
        }
        let missing = File::open(Path::new("/no/such.toml")).unwrap_err().to_string();
        assert!(missing.contains("/no/such.toml cannot be read"), "{missing}");
    }
}
