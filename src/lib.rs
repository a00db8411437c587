//! `grn` simulates gene-regulatory networks and predicts what a gene knockdown does to a transcriptome.
//!
//! A screen is read once into a [`data::Pseudobulk`]; prior tables become a [`graph::GeneGraph`]; a
//! [`predict::Predictor`] learns from both and predicts the change of expression of perturbations it has never seen.
//! The rooms are layers: each imports only from those below (see `ARCHITECTURE.md`).

pub mod cli;
pub mod config;
pub mod data;
pub mod error;
pub mod graph;
pub mod io;
pub mod nn;
pub mod predict;
pub mod rank;
pub mod report;
pub mod run;
pub mod score;
pub mod simulate;
pub mod stats;
pub mod train;
