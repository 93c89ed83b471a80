//! Skeletons: for a user's own world, functions to fill in.
//!
//! For C, C++ and Go the declarations come from the bindings. For other languages they are written
//! from the WIT, which is enough as long as no resources are exported.

mod header;
mod python;
mod rust;
mod script;
#[cfg(test)]
mod tests;

use wit_bindgen_core::Files;
use wit_parser::{Function, TypeDefKind, WorldItem, WorldKey};

use crate::{
    Language, World,
    language::{c, go},
};

/// What is to be filled in for a world.
#[derive(Debug)]
pub(crate) struct Skeleton {
    /// By their paths in the project.
    pub(crate) files: Vec<(String, String)>,
    /// Whether the world has asynchronous functions.
    pub(crate) is_async: bool,
}

/// An interface that is exported, or the functions that the world exports itself.
struct Export<'a> {
    /// None for those of the world itself.
    key: Option<&'a WorldKey>,
    /// The last part of the interface's name.
    name: String,
    functions: Vec<&'a Function>,
}

/// The skeleton of the component `name`, which implements `world`.
pub(crate) fn of(world: &World, language: Language, name: &str) -> Result<Skeleton, String> {
    language.can_build(world)?;
    let exports = exports(world)?;
    let one = |path: &str, text: String| vec![(path.to_owned(), text)];
    let files = match language {
        Language::Rust => one("src/lib.rs", rust::write(world, &exports)?),
        Language::C | Language::Cpp => c_sources(&c::generate(language, world)?, language)?,
        Language::Go => go_sources(&go::stubs(world, name)?),
        Language::Python => one("app.py", python::write(world, &exports)),
        Language::JavaScript => one("src/index.js", script::write(&exports, language)),
        Language::TypeScript => one("src/index.ts", script::write(&exports, language)),
    };
    Ok(Skeleton { files, is_async: world.asynchrony().is_some() })
}

fn exports(world: &World) -> Result<Vec<Export<'_>>, String> {
    let World { resolve, id } = world;
    let mut exports = Vec::new();
    let mut own = Export { key: None, name: String::new(), functions: Vec::new() };
    for (key, item) in &resolve.worlds[*id].exports {
        match item {
            WorldItem::Function(function) => own.functions.push(function),
            WorldItem::Interface { id, .. } => {
                let interface = &resolve.interfaces[*id];
                let mut types = interface.types.iter();
                let resource =
                    types.find(|(_, id)| matches!(resolve.types[**id].kind, TypeDefKind::Resource));
                if let Some((resource, _)) = resource {
                    return Err(format!(
                        "it exports the resource `{resource}`, for which Keyway writes no \
                         skeleton; start with `--kind library` and change its WIT"
                    ));
                }
                let name = match key {
                    WorldKey::Name(name) => name.clone(),
                    WorldKey::Interface(_) => interface.name.clone().unwrap_or_default(),
                };
                let functions = interface.functions.values().collect();
                exports.push(Export { key: Some(key), name, functions });
            }
            WorldItem::Type { .. } => {}
        }
    }
    if !own.functions.is_empty() {
        exports.push(own);
    }
    Ok(exports)
}

fn c_sources(bindings: &Files, language: Language) -> Result<Vec<(String, String)>, String> {
    let find = |ending: &str| bindings.iter().find(|(name, _)| name.ends_with(ending));
    let is_cpp = language == Language::Cpp;
    let (name, text) = find(if is_cpp { "_cpp.h" } else { ".h" })
        .ok_or("the bindings have no header".to_owned())?;
    let text = String::from_utf8_lossy(text);
    let (path, text) = if is_cpp {
        ("src/component.cpp", header::cpp(name, &text))
    } else {
        ("src/component.c", header::c(name, &text))
    };
    Ok(vec![(path.to_owned(), text)])
}

/// The stubs lie where the user's own code is to lie.
fn go_sources(stubs: &[(String, String)]) -> Vec<(String, String)> {
    let files = stubs.iter().map(|(package, text)| {
        let name = package.trim_start_matches("export_");
        (format!("{package}/{name}.go"), text.clone())
    });
    files.collect()
}
