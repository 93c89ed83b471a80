//! Makes one component, a unit, from a component and everything linked to it.
//!
//! Every import that gives authority becomes an import of the unit under its own name, so that the
//! host can tell which component calls. It does not decide what is granted.

mod compose;
mod difference;
mod error;
mod label;
mod plan;

pub use difference::Difference;
pub use error::FuseError;

use serde::{Deserialize, Serialize};

use crate::{
    Authority, authority,
    read::{Depth, Surface},
};
use compose::Composition;
use plan::{Met, Plan};

/// One component of a unit to be.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// The component's name in its app.
    pub name: &'a str,
    /// The component.
    pub bytes: &'a [u8],
    /// What meets its imports.
    pub links: Vec<PartLink<'a>>,
}

/// A link between two parts.
#[derive(Debug, Clone, Copy)]
pub struct PartLink<'a> {
    /// The import as the manifest names it: an interface with or without version, or a plain name.
    pub import: &'a str,
    /// The name of the part that meets it.
    pub to: &'a str,
}

/// Components fused into one; all that it still imports, the host provides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The fused component.
    pub bytes: Vec<u8>,
    /// The names of the components in it, the root first.
    pub components: Vec<String>,
    /// What it imports.
    pub imports: Vec<UnitImport>,
    /// What the root exports.
    pub exports: Vec<String>,
}

/// One import of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitImport {
    /// The name that the host must define: an interface's name or a label.
    pub name: String,
    /// The interface behind it, such as `wasi:http/outgoing-handler@0.2.6`.
    pub interface: String,
    /// Whose import it is, as an index into [`Unit::components`]. None for what is there for its
    /// types only: the host binds it without any right, whatever its name.
    pub component: Option<usize>,
}

/// Fuses `root` and all that is linked to it, directly or indirectly, into one component.
///
/// Each part is instantiated once and shared by all that link to it. Parts that the root does not
/// reach are left out. A root without links stays byte for byte as it is. The bodies of functions
/// are not validated; the engine does that when it compiles them.
///
/// # Errors
///
/// All problems at once: unreadable parts, links and imports that nothing meets, links whose types
/// differ, cycles.
pub fn fuse(root: &str, parts: &[Part<'_>]) -> Result<Unit, Vec<FuseError>> {
    let (plan, errors) = Plan::new(root, parts);
    if let ([member], true) = (plan.members.as_slice(), errors.is_empty()) {
        return Ok(single(member));
    }
    linked(&plan, errors)?.compose().map_err(|error| vec![error])
}

/// What is to come of imports that neither a link nor the host meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmet {
    /// They are errors.
    Refused,
    /// They are imports of the whole, to be met when that is composed with others.
    Open,
}

/// Composes `root` and all that is linked to it into one component that any host can run: what two
/// of them import alike is one import. It is no longer known which of them makes a request, so a
/// grant to such a component is a grant to everything in it.
///
/// # Errors
///
/// The same as those of [`fuse`].
pub fn compose(root: &str, parts: &[Part<'_>], unmet: Unmet) -> Result<Vec<u8>, Vec<FuseError>> {
    let (mut plan, mut errors) = Plan::new(root, parts);
    if unmet == Unmet::Open {
        // What a plan leaves unmet becomes an import.
        errors.retain(|error| !matches!(error, FuseError::Unmet { .. }));
    }
    if let ([member], true) = (plan.members.as_slice(), errors.is_empty()) {
        return Ok(member.part.bytes.to_vec());
    }
    plan.share_all();
    linked(&plan, errors)?.merge().map_err(|error| vec![error])
}

/// The planned unit, if nothing is wrong with it. Types are compared even if something else is
/// wrong, to tell all problems at once.
fn linked<'p, 'a>(
    plan: &'p Plan<'a>,
    mut errors: Vec<FuseError>,
) -> Result<Composition<'p, 'a>, Vec<FuseError>> {
    match Composition::load(plan) {
        Ok(composition) => {
            errors.extend(composition.mismatches());
            if errors.is_empty() { Ok(composition) } else { Err(errors) }
        }
        Err(error) => {
            errors.push(error);
            Err(errors)
        }
    }
}

/// A unit of one component: nothing is labelled, as all imports are that component's own.
fn single(member: &plan::Member<'_>) -> Unit {
    let is_own = |index: &usize| matches!(member.met[*index], Met::Host);
    let imports = member.surface.imports.iter().enumerate();
    Unit {
        bytes: member.part.bytes.to_vec(),
        components: vec![member.part.name.to_owned()],
        imports: imports
            .map(|(index, import)| UnitImport {
                name: import.name.clone(),
                interface: import.interface_or_name(),
                component: is_own(&index).then_some(0),
            })
            .collect(),
        exports: names(&member.surface.exports),
    }
}

fn names(externs: &[crate::Extern]) -> Vec<String> {
    externs.iter().map(|item| item.name.clone()).collect()
}

/// Whether an import stays merged with those of other components: it gives nothing by itself.
fn is_shared(import: &crate::Extern) -> bool {
    import.is_only_types
        || import
            .interface
            .as_ref()
            .is_some_and(|interface| authority(&interface.to_string()) == Authority::Shared)
}

fn read(part: &Part<'_>) -> Result<Surface, FuseError> {
    Surface::read(part.bytes, Depth::Structure)
        .map_err(|reason| FuseError::Unreadable { component: part.name.to_owned(), reason })
}
