//! From a checked app to its units: reads the components, checks what only their bytes show (types,
//! exports, folders), and fuses them. All problems are reported at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use keyway_app::{App, Capability, Code, Component, ComponentName, Doubts, Draft, Place, Problem};
use keyway_component::{
    AdaptError, Description, FuseError, Minimum, Part, PartLink, Unmet, adapt, describe, fuse,
    minimum,
};

use crate::{
    assembly::{
        folder, handler,
        limit::{self, Size},
        source::{SourceFile, Sources, read_sources},
    },
    backend,
    problem::problem,
};

/// An app whose components were read and fused, ready to be compiled.
#[derive(Debug)]
pub struct Assembly {
    /// The app.
    pub app: App,
    /// Its components.
    pub components: BTreeMap<ComponentName, Loaded>,
    /// Its units, one for each component that a trigger starts, in the order of their names.
    pub units: Vec<AssembledUnit>,
}

/// A component that was read.
#[derive(Debug)]
pub struct Loaded {
    /// The file that it was read from.
    pub path: PathBuf,
    /// The component: if the file holds a core module of preview 1, that with its adapter.
    pub bytes: Vec<u8>,
    /// What it is.
    pub description: Description,
}

/// A unit that was fused.
#[derive(Debug)]
pub struct AssembledUnit {
    /// The component that its trigger starts.
    pub root: ComponentName,
    /// The fused component.
    pub unit: keyway_component::Unit,
    /// What an instance of it takes at least.
    pub minimum: Minimum,
}

/// Reads the components of `app` and fuses its units.
///
/// # Errors
/// All that is wrong with the components, their links and their grants.
pub fn assemble(app: App) -> Result<Assembly, Vec<Problem>> {
    let (assembly, problems) = put_together(app, &Doubts::default());
    if problems.is_empty() { Ok(assembly) } else { Err(problems) }
}

/// Reads those of the components of `app` that can be, and fuses those of its units that can be. To
/// look at an app or a component, which need not be fit to run. Also returns why the others cannot be
/// read.
pub fn read(app: App) -> (Assembly, Vec<Problem>) {
    let (assembly, mut problems) = put_together(app, &Doubts::default());
    let unread = [Code::UnreadableSource, Code::NotAComponent, Code::NoRegistry];
    problems.retain(|problem| unread.contains(&problem.code));
    (assembly, problems)
}

/// The components of `app`, each read by itself.
///
/// # Errors
/// All components that cannot be read.
pub(crate) fn load_all(app: &App) -> Result<BTreeMap<ComponentName, Loaded>, Vec<Problem>> {
    let (all, problems) = load_each(app);
    if problems.is_empty() { Ok(all) } else { Err(problems) }
}

/// Those of the components of `app` that can be read, and why the others cannot.
pub(crate) fn load_each(app: &App) -> (BTreeMap<ComponentName, Loaded>, Vec<Problem>) {
    let (mut sources, mut problems) = read_sources(app);
    let mut all = BTreeMap::new();
    for component in app.components.values() {
        let Some(source) = sources.remove(&component.name) else { continue };
        match understand(component, source) {
            Ok(loaded) => {
                all.insert(component.name.clone(), loaded);
            }
            Err(problem) => problems.push(problem),
        }
    }
    (all, problems)
}

/// A component composed from several.
#[derive(Debug)]
pub struct Composed {
    /// The component.
    pub bytes: Vec<u8>,
    /// The names of the components in it, in the order of the manifest.
    pub components: Vec<String>,
}

/// Composes `root` and all that it is linked to.
///
/// # Errors
/// All that is wrong with the components and their links.
pub(crate) fn compose(
    app: &App,
    root: &ComponentName,
    unmet: Unmet,
) -> Result<Composed, Vec<Problem>> {
    let components = load_all(app)?;
    let parts = parts(app, &components);
    let bytes = keyway_component::compose(root.as_str(), &parts, unmet).map_err(|errors| {
        let problems = errors.iter().map(|error| match error {
            FuseError::Unmet { candidates, .. } if candidates.is_empty() => Problem {
                help: Some("link it, or leave it open for later with `--open`".to_owned()),
                ..of_fusion(app, error, true)
            },
            _ => of_fusion(app, error, true),
        });
        problems.collect::<Vec<_>>()
    })?;
    Ok(Composed { bytes, components: components.keys().map(ToString::to_string).collect() })
}

/// All that is wrong with `app`.
pub(crate) fn problems(app: App) -> Vec<Problem> {
    put_together(app, &Doubts::default()).1
}

/// All that is wrong with a draft beside what its manifest says.
pub(crate) fn further_problems(draft: Draft) -> Vec<Problem> {
    put_together(draft.app, &draft.doubts).1
}

