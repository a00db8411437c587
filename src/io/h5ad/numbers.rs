//! Stored numbers of any type, read in slices from several threads at once.

use std::ops::Range;

use hdf5::types::{FloatSize, IntSize, TypeDescriptor};
use hdf5::{Dataset, Datatype};
use ndarray::Array2;

use super::H5File;
use super::chunk::{Pipeline, read_chunk};
use crate::io::IoError;

/// A dataset of numbers of one or two dimensions.
#[derive(Debug)]
pub(super) struct Numbers {
    file: H5File,
    name: String,
    dataset: Dataset,
    direct: Option<Direct>,
}

/// What has to be known to read chunks without the library.
#[derive(Debug)]
struct Direct {
    kind: Kind,
    pipeline: Pipeline,
    chunk: Vec<usize>,
}

/// A type of numbers, as this machine has it.
#[derive(Debug, Clone, Copy)]
enum Kind {
    I32,
    I64,
    U16,
    U32,
    F32,
    F64,
}

impl Kind {
    fn of(ty: &Datatype) -> Option<Self> {
        let native = hdf5::datatype::ByteOrder::LittleEndian;
        if cfg!(target_endian = "big") || ty.byte_order() != native {
            return None;
        }
        Some(match ty.to_descriptor().ok()? {
            TypeDescriptor::Integer(IntSize::U4) => Self::I32,
            TypeDescriptor::Integer(IntSize::U8) => Self::I64,
            TypeDescriptor::Unsigned(IntSize::U2) => Self::U16,
            TypeDescriptor::Unsigned(IntSize::U4) => Self::U32,
            TypeDescriptor::Float(FloatSize::U4) => Self::F32,
            TypeDescriptor::Float(FloatSize::U8) => Self::F64,
            _ => return None,
        })
    }

    fn size(self) -> usize {
        match self {
            Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }
}

/// A number that stored ones are turned into.
trait Wanted: Copy + hdf5::H5Type {
    fn from_whole(x: i64) -> Self;
    fn from_real(x: f64) -> Self;
}

impl Wanted for f32 {
    fn from_whole(x: i64) -> Self {
        x as Self
    }

    fn from_real(x: f64) -> Self {
        x as Self
    }
}

/// Numbers that are no positions become the largest one, which no matrix has.
impl Wanted for u32 {
    fn from_whole(x: i64) -> Self {
        Self::try_from(x).unwrap_or(Self::MAX)
    }

    fn from_real(_: f64) -> Self {
        Self::MAX
    }
}

impl Numbers {
    /// The dataset of this name.
    pub(super) fn open(file: &H5File, name: &str) -> Result<Self, IoError> {
        let dataset = file.dataset(name)?;
        let direct = Direct::of(&dataset);
        Ok(Self { file: file.clone(), name: name.to_owned(), dataset, direct })
    }

    /// Number of elements.
    pub(super) fn len(&self) -> usize {
        self.dataset.size()
    }

    /// Elements per chunk along the first dimension; `None` for one piece.
    pub(super) fn chunk(&self) -> Option<usize> {
        self.dataset.chunk().and_then(|chunk| chunk.first().copied())
    }

    /// A slice of a vector.
    pub(super) fn read(&self, range: Range<usize>) -> Result<Vec<f32>, IoError> {
        if let Some(values) = self.direct.as_ref().and_then(|d| d.vector(&self.dataset, range.clone())) {
            return Ok(values);
        }
        let values = self.dataset.read_slice_1d::<f32, _>(range).map_err(self.file.wrong(&self.name))?;
        Ok(values.into_raw_vec_and_offset().0)
    }

    /// A slice of a vector of positions, checked to be below `limit`.
    pub(super) fn positions(&self, range: Range<usize>, limit: usize) -> Result<Vec<u32>, IoError> {
        let good = |positions: &Vec<u32>| positions.iter().all(|&p| (p as usize) < limit);
        if let Some(values) = self.direct.as_ref().and_then(|d| d.vector(&self.dataset, range.clone())).filter(good) {
            return Ok(values);
        }
        let stored = self.dataset.read_slice_1d::<i64, _>(range).map_err(self.file.wrong(&self.name))?;
        let position = |&p: &i64| u32::try_from(p).ok().filter(|&p| (p as usize) < limit);
        let positions: Option<Vec<u32>> = stored.iter().map(position).collect();
        positions.ok_or_else(|| {
            let bad = stored.iter().find(|p| position(p).is_none()).copied().unwrap_or_default();
            self.file.layout(&self.name, format!("positions below {limit}"), bad.to_string())
        })
    }

