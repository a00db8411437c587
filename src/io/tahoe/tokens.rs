//! Which gene each token stands for.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crate::data::GeneIndex;
use crate::error::Notice;
use crate::io::parquet::ParquetTable;
use crate::io::prior::table::Head;
use crate::io::{Column, IoError};

const SYMBOL: &[&str] = &["gene_symbol", "gene_name", "symbol", "gene"];
const ENSEMBL: &[&str] = &["ensembl_id", "gene_id", "ensembl"];
const TOKEN: &[&str] = &["token_id", "token", "id"];
/// Tokens above this are taken for a damaged table.
const LARGEST: i64 = 1 << 24;
const ABSENT: u32 = u32::MAX;

/// Genes and their tokens: `gene_metadata` of Tahoe-100M.
#[derive(Debug, Clone)]
pub struct TokenTable {
    /// The genes, in the order of the table; repeated symbols are made unique by a suffix.
    pub genes: Arc<GeneIndex>,
    /// What was decided while reading.
    pub notices: Vec<Notice>,
    /// Token of each gene.
    tokens: Vec<i64>,
    /// Column of each token.
    columns: Vec<u32>,
    by_ensembl: HashMap<String, usize>,
}

impl TokenTable {
    /// Reads a table (Parquet, TSV or CSV, plain or gzipped) with the columns `gene_symbol`, `ensembl_id` (either may be
    /// absent) and `token_id`. Genes without a symbol are called by their identifier.
    ///
    /// # Errors
    /// [`IoError::MissingColumn`]; [`IoError::Format`] with the row of a token that is no number or stands there twice.
    pub fn read(path: &Path) -> Result<Self, IoError> {
        let (rows, unit) =
            if ParquetTable::recognises(path) { (read_parquet(path)?, "row") } else { (read_text(path)?, "line") };
        let (tokens, columns) = index(path, unit, &rows)?;
        if rows.is_empty() {
            return Err(IoError::format(path, "", "a table of genes and tokens", "a file without rows"));
        }
        let (genes, notices) = GeneIndex::new_unique(rows.iter().map(GeneRow::name));
        let by_ensembl = rows.into_iter().enumerate().map(|(c, r)| (r.ensembl, c)).filter(|(e, _)| !e.is_empty());
        let by_ensembl = by_ensembl.collect();
        Ok(Self { genes: Arc::new(genes), notices, tokens, columns, by_ensembl })
    }

    /// Identifiers of the genes, where the table has some.
    pub(in crate::io) fn identifiers(&self) -> Option<Column> {
        let mut ids = vec![String::new(); self.genes.len()];
        self.by_ensembl.iter().for_each(|(id, &gene)| ids[gene].clone_from(id));
        (!self.by_ensembl.is_empty()).then_some(Column::Strings(ids))
    }

    /// Token of each gene, in the order of the genes; each from 0 on and below 2^24.
    pub fn tokens(&self) -> &[i64] {
        &self.tokens
    }

    /// Column of a token.
    pub(in crate::io) fn column(&self, token: i64) -> Option<u32> {
        let at = usize::try_from(token).ok()?;
        self.columns.get(at).copied().filter(|c| *c != ABSENT)
    }

    /// Token of a column.
    pub(in crate::io) fn token(&self, column: u32) -> i64 {
        self.tokens[column as usize]
    }

    /// The gene of this name or identifier, as the table calls it; capitals are tried as well.
    pub(super) fn symbol(&self, name: &str) -> Option<String> {
        let of = |name: &str| {
            let column = self.genes.id(name).map(crate::data::GeneId::index);
            column.or_else(|| self.by_ensembl.get(name).copied()).map(|c| self.genes.names()[c].to_string())
        };
        of(name).or_else(|| of(&name.to_uppercase()))
    }
}

/// Token of each row, and row of each token.
fn index(path: &Path, unit: &str, rows: &[GeneRow]) -> Result<(Vec<i64>, Vec<u32>), IoError> {
    let (mut tokens, mut columns) = (Vec::with_capacity(rows.len()), Vec::new());
    for (column, row) in rows.iter().enumerate() {
        let wrong =
            |expected: &str| IoError::format(path, format!("{unit} {}", row.at), expected, format!("`{}`", row.token));
        let token = row.token.parse::<i64>().ok().filter(|t| (0..LARGEST).contains(t));
        let token = token.ok_or_else(|| wrong("a token, a whole number from 0 on"))?;
        let at = token as usize;
        if columns.len() <= at {
            columns.resize(at + 1, ABSENT);
        }
        if columns[at] != ABSENT {
            return Err(wrong("each token once"));
        }
        columns[at] = column as u32;
        tokens.push(token);
    }
    Ok((tokens, columns))
}

