//! Makes instances cheaper: welds the core modules of a component together.
//!
//! Tools build a component from several core modules: the program; an adapter for WASI preview 1; a
//! table of shims, since functions of the host need the program's memory before there is one; and a
//! module that fills the table. An engine instantiates each of them for every request, and looks up
//! every function that one takes from another. Welded, there are two:
//!
//! - the base, which has the memory with its data, and stubs for functions that the component model
//!   needs before the joint exists, such as the allocator;
//! - the joint, which has the code of all of them. It calls directly what one imported from
//!   another, and imports the host's functions, because the memory exists by then.
//!
//! Components within a component are welded separately, so that none gets another's rights.
//! Components of a different shape are left unchanged.

mod base;
mod counting;
mod graph;
mod handle;
mod join;
mod joint;
pub(crate) mod keeper;
mod layout;
mod ledger;
mod module;
mod nest;
pub(crate) mod reset;
mod rewrite;
mod shims;

use std::borrow::Cow;

use wasm_encoder::reencode;
use wasmparser::{
    BinaryReaderError, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, ComponentTypeRef, FromReader, Parser, Payload, SectionLimited,
    types::Types,
};

use crate::read::component_types;
use crate::section::{MAX_DEPTH, id, split, write};

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

/// The same, for a component whose instances are to be used again: it exports functions that put an
/// instance back into its first state, see [`reset`]. Their names have this `tag`, of lower-case letters and
/// digits, which the component must not know: a hash of it.
///
/// # Errors
/// If there is something in the component that cannot be put back.
pub fn weld_with_reset(component: &[u8], tag: &str) -> Result<Vec<u8>, NoReset> {
    if hands_out_modules(component).map_err(Unfit::from)? {
        return Err(Unfit("it hands out core modules").into());
    }
    let types = component_types(component).ok_or(Unfit("it runs several calls at a time"))?;
    let (bytes, resets) = resettable(component, &mut types.into_iter(), tag, 0)?;
    if resets > 0 { Ok(bytes) } else { Err(Unfit("it has no code").into()) }
}

/// Why instances of a component cannot be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its instances cannot be reset: {0}")]
pub struct NoReset(&'static str);

impl From<Unfit> for NoReset {
    fn from(unfit: Unfit) -> Self {
        Self(unfit.0)
    }
}

/// The component with what resets it, and how many pairs of functions do that. `types` begin with those of
/// the components within it.
fn resettable(
    component: &[u8],
    types: &mut std::vec::IntoIter<Types>,
    tag: &str,
    depth: usize,
) -> Fit<(Vec<u8>, u32)> {
    if depth == MAX_DEPTH {
        return Err(Unfit("it is nested too deeply"));
    }
    let (header, sections) = split(component)?;
    let within = sections.iter().filter(|(section, _)| *section == id::COMPONENT);
    let within = within.map(|(_, data)| resettable(data, types, tag, depth + 1));
    let within = within.collect::<Fit<Vec<_>>>()?;
    let types = types.next().ok_or(graph::NO_ITEM)?;
    let mut changed = within.iter();
    let sections: Vec<_> = sections
        .iter()
        .map(|&(section, data)| match section {
            id::COMPONENT => (section, changed.next().map_or(data, |(bytes, _)| bytes)),
            _ => (section, data),
        })
        .collect();
    let mut out = header.to_vec();
    let mut functions = types.component_function_count();
    let has_code = sections.iter().any(|(section, _)| *section == id::CORE_MODULE);
    if has_code {
        out.extend(rewrite::rewrite_with_reset(&sections, &types, tag)?);
        functions += reset::FUNCTIONS;
    } else {
        for (section, data) in &sections {
            write(*section, data, &mut out);
        }
    }
    let resets: Vec<_> = within.iter().map(|(_, resets)| *resets).collect();
    let resets = nest::pass_on(&sections, &resets, functions, u32::from(has_code), tag, &mut out)?;
    Ok((out, resets))
}

/// Whether core modules of one component are used by another, or outside.
fn hands_out_modules(component: &[u8]) -> Result<bool, BinaryReaderError> {
    const MODULE: ComponentExternalKind = ComponentExternalKind::Module;
    for payload in Parser::new(0).parse_all(component) {
        let hands_out = match payload? {
            Payload::ComponentAliasSection(aliases) => any(aliases, |alias| match alias {
                ComponentAlias::Outer { kind, .. } => kind == ComponentOuterAliasKind::CoreModule,
                ComponentAlias::InstanceExport { kind, .. } => kind == MODULE,
                ComponentAlias::CoreInstanceExport { .. } => false,
            })?,
            Payload::ComponentImportSection(imports) => {
                any(imports, |import| matches!(import.ty, ComponentTypeRef::Module(_)))?
            }
            Payload::ComponentExportSection(exports) => {
                any(exports, |export| export.kind == MODULE)?
            }
            Payload::ComponentInstanceSection(instances) => any(instances, |it| match it {
                ComponentInstance::Instantiate { args, .. } => {
                    args.iter().any(|argument| argument.kind == MODULE)
                }
                ComponentInstance::FromExports(exports) => {
                    exports.iter().any(|export| export.kind == MODULE)
                }
            })?,
            _ => false,
        };
        if hands_out {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether one of a section's items is like that.
fn any<'a, T: FromReader<'a>>(
    section: SectionLimited<'a, T>,
    is_so: impl Fn(T) -> bool,
) -> Result<bool, BinaryReaderError> {
    for item in section {
        if is_so(item?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The component with what could be welded, if anything could.
fn welded(component: &[u8], depth: usize) -> Option<Vec<u8>> {
    let (header, sections) = split(component).ok()?;
    if depth == MAX_DEPTH {
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
