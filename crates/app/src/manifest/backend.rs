//! The table of a backend: its kind, and settings that are not understood here.

use keyway_word::{Capability, Row, is_address, list, nearest};

use super::{
    Targets,
    table::{Reader, Table, Value},
};
use crate::{
    Code,
    backend::{Backend, Backends, Secret, Setting},
    lack::asked,
    name::{BackendName, NAME_HELP},
    place::Placed,
};

/// Adds the backends in a table of tables such as `[keyvalue.NAME]`: those with nothing wrong in them.
pub(super) fn read_all(
    reader: &Reader,
    capability: Capability,
    table: &Table<'_>,
    backends: &mut Backends,
) {
    let named = |(name, table): (String, Table<'_>)| {
        let told = reader.told();
        let checked = BackendName::new(&name);
        if let Err(error) = &checked {
            let mut problem = reader.problem(Code::BackendName, error.to_string(), None);
            problem.place = table.place();
            problem.help = Some(NAME_HELP.to_owned());
            reader.report(problem);
        }
        let backend = read(&table)?;
        // Later checks of its settings would report unreadable ones again.
        Some(((capability, checked.ok()?), backend)).filter(|_| reader.told() == told)
    };
    backends.extend(table.tables().into_iter().filter_map(named));
}

/// The name of one of the backends of `capability` that are declared, which `value` leads to.
pub(super) fn target(
    value: &Value<'_>,
    capability: Capability,
    targets: &Targets,
) -> Option<BackendName> {
    let name = value.string()?;
    let declared = targets.backends(capability);
    if declared.contains(name) {
        // A wrong name was reported where the backend is declared.
        return BackendName::new(name).ok();
    }
    let Row { noun, section, .. } = capability.row();
    let known: Vec<_> = declared.iter().map(String::as_str).collect();
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if is_address(name) => {
            format!("declare it as `[{section}.NAME]` with a `backend`, and link to `NAME`")
        }
        None if known.is_empty() => format!("add `[{section}.{name}]` with a `backend`"),
        None => format!("declared are {}", list(&known)),
    };
    let message = format!("there is no {noun} `{}`", asked(name));
    value.wrong(Code::UnknownBackend, message, Some(help));
    None
}

fn read(table: &Table<'_>) -> Option<Backend> {
    let kind = table.required("backend")?;
    let kind = Placed { value: kind.string()?.to_owned(), place: kind.place() };
    let settings = table.values().into_iter().filter(|(name, _)| name != "backend");
    let settings = settings.filter_map(|(name, value)| {
        Some((name, Placed { value: setting(&value)?, place: value.place() }))
    });
    Some(Backend { kind, settings: settings.collect(), place: table.place() })
}

fn setting(value: &Value<'_>) -> Option<Setting> {
    if let Some(text) = value.as_scalar() {
        return Some(Setting::Text(Secret(text)));
    }
    let Some(table) = value.as_table() else {
        return value.neither("a value, or a table with `env`, `file` or `age`");
    };
    table.only(&["env", "file", "age"]);
    match (table.get("env"), table.get("file"), table.get("age")) {
        (Some(env), None, None) => Some(Setting::Env(env.string()?.to_owned())),
        (None, Some(file), None) => Some(Setting::File(file.string()?.into())),
        (None, None, Some(file)) => Some(Setting::Age(file.string()?.into())),
        _ => {
            let message = format!("`{}` takes exactly one source", value.path);
            let help = "write `{ env = \"NAME\" }`, `{ file = \"PATH\" }` or `{ age = \"PATH\" }`";
            value.wrong(Code::Setting, message, Some(help.to_owned()));
            None
        }
    }
}
