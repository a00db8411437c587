//! The random numbers of numpy, for results that must be those of a program written with it.

/// `numpy.random.default_rng(seed)`: PCG64 (O'Neill 2014; XSL-RR, 128 bits of state) seeded by `SeedSequence`.
///
/// Everything else draws from [`super::Rng`].
#[derive(Debug, Clone)]
pub struct NumpyRng {
    state: u128,
    increment: u128,
    half: Option<u32>,
}

/// The multiplier of PCG64.
const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

impl NumpyRng {
    /// Seeds as `default_rng` does.
    pub fn new(seed: u64) -> Self {
        let words = seed_sequence(seed, 8);
        let wide = |i: usize| u128::from(words[2 * i]) | (u128::from(words[2 * i + 1]) << 32);
        let increment = (((wide(2) << 64) | wide(3)) << 1) | 1;
        let mut rng = Self { state: 0, increment, half: None };
        rng.step();
        rng.state = rng.state.wrapping_add((wide(0) << 64) | wide(1));
        rng.step();
        rng
    }

    fn step(&mut self) {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.increment);
    }

    fn next_u64(&mut self) -> u64 {
        self.step();
        let rotation = (self.state >> 122) as u32;
        ((self.state >> 64) as u64 ^ self.state as u64).rotate_right(rotation)
    }

    /// The lower half of 64 bits, then the upper one.
    fn next_u32(&mut self) -> u32 {
        if let Some(half) = self.half.take() {
            return half;
        }
        let bits = self.next_u64();
        self.half = Some((bits >> 32) as u32);
        bits as u32
    }

    /// The next of `Generator.integers(0, n, size)`, for 1 <= n < 2^32 (Lemire 2019).
    pub fn below(&mut self, n: u32) -> u32 {
        if n <= 1 {
            return 0;
        }
        let mut product = u64::from(self.next_u32()) * u64::from(n);
        while (product as u32) < n && (product as u32) < n.wrapping_neg() % n {
            product = u64::from(self.next_u32()) * u64::from(n);
        }
        (product >> 32) as u32
    }

    /// The order in which `Generator.permutation` and `shuffle` leave items; for fewer than 2^32.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let mask = u32::MAX >> (last as u32).leading_zeros();
            let pick = loop {
                let pick = self.next_u32() & mask;
                if pick as usize <= last {
                    break pick as usize;
                }
            };
            items.swap(last, pick);
        }
    }
}

/// `numpy.random.SeedSequence(entropy).generate_state(n)`.
pub fn seed_sequence(entropy: u64, n: usize) -> Vec<u32> {
    let mut hash = 0x43b0_d7e5_u32;
    let mut mixed_in = |value: u32| {
        let value = value ^ hash;
        hash = hash.wrapping_mul(0x931e_8875);
        let value = value.wrapping_mul(hash);
        value ^ (value >> 16)
    };
    let mut pool = [entropy as u32, (entropy >> 32) as u32, 0, 0].map(&mut mixed_in);
    for from in 0..pool.len() {
        for to in (0..pool.len()).filter(|&to| to != from) {
            let value = mixed_in(pool[from]);
            let mixed = pool[to].wrapping_mul(0xca01_f9dd).wrapping_sub(value.wrapping_mul(0x4973_f715));
            pool[to] = mixed ^ (mixed >> 16);
        }
    }
    let mut hash = 0x8b51_f9dd_u32;
    let mut word = |i: usize| {
        let value = pool[i % pool.len()] ^ hash;
        hash = hash.wrapping_mul(0x58f3_8ded);
        let value = value.wrapping_mul(hash);
        value ^ (value >> 16)
    };
    (0..n).map(&mut word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: numpy 2.4.6.

    #[test]
    fn seeds_are_those_of_numpy() {
        let expected = [2_968_811_710, 3_677_149_159, 745_650_761, 2_884_920_346, 2_642_120_001];
        assert_eq!(seed_sequence(0, 5), expected);
    }

    #[test]
    fn bits_are_those_of_numpy() {
        let mut rng = NumpyRng::new(0);
        let expected = [11_749_869_230_777_074_271, 4_976_686_463_289_251_617, 755_828_109_848_996_024];
        assert_eq!([(); 3].map(|()| rng.next_u64()), expected);
    }

    #[test]
    fn integers_are_those_of_numpy() {
        let mut rng = NumpyRng::new(0);
        let expected = [170, 127, 102, 53, 61, 8, 15, 3, 35, 162, 129];
        assert_eq!([(); 11].map(|()| rng.below(200)), expected);
    }

    #[test]
    fn permutations_are_those_of_numpy() {
        let mut rng = NumpyRng::new(2_968_811_710);
        let (mut ten, mut seven) = ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 1, 2, 3, 4, 5, 6]);
        rng.shuffle(&mut ten);
        rng.shuffle(&mut seven);
        assert_eq!(ten, [7, 6, 8, 9, 0, 5, 2, 4, 3, 1]);
        assert_eq!(seven, [3, 5, 1, 2, 4, 6, 0]);
    }
}
