//! safetensors: a matrix with its genes in the metadata, or one vector per gene.

use std::path::Path;

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::gene_rows::GeneRows;
use crate::io::IoError;

pub(super) fn read(path: &Path) -> Result<GeneRows, IoError> {
    let bytes = std::fs::read(path).map_err(|e| IoError::read(path, e))?;
    let (rows, _) = read_bytes(path, &bytes)?;
    Ok(rows)
}

/// The rows, and the metadata of the file.
pub(super) fn read_bytes(
    path: &Path,
    bytes: &[u8],
) -> Result<(GeneRows, std::collections::HashMap<String, String>), IoError> {
    let broken = |e: safetensors::SafeTensorError| IoError::format(path, "", "a safetensors file", e.to_string());
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let tensors = SafeTensors::deserialize(bytes).map_err(broken)?;
    let mut named = tensors.tensors();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    let rows = if let Some(list) = metadata.get("genes") {
        matrix(path, list, &named)?
    } else {
        let row = |(name, view): &(String, TensorView<'_>)| Ok((name.clone(), numbers(path, name, view)?));
        GeneRows::of(path, named.iter().map(row).collect::<Result<_, _>>()?)?
    };
    Ok((rows, metadata))
}

/// The only matrix of the file; its rows are the genes of a JSON list.
fn matrix(path: &Path, list: &str, tensors: &[(String, TensorView<'_>)]) -> Result<GeneRows, IoError> {
    let genes: Vec<String> = serde_json::from_str(list)
        .map_err(|e| IoError::format(path, "metadata `genes`", "a JSON list of names", e.to_string()))?;
    let found = tensors.iter().find(|(_, view)| view.shape().len() == 2);
    let (name, view) =
        found.ok_or_else(|| IoError::format(path, "", "a tensor of two dimensions", format!("{}", tensors.len())))?;
    let width = view.shape()[1];
    GeneRows::matrix(path, genes, numbers(path, name, view)?, width)
}

fn numbers(path: &Path, name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, IoError> {
    let bytes = view.data();
    Ok(match view.dtype() {
        Dtype::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        Dtype::F16 => bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        Dtype::BF16 => bytes.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        Dtype::F64 => {
            let wide = |b: &[u8]| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32;
            bytes.chunks_exact(8).map(wide).collect()
        }
        other => {
            let expected = "floating-point numbers";
            return Err(IoError::format(path, format!("tensor `{name}`"), expected, format!("{other:?}")));
        }
    })
}