/// An assembly as far as it can be had, with all its problems.
fn put_together(mut app: App, doubts: &Doubts) -> (Assembly, Vec<Problem>) {
    let (sources, mut problems) = read_sources(&app);
    problems.extend(folder::resolve(&mut app));
    problems.extend(backend::check(&app));
    let (assembly, further) = of_sources(app, sources, doubts);
    problems.extend(further);
    (assembly, problems)
}

/// An assembly of components whose files were read, in an app whose folders are resolved; unread
/// files have been reported. Follow-on errors, and the `doubts`, are not further problems.
pub(crate) fn of_sources(
    app: App,
    mut sources: Sources,
    doubts: &Doubts,
) -> (Assembly, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut components = BTreeMap::new();
    for component in app.components.values() {
        let Some(source) = sources.remove(&component.name) else { continue };
        match understand(component, source) {
            Ok(loaded) => {
                problems.extend(unused_links(component, &loaded.description));
                components.insert(component.name.clone(), loaded);
            }
            Err(problem) => problems.push(problem),
        }
    }
    let mut assembly = Assembly { app, components, units: Vec::new() };
    let started = roots(&assembly.app);
    let mut fused = started.clone();
    let whole = !doubts.uses && assembly.components.len() == assembly.app.components.len();
    if !whole {
        let read = assembly.app.components.values();
        let read = read.filter(|component| assembly.components.contains_key(&component.name));
        // What another one leads to that is not known is looked at by itself.
        fused.extend(unlinked(read));
    }
    let mut told = BTreeSet::new();
    for root in fused {
        let limits = started.contains(&root) && !doubts.limits.contains(&root);
        let (further, errors) = assembly.add_unit(root, limits);
        problems.extend(further);
        // Units share components, and with them their problems.
        let new = |error: &&FuseError| !is_told(error, doubts) && told.insert(error.to_string());
        problems
            .extend(errors.iter().filter(new).map(|error| of_fusion(&assembly.app, error, whole)));
    }
    (assembly, problems)
}

/// Whether an error was already reported in other words, or follows from one that was.
fn is_told(error: &FuseError, doubts: &Doubts) -> bool {
    match error {
        // The manifest's check reports these, and an unreadable component has been reported.
        FuseError::UnknownComponent { .. } | FuseError::Cycle { .. } => true,
        FuseError::Unmet { component, .. } => {
            doubts.links.iter().any(|name| name.as_str() == component)
        }
        _ => false,
    }
}

impl Assembly {
    /// Fuses the unit of `root` if that was read, and says what is wrong with it; with its limits
    /// only if it is to have those.
    fn add_unit(&mut self, root: ComponentName, limits: bool) -> (Vec<Problem>, Vec<FuseError>) {
        let Some(loaded) = self.components.get(&root) else { return Default::default() };
        let exports = loaded.description.exports.iter();
        let exports: Vec<_> = exports.map(|export| export.name.clone()).collect();
        let mut problems = handler::missing(&self.app, &root, &exports);
        let fused = fuse(root.as_str(), &parts(&self.app, &self.components));
        let size = match &fused {
            Ok(unit) => Some(Size {
                components: unit.components.len(),
                // It was made here; one that cannot be read is refused when compiled.
                minimum: minimum(&unit.bytes).unwrap_or_default(),
            }),
            Err(_) => self.size(&root),
        };
        if limits {
            problems.extend(limit::check(&self.app, &root, &exports, size));
        }
        match fused {
            Ok(unit) => {
                let minimum = size.map(|size| size.minimum).unwrap_or_default();
                self.units.push(AssembledUnit { root, unit, minimum });
                (problems, Vec::new())
            }
            Err(errors) => (problems, errors),
        }
    }

    /// The size of the unit of `root`, which could not be fused; none if one of its components could
    /// not be read. Fusion adds neither memories nor core instances.
    fn size(&self, root: &ComponentName) -> Option<Size> {
        let mut seen = BTreeSet::from([root]);
        let mut open = vec![root];
        let mut all = Minimum::default();
        while let Some(name) = open.pop() {
            let loaded = self.components.get(name)?;
            all += minimum(&loaded.bytes).unwrap_or_default();
            let links = self.app.components[name].links.components().map(|link| link.to);
            open.extend(links.filter(|to| seen.insert(to)));
        }
        Some(Size { components: seen.len(), minimum: all })
    }
}

/// The roots of the units; in an app without triggers, every component that no other links to,
/// so that their links are checked all the same.
pub(crate) fn roots(app: &App) -> BTreeSet<ComponentName> {
    let triggered: BTreeSet<_> = app.unit_roots().into_iter().cloned().collect();
    if !triggered.is_empty() {
        return triggered;
    }
    unlinked(app.components.values())
}

