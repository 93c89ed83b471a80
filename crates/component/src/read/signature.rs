//! Writes the types of imports and exports in WIT syntax.

use std::collections::HashMap;

use wasmparser::{
    component_types::{
        ComponentAnyTypeId, ComponentDefinedType, ComponentDefinedTypeId, ComponentEntityType,
        ComponentFuncTypeId, ComponentItem, ComponentValType,
    },
    types::Types,
};

use super::{Extern, ExternKind, Function, TypeDefinition, example::example, is_own_resource};
use crate::InterfaceName;

/// Turns one component's items to text. Items must be read in the component's own order, so that
/// a type has its name before it is referred to.
pub(super) struct Signatures<'a> {
    types: &'a Types,
    names: HashMap<ComponentAnyTypeId, String>,
}

impl<'a> Signatures<'a> {
    pub(super) fn new(types: &'a Types) -> Self {
        Self { types, names: HashMap::new() }
    }

    /// Reads one import or export of the component.
    pub(super) fn read(&mut self, name: &str, item: &ComponentItem) -> Extern {
        let mut found = Extern {
            name: name.to_owned(),
            interface: InterfaceName::parse(item.implements.as_deref().unwrap_or(name)),
            kind: kind(&item.ty),
            functions: Vec::new(),
            types: Vec::new(),
            is_only_types: true,
        };
        if let ComponentEntityType::Instance(id) = item.ty {
            for (name, item) in &self.types[id].exports {
                self.read_member(name, &item.ty, &mut found);
            }
        } else {
            self.read_member(name, &item.ty, &mut found);
        }
        found
    }

    fn read_member(&mut self, name: &str, entity: &ComponentEntityType, found: &mut Extern) {
        match *entity {
            ComponentEntityType::Func(id) => {
                found.is_only_types = false;
                let signature = self.function(name, id);
                let example = example(self.types, name, &self.types[id]);
                found.functions.push(Function { name: plain_name(name), signature, example });
            }
            ComponentEntityType::Type { created, .. } => {
                found.is_only_types &= !is_own_resource(entity);
                let definition = self.definition(name, created);
                self.names.insert(created, name.to_owned());
                found.types.push(TypeDefinition { name: name.to_owned(), definition });
            }
            _ => found.is_only_types = false,
        }
    }

    fn function(&self, name: &str, id: ComponentFuncTypeId) -> String {
        let function = &self.types[id];
        // A method's first parameter is its resource, which WIT does not write.
        let skipped = usize::from(name.starts_with("[method]"));
        let parameters = function.params.iter().skip(skipped);
        let parameters = join(parameters.map(|(name, ty)| format!("{name}: {}", self.value(ty))));
        if name.starts_with("[constructor]") {
            return format!("constructor({parameters})");
        }
        let is_static = if name.starts_with("[static]") { "static " } else { "" };
        let is_async = if function.async_ { "async " } else { "" };
        let result = function.result.as_ref().map(|ty| format!(" -> {}", self.value(ty)));
        format!("{is_static}{is_async}func({parameters}){}", result.unwrap_or_default())
    }

    fn definition(&self, name: &str, id: ComponentAnyTypeId) -> String {
        let text = match id {
            ComponentAnyTypeId::Defined(id) => self.structure(id),
            ComponentAnyTypeId::Func(id) => self.function(name, id),
            ComponentAnyTypeId::Resource(_) => return format!("resource {name}"),
            ComponentAnyTypeId::Instance(_) => return format!("interface {name}"),
            ComponentAnyTypeId::Component(_) => return format!("world {name}"),
        };
        match text.split_once(' ') {
            // `record { … }` and its like take the name after the first word.
            Some((word @ ("record" | "variant" | "enum" | "flags"), rest)) => {
                format!("{word} {name} {rest}")
            }
            _ => format!("type {name} = {text}"),
        }
    }

    fn value(&self, ty: &ComponentValType) -> String {
        match ty {
            ComponentValType::Primitive(primitive) => primitive.to_string(),
            ComponentValType::Type(id) => self
                .name_of(ComponentAnyTypeId::Defined(*id))
                .unwrap_or_else(|| self.structure(*id)),
        }
    }

