//! Cell types: what holds some genes up or down in all cells of a type, drawn along a tree.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Forcing, SimulateError};
use crate::stats::Rng;

/// A cell type: interventions that all of its cells share, perturbed or not.
#[derive(Debug, Clone, PartialEq)]
pub struct CellType {
    /// Its name.
    pub name: String,
    /// What is done to which gene.
    pub forced: Vec<(u32, Forcing)>,
}

/// A cell type at one stage of the way from its parent.
#[derive(Debug, Clone, PartialEq)]
pub struct CellState {
    /// The type.
    pub cell_type: CellType,
    /// Branches from the root, 0 at the root; between a parent and its child a fraction.
    pub pseudotime: f64,
}

/// A node of a lineage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Descent {
    /// Name of the type.
    pub name: String,
    /// The type it comes from, by position; `None` for the root and for the types of a star.
    pub parent: Option<usize>,
}

/// How cell types descend from each other, and how far apart they are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lineage {
    /// The types, parents before children; none is one nameless type.
    pub types: Vec<Descent>,
    /// Whether the first type is the root, which has the unperturbed state of the law.
    pub rooted: bool,
    /// Stages along each branch, the type at its end included.
    pub stages: usize,
    /// Share of the regulators whose production a type shifts, besides what it inherits.
    pub regulators: f64,
    /// Standard deviation of the shift of ln production.
    pub sigma: f64,
}

impl Default for Lineage {
    fn default() -> Self {
        Self { types: Vec::new(), rooted: false, stages: 1, regulators: 0.1, sigma: 0.7 }
    }
}

/// Fewest regulators that a type shifts.
const FEWEST: usize = 3;

impl Lineage {
    /// This many types that have nothing in common but the law: `type1`, `type2`, ...
    #[must_use]
    pub fn star(types: usize) -> Self {
        let node = |k| Descent { name: format!("type{k}"), parent: None };
        Self { types: (1..=types).map(node).collect(), ..Self::default() }
    }

