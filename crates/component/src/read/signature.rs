//! Writes the types of imports and exports in WIT syntax.

use std::collections::HashMap;

use wasmparser::{
    component_types::{
        ComponentAnyTypeId, ComponentDefinedType, ComponentDefinedTypeId, ComponentEntityType,
        ComponentFuncTypeId, ComponentItem, ComponentValType,
    },
    types::Types,
};

use super::{Extern, ExternKind, Function, ReadError, TypeDefinition, is_own_resource};
use crate::InterfaceName;

/// Types nested deeper than this are refused, as the engine refuses them: what walks over types
/// does so by recursion and must not run out of stack.
const DEPTH_LIMIT: usize = 100;

/// Turns one component's items to text. Items must be read in the component's own order, so that
/// a type has its name before it is referred to.
pub(super) struct Signatures<'a> {
    types: &'a Types,
    names: HashMap<ComponentAnyTypeId, String>,
    depths: HashMap<ComponentDefinedTypeId, usize>,
}

impl<'a> Signatures<'a> {
    pub(super) fn new(types: &'a Types) -> Self {
        Self { types, names: HashMap::new(), depths: HashMap::new() }
    }

    /// Reads one import or export of the component.
    pub(super) fn read(&mut self, name: &str, item: &ComponentItem) -> Result<Extern, ReadError> {
        let mut found = Extern {
            name: name.to_owned(),
            interface: InterfaceName::parse(item.implements.as_deref().unwrap_or(name)),
            kind: kind(&item.ty),
            functions: Vec::new(),
            types: Vec::new(),
            is_only_types: true,
        };
        if let ComponentEntityType::Instance(id) = item.ty {
            let types = self.types;
            for (name, item) in &types[id].exports {
                self.read_member(name, &item.ty, &mut found)?;
            }
        } else {
            self.read_member(name, &item.ty, &mut found)?;
        }
        Ok(found)
    }

    fn read_member(
        &mut self,
        name: &str,
        entity: &ComponentEntityType,
        found: &mut Extern,
    ) -> Result<(), ReadError> {
        match *entity {
            ComponentEntityType::Func(id) => {
                found.is_only_types = false;
                let signature = self.function(name, id)?;
                found.functions.push(Function { name: plain_name(name), signature });
            }
            ComponentEntityType::Type { created, .. } => {
                found.is_only_types &= !is_own_resource(entity);
                let definition = self.definition(name, created)?;
                self.names.insert(created, name.to_owned());
                found.types.push(TypeDefinition { name: name.to_owned(), definition });
            }
            _ => found.is_only_types = false,
        }
        Ok(())
    }

    fn function(&mut self, name: &str, id: ComponentFuncTypeId) -> Result<String, ReadError> {
        let types = self.types;
        let function = &types[id];
        // A method's first parameter is its resource, which WIT does not write.
        let skipped = usize::from(name.starts_with("[method]"));
        let parameters = function
            .params
            .iter()
            .skip(skipped)
            .map(|(name, ty)| Ok(format!("{name}: {}", self.value(ty)?)))
            .collect::<Result<Vec<_>, ReadError>>()?
            .join(", ");
        if name.starts_with("[constructor]") {
            return Ok(format!("constructor({parameters})"));
        }
        let is_static = if name.starts_with("[static]") { "static " } else { "" };
        let is_async = if function.async_ { "async " } else { "" };
        let result = match &function.result {
            Some(ty) => format!(" -> {}", self.value(ty)?),
            None => String::new(),
        };
        Ok(format!("{is_static}{is_async}func({parameters}){result}"))
    }

    fn definition(&mut self, name: &str, id: ComponentAnyTypeId) -> Result<String, ReadError> {
        let id = match id {
            ComponentAnyTypeId::Defined(id) => id,
            ComponentAnyTypeId::Resource(_) => return Ok(format!("resource {name}")),
            ComponentAnyTypeId::Func(id) => {
                let signature = self.function(name, id)?;
                return Ok(format!("type {name} = {signature}"));
            }
            ComponentAnyTypeId::Instance(_) => return Ok(format!("interface {name}")),
            ComponentAnyTypeId::Component(_) => return Ok(format!("world {name}")),
        };
        self.check_depth(id)?;
        let text = self.structure(id)?;
        Ok(match text.split_once(' ') {
            // `record { … }` and its like take the name after the first word.
            Some((word @ ("record" | "variant" | "enum" | "flags"), rest)) => {
                format!("{word} {name} {rest}")
            }
            _ => format!("type {name} = {text}"),
        })
    }

    fn value(&mut self, ty: &ComponentValType) -> Result<String, ReadError> {
        match ty {
            ComponentValType::Primitive(primitive) => Ok(primitive.to_string()),
            ComponentValType::Type(id) => {
                self.check_depth(*id)?;
                match self.name_of(ComponentAnyTypeId::Defined(*id)) {
                    Some(name) => Ok(name),
                    None => self.structure(*id),
                }
            }
        }
    }

    fn optional(&mut self, ty: Option<&ComponentValType>) -> Result<Option<String>, ReadError> {
        ty.map(|ty| self.value(ty)).transpose()
    }