    /// Rows of a matrix.
    pub(super) fn rows(&self, range: Range<usize>) -> Result<Array2<f32>, IoError> {
        if let Some(rows) = self.direct.as_ref().and_then(|d| d.rows(&self.dataset, range.clone())) {
            return Ok(rows);
        }
        self.dataset.read_slice_2d::<f32, _>((range, ..)).map_err(self.file.wrong(&self.name))
    }
}

impl Direct {
    fn of(dataset: &Dataset) -> Option<Self> {
        let kind = Kind::of(&dataset.dtype().ok()?)?;
        let (pipeline, chunk) = (Pipeline::of(dataset)?, dataset.chunk()?);
        Some(Self { kind, pipeline, chunk })
    }

    /// A slice of a vector; `None` where the library has to read it.
    fn vector<T: Wanted>(&self, dataset: &Dataset, range: Range<usize>) -> Option<Vec<T>> {
        let &[length] = &self.chunk[..] else { return None };
        if range.is_empty() || range.end > dataset.size() {
            return None;
        }
        let mut values = Vec::with_capacity(range.len());
        for chunk in range.start / length..range.end.div_ceil(length) {
            let first = chunk * length;
            let bytes = read_chunk(dataset, self.pipeline, &[first as u64], length * self.kind.size())?;
            let part = range.start.max(first) - first..range.end.min(first + length) - first;
            self.decode(&bytes, part, &mut values);
        }
        Some(values)
    }

    /// Rows of a matrix; `None` where the library has to read them.
    fn rows(&self, dataset: &Dataset, range: Range<usize>) -> Option<Array2<f32>> {
        let &[height, width] = &self.chunk[..] else { return None };
        let &[n_rows, n_cols] = &dataset.shape()[..] else { return None };
        if range.is_empty() || range.end > n_rows {
            return None;
        }
        let mut rows = Array2::zeros((range.len(), n_cols));
        let mut line = Vec::with_capacity(width);
        for top in (range.start / height * height..range.end).step_by(height) {
            for left in (0..n_cols).step_by(width) {
                let size = height * width * self.kind.size();
                let bytes = read_chunk(dataset, self.pipeline, &[top as u64, left as u64], size)?;
                let columns = width.min(n_cols - left);
                for row in range.start.max(top)..range.end.min(top + height) {
                    line.clear();
                    let start = (row - top) * width;
                    self.decode(&bytes, start..start + columns, &mut line);
                    let to = ndarray::s![row - range.start, left..left + columns];
                    rows.slice_mut(to).iter_mut().zip(&line).for_each(|(to, &x)| *to = x);
                }
            }
        }
        Some(rows)
    }

    /// Appends the elements of a chunk in `part`.
    fn decode<T: Wanted>(&self, bytes: &[u8], part: Range<usize>, out: &mut Vec<T>) {
        let shuffled = self.pipeline.shuffled;
        match self.kind {
            Kind::I32 => each(bytes, part, shuffled, |b| T::from_whole(i32::from_le_bytes(b).into()), out),
            Kind::I64 => each(bytes, part, shuffled, |b| T::from_whole(i64::from_le_bytes(b)), out),
            Kind::U16 => each(bytes, part, shuffled, |b| T::from_whole(u16::from_le_bytes(b).into()), out),
            Kind::U32 => each(bytes, part, shuffled, |b| T::from_whole(u32::from_le_bytes(b).into()), out),
            Kind::F32 => each(bytes, part, shuffled, |b| T::from_real(f32::from_le_bytes(b).into()), out),
            Kind::F64 => each(bytes, part, shuffled, |b| T::from_real(f64::from_le_bytes(b)), out),
        }
    }
}

/// The elements of `N` bytes each in `part`, in the order of the elements whether the bytes are shuffled or not.
fn each<T, const N: usize>(
    bytes: &[u8],
    part: Range<usize>,
    shuffled: bool,
    of: impl Fn([u8; N]) -> T,
    out: &mut Vec<T>,
) {
    if !shuffled {
        let (elements, _) = bytes[part.start * N..part.end * N].as_chunks::<N>();
        out.extend(elements.iter().map(|&element| of(element)));
        return;
    }
    let plane = bytes.len() / N;
    let planes: [&[u8]; N] = std::array::from_fn(|k| &bytes[k * plane + part.start..k * plane + part.end]);
    out.extend((0..part.len()).map(|i| of(std::array::from_fn(|k| planes[k][i]))));
}
