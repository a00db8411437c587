//! The feature tables of a run: a folder of safetensors files.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use super::safetensors::read_bytes;
use crate::data::{FeatureKind, Features};
use crate::io::{IoError, write_atomic};

/// Metadata beside the list of genes.
#[derive(Serialize, Deserialize)]
struct About {
    name: String,
    kind: FeatureKind,
    /// Position among the tables of the run.
    order: usize,
    columns: Option<Vec<String>>,
}

/// Writes one `<name>.safetensors` per table; names must differ. The folder is made where there are tables.
///
/// Each file has the matrix `values` and the metadata `genes` (a JSON list of its rows), so that other programs and
/// [`super::read_features`] can read it.
///
/// # Errors
/// [`IoError::System`].
pub fn write_feature_tables(dir: &Path, tables: &[Features]) -> Result<(), IoError> {
    if !tables.is_empty() {
        std::fs::create_dir_all(dir).map_err(|e| IoError::write(dir, e))?;
    }
    for (order, table) in tables.iter().enumerate() {
        let path = dir.join(format!("{}.safetensors", table.name));
        let packed = pack(&path, table, order)?;
        write_atomic(&path, |w| w.write_all(&packed).map_err(|e| IoError::write(&path, e)))?;
    }
    Ok(())
}

fn pack(path: &Path, table: &Features, order: usize) -> Result<Vec<u8>, IoError> {
    let broken =
        |e: safetensors::SafeTensorError| IoError::format(path, "", "a table that can be packed", e.to_string());
    let names = |index: &crate::data::GeneIndex| index.names().iter().map(ToString::to_string).collect::<Vec<_>>();
    let columns = table.columns.as_deref().map(names);
    let about = About { name: table.name.clone(), kind: table.kind, order, columns };
    let json = |e: serde_json::Error| IoError::format(path, "", "text", e.to_string());
    let metadata = HashMap::from([
        ("genes".to_owned(), serde_json::to_string(&names(&table.genes)).map_err(json)?),
        ("about".to_owned(), serde_json::to_string(&about).map_err(json)?),
    ]);
    let bytes: Vec<u8> = table.values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, table.values.shape().to_vec(), &bytes).map_err(broken)?;
    safetensors::serialize([("values", view)], Some(metadata)).map_err(broken)
}

/// Reads the tables of [`write_feature_tables`] back, in their order; none where there is no folder.
///
/// # Errors
/// [`IoError`] where a file is not such a table.
pub fn read_feature_tables(dir: &Path) -> Result<Vec<Features>, IoError> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let mut tables = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|e| IoError::read(dir, e))? {
        let path = entry.map_err(|e| IoError::read(dir, e))?.path();
        if path.extension().is_some_and(|e| e == "safetensors") {
            tables.push(read(&path)?);
        }
    }
    tables.sort_by_key(|(order, _)| *order);
    Ok(tables.into_iter().map(|(_, table)| table).collect())
}

fn read(path: &Path) -> Result<(usize, Features), IoError> {
    let bytes = std::fs::read(path).map_err(|e| IoError::read(path, e))?;
    let (mut rows, metadata) = read_bytes(path, &bytes)?;
    let text = metadata.get("about").map_or("", String::as_str);
    let about: About = serde_json::from_str(text)
        .map_err(|e| IoError::format(path, "metadata `about`", "name, kind and order", e.to_string()))?;
    rows.columns = about.columns;
    let table = rows.into_features(path, about.kind)?;
    Ok((about.order, Features { name: about.name, ..table }))
}
