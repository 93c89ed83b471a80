//! The handles that a component is given: how many a call gives at most, and where they are.
//!
//! It is needed to put the component's table of handles back into its first state, see
//! [`reset`](super::reset).

use std::collections::HashMap;

use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentAliasSectionReader,
    ComponentCanonicalSectionReader, ExternalKind,
    component_types::{ComponentAnyTypeId, ComponentFuncType, ResourceId},
    types::Types,
};

use super::{
    Fit, Unfit,
    graph::NO_ITEM,
    layout::{self, Found, List, Spot},
    module::{count, reader},
};
use crate::section::{Section, id};

/// An instance that may have been given more handles than this is not reset: to tidy up its table would
/// take longer than to make another.
pub(super) const MAX_HANDLES: u32 = 256;

/// Kinds of handles that are told apart.
const MAX_KINDS: usize = 200;

/// Numbers that a function takes before it takes the address of all instead.
const MAX_PARAMS: usize = 16;

/// What a call gives a component.
#[derive(Debug, Default, Clone)]
pub(super) struct Giving {
    /// How many handles at most.
    pub(super) handles: u32,
    /// Where some of them are.
    pub(super) places: Vec<Place>,
}

/// Where a handle is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// It is this parameter, and of this kind.
    Param(u32, u32),
    /// It is what the call returns.
    Result(u32),
    /// It is in memory, at an offset from the address that is the last parameter.
    Memory(Noted),
    /// So are the address and the length of a list, whose elements have so many bytes, and so many handles
    /// at most, of which some are here. These are not among those that a call gives at most.
    List { bytes: u32, handles: u32, noted: Vec<Noted> },
}

/// A handle in a value in memory, and its kind.
#[derive(Debug, Clone)]
pub(super) struct Noted {
    pub(super) spot: Spot,
    pub(super) kind: u32,
}

/// What each call gives a component, and the kinds of handles that there are.
#[derive(Default)]
pub(super) struct Handles {
    /// Of functions that the component model gives, by their index among the component's core functions.
    pub(super) of_imports: HashMap<u32, Giving>,
    /// Of core functions that the component model calls, likewise.
    pub(super) of_exports: HashMap<u32, Giving>,
    /// The type by which handles of each kind are dropped, by its index in the component. The kinds are
    /// numbered from 1.
    pub(super) kinds: Vec<u32>,
}

/// Handles that a component is given, and the types that it knows.
struct Reader<'t> {
    types: &'t Types,
    handles: Handles,
    /// The type of each resource, and the number of its kind.
    resources: HashMap<ResourceId, (u32, Option<u32>)>,
}

