//! Types without a resource, where types with one of the same interface need them.
//!
//! What has an exported resource in it lies in the package of exports, and all else in that of imports.
//! The generator names the latter there as if it were of the same package.

use wit_bindgen_core::Files;

use super::MODULE;

/// What the bindings of a package are in.
const FILE: &str = "/wit_bindings.go";

/// Adds to each package of exports the types that it names and does not have.
pub(super) fn add(files: &mut Files) {
    let names: Vec<String> = files.iter().map(|(name, _)| name.to_owned()).collect();
    for name in &names {
        let package = name.strip_prefix("export_").and_then(|name| name.strip_suffix(FILE));
        let Some(package) = package else { continue };
        let text = |name: &str| {
            let found = files.iter().find(|(of, _)| *of == name);
            found.map(|(_, text)| String::from_utf8_lossy(text).into_owned()).unwrap_or_default()
        };
        let (exports, types) = (text(name), text(&format!("{package}{FILE}")));
        if let Some(complete) = complete(&exports, &types, package) {
            files.remove(name);
            files.push(name, complete.as_bytes());
        }
    }
}

/// `exports` with what it names of the `types` in a package. None if that is nothing.
fn complete(exports: &str, types: &str, package: &str) -> Option<String> {
    let own: Vec<&str> = declared(exports).collect();
    // A resource is declared by its author.
    let is_own =
        |name: &str| own.contains(&name) || exports.contains(&format!("func (self *{name}) "));
    let missing = declared(types).filter(|name| !is_own(name) && is_named(exports, name));
    let lines: String = missing.map(|name| format!("type {name} = {package}.{name}\n")).collect();
    if lines.is_empty() {
        return None;
    }
    let import = format!("import (\n        \"{MODULE}/{package}\"");
    let is_imported = exports.contains(&format!("\"{MODULE}/{package}\""));
    let exports =
        if is_imported { exports.to_owned() } else { exports.replacen("import (", &import, 1) };
    Some(format!("{exports}\n{lines}"))
}

fn declared(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("type ")?.split(' ').next())
}

/// Whether code names something of its own package.
fn is_named(code: &str, name: &str) -> bool {
    let is_of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.match_indices(name).any(|(at, _)| {
        let before = &code[..at];
        let after = &code[at + name.len()..];
        !before.ends_with(|last| is_of_word(last) || last == '.') && !after.starts_with(is_of_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_are_missing_are_taken_from_the_other_package() {
        let exports = "package export_a\n\nimport (\n        \"unsafe\"\n)\n\ntype Both struct {\n        A *A\n\
                       P Plain\n}\n\nfunc MakeOther() {}\n";
        let types =
            "package a\n\ntype Plain struct {\n}\n\ntype Other = uint8\n\ntype Far = uint8\n";
        let text = complete(exports, types, "a").expect("one is missing");
        assert!(
            text.contains("import (\n        \"wit_component/a\"\n        \"unsafe\""),
            "{text}"
        );
        assert!(text.ends_with("\ntype Plain = a.Plain\n"), "{text}");
        assert_eq!(complete(exports, "package a\n", "a"), None);
    }
}
