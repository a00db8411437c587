//! Cells side by side, and the stretches of time in which nothing is changed in any of them.

use super::dynamics::Hold;
use super::normals::{LANES, Lane};
use super::{Cell, Phase};
use crate::simulate::Forcing;

/// Steps in which the same is done to each cell of a block.
#[derive(Debug)]
pub(super) struct Segment {
    /// First step, counted from the start of the cells.
    pub(super) first: u32,
    /// Number of steps.
    pub(super) steps: u32,
    /// Hours per step, 0 for a cell that has ended.
    pub(super) dt: Lane,
    /// What is done, genes ascending.
    pub(super) forced: Vec<Forced>,
}

/// What is done to a gene in each lane.
#[derive(Debug)]
pub(super) struct Forced {
    pub(super) gene: usize,
    /// On production.
    pub(super) factor: Lane,
    /// Level in units of the baseline at which it is held, NaN where it is free.
    pub(super) held: Lane,
}

impl Forced {
    fn of(gene: u32, done: &[&[(u32, Forcing)]]) -> Self {
        let mut forced = Self { gene: gene as usize, factor: [1.0; LANES], held: [f64::NAN; LANES] };
        for (lane, done) in done.iter().enumerate() {
            match Hold::of(done, gene) {
                Hold::Factor(factor) => forced.factor[lane] = factor,
                Hold::At(level) => forced.held[lane] = level,
            }
        }
        forced
    }

    /// Replaces levels by those that are held.
    #[inline(always)]
    pub(super) fn hold(&self, baseline: f64, levels: &mut [f64]) {
        for (level, &held) in levels.iter_mut().zip(&self.held) {
            *level = if held.is_nan() { *level } else { held * baseline };
        }
    }

    #[inline(always)]
    pub(super) fn scale(&self, made: &mut [f64]) {
        made.iter_mut().zip(&self.factor).for_each(|(made, factor)| *made *= factor);
    }
}

/// Number of steps of a phase, none longer than `step` (but for rounding).
fn steps(phase: &Phase, step: f64) -> u32 {
    (phase.hours / step - 1e-9).ceil().max(0.0) as u32
}

/// Most steps of a cell.
pub(super) const MOST_STEPS: f64 = 4e9;

/// The segments of at most [`LANES`] cells.
pub(super) fn segments(cells: &[Cell], step: f64) -> Vec<Segment> {
    let mut ends: Vec<u32> = cells.iter().flat_map(|cell| boundaries(cell, step)).collect();
    ends.sort_unstable();
    ends.dedup();
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(&ends).filter(|(from, to)| from < to).map(|(from, &to)| segment(cells, step, from, to)).collect()
}

/// The step at which each phase of a cell ends.
fn boundaries(cell: &Cell, step: f64) -> impl Iterator<Item = u32> + '_ {
    cell.phases.iter().scan(0, move |total, phase| {
        *total += steps(phase, step);
        Some(*total)
    })
}

fn segment(cells: &[Cell], step: f64, from: u32, to: u32) -> Segment {
    let mut dt = [0.0; LANES];
    let mut done: Vec<&[(u32, Forcing)]> = vec![&[]; cells.len()];
    for (lane, cell) in cells.iter().enumerate() {
        let mut ends = cell.phases.iter().zip(boundaries(cell, step));
        if let Some((phase, _)) = ends.find(|(_, end)| *end > from) {
            dt[lane] = phase.hours / f64::from(steps(phase, step));
            done[lane] = &phase.forced;
        }
    }
    let mut genes: Vec<u32> = done.iter().flat_map(|done| done.iter().map(|(gene, _)| *gene)).collect();
    genes.sort_unstable();
    genes.dedup();
    let forced = genes.into_iter().map(|gene| Forced::of(gene, &done)).collect();
    Segment { first: from, steps: to - from, dt, forced }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_end_where_anything_changes() {
        let phase = |hours, forced: &[(u32, Forcing)]| Phase { hours, forced: forced.to_vec() };
        let cell = |phases| Cell { number: 0, start: None, phases };
        let down = [(3, Forcing::Shift(0.5f64.ln()))];
        let cells = [
            cell(vec![phase(1.0, &[]), phase(0.5, &down)]),
            cell(vec![phase(1.2, &[(1, Forcing::Clamp(0.0))])]),
            cell(vec![phase(0.0, &down)]),
        ];
        let got = segments(&cells, 0.1);
        let spans: Vec<(u32, u32)> = got.iter().map(|s| (s.first, s.steps)).collect();
        assert_eq!(spans, [(0, 10), (10, 2), (12, 3)]);
        let genes: Vec<Vec<usize>> = got.iter().map(|s| s.forced.iter().map(|f| f.gene).collect()).collect();
        assert_eq!(genes, [vec![1], vec![1, 3], vec![3]]);
        assert!((got[0].dt[0] - 0.1).abs() < 1e-12 && got[2].dt[1] == 0.0 && got[0].dt[2] == 0.0);
        assert!((got[1].forced[1].factor[0] - 0.5).abs() < 1e-15 && got[1].forced[1].factor[1] == 1.0);
        assert!(got[0].forced[0].held[1] == 1.0 && got[0].forced[0].held[0].is_nan());
    }
}
