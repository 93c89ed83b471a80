//! The WIT world that a project implements.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use wit_parser::{Function, LiveTypes, Resolve, TypeDefKind, WorldId, WorldItem};

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
}

fn no_world(wanted: Option<&str>, worlds: &[String]) -> String {
    let names = worlds.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
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
    /// `deps` or one file. A package with one world needs no name.
    ///
    /// # Errors
    /// If there is no such world, or the WIT is wrong.
    pub fn read(path: &Path, wanted: Option<&str>) -> Result<Self, WitError> {
        if !path.exists() {
            return Err(WitError::Missing { path: path.to_owned() });
        }
        let mut resolve = Resolve { all_features: false, ..Resolve::default() };
        let package = match resolve.push_path(path) {
            Ok((package, _)) => package,
            Err(error) => {
                let reason = resolve.render_error(&error).trim_end().to_owned();
                return Err(WitError::Invalid { path: path.to_owned(), reason });
            }
        };
        match resolve.select_world(&[package], wanted) {
            Ok(id) => Ok(Self { resolve, id }),
            Err(_) => Err(WitError::World {
                path: path.to_owned(),
                wanted: wanted.map(str::to_owned),
                worlds: resolve.packages[package].worlds.keys().cloned().collect(),
            }),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.resolve.worlds[self.id].name
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

    /// The namespaces of all packages that it may refer to, such as `wasi`.
    pub(crate) fn namespaces(&self) -> BTreeSet<&str> {
        let packages = self.resolve.packages.iter();
        packages.map(|(_, package)| package.name.namespace.as_str()).collect()
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
        let World { resolve, id } = self;
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
