//! GMT: a set per line, its name, its description, its genes.

use super::table::Head;
use super::{Reader, Sink, gene_sets};
use crate::graph::GeneSets;
use crate::io::IoError;

pub(super) const READER: Reader = Reader { name: "gene sets (GMT)", recognises, read };

fn recognises(head: &Head) -> bool {
    let name = head.path.to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    Some("gmt") == std::path::Path::new(name).extension().and_then(std::ffi::OsStr::to_str)
}

fn read(head: &Head, sink: &mut Sink<'_>) -> Result<u64, IoError> {
    let (mut sets, mut rows) = (GeneSets::new(), head.rows(false)?);
    while let Some(row) = rows.next()? {
        if row.len() < 3 {
            return Err(row.wrong("a set name, a description and genes".into(), row.found()));
        }
        // Some tools append a weight to the gene: `SOX2,1.0`.
        let genes = row.fields().skip(2).map(|g| g.split_once(',').map_or(g, |(gene, _)| gene));
        genes.filter(|g| !g.is_empty()).for_each(|gene| sets.add(row.text(0), sink.names.gene(gene)));
    }
    gene_sets::connect(head, &sets, sink);
    Ok(rows.count())
}
