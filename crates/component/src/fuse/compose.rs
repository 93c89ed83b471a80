//! Builds the fused component with `wac-graph`, and checks the result.

use std::collections::{HashMap, HashSet};

use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId};
use wac_types::{InterfaceId, ItemKind, Package, Type};

use super::{
    FuseError, Unit, UnitImport,
    difference::{End, differences},
    is_shared,
    label::Labels,
    names,
    plan::{Member, Met, Plan},
};
use crate::{
    Extern, InterfaceName,
    guard::{Panic, caught},
    read::{Depth, Surface},
};

/// A planned unit with all its types in one place.
pub(super) struct Composition<'p, 'a> {
    plan: &'p Plan<'a>,
    graph: CompositionGraph,
    /// The composer's packages, in the order of the members; none for one that is not readable.
    packages: Vec<Option<PackageId>>,
}

impl<'p, 'a> Composition<'p, 'a> {
    /// Loads the members' types.
    pub(super) fn load(plan: &'p Plan<'a>) -> Result<Self, FuseError> {
        guarded(plan, || {
            let mut graph = CompositionGraph::new();
            let mut packages = Vec::with_capacity(plan.members.len());
            for member in &plan.members {
                packages.push(if member.is_readable {
                    Some(register(&mut graph, member)?)
                } else {
                    None
                });
            }
            Ok(Self { plan, graph, packages })
        })
    }

    /// All links whose two ends are of different types.
    pub(super) fn mismatches(&self) -> Vec<FuseError> {
        let mut errors = Vec::new();
        for (index, member) in self.plan.members.iter().enumerate() {
            for (import, met) in member.surface.imports.iter().zip(&member.met) {
                let Met::Link { to, export } = *met else { continue };
                let target = &self.plan.members[to];
                let export = &target.surface.exports[export];
                let (Some(wanted), Some(given)) =
                    (self.import(index, &import.name), self.export(to, &export.name))
                else {
                    continue;
                };
                let differences = differences(
                    self.graph.types(),
                    End { kind: wanted, item: import },
                    End { kind: given, item: export },
                );
                if !differences.is_empty() {
                    errors.push(FuseError::Mismatch {
                        component: member.part.name.to_owned(),
                        import: import.name.clone(),
                        to: target.part.name.to_owned(),
                        export: export.name.clone(),
                        differences,
                    });
                }
            }
        }
        errors
    }

    /// Writes the unit.
    pub(super) fn compose(mut self) -> Result<Unit, FuseError> {
        let plan = self.plan;
        let described = self.described();
        let (bytes, owned) = guarded(plan, || self.encode())?;
        let surface = Surface::read(&bytes, Depth::Structure)
            .map_err(|error| failure(plan, error.to_string()))?;
        let imports = account(plan, &surface, owned, &described)?;
        Ok(Unit {
            bytes,
            components: plan.members.iter().map(|member| member.part.name.to_owned()).collect(),
            imports,
            exports: plan
                .members
                .first()
                .map(|root| names(&root.surface.exports))
                .unwrap_or_default(),
        })
    }

    /// Writes a component whose members share their imports.
    pub(super) fn merge(mut self) -> Result<Vec<u8>, FuseError> {
        let plan = self.plan;
        let (bytes, _) = guarded(plan, || self.encode())?;
        // Other hosts may take less than Keyway's engine does, but never what is not valid.
        let valid = Surface::read(&bytes, Depth::Structure);
        valid.map_err(|error| failure(plan, error.to_string()))?;
        Ok(bytes)
    }

    /// Links and labels everything and encodes it. The second value has the owner and interface
    /// of each label.
    fn encode(&mut self) -> Result<(Vec<u8>, HashMap<String, UnitImport>), String> {
        let nodes = self.instantiate();
        let tied = self.tied();
        let mut labels = Labels::default();
        let mut owned = HashMap::new();
        for (index, member) in self.plan.members.iter().enumerate() {
            let mut given = HashMap::new();
            for (import, met) in member.surface.imports.iter().zip(&member.met) {
                let argument = match *met {
                    Met::Link { to, export } => {
                        let export = &self.plan.members[to].surface.exports[export].name;
                        self.graph.alias_instance_export(nodes[to], export).map_err(say)?
                    }
                    Met::Host => {
                        let kind =
                            self.import(index, &import.name).ok_or("an import has no type")?;
                        let name = self.name(kind, &tied, &mut labels, member, import);
                        let import = UnitImport {
                            name: name.clone(),
                            interface: import.interface_or_name(),
                            component: Some(index),
                        };
                        owned.insert(name.clone(), import);
                        self.graph.import(name, kind).map_err(say)?
                    }
                    Met::Shared | Met::Nothing => {
                        // A type of an interface is that of the instance that the interface is met by.
                        let used = member.surface.used.types.get(&import.name);
                        let used = used.and_then(|(of, name)| Some((*given.get(of)?, name)));
                        match used {
                            Some((of, name)) => {
                                self.graph.alias_instance_export(of, name).map_err(say)?
                            }
                            // Left unmet on purpose: the composer merges such imports by name and
                            // version.
                            None => continue,
                        }
                    }
                };
                given.insert(&import.name, argument);
                self.graph
                    .set_instantiation_argument(nodes[index], &import.name, argument)
                    .map_err(say)?;
            }
        }
        self.export_root(&nodes)?;
        // The result is validated when it is read again, with the features that the engine has.
        let options = EncodeOptions { validate: false, ..EncodeOptions::default() };
        let bytes = self.graph.encode(options).map_err(say)?;
        Ok((bytes, owned))
    }

