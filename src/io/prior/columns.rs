//! Names of columns, as the tools of the field write them.

/// The regulator.
pub(super) const SOURCE: &[&str] = &[
    "source",
    "tf",
    "regulator",
    "gene1",
    "from",
    "source_genesymbol",
    "protein1",
    "node1",
    "regulatorygene",
    "transcription_factor",
    "tf_name",
];

/// The gene acted on.
pub(super) const TARGET: &[&str] = &[
    "target",
    "gene",
    "gene2",
    "to",
    "target_genesymbol",
    "protein2",
    "node2",
    "targetgene",
    "target_gene",
    "target_name",
];

/// Strength of the edge.
pub(super) const WEIGHT: &[&str] =
    &["weight", "mor", "score", "combined_score", "importance", "edgeweight", "edge_weight", "coef_mean", "likelihood"];

/// What the regulator does.
pub(super) const SIGN: &[&str] =
    &["sign", "modulation", "type", "effect", "regulation", "interaction", "mode", "mode_of_regulation", "direction"];
