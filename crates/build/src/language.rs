//! The languages, and the files by which each is recognised.

use std::{fmt, fs, path::Path, str::FromStr};

use serde::{Deserialize, Serialize};

/// A language that components are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Rust.
    Rust,
    /// C.
    C,
    /// C++.
    Cpp,
    /// Go.
    Go,
    /// Python.
    Python,
    /// JavaScript.
    JavaScript,
    /// TypeScript.
    TypeScript,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Rust,
        Self::C,
        Self::Cpp,
        Self::Go,
        Self::Python,
        Self::JavaScript,
        Self::TypeScript,
    ];

    /// The language of the project in `folder`. A file that only one language has takes precedence:
    /// a package.json may belong to a tool.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        let has = |file: &str| folder.join(file).is_file();
        Some(if has("Cargo.toml") {
            Self::Rust
        } else if has("go.mod") {
            Self::Go
        } else if has("pyproject.toml") || has("app.py") {
            Self::Python
        } else if has("tsconfig.json") || has("src/index.ts") {
            Self::TypeScript
        } else if has("package.json") {
            Self::JavaScript
        } else if has_source(folder, &["cpp", "cc", "cxx"]) {
            Self::Cpp
        } else if has_source(folder, &["c"]) {
            Self::C
        } else {
            return None;
        })
    }

    /// The name on the command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::C => "c",
            Self::Cpp => "cpp",
            Self::Go => "go",
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::C => "C",
            Self::Cpp => "C++",
            Self::Go => "Go",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
        })
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|language| language.key() == text);
        known.ok_or_else(|| {
            let keys = Self::ALL.map(Self::key).join(", ");
            format!("`{text}` is not a language that Keyway builds; choose one of {keys}")
        })
    }
}

/// Whether `src` has a file with one of these endings.
fn has_source(folder: &Path, endings: &[&str]) -> bool {
    let entries = fs::read_dir(folder.join("src")).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.path().extension().map(ToOwned::to_owned))
        .any(|ending| endings.iter().any(|known| ending == *known))
}
