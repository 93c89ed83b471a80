//! Components read the configuration that the manifest links them to, and write to the log.

use std::{fs, os::unix::fs::symlink};

use age::secrecy::ExposeSecret;
use keyway_testing::{Keyway, RunningApp, app, finish, server::Nats};

fn manifest(component: &str, config: &str) -> String {
    format!(
        r#"
        [app]
        name = "configured"
        [component.config]
        source = "{{guest:config}}"
        {component}
        {config}
        [[trigger.http]]
        route = "/"
        component = "config"
    "#
    )
}

const LINK: &str = r#"link."wasi:config/store" = "main""#;

fn up(config: &str) -> RunningApp {
    let folder = app(&manifest(LINK, config));
    let variables = [("CONFIGURED_LEVEL", "debug"), ("CONFIGURED_TOKEN", "hidden")];
    RunningApp { keyway: Keyway::up_where(folder.path(), &[], &variables), folder }
}

#[test]
fn values_stand_in_the_manifest_and_secrets_elsewhere() {
    let config = r#"
        [config.main]
        backend = "values"
        level = "info"
        workers = 3
        token = { env = "CONFIGURED_TOKEN" }
    "#;
    let app = up(config);
    app.expect(&[
        ("/get/level", "info"),
        ("/get/token", "hidden"),
        ("/get/other", "none"),
        ("/all", "level=info token=hidden workers=3"),
    ]);
    let status = app.ask(["status", "--json"]).stdout;
    assert!(!status.contains("hidden") && !app.stderr().contains("hidden"));
}

#[test]
fn a_file_with_a_secret_may_come_from_any_editor() {
    let config = r#"
        [config.main]
        backend = "values"
        token = { file = "token" }
    "#;
    let app = app(&manifest(LINK, config));
    for text in ["hidden", "hidden\n", "hidden\r\n", "\u{feff}hidden\r\n"] {
        fs::write(app.path().join("token"), text).expect("written");
        Keyway::up(app.path()).expect(&[("/all", "token=hidden")]);
    }
}

