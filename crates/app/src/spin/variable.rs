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

/// Whether Spin takes `name` for a variable: words of lower-case letters and digits with `_` between
/// them, beginning with a letter.
pub fn is_variable_name(name: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.split('_').all(is_word)
}

/// Reports a key that cannot be the name of a variable.
pub(super) fn check_name(name: &str, value: &Value<'_>) {
    if is_variable_name(name) {
        return;
    }
    let message = format!("`{name}` is not a valid variable name");
    let snake: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect();
    let snake = snake.trim_matches('_');
    let help = if is_variable_name(snake) {
        format!("use lower-case letters and digits, with `_` between words: `{snake}`")
    } else {
        "use lower-case letters and digits, beginning with a letter, with single `_` between words"
            .to_owned()
    };
    value.wrong_key(Code::SpinVariable, message, Some(help));
}

impl Variables {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let mut variables = BTreeMap::new();
        for (name, value) in table.values() {
            check_name(&name, &value);
            let Some(table) = value.table() else { continue };
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

#[cfg(test)]
mod tests {
    use super::is_variable_name;

    #[test]
    fn a_variables_name_is_as_spin_has_it() {
        for name in ["a", "api_token", "v2", "a_2"] {
            assert!(is_variable_name(name), "{name}");
        }
        for name in ["", "A", "a-b", "a__b", "_a", "a_", "2a", "a.b", "API_KEY", "\u{e9}"] {
            assert!(!is_variable_name(name), "{name}");
        }
    }
}
