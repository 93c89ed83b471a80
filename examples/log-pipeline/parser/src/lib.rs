//! Implements `cyber:systems/parser`: a raw line becomes time, severity and message.

mod bindings {
    wit_bindgen::generate!({ world: "log-processor", path: "wit" });
    use super::Parser;
    export!(Parser);
}

mod line;

use bindings::exports::cyber::systems::parser::{Guest, LogEntry};

struct Parser;

impl Guest for Parser {
    fn parse(raw: String) -> Result<LogEntry, String> {
        let line::Line { timestamp, severity, message } = line::read(&raw)?;
        Ok(LogEntry { timestamp, severity: severity.to_owned(), message: message.to_owned() })
    }
}
