use super::*;
use crate::toolchain::c;

/// A new project of this name in a folder of its own.
fn made(name: &str, language: Language, start: &Start) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let project = new_project(folder.path(), name, language, start).expect("it can be made");
    (folder, project)
}

fn wit(text: &str) -> (tempfile::TempDir, Start) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("greeting.wit");
    fs::write(&path, text).expect("written");
    (folder, Start::Wit { path, world: None, features: Features::default() })
}

fn read(project: &Path, file: &str) -> String {
    fs::read_to_string(project.join(file)).expect(file)
}

#[test]
fn a_skeleton_keeps_what_is_called_like_the_example() {
    let text = "package shop:cart;\n\ninterface greeting {\n    test: func();\n}\n\n\
                world greetings {\n    export greeting;\n}\n";
    let (_wit, start) = wit(text);
    for language in Language::ALL {
        let (_folder, project) = made("test-x", language, &start);
        assert_eq!(read(&project, "wit/greeting.wit"), text);
        let readme = read(&project, "README.md");
        for line in ["# test-x", "$ keyway build", "$ keyway inspect test-x.wasm"] {
            assert!(readme.contains(line), "{language}: {readme}");
        }
        assert!(!readme.contains("has a test"), "{readme}");
        let files = walk(&project, &|_| true).expect("it is read");
        let of_example = |file: &&PathBuf| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let is_skeleton = file.to_string_lossy().contains("/export_");
            !is_skeleton && (name.starts_with("greeting") || name.starts_with("test_"))
        };
        assert_eq!(files.iter().filter(of_example).count(), 1, "{files:?}");
    }
}

#[test]
fn an_example_says_how_it_is_tested() {
    for language in Language::ALL {
        for kind in Kind::ALL {
            let (_folder, project) = made("first-try", language, &Start::Kind(kind));
            let readme = read(&project, "README.md");
            assert!(readme.starts_with("# first-try\n"), "{readme}");
            assert!(readme.contains("has a test"), "{readme}");
            assert!(readme.contains(&kind.first_use("first-try")), "{readme}");
            assert_eq!(project.join("keyway.toml").is_file(), kind == Kind::Http);
            for file in walk(&project, &|_| true).expect("it is read") {
                assert!(!read(&project, &file.to_string_lossy()).contains("{{"), "{file:?}");
            }
        }
    }
}

#[test]
fn a_project_may_be_called_by_a_word_of_its_language() {
    let library = Start::Kind(Kind::Library);
    let (_folder, project) = made("match", Language::Rust, &library);
    let text = read(&project, "src/lib.rs");
    assert!(text.contains("use exports::example::match_component::greeter::Guest;"), "{text}");
    let text = read(&project, "wit/world.wit");
    assert!(text.starts_with("package example:match-component;\n"), "{text}");
    for (language, file, in_source, in_header) in [
        (
            Language::Cpp,
            "src/component.cpp",
            "exports::example::switch_::greeter::Greet(",
            "namespace switch_ {",
        ),
        (
            Language::C,
            "src/component.c",
            "void exports_example_switch_greeter_greet(",
            "void exports_example_switch_greeter_greet(",
        ),
    ] {
        let (_folder, project) = made("switch", language, &library);
        assert!(read(&project, file).contains(in_source), "{language}");
        let world =
            World::read(&project.join("wit"), None, &Features::default()).expect("it is WIT");
        let bindings = c::generate(language, &world).expect("they can be made");
        let mut texts = bindings.iter().map(|(_, text)| String::from_utf8_lossy(text));
        assert!(texts.any(|text| text.contains(in_header)), "{language}");
    }
}

#[test]
fn the_world_has_what_a_languages_fetch_is_made_of() {
    for (language, is_there) in
        [(Language::JavaScript, true), (Language::TypeScript, true), (Language::Python, false)]
    {
        let (_folder, project) = made("asking", language, &Start::Kind(Kind::Http));
        let world =
            World::read(&project.join("wit"), None, &Features::default()).expect("it is WIT");
        assert_eq!(world.mentions("wasi:http/outgoing-handler"), is_there, "{language}");
    }
}

#[test]
fn bindings_of_rust_have_what_the_world_needs() {
    for (of, features) in [
        ("async func()", "features = [\"macros\", \"realloc\", \"async\"]"),
        ("func()", "features = [\"macros\", \"realloc\"]"),
    ] {
        let text = format!("package a:b;\n\nworld w {{\n    export f: {of};\n}}\n");
        let (_wit, start) = wit(&text);
        let (_folder, project) = made("waiting", Language::Rust, &start);
        assert!(read(&project, "Cargo.toml").contains(features));
    }
}
