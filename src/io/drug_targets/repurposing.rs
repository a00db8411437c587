//! The drug table of the Drug Repurposing Hub (Corsello et al., Nature Medicine 23:405, 2017): comment lines that begin
//! with `!`, then `pert_iname`, `clinical_phase`, `moa`, `target` (separated by `|`), `disease_area`, `indication`.

use super::rows::Layout;
use super::{Find, Format};

pub(super) const FORMAT: Format = Format { name: "a Drug Repurposing Hub table", layout };

fn layout(column: &Find<'_>) -> Option<Layout> {
    let layout = Layout::new(column(&["pert_iname"])?, column(&["target", "targets"])?);
    Some(layout.class(column(&["moa"])))
}
