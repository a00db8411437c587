//! AnnData files as anndata itself writes them (on-disk format 0.1.0 and its elements).

use std::path::Path;

use hdf5::types::VarLenUnicode;
use hdf5::{Group, H5Type, Location};
use ndarray::{Array1, ArrayView2};
use serde_json::Value;

use crate::data::{Csr, GeneIndex};
use crate::io::atomic::write_atomic_at;
use crate::io::{AnnData, Coded, Column, IoError, Matrix};

/// Level of gzip: most of the gain at a fraction of the time of higher levels.
pub(super) const GZIP: u8 = 4;
/// Values per chunk of a vector.
pub(super) const CHUNK: usize = 1 << 16;

/// Writes an AnnData file, gzip-compressed, whole or not at all.
///
/// # Errors
/// [`IoError::System`] where the folder cannot be written, [`IoError::Format`] where parts do not fit together.
pub fn write_h5ad(path: &Path, data: &AnnData<'_>) -> Result<(), IoError> {
    check(path, data)?;
    write_atomic_at(path, |file| fill(file, data).map_err(refused(path)))
}

/// Text with a zero byte and the like never get to the library as data; what it can refuse is the disk.
pub(super) fn refused(path: &Path) -> impl Fn(hdf5::Error) -> IoError {
    let path = path.to_owned();
    move |error| IoError::write(&path, system(&error.to_string()))
}

/// What the system said, where the library repeats it (`errno = 28, ...`), else what the library says.
fn system(said: &str) -> std::io::Error {
    let digits = |at: usize| said[at..].chars().take_while(char::is_ascii_digit).collect::<String>();
    let number = said.find("errno = ").and_then(|at| digits(at + "errno = ".len()).parse().ok());
    number.map_or_else(|| std::io::Error::other(said.to_owned()), std::io::Error::from_raw_os_error)
}

/// Every column and matrix must have one row per obs and one column per gene.
fn check(path: &Path, data: &AnnData<'_>) -> Result<(), IoError> {
    let (n_obs, n_vars) = (data.obs_names.len(), data.genes.len());
    check_columns(path, &data.obs, n_obs)?;
    check_columns(path, &data.var, n_vars)?;
    let x = ("X".to_owned(), data.x);
    for (name, matrix) in data.layers.iter().chain([&x]) {
        let shape = match matrix {
            Matrix::Dense(dense) => dense.dim(),
            Matrix::Sparse(sparse) => (sparse.n_rows(), sparse.n_cols()),
        };
        if shape != (n_obs, n_vars) {
            let got = format!("{} x {}", shape.0, shape.1);
            return Err(IoError::format(path, format!("`{name}`"), format!("{n_obs} x {n_vars}"), got));
        }
    }
    Ok(())
}

pub(super) fn check_columns(path: &Path, columns: &[(String, Column)], n: usize) -> Result<(), IoError> {
    match columns.iter().find(|(_, column)| column.len() != n) {
        None => Ok(()),
        Some((name, column)) => {
            Err(IoError::format(path, format!("column `{name}`"), format!("{n} values"), column.len().to_string()))
        }
    }
}

fn fill(path: &Path, data: &AnnData<'_>) -> hdf5::Result<()> {
    let file = hdf5::File::create(path)?;
    frames(&file, &data.obs_names, &data.obs, &data.genes, &data.var)?;
    matrix(&file, "X", &data.x)?;
    let layers = dict(&file, "layers")?;
    for (name, layer) in &data.layers {
        matrix(&layers, name, layer)?;
    }
    dicts(&file, ["obsm", "varm", "obsp", "varp"])?;
    let uns = dict(&file, "uns")?;
    for (name, value) in &data.uns {
        json(&uns, name, value)?;
    }
    close(file)
}

/// Closes a file after everything was written: closing alone does not tell that the disk was full.
pub(super) fn close(file: hdf5::File) -> hdf5::Result<()> {
    file.flush()?;
    file.close()
}

