//! `--dry-run`: the estimate of memory against the measured peak, and nothing written.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "support/screen.rs"]
mod screen;

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use self::screen::{grn, transcript};

fn ok(folder: &Path, args: &[&str]) -> String {
    let output = grn(folder, args);
    assert!(output.status.success(), "grn {}\n{}", args.join(" "), transcript(folder, &output));
    String::from_utf8(output.stdout).unwrap()
}

/// Largest resident memory of a command in bytes, watched while it runs: the peak is kept by the system.
fn measured(folder: &Path, args: &[&str]) -> f64 {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("grn"))
        .current_dir(folder)
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0f64;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:")).and_then(|l| l.trim().strip_suffix(" kB"));
        peak = peak.max(line.and_then(|l| l.trim().parse::<f64>().ok()).unwrap_or(0.0) * 1024.0);
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{args:?}");
            return peak;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[test]
fn planned_memory_is_near_the_measured_peak() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    let made = "-q simulate --genes 4000 --perturbations 60 --cells-per-perturbation 20 --controls 400 -o screen.h5ad";
    ok(here, &made.split(' ').collect::<Vec<_>>());
    std::fs::write(here.join("prior.tsv"), "source\ttarget\nSOX2\tNANOG\nNANOG\tPOU5F1\n").unwrap();
    let commands = [
        "data pseudobulk screen.h5ad --halves -o table.h5ad",
        "fit screen.h5ad --prior prior.tsv --model linear --outdir linear",
        "fit screen.h5ad --prior prior.tsv --model grn --outdir grn",
        "cv screen.h5ad --prior prior.tsv --model linear --k 3 --outdir cv",
        "de screen.h5ad -o de.csv",
        "score --pred screen.h5ad --real screen.h5ad --outdir scores",
        "score --pred screen.h5ad --real screen.h5ad --profile vcc2025 --outdir vcc",
        "predict --run grn --pert SOX2",
        "predict --run grn --pert SOX2 --cells 50 --controls screen.h5ad -o cells.h5ad",
    ];
    for command in commands {
        let words: Vec<&str> = command.split(' ').collect();
        let plan: Value = serde_json::from_str(&ok(here, &[&words[..], &["--dry-run", "--json"]].concat())).unwrap();
        let planned = plan["memory_bytes"].as_f64().unwrap();
        let peak = measured(here, &words);
        eprintln!("{command}: planned {:.0} MB, measured {:.0} MB", planned / 1e6, peak / 1e6);
        assert!(planned < 2.5 * peak && peak < 2.5 * planned, "{command}: planned {planned}, measured {peak}");
    }
}

#[test]
fn a_plan_reads_well() {
    let dir = tempfile::tempdir().unwrap();
    screen::Screen::usual().write(&dir.path().join("screen.h5ad"));
    screen::write_chain(&dir.path().join("prior.tsv"), 40);
    let fit = [
        "-qq",
        "fit",
        "screen.h5ad",
        "--prior",
        "prior.tsv",
        "--hold-out",
        "G3",
        "-j",
        "2",
        "--outdir",
        "run",
        "--dry-run",
    ];
    insta::assert_snapshot!(transcript(dir.path(), &grn(dir.path(), &fit)));
    let wrong =
        grn(dir.path(), &["-qq", "fit", "screen.h5ad", "--prior", "prior.tsv", "--hold-out", "G33", "--dry-run"]);
    insta::assert_snapshot!(transcript(dir.path(), &wrong));
}
