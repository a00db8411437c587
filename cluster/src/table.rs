//! From the states of groups to a [`Pseudobulk`].

use std::sync::Arc;
use std::time::Instant;

use datafusion::arrow::array::{AsArray, LargeBinaryArray, RecordBatch};
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::datatypes::{Float64Type, Int64Type};
use datafusion::error::DataFusionError;
use datafusion::prelude::{DataFrame, SessionContext};
use grn::data::{Condition, Moments, Perturbation, Pseudobulk, Quantity, TargetSum};
use grn::io::TokenTable;
use ndarray::Array2;

use crate::ClusterError;
use crate::plan::{LABELS, MOMENTS, Question};
use crate::sums::State;
use crate::tokens::KnownTokens;

/// The state of one group.
#[derive(Debug, Clone)]
pub struct Group {
    /// Perturbation, cell type and batch; empty where the question does not ask for them.
    pub labels: [String; 3],
    /// As [`State::read`] reads it.
    pub state: Buffer,
}

/// What an engine answered: groups in the order of their labels.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The groups.
    pub groups: Vec<Group>,
    /// The total to which counts were scaled; 0: not scaled.
    pub target: f64,
    /// Seconds of the query for the median total (0 without one) and of the query for the moments.
    pub secs: [f64; 2],
}

/// Asks an engine.
///
/// # Errors
/// [`ClusterError::MissingColumn`], [`ClusterError::NoCells`], [`ClusterError::Query`] with what the engine says.
pub async fn ask(context: &SessionContext, question: &Question, engine: &str) -> Result<Answer, ClusterError> {
    let failed = |e: DataFusionError| ClusterError::Query { engine: engine.to_owned(), source: Box::new(e) };
    let rows = question.rows(context, engine).await?;
    let start = Instant::now();
    let target = match question.target_sum {
        TargetSum::None => 0.0,
        TargetSum::Fixed(sum) => sum,
        TargetSum::Median => {
            let totals = question.totals(rows.clone()).map_err(failed)?.collect().await.map_err(failed)?;
            median(&totals).unwrap_or(1.0)
        }
    };
    let first = start.elapsed().as_secs_f64();
    let groups = groups(question.moments(rows, target).map_err(failed)?, question).await.map_err(failed)?;
    if groups.is_empty() {
        return Err(ClusterError::NoCells { column: question.pert_col.clone() });
    }
    Ok(Answer { groups, target, secs: [first, start.elapsed().as_secs_f64() - first] })
}

async fn groups(query: DataFrame, question: &Question) -> Result<Vec<Group>, DataFusionError> {
    let mut groups = Vec::new();
    for batch in query.collect().await? {
        let labels = [true, question.celltype_col.is_some(), question.batch_col.is_some()];
        let column = |name: &str| batch.column_by_name(name).cloned();
        let labels = labels.iter().zip(LABELS).map(|(given, name)| column(name).filter(|_| *given));
        let labels: Vec<_> = labels.collect();
        let states = column(MOMENTS).ok_or_else(|| DataFusionError::Internal("an answer without moments".into()))?;
        for row in 0..batch.num_rows() {
            let text = |k: usize| labels[k].as_ref().map_or("", |c| c.as_string::<i32>().value(row)).to_owned();
            groups.push(Group { labels: [text(0), text(1), text(2)], state: bytes(states.as_binary(), row) });
        }
    }
    groups.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(groups)
}

/// A value of a column, not copied.
fn bytes(column: &LargeBinaryArray, row: usize) -> Buffer {
    let ends = column.value_offsets();
    let (start, end) = (ends[row] as usize, ends[row + 1] as usize);
    column.values().slice_with_length(start, end - start)
}

/// The median of totals given with how many cells have each: mean of the middle two for an even number.
fn median(batches: &[RecordBatch]) -> Option<f64> {
    let mut totals: Vec<(f64, i64)> = Vec::new();
    for batch in batches {
        let (values, cells) =
            (batch.column(0).as_primitive::<Float64Type>(), batch.column(1).as_primitive::<Int64Type>());
        totals.extend(values.values().iter().copied().zip(cells.values().iter().copied()));
    }
    totals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n: i64 = totals.iter().map(|(_, cells)| cells).sum();
    let at = |rank: i64| {
        let mut before = 0;
        totals.iter().find(|(_, cells)| {
            before += cells;
            rank < before
        })
    };
    Some(f64::midpoint(at((n - 1) / 2)?.0, at(n / 2)?.0))
}

impl Answer {
    /// Number of cells.
    pub fn n_cells(&self) -> u64 {
        self.states().map(|state| state.n_cells).sum()
    }

    /// Number of counts above zero of known genes.
    pub fn n_values(&self) -> u64 {
        self.states().map(|state| state.entries().map(|(_, s)| u64::from(s.above_zero)).sum::<u64>()).sum()
    }

