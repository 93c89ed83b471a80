//! Skeletons: for a user's own world, functions to fill in.
//!
//! For C, C++ and Go the declarations come from the bindings. For other languages they are written
//! from the WIT, of which [`Export`] is what an implementation is made of.

mod header;
mod python;
mod rust;
mod script;
#[cfg(test)]
mod tests;

use wit_bindgen_core::Files;
use wit_parser::{
    Function, FunctionKind, InterfaceId, Param, TypeDefKind, TypeId, WorldItem, WorldKey,
};

use crate::{
    Language, World,
    guard::unencodable,
    toolchain::{
        c::{self, order},
        go, lack,
    },
    word::snake,
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
    /// None for those of the world itself.
    interface: Option<InterfaceId>,
    /// The last part of the interface's name.
    name: String,
    /// Those that are of no resource.
    functions: Vec<&'a Function>,
    /// In the order of the WIT.
    resources: Vec<Resource<'a>>,
}

impl Export<'_> {
    /// Whether there is nothing to fill in: an interface may have types alone.
    fn is_empty(&self) -> bool {
        self.functions.is_empty() && self.resources.is_empty()
    }
}

/// A resource that is exported: a class, in the words of most languages.
struct Resource<'a> {
    /// As the WIT has it.
    name: &'a str,
    /// What makes one. A result other than the resource itself is a `result` of it.
    constructor: Option<&'a Function>,
    /// Those of one of it, which is their first parameter.
    methods: Vec<&'a Function>,
    /// Those of the resource as such.
    statics: Vec<&'a Function>,
}

impl<'a> Resource<'a> {
    fn of(name: &'a str, id: TypeId, functions: impl Iterator<Item = &'a Function>) -> Self {
        let mut resource =
            Self { name, constructor: None, methods: Vec::new(), statics: Vec::new() };
        for function in functions.filter(|function| function.kind.resource() == Some(id)) {
            match function.kind {
                FunctionKind::Constructor(_) => resource.constructor = Some(function),
                FunctionKind::Static(_) | FunctionKind::AsyncStatic(_) => {
                    resource.statics.push(function);
                }
                _ => resource.methods.push(function),
            }
        }
        resource
    }
}

/// The parameters of a function, without the resource that a method is of.
fn parameters(function: &Function) -> &[Param] {
    let is_method = matches!(function.kind, FunctionKind::Method(_) | FunctionKind::AsyncMethod(_));
    &function.params[usize::from(is_method)..]
}

/// The skeleton of the component `name`, which implements `world`.
pub(crate) fn of(world: &World, language: Language, name: &str) -> Result<Skeleton, String> {
    if let Some(lacking) = lack::of(language, world).or_else(|| unencodable(world)) {
        return Err(lacking);
    }
    let exports = exports(world);
    let one = |path: &str, text: String| vec![(path.to_owned(), text)];
    let files = match language {
        Language::Rust => one("src/lib.rs", rust::write(world, &exports)?),
        Language::C => c_sources(&c::generate(language, world)?)?,
        Language::Cpp => cpp_sources(&c::generate(language, world)?)?,
        // As in the template's go.mod: Go has packages of its own with names of one word.
        Language::Go => go_sources(&exports, &go::stubs(world, &format!("example.com/{name}"))?),
        Language::Python => python::write(world, &exports),
        Language::JavaScript => one("src/index.js", script::write(world, &exports, language)),
        Language::TypeScript => one("src/index.ts", script::write(world, &exports, language)),
    };
    Ok(Skeleton { files, is_async: world.asynchrony().is_some() })
}

/// What `world` exports: its interfaces, then its own functions.
fn exports(world: &World) -> Vec<Export<'_>> {
    let World { resolve, id, .. } = world;
    let mut exports = Vec::new();
    let mut own = Export {
        key: None,
        interface: None,
        name: String::new(),
        functions: Vec::new(),
        resources: Vec::new(),
    };
    for (key, item) in &resolve.worlds[*id].exports {
        match item {
            WorldItem::Function(function) => own.functions.push(function),
            WorldItem::Interface { id, .. } => {
                let interface = &resolve.interfaces[*id];
                let name = match key {
                    WorldKey::Name(name) => name.clone(),
                    WorldKey::Interface(_) => interface.name.clone().unwrap_or_default(),
                };
                let functions = interface.functions.values();
                let resources = interface
                    .types
                    .iter()
                    .filter(|(_, id)| matches!(resolve.types[**id].kind, TypeDefKind::Resource))
                    .map(|(name, id)| Resource::of(name, *id, functions.clone()))
                    .collect();
                let functions = functions.filter(|function| function.kind.resource().is_none());
                exports.push(Export {
                    key: Some(key),
                    interface: Some(*id),
                    name,
                    functions: functions.collect(),
                    resources,
                });
            }
            WorldItem::Type { .. } => {}
        }
    }
    if !own.functions.is_empty() {
        exports.push(own);
    }
    exports
}

fn c_sources(bindings: &Files) -> Result<Vec<(String, String)>, String> {
    let (name, text) = header_of(bindings, ".h")?;
    Ok(vec![("src/component.c".to_owned(), header::c(name, &text))])
}

fn cpp_sources(bindings: &Files) -> Result<Vec<(String, String)>, String> {
    let (name, text) = header_of(bindings, "_cpp.h")?;
    let mut functions = header::cpp(&text);
    let mut files = Vec::new();
    for (path, text) in bindings.iter().filter(|(path, _)| order::is_of_resource(path)) {
        let text = String::from_utf8_lossy(text);
        functions.extend(header::cpp(&text));
        files.push((format!("{}/{path}", c::SOURCES), header::with_fields(&text)));
    }
    files.push((format!("{}/component.cpp", c::SOURCES), header::cpp_source(name, &functions)));
    Ok(files)
}

fn header_of<'a>(bindings: &'a Files, ending: &str) -> Result<(&'a str, String), String> {
    let found = bindings.iter().find(|(name, _)| name.ends_with(ending));
    let (name, text) = found.ok_or("the bindings have no header".to_owned())?;
    Ok((name, String::from_utf8_lossy(text).into_owned()))
}

/// The stubs lie where the user's own code is to lie. Go leaves out files called `…_test.go` or
/// `…_linux.go`, so that no name has a `_`.
fn go_sources(exports: &[Export<'_>], stubs: &[(String, String)]) -> Vec<(String, String)> {
    let files = stubs.iter().map(|(package, text)| {
        let is_of = |export: &&Export<'_>| package.ends_with(&format!("_{}", snake(&export.name)));
        let of = exports.iter().filter(|export| export.key.is_some()).find(is_of);
        let name = of.map_or("world".to_owned(), |export| export.name.replace('-', ""));
        (format!("{package}/{name}.go"), text.clone())
    });
    files.collect()
}
