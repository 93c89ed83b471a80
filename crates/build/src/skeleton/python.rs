//! A skeleton in Python: a class for each protocol that the bindings have.

use wit_parser::Function;

use super::Export;
use crate::{
    Language, World,
    word::{escape, pascal, snake},
};

pub(super) fn write(world: &World, exports: &[Export<'_>]) -> String {
    let mut text = format!(
        "\"\"\"Implements the world `{}`, see `wit`.\"\"\"\n\nimport wit_world\n",
        world.name()
    );
    if exports.iter().any(|export| export.key.is_some()) {
        text.push_str("from wit_world import exports\n");
    }
    for Export { key, name, functions, .. } in exports {
        let class = word(&pascal(name));
        text.push_str(&match key {
            Some(_) => format!("\n\nclass {class}(exports.{class}):\n"),
            None => "\n\nclass WitWorld(wit_world.WitWorld):\n".to_owned(),
        });
        let methods: Vec<_> = functions.iter().map(|function| method(function)).collect();
        text.push_str(if methods.is_empty() { "    pass\n" } else { "" });
        text.push_str(&methods.join("\n"));
    }
    text
}

fn method(function: &Function) -> String {
    let parameters = function.params.iter().map(|parameter| word(&snake(&parameter.name)));
    let parameters: Vec<_> = std::iter::once("self".to_owned()).chain(parameters).collect();
    let define = if function.kind.is_async() { "async def" } else { "def" };
    let (name, parameters) = (word(&snake(&function.name)), parameters.join(", "));
    format!("    {define} {name}({parameters}):\n        raise NotImplementedError\n")
}

fn word(name: &str) -> String {
    escape(Language::Python, name)
}
