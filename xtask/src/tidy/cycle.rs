//! Cycles of modules: files of a crate that need each other, so that none can be read first.
//!
//! A file needs another if its code outside tests names something that is defined there. Names that
//! a module only re-exports are followed to where they are defined, so that a module which does no
//! more than declare its children and re-export what they have needs none of them.
//!
//! A file and those in the folder of its name tell one thing, in parts: the parts may name what the
//! whole defines, and it may use them. That alone is no cycle. Parts that need each other are one,
//! and so are two such things of which each needs the other or a part of it.

mod graph;
mod scan;

use std::path::Path;

use anyhow::Result;

/// The cycles of the crate whose root is the file `root`, each as its arrows.
pub(super) fn find(root: &Path) -> Result<Vec<String>> {
    let files = scan::read(root)?;
    let arrows = graph::arrows(&files);
    let folder = root.parent().unwrap_or(root);
    let told = graph::cycles(&files, &arrows).into_iter().map(|cycle| {
        let lines = cycle.arrows.iter().map(|arrow| {
            let name = |file: usize| {
                let path = &files[file].path;
                path.strip_prefix(folder).unwrap_or(path).display()
            };
            let names: Vec<&str> = arrow.names.iter().map(String::as_str).collect();
            format!("\n    {} -> {}: {}", name(arrow.from), name(arrow.to), names.join(", "))
        });
        let lines: String = lines.collect();
        format!(
            "{}: {} depend on each other:{lines}",
            folder.display(),
            cycle.members.join(" and ")
        )
    });
    Ok(told.collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn cycles(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().expect("in a folder")).expect("made");
            fs::write(file, text).expect("written");
        }
        let found = find(&folder.path().join("lib.rs")).expect("it is read");
        let prefix = folder.path().display().to_string();
        found.into_iter().map(|text| text.replace(&prefix, "src")).collect()
    }

    #[test]
    fn files_that_need_each_other_are_found_with_what_ties_them() {
        let found = cycles(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::{b::{self, B,}, c::C,};\npub fn a() -> B { b::make() }"),
            ("b.rs", "pub struct B;\npub fn make() -> B { crate::a::a() }"),
            // This `a` is another crate's.
            ("c.rs", "use other::a; pub struct C(a::A);"),
        ]);
        let expected =
            "src: a and b depend on each other:\n    a.rs -> b.rs: B, make\n    b.rs -> a.rs: a";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn a_whole_and_its_parts_are_no_cycle_but_the_parts_may_not_need_each_other() {
        let whole = "mod one; mod two; pub(crate) use self::two::{Two as Other}; \
                     struct Shared; fn make(one: one::One) {}";
        let one = ("whole/one.rs", "use super::Shared; pub struct One(Shared);");
        let two = ("whole/two.rs", "use crate::whole::one::One; pub struct Two(One);");
        let root = ("lib.rs", "mod whole; mod user;");
        let user = ("user.rs", "use crate::whole::Other;");
        assert!(cycles(&[root, ("whole.rs", whole), one, two, user]).is_empty());
        // What is re-exported is needed where it is defined.
        let one = ("whole/one.rs", "use super::Other; pub struct One(Other);");
        let found = cycles(&[root, ("whole.rs", whole), one, two, user]);
        let expected = "src: whole::one and whole::two depend on each other:\n    whole/one.rs -> whole/two.rs: Two\n    \
                        whole/two.rs -> whole/one.rs: One";
        assert_eq!(found, [expected]);
        // A part that needs what needs the whole.
        let one = ("whole/one.rs", "pub struct One(crate::user::User);");
        let user = ("user.rs", "pub struct User(crate::whole::Shared);");
        let found = cycles(&[root, ("whole.rs", whole), one, two, user]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("user.rs -> whole.rs: Shared"), "{found:?}");
    }

    #[test]
    fn the_root_is_above_all_files() {
        let found = cycles(&[("lib.rs", "mod a; fn f() { a::g() }"), ("a.rs", "use crate::f;")]);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn tests_and_texts_do_not_count_and_macros_do() {
        let a =
            "/// As [`crate::b::B`].\npub struct A;\n#[cfg(test)]\nmod tests { use crate::b::B; }";
        let b = "use crate::a::A; pub struct B(A); const TEXT: &str = \"crate::a::A\";";
        assert!(cycles(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", b)]).is_empty());
        let a = "macro_rules! b { () => { $crate::b::B } } pub struct A;";
        let found = cycles(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", b)]);
        assert!(found[0].contains("a.rs -> b.rs: B"), "{found:?}");
        let inner = "mod inner { pub(in crate::b) use super::super::b::B; } pub struct A;";
        let found = cycles(&[("lib.rs", "mod a; mod b;"), ("a.rs", inner), ("b.rs", b)]);
        assert!(found[0].contains("a.rs -> b.rs: B"), "{found:?}");
    }
}
