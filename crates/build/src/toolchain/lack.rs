//! What a world has and the bindings of a language lack, said before a compiler starts.
//!
//! The tools of these languages would end in the middle of their own code, or write code that no
//! compiler takes. What each has was found by building a component of it.

mod cpp;
mod go;
mod javascript;
mod meet;
mod python;
pub(crate) mod rust;

use std::collections::BTreeMap;

use wit_parser::{Interface, InterfaceId, Resolve, Type, TypeDefKind, TypeId, WorldItem, WorldKey};

use crate::{Language, World, word::snake, world::parts};

/// How many flags of one type the component model takes.
const MAX_FLAGS: usize = 32;

/// A kind of type that some bindings lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Feature {
    FixedLengthList,
    /// One that has a name of its own.
    NamedFixedLengthList,
    Map,
    ErrorContext,
}

impl Feature {
    /// The languages whose bindings have it.
    fn languages(self) -> &'static [Language] {
        use Language::{C, Cpp, Go, Rust};
        match self {
            Self::FixedLengthList => &[Rust, Cpp],
            Self::NamedFixedLengthList => &[Rust],
            Self::Map => &[Rust, C, Cpp, Go],
            Self::ErrorContext => &[Rust],
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::FixedLengthList => "a list of fixed length",
            Self::NamedFixedLengthList => "a list of fixed length with a name",
            Self::Map => "a `map`",
            Self::ErrorContext => "an `error-context`",
        }
    }
}

/// A function or a named type of a world.
pub(crate) struct Item<'a> {
    /// As a user knows it: "`f` of `a:b/c`".
    pub(crate) name: String,
    pub(crate) is_export: bool,
    pub(crate) of: Of<'a>,
}

pub(crate) enum Of<'a> {
    Function(&'a wit_parser::Function),
    Type(TypeId),
}

/// What `language` lacks for `world`, in words about the world; none if that can be built.
pub(crate) fn of(language: Language, world: &World) -> Option<String> {
    let items = items(world);
    let own = &world.resolve.worlds[world.id];
    too_many_flags(world, &items)
        .or_else(|| items.iter().find_map(|item| without_bindings(language, world, item)))
        .or_else(|| asynchrony(language, world))
        .or_else(|| match language {
            Language::Cpp => cpp::of(world),
            Language::Go => go::of(world),
            Language::Python => python::of(world),
            Language::JavaScript | Language::TypeScript => javascript::of(world),
            // It makes the component, and is as old as the compiler.
            Language::Rust => {
                other_name("Rust's linker does", world, own.imports.iter().chain(&own.exports))
            }
            Language::C => None,
        })
}

/// The interfaces that a world imports, and those that it exports.
fn interfaces(world: &World) -> impl Iterator<Item = (InterfaceId, bool)> {
    let own = &world.resolve.worlds[world.id];
    let all = own.imports.values().map(|item| (item, false));
    let all = all.chain(own.exports.values().map(|item| (item, true)));
    all.filter_map(|(item, is_export)| match item {
        WorldItem::Interface { id, .. } => Some((*id, is_export)),
        _ => None,
    })
}

/// Two functions that are one where `[method]a.b` is written `method_a_b`.
fn same_symbol(interface: &Interface) -> Option<(&str, &str)> {
    let symbol =
        |name: &str| snake(&name.replace(['[', ']', '.'], "-")).trim_matches('_').to_owned();
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    interface
        .functions
        .keys()
        .find_map(|name| known.insert(symbol(name), name).map(|other| (other, name.as_str())))
}

/// An interface that has another name in the world than its own, where `lacking` cannot do that.
fn other_name<'a>(
    lacking: &str,
    world: &World,
    items: impl IntoIterator<Item = (&'a WorldKey, &'a WorldItem)>,
) -> Option<String> {
    items.into_iter().find_map(|(key, item)| match (key, item) {
        (WorldKey::Name(name), WorldItem::Interface { id, .. }) => {
            let of = world.resolve.interfaces[*id].name.as_deref()?;
            Some(format!(
                "it has the interface `{of}` under the name `{name}`, which {lacking} not support; write it \
                 under its own name"
            ))
        }
        _ => None,
    })
}

/// A resource that the world imports by itself, and not in an interface.
fn resource_alone(world: &World) -> Option<&str> {
    let own = &world.resolve.worlds[world.id];
    own.imports.values().find_map(|item| match item {
        WorldItem::Type { id, .. } => {
            let ty = &world.resolve.types[*id];
            let is_resource = matches!(ty.kind, TypeDefKind::Resource);
            is_resource.then_some(ty.name.as_deref().unwrap_or_default())
        }
        _ => None,
    })
}

