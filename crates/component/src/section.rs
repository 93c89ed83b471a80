//! The sections of modules and components, as bytes.

use wasm_encoder::Encode;
use wasmparser::{BinaryReader, BinaryReaderError};

/// The bytes that a module or component begins with: the magic number and the version.
const HEADER_BYTES: usize = 8;

/// Levels of components within components. No tool makes more than a few; the validator has no bound.
pub(crate) const MAX_DEPTH: usize = 100;

/// What sections begin with, by the binary format of modules and of components.
pub(crate) mod id {
    pub(crate) const CUSTOM: u8 = 0;
    /// Of a module.
    pub(crate) const IMPORTS: u8 = 2;
    /// Of a module.
    pub(crate) const MEMORIES: u8 = 5;
    pub(crate) const CORE_MODULE: u8 = 1;
    pub(crate) const CORE_INSTANCE: u8 = 2;
    pub(crate) const COMPONENT: u8 = 4;
    pub(crate) const INSTANCE: u8 = 5;
    pub(crate) const ALIAS: u8 = 6;
    pub(crate) const TYPE: u8 = 7;
    pub(crate) const CANONICAL: u8 = 8;
    pub(crate) const START: u8 = 9;
    pub(crate) const COMPONENT_IMPORTS: u8 = 10;
    pub(crate) const COMPONENT_EXPORTS: u8 = 11;
}

/// A section's id and contents.
pub(crate) type Section<'a> = (u8, &'a [u8]);

/// What comes before the sections, and the sections.
pub(crate) fn split(bytes: &[u8]) -> Result<(&[u8], Vec<Section<'_>>), BinaryReaderError> {
    let mut reader = BinaryReader::new(bytes, 0);
    let header = reader.read_bytes(HEADER_BYTES)?;
    let mut sections = Vec::new();
    while !reader.eof() {
        let section = reader.read_u8()?;
        let size = reader.read_var_u32()?;
        sections.push((section, reader.read_bytes(size as usize)?));
    }
    Ok((header, sections))
}

/// Writes a section.
pub(crate) fn write(section: u8, data: &[u8], out: &mut Vec<u8>) {
    out.push(section);
    data.encode(out);
}
