//! What is shown on standard error while something is served.

use comfy_table::{Table, presets};
use keyway_app::Problem;
use keyway_build::BuildError;
use keyway_host::{Narrator, Start};

use crate::{
    build,
    report::{self, tell},
};

/// Reports progress on standard error.
#[derive(Debug)]
pub(crate) struct ToTerminal;

impl Narrator for ToTerminal {
    /// The first line is a promise to scripts: they wait for it and take the address from it.
    fn serving(&self, url: &str, starts: &[Start]) {
        let scheme = if url.starts_with("https") { "HTTPS" } else { "HTTP" };
        tell(&format!("Serving {scheme} on {url}\n{}\n", table(starts)));
    }

    fn hosting(&self, url: &str, apps: usize) {
        let scheme = if url.starts_with("https") { "HTTPS" } else { "HTTP" };
        let apps = if apps == 1 { "1 app".to_owned() } else { format!("{apps} apps") };
        tell(&format!("Serving {scheme} on {url}\n  {apps}\n"));
    }

    fn reloaded(&self, starts: &[Start]) {
        tell(&format!("Files have changed. Serving the new version:\n{}\n", table(starts)));
    }

    fn failed(&self, problems: &[Problem]) {
        tell("Files have changed, but cannot be served. The previous version stays in service.\n");
        report::print(problems);
    }

    fn not_built(&self, component: &str, error: &BuildError) {
        tell(&format!(
            "The sources of {component} have changed, but cannot be built. The previous version stays \
             in service.\n"
        ));
        build::print_error(error);
    }

    fn mended(&self, component: &str) {
        tell(&format!("The sources of {component} can be built again.\n"));
    }
}

fn table(starts: &[Start]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    for Start { what, fused } in starts {
        table.add_row([format!("  {what}"), format!("-> {}", fused.join(" + "))]);
    }
    table
}
