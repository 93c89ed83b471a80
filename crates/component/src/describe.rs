//! Describes a component: its imports and exports, its parts, and the grants it would need.

use serde::Serialize;
use wasmparser::{KnownCustom, Parser, Payload};
use wit_component::{DecodedWasm, WitPrinter};

use crate::{
    Authority, Extern, ExternKind, ReadError,
    authority::{authority, is_of_host},
    guard::caught,
    read::{Depth, Surface},
};

/// What a component is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Description {
    /// What it imports, in its own order.
    pub imports: Vec<Extern>,
    /// What it exports, in its own order.
    pub exports: Vec<Extern>,
    /// The number of core modules inside it.
    pub core_modules: usize,
    /// The number of linear memories that these define.
    pub memories: usize,
    /// The number of tables that these define.
    pub tables: usize,
    /// The number of functions that these define.
    pub functions: usize,
    /// The size of the whole file.
    pub size_bytes: usize,
    /// The size of the code in it.
    pub code_bytes: usize,
    /// The tools that made it.
    pub producers: Vec<Producer>,
    /// What it would need to be granted, for the host's interfaces among its imports.
    pub needs: Vec<Need>,
}

/// A tool that took part in making a component, as the file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Producer {
    /// What it did: `language`, `processed-by` or `sdk`.
    pub field: String,
    /// The tool's name.
    pub name: String,
    /// The tool's version.
    pub version: String,
}

/// An authority that a component asks for, and by which imports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The authority.
    pub authority: Authority,
    /// The names of the imports that give it.
    pub imports: Vec<String>,
}

/// Validates a component and says what it is.
///
/// # Errors
///
/// Says why the bytes are not a valid component.
pub fn describe(bytes: &[u8]) -> Result<Description, ReadError> {
    let surface = Surface::read(bytes, Depth::Whole)?;
    let mut description = Description {
        needs: needs(&surface.imports),
        imports: surface.imports,
        exports: surface.exports,
        core_modules: 0,
        memories: 0,
        tables: 0,
        functions: 0,
        size_bytes: bytes.len(),
        code_bytes: 0,
        producers: Vec::new(),
    };
    for payload in Parser::new(0).parse_all(bytes) {
        description.count(payload?)?;
    }
    Ok(description)
}

impl Description {
    fn count(&mut self, payload: Payload<'_>) -> Result<(), ReadError> {
        match payload {
            Payload::ModuleSection { .. } => self.core_modules += 1,
            Payload::MemorySection(section) => self.memories += section.count() as usize,
            Payload::TableSection(section) => self.tables += section.count() as usize,
            Payload::CodeSectionStart { count, size, .. } => {
                self.functions += count as usize;
                self.code_bytes += size as usize;
            }
            Payload::CustomSection(section) => {
                if let KnownCustom::Producers(fields) = section.as_known() {
                    self.add_producers(fields);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds what a producers section says. It is a custom section, which validation does not look
    /// into: what cannot be read of it is left out.
    fn add_producers(&mut self, fields: wasmparser::ProducersSectionReader<'_>) {
        for field in fields.into_iter().map_while(Result::ok) {
            for value in field.values.into_iter().map_while(Result::ok) {
                let producer = Producer {
                    field: field.name.to_owned(),
                    name: value.name.to_owned(),
                    version: value.version.to_owned(),
                };
                if !self.producers.contains(&producer) {
                    self.producers.push(producer);
                }
            }
        }
    }
}

/// What the imports would need from the host. Interfaces that only another component can provide
/// are links, not needs.
fn needs(imports: &[Extern]) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    for import in imports {
        let Some(interface) = &import.interface else { continue };
        let authority = authority(&interface.to_string());
        if authority == Authority::Shared || import.is_only_types || !is_of_host(interface) {
            continue;
        }
        match needs.iter_mut().find(|need| need.authority == authority) {
            Some(need) => need.imports.push(import.name.clone()),
            None => needs.push(Need { authority, imports: vec![import.name.clone()] }),
        }
    }
    needs.sort_by_key(|need| need.authority);
    needs
}

/// A component's world as WIT text, with the packages that it uses.
///
/// # Errors
///
/// Says why the bytes are not a valid component.
pub fn wit(bytes: &[u8]) -> Result<String, ReadError> {
    let surface = Surface::read(bytes, Depth::Whole)?;
    // A component need not come from WIT at all; anything without WIT is shown as the closest WIT.
    // Nor may it be as the reader of WIT assumes.
    Ok(caught(|| decode(bytes)).ok().flatten().unwrap_or_else(|| sketch(&surface)))
}

fn decode(bytes: &[u8]) -> Option<String> {
    let decoded = wit_component::decode(bytes).ok()?;
    let DecodedWasm::Component(resolve, world) = &decoded else { return None };
    let package = resolve.worlds[*world].package?;
    let mut printer = WitPrinter::default();
    let used: Vec<_> =
        resolve.packages.iter().map(|(id, _)| id).filter(|id| *id != package).collect();
    printer.print(resolve, package, &used).ok()?;
    Some(printer.output.to_string())
}

fn sketch(surface: &Surface) -> String {
    let mut text = "package root:component;\n\nworld root {\n".to_owned();
    let directions = [("import", &surface.imports), ("export", &surface.exports)];
    for (word, items) in directions {
        for item in items {
            text.push_str(&format!("  {word} {};\n", sketch_item(item)));
        }
    }
    text.push_str("}\n");
    text
}

fn sketch_item(item: &Extern) -> String {
    let is_named_by_interface =
        item.interface.as_ref().is_some_and(|interface| interface.to_string() == item.name);
    let member = item
        .functions
        .first()
        .map(|function| &function.signature)
        .or(item.types.first().map(|ty| &ty.definition));
    match (item.kind, &item.interface, member) {
        (ExternKind::Instance, Some(_), _) if is_named_by_interface => item.name.clone(),
        (ExternKind::Instance, Some(interface), _) => format!("{}: {interface}", item.name),
        (ExternKind::Instance, None, _) => {
            let functions = item.functions.iter();
            let functions: String =
                functions.map(|f| format!("{}: {}; ", f.name, f.signature)).collect();
            let types: String =
                item.types.iter().map(|ty| format!("{}; ", ty.definition)).collect();
            format!("{}: interface {{ {types}{functions}}}", item.name)
        }
        (ExternKind::Type, _, Some(definition)) => definition.clone(),
        (_, _, Some(signature)) => format!("{}: {signature}", item.name),
        (_, _, None) => item.name.clone(),
    }
}
