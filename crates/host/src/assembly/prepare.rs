//! From a checked app to units that are ready to run.
//!
//! Results of an earlier run with the same bytes and links come from the cache; only the rest is
//! read, fused and compiled.

use std::{collections::BTreeMap, env, fs, os::unix::fs::MetadataExt, path::PathBuf};

use etcetera::BaseStrategy;
use keyway_app::{App, Capability, Code, ComponentName, Doubts, Problem};
use keyway_component::{Minimum, UnitImport};
use keyway_runtime::{Cache, CacheError, Compiled, CompiledNote, Compiler, Key, Purpose};
use serde::{Deserialize, Serialize};

use crate::{
    assembly::{
        assemble::{self, AssembledUnit, Assembly},
        folder,
        limit::{self, Size},
        source::{SourceFile, Sources, read_sources},
    },
    backend,
    error::ProcessError,
    problem::problem,
};

/// An app whose units are compiled.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) app: App,
    /// In the order of their roots' names.
    pub(crate) units: Vec<PreparedUnit>,
    /// What the components' files held when they were read.
    pub(crate) sources: BTreeMap<ComponentName, Key>,
}

impl Prepared {
    /// Whether any of it had to be compiled.
    pub(crate) fn is_compiled(&self) -> bool {
        self.units.iter().any(|unit| !unit.compiled.cached)
    }

    /// A component whose file was another one when `later` was prepared, except that of `except`.
    pub(crate) fn changed_since<'a>(
        &self,
        later: &'a Self,
        except: Option<&str>,
    ) -> Option<&'a ComponentName> {
        let changed = later.sources.iter().find(|(name, hash)| {
            except != Some(name.as_str()) && self.sources.get(*name) != Some(hash)
        });
        changed.map(|(name, _)| name)
    }
}

/// A unit that is compiled.
#[derive(Debug)]
pub(crate) struct PreparedUnit {
    /// The component that its trigger starts.
    pub(crate) root: ComponentName,
    /// What it is made of, the root first.
    pub(crate) components: Vec<String>,
    pub(crate) imports: Vec<UnitImport>,
    /// What the root exports.
    pub(crate) exports: Vec<String>,
    pub(crate) minimum: Minimum,
    pub(crate) compiled: Compiled,
}

/// What is noted of an app that was put together without a problem.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    units: Vec<UnitNote>,
}

#[derive(Debug, Serialize, Deserialize)]
struct UnitNote {
    components: Vec<String>,
    imports: Vec<UnitImport>,
    exports: Vec<String>,
    minimum: Minimum,
    code: CompiledNote,
}

/// Keyway's folder in the user's cache.
pub(crate) fn cache_folder() -> Result<PathBuf, ProcessError> {
    let folder = etcetera::choose_base_strategy()
        .map_err(|error| ProcessError::NoHome(error.to_string()))?;
    Ok(folder.cache_dir().join("keyway"))
}

/// Prepares apps, with a cache in the user's cache folder.
#[derive(Debug)]
pub(crate) struct Workshop {
    compiler: Compiler,
    purpose: Purpose,
}

impl Workshop {
    /// Opens the cache, and sets up the compiler for one purpose.
    ///
    /// # Errors
    /// If there is no folder for the cache, others could write to it, or the processor is not
    /// supported.
    pub(crate) fn open(purpose: Purpose) -> Result<Self, ProcessError> {
        let cache = match Cache::open(cache_folder()?.join("compiled")) {
            Ok(cache) => cache,
            Err(error @ CacheError::Folder { .. }) => {
                // It is slower to start without, and that is all.
                tracing::warn!("{error}; compiled code is not cached");
                Cache::none()
            }
            Err(error) => return Err(ProcessError::Cache(error)),
        };
        let compiler = Compiler::new(cache, purpose)?;
        Ok(Self { compiler, purpose })
    }

    /// Whether what it compiles is there for a later start.
    pub(crate) fn keeps(&self) -> bool {
        self.compiler.cache().keeps()
    }

    /// Reads, checks, fuses and compiles what is not known yet.
    ///
    /// # Errors
    /// All that is wrong with the components, their links and their grants.
    pub(crate) fn prepare(&self, mut app: App) -> Result<Prepared, Vec<Problem>> {
        let (sources, mut problems) = read_sources(&app);
        problems.extend(folder::resolve(&mut app));
        problems.extend(backend::check(&app));
        self.prepare_sources(app, sources, problems)
    }

    /// The same, ahead of a start: the folders and settings that the app needs then may be missing yet.
    ///
    /// # Errors
    /// All that is wrong with the components and their links.
    pub(crate) fn prepare_ahead(&self, app: App) -> Result<Prepared, Vec<Problem>> {
        let (sources, problems) = read_sources(&app);
        self.prepare_sources(app, sources, problems)
    }

    /// Compiles the units of `app`, which may be part of one that is prepared later, and notes nothing.
    /// Returns whether the cache lacked one.
    ///
    /// # Errors
    /// As [`Self::prepare_ahead`].
    pub(crate) fn compile_part(&self, app: App) -> Result<bool, Vec<Problem>> {
        let (sources, mut problems) = read_sources(&app);
        let hashes = hashes(&sources);
        let (assembly, further) = assemble::of_sources(app, sources, &Doubts::default());
        problems.extend(further);
        match problems.is_empty() {
            true => Ok(self.compile(assembly, hashes)?.is_compiled()),
            false => Err(problems),
        }
    }

