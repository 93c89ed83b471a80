//! The shims of a component: a table that receives host functions once the memory they need exists,
//! and functions that call them there.

use std::collections::HashMap;

use wasmparser::{ElementItems, ElementKind, FunctionBody, Operator};

use super::{
    Fit, Unfit,
    graph::{Graph, Source},
    module::{Kind, Module, constant},
};

/// Tools make one for each function of the host that a component calls.
const MAX_SHIMS: usize = 10_000;

/// A table that one module defines and calls, and another fills.
pub(super) struct Shims {
    pub(super) module: usize,
    /// For each function of the module, its place in the table.
    pub(super) places: Vec<u32>,
    pub(super) filler: usize,
    /// What the filler puts into the places, by its own indices.
    pub(super) filled: HashMap<u32, u32>,
}

impl Shims {
    /// The first module that looks like shims counts: no tool makes more, and one that is not
    /// filled in like shims is not a reason to look further.
    pub(super) fn find(graph: &Graph<'_>) -> Fit<Option<Self>> {
        let found = graph.modules.iter().enumerate();
        let found = found.filter_map(|(index, module)| Some((index, places(module)?))).next();
        let Some((module, places)) = found else { return Ok(None) };
        let table = Source::Module(module, 0);
        let mut filler = None;
        for (index, other) in graph.modules.iter().enumerate() {
            for number in 0..graph.imported(index, Kind::Table) {
                if graph.source_in(index, Kind::Table, number)? != table {
                    continue;
                }
                if filler.is_some() {
                    return Err(Unfit("the table of shims is used by several modules"));
                }
                filler = Some((index, fill(other, size(&graph.modules[module])?)?));
            }
        }
        let (filler, filled) = filler.ok_or(Unfit("nothing fills the table of shims"))?;
        let shims = Self { module, places, filler, filled };
        shims.check(graph)?;
        Ok(Some(shims))
    }

    /// Whether none of the calls would fail, since the place is empty or has another function.
    fn check(&self, graph: &Graph<'_>) -> Fit<()> {
        let (shims, filler) = (&graph.modules[self.module], &graph.modules[self.filler]);
        for (shim, place) in (0..).zip(&self.places) {
            let filled = self.filled.get(place).ok_or(Unfit("a shim has nothing behind it"))?;
            if shims.signature(shim)? != filler.signature(*filled)? {
                return Err(Unfit("a shim has another function behind it"));
            }
        }
        Ok(())
    }
}

/// How many places the one table of a module has.
fn size(module: &Module<'_>) -> Fit<u64> {
    let table = module.tables.iter().flat_map(Clone::clone).next();
    Ok(table.ok_or(Unfit("it has no such table"))??.ty.initial)
}

/// What a module that does nothing else puts into the one table that it imports, which has `size`
/// places.
fn fill(module: &Module<'_>, size: u64) -> Fit<HashMap<u32, u32>> {
    let unfit = Unfit("a module that fills the table of shims does more");
    let of_kind = |kind| module.imports.iter().filter(|import| import.kind == kind).count();
    let is_bare = of_kind(Kind::Table) == 1
        && of_kind(Kind::Memory) == 0
        && of_kind(Kind::Global) == 0
        && module.functions.is_empty()
        && module.tables.is_none()
        && module.memories.is_empty()
        && module.globals.is_none()
        && module.data.is_empty();
    let elements = module.elements.clone().filter(|_| is_bare).ok_or(unfit)?;
    let mut filled = HashMap::new();
    for element in elements {
        let element = element?;
        let ElementKind::Active { offset_expr, .. } = &element.kind else { return Err(unfit) };
        let offset = constant(offset_expr).ok_or(unfit)?;
        let ElementItems::Functions(functions) = element.items else { return Err(unfit) };
        if u64::from(offset) + u64::from(functions.count()) > size {
            return Err(Unfit("the table of shims has too few places"));
        }
        for (place, function) in (u64::from(offset)..).zip(functions) {
            filled.insert(u32::try_from(place).map_err(|_| unfit)?, function?);
        }
    }
    Ok(filled)
}

/// For a module that has a table and functions that do nothing but call what is in there: the
/// place of each in the table.
fn places(module: &Module<'_>) -> Option<Vec<u32>> {
    let is_bare = module.imports.is_empty()
        && module.tables.as_ref().is_some_and(|tables| tables.count() == 1)
        && module.memories.is_empty()
        && module.globals.is_none()
        && module.elements.is_none()
        && module.data.is_empty()
        && module.start.is_none()
        && (1..=MAX_SHIMS).contains(&module.bodies.len());
    if !is_bare {
        return None;
    }
    let functions = (0..).zip(module.bodies.iter().zip(&module.functions));
    let places = functions.map(|(function, (body, ty))| {
        shim(body, *ty, module.signature(function).ok()?.params().len())
    });
    places.collect()
}

/// The place in the table, if the function only calls what is there, with all that it was given.
fn shim(body: &FunctionBody<'_>, ty: u32, params: usize) -> Option<u32> {
    if body.get_locals_reader().ok()?.get_count() != 0 {
        return None;
    }
    let mut operators = body.get_operators_reader().ok()?.into_iter();
    let mut next = || operators.next()?.ok();
    let mut given = 0;
    let place = loop {
        match next()? {
            Operator::LocalGet { local_index } if local_index as usize == given => given += 1,
            Operator::I32Const { value } if given == params => break u32::try_from(value).ok()?,
            _ => return None,
        }
    };
    let is_call = matches!(
        next()?,
        Operator::CallIndirect { type_index, table_index: 0 } if type_index == ty
    );
    let ends = matches!(next()?, Operator::End) && next().is_none();
    (is_call && ends).then_some(place)
}
