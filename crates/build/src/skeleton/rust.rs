//! A skeleton in Rust: an implementation of each trait that the bindings have.

use std::collections::{BTreeMap, BTreeSet};

use wit_bindgen_core::name_package_module;
use wit_parser::{
    Function, FunctionKind, Handle, InterfaceId, Resolve, Type, TypeDefKind, TypeId, TypeOwner,
    WorldItem, WorldKey,
};

use super::{Export, Resource, parameters};
use crate::{
    Language, World,
    toolchain::lack,
    word::{escape, pascal, snake},
    world::parts,
};

/// Names that a module of ours must not take at the root: crates that the bindings name.
const CRATES: &[&str] = &["alloc", "bindings", "core", "exports", "std", "wit_bindgen"];

/// Types of Rust's own that signatures have, and where they lie.
const PRELUDE: &[(&str, &str)] = &[
    ("Option", "::core::option::Option"),
    ("Result", "::core::result::Result"),
    ("String", "::std::string::String"),
    ("Vec", "::std::vec::Vec"),
];

pub(super) fn write(world: &World, exports: &[Export<'_>]) -> Result<String, String> {
    if let Some(reason) = lack::rust::names(world) {
        return Err(reason);
    }
    let apart = lack::rust::apart(world);
    let is_apart = |key: &WorldKey| matches!(key, WorldKey::Name(name) if apart.contains(name));
    let main = match apart.as_slice() {
        [] => generate(world, None),
        _ => generate(world, Some(&world.part("main", true, &|key| !is_apart(key))?)),
    };
    let mut text = format!("//! Implements the world `{}`, see `wit`.\n\n{main}", world.name());
    let filled: Vec<_> = exports.iter().filter(|export| !export.is_empty()).collect();
    // Bindings without an export have nothing that a component is given to.
    if exports.is_empty() {
        return Ok(text);
    }
    let root = Scope::of(world, None);
    let component = free_name(
        &["Component", "ThisComponent", "ComponentOfThis"],
        &exports
            .iter()
            .flat_map(|e| Scope::of(world, e.interface).types)
            .chain(root.types.clone())
            .collect(),
    );
    text.push_str(&format!("\nstruct {component};\n"));
    if !exports.iter().all(|export| export.key.is_some_and(is_apart)) {
        text.push_str(&format!("\nexport!({component});\n"));
    }
    for name in &apart {
        let is_it = |key: &WorldKey| matches!(key, WorldKey::Name(other) if other == name);
        let part = generate(world, Some(&world.part(name, false, &is_it)?));
        let module = apart_module(name);
        text.push_str(&format!(
            "\n/// Apart, since the bindings have a module of this name already.\nmod {module} {{\n{}}}\n\n\
             {module}::export!({component} with_types_in {module});\n",
            indented(&part)
        ));
    }
    let modules = module_names(world, &filled);
    for (export, module) in filled.into_iter().zip(modules) {
        let scope = Scope::of(world, export.interface);
        text.push('\n');
        match export.key {
            None => text.push_str(&scope.implementation(export, &component)?),
            Some(key) => {
                let inner = scope.implementation(export, &component)?;
                let mut path = path(&world.resolve, key);
                if is_apart(key) {
                    path = format!("{}::{path}", apart_module(&export.name));
                }
                text.push_str(&format!(
                    "mod {module} {{\n    use crate::{{{component}, {path}::*}};\n\n{}}}\n",
                    indented(&inner)
                ));
            }
        }
    }
    Ok(text)
}

/// The macro that makes the bindings: of the world in `wit`, or of a part of it.
fn generate(world: &World, part: Option<&str>) -> String {
    let features: Vec<_> = world.features_on().iter().map(|name| format!("\"{name}\"")).collect();
    let features = match features.as_slice() {
        [] => String::new(),
        names => format!(", features: [{}]", names.join(", ")),
    };
    match part {
        None => format!("wit_bindgen::generate!({{ path: \"wit\", generate_all{features} }});\n"),
        Some(part) => format!(
            "wit_bindgen::generate!({{\n    path: \"wit\",\n    inline: r#\"\n{}\n\"#,\n    \
             generate_all{features},\n}});\n",
            part.trim_end()
        ),
    }
}

fn apart_module(name: &str) -> String {
    format!("{}_bindings", snake(name))
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("    {line}\n"),
    });
    lines.collect()
}

