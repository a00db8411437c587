//! Reading prior networks: real files where they are at hand, and small files made here.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::Write;
use std::path::{Path, PathBuf};

use grn::graph::{Edge, GeneGraph, GraphError, Sign};
use grn::io::{IoError, PriorOptions, PriorsRead, read_graph, read_priors, write_graph};

/// A file of the reference networks, or `None` with a printed reason.
fn network(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/networks").join(name);
    if !path.exists() {
        println!("skipped: ../shared/data/networks/{name} is absent");
        return None;
    }
    Some(path)
}

fn made(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let first = dir.path().join(files[0].0);
    (dir, first)
}

fn read(path: &Path) -> Result<PriorsRead, IoError> {
    read_priors(&[path.to_owned()], &PriorOptions::default())
}

fn read_text(name: &str, text: &str) -> Result<PriorsRead, IoError> {
    let (_dir, path) = made(&[(name, text)]);
    read(&path)
}

fn edge<'a>(graph: &'a GeneGraph, source: &str, target: &str) -> Option<&'a Edge> {
    graph.edge(graph.expect(source).ok()?, graph.expect(target).ok()?)
}

fn score(graph: &GeneGraph, source: &str, target: &str, channel: &str) -> Option<f32> {
    let channel = graph.channel(channel)?;
    edge(graph, source, target)?.evidence.iter().find(|(c, _)| *c == channel).map(|(_, score)| *score)
}

/// Rows, genes and pairs of the README beside the files; a directed edge per ordered pair, two per undirected one. Where
/// the README gives rows only, distinct ordered pairs of two genes were counted with
/// `cut -f1,2 | sort -u | awk '$1 != $2'`.
#[test]
fn reference_networks_have_their_known_sizes() {
    let t = |name: &str, format: &str, rows: u64, genes: Option<usize>, edges: usize| {
        let Some(path) = network(name) else { return };
        let read = read(&path).unwrap();
        assert_eq!((read.sources[0].format, read.sources[0].rows), (format, rows), "{name}");
        assert_eq!(read.graph.n_edges(), edges, "{name}");
        assert!(genes.is_none_or(|n| n == read.graph.n_genes()), "{name}: {} genes", read.graph.n_genes());
    };
    t("string_human.protein.links.txt.gz", "STRING links", 162_282, Some(8_806), 162_282);
    let v12 = "string_v12_human_no_textmining.protein.links.full.txt.gz";
    t(v12, "STRING links", 174_962, Some(17_288), 349_924);
    t("string_human_scored_sample.protein.links.txt.gz", "STRING links", 204, None, 408);
    t("string_mouse_scored_sample.protein.links.txt.gz", "STRING links", 356, None, 712);
    t("string_yeast_actions.tsv.gz", "STRING actions", 138_496, None, 138_496);
    t("collectri.tsv.gz", "TF-target table", 43_178, None, 42_716);
    t("dorothea_abc.tsv.gz", "TF-target table", 13_223, None, 13_223);
    t("trrust.tsv.gz", "TF-target table", 11_264, None, 8_403);
    t("hepg2_chip.tsv.gz", "edge list", 342_862, None, 342_823);
    t("mesc_lofgof.tsv.gz", "edge list", 104_796, None, 104_174);
}

#[test]
fn v12_keeps_every_channel() {
    let Some(path) = network("string_v12_human_no_textmining.protein.links.full.txt.gz") else { return };
    let graph = read(&path).unwrap().graph;
    // Lines 2 to 4 of the file: direct and transferred scores of a channel are merged by the larger.
    let t = |a, b, channel, expected| assert_eq!(score(&graph, a, b, channel), expected, "{a} {b} {channel}");
    t("A1BG", "GDPD1", "string.experiments", Some(0.458));
    t("A1BG", "GDPD1", "string.combined", Some(0.457));
    t("NLRP5", "A1BG", "string.database", None);
    t("NLRP5", "A1BG", "string.experiments", Some(0.1));
    t("NLRP5", "A1BG", "string.coexpression", Some(0.042));
    t("NLRP5", "A1BG", "string.cooccurence", Some(0.433));
    t("A1CF", "FAU", "string.experiments", Some(0.593));
    assert_eq!(edge(&graph, "FAU", "A1CF").unwrap().weight, 0.598);
}

