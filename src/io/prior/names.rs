//! Other names of genes: STRING identifiers, aliases.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::table::Head;
use crate::io::IoError;

/// From alias to gene.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    genes: HashMap<String, String>,
}

impl Names {
    /// The gene of an alias, or the name itself.
    pub(super) fn gene<'a>(&'a self, name: &'a str) -> &'a str {
        self.genes.get(name).map_or(name, String::as_str)
    }

    /// Whether this alias is known.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.genes.contains_key(name)
    }

    /// Reads STRING's `protein.info`, its `protein.aliases`, or a table of alias and gene.
    pub(super) fn read(path: &Path) -> Result<Self, IoError> {
        let (comment, head) = Head::read(path).map(|h| (h.comments.first().cloned().unwrap_or_default(), h))?;
        if comment.contains("alias\tsource") || head.has(&["alias"]) && head.has(&["source"]) {
            return read_aliases(&head);
        }
        let header = head.has(&["alias", "string_protein_id", "preferred_name", "gene", "symbol"]);
        let (mut genes, mut rows) = (HashMap::new(), head.rows(false)?);
        let mut first = true;
        while let Some(row) = rows.next()? {
            if !(std::mem::take(&mut first) && header) {
                genes.insert(row.gene(0)?.to_owned(), row.gene(1)?.to_owned());
            }
        }
        Ok(Self { genes })
    }

    /// The names beside a STRING file of links: `9606.protein.info.v12.0.txt.gz` beside
    /// `9606.protein.links.full.v12.0.txt.gz`, else the aliases of the same version, else those of the same species.
    pub(super) fn beside(links: &Path) -> Result<Option<(Self, PathBuf)>, IoError> {
        let Some(path) = find_beside(links) else { return Ok(None) };
        Self::read(&path).map(|names| Some((names, path)))
    }
}

/// The best alias of each protein: the symbol of the naming committee where STRING has it.
fn read_aliases(head: &Head) -> Result<Names, IoError> {
    let mut best: HashMap<String, (u8, String)> = HashMap::new();
    let mut rows = head.rows(false)?;
    while let Some(row) = rows.next()? {
        let (id, alias, rank) = (row.gene(0)?, row.gene(1)?, rank(row.text(2)));
        match best.get_mut(id) {
            Some(known) if known.0 <= rank => {}
            Some(known) => *known = (rank, alias.to_owned()),
            None => drop(best.insert(id.to_owned(), (rank, alias.to_owned()))),
        }
    }
    Ok(Names { genes: best.into_iter().map(|(id, (_, alias))| (id, alias)).collect() })
}

/// Sources of aliases, best first. STRING writes several joined by blanks in older versions.
fn rank(source: &str) -> u8 {
    const SYMBOLS: [&str; 6] =
        ["HGNC_symbol", "BioMart_HUGO", "MGI_symbol", "Ensembl_external_synonym_name", "UniProt_GN_Name", "EntrezGene"];
    SYMBOLS.iter().position(|s| source.contains(s)).unwrap_or(SYMBOLS.len()) as u8
}

fn find_beside(links: &Path) -> Option<PathBuf> {
    let name = links.file_name()?.to_str()?;
    let at = name.find("protein.")?;
    let species = &name[..at];
    let folder = links.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let version = |n: &str| n.find(".v").map(|i| Cow::from(n[i..].trim_end_matches(".gz").to_owned()));
    let mut found: Vec<(usize, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let other = entry.file_name().to_string_lossy().into_owned();
        let kind = ["protein.info", "protein.aliases"].iter().position(|k| other.starts_with(&format!("{species}{k}")));
        if let Some(kind) = kind {
            let other_version = usize::from(version(&other) != version(name));
            found.push((2 * other_version + kind, entry.path()));
        }
    }
    found.into_iter().min().map(|(_, path)| path)
}
