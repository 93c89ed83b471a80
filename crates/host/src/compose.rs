//! Writes an app as one component file, and prints the WIT of its components.

use std::path::Path;

use keyway_app::{Code, ComponentName, Problem};
use keyway_component::Unmet;

use crate::{
    assembly::{
        assemble::{self, Composed},
        open::{open, open_unfinished},
    },
    build::built,
    edit::named,
    problem::problem,
    write::write,
};

/// Composes a component of the app at `path`, and all that it is linked to, into one component that
/// any host can run, in the file `output`: the one of this name, or else the one that a trigger
/// starts. With `strip`, names and all else that does not run are left out of it. What becomes of imports
/// that nothing meets, `unmet` says.
///
/// # Errors
/// All that is wrong with the app, that it has several that could be meant, or that the file cannot
/// be written.
pub fn compose(
    path: &Path,
    output: &Path,
    component: Option<&str>,
    strip: bool,
    unmet: Unmet,
) -> Result<Composed, Vec<Problem>> {
    let app = open(path)?;
    let roots = assemble::roots(&app);
    let root = match component {
        Some(name) => named(&app, name),
        None => match Vec::from_iter(&roots).as_slice() {
            [root] => Ok(*root),
            [] => {
                Err(vec![problem(Code::NoComponent, "the app has no component".to_owned(), None)])
            }
            several => {
                let names: Vec<_> = several.iter().map(|name| name.as_str()).collect();
                let message = format!("triggers start several components: {}", names.join(", "));
                Err(vec![problem(
                    Code::ManyRoots,
                    message,
                    Some("choose one with `--component NAME`"),
                )])
            }
        },
    }?;
    let app = app.of_root(root);
    let mut composed = assemble::compose(&app, root, unmet)?;
    if strip {
        // It is a component that was just read.
        composed.bytes = keyway_component::strip(&composed.bytes)
            .map_err(|error| vec![problem(Code::NotAComponent, error.to_string(), None)])?;
    }
    write(output, &composed.bytes).map_err(|problem| vec![problem])?;
    Ok(composed)
}

/// The WIT of the components of the app at `path`, which may be a project's folder, or of one of them.
///
/// # Errors
/// If the app or one of its components cannot be read.
pub fn wit(path: &Path, component: Option<&str>) -> Result<Vec<(String, String)>, Vec<Problem>> {
    let mut app = open_unfinished(&built(path)?, None)?;
    if let Some(name) = component {
        let name = named(&app, name)?.clone();
        app.components.retain(|other, _| *other == name);
    }
    let loaded = assemble::load_all(&app)?;
    let wit = |(name, loaded): (&ComponentName, &assemble::Loaded)| {
        let text = keyway_component::wit(&loaded.bytes);
        let text = text.map_err(|error| problem(Code::NotAComponent, error.to_string(), None))?;
        Ok((name.to_string(), text))
    };
    loaded.iter().map(wit).collect::<Result<_, _>>().map_err(|problem| vec![problem])
}
