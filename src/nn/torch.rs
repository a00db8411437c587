//! Tensors of files that torch wrote.

use std::path::Path;

use candle_core::{DType, pickle};

use super::NnError;

/// The tensors of a torch file (`torch.save` of a dictionary) as flat rows of numbers by name, in order of the names.
///
/// Only tensors are looked at; nothing that the file may ask to call is called.
///
/// # Errors
/// [`NnError::Tensor`] where the file is no torch archive or a tensor is of a kind that cannot be read.
pub fn read_torch_tensors(path: &Path) -> Result<Vec<(String, Vec<f32>)>, NnError> {
    let mut tensors = pickle::read_all(path)?;
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    let row = |(name, tensor): (String, candle_core::Tensor)| {
        Ok((name, tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?))
    };
    tensors.into_iter().map(row).collect()
}
