//! Gene names of a file: symbols before identifiers, unique, with the aliases the user gives.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use super::annotation::Annotation;
use super::{IoError, text::open_text};
use crate::data::GeneIndex;
use crate::error::Notice;

/// The genes of a file.
pub(super) struct GeneNames {
    /// Unique names with aliases.
    pub(super) genes: Arc<GeneIndex>,
    /// Names that the file gives more than once.
    pub(super) repeated: Vec<String>,
    /// What was done.
    pub(super) notices: Vec<Notice>,
}

/// Columns of `var` that hold symbols where the index holds identifiers.
const SYMBOL_COLUMNS: [&str; 7] =
    ["gene_symbols", "gene_symbol", "gene_name", "feature_name", "symbol", "gene_names", "gene_short_name"];

/// The gene names of a `var` table: its index, or its column of symbols where the index holds Ensembl identifiers.
pub(super) fn gene_names(index: Vec<String>, var: &Annotation) -> Result<(Vec<String>, Vec<Notice>), IoError> {
    let index: Vec<String> = index.into_iter().map(|name| name.trim().to_owned()).collect();
    if !mostly_identifiers(&index) {
        return Ok((index, Vec::new()));
    }
    let Some(column) = SYMBOL_COLUMNS.iter().find(|c| var.has(c)) else {
        let notice = "genes are named by Ensembl identifiers and `var` has no column of symbols; priors use symbols: \
                      give `--aliases FILE` (TSV: alias, gene)";
        return Ok((index, vec![Notice::new(notice)]));
    };
    let symbols = var.text(column)?;
    let (names, notice) = symbols_or_ids(symbols, &index, &format!("column `{column}`"));
    Ok((names, vec![notice]))
}

/// Symbols where there are any, else identifiers; says so.
pub(super) fn symbols_or_ids(symbols: Vec<String>, ids: &[String], source: &str) -> (Vec<String>, Notice) {
    let without = symbols.iter().filter(|s| s.trim().is_empty()).count();
    let pick = |(s, id): (String, &String)| if s.trim().is_empty() { id.clone() } else { s.trim().to_owned() };
    let names = symbols.into_iter().zip(ids).map(pick).collect();
    let rest = if without == 0 { String::new() } else { format!("; {without} without a symbol keep their identifier") };
    (names, Notice::new(format!("genes are named by the symbols of {source}, not by Ensembl identifiers{rest}")))
}

/// A list of genes: the first column of a table without header, separated by commas; empty lines are skipped.
///
/// # Errors
/// [`IoError`] for a file that cannot be read.
pub fn read_gene_list(path: &Path) -> Result<Vec<String>, IoError> {
    let text = open_text(path)?;
    let mut table = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let wrong = |e: csv::Error| IoError::format(path, "", "a table separated by commas", e.to_string());
    table.records().map(|row| Ok(row.map_err(wrong)?.get(0).unwrap_or_default().trim().to_owned())).collect()
}

/// Whether most names look like Ensembl gene identifiers.
fn mostly_identifiers(names: &[String]) -> bool {
    let looks_so = |n: &&String| n.starts_with("ENS") && n.len() >= 15 && n[3..].bytes().any(|b| b.is_ascii_digit());
    2 * names.iter().filter(looks_so).count() > names.len()
}

