//! `keyway call`: calls a function of a component by hand.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use keyway_host::{
    HostError, ProblemReport,
    admin::api::{Asked, Function, Returned},
};

use crate::{grants::Grants, host, report};

/// The arguments of `keyway call`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Component file, app folder or manifest; by default the current folder.
    #[arg(value_name = "PATH")]
    first: Option<String>,
    /// Function with its values in WAVE, such as 'parse("a b c")'; without it, list all functions.
    #[arg(value_name = "FUNC(ARGS)")]
    second: Option<String>,
    /// Component that exports the function, if several do.
    #[arg(long, value_name = "NAME")]
    component: Option<String>,
    /// Call the running app, with its stores.
    #[arg(long, conflicts_with = "second")]
    running: bool,
    #[command(flatten)]
    host: host::Target,
    #[command(flatten)]
    grants: Grants,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is to be called, and where.
struct Target<'a> {
    path: PathBuf,
    call: Option<&'a String>,
}

impl Arguments {
    fn target(&self) -> Target<'_> {
        match (&self.first, &self.second) {
            (first, None) if self.running => Target { path: PathBuf::new(), call: first.as_ref() },
            // A call alone is one of the app here.
            (Some(call), None) if call.contains('(') && !Path::new(call).exists() => {
                Target { path: PathBuf::from("."), call: Some(call) }
            }
            (path, call) => {
                let path = path.as_ref().map_or_else(|| PathBuf::from("."), PathBuf::from);
                Target { path, call: call.as_ref() }
            }
        }
    }

    fn asked(&self, call: &str) -> Asked {
        Asked { call: call.to_owned(), component: self.component.clone() }
    }
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let target = arguments.target();
    if arguments.running {
        return host::ask(call_running(arguments, target.call));
    }
    match call_here(arguments, &target) {
        Ok(code) => code,
        Err(error) => report::print_error(error),
    }
}

fn call_here(arguments: &Arguments, target: &Target<'_>) -> Result<ExitCode, HostError> {
    let granted = arguments.grants.of_component(&target.path)?;
    let Some(call) = target.call else {
        let functions = keyway_host::functions(&target.path, granted.as_ref())?;
        let path = quoted(&target.path.display().to_string());
        if !functions.known.is_empty() || functions.unread.is_empty() {
            show_functions(arguments, functions.known, &path);
        }
        return Ok(match functions.unread.as_slice() {
            [] => ExitCode::SUCCESS,
            unread => report::print(unread),
        });
    };
    let returned = keyway_host::call(&target.path, granted.as_ref(), &arguments.asked(call))?;
    show_result(arguments, &returned);
    Ok(ExitCode::SUCCESS)
}

async fn call_running(
    arguments: &Arguments,
    call: Option<&String>,
) -> Result<(), Vec<ProblemReport>> {
    let client = arguments.host.client().await?;
    match call {
        Some(call) => show_result(arguments, &client.call(&arguments.asked(call)).await?),
        None => show_functions(arguments, client.functions().await?, "--running"),
    }
    Ok(())
}

fn show_result(arguments: &Arguments, returned: &Returned) {
    match &returned.wave {
        _ if arguments.json => report::print_json(&returned.json),
        Some(wave) => {
            report::print_text(&format!("{wave}\n"));
        }
        None => {}
    }
}

/// Lists the functions, with a command to copy for each.
fn show_functions(arguments: &Arguments, mut functions: Vec<Function>, path: &str) {
    functions.retain(|function| {
        arguments.component.as_ref().is_none_or(|component| *component == function.component)
    });
    if arguments.json {
        return report::print_json(&functions);
    }
    if functions.is_empty() {
        report::print_text("It exports no functions.\n");
        return;
    }
    let mut text = String::new();
    let mut component = None;
    for function in &functions {
        if component != Some(&function.component) {
            text.push_str(&format!("{}\n", function.component));
            component = Some(&function.component);
        }
        let interface = function.interface.as_ref();
        let interface = interface.map(|interface| format!("{interface} ")).unwrap_or_default();
        text.push_str(&format!("  {interface}{}: {}\n", function.name, function.signature));
        let Some(example) = function.example_among(&functions) else {
            text.push_str(
                "    cannot be called by hand: it takes or returns resources, streams or futures\n",
            );
            continue;
        };
        // Several components may export the same.
        let same = |other: &&Function| other.spellings() == function.spellings();
        let which = match functions.iter().filter(same).count() {
            0 | 1 => String::new(),
            _ => format!(" --component {}", function.component),
        };
        text.push_str(&format!("    keyway call {path}{which} {}\n", quoted(&example)));
    }
    report::print_text(&text);
}

/// A text as a word of a shell's command line.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
