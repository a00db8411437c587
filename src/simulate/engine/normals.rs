//! Random numbers for many cells at once: the same Philox as [`crate::stats::Rng`], laid out so that it compiles to vector
//! instructions. Only additions, multiplications, divisions and square roots of doubles are used, in a fixed order, so the
//! bits are the same on every machine.

/// Cells side by side in a loop.
pub(super) const LANES: usize = 64;

/// One value per lane.
pub(super) type Lane = [f64; LANES];

/// Numbers drawn at once per lane: those of one counter.
pub(super) const QUAD: usize = 4;

/// What random numbers are for; each use has streams of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Use {
    /// Noise of mRNA.
    Messenger,
    /// Noise of protein.
    Protein,
    /// Whether promoters switch.
    Promoter,
}

/// Keys of the lanes: seed and cell numbers.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    seed: [u64; 2],
    cell: [[u64; LANES]; 2],
}

const LOW: u64 = 0xffff_ffff;

impl Keys {
    pub(super) fn new(seed: u64, cells: &[u64; LANES]) -> Self {
        Self { seed: [seed & LOW, seed >> 32], cell: [cells.map(|c| c & LOW), cells.map(|c| c >> 32)] }
    }

    /// 32 random bits per lane for each of four genes, `4 quad ..`, at one step.
    #[inline(always)]
    fn bits(&self, purpose: Use, quad: u32, step: u32) -> [[u64; LANES]; QUAD] {
        let (step, quad) = (u64::from(step), u64::from(quad) | (purpose as u64) << 30);
        let mut out = [[0; LANES]; QUAD];
        for lane in 0..LANES {
            let block = philox([step, quad, self.cell[0][lane], self.cell[1][lane]], self.seed);
            for (out, bits) in out.iter_mut().zip(block) {
                out[lane] = bits;
            }
        }
        out
    }

    /// Standard normal numbers per lane for each of four genes, by Box and Muller (1958): two of a pair of 32-bit uniforms, so
    /// none is larger than 6.8.
    #[inline(always)]
    pub(super) fn normals(&self, purpose: Use, quad: u32, step: u32, out: &mut [Lane; QUAD]) {
        let bits = self.bits(purpose, quad, step);
        let [a, b, c, d] = out;
        for ((radius, angle), (x, y)) in [(&bits[0], &bits[1]), (&bits[2], &bits[3])].into_iter().zip([(a, b), (c, d)])
        {
            for lane in 0..LANES {
                (x[lane], y[lane]) = pair(radius[lane], angle[lane]);
            }
        }
    }

    /// Uniform numbers in (0, 1) per lane for each of four genes.
    #[inline(always)]
    pub(super) fn uniforms(&self, purpose: Use, quad: u32, step: u32, out: &mut [Lane; QUAD]) {
        for (out, bits) in out.iter_mut().zip(self.bits(purpose, quad, step)) {
            for lane in 0..LANES {
                out[lane] = uniform(bits[lane]);
            }
        }
    }
}

/// Philox 4x32 with 10 rounds (Salmon et al. 2011) on words of 32 bits kept in 64.
#[inline(always)]
fn philox(mut c: [u64; 4], mut key: [u64; 2]) -> [u64; 4] {
    for _ in 0..10 {
        let (a, b) = (0xD251_1F53 * c[0], 0xCD9E_8D57 * c[2]);
        c = [(b >> 32) ^ c[1] ^ key[0], b & LOW, (a >> 32) ^ c[3] ^ key[1], a & LOW];
        key = [(key[0] + 0x9E37_79B9) & LOW, (key[1] + 0xBB67_AE85) & LOW];
    }
    c
}

/// The whole number below 2^52 as a double, through the bits of 2^52 + x.
#[inline(always)]
fn whole(x: u64) -> f64 {
    f64::from_bits(x | 0x4330_0000_0000_0000) - 4_503_599_627_370_496.0
}

/// The middle of one of 2^32 equal parts of (0, 1).
#[inline(always)]
fn uniform(bits: u64) -> f64 {
    (whole(bits) + 0.5) * (1.0 / 4_294_967_296.0)
}

