//! How the command behaves whatever it does: streams, colours, variables, settings, exit codes.
#![allow(clippy::unwrap_used)]

#[path = "support/screen.rs"]
mod screen;

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use self::screen::{Screen, grn, grn_with, transcript, write_chain};

fn ok(folder: &Path, args: &[&str]) -> String {
    let output = grn(folder, args);
    assert!(output.status.success(), "grn {}\n{}", args.join(" "), transcript(folder, &output));
    String::from_utf8(output.stdout).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder with a screen, a prior, a signature and a fitted run.
fn fitted() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    Screen::usual().write(&dir.path().join("screen.h5ad"));
    write_chain(&dir.path().join("prior.tsv"), 40);
    std::fs::write(dir.path().join("change.tsv"), "gene\tvalue\nG4\t1.0\nG5\t1.0\n").unwrap();
    ok(dir.path(), &["fit", "screen.h5ad", "--prior", "prior.tsv", "--model", "graph-kernel", "--outdir", "run"]);
    dir
}

/// Every command that computes or reports, on the files of [`fitted`]; with the files that it must write.
const COMMANDS: &[(&str, &[&str])] = &[
    ("data check screen.h5ad", &[]),
    ("data pseudobulk screen.h5ad -o table.h5ad", &["table.h5ad"]),
    ("data fetch", &[]),
    ("graph build --prior prior.tsv -o graph.tsv", &["graph.tsv"]),
    ("graph info prior.tsv", &[]),
    ("graph neighbors prior.tsv G3", &[]),
    ("graph diff prior.tsv prior.tsv", &[]),
    ("graph path prior.tsv G1 G4", &[]),
    ("graph export prior.tsv -o graph.graphml", &["graph.graphml"]),
    (
        "simulate --genes 320 --perturbations 4 --cells-per-perturbation 5 --controls 20 -o made.h5ad",
        &["made.h5ad", "made.truth"],
    ),
    ("simulate --run run --pert G3 -o course.tsv", &["course.tsv"]),
    ("fit screen.h5ad --prior prior.tsv --model mean --outdir other", &["other"]),
    ("cv screen.h5ad --prior prior.tsv --model mean --k 3 --outdir cv", &["cv"]),
    ("predict --run run --pert G20", &[]),
    ("predict --run run --pert G20 -o predicted.tsv", &["predicted.tsv"]),
    ("predict --run run --pert G20 --cells 5 --controls screen.h5ad -o cells.h5ad", &["cells.h5ad"]),
    ("rank --run run --signature change.tsv --candidates closed --no-calibration -o ranking.tsv", &["ranking.tsv"]),
    (
        "rank-cv screen.h5ad --prior prior.tsv --model mean --folds 2 --candidates closed --own used --outdir ranks",
        &["ranks"],
    ),
    ("score --pred screen.h5ad --real screen.h5ad --only mae --outdir scores", &["scores"]),
    ("score baseline screen.h5ad -o baseline.h5ad", &["baseline.h5ad"]),
    ("score ceiling screen.h5ad --only mae", &[]),
    ("score prep screen.h5ad --expected-genes -1 -o screen.vcc", &["screen.vcc"]),
    ("de screen.h5ad -o de.csv", &["de.csv"]),
    ("plot network --run run --center G3 -o network.svg", &["network.svg"]),
    ("plot delta --run run --pert G3 -o delta.svg", &["delta.svg"]),
    ("report --run run -o report.html", &["report.html"]),
    ("bench --quick --only graph", &[]),
    ("run list .", &[]),
    ("run show run", &[]),
    ("run diff run run", &[]),
    ("run export run --to csv -o metrics.csv", &["metrics.csv"]),
    ("config show", &[]),
    ("config schema", &[]),
    ("man pages", &["pages"]),
];

fn listing(folder: &Path) -> Vec<String> {
    let mut open = vec![folder.to_owned()];
    let mut names = Vec::new();
    while let Some(next) = open.pop() {
        for path in std::fs::read_dir(next).unwrap().map(|e| e.unwrap().path()) {
            names.push(path.display().to_string());
            if path.is_dir() {
                open.push(path);
            }
        }
    }
    names.sort();
    names
}

