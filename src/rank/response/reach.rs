//! What a unit change of each gene does to the others, along one edge and along all paths.

use rayon::prelude::*;

use super::Response;

/// Paths are followed until what they add falls below this share of the change they start from.
const LEAST: f32 = 1e-3;

/// Longest paths.
const LONGEST: usize = 30;

/// Genes kept per column: those whose change is the largest in standard errors.
const KEPT: usize = 1024;

/// Sparse columns of the response, one per measured gene.
///
/// The inverse of I - W is never formed: each column is the sum of W^k e_g, followed along edges while entries matter. A
/// transposed solve would give the scores of all genes at once, but the own reading of a gene could be taken out of it
/// only up to rounding; from columns it is left out to the last bit.
#[derive(Debug, Clone)]
pub(in crate::rank) struct Reach {
    columns: Vec<Column>,
}

/// Other genes that change, ascending.
#[derive(Debug, Clone, Default)]
struct Column {
    genes: Vec<u32>,
    direct: Vec<f32>,
    /// Along two or more edges.
    further: Vec<f32>,
    /// What comes back to the gene itself.
    own: f32,
}

/// The expected changes of other genes for a unit change of one, further paths weighed.
#[derive(Debug, Clone, Copy)]
pub(in crate::rank) struct Expected<'a> {
    column: &'a Column,
    further: f32,
}

impl Expected<'_> {
    /// Genes and their changes, ascending.
    pub(in crate::rank) fn changes(&self) -> impl Iterator<Item = (usize, f32)> {
        let values = self.column.direct.iter().zip(&self.column.further).map(|(d, f)| d + self.further * f);
        self.column.genes.iter().map(|&g| g as usize).zip(values)
    }

    /// The change of the gene itself, at least 1 without negative feedback.
    pub(in crate::rank) fn own(&self) -> f32 {
        1.0 + self.further * self.column.own
    }
}

impl Reach {
    /// One edge.
    pub(in crate::rank) fn direct(response: &Response) -> Self {
        let column = |gene| {
            let (genes, effects) = response.targets(gene);
            Column { genes: genes.to_vec(), direct: effects.to_vec(), further: vec![0.0; genes.len()], own: 0.0 }
        };
        Self { columns: (0..response.genes().len()).map(column).collect() }
    }

    /// All paths: the columns of (I - W)^-1 less the unit matrix. O(paths that matter) per gene, in parallel.
    pub(in crate::rank) fn full(response: &Response) -> Self {
        let n = response.genes().len();
        let spread =
            || Spread { direct: vec![0.0; n], further: vec![0.0; n], next: vec![0.0; n], seen: vec![false; n] };
        let columns = (0..n).into_par_iter().map_init(spread, |spread, gene| spread.column(response, gene)).collect();
        Self { columns }
    }

    /// The expected changes for a gene; `further` is the weight of paths beyond one edge.
    pub(in crate::rank) fn of(&self, gene: usize, further: f32) -> Expected<'_> {
        Expected { column: &self.columns[gene], further }
    }
}

/// Dense scratch of one thread; zero between columns.
struct Spread {
    direct: Vec<f32>,
    further: Vec<f32>,
    next: Vec<f32>,
    seen: Vec<bool>,
}

impl Spread {
    fn column(&mut self, response: &Response, gene: usize) -> Column {
        let (targets, effects) = response.targets(gene);
        let mut front: Vec<(u32, f32)> = targets.iter().copied().zip(effects.iter().copied()).collect();
        let mut touched: Vec<u32> = targets.to_vec();
        for &(target, effect) in &front {
            self.direct[target as usize] = effect;
            self.seen[target as usize] = true;
        }
        for _ in 1..LONGEST {
            front = self.step(response, &front);
            for &(reached, value) in &front {
                self.further[reached as usize] += value;
                if !std::mem::replace(&mut self.seen[reached as usize], true) {
                    touched.push(reached);
                }
            }
            if front.is_empty() {
                break;
            }
        }
        self.take(response, gene, touched)
    }

    /// One edge further, without what no longer matters, ascending.
    fn step(&mut self, response: &Response, front: &[(u32, f32)]) -> Vec<(u32, f32)> {
        let mut reached = Vec::new();
        for &(from, value) in front {
            let (targets, effects) = response.targets(from as usize);
            for (&target, effect) in targets.iter().zip(effects) {
                let at = &mut self.next[target as usize];
                if *at == 0.0 {
                    reached.push(target);
                }
                *at += value * effect;
            }
        }
        reached.sort_unstable();
        reached.dedup();
        let values = reached.into_iter().map(|g| (g, std::mem::take(&mut self.next[g as usize])));
        values.filter(|(_, v)| v.abs() >= LEAST).collect()
    }

    /// The column, and clears the scratch.
    fn take(&mut self, response: &Response, gene: usize, mut touched: Vec<u32>) -> Column {
        let noise = &response.programmes().noise;
        if touched.len() > KEPT {
            let size = |g: &u32| ((self.direct[*g as usize] + self.further[*g as usize]) / noise[*g as usize]).abs();
            touched.sort_unstable_by(|a, b| size(b).total_cmp(&size(a)).then(a.cmp(b)));
            for g in touched.split_off(KEPT) {
                self.clear(g as usize);
            }
        }
        touched.sort_unstable();
        let mut column = Column::default();
        for g in touched {
            let (direct, further) = self.clear(g as usize);
            if g as usize == gene {
                column.own = direct + further;
            } else {
                column.genes.push(g);
                column.direct.push(direct);
                column.further.push(further);
            }
        }
        column
    }

    fn clear(&mut self, gene: usize) -> (f32, f32) {
        self.seen[gene] = false;
        (std::mem::take(&mut self.direct[gene]), std::mem::take(&mut self.further[gene]))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, arr1};

    use super::super::{ResponseSettings, tests::chain};
    use super::*;
    use crate::stats::solve;

    #[test]
    fn columns_are_those_of_the_inverse() {
        let effects = [(1, 0, 0.8f32), (2, 1, -0.5), (0, 2, 0.4), (3, 2, 0.6), (4, 3, 0.5), (2, 4, 0.3), (4, 0, -0.2)];
        let (responses, _) = chain(6);
        let response = Response::of_effects(&effects, &responses, &ResponseSettings::default()).unwrap();
        let mut matrix = Array2::<f64>::eye(5);
        effects.iter().for_each(|&(i, j, w)| matrix[[i as usize, j as usize]] -= f64::from(w));
        let reach = Reach::full(&response);
        for gene in 0..5 {
            let mut unit = arr1(&[0.0; 5]);
            unit[gene] = 1.0;
            let expected = solve(&matrix, &unit).unwrap();
            let column = reach.of(gene, 1.0);
            assert!((f64::from(column.own()) - expected[gene]).abs() < 5e-3);
            let mut got = vec![0.0; 5];
            column.changes().for_each(|(g, v)| got[g] = f64::from(v));
            (0..5).filter(|&g| g != gene).for_each(|g| assert!((got[g] - expected[g]).abs() < 5e-3, "{got:?}"));
        }
        let direct: Vec<(usize, f32)> = Reach::direct(&response).of(2, 0.0).changes().collect();
        assert_eq!(direct, [(0, 0.4), (3, 0.6)]);
        assert_eq!(reach.of(2, 0.0).changes().filter(|c| c.1 != 0.0).collect::<Vec<_>>(), direct);
    }
}
