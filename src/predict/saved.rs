//! Files of a saved model: `model.json` for settings and names, `model.safetensors` for numbers. No code is stored.
//! Other parts of a run are kept the same way under another stem.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use ndarray::Array2;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::PredictError;

const MODEL: &str = "model";

/// Writes both files of a model; each appears whole or not at all.
pub(super) fn write(
    dir: &Path,
    settings: &impl Serialize,
    numbers: &[(&str, &Array2<f32>)],
) -> Result<(), PredictError> {
    write_as(dir, MODEL, settings, numbers)
}

/// Writes `<stem>.json` and `<stem>.safetensors`; each appears whole or not at all.
pub(crate) fn write_as(
    dir: &Path,
    stem: &str,
    settings: &impl Serialize,
    numbers: &[(&str, &Array2<f32>)],
) -> Result<(), PredictError> {
    let [settings_name, numbers_name] = names(stem);
    std::fs::create_dir_all(dir).map_err(|e| broken(dir, e))?;
    let json = serde_json::to_vec_pretty(settings).map_err(|e| broken(&dir.join(&settings_name), e))?;
    write_file(dir, &settings_name, &json)?;
    let bytes: Vec<Vec<u8>> = numbers.iter().map(|(_, x)| x.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views = numbers.iter().zip(&bytes).map(|((name, x), bytes)| {
        let view = TensorView::new(Dtype::F32, x.shape().to_vec(), bytes);
        view.map(|v| ((*name).to_owned(), v)).map_err(|e| broken(&dir.join(&numbers_name), e))
    });
    let views = views.collect::<Result<Vec<_>, _>>()?;
    let packed = safetensors::serialize(views, None).map_err(|e| broken(&dir.join(&numbers_name), e))?;
    write_file(dir, &numbers_name, &packed)
}

/// Reads both files of a model.
pub(super) fn read<T: DeserializeOwned>(dir: &Path) -> Result<(T, Numbers), PredictError> {
    read_as(dir, MODEL)
}

fn names(stem: &str) -> [String; 2] {
    [format!("{stem}.json"), format!("{stem}.safetensors")]
}

/// Reads `<stem>.json` and `<stem>.safetensors`.
pub(crate) fn read_as<T: DeserializeOwned>(dir: &Path, stem: &str) -> Result<(T, Numbers), PredictError> {
    let [settings_name, numbers_name] = names(stem);
    let text = std::fs::read(dir.join(&settings_name)).map_err(|e| broken(&dir.join(&settings_name), e))?;
    let settings = serde_json::from_slice(&text).map_err(|e| broken(&dir.join(&settings_name), e))?;
    let path = dir.join(numbers_name);
    let bytes = std::fs::read(&path).map_err(|e| broken(&path, e))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| broken(&path, e))?;
    let matrices = tensors.tensors().into_iter().filter_map(|(name, view)| Some((name, matrix(&view)?)));
    Ok((settings, Numbers { matrices: matrices.collect(), path: path.display().to_string() }))
}

/// The matrices of a saved model by name.
pub(crate) struct Numbers {
    matrices: HashMap<String, Array2<f32>>,
    path: String,
}

impl Numbers {
    /// Takes the matrix of this name, whatever its shape.
    pub(crate) fn any(&mut self, name: &str) -> Result<Array2<f32>, PredictError> {
        let n_cols = self.matrices.get(name).map_or(0, Array2::ncols);
        self.take(name, n_cols)
    }

    /// Takes the matrix of this name and width; any number of rows.
    pub(crate) fn take(&mut self, name: &str, n_cols: usize) -> Result<Array2<f32>, PredictError> {
        let wrong = |got: String| {
            let reason = format!("expected a float32 matrix `{name}` with {n_cols} columns, got {got}");
            PredictError::Saved { path: self.path.clone().into(), reason }
        };
        match self.matrices.get(name) {
            None => Err(wrong("none".into())),
            Some(x) if x.ncols() != n_cols => Err(wrong(format!("{} columns", x.ncols()))),
            Some(_) => Ok(self.matrices.remove(name).unwrap_or_default()),
        }
    }
}

fn matrix(view: &TensorView<'_>) -> Option<Array2<f32>> {
    let &[rows, cols] = view.shape() else { return None };
    let bytes = (view.dtype() == Dtype::F32).then(|| view.data().chunks_exact(4))?;
    let values = bytes.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Array2::from_shape_vec((rows, cols), values).ok()
}

fn write_file(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), PredictError> {
    let path = dir.join(name);
    let mut file = tempfile::Builder::new()
        .prefix(&crate::error::temporary_prefix())
        .tempfile_in(dir)
        .map_err(|e| broken(&path, e))?;
    file.write_all(bytes).map_err(|e| broken(&path, e))?;
    file.persist(&path).map_err(|e| broken(&path, e))?;
    Ok(())
}

fn broken(path: &Path, reason: impl ToString) -> PredictError {
    PredictError::Saved { path: path.to_owned(), reason: reason.to_string() }
}
