//! Figures and the report of a run: one theme, one scene; SVG, PNG and PDF from the same drawing.
//!
//! A figure builds a [`Scene`] (shapes in pixels); [`Scene::to_svg`] draws it with plotters, [`Scene::to_png`] and
//! [`Scene::to_pdf`] print that. The same figure gives the same bytes. Nothing here reads or writes files.

mod axes;
mod bars;
mod calibration;
mod curve;
mod degs;
mod delta;
mod discrimination;
mod ego;
mod error;
mod gain_scatter;
mod geometry;
mod html;
mod hull;
mod improvement;
mod interactive;
mod labels;
mod layout;
mod learning;
mod legend;
mod multiqc;
mod network_drawing;
mod network_figure;
mod network_scene;
mod points;
mod print;
mod ranking;
mod render;
mod report_data;
mod responders;
mod route;
mod scene;
mod screen;
mod series;
mod strata;
mod text;
mod theme;
mod volcano;
mod waterfall;

pub use self::calibration::{CalibrationFigure, Coverage, Reliability};
pub use self::curve::{Curve, CurveFigure};
pub use self::degs::{DegCurve, DegOverlap, DegsFigure};
pub use self::delta::DeltaFigure;
pub use self::discrimination::DiscriminationFigure;
pub use self::error::ReportError;
pub use self::gain_scatter::{GainPoint, GainScatter};
pub use self::geometry::{Point, Rect};
pub use self::html::html;
pub use self::improvement::{Improvement, ImprovementFigure};
pub use self::labels::{LabelPlacer, LabelRequest, PlacedLabel};
pub use self::layout::{Layout, MOST_LAYERED};
pub use self::learning::{LearningFigure, LearningPoint};
pub use self::multiqc::multiqc;
pub use self::network_figure::{EdgeView, NetworkFigure, NodeView, network_svg};
pub use self::ranking::{RankedGene, RankingFigure};
pub use self::report_data::{Fact, FigureView, ReportData, Section, TableView};
pub use self::responders::{Responder, RespondersFigure};
pub use self::scene::{Scene, Shape};
pub use self::screen::ScreenFigure;
pub use self::strata::{StrataFigure, StratumGain};
pub use self::volcano::{VolcanoFigure, VolcanoGene};
pub use self::waterfall::{WaterfallFigure, WaterfallGene};
