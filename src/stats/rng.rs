//! Counter-based random numbers: the same key gives the same stream on every machine and for any thread count.

/// Philox 4x32-10 keyed by a seed and a stream name.
///
/// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11. Each stream has 2^66 values; streams with other
/// keys or counters are independent for all practical purposes, so a value may be drawn for (cell, gene) without
/// drawing those before it.
#[derive(Debug, Clone)]
pub struct Rng {
    key: [u32; 2],
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
}

impl Rng {
    /// The stream of this name under this seed.
    ///
    /// # Example
    /// ```
    /// use grn::stats::Rng;
    /// let (mut a, mut b) = (Rng::named(1, "split"), Rng::named(1, "split"));
    /// assert_eq!(a.next_u64(), b.next_u64());
    /// ```
    pub fn named(seed: u64, stream: &str) -> Self {
        Self::keyed(seed, stream, 0, 0)
    }

    /// The stream of this name at two coordinates (for example cell and gene).
    pub fn keyed(seed: u64, stream: &str, a: u64, b: u64) -> Self {
        let name =
            stream.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, x| (h ^ u64::from(x)).wrapping_mul(0x0100_0000_01b3));
        let key = mix(seed ^ mix(name ^ mix(a)));
        Self { key: split(key), counter: [0, 0, split(b)[0], split(b)[1]], block: [0; 4], used: 4 }
    }

    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox(self.counter, self.key);
            self.used = 0;
            let (low, carry) = self.counter[0].overflowing_add(1);
            self.counter[0] = low;
            self.counter[1] = self.counter[1].wrapping_add(u32::from(carry));
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) << 32 | u64::from(self.next_u32())
    }

    /// Uniform in [0, 1) with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in 0..n without bias (Lemire's method). Panics if n is 0.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "below(0)");
        let n = n as u64;
        let threshold = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            if product as u64 >= threshold {
                return (product >> 64) as usize;
            }
        }
    }

    /// Standard normal (Box-Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Gamma with this shape and scale 1 (Marsaglia and Tsang 2000). Shape must be positive.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let u = 1.0 - self.uniform();
            return self.gamma(shape + 1.0) * u.powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && (1.0 - self.uniform()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Beta with these shapes.
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let x = self.gamma(a);
        x / (x + self.gamma(b))
    }

    /// Poisson with this mean: inversion below 10, Hörmann's PTRS (1993) above.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean <= 0.0 {
            return 0;
        }
        if mean < 10.0 {
            let (limit, mut product, mut k) = ((-mean).exp(), 1.0 - self.uniform(), 0);
            while product > limit {
                product *= 1.0 - self.uniform();
                k += 1;
            }
            return k;
        }
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let v_r = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let u = self.uniform() - 0.5;
            let v = 1.0 - self.uniform();
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + mean + 0.43).floor();
            if us >= 0.07 && v <= v_r {
                return k as u64;
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            let left = v.ln() + inverse_alpha.ln() - (a / (us * us) + b).ln();
            if left <= -mean + k * mean.ln() - ln_factorial(k) {
                return k as u64;
            }
        }
    }

    /// Negative binomial with this mean and dispersion (variance = mean + dispersion x mean^2).
    pub fn negative_binomial(&mut self, mean: f64, dispersion: f64) -> u64 {
        if dispersion <= 0.0 {
            return self.poisson(mean);
        }
        let rate = self.gamma(1.0 / dispersion) * dispersion * mean;
        self.poisson(rate)
    }

    /// Shuffles in place (Fisher-Yates).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for i in (1..values.len()).rev() {
            values.swap(i, self.below(i + 1));
        }
    }
}

/// Philox 4x32 with 10 rounds.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let [hi0, lo0] = wide_mul(0xD251_1F53, counter[0]);
        let [hi1, lo1] = wide_mul(0xCD9E_8D57, counter[2]);
        counter = [hi1 ^ counter[1] ^ key[0], lo1, hi0 ^ counter[3] ^ key[1], lo0];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

fn wide_mul(a: u32, b: u32) -> [u32; 2] {
    let [low, high] = split(u64::from(a) * u64::from(b));
    [high, low]
}

fn split(x: u64) -> [u32; 2] {
    [x as u32, (x >> 32) as u32]
}

/// SplitMix64's finaliser.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// ln(k!) by Stirling's series; exact to 1e-10 for k >= 10, tabulated by summation below.
fn ln_factorial(k: f64) -> f64 {
    if k < 10.0 {
        return (2..=k as u64).map(|i| (i as f64).ln()).sum();
    }
    let x = k + 1.0;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of Random123 1.14 (kat_vectors, philox4x32 10).
    #[test]
    fn philox_gives_the_published_answers() {
        let t = |c, k, expected: [u32; 4]| assert_eq!(philox(c, k), expected);
        t([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        t([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        t(pi, [0xa409_3822, 0x299f_31d0], [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    fn mean_and_variance(draw: impl Fn(&mut Rng) -> f64) -> (f64, f64) {
        let mut rng = Rng::named(7, "test");
        let x: Vec<f64> = (0..40_000).map(|_| draw(&mut rng)).collect();
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        (mean, x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / x.len() as f64)
    }

    #[test]
    fn moments_are_right() {
        let t = |draw: &dyn Fn(&mut Rng) -> f64, mean: f64, variance: f64| {
            let (m, v) = mean_and_variance(draw);
            let error = (variance / 40_000.0).sqrt() * 5.0;
            assert!((m - mean).abs() < error, "mean {m}, expected {mean} +- {error}");
            assert!((v / variance - 1.0).abs() < 0.08, "variance {v}, expected {variance}");
        };
        t(&|r| r.uniform(), 0.5, 1.0 / 12.0);
        t(&Rng::normal, 0.0, 1.0);
        t(&|r| r.gamma(0.5), 0.5, 0.5);
        t(&|r| r.gamma(4.0), 4.0, 4.0);
        t(&|r| r.beta(2.0, 3.0), 0.4, 0.04);
        t(&|r| r.poisson(3.0) as f64, 3.0, 3.0);
        t(&|r| r.poisson(250.0) as f64, 250.0, 250.0);
        t(&|r| r.negative_binomial(5.0, 0.2) as f64, 5.0, 10.0);
        t(&|r| r.below(10) as f64, 4.5, 8.25);
    }

    #[test]
    fn streams_differ_by_every_part_of_the_key() {
        let first = |seed, name, a, b| Rng::keyed(seed, name, a, b).next_u64();
        let base = first(1, "x", 2, 3);
        assert!(
            [first(2, "x", 2, 3), first(1, "y", 2, 3), first(1, "x", 3, 3), first(1, "x", 2, 4)]
                .iter()
                .all(|&v| v != base)
        );
    }
}
