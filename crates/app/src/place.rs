//! Places in a manifest, and problems that point at them.

use crate::Code;
use std::{ops::Range, sync::Arc};

/// A manifest's text with the name to show for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    /// The path as the user gave it.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// A span of bytes in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The manifest.
    pub text: Arc<Text>,
    /// Bytes, from and up to.
    pub span: Range<usize>,
}

impl Place {
    /// The line and column where it begins, both from 1; columns count characters.
    pub fn line_column(&self) -> (usize, usize) {
        let text = &self.text.text;
        // A span of toml_edit lies between characters; anything else counts from the start.
        let before = text.get(..self.span.start).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}

/// A value with its place; none in an app that was not written but made from a component file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub place: Option<Place>,
}

/// A problem with an app, reported to its user: what, where, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// A stable kebab-case code for machines, such as `unknown-key`.
    pub code: Code,
    /// One whole sentence without a full stop: what is wrong.
    pub message: String,
    /// A few words to put at the place.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// Where; none if it is not about a manifest's text.
    pub place: Option<Place>,
}
