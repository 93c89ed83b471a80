//! Other names for what would meet in the bindings of a language.
//!
//! WIT has names that are one in a language: `a-1` and `a1`, or `make-circle` and what the bindings make
//! for the constructor of `circle`. The generator is given a world in which one of them has a longer
//! name. What types, cases, fields and parameters are called nobody sees outside the bindings. A function
//! is linked by its name, so that the bindings get that back.

mod apply;

use std::collections::{BTreeMap, BTreeSet};

use wit_parser::{
    Function, FunctionKind, InterfaceId, PackageName, Resolve, TypeDefKind, TypeId, WorldId,
    WorldItem, WorldKey,
};

use crate::{Language, World, word::snake};

/// What is put behind a name that is taken.
pub(super) const MORE: &str = "-value";

/// What may stand before the name of a function where it is linked by that.
const BEFORE_LINK: &[&str] = &["\"", " ", "#", "]", "cabi_post_"];

/// Where bindings have something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) resolve: &'a Resolve,
    pub(super) world: WorldId,
    /// The interface; none for the world itself.
    pub(super) id: Owner,
    /// What the world calls the interface.
    pub(super) key: Option<&'a WorldKey>,
    pub(super) is_export: bool,
}

impl Place<'_> {
    /// The interface's whole name in one word, `wasi_http_types`, with its version where there are
    /// several. None for the world itself.
    pub(super) fn interface(&self) -> Option<String> {
        let id = match self.key? {
            WorldKey::Name(name) => return Some(snake(name)),
            WorldKey::Interface(id) => id,
        };
        let interface = &self.resolve.interfaces[*id];
        let package = &self.resolve.packages[interface.package?].name;
        let name = |of: &PackageName| (of.namespace.clone(), of.name.clone());
        let same = self.resolve.packages.iter();
        let same = same.filter(|(_, other)| name(&other.name) == name(package));
        let version = match &package.version {
            Some(version) if same.count() > 1 => version.to_string().replace(['.', '+'], "-"),
            _ => String::new(),
        };
        let interface = interface.name.as_deref()?;
        let parts = [&package.namespace, &package.name, version.as_str(), interface];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).map(snake).collect();
        Some(parts.join("_"))
    }
}

/// What the bindings of a language call things. Each name has its scope in it: things that have one in
/// common cannot be told apart.
pub(super) trait Naming {
    fn language(&self) -> Language;

