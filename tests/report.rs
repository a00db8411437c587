//! `grn report` as users see it: a run and a cross-validation, looked at by a browser and by MultiQC where there are any.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn grn(dir: &Path, args: &[&str]) -> Vec<u8> {
    let assert = assert_cmd::Command::cargo_bin("grn").unwrap().current_dir(dir).args(args).assert().success();
    assert.get_output().stdout.clone()
}

/// A small simulated screen, a run, and a cross-validation with intervals inside it.
fn run_with_cv(dir: &Path) {
    let screen = ["simulate", "--genes=400", "--perturbations=24", "--cells-per-perturbation=30", "--controls=80"];
    grn(dir, &[&screen[..], &["--depth=3000", "--seed=3", "-o", "s.h5ad"]].concat());
    let inputs = ["s.h5ad", "--prior", "s.truth/edges.tsv"];
    grn(dir, &[&["fit"], &inputs[..], &["--model=graph-kernel", "--outdir=run"]].concat());
    let cv = ["--model=graph-kernel", "--calibrate=balanced", "--curve=0.5,1", "--outdir=run/cv"];
    grn(dir, &[&["cv"], &inputs[..], &cv[..]].concat());
    let rank = ["rank", "--run=run", "--signature=run/responses.h5ad", "--no-calibration", "-o", "run/ranking.tsv"];
    grn(dir, &rank);
}

#[test]
fn a_run_and_its_cross_validation_have_reports() {
    let dir = tempfile::tempdir().unwrap();
    run_with_cv(dir.path());
    let json: serde_json::Value = serde_json::from_slice(&grn(dir.path(), &["report", "--run=run", "--json"])).unwrap();
    assert_eq!(json["missing_sections"], serde_json::json!([]));
    grn(dir.path(), &["report", "--run=run/cv"]);
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let (run, cv) = (read("run/report.html"), read("run/cv/report.html"));
    for page in [&run, &cv] {
        assert!(page.len() < 5_000_000, "{}", page.len());
        assert!(page.contains("default-src 'none'") && page.contains("id=\"theme\"") && page.contains("scope=\"col\""));
        // Every figure says what it shows, with numbers.
        let labels: Vec<&str> = page.split("aria-label=\"").skip(1).filter_map(|p| p.split('"').next()).collect();
        let figures = page.matches("<svg").count();
        let told = labels.iter().filter(|l| l.len() > 40 && l.chars().any(|c| c.is_ascii_digit())).count();
        assert!(figures >= 7 && told >= figures, "{figures} figures, {told} told: {labels:?}");
        for title in ["which measurement each prediction resembles", "genes that change", "Which perturbations gain"] {
            assert!(page.contains(title), "{title}");
        }
        assert!(page.contains("% at level 0.9") && page.contains("number of training perturbations"));
    }
    assert!(run.contains("why these genes rank first") && cv.contains("Cross-validation of graph-kernel"));
    let coverage = read("run/cv/coverage.tsv");
    // A calibrated model, the mean and the linear model: 24 perturbations, ten levels each.
    assert_eq!(coverage.lines().count() % 240, 1, "{}", coverage.lines().count());
    check_in_browser(&dir.path().join("run/report.html"));
    check_in_browser(&dir.path().join("run/cv/report.html"));
    check_in_multiqc(dir.path());

    // Twice the same.
    grn(dir.path(), &["report", "--run=run/cv"]);
    assert_eq!(cv, read("run/cv/report.html"));
}

#[test]
fn a_folder_that_is_neither_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut refused = assert_cmd::Command::cargo_bin("grn").unwrap();
    let out = refused.current_dir(dir.path()).args(["report", "--run", "."]).assert().code(2);
    let text = String::from_utf8_lossy(&out.get_output().stderr).into_owned();
    assert!(text.contains("manifest.json") && text.contains("hint:"), "{text}");
}

/// What a browser says of a page that it loads without a network.
struct Seen {
    dom: String,
    console: Vec<String>,
    /// Whether the page asked for anything.
    asked: bool,
}

fn look(browser: &Path, page: &Path) -> Seen {
    let profile = tempfile::tempdir().unwrap();
    let log = profile.path().join("net.json");
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--dump-dom"]);
    command.args(["--enable-logging=stderr", "--v=0", "--host-resolver-rules=MAP * ~NOTFOUND"]);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    command.arg(format!("--log-net-log={}", log.display()));
    let Output { stdout, stderr, .. } = command.arg(format!("file://{}", page.display())).output().unwrap();
    let lines = String::from_utf8_lossy(&stderr).into_owned();
    Seen {
        dom: String::from_utf8_lossy(&stdout).into_owned(),
        console: lines.lines().filter(|l| l.contains("CONSOLE")).map(str::to_owned).collect(),
        // Pages from files have the opaque origin `null`; what the browser asks on its own has none.
        asked: std::fs::read_to_string(&log).unwrap().contains("\"initiator\":\"null\""),
    }
}

/// Nothing may be logged or asked for, and the script must have run.
fn check_in_browser(page: &Path) {
    let Some(browser) = found(&["chromium", "chromium-browser", "google-chrome"]) else {
        println!("skipped: no chromium or chrome is installed");
        return;
    };
    // That a request would be seen is seen on a page that makes one.
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("other.html");
    std::fs::write(&other, "<img src=\"http://example.invalid/x.png\"><script>console.log(1)</script>").unwrap();
    let control = look(&browser, &other);
    if control.dom.is_empty() {
        println!("skipped: the browser does not start here");
        return;
    }
    assert!(control.asked && !control.console.is_empty());

    let seen = look(&browser, page);
    assert!(seen.dom.contains("Dark colours</button>") || seen.dom.contains("Light colours</button>"));
    assert!(seen.dom.contains("aria-sort") || seen.dom.contains("<th scope=\"col\"><button"), "the script did not run");
    assert!(!seen.dom.contains("id=\"theme\" hidden"), "the script did not run");
    assert!(seen.console.is_empty(), "{:?}", seen.console);
    assert!(!seen.asked, "the page asks for something");
}

/// MultiQC reads the line of the run.
fn check_in_multiqc(dir: &Path) {
    let Some(multiqc) = found(&["multiqc"]) else {
        println!("skipped: multiqc is not installed");
        return;
    };
    let mut command = Command::new(multiqc);
    let out = command.current_dir(dir).args(["run", "-o", "mqc", "--no-ansi"]).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{said}");
    let stats = std::fs::read_to_string(dir.join("mqc/multiqc_data/multiqc_general_stats.txt")).unwrap();
    assert!(stats.contains("centred_r") && stats.lines().count() >= 2, "{stats}");
}

fn found(names: &[&str]) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    let all = std::env::split_paths(&paths).flat_map(|dir| names.iter().map(move |name| dir.join(name)));
    all.into_iter().find(|path| path.is_file())
}