    /// Reads `stem>early>a,early>b`: chains of parent and child joined by commas; the first name is the root.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for empty names, a type with two parents, a cycle, or a second root.
    pub fn parse(text: &str) -> Result<Self, SimulateError> {
        let wrong = |got: String| SimulateError::option("lineage", "a tree such as `stem>early>a,early>b`", got);
        let mut lineage = Self { rooted: true, ..Self::default() };
        for chain in text.split(',') {
            let mut parent: Option<usize> = None;
            for name in chain.split('>').map(str::trim) {
                let known = lineage.types.iter().position(|t| t.name == name);
                let at = match (known, parent) {
                    _ if name.is_empty() => return Err(wrong(format!("an empty name in `{chain}`"))),
                    (Some(at), None) => at,
                    (Some(at), parent) if lineage.types[at].parent == parent => at,
                    (Some(_), _) => return Err(wrong(format!("`{name}` with two parents, or before its parent"))),
                    (None, None) if !lineage.types.is_empty() => return Err(wrong(format!("a second root, `{name}`"))),
                    (None, parent) => {
                        lineage.types.push(Descent { name: name.to_owned(), parent });
                        lineage.types.len() - 1
                    }
                };
                parent = Some(at);
            }
        }
        Ok(lineage)
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`].
    pub fn check(&self) -> Result<(), SimulateError> {
        let refuse = |option, expected: &str, got: f64| Err(SimulateError::option(option, expected, got));
        match self {
            Self { stages: 0, .. } => refuse("stages", "at least 1", 0.0),
            Self { regulators, .. } if !(0.0..=1.0).contains(regulators) => {
                refuse("type-regulators", "a share in 0..=1", *regulators)
            }
            Self { sigma, .. } if !(sigma.is_finite() && *sigma >= 0.0) => {
                refuse("type-sigma", "a finite number of at least 0", *sigma)
            }
            _ => Ok(()),
        }
    }

    /// Every stage of every type: each type has the shifts of ln production of its parent and its own, which grow evenly over
    /// the stages. The root, and the only state where there are no types, is the unperturbed state.
    pub fn draw(&self, regulators: &[u32], seed: u64) -> Vec<CellState> {
        if self.types.is_empty() {
            return vec![CellState {
                cell_type: CellType { name: String::new(), forced: Vec::new() },
                pseudotime: 0.0,
            }];
        }
        let mut states = Vec::new();
        let mut ends: Vec<(BTreeMap<u32, f64>, f64)> = Vec::new();
        for (at, node) in self.types.iter().enumerate() {
            let is_root = self.rooted && at == 0;
            let (from, depth) = node.parent.map_or_else(Default::default, |p| ends[p].clone());
            let own = if is_root { BTreeMap::new() } else { self.own_shifts(&node.name, regulators, seed) };
            let stages = if is_root { 1 } else { self.stages };
            for stage in 1..=stages {
                let way = stage as f64 / stages as f64;
                let pseudotime = if is_root { 0.0 } else { depth + way };
                states.push(CellState { cell_type: cell_type(&node.name, &added(&from, &own, way)), pseudotime });
            }
            ends.push((added(&from, &own, 1.0), if is_root { 0.0 } else { depth + 1.0 }));
        }
        states
    }

    fn own_shifts(&self, name: &str, regulators: &[u32], seed: u64) -> BTreeMap<u32, f64> {
        let mut rng = Rng::named(seed, &format!("cell type {name}"));
        let mut drawn = regulators.to_vec();
        rng.shuffle(&mut drawn);
        let number = (self.regulators * regulators.len() as f64).round() as usize;
        drawn.truncate(number.max(FEWEST));
        drawn.into_iter().map(|gene| (gene, self.sigma * rng.normal())).collect()
    }
}

fn added(from: &BTreeMap<u32, f64>, own: &BTreeMap<u32, f64>, way: f64) -> BTreeMap<u32, f64> {
    let mut sum = from.clone();
    own.iter().for_each(|(gene, shift)| *sum.entry(*gene).or_default() += way * shift);
    sum
}

fn cell_type(name: &str, shifts: &BTreeMap<u32, f64>) -> CellType {
    let forced = shifts.iter().map(|(&gene, &shift)| (gene, Forcing::Shift(shift))).collect();
    CellType { name: name.to_owned(), forced }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_has_the_shifts_of_its_parent_and_its_own() {
        let lineage = Lineage { stages: 2, ..Lineage::parse("stem>early>a,early>b").unwrap() };
        let regulators: Vec<u32> = (0..100).collect();
        let states = lineage.draw(&regulators, 1);
        let got: Vec<(&str, f64)> = states.iter().map(|s| (&*s.cell_type.name, s.pseudotime)).collect();
        let expected = [("stem", 0.0), ("early", 0.5), ("early", 1.0), ("a", 1.5), ("a", 2.0), ("b", 1.5), ("b", 2.0)];
        assert_eq!(got, expected);
        assert!(states[0].cell_type.forced.is_empty());
        let shift = |state: usize, gene: u32| {
            let found = states[state].cell_type.forced.iter().find(|(g, _)| *g == gene);
            found.map_or(0.0, |(_, f)| if let Forcing::Shift(s) = f { *s } else { f64::NAN })
        };
        let (early, a, half) = (2, 4, 3);
        assert_eq!(states[early].cell_type.forced.len(), 10);
        for gene in 0..100 {
            // Half way to `a`, half of what `a` adds to `early`.
            assert!((shift(half, gene) - f64::midpoint(shift(early, gene), shift(a, gene))).abs() < 1e-12);
        }
        assert!((0..100).any(|g| shift(a, g) != shift(early, g)) && states[a] != states[6]);
    }

    #[test]
    fn trees_that_are_none_are_refused() {
        let t = |text: &str| assert!(Lineage::parse(text).is_err(), "{text}");
        t("a>b,c>d");
        t("a>b,a>c,b>c");
        t("a>b>a");
        t("a>>b");
        t("");
    }

    #[test]
    fn types_of_a_star_share_nothing() {
        let states = Lineage::star(3).draw(&(0..200).collect::<Vec<_>>(), 1);
        assert_eq!(states.len(), 3);
        assert!(states.iter().all(|s| s.cell_type.forced.len() == 20));
        assert_ne!(states[0].cell_type.forced, states[1].cell_type.forced);
    }
}
