//! The apps of a host that is measured, each of which answers with its own name.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use rustix::fs::{Advice, fadvise};

/// What the name in the component `named` is until another is written there.
const NAME: &[u8] = b"the name of this copy of the component                          ";

/// What the apps are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bench) enum Kind {
    /// All have the same component.
    Same,
    /// The component of each is one of its own.
    Distinct,
}

impl Kind {
    pub(in crate::bench) fn title(self) -> &'static str {
        match self {
            Self::Same => "one component",
            Self::Distinct => "each its own",
        }
    }
}

/// Apps in a folder.
pub(in crate::bench) struct Fleet {
    pub(in crate::bench) folder: PathBuf,
    pub(in crate::bench) apps: usize,
}

impl Fleet {
    /// Makes so many, of the test components in `components`.
    pub(in crate::bench) fn make(
        folder: PathBuf,
        kind: Kind,
        apps: usize,
        components: &Path,
    ) -> Result<Self> {
        let fleet = Self { folder, apps };
        let named = fs::read(components.join("named.wasm"))?;
        for number in 0..apps {
            let name = name(number);
            let folder = fleet.folder.join(&name);
            fs::create_dir_all(&folder)?;
            let source = match kind {
                Kind::Same => components.join("config.wasm"),
                Kind::Distinct => {
                    let file = folder.join("named.wasm");
                    fs::write(&file, with_name(&named, &name)?)?;
                    file
                }
            };
            fs::write(folder.join("keyway.toml"), manifest(&name, kind, &source))?;
        }
        Ok(fleet)
    }

    /// Has the kernel read the files of all apps from the disk when they are next asked for.
    pub(in crate::bench) fn forget(&self) -> Result<()> {
        for number in 0..self.apps {
            forget(&self.folder.join(name(number)))?;
        }
        Ok(())
    }
}

fn manifest(name: &str, kind: Kind, source: &Path) -> String {
    let setting = match kind {
        Kind::Same => format!(
            "link.\"wasi:config/store\" = \"main\"\n\
             [config.main]\nbackend = \"values\"\nname = {name:?}\n"
        ),
        Kind::Distinct => String::new(),
    };
    format!(
        "[app]\nname = {name:?}\n\
         [[trigger.http]]\nhost = {name:?}\nroute = \"/\"\ncomponent = \"web\"\n\
         [component.web]\nsource = {source:?}\n{setting}"
    )
}

/// The component `named`, with this name.
pub(in crate::bench) fn with_name(named: &[u8], name: &str) -> Result<Vec<u8>> {
    let place = named.windows(NAME.len()).position(|bytes| bytes == NAME);
    let place = place.context("the component `named` has no place for a name")?;
    let mut component = named.to_vec();
    component[place..place + NAME.len()].fill(b' ');
    component[place..place + name.len()].copy_from_slice(name.as_bytes());
    Ok(component)
}

/// The name of an app, which is its host's too. The first is what a server is asked for when it starts.
pub(in crate::bench) fn name(number: usize) -> String {
    if number == 0 { "bench".to_owned() } else { format!("app-n{number}") }
}

/// Has the kernel read the files in a folder from the disk when they are next asked for. Those that a
/// process has mapped stay.
pub(in crate::bench) fn forget(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            let file = fs::File::open(&path)?;
            // What is not on the disk yet is not forgotten.
            file.sync_data()?;
            fadvise(&file, 0, None, Advice::DontNeed)?;
        }
    }
    Ok(())
}
