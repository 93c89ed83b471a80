//! Components ask the databases that the manifest links them to, by the interfaces that they have.

use keyway_testing::{Keyway, RunningApp, app, finish, server::Postgres};

fn manifest(guest: &str, component: &str, databases: &str) -> String {
    format!(
        r#"
        [app]
        name = "ask"
        [component.ask]
        source = "{{guest:{guest}}}"
        {component}
        {databases}
        [[trigger.http]]
        route = "/"
        component = "ask"
    "#
    )
}

fn up(guest: &str, component: &str, databases: &str) -> RunningApp {
    RunningApp::up(&manifest(guest, component, databases))
}

/// A path, whose parts may hold anything.
fn path(parts: &[&str]) -> String {
    let encode = |part: &&str| {
        part.bytes().fold("/".to_owned(), |path, byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => path + &char::from(byte).to_string(),
            _ => format!("{path}%{byte:02x}"),
        })
    };
    parts.iter().map(encode).collect()
}

fn asked(keyway: &Keyway, conversation: &[(&[&str], &str)]) {
    for (parts, answer) in conversation {
        keyway.expect(&[(&path(parts), answer)]);
    }
}

const SQLITE: &str = "[sql.pets]\nbackend = \"sqlite\"\npath = \"data/pets.db\"";

