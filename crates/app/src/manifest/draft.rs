//! What could be understood of a wrong manifest: enough to look for further problems, without
//! reporting the same one twice. It is not run.

use std::collections::BTreeSet;

use crate::{app::App, name::ComponentName, place::Problem};

/// An app as far as its manifest could be understood, and what is wrong with that.
#[derive(Debug)]
pub struct Draft {
    /// All that could be read. Its triggers lead to components that it has; its links may not.
    pub app: App,
    /// What is not to be taken at its word.
    pub doubts: Doubts,
    /// What is wrong, in the order of the text.
    pub problems: Vec<Problem>,
}

/// What may be missing in a [`Draft`], or may have been meant differently, because of problems
/// already reported. There are none in an app that was checked.
#[derive(Debug, Clone, Default)]
pub struct Doubts {
    /// Whether there may be further components, links or triggers, so that what looks unused may
    /// be used.
    pub uses: bool,
    /// The components that may have further links.
    pub links: BTreeSet<ComponentName>,
    /// The components that may have other limits.
    pub limits: BTreeSet<ComponentName>,
}
