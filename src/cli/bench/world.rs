//! Generated data: a random network, cells in which a knockdown acts along it, and the files they are read from.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::Array1;
use rayon::prelude::*;
use serde::Serialize;

use crate::cli::error::CliError;
use crate::data::{
    CellTable, Condition, Csr, Expression, GeneIndex, Perturbation, Pseudobulk, PseudobulkOptions, Responses, Scale,
    Screen,
};
use crate::graph::GeneGraph;
use crate::io::{self, AnnData, Column, IoError, Matrix, PriorOptions};
use crate::stats::Rng;

/// Edges of the network per gene.
const EDGES_PER_GENE: usize = 20;
/// Every fifth cell is a control.
const CONTROL_EVERY: usize = 5;
const CONTROL: &str = "non-targeting";

/// How large the data are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Size {
    /// Cells, controls included.
    pub(super) cells: usize,
    /// Measured genes.
    pub(super) genes: usize,
    /// Knockdowns.
    pub(super) perturbations: usize,
}

impl Size {
    /// Large enough that fixed costs do not show.
    pub(super) const USUAL: Self = Self { cells: 4000, genes: 2000, perturbations: 50 };
    /// Small enough for a look.
    pub(super) const QUICK: Self = Self { cells: 300, genes: 120, perturbations: 10 };

    /// With one side larger.
    pub(super) fn times(self, axis: Option<Axis>, factor: usize) -> Self {
        let mut size = self;
        match axis {
            Some(Axis::Cells) => size.cells *= factor,
            Some(Axis::Genes) => size.genes *= factor,
            Some(Axis::Perturbations) => size.perturbations *= factor,
            None => {}
        }
        size
    }
}

/// What can grow while the rest stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Cells,
    Genes,
    Perturbations,
}

impl Axis {
    pub(super) const ALL: [Self; 3] = [Self::Cells, Self::Genes, Self::Perturbations];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cells => "cells",
            Self::Genes => "genes",
            Self::Perturbations => "perturbations",
        }
    }
}

/// The data of one size, in memory and as files that go away with it.
pub(super) struct World {
    pub(super) size: Size,
    pub(super) seed: u64,
    /// Counts.
    pub(super) screen: Screen,
    pub(super) responses: Responses,
    pub(super) graph: GeneGraph,
    /// The cells as h5ad.
    pub(super) cells_path: PathBuf,
    /// The network as a table of edges.
    pub(super) prior_path: PathBuf,
    _folder: tempfile::TempDir,
}

impl World {
    /// Generates, and writes the files.
    pub(super) fn new(size: Size, seed: u64) -> Result<Self, CliError> {
        let folder = tempfile::tempdir().map_err(|e| IoError::write(std::env::temp_dir(), e))?;
        let network = Network::new(size.genes, seed);
        let screen = network.screen(size, seed)?;
        let (cells_path, prior_path) = (folder.path().join("cells.h5ad"), folder.path().join("prior.tsv"));
        write_cells(&cells_path, &screen)?;
        std::fs::write(&prior_path, network.as_table()).map_err(|e| IoError::write(&prior_path, e))?;
        let graph = io::read_priors(std::slice::from_ref(&prior_path), &PriorOptions::default())?.graph;
        let table = Pseudobulk::from_screen(&screen, &PseudobulkOptions::default());
        let responses = Responses::from_pseudobulk(&table)?;
        Ok(Self { size, seed, screen, responses, graph, cells_path, prior_path, _folder: folder })
    }

    /// Other cells of the same conditions: what a prediction might be.
    pub(super) fn predicted(&self) -> Result<Screen, CliError> {
        Network::new(self.size.genes, self.seed).screen(self.size, self.seed + 1)
    }
}

/// Who acts on whom, and how much of each gene there is without a knockdown.
struct Network {
    /// Counts of a cell that are expected, per gene.
    mean: Array1<f64>,
    /// Regulator, target, and what a knockdown of the regulator multiplies the target by.
    edges: Vec<(u32, u32, f64)>,
}

impl Network {
    fn new(genes: usize, seed: u64) -> Self {
        let mut rng = Rng::named(seed, "bench.network");
        let mean = (0..genes).map(|_| (1.2 * rng.normal() - 2.0).exp()).collect();
        let edge = |_| {
            // A few regulators have many targets.
            let regulator = (genes as f64 * rng.uniform().powi(2)) as u32;
            (regulator, rng.below(genes) as u32, (0.4 * rng.normal()).exp())
        };
        let mut edges: Vec<(u32, u32, f64)> = (0..EDGES_PER_GENE * genes).map(edge).collect();
        edges.retain(|(regulator, target, _)| regulator != target);
        edges.sort_by_key(|&(regulator, target, _)| (regulator, target));
        edges.dedup_by_key(|edge| (edge.0, edge.1));
        Self { mean, edges }
    }

