//! Interactions of drugs and genes with their type, as DGIdb, Open Targets and exports of ChEMBL write them.
//!
//! Rows without a gene or without a drug (claims that no record stands for) are passed over.

use super::columns::{ACTION, CLASS, DRUG, GENE, WEIGHT};
use super::rows::Layout;
use super::{Find, Format};

pub(super) const FORMAT: Format = Format { name: "a table of drug-gene interactions", layout };

/// Columns that only exports of these databases have.
const MARKS: &[&str] = &[
    "interaction_type",
    "interaction_types",
    "interaction type",
    "interaction_score",
    "interaction_group_score",
    "action_type",
    "actiontype",
    "gene_claim_name",
    "approvedsymbol",
    "approved_symbol",
];

fn layout(column: &Find<'_>) -> Option<Layout> {
    column(MARKS)?;
    let layout = Layout::new(column(DRUG)?, column(GENE)?).gaps();
    Some(layout.action(column(ACTION)).weight(column(WEIGHT)).class(column(CLASS)))
}