#[test]
fn every_command_plans_then_prints_one_json_object() {
    let dir = fitted();
    let here = dir.path();
    for (command, files) in COMMANDS {
        let words: Vec<&str> = command.split(' ').collect();
        let before = listing(here);
        let planned = grn(here, &[&words[..], &["--dry-run", "--json"]].concat());
        assert!(planned.status.success(), "{command}\n{}", transcript(here, &planned));
        assert!(
            serde_json::from_slice::<Value>(&planned.stdout).is_ok_and(|v| v.is_object()),
            "{command}\n{}",
            transcript(here, &planned)
        );
        assert_eq!(listing(here), before, "`grn {command} --dry-run` wrote something");
        let output = grn(here, &[&words[..], &["--json"]].concat());
        assert!(output.status.success(), "{command}\n{}", transcript(here, &output));
        assert!(
            serde_json::from_slice::<Value>(&output.stdout).is_ok_and(|v| v.is_object()),
            "{command}\n{}",
            transcript(here, &output)
        );
        for file in *files {
            assert!(here.join(file).exists(), "{command} did not write {file}");
            let plan: Value = serde_json::from_slice(&planned.stdout).unwrap();
            assert!(plan["writes"].to_string().contains(file), "{command} did not plan to write {file}: {plan}");
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let dir = fitted();
    let commands = [
        "predict --run run --pert G20 --format tsv",
        "predict --run run --pert G20 --json",
        "rank --run run --signature change.tsv --candidates closed --no-calibration",
        "de screen.h5ad",
        "graph info prior.tsv --json",
        "config schema",
        "completions bash",
        "run show run",
    ];
    for command in commands {
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("grn"))
            .current_dir(dir.path())
            .args(command.split(' '))
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = stderr(&output);
        assert!(output.status.code() == Some(0) && !said.contains("error"), "{command}: {:?}\n{said}", output.status);
    }
}

#[test]
fn a_panic_is_told_as_a_bug() {
    let dir = fitted();
    let fit = ["fit", "screen.h5ad", "--prior", "prior.tsv", "--model", "mean", "--outdir", "broken"];
    let output = grn_with(dir.path(), &fit, &[("GRN_TEST_PANIC", "1")]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(101), "{said}");
    for wanted in [
        "error: this is a bug in grn",
        &format!("version {}, command `", env!("CARGO_PKG_VERSION")),
        "--model mean --outdir broken`",
        "manifest broken/manifest.json",
        "hint: please report it",
    ] {
        assert!(said.contains(wanted), "{wanted}\n{said}");
    }
    assert!(std::fs::read_to_string(dir.path().join("broken/log.txt")).unwrap().contains("this is a bug"));
}

#[test]
fn exit_codes() {
    let dir = tempfile::tempdir().unwrap();
    let code = |args: &[&str]| grn(dir.path(), args).status.code();
    let mut screen = Screen::usual();
    screen.labels.remove(0);
    screen.write(&dir.path().join("no_control.h5ad"));
    assert_eq!(code(&["config", "show"]), Some(0));
    assert_eq!(code(&["data", "check", "no_control.h5ad"]), Some(1));
    assert_eq!(code(&["data", "check", "absent.h5ad"]), Some(2));
    assert_eq!(code(&["fit", "--nonsense"]), Some(2));
    assert_eq!(code(&["config", "show", "--set", "nonsense=1"]), Some(2));
}

#[test]
fn version_and_unknown_commands() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(ok(dir.path(), &["--version"]), format!("grn {}\n", env!("CARGO_PKG_VERSION")));
    let said = stderr(&grn(dir.path(), &["prdict"]));
    assert!(said.contains("unrecognized subcommand 'prdict'") && said.contains("'predict'"), "{said}");
}

#[test]
fn the_help_lists_commands_in_the_order_of_the_work() {
    let dir = tempfile::tempdir().unwrap();
    let help = ok(dir.path(), &["help"]);
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|l| *l != "Commands:")
        .skip(1)
        .take_while(|l| !l.is_empty())
        .filter(|l| !l.starts_with("   "))
        .filter_map(|l| l.split_whitespace().next())
        .collect();
    let expected = "quickstart data graph simulate fit cv predict rank rank-cv score de plot report run bench config completions man help";
    assert_eq!(commands.join(" "), expected);
}

#[test]
fn completions_of_every_shell_know_the_commands() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = ok(dir.path(), &["completions", shell]);
        assert!(
            script.contains("quickstart") && script.contains("rank-cv") && script.contains("no-progress"),
            "{shell}"
        );
    }
    std::fs::write(dir.path().join("grn.bash"), ok(dir.path(), &["completions", "bash"])).unwrap();
    let ask = ". ./grn.bash; COMP_WORDS=(grn qu); COMP_CWORD=1; _grn grn qu grn; echo ${COMPREPLY[@]}";
    if let Ok(done) = std::process::Command::new("bash").current_dir(dir.path()).args(["-c", ask]).output() {
        assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "quickstart");
    }
}

#[test]
fn manual_pages_are_those_of_the_commands() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &["man", "man1"]);
    for page in ["grn-fit.1", "grn-data-check.1", "grn-run-diff.1"] {
        assert!(dir.path().join("man1").join(page).exists(), "{page}");
    }
    // `grn` is the manual of a troff preprocessor.
    assert!(!dir.path().join("man1/grn.1").exists());
}

