//! The WIT world that a project implements.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use keyway_component::guard::caught;
use wit_component::WitPrinter;
use wit_parser::{
    Docs, Function, Handle, IndexMap, InterfaceId, LiveTypes, Package, PackageId, PackageName,
    Resolve, Stability, Type, TypeDefKind, WorldId, WorldItem, WorldKey,
};

use crate::Features;

/// A world, with everything that it refers to.
#[derive(Debug, Clone)]
pub struct World {
    /// All packages.
    pub(crate) resolve: Resolve,
    /// The world among them.
    pub(crate) id: WorldId,
}

/// The package of a world.
pub(crate) struct WorldPackage {
    /// Without its version.
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    /// A name for a folder with it.
    pub(crate) folder: String,
    /// How many worlds it has.
    pub(crate) worlds: usize,
}

/// Why no world was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitError {
    /// There is no WIT at all.
    #[error(
        "there is no {}: a project says in WIT, in a folder `wit`, what its component imports and \
         exports", path.display()
    )]
    Missing {
        /// The file or folder.
        path: PathBuf,
    },
    /// The WIT has a mistake. The parser says where.
    #[error("the WIT in {} is not valid", path.display())]
    Invalid {
        /// The file or folder.
        path: PathBuf,
        /// What the parser says, with the place and its line.
        reason: String,
    },
    /// The reader gave up on it.
    #[error(
        "the WIT in {} ends what reads it: {said}; leave out parts of it to find the one that does, and \
         write that in another way", path.display()
    )]
    Panic {
        /// The file or folder.
        path: PathBuf,
        /// What was said last.
        said: String,
    },
    /// There is no world of this name, or several and no name was given.
    #[error(
        "{} has {}", path.display(),
        no_world(wanted.as_deref(), worlds)
    )]
    World {
        /// The file or folder.
        path: PathBuf,
        /// The world that was asked for.
        wanted: Option<String>,
        /// Those that there are.
        worlds: Vec<String>,
    },
    /// A feature was asked for that nothing is behind.
    #[error(
        "{} has no feature `{wanted}`: {}", path.display(),
        match features.as_slice() {
            [] => "nothing in it is behind `@unstable(feature = …)`".to_owned(),
            features => format!("there are {}", quoted(features)),
        }
    )]
    Feature {
        /// The file or folder.
        path: PathBuf,
        /// The feature that was asked for.
        wanted: String,
        /// Those that there are.
        features: Vec<String>,
    },
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn no_world(wanted: Option<&str>, worlds: &[String]) -> String {
    let names = quoted(worlds);
    match (wanted, worlds) {
        (None, []) => "no world: write one, `world NAME { export …; }`".to_owned(),
        (Some(wanted), []) => format!("no world `{wanted}`, or any other"),
        (Some(wanted), _) => format!("no world `{wanted}`; there are {names}"),
        (None, _) => format!(
            "the worlds {names}: choose one with `--world NAME`, or with `build.world` in the \
             manifest"
        ),
    }
}

impl World {
    /// Reads the world `wanted` of the package at `path`, a folder with its dependencies under
    /// `deps` or one file. A package with one world needs no name. What is behind
    /// `@unstable(feature = …)` is there for the features that are on.
    ///
    /// # Errors
    /// If there is no such world or feature, or the WIT is wrong.
    pub fn read(path: &Path, wanted: Option<&str>, features: &Features) -> Result<Self, WitError> {
        guarded(path, || Self::read_unguarded(path, wanted, features))
    }