#[test]
fn a_constant_score_is_noticed() {
    let Some(path) = network("string_human.protein.links.txt.gz") else { return };
    let notices = read(&path).unwrap().notices;
    assert!(notices.iter().any(|n| n.0.contains("is 999") && n.0.contains("carry no information")), "{notices:?}");
}

/// BioPlanet counts by hand: `zcat | awk` gives 1,658 sets and 74,148 memberships.
#[test]
fn gene_sets_connect_genes_sparsely() {
    let Some(path) = network("bioplanet_gene_sets.tsv.gz") else { return };
    let read = read(&path).unwrap();
    assert_eq!((read.sources[0].format, read.sources[0].rows), ("gene sets", 74_148));
    assert_eq!(read.graph.channels(), ["sets.bioplanet_gene_sets".into()]);
    assert!(read.graph.edges().iter().all(|e| e.weight > 0.1 && e.weight <= 1.0 && e.sign == Sign::Unknown));
    let mutual = |e: &Edge| read.graph.edge(e.target, e.source).is_some_and(|back| back.weight == e.weight);
    assert!(read.graph.edges().iter().all(mutual));
}

const LINKS: &str = "protein1 protein2 experiments experiments_transferred combined_score\n";
const IDS: &str = "9606.ENSP01 9606.ENSP02 300 450 700\n9606.ENSP02 9606.ENSP03 0 0 200\n";

/// The identifiers and their names are made up.
#[test]
fn string_identifiers_take_the_names_beside_the_file() {
    let links = format!("{LINKS}{IDS}");
    let info = "#string_protein_id\tpreferred_name\tprotein_size\tannotation\n\
                9606.ENSP01\tAAA\t100\tsays \"quoted, to no end\n9606.ENSP02\tBBB\t90\tnothing\n";
    let aliases = "#string_protein_id\talias\tsource\n9606.ENSP01\tP1\tUniProt_AC\n9606.ENSP01\tAAA\tEnsembl_HGNC_symbol\n\
                   9606.ENSP01\tOLD\tEnsembl_HGNC_prev\n9606.ENSP02\tBBB\tEnsembl_HGNC_symbol\n";
    let t = |name: &str, text: &str| {
        let (_dir, path) = made(&[("9606.protein.links.full.v12.0.txt", &links), (name, text)]);
        let read = read(&path).unwrap();
        assert_eq!(score(&read.graph, "AAA", "BBB", "string.experiments"), Some(0.45));
        assert!(edge(&read.graph, "BBB", "9606.ENSP03").is_some(), "an unknown identifier is kept");
        assert!(read.notices.iter().any(|n| n.0.starts_with("1 STRING identifiers have no known name")));
    };
    t("9606.protein.info.v12.0.txt", info);
    t("9606.protein.aliases.v12.0.txt", aliases);
}

#[test]
fn string_identifiers_take_the_names_given() {
    let (dir, path) =
        made(&[("links.txt", &format!("{LINKS}{IDS}")), ("names.tsv", "9606.ENSP01\tAAA\n9606.ENSP02\tBBB\n")]);
    let aliases = Some(dir.path().join("names.tsv"));
    let read_with = |min_score| {
        read_priors(
            std::slice::from_ref(&path),
            &PriorOptions { min_score, aliases: aliases.clone(), ..PriorOptions::default() },
        )
    };
    assert_eq!(read_with(0.0).unwrap().graph.n_edges(), 4);
    let cut = read_with(700.0).unwrap().graph;
    assert_eq!((cut.n_edges(), edge(&cut, "BBB", "AAA").unwrap().weight), (2, 0.7));
    let error = read_with(701.0).unwrap_err();
    assert!(matches!(error, IoError::Graph { source: GraphError::Empty { .. }, .. }), "{error}");
}

