//! The host's side of encrypted connections.

use std::sync::{Arc, LazyLock};

use rustls::ClientConfig;

/// Whom connections to servers trust. Made once: it holds all certificates of the machine.
pub(crate) static CLIENT: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let roots = keyway_capability::tls::roots();
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
});
