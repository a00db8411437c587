//! Changes of expression whose cause is asked for.

use ndarray::{Array2, Axis};

use super::RankError;
use super::frame::floored;
use crate::data::{GeneId, GeneIndex, Responses};
use crate::error::some_of;

/// Changes of expression over the measured genes of a run.
#[derive(Debug, Clone)]
pub struct Queries {
    /// Name of each query.
    pub names: Vec<String>,
    /// log1p(treated) - log1p(control), n_queries x n_genes; 0 where the query lacks the gene.
    pub delta: Array2<f32>,
    /// Standard error of every change where it is known, same shape; 0 where the query lacks the gene.
    pub error: Option<Array2<f32>>,
    /// Whether the queries have the gene, length n_genes. Other genes take no part in any score.
    pub known: Vec<bool>,
}

impl Queries {
    /// Brings signatures (n_queries x genes of `from`) to the genes of a run; names and aliases are accepted.
    ///
    /// # Errors
    /// [`RankError::NoSharedGene`], [`RankError::BadValue`] for a value that is not finite.
    pub fn align(
        genes: &GeneIndex,
        from: &GeneIndex,
        names: Vec<String>,
        values: &Array2<f32>,
    ) -> Result<Self, RankError> {
        let columns: Vec<Option<usize>> = from.names().iter().map(|n| genes.resolve(n).map(GeneId::index)).collect();
        if columns.iter().all(Option::is_none) {
            return Err(RankError::NoSharedGene { expected: some_of(genes.names(), 3), got: some_of(from.names(), 3) });
        }
        let mut delta = Array2::zeros((names.len(), genes.len()));
        let mut known = vec![false; genes.len()];
        for (column, values) in columns.iter().zip(values.axis_iter(Axis(1))) {
            let Some(gene) = *column else { continue };
            known[gene] = true;
            if let Some((query, got)) = values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
                let (query, gene) = (names[query].clone(), genes.names()[gene].to_string());
                return Err(RankError::BadValue { query, gene, got: *got });
            }
            delta.column_mut(gene).assign(&values);
        }
        Ok(Self { names, delta, error: None, known })
    }

    /// The same queries over the genes of a run; `from` are their own genes. See [`Queries::align`].
    ///
    /// # Errors
    /// As [`Queries::align`].
    pub fn onto(&self, genes: &GeneIndex, from: &GeneIndex) -> Result<Self, RankError> {
        let aligned = Self::align(genes, from, self.names.clone(), &self.delta)?;
        let error = self.error.as_ref().map(|e| Self::align(genes, from, self.names.clone(), e)).transpose()?;
        Ok(Self { error: error.map(|e| e.delta), ..aligned })
    }

    /// Measured changes of these perturbations (rows of the responses) as queries.
    pub fn of_responses(responses: &Responses, rows: &[usize]) -> Self {
        Self {
            names: rows.iter().map(|&i| responses.perturbations[i].to_string()).collect(),
            delta: responses.delta.select(Axis(0), rows),
            error: standard_errors(responses, rows),
            known: vec![true; responses.genes.len()],
        }
    }

    /// The queries at these positions.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            names: rows.iter().map(|&q| self.names[q].clone()).collect(),
            delta: self.delta.select(Axis(0), rows),
            error: self.error.as_ref().map(|e| e.select(Axis(0), rows)),
            known: self.known.clone(),
        }
    }

    /// The sum of the changes of every two of these queries, standard errors added in squares.
    #[must_use]
    pub(super) fn summed(&self, pairs: &[(usize, usize)]) -> Self {
        let (one, other): (Vec<usize>, Vec<usize>) = pairs.iter().copied().unzip();
        let rows = |x: &Array2<f32>, of: &[usize]| x.select(Axis(0), of);
        let square = |x: &Array2<f32>, of: &[usize]| rows(x, of).mapv_into(|v| v * v);
        Self {
            names: pairs.iter().map(|&(i, j)| format!("{}+{}", self.names[i], self.names[j])).collect(),
            delta: rows(&self.delta, &one) + rows(&self.delta, &other),
            error: self.error.as_ref().map(|e| (square(e, &one) + square(e, &other)).mapv_into(f32::sqrt)),
            known: self.known.clone(),
        }
    }

    /// Queries over the same genes, one after the other; standard errors only where all have them.
    pub(super) fn joined(parts: &[&Self]) -> Self {
        let rows = |tables: Vec<&Array2<f32>>| {
            let mut all = tables.iter().flat_map(|t| t.outer_iter());
            let n_genes = parts.first().map_or(0, |p| p.known.len());
            let mut out = Array2::zeros((tables.iter().map(|t| t.nrows()).sum(), n_genes));
            out.outer_iter_mut().for_each(|mut to| all.by_ref().take(1).for_each(|from| to.assign(&from)));
            out
        };
        let error: Option<Vec<&Array2<f32>>> = parts.iter().map(|p| p.error.as_ref()).collect();
        Self {
            names: parts.iter().flat_map(|p| p.names.iter().cloned()).collect(),
            delta: rows(parts.iter().map(|p| &p.delta).collect()),
            error: error.map(rows),
            known: parts.first().map_or_else(Vec::new, |p| p.known.clone()),
        }
    }

    /// One query several times.
    pub(super) fn repeated(&self, q: usize, times: usize) -> Self {
        let rows = vec![q; times];
        Self {
            names: rows.iter().map(|&q| self.names[q].clone()).collect(),
            delta: self.delta.select(Axis(0), &rows),
            error: self.error.as_ref().map(|e| e.select(Axis(0), &rows)),
            known: self.known.clone(),
        }
    }

    /// Number of queries.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// Standard errors of measured changes, both arms; `None` for effect tables. None is below a tenth of the median.
fn standard_errors(responses: &Responses, rows: &[usize]) -> Option<Array2<f32>> {
    let error = responses.squared_error()?.select(Axis(0), rows).mapv_into(f32::sqrt);
    let shape = error.raw_dim();
    Array2::from_shape_vec(shape, floored(error.iter().copied().collect())).ok()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn genes_are_aligned_by_name_and_the_others_are_unknown() {
        let genes = GeneIndex::new(["A", "B", "C"]).unwrap();
        let from = GeneIndex::new(["C", "X", "A"]).unwrap();
        let q = Queries::align(&genes, &from, vec!["q".into()], &array![[1.0, 9.0, 2.0]]).unwrap();
        assert_eq!(q.delta, array![[2.0, 0.0, 1.0]]);
        assert_eq!(q.known, [true, false, true]);
    }

    #[test]
    fn strange_genes_and_values_are_refused() {
        let genes = GeneIndex::new(["A"]).unwrap();
        let t = |name: &str, value: f32| {
            Queries::align(&genes, &GeneIndex::new([name]).unwrap(), vec!["q".into()], &array![[value]])
        };
        assert!(matches!(t("X", 1.0), Err(RankError::NoSharedGene { .. })));
        assert!(matches!(t("A", f32::NAN), Err(RankError::BadValue { .. })));
    }
}
