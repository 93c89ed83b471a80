//! Problems as they leave the program: owned, and in JSON.

use std::fmt;

use keyway_app::{Code, Problem};
use keyway_word::{hide, star};
use serde::{Deserialize, Serialize};

/// A [`Problem`] that can be written and read as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemReport {
    /// A stable kebab-case code, such as `unknown-key`.
    pub code: String,
    /// What is wrong: one sentence without a full stop.
    pub message: String,
    /// A few words to put at the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where in a manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceReport>,
}

/// A place in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceReport {
    /// The manifest, as the user named it.
    pub file: String,
    /// Counts from 1.
    pub line: usize,
    /// Counts characters, from 1.
    pub column: usize,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// The whole text, where the reader may not have the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl ProblemReport {
    /// A problem with the text that it points into, without the secrets in it.
    pub fn with_text(problem: &Problem) -> Self {
        let mut report = Self::from(problem);
        if let (Some(report), Some(place)) = (&mut report.place, &problem.place) {
            report.text = Some(star(&place.text.text));
        }
        report
    }
}

impl From<&Problem> for ProblemReport {
    fn from(problem: &Problem) -> Self {
        let place = problem.place.as_ref().map(|place| {
            let (line, column) = place.line_column();
            let std::ops::Range { start, end } = place.span;
            PlaceReport { file: place.text.name.clone(), line, column, start, end, text: None }
        });
        Self {
            code: problem.code.as_str().to_owned(),
            message: hide(&in_words(&problem.message)).into_owned(),
            label: problem.label.clone(),
            help: problem.help.as_deref().map(|help| hide(help).into_owned()),
            place,
        }
    }
}

/// What an error says, without the numbers that [`std::io::Error`] adds to the system's words.
pub fn in_words(error: &dyn fmt::Display) -> String {
    const NUMBER: &str = " (os error ";
    let text = error.to_string();
    let mut parts = text.split(NUMBER);
    let mut words = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(')') {
            Some((number, rest)) if number.parse::<i32>().is_ok() => words.push_str(rest),
            _ => words.extend([NUMBER, part]),
        }
    }
    words
}

/// A problem without a place in a manifest.
pub(crate) fn problem(code: Code, message: String, help: Option<&str>) -> Problem {
    let help = help.map(str::to_owned);
    Problem { code, message, label: None, help, place: None }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keyway_app::{Code, Place, Text};

    use super::*;

    #[test]
    fn a_problem_shows_no_secret_and_keeps_its_place() {
        let text = "url = \"redis://:hunter2@h\"\nsecret_key = \"hunter2\"";
        let text = Arc::new(Text { name: "keyway.toml".to_owned(), text: text.to_owned() });
        let place = Some(Place { text, span: 27..37 });
        let message = "redis://:hunter2@h cannot be reached".to_owned();
        let help = Some("set password=hunter2".to_owned());
        let problem = Problem { code: Code::Backend, message, label: None, help, place };
        let report = serde_json::to_string(&ProblemReport::with_text(&problem)).expect("JSON");
        assert!(!report.contains("hunter2"), "{report}");
        let place = ProblemReport::with_text(&problem).place.expect("a place");
        assert_eq!(&place.text.expect("a text")[place.start..place.end], "secret_key");
    }

    #[test]
    fn errors_of_the_system_have_no_numbers() {
        let error = std::io::Error::from_raw_os_error(2);
        let words = "No such file or directory";
        assert_eq!(in_words(&error), words);
        let text = format!("a cannot be read: {error}; b: {error}, (os error x)");
        let shown = format!("a cannot be read: {words}; b: {words}, (os error x)");
        assert_eq!(in_words(&text), shown);
    }
}