impl Handles {
    /// Of a component with these sections and `types`.
    pub(super) fn read(sections: &[Section<'_>], types: &Types) -> Fit<Self> {
        let mut resources = HashMap::new();
        for index in 0..types.as_ref().component_type_count() {
            if let ComponentAnyTypeId::Resource(id) = types.component_any_type_at(index) {
                resources.entry(id.resource()).or_insert((index, None));
            }
        }
        let mut reader = Reader { types, handles: Self::default(), resources };
        reader.sections(sections)?;
        Ok(reader.handles)
    }
}

impl Reader<'_> {
    fn sections(&mut self, sections: &[Section<'_>]) -> Fit<()> {
        let mut next = 0;
        for &(section, data) in sections {
            match section {
                id::ALIAS => {
                    for alias in ComponentAliasSectionReader::new(reader(data))? {
                        let is_function = matches!(
                            alias?,
                            ComponentAlias::CoreInstanceExport { kind: ExternalKind::Func, .. }
                        );
                        next += u32::from(is_function);
                    }
                }
                id::CANONICAL => {
                    for function in ComponentCanonicalSectionReader::new(reader(data))? {
                        self.function(&function?, &mut next)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn function(&mut self, function: &CanonicalFunction, next: &mut u32) -> Fit<()> {
        let types = self.types;
        let giving = match function {
            CanonicalFunction::Lift { core_func_index, type_index, options } => {
                is_plain(options)?;
                let ComponentAnyTypeId::Func(ty) = types.component_any_type_at(*type_index) else {
                    return Err(Unfit("it lifts something that is not a function"));
                };
                let giving = self.params(&types[ty]);
                // Two functions may be lifted from one, which then takes either's handles.
                let known =
                    self.handles.of_exports.entry(*core_func_index).or_insert(giving.clone());
                if known.handles < giving.handles {
                    *known = giving;
                }
                return Ok(());
            }
            CanonicalFunction::Lower { func_index, options } => {
                is_plain(options)?;
                self.result(&types[types.component_function_at(*func_index)])
            }
            CanonicalFunction::ResourceNew { resource } => {
                let ComponentAnyTypeId::Resource(id) = types.component_any_type_at(*resource)
                else {
                    return Err(NO_ITEM);
                };
                let places = self.kind(id.resource()).map(Place::Result).into_iter().collect();
                Giving { handles: 1, places }
            }
            CanonicalFunction::ResourceDrop { .. } | CanonicalFunction::ResourceRep { .. } => {
                Giving::default()
            }
            _ => return Err(Unfit("it does several things at a time")),
        };
        self.handles.of_imports.insert(*next, giving);
        *next += 1;
        Ok(())
    }

    /// What a function gives that the component calls.
    fn result(&mut self, function: &ComponentFuncType) -> Giving {
        let Some(result) = &function.result else { return Giving::default() };
        let Ok(Found { spots, lists }) = layout::find(self.types, result) else {
            return Giving::MANY;
        };
        let handles = count(&spots);
        let is_one_number = layout::is_one_number(self.types, result);
        let place = |noted: Noted| {
            if is_one_number { Place::Result(noted.kind) } else { Place::Memory(noted) }
        };
        let mut places: Vec<_> = self.kinds(spots).map(place).collect();
        for List { offset, bytes, spots, cases } in lists {
            // A list that is the whole result is described last. What is described earlier can be changed
            // by the component's own allocator before the call returns.
            if handles > 0 || offset > 0 || !cases.is_empty() {
                return Giving::MANY;
            }
            let handles = count(&spots);
            let noted = self.kinds(spots).collect();
            places.push(Place::List { bytes, handles, noted });
        }
        Giving { handles, places }
    }

    /// What a function is given that the component exports. Only handles that are a parameter by
    /// themselves are told apart; tools make no others.
    fn params(&mut self, function: &ComponentFuncType) -> Giving {
        let mut giving = Giving::default();
        let are_numbers = function.params.len() <= MAX_PARAMS
            && function.params.iter().all(|(_, ty)| layout::is_one_number(self.types, ty));
        for (index, (_, ty)) in (0..).zip(&function.params) {
            let Ok(Found { spots, lists }) = layout::find(self.types, ty) else {
                return Giving::MANY;
            };
            if !lists.is_empty() {
                return Giving::MANY;
            }
            giving.handles = giving.handles.saturating_add(count(&spots));
            if are_numbers {
                giving.places.extend(self.kinds(spots).map(|it| Place::Param(index, it.kind)));
            }
        }
        giving
    }

    /// These handles, with the numbers of their kinds, if they can be dropped.
    fn kinds(&mut self, spots: Vec<Spot>) -> impl Iterator<Item = Noted> {
        let noted = |spot: Spot| self.kind(spot.resource).map(|kind| Noted { spot, kind });
        spots.into_iter().filter_map(noted)
    }

    fn kind(&mut self, resource: ResourceId) -> Option<u32> {
        let (ty, known) = self.resources.get_mut(&resource)?;
        if known.is_none() && self.handles.kinds.len() < MAX_KINDS {
            self.handles.kinds.push(*ty);
            *known = Some(count(&self.handles.kinds));
        }
        *known
    }
}

impl Giving {
    /// Of a call that may give any number of handles.
    const MANY: Self = Self { handles: MAX_HANDLES + 1, places: Vec::new() };
}

/// Whether a call is over when it returns.
fn is_plain(options: &[CanonicalOption]) -> Fit<()> {
    let is_plain = |option: &CanonicalOption| {
        use CanonicalOption::{CompactUTF16, Memory, PostReturn, Realloc, UTF8, UTF16};
        matches!(option, UTF8 | UTF16 | CompactUTF16 | Memory(_) | Realloc(_) | PostReturn(_))
    };
    if options.iter().all(is_plain) { Ok(()) } else { Err(Unfit("it is called in another way")) }
}
