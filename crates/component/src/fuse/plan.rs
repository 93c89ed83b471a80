//! Decides what satisfies each import of each component of a unit, by names alone.

use std::collections::HashMap;

use super::{FuseError, Part, PartLink, is_shared, read};
use crate::{Extern, InterfaceName, authority, read::Surface};

/// The components of a unit, the root first, with what meets their imports.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) members: Vec<Member<'a>>,
}

/// One component of a unit.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) part: &'a Part<'a>,
    pub(super) surface: Surface,
    /// False if the part is not a component; its surface is then empty.
    pub(super) is_readable: bool,
    /// What meets each import of the surface.
    pub(super) met: Vec<Met>,
}

/// What meets an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Met {
    /// An export of another member.
    Link {
        /// The index of the member.
        to: usize,
        /// The index of the export in its surface.
        export: usize,
    },
    /// The host, under the component's own rights.
    Host,
    /// The host, one for all components: it gives nothing.
    Shared,
    /// Nothing; a problem has been reported.
    Nothing,
}

impl<'a> Plan<'a> {
    /// Plans the unit of that root. Whatever is wrong is in the second value; the plan tells then
    /// what could be decided all the same.
    pub(super) fn new(root: &str, parts: &'a [Part<'a>]) -> (Self, Vec<FuseError>) {
        let mut errors = Vec::new();
        let mut walk = Walk {
            by_name: parts.iter().map(|part| (part.name, part)).collect(),
            path: Vec::new(),
            done: Vec::new(),
            order: Vec::new(),
            errors: &mut errors,
        };
        match walk.by_name.get(root).copied() {
            Some(part) => walk.visit(part),
            None => {
                walk.errors.push(FuseError::UnknownComponent { name: root.to_owned(), link: None });
            }
        }
        let order = walk.order;
        let members = order.into_iter().map(|part| Member::read(part, &mut errors)).collect();
        let mut plan = Self { members };
        for index in 0..plan.members.len() {
            let met = plan.meet(index, parts, &mut errors);
            plan.members[index].met = met;
        }
        (plan, errors)
    }

    /// Has the members share all imports that the host meets.
    pub(super) fn share_all(&mut self) {
        let met = self.members.iter_mut().flat_map(|member| &mut member.met);
        for met in met.filter(|met| **met == Met::Host) {
            *met = Met::Shared;
        }
    }

    /// Finds what meets each import of one member.
    fn meet(&self, index: usize, parts: &[Part<'_>], errors: &mut Vec<FuseError>) -> Vec<Met> {
        let Member { part, surface, is_readable, .. } = &self.members[index];
        if !is_readable {
            return Vec::new();
        }
        for link in &part.links {
            if !surface.imports.iter().any(|import| is_meant(link.import, import)) {
                errors.push(no_such_import(part.name, link.import, &surface.imports));
            }
        }
        let meet = |import: &Extern| match link_for(import, &part.links) {
            Some(link) => self.follow(part.name, import, link, parts),
            None if is_shared(import) => Ok(Met::Shared),
            None if is_of_host(import) => Ok(Met::Host),
            None => Err(FuseError::Unmet {
                component: part.name.to_owned(),
                import: import.name.clone(),
                candidates: self.candidates(import, part.name, parts),
            }),
        };
        let met = surface.imports.iter().map(|import| {
            meet(import).unwrap_or_else(|error| {
                errors.push(error);
                Met::Nothing
            })
        });
        met.collect()
    }

    /// Finds the export that a link leads to.
    fn follow(
        &self,
        component: &str,
        import: &Extern,
        link: &PartLink<'_>,
        parts: &[Part<'_>],
    ) -> Result<Met, FuseError> {
        let target = self.members.iter().position(|member| member.part.name == link.to);
        let Some(to) = target.filter(|to| self.members[*to].is_readable) else {
            // Links to nowhere and unreadable parts have been reported with a place of their own.
            return Ok(Met::Nothing);
        };
        let exports = &self.members[to].surface.exports;
        match find_export(exports, import) {
            Some(export) => Ok(Met::Link { to, export }),
            None => Err(FuseError::NotExported {
                component: component.to_owned(),
                import: import.name.clone(),
                to: link.to.to_owned(),
                exports: super::names(exports),
                others: self.candidates(import, component, parts),
            }),
        }
    }

    /// The names of all parts but `component` that export what could meet an import. Reads the
    /// parts that the unit has no use for too, as only an error asks.
    fn candidates(&self, import: &Extern, component: &str, parts: &[Part<'_>]) -> Vec<String> {
        let others = parts.iter().filter(|part| part.name != component);
        let can_meet = |part: &&Part<'_>| {
            let member = self.members.iter().find(|member| member.part.name == part.name);
            match member {
                Some(member) => find_export(&member.surface.exports, import).is_some(),
                None => {
                    read(part).is_ok_and(|surface| find_export(&surface.exports, import).is_some())
                }
            }
        };
        others.filter(can_meet).map(|part| part.name.to_owned()).collect()
    }
}

impl<'a> Member<'a> {
    fn read(part: &'a Part<'a>, errors: &mut Vec<FuseError>) -> Self {
        let (surface, is_readable) = match read(part) {
            Ok(surface) => (surface, true),
            Err(error) => {
                errors.push(error);
                (Surface::default(), false)
            }
        };
        Self { part, surface, is_readable, met: Vec::new() }
    }
}

/// Walks from the root along all links.
struct Walk<'a, 'e> {
    by_name: HashMap<&'a str, &'a Part<'a>>,
    /// From the root to the part that is being visited.
    path: Vec<&'a str>,
    done: Vec<&'a str>,
    /// All parts that were reached, as they were reached.
    order: Vec<&'a Part<'a>>,
    errors: &'e mut Vec<FuseError>,
}

impl<'a> Walk<'a, '_> {
    fn visit(&mut self, part: &'a Part<'a>) {
        self.order.push(part);
        self.path.push(part.name);
        let mut seen = Vec::new();
        for link in &part.links {
            let Some(target) = self.by_name.get(link.to).copied() else {
                self.errors.push(FuseError::UnknownComponent {
                    name: link.to.to_owned(),
                    link: Some((part.name.to_owned(), link.import.to_owned())),
                });
                continue;
            };
            if seen.contains(&target.name) {
                continue;
            }
            seen.push(target.name);
            if let Some(start) = self.path.iter().position(|name| *name == target.name) {
                let circle = self.path[start..].iter().chain([&target.name]);
                let path = circle.map(|name| (*name).to_owned()).collect();
                self.errors.push(FuseError::Cycle { path });
            } else if !self.done.contains(&target.name) {
                self.visit(target);
            }
        }
        self.path.pop();
        self.done.push(part.name);
    }
}

