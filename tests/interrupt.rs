//! Ctrl-C leaves a checkpoint; `--resume` goes on to the same bits.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

#[path = "support/screen.rs"]
mod screen;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use self::screen::{Screen, grn, transcript, write_chain};

fn args(outdir: &str) -> Vec<&str> {
    let fit = ["-q", "fit", "screen.h5ad", "--prior", "prior.tsv", "--model", "gears", "--outdir", outdir];
    let settings = ["models.gears.hidden=16", "models.gears.steps=120", "models.gears.patience=100"];
    fit.into_iter().chain(settings.into_iter().flat_map(|s| ["--set", s])).collect()
}

/// Steps that a run has recorded.
fn steps(run: &Path) -> usize {
    std::fs::read_to_string(run.join("metrics.jsonl")).map_or(0, |text| text.lines().count())
}

/// All files of a saved model, by name.
fn model(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut open = vec![run.join("model")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.push((path.strip_prefix(run).unwrap().display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn an_interrupted_fit_resumes_to_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    Screen::usual().write(&folder.join("screen.h5ad"));
    write_chain(&folder.join("prior.tsv"), 40);
    let whole = grn(folder, &args("whole"));
    assert!(whole.status.success(), "{}", transcript(folder, &whole));

    let mut child = Command::new(assert_cmd::cargo::cargo_bin("grn"))
        .current_dir(folder)
        .args(args("parts"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let parts = folder.join("parts");
    let began = Instant::now();
    while steps(&parts) < 20 {
        assert!(
            began.elapsed() < Duration::from_secs(120) && child.try_wait().unwrap().is_none(),
            "no steps to interrupt"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(steps(&parts) < steps(&folder.join("whole")), "interrupted after the last step");
    assert!(parts.join("checkpoints").read_dir().unwrap().next().is_some(), "no checkpoint");
    assert!(!parts.join("model").exists());

    let refused = grn(folder, &args("parts"));
    assert_eq!(refused.status.code(), Some(2), "a half-done run is not overwritten by accident");
    let resumed = grn(folder, &[&args("parts")[..], &["--resume"]].concat());
    assert!(resumed.status.success(), "{}", transcript(folder, &resumed));
    let expected = model(&folder.join("whole"));
    assert!(expected.len() >= 2);
    assert!(model(&parts) == expected, "the resumed fit differs");
}
