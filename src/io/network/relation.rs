//! What an edge says in words, and in colour.

use super::drawing::{ACTIVATION, EdgeMark, REPRESSION, Rgb, UNSIGNED};
use crate::graph::{Edge, Sign};

/// `activates`, `represses`, `regulates` (unknown sign) or `associates` (neither sign nor direction known).
pub(super) fn relation(edge: &Edge, mark: Option<&EdgeMark>) -> &'static str {
    match edge.sign {
        Sign::Activation => "activates",
        Sign::Repression => "represses",
        Sign::Unknown if mark.is_some_and(|m| !m.directed) => "associates",
        Sign::Unknown => "regulates",
    }
}

/// All relations with the shape of their tip as Cytoscape names it, and their colour.
pub(super) const RELATIONS: [(&str, &str, Rgb); 4] = [
    ("activates", "triangle", ACTIVATION),
    ("represses", "tee", REPRESSION),
    ("regulates", "circle", UNSIGNED),
    ("associates", "none", UNSIGNED),
];

/// The colour of a relation.
pub(super) fn color(sign: Sign) -> Rgb {
    match sign {
        Sign::Activation => ACTIVATION,
        Sign::Repression => REPRESSION,
        Sign::Unknown => UNSIGNED,
    }
}