struct GeneRow {
    symbol: String,
    ensembl: String,
    token: String,
    /// Line or row of the file.
    at: u64,
}

impl GeneRow {
    fn name(&self) -> &str {
        let missing = ["", "nan", "None"].contains(&self.symbol.as_str());
        match (missing, self.ensembl.as_str()) {
            (false, _) => &self.symbol,
            (true, "") => &self.token,
            (true, ensembl) => ensembl,
        }
    }
}

fn read_parquet(path: &Path) -> Result<Vec<GeneRow>, IoError> {
    let table = ParquetTable::open(path)?;
    let token = table.text(table.expect(TOKEN)?)?;
    let column = |names| table.find(names).map(|c| table.text(c)).transpose();
    let (symbols, ids) = (column(SYMBOL)?, column(ENSEMBL)?);
    if symbols.is_none() && ids.is_none() {
        table.expect(SYMBOL)?;
    }
    let of = |values: &Option<Vec<String>>, row: usize| values.as_ref().map_or("", |v| v[row].trim()).to_owned();
    let row = |(row, token): (usize, String)| GeneRow {
        symbol: of(&symbols, row),
        ensembl: of(&ids, row),
        token,
        at: row as u64 + 1,
    };
    Ok(token.into_iter().enumerate().map(row).collect())
}

fn read_text(path: &Path) -> Result<Vec<GeneRow>, IoError> {
    let head = Head::read_as(path, "a table of genes and tokens")?;
    let token = head.expect(TOKEN)?;
    let (symbol, ensembl) = (head.column(SYMBOL), head.column(ENSEMBL));
    if symbol.is_none() && ensembl.is_none() {
        head.expect(SYMBOL)?;
    }
    let (mut out, mut rows) = (Vec::new(), head.rows(true)?);
    while let Some(row) = rows.next()? {
        let text = |column: Option<usize>| column.map_or("", |c| row.text(c)).to_owned();
        out.push(GeneRow { symbol: text(symbol), ensembl: text(ensembl), token: text(Some(token)), at: row.line() });
    }
    Ok(out)
}

/// Doses of samples: `sample` and `drugname_drugconc` of Tahoe-100M's sample metadata.
pub(super) fn read_samples(path: &Path) -> Result<HashMap<String, String>, IoError> {
    const SAMPLE: &[&str] = &["sample"];
    const DOSE: &[&str] = &["drugname_drugconc"];
    if ParquetTable::recognises(path) {
        let table = ParquetTable::open(path)?;
        let (samples, doses) = (table.text(table.expect(SAMPLE)?)?, table.text(table.expect(DOSE)?)?);
        return Ok(samples.into_iter().zip(doses).collect());
    }
    let head = Head::read_as(path, "a table of samples and doses")?;
    let (sample, dose) = (head.expect(SAMPLE)?, head.expect(DOSE)?);
    let (mut out, mut rows) = (HashMap::new(), head.rows(true)?);
    while let Some(row) = rows.next()? {
        out.insert(row.text(sample).to_owned(), row.text(dose).to_owned());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<TokenTable, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("genes.csv");
        std::fs::write(&path, text).unwrap();
        TokenTable::read(&path).map_err(|e| e.to_string())
    }

    #[test]
    fn genes_are_found_by_token_symbol_and_identifier() {
        let table = read("gene_symbol,ensembl_id,token_id\nTP53,ENSG1,7\n,ENSG2,3\n").unwrap();
        assert_eq!(
            (table.column(7), table.column(3), table.column(4), table.column(-1)),
            (Some(0), Some(1), None, None)
        );
        assert_eq!(table.token(1), 3);
        let t = |name: &str, expected: Option<&str>| assert_eq!(table.symbol(name).as_deref(), expected, "{name}");
        t("tp53", Some("TP53"));
        t("ENSG1", Some("TP53"));
        t("ENSG2", Some("ENSG2"));
        t("KDR", None);
    }

    #[test]
    fn tokens_must_be_numbers_that_stand_there_once() {
        let t = |text: &str, expected: &str| {
            let said = read(text).unwrap_err();
            assert!(said.contains(expected), "{said}");
        };
        t("gene_symbol,token_id\nA,1\nB,1\n", "line 3: expected each token once, got `1`");
        t("gene_symbol,token_id\nA,x\n", "line 2: expected a token, a whole number from 0 on, got `x`");
        t("gene_symbol,number\nA,1\n", "column `token_id` not found");
        t("token_id\n1\n", "column `gene_symbol` not found");
        t("gene_symbol,token_id\n", "expected a table of genes and tokens, got a file without rows");
    }
}
