//! How deeply types of components and instances are nested. Their readers, including the validator,
//! recurse for each level, and could overflow the stack.

use wasmparser::{
    BinaryReader, BinaryReaderError, ComponentAlias, ComponentExternName, ComponentImport,
    ComponentType, ComponentTypeRef, CoreType, Parser, Payload,
};

use super::ReadError;

/// Levels that are read. Tools make some three.
const MAX_LEVELS: usize = 100;

/// The bytes that types and what is declared in them begin with, by the binary format.
mod tag {
    pub(super) const COMPONENT: u8 = 0x41;
    pub(super) const INSTANCE: u8 = 0x42;
    pub(super) const CORE_TYPE: u8 = 0x00;
    pub(super) const TYPE: u8 = 0x01;
    pub(super) const ALIAS: u8 = 0x02;
    pub(super) const IMPORT: u8 = 0x03;
    pub(super) const EXPORT: u8 = 0x04;
}

/// Refuses what has types that lie too deep. Errors in reading are reported elsewhere.
///
/// `bytes` are what `payload` was read from.
pub(super) fn check(payload: &Payload<'_>, bytes: &[u8]) -> Result<(), ReadError> {
    match payload {
        Payload::ComponentTypeSection(types) => {
            let range = types.range();
            let (start, end) = (usize::try_from(range.start), usize::try_from(range.end));
            let section = bytes.get(start.unwrap_or(0)..end.unwrap_or(0)).unwrap_or_default();
            section_check(section, range.start)
        }
        // In which a module brings its world along.
        Payload::CustomSection(custom) if custom.name().starts_with("component-type") => {
            for payload in Parser::new(0).parse_all(custom.data()) {
                match payload {
                    Ok(Payload::CustomSection(_)) => {}
                    Ok(payload) => check(&payload, custom.data())?,
                    Err(_) => break,
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Why levels are not counted; the validator will say it.
struct Unreadable;

impl From<BinaryReaderError> for Unreadable {
    fn from(_: BinaryReaderError) -> Self {
        Self
    }
}

fn section_check(section: &[u8], offset: u64) -> Result<(), ReadError> {
    match levels(BinaryReader::new(section, offset)) {
        Ok(levels) if levels > MAX_LEVELS => {
            let reason = format!("its types are nested more than {MAX_LEVELS} levels deep");
            Err(ReadError::Invalid { reason, offset })
        }
        Ok(_) | Err(Unreadable) => Ok(()),
    }
}

/// The most levels of a section of types, or the first that is too many.
fn levels(mut reader: BinaryReader<'_>) -> Result<usize, Unreadable> {
    // For each level, what is left to read there: of types, and then of declarations.
    let mut left = vec![reader.read_var_u32()?];
    let mut most = 0;
    while let Some(here) = left.last_mut() {
        let Some(rest) = here.checked_sub(1) else {
            left.pop();
            continue;
        };
        *here = rest;
        if left.len() > 1 && !is_type(&mut reader)? {
            continue;
        }
        if !matches!(reader.clone().read_u8()?, tag::COMPONENT | tag::INSTANCE) {
            reader.read::<ComponentType<'_>>()?;
            continue;
        }
        reader.read_u8()?;
        most = most.max(left.len());
        if most > MAX_LEVELS {
            break;
        }
        left.push(reader.read_var_u32()?);
    }
    Ok(most)
}

/// Reads a declaration, and of one of a type only what comes before that.
fn is_type(reader: &mut BinaryReader<'_>) -> Result<bool, Unreadable> {
    match reader.read_u8()? {
        tag::TYPE => return Ok(true),
        tag::CORE_TYPE => {
            reader.read::<CoreType<'_>>()?;
        }
        tag::ALIAS => {
            reader.read::<ComponentAlias<'_>>()?;
        }
        tag::IMPORT => {
            reader.read::<ComponentImport<'_>>()?;
        }
        tag::EXPORT => {
            reader.read::<ComponentExternName<'_>>()?;
            reader.read::<ComponentTypeRef>()?;
        }
        _ => return Err(Unreadable),
    }
    Ok(false)
}
