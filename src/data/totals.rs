//! Totals of cells, counted: their median without a list of all cells.

use std::collections::BTreeMap;

/// How many cells have each total. Totals of counts are whole numbers, so there are few distinct ones however many cells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// Cells by the bits of their total: those of positive numbers ascend with the numbers.
    cells: BTreeMap<u64, u64>,
    n: u64,
}

impl Totals {
    /// Counts a cell; one without counts, or without a number, does not count. O(log distinct totals).
    pub fn add(&mut self, total: f64) {
        if total > 0.0 {
            *self.cells.entry(total.to_bits()).or_default() += 1;
            self.n += 1;
        }
    }

    /// The median: the mean of the two in the middle where their number is even; `None` without cells.
    ///
    /// ```
    /// let mut totals = grn::data::Totals::default();
    /// [3.0, 0.0, 1.0, 2.0, 2.5].into_iter().for_each(|t| totals.add(t));
    /// assert_eq!(totals.median(), Some(2.25));
    /// ```
    pub fn median(&self) -> Option<f64> {
        let upper = self.at(self.n / 2)?;
        Some(if self.n % 2 == 1 { upper } else { f64::midpoint(self.at(self.n / 2 - 1)?, upper) })
    }

    /// The total at this place in ascending order.
    fn at(&self, place: u64) -> Option<f64> {
        let mut before = 0;
        self.cells.iter().find_map(|(&bits, &n)| {
            before += n;
            (place < before).then(|| f64::from_bits(bits))
        })
    }
}
