//! What a user sees of `keyway build` and `keyway doctor` after the first time.

use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::{Path, PathBuf},
    time::SystemTime,
};

use keyway_testing::{Finished, Keyway, command, finish_in, guest};
use tempfile::TempDir;

/// The WIT of the projects here.
const WIT: &str = "package test:sum;\n\ninterface sums {\n    add: func(a: u32, b: u32) -> u32;\n}\n\n\
                   world sum {\n    export sums;\n}\n";

const C: &str = "#include \"sum.h\"\n\nuint32_t exports_test_sum_sums_add(uint32_t a, uint32_t b) {\n    \
                 return a + b;\n}\n";

/// A project in C, which is quick to build, in the folder `sum` of a new folder.
fn project() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(&folder, "sum/wit/world.wit", WIT);
    write(&folder, "sum/src/sum.c", C);
    folder
}

fn write(folder: &TempDir, path: &str, text: &str) {
    let path = folder.path().join(path);
    fs::create_dir_all(path.parent().expect("it is in a folder")).expect("made");
    fs::write(path, text).expect("written");
}

fn build(folder: &TempDir, path: &str) -> Finished {
    finish_in(folder.path(), ["build", path])
}

fn built(folder: &TempDir, path: &str) -> String {
    let finished = build(folder, path);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished.stderr
}

/// The errors of a build that fails, without the bars and breaks of long lines.
fn failed(folder: &TempDir, path: &str) -> String {
    let finished = build(folder, path);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let words: Vec<_> = finished.stderr.split_whitespace().filter(|word| *word != "│").collect();
    words.join(" ")
}

fn component(folder: &TempDir) -> PathBuf {
    folder.path().join("sum/sum.wasm")
}

fn changed(file: &Path) -> SystemTime {
    fs::metadata(file).and_then(|file| file.modified()).expect("it is there")
}

