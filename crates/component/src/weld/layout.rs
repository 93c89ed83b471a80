//! Where the handles are in a value, in the memory of a component: the canonical ABI's layout of values
//! ("Alignment" and "Element Size" in the component model's `CanonicalABI.md`).

use std::cell::Cell;

use wasmparser::{
    PrimitiveValType,
    component_types::{ComponentDefinedType as Type, ComponentValType, ResourceId},
    types::Types,
};

use super::{Fit, Unfit};

/// A handle within a value, in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) offset: u32,
    pub(super) resource: ResourceId,
    /// The cases that the value has to have for the handle to be there.
    pub(super) cases: Vec<Case>,
}

/// A list of values with handles, in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List {
    pub(super) offset: u32,
    /// Of an element.
    pub(super) bytes: u32,
    /// In each element.
    pub(super) spots: Vec<Spot>,
    /// As of a [`Spot`].
    pub(super) cases: Vec<Case>,
}

/// The handles in a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) spots: Vec<Spot>,
    pub(super) lists: Vec<List>,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.spots.is_empty() && self.lists.is_empty()
    }
}

/// A case that a variant within a value has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Case {
    /// Of the number that says which case it is.
    pub(super) offset: u32,
    pub(super) bytes: u32,
    pub(super) number: u32,
}

/// How many bytes a value takes, and where it may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    bytes: u32,
    align: u32,
}

impl Layout {
    const fn of(bytes: u32) -> Self {
        Self { bytes, align: bytes }
    }

    /// An address and a length.
    const LIST: Self = Self { bytes: 8, align: 4 };
}

/// A value has handles whose number or places depend on more than its cases.
const SCATTERED: Unfit = Unfit("it is given lists of lists of handles");

/// Handles of one value that are looked for. A value with more is rare.
const MAX_SPOTS: usize = 64;

/// The handles in a value of this type.
///
/// # Errors
/// If they are in lists within lists, or at very many places.
pub(super) fn find(types: &Types, ty: &ComponentValType) -> Fit<Found> {
    Finder { types, steps: Cell::new(0) }.value(ty).map(|(_, found)| found)
}

/// Types within one that are looked at: those that have themselves in several places can be very many.
const MAX_STEPS: u32 = 10_000;

struct Finder<'t> {
    types: &'t Types,
    steps: Cell<u32>,
}

impl Finder<'_> {
    /// How a value of this type is laid out, and the handles in it.
    fn value(&self, ty: &ComponentValType) -> Fit<(Layout, Found)> {
        let types = self.types;
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MAX_STEPS {
            return Err(SCATTERED);
        }
        let id = match ty {
            ComponentValType::Primitive(ty) => return Ok((primitive(*ty), Found::default())),
            ComponentValType::Type(id) => *id,
        };
        let layout = match &types[id] {
            Type::Own(resource) | Type::Borrow(resource) => {
                let (resource, cases) = (resource.resource(), Vec::new());
                let spots = vec![Spot { offset: 0, resource, cases }];
                return Ok((Layout::of(4), Found { spots, ..Found::default() }));
            }
            Type::Record(record) => return self.fields(record.fields.values()),
            Type::Tuple(tuple) => return self.fields(tuple.types.iter()),
            Type::Variant(variant) => {
                return self.cases(variant.cases.values().map(|case| case.ty.as_ref()));
            }
            Type::Option { ty, .. } => return self.cases([None, Some(ty)].into_iter()),
            Type::Result { ok, err, .. } => {
                return self.cases([ok.as_ref(), err.as_ref()].into_iter());
            }
            Type::Primitive(ty) => primitive(*ty),
            Type::Enum(cases) => Layout::of(discriminant_bytes(cases.len())),
            Type::Flags(flags) => match flags.len() {
                0..=8 => Layout::of(1),
                9..=16 => Layout::of(2),
                many => Layout { bytes: 4 * (many as u32).div_ceil(32), align: 4 },
            },
            Type::List { element, .. } => return self.list(element),
            Type::Map { key, value, .. } => {
                self.none_in(key)?;
                self.none_in(value)?;
                Layout::LIST
            }
            Type::FixedLengthList { element, length, .. } => {
                let Layout { bytes, align } = self.none_in(element)?;
                Layout { bytes: bytes.saturating_mul(*length), align }
            }
            _ => return Err(Unfit("it is given what takes part in several calls")),
        };
        Ok((layout, Found::default()))
    }

    fn list(&self, element: &ComponentValType) -> Fit<(Layout, Found)> {
        let (layout, Found { spots, lists }) = self.value(element)?;
        if !lists.is_empty() {
            return Err(SCATTERED);
        }
        let (offset, cases, bytes) = (0, Vec::new(), layout.bytes);
        let list = (!spots.is_empty()).then_some(List { offset, bytes, spots, cases });
        let lists = list.into_iter().collect();
        Ok((Layout::LIST, Found { spots: Vec::new(), lists }))
    }

    fn fields<'a>(
        &self,
        fields: impl Iterator<Item = &'a ComponentValType>,
    ) -> Fit<(Layout, Found)> {
        let mut all = Layout { bytes: 0, align: 1 };
        let mut found = Found::default();
        for field in fields {
            let (Layout { bytes, align }, of_field) = self.value(field)?;
            let at = end(all.bytes, align);
            shift(of_field, at, None, &mut found)?;
            all = Layout { bytes: at.saturating_add(bytes), align: all.align.max(align) };
        }
        Ok((Layout { bytes: end(all.bytes, all.align), ..all }, found))
    }

    fn cases<'a>(
        &self,
        cases: impl ExactSizeIterator<Item = Option<&'a ComponentValType>>,
    ) -> Fit<(Layout, Found)> {
        let bytes = discriminant_bytes(cases.len());
        let mut all = Layout { bytes: 0, align: bytes };
        let mut of_cases = Vec::new();
        for (number, ty) in (0..).zip(cases) {
            let Some(ty) = ty else { continue };
            let (layout, found) = self.value(ty)?;
            all = Layout { bytes: all.bytes.max(layout.bytes), align: all.align.max(layout.align) };
            if !found.is_empty() {
                of_cases.push((Case { offset: 0, bytes, number }, found));
            }
        }
        let mut found = Found::default();
        let of_value = end(bytes, all.align);
        for (case, of_case) in of_cases {
            shift(of_case, of_value, Some(case), &mut found)?;
        }
        let layout = Layout { bytes: end(of_value.saturating_add(all.bytes), all.align), ..all };
        Ok((layout, found))
    }

    /// How a value of this type is laid out, which has no handles.
    fn none_in(&self, ty: &ComponentValType) -> Fit<Layout> {
        let (layout, found) = self.value(ty)?;
        if found.is_empty() { Ok(layout) } else { Err(SCATTERED) }
    }
}

