//! Function bodies for what a generated header declares.

use crate::toolchain::c::scope::{Line, Scope, lines};

/// The exported functions of a header in C, each of which ends the program, and what its resources hold.
pub(super) fn c(name: &str, header: &str) -> String {
    let mut text = format!("#include <stdlib.h>\n\n#include \"{name}\"\n");
    let resources: Vec<CResource<'_>> = header.lines().filter_map(CResource::of).collect();
    for resource in &resources {
        text.push_str(&format!(
            "\nstruct {}_t {{\n    // To be filled in: what it holds.\n}};\n",
            resource.name
        ));
    }
    let mut is_export = false;
    for line in header.lines() {
        if line.starts_with("// ") {
            is_export = line.starts_with("// Exported Functions");
        } else if is_export && let Some(declaration) = line.strip_suffix(");") {
            let made = resources.iter().find(|resource| resource.is_made_by(declaration));
            let hint = made.map(CResource::how_to_make).unwrap_or_default();
            text.push_str(&format!(
                "\n{declaration}) {{\n    abort(); // To be filled in{hint}.\n}}\n"
            ));
        }
    }
    for CResource { name } in resources {
        text.push_str(&format!("\nvoid {name}_destructor({name}_t *rep) {{\n    free(rep);\n}}\n"));
    }
    text
}

/// A resource that a header in C exports.
struct CResource<'a> {
    /// What its functions begin with.
    name: &'a str,
}

impl<'a> CResource<'a> {
    /// Of the line that declares what gives it back.
    fn of(line: &'a str) -> Option<Self> {
        let (name, rest) = line.strip_prefix("void ")?.split_once("_destructor(")?;
        (rest == format!("{name}_t *rep);")).then_some(Self { name })
    }

    /// Whether a function is its constructor, and cannot fail.
    fn is_made_by(&self, declaration: &str) -> bool {
        let (result, rest) = declaration.split_once(' ').unwrap_or((declaration, ""));
        let function = rest.split('(').next().unwrap_or(rest);
        result != "bool"
            && function.replacen("constructor_", "", 1) == self.name
            && function != self.name
    }

    fn how_to_make(&self) -> String {
        let name = self.name;
        format!(": return {name}_new(…) of a {name}_t * by malloc")
    }
}

/// The functions of a header in C++ that lie in the namespace of exports, or are those of a class there.
pub(super) fn cpp(header: &str) -> Vec<CppFunction> {
    let functions = lines(header).into_iter().filter(Line::is_export).filter_map(|line| {
        let declaration = line.text.strip_suffix(");")?;
        let (class, namespaces) = match line.scopes.split_last()? {
            (Scope::Class(class), namespaces) => (Some(class.as_str()), namespaces),
            _ => (None, line.scopes.as_slice()),
        };
        let names = namespaces.iter().map(|scope| match scope {
            Scope::Namespace(name) => Some(name.as_str()),
            _ => None,
        });
        let namespace = names.collect::<Option<Vec<_>>>()?.join("::");
        CppFunction::of(namespace, declaration, class)
    });
    functions.collect()
}

/// The functions, each of which ends the program.
pub(super) fn cpp_source(header: &str, functions: &[CppFunction]) -> String {
    let mut text = format!("#include <cstdlib>\n\n#include \"{header}\"\n");
    for same in functions.chunk_by(|one, other| one.namespace == other.namespace) {
        let namespace = &same[0].namespace;
        text.push_str(&format!("\nnamespace {namespace} {{\n"));
        for function in same {
            text.push_str(&format!(
                "\n{} {{\n    std::abort(); // To be filled in.\n}}\n",
                function.head
            ));
        }
        text.push_str(&format!("\n}} // namespace {namespace}\n"));
    }
    text
}

/// The header of a resource's class as a user is to have it.
pub(super) fn with_fields(header: &str) -> String {
    let mut text = String::new();
    for Line { text: line, scopes } in lines(header) {
        if line.starts_with("/*") {
            text.push_str(
                "// To be filled in: the state of the class. `keyway build` does not change it.\n",
            );
        } else if !line.starts_with('*') && (!line.is_empty() || scopes.is_empty()) {
            let depth = scopes.iter().filter(|scope| !matches!(scope, Scope::Namespace(_))).count();
            let depth = if line.starts_with('}') || line == "public:" {
                depth.saturating_sub(1)
            } else {
                depth
            };
            text.push_str(&format!("{}{line}\n", "    ".repeat(depth)));
        }
    }
    text
}

/// A function in C++ that is to be filled in.
pub(super) struct CppFunction {
    namespace: String,
    /// All up to its body.
    head: String,
}

/// What the bindings themselves define of the class of a resource.
const IN_BINDINGS: &[&str] = &["ResourceNew", "ResourceRep", "ResourceDrop"];

impl CppFunction {
    /// None for what the bindings define.
    fn of(namespace: String, declaration: &str, class: Option<&str>) -> Option<Self> {
        let Some(class) = class else {
            return Some(Self { namespace, head: format!("{declaration})") });
        };
        let declaration = declaration.trim_start_matches("static ");
        let (before, parameters) = declaration.split_once('(')?;
        let (result, name) = match before.rsplit_once(' ') {
            Some((result, name)) => (format!("{result} "), name),
            None => (String::new(), before),
        };
        if IN_BINDINGS.contains(&name) {
            return None;
        }
        Some(Self { namespace, head: format!("{result}{class}::{name}({parameters})") })
    }
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
        let functions = cpp(header);
        let found: Vec<_> = functions.iter().map(|f| (&*f.namespace, &*f.head)).collect();
        assert_eq!(found, [("exports::a", "void H(uint8_t x)")]);
        let header = "namespace exports {\n  namespace a {\n    class I : public B<I>{\n      public:\n      \
                      I(bool x);\n      static Owned New(bool x){return Owned(new I(x));}\n      static \
                      I::Owned F(std::expected<bool, bool> x);\n      static int32_t ResourceNew(I* self);\n    \
                      };\n  }\n}\n";
        let functions = cpp(header);
        let found: Vec<_> = functions.iter().map(|f| &*f.head).collect();
        assert_eq!(found, ["I::I(bool x)", "I::Owned I::F(std::expected<bool, bool> x)"]);
    }
}
