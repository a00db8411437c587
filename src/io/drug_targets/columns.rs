//! Names of columns, as tables of drugs write them.

/// The drug.
pub(super) const DRUG: &[&str] = &[
    "drug",
    "drug_name",
    "compound",
    "compound_name",
    "drugname",
    "drug name",
    "molecule_name",
    "pref_name",
    "drug_claim_name",
    "treatment",
];

/// One target.
pub(super) const GENE: &[&str] = &[
    "gene",
    "gene_name",
    "gene_symbol",
    "genesymbol",
    "symbol",
    "target_gene",
    "target_symbol",
    "approvedsymbol",
    "approved_symbol",
    "gene_claim_name",
];

/// Several targets.
pub(super) const TARGETS: &[&str] = &["targets", "target_genes", "genes", "target"];

/// What the drug does.
pub(super) const ACTION: &[&str] = &[
    "action",
    "interaction_type",
    "interaction_types",
    "interaction type",
    "interaction",
    "action_type",
    "actiontype",
    "action type",
];

/// How sure or how strong.
pub(super) const WEIGHT: &[&str] =
    &["weight", "score", "interaction_score", "interaction_group_score", "pchembl_value"];

/// Mechanism of action, the finest first.
pub(super) const CLASS: &[&str] =
    &["moa-fine", "moa_fine", "moa", "mechanism_of_action", "mechanismofaction", "class", "drug_class", "moa-broad"];

/// Mechanism of action in few words.
pub(super) const BROAD: &[&str] = &["moa-broad", "moa_broad"];
