//! What is said of sources that cannot be imported: Python's own words, and what these leave open.

use super::package::Environment;
use crate::Project;

/// Where the sources lie for the interpreter.
const SOURCES: &str = "File \"/0/";

/// The module that imports the sources.
pub(super) const START: &str = "keyway_start";

/// Parts of the standard library that a component does not have.
const ABSENT: &[&str] = &[
    "_bz2",
    "_ctypes",
    "_curses",
    "_dbm",
    "_hashlib",
    "_lzma",
    "_multiprocessing",
    "_posixsubprocess",
    "_ssl",
    "_tkinter",
    "_zstd",
    "bz2",
    "ctypes",
    "curses",
    "fcntl",
    "grp",
    "lzma",
    "mmap",
    "pwd",
    "readline",
    "resource",
    "ssl",
    "syslog",
    "termios",
    "tkinter",
    "tty",
];

/// What the interpreter said, without what the tool adds to it: the tool's own place before, and the
/// cause for a second time after. `project` has the sources.
pub(super) fn told(output: &str, project: &Project, environment: Option<&Environment>) -> String {
    let said = match output.split_once("\nAssertionError: ") {
        Some((before, said)) if before.contains("componentize-py") => said,
        _ => output,
    };
    let said = said.split("\n\nCaused by:").next().unwrap_or(said).trim_end();
    let said = own_frames(&said.replace(SOURCES, "File \""));
    let missing = said.lines().rev().find_map(|line| {
        line.strip_prefix("ModuleNotFoundError: No module named '")?.strip_suffix('\'')
    });
    match missing {
        Some(module) => format!("{said}\n\n{}", help(module, project, environment)),
        None => said,
    }
}

/// A trace without the frame of the module that imports the sources.
fn own_frames(said: &str) -> String {
    let start = format!("  File \"{START}.py\"");
    let mut is_start = false;
    let lines = said.lines().filter(|line| {
        is_start = line.starts_with(&start) || is_start && line.starts_with("    ");
        !is_start
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn help(module: &str, project: &Project, environment: Option<&Environment>) -> String {
    let package = module.split('.').next().unwrap_or(module);
    if ABSENT.contains(&package) {
        return format!(
            "Components have no `{package}`: it needs something that WASI does not provide."
        );
    }
    if environment.is_some_and(|environment| environment.has(package)) {
        return format!(
            "`{package}` is installed, but its module `{module}` is missing or is native code: \
             packages have to be pure Python."
        );
    }
    let requirements = project.folder.join("requirements.txt").is_file();
    let what = if requirements { "-r requirements.txt" } else { package };
    format!(
        "Packages come from the project's own environment `.venv`, not from the machine: run \
         `python3 -m venv .venv && .venv/bin/pip install {what}` in the project's folder, or `uv \
         sync`."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;

    const OUTPUT: &str = "Traceback (most recent call last):
  File \"/cache/bin/componentize-py\", line 8, in <module>
    sys.exit(script())
             ^^^^^^^^
AssertionError: Traceback (most recent call last):
  File \"/0/keyway_start.py\", line 11, in <module>
    import app
  File \"/0/app.py\", line 2, in <module>
    import humanize
ModuleNotFoundError: No module named 'humanize'


Caused by:
    ModuleNotFoundError: No module named 'humanize'
";

    #[test]
    fn a_module_that_is_not_there_is_told_with_its_place_and_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project {
            folder: folder.path().to_owned(),
            name: "sum".to_owned(),
            language: Language::Python,
        };
        let said = told(OUTPUT, &project, None);
        let place = "Traceback (most recent call last):\n  File \"app.py\", line 2, in <module>\n    import \
                     humanize\nModuleNotFoundError: No module named 'humanize'\n\n";
        assert!(said.starts_with(place), "{said}");
        assert!(said.contains(".venv/bin/pip install humanize` in"), "{said}");
        std::fs::write(folder.path().join("requirements.txt"), "").expect("written");
        assert!(told(OUTPUT, &project, None).contains("pip install -r requirements.txt`"));
        let absent = told(&OUTPUT.replace("humanize", "_ssl"), &project, None);
        assert!(absent.ends_with(
            "Components have no `_ssl`: it needs something that WASI does not provide."
        ));
        assert_eq!(told("other words\n", &project, None), "other words");
    }
}
