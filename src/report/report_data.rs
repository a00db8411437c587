//! What a report says, before it is written as HTML.

use serde::{Deserialize, Serialize};

use super::{ReportError, Scene};
use crate::error::Notice;

/// A number or word with its label.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub label: String,
    /// What it is worth.
    pub value: String,
    /// A comparison or unit, in small letters.
    #[serde(default)]
    pub note: String,
}

impl Fact {
    /// A fact without a note.
    pub fn new(label: impl Into<String>, value: impl ToString) -> Self {
        Self { label: label.into(), value: value.to_string(), note: String::new() }
    }

    /// With a comparison or unit.
    #[must_use]
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }
}

/// A table. Columns of numbers are aligned to the right.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TableView {
    /// What it shows.
    pub caption: String,
    /// Names of the columns.
    pub header: Vec<String>,
    /// Cells, row by row.
    pub rows: Vec<Vec<String>>,
    /// The row to emphasise.
    #[serde(default)]
    pub best: Option<usize>,
}

/// A figure: an SVG document drawn by this room.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FigureView {
    /// The document.
    pub svg: String,
    /// What a reader who cannot see it is told.
    pub alt: String,
    /// Text below it.
    pub caption: String,
}

impl FigureView {
    /// A drawn scene.
    ///
    /// # Errors
    /// As [`Scene::to_svg`].
    pub fn of(scene: &Scene, caption: impl Into<String>) -> Result<Self, ReportError> {
        Ok(Self { svg: scene.to_svg()?, alt: scene.alt.clone(), caption: caption.into() })
    }
}

/// One section of a report; empty parts are left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Section {
    /// A paragraph in front.
    pub intro: String,
    /// Labelled values.
    pub facts: Vec<Fact>,
    /// Figures.
    pub figures: Vec<FigureView>,
    /// Tables.
    pub tables: Vec<TableView>,
    /// What the user should know.
    pub notices: Vec<Notice>,
    /// Commands to copy.
    pub commands: Vec<String>,
}

/// Everything a report says. A section that is `None` is shown as missing, with the command that fills it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportData {
    /// The title.
    pub title: String,
    /// One line below it.
    pub subtitle: String,
    /// The run directory as the commands of missing sections should name it.
    pub run: String,
    /// The few numbers a reader looks for first.
    pub highlights: Vec<Fact>,
    /// What was measured.
    pub data: Option<Section>,
    /// Prior knowledge.
    pub graph: Option<Section>,
    /// The fit.
    pub training: Option<Section>,
    /// Held-out perturbations beside baselines and ceiling.
    pub accuracy: Option<Section>,
    /// Predicted responses.
    pub predictions: Option<Section>,
    /// Upstream genes of a signature.
    pub targets: Option<Section>,
    /// What the user should know.
    pub notices: Option<Section>,
    /// How to repeat it.
    pub reproduce: Option<Section>,
}