/// Nothing of a build is left but what it keeps on purpose.
fn nothing_is_half_written(folder: &TempDir) {
    let names = |place: &str| -> Vec<String> {
        let names = fs::read_dir(folder.path().join(place)).into_iter().flatten().flatten();
        names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let own =
        names("sum/.keyway").into_iter().filter(|name| name != "lock" && name != "build.json");
    let hidden = names("sum").into_iter().filter(|name| name.starts_with('.') && name != ".keyway");
    let left: Vec<_> = own.chain(hidden).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_has_not_changed_is_not_built_again() {
    let folder = project();
    assert!(built(&folder, "sum").contains("sum is built (C, "));
    let first = changed(&component(&folder));
    assert!(built(&folder, "sum").contains("sum is up to date"));
    assert_eq!(changed(&component(&folder)), first);

    write(&folder, "sum/src/sum.c", &C.replace("a + b", "b + a + 0 * a"));
    assert!(built(&folder, "sum").contains("sum is built"));
    assert!(built(&folder, "sum").contains("sum is up to date"));
    write(&folder, "sum/compile_flags.txt", "-DNEW\n");
    assert!(built(&folder, "sum").contains("sum is built"));

    fs::remove_file(component(&folder)).expect("it is there");
    assert!(built(&folder, "sum").contains("sum is built"));
    fs::write(component(&folder), "broken").expect("written");
    assert!(built(&folder, "sum").contains("sum is built"));
    let debug = finish_in(folder.path(), ["build", "--debug", "sum"]);
    assert!(debug.stderr.contains("sum is built"), "{}", debug.stderr);
}

#[test]
fn what_changes_anywhere_is_built_again() {
    let folder = project();
    write(
        &folder,
        "sum/src/sum.c",
        &format!("#include \"bindings/one.h\"\n#include \"two.h\"\n{C}"),
    );
    write(&folder, "sum/src/bindings/one.h", "\n");
    write(&folder, "sum/src/target/three.c", "\n");
    write(&folder, "shared/include/two.h", "\n");
    write(&folder, "shared/wit/world.wit", WIT);
    write(&folder, "sum/compile_flags.txt", "-I../shared/include\n");
    fs::remove_dir_all(folder.path().join("sum/wit")).expect("removed");
    symlink("../shared/wit", folder.path().join("sum/wit")).expect("linked");
    assert!(built(&folder, "sum").contains("sum is built"));
    assert!(built(&folder, "sum").contains("sum is up to date"));
    for file in [
        "sum/src/bindings/one.h",
        "sum/src/target/three.c",
        "shared/include/two.h",
        "shared/wit/world.wit",
    ] {
        let text = fs::read_to_string(folder.path().join(file)).expect("it is there");
        write(&folder, file, &format!("{text}// Changed.\n"));
        assert!(built(&folder, "sum").contains("sum is built"), "{file}");
        assert!(built(&folder, "sum").contains("sum is up to date"), "{file}");
    }
}

#[test]
fn what_changes_in_another_project_changes_no_other() {
    let folder = project();
    write(&folder, "sum/other/wit/world.wit", WIT);
    write(&folder, "sum/other/src/sum.c", C);
    for path in ["sum", "sum/other"] {
        assert!(built(&folder, path).contains("is built"));
    }
    write(&folder, "sum/other/src/sum.c", &format!("{C}\n"));
    assert!(built(&folder, "sum").contains("sum is up to date"));
    assert!(built(&folder, "sum/other").contains("other is built"));
}

#[test]
fn what_a_killed_build_left_is_taken_away() {
    let folder = project();
    write(&folder, "sum/.keyway/work/module.wasm", "half");
    built(&folder, "sum");
    nothing_is_half_written(&folder);
}

#[test]
fn variables_for_the_machines_own_compiler_change_nothing() {
    let folder = project();
    // What is there would not compile for WebAssembly.
    write(&folder, "headers/stdint.h", "#error \"a header of the machine\"\n");
    let headers = folder.path().join("headers");
    let mut command = command();
    for name in ["CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH"] {
        command.env(name, &headers);
    }
    command.env("CCC_OVERRIDE_OPTIONS", "+-fno-such-flag");
    let output = command.args(["build", "sum"]).current_dir(folder.path()).output();
    let output = output.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(component(&folder).is_file());
}

#[test]
fn flags_may_come_from_any_editor() {
    let folder = project();
    write(&folder, "sum/compile_flags.txt", "\u{feff}-std=c17\r\n-DUNUSED=1\r\n");
    built(&folder, "sum");
}

#[test]
fn a_build_that_fails_leaves_what_was() {
    let folder = project();
    built(&folder, "sum");
    let before = fs::read(component(&folder)).expect("it is there");
    for (file, text, reasons) in [
        // A mistake in the sources: the compiler says where.
        (
            "sum/src/sum.c",
            C.replace("return a", "retrun a"),
            ["sum.c:4:", "clang failed to build `sum`"],
        ),
        // A function of the world that is not there.
        (
            "sum/src/sum.c",
            "#include \"sum.h\"\n".to_owned(),
            ["exports_test_sum_sums_add", "clang failed to build `sum`"],
        ),
        // A function with other types than the world's.
        (
            "sum/src/sum.c",
            C.replace("uint32_t exp", "uint64_t exp"),
            ["conflicting types", "clang failed to build `sum`"],
        ),
        // A mistake in the WIT: its parser says where.
        ("sum/wit/world.wit", WIT.replace("u32)", "u33)"), ["world.wit:4:", "is not valid"]),
        (
            "sum/wit/world.wit",
            WIT.to_owned() + "world other {}\n",
            ["the worlds `sum`, `other`", "`--world NAME`"],
        ),
    ] {
        let right = fs::read_to_string(folder.path().join(file)).expect("it is there");
        write(&folder, file, &text);
        let said = failed(&folder, "sum");
        for reason in reasons {
            assert!(said.contains(reason), "{reason}: {said}");
        }
        assert_eq!(fs::read(component(&folder)).expect("it is there"), before);
        nothing_is_half_written(&folder);
        write(&folder, file, &right);
    }
    assert!(built(&folder, "sum").contains("sum is up to date"), "it is as it was");
    fs::remove_dir_all(folder.path().join("sum/wit")).expect("removed");
    assert!(failed(&folder, "sum").contains("wit: a project says in WIT"));
}

const RUST: &str = "#[unsafe(no_mangle)]\npub extern \"C\" fn f() {}\n";

/// A project in Rust that has no dependencies, and no WIT to be held to.
fn project_in_rust() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let manifest = "[package]\nname = \"sum\"\nedition = \"2024\"\n\n[lib]\ncrate-type = \
                    [\"cdylib\"]\n\n[workspace]\n";
    write(&folder, "sum/Cargo.toml", manifest);
    write(&folder, "sum/src/lib.rs", RUST);
    folder
}

/// Cargo writes much for programs beside what it says to people.
#[test]
fn a_rust_build_that_fails_leaves_what_was() {
    let folder = project_in_rust();
    assert!(built(&folder, "sum").contains("sum is built"));
    assert!(built(&folder, "sum").contains("sum is up to date"), "also with its new Cargo.lock");
    let before = fs::read(component(&folder)).expect("it is there");
    write(&folder, "sum/src/lib.rs", &RUST.replace("{}", "{ missing }"));
    let said = failed(&folder, "sum");
    for reason in ["cannot find value `missing`", "src/lib.rs:2:", "cargo failed to build `sum`"] {
        assert!(said.contains(reason), "{reason}: {said}");
    }
    assert!(!said.contains("\"reason\""), "{said}");
    assert_eq!(fs::read(component(&folder)).expect("it is there"), before);
    nothing_is_half_written(&folder);
    write(&folder, "sum/src/lib.rs", RUST);
    assert!(built(&folder, "sum").contains("sum is up to date"), "it is as it was");
}

#[test]
fn a_component_that_is_not_what_its_world_says_is_refused() {
    // Rust's bindings need not come from the folder `wit`.
    let folder = project_in_rust();
    write(&folder, "sum/wit/world.wit", WIT);
    let said = failed(&folder, "sum");
    for reason in [
        "the world `sum` exports `test:sum/sums`, but the component does not",
        "does not match its WIT",
    ] {
        assert!(said.contains(reason), "{reason}: {said}");
    }
    assert!(!component(&folder).exists());
    nothing_is_half_written(&folder);
}

#[test]
fn a_compiler_that_is_missing_is_told_with_what_brings_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (language, file, reasons) in [
        ("go", "go.mod", ["there is no `go` on the PATH", "keyway doctor --install go"]),
        ("python", "app.py", ["componentize-py", "keyway doctor --install python"]),
        (
            "javascript",
            "package.json",
            ["there is no Node.js", "keyway doctor --install javascript"],
        ),
        ("rust", "Cargo.toml", ["there is no `cargo`", "rustup"]),
        ("c", "src/a.c", ["C cannot be built here", "clang"]),
    ] {
        write(&folder, &format!("{language}/{file}"), "");
        write(&folder, &format!("{language}/wit/world.wit"), WIT);
        let mut command = command();
        command.args(["build", language]).current_dir(folder.path());
        command.env("PATH", "/nowhere").env("XDG_CACHE_HOME", folder.path());
        command.env_remove("WASI_SDK_PATH");
        let output = command.output().expect("it runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let said =
            stderr.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert!(!output.status.success());
        for reason in reasons {
            assert!(said.contains(reason), "{reason}: {stderr}");
        }
        assert!(!folder.path().join(language).join(".keyway").exists());
    }
}

#[test]
fn an_app_is_built_with_all_that_fails_in_it() {
    let folder = project();
    write(&folder, "other/wit/world.wit", WIT);
    write(&folder, "other/src/sum.c", &C.replace("return", "retrun"));
    write(&folder, "third/wit/world.wit", &(WIT.to_owned() + "world other {}\n"));
    write(&folder, "third/src/sum.c", C);
    let manifest = |world: &str| {
        format!(
            "[app]\nname = \"sums\"\n\n[component.sum]\nsource = \"sum\"\n\n[component.other]\n\
             source = \"other\"\n\n[component.third]\nsource = \"third\"\nbuild.world = \"{world}\"\n"
        )
    };
    write(&folder, "keyway.toml", &manifest("no-such"));
    let said = failed(&folder, ".");
    for reason in
        ["sum is built", "2 of 3 components cannot be built", "no world `no-such`", "other"]
    {
        assert!(said.contains(reason), "{reason}: {said}");
    }
    write(&folder, "keyway.toml", &manifest("sum"));
    write(&folder, "other/src/sum.c", C);
    let said = built(&folder, ".");
    for line in ["sum is up to date", "other is built", "third is built"] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[test]
fn a_folder_makes_one_component() {
    let folder = project();
    write(&folder, "sum/wit/world.wit", &(WIT.to_owned() + "world other {\n    export sums;\n}\n"));
    let manifest = |world: &str| {
        format!(
            "[app]\nname = \"sums\"\n\n[component.one]\nsource = \"sum\"\nbuild.world = \"sum\"\n\n\
             [component.two]\nsource = \"./sum\"\nbuild.world = \"{world}\"\n"
        )
    };
    write(&folder, "keyway.toml", &manifest("other"));
    let said = failed(&folder, ".");
    for reason in
        ["`two` is built from a folder that already builds another", "keyway.toml:9:", "`other`"]
    {
        assert!(said.contains(reason), "{reason}: {said}");
    }
    write(&folder, "keyway.toml", &manifest("sum"));
    assert!(built(&folder, ".").contains("sum is built"));
}

#[test]
fn what_no_bindings_have_is_told_before_a_compiler_starts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(&folder, "slow/go.mod", "module slow\n");
    write(
        &folder,
        "slow/wit/world.wit",
        "package a:b;\n\nworld w {\n    export f: async func();\n}\n",
    );
    let said = failed(&folder, "slow");
    for reason in ["has the world `w`, which cannot be built", "the asynchronous function `f`"] {
        assert!(said.contains(reason), "{reason}: {said}");
    }
}

#[test]
fn what_is_no_project_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert!(failed(&folder, ".").contains("has no project"));
    assert!(failed(&folder, "nowhere").contains("no file or folder nowhere"));
    write(&folder, "keyway.toml", "[app]\nname = \"a\"\n\n[component.b]\nsource = \"b\"\n");
    write(&folder, "b/README.md", "");
    assert!(failed(&folder, ".").contains("`b`: the folder b has no project"));
}

