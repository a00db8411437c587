//! GO annotations: GAF 2, seventeen tab separated columns without a header.
//!
//! Only direct annotations are read: the ontology, which would carry them to parent terms, is another file.

use super::table::Head;
use super::{Reader, Sink, gene_sets};
use crate::graph::GeneSets;
use crate::io::IoError;

pub(super) const READER: Reader = Reader { name: "GO annotations", recognises, read };

const SYMBOL: usize = 2;
const QUALIFIER: usize = 3;
const TERM: usize = 4;

fn recognises(head: &Head) -> bool {
    let named = head.comments.iter().any(|c| c.starts_with("!gaf-version"));
    let shaped = head.first().len() >= 15 && head.first().get(TERM).is_some_and(|t| t.starts_with("GO:"));
    named || shaped
}

fn read(head: &Head, sink: &mut Sink<'_>) -> Result<u64, IoError> {
    let (mut sets, mut rows) = (GeneSets::new(), head.rows(false)?);
    while let Some(row) = rows.next()? {
        if row.len() < 15 {
            return Err(row.wrong("at least 15 columns of GAF".into(), row.found()));
        }
        if !row.text(QUALIFIER).split('|').any(|q| q == "NOT") {
            sets.add(row.gene(TERM)?, sink.names.gene(row.gene(SYMBOL)?));
        }
    }
    gene_sets::connect(head, &sets, sink);
    Ok(rows.count())
}
