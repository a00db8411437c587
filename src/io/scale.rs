//! Counts or log1p: a guess with its evidence.

use crate::data::Scale;
use crate::error::Notice;

/// Stored values looked at.
pub(super) const LOOKED_AT: usize = 50_000;
/// Larger values cannot be log1p of counts: a cell would need 3 million molecules of one gene.
pub(super) const LARGEST_LOG1P: f32 = 15.0;
/// Rounding allowed in a whole number (as in cell-eval's `guess_is_lognorm`).
const WHOLE: f32 = 1e-3;

/// What a sample of the values looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaleGuess {
    /// The guess, or the scale the user states.
    pub scale: Scale,
    /// Why, as a sentence.
    pub evidence: String,
    /// Whether there are values that neither scale can hold (negative, infinite or not a number).
    pub impossible: bool,
    /// What makes the guess doubtful.
    pub notice: Option<Notice>,
}

/// Guesses the scale from a sample of stored values other than zero.
pub(super) fn guess(values: &[f32]) -> ScaleGuess {
    let n = values.len();
    let guess = |scale, evidence: String| ScaleGuess { scale, evidence, impossible: false, notice: None };
    if n == 0 {
        return guess(Scale::Counts, "no value other than zero among those looked at".into());
    }
    if let Some(bad) = values.iter().find(|x| !(x.is_finite() && **x >= 0.0)) {
        let evidence = format!("{} values looked at, among them {bad}: neither counts nor log1p", thousands(n));
        return ScaleGuess { impossible: true, ..guess(Scale::Log1p, evidence) };
    }
    let largest = values.iter().copied().fold(0.0, f32::max);
    let fractions = values.iter().filter(|x| (**x - x.round()).abs() > WHOLE).count();
    if fractions == 0 {
        let evidence = format!("all {} values looked at are whole numbers, largest {largest}", thousands(n));
        return guess(Scale::Counts, evidence);
    }
    let evidence =
        format!("{} of {} values looked at have fractions, largest {largest:.2}", thousands(fractions), thousands(n));
    if largest < LARGEST_LOG1P {
        return guess(Scale::Log1p, evidence);
    }
    let notice = Notice::new(format!(
        "values have fractions but reach {largest:.1}, too large for log1p: read as scaled counts; say `--scale log1p` if that is wrong"
    ));
    ScaleGuess { notice: Some(notice), ..guess(Scale::Counts, evidence) }
}

/// 50000 as 50,000.
fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_evidence_is_a_sentence() {
        let counts = guess(&[1.0, 412.0, 3.0]);
        assert_eq!(counts.scale, Scale::Counts);
        assert_eq!(counts.evidence, "all 3 values looked at are whole numbers, largest 412");
        let log = guess(&[0.5, 2.0]);
        assert_eq!(
            (log.scale, log.evidence.as_str()),
            (Scale::Log1p, "1 of 2 values looked at have fractions, largest 2.00")
        );
    }

    #[test]
    fn odd_values_are_noticed() {
        assert!(guess(&[1.0, -2.0]).impossible);
        assert!(guess(&[f32::NAN]).impossible);
        let scaled = guess(&[0.5, 300.0]);
        assert_eq!((scaled.scale, scaled.notice.is_some()), (Scale::Counts, true));
        assert_eq!(thousands(1_234_567), "1,234,567");
    }
}
