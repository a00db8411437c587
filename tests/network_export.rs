//! Networks written for other programs.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::Command;

use grn::graph::{GeneGraph, GraphBuilder, Sign};
use grn::io::{EdgeMark, GeneMark, NETWORK_FORMATS, NetworkDrawing, NetworkFormat, write_network};

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
    write_network(&path, &graph(), None, NetworkFormat::named(format).unwrap()).unwrap();
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
        write_network(&path, &graph(), None, format).unwrap();
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
        write_network(&path, &graph(), None, NetworkFormat::named(format).unwrap()).unwrap();
        let Some(read) = networkx(reader, &path) else { return };
        assert_eq!(read, "True 3 3 0.5 - 0.5 0.25", "{format}");
    }
}

/// A drawing of [`graph`]: a row of genes, the first perturbed.
fn drawing(graph: &GeneGraph) -> NetworkDrawing {
    let gene = |k: usize| GeneMark {
        x: 100.0 * k as f32,
        y: 40.0,
        diameter: 20.0,
        fill: [33, 102, 172],
        delta: (k > 0).then_some(-0.25),
        degree: 2,
        hop: usize::from(k > 0),
        module: 1,
        perturbed: k == 0,
    };
    let edge = |e: &grn::graph::Edge| EdgeMark { directed: e.sign != Sign::Unknown, prior_only: true, width: 2.0 };
    NetworkDrawing {
        title: "Around \"A\" & <B>".into(),
        description: "A made network.".into(),
        scale: vec![(-0.5, [33, 102, 172]), (0.0, [247, 247, 247]), (0.5, [178, 24, 43])],
        genes: (0..graph.n_genes()).map(gene).collect(),
        edges: graph.edges().iter().map(edge).collect(),
    }
}

/// Writes the drawn network; returns the folder and the path.
fn drawn(name: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    let graph = graph();
    let files = write_network(&path, &graph, Some(&drawing(&graph)), NetworkFormat::of_path(&path).unwrap()).unwrap();
    assert!(files.iter().all(|f| f.exists()), "{files:?}");
    (dir, path)
}

