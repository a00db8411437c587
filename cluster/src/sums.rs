//! Power sums of the cells of one group, per gene token.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use grn::stats::PowerSums;

/// Number of cells and, per token, the sums of log1p expression.
///
/// A group starts as a hash map of the tokens met and becomes a vector over all tokens once that is smaller: of the cells
/// of a rare group few genes are known, of those of a frequent one nearly all.
///
/// # Complexity
/// One value is added in O(1). Memory: at most 50 to 90 bytes per token met, never above 32 per token of the table.
#[derive(Debug, Clone, Default)]
pub struct Sums {
    n_cells: u64,
    of_token: OfToken,
}

#[derive(Debug, Clone)]
enum OfToken {
    Few(HashMap<u32, PowerSums, BuildHasherDefault<TokenHasher>>),
    /// Indexed by token.
    Many(Vec<PowerSums>),
}

impl Default for OfToken {
    fn default() -> Self {
        Self::Few(HashMap::default())
    }
}

/// Bytes of a state before its columns: cells, tokens of the table, tokens met.
const HEAD: usize = 16;
/// Bytes of a token in a state: token, three sums, number above zero.
const ENTRY: usize = 4 + 3 * 8 + 4;

impl Sums {
    /// Adds one cell: tokens below `n_tokens` and log1p values, as many of one as of the other. Other tokens are passed
    /// over.
    pub fn add(&mut self, tokens: &[i64], values: &[f32], n_tokens: u32) {
        self.n_cells += 1;
        self.reserve(tokens.len(), n_tokens);
        let known = |token: i64| u32::try_from(token).ok().filter(|t| *t < n_tokens);
        match &mut self.of_token {
            OfToken::Few(map) => {
                for (&token, &value) in tokens.iter().zip(values) {
                    if let Some(token) = known(token) {
                        map.entry(token).or_default().add(value);
                    }
                }
            }
            OfToken::Many(all) => {
                for (&token, &value) in tokens.iter().zip(values) {
                    if let Some(sums) = usize::try_from(token).ok().and_then(|t| all.get_mut(t)) {
                        sums.add(value);
                    }
                }
            }
        }
    }

    /// Adds the cells of another group part.
    pub fn merge(&mut self, state: &State<'_>) {
        self.n_cells += state.n_cells;
        self.reserve(state.len(), state.n_tokens);
        for (token, sums) in state.entries() {
            let mine = match &mut self.of_token {
                OfToken::Few(map) => map.entry(token).or_default(),
                OfToken::Many(all) => match all.get_mut(token as usize) {
                    Some(mine) => mine,
                    None => continue,
                },
            };
            mine.sum += sums.sum;
            mine.square += sums.square;
            mine.cube += sums.cube;
            mine.above_zero += sums.above_zero;
        }
    }

    /// Turns into a vector where up to `more` tokens could make the map as large as one.
    fn reserve(&mut self, more: usize, n_tokens: u32) {
        let OfToken::Few(map) = &self.of_token else { return };
        if (map.len() + more) * 3 < n_tokens as usize {
            return;
        }
        let mut all = vec![PowerSums::default(); n_tokens as usize];
        for (&token, &sums) in map {
            all[token as usize] = sums;
        }
        self.of_token = OfToken::Many(all);
    }

    /// Memory held, bytes.
    pub fn bytes(&self) -> usize {
        match &self.of_token {
            // A bucket of the map holds the entry and one byte of control, at most 7 of 8 are used.
            OfToken::Few(map) => map.capacity() * (size_of::<(u32, PowerSums)>() + 1) * 8 / 7,
            OfToken::Many(all) => all.capacity() * size_of::<PowerSums>(),
        }
    }

    /// Appends the state: little-endian numbers, tokens ascending, those without a value left out.
    pub fn write(&self, n_tokens: u32, out: &mut Vec<u8>) {
        let met = self.entries();
        out.reserve(HEAD + ENTRY * met.len());
        out.extend(self.n_cells.to_le_bytes());
        out.extend(n_tokens.to_le_bytes());
        out.extend((met.len() as u32).to_le_bytes());
        out.extend(met.iter().flat_map(|(token, _)| token.to_le_bytes()));
        for of in [|s: &PowerSums| s.sum, |s: &PowerSums| s.square, |s: &PowerSums| s.cube] {
            out.extend(met.iter().flat_map(|(_, sums)| of(sums).to_le_bytes()));
        }
        out.extend(met.iter().flat_map(|(_, sums)| sums.above_zero.to_le_bytes()));
    }

    /// Tokens with a value above zero and their sums, tokens ascending.
    fn entries(&self) -> Vec<(u32, PowerSums)> {
        let met = |sums: &PowerSums| sums.above_zero > 0;
        match &self.of_token {
            OfToken::Few(map) => {
                let mut entries: Vec<_> = map.iter().map(|(t, s)| (*t, *s)).filter(|(_, s)| met(s)).collect();
                entries.sort_unstable_by_key(|(token, _)| *token);
                entries
            }
            OfToken::Many(all) => (0u32..).zip(all.iter().copied()).filter(|(_, s)| met(s)).collect(),
        }
    }
}