    /// All that is declared in a place whatever is in it.
    fn always(&self, place: Place<'_>) -> Vec<String>;

    /// All that is declared for a resource beside its functions.
    fn resource(&self, place: Place<'_>, name: &str) -> Vec<String>;

    /// All that is declared for a function.
    fn function(&self, place: Place<'_>, function: &Function) -> Vec<String>;

    /// All that is declared for another type.
    fn ty(&self, place: Place<'_>, name: &str, kind: &TypeDefKind) -> Vec<String>;

    /// What a field or a case is called in its type.
    fn member(&self, kind: &TypeDefKind, name: &str) -> String;

    /// Whether a type of this name cannot have a field or case that is called so.
    fn is_member_taken(&self, ty: &str, kind: &TypeDefKind, member: &str) -> bool;

    /// What a parameter is called.
    fn parameter(&self, name: &str) -> String;

    /// Whether a function cannot have a parameter of this name.
    fn is_parameter_taken(&self, name: &str) -> bool;
}

/// A world as the generator is given it.
#[derive(Debug)]
pub(super) struct Aliased {
    pub(super) world: World,
    /// The functions that have other names, with their own.
    functions: BTreeMap<String, String>,
}

impl Aliased {
    /// Gives each thing of a world a name of its own.
    ///
    /// # Errors
    /// If what meets are resources, which the component model calls by name in many places.
    pub(super) fn of(world: &World, naming: &dyn Naming) -> Result<Self, String> {
        let things = Things::of(world);
        let mut taken = Taken { names: BTreeMap::new(), language: naming.language() };
        for place in places(world).values().flatten() {
            taken.add(naming.always(*place), "");
        }
        for thing in &things.resources {
            taken.add_fixed(
                thing.names(|place| naming.resource(place, thing.name)),
                &thing.words(world),
            )?;
        }
        for thing in things.functions.iter().filter(|thing| is_constructor(thing.what)) {
            taken.add_fixed(
                thing.names(|place| naming.function(place, thing.what)),
                &thing.words(world),
            )?;
        }
        let functions = taken.call_functions(&things, naming);
        let types = taken.call_types(world, &things, naming);
        let links = functions.iter().map(|((_, own), alias)| (alias.clone(), own.clone()));
        let links = links.collect();
        let mut world = world.clone();
        apply::functions(&mut world, &functions);
        apply::types(&mut world, &types);
        apply::members(&mut world.resolve, naming);
        apply::parameters(&mut world, naming);
        Ok(Self { world, functions: links })
    }

    /// A file of the bindings in which all functions are linked by their own names, each of which is
    /// followed by `end`.
    pub(super) fn linked(&self, text: &str, end: char) -> String {
        self.functions.iter().fold(text.to_owned(), |text, (alias, own)| {
            let (mut linked, mut rest) = (String::new(), text.as_str());
            while let Some(at) = rest.find(&format!("{alias}{end}")) {
                linked.push_str(&rest[..at]);
                let is_whole = BEFORE_LINK.iter().any(|before| linked.ends_with(before));
                linked.push_str(if is_whole { own } else { alias });
                rest = &rest[at + alias.len()..];
            }
            linked + rest
        })
    }
}

fn is_constructor(function: &Function) -> bool {
    matches!(function.kind, FunctionKind::Constructor(_))
}

/// The names that are taken, and by what.
struct Taken {
    names: BTreeMap<String, String>,
    language: Language,
}

impl Taken {
    fn has_none_of(&self, names: &[String]) -> bool {
        !names.iter().any(|name| self.names.contains_key(name))
    }

    fn add(&mut self, names: Vec<String>, by: &str) {
        self.names.extend(names.into_iter().map(|name| (name, by.to_owned())));
    }

    /// Of something that has to keep its name.
    fn add_fixed(&mut self, names: Vec<String>, by: &str) -> Result<(), String> {
        let Some((name, other)) = names.iter().find_map(|name| self.names.get_key_value(name))
        else {
            self.add(names, by);
            return Ok(());
        };
        let (name, language) = (name.rsplit(['.', ':']).next().unwrap_or(name), self.language);
        Err(if other.is_empty() {
            format!(
                "{by} is called `{name}` in the bindings of {language}, which have that; rename it"
            )
        } else {
            format!(
                "{other} and {by} become one name, `{name}`, in the bindings of {language}; rename one"
            )
        })
    }

    /// What functions are called that cannot keep their names.
    fn call_functions(&mut self, things: &Things<'_>, naming: &dyn Naming) -> Functions {
        let known: BTreeSet<&str> = things.functions.iter().map(|thing| thing.name).collect();
        let mut links: BTreeMap<String, &str> = BTreeMap::new();
        let mut functions = BTreeMap::new();
        for thing in things.functions.iter().filter(|thing| !is_constructor(thing.what)) {
            let mut function = thing.what.clone();
            let made = loop {
                let made = thing.names(|place| naming.function(place, &function));
                // By an alias the function is to be found again.
                let link = links.get(&function.name);
                let is_free = function.name == thing.name
                    || !known.contains(&*function.name) && link.is_none_or(|of| *of == thing.name);
                if is_free && self.has_none_of(&made) {
                    break made;
                }
                function.name.push_str(MORE);
            };
            self.add(made, thing.name);
            if function.name != thing.name {
                links.insert(function.name.clone(), thing.name);
                functions.insert((thing.owner, thing.name.to_owned()), function.name);
            }
        }
        functions
    }

    /// What types are called that cannot keep their names.
    fn call_types(
        &mut self,
        world: &World,
        things: &Things<'_>,
        naming: &dyn Naming,
    ) -> BTreeMap<TypeId, String> {
        let mut types = BTreeMap::new();
        for thing in &things.types {
            let kind = &world.resolve.types[thing.what].kind;
            let mut name = thing.name.to_owned();
            let made = loop {
                let made = thing.names(|place| naming.ty(place, &name, kind));
                if self.has_none_of(&made) {
                    break made;
                }
                name.push_str(MORE);
            };
            self.add(made, &name);
            if name != thing.name {
                types.insert(thing.what, name);
            }
        }
        types
    }
}

/// An interface; none for the world itself.
type Owner = Option<InterfaceId>;

/// Functions by their own names, with other ones.
type Functions = BTreeMap<(Owner, String), String>;

/// A function or a type of a world.
struct Thing<'a, T> {
    owner: Owner,
    name: &'a str,
    what: T,
    places: Vec<Place<'a>>,
}

impl<T> Thing<'_, T> {
    fn names(&self, of: impl Fn(Place<'_>) -> Vec<String>) -> Vec<String> {
        self.places.iter().flat_map(|place| of(*place)).collect()
    }

    fn words(&self, world: &World) -> String {
        match self.owner {
            Some(id) => format!("`{}` of `{}`", self.name, world.interface_name(id)),
            None => format!("`{}`", self.name),
        }
    }
}

struct Things<'a> {
    resources: Vec<Thing<'a, TypeId>>,
    /// Those of resources first.
    functions: Vec<Thing<'a, &'a Function>>,
    /// Those with cases first: it is easier for a user if only one name changes.
    types: Vec<Thing<'a, TypeId>>,
}

impl<'a> Things<'a> {
    fn of(world: &'a World) -> Self {
        let (mut types, mut functions) = (Vec::new(), Vec::new());
        let all = places(world);
        for (owner, places) in &all {
            let Some(id) = owner else { continue };
            let (owner, interface) = (*owner, &world.resolve.interfaces[*id]);
            let named = interface.types.iter().map(|(name, ty)| (name.as_str(), *ty));
            types.extend(named.map(|(name, what)| Thing {
                owner,
                name,
                what,
                places: places.clone(),
            }));
            functions.extend(interface.functions.values().map(|what| Thing {
                owner,
                name: &what.name,
                what,
                places: places.clone(),
            }));
        }
        let own = &world.resolve.worlds[world.id];
        let of_world = &all[&None];
        for (items, place) in [&own.imports, &own.exports].into_iter().zip(of_world) {
            for (key, item) in items {
                let (owner, places) = (None, vec![*place]);
                match (key, item) {
                    (_, WorldItem::Function(what)) => {
                        functions.push(Thing { owner, name: &what.name, what, places });
                    }
                    (WorldKey::Name(name), WorldItem::Type { id, .. }) => {
                        types.push(Thing { owner, name, what: *id, places });
                    }
                    _ => {}
                }
            }
        }
        let kind = |thing: &Thing<'_, TypeId>| &world.resolve.types[thing.what].kind;
        let (resources, mut types): (Vec<_>, Vec<_>) =
            types.into_iter().partition(|thing| matches!(kind(thing), TypeDefKind::Resource));
        types.sort_by_key(|thing| !has_cases(kind(thing)));
        functions.sort_by_key(|thing| thing.what.kind.resource().is_none());
        Self { resources, functions, types }
    }
}

fn has_cases(kind: &TypeDefKind) -> bool {
    matches!(kind, TypeDefKind::Variant(_) | TypeDefKind::Enum(_) | TypeDefKind::Flags(_))
}

/// The places of interfaces and of the world itself, imports before exports.
fn places(world: &World) -> BTreeMap<Owner, Vec<Place<'_>>> {
    let own = &world.resolve.worlds[world.id];
    let mut places: BTreeMap<Owner, Vec<Place<'_>>> = BTreeMap::new();
    for (is_export, items) in [(false, &own.imports), (true, &own.exports)] {
        let (resolve, world) = (&world.resolve, world.id);
        let place = |id, key| Place { resolve, world, id, key, is_export };
        places.entry(None).or_default().push(place(None, None));
        for (key, item) in items {
            if let WorldItem::Interface { id, .. } = item {
                places.entry(Some(*id)).or_default().push(place(Some(*id), Some(key)));
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use wit_bindgen_core::Files;

    use crate::{
        Features, Language, World,
        toolchain::{c, go},
    };

    fn world(wit: &str) -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("world.wit");
        std::fs::write(&file, format!("package a:b; {wit}")).expect("written");
        World::read(&file, None, &Features::default()).expect("it is WIT")
    }

    fn all(files: &Files) -> String {
        files.iter().map(|(_, text)| String::from_utf8_lossy(text)).collect()
    }

    const MEETING: &str = "interface t {
            resource r { constructor(); a: func(); new: func(); resource-new: func(); }
            method-r-a: func();
            make-r: func(free: u32);
        }
        world w { export t; export own-name: func() -> string; }";

    #[test]
    fn functions_have_names_of_their_own_and_are_linked_by_those_of_the_wit() {
        for (language, declared, linked) in [
            (Language::C, "exports_a_b_t_method_r_a_value(void)", "a:b/t#method-r-a\""),
            (Language::Cpp, "void NewValue();", "a:b/t#[method]r.new\""),
            (Language::Cpp, "void ResourceNewValue();", "a:b/t#[method]r.resource-new\""),
            (Language::Cpp, "void MakeR(uint32_t free_value);", "a:b/t#make-r\""),
        ] {
            let bindings = c::generate(language, &world(MEETING)).expect("they can be made");
            let text = all(&bindings);
            assert!(text.contains(declared), "{language}: {declared}\n{text}");
            assert!(text.contains(&format!("__export_name__(\"{linked}")), "{linked}\n{text}");
            assert!(!text.contains("-value\""), "{text}");
        }
        let stubs = go::stubs(&world(MEETING), "m").expect("they can be made");
        let text: String = stubs.into_iter().map(|(_, text)| text).collect();
        for function in ["func MakeR() *R {", "func MakeRValue(_free uint32) {"] {
            assert!(text.lines().any(|line| line == function), "{function}\n{text}");
        }
    }

    #[test]
    fn imports_that_meet_are_linked_by_the_names_of_the_wit() {
        let imports = MEETING.replace("export t", "import t");
        let text = all(&c::generate(Language::C, &world(&imports)).expect("they can be made"));
        assert!(text.contains("__import_name__(\"method-r-a\")"), "{text}");
        assert!(text.contains("a_b_t_method_r_a_value(void)"), "{text}");
    }

    #[test]
    fn what_ends_something_is_found_by_its_name() {
        let wit = "interface t { resource two-words; } world w { export t; export own-name: func() -> string; }";
        for (language, name) in [
            (Language::C, "a:b/t#[dtor]two-words"),
            (Language::Cpp, "a:b/t#[dtor]two-words"),
            (Language::C, "cabi_post_own-name"),
            (Language::Cpp, "cabi_post_own-name"),
        ] {
            let text = all(&c::generate(language, &world(wit)).expect("they can be made"));
            assert!(text.contains(&format!("__export_name__(\"{name}\")")), "{language}: {text}");
        }
    }

    #[test]
    fn types_and_what_is_in_them_have_names_of_their_own() {
        let wit = "interface t {
                resource r;
                record own-r { size-t: u32, thread-local: u32 }
                type list-u8 = u32;
                f: func(x: list<u8>, y: own-r, z: list-u8);
            }
            world w { import t; }";
        for (language, names) in [
            (Language::C, &["a_b_t_own_r_value_t;", "a_b_t_list_u8_value_t;", "size_t_value;"][..]),
            (Language::Cpp, &["uint32_t thread_local_value;", "struct OwnR {"]),
        ] {
            let text = all(&c::generate(language, &world(wit)).expect("they can be made"));
            for name in names {
                assert!(text.contains(name), "{language}: {name}\n{text}");
            }
        }
    }
}
