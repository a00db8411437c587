//! Memory and time of the commands, from sizes that are known before anything long is read.
//!
//! The constants come from runs of a release build on two cores: made screens of 5,000 cells x 2,000 genes with 40
//! perturbations (8.7 million stored values) and of 12,000 cells x 8,000 genes with 200 perturbations (59 million), the
//! largest resident memory and the processor time of each command. A straight line through both is what is used here;
//! `tests/dry_run.rs` holds the estimates of memory against measured ones.

use crate::cli::load::LoadedRun;
use crate::data::CellTable;
use crate::io::ScreenFile;

/// What a job needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::cli) struct Cost {
    /// Largest resident memory.
    pub(in crate::cli) bytes: f64,
    /// Seconds.
    pub(in crate::cli) secs: f64,
}

impl Cost {
    /// Copying so many cells and stored values: blocks on their way, and names and annotation of the cells.
    pub(in crate::cli) fn of_copy(cells: usize, values: u64) -> Self {
        Self { bytes: BASE + 60e6 + 300.0 * cells as f64, secs: 0.1 + 4.0 * READ * values as f64 }
    }

    /// One job after the other in one process: memory is reused.
    pub(in crate::cli) fn then(self, next: Self) -> Self {
        Self { bytes: self.bytes.max(next.bytes), secs: self.secs + next.secs }
    }
}

/// Sizes of a screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::cli) struct Work {
    /// Cells, or rows of a table.
    pub(in crate::cli) cells: usize,
    /// Measured genes.
    pub(in crate::cli) genes: usize,
    /// Rows of the table that the cells are reduced to, controls included.
    pub(in crate::cli) conditions: usize,
    /// Values in the file; of a sparse matrix those that are not zero.
    pub(in crate::cli) values: u64,
    /// Pairs of cells of the same perturbation, of the control, and of one and the other.
    pub(in crate::cli) pairs: f64,
}

/// The program, its libraries and the blocks that are being read.
const BASE: f64 = 50e6;
/// Seconds to read, check and sum up a stored value.
const READ: f64 = 52e-9;

impl Work {
    /// The sizes of an open screen.
    pub(in crate::cli) fn of(screen: &ScreenFile) -> Self {
        let (cells, genes, conditions) = (screen.n_cells(), screen.genes.len(), screen.cells.conditions.len());
        Self { cells, genes, conditions, values: screen.stored_values(), pairs: pairs(&screen.cells) }
    }

    /// Those of the embedded screen.
    pub(in crate::cli) fn embedded() -> Self {
        Self { cells: 5000, genes: 2000, conditions: 41, values: 8_700_000, pairs: 5e6 }
    }

    /// Those of a run: its table, and the control cells it was fitted with.
    pub(in crate::cli) fn of_run(run: &LoadedRun) -> Self {
        let (cells, genes) = (run.responses.control.n_cells as usize, run.genes.len());
        Self { cells, genes, conditions: run.responses.len() + 1, values: (cells * genes) as u64, pairs: 0.0 }
    }

    /// Several files of one screen.
    pub(in crate::cli) fn joined(works: &[Self]) -> Self {
        let sum = |of: fn(&Self) -> usize| works.iter().map(of).sum();
        let genes = works.iter().map(|w| w.genes).max().unwrap_or(0);
        let conditions = works.iter().map(|w| w.conditions).max().unwrap_or(0);
        let (values, pairs) = (works.iter().map(|w| w.values).sum(), works.iter().map(|w| w.pairs).sum());
        Self { cells: sum(|w| w.cells), genes, conditions, values, pairs }
    }

    /// Entries of the table of conditions by genes.
    fn entries(&self) -> f64 {
        self.conditions as f64 * self.genes as f64
    }

    fn reading(&self) -> f64 {
        READ * self.values as f64
    }

    /// Reducing cells to a table (50 and 124 MB); with halves of the cells two more tables are kept (56 and 215 MB).
    pub(in crate::cli) fn reduce(&self, halves: bool) -> Cost {
        let (bytes, secs) = if halves { (104.0, 0.7e-6) } else { (48.0, 0.0) };
        Cost { bytes: BASE + bytes * self.entries(), secs: 0.1 + self.reading() + secs * self.entries() }
    }

    /// Seconds to fit a model once: `gears` and `txpert` take steps, the others are closed forms.
    fn fit_secs(&self, model: &str) -> f64 {
        self.entries()
            * match model {
                "gears" => 270e-6,
                "txpert" => 6e-6,
                "grn" => 2.4e-6,
                _ => 0.5e-6,
            }
    }

    /// Reading and fitting (64 and 298 MB for `graph-kernel`, 74 and 320 MB for `grn`, 131 MB for `gears` on the small
    /// screen); the calibration fits models that take steps five times more.
    pub(in crate::cli) fn fit(&self, model: &str) -> Cost {
        let (table, fits) = match model {
            "mean" => (104.0, 1.0),
            "gears" | "txpert" => (900.0, 6.0),
            _ => (160.0, 1.0),
        };
        Cost { bytes: BASE + table * self.entries(), secs: self.reduce(true).secs + fits * self.fit_secs(model) }
    }