/// The link that meets an import: one that names it exactly before one without a version.
fn link_for<'l, 'a>(import: &Extern, links: &'l [PartLink<'a>]) -> Option<&'l PartLink<'a>> {
    let exact = links.iter().find(|link| link.import == import.name);
    exact.or_else(|| links.iter().find(|link| is_meant(link.import, import)))
}

/// Whether a link's key names an import: exactly, or as any version of an interface.
fn is_meant(key: &str, import: &Extern) -> bool {
    key == import.name
        || match (InterfaceName::parse(key), InterfaceName::parse(&import.name)) {
            (Some(key), Some(name)) => key.version.is_none() && key.is_same_interface(&name),
            _ => false,
        }
}

/// The export that can meet an import by name: the very same, else the latest compatible version.
fn find_export(exports: &[Extern], import: &Extern) -> Option<usize> {
    let exact = exports.iter().position(|export| export.name == import.name);
    exact.or_else(|| {
        let version = |export: &Extern| export.interface.as_ref()?.version.clone();
        let compatible = exports.iter().enumerate().filter(|(_, export)| export.can_meet(import));
        compatible.max_by_key(|(_, export)| version(export)).map(|(index, _)| index)
    })
}

/// Whether the host answers for an import, if only to deny it.
fn is_of_host(import: &Extern) -> bool {
    import.interface.as_ref().is_some_and(authority::is_of_host)
}

fn no_such_import(component: &str, import: &str, imports: &[Extern]) -> FuseError {
    let unversioned = |name: &str| name.split('@').next().unwrap_or(name).to_owned();
    let likeness = |name: &str| strsim::jaro_winkler(&unversioned(name), &unversioned(import));
    let nearest = imports
        .iter()
        .map(|known| (likeness(&known.name), &known.name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name.clone());
    FuseError::NoSuchImport {
        component: component.to_owned(),
        import: import.to_owned(),
        nearest,
        imports: super::names(imports),
    }
}
