//! A skeleton in Python: a class for each protocol that the bindings have.
//!
//! The functions of all interfaces are found in `app.py`, and the resources of each in a module of the
//! interface's own name.

use wit_parser::{Function, WorldKey};

use super::{Export, Resource, parameters};
use crate::{
    Language, World,
    toolchain::python::{MODULE, name::Names},
    word::{escape, pascal, snake},
};

/// The files, by their names.
pub(super) fn write(world: &World, exports: &[Export<'_>]) -> Vec<(String, String)> {
    let names = Names::of(world);
    let mut app = App::default();
    let mut modules = Vec::new();
    for export in exports {
        let name = export.interface.map_or(String::new(), |id| names.name(id));
        let module = word(&snake(&name));
        let resources: String = export.resources.iter().map(|r| class(r, &module)).collect();
        if !resources.is_empty() && module == MODULE {
            app.imports.push(format!("from wit_world.exports import {module}\n"));
            app.classes.push_str(&resources);
        } else if !resources.is_empty() {
            let text = format!(
                "\"\"\"The resources of the interface `{}`.\"\"\"\n\n\
                 from wit_world.exports import {module}\n{resources}",
                export.name
            );
            modules.push((format!("{module}.py"), text));
        }
        app.add(export, &word(&pascal(&name)));
    }
    modules.insert(0, (format!("{MODULE}.py"), app.text(world)));
    modules
}

/// What stands in the module of the functions.
#[derive(Default)]
struct App {
    imports: Vec<String>,
    classes: String,
}

impl App {
    /// Adds the functions of an interface, or of the world itself.
    fn add(&mut self, export: &Export<'_>, class: &str) {
        if export.functions.is_empty() {
            return;
        }
        let (base, import) = match export.key {
            None => ("WitWorld(wit_world.WitWorld)".to_owned(), Some("import wit_world\n")),
            // The bindings have no protocol for it.
            Some(WorldKey::Name(_)) => (class.to_owned(), None),
            Some(WorldKey::Interface(_)) => {
                (format!("{class}(exports.{class})"), Some("from wit_world import exports\n"))
            }
        };
        self.imports.extend(import.map(str::to_owned));
        let methods = export.functions.iter().map(|function| method(function, "self", ""));
        let methods = methods.collect::<Vec<_>>().join("\n");
        self.classes.push_str(&format!("\n\nclass {base}:\n{methods}"));
    }

    fn text(mut self, world: &World) -> String {
        self.imports.sort();
        self.imports.dedup();
        let imports = self.imports.concat();
        let imports = if imports.is_empty() { imports } else { format!("\n{imports}") };
        let name = world.name();
        format!("\"\"\"Implements the world `{name}`, see `wit`.\"\"\"\n{imports}{}", self.classes)
    }
}

fn class(resource: &Resource<'_>, module: &str) -> String {
    let name = word(&pascal(resource.name));
    let made = resource.constructor.map(|constructor| define(constructor, "__init__", "self"));
    let methods = resource.methods.iter().map(|function| method(function, "self", ""));
    let statics =
        resource.statics.iter().map(|function| method(function, "cls", "    @classmethod\n"));
    let parts: Vec<_> = made.into_iter().chain(methods).chain(statics).collect();
    let body = if parts.is_empty() { "    pass\n".to_owned() } else { parts.join("\n") };
    format!("\n\nclass {name}({module}.{name}):\n{body}")
}

fn method(function: &Function, receiver: &str, before: &str) -> String {
    let name = word(&snake(function.item_name()));
    format!("{before}{}", define(function, &name, receiver))
}

fn define(function: &Function, name: &str, receiver: &str) -> String {
    let parameters = parameters(function).iter().map(|parameter| word(&snake(&parameter.name)));
    let parameters: Vec<_> = std::iter::once(receiver.to_owned()).chain(parameters).collect();
    let define = if function.kind.is_async() { "async def" } else { "def" };
    format!("    {define} {name}({}):\n        raise NotImplementedError\n", parameters.join(", "))
}

fn word(name: &str) -> String {
    escape(Language::Python, name)
}