/// The state of a group as it travels: read in place.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    /// Cells of the group.
    pub n_cells: u64,
    n_tokens: u32,
    columns: &'a [u8],
}

impl<'a> State<'a> {
    /// Reads what [`Sums::write`] wrote; `None` for anything else.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, columns) = bytes.split_at_checked(HEAD)?;
        let n_cells = u64::from_le_bytes(head[..8].try_into().ok()?);
        let n_tokens = u32::from_le_bytes(head[8..12].try_into().ok()?);
        let met = u32::from_le_bytes(head[12..].try_into().ok()?) as usize;
        let state = Self { n_cells, n_tokens, columns };
        let right = columns.len() == met * ENTRY && state.tokens().all(|token| token < n_tokens);
        right.then_some(state)
    }

    /// Tokens of the table.
    pub fn n_tokens(&self) -> u32 {
        self.n_tokens
    }

    /// Number of tokens with a value above zero.
    pub fn len(&self) -> usize {
        self.columns.len() / ENTRY
    }

    /// Whether no token has a value above zero.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Tokens and their sums, tokens ascending.
    pub fn entries(&self) -> impl Iterator<Item = (u32, PowerSums)> + use<'a> {
        let n = self.len();
        let (_, rest) = self.columns.split_at(4 * n);
        let (sum, rest) = rest.split_at(8 * n);
        let (square, rest) = rest.split_at(8 * n);
        let (cube, above_zero) = rest.split_at(8 * n);
        let numbers = float(sum).zip(float(square)).zip(float(cube)).zip(whole(above_zero));
        let sums = numbers.map(|(((sum, square), cube), above_zero)| PowerSums { sum, square, cube, above_zero });
        self.tokens().zip(sums)
    }

    fn tokens(&self) -> impl Iterator<Item = u32> + use<'a> {
        whole(&self.columns[..4 * self.len()])
    }
}

fn whole(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b))
}

fn float(bytes: &[u8]) -> impl Iterator<Item = f64> {
    bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b))
}

/// Tokens are small whole numbers: one multiplication spreads them.
#[derive(Debug, Clone, Copy, Default)]
struct TokenHasher(u64);

impl Hasher for TokenHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }

    fn write_u32(&mut self, token: u32) {
        // Fibonacci hashing; the map reads the upper bits as well as the lower ones.
        let spread = (self.0 ^ u64::from(token)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = spread ^ (spread >> 32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cells: &[(&[i64], &[f32])], n_tokens: u32) -> Sums {
        let mut sums = Sums::default();
        cells.iter().for_each(|(tokens, values)| sums.add(tokens, values, n_tokens));
        sums
    }

    fn state(sums: &Sums, n_tokens: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        sums.write(n_tokens, &mut bytes);
        bytes
    }

    const CELLS: [(&[i64], &[f32]); 3] =
        [(&[3, 7, 900], &[1.0, 2.0, 9.0]), (&[-1, 7], &[9.0, 0.5]), (&[3, 8], &[0.0, 0.25])];

    #[test]
    fn the_sums_are_those_of_the_definition_however_they_are_held() {
        let expected = vec![
            (3, PowerSums { sum: 1.0, square: 1.0, cube: 1.0, above_zero: 1 }),
            (7, PowerSums { sum: 2.5, square: 4.25, cube: 8.125, above_zero: 2 }),
            (8, PowerSums { sum: 0.25, square: 0.0625, cube: 0.015_625, above_zero: 1 }),
        ];
        for (n_tokens, few) in [(800, true), (9, false)] {
            let sums = of(&CELLS, n_tokens);
            assert_eq!(matches!(sums.of_token, OfToken::Few(_)), few);
            let bytes = state(&sums, n_tokens);
            let state = State::read(&bytes).unwrap();
            assert_eq!((state.n_cells, state.entries().collect::<Vec<_>>()), (3, expected.clone()));
        }
    }

    #[test]
    fn parts_merge_to_the_whole() {
        for n_tokens in [9, 22, 800] {
            let mut merged = Sums::default();
            for cell in CELLS {
                merged.merge(&State::read(&state(&of(&[cell], n_tokens), n_tokens)).unwrap());
            }
            assert_eq!(state(&merged, n_tokens), state(&of(&CELLS, n_tokens), n_tokens));
        }
    }

    #[test]
    fn what_is_no_state_is_refused() {
        let bytes = state(&of(&CELLS, 9), 9);
        assert!(State::read(&bytes[..bytes.len() - 1]).is_none());
        assert!(State::read(&bytes[..7]).is_none());
        let mut wrong = bytes;
        wrong[8] = 2; // a table of fewer tokens
        assert!(State::read(&wrong).is_none());
    }
}
