//! One numpy array (`.npy`, format versions 1 to 3; see `numpy.lib.format`).

use half::f16;

/// An array: numbers or fixed-width text, in C order.
#[derive(Debug, PartialEq)]
pub(super) struct NpyArray {
    pub(super) shape: Vec<usize>,
    pub(super) data: NpyData,
}

/// What an array holds.
#[derive(Debug, PartialEq)]
pub(super) enum NpyData {
    Numbers(Vec<f32>),
    Text(Vec<String>),
}

/// Reads an array; the error says what was expected and what was found.
pub(super) fn parse(bytes: &[u8]) -> Result<NpyArray, (String, String)> {
    let wrong = |got: &str| ("a numpy array".to_owned(), got.to_owned());
    let head = bytes.get(..10).filter(|h| h.starts_with(b"\x93NUMPY")).ok_or_else(|| wrong("other bytes"))?;
    let (from, length) = if head[6] == 1 {
        (10, usize::from(u16::from_le_bytes([head[8], head[9]])))
    } else {
        let size = bytes.get(8..12).ok_or_else(|| wrong("a header that is cut off"))?;
        (12, u32::from_le_bytes([size[0], size[1], size[2], size[3]]) as usize)
    };
    let header = bytes.get(from..from + length).ok_or_else(|| wrong("a header that is cut off"))?;
    let header = String::from_utf8_lossy(header);
    let field = |name: &str| value_of(&header, name).ok_or_else(|| wrong("a header without shape or type"));
    let descr = field("descr")?.trim_matches(['\'', '"']).to_owned();
    let shape = field("shape")?;
    let numbers = shape.trim_matches(['(', ')']).split(',').map(str::trim).filter(|s| !s.is_empty());
    let shape: Vec<usize> =
        numbers.map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong("a shape that is not whole numbers"))?;
    let n: usize = shape.iter().product();
    let mut data = read_data(&bytes[from + length..], &descr, n)?;
    if field("fortran_order")?.starts_with('T') && shape.len() == 2 {
        data = transposed(data, shape[1], shape[0]);
    }
    Ok(NpyArray { shape, data })
}

/// The text behind `'name':`, up to the comma that ends it (a shape ends with its bracket).
fn value_of<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let start = header.find(&format!("'{name}'"))?;
    let rest = header[start..].split_once(':')?.1.trim_start();
    let end = if rest.starts_with('(') { rest.find(')')? + 1 } else { rest.find([',', '}'])? };
    Some(rest[..end].trim())
}

fn read_data(bytes: &[u8], descr: &str, n: usize) -> Result<NpyData, (String, String)> {
    let unsupported = || {
        let got = if descr.contains('O') { "pickled objects".to_owned() } else { format!("type `{descr}`") };
        ("little-endian numbers or fixed-width text (`np.array(names, dtype=str)`)".to_owned(), got)
    };
    let kind = descr.strip_prefix(['<', '|', '=']).ok_or_else(unsupported)?;
    let (kind, size) = kind.split_at_checked(1).ok_or_else(unsupported)?;
    let size: usize = size.parse().map_err(|_| unsupported())?;
    let width = if kind == "U" { 4 * size } else { size };
    let items = bytes.get(..n * width).ok_or_else(|| (format!("{n} values"), "a file that is cut off".to_owned()))?;
    let items = items.chunks_exact(width.max(1));
    let numbers = |read: fn(&[u8]) -> f32| Ok(NpyData::Numbers(items.clone().map(read).collect()));
    match (kind, size) {
        ("f", 2) => numbers(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()),
        ("f", 4) => numbers(|b| f32::from_le_bytes(array(b))),
        ("f", 8) => numbers(|b| f64::from_le_bytes(array(b)) as f32),
        ("i", 4) => numbers(|b| i32::from_le_bytes(array(b)) as f32),
        ("i", 8) => numbers(|b| i64::from_le_bytes(array(b)) as f32),
        ("U", _) => Ok(NpyData::Text(pad(items.map(utf32).collect(), n))),
        ("S", _) => {
            let text = |b: &[u8]| String::from_utf8_lossy(b).trim_end_matches('\0').to_owned();
            Ok(NpyData::Text(pad(items.map(text).collect(), n)))
        }
        _ => Err(unsupported()),
    }
}

/// Text of width zero holds no bytes: every item is empty.
fn pad(mut text: Vec<String>, n: usize) -> Vec<String> {
    text.resize(n, String::new());
    text
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(bytes);
    out
}

fn utf32(bytes: &[u8]) -> String {
    let points = bytes.chunks_exact(4).map(|b| u32::from_le_bytes(array(b)));
    points.take_while(|p| *p != 0).filter_map(char::from_u32).collect()
}

/// Rows become columns: from `rows` x `columns`.
fn transposed(data: NpyData, rows: usize, columns: usize) -> NpyData {
    let order = (0..columns).flat_map(|c| (0..rows).map(move |r| r * columns + c));
    match data {
        NpyData::Numbers(x) => NpyData::Numbers(order.map(|i| x[i]).collect()),
        NpyData::Text(x) => NpyData::Text(order.map(|i| x[i].clone()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An array as numpy 2 writes it.
    pub(super) fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
        let order = if fortran { "True" } else { "False" };
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn numbers_of_every_width_and_order_are_read() {
        let t = |descr, fortran, shape, data: Vec<u8>, expected: &[f32]| {
            let got = parse(&npy(descr, fortran, shape, &data)).unwrap();
            assert_eq!(got.data, NpyData::Numbers(expected.to_vec()), "{descr} {shape}");
        };
        let f32s = |x: &[f32]| x.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        t("<f4", false, "(2, 2)", f32s(&[1.0, 2.0, 3.0, 4.0]), &[1.0, 2.0, 3.0, 4.0]);
        // Column by column: (1, 3) and (2, 4) are the columns.
        t("<f4", true, "(2, 2)", f32s(&[1.0, 3.0, 2.0, 4.0]), &[1.0, 2.0, 3.0, 4.0]);
        t("<f8", false, "(1,)", 0.25f64.to_le_bytes().to_vec(), &[0.25]);
        t("<f2", false, "(2,)", vec![0x00, 0x3c, 0x00, 0xc0], &[1.0, -2.0]);
        t("<i8", false, "()", 7i64.to_le_bytes().to_vec(), &[7.0]);
    }

    #[test]
    fn text_is_read_and_objects_are_refused() {
        let utf32: Vec<u8> = "A\0Bé".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
        let got = parse(&npy("<U2", false, "(2,)", &utf32)).unwrap();
        assert_eq!(got.data, NpyData::Text(vec!["A".into(), "Bé".into()]));
        let got = parse(&npy("|S2", false, "(2,)", b"A\0BC")).unwrap();
        assert_eq!(got.data, NpyData::Text(vec!["A".into(), "BC".into()]));
        assert_eq!(parse(&npy("|O", false, "(2,)", b"")).unwrap_err().1, "pickled objects");
        assert!(parse(b"PK").is_err());
        assert_eq!(parse(&npy("<f4", false, "(9,)", b"1234")).unwrap_err().1, "a file that is cut off");
    }
}
