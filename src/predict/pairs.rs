//! Pairs of perturbations from their singles.
//!
//! The change of A+B is a m + c (part A + part B) + interaction, where m is the mean change of the singles and the part of
//! a target its departure from m: measured where the single was (see `singles`), else predicted. Literal additivity,
//! d_A + d_B, is a = 2, c = 1; a = 1, c = 1 counts what every perturbation does, and what all measurements share, once.
//!
//! - Without training pairs: a = c = 1. With them the better of both in leave-one-pair-out, and least squares over a and
//!   c where it is better than that by more than one standard error; a and c are shrunk towards 1 by their jackknife
//!   errors.
//! - The interaction is kernel ridge regression on symmetric products of low-rank scores of both parts (see
//!   `interaction`), used only where it lowers the leave-one-pair-out error by more than one standard error.
//! - Where values are levels no gene falls below no expression, and of a target itself the shares that both singles leave
//!   are multiplied.

mod interaction;
mod rule;
mod singles;

pub(super) use self::rule::{PairRule, PairRuleStored, own_change};
pub(super) use self::singles::{Singles, SinglesStored};