/// Two independent normal numbers. The angle is within 45 degrees of the first axis; one bit exchanges the axes and one
/// turns the sign, which covers the circle once.
#[inline(always)]
fn pair(radius: u64, angle: u64) -> (f64, f64) {
    let r = (-2.0 * ln(uniform(radius))).sqrt();
    let t = (whole(angle >> 2) + 0.5) * (std::f64::consts::FRAC_PI_2 / 1_073_741_824.0) - std::f64::consts::FRAC_PI_4;
    let t2 = t * t;
    let (sin, cos) = (t * sin_over_t(t2), cos(t2));
    let exchange = (angle & 1).wrapping_neg();
    let (x, y) = (cos.to_bits(), sin.to_bits());
    let sign = (angle & 2) << 62;
    let both = (x ^ y) & exchange;
    (f64::from_bits(x ^ both ^ sign) * r, f64::from_bits(y ^ both ^ sign) * r)
}

/// Natural logarithm of a positive normal number, absolute error below 1e-11: 2 atanh((m - 1) / (m + 1)) for the mantissa m in [2/3, 4/3).
#[inline(always)]
fn ln(x: f64) -> f64 {
    // Two thirds added to the mantissa carry into the exponent from 4/3 on.
    let bits = x.to_bits();
    let shifted = bits.wrapping_add(0x000a_aaaa_aaaa_aaab);
    let exponent = whole(shifted >> 52) - 1023.0;
    let m = f64::from_bits(bits.wrapping_sub((shifted & 0xfff0_0000_0000_0000).wrapping_sub(0x3ff0_0000_0000_0000)));
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let series = 1.0 / 13.0;
    let series = 1.0 / 11.0 + z * series;
    let series = 1.0 / 9.0 + z * series;
    let series = 1.0 / 7.0 + z * series;
    let series = 1.0 / 5.0 + z * series;
    let series = 1.0 / 3.0 + z * series;
    exponent * std::f64::consts::LN_2 + 2.0 * s * (1.0 + z * series)
}

/// sin(t) / t by its Taylor series in t^2, to 1e-11 for |t| up to pi / 4.
#[inline(always)]
fn sin_over_t(t2: f64) -> f64 {
    let series = 1.0 / 362_880.0 - t2 * (1.0 / 39_916_800.0);
    let series = 1.0 / 5040.0 - t2 * series;
    let series = 1.0 / 120.0 - t2 * series;
    let series = 1.0 / 6.0 - t2 * series;
    1.0 - t2 * series
}

