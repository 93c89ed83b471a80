//! What resets a component, so that an instance of it which has answered becomes as it was when it was new.
//!
//! A third core module, the keeper, is instantiated last. It keeps what the globals of the joint are at that
//! moment, and gives the component two functions more:
//!
//! - `keyway-view` lends the memory to the host, as a list of bytes that is as long as the memory. The host
//!   compares and copies bytes; it does so while nothing runs in the instance.
//! - `keyway-reset` does the rest, see [`Act`](super::keeper::Act): globals, and the table of handles.
//!
//! **The table of handles.** A component numbers its handles from 1 and uses the numbers of dropped ones
//! again, the last one first. So an instance would notice by the numbers of its handles that it is not new,
//! and could even tell the next request something by the order in which it drops them. The joint counts how
//! many handles it was given since the last reset: no more slots can be in the table than that, or than were
//! there before. The keeper takes as many handles of a resource of its own. It then has all slots, except
//! those of handles that the component has not dropped; these it drops, by the kinds that the joint's
//! [`ledger`](super::ledger) has noted, and takes their slots too. It gives its handles back from the last
//! to the first, so that the next handles get 1, 2, 3 …, as in a new table.
//!
//! To take as many handles as there were slots, while some slots are not free, makes the table longer. So
//! the keeper takes fewer if the last request left some, which most often is what the next one does. If it
//! took too few, it takes a free slot for a handle that was left, and the instance traps and ends.
//!
//! **What cannot be reset** is left as it is: components that change their tables, or run several calls at a
//! time. An instance whose memory has grown is not reset either, since no memory shrinks, nor is one that has
//! handles left which cannot be dropped.

use wasm_encoder::{
    Alias, CanonicalFunctionSection, CanonicalOption, ComponentAliasSection, ComponentExportKind,
    ComponentExportSection, ComponentSection, ComponentTypeSection, ComponentValType, ExportKind,
    InstanceSection, MemoryType, ModuleArg, PrimitiveValType, ValType,
};
use wasmparser::types::Types;

use super::{
    Fit,
    join::{JOINT, MEMORY},
    joint::{COUNT, global_name},
    keeper::{drop_name, keeper},
    ledger,
    module::count,
};
use crate::section::{id, write};

/// What `keyway-reset` of the instance `number` within a component is called, and `keyway-view`. The `tag`
/// tells both from what the component exports itself.
pub fn reset_names(number: u32, tag: &str) -> [String; 2] {
    [format!("{RESET}{number}-k{tag}"), format!("{VIEW}{number}-k{tag}")]
}

/// The name, before a number, of a function `(act: u32) -> u32` that resets everything except memory.
const RESET: &str = "keyway-reset";
/// The name, before the same number, of a function `() -> list<u8>` that lends the memory.
const VIEW: &str = "keyway-view";

/// Where the keeper is among the core modules of the component, and its instance among theirs.
const KEEPER_MODULE: u32 = 2;
const KEEPER: u32 = JOINT + 2;

/// What there is before the keeper comes: how the component numbers what it has, and its memory.
pub(super) struct Before<'t> {
    pub(super) types: &'t Types,
    pub(super) core_functions: u32,
    pub(super) memory: MemoryType,
    /// The mutable globals of the joint.
    pub(super) globals: &'t [ValType],
    /// The types by which handles of each kind are dropped.
    pub(super) kinds: &'t [u32],
    /// Of the names of what is exported.
    pub(super) tag: &'t str,
}

/// Functions of the component that [`append`] adds: two, and both once more as exports.
pub(super) const FUNCTIONS: u32 = 4;

/// Adds the keeper to a welded component, as the last of its sections, and the two functions.
pub(super) fn append(before: &Before<'_>, out: &mut Vec<u8>) -> Fit<()> {
    let Before { types, core_functions, memory, globals, kinds, tag } = *before;
    write(id::CORE_MODULE, &keeper(memory, globals, count(kinds))?, out);
    let mut add = |section: &dyn ComponentSection| section.append_to_component(out);

    let resource = types.as_ref().component_type_count();
    let [reset_type, bytes_type, view_type] = [resource + 1, resource + 2, resource + 3];
    let mut section = ComponentTypeSection::new();
    section.resource(ValType::I32, None);
    let number = ComponentValType::Primitive(PrimitiveValType::U32);
    section.function().params([("act", number)]).result(Some(number));
    section.defined_type().list(PrimitiveValType::U8);
    let no_params: [(&str, ComponentValType); 0] = [];
    section.function().params(no_params).result(Some(ComponentValType::Type(bytes_type)));
    add(&section);

    let mut section = CanonicalFunctionSection::new();
    section.resource_new(resource).resource_drop(resource);
    for kind in kinds {
        section.resource_drop(*kind);
    }
    add(&section);
    let [new, drop, first_kind] = std::array::from_fn(|n| core_functions + n as u32);
    let [note, noted, reset, view, viewed] =
        std::array::from_fn(|n| first_kind + count(kinds) + n as u32);

    let names: Vec<_> = (0..count(globals)).map(global_name).collect();
    let names = || std::iter::once(COUNT).chain(names.iter().map(String::as_str));
    let mut section = ComponentAliasSection::new();
    for name in names() {
        let kind = ExportKind::Global;
        section.alias(Alias::CoreInstanceExport { instance: JOINT, kind, name });
    }
    for name in [ledger::NOTE, ledger::NOTED] {
        let kind = ExportKind::Func;
        section.alias(Alias::CoreInstanceExport { instance: JOINT, kind, name });
    }
    add(&section);

    let mut section = InstanceSection::new();
    let drops: Vec<_> = (0..count(kinds)).map(drop_name).collect();
    let functions = [("new", new), ("drop", drop), (ledger::NOTE, note), (ledger::NOTED, noted)];
    let functions = functions.into_iter().chain(drops.iter().map(String::as_str).zip(first_kind..));
    let functions = functions.map(|(name, index)| (name, ExportKind::Func, index));
    let of_joint = (0..).zip(names()).map(|(number, name)| (name, ExportKind::Global, number));
    let given = functions.chain([(MEMORY, ExportKind::Memory, 0)]).chain(of_joint);
    section.export_items(given.collect::<Vec<_>>());
    section.instantiate(KEEPER_MODULE, [("", ModuleArg::Instance(KEEPER - 1))]);
    add(&section);

    let mut section = ComponentAliasSection::new();
    for name in ["reset", "view", "viewed"] {
        let kind = ExportKind::Func;
        section.alias(Alias::CoreInstanceExport { instance: KEEPER, kind, name });
    }
    add(&section);

    let mut section = CanonicalFunctionSection::new();
    section.lift(reset, reset_type, []);
    section.lift(
        view,
        view_type,
        [CanonicalOption::Memory(0), CanonicalOption::PostReturn(viewed)],
    );
    add(&section);

    let mut section = ComponentExportSection::new();
    let first = types.component_function_count();
    for (name, function) in reset_names(0, tag).iter().zip(first..) {
        section.export(name, ComponentExportKind::Func, function, None);
    }
    add(&section);
    Ok(())
}
