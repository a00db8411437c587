//! `grn bench`: the hot paths on generated data, and how their cost grows.

mod clock;
mod growth;
mod paths;
mod world;

use clap::Args;
use serde_json::{Value, json};

use self::growth::{Curve, Measured};
use self::paths::{HotPath, PATHS};
use self::world::{Axis, Size, World};
use super::error::CliError;
use super::plan::Plan;
use super::progress::Bar;
use super::session::Session;
use crate::error::ExitStatus;

/// Sizes of a curve, relative to the base.
const FACTORS: [usize; 3] = [1, 2, 4];

/// Arguments of `grn bench`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn bench
  grn bench --only de,score
  grn bench --quick --json > bench.json

Data are generated from the seed. Ratios count, not wall times: machines differ. An exponent of 1 means that twice the size
costs twice the time.")]
pub(super) struct BenchArgs {
    /// Only these paths: read, pseudobulk, de, coexpression, graph, fit, fit-step, rank, score
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// Small data: seconds instead of a minute, and noisier
    #[arg(long)]
    quick: bool,
}

pub(super) fn run(args: &BenchArgs, session: &Session) -> Result<ExitStatus, CliError> {
    let paths = chosen(args)?;
    let (base, least) = if args.quick { (Size::QUICK, 1) } else { (Size::USUAL, 3) };
    let sizes = sizes(&paths);
    if session.dry_run {
        let names = paths.iter().map(|path| path.name).collect::<Vec<_>>().join(", ");
        let plan = Plan::new(format!("time {names} on generated data")).size("cells", base.cells);
        let plan = plan.size("genes", base.genes).size("perturbations", base.perturbations);
        session.plan(&plan.size("sizes", sizes.len()))?;
        return Ok(ExitStatus::Done);
    }
    let began = std::time::Instant::now();
    let steps = sizes.iter().map(|(axis, _)| paths.iter().filter(|p| p.grows_with(*axis)).count()).sum::<usize>();
    let bar = session.printer.bar("bench", steps as u64);
    let Some(measured) = measure(&paths, &sizes, (base, least), session, &bar)? else {
        return Ok(ExitStatus::Interrupted);
    };
    bar.finish_and_clear();
    let curves: Vec<Curve> = paths.iter().map(|path| Curve::new(path, &measured)).collect();
    let secs = began.elapsed().as_secs_f64();
    session.printer.result(|| as_json(base, &curves, secs, session), || growth::table(&curves))?;
    session.printer.say(format!(
        "base {} cells x {} genes, {} perturbations; {} threads; {secs:.0} s in all",
        base.cells, base.genes, base.perturbations, session.threads
    ));
    Ok(ExitStatus::Done)
}

fn chosen(args: &BenchArgs) -> Result<Vec<&'static HotPath>, CliError> {
    let known = || PATHS.iter().map(|path| path.name).collect::<Vec<_>>().join(", ");
    if let Some(unknown) = args.only.iter().find(|name| PATHS.iter().all(|path| path.name != name.as_str())) {
        return Err(CliError::usage("--only", known(), format!("`{unknown}`"), None));
    }
    Ok(PATHS.iter().filter(|path| args.only.is_empty() || args.only.iter().any(|name| name == path.name)).collect())
}

/// The base first, then every larger size that a path grows with.
fn sizes(paths: &[&HotPath]) -> Vec<(Option<Axis>, usize)> {
    let axes = Axis::ALL.into_iter().filter(|&axis| paths.iter().any(|path| path.grows_with(Some(axis))));
    let larger = axes.flat_map(|axis| FACTORS[1..].iter().map(move |&factor| (Some(axis), factor)));
    std::iter::once((None, 1)).chain(larger).collect()
}

/// Every path at every size it grows with; `None` where the user stopped it.
fn measure(
    paths: &[&'static HotPath],
    sizes: &[(Option<Axis>, usize)],
    (base, least): (Size, usize),
    session: &Session,
    bar: &Bar,
) -> Result<Option<Vec<Measured>>, CliError> {
    let stop = session.interrupt_flag();
    let mut measured = Vec::new();
    for &(axis, factor) in sizes {
        let world = World::new(base.times(axis, factor), session.seed)?;
        for path in paths.iter().filter(|path| path.grows_with(axis)) {
            if stop.load(std::sync::atomic::Ordering::Relaxed) {
                return Ok(None);
            }
            bar.set_message(path.name);
            let taken = clock::time(&mut (path.prepare)(&world)?, least)?;
            measured.push(Measured { path: path.name, axis, factor, size: world.size, taken });
            bar.inc(1);
        }
    }
    Ok(Some(measured))
}

fn as_json(base: Size, curves: &[Curve], secs: f64, session: &Session) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"), "threads": session.threads, "seed": session.seed, "base": base,
        "paths": curves.iter().map(Curve::as_json).collect::<Vec<_>>(), "seconds": secs,
    })
}
