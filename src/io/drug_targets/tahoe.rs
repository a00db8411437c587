//! The drug metadata of Tahoe-100M: `drug`, `targets`, `moa-broad`, `moa-fine`, and more.
//!
//! The class of a drug is its fine mechanism of action; what it does to its targets is read from the broad one
//! (`inhibitor/antagonist`, `activator/agonist`), else from the fine one. Copies of the table separate targets differently.

use super::columns::{BROAD, CLASS};
use super::rows::Layout;
use super::{Find, Format};

pub(super) const FORMAT: Format = Format { name: "Tahoe drug metadata", layout };

fn layout(column: &Find<'_>) -> Option<Layout> {
    let broad = column(BROAD);
    column(&["moa-fine", "moa_fine"]).or(broad)?;
    let layout = Layout::new(column(&["drug"])?, column(&["targets"])?);
    Some(layout.class(column(CLASS)).broad(broad))
}
