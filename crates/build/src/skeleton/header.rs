//! Function bodies for what a generated header declares.

/// The exported functions of a header in C, each of which ends the program.
pub(super) fn c(name: &str, header: &str) -> String {
    let mut text = format!("#include <stdlib.h>\n\n#include \"{name}\"\n");
    let mut is_export = false;
    for line in header.lines() {
        if line.starts_with("// ") {
            is_export = line.starts_with("// Exported Functions");
        } else if is_export && let Some(declaration) = line.strip_suffix(");") {
            text.push_str(&format!("\n{declaration}) {{\n    abort(); // To be filled in.\n}}\n"));
        }
    }
    text
}

/// The functions of a header in C++ that lie in the namespace of exports.
pub(super) fn cpp(name: &str, header: &str) -> String {
    let mut text = format!("#include <cstdlib>\n\n#include \"{name}\"\n");
    let mut scopes: Vec<Option<String>> = Vec::new();
    for line in header.lines().map(str::trim) {
        let namespace = line.strip_prefix("namespace ").and_then(|rest| rest.strip_suffix(" {"));
        let in_exports = scopes.first().is_some_and(|scope| scope.as_deref() == Some("exports"))
            && scopes.iter().all(Option::is_some);
        if let (true, Some(declaration)) = (in_exports, line.strip_suffix(");")) {
            let space: Vec<_> = scopes.iter().flatten().map(String::as_str).collect();
            let space = space.join("::");
            text.push_str(&format!(
                "\nnamespace {space} {{\n\n{declaration}) {{\n    std::abort(); // To be filled \
                 in.\n}}\n\n}} // namespace {space}\n"
            ));
        }
        for _ in line.matches('{') {
            scopes.push(namespace.map(str::to_owned));
        }
        for _ in line.matches('}') {
            scopes.pop();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exported_functions_get_bodies() {
        let header = "// Imported Functions from `a:b/c`\nvoid a_b_c_f(void);\n\n\
                      // Exported Functions from `a:b/d`\nbool exports_a_b_d_g(uint8_t x);\n\n\
                      // Helper Functions\nvoid w_string_free(w_string_t *ret);\n";
        let text = c("w.h", header);
        assert!(text.contains("bool exports_a_b_d_g(uint8_t x) {\n"), "{text}");
        assert!(!text.contains("a_b_c_f") && !text.contains("string_free"), "{text}");
        let header = "namespace a {\n  void F();\n}\nnamespace exports {\n  namespace a {\n    \
                      struct S {\n      static void G();\n    };\n    void H(uint8_t x);\n  }\n}\n";
        let text = cpp("w_cpp.h", header);
        assert!(text.contains("namespace exports::a {\n\nvoid H(uint8_t x) {\n"), "{text}");
        assert!(!text.contains("F()") && !text.contains("G()"), "{text}");
    }
}
