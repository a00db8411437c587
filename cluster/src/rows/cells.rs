//! One made-up cell at a time.

use grn::stats::Rng;

use super::RowsOptions;

/// Tokens below this stand for no gene; 1 is the marker.
pub(super) const FIRST_TOKEN: i64 = 3;
const MARKER: i64 = 1;
/// One cell in this many is a control.
const CONTROLS: u64 = 10;
const PLATES: u64 = 4;

/// Makes cells: expression differs by cell line, and each drug raises some genes.
#[derive(Debug)]
pub struct CellMaker {
    options: RowsOptions,
    /// Mean distance to the next expressed gene, lines x genes.
    gaps: Vec<f32>,
    /// Count of 16 random bits.
    counts: Vec<f32>,
}

/// A made-up cell.
#[derive(Debug, Clone)]
pub struct MadeCell {
    /// Tokens, ascending but for the marker.
    pub tokens: Vec<i64>,
    /// Counts, that of the marker below 0.
    pub counts: Vec<f32>,
    /// `DMSO_TF` or `Drug 7`.
    pub drug: String,
    /// Plate and drug.
    pub sample: String,
    /// `CVCL_0003`.
    pub line: String,
    /// `plate2`.
    pub plate: String,
}

impl CellMaker {
    /// A maker of such cells.
    pub fn new(options: &RowsOptions) -> Self {
        let mean = f64::from(options.genes) / f64::from(options.genes_per_cell.max(1));
        let gap = |line: u32, gene: u32| {
            let mut rng = Rng::keyed(options.seed, "gaps", u64::from(line), u64::from(gene));
            (mean * (0.2 + 1.6 * rng.uniform())).max(1.0) as f32
        };
        let gaps = (0..options.lines.max(1)).flat_map(|l| (0..options.genes).map(move |g| (l, g)));
        // A few genes have large counts, most have one: 1 + floor of a Pareto draw.
        let count = |bits: u32| (1.0 + (1.0 - f64::from(bits) / 65536.0).powf(-0.7) - 1.0).floor().max(1.0) as f32;
        Self {
            options: *options,
            gaps: gaps.map(|(l, g)| gap(l, g)).collect(),
            counts: (0..1 << 16).map(count).collect(),
        }
    }

    /// The cell of this number.
    pub fn cell(&self, row: u64) -> MadeCell {
        let o = &self.options;
        let mut rng = Rng::keyed(o.seed, "cells", row, 0);
        let line = rng.below(o.lines.max(1) as usize) as u64;
        let drug = if rng.below(CONTROLS as usize) == 0 { 0 } else { rng.below(o.drugs.max(1) as usize) as u64 };
        let plate = row / o.shard_rows.max(1) % PLATES;
        let (tokens, counts) = self.expression(row, line, drug, &mut rng);
        MadeCell {
            tokens,
            counts,
            drug: if drug == 0 { "DMSO_TF".into() } else { format!("Drug {drug}") },
            sample: format!("smp_{plate}_{drug:03}"),
            line: format!("CVCL_{line:04}"),
            plate: format!("plate{plate}"),
        }
    }

    fn expression(&self, row: u64, line: u64, drug: u64, rng: &mut Rng) -> (Vec<i64>, Vec<f32>) {
        let o = &self.options;
        let most = 2 * o.genes_per_cell as usize;
        let (mut tokens, mut counts) = (Vec::with_capacity(most), Vec::with_capacity(most));
        if row % 4 != 3 {
            tokens.push(MARKER);
            counts.push(-2.0);
        }
        let gaps = &self.gaps[line as usize * o.genes as usize..][..o.genes as usize];
        let mut gene = rng.below(o.genes as usize / o.genes_per_cell.max(1) as usize + 1);
        while gene < gaps.len() {
            let bits = rng.next_u32();
            let raised = drug > 0 && (gene as u64 * 31 + drug * 17).is_multiple_of(23);
            let count = self.counts[(bits & 0xffff) as usize] * if raised { 3.0 } else { 1.0 };
            tokens.push(gene as i64 + FIRST_TOKEN);
            counts.push(count);
            gene += 1 + (2.0 * gaps[gene] * (bits >> 16) as f32 / 65536.0) as usize;
        }
        if row % 50 == 7 {
            // A gene that the table does not have.
            tokens.push(i64::from(o.genes) + FIRST_TOKEN + 5);
            counts.push(1.0);
        }
        (tokens, counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_of_the_shape_of_the_real_ones() {
        let options = RowsOptions::default();
        let maker = CellMaker::new(&options);
        let cells: Vec<MadeCell> = (0..2000).map(|row| maker.cell(row)).collect();
        let entries: usize = cells.iter().map(|c| c.tokens.len()).sum();
        assert!((150..250).contains(&(entries / cells.len())), "{}", entries / cells.len());
        for cell in &cells {
            let genes = &cell.tokens[usize::from(cell.tokens.first() == Some(&MARKER))..];
            assert!(genes.windows(2).all(|w| w[0] < w[1]) && genes.iter().all(|t| *t >= FIRST_TOKEN));
            assert_eq!(cell.tokens.len(), cell.counts.len());
        }
        assert_eq!(cells.iter().filter(|c| c.tokens[0] == MARKER).count(), 1500);
        let controls = cells.iter().filter(|c| c.drug == "DMSO_TF").count();
        assert!((150..350).contains(&controls), "{controls}");
        let again = maker.cell(77);
        assert_eq!((again.tokens, again.counts), (cells[77].tokens.clone(), cells[77].counts.clone()));
    }
}
