//! `keyway inspect`: shows what a component or an app is made of, and the grants it would need.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use keyway_app::Problem;
use keyway_component::{Description, Extern};
use keyway_host::{Assembly, Loaded, ProblemReport};
use keyway_word::printable;
use serde::Serialize;

use crate::report::{self, size};

/// The arguments of `keyway inspect`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Component file, app folder or manifest.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Print JSON, including problems.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Inspected<'a> {
    app: &'a str,
    components: BTreeMap<&'a str, Component<'a>>,
    units: Vec<Unit<'a>>,
    /// Why other components cannot be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<ProblemReport>,
}

#[derive(Debug, Serialize)]
struct Component<'a> {
    file: String,
    #[serde(flatten)]
    description: &'a Description,
    /// What meets each import: a component, or the host.
    met_by: BTreeMap<&'a str, &'a str>,
}

#[derive(Debug, Serialize)]
struct Unit<'a> {
    root: &'a str,
    components: &'a [String],
    starts: Vec<String>,
    size_bytes: usize,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let (assembly, unread) = match keyway_host::open(&arguments.path) {
        Ok(app) => keyway_host::read(app),
        Err(problems) if arguments.json => return report::print_as_json(&problems),
        Err(problems) => return report::print(&problems),
    };
    if assembly.components.is_empty() && arguments.json {
        return report::print_as_json(&unread);
    }
    let inspected = inspect(&assembly, &unread);
    if arguments.json {
        report::print_json(&inspected);
    } else {
        report::print_text(&text(&inspected));
    }
    match unread.as_slice() {
        [] => ExitCode::SUCCESS,
        _ if arguments.json => ExitCode::FAILURE,
        unread => report::print(unread),
    }
}

fn inspect<'a>(assembly: &'a Assembly, unread: &[Problem]) -> Inspected<'a> {
    let components = assembly.components.iter().map(|(name, loaded)| {
        let Loaded { path, description, .. } = loaded;
        let met_by = description
            .imports
            .iter()
            .map(|import| (import.name.as_str(), met_by(assembly, name, import)))
            .collect();
        (name.as_str(), Component { file: path.display().to_string(), description, met_by })
    });
    let starts = assembly.app.starts();
    let units = assembly.units.iter().map(|unit| Unit {
        root: unit.root.as_str(),
        components: &unit.unit.components,
        starts: starts
            .iter()
            .filter(|(_, root)| **root == unit.root)
            .map(|(what, _)| what.clone())
            .collect(),
        size_bytes: unit.unit.bytes.len(),
    });
    let problems = unread.iter().map(ProblemReport::from).collect();
    Inspected {
        app: &assembly.app.name,
        components: components.collect(),
        units: units.collect(),
        problems,
    }
}

fn met_by<'a>(
    assembly: &'a Assembly,
    component: &keyway_app::ComponentName,
    import: &Extern,
) -> &'a str {
    let links = &assembly.app.components[component].links;
    match links.of_import(&import.name) {
        Some(link) => link.to.as_str(),
        None if import.is_only_types => "types only",
        None if keyway_component::is_provided(&import.name) => "host",
        None => "nothing",
    }
}

/// The whole report. Writing to a string does not fail.
fn text(inspected: &Inspected<'_>) -> String {
    let mut out = String::new();
    write(&mut out, inspected).unwrap_or_default();
    out
}

fn write(out: &mut String, inspected: &Inspected<'_>) -> fmt::Result {
    for (name, component) in &inspected.components {
        let Component { file, description, met_by } = component;
        writeln!(out, "{name} ({file})")?;
        writeln!(
            out,
            "  {}, of which code {}; {} core modules, {} memories",
            size(description.size_bytes),
            size(description.code_bytes),
            description.core_modules,
            description.memories
        )?;
        for producer in &description.producers {
            let said = format!("{}: {} {}", producer.field, producer.name, producer.version);
            writeln!(out, "  {}", printable(&said))?;
        }
        section(out, "imports", &description.imports, |import| {
            format!("  <- {}", met_by.get(import.name.as_str()).unwrap_or(&"nothing"))
        })?;
        section(out, "exports", &description.exports, |_| String::new())?;
        if !description.needs.is_empty() {
            writeln!(out, "  would need")?;
            for need in &description.needs {
                writeln!(out, "    {}, for {}", need.authority, need.imports.join(", "))?;
            }
        }
        writeln!(out)?;
    }
    for unit in &inspected.units {
        writeln!(
            out,
            "unit {} = {} ({}), started by {}",
            unit.root,
            unit.components.join(" + "),
            size(unit.size_bytes),
            unit.starts.join(", ")
        )?;
    }
    Ok(())
}

fn section(
    out: &mut String,
    title: &str,
    items: &[Extern],
    note: impl Fn(&Extern) -> String,
) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {title}")?;
    for item in items {
        writeln!(out, "    {}{}", printable(&item.name), note(item))?;
        for function in &item.functions {
            writeln!(out, "      {}: {}", printable(&function.name), function.signature)?;
        }
    }
    Ok(())
}