#[test]
fn an_app_that_is_not_built_says_so_and_is_built_by_up() {
    let folder = project_of_http();
    let up = finish_in(folder.path(), ["check", "hello"]);
    assert_eq!(up.code, Some(1));
    assert!(up.stderr.contains("run `keyway build`"), "{}", up.stderr);
    let mut command = command();
    command.arg("up").arg(folder.path().join("hello")).args(["--build", "--listen", "127.0.0.1:0"]);
    let keyway = Keyway::start_after(&mut command, "is built");
    assert_eq!(keyway.get("/").body, "Hello, world!\n");
}

#[test]
fn sources_that_change_are_built_and_served_by_watch() {
    let folder = project_of_http();
    built(&folder, "hello");
    let keyway = Keyway::up_with(folder.path().join("hello"), &["--watch"]);
    assert_eq!(keyway.get("/").body, "Hello, world!\n");
    let source = "hello/src/greeting.c";
    let text = fs::read_to_string(folder.path().join(source)).expect("it is there");
    write(&folder, source, &text.replace("Hello, ", "Hallo, "));
    keyway.wait_for_stderr("Files have changed. Serving the new version:");
    assert_eq!(keyway.get("/").body, "Hallo, world!\n");
    write(&folder, source, &text.replace("Hello, ", "Salut, ").replace("malloc", "mallocc"));
    keyway.wait_for_stderr("clang failed to build `hello`");
    assert_eq!(keyway.get("/").body, "Hallo, world!\n");
    // What mends it says so, also if it is what serves already.
    write(&folder, source, &text.replace("Hello, ", "Hallo, "));
    keyway.wait_for_stderr("The sources of hello can be built again.");
    assert_eq!(keyway.get("/").body, "Hallo, world!\n");
}