#[test]
fn secrets_stand_in_encrypted_files() {
    let config = r#"
        [config.main]
        backend = "values"
        token = { age = "token.age" }
        armored = { age = "armored.age" }
    "#;
    let app = app(&manifest(LINK, config));
    let path = |name: &str| app.path().join(name);
    let key = age::x25519::Identity::generate();
    let other = age::x25519::Identity::generate();
    let to = key.to_public();
    fs::write(path("token.age"), age::encrypt(&to, b"hidden\n").expect("encrypted"))
        .expect("written");
    let armored = age::encrypt_and_armor(&to, b"also hidden").expect("encrypted");
    fs::write(path("armored.age"), armored).expect("written");
    let text = |key: &age::x25519::Identity| key.to_string().expose_secret().to_owned();
    fs::write(path("keys"), format!("# two\n{}\n{}\n", text(&other), text(&key))).expect("written");
    fs::write(path("wrong"), text(&other)).expect("written");
    let up = |keys: &str| {
        let mut command = keyway_testing::command();
        command.arg("check").arg(app.path()).env("KEYWAY_AGE_KEYS", path(keys));
        let output = command.output().expect("it runs");
        let told = String::from_utf8_lossy(&output.stderr).replace('│', " ");
        told.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(up("wrong").contains("it cannot be decrypted with the keys in"), "{}", up("wrong"));
    assert!(up("missing").contains("No such file"), "{}", up("missing"));
    let keys = path("keys");
    let keys = [("KEYWAY_AGE_KEYS", keys.to_str().expect("text"))];
    let keyway = Keyway::up_where(app.path(), &[], &keys);
    keyway.expect(&[("/all", "armored=also hidden token=hidden")]);
    assert!(!keyway.stderr().contains("hidden"));
}

#[test]
fn a_secret_in_a_file_is_taken_in_when_the_app_is_watched() {
    let config = "[config.main]\nbackend = \"values\"\ntoken = { file = \"now/token\" }";
    let app = app(&manifest(LINK, config));
    for name in ["first", "second"] {
        fs::create_dir(app.path().join(name)).expect("made");
        fs::write(app.path().join(name).join("token"), name).expect("written");
    }
    symlink("first", app.path().join("now")).expect("linked");
    let keyway = Keyway::up_with(app.path(), &["--watch"]);
    keyway.expect(&[("/all", "token=first")]);
    fs::write(app.path().join("first/token"), "changed").expect("written");
    keyway.wait_for_answer("/all", "token=changed");
    // As Kubernetes does, so that all files change at once.
    symlink("second", app.path().join("next")).expect("linked");
    fs::rename(app.path().join("next"), app.path().join("now")).expect("swapped");
    keyway.wait_for_answer("/all", "token=second");
}

#[test]
fn values_come_from_the_environment() {
    let config = "[config.main]\nbackend = \"env\"\nprefix = \"CONFIGURED_\"";
    let app = up(config);
    app.expect(&[("/all", "LEVEL=debug TOKEN=hidden")]);
}

#[test]
fn a_file_is_read_again_when_it_changes() {
    let config = "[config.main]\nbackend = \"file\"\npath = \"config.toml\"";
    let app = app(&manifest(LINK, config));
    let file = app.path().join("config.toml");
    let missing = finish(["up".as_ref(), app.path().as_os_str()]);
    assert!(missing.stderr.contains("config.toml cannot be read"), "{}", missing.stderr);
    fs::write(&file, "level = \"info\"\n[db]\nurl = \"x\"").expect("written");
    let keyway = Keyway::up(app.path());
    keyway.expect(&[("/all", "db.url=x level=info")]);
    fs::write(&file, "level = \"debug\"").expect("written");
    keyway.expect(&[("/all", "level=debug")]);
    fs::write(&file, "level = ").expect("written");
    keyway.expect(&[("/all", "level=debug")]);
    keyway.wait_for_stderr("is not TOML");
}

#[test]
fn values_are_kept_in_nats() {
    let nats = Nats::start();
    let config = format!("[config.main]\nbackend = \"nats\"\nurl = \"{}\"", nats.url());
    let app = up(&config);
    app.expect(&[("/all", ""), ("/get/level", "none")]);
    drop(nats);
    let refused = app.get("/get/level").text();
    assert!(refused.starts_with("500: upstream: ") && refused.contains("NATS"), "{refused}");
}

#[test]
fn without_a_link_there_is_no_configuration() {
    let app = RunningApp::up(&manifest("", ""));
    app.expect(&[("/get/level", "500: upstream: no configuration is granted")]);
    app.wait_for_stderr(r#"component.config.link."wasi:config/store" = "CONFIG""#);
}

#[test]
fn a_log_message_is_a_line_with_the_components_name() {
    let app = RunningApp::up(&manifest("grant.stderr = true", ""));
    app.expect(&[("/log/it-burns", "logged")]);
    app.wait_for_stderr("config: WARN reader: it-burns");
    app.wait_for_stderr("config: and more");
    app.wait_for_stderr("config: INFO it-burns");
    let app = RunningApp::up(&manifest("", ""));
    app.expect(&[("/log/it-burns", "logged")]);
    app.wait_for_stderr("component.config.grant.stderr = true");
    assert!(!app.stderr().contains("it-burns"));
}

#[test]
fn a_wrong_configuration_is_told_with_its_place() {
    let wrong = |component: &str, config: &str, reason: &str| {
        let app = app(&manifest(component, config));
        let checked = finish(["check".as_ref(), app.path().as_os_str()]);
        assert!(checked.stderr.contains(reason), "{reason}\n{}", checked.stderr);
    };
    let values = "[config.main]\nbackend = \"values\"";
    wrong(r#"link."wasi:config/store" = "mian""#, values, "did you mean `main`?");
    wrong("", values, "nothing uses the configuration `main`");
    wrong(LINK, "[config.main]\nbackend = \"valeus\"", "there is no backend `valeus`");
    wrong(LINK, "[config.main]\nbackend = \"env\"\nprefx = \"A\"", "no setting `prefx`");
    let missing = "[config.main]\nbackend = \"values\"\ntoken = { env = \"NOT_SET_AT_ALL\" }";
    wrong(LINK, missing, "the variable `NOT_SET_AT_ALL`");
}
