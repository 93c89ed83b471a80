//! What components are read as and what they become when they are fused.

mod adapt;
mod compose;
mod fixture;
mod fuse;
mod read;
mod weld;
