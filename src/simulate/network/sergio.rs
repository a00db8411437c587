//! The pair of tables in which SERGIO (Dibaeinia and Sinha 2020, Cell Systems 11:252) describes a network.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::data::{GeneId, GeneIndex};
use crate::simulate::SimulateError;

/// One regulator acting on one target through a Hill function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HillLink {
    /// The regulator.
    pub source: GeneId,
    /// The gene acted on.
    pub target: GeneId,
    /// Production of the target when the regulator is saturated, in levels per hour; below 0 for a repressor, whose
    /// production of -`strength` ends as the repressor rises.
    pub strength: f64,
    /// Hill coefficient.
    pub hill: f64,
}

/// A network of Hill links whose master regulators are made at a rate that depends on the cell type.
#[derive(Debug, Clone)]
pub struct HillNetwork {
    /// The genes.
    pub genes: Arc<GeneIndex>,
    /// The links, at most one per ordered pair.
    pub links: Vec<HillLink>,
    /// The master regulators with their rates, levels per hour, one per cell type. They have no regulators.
    pub masters: Vec<(GeneId, Vec<f64>)>,
}

impl HillNetwork {
    /// Reads SERGIO's pair of tables: `targets` with lines `target,n,regulator x n,strength x n,hill x n` and `masters` with
    /// lines `regulator,rate x types`. Genes are whole numbers from 0, possibly written as `3.0`, and become `G3`.
    ///
    /// # Errors
    /// [`SimulateError::Network`] with the table and the line.
    pub fn parse_sergio(targets: (&str, &str), masters: (&str, &str)) -> Result<Self, SimulateError> {
        let mut rows = Rows::default();
        numbers(targets).try_for_each(|row| rows.target(&row?))?;
        numbers(masters).try_for_each(|row| rows.master(&row?))?;
        rows.finish(targets.1)
    }

    /// Number of cell types; 1 where there is no master regulator.
    pub fn n_types(&self) -> usize {
        self.masters.first().map_or(1, |(_, rates)| rates.len())
    }
}

/// A line of numbers and where it stands.
struct Row<'a> {
    table: &'a str,
    line: usize,
    text: &'a str,
    values: Vec<f64>,
}

impl Row<'_> {
    fn wrong(&self, expected: &'static str, got: impl Into<String>) -> SimulateError {
        SimulateError::Network { table: self.table.to_owned(), line: self.line, expected, got: got.into() }
    }

    fn gene(&self, value: f64) -> Result<u32, SimulateError> {
        let whole = value.fract() == 0.0 && (0.0..f64::from(u32::MAX)).contains(&value);
        if whole { Ok(value as u32) } else { Err(self.wrong("genes as whole numbers from 0", value.to_string())) }
    }
}

/// The lines of a table (text, name), empty ones left out.
fn numbers<'a>((text, table): (&'a str, &'a str)) -> impl Iterator<Item = Result<Row<'a>, SimulateError>> {
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(move |(at, text)| {
        let mut row = Row { table, line: at + 1, text, values: Vec::new() };
        for field in text.split(',') {
            match field.trim().parse::<f64>() {
                Ok(value) if value.is_finite() => row.values.push(value),
                _ => return Err(row.wrong("numbers separated by commas", format!("`{field}`"))),
            }
        }
        Ok(row)
    })
}

#[derive(Default)]
struct Rows {
    /// Links by target: (regulator, strength, hill).
    targets: BTreeMap<u32, Vec<(u32, f64, f64)>>,
    masters: BTreeMap<u32, Vec<f64>>,
    /// First line that names a gene as a regulator.
    named: BTreeMap<u32, usize>,
}

impl Rows {
    fn target(&mut self, row: &Row<'_>) -> Result<(), SimulateError> {
        let wanted = "target,n, then n regulators, n strengths and n Hill coefficients, n at least 1";
        let n = match row.values.get(1) {
            Some(&n) if n >= 1.0 && n.fract() == 0.0 && row.values.len() as f64 == 2.0 + 3.0 * n => n as usize,
            _ => return Err(row.wrong(wanted, format!("{} numbers: `{}`", row.values.len(), row.text))),
        };
        let target = row.gene(row.values[0])?;
        let mut links = Vec::with_capacity(n);
        for k in 0..n {
            let (source, strength, hill) =
                (row.gene(row.values[2 + k])?, row.values[2 + n + k], row.values[2 + 2 * n + k]);
            if strength == 0.0 || hill <= 0.0 {
                let got = format!("strength {strength}, coefficient {hill}");
                return Err(row.wrong("strengths other than 0 and Hill coefficients above 0", got));
            }
            if links.iter().any(|(j, _, _)| *j == source) {
                return Err(row.wrong("each regulator once", format!("{source} twice")));
            }
            self.named.entry(source).or_insert(row.line);
            links.push((source, strength, hill));
        }
        match self.targets.insert(target, links) {
            Some(_) => Err(row.wrong("each target on one line", format!("{target} again"))),
            None => Ok(()),
        }
    }

