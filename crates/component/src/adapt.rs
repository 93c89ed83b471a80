//! Turns core modules built for WASI preview 1 into components.

mod apart;
mod bridge;
mod encoded;
mod preview_1;

use std::{borrow::Cow, collections::BTreeSet};

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW_1,
    WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as COMMAND,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR,
};
use wasmparser::{Encoding, Parser, Payload};
use wit_component::ComponentEncoder;

use crate::{
    candidate,
    guard::{Panic, caught},
    read::{Depth, ReadError, encoding, validate},
};
use apart::{Program, WORLD};

/// The names by which programs export an allocator that an adapter may use.
const REALLOCS: [&str; 2] = ["cabi_realloc", "cabi_realloc_adapter"];

/// Why bytes are not a component and cannot be turned into one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdaptError {
    /// The bytes do not begin as WebAssembly does.
    #[error(
        "this is not a WebAssembly file: it does not begin with the bytes `\\0asm` and a version"
    )]
    NotWasm,
    /// The bytes end too early.
    #[error("the WebAssembly file is truncated: it ends at byte {offset}, where more must follow")]
    Truncated {
        /// Where more bytes were expected.
        offset: u64,
    },
    /// The bytes are not valid WebAssembly.
    #[error("the WebAssembly file is not valid at byte {offset}: {reason}")]
    Invalid {
        /// What the validator says.
        reason: String,
        /// Where.
        offset: u64,
    },
    /// The bytes are valid WebAssembly, with something that the engine does not have.
    #[error(
        "the WebAssembly file is valid, but uses what Keyway does not support, at byte {offset}: {reason}; \
         build it without that"
    )]
    Unsupported {
        /// What the validator says.
        reason: String,
        /// Where.
        offset: u64,
    },
    /// A core module that was built neither for WASI preview 1 nor for the component model.
    #[error(
        "this core module cannot be adapted: {}; build it for `wasm32-wasip1` or `wasm32-wasip2`",
        other_module(imports)
    )]
    OtherModule {
        /// The modules that it imports from and that preview 1 does not have.
        imports: Vec<String>,
    },
    /// The module says that it is for the component model but does not keep to its own WIT.
    #[error("the core module cannot be turned into a component: {reason}")]
    Encode {
        /// What the encoder says.
        reason: String,
    },
}

fn other_module(imports: &[String]) -> String {
    if imports.is_empty() {
        "it neither uses WASI preview 1 nor says which WIT world it implements".to_owned()
    } else {
        let names: Vec<_> = imports.iter().map(|name| format!("`{name}`")).collect();
        format!("it imports from {}, which WASI preview 1 does not have", names.join(", "))
    }
}

impl From<ReadError> for AdaptError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotWasm => Self::NotWasm,
            ReadError::Truncated { offset } => Self::Truncated { offset },
            ReadError::Invalid { reason, offset } => Self::Invalid { reason, offset },
            ReadError::Unsupported { reason, offset } => Self::Unsupported { reason, offset },
            ReadError::CoreModule => Self::Invalid { reason: error.to_string(), offset: 0 },
        }
    }
}

/// Makes a component of a core module of WASI preview 1; a component stays as it is, but for the names
/// of release candidates of WASI that became the release without a change.
///
/// A module that exports `_start` becomes a command, any other a reactor. Components are not
/// validated: [`crate::describe`] and [`crate::fuse`] do that.
///
/// # Errors
///
/// Says whether the bytes are not WebAssembly, broken, or another kind of module.
pub fn adapt(bytes: &[u8]) -> Result<Cow<'_, [u8]>, AdaptError> {
    adapt_with(bytes, Room::OfAdapter)
}

/// As [`adapt`], for a program whose `cabi_realloc` allocates for good, as those with `malloc` of C or
/// the allocator of Go do: the adapter gets its memory from there, and one memory is cheaper than two.
///
/// # Errors
///
/// As those of [`adapt`].
pub fn adapt_lending(bytes: &[u8]) -> Result<Cow<'_, [u8]>, AdaptError> {
    adapt_with(bytes, Room::OfProgram)
}

