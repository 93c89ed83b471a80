//! What the bindings of C call things: all in one space of names, each with its interface's.

use std::collections::HashMap;

use wit_bindgen_c::{c_func_name, push_ty_name, to_c_ident};
use wit_parser::{Function, LiveTypes, Resolve, Type, TypeDef, TypeDefKind, WorldKey};

use super::word::{is_used, is_word};
use crate::{
    Language,
    toolchain::alias::{Naming, Place},
    word::snake,
    world::parts,
};

/// What bindings of any world have for texts.
const OF_TEXTS: &[&str] = &["string_t", "string_set", "string_dup", "string_dup_n", "string_free"];

/// The bindings of C.
pub(super) struct InC;

impl Naming for InC {
    fn language(&self) -> Language {
        Language::C
    }

    fn always(&self, place: Place<'_>) -> Vec<String> {
        let space = space(place);
        let mut names = Vec::new();
        if place.key.is_none() {
            names.extend(OF_TEXTS.iter().map(|name| format!("{space}_{name}")));
        }
        // Types without a name get one of what they are made of.
        let mut types = LiveTypes::default();
        types.add_world(place.resolve, place.world);
        for id in types.iter().filter(|id| is_anonymous(&place.resolve.types[*id])) {
            let mut name = String::new();
            push_ty_name(place.resolve, &Type::Id(id), &mut name);
            names.extend(["t", "free"].map(|end| format!("{space}_{name}_{end}")));
        }
        names
    }

    fn resource(&self, place: Place<'_>, name: &str) -> Vec<String> {
        let (space, name) = (space(place), snake(name));
        let mut names =
            vec![format!("own_{name}_t"), format!("borrow_{name}_t"), format!("{name}_drop_own")];
        names.extend(if place.is_export {
            vec![
                format!("{name}_t"),
                format!("{name}_new"),
                format!("{name}_rep"),
                format!("{name}_destructor"),
            ]
        } else {
            vec![format!("{name}_drop_borrow"), format!("borrow_{name}")]
        });
        names.into_iter().map(|name| format!("{space}_{name}")).collect()
    }

    fn function(&self, place: Place<'_>, function: &Function) -> Vec<String> {
        let Place { resolve, world, key, is_export, .. } = place;
        let world = &resolve.worlds[world].name;
        vec![c_func_name(!is_export, resolve, world, key, function, &HashMap::default())]
    }

    fn ty(&self, place: Place<'_>, name: &str, kind: &TypeDefKind) -> Vec<String> {
        let (space, name) = (space(place), snake(name));
        let mut names = vec![format!("{space}_{name}_t")];
        if is_resource(place.resolve, kind) {
            names.extend(["own", "borrow"].map(|of| format!("{space}_{of}_{name}_t")));
        }
        if parts(kind).iter().any(|part| owns_memory(place.resolve, *part))
            || matches!(kind, TypeDefKind::List(_) | TypeDefKind::Map(..))
        {
            names.push(format!("{space}_{name}_free"));
        }
        let cases: Vec<&str> = match kind {
            TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| &*case.name).collect(),
            TypeDefKind::Enum(of) => of.cases.iter().map(|case| &*case.name).collect(),
            TypeDefKind::Flags(flags) => flags.flags.iter().map(|flag| &*flag.name).collect(),
            _ => Vec::new(),
        };
        names.extend(
            cases.iter().map(|case| format!("{space}_{name}_{}", snake(case)).to_uppercase()),
        );
        names
    }

    fn member(&self, _: &TypeDefKind, name: &str) -> String {
        to_c_ident(name)
    }

    fn is_member_taken(&self, _: &str, _: &TypeDefKind, member: &str) -> bool {
        is_word(member)
    }

    fn parameter(&self, name: &str) -> String {
        to_c_ident(name)
    }

    fn is_parameter_taken(&self, name: &str) -> bool {
        is_word(name) || is_used(name)
    }
}

/// Whether it is a type that is written in place.
fn is_anonymous(ty: &TypeDef) -> bool {
    use TypeDefKind::{Future, List, Map, Option, Result, Stream, Tuple};
    ty.name.is_none()
        && matches!(
            ty.kind,
            List(_) | Map(..) | Option(_) | Result(_) | Tuple(_) | Future(_) | Stream(_)
        )
}

fn is_resource(resolve: &Resolve, kind: &TypeDefKind) -> bool {
    match kind {
        TypeDefKind::Type(Type::Id(id)) => is_resource(resolve, &resolve.types[*id].kind),
        _ => matches!(kind, TypeDefKind::Resource),
    }
}

/// Whether the bindings have a function that frees a value.
fn owns_memory(resolve: &Resolve, ty: Type) -> bool {
    match ty {
        Type::String => true,
        Type::Id(id) => {
            let kind = &resolve.types[id].kind;
            matches!(kind, TypeDefKind::List(_) | TypeDefKind::Map(..) | TypeDefKind::Handle(_))
                || parts(kind).iter().any(|part| owns_memory(resolve, *part))
        }
        _ => false,
    }
}

/// What all names of a place begin with.
fn space(place: Place<'_>) -> String {
    let own = || snake(&place.resolve.worlds[place.world].name);
    match (place.interface(), place.key) {
        (Some(name), Some(WorldKey::Interface(_))) if place.is_export => format!("exports_{name}"),
        (name, _) => name.unwrap_or_else(own),
    }
}