/// The first of `names` that is not `taken`.
fn free_name(names: &[&str], taken: &BTreeSet<String>) -> String {
    let free = names.iter().find(|name| !taken.contains(**name));
    free.map_or_else(|| format!("{}_", names[0]), ToString::to_string)
}

/// A module for each export, none of which is called as another, or as one of the bindings.
fn module_names(world: &World, exports: &[&Export<'_>]) -> Vec<String> {
    let resolve = &world.resolve;
    let own = &resolve.worlds[world.id];
    let mut taken: BTreeSet<String> = CRATES.iter().map(ToString::to_string).collect();
    for (key, item) in &own.imports {
        match (key, item) {
            (WorldKey::Name(name), WorldItem::Interface { .. }) => {
                taken.insert(word(name));
            }
            (WorldKey::Interface(id), _) => {
                let package = resolve.interfaces[*id].package;
                taken.extend(package.map(|id| word(&resolve.packages[id].name.namespace)));
            }
            _ => {}
        }
    }
    let mut names = Vec::new();
    for export in exports {
        let package = match export.key {
            Some(WorldKey::Interface(id)) => resolve.interfaces[*id].package,
            _ => None,
        };
        let mut name = word(&export.name);
        if taken.contains(&name)
            && let Some(package) = package
        {
            name = format!("{}_{}", name_package_module(resolve, package), snake(&export.name));
        }
        while taken.contains(&name) {
            name.push('_');
        }
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

/// Where the bindings put an interface that is exported.
fn path(resolve: &Resolve, key: &WorldKey) -> String {
    let id = match key {
        WorldKey::Name(name) => return format!("exports::{}", word(name)),
        WorldKey::Interface(id) => id,
    };
    let interface = &resolve.interfaces[*id];
    let package = interface.package.map(|id| (id, &resolve.packages[id].name));
    let parts = package
        .iter()
        .flat_map(|(id, name)| [word(&name.namespace), name_package_module(resolve, *id)]);
    let name = interface.name.as_deref().map(word);
    ["exports".to_owned()].into_iter().chain(parts).chain(name).collect::<Vec<_>>().join("::")
}

/// Where an implementation stands: what it can name.
struct Scope<'a> {
    resolve: &'a Resolve,
    /// The types there, as Rust has them.
    types: BTreeSet<String>,
    /// The interfaces that are exported, whose resources are ours.
    exported: BTreeSet<InterfaceId>,
}

impl<'a> Scope<'a> {
    /// Of an interface, or of the world itself.
    fn of(world: &'a World, interface: Option<InterfaceId>) -> Self {
        let resolve = &world.resolve;
        let own = &resolve.worlds[world.id];
        let exported = own.exports.values().filter_map(|item| match item {
            WorldItem::Interface { id, .. } => Some(*id),
            _ => None,
        });
        let types = match interface {
            Some(id) => resolve.interfaces[id].types.keys().map(|name| type_name(name)).collect(),
            None => {
                let names = own.imports.iter().filter_map(|(key, item)| match (key, item) {
                    (WorldKey::Name(name), WorldItem::Type { .. }) => Some(type_name(name)),
                    _ => None,
                });
                names.collect()
            }
        };
        Self { resolve, types, exported: exported.collect() }
    }

    /// The traits of an export, implemented.
    fn implementation(&self, export: &Export<'_>, component: &str) -> Result<String, String> {
        let ours = self.names_of_resources(export);
        let mut text = String::new();
        for resource in &export.resources {
            let name = &ours[resource.name];
            text.push_str(&format!(
                "/// The state of `{}`: to be filled in.\npub struct {name};\n\n",
                resource.name
            ));
        }
        let types = export.resources.iter().map(|resource| {
            format!("    type {} = {};\n", pascal(resource.name), ours[resource.name])
        });
        let mut parts: Vec<String> =
            Vec::from_iter(Some(types.collect()).filter(|t: &String| !t.is_empty()));
        parts.extend(self.functions(&export.functions)?);
        text.push_str(&block(&format!("impl Guest for {component}"), &parts));
        for resource in &export.resources {
            let functions: Vec<_> = (resource.constructor.iter().copied())
                .chain(resource.methods.iter().copied())
                .chain(resource.statics.iter().copied())
                .collect();
            let header = format!("impl Guest{} for {}", pascal(resource.name), ours[resource.name]);
            text.push_str(&format!("\n{}", block(&header, &self.functions(&functions)?)));
        }
        Ok(text)
    }

    /// What implements each resource is called by a name that nothing else there has.
    fn names_of_resources<'e>(&self, export: &Export<'e>) -> BTreeMap<&'e str, String> {
        let name = |resource: &Resource<'e>| {
            let name = pascal(resource.name);
            let names =
                [format!("My{name}"), format!("{name}State"), format!("{name}Implementation")];
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            (resource.name, free_name(&names, &self.types))
        };
        export.resources.iter().map(name).collect()
    }

    fn functions(&self, functions: &[&Function]) -> Result<Vec<String>, String> {
        let written = functions.iter().map(|function| {
            let signature = self.signature(function)?;
            Ok(format!("    {signature} {{\n        todo!()\n    }}\n"))
        });
        written.collect()
    }

    fn signature(&self, function: &Function) -> Result<String, String> {
        let is_method =
            matches!(function.kind, FunctionKind::Method(_) | FunctionKind::AsyncMethod(_));
        let mut parts: Vec<String> = Vec::from_iter(is_method.then(|| "&self".to_owned()));
        for parameter in parameters(function) {
            parts.push(format!("{}: {}", word(&parameter.name), self.ty(&parameter.ty)?));
        }
        let result = match (&function.kind, &function.result) {
            (FunctionKind::Constructor(_), Some(result)) => match self.error_of(result) {
                Some(error) => {
                    let error = self.or_unit(&error)?;
                    format!(" -> {}<Self, {error}>", self.prelude("Result"))
                }
                None => " -> Self".to_owned(),
            },
            (_, Some(result)) => format!(" -> {}", self.ty(result)?),
            (_, None) => String::new(),
        };
        let define = if function.kind.is_async() { "async fn" } else { "fn" };
        let name = match function.kind {
            FunctionKind::Constructor(_) => "new".to_owned(),
            _ => word(function.item_name()),
        };
        Ok(format!("{define} {name}({}){result}", parts.join(", ")))
    }

    /// The error of a constructor that may fail.
    fn error_of(&self, result: &Type) -> Option<Option<Type>> {
        let Type::Id(id) = result else { return None };
        match &self.resolve.types[*id].kind {
            TypeDefKind::Result(result) => Some(result.err),
            TypeDefKind::Type(of) => self.error_of(of),
            _ => None,
        }
    }

    /// A type of Rust's own: by its whole path where the WIT has one of that name.
    fn prelude(&self, name: &'static str) -> &'static str {
        let path = PRELUDE.iter().find(|(known, _)| *known == name && self.types.contains(name));
        path.map_or(name, |(_, path)| *path)
    }

    fn or_unit(&self, ty: &Option<Type>) -> Result<String, String> {
        ty.as_ref().map_or(Ok("()".to_owned()), |ty| self.ty(ty))
    }

    fn ty(&self, of: &Type) -> Result<String, String> {
        Ok(match of {
            Type::Bool => "bool".to_owned(),
            Type::U8 => "u8".to_owned(),
            Type::U16 => "u16".to_owned(),
            Type::U32 => "u32".to_owned(),
            Type::U64 => "u64".to_owned(),
            Type::S8 => "i8".to_owned(),
            Type::S16 => "i16".to_owned(),
            Type::S32 => "i32".to_owned(),
            Type::S64 => "i64".to_owned(),
            Type::F32 => "f32".to_owned(),
            Type::F64 => "f64".to_owned(),
            Type::Char => "char".to_owned(),
            Type::String => self.prelude("String").to_owned(),
            Type::ErrorContext => "wit_bindgen::rt::async_support::ErrorContext".to_owned(),
            Type::Id(id) => return self.composite(*id),
        })
    }

    fn composite(&self, id: TypeId) -> Result<String, String> {
        let of = &self.resolve.types[id];
        if let Some(name) = &of.name {
            let lifetime = if self.has_borrow(id) { "<'_>" } else { "" };
            return Ok(type_name(name) + lifetime);
        }
        let inner = |of: &Type| self.ty(of);
        let or_unit = |of: &Option<Type>| self.or_unit(of);
        Ok(match &of.kind {
            TypeDefKind::List(element) => format!("{}<{}>", self.prelude("Vec"), inner(element)?),
            TypeDefKind::FixedLengthList(element, length) => {
                format!("[{}; {length}]", inner(element)?)
            }
            TypeDefKind::Map(key, value) => {
                format!("wit_bindgen::rt::Map<{}, {}>", inner(key)?, inner(value)?)
            }
            TypeDefKind::Option(some) => format!("{}<{}>", self.prelude("Option"), inner(some)?),
            TypeDefKind::Result(result) => {
                let (ok, err) = (or_unit(&result.ok)?, or_unit(&result.err)?);
                format!("{}<{ok}, {err}>", self.prelude("Result"))
            }
            TypeDefKind::Tuple(tuple) => {
                let types: Vec<String> = tuple.types.iter().map(inner).collect::<Result<_, _>>()?;
                let comma = if types.len() == 1 { "," } else { "" };
                format!("({}{comma})", types.join(", "))
            }
            TypeDefKind::Handle(Handle::Own(resource)) => self.composite(*resource)?,
            TypeDefKind::Handle(Handle::Borrow(resource)) if self.is_ours(*resource) => {
                let name = self.resolve.types[*resource].name.as_deref().unwrap_or_default();
                format!("{}Borrow<'_>", pascal(name))
            }
            TypeDefKind::Handle(Handle::Borrow(resource)) => {
                format!("&{}", self.composite(*resource)?)
            }
            TypeDefKind::Stream(element) => {
                format!("wit_bindgen::StreamReader<{}>", or_unit(element)?)
            }
            TypeDefKind::Future(value) => {
                format!("wit_bindgen::FutureReader<{}>", or_unit(value)?)
            }
            TypeDefKind::Type(alias) => inner(alias)?,
            other => return Err(format!("it uses a type of kind `{}`", other.as_str())),
        })
    }

    /// Whether a resource is one that the component exports.
    fn is_ours(&self, id: TypeId) -> bool {
        let of = &self.resolve.types[id];
        match (&of.kind, of.owner) {
            (TypeDefKind::Type(Type::Id(id)), _) => self.is_ours(*id),
            (_, TypeOwner::Interface(id)) => self.exported.contains(&id),
            _ => false,
        }
    }

    /// Whether values of a type hold a resource only while a call lasts, which Rust wants to be named.
    fn has_borrow(&self, id: TypeId) -> bool {
        let kind = &self.resolve.types[id].kind;
        match kind {
            TypeDefKind::Handle(Handle::Borrow(_)) => true,
            TypeDefKind::Handle(Handle::Own(_)) => false,
            _ => {
                parts(kind).iter().any(|part| matches!(part, Type::Id(id) if self.has_borrow(*id)))
            }
        }
    }
}

/// An implementation of a trait.
fn block(header: &str, parts: &[String]) -> String {
    match parts {
        [] => format!("{header} {{}}\n"),
        parts => format!("{header} {{\n{}}}\n", parts.join("\n")),
    }
}

/// A type as the bindings write it.
fn type_name(name: &str) -> String {
    // The bindings have a trait of this name.
    if name == "guest" { "Guest_".to_owned() } else { pascal(name) }
}

/// A name as the bindings write it.
fn word(name: &str) -> String {
    escape(Language::Rust, &snake(name))
}
