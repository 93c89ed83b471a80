//! Makes instances cheaper: welds the core modules of a component together.
//!
//! Tools make a component of several core modules: the program; an adapter for WASI preview 1; a
//! table of shims, since functions of the host need the program's memory before there is one; and a
//! module that fills the table. An engine makes an instance of each for every request, and looks up
//! every function that one has of another. Welded, there are two:
//!
//! - the base, which has the memory with its data, and stubs for what the component model is given
//!   before there is the joint, such as what allocates;
//! - the joint, which has the code of all of them. What one imported of another it calls directly,
//!   and what comes from the host it imports, since the memory is there by then.
//!
//! Components within a component are welded each on its own, so that no right of one is another's.
//! What does not look like that stays as it is.

mod graph;
mod join;
mod joint;
mod module;
mod rewrite;
mod shims;

use std::borrow::Cow;

use wasm_encoder::reencode;
use wasmparser::{BinaryReader, BinaryReaderError, ComponentAlias, ComponentOuterAliasKind};
use wasmparser::{ComponentExternalKind, Parser, Payload};

/// The bytes that a module or component begins with: the magic number and the version.
const HEADER_BYTES: usize = 8;

/// Levels of components within components. No tool makes more than a few.
const DEPTH_AT_MOST: usize = 100;

/// The sections of a component, by its binary format.
mod id {
    pub(super) const CUSTOM: u8 = 0;
    pub(super) const CORE_MODULE: u8 = 1;
    pub(super) const CORE_INSTANCE: u8 = 2;
    pub(super) const COMPONENT: u8 = 4;
    pub(super) const INSTANCE: u8 = 5;
    pub(super) const ALIAS: u8 = 6;
    pub(super) const TYPE: u8 = 7;
    pub(super) const CANONICAL: u8 = 8;
    pub(super) const START: u8 = 9;
}

/// Why a component stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
struct Unfit(&'static str);

type Fit<T> = Result<T, Unfit>;

impl From<BinaryReaderError> for Unfit {
    fn from(_: BinaryReaderError) -> Self {
        Self("it cannot be read")
    }
}

impl From<reencode::Error<Unfit>> for Unfit {
    fn from(error: reencode::Error<Unfit>) -> Self {
        match error {
            reencode::Error::UserError(unfit) => unfit,
            _ => Self("it has what cannot be written again"),
        }
    }
}

/// A component that does the same and takes fewer core instances, or `component` itself.
///
/// The structure of the bytes should have been validated; otherwise what comes of them may be anything,
/// also a component. The bodies of functions need not be.
pub fn weld(component: &[u8]) -> Cow<'_, [u8]> {
    match hands_out_modules(component) {
        Ok(false) => welded(component, 0).map_or(Cow::Borrowed(component), Cow::Owned),
        Ok(true) | Err(_) => Cow::Borrowed(component),
    }
}

/// Whether core modules of one component are used by another, or outside.
fn hands_out_modules(component: &[u8]) -> Result<bool, BinaryReaderError> {
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ComponentAliasSection(aliases) => {
                for alias in aliases {
                    let is_module = match alias? {
                        ComponentAlias::Outer { kind, .. } => {
                            kind == ComponentOuterAliasKind::CoreModule
                        }
                        ComponentAlias::InstanceExport { kind, .. } => {
                            kind == ComponentExternalKind::Module
                        }
                        ComponentAlias::CoreInstanceExport { .. } => false,
                    };
                    if is_module {
                        return Ok(true);
                    }
                }
            }
            Payload::ComponentImportSection(imports) => {
                for import in imports {
                    if matches!(import?.ty, wasmparser::ComponentTypeRef::Module(_)) {
                        return Ok(true);
                    }
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports {
                    if export?.kind == ComponentExternalKind::Module {
                        return Ok(true);
                    }
                }
            }
            Payload::ComponentInstanceSection(instances) => {
                for instance in instances {
                    let is_module = match instance? {
                        wasmparser::ComponentInstance::Instantiate { args, .. } => {
                            args.iter().any(|arg| arg.kind == ComponentExternalKind::Module)
                        }
                        wasmparser::ComponentInstance::FromExports(exports) => {
                            exports.iter().any(|item| item.kind == ComponentExternalKind::Module)
                        }
                    };
                    if is_module {
                        return Ok(true);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(false)
}

/// A component's sections, each with its id.
type Sections<'a> = Vec<(u8, &'a [u8])>;

/// The component with what could be welded, if anything could.
fn welded(component: &[u8], depth: usize) -> Option<Vec<u8>> {
    let (header, sections) = sections(component).ok()?;
    if depth == DEPTH_AT_MOST {
        return None;
    }
    let within: Vec<_> = sections
        .iter()
        .map(|&(section, data)| {
            (section == id::COMPONENT).then(|| welded(data, depth + 1)).flatten()
        })
        .collect();
    let changes_within = within.iter().any(Option::is_some);
    let sections: Vec<_> = sections
        .iter()
        .zip(&within)
        .map(|(&(section, data), welded)| (section, welded.as_deref().unwrap_or(data)))
        .collect();
    let mut out = header.to_vec();
    match rewrite::rewrite(&sections) {
        Ok(sections) => out.extend(sections),
        Err(_) if changes_within => {
            for (section, data) in sections {
                write(section, data, &mut out);
            }
        }
        Err(_) => return None,
    }
    Some(out)
}

fn sections(component: &[u8]) -> Fit<(&[u8], Sections<'_>)> {
    let mut reader = BinaryReader::new(component, 0);
    let header = reader.read_bytes(HEADER_BYTES)?;
    let mut sections = Vec::new();
    while !reader.eof() {
        let section = reader.read_u8()?;
        let size = reader.read_var_u32()?;
        sections.push((section, reader.read_bytes(size as usize)?));
    }
    Ok((header, sections))
}

fn write(section: u8, data: &[u8], out: &mut Vec<u8>) {
    use wasm_encoder::Encode;
    out.push(section);
    data.encode(out);
}
