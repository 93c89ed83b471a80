//! The table of a backend: its kind, and settings that are not understood here.

use super::table::{Table, Value};
use crate::{
    Placed,
    backend::{Backend, Secret, Setting},
};

pub(super) fn read(table: &Table<'_>) -> Option<Backend> {
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
        return value.neither("a value, or a table with `env` or `file`");
    };
    table.only(&["env", "file"]);
    match (table.get("env"), table.get("file")) {
        (Some(env), None) => Some(Setting::Env(env.string()?.to_owned())),
        (None, Some(file)) => Some(Setting::File(file.string()?.into())),
        _ => {
            let message = format!("`{}` comes from one place", value.path);
            let help = "write either `{ env = \"NAME\" }` or `{ file = \"PATH\" }`";
            value.wrong("setting", message, Some(help.to_owned()));
            None
        }
    }
}
