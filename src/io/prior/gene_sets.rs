//! Tables of gene sets, one membership per row.

use super::table::Head;
use super::{Reader, Sink};
use crate::graph::GeneSets;
use crate::io::IoError;

pub(super) const READER: Reader = Reader { name: "gene sets", recognises, read };

const SET: &[&str] = &["set_id", "set", "gene_set", "geneset", "gs_name", "set_name", "pathway", "term", "go_id"];
const GENE: &[&str] = &["gene", "gene_symbol", "symbol", "genesymbol", "gene_name"];

fn recognises(head: &Head) -> bool {
    head.has(SET) && head.has(GENE)
}

fn read(head: &Head, sink: &mut Sink<'_>) -> Result<u64, IoError> {
    let (set, gene) = (head.expect(SET)?, head.expect(GENE)?);
    let (mut sets, mut rows) = (GeneSets::new(), head.rows(true)?);
    while let Some(row) = rows.next()? {
        sets.add(row.gene(set)?, sink.names.gene(row.gene(gene)?));
    }
    connect(head, &sets, sink);
    Ok(rows.count())
}

/// Edges between genes that share sets, on channel `sets.<file stem>`.
pub(super) fn connect(head: &Head, sets: &GeneSets, sink: &mut Sink<'_>) {
    let channel = sink.builder.channel(&format!("sets.{}", head.stem()));
    let connected = sets.connect(sink.options.overlap, channel, sink.builder);
    sink.edges += connected.n_pairs as u64;
    sink.notices.extend(connected.notices);
}
