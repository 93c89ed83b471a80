//! What is left to a user of the stubs that the generator writes: without what the bindings have.

/// A stub's text without the declarations that the bindings of the same package make, and with the
/// imports that are still used.
pub(super) fn own_part(stub: &str, bindings: Option<&str>) -> Option<String> {
    let package = stub.lines().find(|line| line.starts_with("package "))?;
    let made = bindings.map(|text| declarations(body(text))).unwrap_or_default();
    let own: Vec<String> =
        declarations(body(stub)).into_iter().filter(|text| !made.contains(text)).collect();
    let code = own.join("\n");
    let mut imports: Vec<&str> = imports(stub).filter(|import| is_used(import, &code)).collect();
    imports.sort_unstable_by_key(|import| import.split('"').nth(1));
    let mut text = format!("{package}\n");
    if !imports.is_empty() {
        text.push_str(&format!("\nimport (\n\t{}\n)\n", imports.join("\n\t")));
    }
    for declaration in own {
        text.push('\n');
        text.push_str(&declaration);
    }
    Some(text)
}

/// The lines between the parentheses of `import`.
fn imports(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with("import ("));
    lines.skip(1).take_while(|line| *line != ")").filter(|line| !line.is_empty())
}

/// Whether code names the package that is imported.
fn is_used(import: &str, code: &str) -> bool {
    let (name, path) = import.split_once('"').unwrap_or((import, ""));
    let path = path.trim_end_matches('"');
    let name = match name.trim() {
        "" => path.rsplit('/').next().unwrap_or(path),
        name => name,
    };
    let is_start =
        |at: usize| !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
    code.match_indices(&format!("{name}.")).any(|(at, _)| is_start(at))
}

/// What follows the imports.
fn body(text: &str) -> &str {
    let after = text.split_once("\nimport (").and_then(|(_, rest)| rest.split_once("\n)"));
    after.map_or("", |(_, rest)| rest)
}

/// The functions, types and the like of a text, as they are usually formatted.
fn declarations(body: &str) -> Vec<String> {
    let (mut declarations, mut current, mut depth) = (Vec::new(), String::new(), 0_i32);
    for line in body.lines() {
        if line.trim().is_empty() && depth == 0 {
            if !current.is_empty() {
                declarations.push(std::mem::take(&mut current));
            }
            continue;
        }
        let line = line.replace("        ", "\t");
        current.push_str(line.replace("  {", " {").trim_end());
        current.push('\n');
        depth += line.chars().fold(0, |sum, letter| match letter {
            '{' | '(' => sum + 1,
            '}' | ')' => sum - 1,
            _ => sum,
        });
    }
    declarations.extend(Some(current).filter(|last| !last.is_empty()));
    declarations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_bindings_make_is_left_out() {
        let bindings = "// Made.\npackage a\n\nimport (\n        \"unsafe\"\n)\n\n\n//go:wasmimport m n\n\
                        func new(p unsafe.Pointer) int32\n\nfunc (self *X) Drop() {\n\tself.OnDrop()\n}\n";
        let stub = "// Made.\npackage a\n\nimport (\n        \"w/b_runtime\"\n\"unsafe\"\n\"runtime\"\n)\n\n\n\
                    //go:wasmimport m n\nfunc new(p unsafe.Pointer) int32\n\nfunc (self *X) Drop() {\n\
                    \tself.OnDrop()\n}\n\ntype X struct {\n        pinner runtime.Pinner\n}\n\n\
                    func (self *X) OnDrop() {}\n\nfunc F()  {\n        panic(\"not implemented\")\n}\n";
        assert_eq!(
            own_part(stub, Some(bindings)).as_deref(),
            Some(
                "package a\n\nimport (\n\t\"runtime\"\n)\n\ntype X struct {\n\tpinner runtime.Pinner\n}\n\n\
                 func (self *X) OnDrop() {}\n\nfunc F() {\n\tpanic(\"not implemented\")\n}\n"
            )
        );
    }
}
