//! All capabilities, by their backends: the one place that knows every one of them.

use std::{marker::PhantomData, sync::Arc};

use keyway_word::Capability;

use crate::{
    blobstore, config, keyvalue, messaging,
    provider::{Backends, Open, ProvideError, Provider, SettingTexts},
    sql,
};

/// The backends of `capability`.
pub fn provider(capability: Capability) -> &'static dyn Provider {
    match capability {
        Capability::Keyvalue => &Of::<keyvalue::Backend>(PhantomData),
        Capability::Blobstore => &Of::<blobstore::Backend>(PhantomData),
        Capability::Messaging => &Of::<messaging::Backend>(PhantomData),
        Capability::Config => &Of::<config::Backend>(PhantomData),
        Capability::Sql => &Of::<sql::Backend>(PhantomData),
    }
}

struct Of<B>(PhantomData<fn() -> B>);

impl<B: Backends> Provider for Of<B> {
    fn open(&self, kind: &str, settings: &SettingTexts) -> Result<Arc<dyn Open>, ProvideError> {
        Ok(B::read(kind, settings)?.open()?)
    }

    fn check(&self, kind: &str, settings: &SettingTexts) -> Result<(), ProvideError> {
        Ok(B::read(kind, settings)?.check()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SettingsError;

    #[test]
    fn every_backend_of_a_row_is_provided() {
        for &capability in Capability::ALL {
            for kind in capability.row().backends {
                // The environment is read by the host, which gives its values.
                let kind = if *kind == "env" { "values" } else { kind };
                let checked = provider(capability).check(kind, &SettingTexts::new());
                let unknown = matches!(
                    checked,
                    Err(ProvideError::Settings(SettingsError::UnknownKind { .. }))
                );
                assert!(!unknown, "{kind} of {}", capability.row().section);
            }
        }
    }
}
