//! `compoundinfo` of the Connectivity Map (Subramanian et al., Cell 171:1437, 2017): `cmap_name`, `target`, `moa`, one row
//! per target and mechanism; compounds without target have an empty field or `""`.

use super::Format;
use super::rows::Layout;

pub(super) const FORMAT: Format = Format { name: "CMap compound information", layout };

fn layout(column: &dyn Fn(&[&str]) -> Option<usize>) -> Option<Layout> {
    let layout = Layout::new(column(&["cmap_name"])?, column(&["target"])?);
    Some(layout.class(column(&["moa"])))
}