fn adapt_with(bytes: &[u8], room: Room) -> Result<Cow<'_, [u8]>, AdaptError> {
    match encoding(bytes)? {
        Encoding::Component => Ok(candidate::released(bytes)?),
        Encoding::Module => {
            validate(bytes, Depth::Whole)?;
            let module = Module::read(bytes)?;
            module.check()?;
            let adapter = if module.is_command { COMMAND } else { REACTOR };
            let component = if module.is_taken_as_it_is(room) {
                encode(bytes, adapter, Room::OfProgram)
            } else {
                let encode = |bridge: &[u8]| encode(bridge, adapter, Room::OfAdapter);
                Program::read(bytes)?.component(encode)
            };
            component.and_then(|component| match candidate::released(&component)? {
                Cow::Owned(released) => Ok(Cow::Owned(released)),
                Cow::Borrowed(_) => Ok(Cow::Owned(component)),
            })
        }
    }
}

/// Where the adapter's memory comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    /// The allocator that the program exports.
    OfProgram,
    /// It is the adapter's alone, and grows.
    OfAdapter,
}

fn encode(module: &[u8], adapter: &[u8], room: Room) -> Result<Vec<u8>, AdaptError> {
    let encode = || {
        ComponentEncoder::default()
            .module(module)
            .and_then(|encoder| {
                let encoder = encoder.validate(true);
                let encoder = encoder.realloc_via_memory_grow(room == Room::OfAdapter);
                encoder.adapter(PREVIEW_1, adapter)
            })
            .and_then(ComponentEncoder::encode)
            .map_err(|error| format!("{error:#}"))
    };
    // A world of its own, which is encoded in a module, may be of any making.
    let encoded = caught(encode)
        .unwrap_or_else(|Panic { message, .. }| Err(format!("the encoder fails ({message})")));
    encoded.map_err(|reason| AdaptError::Encode { reason })
}

/// What decides how a core module is adapted.
#[derive(Default)]
struct Module {
    imports: Vec<String>,
    is_command: bool,
    /// Whether it carries the WIT world that it was generated for, and so may import whatever
    /// that world has.
    has_world: bool,
    /// Whether it exports an allocator for others.
    has_realloc: bool,
    has_memory: bool,
    /// Whether it imports something twice, as no module of a component may.
    has_repeats: bool,
}

impl Module {
    fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let mut module = Self::default();
        let mut known = BTreeSet::new();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        let from = import.module;
                        module.has_repeats |= !known.insert((from, import.name));
                        if !module.imports.iter().any(|known| known == from) {
                            module.imports.push(from.to_owned());
                        }
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let name = export?.name;
                        module.is_command |= name == "_start";
                        module.has_realloc |= REALLOCS.contains(&name);
                        module.has_memory |= name == "memory";
                    }
                }
                Payload::CustomSection(section) => {
                    module.has_world |= section.name().starts_with(WORLD);
                }
                _ => {}
            }
        }
        Ok(module)
    }

    fn uses_preview_1(&self) -> bool {
        self.imports.iter().any(|name| name == PREVIEW_1)
    }

    /// Whether it needs no bridge: the adapter has no memory of its own, if there is one.
    fn is_taken_as_it_is(&self, room: Room) -> bool {
        let lends = room == Room::OfProgram && self.has_realloc && self.has_memory;
        self.has_world && !self.has_repeats && (lends || !self.uses_preview_1())
    }

    fn check(&self) -> Result<(), AdaptError> {
        let is_preview_1 = self.is_command || self.uses_preview_1();
        let others: Vec<_> = self.imports.iter().filter(|name| *name != PREVIEW_1).collect();
        if self.has_world || (is_preview_1 && others.is_empty()) {
            return Ok(());
        }
        Err(AdaptError::OtherModule { imports: others.into_iter().cloned().collect() })
    }
}
