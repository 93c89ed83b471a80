//! Finds what in a world a generator of bindings panics at, or no component can have, so that a user
//! reads what it is and what to do.

use keyway_component::guard::caught;
use wit_parser::{InterfaceId, WorldItem};

use crate::{Language, World, check::likeness};

/// Has a generator make the bindings of `world`. If it panics, says which functions or types it cannot
/// write.
pub(crate) fn generate<T>(
    language: Language,
    world: &World,
    generator: &dyn Fn(&World) -> Result<T, String>,
) -> Result<T, String> {
    let panic = match caught(|| generator(world)) {
        Ok(made) => return made,
        Err(panic) => panic,
    };
    let fails =
        |world: &World| caught(|| generator(world)).is_err_and(|again| again.place == panic.place);
    let names = culprits(world, &fails);
    let what = if names.is_empty() { "the world".to_owned() } else { names.join(" and ") };
    let said = match panic.message.as_str() {
        "" => String::new(),
        message => format!(" ({message})"),
    };
    Err(format!(
        "the bindings of {language} cannot express {what}{said}; remove that from the WIT, or \
         choose another language"
    ))
}

/// What of a world no component can have, in words about it; none if there can be a component of it.
pub(crate) fn unencodable(world: &World) -> Option<String> {
    let reason = |world: &World| {
        let encoded = caught(|| likeness(world)).map_err(|panic| panic.message);
        let error = encoded.and_then(|likeness| likeness).err()?;
        let error = error.rsplit(": ").next().unwrap_or(&error);
        Some(error.split(" (at offset").next().unwrap_or(error).to_owned())
    };
    let said = reason(world)?;
    let names = culprits(world, &|world| reason(world).as_ref() == Some(&said));
    let what = if names.is_empty() { "the world".to_owned() } else { names.join(" and ") };
    Some(format!("no component can have {what}: {said}; change that in the WIT"))
}

/// What a world can be without, for the sake of finding what a generator fails at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// A function of an interface.
    Function { of: InterfaceId, name: String },
    /// A function of the world itself.
    Own { name: String },
    /// A type of an interface.
    Type { of: InterfaceId, name: String },
}

/// The fewest functions, or else types, with which `fails` still holds.
fn culprits(world: &World, fails: &dyn Fn(&World) -> bool) -> Vec<String> {
    let (functions, mut types) = parts(world);
    // What uses a type is written after it, mostly, and fails with it.
    types.reverse();
    let functions = fewest(functions, &|kept| fails(&with_only(world, kept, &types)));
    let found = if functions.is_empty() {
        fewest(types, &|kept| fails(&with_only(world, &[], kept)))
    } else {
        functions
    };
    found.iter().map(|part| name(world, part)).collect()
}

/// The functions and the types of a world.
fn parts(world: &World) -> (Vec<Part>, Vec<Part>) {
    let (mut functions, mut types) = (Vec::new(), Vec::new());
    let own = &world.resolve.worlds[world.id];
    for item in own.imports.values().chain(own.exports.values()) {
        match item {
            WorldItem::Function(function) => {
                functions.push(Part::Own { name: function.name.clone() });
            }
            WorldItem::Interface { id: of, .. } => {
                let interface = &world.resolve.interfaces[*of];
                let part = |name: &String| Part::Function { of: *of, name: name.clone() };
                functions.extend(interface.functions.keys().map(part));
                let part = |name: &String| Part::Type { of: *of, name: name.clone() };
                types.extend(interface.types.keys().map(part));
            }
            WorldItem::Type { .. } => {}
        }
    }
    // What is both imported and exported is there once.
    types.dedup();
    functions.dedup();
    (functions, types)
}

/// Leaves out what can be left out while `fails` holds of the rest: halves first, then single parts.
fn fewest(mut kept: Vec<Part>, fails: &dyn Fn(&[Part]) -> bool) -> Vec<Part> {
    let mut size = kept.len();
    while size > 0 {
        let mut start = 0;
        while start < kept.len() {
            let end = (start + size).min(kept.len());
            let rest = [&kept[..start], &kept[end..]].concat();
            if fails(&rest) {
                kept = rest;
            } else {
                start = end;
            }
        }
        size /= 2;
    }
    kept
}