/// Adds what is in a value that begins at `offset` of the one around it, in which it depends on `case`.
fn shift(found: Found, offset: u32, case: Option<Case>, to: &mut Found) -> Fit<()> {
    let shift = |at: &mut u32, cases: &mut Vec<Case>| {
        *at = at.saturating_add(offset);
        for case in cases.iter_mut() {
            case.offset = case.offset.saturating_add(offset);
        }
        cases.extend(case);
    };
    for mut spot in found.spots {
        shift(&mut spot.offset, &mut spot.cases);
        to.spots.push(spot);
    }
    for mut list in found.lists {
        shift(&mut list.offset, &mut list.cases);
        to.lists.push(list);
    }
    if to.spots.len() + to.lists.len() > MAX_SPOTS { Err(SCATTERED) } else { Ok(()) }
}

fn end(bytes: u32, align: u32) -> u32 {
    bytes.checked_next_multiple_of(align).unwrap_or(u32::MAX)
}

fn discriminant_bytes(cases: usize) -> u32 {
    match cases {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

fn primitive(ty: PrimitiveValType) -> Layout {
    use PrimitiveValType as P;
    match ty {
        P::Bool | P::S8 | P::U8 => Layout::of(1),
        P::S16 | P::U16 => Layout::of(2),
        P::S32 | P::U32 | P::F32 | P::Char | P::ErrorContext => Layout::of(4),
        P::S64 | P::U64 | P::F64 => Layout::of(8),
        P::String => Layout::LIST,
    }
}

/// Whether a value of this type is one number when a function takes or returns it by itself.
pub(super) fn is_one_number(types: &Types, ty: &ComponentValType) -> bool {
    let id = match ty {
        ComponentValType::Primitive(ty) => return *ty != PrimitiveValType::String,
        ComponentValType::Type(id) => *id,
    };
    match &types[id] {
        Type::Primitive(ty) => *ty != PrimitiveValType::String,
        Type::Enum(_) => true,
        Type::Own(_) | Type::Borrow(_) => true,
        Type::Record(record) if record.fields.len() == 1 => {
            record.fields.values().all(|ty| is_one_number(types, ty))
        }
        Type::Tuple(tuple) if tuple.types.len() == 1 => is_one_number(types, &tuple.types[0]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::component_types;

    /// An offset, and the cases by offset, size and number.
    type Place = (u32, Vec<(u32, u32, u32)>);

    /// What is found in what this returns, with a resource `$r`.
    fn found(ty: &str) -> Option<Vec<Place>> {
        let text = format!(
            r#"(component (import "i" (instance $i
                (export "r" (type $r (sub resource)))
                (type $own (own $r))
                (type $none (result))
                (type $pair (tuple u8 $own u64 $own))
                (type $result {ty})
                (export "result" (type $out (eq $result)))
                (export "f" (func (result $out)))))
              (alias export $i "f" (func)))"#
        );
        let bytes = wat::parse_str(text).expect("it is WebAssembly text");
        let types = component_types(&bytes).expect("it is valid").pop().expect("there is one");
        let result = types[types.component_function_at(0)].result.expect("it returns something");
        let Found { spots, lists } = find(&types, &result).ok()?;
        let cases = |cases: Vec<Case>| {
            cases.into_iter().map(|case| (case.offset, case.bytes, case.number)).collect()
        };
        let spots = spots.into_iter().map(|spot| (spot.offset, cases(spot.cases)));
        // A list is told from a handle by its elements' size.
        let lists =
            lists.into_iter().map(|list| (list.offset + 1000 * list.bytes, cases(list.cases)));
        Some(spots.chain(lists).collect())
    }

    #[test]
    fn handles_are_where_the_canonical_abi_puts_them() {
        assert_eq!(found("(tuple u8 string $own)"), Some(vec![(12, vec![])]));
        assert_eq!(
            found("(result $pair (error (option $own)))"),
            Some(vec![
                (12, vec![(0, 1, 0)]),
                (24, vec![(0, 1, 0)]),
                (12, vec![(8, 1, 1), (0, 1, 1)]),
            ])
        );
        assert_eq!(found("(option (list $pair))"), Some(vec![(24_004, vec![(0, 1, 1)])]));
        assert_eq!(found("(list (list u8))"), Some(vec![]));
        // A case without a value takes no room.
        assert_eq!(found("(tuple $none u8 u8 u8 $own)"), Some(vec![(4, vec![])]));
        assert_eq!(found("(list (list $own))"), None);
    }
}