/// A table of other names: alias -> gene.
///
/// Layouts: two columns alias and gene (a header is recognised by naming neither gene nor alias of use), and STRING's
/// `protein.info` (id, preferred name, ...) and `protein.aliases` (id, alias, source). Of the latter, all names of one
/// protein lead to those of them that are `known` genes.
///
/// # Errors
/// [`IoError::Format`] with the line where there are fewer than two columns.
pub(super) fn read_aliases(path: &Path, known: impl Fn(&str) -> bool) -> Result<Vec<(String, String)>, IoError> {
    let mut pairs = Vec::new();
    let mut by_protein: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut string_layout = false;
    for (number, line) in open_text(path)?.lines().enumerate() {
        let line = line.map_err(|e| IoError::read(path, e))?;
        let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
        let first_line = number == 0;
        string_layout |=
            first_line && (line.starts_with("#string_protein_id") || line.starts_with("string_protein_id"));
        if line.trim().is_empty() || line.starts_with('#') || (first_line && (string_layout || is_header(&fields))) {
            continue;
        }
        let [alias, gene, ..] = fields[..] else {
            let at = format!("line {}", number + 1);
            return Err(IoError::format(path, at, "two columns separated by a tab: alias, gene", format!("`{line}`")));
        };
        if string_layout {
            by_protein.entry(alias.to_owned()).or_default().push(gene.to_owned());
        }
        pairs.push((alias.to_owned(), gene.to_owned()));
    }
    // All names of one protein lead to those of them that are genes of the file.
    for names in by_protein.values() {
        for gene in names.iter().filter(|name| known(name)) {
            pairs.extend(names.iter().filter(|name| *name != gene).map(|name| (name.clone(), gene.clone())));
        }
    }
    Ok(pairs)
}

fn is_header(fields: &[&str]) -> bool {
    fields.first().is_some_and(|f| ["alias", "name", "synonym"].contains(&f.to_ascii_lowercase().as_str()))
}

/// An index of unique names with the aliases of a table.
pub(super) fn build_index(names: &[String], aliases: Option<&Path>) -> Result<GeneNames, IoError> {
    let (mut genes, mut notices) = GeneIndex::new_unique(names);
    if let Some(path) = aliases {
        let pairs = read_aliases(path, |name| genes.id(name).is_some())?;
        let added = genes.add_aliases(pairs);
        notices.push(Notice::new(format!("{added} other gene names taken from `{}`", path.display())));
    }
    Ok(GeneNames { genes: Arc::new(genes), repeated: repeated(names), notices })
}

/// Names that occur more than once, sorted.
fn repeated(names: &[String]) -> Vec<String> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    let mut twice: Vec<String> = sorted.windows(2).filter(|w| w[0] == w[1]).map(|w| w[0].clone()).collect();
    twice.dedup();
    twice
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aliases(text: &str, known: &[&str]) -> Vec<(String, String)> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("aliases.tsv");
        std::fs::write(&path, text).unwrap();
        read_aliases(&path, |name| known.contains(&name)).unwrap()
    }

    fn pair(alias: &str, gene: &str) -> (String, String) {
        (alias.to_owned(), gene.to_owned())
    }

    #[test]
    fn a_table_of_aliases_is_read() {
        assert_eq!(aliases("alias\tgene\nVEGFR3\tFLT4\n\n", &[]), [pair("VEGFR3", "FLT4")]);
        assert_eq!(aliases("VEGFR3\tFLT4\n", &[]), [pair("VEGFR3", "FLT4")]);
    }

    #[test]
    fn names_of_one_string_protein_reach_its_gene() {
        let text = "#string_protein_id\talias\tsource\n9606.P1\tFLT4\tE\n9606.P1\tVEGFR3\tE\n9606.P2\tKDR\tE\n";
        let got = aliases(text, &["FLT4"]);
        assert!(got.contains(&pair("VEGFR3", "FLT4")) && got.contains(&pair("9606.P1", "FLT4")), "{got:?}");
        assert!(!got.contains(&pair("FLT4", "VEGFR3")), "{got:?}");
        let info = "#string_protein_id\tpreferred_name\tprotein_size\tannotation\n9606.P1\tFLT4\t1363\tkinase\n";
        assert_eq!(aliases(info, &["FLT4"])[0], pair("9606.P1", "FLT4"));
    }

    #[test]
    fn a_row_of_one_column_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("aliases.tsv");
        std::fs::write(&path, "A\tB\nC\n").unwrap();
        let said = read_aliases(&path, |_| true).unwrap_err().to_string();
        assert!(said.contains("line 2: expected two columns separated by a tab"), "{said}");
    }
}
