//! Every problem that a manifest can have, as its user reads it: one folder under `diagnostic` for
//! each case. `BLESS=1` rewrites the expected texts.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use keyway_app::{App, Code, Problem};
use keyway_word::star;

fn cases() -> Vec<PathBuf> {
    // Asked at run time: what was compiled may come from another checkout that shares the build
    // folder.
    let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests"))
        .join("tests/diagnostic");
    let entries = fs::read_dir(&folder).expect("the folder of cases is read");
    let mut cases: Vec<_> = entries.map(|entry| entry.expect("an entry is read").path()).collect();
    cases.sort();
    cases
}

fn problems(case: &Path) -> Vec<Problem> {
    let text = fs::read_to_string(case.join("keyway.toml")).expect("the manifest is read");
    match App::from_toml("keyway.toml", &text, case) {
        Ok(_) => panic!("{} has no problem", case.display()),
        Err(problems) => problems,
    }
}

fn render(problems: &[Problem]) -> String {
    let blocks: Vec<_> = problems.iter().map(render_one).collect();
    blocks.join("\n")
}

fn render_one(problem: &Problem) -> String {
    let mut text = format!("{}: {}\n", problem.code, problem.message);
    let mut line = |name: &str, value: &str| {
        writeln!(text, "  {name} {value}").expect("a string takes all that is written");
    };
    if let Some(place) = &problem.place {
        let (number, column) = place.line_column();
        line("at", &format!("{number}:{column}"));
        // What is underlined: a column alone hides a span that is too long.
        let text = star(&place.text.text);
        line("on", text[place.span.clone()].lines().next().unwrap_or_default());
    }
    if let Some(label) = &problem.label {
        line("label:", label);
    }
    if let Some(help) = &problem.help {
        line("help:", help);
    }
    text
}

#[test]
fn every_case_reads_as_it_is_written() {
    let bless = env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let found = render(&problems(&case));
        let path = case.join("error.txt");
        if bless {
            fs::write(&path, &found).expect("the expected text is written");
            continue;
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if found != expected {
            wrong.push(format!("{}\nexpected:\n{expected}\nfound:\n{found}", case.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\n\nIf this is meant, renew the texts with BLESS=1.",
        wrong.join("\n\n")
    );
}

#[test]
fn every_code_has_a_case() {
    let told: BTreeSet<_> =
        cases().iter().flat_map(|case| problems(case)).map(|problem| problem.code).collect();
    let codes = [
        Code::Access,
        Code::Address,
        Code::BackendName,
        Code::ComponentName,
        Code::DuplicateRoute,
        Code::EnvName,
        Code::Group,
        Code::GuestPath,
        Code::Host,
        Code::HttpGrant,
        Code::ImportName,
        Code::LimitWithoutUnit,
        Code::LinkCycle,
        Code::LinkMode,
        Code::MissingKey,
        Code::NoComponent,
        Code::Nul,
        Code::Range,
        Code::Reference,
        Code::Route,
        Code::ServerGrant,
        Code::Setting,
        Code::Size,
        Code::SocketGrant,
        Code::Source,
        Code::StoreLink,
        Code::Syntax,
        Code::Time,
        Code::UnknownBackend,
        Code::UnknownComponent,
        Code::UnknownKey,
        Code::UnlinkedStore,
        Code::UnusedBackend,
        Code::UnusedComponent,
        Code::WrongType,
    ];
    assert_eq!(told, BTreeSet::from(codes));
}

#[test]
fn every_problem_says_where_it_is() {
    for case in cases() {
        for problem in problems(&case) {
            assert!(problem.place.is_some(), "{}: {problem}", case.display());
        }
    }
}