    /// The structure of a type, without regard to its own name.
    fn structure(&mut self, id: ComponentDefinedTypeId) -> Result<String, ReadError> {
        let types = self.types;
        Ok(match &types[id] {
            ComponentDefinedType::Primitive(primitive) => primitive.to_string(),
            ComponentDefinedType::Record(record) => {
                let fields = record
                    .fields
                    .iter()
                    .map(|(name, ty)| Ok(format!("{name}: {}", self.value(ty)?)))
                    .collect::<Result<Vec<_>, ReadError>>()?;
                format!("record {{ {} }}", fields.join(", "))
            }
            ComponentDefinedType::Variant(variant) => {
                let cases = variant
                    .cases
                    .iter()
                    .map(|(name, case)| match &case.ty {
                        Some(ty) => Ok(format!("{name}({})", self.value(ty)?)),
                        None => Ok(name.to_string()),
                    })
                    .collect::<Result<Vec<_>, ReadError>>()?;
                format!("variant {{ {} }}", cases.join(", "))
            }
            ComponentDefinedType::List { element, .. } => format!("list<{}>", self.value(element)?),
            ComponentDefinedType::FixedLengthList { element, length, .. } => {
                format!("list<{}, {length}>", self.value(element)?)
            }
            ComponentDefinedType::Map { key, value, .. } => {
                format!("map<{}, {}>", self.value(key)?, self.value(value)?)
            }
            ComponentDefinedType::Tuple(tuple) => {
                let items =
                    tuple.types.iter().map(|ty| self.value(ty)).collect::<Result<Vec<_>, _>>()?;
                format!("tuple<{}>", items.join(", "))
            }
            ComponentDefinedType::Flags(flags) => format!("flags {{ {} }}", list(flags)),
            ComponentDefinedType::Enum(cases) => format!("enum {{ {} }}", list(cases)),
            ComponentDefinedType::Option { ty, .. } => format!("option<{}>", self.value(ty)?),
            ComponentDefinedType::Result { ok, err, .. } => {
                match (self.optional(ok.as_ref())?, self.optional(err.as_ref())?) {
                    (None, None) => "result".to_owned(),
                    (Some(ok), None) => format!("result<{ok}>"),
                    (None, Some(err)) => format!("result<_, {err}>"),
                    (Some(ok), Some(err)) => format!("result<{ok}, {err}>"),
                }
            }
            ComponentDefinedType::Own(id) => self.resource(ComponentAnyTypeId::Resource(*id)),
            ComponentDefinedType::Borrow(id) => {
                format!("borrow<{}>", self.resource(ComponentAnyTypeId::Resource(*id)))
            }
            ComponentDefinedType::Future { ty, .. } => match self.optional(ty.as_ref())? {
                Some(ty) => format!("future<{ty}>"),
                None => "future".to_owned(),
            },
            ComponentDefinedType::Stream { ty, .. } => match self.optional(ty.as_ref())? {
                Some(ty) => format!("stream<{ty}>"),
                None => "stream".to_owned(),
            },
        })
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

    fn check_depth(&mut self, id: ComponentDefinedTypeId) -> Result<(), ReadError> {
        self.depth(id, 0).map(drop)
    }

    /// How deeply a type is nested, names or not; remembered, as types share their parts.
    fn depth(&mut self, id: ComponentDefinedTypeId, above: usize) -> Result<usize, ReadError> {
        let known = self.depths.get(&id).copied();
        if above + known.unwrap_or(0) > DEPTH_LIMIT {
            return Err(ReadError::TooDeep { limit: DEPTH_LIMIT });
        }
        if let Some(depth) = known {
            return Ok(depth);
        }
        let types = self.types;
        let mut depth = 1;
        for part in parts(&types[id]) {
            if let ComponentValType::Type(part) = part {
                depth = depth.max(1 + self.depth(part, above + 1)?);
            }
        }
        self.depths.insert(id, depth);
        Ok(depth)
    }
}

/// The types that a type is directly made of.
fn parts(ty: &ComponentDefinedType) -> Vec<ComponentValType> {
    match ty {
        ComponentDefinedType::Record(record) => record.fields.values().copied().collect(),
        ComponentDefinedType::Variant(variant) => {
            variant.cases.values().filter_map(|case| case.ty).collect()
        }
        ComponentDefinedType::Tuple(tuple) => tuple.types.to_vec(),
        ComponentDefinedType::List { element, .. }
        | ComponentDefinedType::FixedLengthList { element, .. } => vec![*element],
        ComponentDefinedType::Option { ty, .. } => vec![*ty],
        ComponentDefinedType::Map { key, value, .. } => vec![*key, *value],
        ComponentDefinedType::Result { ok, err, .. } => ok.iter().chain(err).copied().collect(),
        ComponentDefinedType::Future { ty, .. } | ComponentDefinedType::Stream { ty, .. } => {
            ty.iter().copied().collect()
        }
        ComponentDefinedType::Primitive(_)
        | ComponentDefinedType::Flags(_)
        | ComponentDefinedType::Enum(_)
        | ComponentDefinedType::Own(_)
        | ComponentDefinedType::Borrow(_) => Vec::new(),
    }
}

fn list(names: impl IntoIterator<Item = impl ToString>) -> String {
    names.into_iter().map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
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
