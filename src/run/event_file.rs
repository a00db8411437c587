//! TensorBoard's event files: records of protocol buffers, written without a library for them.
//!
//! A record is its length (u64, little endian), the masked CRC-32C of the length, the payload, and the masked CRC-32C of
//! the payload (`tensorflow/core/lib/io/record_writer.h`). The payload is an `Event` (`tensorflow/core/util/event.proto`):
//! `wall_time` = 1 (double), `step` = 2 (int64), `file_version` = 3 (string), `summary` = 5; in it `value` = 1 with
//! `tag` = 1 (string) and `simple_value` = 2 (float).

use std::io::{self, Write};

use super::MetricRow;

/// Writes metrics as scalars named `split/name`.
///
/// # Arguments
/// `started`: seconds since 1970 at which the run began; rows count from there.
pub fn write_events(rows: &[MetricRow], started: f64, out: &mut dyn Write) -> io::Result<()> {
    write_record(&version(started), out)?;
    rows.iter().try_for_each(|row| write_record(&scalar(row, started), out))
}

fn version(started: f64) -> Vec<u8> {
    let mut event = double(1, started);
    event.extend(bytes(3, b"brain.Event:2"));
    event
}

fn scalar(row: &MetricRow, started: f64) -> Vec<u8> {
    let mut value = bytes(1, format!("{}/{}", row.split, row.name).as_bytes());
    value.extend(varint(2 << 3 | 5));
    value.extend((row.value as f32).to_le_bytes());
    let mut event = double(1, started + row.t);
    event.extend(varint(2 << 3));
    event.extend(varint(row.step));
    event.extend(bytes(5, &bytes(1, &value)));
    event
}

/// A field of eight bytes.
fn double(field: u64, value: f64) -> Vec<u8> {
    let mut out = varint(field << 3 | 1);
    out.extend(value.to_le_bytes());
    out
}

/// A field with a length.
fn bytes(field: u64, content: &[u8]) -> Vec<u8> {
    let mut out = varint(field << 3 | 2);
    out.extend(varint(content.len() as u64));
    out.extend(content);
    out
}

/// Seven bits a byte, the lowest first; the high bit says that more follow.
fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn write_record(payload: &[u8], out: &mut dyn Write) -> io::Result<()> {
    let length = (payload.len() as u64).to_le_bytes();
    out.write_all(&length)?;
    out.write_all(&masked(crc32c(&length)).to_le_bytes())?;
    out.write_all(payload)?;
    out.write_all(&masked(crc32c(payload)).to_le_bytes())
}

/// Checksums of data that hold checksums are rotated and shifted by a constant (`tensorflow/core/lib/hash/crc32c.h`).
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), bit by bit: event files are small.
fn crc32c(data: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
    !data.iter().fold(!0, |crc: u32, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_rfc_3720() {
        // Appendix B.4 of the RFC: 32 bytes of zeros, of ones, and ascending.
        let t = |data: &[u8], expected: u32| assert_eq!(crc32c(data), expected);
        t(&[0; 32], 0x8a91_36aa);
        t(&[0xff; 32], 0x62a8_ab43);
        t(&(0..32).collect::<Vec<u8>>(), 0x46dd_794e);
        t(b"123456789", 0xe306_9283);
    }

    #[test]
    fn numbers_of_several_bytes() {
        // 300 is the example of the encoding guide of protocol buffers.
        assert_eq!(varint(300), [0xac, 0x02]);
        assert_eq!(varint(1), [0x01]);
    }

    #[test]
    fn a_scalar_has_its_fields_in_order() {
        let row = MetricRow { t: 1.0, step: 3, split: "val".into(), name: "r".into(), value: 0.5 };
        let mut expected = vec![0x09];
        expected.extend(11f64.to_le_bytes());
        expected.extend([0x10, 3, 0x2a, 14, 0x0a, 12, 0x0a, 5]);
        expected.extend(b"val/r");
        expected.push(0x15);
        expected.extend(0.5f32.to_le_bytes());
        assert_eq!(scalar(&row, 10.0), expected);
    }
}
