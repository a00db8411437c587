//! The Mersenne Twister as NumPy seeds and reads it, for tools whose answer is a draw.

const N: usize = 624;
const M: usize = 397;

/// MT19937 (Matsumoto and Nishimura 1998) seeded as `numpy.random.RandomState(seed)`.
///
/// Only for reproducing what other tools draw; everything else uses [`super::Rng`].
#[derive(Debug, Clone)]
pub struct MersenneTwister {
    state: [u32; N],
    used: usize,
}

impl MersenneTwister {
    /// The generator of this seed.
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; N];
        for i in 1..N {
            let before = state[i - 1];
            state[i] = (before ^ (before >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Self { state, used: N }
    }

    /// The next 32 random bits.
    ///
    /// ```
    /// // numpy.random.RandomState(0).randint(0, 2**32, dtype="uint32")
    /// assert_eq!(grn::stats::MersenneTwister::new(0).next_u32(), 2_357_136_044);
    /// ```
    pub fn next_u32(&mut self) -> u32 {
        if self.used == N {
            self.twist();
        }
        let mut y = self.state[self.used];
        self.used += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// The next 64 random bits: the upper half is drawn first.
    pub fn next_u64(&mut self) -> u64 {
        let upper = u64::from(self.next_u32());
        upper << 32 | u64::from(self.next_u32())
    }

    /// Uniform in [0, 1) with 53 random bits, as `RandomState.random`.
    ///
    /// ```
    /// assert_eq!(grn::stats::MersenneTwister::new(0).uniform(), 0.548_813_503_927_324_8);
    /// ```
    pub fn uniform(&mut self) -> f64 {
        let (a, b) = (self.next_u32() >> 5, self.next_u32() >> 6);
        (f64::from(a) * 67_108_864.0 + f64::from(b)) / 9_007_199_254_740_992.0
    }

    fn twist(&mut self) {
        for i in 0..N {
            let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
            let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + M) % N] ^ (y >> 1) ^ odd;
        }
        self.used = 0;
    }
}
