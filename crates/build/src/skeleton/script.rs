//! A skeleton in JavaScript or TypeScript: what a module exports.

use wit_parser::Function;

use super::Export;
use crate::{
    Language,
    word::{camel, escape},
};

/// What a function does until it is written.
const BODY: &str = "throw new Error('to be filled in');";

pub(super) fn write(exports: &[Export<'_>], language: Language) -> String {
    let is_typed = language == Language::TypeScript;
    let mut parts = vec!["// Implements the world in `wit`.\n".to_owned()];
    for export in exports {
        parts.push(match export.key {
            Some(_) => interface(export, is_typed),
            None => {
                let functions = export.functions.iter();
                functions.map(|f| function(f, is_typed)).collect::<Vec<_>>().join("\n")
            }
        });
    }
    parts.join("\n")
}

fn interface(export: &Export<'_>, is_typed: bool) -> String {
    let functions = export.functions.iter();
    // Any word can be called by after a dot.
    let methods = functions.map(|function| {
        format!("  {}{} {{\n    {BODY}\n  }},\n", camel(&function.name), head(function, is_typed))
    });
    exported("const", &export.name, &format!(" = {{\n{}}};\n", methods.collect::<String>()))
}

fn function(function: &Function, is_typed: bool) -> String {
    let rest = format!("{} {{\n  {BODY}\n}}\n", head(function, is_typed));
    exported("function", &function.name, &rest)
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

/// What follows a function's name; in TypeScript with the type that each result has.
fn head(function: &Function, is_typed: bool) -> String {
    let (of, result) = if is_typed { (": unknown", ": never") } else { ("", "") };
    let names = function.params.iter().map(|parameter| word(&camel(&parameter.name)) + of);
    format!("({}){result}", names.collect::<Vec<_>>().join(", "))
}

fn word(name: &str) -> String {
    escape(Language::JavaScript, name)
}