    fn read_unguarded(
        path: &Path,
        wanted: Option<&str>,
        features: &Features,
    ) -> Result<Self, WitError> {
        if !path.exists() {
            return Err(WitError::Missing { path: path.to_owned() });
        }
        let (resolve, package) = parse(path, features)?;
        if !features.names.is_empty() {
            let (whole, _) = parse(path, &Features { all: true, ..Features::default() })?;
            let known = known_features(&whole);
            if let Some(wanted) = features.names.iter().find(|name| !known.contains(*name)) {
                let (path, wanted) = (path.to_owned(), wanted.clone());
                let features = known.into_iter().collect();
                return Err(WitError::Feature { path, wanted, features });
            }
        }
        // A name may be a word of WIT, which is written with `%` there.
        let worlds = &resolve.packages[package].worlds;
        let by_name = wanted.and_then(|name| worlds.get(name.trim_start_matches('%'))).copied();
        let id = by_name.map_or_else(|| resolve.select_world(&[package], wanted).ok(), Some);
        match id {
            Some(id) => Ok(Self { resolve, id }),
            None => Err(WitError::World {
                path: path.to_owned(),
                wanted: wanted.map(str::to_owned),
                worlds: worlds.keys().cloned().collect(),
            }),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.resolve.worlds[self.id].name
    }

    /// Its name for tools that read names as WIT does.
    pub(crate) fn escaped_name(&self) -> String {
        format!("%{}", self.name())
    }

    /// The package that it is of.
    pub(crate) fn package(&self) -> WorldPackage {
        let package = self.resolve.worlds[self.id].package;
        let package = &self.resolve.packages[package.expect("a world that was read has a package")];
        let name = &package.name;
        WorldPackage {
            name: format!("{}:{}", name.namespace, name.name),
            version: name.version.as_ref().map(ToString::to_string),
            folder: format!("{}-{}", name.namespace, name.name),
            worlds: package.worlds.len(),
        }
    }

    /// The features that are on and have something behind them.
    pub(crate) fn features_on(&self) -> BTreeSet<String> {
        known_features(&self.resolve)
    }

    /// Its WIT as one text with nothing behind features.
    pub(crate) fn without_gates(&self) -> Result<String, String> {
        let mut resolve = self.resolve.clone();
        for (_, interface) in &mut resolve.interfaces {
            interface.stability = Stability::Unknown;
            for function in interface.functions.values_mut() {
                function.stability = Stability::Unknown;
            }
        }
        for (_, ty) in &mut resolve.types {
            ty.stability = Stability::Unknown;
        }
        for (_, world) in &mut resolve.worlds {
            world.stability = Stability::Unknown;
            for item in world.imports.values_mut().chain(world.exports.values_mut()) {
                match item {
                    WorldItem::Interface { stability, .. } => *stability = Stability::Unknown,
                    WorldItem::Function(function) => function.stability = Stability::Unknown,
                    WorldItem::Type { .. } => {}
                }
            }
        }
        let package = resolve.worlds[self.id].package;
        let package = package.expect("a world that was read has a package");
        let others = resolve.packages.iter().map(|(id, _)| id).filter(|id| *id != package);
        let mut printer = WitPrinter::default();
        printer
            .print(&resolve, package, &others.collect::<Vec<_>>())
            .map_err(|error| format!("its WIT cannot be printed: {error:#}"))?;
        Ok(printer.output.to_string())
    }

    /// The part `name` of it as WIT, in a package of its own: with its imports if `with_imports`, and the
    /// exports that `is_kept` says.
    pub(crate) fn part(
        &self,
        name: &str,
        with_imports: bool,
        is_kept: &dyn Fn(&WorldKey) -> bool,
    ) -> Result<String, String> {
        let mut resolve = self.resolve.clone();
        let package = resolve.packages.alloc(Package {
            name: PackageName {
                namespace: "keyway".to_owned(),
                name: name.to_owned(),
                version: None,
            },
            docs: Docs::default(),
            interfaces: IndexMap::default(),
            worlds: IndexMap::default(),
        });
        let mut world = resolve.worlds[self.id].clone();
        world.package = Some(package);
        world.exports.retain(|key, _| is_kept(key));
        world.imports.retain(|_, _| with_imports);
        let name = world.name.clone();
        let id = resolve.worlds.alloc(world);
        resolve.packages[package].worlds.insert(name, id);
        let mut printer = WitPrinter::default();
        let printed = printer.print(&resolve, package, &[]);
        printed.map_err(|error| format!("its WIT cannot be printed: {error:#}"))?;
        Ok(printer.output.to_string())
    }

    /// An interface as a user knows it: `wasi:http/types@0.2.0`, or its name in the world.
    pub(crate) fn interface_name(&self, id: InterfaceId) -> String {
        self.resolve.id_of(id).unwrap_or_else(|| {
            let world = &self.resolve.worlds[self.id];
            let mut items = world.imports.iter().chain(&world.exports);
            let found = items.find_map(|(key, item)| match (key, item) {
                (WorldKey::Name(name), WorldItem::Interface { id: of, .. }) if *of == id => {
                    Some(name)
                }
                _ => None,
            });
            found.cloned().unwrap_or_default()
        })
    }

    /// The namespaces of all packages that it may refer to, such as `wasi`.
    pub(crate) fn namespaces(&self) -> BTreeSet<&str> {
        let packages = self.resolve.packages.iter();
        packages.map(|(_, package)| package.name.namespace.as_str()).collect()
    }

    /// The names of what it imports itself and not by an interface of a package.
    pub(crate) fn own_imports(&self) -> impl Iterator<Item = &str> {
        let imports = self.resolve.worlds[self.id].imports.iter();
        imports.filter_map(|(key, item)| match (key, item) {
            (WorldKey::Name(_), WorldItem::Type { .. }) | (WorldKey::Interface(_), _) => None,
            (WorldKey::Name(name), _) => Some(name.as_str()),
        })
    }

    /// Whether it imports or exports an interface of this package, such as `wasi:http`; with
    /// `wasi:` one of any package of WASI.
    pub(crate) fn mentions(&self, package: &str) -> bool {
        let world = &self.resolve.worlds[self.id];
        world.imports.values().chain(world.exports.values()).any(|item| {
            let WorldItem::Interface { id, .. } = item else { return false };
            self.resolve.id_of(*id).is_some_and(|name| name.starts_with(package))
        })
    }

    /// What it has that bindings of WASI 0.3 alone can hand over, as words about it.
    pub(crate) fn asynchrony(&self) -> Option<String> {
        let World { resolve, id, .. } = self;
        let world = &resolve.worlds[*id];
        let function = self
            .asynchronous_export()
            .or_else(|| functions(resolve, world.imports.values()).find(|f| f.kind.is_async()));
        if let Some(function) = function {
            return Some(format!("its function `{}` is asynchronous", function.name));
        }
        let mut types = LiveTypes::default();
        types.add_world(resolve, *id);
        types.iter().find_map(|ty| match resolve.types[ty].kind {
            TypeDefKind::Stream(_) => Some("it has a `stream`".to_owned()),
            TypeDefKind::Future(_) => Some("it has a `future`".to_owned()),
            _ => None,
        })
    }

    /// An asynchronous function that it exports, if there is one.
    pub(crate) fn asynchronous_export(&self) -> Option<&Function> {
        let exports = self.resolve.worlds[self.id].exports.values();
        functions(&self.resolve, exports).find(|function| function.kind.is_async())
    }
}

/// What a reader makes of the WIT at `path`. It is not Keyway's own, and may panic.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, WitError>) -> Result<T, WitError> {
    caught(read)
        .unwrap_or_else(|panic| Err(WitError::Panic { path: path.to_owned(), said: panic.message }))
}

