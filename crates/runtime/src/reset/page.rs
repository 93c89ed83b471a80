//! The pages of memory that a process has written to, which the kernel knows, and their bytes.
//!
//! `unsafe` is here for two needs: the system call, which `rustix` has no function for, and access to the
//! memory of an instance at its address, as the engine has no name for the memories of a component.

use std::{ffi::c_void, fs::File, io, ops::Range, slice};

use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};
use wasmtime::{StoreContext, component::WasmList};

use crate::state::State;

/// What the kernel says of the pages of this process: `/proc/self/pagemap`, of Linux 6.7 and later.
#[derive(Debug)]
pub(super) struct PageMap(File);

impl PageMap {
    /// None where the kernel cannot tell which pages were written to.
    pub(super) fn open() -> Option<Self> {
        let map = Self(File::open("/proc/self/pagemap").ok()?);
        map.written(0..0, |_| {}).ok()?;
        Some(map)
    }

    /// Calls `each` for the addresses within `memory` at which pages are that belong to this process
    /// alone, in ascending order. Memory is mapped from a file, or is empty, until it is written to.
    ///
    /// # Errors
    /// If the kernel cannot tell.
    fn written(&self, memory: Range<usize>, mut each: impl FnMut(Range<usize>)) -> io::Result<()> {
        let mut regions = [Region::default(); 256];
        let mut start = memory.start as u64;
        let end = memory.end as u64;
        loop {
            let mut scan = Scan {
                size: size_of::<Scan>() as u64,
                start,
                end,
                vec: regions.as_mut_ptr().addr() as u64,
                vec_len: regions.len() as u64,
                category_inverted: Scan::FILE | Scan::PFNZERO,
                category_mask: Scan::FILE | Scan::PFNZERO,
                // Pages that were swapped out are as changed as those that are present.
                category_anyof_mask: Scan::PRESENT | Scan::SWAPPED,
                ..Scan::default()
            };
            let call = ScanCall { scan: &mut scan, regions: &mut regions };
            // SAFETY: see `ScanCall`.
            #[expect(unsafe_code, reason = "the system call, argued above")]
            let found = unsafe { ioctl(&self.0, call) }?;
            for region in &regions[..found.min(regions.len())] {
                each(region.start as usize..region.end as usize);
            }
            if scan.walk_end >= end || start >= end {
                return Ok(());
            }
            start = scan.walk_end;
        }
    }
}

/// `struct pm_scan_arg` of PAGEMAP_SCAN(2const).
#[repr(C)]
#[derive(Debug, Default)]
struct Scan {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    /// Where it stopped.
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

impl Scan {
    const FILE: u64 = 1 << 2;
    const PRESENT: u64 = 1 << 3;
    const SWAPPED: u64 = 1 << 4;
    const PFNZERO: u64 = 1 << 5;
}

/// `struct page_region`, likewise: addresses whose pages are alike.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

/// The call, which borrows all that the kernel writes to.
struct ScanCall<'a> {
    scan: &'a mut Scan,
    /// Its `vec` and `vec_len`.
    #[expect(dead_code, reason = "the kernel writes to it")]
    regions: &'a mut [Region],
}

// SAFETY: the opcode is that of PAGEMAP_SCAN, whose argument `scan` is. The kernel writes to it, and to at
// most `vec_len` regions at `vec`, both of which are borrowed for as long as the call takes.
#[expect(unsafe_code, reason = "the system call, argued above")]
unsafe impl Ioctl for ScanCall<'_> {
    /// How many regions were written.
    type Output = usize;
    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        opcode::read_write::<Scan>(b'f', 16)
    }

    fn as_ptr(&mut self) -> *mut c_void {
        (&raw mut *self.scan).cast()
    }

    unsafe fn output_from_ptr(found: IoctlOutput, _: *mut c_void) -> rustix::io::Result<usize> {
        Ok(usize::try_from(found).unwrap_or(0))
    }
}

/// Where the memory of an instance is. It is that of a store, and is only used together with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    start: usize,
    bytes: usize,
}

impl Memory {
    /// Of the instance that lends all of its memory as `list`.
    pub(super) fn of(list: &WasmList<u8>, store: StoreContext<'_, State>) -> Self {
        let bytes = list.as_le_slice(store);
        Self { start: bytes.as_ptr().expose_provenance(), bytes: bytes.len() }
    }

    pub(super) fn is_as_large_as(self, other: Self) -> bool {
        self.bytes == other.bytes && self.bytes > 0
    }

    /// Gives the pages that were written to the bytes that they have in `image`, and returns how many bytes
    /// these were.
    ///
    /// # Errors
    /// If the kernel does not say which pages were written.
    ///
    /// # Safety
    /// Both memories exist, are different and equally large, and nothing else uses this one.
    #[expect(unsafe_code, reason = "access to the memory of an instance, argued below")]
    pub(super) unsafe fn restore(self, image: Self, map: &PageMap) -> io::Result<usize> {
        let mut written_bytes = 0;
        map.written(self.start..self.start + self.bytes, |region| {
            let offset = region.start - self.start;
            let len = region.end.min(self.start + self.bytes) - region.start;
            let from = std::ptr::with_exposed_provenance::<u8>(image.start + offset);
            let to = std::ptr::with_exposed_provenance_mut::<u8>(region.start);
            // SAFETY: the kernel names regions within the range that it was asked for, which is this
            // memory; the image has as many bytes from `offset` on. They do not overlap, and the caller
            // vouches for the rest. What the engine compiled accesses them by their address, too.
            unsafe { std::ptr::copy_nonoverlapping(from, to, len) };
            written_bytes += len;
        })?;
        Ok(written_bytes)
    }

    /// Whether both have the same bytes.
    ///
    /// # Safety
    /// Both memories exist, are equally large, and nothing writes to them.
    #[expect(unsafe_code, reason = "access to the memory of an instance, argued below")]
    pub(super) unsafe fn equals(self, image: Self) -> bool {
        // SAFETY: the caller vouches for it.
        let bytes = |memory: Self| unsafe {
            slice::from_raw_parts(
                std::ptr::with_exposed_provenance::<u8>(memory.start),
                memory.bytes,
            )
        };
        bytes(self) == bytes(image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_were_written_to_are_found_and_get_their_bytes_back() {
        const PAGE: usize = 4096;
        let Some(map) = PageMap::open() else { return };
        // More regions than one call of the kernel returns. Fresh pages of zeros.
        let layout = std::alloc::Layout::from_size_align(2000 * PAGE, PAGE).expect("a layout");
        let allocate = || {
            // SAFETY: the layout is not empty.
            #[expect(unsafe_code, reason = "memory that begins at a page")]
            let start = unsafe { std::alloc::alloc_zeroed(layout) };
            (start, Memory { start: start.expose_provenance(), bytes: layout.size() })
        };
        let ((start, memory), (image_start, image)) = (allocate(), allocate());
        #[expect(unsafe_code, reason = "the memory was allocated above, and is not used otherwise")]
        // SAFETY: all accesses are within what was allocated.
        unsafe {
            for page in (0..2000).step_by(3) {
                start.add(page * PAGE + 17).write_volatile(1);
            }
            image_start.add(5).write_volatile(7);
            start.write_volatile(1);
            assert!(!memory.equals(image));
            let written = memory.restore(image, &map).expect("it is restored");
            assert!(written >= 667 * PAGE, "{written}");
            assert!(memory.equals(image));
            assert_eq!(start.add(5).read_volatile(), 7);
            std::alloc::dealloc(start, layout);
            std::alloc::dealloc(image_start, layout);
        }
    }
}
