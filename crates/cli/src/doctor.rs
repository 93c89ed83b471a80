//! `keyway doctor`: what this machine has to build with, and what is missing.

use std::process::ExitCode;

use comfy_table::{Table, presets};
use keyway_build::{Found, Language, Missing, Toolbox};
use serde::Serialize;

use crate::report::{self, tell};

/// The arguments of `keyway doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Install Keyway's own tools for these languages, or for all.
    #[arg(long, value_name = "LANG", num_args = 0.., value_delimiter = ',')]
    install: Option<Vec<Language>>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What there is for one language.
#[derive(Debug, Serialize)]
struct Finding {
    language: Language,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Missing>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let toolbox = match keyway_host::toolbox() {
        Ok(toolbox) => toolbox,
        Err(error) => return report::print_error(error),
    };
    let mut failed = false;
    if let Some(languages) = &arguments.install {
        let languages = if languages.is_empty() { &Language::ALL } else { languages.as_slice() };
        for language in languages {
            if let Err(error) = toolbox.set_up(*language, &|step| tell(&format!("{step}\n"))) {
                tell(&format!(
                    "{language} could not be set up: {}\n",
                    keyway_host::in_words(&error)
                ));
                failed = true;
            }
        }
    }
    let findings: Vec<_> = Language::ALL.map(|language| find(&toolbox, language)).into();
    if arguments.json {
        report::print_json(&findings);
    } else {
        report::print_text(&text(&findings));
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn find(toolbox: &Toolbox, language: Language) -> Finding {
    match toolbox.find(language) {
        Ok(found) => Finding { language, found: Some(found), missing: None },
        Err(missing) => Finding { language, found: None, missing: Some(missing) },
    }
}

fn text(findings: &[Finding]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    for Finding { language, found, missing } in findings {
        let said = match (found, missing) {
            (Some(Found { tool, path }), _) => vec![format!("{tool}  {}", path.display())],
            (None, Some(Missing { what, commands, .. })) => {
                let commands = commands.iter().map(|command| format!("  $ {command}"));
                std::iter::once(format!("missing: {what}")).chain(commands).collect()
            }
            (None, None) => Vec::new(),
        };
        table.add_row([language.to_string(), said.join("\n")]);
    }
    let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}