fn parse(path: &Path, features: &Features) -> Result<(Resolve, PackageId), WitError> {
    let mut resolve = Resolve { all_features: features.all, ..Resolve::default() };
    resolve.features.extend(features.names.iter().cloned());
    match resolve.push_path(path) {
        Ok((package, _)) => Ok((resolve, package)),
        Err(error) => {
            let reason = resolve.render_error(&error).trim_end().to_owned();
            Err(WitError::Invalid { path: path.to_owned(), reason })
        }
    }
}

/// The features that something is behind.
fn known_features(resolve: &Resolve) -> BTreeSet<String> {
    let interfaces = resolve.interfaces.iter().flat_map(|(_, interface)| {
        let functions = interface.functions.values().map(|function| &function.stability);
        functions.chain([&interface.stability])
    });
    let worlds = resolve.worlds.iter().flat_map(|(_, world)| {
        let items = world.imports.values().chain(world.exports.values());
        let items = items.filter_map(|item| match item {
            WorldItem::Interface { stability, .. } => Some(stability),
            WorldItem::Function(function) => Some(&function.stability),
            WorldItem::Type { .. } => None,
        });
        items.chain([&world.stability])
    });
    let types = resolve.types.iter().map(|(_, ty)| &ty.stability);
    let features = interfaces.chain(worlds).chain(types).filter_map(|stability| match stability {
        Stability::Unstable { feature, .. } => Some(feature.clone()),
        _ => None,
    });
    features.collect()
}

/// The functions of a world's imports or exports, with those of their interfaces.
fn functions<'a>(
    resolve: &'a Resolve,
    items: impl Iterator<Item = &'a WorldItem>,
) -> impl Iterator<Item = &'a Function> {
    items.flat_map(|item| {
        let (own, interface) = match item {
            WorldItem::Function(function) => (Some(function), None),
            WorldItem::Interface { id, .. } => (None, Some(&resolve.interfaces[*id])),
            WorldItem::Type { .. } => (None, None),
        };
        own.into_iter().chain(interface.into_iter().flat_map(|i| i.functions.values()))
    })
}

/// The types that a definition is made of.
pub(crate) fn parts(kind: &TypeDefKind) -> Vec<Type> {
    match kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|field| field.ty).collect(),
        TypeDefKind::Tuple(tuple) => tuple.types.clone(),
        TypeDefKind::Variant(variant) => variant.cases.iter().filter_map(|case| case.ty).collect(),
        TypeDefKind::Result(result) => result.ok.into_iter().chain(result.err).collect(),
        TypeDefKind::Option(ty)
        | TypeDefKind::List(ty)
        | TypeDefKind::FixedLengthList(ty, _)
        | TypeDefKind::Type(ty) => vec![*ty],
        TypeDefKind::Map(key, value) => vec![*key, *value],
        TypeDefKind::Future(ty) | TypeDefKind::Stream(ty) => ty.iter().copied().collect(),
        TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id)) => vec![Type::Id(*id)],
        TypeDefKind::Resource
        | TypeDefKind::Flags(_)
        | TypeDefKind::Enum(_)
        | TypeDefKind::Unknown => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_reader_is_an_error_that_says_what_to_do() {
        let path = Path::new("a.wit");
        let read = guarded(path, || -> Result<World, WitError> { panic!("no way") });
        let said = read.expect_err("it panics").to_string();
        assert!(
            said.starts_with("the WIT in a.wit ends what reads it: no way; leave out"),
            "{said}"
        );
    }
}