/// cos(t) by its Taylor series in t^2, to 1e-12 for |t| up to pi / 4.
#[inline(always)]
fn cos(t2: f64) -> f64 {
    let series = 1.0 / 3_628_800.0 - t2 * (1.0 / 479_001_600.0);
    let series = 1.0 / 40_320.0 - t2 * series;
    let series = 1.0 / 720.0 - t2 * series;
    let series = 1.0 / 24.0 - t2 * series;
    let series = 0.5 - t2 * series;
    1.0 - t2 * series
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of Random123 1.14 (kat_vectors, philox4x32 10).
    #[test]
    fn philox_gives_the_published_answers() {
        let t = |c, k, expected: [u64; 4]| assert_eq!(philox(c, k), expected);
        t([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        t([LOW; 4], [LOW; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        t(pi, [0xa409_3822, 0x299f_31d0], [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    #[test]
    fn elementary_functions_are_those_of_the_library() {
        for k in 0..200_000u32 {
            let x = uniform(u64::from(k) * 21_474);
            assert!((ln(x) - x.ln()).abs() < 1e-11, "ln {x}");
            let t = (x - 0.5) * std::f64::consts::FRAC_PI_2;
            assert!((t * sin_over_t(t * t) - t.sin()).abs() < 1e-11 && (cos(t * t) - t.cos()).abs() < 1e-11, "{t}");
        }
        for bits in [0, 1, LOW] {
            let x = uniform(bits);
            assert!((ln(x) - x.ln()).abs() < 1e-11, "ln {x}");
        }
    }

    /// Numbers of 64 cells from `from`, 4 x `quads` genes and `steps` steps: [gene][step][lane].
    fn drawn(from: u64, quads: u32, steps: u32) -> Vec<Vec<Lane>> {
        let keys = Keys::new(7, &std::array::from_fn(|lane| from + lane as u64));
        let mut genes = vec![Vec::new(); 4 * quads as usize];
        for step in 0..steps {
            for quad in 0..quads {
                let mut z = [[0.0; LANES]; QUAD];
                keys.normals(Use::Messenger, quad, step, &mut z);
                (0..QUAD).for_each(|k| genes[4 * quad as usize + k].push(z[k]));
            }
        }
        genes
    }

    /// Moments 1 to 4 of a normal are 0, 1, 0, 3, their variances over n draws 1, 2, 15, 96 over n; 5 standard errors.
    #[test]
    fn moments_to_the_fourth_are_normal() {
        let z: Vec<f64> = (0..4).flat_map(|k| drawn(k * 64, 8, 500)).flatten().flatten().collect();
        let n = z.len() as f64;
        for (power, mean, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
            let got = z.iter().map(|z| z.powi(power)).sum::<f64>() / n;
            assert!((got - mean).abs() < 5.0 * f64::sqrt(variance / n), "moment {power}: {got}, expected {mean}");
        }
    }

    /// Two-sided tails of the normal distribution: 2 (1 - Phi(t)).
    #[test]
    fn tails_are_normal() {
        let z: Vec<f64> = (0..4).flat_map(|k| drawn(k * 64, 8, 500)).flatten().flatten().collect();
        let n = z.len() as f64;
        for (t, p) in
            [(0.1, 0.920_344_3), (1.0, 0.317_310_5), (2.0, 0.045_500_26), (3.0, 0.002_699_796), (4.0, 6.334_25e-5)]
        {
            let beyond = z.iter().filter(|z| z.abs() > t).count() as f64;
            assert!((beyond - n * p).abs() < 5.0 * f64::sqrt(n * p * (1.0 - p)), "beyond {t}: {beyond} of {n}");
        }
        assert!(z.iter().all(|z| z.abs() < 6.8));
    }

    /// A correlation of independent numbers has standard deviation 1 / sqrt(n), that of squares likewise.
    #[test]
    fn cells_genes_and_steps_are_independent() {
        let genes = drawn(0, 3, 3000);
        let n = (3000 * LANES) as f64;
        let t = |what: &str, pairs: &mut dyn Iterator<Item = (f64, f64)>| {
            let (plain, squares) =
                pairs.fold((0.0, 0.0), |(p, s), (a, b)| (p + a * b, s + (a * a - 1.0) * (b * b - 1.0) / 2.0));
            assert!(f64::max(plain.abs(), squares.abs()) / n < 5.0 / n.sqrt(), "{what}: {} {}", plain / n, squares / n);
        };
        for (a, b) in [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (0, 4), (1, 9)] {
            let pairs = genes[a].iter().flatten().zip(genes[b].iter().flatten());
            t("genes", &mut pairs.map(|(x, y)| (*x, *y)));
        }
        for gene in [0, 1, 6, 11] {
            let steps = genes[gene].windows(2).flat_map(|w| (0..LANES).map(|l| (w[0][l], w[1][l])));
            t("steps", &mut steps.collect::<Vec<_>>().into_iter());
            let cells = genes[gene].iter().flat_map(|z| (0..LANES).map(|l| (z[l], z[(l + 1) % LANES])));
            t("cells", &mut cells.collect::<Vec<_>>().into_iter());
        }
    }

    #[test]
    fn numbers_belong_to_seed_cell_gene_step_and_use() {
        let draw = |seed, cell, purpose, quad, step| {
            let mut z = [[0.0; LANES]; QUAD];
            Keys::new(seed, &[cell; LANES]).normals(purpose, quad, step, &mut z);
            assert!(z[0].iter().all(|x| *x == z[0][0]), "the lane does not matter");
            z[0][0]
        };
        let base = draw(1, 2, Use::Messenger, 3, 4);
        assert_eq!(base, draw(1, 2, Use::Messenger, 3, 4));
        for other in [
            draw(2, 2, Use::Messenger, 3, 4),
            draw(1 << 40, 2, Use::Messenger, 3, 4),
            draw(1, 3, Use::Messenger, 3, 4),
            draw(1, 2 + (1 << 32), Use::Messenger, 3, 4),
            draw(1, 2, Use::Protein, 3, 4),
            draw(1, 2, Use::Messenger, 4, 4),
            draw(1, 2, Use::Messenger, 3, 5),
        ] {
            assert_ne!(base, other);
        }
    }
}
