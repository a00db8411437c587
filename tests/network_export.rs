//! Networks written for other programs.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;
use std::process::Command;

use grn::graph::{GeneGraph, GraphBuilder, Sign};
use grn::io::{NETWORK_FORMATS, NetworkFormat, write_network};

/// Two genes with names that formats must quote, one of them repressing the other, and a third.
fn graph() -> GeneGraph {
    let mut builder = GraphBuilder::new();
    let (a, b) = (builder.channel("string.combined"), builder.channel("a<b"));
    builder.add("HLA-A", "NK\"X\" & <2>", 0.5, Sign::Repression, &[(a, 0.5), (b, 0.25)]);
    builder.add("HLA-A", "SOX2", 1.0, Sign::Activation, &[]);
    builder.add("SOX2", "HLA-A", 0.125, Sign::Unknown, &[(a, 0.125)]);
    builder.build()
}

fn written(format: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net.txt");
    write_network(&path, &graph(), NetworkFormat::named(format).unwrap()).unwrap();
    std::fs::read_to_string(&path).unwrap()
}

#[test]
fn tables_hold_every_edge() {
    let t = |format: &str, expected: &str| assert_eq!(written(format), expected, "{format}");
    t(
        "tsv",
        "source\ttarget\tweight\tsign\tevidence\n\
         HLA-A\tNK\"X\" & <2>\t0.5\t-\ta<b=0.25;string.combined=0.5\n\
         HLA-A\tSOX2\t1\t+\t\nSOX2\tHLA-A\t0.125\t.\tstring.combined=0.125\n",
    );
    t("decoupler", "source,target,weight\nHLA-A,\"NK\"\"X\"\" & <2>\",-0.5\nHLA-A,SOX2,1\nSOX2,HLA-A,0.125\n");
    t("sif", "HLA-A\trepresses\tNK\"X\" & <2>\nHLA-A\tactivates\tSOX2\nSOX2\tregulates\tHLA-A\n");
    t(
        "dot",
        "digraph genes {\n  node [shape=ellipse];\n  \"HLA-A\";\n  \"NK\\\"X\\\" & <2>\";\n  \"SOX2\";\n\
         \x20 \"HLA-A\" -> \"NK\\\"X\\\" & <2>\" [weight=0.5, penwidth=1.75, arrowhead=tee];\n\
         \x20 \"HLA-A\" -> \"SOX2\" [weight=1, penwidth=3.00, arrowhead=normal];\n\
         \x20 \"SOX2\" -> \"HLA-A\" [weight=0.125, penwidth=0.81, arrowhead=odot];\n}\n",
    );
}

#[test]
fn cyjs_is_json_with_positions_and_style() {
    let value: serde_json::Value = serde_json::from_str(&written("cyjs")).unwrap();
    let (nodes, edges) = (&value["elements"]["nodes"], &value["elements"]["edges"]);
    assert_eq!((nodes.as_array().unwrap().len(), edges.as_array().unwrap().len()), (3, 3));
    assert_eq!(edges[0]["data"]["string_combined"], 0.5);
    assert_eq!(nodes[0]["data"]["out_degree"], 2);
    let place = |k: usize| nodes[k]["position"].to_string();
    assert!(place(0) != place(1) && place(1) != place(2));
    assert!(value["style"].as_array().unwrap().iter().any(|s| s["style"]["target-arrow-shape"] == "tee"));
}

#[test]
fn every_format_is_the_same_twice_and_gzips() {
    let dir = tempfile::tempdir().unwrap();
    for format in NETWORK_FORMATS {
        assert_eq!(written(format.name), written(format.name));
        let path = dir.path().join(format!("{}.gz", format.name));
        write_network(&path, &graph(), format).unwrap();
        assert_eq!(std::fs::read(&path).unwrap()[..2], [0x1f, 0x8b]);
    }
}

/// A Python that has networkx: `GRN_PYTHON`, or `python3` of the path.
fn python() -> Option<String> {
    let python = std::env::var("GRN_PYTHON").unwrap_or_else(|_| "python3".into());
    let has = Command::new(&python).args(["-c", "import networkx"]).output().is_ok_and(|o| o.status.success());
    if !has {
        println!("skipped: {python} with networkx is absent");
    }
    has.then_some(python)
}

/// Nodes, edges and the attributes of one edge, as networkx reads them.
fn networkx(reader: &str, path: &Path) -> Option<String> {
    let script = format!(
        "import sys, networkx as nx\ng = nx.{reader}(sys.argv[1])\ne = g.edges['HLA-A', 'NK\"X\" & <2>']\n\
         print(g.is_directed(), g.number_of_nodes(), g.number_of_edges(), e['weight'], e['sign'], e['string.combined'], e['a<b'])"
    );
    let out = Command::new(python()?).args(["-c", &script]).arg(path).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    Some(String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

#[test]
fn networkx_reads_graphml_and_gexf() {
    let dir = tempfile::tempdir().unwrap();
    for (format, reader) in [("graphml", "read_graphml"), ("gexf", "read_gexf")] {
        let path = dir.path().join(format);
        write_network(&path, &graph(), NetworkFormat::named(format).unwrap()).unwrap();
        let Some(read) = networkx(reader, &path) else { return };
        assert_eq!(read, "True 3 3 0.5 - 0.5 0.25", "{format}");
    }
}
