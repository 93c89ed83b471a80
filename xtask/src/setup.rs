//! Installs what tests and examples are built with: the compilers of all languages.

use std::{env, path::PathBuf};

use anyhow::{Context, Result};
use keyway_build::{Language, SetUpError, Toolbox, install};

/// Keyway's folder in the user's cache.
pub(crate) fn cache() -> Result<PathBuf> {
    let base = match env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => {
            PathBuf::from(env::var_os("HOME").context("set HOME or XDG_CACHE_HOME")?).join(".cache")
        }
    };
    Ok(base.join("keyway"))
}

/// Finds what `languages` are built with, or sets it up: packages of Debian, too, which `keyway`
/// itself leaves to the user.
pub(crate) fn toolbox(languages: &[Language]) -> Result<Toolbox> {
    let toolbox = Toolbox::new(cache()?);
    for language in languages {
        set_up(&toolbox, *language)
            .with_context(|| format!("{language} cannot be built on this machine"))?;
    }
    Ok(toolbox)
}

fn set_up(toolbox: &Toolbox, language: Language) -> Result<(), SetUpError> {
    let tell = |step: &str| println!("{step}");
    match toolbox.set_up(language, &tell) {
        Err(SetUpError::Missing { missing }) if !missing.packages.is_empty() => {
            println!("Installing {}, once.", missing.packages.join(", "));
            let packages: Vec<&str> = missing.packages.iter().map(String::as_str).collect();
            install(&packages)?;
            toolbox.set_up(language, &tell).map(drop)
        }
        result => result.map(drop),
    }
}
