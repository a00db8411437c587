//! One row per drug and target: `drug`, `gene`, and if there are `action`, `weight`, `class`.

use super::columns::{ACTION, CLASS, DRUG, GENE, WEIGHT};
use super::rows::Layout;
use super::{Find, Format};

pub(super) const FORMAT: Format = Format { name: "a long table of drugs and genes", layout };

fn layout(column: &Find<'_>) -> Option<Layout> {
    let layout = Layout::new(column(DRUG)?, column(GENE)?).one_per_row();
    Some(layout.action(column(ACTION)).weight(column(WEIGHT)).class(column(CLASS)))
}
