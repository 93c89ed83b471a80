//! `[variables]`, and the templates in which components use them: `"{{ host }}:8080"`.
//!
//! A variable comes from the host's environment, as it does with Spin: `host` from
//! `SPIN_VARIABLE_HOST`.

use std::collections::BTreeMap;

use keyway_word::nearest;

use super::Table;
use crate::{
    Code,
    backend::{Part, Secret, Setting},
    manifest::table::Value,
};

/// The variables of an app, with their defaults.
#[derive(Default)]
pub(super) struct Variables(BTreeMap<String, Option<Secret>>);

impl Variables {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let mut variables = BTreeMap::new();
        for (name, table) in table.tables() {
            table.only(&["default", "required", "secret", "description"]);
            let default = table.get("default").and_then(|value| value.string());
            let required = table.get("required");
            let is_required = required.as_ref().and_then(Value::boolean).unwrap_or(false);
            if default.is_none() && !is_required && table.get("default").is_none() {
                table.required("default");
            } else if default.is_some()
                && is_required
                && let Some(required) = &required
            {
                let message = format!("the variable `{name}` has a default but is also required");
                let help = "only a variable without a default can be required".to_owned();
                required.wrong_key(Code::SpinVariable, message, Some(help));
            }
            if let Some(secret) = table.get("secret") {
                secret.boolean();
            }
            variables.insert(name, default.map(|default| Secret(default.to_owned())));
        }
        Self(variables)
    }

    /// A value with its variables filled in.
    pub(super) fn template(&self, value: &Value<'_>) -> Option<Setting> {
        let wrong = |message: String, help: Option<String>| {
            value.wrong(Code::SpinTemplate, message, help);
            None
        };
        let mut rest = value.string()?;
        let mut parts = Vec::new();
        while let Some((text, after)) = rest.split_once("{{") {
            if !text.is_empty() {
                parts.push(Part::Text(Secret(text.to_owned())));
            }
            let Some((name, after)) = after.split_once("}}") else {
                let help = "write `{{ name }}`".to_owned();
                return wrong("a `{{` has no `}}`".to_owned(), Some(help));
            };
            let name = name.trim();
            let Some(default) = self.0.get(name) else {
                let near = nearest(name, self.0.keys().map(String::as_str));
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("add `{name} = {{ default = \"…\" }}` to `[variables]`"),
                };
                return wrong(format!("there is no variable `{name}`"), Some(help));
            };
            let name = format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase());
            parts.push(Part::Variable { name, default: default.clone() });
            rest = after;
        }
        if !rest.is_empty() || parts.is_empty() {
            parts.push(Part::Text(Secret(rest.to_owned())));
        }
        Some(match parts.as_slice() {
            [Part::Text(text)] => Setting::Text(text.clone()),
            _ => Setting::Template(parts),
        })
    }
}
