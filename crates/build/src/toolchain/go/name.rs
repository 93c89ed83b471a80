//! What Go's bindings call things.
//!
//! A package of Go has one space of names. A variant `shape` with a case `circle` makes a constant
//! `ShapeCircle`, which is a type's name if there is a record `shape-circle`.

use wit_bindgen_c::push_ty_name;
use wit_parser::{Function, FunctionKind, LiveTypes, Resolve, TypeDefKind, TypeId};

use crate::{
    Language,
    toolchain::alias::{Naming, Place},
    word::{camel, escape, pascal, snake},
};

/// Methods that the bindings give each resource.
const OF_RESOURCES: &[&str] = &["TakeHandle", "SetHandle", "Drop"];

/// What function bodies of the bindings use, which a parameter would hide.
const USED: &[&str] = &[
    "any",
    "append",
    "bool",
    "byte",
    "cap",
    "clear",
    "close",
    "copy",
    "delete",
    "error",
    "false",
    "float32",
    "float64",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "len",
    "make",
    "math",
    "max",
    "min",
    "new",
    "nil",
    "panic",
    "pinner",
    "print",
    "println",
    "recover",
    "returnArea",
    "rune",
    "runtime",
    "string",
    "true",
    "uint",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "uintptr",
    "unsafe",
    "witAsync",
    "witRuntime",
    "witTypes",
];

/// Go's bindings.
pub(super) struct InGo;

impl Naming for InGo {
    fn language(&self) -> Language {
        Language::Go
    }

    fn always(&self, place: Place<'_>) -> Vec<String> {
        let mut types = LiveTypes::default();
        types.add_world(place.resolve, place.world);
        let made = types.iter().filter_map(|id| channel(place.resolve, id));
        let functions = made.flat_map(|name| [format!("Make{name}"), format!("Lift{name}")]);
        functions.map(|name| format!("{}.{name}", package(place))).collect()
    }

    fn resource(&self, place: Place<'_>, name: &str) -> Vec<String> {
        let (package, name) = (package(place), pascal(name));
        let functions = ["", "FromOwnHandle", "FromBorrowHandle"].map(|end| format!("{name}{end}"));
        let own = if place.is_export { "OnDrop" } else { "Handle" };
        let methods = OF_RESOURCES.iter().chain([&own]).map(|method| format!("{name}.{method}"));
        functions.into_iter().chain(methods).map(|name| format!("{package}.{name}")).collect()
    }

    fn function(&self, place: Place<'_>, function: &Function) -> Vec<String> {
        let (package, name) = (package(place), raw(&function.name));
        let raw = if place.is_export {
            format!("wasm_export_{}_{name}", folder(place))
        } else {
            format!("{package}.wasm_import_{name}")
        };
        vec![format!("{package}.{}", called(place.resolve, function)), raw]
    }

    fn ty(&self, place: Place<'_>, name: &str, kind: &TypeDefKind) -> Vec<String> {
        let name = pascal(name);
        let cases: Vec<&str> = match kind {
            TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| &*case.name).collect(),
            TypeDefKind::Enum(of) => of.cases.iter().map(|case| &*case.name).collect(),
            TypeDefKind::Flags(flags) => flags.flags.iter().map(|flag| &*flag.name).collect(),
            _ => Vec::new(),
        };
        let constants: Vec<_> =
            cases.into_iter().map(|case| format!("{name}{}", pascal(case))).collect();
        let makers = constants.iter().map(|constant| format!("Make{constant}"));
        let makers: Vec<_> = match kind {
            TypeDefKind::Variant(_) => makers.collect(),
            _ => Vec::new(),
        };
        let package = package(place);
        let names = [vec![name], constants, makers].concat();
        names.into_iter().map(|name| format!("{package}.{name}")).collect()
    }

    fn member(&self, _: &TypeDefKind, name: &str) -> String {
        pascal(name)
    }

    fn is_member_taken(&self, _: &str, kind: &TypeDefKind, member: &str) -> bool {
        // Variants have a method of this name.
        matches!(kind, TypeDefKind::Variant(_)) && member == "tag"
    }

    fn parameter(&self, name: &str) -> String {
        camel(name)
    }

    fn is_parameter_taken(&self, name: &str) -> bool {
        USED.contains(&&*camel(name))
    }
}

/// What functions that make a stream or a future are called after.
fn channel(resolve: &Resolve, id: TypeId) -> Option<String> {
    let (kind, payload) = match resolve.types[id].kind {
        TypeDefKind::Stream(payload) => ("Stream", payload),
        TypeDefKind::Future(payload) => ("Future", payload),
        _ => return None,
    };
    let mut name = String::new();
    match payload {
        Some(payload) => push_ty_name(resolve, &payload, &mut name),
        None => name.push_str("unit"),
    }
    Some(format!("{kind}{}", pascal(&name.replace('_', "-"))))
}

/// The function in its package, a method with its type.
fn called(resolve: &Resolve, function: &Function) -> String {
    let resource = function.kind.resource();
    let resource = resource.and_then(|id| resolve.types[id].name.as_deref()).map(pascal);
    let (resource, name) = (resource.unwrap_or_default(), pascal(function.item_name()));
    match function.kind {
        FunctionKind::Freestanding | FunctionKind::AsyncFreestanding => name,
        FunctionKind::Constructor(_) => format!("Make{resource}"),
        FunctionKind::Static(_) | FunctionKind::AsyncStatic(_) => format!("{resource}{name}"),
        FunctionKind::Method(_) | FunctionKind::AsyncMethod(_) => format!("{resource}.{name}"),
    }
}

/// `[method]a.b` as `method_a_b`.
fn raw(name: &str) -> String {
    snake(&name.replace(['[', ']', '.'], "-")).trim_matches('_').to_owned()
}

fn package(place: Place<'_>) -> String {
    let folder = folder(place);
    if place.is_export { format!("export_{folder}") } else { folder }
}

/// The package of what is imported, and of types.
fn folder(place: Place<'_>) -> String {
    escape(Language::Go, &place.interface().unwrap_or_else(|| "wit_world".to_owned()))
}
