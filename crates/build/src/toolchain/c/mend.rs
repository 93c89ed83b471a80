//! Fixes what the generator of C++ bindings gets wrong, in the text that it writes.
//!
//! - A payload that an argument owns is moved into a block that ends before the call, and is freed
//!   there: it has to stay in place.
//! - A list is lowered in place, which is right only if its elements have the component model's
//!   layout. Options, results and variants do not: they need separate memory.
//! - What a result holds is taken by a function that wants its error to be copied, which lists cannot be.
//! - The class of an exported resource is named from within itself, where a namespace `exports` of its own
//!   may hide the outer one.

/// The bindings as they should be.
pub(super) fn mend(bindings: &str) -> String {
    let lines = bindings.lines().map(keep_payload).map(|line| take_payload(&line));
    let mut lines: Vec<String> = lines.map(|line| name_from_outside(&line)).collect();
    for number in 0..lines.len() {
        let Some(list) = List::at(&lines, number) else { continue };
        let indent = " ".repeat(indent_of(&lines[number]));
        let List { number: of, size, owner, end } = list;
        lines[number] =
            format!("{indent}auto _ptr{of} = (uint8_t*)malloc(({size}) * _vec{of}.size());");
        // The old place is not handed over, and is freed with its owner.
        let leak = format!("{owner}.leak();");
        if let Some(line) = lines[end..].iter_mut().find(|line| line.trim() == leak) {
            line.clear();
        }
    }
    lines.join("\n") + "\n"
}

fn keep_payload(line: &str) -> String {
    let start = line.trim_start();
    let is_owned = start.starts_with("wit::string payload") || start.starts_with("wit::vector<");
    match start.split_once(" payload") {
        Some((_, rest)) if is_owned && rest.contains(" = std::move(") => {
            format!("{}auto&& payload{rest}", &line[..line.len() - start.len()])
        }
        _ => line.to_owned(),
    }
}

fn take_payload(line: &str) -> String {
    let taken = line.split_once(" payload").and_then(|(ty, rest)| {
        let (number, value) = rest.split_once(" = std::move(")?;
        Some(format!("{ty} payload{number} = *std::move({});", value.strip_suffix(").value();")?))
    });
    taken.unwrap_or_else(|| line.to_owned())
}

fn name_from_outside(line: &str) -> String {
    line.replacen("return (exports::", "return (::exports::", 1)
}

/// A list that is lowered over itself and must not be.
struct List {
    number: String,
    /// The size of an element, as an expression.
    size: String,
    /// The expression for the list.
    owner: String,
    /// The line after its loop.
    end: usize,
}

impl List {
    /// The list whose address is taken in this line.
    fn at(lines: &[String], line: usize) -> Option<Self> {
        let taken = lines[line].trim().strip_prefix("auto _ptr")?;
        let (number, rest) = taken.split_once(" = (uint8_t*)(_vec")?;
        (rest == format!("{number}.data());")).then_some(())?;
        let owner = lines[line.checked_sub(1)?].trim();
        let owner = owner.strip_prefix(&format!("auto&& _vec{number} = "))?.strip_suffix(';')?;
        lines.get(line + 2)?.trim().starts_with("for (").then_some(())?;
        let base = lines.get(line + 3)?.trim();
        let size = base.strip_prefix(&format!("auto _base = _ptr{number} + i * ("))?;
        let size = size.strip_suffix(");")?.to_owned();
        let indent = indent_of(&lines[line + 2]);
        let is_end = |text: &String| indent_of(text) == indent && text.trim() == "}";
        let end = line + 3 + lines[line + 3..].iter().position(is_end)?;
        let has_choice =
            lines[line + 3..end].iter().any(|text| text.contains("*((int8_t*)(_base + "));
        let (number, owner) = (number.to_owned(), owner.to_owned());
        has_choice.then_some(Self { number, size, owner, end })
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_stay_where_they_are() {
        let text = "    wit::string payload2 = std::move(x).error();\n";
        assert_eq!(mend(text), "    auto&& payload2 = std::move(x).error();\n");
        let text = "    std::string_view payload8 = (std::move(x)).value().get_view();\n";
        assert_eq!(mend(text), text);
    }

    #[test]
    fn what_a_result_holds_is_not_copied() {
        let text = "    int32_t payload2 = std::move(x).value();\n";
        assert_eq!(mend(text), "    int32_t payload2 = *std::move(x);\n");
    }

    #[test]
    fn a_namespace_called_exports_hides_no_other() {
        let text = "  return (exports::exports::X*)__wasm_import(id);\n";
        assert_eq!(mend(text), text.replace("(exports", "(::exports"));
    }

    #[test]
    fn lists_of_options_get_a_place_of_their_own() {
        let text = "  auto&& _vec1 = result0;\n  auto _ptr1 = (uint8_t*)(_vec1.data());\n  \
                    auto _len1 = (size_t)(_vec1.size());\n  for (size_t i = 0; i < _len1; ++i) {\n    \
                    auto _base = _ptr1 + i * (8);\n    *((int8_t*)(_base + 0)) = (int32_t(1));\n  }\n  \
                    result0.leak();\n";
        let mended = mend(text);
        assert!(
            mended.contains("  auto _ptr1 = (uint8_t*)malloc((8) * _vec1.size());\n"),
            "{mended}"
        );
        assert!(!mended.contains("leak"), "{mended}");
        let plain = text.replace("*((int8_t*)", "*((int32_t*)");
        assert_eq!(mend(&plain), plain);
    }
}
