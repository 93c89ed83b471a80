//! A skeleton in JavaScript or TypeScript: what a module exports.

use std::collections::BTreeSet;

use wit_parser::{Function, WorldKey};

use super::{Export, Resource, parameters};
use crate::{
    Language, World,
    word::{camel, escape, pascal},
};

/// What a function does until it is written.
const BODY: &str = "throw new Error('to be filled in');";

/// Classes of the language, which a class of this name would hide.
const CLASSES: &[&str] = &[
    "Array",
    "Blob",
    "Boolean",
    "Crypto",
    "Date",
    "Error",
    "Event",
    "File",
    "Function",
    "Headers",
    "Iterator",
    "Map",
    "Math",
    "Number",
    "Object",
    "Performance",
    "Promise",
    "Proxy",
    "Reflect",
    "Request",
    "Response",
    "Set",
    "String",
    "Symbol",
];

pub(super) fn write(world: &World, exports: &[Export<'_>], language: Language) -> String {
    let script = Script { is_typed: language == Language::TypeScript };
    let aliases = aliases(world, exports);
    let mut parts = vec!["// Implements the world in `wit`.\n".to_owned()];
    for export in exports.iter().filter(|export| !export.is_empty()) {
        parts.extend(export.resources.iter().map(|resource| script.class(resource)));
        let functions = export.functions.iter();
        match export.key {
            Some(key) => parts.push(script.interface(world, key, export, &aliases)),
            None => parts.extend(functions.map(|function| script.function(function))),
        }
    }
    parts.join("\n")
}

/// How functions are written.
#[derive(Clone, Copy)]
struct Script {
    /// With the types that there have to be.
    is_typed: bool,
}

impl Script {
    fn interface(
        self,
        world: &World,
        key: &WorldKey,
        export: &Export<'_>,
        aliases: &BTreeSet<String>,
    ) -> String {
        let classes = export.resources.iter().map(|resource| {
            let (name, class) = (pascal(resource.name), class_name(resource));
            if name == class { format!("  {name},\n") } else { format!("  {name}: {class},\n") }
        });
        let methods = export.functions.iter().map(|function| self.method(function, "", ","));
        let parts: Vec<String> = classes.chain(methods).collect();
        let text = format!(" = {{\n{}}};\n", parts.concat());
        let id = world.resolve.name_world_key(key);
        match key {
            WorldKey::Interface(_) if !aliases.contains(&id) => {
                let name = camel(&id.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
                format!("const {name}{text}export {{ {name} as '{id}' }};\n")
            }
            _ => exported("const", &export.name, &text),
        }
    }

    fn class(self, resource: &Resource<'_>) -> String {
        let constructor = resource.constructor.map(|constructor| {
            let parameters = self.parameters(constructor);
            format!("  constructor({parameters}) {{\n    {BODY}\n  }}\n")
        });
        let methods = resource.methods.iter().map(|function| self.method(function, "", ""));
        let statics = resource.statics.iter().map(|function| self.method(function, "static ", ""));
        let result = if self.is_typed { ": void" } else { "" };
        let dispose = format!(
            "  [Symbol.dispose](){result} {{\n    // Called when its user releases it.\n  }}\n"
        );
        let parts: Vec<_> = constructor.into_iter().chain(methods).chain(statics).collect();
        let parts: Vec<_> = parts.into_iter().chain([dispose]).collect();
        format!("class {} {{\n{}}}\n", class_name(resource), parts.join("\n"))
    }

    /// In a class or an object any word can be a name.
    fn method(self, function: &Function, before: &str, after: &str) -> String {
        let (name, head) = (camel(function.item_name()), self.head(function));
        format!("  {before}{name}{head} {{\n    {BODY}\n  }}{after}\n")
    }

    fn function(self, function: &Function) -> String {
        let rest = format!("{} {{\n  {BODY}\n}}\n", self.head(function));
        exported("function", &function.name, &rest)
    }

    /// What follows a function's name; in TypeScript with the type that each result has.
    fn head(self, function: &Function) -> String {
        let result = if self.is_typed { ": never" } else { "" };
        format!("({}){result}", self.parameters(function))
    }

    fn parameters(self, function: &Function) -> String {
        let of = if self.is_typed { ": unknown" } else { "" };
        let names = parameters(function).iter().map(|parameter| word(&camel(&parameter.name)) + of);
        names.collect::<Vec<_>>().join(", ")
    }
}

/// The interfaces that the bindings find by the last part of their name: the first of each name, in
/// the order of the whole ones, if nothing else has it.
fn aliases(world: &World, exports: &[Export<'_>]) -> BTreeSet<String> {
    let mut taken = BTreeSet::new();
    let mut whole = BTreeSet::new();
    for export in exports.iter().filter(|export| !export.is_empty()) {
        match export.key {
            None => taken.extend(export.functions.iter().map(|function| camel(&function.name))),
            Some(WorldKey::Name(name)) => taken.extend([camel(name)]),
            Some(key) => whole.extend([(world.resolve.name_world_key(key), camel(&export.name))]),
        }
    }
    let found = whole.into_iter().filter(|(_, name)| taken.insert(name.clone()));
    found.map(|(id, _)| id).collect()
}

fn class_name(resource: &Resource<'_>) -> String {
    let name = pascal(resource.name);
    if CLASSES.contains(&name.as_str()) { format!("{name}_") } else { name }
}

/// A definition that is exported by its name, even if that is a keyword of the language.
fn exported(what: &str, name: &str, rest: &str) -> String {
    let name = camel(name);
    let word = word(&name);
    if word == name {
        format!("export {what} {name}{rest}")
    } else {
        format!("{what} {word}{rest}export {{ {word} as {name} }};\n")
    }
}

fn word(name: &str) -> String {
    escape(Language::JavaScript, name)
}