    /// Expected counts in cells in which this gene is knocked down.
    fn knocked_down(&self, gene: usize) -> Array1<f64> {
        let mut mean = self.mean.clone();
        let first = self.edges.partition_point(|edge| (edge.0 as usize) < gene);
        for &(_, target, fold) in self.edges[first..].iter().take_while(|edge| edge.0 as usize == gene) {
            mean[target as usize] *= fold;
        }
        mean[gene] *= 0.2;
        mean
    }

    fn screen(&self, size: Size, seed: u64) -> Result<Screen, CliError> {
        let targets: Vec<usize> = (0..size.perturbations).map(|p| p * size.genes / size.perturbations).collect();
        let means: Vec<Array1<f64>> = targets.iter().map(|&gene| self.knocked_down(gene)).collect();
        let of_cell = |cell: usize| condition(cell, size.perturbations);
        let row = |cell: usize| -> Vec<(u32, f32)> {
            let mean = of_cell(cell).map_or(&self.mean, |p| &means[p]);
            let mut rng = Rng::keyed(seed, "bench.cell", cell as u64, 0);
            let count = |(gene, &mean): (usize, &f64)| (gene as u32, rng.poisson(mean) as f32);
            mean.iter().enumerate().map(count).filter(|&(_, count)| count > 0.0).collect()
        };
        let rows: Vec<Vec<(u32, f32)>> = (0..size.cells).into_par_iter().map(row).collect();
        let mut x = Csr::empty(size.genes);
        rows.into_iter().for_each(|row| x.push_row(row));
        let names = (0..size.genes).map(|gene| format!("G{gene}"));
        let genes = Arc::new(GeneIndex::new(names)?);
        let perturbation =
            |cell| of_cell(cell).map_or_else(Perturbation::control, |p| Perturbation::of([format!("G{}", targets[p])]));
        let cells = CellTable::new((0..size.cells).map(|cell| Some(Condition::of(perturbation(cell)))));
        Ok(Screen::new(Expression::new(genes, x, Scale::Counts)?, cells)?)
    }

    fn as_table(&self) -> String {
        let mut text = "source\ttarget\tweight\n".to_owned();
        for (regulator, target, fold) in &self.edges {
            let _ = writeln!(text, "G{regulator}\tG{target}\t{:.3}", fold.ln().abs().min(1.0));
        }
        text
    }
}

/// The knockdown of a cell; none for a control.
fn condition(cell: usize, perturbations: usize) -> Option<usize> {
    (!cell.is_multiple_of(CONTROL_EVERY)).then(|| (cell - cell / CONTROL_EVERY - 1) % perturbations)
}

fn write_cells(path: &Path, screen: &Screen) -> Result<(), CliError> {
    let label = |&condition: &Option<u32>| {
        let perturbation = condition.map(|c| &screen.cells.conditions[c as usize].perturbation);
        perturbation.filter(|p| !p.is_control()).map_or(CONTROL.to_owned(), ToString::to_string)
    };
    let file = AnnData {
        obs_names: (0..screen.cells.n_cells()).map(|cell| cell.to_string()).collect(),
        obs: vec![("target_gene".into(), Column::Categories(screen.cells.of_cell.iter().map(label).collect()))],
        genes: Arc::clone(screen.genes()),
        var: Vec::new(),
        x: Matrix::Sparse(&screen.expression.x),
        layers: Vec::new(),
        uns: serde_json::Map::new(),
    };
    Ok(io::write_h5ad(path, &file)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_perturbation_has_cells_and_controls_are_a_fifth() {
        let size = Size { cells: 300, genes: 40, perturbations: 8 };
        let screen = Network::new(size.genes, 1).screen(size, 1).unwrap();
        let counts = screen.cells.counts();
        assert_eq!((counts.len(), counts.iter().sum::<u64>()), (9, 300));
        assert!(counts.iter().all(|&n| n >= 30), "{counts:?}");
        assert_eq!(screen.cells.controls().unwrap().len(), 1);
        assert_eq!((0..300).filter(|&cell| condition(cell, 8).is_none()).count(), 60);
    }

    #[test]
    fn files_hold_what_is_in_memory() {
        let world = World::new(Size { cells: 200, genes: 60, perturbations: 6 }, 3).unwrap();
        let (read, _) = io::read_screen(&world.cells_path, &io::ScreenOptions::default()).unwrap();
        assert_eq!(read.expression.x.nnz(), world.screen.expression.x.nnz());
        assert_eq!((world.responses.len(), world.responses.genes.len()), (6, 60));
        assert!(world.graph.n_edges() > 500);
        assert_ne!(world.predicted().unwrap().expression.x.nnz(), world.screen.expression.x.nnz());
    }
}