#[test]
fn a_component_asks_sqlite() {
    let links = "link.\"fermyon:spin/sqlite\" = \"pets\"\nlink.\"spin:sqlite/sqlite\" = \"pets\"";
    let app = up("spin-sql", links, SQLITE);
    asked(
        &app,
        &[
            (&["sqlite", "default", "CREATE TABLE pet (id INTEGER PRIMARY KEY, name)"], ": "),
            (&["sqlite", "pets", "INSERT INTO pet VALUES (?, ?)", "7", "Ada"], ": "),
            (&["sqlite", "", "INSERT INTO pet VALUES (?1, ?2)", "8", "null"], ": "),
            (&["sqlite", "default", "SELECT * FROM pet"], "id,name: 7,Ada;8,null"),
            (&["sqlite-3", "default", "INSERT INTO pet (name) VALUES (?)", "Bö"], "0 9 1"),
            (&["sqlite-3", "default", "SELECT * FROM pet"], "3 0 0"),
            (&["sqlite", "other", "SELECT 1"], "refused: Error::AccessDenied"),
        ],
    );
    app.wait_for_stderr(r#"component.ask.link."fermyon:spin/sqlite" = { "other" = "DATABASE" }"#);
    let refused = app.get(&path(&["sqlite", "default", "ATTACH 'x.db' AS x"])).body;
    assert!(refused.contains("beyond the database"), "{refused}");
    app.keyway.stop();
    let folder = app.folder.path();
    assert!(folder.join("data/pets.db").is_file() && !folder.join("x.db").exists());
    asked(
        &Keyway::up(folder),
        &[(&["sqlite", "default", "SELECT count(*) AS n FROM pet"], "n: 3")],
    );
}

#[test]
fn a_link_for_reading_changes_nothing() {
    let link = r#"link."fermyon:spin/sqlite" = { to = "pets", access = "read" }"#;
    let app = up("spin-sql", link, SQLITE);
    asked(
        &app,
        &[
            (&["sqlite", "default", "SELECT 1 AS one"], "one: 1"),
            (&["sqlite", "default", "CREATE TABLE a (b)"], "refused: Error::AccessDenied"),
        ],
    );
    app.wait_for_stderr(r#"access = "read-write""#);
}

#[test]
fn a_component_asks_postgres() {
    let server = Postgres::start();
    let links = "link.\"fermyon:spin/postgres\" = \"pets\"\n\
                 link.\"spin:postgres/postgres\" = \"pets\"";
    let database = format!("[sql.pets]\nbackend = \"postgres\"\nurl = \"{}\"", server.url());
    let app = up("spin-sql", links, &database);
    asked(
        &app,
        &[
            (&["postgres", "pets", "CREATE TABLE pet (id INTEGER, name TEXT)"], "0"),
            (&["postgres", "pets", "INSERT INTO pet VALUES ($1, $2)", "7", "Ada"], "1"),
            (&["postgres", "default", "SELECT id, name FROM pet"], "7,Ada"),
            (&["postgres", "default", "SELECT '10.0.0.1'::inet"], "DbValue::Unsupported"),
            (
                &["postgres-3", "default", "SELECT DATE '2024-02-29' AS a, true AS b"],
                "DbDataType::Date,DbDataType::Boolean \
                 DbValue::Date((2024, 2, 29)),DbValue::Boolean(true)",
            ),
            (
                &["postgres-4", "default", "SELECT $1::numeric + 1", "0.10"],
                "DbValue::Decimal(\"1.10\")",
            ),
            (&["postgres-4", "default", "SELECT * FROM nowhere"], "refused: ERROR 42P01"),
        ],
    );
}

#[test]
fn a_component_names_a_server_that_it_is_granted() {
    let server = Postgres::start();
    let url = server.url();
    let (_, host) = url.rsplit_once('@').expect("a user");
    let (host, _) = host.split_once('/').expect("a database");
    let app = up("spin-sql", &format!("grant.postgres = [\"{host}\"]"), "");
    asked(
        &app,
        &[
            (&["postgres", &url, "SELECT 7"], "7"),
            (
                &["postgres", "postgres://me@10.255.255.1/a", "SELECT 7"],
                "refused: Error::ConnectionFailed(\"the database is not granted\")",
            ),
        ],
    );
    app.wait_for_stderr(r#"component.ask.grant.postgres = ["10.255.255.1:5432"]"#);
    // The form of libpq leads to the same server.
    let (name, port) = host.split_once(':').expect("a port");
    let (user, password, database) = parts(&url);
    let list =
        format!("host={name} port={port} user={user} password='{password}' dbname={database}");
    asked(
        &app,
        &[
            (&["postgres", &list, "SELECT 7"], "7"),
            (&["postgres-4", &list, "SELECT 7"], "DbValue::Int32(7)"),
        ],
    );
    for address in [
        format!("postgres://me@{host}/a?hostaddr=10.0.0.1"),
        "postgres://me@%2Fvar%2Frun/a".to_owned(),
    ] {
        let refused = app.get(&path(&["postgres", &address, "SELECT 7"])).body;
        assert!(refused.starts_with("refused: Error::ConnectionFailed"), "{refused}");
    }
    // The log names no password.
    let password = url.split(['/', ':', '@']).nth(4).expect("a password");
    assert!(password.is_empty() || !app.stderr().contains(&format!(":{password}@")));
}

/// The user, the password and the database of a URL.
fn parts(url: &str) -> (&str, &str, &str) {
    let (_, rest) = url.split_once("://").expect("a scheme");
    let (login, rest) = rest.split_once('@').expect("a user");
    let (user, password) = login.split_once(':').unwrap_or((login, "any"));
    (user, password, rest.split_once('/').expect("a database").1)
}

#[test]
fn no_form_of_an_address_brings_a_password_into_the_log() {
    let app = up("spin-sql", "", "");
    let denied = "refused: Error::ConnectionFailed(\"the database is not granted\")";
    for address in [
        "host=10.255.255.1 port=5433 user=me password=hunter2 dbname=a",
        "user=me host = 10.255.255.1 port = 5434 password = 'hunter2 hunter2'",
        "postgres://me:hunter2@10.255.255.1:5435/a",
        "postgres://10.255.255.1:5436/a?user=me&password=hunter2",
    ] {
        asked(&app, &[(&["postgres", address, "SELECT 1"], denied)]);
    }
    for port in 5433..=5436 {
        let line = format!("component.ask.grant.postgres = [\"10.255.255.1:{port}\"]");
        app.wait_for_stderr(&line);
    }
    for address in [
        "host=a password=hunter2 service=b user=me",
        "password=hunter2 user=me",
        "mysql://me:hunter2@a",
        "me:hunter2@a",
    ] {
        let refused = app.get(&path(&["postgres", address, "SELECT 1"])).body;
        assert!(refused.starts_with("refused: Error::ConnectionFailed"), "{refused}");
        assert!(!refused.contains("hunter2"), "{refused}");
        // Nor by interfaces that know no addresses.
        app.get(&path(&["sqlite", address, "SELECT 1"]));
    }
    assert!(!app.stderr().contains("hunter2"), "{}", app.stderr());
    let logs = app.ask(["logs"]).stdout;
    assert!(logs.contains("10.255.255.1:5433") && !logs.contains("hunter2"), "{logs}");
}

#[test]
fn no_secret_of_a_wrong_manifest_is_shown() {
    let wrong = "[sql.pets]\nbackend = \"postgres\"\n\
                 url = \"host=db user=me password=hunter2 sslrootcert=x\"\nconnections = 0";
    let link = "link.\"fermyon:spin/postgres\" = \"pets\"\n\
                link.\"wasi:keyvalue/store\" = \"redis://:hunter2@cache\"";
    let app = app(&manifest("spin-sql", link, wrong));
    for arguments in [&["check"][..], &["check", "--json"], &["up", "--listen", "127.0.0.1:0"]] {
        let path = app.path().to_str().expect("a path");
        let finished = finish(arguments.iter().copied().chain([path]));
        let told = format!("{}{}", finished.stdout, finished.stderr);
        assert!(told.contains("pets") && !told.contains("hunter2"), "{arguments:?}: {told}");
    }
}

#[test]
fn a_mistyped_command_shows_no_secret() {
    for arguments in [
        &["swap", "backend", "cache", "--to", "redis", "--set", "redis://:hunter2@h"][..],
        &["swap", "backend", "cache", "redis://:hunter2@h"],
        &["run", "--env", "TOKEN\u{1}=hunter2", "--http", "http://me:hunter2@h", "no.wasm"],
        &["up", "no.wasm", "--env", "=hunter2"],
    ] {
        let finished = finish(arguments);
        assert_ne!(finished.code, Some(0), "{arguments:?}");
        let told = format!("{}{}", finished.stdout, finished.stderr);
        assert!(!told.is_empty() && !told.contains("hunter2"), "{arguments:?}: {told}");
    }
}

#[test]
fn without_a_link_there_is_no_database() {
    let app = up("spin-sql", "", "");
    asked(
        &app,
        &[
            (&["sqlite", "default", "SELECT 1"], "refused: Error::AccessDenied"),
            (
                &["postgres", "postgres://me@127.0.0.1/a", "SELECT 1"],
                "refused: Error::ConnectionFailed(\"the database is not granted\")",
            ),
        ],
    );
    app.wait_for_stderr(r#"component.ask.grant.postgres = ["127.0.0.1:5432"]"#);
}

#[test]
fn rows_are_streamed_to_a_component_that_does_not_block() {
    let server = Postgres::start();
    let links = "link.\"spin:sqlite/sqlite\" = { default = \"pets\" }";
    let app = up("spin-sql-async", links, SQLITE);
    asked(&app, &[(&["sqlite", "5000"], "i,text 5000 0")]);
    let wrong = app.get("/wrong").body;
    assert!(wrong.starts_with("Error::Io("), "{wrong}");
    let link = "link.\"spin:postgres/postgres\" = \"pets\"";
    let database = format!("[sql.pets]\nbackend = \"postgres\"\nurl = \"{}\"", server.url());
    let app = up("spin-sql-async", link, &database);
    asked(&app, &[(&["postgres", "5000"], "2 5000")]);
}

#[test]
fn a_component_of_wasmcloud_asks_either() {
    let server = Postgres::start();
    let postgres = format!("[sql.pets]\nbackend = \"postgres\"\nurl = \"{}\"", server.url());
    for database in [&postgres, SQLITE] {
        let link = r#"link."wasmcloud:postgres/query" = "pets""#;
        let app = up("wasmcloud-sql", link, database);
        asked(
            &app,
            &[
                (&["batch"], "done"),
                (&["add", "Bo", "1"], "done"),
                (&["add", "Ada", "2"], "done"),
                (&["all"], "name=Ada,weight=2;name=Bo,weight=1"),
                (&["wrong"], "invalid query"),
            ],
        );
    }
    let app = up("wasmcloud-sql", "", "");
    asked(&app, &[(&["all"], "unexpected: no database is granted")]);
}

#[test]
fn wrong_databases_are_told_with_their_places() {
    let wrong = |component: &str, databases: &str, reason: &str| {
        let app = app(&manifest("spin-sql", component, databases));
        let checked = finish(["check".as_ref(), app.path().as_os_str()]);
        assert!(checked.stderr.contains(reason), "{reason}\n{}", checked.stderr);
    };
    let link = r#"link."fermyon:spin/sqlite" = "pets""#;
    wrong(r#"link."fermyon:spin/sqlite" = "pest""#, SQLITE, "did you mean `pets`?");
    wrong("", SQLITE, "nothing uses the database `pets`");
    wrong(link, "[sql.pets]\nbackend = \"sqllite\"", "did you mean `sqlite`?");
    wrong(link, "[sql.pets]\nbackend = \"sqlite\"", "needs the setting `path`");
    wrong(link, "[sql.pets]\nbackend = \"postgres\"\nurl = \"http://a\"", "does not begin with");
    wrong("grant.postgres = [\"postgres://a\"]", "", "is not a server");
}

#[test]
fn a_reload_notices_a_setting_that_stands_elsewhere() {
    let databases = "[sql.pets]\nbackend = \"sqlite\"\npath = { file = \"where\" }";
    let app = app(&manifest("spin-sql", "link.\"fermyon:spin/sqlite\" = \"pets\"", databases));
    let place = app.path().join("where");
    std::fs::write(&place, "one.db\n").expect("written");
    let keyway = Keyway::up(app.path());
    asked(&keyway, &[(&["sqlite", "default", "CREATE TABLE pet (name)"], ": ")]);
    assert_eq!(keyway.ask(["reload"]).stdout, "Nothing has changed.\n");
    std::fs::write(&place, "two.db\n").expect("written");
    assert_eq!(keyway.ask(["reload"]).stdout, "Reloaded.\n");
    let tables = "SELECT count(*) AS n FROM sqlite_schema";
    asked(&keyway, &[(&["sqlite", "default", tables], "n: 0")]);
}
