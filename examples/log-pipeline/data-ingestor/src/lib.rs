//! Implements `neon:ingest/ingestor`: takes raw text in and has it encoded.
//!
//! Which encoder that is, the app decides: this component knows only its interface.

mod bindings {
    wit_bindgen::generate!({ world: "data-ingestor", path: "wit", generate_all });
    use super::Ingestor;
    export!(Ingestor);
}

use std::env;

use bindings::neon::crypto::encoder;

/// The variable that says how many bytes a text may have; without it there is no such limit.
const MAX_BYTES: &str = "INGEST_MAX_BYTES";

struct Ingestor;

impl bindings::exports::neon::ingest::ingestor::Guest for Ingestor {
    fn ingest(raw: String) -> Result<String, String> {
        let text = raw.trim();
        if text.is_empty() {
            return Err("There is nothing to ingest: the text is empty.".to_owned());
        }
        if let Some(limit) = max_bytes()?
            && text.len() > limit
        {
            return Err(format!("The text has {} bytes, but only {limit} are allowed.", text.len()));
        }
        Ok(encoder::encode(text))
    }
}

fn max_bytes() -> Result<Option<usize>, String> {
    let Ok(value) = env::var(MAX_BYTES) else { return Ok(None) };
    value.parse().map(Some).map_err(|_| {
        format!("The variable {MAX_BYTES} is `{value}`: set it to a whole number of bytes.")
    })
}
