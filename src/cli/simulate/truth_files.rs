//! The folder with the truth of a simulated screen.

use std::path::Path;

use ndarray::Array2;
use serde_json::json;

use crate::cli::error::CliError;
use crate::io::{self, AnnData, Column, IoError, Matrix};
use crate::simulate::{Response, Simulated, SimulationOptions, Truth};

/// Writes edges.tsv, deltas.h5ad and parameters.json, each whole or not at all.
pub(super) fn write(folder: &Path, simulated: &Simulated, options: &SimulationOptions) -> Result<(), CliError> {
    std::fs::create_dir_all(folder).map_err(|e| IoError::write(folder, e))?;
    write_edges(&folder.join("edges.tsv"), &simulated.truth)?;
    write_deltas(&folder.join("deltas.h5ad"), &simulated.truth)?;
    write_parameters(&folder.join("parameters.json"), simulated, options)?;
    Ok(())
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

/// One row per perturbation of the screen, then one per held-out gene.
fn write_deltas(path: &Path, truth: &Truth) -> Result<(), IoError> {
    let rows: Vec<&Response> = truth.responses.iter().chain(&truth.held_out).collect();
    let n_genes = truth.genes.len();
    let delta = Array2::from_shape_fn((rows.len(), n_genes), |(i, j)| rows[i].delta[j]);
    let fold_change = Array2::from_shape_fn((rows.len(), n_genes), |(i, j)| rows[i].log2_fold_change[j]);
    let labels: Vec<String> = rows.iter().map(|r| r.perturbation.to_string()).collect();
    let responding = rows.iter().map(|r| r.responding() as i64).collect();
    let in_screen = (0..rows.len()).map(|i| i < truth.responses.len()).collect();
    io::write_h5ad(
        path,
        &AnnData {
            obs_names: labels.clone(),
            obs: vec![
                ("target_gene".into(), Column::Categories(labels)),
                ("in_screen".into(), Column::Booleans(in_screen)),
                ("responding_genes".into(), Column::Integers(responding)),
            ],
            genes: truth.genes.clone(),
            var: Vec::new(),
            x: Matrix::Dense(delta.view()),
            layers: vec![("log2_fold_change".into(), Matrix::Dense(fold_change.view()))],
            uns: serde_json::Map::from_iter([(
                "quantity".to_owned(),
                json!("expected difference of mean log1p counts"),
            )]),
        },
    )
}

fn write_parameters(path: &Path, simulated: &Simulated, options: &SimulationOptions) -> Result<(), CliError> {
    let parameters = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "law": "level_i = production_i = prod_j g_ij(x_j) / g_ij(x_j*), g = (1 + fold u) / (1 + u), u = (x_j / half)^hill",
        "options": options,
        "growth_rate": simulated.truth.growth,
        "residual": simulated.truth.residual,
        "notices": simulated.notices,
    });
    io::write_atomic(path, |out| {
        let failed = |e| CliError::from(IoError::write(path, e));
        writeln!(out, "{parameters:#}").map_err(failed)
    })
}