/// The world with these parts alone.
fn with_only(world: &World, functions: &[Part], types: &[Part]) -> World {
    let mut world = world.clone();
    for (of, interface) in world.resolve.interfaces.iter_mut() {
        interface.functions.retain(|name, _| {
            functions.iter().any(
                |part| matches!(part, Part::Function { of: o, name: n } if *o == of && n == name),
            )
        });
        interface.types.retain(|name, _| {
            types
                .iter()
                .any(|part| matches!(part, Part::Type { of: o, name: n } if *o == of && n == name))
        });
    }
    let is_kept = |item: &WorldItem| match item {
        WorldItem::Function(function) => {
            functions.contains(&Part::Own { name: function.name.clone() })
        }
        _ => true,
    };
    let own = &mut world.resolve.worlds[world.id];
    own.imports.retain(|_, item| is_kept(item));
    own.exports.retain(|_, item| is_kept(item));
    world
}

fn name(world: &World, part: &Part) -> String {
    match part {
        Part::Own { name } => format!("`{name}`"),
        Part::Function { of, name } | Part::Type { of, name } => {
            format!("`{name}` of `{}`", world.interface_name(*of))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Features;

    fn world(wit: &str) -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("world.wit");
        std::fs::write(&file, wit).expect("written");
        World::read(&file, None, &Features::default()).expect("it is WIT")
    }

    const WIT: &str = "package a:b;
        interface t { type bad = u32; a: func(); b: func(); c: func(); }
        world w { import t; export d: func(); }";

    /// What is said of a generator that fails at worlds of which `fails` holds.
    fn said(fails: &dyn Fn(&World) -> bool) -> String {
        let generator = |world: &World| {
            assert!(!fails(world), "not yet");
            Ok(())
        };
        generate(Language::C, &world(WIT), &generator).expect_err("it fails")
    }

    fn has(world: &World, function: &str) -> bool {
        let mut interfaces = world.resolve.interfaces.iter();
        interfaces.any(|(_, interface)| interface.functions.contains_key(function))
    }

    #[test]
    fn what_no_component_can_have_is_named() {
        for (inner, said) in [
            (
                "resource foo { foo: func(); bar: func(); } f: func();",
                "no component can have `[method]foo.foo` of `a:b/t`: export name `[method]foo.foo` \
                 conflicts with previous name `foo`; change that in the WIT",
            ),
            (
                "enum e { a, A } record r { e: e } f: func(r: r);",
                "no component can have `e` of `a:b/t`: enum tag name `A` conflicts with previous tag name \
                 `a`; change that in the WIT",
            ),
            (
                "resource a { b-c: func(); } resource a-b { c: func(); } f: func();",
                "no component can have `[method]a.b-c` of `a:b/t` and `[method]a-b.c` of `a:b/t`: import \
                 name `import-method-a-b-c` conflicts with previous name `import-method-a-b-c`; change \
                 that in the WIT",
            ),
        ] {
            let wit = format!("package a:b; interface t {{ {inner} }} world w {{ export t; }}");
            assert_eq!(unencodable(&world(&wit)).as_deref(), Some(said));
        }
        assert_eq!(unencodable(&world(WIT)), None);
    }

    #[test]
    fn what_a_generator_fails_at_is_named() {
        assert_eq!(
            said(&|world| has(world, "b")),
            "the bindings of C cannot express `b` of `a:b/t` (not yet); remove that from the WIT, or \
             choose another language"
        );
        assert!(
            said(&|world| has(world, "a") && has(world, "c")).contains("`a` of `a:b/t` and `c` of")
        );
        let own = |world: &World| {
            world.resolve.worlds[world.id]
                .exports
                .values()
                .any(|i| matches!(i, WorldItem::Function(_)))
        };
        assert!(said(&own).contains("cannot express `d` (not yet)"));
        let of_type = |world: &World| {
            world
                .resolve
                .interfaces
                .iter()
                .any(|(_, interface)| interface.types.contains_key("bad"))
        };
        assert!(said(&of_type).contains("cannot express `bad` of `a:b/t`"));
        assert!(said(&|_| true).contains("cannot express the world"));
    }
}