    fn states(&self) -> impl Iterator<Item = State<'_>> {
        self.groups.iter().filter_map(|group| State::read(&group.state))
    }

    /// The largest difference of a mean, variance, third moment or fraction between two answers, relative to the larger
    /// value (or absolute below 1); `None` where groups, cells or genes differ.
    ///
    /// # Complexity
    /// O(groups x genes).
    pub fn difference(&self, other: &Self) -> Option<f64> {
        if self.groups.len() != other.groups.len() {
            return None;
        }
        let mut largest = 0.0f64;
        for (a, b) in self.groups.iter().zip(&other.groups) {
            let (x, y) = (State::read(&a.state)?, State::read(&b.state)?);
            if a.labels != b.labels || x.n_cells != y.n_cells || x.len() != y.len() {
                return None;
            }
            for ((token, x_sums), (other_token, y_sums)) in x.entries().zip(y.entries()) {
                if token != other_token {
                    return None;
                }
                let (p, q) = (x_sums.moments(x.n_cells), y_sums.moments(y.n_cells));
                for (p, q) in [(p.mean, q.mean), (p.var, q.var), (p.third, q.third), (p.fraction, q.fraction)] {
                    largest = largest.max((p - q).abs() / p.abs().max(q.abs()).max(1.0));
                }
            }
        }
        Some(largest)
    }

    /// The table, conditions in the order of perturbation (control first), cell type and batch.
    ///
    /// # Errors
    /// [`ClusterError::NoControl`].
    pub fn table(&self, genes: &TokenTable, control: Option<&str>, column: &str) -> Result<Pseudobulk, ClusterError> {
        let control = find_control(&self.groups, control, column)?;
        let mut rows: Vec<(Condition, State<'_>)> =
            self.groups.iter().zip(self.states()).map(|(group, state)| (condition(group, &control), state)).collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let columns = columns(genes);
        let zeros = || Array2::<f32>::zeros((rows.len(), genes.genes.len()));
        let [mut mean, mut var, mut third, mut fraction] = [zeros(), zeros(), zeros(), zeros()];
        for (i, (_, state)) in rows.iter().enumerate() {
            for (token, sums) in state.entries() {
                let Some(&Some(j)) = columns.get(token as usize) else { continue };
                let m = sums.moments(state.n_cells);
                mean[[i, j]] = m.mean as f32;
                var[[i, j]] = m.var as f32;
                third[[i, j]] = m.third as f32;
                fraction[[i, j]] = m.fraction as f32;
            }
        }
        let table = Pseudobulk {
            genes: Arc::clone(&genes.genes),
            n_cells: rows.iter().map(|(_, state)| state.n_cells).collect(),
            conditions: rows.into_iter().map(|(condition, _)| condition).collect(),
            quantity: Quantity::Level,
            moments: Moments { mean, var: Some(var), third: Some(third), fraction: Some(fraction) },
            halves: None,
            significant: None,
            control_label: control,
        };
        table.check()?;
        Ok(table)
    }
}

fn condition(group: &Group, control: &str) -> Condition {
    let [label, cell_type, batch] = &group.labels;
    // Names of drugs may have any sign in them: a label is one perturbation.
    let perturbation = if label == control { Perturbation::control() } else { Perturbation::of([label]) };
    let given = |text: &String| Some(text.as_str()).filter(|t| !t.is_empty()).map(Arc::from);
    Condition { perturbation, cell_type: given(cell_type), batch: given(batch) }
}

/// The label of the control: that which was named, else the one that looks like one.
fn find_control(groups: &[Group], named: Option<&str>, column: &str) -> Result<String, ClusterError> {
    const USUAL: [&str; 6] = ["non-targeting", "non_targeting", "control", "ctrl", "nt", "vehicle"];
    let mut labels: Vec<&str> = groups.iter().map(|group| group.labels[0].as_str()).collect();
    labels.dedup();
    let fits = |label: &&str| match named {
        Some(named) => *label == named,
        None => label.starts_with("DMSO") || USUAL.contains(&label.to_lowercase().as_str()),
    };
    if let [control] = labels.iter().copied().filter(fits).collect::<Vec<&str>>()[..] {
        return Ok(control.to_owned());
    }
    let expected = named.map_or_else(|| "one label such as `DMSO_TF` or `non-targeting`".into(), |n| format!("`{n}`"));
    let labels = labels.iter().take(5).map(|label| format!("`{label}`")).collect();
    Err(ClusterError::NoControl { column: column.to_owned(), expected, labels })
}

/// Column of each token.
fn columns(genes: &TokenTable) -> Vec<Option<usize>> {
    let mut columns = vec![None; KnownTokens::of(genes).end() as usize];
    for (column, &token) in genes.tokens().iter().enumerate() {
        columns[token as usize] = Some(column);
    }
    columns
}
