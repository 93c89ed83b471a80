//! Spin's variables, read from the configuration that the component is linked to.

use std::sync::Arc;

use keyway_app::spin::is_variable_name;
use keyway_capability::config::{Config, Error};
use wasmtime::component::Accessor;

use super::{HasConfig, NONE, View};

mod bindings_1 {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports { import fermyon:spin/config; }",
        path: "../../wit/fermyon-spin",
        imports: { default: async },
    });
}

mod bindings_2 {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports { import fermyon:spin/variables@2.0.0; }",
        path: "../../wit/fermyon-spin-2.0.0",
        imports: { default: async },
    });
}

mod bindings_3 {
    wasmtime::component::bindgen!({
        inline: "package keyway:bind; world imports { import spin:variables/variables@3.0.0; }",
        path: "../../wit/spin-variables-3.0.0",
    });
}

pub(super) use bindings_1::fermyon::spin::config as v1;
pub(super) use bindings_2::fermyon::spin::variables as v2;
pub(super) use bindings_3::spin::variables::variables as v3;

/// Why a variable has no value, in the words that all versions have.
enum Lack {
    Name(String),
    Undefined(String),
    Provider(String),
}

/// A variable's value. Its name is checked first, as Spin does.
async fn read(config: Option<Arc<dyn Config>>, name: &str) -> Result<String, Lack> {
    if !is_variable_name(name) {
        return Err(Lack::Name(format!(
            "`{name}` is not a valid variable name: use words of lower-case letters and digits, \
             joined by `_`, beginning with a letter"
        )));
    }
    let config = config.ok_or_else(|| Lack::Undefined(NONE.to_owned()))?;
    match config.get(name).await {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(Lack::Undefined(format!("there is no variable `{name}`"))),
        Err(error @ (Error::File { .. } | Error::Store(_) | Error::NotText { .. })) => {
            Err(Lack::Provider(error.to_string()))
        }
    }
}

impl v1::Host for View<'_> {
    async fn get_config(&mut self, key: String) -> Result<String, v1::Error> {
        let config = self.granted("fermyon:spin/config");
        read(config, &key).await.map_err(|lack| match lack {
            Lack::Name(text) => v1::Error::InvalidKey(text),
            Lack::Undefined(text) | Lack::Provider(text) => v1::Error::Provider(text),
        })
    }
}

impl v2::Host for View<'_> {
    async fn get(&mut self, name: String) -> Result<String, v2::Error> {
        let config = self.granted("fermyon:spin/variables");
        read(config, &name).await.map_err(|lack| match lack {
            Lack::Name(text) => v2::Error::InvalidName(text),
            Lack::Undefined(text) => v2::Error::Undefined(text),
            Lack::Provider(text) => v2::Error::Provider(text),
        })
    }
}

impl v3::Host for View<'_> {}

impl<U: Send + 'static> v3::HostWithStore<U> for HasConfig {
    async fn get(accessor: &Accessor<U, Self>, name: String) -> Result<String, v3::Error> {
        let config = accessor.with(|mut access| access.get().granted("spin:variables/variables"));
        read(config, &name).await.map_err(|lack| match lack {
            Lack::Name(text) => v3::Error::InvalidName(text),
            Lack::Undefined(text) => v3::Error::Undefined(text),
            Lack::Provider(text) => v3::Error::Provider(text),
        })
    }
}
