//! The folder with the truth of a simulated screen.

use std::path::Path;

use ndarray::Array2;
use serde_json::json;

use crate::cli::error::CliError;
use crate::error::Notice;
use crate::graph::GraphSummary;
use crate::io::{self, AnnData, Column, IoError, Matrix};
use crate::simulate::{Calibration, Response, SimulationOptions, Truth};

/// What the folder tells.
pub(super) struct About<'a> {
    pub(super) truth: &'a Truth,
    pub(super) notices: &'a [Notice],
    pub(super) options: &'a SimulationOptions,
    pub(super) law: &'a str,
    /// How edge strength was found.
    pub(super) calibration: Option<&'a Calibration>,
    /// Degrees, cycles and communities of the network.
    pub(super) topology: Option<&'a GraphSummary>,
}

/// Writes edges.tsv, genes.tsv, deltas.h5ad and parameters.json, each whole or not at all.
pub(super) fn write(folder: &Path, about: &About<'_>) -> Result<(), CliError> {
    std::fs::create_dir_all(folder).map_err(|e| IoError::write(folder, e))?;
    write_edges(&folder.join("edges.tsv"), about.truth)?;
    write_genes(&folder.join("genes.tsv"), about.truth)?;
    write_deltas(&folder.join("deltas.h5ad"), about.truth)?;
    write_parameters(&folder.join("parameters.json"), about)
}

/// The laws as formulas; levels are steady where production equals decay x level.
fn formula(law: &str) -> &'static str {
    match law {
        "hill-sum" => {
            "production_i = rate_i or sum_j |strength_ij| h(u_j), u = (x_j / half_j)^hill, h = u / (1 + u) or 1 / (1 + u)"
        }
        "logistic" => "production_i = 1 / (1 + exp(-(alpha_i + sum_j beta_ij x_j)))",
        "boolean" => {
            "production_i = decay most f_i(x), f the thermodynamic ratio of the rule over all subsets of its regulators"
        }
        _ => {
            "production_i = decay_i level_i prod_j g_ij(x_j) / g_ij(x_j*), g = (1 + fold u) / (1 + u), u = (x_j / half)^hill"
        }
    }
}

fn write_edges(path: &Path, truth: &Truth) -> Result<(), IoError> {
    io::write_atomic(path, |out| {
        let failed = |e| IoError::write(path, e);
        writeln!(out, "source\ttarget\tsign\t{}\telasticity", truth.edge_parameters.join("\t")).map_err(failed)?;
        for e in &truth.edges {
            let sign = if e.elasticity > 0.0 { '+' } else { '-' };
            let parameters: Vec<String> = e.parameters.iter().map(|p| format!("{p:.6e}")).collect();
            writeln!(out, "{}\t{}\t{sign}\t{}\t{:.6}", e.source, e.target, parameters.join("\t"), e.elasticity)
                .map_err(failed)?;
        }
        Ok(())
    })
}

/// Per gene: level and share of all molecules in an unperturbed cell, half-life in hours, numbers of targets and regulators.
fn write_genes(path: &Path, truth: &Truth) -> Result<(), IoError> {
    let names = truth.genes.names();
    let mut degrees = vec![(0usize, 0usize); names.len()];
    for e in &truth.edges {
        truth.genes.id(&e.source).into_iter().for_each(|g| degrees[g.index()].0 += 1);
        truth.genes.id(&e.target).into_iter().for_each(|g| degrees[g.index()].1 += 1);
    }
    io::write_atomic(path, |out| {
        let failed = |e| IoError::write(path, e);
        writeln!(out, "gene\tlevel\tshare\thalf_life\ttargets\tregulators").map_err(failed)?;
        for (g, name) in names.iter().enumerate() {
            let (level, share) = (truth.levels[g], truth.shares[g]);
            let half_life = std::f64::consts::LN_2 / truth.decay[g];
            let (targets, regulators) = degrees[g];
            writeln!(out, "{name}\t{level:.6e}\t{share:.6e}\t{half_life:.4}\t{targets}\t{regulators}")
                .map_err(failed)?;
        }
        Ok(())
    })
}

/// One row per cell type (and stage), perturbation and dose of the screen, then the same for every held-out gene.
fn write_deltas(path: &Path, truth: &Truth) -> Result<(), IoError> {
    let rows: Vec<&Response> = truth.responses.iter().chain(&truth.held_out).collect();
    let n_genes = truth.genes.len();
    let delta = Array2::from_shape_fn((rows.len(), n_genes), |(i, j)| rows[i].delta[j]);
    let fold_change = Array2::from_shape_fn((rows.len(), n_genes), |(i, j)| rows[i].log2_fold_change[j]);
    let in_screen = (0..rows.len()).map(|i| i < truth.responses.len()).collect();
    let mut obs = vec![
        ("target_gene".to_owned(), Column::Categories(rows.iter().map(|r| r.perturbation.to_string()).collect())),
        ("in_screen".to_owned(), Column::Booleans(in_screen)),
        ("responding_genes".to_owned(), Column::Integers(rows.iter().map(|r| r.responding() as i64).collect())),
    ];
    if rows.iter().any(|r| r.cell_type.is_some()) {
        let types = rows.iter().map(|r| r.cell_type.clone().unwrap_or_default()).collect();
        obs.push(("cell_type".to_owned(), Column::Categories(types)));
        obs.push(("pseudotime".to_owned(), Column::Floats(rows.iter().map(|r| r.pseudotime).collect())));
    }
    if rows.iter().any(|r| r.dose.is_some()) {
        obs.push(("dose".to_owned(), Column::Floats(rows.iter().map(|r| r.dose.unwrap_or(f64::NAN)).collect())));
    }
    if rows.iter().any(|r| r.hours.is_some()) {
        obs.push(("time".to_owned(), Column::Floats(rows.iter().map(|r| r.hours.unwrap_or(f64::NAN)).collect())));
    }
    let about = json!("expected difference of mean log1p counts");
    io::write_h5ad(
        path,
        &AnnData {
            obs_names: rows.iter().map(|r| row_name(r)).collect(),
            obs,
            genes: truth.genes.clone(),
            var: Vec::new(),
            x: Matrix::Dense(delta.view()),
            layers: vec![("log2_fold_change".into(), Matrix::Dense(fold_change.view()))],
            uns: serde_json::Map::from_iter([("quantity".to_owned(), about)]),
        },
    )
}

/// The perturbation and, where the screen has several, its cell type with pseudotime and its dose.
fn row_name(response: &Response) -> String {
    let cell_type = response.cell_type.as_ref().map(|name| format!("/{name}@{:.3}", response.pseudotime));
    let dose = response.dose.map(|dose| format!("/{dose}"));
    let hours = response.hours.map(|hours| format!("/{hours}h"));
    let parts = [cell_type, dose, hours].map(Option::unwrap_or_default);
    format!("{}{}", response.perturbation, parts.concat())
}

fn write_parameters(path: &Path, about: &About<'_>) -> Result<(), CliError> {
    let (truth, options) = (about.truth, about.options);
    let parameters = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "law": about.law,
        "formula": formula(about.law),
        "seed": options.seed,
        "options": options,
        "topology": about.topology,
        "calibration": about.calibration,
        "growth_rate": truth.growth,
        "leading_eigenvalue_per_hour": truth.leading_eigenvalue,
        "residual": truth.residual,
        "notices": about.notices,
    });
    io::write_atomic(path, |out| {
        let failed = |e| CliError::from(IoError::write(path, e));
        writeln!(out, "{parameters:#}").map_err(failed)
    })
}
