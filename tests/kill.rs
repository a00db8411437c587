//! Processes that are killed at any moment leave no partial file, and a rerun with `--resume` ends in the same bits.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/screen.rs"]
mod screen;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use grn::io::open_cells;
use grn::stats::Rng;

use self::screen::{Screen, grn, transcript, write_chain};

/// Files below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(folder).into_iter().flatten().map(|e| e.unwrap().path()) {
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

fn is_temporary(path: &Path) -> bool {
    path.file_name().unwrap().to_string_lossy().starts_with(".grn-")
}

/// Every file under its final name is whole.
fn assert_whole(folder: &Path) {
    for path in below(folder).iter().filter(|p| !is_temporary(p)) {
        let bytes = std::fs::read(path).unwrap();
        let text = || String::from_utf8(bytes.clone()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match path.extension().and_then(|e| e.to_str()).unwrap_or_default() {
            "json" => {
                drop(serde_json::from_str::<serde_json::Value>(&text()).unwrap_or_else(|e| panic!("{name}: {e}")));
            }
            "jsonl" => {
                for line in text().lines() {
                    serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|e| panic!("{name}: {e}"));
                }
            }
            "toml" => drop(text().parse::<toml::Table>().unwrap_or_else(|e| panic!("{name}: {e}"))),
            "tsv" => assert!(text().ends_with('\n'), "{name}"),
            "gz" => {
                let mut all = Vec::new();
                flate2::read::MultiGzDecoder::new(&bytes[..])
                    .read_to_end(&mut all)
                    .unwrap_or_else(|e| panic!("{name}: {e}"));
                assert!(all.ends_with(b"\n"), "{name}");
            }
            "safetensors" => {
                drop(safetensors::SafeTensors::deserialize(&bytes).unwrap_or_else(|e| panic!("{name}: {e}")));
            }
            "h5ad" => {
                let file = open_cells(path, None).unwrap_or_else(|e| panic!("{name}: {e}"));
                file.blocks().unwrap().for_each(|block| drop(block.unwrap()));
            }
            "parquet" => assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{name}"),
            _ => {}
        }
    }
}

/// Runs the command and kills it after a while; whether it was still running.
fn killed(folder: &Path, args: &[&str], after: Duration) -> bool {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("grn"))
        .current_dir(folder)
        .args(args)
        .env("HDF5_USE_FILE_LOCKING", "FALSE")
        .env("XDG_CONFIG_HOME", folder.join("no-settings"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(after);
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    running
}

/// How often a command is killed: often, or as the variable `GRN_TEST_KILLS` says.
fn times(usual: u64) -> u64 {
    std::env::var("GRN_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// Kills the command so many times at moments drawn from the time that a whole run takes, then lets it end.
fn kill_and_resume(folder: &Path, args: &[&str], again: &[&str], output: &Path, times: u64, whole: Duration) {
    // Late moments are drawn as often as early ones; a long run would make a long test.
    let longest = whole.as_secs_f64().min(1.2);
    let mut seen = 0;
    for round in 0..times {
        let after = Duration::from_secs_f64(longest * Rng::keyed(5, "kill", round, times).uniform());
        seen += u32::from(killed(folder, if round == 0 { args } else { again }, after));
        assert_whole(output);
    }
    assert!(seen > 0, "every run ended before it was killed");
    let last = grn(folder, again);
    assert!(last.status.success(), "{}", transcript(folder, &last));
    let left: Vec<PathBuf> = below(folder).into_iter().filter(|p| is_temporary(p)).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    println!("{}: killed {seen} times", args.join(" "));
}

fn timed(folder: &Path, args: &[&str]) -> Duration {
    let began = Instant::now();
    let done = grn(folder, args);
    assert!(done.status.success(), "{}", transcript(folder, &done));
    began.elapsed()
}

fn contents(folder: &Path, of: impl Fn(&str) -> bool) -> Vec<(String, Vec<u8>)> {
    let name = |path: &PathBuf| path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
    below(folder).iter().filter(|p| of(&name(p))).map(|p| (name(p), std::fs::read(p).unwrap())).collect()
}

#[test]
fn a_fit_that_is_killed_resumes_to_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    Screen::usual().write(&folder.join("screen.h5ad"));
    write_chain(&folder.join("prior.tsv"), 40);
    let args = |outdir: &'static str| {
        let fit = ["-q", "fit", "screen.h5ad", "--prior", "prior.tsv", "--model", "gears", "--outdir", outdir];
        let settings = ["models.gears.hidden=16", "models.gears.steps=60", "models.gears.patience=100"];
        let settings = settings.into_iter().flat_map(|s| ["--set", s]);
        fit.into_iter().chain(["--calibrate", "none"]).chain(settings).collect::<Vec<_>>()
    };
    let whole = timed(folder, &args("whole"));
    let parts = args("parts");
    kill_and_resume(folder, &parts, &[&parts[..], &["--resume"]].concat(), &folder.join("parts"), times(50), whole);
    // What holds times of day or the place of the run differs.
    let same = |name: &str| !["manifest.json", "metrics.jsonl", "log.txt"].contains(&name);
    let (expected, got) = (contents(&folder.join("whole"), same), contents(&folder.join("parts"), same));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|f| f.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(&got), names(&expected));
    for (a, b) in expected.iter().zip(&got) {
        assert!(a == b, "{} differs", a.0);
    }
    assert!(expected.len() > 5);
}

#[test]
fn a_conversion_that_is_killed_ends_in_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let mut screen = Screen::usual();
    screen.labels.iter_mut().for_each(|(_, n)| *n *= 25);
    screen.genes = (0..120).map(|k| format!("G{k}")).collect();
    screen.write(&folder.join("screen.h5ad"));
    for format in ["h5ad", "mtx", "parquet"] {
        let (whole, parts) = (format!("whole.{format}"), format!("parts.{format}"));
        let args = |output| ["-q", "data", "convert", "screen.h5ad", "--shard-rows", "100", "-o", output];
        let time = timed(folder, &args(whole.as_str()));
        let first = args(parts.as_str());
        kill_and_resume(folder, &first, &[&first[..], &["--resume"]].concat(), &folder.join(&parts), times(20), time);
        if format == "h5ad" {
            assert!(std::fs::read(folder.join(&whole)).unwrap() == std::fs::read(folder.join(&parts)).unwrap());
            continue;
        }
        let (expected, got) = (contents(&folder.join(&whole), |_| true), contents(&folder.join(&parts), |_| true));
        assert!(expected.len() > 3 && expected == got, "{format} differs");
    }
}
