//! WIT names as a language writes them.
//!
//! It knows each language's keywords, which the binding generators escape. It does not know what is
//! named.

use wit_bindgen_c::to_c_ident;

use crate::Language;

/// Words of Rust, of all editions.
const RUST: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "if", "impl", "in",
    "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Words of Go.
const GO: &[&str] = &[
    "break",
    "case",
    "chan",
    "const",
    "continue",
    "default",
    "defer",
    "else",
    "fallthrough",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "map",
    "package",
    "range",
    "return",
    "select",
    "struct",
    "switch",
    "type",
    "var",
];

/// Words of Python; those that are words in some places only can be names.
const PYTHON: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

/// Words of JavaScript in modules, and a name that cannot be given again.
const JAVASCRIPT: &[&str] = &[
    "arguments",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// `name`, which is in the language's own case, as its bindings have it: with `_` after it where it
/// is a word of the language.
pub(crate) fn escape(language: Language, name: &str) -> String {
    let is_reserved = match language {
        Language::Rust => RUST.contains(&name),
        // Words of either, and what the bindings call variables of their own.
        Language::C | Language::Cpp => to_c_ident(name).strip_suffix('_') == Some(name),
        Language::Go => GO.contains(&name),
        Language::Python => PYTHON.contains(&name),
        Language::JavaScript | Language::TypeScript => JAVASCRIPT.contains(&name),
    };
    if is_reserved { format!("{name}_") } else { name.to_owned() }
}

/// `log-entry` as `log_entry`.
pub(crate) fn snake(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

/// `log-entry` as `LogEntry`.
pub(crate) fn pascal(name: &str) -> String {
    let name = name.to_lowercase();
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}

/// `log-entry` as `logEntry`.
pub(crate) fn camel(name: &str) -> String {
    let pascal = pascal(name);
    let mut letters = pascal.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_as_each_language_does() {
        for name in ["log-entry", "LOG-entry"] {
            assert_eq!(
                [snake(name), pascal(name), camel(name)],
                ["log_entry", "LogEntry", "logEntry"]
            );
        }
    }

    #[test]
    fn words_of_a_language_are_no_names_in_it() {
        for (language, word) in [
            (Language::Rust, "match"),
            (Language::C, "switch"),
            (Language::Cpp, "delete"),
            (Language::Go, "range"),
            (Language::Python, "None"),
            (Language::JavaScript, "new"),
            (Language::TypeScript, "new"),
        ] {
            assert_eq!(escape(language, word), format!("{word}_"));
            assert_eq!(escape(language, "log_entry"), "log_entry");
        }
    }
}
