//! Tensors and progress of a fit in one safetensors file.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use safetensors::SafeTensors;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::TrainError;

/// The key of the JSON text in the header of the file.
const HEADER: &str = "grn";

/// Where a fit keeps its state between runs.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The file.
    pub path: PathBuf,
    /// What identifies the fit (settings, seed, data): another fit's checkpoint is refused.
    pub fit: String,
    /// Steps between two writes; it is also written on interruption and at the end.
    pub every: u64,
    /// Continue from the file where there is one.
    pub resume: bool,
}

/// Writes named tensors and a JSON header as safetensors, under a temporary name that is renamed at the end.
pub fn write_tensors(
    path: &Path,
    tensors: &HashMap<String, Tensor>,
    header: &impl Serialize,
) -> Result<(), TrainError> {
    let failed = |e: std::io::Error| TrainError::file(path, e);
    let header = serde_json::to_string(header).map_err(|e| TrainError::file(path, e))?;
    let header = HashMap::from([(HEADER.to_owned(), header)]);
    let bytes = safetensors::serialize(tensors, Some(header)).map_err(|e| TrainError::file(path, e))?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file =
        tempfile::Builder::new().prefix(&crate::error::temporary_prefix()).tempfile_in(folder).map_err(failed)?;
    file.write_all(&bytes).map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}

/// Reads what [`write_tensors`] wrote.
pub fn read_tensors<H: DeserializeOwned>(
    path: &Path,
    device: &Device,
) -> Result<(HashMap<String, Tensor>, H), TrainError> {
    let bytes = std::fs::read(path).map_err(|e| TrainError::file(path, e))?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| TrainError::file(path, e))?;
    let header = metadata.metadata().as_ref().and_then(|m| m.get(HEADER));
    let header = header.ok_or_else(|| TrainError::file(path, "expected a header `grn`, got none"))?;
    let header = serde_json::from_str(header).map_err(|e| TrainError::file(path, e))?;
    let tensors = candle_core::safetensors::load_buffer(&bytes, device).map_err(|e| TrainError::file(path, e))?;
    Ok((tensors, header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_and_header_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/a.safetensors");
        let x = Tensor::new(&[[1f32, f32::MIN_POSITIVE], [-0.0, 3.5]], &Device::Cpu).unwrap();
        write_tensors(&path, &HashMap::from([("x".to_owned(), x.clone())]), &[0.1, 2.0]).unwrap();
        let (tensors, header): (_, Vec<f64>) = read_tensors(&path, &Device::Cpu).unwrap();
        assert_eq!(header, [0.1, 2.0]);
        assert_eq!(tensors["x"].to_vec2::<f32>().unwrap(), x.to_vec2::<f32>().unwrap());
        std::fs::write(&path, b"short").unwrap();
        assert!(matches!(read_tensors::<Vec<f64>>(&path, &Device::Cpu), Err(TrainError::File { .. })));
    }
}