#[test]
fn colour_comes_when_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let colourful = |args: &[&str], variables: &[(&str, &str)]| {
        let command = [&["data", "check", "absent.h5ad"], args].concat();
        stderr(&grn_with(dir.path(), &command, variables)).contains('\u{1b}')
    };
    assert!(!colourful(&[], &[]), "no terminal");
    assert!(colourful(&["--color", "always"], &[]));
    assert!(colourful(&[], &[("GRN_COLOR", "always")]));
    assert!(!colourful(&["--color", "never"], &[("GRN_COLOR", "always")]));
}

#[test]
fn quiet_says_less_and_less() {
    let dir = fitted();
    let said = |args: &[&str]| {
        let fixed = ["predict", "--run", "run", "--pert", "G3"];
        stderr(&grn(dir.path(), &[&fixed[..], args].concat()))
    };
    let (usual, quiet, silent, verbose) = (said(&[]), said(&["-q"]), said(&["-qq"]), said(&["-v"]));
    assert!(usual.contains("notice: `G3`: measured in the data"), "{usual}");
    assert_eq!(quiet, usual, "notices stay");
    assert_eq!(silent, "");
    assert!(verbose.contains("run run\n"), "{verbose}");
    let fit = ["fit", "screen.h5ad", "--prior", "prior.tsv", "--model", "mean", "--outdir"];
    let talk = |outdir: &str, flag: &str| stderr(&grn(dir.path(), &[&fit[..], &[outdir, flag]].concat()));
    assert!(talk("a", "--no-progress").contains("fitting `mean` on 12 perturbations"));
    assert!(!talk("b", "-q").contains("fitting"));
}

#[test]
fn the_log_has_all_the_talk_whatever_was_shown() {
    let dir = fitted();
    ok(dir.path(), &["-qq", "fit", "screen.h5ad", "--prior", "prior.tsv", "--model", "mean", "--outdir", "silent"]);
    let log = std::fs::read_to_string(dir.path().join("silent/log.txt")).unwrap();
    for wanted in ["grn -qq fit screen.h5ad", "fitting `mean` on 12 perturbations", "notice: ", "prior.tsv: "] {
        assert!(log.contains(wanted), "{wanted}\n{log}");
    }
}

#[test]
fn settings_come_in_layers() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    let source = |args: &[&str], variables: &[(&str, &str)], key: &str| {
        let output = grn_with(here, &[&["config", "show", "--json"], args].concat(), variables);
        assert!(output.status.success(), "{}", transcript(here, &output));
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |field: &str| shown[key][field].as_str().unwrap().replace(&here.display().to_string(), "[DIR]");
        format!("{} from {}", text("value"), text("source"))
    };
    std::fs::create_dir_all(here.join("home/grn")).unwrap();
    std::fs::write(here.join("home/grn/grn.toml"), "seed = 1\nmodel = \"mean\"\n[cv]\ninner = 7\n").unwrap();
    let home = here.join("home").display().to_string();
    let user = ("XDG_CONFIG_HOME", home.as_str());
    assert_eq!(source(&[], &[], "seed"), "0 from default");
    assert_eq!(source(&[], &[user], "seed"), "1 from [DIR]/home/grn/grn.toml");
    std::fs::write(here.join("grn.toml"), "seed = 2\nmodel = \"linear\"\n").unwrap();
    assert_eq!(source(&[], &[user], "seed"), "2 from grn.toml");
    std::fs::write(here.join("mine.toml"), "seed = 3\n").unwrap();
    let mine = ["--config", "mine.toml"];
    assert_eq!(source(&mine, &[user], "seed"), "3 from mine.toml");
    assert_eq!(source(&mine, &[user, ("GRN_SEED", "4")], "seed"), "4 from environment variable GRN_SEED");
    assert_eq!(source(&["--config", "mine.toml", "--seed", "5"], &[user, ("GRN_SEED", "4")], "seed"), "5 from --seed");
    // What a higher layer leaves out comes from the one below.
    assert_eq!(source(&mine, &[user], "model"), "\"linear\" from grn.toml");
    assert_eq!(source(&mine, &[user], "cv.inner"), "7 from [DIR]/home/grn/grn.toml");
    assert_eq!(source(&["--no-config"], &[user], "model"), "\"grn\" from default");
    assert_eq!(source(&["--no-config", "--config", "mine.toml"], &[user], "seed"), "3 from mine.toml");
    let text = ok(here, &["config", "show", "--config", "mine.toml"]);
    assert!(text.starts_with("# settings files, the strongest last: grn.toml, mine.toml\n"), "{text}");
}

#[test]
fn a_wrong_setting_names_file_line_and_choices() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("grn.toml"), "seed = 1\n\n[graph]\nmin_scores = 3\n").unwrap();
    insta::assert_snapshot!(transcript(dir.path(), &grn(dir.path(), &["config", "show"])));
    let env = grn_with(dir.path(), &["config", "show", "--no-config"], &[("GRN_JSON", "maybe")]);
    insta::assert_snapshot!(transcript(dir.path(), &env));
}