    /// Reading once, and fitting every model in every fold (64 and 263 MB up to `graph-kernel`, 92 and 421 MB with `grn`).
    pub(in crate::cli) fn cross_validate<'a>(&self, models: impl Iterator<Item = &'a str>, folds: usize) -> Cost {
        let mut bytes = 140.0;
        let mut secs = self.reduce(true).secs;
        for model in models {
            bytes = if self.fit_secs(model) > self.fit_secs("mean") { 240.0 } else { bytes };
            secs += folds as f64 * self.fit_secs(model);
        }
        Cost { bytes: BASE + bytes * self.entries(), secs }
    }

    /// Tests of every gene of every perturbation (56 and 176 MB).
    pub(in crate::cli) fn test(&self) -> Cost {
        Cost { bytes: BASE + 78.0 * self.entries(), secs: 0.1 + 2.0 * self.reading() }
    }

    /// Scoring predicted cells against these. Metrics of means and tests (profile vcc2025) take 359 MB for 2 x 12,000 cells x
    /// 8,000 genes with 200 perturbations, and 199 MB for 2 x 50,000 x 2,000 with 40; metrics that compare cell with cell
    /// (profile cell-eval) hold all values (2123 and 2917 MB).
    pub(in crate::cli) fn score(&self, predicted: &Self, ceiling: bool, of_cells: bool) -> Cost {
        let values = (self.values + predicted.values) as f64;
        let tests = 2.5 * READ * values;
        let (bytes, secs) = if of_cells {
            let pairs = (self.pairs + predicted.pairs) * self.genes as f64;
            (BASE + 16.7 * values, tests + 60e-6 * self.entries() + 0.12e-9 * pairs)
        } else {
            (150e6 + 130.0 * self.entries() + 24.0 * (self.cells + predicted.cells) as f64, tests)
        };
        Cost { bytes, secs: if ceiling { 2.0 * secs } else { secs } }
    }

    /// The mean baseline as cells, and the controls.
    pub(in crate::cli) fn baseline(&self) -> Cost {
        self.reduce(false).then(self.copy())
    }

    /// Reading cells twice and writing them.
    pub(in crate::cli) fn copy(&self) -> Cost {
        Cost { bytes: 2.0 * BASE + 48.0 * self.entries(), secs: 4.0 * self.reading() }
    }

    /// Predicting changes, of which so many are in memory at once (40 and 154 MB for one): the run is most of it.
    pub(in crate::cli) fn predict(&self, perturbations: usize, held: usize) -> Cost {
        let genes = perturbations as f64 * self.genes as f64;
        let held = held as f64 * self.genes as f64;
        Cost { bytes: 34e6 + 75.0 * self.entries() + 24.0 * held, secs: 0.1 + 0.2e-6 * self.entries() + 2e-6 * genes }
    }

    /// Drawing cells from the controls of the run (85 and 319 MB).
    pub(in crate::cli) fn draw(&self, cells: usize) -> Cost {
        let controls = self.cells as f64 * self.genes as f64;
        let drawn = cells as f64 * self.genes as f64;
        let predict = self.predict(1, 1);
        Cost { bytes: predict.bytes + 12.0 * controls, secs: predict.secs + 4.0 * READ * controls + 200e-9 * drawn }
    }

    /// Predicting all candidates and ranking them for every query.
    pub(in crate::cli) fn rank(&self, candidates: usize, queries: usize) -> Cost {
        let predicted = candidates as f64 * self.genes as f64;
        let bytes = BASE + 150.0 * self.entries() + 16.0 * predicted;
        Cost { bytes, secs: 1.0 + 4e-6 * predicted + 2e-8 * queries as f64 * predicted }
    }

    /// Ranking held-out perturbations in folds.
    pub(in crate::cli) fn rank_cv(&self, model: &str, folds: usize) -> Cost {
        let one = self.rank(2 * self.conditions, self.conditions);
        let folds = folds as f64;
        Cost { bytes: one.bytes * 1.2, secs: self.reduce(false).secs + folds * (one.secs + self.fit_secs(model)) }
    }

    /// Solving steady states and drawing counts (70 and 222 MB).
    pub(in crate::cli) fn simulate(&self) -> Cost {
        let cells = self.cells as f64 * self.genes as f64;
        Cost { bytes: BASE + 105.0 * self.entries(), secs: 0.5 + 170e-9 * cells }
    }

    /// All of `grn quickstart`.
    pub(in crate::cli) fn quickstart(&self) -> Cost {
        self.simulate()
            .then(self.fit("grn"))
            .then(self.score(self, false, true))
            .then(Cost { bytes: 900e6, secs: 11.0 })
    }
}

/// Pairs of cells that metrics between cells go through.
fn pairs(cells: &CellTable) -> f64 {
    let (mut controls, mut perturbed) = (0.0, Vec::new());
    for (condition, n) in cells.conditions.iter().zip(cells.counts()) {
        if condition.perturbation.is_control() { controls += n as f64 } else { perturbed.push(n as f64) }
    }
    controls * controls / 2.0 + perturbed.iter().map(|n| n * (n / 2.0 + controls)).sum::<f64>()
}
