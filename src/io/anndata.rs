//! What an AnnData file holds, as this project writes it.

use std::sync::Arc;

use ndarray::ArrayView2;

use super::column::Coded;
use crate::data::{Csr, GeneIndex};

/// A column of `obs` or `var`.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Free text.
    Strings(Vec<String>),
    /// Labels that repeat; written as categorical.
    Categories(Vec<String>),
    /// The same with categories of a given order: one position per row, negative where there is no label.
    Coded(Coded),
    /// Numbers.
    Floats(Vec<f64>),
    /// Whole numbers.
    Integers(Vec<i64>),
    /// True or false.
    Booleans(Vec<bool>),
}

impl Column {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Strings(v) | Self::Categories(v) => v.len(),
            Self::Coded(v) => v.codes.len(),
            Self::Floats(v) => v.len(),
            Self::Integers(v) => v.len(),
            Self::Booleans(v) => v.len(),
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A matrix, n_obs x n_vars, float32.
#[derive(Debug, Clone, Copy)]
pub enum Matrix<'a> {
    /// Written as a dense array.
    Dense(ArrayView2<'a, f32>),
    /// Written as compressed sparse rows.
    Sparse(&'a Csr<f32>),
}

/// The parts of an AnnData file.
#[derive(Debug, Clone)]
pub struct AnnData<'a> {
    /// Row names, unique.
    pub obs_names: Vec<String>,
    /// Row annotation by column name.
    pub obs: Vec<(String, Column)>,
    /// Column names.
    pub genes: Arc<GeneIndex>,
    /// Column annotation by column name.
    pub var: Vec<(String, Column)>,
    /// The main matrix.
    pub x: Matrix<'a>,
    /// Further matrices of the same shape.
    pub layers: Vec<(String, Matrix<'a>)>,
    /// `uns`: objects become groups; text, numbers, booleans and lists of text or numbers become datasets.
    pub uns: serde_json::Map<String, serde_json::Value>,
}
