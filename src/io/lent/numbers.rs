//! Borrowed numbers of any type.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Numbers as they lie in memory.
#[derive(Debug, Clone, Copy)]
pub enum Numbers<'a> {
    /// Whole numbers of 8 bits.
    I8(&'a [i8]),
    /// Whole numbers of 16 bits.
    I16(&'a [i16]),
    /// Whole numbers of 32 bits.
    I32(&'a [i32]),
    /// Whole numbers of 64 bits.
    I64(&'a [i64]),
    /// The same without sign; true and false are 1 and 0.
    U8(&'a [u8]),
    /// Of 16 bits.
    U16(&'a [u16]),
    /// Of 32 bits.
    U32(&'a [u32]),
    /// Of 64 bits.
    U64(&'a [u64]),
    /// Floating-point numbers of 32 bits.
    F32(&'a [f32]),
    /// Of 64 bits; read as 32 bits, as from files.
    F64(&'a [f64]),
}

/// Who owns numbers: as long as this lives, they stay where they are and as they are.
pub trait Lender: fmt::Debug + Send + Sync {
    /// The numbers.
    fn numbers(&self) -> Numbers<'_>;
}

/// Borrowed numbers that several readers use.
pub type Shared = Arc<dyn Lender>;

macro_rules! lend_vectors {
    ($($variant:ident $ty:ty),*) => {
        $(impl Lender for Vec<$ty> {
            fn numbers(&self) -> Numbers<'_> {
                Numbers::$variant(self)
            }
        })*
    };
}

lend_vectors!(I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64, F32 f32, F64 f64);

/// The same expression for numbers of every type.
macro_rules! each_type {
    ($numbers:expr, $x:ident => $body:expr) => {
        match $numbers {
            Numbers::I8($x) => $body,
            Numbers::I16($x) => $body,
            Numbers::I32($x) => $body,
            Numbers::I64($x) => $body,
            Numbers::U8($x) => $body,
            Numbers::U16($x) => $body,
            Numbers::U32($x) => $body,
            Numbers::U64($x) => $body,
            Numbers::F32($x) => $body,
            Numbers::F64($x) => $body,
        }
    };
}

/// A stored number as others see it.
pub(super) trait Number: Copy {
    /// As a value: 32 bits.
    fn value(self) -> f32;
    /// With 64 bits.
    fn real(self) -> f64;
    /// Without its fraction.
    fn whole(self) -> i64;
    /// As a position; `None` where it is none.
    fn position(self) -> Option<u64>;
    /// Its bytes, and how many of them are its own.
    fn bytes(self) -> ([u8; 8], usize);
}

/// The same for every type; `position` says what is a position.
macro_rules! numbers {
    ($position:expr; $($ty:ty),*) => {
        $(
            // The casts of one type are lossless, of the next they are what is wanted.
            #[allow(clippy::cast_lossless, clippy::unnecessary_cast)]
            impl Number for $ty {
                fn value(self) -> f32 {
                    self as f32
                }

                fn real(self) -> f64 {
                    self as f64
                }

                fn whole(self) -> i64 {
                    self as i64
                }

                fn position(self) -> Option<u64> {
                    $position(self)
                }

                fn bytes(self) -> ([u8; 8], usize) {
                    let bytes = self.to_le_bytes();
                    let mut out = [0; 8];
                    out[..bytes.len()].copy_from_slice(&bytes);
                    (out, bytes.len())
                }
            }
        )*
    };
}

numbers!(|x| u64::try_from(x).ok(); i8, i16, i32, i64);
numbers!(|x| Some(u64::from(x)); u8, u16, u32);
numbers!(Some; u64);
numbers!(|_| None; f32, f64);

/// Numbers hashed at a time: a buffer that stays in the cache.
const HASHED: usize = 8192;

impl Numbers<'_> {
    /// How many.
    pub fn len(&self) -> usize {
        each_type!(self, x => x.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of all of them as whole numbers; fractions are cut off.
    pub fn to_whole(&self) -> Vec<i64> {
        each_type!(self, x => x.iter().map(|&v| v.whole()).collect())
    }

    /// A copy of all of them.
    pub fn to_real(&self) -> Vec<f64> {
        each_type!(self, x => x.iter().map(|&v| v.real()).collect())
    }

    /// Bytes they take.
    pub(super) fn n_bytes(&self) -> u64 {
        each_type!(self, x => size_of_val(*x) as u64)
    }

    /// A stretch of them as values.
    pub(super) fn values(&self, range: Range<usize>) -> Vec<f32> {
        each_type!(self, x => x[range].iter().map(|&v| v.value()).collect())
    }

    /// Values in steps, from the first one on.
    pub(super) fn strided(&self, first: usize, step: usize, n: usize, each: &mut dyn FnMut(usize, f32)) {
        each_type!(self, x => {
            if step == 1 {
                x[first..first + n].iter().enumerate().for_each(|(k, &v)| each(k, v.value()));
            } else {
                (0..n).for_each(|k| each(k, x[first + k * step].value()));
            }
        });
    }

    /// A stretch of them as positions below `limit`; the first number that is none of them as text.
    pub(super) fn positions(&self, range: Range<usize>, limit: usize) -> Result<Vec<u32>, String> {
        each_type!(self, x => {
            let x = &x[range];
            let position = |v: &_| Number::position(*v).filter(|&p| p < limit as u64).map(|p| p as u32);
            let positions: Option<Vec<u32>> = x.iter().map(position).collect();
            positions.ok_or_else(|| x.iter().find(|v| position(v).is_none()).map(ToString::to_string).unwrap_or_default())
        })
    }

    /// All of them as offsets; the first number that is none as text.
    pub(super) fn offsets(&self) -> Result<Vec<u64>, String> {
        each_type!(self, x => {
            let offsets: Option<Vec<u64>> = x.iter().map(|&v| Number::position(v)).collect();
            offsets.ok_or_else(|| x.iter().find(|v| v.position().is_none()).map(ToString::to_string).unwrap_or_default())
        })
    }

    /// Whether they ascend within a stretch; equal neighbours are allowed.
    pub(super) fn ascend(&self, range: Range<usize>) -> bool {
        each_type!(self, x => x[range].is_sorted())
    }

    /// How many of a stretch that ascends are below a position.
    pub(super) fn below(&self, range: Range<usize>, limit: u64) -> usize {
        each_type!(self, x => x[range].partition_point(|&v| v.position().is_some_and(|p| p < limit)))
    }

    /// Takes the bytes of all of them in.
    pub(super) fn hash(&self, hasher: &mut blake3::Hasher) {
        each_type!(self, x => {
            let mut buffer = Vec::with_capacity(8 * HASHED);
            for part in x.chunks(HASHED) {
                buffer.clear();
                for &v in part {
                    let (bytes, n) = v.bytes();
                    buffer.extend_from_slice(&bytes[..n]);
                }
                hasher.update(&buffer);
            }
        });
    }
}
