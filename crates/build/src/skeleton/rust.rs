//! A skeleton in Rust: an implementation of each trait that the bindings have.

use wit_bindgen_core::name_package_module;
use wit_parser::{Handle, Resolve, Type, TypeDefKind, TypeId, WorldItem, WorldKey};

use super::Export;
use crate::{
    Language, World,
    word::{escape, pascal, snake},
};

pub(super) fn write(world: &World, exports: &[Export<'_>]) -> Result<String, String> {
    if let Some(package) = unnameable(world) {
        return Err(format!(
            "its package `{package}` is named after a Rust keyword, which the bindings do not \
             escape; rename it"
        ));
    }
    let mut text = format!(
        "//! Implements the world `{}`, see `wit`.\n\nwit_bindgen::generate!({{ path: \"wit\", \
         generate_all }});\n\nstruct Component;\n\nexport!(Component);\n",
        world.name()
    );
    for export in exports {
        let functions: Vec<String> = export
            .functions
            .iter()
            .map(|f| function(&world.resolve, f))
            .collect::<Result<_, _>>()?;
        match export.key {
            None => text.push_str(&format!("\n{}", implementation(&functions, ""))),
            Some(key) => text.push_str(&format!(
                "\nmod {} {{\n    use crate::{{Component, {}::*}};\n\n{}}}\n",
                word(&export.name),
                module(&world.resolve, key),
                implementation(&functions, "    ")
            )),
        }
    }
    Ok(text)
}

/// A package whose module would have a word of Rust as its name.
fn unnameable(world: &World) -> Option<String> {
    let World { resolve, id } = world;
    let world = &resolve.worlds[*id];
    let items = world.imports.values().chain(world.exports.values());
    let packages = items.filter_map(|item| match item {
        WorldItem::Interface { id, .. } => resolve.interfaces[*id].package,
        _ => None,
    });
    let module = |id| name_package_module(resolve, id);
    let mut reserved = packages.filter(|id| escape(Language::Rust, &module(*id)) != module(*id));
    reserved.next().map(|id| {
        let name = &resolve.packages[id].name;
        format!("{}:{}", name.namespace, name.name)
    })
}

fn implementation(functions: &[String], indent: &str) -> String {
    let functions = functions.iter().map(|signature| {
        format!("{indent}    {signature} {{\n{indent}        todo!()\n{indent}    }}\n")
    });
    let functions = functions.collect::<Vec<_>>().join("\n");
    format!("{indent}impl Guest for Component {{\n{functions}{indent}}}\n")
}

fn function(resolve: &Resolve, function: &wit_parser::Function) -> Result<String, String> {
    let parameters: Vec<String> = function
        .params
        .iter()
        .map(|parameter| {
            let ty = ty(resolve, &parameter.ty)?;
            Ok(format!("{}: {ty}", word(&parameter.name)))
        })
        .collect::<Result<_, String>>()?;
    let result = match &function.result {
        Some(result) => format!(" -> {}", ty(resolve, result)?),
        None => String::new(),
    };
    let define = if function.kind.is_async() { "async fn" } else { "fn" };
    Ok(format!("{define} {}({}){result}", word(&function.name), parameters.join(", ")))
}

fn module(resolve: &Resolve, key: &WorldKey) -> String {
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

fn ty(resolve: &Resolve, of: &Type) -> Result<String, String> {
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
        Type::String => "String".to_owned(),
        Type::Id(id) => return composite(resolve, *id),
        Type::ErrorContext => return Err("it uses `error-context`".to_owned()),
    })
}

fn composite(resolve: &Resolve, id: TypeId) -> Result<String, String> {
    let of = &resolve.types[id];
    if let Some(name) = &of.name {
        // The bindings have a trait of this name.
        return Ok(if name == "guest" { "Guest_".to_owned() } else { pascal(name) });
    }
    let inner = |of: &Type| ty(resolve, of);
    let or_unit = |of: &Option<Type>| of.as_ref().map_or(Ok("()".to_owned()), inner);
    Ok(match &of.kind {
        TypeDefKind::List(element) => format!("Vec<{}>", inner(element)?),
        TypeDefKind::FixedLengthList(element, length) => format!("[{}; {length}]", inner(element)?),
        TypeDefKind::Option(some) => format!("Option<{}>", inner(some)?),
        TypeDefKind::Result(result) => {
            format!("Result<{}, {}>", or_unit(&result.ok)?, or_unit(&result.err)?)
        }
        TypeDefKind::Tuple(tuple) => {
            let types: Vec<String> = tuple.types.iter().map(inner).collect::<Result<_, _>>()?;
            let comma = if types.len() == 1 { "," } else { "" };
            format!("({}{comma})", types.join(", "))
        }
        TypeDefKind::Handle(Handle::Own(resource)) => composite(resolve, *resource)?,
        TypeDefKind::Handle(Handle::Borrow(resource)) => {
            format!("&{}", composite(resolve, *resource)?)
        }
        TypeDefKind::Stream(element) => format!("wit_bindgen::StreamReader<{}>", or_unit(element)?),
        TypeDefKind::Future(value) => format!("wit_bindgen::FutureReader<{}>", or_unit(value)?),
        TypeDefKind::Type(alias) => inner(alias)?,
        other => return Err(format!("it uses a type of kind `{}`", other.as_str())),
    })
}

/// A name as the bindings write it.
fn word(name: &str) -> String {
    escape(Language::Rust, &snake(name))
}
