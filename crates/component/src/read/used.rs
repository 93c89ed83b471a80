//! Finds what a world's own types and functions use of the interfaces that it imports: `use t.{r};` in a
//! world is an import of a type, which is one of an imported instance.

use std::collections::{BTreeSet, HashMap, HashSet};

use wasmparser::{
    component_types::{
        ComponentAnyTypeId, ComponentDefinedType, ComponentDefinedTypeId, ComponentEntityType,
        ComponentValType,
    },
    types::Types,
};

use super::Names;

/// What is used of the interfaces that a component imports.
#[derive(Debug, Clone, Default)]
pub(crate) struct Used {
    /// For an import that is a type: the import that it is of, and its name there.
    pub(crate) types: HashMap<String, (String, String)>,
    /// For an export that is a function: the imports of which it takes or returns types.
    pub(crate) functions: HashMap<String, BTreeSet<String>>,
}

impl Used {
    pub(super) fn read(types: &Types, names: &Names<'_>) -> Self {
        let mut owners = Owners { types, of: HashMap::new() };
        let mut used = Self::default();
        for name in &names.imports {
            let Some(item) = types.component_item_for_import(name) else { continue };
            match item.ty {
                ComponentEntityType::Instance(id) => {
                    for (export, item) in &types[id].exports {
                        if let ComponentEntityType::Type { created, .. } = item.ty {
                            let owner = ((*name).to_owned(), export.clone());
                            owners.of.entry(created).or_insert(owner);
                        }
                    }
                }
                ComponentEntityType::Type { created, .. } => {
                    if let Some(owner) = owners.find(created) {
                        used.types.insert((*name).to_owned(), owner.clone());
                    }
                }
                _ => {}
            }
        }
        for name in &names.exports {
            let item = types.component_item_for_export(name);
            let Some(ComponentEntityType::Func(id)) = item.map(|item| item.ty) else { continue };
            let function = &types[id];
            let mut seen = HashSet::new();
            let mut found = BTreeSet::new();
            let params = function.params.iter().map(|(_, ty)| ty);
            for ty in params.chain(&function.result) {
                owners.collect(ty, &mut seen, &mut found);
            }
            used.functions.insert((*name).to_owned(), found);
        }
        used
    }
}

/// Which import a type is of, and by which name.
struct Owners<'t> {
    types: &'t Types,
    of: HashMap<ComponentAnyTypeId, (String, String)>,
}

impl Owners<'_> {
    fn find(&self, id: ComponentAnyTypeId) -> Option<&(String, String)> {
        let mut next = Some(id);
        while let Some(id) = next {
            if let Some(owner) = self.of.get(&id) {
                return Some(owner);
            }
            next = self.types.peel_alias(id);
        }
        None
    }

    /// The imports of which a type is, or those are that it is made of.
    fn collect(
        &self,
        ty: &ComponentValType,
        seen: &mut HashSet<ComponentDefinedTypeId>,
        found: &mut BTreeSet<String>,
    ) {
        let ComponentValType::Type(id) = ty else { return };
        if !seen.insert(*id) {
            return;
        }
        if let Some((import, _)) = self.find(ComponentAnyTypeId::Defined(*id)) {
            found.insert(import.clone());
        }
        let mut inner = |types: &mut dyn Iterator<Item = &ComponentValType>| {
            types.for_each(|ty| self.collect(ty, seen, found));
        };
        match &self.types[*id] {
            ComponentDefinedType::Own(resource) | ComponentDefinedType::Borrow(resource) => {
                if let Some((import, _)) = self.find(ComponentAnyTypeId::Resource(*resource)) {
                    found.insert(import.clone());
                }
            }
            ComponentDefinedType::Record(record) => inner(&mut record.fields.values()),
            ComponentDefinedType::Variant(variant) => {
                inner(&mut variant.cases.values().filter_map(|case| case.ty.as_ref()));
            }
            ComponentDefinedType::Tuple(tuple) => inner(&mut tuple.types.iter()),
            ComponentDefinedType::List { element, .. }
            | ComponentDefinedType::FixedLengthList { element, .. } => {
                inner(&mut std::iter::once(element));
            }
            ComponentDefinedType::Map { key, value, .. } => inner(&mut [key, value].into_iter()),
            ComponentDefinedType::Option { ty, .. } => inner(&mut std::iter::once(ty)),
            ComponentDefinedType::Result { ok, err, .. } => inner(&mut ok.iter().chain(err)),
            ComponentDefinedType::Future { ty, .. } | ComponentDefinedType::Stream { ty, .. } => {
                inner(&mut ty.iter());
            }
            ComponentDefinedType::Primitive(_)
            | ComponentDefinedType::Flags(_)
            | ComponentDefinedType::Enum(_) => {}
        }
    }
}
