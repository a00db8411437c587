//! The project's own graph table: `source target weight sign evidence`, tab separated, gzipped where the name says so.
//!
//! `sign` is `+`, `-` or `.`; `evidence` is `channel=score` joined by `;`. Numbers are written with as many digits as
//! are needed to read the same number back.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::names::Names;
use super::table::{Head, Row};
use super::{PriorOptions, Reader, Sink, edges};
use crate::graph::{ChannelId, Edge, GeneGraph, GraphBuilder};
use crate::io::{IoError, write_atomic};

pub(super) const READER: Reader = Reader { name: "gene graph", recognises, read };

const COLUMNS: [&str; 5] = ["source", "target", "weight", "sign", "evidence"];

fn recognises(head: &Head) -> bool {
    head.first() == COLUMNS
}

fn read(head: &Head, sink: &mut Sink<'_>) -> Result<u64, IoError> {
    let (mut rows, mut evidence) = (head.rows(true)?, Vec::new());
    while let Some(row) = rows.next()? {
        let weight = row.number(2)?;
        let sign = edges::sign(row.text(3))
            .ok_or_else(|| row.wrong("a sign `+`, `-` or `.`".into(), format!("`{}`", row.text(3))))?;
        read_evidence(&row, sink, &mut evidence)?;
        sink.directed(row.gene(0)?, row.gene(1)?, weight, sign, &evidence);
    }
    Ok(rows.count())
}

fn read_evidence(row: &Row<'_>, sink: &mut Sink<'_>, into: &mut Vec<(ChannelId, f32)>) -> Result<(), IoError> {
    into.clear();
    for part in row.text(4).split(';').filter(|p| !p.is_empty()) {
        let parsed = part.rsplit_once('=').and_then(|(name, score)| Some((name, score.parse::<f32>().ok()?)));
        let Some((name, score)) = parsed else {
            return Err(row.wrong("evidence as `channel=score`".into(), format!("`{part}`")));
        };
        into.push((sink.builder.channel(name), score));
    }
    Ok(())
}

/// Reads a graph that [`write_graph`] wrote: the same genes with edges, edges, signs and evidence. A header alone is the
/// graph without genes.
///
/// # Errors
/// [`IoError::Format`] where the header or a line is another.
pub fn read_graph(path: &Path) -> Result<GeneGraph, IoError> {
    let head = Head::read(path)?;
    if !recognises(&head) {
        let expected = format!("the columns {}", COLUMNS.join(", "));
        return Err(IoError::format(path, "line 1", expected, head.first().join(", ")));
    }
    let (mut builder, mut notices) = (GraphBuilder::new(), Vec::new());
    let (options, names) = (PriorOptions::default(), Names::default());
    let mut sink =
        Sink { builder: &mut builder, options: &options, names: &names, notices: &mut notices, edges: 0, selves: 0 };
    read(&head, &mut sink)?;
    Ok(builder.build())
}

/// Writes a graph as a table, gzipped where the name ends in `.gz`. Genes without an edge are not in it.
///
/// The bytes depend on the graph alone.
///
/// # Errors
/// [`IoError::System`].
pub fn write_graph(path: &Path, graph: &GeneGraph) -> Result<(), IoError> {
    let gzip = path.extension().is_some_and(|e| e == "gz");
    write_atomic(path, |out| {
        let written = if gzip {
            let mut encoder = GzEncoder::new(out, Compression::default());
            write_rows(&mut encoder, graph).and_then(|()| encoder.finish().map(drop))
        } else {
            write_rows(out, graph)
        };
        written.map_err(|e| IoError::write(path, e))
    })
}

/// All edges as a table.
pub(in crate::io) fn write_rows(out: &mut dyn Write, graph: &GeneGraph) -> std::io::Result<()> {
    writeln!(out, "{}", COLUMNS.join("\t"))?;
    let name = |gene| graph.genes().name(gene);
    for edge in graph.edges() {
        let (source, target, sign) = (name(edge.source), name(edge.target), edge.sign.symbol());
        writeln!(out, "{source}\t{target}\t{}\t{sign}\t{}", edge.weight, evidence(graph, edge))?;
    }
    Ok(())
}

/// `channel=score` joined by `;`.
fn evidence(graph: &GeneGraph, edge: &Edge) -> String {
    let mut text = String::new();
    for (k, (channel, score)) in edge.evidence.iter().enumerate() {
        let separator = if k == 0 { "" } else { ";" };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{}={score}", graph.channels()[channel.0 as usize]);
    }
    text
}