/// What every file starts with: `obs` and `var`.
pub(super) fn frames(
    file: &Group,
    obs_names: &[String],
    obs: &[(String, Column)],
    genes: &GeneIndex,
    var: &[(String, Column)],
) -> hdf5::Result<()> {
    encode(file, "anndata", "0.1.0")?;
    let genes: Vec<String> = genes.names().iter().map(ToString::to_string).collect();
    frame(file, "obs", obs_names, obs)?;
    frame(file, "var", &genes, var)
}

/// Empty groups that anndata expects.
pub(super) fn dicts<const N: usize>(file: &Group, names: [&str; N]) -> hdf5::Result<()> {
    names.iter().try_for_each(|name| dict(file, name).map(|_| ()))
}

fn text(value: &str) -> VarLenUnicode {
    // HDF5 strings end at the first zero byte.
    value.replace('\0', "").parse().unwrap_or_default()
}

fn texts<S: AsRef<str>>(values: &[S]) -> Vec<VarLenUnicode> {
    values.iter().map(|v| text(v.as_ref())).collect()
}

pub(super) fn encode(at: &Location, encoding: &str, version: &str) -> hdf5::Result<()> {
    for (name, value) in [("encoding-type", encoding), ("encoding-version", version)] {
        at.new_attr::<VarLenUnicode>().create(name)?.write_scalar(&text(value))?;
    }
    Ok(())
}

pub(super) fn dict(parent: &Group, name: &str) -> hdf5::Result<Group> {
    let group = parent.create_group(name)?;
    encode(&group, "dict", "0.1.0")?;
    Ok(group)
}

/// One-dimensional dataset; text is not compressed (HDF5 keeps it outside the chunks).
fn vector<T: H5Type>(parent: &Group, name: &str, values: &[T], encoding: &str) -> hdf5::Result<()> {
    let mut builder = parent.new_dataset_builder();
    if values.len() > 1 && encoding == "array" {
        builder = builder.chunk(values.len().min(CHUNK)).shuffle().deflate(GZIP);
    }
    let dataset = builder.with_data(values).create(name)?;
    encode(&dataset, encoding, "0.2.0")
}

fn frame(parent: &Group, name: &str, index: &[String], columns: &[(String, Column)]) -> hdf5::Result<()> {
    let group = parent.create_group(name)?;
    encode(&group, "dataframe", "0.2.0")?;
    group.new_attr::<VarLenUnicode>().create("_index")?.write_scalar(&text("_index"))?;
    let names: Vec<VarLenUnicode> = columns.iter().map(|(name, _)| text(name)).collect();
    group.new_attr_builder().with_data(&Array1::from(names)).create("column-order")?;
    vector(&group, "_index", &texts(index), "string-array")?;
    for (name, column) in columns {
        match column {
            Column::Strings(values) => vector(&group, name, &texts(values), "string-array")?,
            Column::Categories(values) => categorical(&group, name, &Coded::from_text(values))?,
            Column::Coded(values) => categorical(&group, name, values)?,
            Column::Floats(values) => vector(&group, name, values, "array")?,
            Column::Integers(values) => vector(&group, name, values, "array")?,
            Column::Booleans(values) => vector(&group, name, values, "array")?,
        }
    }
    Ok(())
}

/// Categories and one code per row.
fn categorical(parent: &Group, name: &str, values: &Coded) -> hdf5::Result<()> {
    let Coded { categories, codes, ordered } = values;
    let group = parent.create_group(name)?;
    encode(&group, "categorical", "0.2.0")?;
    group.new_attr::<bool>().create("ordered")?.write_scalar(ordered)?;
    vector(&group, "categories", &texts(categories), "string-array")?;
    match categories.len() {
        0..=127 => vector(&group, "codes", &codes.iter().map(|&c| c as i8).collect::<Vec<_>>(), "array"),
        128..=32_767 => vector(&group, "codes", &codes.iter().map(|&c| c as i16).collect::<Vec<_>>(), "array"),
        _ => vector(&group, "codes", codes, "array"),
    }
}

