//! The part of `docs/wasi.md` that is counted.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use wit_parser::{FunctionKind, Resolve, UnresolvedPackageGroup};

use super::{Assertion, deviations};

const BEGIN: &str = "<!-- What follows is written by `cargo xtask wasi`. -->\n";

/// An interface that the WIT files define, with the names of its functions as assertions have
/// them.
struct Interface {
    name: String,
    functions: BTreeSet<String>,
}

/// The tables, and after them what deviates.
pub(crate) fn write(all: &[Assertion]) -> String {
    let mut text = String::new();
    for (release, folder) in [("0.2", "wit/wasi-0.2"), ("0.3", "wit/wasi-0.3")] {
        let interfaces = interfaces(&root().join(folder));
        let names: BTreeSet<_> = interfaces.iter().map(|one| one.name.as_str()).collect();
        let of_release = all.iter().filter(|one| names.contains(interface(&one.name)));
        let count = of_release.count();
        let _ = write!(
            text,
            "\n## WASI {release}\n{count} assertions.\n\n| interface | functions asserted | \
             assertions | deviations |\n| --- | --- | --- | --- |\n"
        );
        for one in interfaces {
            row(&mut text, &one, all);
        }
    }
    text.push_str("\n## Known deviations\n");
    for (name, reason) in deviations() {
        let _ = writeln!(text, "- `{name}`: {reason}");
    }
    text
}

fn interface(assertion: &str) -> &str {
    assertion.split('#').next().unwrap_or_default()
}

fn row(text: &mut String, one: &Interface, all: &[Assertion]) {
    let own: Vec<_> =
        all.iter().filter(|assertion| interface(&assertion.name) == one.name).collect();
    let asserted: BTreeSet<_> = own
        .iter()
        .filter_map(|assertion| assertion.name.split_once('#')?.1.split(':').next())
        .collect();
    let covered = one.functions.iter().filter(|name| asserted.contains(name.as_str())).count();
    let known = deviations().filter(|(name, _)| interface(name) == one.name).count();
    let known = if known == 0 { "none known".to_owned() } else { known.to_string() };
    let known = if own.is_empty() { "" } else { &known };
    let of = one.functions.len();
    let _ = writeln!(text, "| `{}` | {covered} of {of} | {} | {known} |", one.name, own.len());
}

/// The interfaces with functions of the packages in a folder, a file for each.
fn interfaces(folder: &Path) -> Vec<Interface> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("WIT is there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let parse = |name: &Path, text: &str| {
        UnresolvedPackageGroup::parse(name, text)
            .unwrap_or_else(|(_, error)| panic!("WIT is parsed: {error}"))
    };
    let packages = files.iter().map(|file| parse(file, &fs::read_to_string(file).expect("WIT")));
    let main = parse(Path::new("all.wit"), "package keyway:all; interface nothing {}");
    let mut resolve = Resolve::default();
    resolve.push_groups(main, packages.collect()).expect("WIT is resolved");
    let mut interfaces: Vec<_> = resolve
        .interfaces
        .iter()
        .filter(|(_, interface)| !interface.functions.is_empty())
        .map(|(id, interface)| Interface {
            name: resolve.id_of(id).expect("an interface of a package has a name"),
            functions: interface
                .functions
                .iter()
                .map(|(name, it)| function(name, &it.kind))
                .collect(),
        })
        .collect();
    interfaces.sort_by(|one, other| one.name.cmp(&other.name));
    interfaces
}

/// `[method]fields.get` as `fields.get`, and `[constructor]fields` as `fields.constructor`.
fn function(name: &str, kind: &FunctionKind) -> String {
    let plain = name.rsplit(']').next().unwrap_or(name);
    match kind {
        FunctionKind::Constructor(_) => format!("{plain}.constructor"),
        _ => plain.to_owned(),
    }
}

/// Asked at run time: what was compiled may come from another checkout that shares the build folder.
fn root() -> PathBuf {
    PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests")).join("..")
}

/// Fails if the page counts something else; or, with `BLESS=1`, has it count this.
pub(crate) fn compare(counted: &str) {
    let path = root().join("docs/wasi.md");
    let page = fs::read_to_string(&path).expect("the page is there");
    let (head, rest) = page.split_once(BEGIN).expect("the page has a part that is counted");
    if env::var_os("BLESS").is_some() {
        fs::write(&path, format!("{head}{BEGIN}{counted}")).expect("the page is written");
        return;
    }
    assert!(rest == counted, "docs/wasi.md is out of date: run `cargo xtask wasi`");
}
