//! Kernels on the processor, for tests: the same sources as C++, one process per launch.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use candle_core::{Result, bail};

use super::{Arg, Array, Grid, Machine, SOURCE, Value};

/// The compiled kernels.
#[derive(Debug, Clone)]
pub(in crate::nn) struct Program(PathBuf);

/// What the processor asks of a value.
pub(in crate::nn) trait OnHost {
    /// The letter of `host.cpp` for an array of such values.
    const KIND: u8;
    fn write(self, to: &mut Vec<u8>);
    fn read(from: &[u8]) -> Self;
}

macro_rules! on_host {
    ($($value:ty = $kind:literal),*) => {
        $(impl OnHost for $value {
            const KIND: u8 = $kind;
            fn write(self, to: &mut Vec<u8>) {
                to.extend(self.to_ne_bytes());
            }
            fn read(from: &[u8]) -> Self {
                Self::from_ne_bytes(from.try_into().unwrap())
            }
        })*
    };
}

on_host!(f32 = b'f', f64 = b'd', u32 = b'u', u64 = b'l');

pub(super) fn bytes<T: Value>(array: &Array<'_, T>) -> Result<(u8, Vec<u8>)> {
    let mut bytes = Vec::new();
    values(array)?.iter().for_each(|v| v.write(&mut bytes));
    Ok((T::KIND, bytes))
}

pub(super) fn set<T: Value>(array: &mut Array<'_, T>, bytes: &[u8]) {
    *array = Array::Host(bytes.chunks_exact(size_of::<T>()).map(T::read).collect());
}

pub(super) fn download<T: Value>(array: &Array<'static, T>) -> Result<Vec<T>> {
    Ok(values(array)?.to_vec())
}

fn values<'a, T: Value>(array: &'a Array<'_, T>) -> Result<&'a [T]> {
    match array {
        Array::Host(values) => Ok(values),
        #[cfg(feature = "cuda")]
        _ => bail!("expected an array of the processor"),
    }
}

/// What watches the kernels, where the compiler has it.
const SANITIZERS: [&str; 2] = ["-fsanitize=address,undefined", "-fno-sanitize-recover"];

/// The machine, or why there is none: it takes a C++ compiler and the contexts of glibc.
pub(super) fn machine() -> std::result::Result<Machine, String> {
    if cfg!(not(all(target_os = "linux", target_env = "gnu"))) {
        return Err("kernels run on the processor of Linux with glibc only".into());
    }
    let test = std::env::current_exe().map_err(|e| e.to_string())?;
    let folder = tempfile::tempdir_in(test.parent().unwrap_or(Path::new("."))).map_err(|e| e.to_string())?;
    let program = include_str!("host.cpp");
    let name = format!("kernels-{}", blake3::hash(format!("{program}{SOURCE}").as_bytes()).to_hex());
    let known = test.with_file_name(name);
    if !known.exists() {
        std::fs::rename(compiled(folder.path(), program)?, &known).map_err(|e| e.to_string())?;
    }
    Ok(Machine::Host(Program(known)))
}

fn compiled(folder: &Path, program: &str) -> std::result::Result<PathBuf, String> {
    let kernels = SOURCE.split("__global__ void ").skip(1).filter_map(|rest| rest.split('(').next());
    let table: String = kernels.map(|name| format!("KERNEL({name})\n")).collect();
    for (name, text) in [("host.cpp", program), ("kernels.cu", SOURCE), ("table.inc", &table)] {
        std::fs::write(folder.join(name), text).map_err(|e| e.to_string())?;
    }
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
    let path = folder.join("kernels");
    let compile = |more: &[&str]| {
        let mut command = Command::new(&compiler);
        command.args(["-std=c++17", "-O1", "-Wall", "-Werror"]).args(more);
        command.arg("-o").arg(&path).arg(folder.join("host.cpp")).output()
    };
    let Ok(mut ran) = compile(&SANITIZERS) else { return Err(format!("there is no C++ compiler `{compiler}`")) };
    if !ran.status.success() {
        eprintln!("no sanitizer watches: {}", String::from_utf8_lossy(&ran.stderr));
        ran = compile(&[]).map_err(|e| e.to_string())?;
    }
    assert!(ran.status.success(), "the kernels are no C++:\n{}", String::from_utf8_lossy(&ran.stderr));
    Ok(path)
}

impl Program {
    pub(super) fn launch(&self, kernel: &str, grid: Grid, args: &mut [Arg<'_>]) -> Result<()> {
        let ran = self.run(kernel, grid.size(), &packed(args)?)?;
        if !ran.status.success() {
            bail!("{kernel}: {}", String::from_utf8_lossy(&ran.stderr));
        }
        let mut written = ran.stdout.as_slice();
        for arg in args {
            if let Arg::Out(array) = arg {
                let (now, rest) = written.split_at(array.bytes()?.1.len());
                array.set(now);
                written = rest;
            }
        }
        Ok(())
    }

    fn run(&self, kernel: &str, (blocks, threads): (u32, u32), input: &[u8]) -> std::io::Result<Output> {
        let words = [kernel.to_owned(), blocks.to_string(), threads.to_string()];
        let pipes = || (Stdio::piped(), Stdio::piped(), Stdio::piped());
        let (stdin, stdout, stderr) = pipes();
        let mut child = Command::new(&self.0).args(words).stdin(stdin).stdout(stdout).stderr(stderr).spawn()?;
        // The program reads all of its input before it writes; where it stops earlier, it says why.
        if let Some(mut to) = child.stdin.take() {
            let _ = to.write_all(input);
        }
        child.wait_with_output()
    }
}

/// All arguments as `host.cpp` reads them.
fn packed(args: &[Arg<'_>]) -> Result<Vec<u8>> {
    let mut input = Vec::new();
    for arg in args {
        let (kind, bytes) = match arg {
            Arg::In(array) => array.bytes()?,
            Arg::Out(array) => array.bytes().map(|(kind, bytes)| (kind.to_ascii_uppercase(), bytes))?,
            Arg::Count(n) => (b'n', n.to_ne_bytes().to_vec()),
            Arg::Number(x) => (b'x', x.to_ne_bytes().to_vec()),
        };
        input.push(kind);
        if matches!(arg, Arg::In(_) | Arg::Out(_)) {
            input.extend((bytes.len() as u64).to_ne_bytes());
        }
        input.extend(bytes);
    }
    Ok(input)
}

/// The product in double precision.
pub(super) fn matmul(
    [rows, inner, columns]: [usize; 3],
    (a, a_transposed): (&Array<'_, f32>, bool),
    (b, b_transposed): (&Array<'_, f32>, bool),
    c: &mut Array<'static, f32>,
    add: bool,
) -> Result<()> {
    let (a, b) = (values(a)?, values(b)?);
    let a = |i: usize, k: usize| if a_transposed { a[k * rows + i] } else { a[i * inner + k] };
    let b = |k: usize, j: usize| if b_transposed { b[j * inner + k] } else { b[k * columns + j] };
    let mut out = values(c)?.to_vec();
    for i in 0..rows {
        for j in 0..columns {
            let sum: f64 = (0..inner).map(|k| f64::from(a(i, k)) * f64::from(b(k, j))).sum();
            let before = if add { out[i * columns + j] } else { 0.0 };
            out[i * columns + j] = before + sum as f32;
        }
    }
    *c = Array::Host(out.into());
    Ok(())
}
