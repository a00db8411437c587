//! Timing one piece of work.

use std::time::Instant;

use super::paths::{Job, Ready};
use crate::cli::error::CliError;

/// Most repeats.
const MOST: usize = 9;
/// Repeats stop after this many seconds where there are enough.
const ENOUGH_SECS: f64 = 0.4;

/// Seconds of the repeats, and of the floor where there is one.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    /// Ascending.
    pub(super) secs: Vec<f64>,
    /// Median of the floor.
    pub(super) floor_secs: Option<f64>,
    /// What the floor is.
    pub(super) floor: Option<&'static str>,
    /// What is counted, per repeat.
    pub(super) units: u64,
    /// Bytes that the work must take in, per repeat.
    pub(super) bytes: u64,
}

impl Taken {
    /// The middle of the repeats.
    pub(super) fn median(&self) -> f64 {
        median(&self.secs)
    }

    /// How many times the floor it takes.
    pub(super) fn over_floor(&self) -> Option<f64> {
        self.floor_secs.filter(|&floor| floor > 0.0).map(|floor| self.median() / floor)
    }
}

/// Repeats the work at least so many times, and its floor in turn with it, after one run to warm up.
pub(super) fn time(ready: &mut Ready<'_>, least: usize) -> Result<Taken, CliError> {
    let first = once(&mut ready.work)?;
    let began = Instant::now();
    let (mut secs, mut floors) = (Vec::new(), Vec::new());
    if first > ENOUGH_SECS && ready.floor.is_none() {
        // Long work has warmed up long before its end.
        secs.push(first);
    }
    while secs.len() < least.max(1) || (secs.len() < MOST && began.elapsed().as_secs_f64() < ENOUGH_SECS) {
        let work = once(&mut ready.work)?;
        let floor = ready.floor.as_mut().map(|(_, floor)| once(floor)).transpose()?;
        if let (Some(times), Some(floor)) = (ready.beyond_floor, floor) {
            // What the work does more often than the floor, per time it does so.
            secs.push((work - floor).max(0.0) / f64::from(times));
        } else {
            secs.push(work);
            floors.extend(floor);
        }
    }
    secs.sort_by(f64::total_cmp);
    floors.sort_by(f64::total_cmp);
    let floor_secs = (!floors.is_empty()).then(|| median(&floors));
    let floor = ready.floor.as_ref().map(|(what, _)| *what).filter(|_| floor_secs.is_some());
    Ok(Taken { secs, floor_secs, floor, units: ready.units, bytes: ready.bytes })
}

fn once(work: &mut Job<'_>) -> Result<f64, CliError> {
    let began = Instant::now();
    work()?;
    Ok(began.elapsed().as_secs_f64())
}

/// Of ascending numbers, at least one.
fn median(sorted: &[f64]) -> f64 {
    let n = sorted.len();
    if n % 2 == 1 { sorted[n / 2] } else { f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_repeated_and_the_middle_told() {
        let mut runs = 0;
        let mut floors = 0;
        {
            let work: Job<'_> = Box::new(|| {
                runs += 1;
                std::thread::sleep(std::time::Duration::from_millis(1));
                Ok(())
            });
            let floor: Job<'_> = Box::new(|| {
                floors += 1;
                Ok(())
            });
            let mut ready = Ready { work, floor: Some(("nothing", floor)), beyond_floor: None, units: 5, bytes: 7 };
            let taken = time(&mut ready, 3).unwrap();
            assert_eq!((taken.secs.len(), taken.units, taken.bytes), (9, 5, 7));
            assert!(taken.secs.is_sorted() && taken.median() >= 0.001 && taken.over_floor().unwrap() > 1.0);
        }
        assert_eq!((runs, floors), (10, 9));
        assert_eq!((median(&[1.0, 2.0, 9.0]), median(&[1.0, 2.0])), (2.0, 1.5));
    }
}