#[test]
fn a_drawing_keeps_its_places_and_colours() {
    let (_dir, path) = drawn("net.cyjs");
    let value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let node = &value["elements"]["nodes"][1];
    assert_eq!((node["position"]["x"].as_f64(), node["data"]["fill"].as_str()), (Some(100.0), Some("#2166ac")));
    assert_eq!(node["data"]["delta"], -0.25);
    assert_eq!(value["elements"]["nodes"][0]["data"]["delta"], serde_json::Value::Null);
    let words: Vec<&str> = value["elements"]["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["data"]["interaction"].as_str().unwrap())
        .collect();
    assert_eq!(words, ["represses", "activates", "associates"]);
}

#[test]
fn sif_has_tables_beside_it() {
    let (dir, path) = drawn("net.sif");
    let sif = std::fs::read_to_string(path).unwrap();
    assert!(sif.contains("SOX2\tassociates\tHLA-A\n"), "{sif}");
    let nodes = std::fs::read_to_string(dir.path().join("net.nodes.tsv")).unwrap();
    assert!(
        nodes.starts_with("name\tout_degree\tin_degree\tdelta\tdegree\thop\tmodule\tperturbed\tfill\tdiameter\tx\ty\n")
    );
    assert!(nodes.contains("SOX2\t1\t1\t-0.25\t2\t1\t1\tfalse\t#2166ac\t20.00\t200.00\t40.00\n"), "{nodes}");
    let edges = std::fs::read_to_string(dir.path().join("net.edges.tsv")).unwrap();
    assert!(edges.contains("SOX2 (associates) HLA-A\tSOX2\tassociates\tHLA-A\t0.125\t.\ttrue\t"), "{edges}");
}

#[test]
fn cx2_counts_its_elements_and_maps_colours() {
    let (_dir, path) = drawn("net.cx2");
    let aspects: Vec<serde_json::Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(aspects[0]["CXVersion"], "2.0");
    let of = |name: &str| aspects.iter().find_map(|a| a.get(name)).unwrap();
    for counted in of("metaData").as_array().unwrap() {
        let name = counted["name"].as_str().unwrap();
        assert_eq!(counted["elementCount"].as_u64().unwrap() as usize, of(name).as_array().unwrap().len(), "{name}");
    }
    assert_eq!(of("nodes")[1]["x"], 100.0);
    let map = &of("visualProperties")[0]["nodeMapping"]["NODE_BACKGROUND_COLOR"]["definition"]["map"];
    assert_eq!((&map[2]["minVPValue"], &map[2]["max"]), (&"#f7f7f7".into(), &0.5.into()));
    assert_eq!(aspects.last().unwrap()["status"][0]["success"], true);
}

/// What Python says of a file, or `None` where the modules are absent.
fn python_says(modules: &str, script: &str, path: &Path) -> Option<String> {
    let python = std::env::var("GRN_PYTHON").unwrap_or_else(|_| "python3".into());
    if !Command::new(&python).args(["-c", &format!("import {modules}")]).output().is_ok_and(|o| o.status.success()) {
        println!("skipped: {python} with {modules} is absent");
        return None;
    }
    let out = Command::new(&python).args(["-c", script]).arg(path).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    Some(String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

/// Genes and `source sign target` of every edge, sorted, as our graph has them.
fn expected() -> String {
    let graph = graph();
    let mut genes: Vec<&str> = graph.genes().names().iter().map(|n| &**n).collect();
    let name = |g| graph.genes().name(g);
    let mut edges: Vec<String> =
        graph.edges().iter().map(|e| format!("{} {} {}", name(e.source), e.sign.symbol(), name(e.target))).collect();
    genes.sort_unstable();
    edges.sort_unstable();
    format!("{}|{}", genes.join(";"), edges.join(";"))
}

#[test]
fn networkx_reads_drawn_networks_with_the_same_genes_edges_and_signs() {
    let of = |read: &str| {
        format!(
            "import sys, json, networkx as nx\n{read}\n\
             print(';'.join(sorted(g.nodes)) + '|' + ';'.join(sorted(a + ' ' + d['sign'] + ' ' + b for a, b, d in g.edges(data=True))))"
        )
    };
    for (name, read) in [
        ("net.graphml", "g = nx.read_graphml(sys.argv[1])"),
        ("net.gexf", "g = nx.read_gexf(sys.argv[1])"),
        ("net.cyjs", "g = nx.cytoscape_graph(json.load(open(sys.argv[1])))"),
    ] {
        let (_dir, path) = drawn(name);
        let Some(said) = python_says("networkx", &of(read), &path) else { return };
        assert_eq!(said, expected(), "{name}");
    }
}

#[test]
fn ndex2_reads_cx2() {
    let (_dir, path) = drawn("net.cx2");
    let script = "import sys, json\nfrom ndex2.cx2 import RawCX2NetworkFactory\n\
        n = RawCX2NetworkFactory().get_cx2network(json.load(open(sys.argv[1])))\n\
        name = {k: v['v']['name'] for k, v in n.get_nodes().items()}\n\
        print(';'.join(sorted(name.values())) + '|' + ';'.join(sorted(name[e['s']] + ' ' + e['v']['sign'] + ' ' + name[e['t']] for e in n.get_edges().values())))";
    let Some(said) = python_says("ndex2.cx2", script, &path) else { return };
    assert_eq!(said, expected());
}

#[test]
fn graphviz_accepts_dot() {
    if !Command::new("neato").arg("-V").output().is_ok_and(|o| o.status.success()) {
        println!("skipped: graphviz is absent");
        return;
    }
    let (dir, path) = drawn("net.dot");
    let svg = dir.path().join("net.svg");
    let out = Command::new("neato").args(["-n2", "-Tsvg", "-o"]).arg(&svg).arg(&path).output().unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    let svg = std::fs::read_to_string(svg).unwrap();
    assert_eq!((svg.matches("class=\"node\"").count(), svg.matches("class=\"edge\"").count()), (3, 3));
}
