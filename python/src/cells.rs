//! Cells of an AnnData, lent to the library.

use std::sync::{Arc, Mutex, PoisonError};

use grn::data::Quantity;
use grn::io::{Coded, Column, LentCells, LentFrame, LentLayout, LentMatrix, Shared};
use numpy::{PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyAny;

use crate::borrow::{View, view};

/// Cells that are lent until this is closed.
#[pyclass(frozen)]
pub(crate) struct Loan(Mutex<Option<grn::io::Loan>>, String);

#[pymethods]
impl Loan {
    /// The name that stands for the cells wherever a path does.
    #[getter]
    fn path(&self) -> &str {
        &self.1
    }

    /// Ends the loan.
    fn close(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// A column of annotation as Python hands it over.
#[derive(FromPyObject)]
enum ColumnArg<'py> {
    /// Codes, categories and whether they are ordered.
    #[pyo3(transparent)]
    Labels((PyReadonlyArray1<'py, i32>, Vec<String>, bool)),
    #[pyo3(transparent)]
    Floats(PyReadonlyArray1<'py, f64>),
    #[pyo3(transparent)]
    Integers(PyReadonlyArray1<'py, i64>),
    #[pyo3(transparent)]
    Booleans(PyReadonlyArray1<'py, bool>),
}

impl ColumnArg<'_> {
    fn column(&self) -> Column {
        match self {
            Self::Labels((codes, categories, ordered)) => {
                let codes = codes.as_array().to_vec();
                Column::Coded(Coded { categories: categories.clone(), codes, ordered: *ordered })
            }
            Self::Floats(values) => Column::Floats(values.as_array().to_vec()),
            Self::Integers(values) => Column::Integers(values.as_array().to_vec()),
            Self::Booleans(values) => Column::Booleans(values.as_array().to_vec()),
        }
    }
}

/// A table of columns: names of its rows, and columns by name.
type FrameArg<'py> = (Vec<String>, Vec<(String, ColumnArg<'py>)>);

/// A matrix: layout (`csr`, `csc` or `dense`), arrays, shape.
type MatrixArg<'py> = (String, Vec<Bound<'py, PyAny>>, [usize; 2]);

fn frame((index, columns): FrameArg<'_>) -> LentFrame {
    LentFrame { index, columns: columns.into_iter().map(|(name, column)| (name, column.column())).collect() }
}

fn shared(view: View) -> Shared {
    Arc::new(view.numbers)
}

fn matrix((layout, arrays, shape): MatrixArg<'_>) -> PyResult<LentMatrix> {
    let mut views = arrays.iter().map(view).collect::<PyResult<Vec<_>>>()?.into_iter();
    let layout = match (layout.as_str(), views.next(), views.next(), views.next()) {
        ("csr", Some(indptr), Some(indices), Some(data)) => {
            let [indptr, indices, data] = flat([indptr, indices, data])?;
            LentLayout::Csr { indptr, indices, data }
        }
        ("csc", Some(indptr), Some(indices), Some(data)) => {
            let [indptr, indices, data] = flat([indptr, indices, data])?;
            LentLayout::Csc { indptr, indices, data }
        }
        ("dense", Some(values), None, None) => {
            let &[down, right] = &values.strides[..] else {
                return Err(PyValueError::new_err("expected an array of two dimensions"));
            };
            LentLayout::Dense { data: shared(values), strides: [down, right] }
        }
        _ => return Err(PyValueError::new_err(format!("expected csr, csc or dense with its arrays, got `{layout}`"))),
    };
    Ok(LentMatrix { shape, layout })
}

/// Arrays whose numbers lie side by side.
fn flat<const N: usize>(views: [View; N]) -> PyResult<[Shared; N]> {
    if views.iter().any(|v| v.shape.len() != 1 || v.shape[0] > 1 && v.strides[0] != 1) {
        return Err(PyValueError::new_err("expected arrays of one dimension in one piece"));
    }
    Ok(views.map(shared))
}

/// Lends cells: no array of a matrix is copied; annotation is, column by column.
#[pyfunction]
#[pyo3(signature = (name, n_cells, obs, var, raw_var, matrices, is_ours, table))]
#[allow(clippy::too_many_arguments)] // the parts of an AnnData
pub(crate) fn lend(
    name: &str,
    n_cells: usize,
    obs: Vec<(String, ColumnArg<'_>)>,
    var: FrameArg<'_>,
    raw_var: Option<FrameArg<'_>>,
    matrices: Vec<(String, MatrixArg<'_>)>,
    is_ours: bool,
    table: Option<(String, String)>,
) -> PyResult<Loan> {
    let table = table.and_then(|(quantity, control)| match quantity.as_str() {
        "level" => Some((Quantity::Level, control)),
        "effect" => Some((Quantity::Effect, control)),
        _ => None,
    });
    let matrices = matrices.into_iter().map(|(at, arg)| Ok((at, matrix(arg)?))).collect::<PyResult<_>>()?;
    let cells = LentCells {
        n_cells,
        obs: obs.into_iter().map(|(name, column)| (name, column.column())).collect(),
        var: frame(var),
        raw_var: raw_var.map(frame),
        matrices,
        is_ours,
        table,
    };
    let loan = grn::io::lend(name, cells).map_err(|e| PyValueError::new_err(e.to_string()))?;
    let path = loan.path().to_string_lossy().into_owned();
    Ok(Loan(Mutex::new(Some(loan)), path))
}
