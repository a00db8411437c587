//! One row per drug: `drug`, `targets`.

use super::columns::{ACTION, CLASS, DRUG, TARGETS};
use super::rows::Layout;
use super::{Find, Format};

pub(super) const FORMAT: Format = Format { name: "a list of targets per drug", layout };

fn layout(column: &Find<'_>) -> Option<Layout> {
    let layout = Layout::new(column(DRUG)?, column(TARGETS)?);
    Some(layout.action(column(ACTION)).class(column(CLASS)))
}
