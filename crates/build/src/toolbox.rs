//! The tools on this machine that build components.

use std::{path::PathBuf, sync::OnceLock};

use crate::{
    Language,
    tool::{Found, Missing, SetUpError},
    toolchain::{c::Clang, go::Go, javascript::JavaScript, python::Python, rust::Rust},
};

/// Finds compilers, each once.
#[derive(Debug)]
pub struct Toolbox {
    cache: PathBuf,
    rust: OnceLock<Result<Rust, Missing>>,
    c: OnceLock<Result<Clang, Missing>>,
    cpp: OnceLock<Result<Clang, Missing>>,
    go: OnceLock<Result<Go, Missing>>,
    python: OnceLock<Result<Python, Missing>>,
    javascript: OnceLock<Result<JavaScript, Missing>>,
}

impl Toolbox {
    /// A toolbox that keeps in `cache`, Keyway's folder in the user's cache, what it sets up.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self {
            cache: cache.into(),
            rust: OnceLock::new(),
            c: OnceLock::new(),
            cpp: OnceLock::new(),
            go: OnceLock::new(),
            python: OnceLock::new(),
            javascript: OnceLock::new(),
        }
    }

    /// What `language` is built with.
    ///
    /// # Errors
    /// What is missing.
    pub fn find(&self, language: Language) -> Result<Found, Missing> {
        match language {
            Language::Rust => self.rust().map(Rust::found),
            Language::C | Language::Cpp => self.clang(language).map(Clang::found),
            Language::Go => self.go().map(Go::found),
            Language::Python => self.python().map(Python::found),
            Language::JavaScript | Language::TypeScript => {
                self.javascript(language).map(JavaScript::found)
            }
        }
    }

    /// Sets up for `language` what Keyway keeps itself, and says with `tell` what takes long.
    ///
    /// # Errors
    /// If a step fails, or something is missing that Keyway does not install.
    pub fn set_up(&self, language: Language, tell: &dyn Fn(&str)) -> Result<Found, SetUpError> {
        let cache = &self.cache;
        Ok(match language {
            Language::Rust => Rust::set_up(cache, tell)?.found(),
            Language::C | Language::Cpp => Clang::find(language)?.found(),
            Language::Go => Go::set_up(cache, tell)?.found(),
            Language::Python => Python::set_up(cache, tell)?.found(),
            Language::JavaScript | Language::TypeScript => {
                JavaScript::set_up(cache, language, tell)?.found()
            }
        })
    }

    /// Rust's compiler.
    ///
    /// # Errors
    /// What is missing.
    pub fn rust(&self) -> Result<&Rust, Missing> {
        self.rust.get_or_init(|| Rust::find(&self.cache)).as_ref().map_err(Clone::clone)
    }

    pub(crate) fn clang(&self, language: Language) -> Result<&Clang, Missing> {
        let place = if language == Language::Cpp { &self.cpp } else { &self.c };
        place.get_or_init(|| Clang::find(language)).as_ref().map_err(Clone::clone)
    }

    pub(crate) fn go(&self) -> Result<&Go, Missing> {
        self.go.get_or_init(|| Go::find(&self.cache)).as_ref().map_err(Clone::clone)
    }

    pub(crate) fn python(&self) -> Result<&Python, Missing> {
        self.python.get_or_init(|| Python::find(&self.cache)).as_ref().map_err(Clone::clone)
    }

    pub(crate) fn javascript(&self, language: Language) -> Result<&JavaScript, Missing> {
        let found = self.javascript.get_or_init(|| JavaScript::find(&self.cache, language));
        found.as_ref().map_err(|missing| Missing { language, ..missing.clone() })
    }
}