    /// Names an import that belongs to one component: by a label, or, if resources tie it to other
    /// imports, as an interface of that component's own. The composer finds a used resource by the
    /// interface's name, which labels of one interface have in common.
    fn name(
        &mut self,
        kind: ItemKind,
        tied: &HashSet<InterfaceId>,
        labels: &mut Labels,
        member: &Member<'_>,
        import: &Extern,
    ) -> String {
        if let (ItemKind::Instance(id), Some(interface)) = (kind, &import.interface)
            && tied.contains(&id)
        {
            let name = labels.interface(member.part.name, interface);
            self.graph.types_mut()[id].id = Some(name.clone());
            return name;
        }
        labels.label(member.part.name, import)
    }

    /// The interfaces among the host's that use one another's resources.
    fn tied(&self) -> HashSet<InterfaceId> {
        let types = self.graph.types();
        let members = self.plan.members.iter().enumerate();
        let imports = members.flat_map(|(index, member)| {
            let imports = member.surface.imports.iter().zip(&member.met);
            imports.map(move |(import, met)| (index, import, *met))
        });
        let of_host: HashSet<_> = imports
            .filter(|(_, _, met)| *met == Met::Host)
            .filter_map(|(index, import, _)| instance(self.import(index, &import.name)?))
            .collect();
        let mut tied = HashSet::new();
        loop {
            let known = tied.len();
            for id in &of_host {
                for (name, used) in &types[*id].uses {
                    let name = used.name.as_ref().unwrap_or(name);
                    let kind = types[used.interface].exports.get(name);
                    let is_resource = matches!(kind, Some(ItemKind::Type(Type::Resource(_))));
                    let is_tied = is_resource || tied.contains(&used.interface);
                    if is_tied && of_host.contains(&used.interface) {
                        tied.extend([*id, used.interface]);
                    }
                }
            }
            if tied.len() == known {
                return tied;
            }
        }
    }

    /// All interfaces that members import.
    fn imports(&self) -> impl Iterator<Item = InterfaceId> {
        let types = self.graph.types();
        let packages = self.packages.iter().flatten();
        let kinds = packages.flat_map(|id| types[self.graph[*id].ty()].imports.values());
        kinds.filter_map(|kind| instance(*kind))
    }

    fn instantiate(&mut self) -> Vec<NodeId> {
        let members = self.plan.members.iter().zip(&self.packages);
        let mut nodes = Vec::with_capacity(self.packages.len());
        for (member, package) in members {
            if let Some(package) = package {
                let node = self.graph.instantiate(*package);
                self.graph.set_node_name(node, member.part.name);
                nodes.push(node);
            }
        }
        nodes
    }

    /// Exports all that the root exports. Where these exports use types of a linked interface, that
    /// interface is exported first: the component model wants every type in an export to have been
    /// given a name outside.
    fn export_root(&mut self, nodes: &[NodeId]) -> Result<(), String> {
        let Some(root) = self.plan.members.first() else { return Ok(()) };
        for export in &root.surface.exports {
            for used in root.surface.used.functions.get(&export.name).into_iter().flatten() {
                self.export_used(nodes, 0, used)?;
            }
            self.export_with_uses(nodes, 0, &export.name)?;
        }
        Ok(())
    }

    fn export_with_uses(
        &mut self,
        nodes: &[NodeId],
        member: usize,
        name: &str,
    ) -> Result<(), String> {
        if self.graph.get_export(name).is_some() {
            return Ok(());
        }
        if let Some(ItemKind::Instance(interface)) = self.export(member, name) {
            for used in self.used(interface) {
                self.export_used(nodes, member, &used)?;
            }
        }
        let node = self.graph.alias_instance_export(nodes[member], name).map_err(say)?;
        self.graph.export(node, name).map_err(say)
    }