/// Those of the components that none of them links to.
fn unlinked<'a>(
    components: impl Iterator<Item = &'a Component> + Clone,
) -> BTreeSet<ComponentName> {
    let links = components.clone().flat_map(|component| component.links.components());
    let linked: BTreeSet<_> = links.map(|link| link.to).collect();
    let names = components.map(|component| &component.name);
    names.filter(|name| !linked.contains(name)).cloned().collect()
}

/// Adapts a component and describes it.
fn understand(
    component: &Component,
    SourceFile { path, bytes }: SourceFile,
) -> Result<Loaded, Problem> {
    let invalid = |reason: String, help: Option<&str>| {
        let message = format!("the component `{}` ({}): {reason}", component.name, path.display());
        let place = component.source.place.clone();
        Problem { place, ..problem(Code::NotAComponent, message, help) }
    };
    let whole = "use a complete `.wasm` file, as a compiler writes it for `wasm32-wasip2`";
    let bytes = adapt(&bytes).map_err(|error| {
        let help = match error {
            AdaptError::NotWasm | AdaptError::Truncated { .. } => Some(whole),
            // These say themselves what to do, or only the compiler's author can do it.
            AdaptError::Invalid { .. }
            | AdaptError::Unsupported { .. }
            | AdaptError::OtherModule { .. }
            | AdaptError::Encode { .. } => None,
        };
        invalid(error.to_string(), help)
    })?;
    let bytes = bytes.into_owned();
    let description = describe(&bytes).map_err(|error| invalid(error.to_string(), None))?;
    Ok(Loaded { path, bytes, description })
}

/// A link to a backend needs an import that has a use for it.
fn unused_links(component: &Component, description: &Description) -> Vec<Problem> {
    let is_used = |capability: Capability| {
        let mut imports = description.needs.iter().flat_map(|need| &need.imports);
        imports.any(|import| capability.is_used_by(import))
    };
    let unused = Capability::ALL.iter().copied().filter(|capability| !is_used(*capability));
    unused
        .filter_map(|capability| {
            let message = format!(
                "`{}` does not import `{}`, nor any other interface that this link covers",
                component.name,
                capability.row().interfaces[0]
            );
            let help = Some("remove the link");
            // A link that no user wrote, as in a `spin.toml`, is there for components that use it.
            let place = Some(component.links.of(capability).next()?.place.clone()?);
            Some(Problem { place, ..problem(Code::NoSuchImport, message, help) })
        })
        .collect()
}

/// The components that were read as the parts of units.
fn parts<'a>(app: &'a App, components: &'a BTreeMap<ComponentName, Loaded>) -> Vec<Part<'a>> {
    let part = |(name, loaded): (&'a ComponentName, &'a Loaded)| Part {
        name: name.as_str(),
        bytes: &loaded.bytes,
        links: app.components[name]
            .links
            .components()
            .map(|link| PartLink { import: link.import.as_str(), to: link.to.as_str() })
            .collect(),
    };
    components.iter().map(part).collect()
}

/// A problem of fusion, at the link that it is about, or else at the component. In an app that is
/// not known as a whole, what no component exports may be exported by one.
fn of_fusion(app: &App, error: &FuseError, whole: bool) -> Problem {
    let component = error
        .component()
        .and_then(|name| app.components.values().find(|c| c.name.as_str() == name));
    Problem {
        code: code(error),
        message: error.to_string(),
        label: None,
        help: match error {
            FuseError::Unmet { candidates, .. } if candidates.is_empty() && !whole => {
                Some("link it to a component that exports it".to_owned())
            }
            _ => error.help(),
        },
        place: component.and_then(|component| place_of(component, error.import())),
    }
}

fn code(error: &FuseError) -> Code {
    match error {
        FuseError::UnknownComponent { .. } => Code::UnknownComponent,
        FuseError::Unreadable { .. } => Code::UnreadableComponent,
        FuseError::NoSuchImport { .. } => Code::NoSuchImport,
        FuseError::NotExported { .. } => Code::NotExported,
        FuseError::Unmet { .. } => Code::UnmetImport,
        FuseError::Mismatch { .. } => Code::LinkTypeMismatch,
        FuseError::Cycle { .. } => Code::LinkCycle,
        FuseError::Compose { .. } => Code::NotComposable,
    }
}

fn place_of(component: &Component, import: Option<&str>) -> Option<Place> {
    let link = import.and_then(|import| component.links.of_import(import));
    link.and_then(|link| link.place.clone()).or_else(|| component.place.clone())
}
