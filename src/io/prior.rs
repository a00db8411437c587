//! Prior networks of any kind, merged into one gene graph.
//!
//! A reader is one file: a function that recognises the first lines of a file, a function that reads it, and a line in
//! [`READERS`]. The first reader that recognises a file reads it; the edge list recognises everything.

mod actions;
mod columns;
mod edges;
mod gaf;
mod gene_sets;
mod gmt;
mod graph_table;
mod names;
mod regulon;
mod string;
pub(super) mod table;

use std::path::{Path, PathBuf};

use serde::Serialize;

use self::names::Names;
use self::table::Head;
use super::IoError;
use crate::error::Notice;
use crate::graph::{ChannelId, GeneGraph, GraphBuilder, GraphError, OverlapOptions, Sign};

pub(super) use self::graph_table::write_rows;
pub use self::graph_table::{read_graph, write_graph};

/// What a prior file can be.
const READERS: [&Reader; 8] = [
    &graph_table::READER,
    &string::READER,
    &actions::READER,
    &gaf::READER,
    &gmt::READER,
    &gene_sets::READER,
    &regulon::READER,
    &edges::READER,
];

/// One kind of prior file.
struct Reader {
    /// As the summary names it.
    name: &'static str,
    /// Whether the first lines look like this kind.
    recognises: fn(&Head) -> bool,
    /// Reads all edges; returns the number of rows.
    read: fn(&Head, &mut Sink<'_>) -> Result<u64, IoError>,
}

/// How priors are read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PriorOptions {
    /// Drop STRING edges with a smaller combined score, 0 to 1000.
    pub min_score: f32,
    /// Other names of genes: STRING's `protein.info` or `protein.aliases`, or a table of alias and gene.
    pub aliases: Option<PathBuf>,
    /// How gene sets become edges.
    pub overlap: OverlapOptions,
}

/// What one file gave.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PriorSummary {
    /// The file.
    pub path: PathBuf,
    /// What it was taken for: `STRING`, `TF-target table`, `edge list`, ...
    pub format: &'static str,
    /// Rows read, the header not counted.
    pub rows: u64,
    /// Directed edges that no earlier file had.
    pub new_edges: usize,
    /// Genes that no earlier file had.
    pub new_genes: usize,
}

/// All priors in one graph.
#[derive(Debug, Clone)]
pub struct PriorsRead {
    /// The merged graph.
    pub graph: GeneGraph,
    /// What the user should know.
    pub notices: Vec<Notice>,
    /// One summary per file, in the order given.
    pub sources: Vec<PriorSummary>,
}

/// Reads prior networks, plain or gzipped, of any format in `READERS`, and merges them.
///
/// The same pair from several files is one edge that keeps every file's evidence; knowledge without a direction is
/// stored both ways.
///
/// # Errors
/// [`IoError::Format`] with the line, and [`IoError::Graph`] where a file leaves no edge.
///
/// # Complexity
/// O(rows) time; O(genes + edges) memory.
pub fn read_priors(paths: &[PathBuf], options: &PriorOptions) -> Result<PriorsRead, IoError> {
    let mut builder = GraphBuilder::new();
    let mut notices = Vec::new();
    let names = options.aliases.as_deref().map(Names::read).transpose()?.unwrap_or_default();
    let mut sources = Vec::with_capacity(paths.len());
    for path in paths {
        let mut sink =
            Sink { builder: &mut builder, options, names: &names, notices: &mut notices, edges: 0, selves: 0 };
        sources.push(read_prior(path, &mut sink)?);
    }
    Ok(PriorsRead { graph: builder.build(), notices, sources })
}

fn read_prior(path: &Path, sink: &mut Sink<'_>) -> Result<PriorSummary, IoError> {
    let head = Head::read(path)?;
    let reader = READERS.iter().find(|r| (r.recognises)(&head)).unwrap_or(&&edges::READER);
    let (edges, genes) = (sink.builder.n_edges(), sink.builder.n_genes());
    let rows = (reader.read)(&head, sink)?;
    if sink.edges == 0 {
        let filters = match sink.options.min_score {
            score if score > 0.0 => format!("`--min-score {score}`"),
            _ => format!("{rows} rows read as {}", reader.name),
        };
        return Err(IoError::Graph { path: path.to_owned(), source: GraphError::Empty { filters } });
    }
    if sink.selves > 0 {
        sink.notice(format!("{} edges of `{}` from a gene to itself were left out", sink.selves, path.display()));
    }
    let (new_edges, new_genes) = (sink.builder.n_edges() - edges, sink.builder.n_genes() - genes);
    Ok(PriorSummary { path: path.to_owned(), format: reader.name, rows, new_edges, new_genes })
}

/// Where readers put what they read.
struct Sink<'a> {
    builder: &'a mut GraphBuilder,
    options: &'a PriorOptions,
    names: &'a Names,
    notices: &'a mut Vec<Notice>,
    /// Usable edges of this file.
    edges: u64,
    /// Edges of this file from a gene to itself.
    selves: u64,
}

impl Sink<'_> {
    fn notice(&mut self, text: String) {
        self.notices.push(Notice(text));
    }

    fn directed(&mut self, source: &str, target: &str, weight: f32, sign: Sign, evidence: &[(ChannelId, f32)]) {
        let (source, target) = (self.names.gene(source), self.names.gene(target));
        self.count(source, target, weight);
        self.builder.add(source, target, weight, sign, evidence);
    }

    fn undirected(&mut self, a: &str, b: &str, weight: f32, evidence: &[(ChannelId, f32)]) {
        let (a, b) = (self.names.gene(a), self.names.gene(b));
        self.count(a, b, weight);
        self.builder.add_undirected(a, b, weight, evidence);
    }

    fn count(&mut self, source: &str, target: &str, weight: f32) {
        let to = if source == target { &mut self.selves } else { &mut self.edges };
        *to += u64::from(weight > 0.0);
    }
}
