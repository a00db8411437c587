//! One-dimensional datasets and fields of any element type.

use hdf5::types::{FixedAscii, FixedUnicode, TypeDescriptor, VarLenAscii, VarLenUnicode};
use hdf5::{Dataset, H5Type};

use super::field::{field_type, read_field};

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::io) enum Values {
    /// Text of fixed or variable length.
    Text(Vec<String>),
    /// Whole numbers of any width.
    Whole(Vec<i64>),
    /// Floating-point numbers.
    Real(Vec<f64>),
    /// True or false.
    Flag(Vec<bool>),
}

/// Reads a dataset, or one field of a compound dataset.
pub(super) fn read_values(dataset: &Dataset, field: Option<&str>) -> hdf5::Result<Values> {
    let ty = match field {
        Some(field) => field_type(dataset, field)?
            .ok_or_else(|| hdf5::Error::Internal(format!("no field `{field}` in this compound dataset")))?,
        None => dataset.dtype()?.to_descriptor()?,
    };
    Ok(match ty {
        TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_) => Values::Whole(read(dataset, field)?),
        TypeDescriptor::Float(_) => Values::Real(read(dataset, field)?),
        TypeDescriptor::Boolean => Values::Flag(read(dataset, field)?),
        TypeDescriptor::VarLenAscii => text(&read::<VarLenAscii>(dataset, field)?, VarLenAscii::as_bytes),
        TypeDescriptor::VarLenUnicode => text(&read::<VarLenUnicode>(dataset, field)?, VarLenUnicode::as_bytes),
        TypeDescriptor::FixedAscii(0..=32) => ascii::<32>(dataset, field)?,
        TypeDescriptor::FixedAscii(33..=256) => ascii::<256>(dataset, field)?,
        TypeDescriptor::FixedAscii(257..=4096) => ascii::<4096>(dataset, field)?,
        TypeDescriptor::FixedUnicode(0..=32) => unicode::<32>(dataset, field)?,
        TypeDescriptor::FixedUnicode(33..=256) => unicode::<256>(dataset, field)?,
        TypeDescriptor::FixedUnicode(257..=4096) => unicode::<4096>(dataset, field)?,
        other => return Err(hdf5::Error::Internal(format!("expected text or numbers, got {other}"))),
    })
}

fn read<T: H5Type>(dataset: &Dataset, field: Option<&str>) -> hdf5::Result<Vec<T>> {
    match field {
        Some(field) => read_field(dataset, field),
        None => dataset.read_raw(),
    }
}

/// Fixed-length strings of at most N bytes: HDF5 pads shorter ones.
fn ascii<const N: usize>(dataset: &Dataset, field: Option<&str>) -> hdf5::Result<Values> {
    Ok(text(&read::<FixedAscii<N>>(dataset, field)?, FixedAscii::as_bytes))
}

fn unicode<const N: usize>(dataset: &Dataset, field: Option<&str>) -> hdf5::Result<Values> {
    Ok(text(&read::<FixedUnicode<N>>(dataset, field)?, FixedUnicode::as_bytes))
}

/// Files may claim an encoding that their bytes do not have, so bytes are checked.
fn text<T>(strings: &[T], bytes: impl Fn(&T) -> &[u8]) -> Values {
    Values::Text(strings.iter().map(|s| String::from_utf8_lossy(bytes(s)).into_owned()).collect())
}

impl Values {
    /// Number of values.
    pub(in crate::io) fn len(&self) -> usize {
        match self {
            Self::Text(v) => v.len(),
            Self::Whole(v) => v.len(),
            Self::Real(v) => v.len(),
            Self::Flag(v) => v.len(),
        }
    }

    /// Each value as text.
    pub(in crate::io) fn into_text(self) -> Vec<String> {
        match self {
            Self::Text(v) => v,
            Self::Whole(v) => v.iter().map(ToString::to_string).collect(),
            Self::Real(v) => v.iter().map(ToString::to_string).collect(),
            Self::Flag(v) => v.iter().map(ToString::to_string).collect(),
        }
    }

    /// Each value as a number; `None` for text.
    pub(in crate::io) fn into_numbers(self) -> Option<Vec<f64>> {
        match self {
            Self::Text(_) => None,
            Self::Whole(v) => Some(v.into_iter().map(|x| x as f64).collect()),
            Self::Real(v) => Some(v),
            Self::Flag(v) => Some(v.into_iter().map(f64::from).collect()),
        }
    }
}
