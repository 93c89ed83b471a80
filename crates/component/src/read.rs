//! Reads what a component imports and exports, with signatures in WIT syntax.

mod example;
mod nesting;
pub(crate) mod signature;
mod used;

use serde::Serialize;
use wasmparser::{
    BinaryReaderError, Encoding, Parser, Payload, ValidPayload, Validator, WasmFeatures,
    component_types::ComponentEntityType, types::Types,
};

use crate::InterfaceName;
use signature::Signatures;
pub(crate) use used::Used;

/// Why bytes cannot be read as a component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The bytes do not begin as WebAssembly does.
    #[error(
        "this is not a WebAssembly file: it does not begin with the bytes `\\0asm` and a version"
    )]
    NotWasm,
    /// A core module, where a component is needed.
    #[error("this is a WebAssembly core module, not a component")]
    CoreModule,
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
}

impl From<BinaryReaderError> for ReadError {
    fn from(error: BinaryReaderError) -> Self {
        let (reason, offset) = (error.message().to_owned(), error.offset());
        if reason.starts_with("unexpected end") {
            Self::Truncated { offset }
        } else {
            Self::Invalid { reason, offset }
        }
    }
}

/// One import or export of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Extern {
    /// The name as the component gives it: an interface's name or a plain one.
    pub name: String,
    /// The interface that the name names, or that a plain name is said to implement.
    pub interface: Option<InterfaceName>,
    /// What it is.
    pub kind: ExternKind,
    /// Its functions: those of an instance, or the one function that it is.
    pub functions: Vec<Function>,
    /// The types that it defines or uses.
    pub types: Vec<TypeDefinition>,
    /// Whether it consists of types alone and brings no resource of its own, so that it gives
    /// nothing and need not be met.
    pub is_only_types: bool,
}

impl Extern {
    /// The interface's name if it has one, else the plain name.
    pub fn interface_or_name(&self) -> String {
        self.interface.as_ref().map_or_else(|| self.name.clone(), ToString::to_string)
    }

    /// Whether an export like this can stand in for `import`, by name.
    pub fn can_meet(&self, import: &Self) -> bool {
        self.name == import.name
            || match (&self.interface, &import.interface) {
                (Some(ours), Some(theirs)) => ours.is_compatible(theirs),
                _ => false,
            }
    }
}

/// What an import or export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExternKind {
    /// An instance of an interface.
    Instance,
    /// A function.
    Func,
    /// A type.
    Type,
    /// A component.
    Component,
    /// A core module.
    Module,
    /// A value.
    Value,
}

/// A function with its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Function {
    /// Its name; that of a resource's function is `resource.function`.
    pub name: String,
    /// Its signature in WIT syntax, such as `func(line: string) -> result<entry, error>`.
    pub signature: String,
    /// A call of it with made-up values, in WAVE; none if it takes or returns what no text stands
    /// for, such as a handle or a stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
}

/// A named type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeDefinition {
    /// Its name.
    pub name: String,
    /// Its definition in WIT syntax, such as `enum level { info, warn }`.
    pub definition: String,
}

/// What a component imports and exports, in its own order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surface {
    pub(crate) imports: Vec<Extern>,
    pub(crate) exports: Vec<Extern>,
    pub(crate) used: Used,
}

/// How much of a component is validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// All but the bodies of functions: enough to read and compose types; the engine validates the
    /// bodies when it compiles them.
    Structure,
    /// Everything.
    Whole,
}

impl Surface {
    /// Validates a component and reads what it imports and exports.
    pub(crate) fn read(bytes: &[u8], depth: Depth) -> Result<Self, ReadError> {
        if encoding(bytes)? == Encoding::Module {
            return Err(ReadError::CoreModule);
        }
        let (types, names) = validate(bytes, depth)?;
        let mut signatures = Signatures::new(&types);
        let mut surface = Self { used: Used::read(&types, &names), ..Self::default() };
        for name in names.imports {
            let item = types.component_item_for_import(name);
            surface.imports.extend(item.map(|item| signatures.read(name, item)));
        }
        for name in names.exports {
            let item = types.component_item_for_export(name);
            surface.exports.extend(item.map(|item| signatures.read(name, item)));
        }
        Ok(surface)
    }
}

/// Whether the bytes begin as a module or as a component.
pub(crate) fn encoding(bytes: &[u8]) -> Result<Encoding, ReadError> {
    const MAGIC: &[u8] = b"\0asm";
    if bytes.len() < 8 && bytes.get(..4).is_none_or(|start| start == MAGIC) {
        let is_start = !bytes.is_empty() && (bytes.starts_with(MAGIC) || MAGIC.starts_with(bytes));
        return Err(if is_start {
            ReadError::Truncated { offset: bytes.len() as u64 }
        } else {
            ReadError::NotWasm
        });
    }
    if Parser::is_component(bytes) {
        Ok(Encoding::Component)
    } else if Parser::is_core_wasm(bytes) {
        Ok(Encoding::Module)
    } else {
        Err(ReadError::NotWasm)
    }
}

