//! Reads, compares, audits and fuses WebAssembly components: bytes in, bytes out.
//!
//! Nothing here runs a component, opens a file or knows an engine. Bytes are validated before any
//! other tool sees them, so that no bytes, however broken, cause a panic.
//!
//! - [`adapt`] turns a WASI preview 1 core module into a component.
//! - [`describe`] says what a component is and which authority it would need; [`wit`] prints its
//!   world.
//! - [`minimum`] says what an instance takes before it runs.
//! - [`authority`] says what an imported interface gives, and [`EntryPoint`] what an exported one is to
//!   a host.
//! - [`fuse`] makes one component, a unit, from a component and everything linked to it, in which
//!   each component's authority stays separate; [`compose`] makes one for hosts that do not know
//!   such units, and [`strip`] removes names from it.
//! - [`guard`] catches the panics of the libraries that do all this.
//! - [`weld`] makes instances of a component cheaper, and [`weld_with_reset`] such that they can be used again
//!   as if they were new.

mod adapt;
mod authority;
mod candidate;
mod describe;
mod entry;
mod exit_code;
mod fuse;
pub mod guard;
mod interface;
mod minimum;
mod read;
mod section;
mod strip;
mod weld;

pub use adapt::{AdaptError, adapt, adapt_lending};
pub use authority::{Authority, NEWEST_0_2, NEWEST_0_3, authority, is_of_spin, is_provided};
pub use describe::{Description, Need, Producer, describe, wit};
pub use entry::EntryPoint;
pub use fuse::{Difference, FuseError, Part, PartLink, Unit, UnitImport, Unmet, compose, fuse};
pub use interface::InterfaceName;
pub use minimum::{Minimum, minimum};
pub use read::{Extern, ExternKind, Function, ReadError, TypeDefinition, features, is_synchronous};
pub use strip::strip;
pub use weld::{
    NoReset,
    keeper::{Act, Outcome},
    reset::reset_names,
    weld, weld_with_reset,
};