/// The functions and named types of all that a world imports and exports.
pub(crate) fn items(world: &World) -> Vec<Item<'_>> {
    let own = &world.resolve.worlds[world.id];
    let mut items = Vec::new();
    for (is_export, all) in [(false, &own.imports), (true, &own.exports)] {
        for (key, item) in all {
            let name = world.resolve.name_world_key(key);
            match item {
                WorldItem::Function(function) => {
                    let (name, of) = (format!("`{name}`"), Of::Function(function));
                    items.push(Item { name, is_export, of });
                }
                WorldItem::Type { id, .. } => {
                    items.push(Item { name: format!("`{name}`"), is_export, of: Of::Type(*id) });
                }
                WorldItem::Interface { id, .. } => {
                    let interface = &world.resolve.interfaces[*id];
                    let named = |inner: &str| format!("`{inner}` of `{name}`");
                    items.extend(interface.types.iter().map(|(inner, id)| Item {
                        name: named(inner),
                        is_export,
                        of: Of::Type(*id),
                    }));
                    items.extend(interface.functions.values().map(|function| Item {
                        name: named(&function.name),
                        is_export,
                        of: Of::Function(function),
                    }));
                }
            }
        }
    }
    items
}

fn too_many_flags(world: &World, items: &[Item<'_>]) -> Option<String> {
    items.iter().find_map(|item| {
        let Of::Type(id) = item.of else { return None };
        let TypeDefKind::Flags(flags) = &world.resolve.types[id].kind else { return None };
        let count = flags.flags.len();
        (count > MAX_FLAGS).then(|| {
            format!(
                "{} has {count} flags, but the component model allows {MAX_FLAGS}; split them into \
                 two types",
                item.name
            )
        })
    })
}

/// What is said of the first type in `item` that the language has no bindings for.
fn without_bindings(language: Language, world: &World, item: &Item<'_>) -> Option<String> {
    let lacking = features(&world.resolve, item)
        .into_iter()
        .find(|feature| !feature.languages().contains(&language))?;
    let having = list(lacking.languages());
    let words = lacking.words();
    Some(format!("{} has {words}, for which {language} has no bindings; {having}", item.name))
}

/// "Rust, C and Python have them".
fn list(languages: &[Language]) -> String {
    let names: Vec<String> = languages.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => "no language has any".to_owned(),
        [one] => format!("{one} has them"),
        [rest @ .., last] => format!("{} and {last} have them", rest.join(", ")),
    }
}

fn features(resolve: &Resolve, item: &Item<'_>) -> Vec<Feature> {
    let mut features = Vec::new();
    match item.of {
        Of::Function(function) => {
            for ty in function.parameter_and_result_types() {
                in_type(resolve, &ty, &mut features);
            }
        }
        Of::Type(id) => {
            if matches!(resolve.types[id].kind, TypeDefKind::FixedLengthList(..)) {
                features.push(Feature::NamedFixedLengthList);
            }
            in_definition(resolve, id, &mut features);
        }
    }
    features
}

/// Of a type as it is written in one place: what has a name is looked at where it is defined.
fn in_type(resolve: &Resolve, ty: &Type, features: &mut Vec<Feature>) {
    match ty {
        Type::ErrorContext => features.push(Feature::ErrorContext),
        Type::Id(id) if resolve.types[*id].name.is_none() => in_definition(resolve, *id, features),
        _ => {}
    }
}

fn in_definition(resolve: &Resolve, id: TypeId, features: &mut Vec<Feature>) {
    let kind = &resolve.types[id].kind;
    match kind {
        TypeDefKind::FixedLengthList(..) => features.push(Feature::FixedLengthList),
        TypeDefKind::Map(..) => features.push(Feature::Map),
        _ => {}
    }
    for part in parts(kind) {
        in_type(resolve, &part, features);
    }
}

fn asynchrony(language: Language, world: &World) -> Option<String> {
    let reason = match language {
        Language::Rust | Language::C | Language::Python => None,
        // What is imported may be.
        Language::Go => world
            .asynchronous_export()
            .map(|function| format!("it exports the asynchronous function `{}`", function.name)),
        Language::Cpp | Language::JavaScript | Language::TypeScript => world.asynchrony(),
    };
    let having = list(&[Language::Rust, Language::C, Language::Python]);
    reason.map(|reason| format!("{reason}, for which {language} has no bindings; {having}"))
}
