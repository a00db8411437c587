//! The project's own table, which keeps everything and can be read again.

use super::NetworkFormat;
use crate::io::prior::write_rows;

pub(super) const FORMAT: NetworkFormat = NetworkFormat {
    name: "tsv",
    about: "source, target, weight, sign, evidence; read again by --prior",
    write: |graph, _, out| write_rows(out, graph),
    tables: &[],
};
