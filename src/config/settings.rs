//! All settings, with their defaults.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The settings in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Seed of every random choice.
    pub seed: u64,
    /// Threads; without it the processors this process may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Where tensors live: `auto`, `cpu` or `cuda:N`.
    pub device: String,
    /// The model to fit.
    pub model: String,
    /// The screen.
    pub data: DataSettings,
    /// The gene graph.
    pub graph: GraphSettings,
    /// Cross-validation.
    pub cv: CvSettings,
    /// Downloads.
    pub fetch: FetchSettings,
    /// Settings of models, one table each (`[models.gears]`), as in `configs/models/`.
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub models: toml::Table,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            threads: None,
            device: "auto".to_owned(),
            model: "grn".to_owned(),
            data: DataSettings::default(),
            graph: GraphSettings::default(),
            cv: CvSettings::default(),
            fetch: FetchSettings::default(),
            models: toml::Table::new(),
        }
    }
}

/// `[data]`: which screen, and how it is labelled and scaled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataSettings {
    /// The screen; without it the embedded simulated one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screen: Option<PathBuf>,
    /// A published data set whose columns, control label and quirks are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Column of the perturbation; detected without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pert_col: Option<String>,
    /// Label of the control; detected without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_pert: Option<String>,
    /// Column of the cell type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub celltype_col: Option<String>,
    /// Column of the batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_col: Option<String>,
    /// `counts` or `log1p`; guessed without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<String>,
    /// Total to which the counts of a cell are scaled: `median`, `none` or a number.
    pub target_sum: String,
    /// Table of other gene names (TSV: alias, gene).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aliases: Option<PathBuf>,
    /// The genes that the tokens of Parquet files stand for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gene_metadata: Option<PathBuf>,
    /// Embeddings of genes.
    pub features: Vec<PathBuf>,
    /// Effects of perturbations in other contexts.
    pub other_effects: Vec<PathBuf>,
}

impl Default for DataSettings {
    fn default() -> Self {
        Self {
            screen: None,
            preset: None,
            pert_col: None,
            control_pert: None,
            celltype_col: None,
            batch_col: None,
            scale: None,
            target_sum: "median".to_owned(),
            aliases: None,
            gene_metadata: None,
            features: Vec::new(),
            other_effects: Vec::new(),
        }
    }
}

/// `[graph]`: which priors.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GraphSettings {
    /// Prior networks.
    pub priors: Vec<PathBuf>,
    /// Smallest combined score of STRING edges (0 to 1000).
    pub min_score: f32,
    /// Evidence channels to leave out (`string.coexpression`, ...).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without_channels: Vec<String>,
}

/// `[cv]`: how `grn cv` chooses among models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CvSettings {
    /// Add a row whose model is chosen anew in each fold, by inner folds of its training part.
    pub nested: bool,
    /// Number of inner folds.
    pub inner: usize,
    /// The metric that chooses: `ap`, `centred_r`, `disc`, `pearson_delta` or `l2_ratio`.
    pub criterion: String,
}

impl Default for CvSettings {
    fn default() -> Self {
        Self { nested: false, inner: 5, criterion: "centred_r".to_owned() }
    }
}

/// `[fetch]`: where `grn data fetch` looks for data sets.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FetchSettings {
    /// Scheme and host (and a path before theirs) that replace those of every address: a mirror, such as `https://mirror.example.org/grn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
}
