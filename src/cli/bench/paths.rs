//! The hot paths, one function each.

use std::hint::black_box;

use super::world::{Axis, World};
use crate::cli::error::CliError;
use crate::data::{CellBlock, Normalisation, PseudobulkOptions, Responses, TargetSum, median};
use crate::graph::{Coexpression, CoexpressionOptions, ControlCells};
use crate::io::{self, IoError, PriorOptions, ScreenOptions};
use crate::nn::Device;
use crate::predict::{self, PredictError, Predictor, Task};
use crate::rank::{self, CandidateSet, Candidates, Lesson, Queries, RankOptions};
use crate::score::{self, DeOptions, LogCells, ScoreOptions};
use crate::train::Silent;

/// A piece of work that can be repeated.
pub(super) type Job<'w> = Box<dyn FnMut() -> Result<(), CliError> + 'w>;

/// Work that is ready to be timed.
pub(super) struct Ready<'w> {
    pub(super) work: Job<'w>,
    /// What it cannot do without, and what that is.
    pub(super) floor: Option<(&'static str, Job<'w>)>,
    /// The work is the floor and as many steps more: a step is what is timed.
    pub(super) beyond_floor: Option<u32>,
    /// What is counted.
    pub(super) units: u64,
    /// Bytes to take in.
    pub(super) bytes: u64,
}

/// A hot path.
pub(super) struct HotPath {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) unit: &'static str,
    /// What its cost may depend on.
    pub(super) axes: &'static [Axis],
    pub(super) prepare: for<'w> fn(&'w World) -> Result<Ready<'w>, CliError>,
}

impl HotPath {
    /// Whether to time it where this is larger; the base is for all.
    pub(super) fn grows_with(&self, axis: Option<Axis>) -> bool {
        axis.is_none_or(|axis| self.axes.contains(&axis))
    }
}

/// In the order in which a screen goes through them.
pub(super) const PATHS: &[HotPath] = &[
    HotPath {
        name: "read",
        what: "compressed h5ad to blocks of cells",
        unit: "stored values",
        axes: &[Axis::Cells, Axis::Genes],
        prepare: read,
    },
    HotPath {
        name: "pseudobulk",
        what: "compressed h5ad to the table of conditions: normalised to the median, log1p, three moments",
        unit: "stored values",
        axes: &Axis::ALL,
        prepare: pseudobulk,
    },
    HotPath {
        name: "de",
        what: "rank-sum test of every gene of every perturbation against the control",
        unit: "tests",
        axes: &Axis::ALL,
        prepare: de,
    },
    HotPath {
        name: "coexpression",
        what: "correlation of every pair of genes over control cells",
        unit: "pairs",
        axes: &[Axis::Cells, Axis::Genes],
        prepare: coexpression,
    },
    HotPath {
        name: "graph",
        what: "table of edges to a gene graph",
        unit: "edges",
        axes: &[Axis::Genes],
        prepare: graph,
    },
    HotPath {
        name: "fit",
        what: "the default model, whole",
        unit: "changes",
        axes: &[Axis::Genes, Axis::Perturbations],
        prepare: fit,
    },
    HotPath {
        name: "fit-step",
        what: "one gradient step of `gears`",
        unit: "changes",
        axes: &[Axis::Genes, Axis::Perturbations],
        prepare: fit_step,
    },
    HotPath {
        name: "rank",
        what: "ten changes against all genes as candidates, by a ranker that was learned before",
        unit: "candidates",
        axes: &[Axis::Genes, Axis::Perturbations],
        prepare: rank,
    },
    HotPath {
        name: "score",
        what: "predicted against real cells by profile vcc2025",
        unit: "changes",
        axes: &Axis::ALL,
        prepare: score,
    },
];

/// A value and its position.
const STORED: u64 = 8;

fn whole<'w>(units: u64, bytes: u64, work: impl FnMut() -> Result<(), CliError> + 'w) -> Ready<'w> {
    Ready { work: Box::new(work), floor: None, beyond_floor: None, units, bytes }
}

fn stored(world: &World) -> u64 {
    world.screen.expression.x.nnz() as u64
}

fn changes(world: &World) -> u64 {
    (world.size.perturbations * world.size.genes) as u64
}

fn file_size(path: &std::path::Path) -> Result<u64, CliError> {
    Ok(std::fs::metadata(path).map_err(|e| IoError::read(path, e))?.len())
}

fn read_blocks(world: &World) -> Result<(), CliError> {
    let file = io::open_screen(&world.cells_path, &ScreenOptions::default())?;
    for block in file.blocks()? {
        black_box(block?);
    }
    Ok(())
}

fn read(world: &World) -> Result<Ready<'_>, CliError> {
    Ok(whole(stored(world), file_size(&world.cells_path)?, || read_blocks(world)))
}

fn pseudobulk(world: &World) -> Result<Ready<'_>, CliError> {
    let work = || {
        let options = (ScreenOptions::default(), PseudobulkOptions::default());
        black_box(io::read_table(&world.cells_path, &options.0, &options.1, &mut |_, _| ())?);
        Ok(())
    };
    let floor: Job<'_> = Box::new(|| read_blocks(world));
    let ready = whole(stored(world), file_size(&world.cells_path)?, work);
    Ok(Ready { floor: Some(("reading it", floor)), ..ready })
}

fn de(world: &World) -> Result<Ready<'_>, CliError> {
    let cells = LogCells::new(&world.screen)?;
    Ok(whole(changes(world), STORED * stored(world), move || {
        let table = score::differential_expression(&cells, &DeOptions::default())?;
        black_box(table.rows().count());
        Ok(())
    }))
}

