//! Screens with known truth: a regulatory network, its steady states under interventions, and cells observed with noise.
//!
//! A gene has one level, which stands for its mRNA and its active protein alike. At steady state the level of gene i,
//! relative to the unperturbed cell, is the product over its regulators j of `g_ij(x_j) / g_ij(x_j*)` with
//! `g = (1 + f u) / (1 + u)`, `u = (x_j / x_j*)^n` ([`Thermo`]). The constants are frozen at the unperturbed state, which
//! is therefore a steady state by construction, and a knockdown run alone gives the same answer as one run with others.

mod anderson;
mod calibrate;
mod cell_count;
mod cell_type;
mod dose;
mod elasticity;
mod engine;
mod error;
mod gmres;
mod growth;
mod intervene;
mod knockouts;
mod law;
mod network;
mod newton_krylov;
mod observe;
mod options;
mod plan;
mod preset;
mod propagate;
mod screen;
mod steady;
mod stream;
mod topology;
mod truth;
mod tune;

pub use self::calibrate::{Attempt, Calibration, DEG_FDR, DegCounts, DegGoal, Selection, Trial, VCC_DEGS};
pub use self::cell_count::CellCounts;
pub use self::cell_type::{CellState, CellType, Descent, Lineage};
pub use self::dose::DoseResponse;
pub use self::elasticity::Elasticity;
pub use self::engine::{
    Bursting, Cell, Cle, DEFAULT_STEP, Dynamics, Engine, EngineKind, EngineOptions, MOST_GENES, Ode, Phase, Protein,
    Ssa,
};
pub use self::error::SimulateError;
pub use self::growth::{growth_rate, leading_eigenvalue};
pub use self::intervene::Efficiency;
pub use self::knockouts::Knockout;
pub use self::law::{
    Boolean, BooleanOptions, Epistasis, HillSum, HillSumOptions, Law, Levels, Logistic, Rule, Rules, SERGIO_DECAY,
    Thermo, ThermoOptions,
};
pub use self::network::{HillLink, HillNetwork, Link, Wiring};
pub use self::observe::{Dropout, Noise, Observation, Observer, Outliers};
pub use self::options::{SimulationOptions, Size};
pub use self::plan::CellColumns;
pub use self::preset::{PRESETS, Preset};
pub use self::propagate::{CELLORACLE_HOPS, Change, FittedResponse, LinearResponse, ResponseOptions};
pub use self::screen::{Simulated, Simulator, demo, demo_truth_for, simulate};
pub use self::steady::{Forcing, Solver, Steady, solve};
pub use self::stream::{Block, Prepared};
pub use self::topology::{ExtendOptions, TopologyOptions, extend, generate};
pub use self::truth::{Response, TrueEdge, Truth};