fn project_of_http() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let new = ["new", "hello", "--lang", "c", "--kind", "http"];
    assert_eq!(finish_in(folder.path(), new).code, Some(0));
    folder
}

/// The cache's compiled code and notes. A file that is made again is another one, of the same name.
fn compiled(cache: &TempDir) -> Vec<(PathBuf, u64)> {
    let folder = fs::read_dir(cache.path().join("keyway/compiled")).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        folder.map(|entry| (entry.path(), entry.metadata().expect("a file").ino())).collect();
    files.sort();
    files
}

/// Runs `keyway build` with a cache folder of its own.
fn build_in(cache: &TempDir, folder: &TempDir, arguments: &[&str]) -> String {
    let mut command = command();
    command.arg("build").args(arguments).current_dir(folder.path());
    let output = command.env("XDG_CACHE_HOME", cache.path()).output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    stderr
}

#[test]
fn the_first_start_after_a_build_compiles_nothing() {
    let folder = project_of_http();
    let cache = tempfile::tempdir().expect("a temporary folder");
    let told = build_in(&cache, &folder, &["hello", "--no-native"]);
    assert!(!told.contains("ompiled for this machine"), "{told}");
    assert_eq!(compiled(&cache), []);

    let told = build_in(&cache, &folder, &["hello"]);
    assert!(told.contains("hello is up to date.\nCompiled for this machine ("), "{told}");
    let ahead = compiled(&cache);
    assert_eq!(ahead.len(), 2, "the code, and the note of what it was made of");
    let told = build_in(&cache, &folder, &["hello"]);
    assert_eq!(told, "hello is up to date.\n");
    let keyway = Keyway::up_in(folder.path().join("hello"), cache.path());
    assert_eq!(keyway.get("/").body, "Hello, world!\n");
    assert_eq!(compiled(&cache), ahead);
}

