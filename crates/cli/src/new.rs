//! `keyway new`: a project or an app to begin with.

use std::{
    fmt::Display,
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
};

use dialoguer::{Input, Select};
use keyway_app::{Code, Problem};
use keyway_build::{Features, Kind, Language, NewError, Start, new_project};

use crate::{feature, report};

/// The arguments of `keyway new`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Name of the component and its folder; or `app` and the name of an app.
    #[arg(value_name = "NAME")]
    name: Vec<String>,
    /// Language: rust, c, cpp, go, python, javascript or typescript.
    #[arg(long)]
    lang: Option<Language>,
    /// Kind of component: http, library, command or middleware.
    #[arg(long, conflicts_with = "wit")]
    kind: Option<Kind>,
    /// WIT to implement: a file, or a folder with its dependencies under `deps`.
    #[arg(long, value_name = "PATH")]
    wit: Option<PathBuf>,
    /// World in the WIT, if there are several.
    #[arg(long, value_name = "NAME", requires = "wit")]
    world: Option<String>,
    #[command(flatten)]
    features: feature::FeatureArguments,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match make(arguments) {
        Ok(said) => {
            report::print_text(&said);
            ExitCode::SUCCESS
        }
        Err(problems) => report::print(&problems),
    }
}

type Outcome<T> = Result<T, Vec<Problem>>;

fn make(arguments: &Arguments) -> Outcome<String> {
    if let [app, name] = arguments.name.as_slice()
        && app == "app"
    {
        if Path::new(name).symlink_metadata().is_ok() {
            return Err(problem(NewError::Exists(PathBuf::from(name))));
        }
        keyway_host::new_app(Path::new(name), name)?;
        return Ok(format!(
            "Created the app {name}. Create its first component:\n  cd {name} && keyway new hello\n"
        ));
    }
    let name = match arguments.name.as_slice() {
        [] => ask_text("Name of the component", "NAME")?,
        [name] => name.clone(),
        [_, second, ..] => {
            let message = format!("unexpected argument `{second}`");
            let help = "write `keyway new NAME` for a component, or `keyway new app NAME`";
            return Err(vec![told(Code::Arguments, message, help)]);
        }
    };
    let language = match arguments.lang {
        Some(language) => language,
        None => ask_one("Language", &Language::ALL, "--lang", &Language::ALL.map(Language::key))?,
    };
    let start = start(arguments)?;
    new_project(Path::new("."), &name, language, &start).map_err(problem)?;
    Ok(format!("Created {name}. Build it:\n  keyway build {name}\n"))
}

fn start(arguments: &Arguments) -> Outcome<Start> {
    if let Some(path) = &arguments.wit {
        let (world, features) = (arguments.world.clone(), arguments.features.chosen());
        return Ok(Start::Wit { path: path.clone(), world, features });
    }
    if arguments.features.chosen() != Features::default() {
        let help = "name one with `--wit PATH`";
        return Err(vec![told(Code::Arguments, "features need your own WIT".to_owned(), help)]);
    }
    if let Some(kind) = arguments.kind {
        return Ok(Start::Kind(kind));
    }
    ask_one("Kind of component", &Kind::ALL, "--kind", &Kind::ALL.map(Kind::key)).map(Start::Kind)
}

/// Asks for one of several things, where there is a terminal to ask on.
fn ask_one<T: Copy + Display>(
    question: &str,
    choices: &[T],
    option: &str,
    keys: &[&str],
) -> Outcome<T> {
    if !can_ask() {
        let message = format!("`{option}` is missing");
        return Err(vec![told(
            Code::MissingOption,
            message,
            &format!("add `{option}` {}", keys.join("|")),
        )]);
    }
    let chosen = Select::new().with_prompt(question).items(choices).default(0).interact();
    chosen.map(|number| choices[number]).map_err(|_| vec![not_answered(option)])
}

fn ask_text(question: &str, option: &str) -> Outcome<String> {
    if !can_ask() {
        let message = format!("`{option}` is missing");
        let help = "write `keyway new NAME` for a component, or `keyway new app NAME`";
        return Err(vec![told(Code::MissingOption, message, help)]);
    }
    let answer = Input::new().with_prompt(question).interact_text();
    answer.map_err(|_| vec![not_answered(option)])
}

fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn not_answered(option: &str) -> Problem {
    told(Code::MissingOption, format!("`{option}` was not answered"), "nothing was created")
}

fn told(code: Code, message: String, help: &str) -> Problem {
    Problem { code, message, label: None, help: Some(help.to_owned()), place: None }
}

fn problem(error: NewError) -> Vec<Problem> {
    let (code, help) = match &error {
        NewError::Name(_) => (Code::Name, Some("use lower case, with `-` between words")),
        NewError::Exists(_) => (Code::Exists, Some("choose another name, or remove it first")),
        NewError::Wit(_) => (Code::Wit, None),
        NewError::Skeleton { .. } => (Code::Skeleton, None),
        NewError::File { .. } => (Code::File, None),
    };
    if let Some(details) = error.details() {
        report::tell(&format!("{details}\n"));
    }
    let message = error.to_string();
    vec![Problem { code, message, label: None, help: help.map(str::to_owned), place: None }]
}