    fn master(&mut self, row: &Row<'_>) -> Result<(), SimulateError> {
        let gene = row.gene(row.values[0])?;
        let rates = row.values[1..].to_vec();
        if rates.is_empty() || rates.iter().any(|rate| *rate < 0.0) || rates.iter().all(|rate| *rate == 0.0) {
            return Err(row.wrong("regulator and its rates, at least 0 and not all 0", row.text));
        }
        if self.masters.values().next().is_some_and(|first| first.len() != rates.len()) {
            return Err(row.wrong("as many rates as on the first line", format!("{} rates", rates.len())));
        }
        if self.targets.contains_key(&gene) {
            return Err(row.wrong("master regulators, which are no targets", format!("{gene}, a target")));
        }
        match self.masters.insert(gene, rates) {
            Some(_) => Err(row.wrong("each regulator on one line", format!("{gene} again"))),
            None => Ok(()),
        }
    }

    fn finish(self, table: &str) -> Result<HillNetwork, SimulateError> {
        let known = |gene: &u32| self.targets.contains_key(gene) || self.masters.contains_key(gene);
        if let Some((gene, &line)) = self.named.iter().find(|(gene, _)| !known(gene)) {
            let expected = "regulators that are targets themselves or have rates in the other table";
            return Err(SimulateError::Network { table: table.to_owned(), line, expected, got: gene.to_string() });
        }
        let mut ids: Vec<u32> = self.targets.keys().chain(self.masters.keys()).copied().collect();
        ids.sort_unstable();
        let of = |gene: u32| GeneId(ids.partition_point(|&id| id < gene) as u32);
        let links = self.targets.iter().flat_map(|(&target, links)| {
            let link = move |&(source, strength, hill): &(u32, f64, f64)| (target, source, strength, hill);
            links.iter().map(link)
        });
        let link =
            |(target, source, strength, hill)| HillLink { source: of(source), target: of(target), strength, hill };
        Ok(HillNetwork {
            genes: Arc::new(GeneIndex::new(ids.iter().map(|id| format!("G{id}")))?),
            links: links.map(link).collect(),
            masters: self.masters.iter().map(|(&gene, rates)| (of(gene), rates.clone())).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(targets: &str, masters: &str) -> Result<HillNetwork, SimulateError> {
        HillNetwork::parse_sergio((targets, "targets.csv"), (masters, "regs.csv"))
    }

    #[test]
    fn whole_numbers_may_be_written_as_floats() {
        let network = parse("2,1,0,1.5,2\n7.0,2.0,2.0,0.0,3.0,-2.5,2.0,1.0\n", "0.0,0.5,0.75\n").unwrap();
        assert_eq!(network.genes.names().iter().map(|n| &**n).collect::<Vec<_>>(), ["G0", "G2", "G7"]);
        let link = |source, target, strength, hill| HillLink {
            source: GeneId(source),
            target: GeneId(target),
            strength,
            hill,
        };
        assert_eq!(network.links, [link(0, 1, 1.5, 2.0), link(1, 2, 3.0, 2.0), link(0, 2, -2.5, 1.0)]);
        assert_eq!((network.masters.len(), network.n_types()), (1, 2));
        assert_eq!(network.masters[0], (GeneId(0), vec![0.5, 0.75]));
    }

    #[test]
    fn wrong_lines_are_named() {
        let t = |targets: &str, masters: &str, table: &str, line: usize| match parse(targets, masters) {
            Err(SimulateError::Network { table: t, line: l, .. }) => assert_eq!((t.as_str(), l), (table, line)),
            other => panic!("{other:?}"),
        };
        t("1,1,0,x,2\n", "0,1\n", "targets.csv", 1);
        t("1,1,0,2,2\n\n2,2,0,1,2,2\n", "0,1\n", "targets.csv", 3);
        t("1,0\n", "0,1\n", "targets.csv", 1);
        t("1,1,0.5,2,2\n", "0,1\n", "targets.csv", 1);
        t("1,1,0,0,2\n", "0,1\n", "targets.csv", 1);
        t("1,1,0,2,0\n", "0,1\n", "targets.csv", 1);
        t("1,2,0,0,2,2,2,2\n", "0,1\n", "targets.csv", 1);
        t("1,1,0,2,2\n1,1,0,2,2\n", "0,1\n", "targets.csv", 2);
        t("1,1,0,2,2\n2,1,3,2,2\n", "0,1\n", "targets.csv", 2);
        t("1,1,0,2,2\n", "0,1\n0,2\n", "regs.csv", 2);
        t("1,1,0,2,2\n", "0,1\n2,2,3\n", "regs.csv", 2);
        t("1,1,0,2,2\n", "0,1\n1,2\n", "regs.csv", 2);
        t("1,1,0,2,2\n", "0\n", "regs.csv", 1);
        t("1,1,0,2,2\n", "0,-1\n", "regs.csv", 1);
        t("1,1,0,2,2\n", "0,0,0\n", "regs.csv", 1);
    }
}