/// What WebAssembly and its component model have beyond their beginnings, of which a component may use
/// what is here. The engine is set up with the same, so that what is valid can be compiled.
const FEATURES: WasmFeatures = WasmFeatures::WASM3
    .union(WasmFeatures::WIDE_ARITHMETIC)
    .union(WasmFeatures::COMPONENT_MODEL)
    .union(WasmFeatures::CM_FIXED_LENGTH_LISTS)
    .union(WasmFeatures::CM_IMPLEMENTS)
    .union(WasmFeatures::CM_MAP)
    .union(ASYNCHRONOUS);

/// What of these belongs to calls at the same time.
const ASYNCHRONOUS: WasmFeatures = WasmFeatures::CM_ASYNC
    .union(WasmFeatures::CM_ASYNC_STACKFUL)
    .union(WasmFeatures::CM_MORE_ASYNC_BUILTINS)
    .union(WasmFeatures::CM_ERROR_CONTEXT);

/// The names of the features that a component may use, as `wasmparser` has them; with or without those of
/// calls at the same time.
pub fn features(with_asynchronous: bool) -> impl Iterator<Item = &'static str> {
    let left_out = if with_asynchronous { WasmFeatures::empty() } else { ASYNCHRONOUS };
    FEATURES.difference(left_out).iter_names().map(|(name, _)| name)
}

/// Whether a component is valid without the component model's asynchronous part: it calls, and is
/// called, one function at a time. What is not valid at all is not synchronous either.
pub fn is_synchronous(bytes: &[u8]) -> bool {
    validate_with(FEATURES.difference(ASYNCHRONOUS), bytes, Depth::Structure).is_ok()
}

/// The types of a component and of all within it, each after those within it; nothing if it is not valid
/// without the component model's asynchronous part.
pub(crate) fn component_types(bytes: &[u8]) -> Option<Vec<Types>> {
    let mut validator = Validator::new_with_features(FEATURES.difference(ASYNCHRONOUS));
    let mut all = Vec::new();
    let mut encodings = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.ok()?;
        nesting::check(&payload, bytes).ok()?;
        if let Payload::Version { encoding, .. } = payload {
            encodings.push(encoding);
        }
        if let ValidPayload::End(types) = validator.payload(&payload).ok()?
            && encodings.pop()? == Encoding::Component
        {
            all.push(types);
        }
    }
    Some(all)
}

/// The names of a component's imports and exports, in order.
#[derive(Default)]
pub(crate) struct Names<'a> {
    imports: Vec<&'a str>,
    exports: Vec<&'a str>,
}

/// Validates a module or component.
pub(crate) fn validate(bytes: &[u8], depth: Depth) -> Result<(Types, Names<'_>), ReadError> {
    validate_with(FEATURES, bytes, depth).map_err(|error| match error {
        ReadError::Invalid { reason, offset }
            if validate_with(WasmFeatures::all(), bytes, depth).is_ok() =>
        {
            ReadError::Unsupported { reason, offset }
        }
        error => error,
    })
}

fn validate_with(
    features: WasmFeatures,
    bytes: &[u8],
    depth: Depth,
) -> Result<(Types, Names<'_>), ReadError> {
    let mut validator = Validator::new_with_features(features);
    let mut names = Names::default();
    let mut nesting = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        nesting::check(&payload, bytes)?;
        if nesting == 1 {
            match &payload {
                Payload::ComponentImportSection(section) => {
                    for import in section.clone() {
                        names.imports.push(import?.name.name);
                    }
                }
                Payload::ComponentExportSection(section) => {
                    for export in section.clone() {
                        names.exports.push(export?.name.name);
                    }
                }
                _ => {}
            }
        }
        match &payload {
            Payload::Version { .. } => nesting += 1,
            Payload::End(_) => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        match validator.payload(&payload)? {
            ValidPayload::Func(function, body) if depth == Depth::Whole => {
                function.into_validator(Default::default()).validate(&body)?;
            }
            ValidPayload::End(types) if nesting == 0 => return Ok((types, names)),
            _ => {}
        }
    }
    Err(ReadError::Truncated { offset: bytes.len() as u64 })
}

/// Whether an entity is a resource that is defined in place rather than used from elsewhere.
pub(crate) fn is_own_resource(entity: &ComponentEntityType) -> bool {
    use wasmparser::component_types::ComponentAnyTypeId::Resource;
    matches!(
        entity,
        ComponentEntityType::Type { referenced: Resource(of), created: Resource(new) } if of == new
    )
}