#[test]
fn string_identifiers_without_names_are_an_error() {
    let error = read_text("links.txt", &format!("{LINKS}{IDS}")).unwrap_err().to_string();
    assert!(error.contains("expected gene symbols") && error.contains("`9606.ENSP01`"), "{error}");
}

#[test]
fn string_detailed_and_fractions_are_read() {
    let detailed = "protein1 protein2 coexpression experimental combined_score\nA B 0 120 500\nB A 0 120 500\n";
    let graph = read_text("d.txt", detailed).unwrap().graph;
    assert_eq!(score(&graph, "B", "A", "string.experiments"), Some(0.12));
    let fractions = read_text("f.csv", "Gene1,Gene2,combined_score\nA,B,0.999\nB,C,0.4\n").unwrap();
    assert_eq!((fractions.sources[0].format, edge(&fractions.graph, "C", "B").unwrap().weight), ("STRING links", 0.4));
    let unscored = read_text("u.txt", "protein1 protein2\nA B\n").unwrap().graph;
    assert_eq!(edge(&unscored, "B", "A").unwrap().weight, 1.0);
}

/// One kind per row, as STRING 10 and 11 ship `protein.actions`.
#[test]
fn string_actions_by_row_are_read() {
    let text = "item_id_a\titem_id_b\tmode\taction\tis_directional\ta_is_acting\tscore\n\
                A\tB\tactivation\tactivation\tt\tt\t900\nB\tA\tactivation\tactivation\tt\tf\t900\n\
                C\tD\tbinding\t\tf\tf\t500\nE\tF\tinhibition\tinhibition\tt\tt\t300\n";
    let graph = read_text("actions.tsv", text).unwrap().graph;
    assert_eq!(graph.n_edges(), 4);
    assert_eq!((edge(&graph, "A", "B").unwrap().sign, edge(&graph, "B", "A")), (Sign::Activation, None));
    assert_eq!(edge(&graph, "E", "F").unwrap().sign, Sign::Repression);
    assert_eq!(score(&graph, "D", "C", "string.actions.binding"), Some(0.5));
}

#[test]
fn regulons_have_signs_and_confidence() {
    let t = |name: &str, text: &str, channel: &str, expected: &[(&str, &str, f32, Sign)]| {
        let graph = read_text(name, text).unwrap().graph;
        for &(source, target, weight, sign) in expected {
            let edge = edge(&graph, source, target).unwrap();
            assert_eq!((edge.weight, edge.sign), (weight, sign), "{name} {source} {target}");
            assert_eq!(score(&graph, source, target, channel), Some(weight));
        }
    };
    let (plus, minus, open) = (Sign::Activation, Sign::Repression, Sign::Unknown);
    t(
        "CollecTRI.csv",
        "source,target,weight,PMID\nA,B,1,\"1;2\"\nA,C,-1,\"3, 4\"\n",
        "collectri",
        &[("A", "B", 1.0, plus), ("A", "C", 1.0, minus)],
    );
    let dorothea = "tf\tconfidence\ttarget\tmor\nA\tA\tB\t-1\nA\tB\tC\t1\nA\tD\tD\t1\n";
    t("dorothea.tsv", dorothea, "dorothea", &[("A", "B", 1.0, minus), ("A", "C", 0.5, plus), ("A", "D", 0.25, plus)]);
    let trrust = "A\tB\tActivation\t1\nA\tB\tRepression\t2\nA\tC\tRepression\t3\nA\tD\tUnknown\t4\nA\tC\tUnknown\t5\n";
    t("human.tsv", trrust, "trrust", &[("A", "B", 1.0, open), ("A", "C", 1.0, minus), ("A", "D", 1.0, open)]);
    t("net.tsv", "source\ttarget\tmor\nA\tB\t-0.5\n", "edges.net", &[("A", "B", 0.5, minus)]);
}

