//! CRC-32C (Castagnoli): the one checksum that Google's storage states for every object, large ones included.

/// The polynomial, bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// Eight bytes a step: entry `[k][b]` is byte `b` followed by `k` zero bytes.
const TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0u32; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            value = (value >> 1) ^ if value & 1 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        tables[0][byte] = value;
        byte += 1;
    }
    let mut k = 1;
    while k < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[k - 1][byte];
            tables[k][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        k += 1;
    }
    tables
}

/// A running CRC-32C.
#[derive(Debug, Clone)]
pub(super) struct Crc32c(u32);

impl Crc32c {
    /// Of nothing so far.
    pub(super) fn new() -> Self {
        Self(!0)
    }

    /// Takes in more bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        let mut eights = bytes.chunks_exact(8);
        for eight in &mut eights {
            let [a, b, c, d] = [0, 1, 2, 3].map(|k| u32::from(eight[k]));
            let mixed = self.0 ^ (a | b << 8 | c << 16 | d << 24);
            let at = |k: usize, byte: u32| TABLES[k][(byte & 0xff) as usize];
            self.0 = at(7, mixed)
                ^ at(6, mixed >> 8)
                ^ at(5, mixed >> 16)
                ^ at(4, mixed >> 24)
                ^ at(3, u32::from(eight[4]))
                ^ at(2, u32::from(eight[5]))
                ^ at(1, u32::from(eight[6]))
                ^ at(0, u32::from(eight[7]));
        }
        for &byte in eights.remainder() {
            self.0 = (self.0 >> 8) ^ TABLES[0][((self.0 ^ u32::from(byte)) & 0xff) as usize];
        }
    }

    /// The checksum, most significant byte first.
    pub(super) fn finish(&self) -> [u8; 4] {
        (!self.0).to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crc(bytes: &[u8]) -> u32 {
        let mut crc = Crc32c::new();
        crc.update(bytes);
        u32::from_be_bytes(crc.finish())
    }

    /// RFC 3720, appendix B.4, and the usual check value of nine digits.
    #[test]
    fn known_values() {
        assert_eq!(crc(b"123456789"), 0xe306_9283);
        assert_eq!(crc(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc(&(0u8..32).collect::<Vec<_>>()), 0x46dd_794e);
        assert_eq!(crc(b""), 0);
    }

    #[test]
    fn cuts_do_not_matter() {
        let bytes: Vec<u8> = (0..1000u32).map(|k| (k * 7 % 251) as u8).collect();
        for cut in [0, 1, 7, 8, 9, 500, 999] {
            let mut parts = Crc32c::new();
            parts.update(&bytes[..cut]);
            parts.update(&bytes[cut..]);
            assert_eq!(u32::from_be_bytes(parts.finish()), crc(&bytes), "{cut}");
        }
    }
}