fn matrix(parent: &Group, name: &str, matrix: &Matrix<'_>) -> hdf5::Result<()> {
    match matrix {
        Matrix::Dense(dense) => write_dense(parent, name, *dense),
        Matrix::Sparse(sparse) => write_sparse(parent, name, sparse),
    }
}

fn write_dense(parent: &Group, name: &str, dense: ArrayView2<'_, f32>) -> hdf5::Result<()> {
    let (rows, columns) = dense.dim();
    let mut builder = parent.new_dataset_builder();
    if rows * columns > 1 {
        let chunk = ((1 << 18) / columns.max(1)).clamp(1, rows.max(1));
        builder = builder.chunk((chunk, columns)).shuffle().deflate(GZIP);
    }
    let standard = dense.as_standard_layout();
    encode(&*builder.with_data(&standard).create(name)?, "array", "0.2.0")
}

fn write_sparse(parent: &Group, name: &str, sparse: &Csr<f32>) -> hdf5::Result<()> {
    let group = parent.create_group(name)?;
    encode(&group, "csr_matrix", "0.1.0")?;
    let shape = Array1::from(vec![sparse.n_rows() as i64, sparse.n_cols() as i64]);
    group.new_attr_builder().with_data(&shape).create("shape")?;
    // scipy wants both index arrays of one type.
    if let Ok(indptr) = sparse.indptr().iter().map(|&o| i32::try_from(o)).collect::<Result<Vec<_>, _>>() {
        plain(&group, "indptr", &indptr)?;
        plain(&group, "indices", &sparse.indices().iter().map(|&j| j as i32).collect::<Vec<_>>())?;
    } else {
        plain(&group, "indptr", &sparse.indptr().iter().map(|&o| o as i64).collect::<Vec<_>>())?;
        plain(&group, "indices", &sparse.indices().iter().map(|&j| i64::from(j)).collect::<Vec<_>>())?;
    }
    plain(&group, "data", sparse.data())
}

/// Parts of a sparse matrix carry no encoding of their own.
pub(super) fn plain<T: H5Type>(parent: &Group, name: &str, values: &[T]) -> hdf5::Result<()> {
    let mut builder = parent.new_dataset_builder();
    if values.len() > 1 {
        builder = builder.chunk(values.len().min(CHUNK)).shuffle().deflate(GZIP);
    }
    builder.with_data(values).create(name).map(|_| ())
}

/// A JSON value as the element that anndata would write for it; null is left out.
pub(super) fn json(parent: &Group, name: &str, value: &Value) -> hdf5::Result<()> {
    match value {
        Value::Null => Ok(()),
        Value::Bool(b) => scalar(parent, name, b, "numeric-scalar"),
        Value::Number(n) => match n.as_i64() {
            Some(whole) => scalar(parent, name, &whole, "numeric-scalar"),
            None => scalar(parent, name, &n.as_f64().unwrap_or(f64::NAN), "numeric-scalar"),
        },
        Value::String(s) => scalar(parent, name, &text(s), "string"),
        Value::Array(values) => list(parent, name, values),
        Value::Object(members) => {
            let group = dict(parent, name)?;
            members.iter().try_for_each(|(name, value)| json(&group, name, value))
        }
    }
}

fn scalar<T: H5Type>(parent: &Group, name: &str, value: &T, encoding: &str) -> hdf5::Result<()> {
    let dataset = parent.new_dataset::<T>().create(name)?;
    dataset.write_scalar(value)?;
    encode(&dataset, encoding, "0.2.0")
}

/// Numbers where all are numbers, whole ones where all are whole, else text.
fn list(parent: &Group, name: &str, values: &[Value]) -> hdf5::Result<()> {
    if let Some(whole) = values.iter().map(Value::as_i64).collect::<Option<Vec<i64>>>().filter(|v| !v.is_empty()) {
        return vector(parent, name, &whole, "array");
    }
    if let Some(real) = values.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>().filter(|v| !v.is_empty()) {
        return vector(parent, name, &real, "array");
    }
    let as_text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    vector(parent, name, &texts(&values.iter().map(as_text).collect::<Vec<_>>()), "string-array")
}
