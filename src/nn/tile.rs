//! Products of matrices that fit into a core's cache, for operations that fuse a product with what comes before and after.
//!
//! Every entry is one chain of fused multiply-adds in the order of the inner dimension, so that the bits do not depend on
//! the width of the vectors. The functions are `inline(always)`: they are compiled for the processor by the [`widest`]
//! that they are called from.

/// Runs work compiled for the widest vectors that this processor has. The work must be closures and functions that are
/// inlined; what is not inlined keeps the vectors of the whole build.
pub(super) fn widest<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && std::arch::is_x86_feature_detected!("fma")
        {
            // SAFETY: the processor has the features, as was just asked.
            #[allow(unsafe_code)]
            return unsafe { with_avx512(work) };
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has the features, as was just asked.
            #[allow(unsafe_code)]
            return unsafe { with_avx2(work) };
        }
    }
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
fn with_avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// A matrix in a slice: the strides from row to row and from column to column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strided<'a> {
    pub(super) values: &'a [f32],
    pub(super) by_row: usize,
    pub(super) by_column: usize,
}

impl<'a> Strided<'a> {
    /// Rows of this width, one after the other.
    pub(super) fn rows(values: &'a [f32], width: usize) -> Self {
        Self { values, by_row: width, by_column: 1 }
    }

    /// The transpose.
    pub(super) fn t(self) -> Self {
        Self { by_row: self.by_column, by_column: self.by_row, ..self }
    }
}

/// Rows that a block of accumulators covers: callers pad to a multiple of it.
pub(super) const ROWS: usize = 8;

/// c (rows x width, row after row) += a (rows x inner) b (inner x width, row after row). Rows and width are multiples of
/// 8 and 16.
#[inline(always)]
pub(super) fn add_product(c: &mut [f32], a: Strided<'_>, b: &[f32], inner: usize, width: usize) {
    let rows = c.len() / width;
    for row in (0..rows).step_by(ROWS) {
        let mut column = 0;
        while column + 32 <= width {
            add_block::<32>(c, a, b, (row, column), inner, width);
            column += 32;
        }
        while column + 16 <= width {
            add_block::<16>(c, a, b, (row, column), inner, width);
            column += 16;
        }
    }
}

/// One block of ROWS x N accumulators.
#[inline(always)]
fn add_block<const N: usize>(
    c: &mut [f32],
    a: Strided<'_>,
    b: &[f32],
    (row, column): (usize, usize),
    inner: usize,
    width: usize,
) {
    let mut sums = [[0f32; N]; ROWS];
    for k in 0..inner {
        let from = &b[k * width + column..][..N];
        let at = row * a.by_row + k * a.by_column;
        for (i, sum) in sums.iter_mut().enumerate() {
            let factor = a.values[at + i * a.by_row];
            for j in 0..N {
                sum[j] = factor.mul_add(from[j], sum[j]);
            }
        }
    }
    for (i, sum) in sums.iter().enumerate() {
        let to = &mut c[(row + i) * width + column..][..N];
        for j in 0..N {
            to[j] += sum[j];
        }
    }
}

/// Lanes of a sum: fixed, so that its bits do not depend on the processor.
pub(super) const LANES: usize = 16;

/// The sum of f over pairs of entries, in lanes.
#[inline(always)]
pub(super) fn sum_of(x: &[f32], y: &[f32], f: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    for (x, y) in x.chunks_exact(LANES).zip(y.chunks_exact(LANES)) {
        for j in 0..LANES {
            lanes[j] = f(lanes[j], x[j], y[j]);
        }
    }
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Rng;

    #[test]
    fn products_are_those_of_the_definition() {
        let mut rng = Rng::named(1, "tile");
        let mut draw = |n: usize| -> Vec<f32> { (0..n).map(|_| rng.normal() as f32).collect() };
        for (rows, inner, width) in [(8, 5, 16), (16, 64, 48), (24, 3, 128)] {
            let (a, b) = (draw(rows * inner), draw(inner * width));
            let expected = |i: usize, j: usize| -> f64 {
                (0..inner).map(|k| f64::from(a[i * inner + k]) * f64::from(b[k * width + j])).sum::<f64>() + 1.0
            };
            let mut transposed = vec![0.0; a.len()];
            (0..rows).for_each(|i| (0..inner).for_each(|k| transposed[k * rows + i] = a[i * inner + k]));
            for a in [Strided::rows(&a, inner), Strided::rows(&transposed, rows).t()] {
                let mut c = vec![1f32; rows * width];
                widest(|| add_product(&mut c, a, &b, inner, width));
                for (at, &got) in c.iter().enumerate() {
                    assert!((f64::from(got) - expected(at / width, at % width)).abs() < 1e-4);
                }
            }
        }
    }

    #[test]
    fn sums_go_in_lanes() {
        let x: Vec<f32> = (0..32).map(|i| i as f32).collect();
        assert_eq!(sum_of(&x, &x, |s, x, y| s + x * y), 10_416.0);
    }
}