#[test]
fn any_edge_list_is_read() {
    let t = |text: &str, source: &str, target: &str, weight: f32, sign: Sign| {
        let graph = read_text("some.txt", text).unwrap_or_else(|e| panic!("{text:?}: {e}")).graph;
        let edge = edge(&graph, source, target).unwrap_or_else(|| panic!("{text:?}"));
        assert_eq!((edge.weight, edge.sign), (weight, sign), "{text:?}");
        assert_eq!(graph.edge(edge.target, edge.source), None, "{text:?}");
    };
    let (plus, minus, open) = (Sign::Activation, Sign::Repression, Sign::Unknown);
    t("Gene1,Gene2,Type\nGfi1,cJun,-\n", "Gfi1", "cJun", 1.0, minus);
    t("regulator;target;sign\nA;B;activation\n", "A", "B", 1.0, plus);
    t("TF\tgene\nA\tB\n", "A", "B", 1.0, open);
    t("\"TF\" \"target\" \"importance\"\n\"A\" \"B\" 12.5\n\"A\" \"C\" 50\n", "A", "B", 0.25, open);
    t("source  target   weight\nA   B    0.5\n", "A", "B", 0.5, open);
    t("source\ttarget\tweight\nA\tB\t-0.5\nA\tC\t0.2\n", "A", "C", 0.2, plus);
    t("1,85\n1,3\n", "1", "85", 1.0, open);
    t("G1\tG2\t1\nG5\tG4\t0\n", "G1", "G2", 1.0, open);
    t("G1\tG2\t+\nG5\tG4\t-\n", "G5", "G4", 1.0, minus);
}

#[test]
fn an_edge_of_weight_zero_is_none() {
    let read = read_text("gold.tsv", "G1\tG2\t1\nG5\tG4\t0\n").unwrap();
    assert_eq!((read.graph.n_edges(), read.graph.n_genes(), read.sources[0].rows), (1, 2, 2));
}

#[test]
fn gene_sets_come_in_three_layouts() {
    let t = |name: &str, text: &str, channel: &str| {
        let graph = read_text(name, text).unwrap().graph;
        // A and B share s1 and s2, and hold nothing else; C is in s1 only.
        assert_eq!(score(&graph, "A", "B", channel), Some(1.0), "{name}");
        assert_eq!(score(&graph, "C", "A", channel), Some(0.5), "{name}");
    };
    t("go.gmt", "s1\tabout\tA\tB\tC\ns2\tabout\tA\tB\n", "sets.go");
    t("pathways.tsv", "term\tgene\ns1\tA\ns1\tB\ns1\tC\ns2\tA\ns2\tB\n", "sets.pathways");
    let gaf = |gene: &str, qualifier: &str, term: &str| {
        format!(
            "UniProtKB\tP0\t{gene}\t{qualifier}\t{term}\tPMID:1\tIDA\t\tP\tname\t\tprotein\ttaxon:9606\t20200101\tX\t\t\n"
        )
    };
    let rows = [gaf("A", "involved_in", "GO:1"), gaf("B", "involved_in", "GO:1"), gaf("C", "enables", "GO:1")];
    let more = [gaf("A", "enables", "GO:2"), gaf("B", "enables", "GO:2"), gaf("C", "NOT|enables", "GO:2")];
    t("goa.gaf", &format!("!gaf-version: 2.2\n{}{}", rows.concat(), more.concat()), "sets.goa");
}

#[test]
fn priors_merge_with_all_their_evidence() {
    let (dir, links) = made(&[
        ("links.txt", "protein1 protein2 experiments combined_score\nA B 300 400\n"),
        ("collectri.tsv", "source\ttarget\tweight\nA\tB\t-1\n"),
    ]);
    let graph = read_priors(&[links, dir.path().join("collectri.tsv")], &PriorOptions::default()).unwrap().graph;
    let edge = edge(&graph, "A", "B").unwrap();
    assert_eq!((edge.weight, edge.sign, edge.evidence.len()), (1.0, Sign::Repression, 3));
    assert_eq!(score(&graph, "A", "B", "string.experiments"), Some(0.3));
}

