//! Checks a component against its world: each export exists, with the world's types.

use keyway_component::{Extern, describe};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::ManglingAndAbi;

use crate::World;

/// One thing in which a component is not what its world says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The component does not export it.
    #[error("the world `{world}` exports `{export}`, but the component does not")]
    NoExport {
        /// The world.
        world: String,
        /// The interface or function.
        export: String,
    },
    /// An interface is there without one of its functions.
    #[error("the component exports `{export}` without its function `{function}`")]
    NoFunction {
        /// The interface.
        export: String,
        /// The function.
        function: String,
    },
    /// A function or type is there and is another one.
    #[error(
        "in `{export}` the world declares `{name}` as\n  {wanted}\nbut the component has\n  {found}"
    )]
    Different {
        /// The interface.
        export: String,
        /// The function or type.
        name: String,
        /// Its signature or definition in WIT.
        wanted: String,
        /// That of the component.
        found: String,
    },
}

/// Everything in which `component` is not what `world` says. More imports than the world has are
/// not an error: what a language's own library needs of WASI is not written into every world.
///
/// # Errors
/// If the world cannot be expressed in types, or the bytes are not a component.
pub(crate) fn mismatches(world: &World, component: &[u8]) -> Result<Vec<Mismatch>, String> {
    let wanted = exports(&likeness(world)?)?;
    let found = exports(component)?;
    Ok(wanted.iter().flat_map(|wanted| compare(world, wanted, &found)).collect())
}

fn exports(component: &[u8]) -> Result<Vec<Extern>, String> {
    Ok(describe(component).map_err(|error| error.to_string())?.exports)
}

/// A component of the world whose functions do nothing: its types are the world's.
pub(crate) fn likeness(world: &World) -> Result<Vec<u8>, String> {
    let World { resolve, id, .. } = world;
    let mut module = dummy_module(resolve, *id, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, resolve, *id, StringEncoding::UTF8)
        .and_then(|()| ComponentEncoder::default().validate(true).module(&module)?.encode())
        .map_err(|error| format!("the world `{}` cannot be encoded: {error:#}", world.name()))
}

fn compare(world: &World, wanted: &Extern, found: &[Extern]) -> Vec<Mismatch> {
    let meets = |found: &&Extern| match (&found.interface, &wanted.interface) {
        (Some(ours), Some(theirs)) => ours.is_compatible(theirs),
        _ => found.name == wanted.name,
    };
    let Some(found) = found.iter().find(meets) else {
        let (world, export) = (world.name().to_owned(), wanted.name.clone());
        return vec![Mismatch::NoExport { world, export }];
    };
    let export = || wanted.name.clone();
    let mut mismatches = Vec::new();
    for function in &wanted.functions {
        let name = || function.name.clone();
        // A resource may have a method `constructor` beside its constructor.
        let mut named = found.functions.iter().filter(|found| found.name == function.name);
        match named.clone().next() {
            None => mismatches.push(Mismatch::NoFunction { export: export(), function: name() }),
            Some(found) if named.all(|found| found.signature != function.signature) => {
                let (wanted, found) = (function.signature.clone(), found.signature.clone());
                let (export, name) = (export(), name());
                mismatches.push(Mismatch::Different { export, name, wanted, found });
            }
            Some(_) => {}
        }
    }
    for ty in &wanted.types {
        // A type that no function uses may be left out.
        let same_name = found.types.iter().find(|found| found.name == ty.name);
        let Some(found) = same_name.filter(|found| found.definition != ty.definition) else {
            continue;
        };
        let (wanted, found) = (ty.definition.clone(), found.definition.clone());
        let (export, name) = (export(), ty.name.clone());
        mismatches.push(Mismatch::Different { export, name, wanted, found });
    }
    mismatches
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

    /// The differences reported for a component of the world `made` if the world `wanted` is
    /// expected.
    fn told(wanted: &str, made: &str) -> Vec<String> {
        let made = likeness(&world(made)).expect("a component");
        let mismatches = mismatches(&world(wanted), &made).expect("both can be read");
        let mut told: Vec<_> = mismatches.iter().map(ToString::to_string).collect();
        told.sort();
        told
    }

    const WANTED: &str = "package a:b@1.2.0;
        interface points {
            record point { x: u32, y: u32 }
            move: func(by: point) -> point;
            stop: func();
        }
        world w { export points; export run: func() -> bool; }";

    #[test]
    fn a_component_of_the_same_world_is_what_it_says() {
        assert_eq!(told(WANTED, WANTED), [] as [&str; 0]);
        // A newer release of the same package has more, and does.
        let newer = WANTED.replace("@1.2.0", "@1.3.0").replace("stop:", "start: func(); stop:");
        assert_eq!(told(WANTED, &newer), [] as [&str; 0]);
        // Further imports are what the language needs.
        let more = WANTED.replace("world w {", "world w { import points;");
        assert_eq!(told(WANTED, &more), [] as [&str; 0]);
    }

    #[test]
    fn what_differs_is_told_with_its_place() {
        let none = "package a:b@1.2.0; world w {}";
        assert_eq!(
            told(WANTED, none),
            [
                "the world `w` exports `a:b/points@1.2.0`, but the component does not",
                "the world `w` exports `run`, but the component does not",
            ]
        );
        let other = WANTED.replace("y: u32", "y: u64").replace("stop: func();", "");
        let other = other.replace("-> bool", "-> u8");
        assert_eq!(
            told(WANTED, &other),
            [
                "in `a:b/points@1.2.0` the world declares `point` as\n  record point { x: u32, y: u32 }\n\
                 but the component has\n  record point { x: u32, y: u64 }",
                "in `run` the world declares `run` as\n  func() -> bool\n\
                 but the component has\n  func() -> u8",
                "the component exports `a:b/points@1.2.0` without its function `stop`",
            ]
        );
    }
}
