//! `compoundinfo` of the Connectivity Map (Subramanian et al., Cell 171:1437, 2017): `cmap_name`, `target`, `moa`, one row
//! per target and mechanism; compounds without target have an empty field or `""`.

use super::rows::Layout;
use super::{Find, Format};

pub(super) const FORMAT: Format = Format { name: "CMap compound information", layout };

fn layout(column: &Find<'_>) -> Option<Layout> {
    let layout = Layout::new(column(&["cmap_name"])?, column(&["target"])?);
    Some(layout.class(column(&["moa"])))
}