    /// The structure of a type, without regard to its own name. The recursion ends early: the
    /// validator refuses types nested more than 100 deep.
    fn structure(&self, id: ComponentDefinedTypeId) -> String {
        match &self.types[id] {
            ComponentDefinedType::Primitive(primitive) => primitive.to_string(),
            ComponentDefinedType::Record(record) => {
                let fields = record.fields.iter();
                let fields = fields.map(|(name, ty)| format!("{name}: {}", self.value(ty)));
                format!("record {{ {} }}", join(fields))
            }
            ComponentDefinedType::Variant(variant) => {
                let cases = variant.cases.iter().map(|(name, case)| match &case.ty {
                    Some(ty) => format!("{name}({})", self.value(ty)),
                    None => name.to_string(),
                });
                format!("variant {{ {} }}", join(cases))
            }
            ComponentDefinedType::List { element, .. } => format!("list<{}>", self.value(element)),
            ComponentDefinedType::FixedLengthList { element, length, .. } => {
                format!("list<{}, {length}>", self.value(element))
            }
            ComponentDefinedType::Map { key, value, .. } => {
                format!("map<{}, {}>", self.value(key), self.value(value))
            }
            ComponentDefinedType::Tuple(tuple) => {
                format!("tuple<{}>", join(tuple.types.iter().map(|ty| self.value(ty))))
            }
            ComponentDefinedType::Flags(flags) => format!("flags {{ {} }}", join(flags)),
            ComponentDefinedType::Enum(cases) => format!("enum {{ {} }}", join(cases)),
            ComponentDefinedType::Option { ty, .. } => format!("option<{}>", self.value(ty)),
            ComponentDefinedType::Result { ok, err, .. } => match (ok, err) {
                (None, None) => "result".to_owned(),
                (Some(ok), None) => format!("result<{}>", self.value(ok)),
                (None, Some(err)) => format!("result<_, {}>", self.value(err)),
                (Some(ok), Some(err)) => {
                    format!("result<{}, {}>", self.value(ok), self.value(err))
                }
            },
            ComponentDefinedType::Own(id) => self.resource(ComponentAnyTypeId::Resource(*id)),
            ComponentDefinedType::Borrow(id) => {
                format!("borrow<{}>", self.resource(ComponentAnyTypeId::Resource(*id)))
            }
            ComponentDefinedType::Future { ty, .. } => self.carrier("future", ty.as_ref()),
            ComponentDefinedType::Stream { ty, .. } => self.carrier("stream", ty.as_ref()),
        }
    }

    fn carrier(&self, word: &str, payload: Option<&ComponentValType>) -> String {
        payload.map_or_else(|| word.to_owned(), |ty| format!("{word}<{}>", self.value(ty)))
    }

    fn resource(&self, id: ComponentAnyTypeId) -> String {
        self.name_of(id).unwrap_or_else(|| "resource".to_owned())
    }

    /// The name of a type or of the type that it is an alias of.
    fn name_of(&self, id: ComponentAnyTypeId) -> Option<String> {
        let mut next = Some(id);
        while let Some(id) = next {
            if let Some(name) = self.names.get(&id) {
                return Some(name.clone());
            }
            next = self.types.peel_alias(id);
        }
        None
    }
}

fn join(items: impl IntoIterator<Item = impl ToString>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

fn kind(entity: &ComponentEntityType) -> ExternKind {
    match entity {
        ComponentEntityType::Instance(_) => ExternKind::Instance,
        ComponentEntityType::Func(_) => ExternKind::Func,
        ComponentEntityType::Type { .. } => ExternKind::Type,
        ComponentEntityType::Component(_) => ExternKind::Component,
        ComponentEntityType::Module(_) => ExternKind::Module,
        ComponentEntityType::Value(_) => ExternKind::Value,
    }
}

/// A function's name as its reader knows it: `[method]request.method` is `request.method`.
pub(crate) fn plain_name(name: &str) -> String {
    match name.strip_prefix("[constructor]") {
        Some(resource) => format!("{resource}.constructor"),
        None => name.rsplit(']').next().unwrap_or(name).to_owned(),
    }
}
