//! The order of what the generator of C++ bindings declares.
//!
//! A resource that is exported is a class in a header of its own, which the generated header includes
//! first, before the types that the class's functions name. Here these come first, then the classes, then
//! functions; and what a type owns of a class is named without the class having to be known.

use wit_bindgen_core::Files;

use super::scope::{Line, Scope, lines};

/// What the generated headers of resources begin with.
const OF_RESOURCE: &str = "exports-";

/// Whether a file has the class of a resource that is exported, and is to be the user's own.
pub(crate) fn is_of_resource(name: &str) -> bool {
    name.starts_with(OF_RESOURCE) && name.ends_with(".h")
}

/// The class in such a file.
pub(crate) fn class_of(header: &str) -> Option<String> {
    lines(header).into_iter().find_map(|line| match line.scopes.last() {
        Some(Scope::Class(name)) => Some(name.clone()),
        _ => None,
    })
}

/// Puts the bindings into an order that compiles.
pub(super) fn order(files: &mut Files) {
    let names: Vec<String> = files.iter().map(|(name, _)| name.to_owned()).collect();
    let mut classes = String::new();
    for name in names.iter().filter(|name| is_of_resource(name)) {
        let text = taken(files, name);
        let class = class_of(&text);
        classes.push_str(&declaration(&text));
        let lines = text.lines().map(|line| owned(line, class.as_deref()) + "\n");
        files.push(name, lines.collect::<String>().as_bytes());
    }
    for name in names.iter().filter(|name| name.ends_with("_cpp.h")) {
        let text = taken(files, name);
        let text = if classes.is_empty() { text } else { ordered(&text, &classes) };
        files.push(name, text.as_bytes());
    }
}

fn taken(files: &mut Files, name: &str) -> String {
    String::from_utf8_lossy(&files.remove(name).unwrap_or_default()).into_owned()
}

/// `class Item;` in its namespaces.
fn declaration(header: &str) -> String {
    let found = lines(header).into_iter().find_map(|line| {
        let (last, outer) = line.scopes.split_last()?;
        let Scope::Class(class) = last else { return None };
        let spaces = outer.iter().filter_map(|scope| match scope {
            Scope::Namespace(name) => Some(name.as_str()),
            _ => None,
        });
        Some(within(&spaces.collect::<Vec<_>>(), &format!("class {class};\n")))
    });
    found.unwrap_or_default()
}

fn within(namespaces: &[&str], text: &str) -> String {
    format!("namespace {} {{\n{text}}}\n", namespaces.join("::"))
}

/// The header with types, then classes, then functions.
fn ordered(header: &str, classes: &str) -> String {
    let (mut text, mut last) = (String::new(), String::new());
    let mut functions: Vec<(String, String)> = Vec::new();
    let mut comments = String::new();
    let lines = lines(header);
    let last_include = lines.iter().rposition(|line| line.text.starts_with("#include"));
    for (number, line) in lines.iter().enumerate() {
        if line.text.starts_with(&format!("#include \"{OF_RESOURCE}")) {
            last.push_str(&format!("{}\n", line.text));
        } else if line.text.starts_with("//") {
            comments.push_str(&format!("{}\n", line.text));
        } else if let Some(namespaces) = function(line) {
            functions.push((namespaces.join("::"), format!("{comments}{}\n", line.text)));
            comments.clear();
        } else if line.text != "#endif" {
            text.push_str(&comments);
            comments.clear();
            text.push_str(&owned(line.text, None));
            text.push('\n');
        }
        if Some(number) == last_include {
            text.push_str("#include \"wit.h\"\n");
            text.push_str(classes);
        }
    }
    for same in functions.chunk_by(|one, other| one.0 == other.0) {
        let declared: String = same.iter().map(|(_, text)| text.as_str()).collect();
        last.push_str(&within(&[same[0].0.as_str()], &declared));
    }
    format!("{text}{last}{comments}#endif\n")
}

/// The namespaces of a function that is exported and of no class.
fn function<'a>(line: &'a Line<'_>) -> Option<Vec<&'a str>> {
    let is_function = line.is_export() && line.text.ends_with(");");
    line.namespaces().filter(|_| is_function)
}

/// A line whose `Item::Owned` is written without the class `Item` having to be complete. That of the
/// class `own` stays.
fn owned(line: &str, own: Option<&str>) -> String {
    const OWNED: &str = "::Owned";
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(OWNED) {
        let is_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
        let start = rest[..at].rfind(|letter| !is_path(letter)).map_or(0, |before| before + 1);
        let path = &rest[start..at];
        let is_whole = !rest[at + OWNED.len()..].starts_with(is_path);
        let name = path.rsplit("::").next().unwrap_or(path);
        text.push_str(&rest[..start]);
        if is_whole && !path.is_empty() && own != Some(name) {
            text.push_str(&format!("wit::ResourceExportBase<{path}>{OWNED}"));
        } else {
            text.push_str(&rest[start..at + OWNED.len()]);
        }
        rest = &rest[at + OWNED.len()..];
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_come_before_classes_and_these_before_functions() {
        let mut files = Files::default();
        let class = "#pragma once\nnamespace exports {\n  namespace a {\n    class X : public \
                     wit::ResourceExportBase<X>{\n      public:\n      static X::Owned F(a::Y::Owned y);\n    \
                     };\n  }\n}\n";
        files.push("exports-a-X.h", class.as_bytes());
        let header = "#ifndef W\n#include \"exports-a-X.h\"\n#include <cstdint>\nnamespace exports {\n  \
                      namespace a {\n    /// Does.\n    void F(X::Owned x);\n    struct R {\n      \
                      X::Owned x;\n    };\n  }\n}\n\n#endif\n";
        files.push("w_cpp.h", header.as_bytes());
        order(&mut files);
        let text = |wanted: &str| {
            let found = files.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, text)| String::from_utf8_lossy(text).into_owned()).expect("it is there")
        };
        assert_eq!(
            text("w_cpp.h"),
            "#ifndef W\n#include <cstdint>\n#include \"wit.h\"\nnamespace exports::a {\nclass X;\n}\nnamespace exports {\n\
             namespace a {\nstruct R {\nwit::ResourceExportBase<X>::Owned x;\n};\n}\n}\n\n\
             #include \"exports-a-X.h\"\nnamespace exports::a {\n/// Does.\nvoid F(X::Owned x);\n}\n#endif\n"
        );
        assert!(
            text("exports-a-X.h")
                .contains("static X::Owned F(wit::ResourceExportBase<a::Y>::Owned y);")
        );
    }
}