#[test]
fn all_units_of_an_app_are_compiled_by_its_build() {
    let folder = project_of_http();
    let cache = tempfile::tempdir().expect("a temporary folder");
    let other = ["new", "other", "--lang", "c", "--kind", "http"];
    assert_eq!(finish_in(folder.path(), other).code, Some(0));
    let manifest = format!(
        "[app]\nname = \"shop\"\n\
         [component.hello]\nsource = \"hello\"\n\
         [component.other]\nsource = \"other\"\n\
         [component.front]\nsource = {:?}\nlink.\"test:greet/greeter\" = \"greeter\"\n\
         [component.greeter]\nsource = {:?}\n\
         # Made later.\n\
         grant.files = [{{ guest = \"/data\", host = \"data\" }}]\n\
         [[trigger.http]]\nroute = \"/hello\"\ncomponent = \"hello\"\n\
         [[trigger.http]]\nroute = \"/other\"\ncomponent = \"other\"\n\
         [[trigger.http]]\nroute = \"/front\"\ncomponent = \"front\"\n",
        guest("front"),
        guest("greeter")
    );
    write(&folder, "keyway.toml", &manifest);
    let told = build_in(&cache, &folder, &[]);
    assert!(told.contains("Compiled for this machine ("), "{told}");
    let ahead = compiled(&cache);
    fs::create_dir(folder.path().join("data")).expect("made");
    let keyway = Keyway::up_in(folder.path(), cache.path());
    assert_eq!(keyway.get("/front/Ada").body, "Hello, front/Ada!");
    assert_eq!(compiled(&cache), ahead);
}

#[test]
fn a_command_is_compiled_by_its_build_and_a_library_is_not() {
    let folder = project();
    let cache = tempfile::tempdir().expect("a temporary folder");
    build_in(&cache, &folder, &["sum"]);
    assert_eq!(compiled(&cache), []);

    let new = ["new", "hello", "--lang", "c", "--kind", "command"];
    assert_eq!(finish_in(folder.path(), new).code, Some(0));
    let told = build_in(&cache, &folder, &["hello"]);
    assert!(told.contains("Compiled for this machine ("), "{told}");
    let ahead = compiled(&cache);
    let mut run = command();
    run.args(["run", "hello/hello.wasm", "Ada"]).current_dir(folder.path());
    let output = run.env("XDG_CACHE_HOME", cache.path()).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Hello, Ada!\n");
    assert_eq!(compiled(&cache), ahead);
}

/// The component is valid, whatever the app that it is for lacks.
#[test]
fn a_build_says_what_keeps_its_app_from_starting() {
    let folder = project_of_http();
    let manifest = "[app]\nname = \"shop\"\n\
                    [component.hello]\nsource = \"hello\"\n\
                    [component.lost]\nsource = \"lost.wasm\"\n\
                    [[trigger.http]]\nroute = \"/\"\ncomponent = \"hello\"\n\
                    [[trigger.http]]\nroute = \"/lost\"\ncomponent = \"lost\"\n";
    write(&folder, "keyway.toml", manifest);
    let told = built(&folder, ".");
    let expected = "Not compiled for this machine: the component `lost` has no file lost.wasm.\n";
    assert!(told.contains("hello is built") && told.ends_with(expected), "{told}");
}

#[test]
fn the_doctor_lists_every_language() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let listed = finish_in(folder.path(), ["doctor"]);
    assert_eq!(listed.code, Some(0));
    let json = finish_in(folder.path(), ["doctor", "--json"]).stdout;
    for (language, key) in
        [("Rust", "rust"), ("C++", "cpp"), ("Go", "go"), ("TypeScript", "typescript")]
    {
        assert!(
            listed.stdout.lines().any(|line| line.trim().starts_with(language)),
            "{}",
            listed.stdout
        );
        assert!(json.contains(&format!("\"language\": \"{key}\"")), "{json}");
    }
}
