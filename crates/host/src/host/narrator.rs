//! What the user is shown while an app is served.

use keyway_app::Problem;
use keyway_build::BuildError;

use crate::live::start::Start;

/// What the user is shown while an app is served.
pub trait Narrator: Send + Sync + 'static {
    /// Requests are taken at this URL.
    fn serving(&self, url: &str, starts: &[Start]);

    /// Requests for so many apps are taken at this URL.
    fn hosting(&self, url: &str, apps: usize);

    /// Files have changed, and what they say now is served.
    fn reloaded(&self, starts: &[Start]);

    /// Files have changed, and what they say cannot be served: what was served before is.
    fn failed(&self, problems: &[Problem]);

    /// The sources of a component have changed, and cannot be built: what was served before is.
    fn not_built(&self, component: &str, error: &BuildError);

    /// The sources of a component could not be built, and can be again.
    fn mended(&self, component: &str);
}
