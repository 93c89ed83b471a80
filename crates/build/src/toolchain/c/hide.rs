//! Types that a class in C++ hides by a function of the same name.
//!
//! A resource `file` with a function `size` that returns a `size` gets a class with `Size Size()`. Of what
//! follows in the class none can name the type, unless it says in which namespace that is.

use super::scope::{Line, Scope, lines};

/// A header in which results of functions are named with their namespaces where that is needed.
pub(super) fn unhide(header: &str) -> String {
    let lines = lines(header);
    let mut text = String::new();
    for (line, whole) in lines.iter().zip(header.lines()) {
        let named = named(line, &lines);
        text.push_str(named.as_deref().unwrap_or(whole));
        text.push('\n');
    }
    text
}

/// A function of a class, if its result has to be named otherwise.
fn named(line: &Line<'_>, lines: &[Line<'_>]) -> Option<String> {
    let (class, outer) = line.scopes.split_last()?;
    let (Scope::Class(_), Scope::Namespace(space)) = (class, outer.last()?) else { return None };
    let (result, name) = function(line)?;
    let own = lines.iter().filter(|other| other.scopes == line.scopes);
    let hidden: Vec<&str> = own.filter_map(function).map(|(_, name)| name).collect();
    let mut said = String::new();
    let mut rest = result;
    while let Some(start) = rest.find(|letter: char| letter.is_alphabetic()) {
        let is_end = |letter: char| !letter.is_alphanumeric() && letter != '_';
        let end = rest[start..].find(is_end).map_or(rest.len(), |length| start + length);
        let word = &rest[start..end];
        let is_bare = !rest[..start].ends_with(':') && !said.ends_with(':');
        said.push_str(&rest[..start]);
        if is_bare && hidden.contains(&word) {
            said.push_str(&format!("{space}::"));
        }
        said.push_str(word);
        rest = &rest[end..];
    }
    said.push_str(rest);
    let after = line.text.strip_prefix(result)?.strip_prefix(name)?;
    (said != result).then(|| format!("{said}{name}{after}"))
}

/// The result of a function and its name.
fn function<'a>(line: &Line<'a>) -> Option<(&'a str, &'a str)> {
    if line.text.starts_with(['/', '*']) {
        return None;
    }
    let (head, _) = line.text.split_once('(')?;
    let at = head.rfind(' ')? + 1;
    Some((&head[..at], &head[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_named_with_its_namespace_where_a_function_hides_it() {
        let header = "namespace a {\n  namespace t {\n    enum class Size : uint8_t {\n    };\n    class File : \
                      public B{\n      public:\n      ~File();\n      Size Size() const;\n      static \
                      std::optional<Size> Largest(t::Size x);\n      Mode Other();\n    };\n    Size F();\n  }\n}\n";
        let text = unhide(header);
        for line in [
            "t::Size Size() const;",
            "static std::optional<t::Size> Largest(t::Size x);",
            "Mode Other();",
            "Size F();",
        ] {
            assert!(text.lines().any(|found| found.trim() == line), "{line}\n{text}");
        }
    }
}