#[test]
fn a_graph_table_gives_the_same_graph_back() {
    let text = "source\ttarget\tweight\tsign\tevidence\nA\tB\t0.12345678\t-\tstring.combined=0.1;x=1\nB\tA\t1\t.\t\n";
    let dir = tempfile::tempdir().unwrap();
    let graph = read_text("g.tsv", text).unwrap().graph;
    for name in ["g.tsv", "g.tsv.gz"] {
        let path = dir.path().join(name);
        write_graph(&path, &graph).unwrap();
        let again = read_graph(&path).unwrap();
        assert_eq!((again.edges(), again.channels()), (graph.edges(), graph.channels()));
        assert_eq!(read(&path).unwrap().graph.edges(), graph.edges());
    }
    assert_eq!(std::fs::read_to_string(dir.path().join("g.tsv")).unwrap(), text);
}

#[test]
fn a_graph_without_genes_survives() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("empty.tsv.gz");
    write_graph(&path, &GeneGraph::empty()).unwrap();
    assert_eq!(read_graph(&path).unwrap().n_genes(), 0);
}

#[test]
fn bad_files_say_where_and_what() {
    let t = |name: &str, text: &str, expected: &str| {
        let error = read_text(name, text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
    };
    t("e.txt", "", "expected a table of edges or gene sets, got a file without rows");
    t("e.txt", "protein1 protein2 combined_score\n", "the gene graph has no edge");
    t(
        "e.txt",
        "protein1 protein2 combined_score\nA B 700\nA C\n",
        "line 3: expected 3 columns, as in the header, got 2 (`A`, `C`)",
    );
    t("e.txt", "protein1 protein2 combined_score\nA B many\n", "line 2: expected a number in column 3, got `many`");
    t(
        "e.txt",
        "protein1 protein2 combined_score\nA B 7000\n",
        "line 2: expected a score of 0 to 1000 in column 3, got 7000",
    );
    t("e.txt", "protein1 protein2 combined_score\nA B NaN\n", "line 2: expected a number in column 3, got `NaN`");
    t("e.tsv", "source\ttarget\nA\t\n", "line 2: expected a gene in column 2, got an empty field");
    t("e.tsv", "x\ty\tz\nA\tB\tC\n", "line 1: expected a header with `source` and `target`");
    t(
        "dorothea.tsv",
        "tf\ttarget\tmor\tconfidence\nA\tB\t1\tZ\n",
        "line 2: expected a confidence of A to E or 0 to 1 in column 4, got `Z`",
    );
    t("a.gmt", "s1\tabout\n", "line 1: expected a set name, a description and genes, got 2");
    t(
        "g.tsv",
        "source\ttarget\tweight\tsign\tevidence\nA\tB\t1\t+\tstring\n",
        "line 2: expected evidence as `channel=score`, got `string`",
    );
    t(
        "g.tsv",
        "source\ttarget\tweight\tsign\tevidence\nA\tB\t1\tup?\t\n",
        "line 2: expected a sign `+`, `-` or `.`, got `up?`",
    );
}

#[test]
fn a_missing_file_is_named() {
    let error = read(Path::new("no/such.tsv")).unwrap_err().to_string();
    assert!(error.starts_with("cannot read `no/such.tsv`"), "{error}");
}

#[test]
fn a_truncated_gzip_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.tsv.gz");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"source\ttarget\n").unwrap();
    (0..60_000u32).for_each(|k| writeln!(encoder, "G{}\tG{}", k.wrapping_mul(2_654_435_761), k).unwrap());
    let bytes = encoder.finish().unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("expected a complete gzip stream, got one that ends early"), "{error}");
    assert!(error.contains(", line "), "{error}");
}
