//! Names for the imports of a unit that belong to one of its components.

use std::collections::HashSet;

use crate::{Extern, InterfaceName};

/// Gives out names, each once: kebab-case labels such as `gateway-http-outgoing-handler`.
#[derive(Debug, Default)]
pub(super) struct Labels {
    taken: HashSet<String>,
}

impl Labels {
    /// A label for the import of the component of that name.
    pub(super) fn label(&mut self, component: &str, import: &Extern) -> String {
        let label = match &import.interface {
            Some(interface) => {
                kebab(&format!("{component}-{}-{}", interface.package, interface.interface))
            }
            None => kebab(&format!("{component}-{}", import.name)),
        };
        self.unique(|number| match number {
            1 => label.clone(),
            _ => format!("{label}-n{number}"),
        })
    }

    /// A name for an interface that is that component's own, such as
    /// `keyway-gateway:keyvalue/store@0.2.0`.
    pub(super) fn interface(&mut self, component: &str, interface: &InterfaceName) -> String {
        let namespace = kebab(&format!("keyway-{component}"));
        self.unique(|number| {
            let namespace = match number {
                1 => namespace.clone(),
                _ => format!("{namespace}-n{number}"),
            };
            InterfaceName { namespace, ..interface.clone() }.to_string()
        })
    }

    /// The first name that is free; several versions of one interface, for one, differ by number.
    fn unique(&mut self, name: impl Fn(usize) -> String) -> String {
        let mut number = 1;
        loop {
            let name = name(number);
            if self.taken.insert(name.clone()) {
                return name;
            }
            number += 1;
        }
    }
}

/// The text as words of lower-case letters and digits, each beginning with a letter, as the
/// component model wants labels.
fn kebab(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words = words.map(|word| {
        let word = word.to_ascii_lowercase();
        if word.starts_with(|c: char| c.is_ascii_digit()) { format!("n{word}") } else { word }
    });
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ExternKind;

    fn import(name: &str) -> Extern {
        Extern {
            name: name.to_owned(),
            interface: InterfaceName::parse(name),
            kind: ExternKind::Instance,
            functions: Vec::new(),
            types: Vec::new(),
            is_only_types: false,
        }
    }

    #[test]
    fn labels_are_kebab_case_and_unique() {
        let mut labels = Labels::default();
        let mut label = |component: &str, name: &str| labels.label(component, &import(name));
        assert_eq!(
            label("gateway", "wasi:http/outgoing-handler@0.2.6"),
            "gateway-http-outgoing-handler"
        );
        assert_eq!(
            label("gateway", "wasi:http/outgoing-handler@0.3.0"),
            "gateway-http-outgoing-handler-n2"
        );
        assert_eq!(label("2nd_Part", "wasi:cli/stdout@0.2.0"), "n2nd-part-cli-stdout");
        assert_eq!(label("é", "log"), "log");
    }
}
