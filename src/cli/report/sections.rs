//! What the report says of data, graph, training, targets, notices and how to repeat the run.

use std::path::Path;

use super::super::error::CliError;
use super::super::load::LoadedRun;
use super::super::plot::{Why, curve_figure, source_of};
use super::tables::{number, read_tsv};
use crate::data::{Quantity, Responses};
use crate::graph::{GeneGraph, Sign};
use crate::report::{Fact, FigureView, RankedGene, RankingFigure, Section, TableView};
use crate::run::{Manifest, read_metrics};

/// Rows of a table that lists the largest.
const ROWS: usize = 12;
/// Genes of the waterfall.
const SHOWN: usize = 8;

/// What was measured.
pub(super) fn data(m: &Manifest, r: &Responses) -> Section {
    let quantity = match r.quantity {
        Quantity::Level => "difference of mean log1p expression to control",
        Quantity::Effect => "effect as given in the file",
    };
    let cells: u64 = r.n_cells.iter().sum();
    let mut facts = vec![Fact::new("Source", &m.data), Fact::new("Response", quantity)];
    facts.push(Fact::new("Perturbations", r.len()));
    facts.push(Fact::new("Genes", r.genes.len()));
    if cells > 0 {
        facts.push(Fact::new("Perturbed cells", cells));
        facts.push(Fact::new("Control cells", r.control.n_cells).note(format!("labelled {}", m.control_label)));
    }
    let files = m.inputs.iter().map(|f| {
        let hash = f.blake3.as_deref().map_or("not hashed", |h| &h[..h.len().min(16)]);
        Fact::new("Input", f.path.display()).note(format!("{} bytes, BLAKE3 {hash}", f.bytes))
    });
    facts.extend(files);
    Section { facts, tables: vec![strongest(r)], ..Section::default() }
}

/// Perturbations with the largest measured response.
fn strongest(r: &Responses) -> TableView {
    let own = |row: usize, gene: usize| r.perturbations[row].targets().iter().any(|t| **t == *r.genes.names()[gene]);
    let size = |row: usize| {
        let others = r.delta.row(row).into_iter().enumerate().filter(|(g, _)| !own(row, *g));
        others.map(|(_, &d)| f64::from(d) * f64::from(d)).sum::<f64>().sqrt()
    };
    let mut sizes: Vec<(f64, usize)> = (0..r.len()).map(|row| (size(row), row)).collect();
    sizes.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let cells = |row: usize| if r.n_cells[row] == 0 { "–".into() } else { r.n_cells[row].to_string() };
    let on_target = |row: usize| {
        let gene = r.perturbations[row].targets().first().and_then(|t| r.genes.resolve(t));
        gene.map_or("–".into(), |g| number(f64::from(r.delta[[row, g.index()]])))
    };
    TableView {
        caption: "Perturbations with the largest measured response, the targets themselves left out".into(),
        header: ["perturbation", "cells", "length of the response", "change of the (first) target"]
            .map(String::from)
            .to_vec(),
        rows: sizes
            .into_iter()
            .take(ROWS)
            .map(|(size, row)| vec![r.perturbations[row].to_string(), cells(row), number(size), on_target(row)])
            .collect(),
        best: None,
    }
}

/// Prior knowledge and how much of the screen it covers.
pub(super) fn graph(g: &GeneGraph, r: &Responses) -> Section {
    let signed = |sign: Sign| g.edges().iter().filter(|e| e.sign == sign).count();
    let covered = r.perturbations.iter().filter(|p| p.targets().iter().all(|t| g.genes().resolve(t).is_some()));
    let measured = g.genes().names().iter().filter(|n| r.genes.resolve(n).is_some()).count();
    let facts = vec![
        Fact::new("Genes", g.n_genes()).note(format!("{measured} of them measured")),
        Fact::new("Directed edges", g.n_edges()),
        Fact::new("Activating", signed(Sign::Activation)),
        Fact::new("Repressing", signed(Sign::Repression)),
        Fact::new("Without a sign", signed(Sign::Unknown)),
        Fact::new("Perturbations whose targets are in the graph", covered.count()).note(format!("of {}", r.len())),
    ];
    let edges = |k: usize| g.edges().iter().filter(|e| e.evidence.iter().any(|(c, _)| usize::from(c.0) == k)).count();
    let rows = g.channels().iter().enumerate().map(|(k, name)| vec![name.to_string(), edges(k).to_string()]).collect();
    let header = ["evidence", "edges"].map(String::from).to_vec();
    let table =
        TableView { caption: "Where the edges come from; one edge may have several".into(), header, rows, best: None };
    Section { facts, tables: vec![table], ..Section::default() }
}

