//! `wasi:config`: `store` of the drafts, and `runtime`, its name in the first draft. They have the
//! same functions. Spin's variables are read from the same configuration.

mod spin;

use std::sync::Arc;

use keyway_capability::config::{Config, Error};
use keyway_word::{Capability, DEFAULT};

use super::{
    import::{Import, Target},
    view::ViewOf,
};
use crate::state::{State, view};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/wasi-config-0.2.0-draft",
        world: "wasi:config/imports",
        imports: { default: async },
    });
}

use bindings::wasi::config::store;

/// Lays the host's functions over `target`, with the configuration of the component whose
/// import it is.
pub(super) fn bind(target: &mut Target<'_>, import: Import<'_>) -> wasmtime::Result<()> {
    let view = view::of::<HasConfig>(import.slot);
    match import.interface {
        "fermyon:spin/config" => spin::v1::add_to_linker_instance::<State, HasConfig>(target, view),
        "fermyon:spin/variables@2.0.0" => {
            spin::v2::add_to_linker_instance::<State, HasConfig>(target, view)
        }
        "spin:variables/variables@3.0.0" => {
            spin::v3::add_to_linker_instance::<State, HasConfig>(target, view)
        }
        // What else is known as a configuration is of WASI.
        _ => store::add_to_linker_instance::<State, HasConfig>(target, view),
    }
}

/// The capability: a configuration.
pub(crate) enum Configuration {}

type HasConfig = ViewOf<Configuration>;
type View<'a> = super::view::View<'a, Configuration>;

impl View<'_> {
    /// The component's configuration, if it has one. That it has none, the log tells once with the
    /// line for `interface`, by which it asked.
    fn granted(&self, interface: &str) -> Option<Arc<dyn Config>> {
        let member = self.member?;
        let config = member.principal.linked::<Arc<dyn Config>>(Capability::Config, DEFAULT);
        let config = config.cloned();
        if config.is_none() {
            member.report_link(Capability::Config, interface, "");
        }
        config
    }

    fn config(&self) -> Result<Arc<dyn Config>, store::Error> {
        self.granted("wasi:config/store").ok_or_else(|| store::Error::Upstream(NONE.to_owned()))
    }
}

const NONE: &str = "no configuration is granted";

impl store::Host for View<'_> {
    async fn get(&mut self, key: String) -> Result<Option<String>, store::Error> {
        self.config()?.get(&key).await.map_err(say)
    }

    async fn get_all(&mut self) -> Result<Vec<(String, String)>, store::Error> {
        self.config()?.get_all().await.map_err(say)
    }
}

/// A failure in the words of the interface.
fn say(error: Error) -> store::Error {
    let text = error.to_string();
    match error {
        Error::File { .. } => store::Error::Io(text),
        Error::Store(_) | Error::NotText { .. } => store::Error::Upstream(text),
    }
}
