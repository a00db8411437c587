//! One field of a compound dataset, read by its name.
#![allow(unsafe_code)]

use std::cell::RefCell;

use hdf5::types::{CompoundField, CompoundType, TypeDescriptor};
use hdf5::{Dataset, H5Type};

thread_local! {
    /// The field that [`InField`] stands for on this thread.
    static FIELD: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A compound with a single field, whose name is known only at run time.
#[repr(transparent)]
struct InField<T>(T);

// SAFETY: `InField<T>` is laid out as `T` (`repr(transparent)`); the descriptor is a compound of exactly `T`'s size with
// `T` at offset 0, so HDF5 reads and writes precisely the bytes of one `T`.
unsafe impl<T: H5Type> H5Type for InField<T> {
    fn type_descriptor() -> TypeDescriptor {
        let field = FIELD.with_borrow(|name| CompoundField::typed::<T>(name, 0, 0));
        TypeDescriptor::Compound(CompoundType { fields: vec![field], size: size_of::<T>() })
    }
}

/// The type of a field of a compound dataset, `None` where there is no such field.
pub(super) fn field_type(dataset: &Dataset, field: &str) -> hdf5::Result<Option<TypeDescriptor>> {
    Ok(fields(dataset)?.into_iter().find(|(name, _)| name == field).map(|(_, ty)| ty))
}

/// Names and types of the fields of a compound dataset, none for other datasets.
pub(super) fn fields(dataset: &Dataset) -> hdf5::Result<Vec<(String, TypeDescriptor)>> {
    Ok(match dataset.dtype()?.to_descriptor()? {
        TypeDescriptor::Compound(compound) => compound.fields.into_iter().map(|f| (f.name, f.ty)).collect(),
        _ => Vec::new(),
    })
}

/// Reads one field of every element. O(elements), whatever the other fields.
pub(super) fn read_field<T: H5Type>(dataset: &Dataset, field: &str) -> hdf5::Result<Vec<T>> {
    // HDF5 leaves members that the file lacks as they are, that is uninitialised: such a field must never be read.
    if field_type(dataset, field)?.is_none() {
        return Err(hdf5::Error::Internal(format!("no field `{field}`")));
    }
    FIELD.set(field.to_owned());
    Ok(dataset.read_raw::<InField<T>>()?.into_iter().map(|value| value.0).collect())
}
