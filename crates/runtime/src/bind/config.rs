//! `wasi:config`: `store` of the drafts, and `runtime`, as the first of them called it. They have the
//! same functions.

use keyway_app::backend::suggest_config;
use keyway_capability::config::Error;
use wasmtime::component::{HasData, LinkerInstance};

use crate::{
    plan::Member,
    state::{State, view},
};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/wasi-config-0.2.0-draft",
        world: "wasi:config/imports",
        imports: { default: async },
    });
}

use bindings::wasi::config::store;

/// Lays the host's functions over `target`, with the configuration of the component in slot `N`.
pub(super) fn bind<const N: usize>(target: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    store::add_to_linker_instance::<State, HasConfig>(target, view::config::<N>)
}

struct HasConfig;

impl HasData for HasConfig {
    type Data<'a> = View<'a>;
}

/// What the functions see: whose call it is. None for an import that nobody owns.
pub(crate) struct View<'a>(pub(crate) Option<&'a Member>);

impl View<'_> {
    /// What `ask` finds in the component's configuration.
    async fn read<T>(
        &self,
        ask: impl AsyncFnOnce(&dyn keyway_capability::config::Config) -> Result<T, Error>,
    ) -> Result<T, store::Error> {
        let denied = || store::Error::Upstream("no configuration is granted".to_owned());
        let Some(member) = self.0 else { return Err(denied()) };
        let Some(config) = &member.principal.config else {
            member.report("its configuration", suggest_config(&member.principal.name));
            return Err(denied());
        };
        ask(&**config).await.map_err(|error| {
            let text = error.to_string();
            match error {
                Error::File { .. } => store::Error::Io(text),
                Error::Store(_) | Error::NotText { .. } => store::Error::Upstream(text),
            }
        })
    }
}

impl store::Host for View<'_> {
    async fn get(&mut self, key: String) -> Result<Option<String>, store::Error> {
        self.read(async |config| config.get(&key).await).await
    }

    async fn get_all(&mut self) -> Result<Vec<(String, String)>, store::Error> {
        self.read(async |config| config.get_all().await).await
    }
}