    /// Exports an interface that a member has types of, if it comes from a member.
    fn export_used(&mut self, nodes: &[NodeId], member: usize, used: &str) -> Result<(), String> {
        let Member { surface, met, .. } = &self.plan.members[member];
        match surface.imports.iter().position(|import| import.name == used).map(|at| met[at]) {
            Some(Met::Link { to, export }) => {
                let export = self.plan.members[to].surface.exports[export].name.clone();
                self.export_with_uses(nodes, to, &export)
            }
            None if surface.exports.iter().any(|export| export.name == used) => {
                self.export_with_uses(nodes, member, used)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The names of the interfaces whose types an interface uses.
    fn used(&self, interface: InterfaceId) -> Vec<String> {
        let types = self.graph.types();
        let uses = types[interface].uses.values();
        uses.filter_map(|used| types[used.interface].id.clone()).collect()
    }

    /// The names of all interfaces whose types an import of a member uses, directly or not, and of
    /// those that members share. The composer has to import the former to name these types, also
    /// those that give authority; no component is connected to such an import.
    fn described(&self) -> HashSet<String> {
        let types = self.graph.types();
        let mut open: Vec<InterfaceId> = self.imports().collect();
        let members = self.plan.members.iter();
        let met = members.flat_map(|member| member.surface.imports.iter().zip(&member.met));
        let shared = met.filter(|(_, met)| **met == Met::Shared);
        let mut described: HashSet<_> =
            shared.map(|(import, _)| import.interface_or_name()).collect();
        while let Some(interface) = open.pop() {
            for used in types[interface].uses.values() {
                if let Some(name) = &types[used.interface].id
                    && described.insert(name.clone())
                {
                    open.push(used.interface);
                }
            }
        }
        described
    }

    fn import(&self, member: usize, name: &str) -> Option<ItemKind> {
        let package = (*self.packages.get(member)?)?;
        self.graph.types()[self.graph[package].ty()].imports.get(name).copied()
    }

    fn export(&self, member: usize, name: &str) -> Option<ItemKind> {
        let package = (*self.packages.get(member)?)?;
        self.graph.types()[self.graph[package].ty()].exports.get(name).copied()
    }
}

fn instance(kind: ItemKind) -> Option<InterfaceId> {
    match kind {
        ItemKind::Instance(id) => Some(id),
        _ => None,
    }
}

fn register(graph: &mut CompositionGraph, member: &Member<'_>) -> Result<PackageId, String> {
    let name = format!("keyway:{}", member.part.name);
    let package = Package::from_bytes(&name, None, member.part.bytes, graph.types_mut())
        .map_err(|error| format!("{error:#}"))?;
    graph.register_package(package).map_err(say)
}

/// Gives every import of the finished unit its owner, and makes sure that none gives authority
/// without having one.
fn account(
    plan: &Plan<'_>,
    surface: &Surface,
    mut owned: HashMap<String, UnitImport>,
    described: &HashSet<String>,
) -> Result<Vec<UnitImport>, FuseError> {
    let mut imports = Vec::with_capacity(surface.imports.len());
    for import in &surface.imports {
        if let Some(import) = owned.remove(&import.name) {
            imports.push(import);
            continue;
        }
        let is_described = import.interface.as_ref().is_some_and(|interface| {
            let names = described.iter().filter_map(|name| InterfaceName::parse(name));
            names.into_iter().any(|name| name.is_compatible(interface))
        });
        if !is_shared(import) && !is_described {
            let reason = format!("the import `{}` of the result has no owner", import.name);
            return Err(failure(plan, reason));
        }
        imports.push(UnitImport {
            name: import.name.clone(),
            interface: import.interface_or_name(),
            component: None,
        });
    }
    match owned.into_keys().next() {
        Some(label) => Err(failure(plan, format!("the result lost its import `{label}`"))),
        None => Ok(imports),
    }
}

/// Runs the composer. It asserts what it assumes about its input; what holds for all that WIT can
/// say may not hold for a component written by hand, and that must not end the process.
fn guarded<T>(plan: &Plan<'_>, run: impl FnOnce() -> Result<T, String>) -> Result<T, FuseError> {
    let done = caught(run).unwrap_or_else(|Panic { message, .. }| {
        Err(format!("the composer cannot handle their types ({message})"))
    });
    done.map_err(|reason| failure(plan, reason))
}

fn failure(plan: &Plan<'_>, reason: String) -> FuseError {
    let components = plan.members.iter().map(|member| member.part.name.to_owned()).collect();
    FuseError::Compose { components, reason }
}

/// An error of the composer with its causes, on one line.
fn say(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