/// How the fit went; `None` where nothing was recorded.
pub(super) fn training(run: &LoadedRun) -> Result<Option<Section>, CliError> {
    let rows = if run.dir.metrics().exists() { read_metrics(&run.dir.metrics())? } else { Vec::new() };
    let summary = &run.manifest.summary;
    if rows.is_empty() && summary.is_empty() {
        return Ok(None);
    }
    let figures = match curve_figure(&run.manifest.model, &rows) {
        Ok(figure) => vec![FigureView::of(&figure.scene(), "")?],
        Err(_) => Vec::new(),
    };
    let facts = summary.iter().map(|(name, value)| Fact::new(name, number(*value))).collect();
    Ok(Some(Section { facts, figures, ..Section::default() }))
}

/// Upstream genes of the signatures ranked in this folder.
pub(super) fn targets(run: &LoadedRun) -> Result<Option<Section>, CliError> {
    let Some(table) = read_tsv(&run.dir.join("ranking.tsv"))? else { return Ok(None) };
    let mut section =
        Section { tables: vec![table.first_columns(13).view("Ranked upstream genes", 20)], ..Section::default() };
    let columns = (table.column("query"), table.column("gene"), table.column("score"));
    let (Some(query), Some(gene), Some(score), Some(first)) = (columns.0, columns.1, columns.2, table.rows.first())
    else {
        return Ok(Some(section));
    };
    let probability = table.column("probability");
    let name = first[query].clone();
    let of_query = table.rows.iter().filter(|r| r.get(query) == Some(&name));
    let ranked = of_query.filter_map(|r| {
        Some(RankedGene {
            gene: r.get(gene)?.clone(),
            score: r.get(score)?.parse().ok()?,
            probability: probability.and_then(|p| r.get(p)?.parse().ok()),
            is_cause: r.get(gene) == Some(&name),
        })
    });
    if let Some(why) = Why::read(&run.dir.join("ranking.tsv"))? {
        let source = format!("Ranking {}.", run.dir.join("ranking.tsv").display());
        section.figures.push(FigureView::of(&why.figure(Some(&name), SHOWN, &source)?.scene(), "")?);
    }
    let figure = RankingFigure::new(&name, ranked.collect(), 20)?.caption(source_of(run));
    section.figures.push(FigureView::of(&figure.scene(), "")?);
    Ok(Some(section))
}

/// What the user should know.
pub(super) fn notices(m: &Manifest) -> Option<Section> {
    let notices = m.notices.clone();
    (!notices.is_empty()).then(|| Section { notices, ..Section::default() })
}

/// The command, the settings and the place of the run.
pub(super) fn reproduce(m: &Manifest, config: Option<&Path>) -> Section {
    let mut facts = vec![
        Fact::new("Program", format!("grn {}", m.grn)),
        Fact::new("Seed", m.seed).note("the same seed gives the same bits for any number of threads"),
        Fact::new("Device", &m.device),
        Fact::new("Threads", m.threads),
        Fact::new("Started", m.started),
        Fact::new("Wall time", format!("{:.1} s", m.wall_secs)),
    ];
    if let Some(bytes) = m.peak_rss_bytes {
        facts.push(Fact::new("Peak memory", format!("{:.0} MB", bytes as f64 / 1e6)));
    }
    let typed: Vec<String> =
        m.argv.iter().enumerate().map(|(k, a)| if k == 0 { "grn".into() } else { quoted(a) }).collect();
    let again = config.map(|path| format!("grn fit --config {}", quoted(&path.display().to_string())));
    Section {
        intro: "As it was typed, and the settings that were in force:".into(),
        commands: std::iter::once(typed.join(" ")).chain(again).collect(),
        facts,
        ..Section::default()
    }
}

/// An argument as a shell takes it.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=,:+@%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', "'\\''"))
}
