//! Chunks of a dataset as they lie in the file. The library decompresses on one thread at a time; chunks that are
//! fetched raw can be decompressed on as many as there are.
#![allow(unsafe_code)]

use std::ffi::c_void;

use flate2::{Decompress, FlushDecompress, Status};
use hdf5::Dataset;
use hdf5::filters::Filter;
use hdf5_sys::h5::{herr_t, hsize_t};
use hdf5_sys::h5d::H5Dread_chunk;
use hdf5_sys::h5i::hid_t;

unsafe extern "C" {
    /// Bytes of the chunk at `offset` as stored: of the library since 1.10.2, not among the bindings.
    fn H5Dget_chunk_storage_size(dataset: hid_t, offset: *const hsize_t, size: *mut hsize_t) -> herr_t;
}

/// What was done to the bytes of a chunk when it was written, in that order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pipeline {
    /// First bytes of all elements first, then the second ones, and so on.
    pub(super) shuffled: bool,
    deflated: bool,
}

impl Pipeline {
    /// That of a dataset; `None` where it is one that only the library knows.
    pub(super) fn of(dataset: &Dataset) -> Option<Self> {
        let of = |shuffled, deflated| Some(Self { shuffled, deflated });
        match dataset.filters()[..] {
            [] => of(false, false),
            [Filter::Shuffle] => of(true, false),
            [Filter::Deflate(_)] => of(false, true),
            [Filter::Shuffle, Filter::Deflate(_)] => of(true, true),
            _ => None,
        }
    }

    /// The bytes before they were deflated, `size` of them; still shuffled. `None` where that fails.
    fn inflate(self, raw: Vec<u8>, size: usize) -> Option<Vec<u8>> {
        if !self.deflated {
            return (raw.len() == size).then_some(raw);
        }
        let mut bytes = vec![0; size];
        let mut inflater = Decompress::new(true);
        let status = inflater.decompress(&raw, &mut bytes, FlushDecompress::Finish).ok()?;
        (status == Status::StreamEnd && inflater.total_out() == size as u64).then_some(bytes)
    }
}

/// The inflated bytes of the chunk whose first element is at `offset` (one number per dimension), `size` of them. `None`
/// where there is no such chunk, a filter was skipped for it, or it is damaged: the library then says what is wrong.
pub(super) fn read_chunk(dataset: &Dataset, pipeline: Pipeline, offset: &[u64], size: usize) -> Option<Vec<u8>> {
    if offset.len() != dataset.ndim() {
        return None;
    }
    let raw = hdf5::sync::sync(|| {
        let mut stored = 0;
        // SAFETY: the identifier is open as long as `dataset` lives, `offset` has one number per dimension (checked
        // above), and `stored` is written before the call returns. The library's lock is held.
        let found = unsafe { H5Dget_chunk_storage_size(dataset.id(), offset.as_ptr(), &raw mut stored) };
        let length = usize::try_from(stored).ok().filter(|&n| found >= 0 && n > 0)?;
        let (mut raw, mut skipped) = (vec![0u8; length], 0);
        // SAFETY: as above; the library writes exactly the stored size of the chunk, which the buffer has, and nothing
        // can change it in between: the file is open for reading and the lock is held.
        let read = unsafe {
            let buffer = raw.as_mut_ptr().cast::<c_void>();
            H5Dread_chunk(dataset.id(), hdf5_sys::h5p::H5P_DEFAULT, offset.as_ptr(), &raw mut skipped, buffer)
        };
        (read >= 0 && skipped == 0).then_some(raw)
    })?;
    pipeline.inflate(raw, size)
}
