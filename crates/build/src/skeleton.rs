//! Skeletons: for a world of the user's own, functions that are to be filled in.
//!
//! For C, C++ and Go the declarations come from the bindings. For other languages they are written
//! from the WIT; that is all that it takes, as long as no resources are exported.

mod header;
mod rust;

use wit_bindgen_core::Files;
use wit_parser::{Function, TypeDefKind, WorldItem, WorldKey};

use crate::{
    Language, World,
    language::{c, go},
};

/// The files of a skeleton, by their paths in the project.
#[derive(Debug, Default)]
pub(crate) struct Skeleton {
    pub(crate) files: Vec<(String, String)>,
}

impl Skeleton {
    fn of_one(path: &str, text: String) -> Self {
        Self { files: vec![(path.to_owned(), text)] }
    }
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
    let exports = exports(world)?;
    Ok(match language {
        Language::Rust => Skeleton::of_one("src/lib.rs", rust::write(world, &exports)?),
        Language::C | Language::Cpp => c_sources(&c::generate(language, world)?, language)?,
        Language::Go => go_sources(&go::stubs(world, name)?),
        Language::Python => Skeleton::of_one("app.py", python(world, &exports)),
        Language::JavaScript => Skeleton::of_one("src/index.js", script(&exports, "")),
        Language::TypeScript => Skeleton::of_one("src/index.ts", script(&exports, ": never")),
    })
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
                        "it exports the resource `{resource}`, for which no skeleton is written; \
                         begin with `--kind library` and change its WIT"
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

fn c_sources(bindings: &Files, language: Language) -> Result<Skeleton, String> {
    let find = |ending: &str| bindings.iter().find(|(name, _)| name.ends_with(ending));
    let is_cpp = language == Language::Cpp;
    let (name, text) = find(if is_cpp { "_cpp.h" } else { ".h" })
        .ok_or("the bindings have no header".to_owned())?;
    let text = String::from_utf8_lossy(text);
    Ok(if is_cpp {
        Skeleton::of_one("src/component.cpp", header::cpp(name, &text))
    } else {
        Skeleton::of_one("src/component.c", header::c(name, &text))
    })
}

/// The stubs lie where the user's own code is to lie.
fn go_sources(stubs: &[(String, String)]) -> Skeleton {
    let files = stubs.iter().map(|(package, text)| {
        let name = package.trim_start_matches("export_");
        (format!("{package}/{name}.go"), text.clone())
    });
    Skeleton { files: files.collect() }
}

fn python(world: &World, exports: &[Export<'_>]) -> String {
    let mut text = format!(
        "\"\"\"Implements the world `{}`, see `wit`.\"\"\"\n\nimport wit_world\n",
        world.name()
    );
    if exports.iter().any(|export| export.key.is_some()) {
        text.push_str("from wit_world import exports\n");
    }
    for Export { key, name, functions } in exports {
        let class = pascal(name);
        text.push_str(&match key {
            Some(_) => format!("\n\nclass {class}(exports.{class}):\n"),
            None => "\n\nclass WitWorld(wit_world.WitWorld):\n".to_owned(),
        });
        let methods = functions.iter().map(|function| {
            let parameters =
                function.params.iter().map(|parameter| parameter.name.replace('-', "_"));
            let parameters: Vec<_> = std::iter::once("self".to_owned()).chain(parameters).collect();
            let name = function.name.replace('-', "_");
            format!(
                "    def {name}({}):\n        raise NotImplementedError\n",
                parameters.join(", ")
            )
        });
        let methods: Vec<_> = methods.collect();
        text.push_str(if methods.is_empty() { "    pass\n" } else { "" });
        text.push_str(&methods.join("\n"));
    }
    text
}

/// JavaScript, or TypeScript with the type that each function's result has.
fn script(exports: &[Export<'_>], result: &str) -> String {
    let of = if result.is_empty() { "" } else { ": unknown" };
    let parameters = |function: &Function| {
        let names = function.params.iter();
        names.map(|parameter| camel(&parameter.name) + of).collect::<Vec<_>>().join(", ")
    };
    let body = "throw new Error('to be filled in');";
    let mut parts = vec!["// Implements the world in `wit`.\n".to_owned()];
    for export in exports {
        let functions = export.functions.iter().map(|function| {
            let (name, parameters) = (camel(&function.name), parameters(function));
            match export.key {
                Some(_) => format!("  {name}({parameters}){result} {{\n    {body}\n  }},\n"),
                None => format!("export function {name}({parameters}){result} {{\n  {body}\n}}\n"),
            }
        });
        let functions: Vec<_> = functions.collect();
        parts.push(match export.key {
            Some(_) => {
                format!("export const {} = {{\n{}}};\n", camel(&export.name), functions.concat())
            }
            None => functions.join("\n"),
        });
    }
    parts.join("\n")
}

/// `log-entry` as `LogEntry`.
fn pascal(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}

/// `log-entry` as `logEntry`.
fn camel(name: &str) -> String {
    let pascal = pascal(name);
    let mut letters = pascal.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}
