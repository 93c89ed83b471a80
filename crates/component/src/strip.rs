//! Takes out of a component what does not run.

use wasm_encoder::Encode;
use wasmparser::{BinaryReader, Encoding};

use crate::read::{Depth, ReadError, Surface, encoding};

/// The bytes that a module or component begins with: the magic number and the version.
const HEADER_BYTES: usize = 8;

/// The sections that are of interest here, by the binary format of modules and of components.
const CUSTOM: u8 = 0;
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;

/// Levels of components within components. No tool makes more than a few; the validator has no bound.
const DEPTH_AT_MOST: usize = 100;

/// A component without its custom sections, and those of all that is in it: names, line tables, what
/// made it. Hints for the compiler stay.
///
/// # Errors
///
/// Says why the bytes are not a valid component.
pub fn strip(component: &[u8]) -> Result<Vec<u8>, ReadError> {
    Surface::read(component, Depth::Structure)?;
    let mut out = Vec::with_capacity(component.len());
    strip_into(component, 0, &mut out)?;
    Ok(out)
}

fn strip_into(bytes: &[u8], depth: usize, out: &mut Vec<u8>) -> Result<(), ReadError> {
    if depth > DEPTH_AT_MOST {
        let reason = format!("components are nested more than {DEPTH_AT_MOST} deep");
        return Err(ReadError::Invalid { reason, offset: 0 });
    }
    let is_component = encoding(bytes)? == Encoding::Component;
    let mut reader = BinaryReader::new(bytes, 0);
    out.extend(reader.read_bytes(HEADER_BYTES)?);
    while !reader.eof() {
        let id = reader.read_u8()?;
        let size = reader.read_var_u32()?;
        let data = reader.read_bytes(size as usize)?;
        match id {
            CUSTOM if !is_hint(data) => {}
            CORE_MODULE | COMPONENT if is_component => {
                let mut inner = Vec::with_capacity(data.len());
                strip_into(data, depth + 1, &mut inner)?;
                write(id, &inner, out);
            }
            _ => write(id, data, out),
        }
    }
    Ok(())
}

fn write(id: u8, data: &[u8], out: &mut Vec<u8>) {
    out.push(id);
    data.encode(out);
}

/// Whether a custom section changes how code is compiled.
fn is_hint(section: &[u8]) -> bool {
    let name = BinaryReader::new(section, 0).read_string();
    name.is_ok_and(|name| name.starts_with("metadata.code."))
}
