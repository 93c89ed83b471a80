//! What can be wrong with the links of an app.

use std::fmt::Write as _;

use super::difference::Difference;
use crate::ReadError;

/// Why components cannot be fused. Each is one problem with one place in the manifest: the
/// [component](FuseError::component) and, where there is one, the [import](FuseError::import).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FuseError {
    /// No part has the root's name, or that of a link's target.
    #[error("{}there is no component `{name}`", whose(link.as_ref()))]
    UnknownComponent {
        /// The name that no part has.
        name: String,
        /// The component and the import of the link that names it; none for the root.
        link: Option<(String, String)>,
    },
    /// A part is not a component.
    #[error("the component `{component}` cannot be read: {reason}")]
    Unreadable {
        /// The part.
        component: String,
        /// Why.
        #[source]
        reason: ReadError,
    },
    /// A link names an import that the component does not have.
    #[error(
        "the component `{component}` has no import `{import}` to link; {}",
        listed("it imports", imports)
    )]
    NoSuchImport {
        /// The component with the link.
        component: String,
        /// The import that the link names.
        import: String,
        /// The import that may have been meant.
        nearest: Option<String>,
        /// What the component does import.
        imports: Vec<String>,
    },
    /// A link's target does not export what it should meet.
    #[error(
        "the component `{component}` imports `{import}`, which `{to}` does not export; {}",
        listed("it exports", exports)
    )]
    NotExported {
        /// The component with the link.
        component: String,
        /// The import.
        import: String,
        /// The link's target.
        to: String,
        /// What the target does export.
        exports: Vec<String>,
        /// The other components that export the interface.
        others: Vec<String>,
    },
    /// An import that nothing meets.
    #[error("nothing satisfies the import `{import}` of the component `{component}`")]
    Unmet {
        /// The component.
        component: String,
        /// The import.
        import: String,
        /// The components that could meet it, as they export it.
        candidates: Vec<String>,
    },
    /// A link between an import and an export of different types.
    #[error(
        "the component `{component}` imports `{import}`, but the `{export}` that `{to}` exports \
         has a different type{}",
        shown(component, to, differences)
    )]
    Mismatch {
        /// The component with the link.
        component: String,
        /// The import.
        import: String,
        /// The link's target.
        to: String,
        /// The export.
        export: String,
        /// All functions and types that differ.
        differences: Vec<Difference>,
    },
    /// Components linked in a circle.
    #[error("the links form a cycle: {}", path.join(" -> "))]
    Cycle {
        /// The names around the circle; the first is also the last.
        path: Vec<String>,
    },
    /// Each link is right, but the whole is not a valid component.
    #[error("the components {} cannot be fused: {reason}", quoted(components))]
    Compose {
        /// The components.
        components: Vec<String>,
        /// What the composer says.
        reason: String,
    },
}

impl FuseError {
    /// The component whose manifest entry is wrong.
    pub fn component(&self) -> Option<&str> {
        match self {
            Self::UnknownComponent { link, .. } => link.as_ref().map(|(component, _)| &**component),
            Self::Unreadable { component, .. }
            | Self::NoSuchImport { component, .. }
            | Self::NotExported { component, .. }
            | Self::Unmet { component, .. }
            | Self::Mismatch { component, .. } => Some(component),
            Self::Cycle { path: names } | Self::Compose { components: names, .. } => {
                names.first().map(|name| &**name)
            }
        }
    }

    /// The import, as the component or the link names it.
    pub fn import(&self) -> Option<&str> {
        match self {
            Self::UnknownComponent { link, .. } => link.as_ref().map(|(_, import)| &**import),
            Self::NoSuchImport { import, .. }
            | Self::NotExported { import, .. }
            | Self::Unmet { import, .. }
            | Self::Mismatch { import, .. } => Some(import),
            Self::Unreadable { .. } | Self::Cycle { .. } | Self::Compose { .. } => None,
        }
    }

    /// What to do, where that can be said.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NoSuchImport { nearest, .. } => {
                nearest.as_ref().map(|nearest| format!("did you mean `{nearest}`?"))
            }
            Self::NotExported { component, import, others, .. } => {
                link_lines(component, import, others)
            }
            Self::Unmet { component, import, candidates } => {
                Some(link_lines(component, import, candidates).unwrap_or_else(|| {
                    format!(
                        "no component of the app exports `{import}`; add one that does, and link it"
                    )
                }))
            }
            Self::Mismatch { to, .. } => Some(format!(
                "build both components against the same WIT, or link a component other than `{to}`"
            )),
            Self::Cycle { .. } => Some(
                "remove one of these links: a component cannot need itself to start".to_owned(),
            ),
            Self::UnknownComponent { .. } | Self::Unreadable { .. } | Self::Compose { .. } => None,
        }
    }
}

/// The lines of a manifest that would link `import`, one for each component that could meet it.
fn link_lines(component: &str, import: &str, candidates: &[String]) -> Option<String> {
    let lines: Vec<_> =
        candidates.iter().map(|name| format!("link.\"{import}\" = \"{name}\"")).collect();
    let lines = match lines.as_slice() {
        [] => return None,
        [line] => line.clone(),
        lines => lines.join("\nor "),
    };
    Some(format!("write under `[component.{component}]`: {lines}"))
}

fn whose(link: Option<&(String, String)>) -> String {
    link.map_or_else(String::new, |(component, import)| {
        format!("the component `{component}` links `{import}`, but ")
    })
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn listed(verb: &str, names: &[String]) -> String {
    if names.is_empty() { format!("{verb} nothing") } else { format!("{verb} {}", quoted(names)) }
}

fn shown(component: &str, to: &str, differences: &[Difference]) -> String {
    let mut text = String::new();
    for Difference { name, expected, found } in differences {
        let found = found.as_deref().unwrap_or("nothing of that name");
        let width = component.len().max(to.len()) + 9;
        // Writing to a string cannot fail.
        let _ =
            write!(text, "\n  {name}\n    {:width$} {expected}", format!("{component} imports"));
        let _ = write!(text, "\n    {:width$} {found}", format!("{to} exports"));
    }
    text
}