fn coexpression(world: &World) -> Result<Ready<'_>, CliError> {
    let cells = control_cells(world)?;
    let (n, genes) = (cells.n_kept(), world.size.genes);
    // The largest part of the work is a product of standardised values, of which one half is needed.
    let product = ndarray::Array2::from_shape_fn((genes, n), |(g, c)| ((g * 31 + c * 17) % 64) as f32);
    let floor: Job<'_> = Box::new(move || {
        black_box(product.dot(&product.t()));
        Ok(())
    });
    let work = move || {
        black_box(Coexpression::new(cells.clone(), CoexpressionOptions::default()).pairs.len());
        Ok(())
    };
    let ready = whole((genes * (genes - 1) / 2) as u64, (4 * n * genes) as u64, work);
    Ok(Ready { floor: Some(("the plain product", floor)), ..ready })
}

/// Control cells, normalised to the median total and log1p.
fn control_cells(world: &World) -> Result<ControlCells, CliError> {
    let mut x = world.screen.expression.x.clone();
    let total = |row| x.row(row).1.iter().map(|&v| f64::from(v)).sum();
    let mut totals: Vec<f64> = (0..x.n_rows()).map(total).collect();
    let middle = median(&mut totals).unwrap_or(1.0);
    let normalisation = Normalisation::of(world.screen.expression.scale, TargetSum::Median, middle);
    normalisation.apply_rows(&mut x);
    let cells = &world.screen.cells;
    let controls = cells.controls()?;
    let mut kept = ControlCells::new(world.screen.genes().clone(), cells.n_cells(), world.seed);
    let is_control = |cell: usize| cells.of_cell[cell].is_some_and(|c| controls.contains(&(c as usize)));
    kept.push(&CellBlock { first_cell: 0, x }, is_control);
    Ok(kept)
}

fn graph(world: &World) -> Result<Ready<'_>, CliError> {
    let (edges, bytes) = (world.graph.n_edges() as u64, file_size(&world.prior_path)?);
    Ok(whole(edges, bytes, || {
        let paths = std::slice::from_ref(&world.prior_path);
        black_box(io::read_priors(paths, &PriorOptions::default())?.graph.n_edges());
        Ok(())
    }))
}

/// Fits a model of the registry on changes of the generated screen.
fn fitted(
    world: &World,
    responses: &Responses,
    model: &str,
    settings: &str,
) -> Result<Box<dyn Predictor>, PredictError> {
    let settings: toml::Table = toml::from_str(settings).unwrap_or_default();
    let task = Task {
        responses,
        graph: &world.graph,
        features: &[],
        seed: world.seed,
        device: &Device::Cpu,
        checkpoint: None,
        resume: false,
    };
    let mut model = (predict::spec(model)?.build)(&settings)?;
    model.fit(&task, &mut Silent)?;
    Ok(model)
}

fn fit(world: &World) -> Result<Ready<'_>, CliError> {
    Ok(whole(changes(world), 4 * changes(world), || {
        black_box(fitted(world, &world.responses, "grn", "")?.name());
        Ok(())
    }))
}

/// Steps of the longer and of the shorter of two fits: their difference is free of what a fit does once.
const STEPS: (u32, u32) = (10, 2);

fn fit_step(world: &World) -> Result<Ready<'_>, CliError> {
    let steps = |n: u32| -> Job<'_> {
        let settings = format!("steps = {n}\nvalidation = 0.0\nloss = \"mse\"");
        Box::new(move || {
            black_box(fitted(world, &world.responses, "gears", &settings)?.name());
            Ok(())
        })
    };
    let ready = whole(changes(world), 4 * changes(world), steps(STEPS.0));
    Ok(Ready { floor: Some(("setting up", steps(STEPS.1))), beyond_floor: Some(STEPS.0 - STEPS.1), ..ready })
}

/// Changes that are ranked at once.
const QUERIES: usize = 10;

fn rank(world: &World) -> Result<Ready<'_>, CliError> {
    let responses = &world.responses;
    let candidates = Candidates::new(&CandidateSet::Genome, responses, &world.graph)?;
    let refit = |train: &Responses| fitted(world, train, "mean", "");
    let scorers = rank::joint_scorers();
    let lesson =
        Lesson { fit: &refit, responses, graph: &world.graph, covariance: None, scorers: &scorers, seed: world.seed };
    let n = candidates.len();
    let ranker = lesson.learn(candidates, false, &mut |_| ())?;
    let rows: Vec<usize> = (0..QUERIES.min(responses.len())).collect();
    let queries = Queries::of_responses(responses, &rows);
    let members: Vec<usize> = (0..n).collect();
    let units = (rows.len() * n) as u64;
    let bytes = (4 * rows.len() * world.size.genes) as u64;
    Ok(whole(units, bytes, move || {
        black_box(ranker.rank(&queries, &members, &RankOptions::default())?.len());
        Ok(())
    }))
}

fn score(world: &World) -> Result<Ready<'_>, CliError> {
    let (real, predicted) = (LogCells::new(&world.screen)?, world.predicted()?);
    let bytes = STORED * (stored(world) + predicted.expression.x.nnz() as u64);
    let predicted = LogCells::new(&predicted)?;
    let profile = score::profile("vcc2025")?;
    Ok(whole(changes(world), bytes, move || {
        black_box(score::score(&predicted, &real, profile, &ScoreOptions::default())?.rows.len());
        Ok(())
    }))
}
