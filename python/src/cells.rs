//! Cells of an AnnData, lent to the library.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use grn::data::Quantity;
use grn::io::{Coded, Column, LentCells, LentFrame, LentLayout, LentMatrix, Loan, Shared};
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyTuple};

use crate::raw::{View, view};

/// What is lent, by its number.
static LOANS: Mutex<BTreeMap<u64, Loan>> = Mutex::new(BTreeMap::new());

/// A column as Python hands it over: its kind, and what belongs to it.
type ColumnArg<'py> = (String, String, Bound<'py, PyAny>);

/// A table of columns: names of its rows, and columns.
type FrameArg<'py> = (Vec<String>, Vec<ColumnArg<'py>>);

/// A matrix: its place, its layout (`csr`, `csc` or `dense`), arrays, shape.
type MatrixArg<'py> = (String, String, Vec<Bound<'py, PyAny>>, [usize; 2]);

/// All arguments of [`lend`].
type Arguments<'py> = (
    String,
    usize,
    Vec<ColumnArg<'py>>,
    FrameArg<'py>,
    Option<FrameArg<'py>>,
    Vec<MatrixArg<'py>>,
    bool,
    Option<String>,
    Option<(String, String)>,
);

/// Lends cells under a name; returns the number of the loan: no array of a matrix is copied; annotation is, column by column.
pub(crate) fn lend(args: &Bound<'_, PyTuple>) -> PyResult<u64> {
    let (name, n_cells, obs, var, raw_var, matrices, is_ours, file, table): Arguments<'_> = args.extract()?;
    let table = table.and_then(|(quantity, control)| match quantity.as_str() {
        "level" => Some((Quantity::Level, control)),
        "effect" => Some((Quantity::Effect, control)),
        _ => None,
    });
    let cells = LentCells {
        n_cells,
        obs: obs.into_iter().map(column).collect::<PyResult<_>>()?,
        var: frame(var)?,
        raw_var: raw_var.map(frame).transpose()?,
        matrices: matrices.into_iter().map(matrix).collect::<PyResult<_>>()?,
        is_ours,
        file: file.map(Into::into),
        table,
    };
    let loan = grn::io::lend(&name, cells).map_err(|e| PyValueError::new_err(e.to_string()))?;
    let mut loans = LOANS.lock().unwrap_or_else(PoisonError::into_inner);
    let number = loans.last_key_value().map_or(0, |(last, _)| last + 1);
    loans.insert(number, loan);
    Ok(number)
}

/// Ends a loan. Work that still reads the cells keeps its references to the arrays.
pub(crate) fn release(args: &Bound<'_, PyTuple>) -> PyResult<()> {
    let (number,): (u64,) = args.extract()?;
    let loan = LOANS.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    loan.map(drop).ok_or_else(|| PyKeyError::new_err(number))
}

fn column((name, kind, values): ColumnArg<'_>) -> PyResult<(String, Column)> {
    let column = match kind.as_str() {
        "labels" => {
            let (codes, categories, ordered): (Bound<'_, PyAny>, Vec<String>, bool) = values.extract()?;
            Column::Coded(Coded { categories, codes: whole(&codes)?.into_iter().map(|c| c as i32).collect(), ordered })
        }
        "integers" => Column::Integers(whole(&values)?),
        "floats" => Column::Floats(real(&values)?),
        "booleans" => Column::Booleans(whole(&values)?.into_iter().map(|v| v != 0).collect()),
        other => {
            return Err(PyValueError::new_err(format!("expected labels, integers, floats or booleans, got `{other}`")));
        }
    };
    Ok((name, column))
}

fn frame((index, columns): FrameArg<'_>) -> PyResult<LentFrame> {
    Ok(LentFrame { index, columns: columns.into_iter().map(column).collect::<PyResult<_>>()? })
}

fn matrix((at, layout, arrays, shape): MatrixArg<'_>) -> PyResult<(String, LentMatrix)> {
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
            LentLayout::Dense { data: Arc::new(values.numbers), strides: [down, right] }
        }
        _ => return Err(PyValueError::new_err(format!("expected csr, csc or dense with its arrays, got `{layout}`"))),
    };
    Ok((at, LentMatrix { shape, layout }))
}

/// Arrays whose numbers lie side by side.
fn flat<const N: usize>(views: [View; N]) -> PyResult<[Shared; N]> {
    if views.iter().any(|v| v.shape.len() != 1 || v.shape[0] > 1 && v.strides[0] != 1) {
        return Err(PyValueError::new_err("expected arrays of one dimension in one piece"));
    }
    Ok(views.map(|view| Arc::new(view.numbers) as Shared))
}

/// A copy of an array of whole numbers.
fn whole(array: &Bound<'_, PyAny>) -> PyResult<Vec<i64>> {
    let [numbers] = flat([view(array)?])?;
    Ok(numbers.numbers().to_whole())
}

/// A copy of an array of numbers.
fn real(array: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    let [numbers] = flat([view(array)?])?;
    Ok(numbers.numbers().to_real())
}
