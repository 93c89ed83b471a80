//! Removes everything from a component that does not run.

use wasmparser::{BinaryReader, Encoding};

use crate::{
    read::{Depth, ReadError, Surface, encoding},
    section::{MAX_DEPTH, id, split, write},
};

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
    if depth > MAX_DEPTH {
        let reason = format!("components are nested more than {MAX_DEPTH} levels deep");
        return Err(ReadError::Invalid { reason, offset: 0 });
    }
    let is_component = encoding(bytes)? == Encoding::Component;
    let (header, sections) = split(bytes)?;
    out.extend(header);
    for (section, data) in sections {
        match section {
            id::CUSTOM if !is_hint(data) => {}
            id::CORE_MODULE | id::COMPONENT if is_component => {
                let mut inner = Vec::with_capacity(data.len());
                strip_into(data, depth + 1, &mut inner)?;
                write(section, &inner, out);
            }
            _ => write(section, data, out),
        }
    }
    Ok(())
}

/// Whether a custom section changes how code is compiled.
fn is_hint(section: &[u8]) -> bool {
    let name = BinaryReader::new(section, 0).read_string();
    name.is_ok_and(|name| name.starts_with("metadata.code."))
}
