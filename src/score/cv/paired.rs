//! Two models on the same perturbations.

use super::bootstrap::{Bootstrap, Interval};

/// The mean paired difference of two models.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// Mean difference with its 95 % bootstrap interval.
    pub difference: Interval,
    /// Standard error of the mean difference: standard deviation over perturbations / square root of their number; 0 for one.
    pub se: f64,
}

/// Compares values per perturbation, a - b, where both are defined; `None` where none is.
pub fn paired(a: &[Option<f64>], b: &[Option<f64>], bootstrap: &Bootstrap) -> Option<Paired> {
    let difference = bootstrap.difference(a, b)?;
    let squares = a.iter().zip(b).filter_map(|(a, b)| Some(((*a)? - (*b)? - difference.mean).powi(2)));
    let n = difference.n as f64;
    Some(Paired { difference, se: (squares.sum::<f64>() / (n * (n - 1.0).max(1.0))).sqrt() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_error_is_the_textbook_one() {
        // Differences 0, 1, 2, 3: mean 1.5, variance 5/3, SE sqrt(5/12).
        let a: Vec<Option<f64>> = [1.0, 2.0, 3.0, 4.0].map(Some).into_iter().chain([None]).collect();
        let b = vec![Some(1.0); 5];
        let got = paired(&a, &b, &Bootstrap::new(5, 200, 1)).unwrap();
        assert_eq!((got.difference.mean, got.difference.n), (1.5, 4));
        assert!((got.se - (5.0f64 / 12.0).sqrt()).abs() < 1e-12);
        assert_eq!(paired(&[None], &[Some(1.0)], &Bootstrap::new(1, 10, 1)), None);
    }
}