    fn prepare_sources(
        &self,
        app: App,
        sources: Sources,
        mut problems: Vec<Problem>,
    ) -> Result<Prepared, Vec<Problem>> {
        let hashes = hashes(&sources);
        let name = note_name(&app, &hashes, self.purpose);
        if problems.is_empty()
            && let Some(units) = self.recall(&app, &name)
        {
            let wrong = |unit: &PreparedUnit| {
                let PreparedUnit { root, components, exports, minimum, .. } = unit;
                let size = Size { components: components.len(), minimum: *minimum };
                limit::check(&app, root, exports, Some(size))
            };
            problems.extend(units.iter().flat_map(wrong));
            return match problems.is_empty() {
                true => Ok(Prepared { app, units, sources: hashes }),
                false => Err(problems),
            };
        }
        let (assembly, further) = assemble::of_sources(app, sources, &Doubts::default());
        problems.extend(further);
        if !problems.is_empty() {
            return Err(problems);
        }
        let prepared = self.compile(assembly, hashes)?;
        self.note(&name, &prepared);
        Ok(prepared)
    }

    /// Compiles all units. A failed one does not hide the problems of the rest.
    fn compile(
        &self,
        assembly: Assembly,
        sources: BTreeMap<ComponentName, Key>,
    ) -> Result<Prepared, Vec<Problem>> {
        let Assembly { app, units: assembled, .. } = assembly;
        let mut problems = Vec::new();
        let mut units = Vec::new();
        for AssembledUnit { root, unit, minimum } in assembled {
            let keyway_component::Unit { bytes, components, imports, exports } = unit;
            match self.compiler.compile(&bytes) {
                Ok(compiled) => {
                    let unit =
                        PreparedUnit { root, components, imports, exports, minimum, compiled };
                    units.push(unit);
                }
                Err(error) => problems.push(Problem {
                    place: app.components[&root].place.clone(),
                    ..problem(Code::CannotCompile, format!("`{root}`: {error}"), None)
                }),
            }
        }
        if problems.is_empty() { Ok(Prepared { app, units, sources }) } else { Err(problems) }
    }

    fn recall(&self, app: &App, name: &Key) -> Option<Vec<PreparedUnit>> {
        let note: Note = serde_json::from_slice(&self.compiler.cache().note(name)?).ok()?;
        let unit = |(root, UnitNote { components, imports, exports, minimum, code })| {
            let compiled = self.compiler.recall(&code)?;
            Some(PreparedUnit { root, components, imports, exports, minimum, compiled })
        };
        assemble::roots(app).into_iter().zip(note.units).map(unit).collect()
    }

    fn note(&self, name: &Key, prepared: &Prepared) {
        // Without it the next start takes longer, and that is all.
        if let Err(error) = self.keep_note(name, prepared) {
            tracing::info!("{error}");
        }
    }

    fn keep_note(&self, name: &Key, Prepared { units, .. }: &Prepared) -> Result<(), String> {
        let note = |unit: &PreparedUnit| {
            Ok(UnitNote {
                components: unit.components.clone(),
                imports: unit.imports.clone(),
                exports: unit.exports.clone(),
                minimum: unit.minimum,
                code: self.compiler.note(&unit.compiled).map_err(|error| error.to_string())?,
            })
        };
        let note = Note { units: units.iter().map(note).collect::<Result<_, String>>()? };
        let note = serde_json::to_vec(&note).map_err(|error| error.to_string())?;
        self.compiler.cache().keep_note(name, &note).map_err(|error| error.to_string())
    }
}

/// A name for all that a note follows from: this program, the components' bytes, what they are
/// called, how they are linked, and which of them are started.
fn note_name(app: &App, sources: &BTreeMap<ComponentName, Key>, purpose: Purpose) -> Key {
    let mut hasher = blake3::Hasher::new();
    // Lengths go first, so that no two apps make the same bytes.
    let mut add = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    add(&this_program());
    add(format!("{purpose:?}").as_bytes());
    for root in assemble::roots(app) {
        add(root.as_str().as_bytes());
    }
    for trigger in &app.routes {
        add(b"route");
        add(trigger.component.as_str().as_bytes());
    }
    for trigger in &app.messages {
        add(b"messages");
        add(trigger.component.as_str().as_bytes());
    }
    for trigger in &app.changes {
        add(b"changes");
        add(trigger.component.as_str().as_bytes());
    }
    add(if app.is_idle() { b"looked at" } else { b"triggered" });
    for (name, hash) in sources {
        add(name.as_str().as_bytes());
        add(hash.as_str().as_bytes());
        let links = &app.components[name].links;
        // Whether these links have an import is found out when the component is read.
        for &capability in Capability::ALL {
            add(capability.row().section.as_bytes());
            add(&[u8::from(links.of(capability).next().is_some())]);
        }
        add(&(links.components().count() as u64).to_le_bytes());
        for link in links.components() {
            add(link.import.as_str().as_bytes());
            add(link.to.as_str().as_bytes());
        }
    }
    Key::of(hasher.finalize())
}

fn hashes(sources: &Sources) -> BTreeMap<ComponentName, Key> {
    let hash = |source: &SourceFile| Key::of(blake3::hash(&source.bytes));
    sources.iter().map(|(name, source)| (name.clone(), hash(source))).collect()
}

/// Tells one build of the program from another, which may fuse in other ways.
fn this_program() -> Vec<u8> {
    let version = env!("CARGO_PKG_VERSION").as_bytes().to_vec();
    let Ok(file) = env::current_exe().and_then(fs::metadata) else { return version };
    let identity = [file.len(), file.mtime() as u64, file.mtime_nsec() as u64];
    identity.iter().flat_map(|part| part.to_le_bytes()).chain(version).collect()
}
