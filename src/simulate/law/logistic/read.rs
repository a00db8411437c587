//! The pair of tables that a published network consists of.

use std::sync::Arc;

use super::Logistic;
use crate::data::GeneIndex;
use crate::simulate::SimulateError;

impl Logistic {
    /// Reads two tables separated by tabs, each with a header line: `edges` has the columns source, target and beta,
    /// genes being counted from 0; `nodes` has the columns alpha and lambda, one line per gene. The genes are named G0,
    /// G1, ... The names of the tables are for messages.
    ///
    /// # Errors
    /// [`SimulateError::Network`] with the line, and as [`Logistic::new`].
    pub fn parse(edges: &str, edge_table: &str, nodes: &str, node_table: &str) -> Result<Self, SimulateError> {
        let (mut alpha, mut decay) = (Vec::new(), Vec::new());
        for row in rows(nodes, node_table, 2, "alpha and lambda separated by a tab") {
            let row = row?;
            alpha.push(row.number(0, "a finite number")?);
            decay.push(row.number(1, "a finite number")?);
        }
        let genes = Arc::new(GeneIndex::new((0..alpha.len()).map(|gene| format!("G{gene}")))?);
        let (mut ends, mut betas) = (Vec::new(), Vec::new());
        for row in rows(edges, edge_table, 3, "source, target and beta separated by tabs") {
            let row = row?;
            ends.push((row.gene(0, alpha.len())?, row.gene(1, alpha.len())?));
            betas.push(row.number(2, "a finite number")?);
        }
        Self::of_edges(genes, &ends, &betas, alpha, decay)
    }
}

/// One line of a table.
struct Row<'a> {
    table: &'a str,
    line: usize,
    fields: Vec<&'a str>,
}

/// The lines after the header that are not empty, each with at least this many fields.
fn rows<'a>(
    text: &'a str,
    table: &'a str,
    n: usize,
    expected: &'static str,
) -> impl Iterator<Item = Result<Row<'a>, SimulateError>> {
    text.lines().enumerate().skip(1).filter(|(_, line)| !line.is_empty()).map(move |(at, line)| {
        let row = Row { table, line: at + 1, fields: line.split('\t').collect() };
        if row.fields.len() < n { Err(row.wrong(expected, line)) } else { Ok(row) }
    })
}

impl Row<'_> {
    fn wrong(&self, expected: &'static str, got: &str) -> SimulateError {
        SimulateError::Network { table: self.table.to_owned(), line: self.line, expected, got: format!("`{got}`") }
    }

    fn number(&self, k: usize, expected: &'static str) -> Result<f64, SimulateError> {
        let value = self.fields[k].trim().parse().ok().filter(|x: &f64| x.is_finite());
        value.ok_or_else(|| self.wrong(expected, self.fields[k]))
    }

    fn gene(&self, k: usize, n: usize) -> Result<u32, SimulateError> {
        let gene = self.fields[k].trim().parse().ok().filter(|&g: &u32| (g as usize) < n);
        gene.ok_or_else(|| self.wrong("the position of a line of the node table, counted from 0", self.fields[k]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_named() {
        let t = |edges: &str, nodes: &str, expected: &str| {
            let error = Logistic::parse(&format!("h\n{edges}"), "e", &format!("h\n{nodes}"), "n").unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        let nodes = "0\t1\n0\t1\n";
        t("0\t1\n", nodes, "network `e`, line 2: expected source, target and beta separated by tabs, got `0\t1`");
        t("0\t1\tx\n", nodes, "network `e`, line 2: expected a finite number, got `x`");
        t(
            "0\t1\t1\n0\t2\t1\n",
            nodes,
            "network `e`, line 3: expected the position of a line of the node table, counted from 0, got `2`",
        );
        t("", "0\tinf\n", "network `n`, line 2: expected a finite number, got `inf`");
        t("", "0\t0\n", "`lambda`: expected a finite number above 0, got 0");
    }
}
