//! Lets a preview 1 command exit with its own code. The adapter knows only success and failure;
//! `wasi:cli/exit` of WASI 0.2.12 has a function with the same signature as preview 1's, so the
//! module is changed to import that one.

use std::borrow::Cow;

use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW_1;
use wasm_encoder::Encode;
use wasmparser::{BinaryReader, Import, ImportSectionReader, Imports};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::{
    read::ReadError,
    section::{id, split, write},
};

/// As it is published, so that it is the same as the adapter's.
const EXIT: &str = "
    package wasi:cli@0.2.12;
    interface exit {
        exit: func(status: result);
        exit-with-code: func(status-code: u8);
    }
    world exits { import exit; }
";

/// The module with `proc_exit` taken from `wasi:cli/exit`, if it imports that.
///
/// # Errors
///
/// If its imports cannot be read; a valid module's can.
pub(crate) fn keep(module: &[u8]) -> Result<Cow<'_, [u8]>, ReadError> {
    let (header, sections) = split(module)?;
    let mut out = header.to_vec();
    let mut is_found = false;
    for (section, data) in sections {
        if section == id::IMPORTS {
            let imports = redirected(data)?;
            is_found = matches!(imports, Cow::Owned(_));
            write(section, &imports, &mut out);
        } else {
            write(section, data, &mut out);
        }
    }
    if !is_found {
        return Ok(Cow::Borrowed(module));
    }
    let mut resolve = Resolve::default();
    let package = resolve.push_str("exit.wit", EXIT).expect("the text is WIT");
    let world = resolve.select_world(&[package], None).expect("it has one world");
    embed_component_metadata(&mut out, &resolve, world, StringEncoding::UTF8)
        .expect("the world can be written down");
    Ok(Cow::Owned(out))
}

/// The contents of a section of imports, with `proc_exit` redirected if it is there.
fn redirected(section: &[u8]) -> Result<Cow<'_, [u8]>, ReadError> {
    let imports = ImportSectionReader::new(BinaryReader::new(section, 0))?;
    let mut found = Vec::new();
    for import in imports.into_iter_with_offsets() {
        if let (offset, Imports::Single(_, Import { module: PREVIEW_1, name: "proc_exit", .. })) =
            import?
        {
            found.push(usize::try_from(offset).unwrap_or(section.len()));
        }
    }
    if found.is_empty() {
        return Ok(Cow::Borrowed(section));
    }
    let mut out = Vec::with_capacity(section.len());
    let mut copied = 0;
    for offset in found {
        out.extend_from_slice(&section[copied..offset]);
        let mut reader = BinaryReader::new(&section[offset..], 0);
        // The names of the module and of the function; the type after them stays.
        reader.read_string()?;
        reader.read_string()?;
        copied = section.len() - reader.bytes_remaining();
        "wasi:cli/exit@0.2.12".encode(&mut out);
        "exit-with-code".encode(&mut out);
    }
    out.extend_from_slice(&section[copied..]);
    Ok(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_does_not_exit_stays_as_it_is() {
        let module = wat::parse_str("(module (memory (export \"memory\") 1))").expect("it is wasm");
        assert_eq!(keep(&module), Ok(Cow::Borrowed(&module[..])));
    }

    #[test]
    fn the_function_is_taken_from_elsewhere_and_the_others_are_not() {
        let module = r#"(module
            (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
            (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32))))"#;
        let module = wat::parse_str(module).expect("it is wasm");
        let kept = keep(&module).expect("it is valid");
        let mut names = Vec::new();
        for payload in wasmparser::Parser::new(0).parse_all(&kept) {
            if let wasmparser::Payload::ImportSection(section) = payload.expect("it is valid") {
                for import in section.into_imports() {
                    names.push(import.expect("it is valid").name.to_owned());
                }
            }
        }
        assert_eq!(names, ["sched_yield", "exit-with-code", "fd_close"]);
    }
}
