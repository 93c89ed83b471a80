//! Has a component of a release candidate of WASI use the release, where the two are the same.
//!
//! A release candidate is an interface of its own by its name, and stays one if it differs in anything.
//! The last one of 0.3.0 became the release without a change. Tools were made for it in between, whose
//! components go on.

use std::borrow::Cow;

use wasm_encoder::Encode;
use wasmparser::{BinaryReader, ComponentExportSectionReader, ComponentImportSectionReader};

use crate::{
    InterfaceName,
    read::ReadError,
    section::{Section, id, split, write},
};

/// Versions in which all of WASI is the same as in a release, and that release.
const SAME: &[(&str, &str)] = &[("0.3.0-rc-2026-03-15", "0.3.0")];

/// The packages that WASI has in these versions.
const PACKAGES: [&str; 6] = ["cli", "clocks", "filesystem", "http", "random", "sockets"];

/// The component, with the names of releases in its imports and exports where it has those of candidates
/// that are the same.
///
/// # Errors
///
/// If it cannot be read; a valid one can.
pub(crate) fn released(component: &[u8]) -> Result<Cow<'_, [u8]>, ReadError> {
    let (header, sections) = split(component)?;
    let mut names = Vec::new();
    for section in &sections {
        names.extend(named(section)?.into_iter().map(|(_, name)| (section.0, name)));
    }
    // A component may have both. Then they stay apart.
    let is_free = |direction: u8, new: &str| !names.contains(&(direction, new));
    let is_any = names
        .iter()
        .any(|(direction, name)| release(name).is_some_and(|new| is_free(*direction, &new)));
    if !is_any {
        return Ok(Cow::Borrowed(component));
    }
    let mut out = header.to_vec();
    for section in sections {
        let (direction, data) = section;
        let mut renamed = Vec::with_capacity(data.len());
        let mut copied = 0;
        for (at, name) in named(&section)? {
            let Some(new) = release(name).filter(|new| is_free(direction, new)) else { continue };
            renamed.extend_from_slice(&data[copied..at]);
            new.encode(&mut renamed);
            let mut reader = BinaryReader::new(&data[at..], 0);
            reader.read_string()?;
            copied = data.len() - reader.bytes_remaining();
        }
        renamed.extend_from_slice(&data[copied..]);
        write(direction, &renamed, &mut out);
    }
    Ok(Cow::Owned(out))
}

/// The names of what a section imports or exports, and where each is in it.
fn named<'a>((section, data): &Section<'a>) -> Result<Vec<(usize, &'a str)>, ReadError> {
    let reader = BinaryReader::new(data, 0);
    // What comes before the text is how it is to be read.
    let at = |offset: u64| usize::try_from(offset).map_or(data.len(), |offset| offset + 1);
    let mut names = Vec::new();
    match *section {
        id::COMPONENT_IMPORTS => {
            for import in ComponentImportSectionReader::new(reader)?.into_iter_with_offsets() {
                let (offset, import) = import?;
                names.push((at(offset), import.name.name));
            }
        }
        id::COMPONENT_EXPORTS => {
            for export in ComponentExportSectionReader::new(reader)?.into_iter_with_offsets() {
                let (offset, export) = export?;
                names.push((at(offset), export.name.name));
            }
        }
        _ => {}
    }
    Ok(names)
}

/// The name that an interface of a candidate has in the release, if it is the same there.
fn release(name: &str) -> Option<String> {
    let (_, version) = name.strip_prefix("wasi:")?.split_once('@')?;
    let (_, release) = SAME.iter().find(|(candidate, _)| *candidate == version)?;
    let mut name = InterfaceName::parse(name)?;
    if !PACKAGES.contains(&name.package.as_str()) {
        return None;
    }
    name.version = semver::Version::parse(release).ok();
    Some(name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe;

    fn names(text: &str) -> Vec<String> {
        let component = wat::parse_str(text).expect("it is WebAssembly text");
        let released = released(&component).expect("it is valid");
        let description = describe(&released).expect("it is valid");
        let items = description.imports.into_iter().chain(description.exports);
        items.map(|item| item.name).collect()
    }

    #[test]
    fn what_is_the_same_gets_the_name_of_the_release() {
        let component = r#"(component
            (import "wasi:random/random@0.3.0-rc-2026-03-15" (instance $random
                (export "get-random-u64" (func (result u64)))))
            (import "wasi:clocks/types@0.3.0-rc-2026-01-06" (instance))
            (import "wasi:tls/types@0.3.0-rc-2026-03-15" (instance))
            (import "other" (instance))
            (export "wasi:random/random@0.3.0-rc-2026-03-15" (instance $random)))"#;
        assert_eq!(
            names(component),
            [
                "wasi:random/random@0.3.0",
                "wasi:clocks/types@0.3.0-rc-2026-01-06",
                "wasi:tls/types@0.3.0-rc-2026-03-15",
                "other",
                "wasi:random/random@0.3.0",
            ]
        );
    }

    #[test]
    fn what_would_take_a_name_that_is_there_stays() {
        let both = ["wasi:cli/types@0.3.0-rc-2026-03-15", "wasi:cli/types@0.3.0"];
        let imports = both.map(|name| format!("(import \"{name}\" (instance))")).concat();
        assert_eq!(names(&format!("(component {imports})")), both);
    }
}
