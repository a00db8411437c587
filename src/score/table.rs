//! Tables as cell-eval and pdex write them.

use std::io::{self, Write};

use super::{Ceiling, DeRow, Scorecard};

/// Writes `results.csv`: one row per perturbation, one column per metric; missing values are empty.
pub fn write_results(card: &Scorecard, out: &mut dyn Write) -> io::Result<()> {
    let columns: Vec<Column<'_>> = card.rows.iter().map(|r| (r.metric.name, r.values.as_slice())).collect();
    write_columns(&card.labels, &columns, out)
}

/// Writes `agg_results.csv`: count, null_count, mean, std, min, quartiles, max of every metric.
pub fn write_aggregate(card: &Scorecard, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(std::iter::once("statistic").chain(card.rows.iter().map(|r| r.metric.name)))?;
    let columns: Vec<[(&str, f64); 9]> = card.rows.iter().map(|r| r.summary.rows()).collect();
    for k in 0..columns.first().map_or(0, |c| c.len()) {
        let values = columns.iter().map(|c| number(c[k].1));
        csv.write_record(std::iter::once(columns[0][k].0.to_owned()).chain(values))?;
    }
    csv.flush()
}

/// Writes `ceiling_results.csv`: one half of the cells scored against the other, one row per perturbation.
pub fn write_ceiling_results(ceiling: &Ceiling, out: &mut dyn Write) -> io::Result<()> {
    let columns: Vec<Column<'_>> = ceiling.rows.iter().map(|r| (r.metric.name, r.values.as_slice())).collect();
    write_columns(&ceiling.labels, &columns, out)
}

/// Writes `agg_ceiling_results.csv`: one row, one column per metric; NaN where there is no ceiling.
pub fn write_ceiling(ceiling: &Ceiling, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(ceiling.rows.iter().map(|r| r.metric.name))?;
    csv.write_record(ceiling.rows.iter().map(|r| number(r.ceiling.unwrap_or(f64::NAN))))?;
    csv.flush()
}

/// Name and values per perturbation.
type Column<'a> = (&'a str, &'a [Option<f64>]);

fn write_columns(labels: &[String], columns: &[Column<'_>], out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(std::iter::once("perturbation").chain(columns.iter().map(|c| c.0)))?;
    for (i, label) in labels.iter().enumerate() {
        let value = |v: Option<f64>| v.map_or(String::new(), number);
        csv.write_record(std::iter::once(label.clone()).chain(columns.iter().map(|c| value(c.1[i]))))?;
    }
    csv.flush()
}

/// Writes differential expression with the columns of pdex 0.3.0, separated by `delimiter`.
pub fn write_de<'a>(rows: impl Iterator<Item = DeRow<'a>>, delimiter: u8, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::WriterBuilder::new().delimiter(delimiter).from_writer(out);
    csv.write_record([
        "target",
        "feature",
        "target_mean",
        "ref_mean",
        "target_membership",
        "ref_membership",
        "log2_fold_change",
        "percent_change",
        "p_value",
        "statistic",
        "fdr",
    ])?;
    for row in rows {
        csv.write_field(row.target)?;
        csv.write_field(row.feature)?;
        csv.write_field(format!("{:?}", row.target_mean as f32))?;
        csv.write_field(format!("{:?}", row.reference_mean as f32))?;
        csv.write_field(row.n_target.to_string())?;
        csv.write_field(row.n_reference.to_string())?;
        for value in [row.log2_fold_change, row.percent_change, row.p, row.statistic, row.fdr] {
            csv.write_field(number(value))?;
        }
        csv.write_record(None::<&[u8]>)?;
    }
    csv.flush()
}

/// The shortest text that reads back as the same number.
fn number(value: f64) -> String {
    format!("{value:?}")
}
