//! Networks for other programs: Cytoscape, Gephi, Graphviz, decoupler, networkx, igraph.
//!
//! A format is one file and one line in [`NETWORK_FORMATS`].

mod cx2;
mod cyjs;
mod decoupler;
mod dot;
mod drawing;
mod gexf;
mod graphml;
mod places;
mod relation;
mod sif;
mod tsv;
mod xml;

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use self::drawing::{ACTIVATION, EdgeMark, GeneMark, NetworkDrawing, REPRESSION, Rgb, UNSIGNED};
use super::{IoError, write_atomic};
use crate::graph::{Edge, GeneGraph};

/// One way to write a network.
#[derive(Debug)]
pub struct NetworkFormat {
    /// Its name, which is also the usual file extension but for `decoupler` (`csv`).
    pub name: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
    write: WriteNetwork,
    /// Files beside it, each with the ending that replaces that of the network.
    tables: &'static [(&'static str, WriteNetwork)],
}

/// Writes a network, drawn or not.
type WriteNetwork = fn(&GeneGraph, Option<&NetworkDrawing>, &mut dyn Write) -> std::io::Result<()>;

/// All formats.
pub const NETWORK_FORMATS: [&NetworkFormat; 8] = [
    &tsv::FORMAT,
    &decoupler::FORMAT,
    &sif::FORMAT,
    &graphml::FORMAT,
    &gexf::FORMAT,
    &dot::FORMAT,
    &cyjs::FORMAT,
    &cx2::FORMAT,
];

impl NetworkFormat {
    /// The format of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        NETWORK_FORMATS.into_iter().find(|f| f.name == name)
    }

    /// The format that a file name asks for: by its extension, `.gz` left aside; tables of commas go to decoupler.
    pub fn of_path(path: &Path) -> Option<&'static Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let (_, extension) = name.strip_suffix(".gz").unwrap_or(&name).rsplit_once('.')?;
        Self::named(match extension {
            "csv" => "decoupler",
            "gv" => "dot",
            other => other,
        })
    }
}

/// Writes a network, gzipped where the name ends in `.gz`, with the positions and colours of a drawing where there is
/// one; returns the files written. The bytes depend on graph, drawing and format alone.
///
/// # Errors
/// [`IoError::System`].
pub fn write_network(
    path: &Path,
    graph: &GeneGraph,
    drawing: Option<&NetworkDrawing>,
    format: &NetworkFormat,
) -> Result<Vec<PathBuf>, IoError> {
    let mut files = vec![(path.to_owned(), format.write)];
    files.extend(format.tables.iter().map(|&(ending, write)| (beside(path, ending), write)));
    for (path, write) in &files {
        write_one(path, |out| write(graph, drawing, out))?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

/// `net.sif.gz` becomes `net.nodes.tsv.gz`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    if path.extension().is_some_and(|e| e == "gz") {
        path.with_extension("").with_extension(format!("{ending}.gz"))
    } else {
        path.with_extension(ending)
    }
}

fn write_one(path: &Path, write: impl Fn(&mut dyn Write) -> std::io::Result<()>) -> Result<(), IoError> {
    let failed = |e| IoError::write(path, e);
    write_atomic(path, |out| {
        if path.extension().is_some_and(|e| e == "gz") {
            let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::default());
            write(&mut encoder).and_then(|()| encoder.finish().map(drop)).map_err(failed)
        } else {
            write(out).map_err(failed)
        }
    })
}

/// The genes, each with its place and mark, and the edges as JSON.
fn elements(
    graph: &GeneGraph,
    drawing: Option<&NetworkDrawing>,
    gene: impl Fn(usize, (f64, f64), Option<&GeneMark>) -> Value,
    edge: impl Fn(usize, &Edge, Option<&EdgeMark>) -> Value,
) -> (Vec<Value>, Vec<Value>) {
    let places = places::places(graph, drawing);
    let genes = places.into_iter().enumerate().map(|(g, place)| gene(g, place, drawing.map(|d| &d.genes[g])));
    let edges = graph.edges().iter().enumerate().map(|(k, e)| edge(k, e, drawing.map(|d| &d.edges[k])));
    (genes.collect(), edges.collect())
}

/// Names of both ends of an edge.
fn ends<'a>(graph: &'a GeneGraph, edge: &Edge) -> (&'a str, &'a str) {
    (graph.genes().name(edge.source), graph.genes().name(edge.target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_asks_for_a_format() {
        let t = |path: &str, expected: Option<&str>| {
            assert_eq!(NetworkFormat::of_path(Path::new(path)).map(|f| f.name), expected, "{path}");
        };
        t("a/net.graphml", Some("graphml"));
        t("net.TSV.gz", Some("tsv"));
        t("net.csv", Some("decoupler"));
        t("net.xlsx", None);
        t("net", None);
    }
}
