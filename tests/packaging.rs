//! What packages the program: one version everywhere, commands that exist, modules whose scripts run, an archive that works.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output};

use commands::{Helps, words};

#[path = "support/commands.rs"]
mod commands;

const GRN: &str = env!("CARGO_BIN_EXE_grn");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under a folder, sorted.
fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{}{said}", String::from_utf8_lossy(&output.stdout));
    output
}

// ---- one version ----

/// The version in `[workspace.package]` of a Cargo.toml: the one place.
fn version_of(root: &Path) -> String {
    let text = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let after = text.split("[workspace.package]\nversion = \"").nth(1).unwrap();
    after.split('"').next().unwrap().to_owned()
}

/// Files that repeat the version, and the words before it.
const REPEATED: &[(&str, &[&str])] = &[
    ("Cargo.lock", &["name = \"grn-cli\"\nversion = \"", "name = \"grn-python\"\nversion = \""]),
    ("CHANGELOG.md", &["## ["]),
    ("README.md", &["\ngrn ", "> grn "]),
    ("cluster/Cargo.toml", &["package = \"grn-cli\", path = \"..\", version = \""]),
    ("python/Cargo.toml", &["package = \"grn-cli\", path = \"..\", version = \""]),
    ("packaging/INSTALL.md", &["\ngrn "]),
    ("packaging/README.md", &["-t grn:"]),
    ("packaging/conda/recipe.yaml", &["\n  version: \""]),
    ("packaging/docker/Dockerfile", &["image.version=\"", "-t grn:"]),
];

/// The same of files that each module and each wrapper has.
const REPEATED_IN_EACH: &[(&str, &str, &[&str])] = &[
    ("packaging/nf-core/grn", "main.nf", &["'docker-daemon://grn:", "'grn:"]),
    ("packaging/nf-core/grn", "environment.yml", &["conda-forge::grn="]),
    ("packaging/snakemake", "environment.yaml", &["grn ="]),
];

fn places(root: &Path) -> Vec<(PathBuf, &'static [&'static str])> {
    let single = REPEATED.iter().map(|(file, before)| (root.join(file), *before));
    let each = REPEATED_IN_EACH.iter().flat_map(|(folder, file, before)| {
        let named = |path: &PathBuf| path.file_name().is_some_and(|name| name == *file);
        files_under(&root.join(folder)).into_iter().filter(named).map(|path| (path, *before))
    });
    single.chain(each).collect()
}

/// Places where another version stands than the one place says.
fn left_behind(root: &Path) -> Vec<String> {
    let version = version_of(root);
    let mut wrong = Vec::new();
    for (file, before) in places(root) {
        let text = format!("\n{}", fs::read_to_string(&file).unwrap());
        for before in before {
            // The first one: that of the changelog is the newest entry.
            let found = text.split(before).nth(1).unwrap_or_default();
            let end = found.strip_prefix(version.as_str());
            if end.is_none_or(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-')) {
                wrong.push(format!("{}: after `{}`", file.display(), before.trim()));
            }
        }
    }
    wrong
}

#[test]
fn the_version_stands_in_one_place() {
    assert_eq!(version_of(root()), env!("CARGO_PKG_VERSION"));
    let n = places(root()).len();
    assert!(n > 20, "only {n} files were found");
    assert_eq!(left_behind(root()), Vec::<String>::new(), "run packaging/set-version");
}

#[test]
fn a_new_version_reaches_every_place() {
    let copy = tempfile::tempdir().unwrap();
    let copy_file = |file: &Path| {
        let to = copy.path().join(file.strip_prefix(root()).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(file, to).unwrap();
    };
    files_under(&root().join("packaging")).iter().for_each(|file| copy_file(file));
    REPEATED.iter().for_each(|(file, _)| copy_file(&root().join(file)));
    copy_file(&root().join("Cargo.toml"));

    run(Command::new(copy.path().join("packaging/set-version")).arg("9.8.7"));
    assert_eq!(version_of(copy.path()), "9.8.7");
    assert_eq!(left_behind(copy.path()), Vec::<String>::new());
    let changed = fs::read_to_string(copy.path().join("Cargo.lock")).unwrap();
    let before = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let differ = changed.lines().zip(before.lines()).filter(|(a, b)| a != b).count();
    assert!((2..=4).contains(&differ), "{differ} lines of Cargo.lock: only the members of the workspace change");

    let cargo = copy.path().join("Cargo.toml");
    let older = fs::read_to_string(&cargo).unwrap().replace("version = \"9.8.7\"", "version = \"9.8.6\"");
    fs::write(&cargo, older).unwrap();
    assert_eq!(left_behind(copy.path()).len(), places(copy.path()).iter().map(|(_, b)| b.len()).sum::<usize>());

    let refused = Command::new(copy.path().join("packaging/set-version")).arg("two").output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
}

// ---- commands ----

/// Commands of `grn` in a recipe, a module or a wrapper; what is filled in later is `x`.
fn commands_in(text: &str) -> Vec<String> {
    // Lines that go on: `\` of a shell, doubled in Groovy; neighbouring strings of Python.
    let mut joined = text.replace("\\\\\n", " ").replace("\\\n", " ").replace("&& ", "\n");
    while let Some((at, length)) = next_seam(&joined) {
        joined.replace_range(at..at + length, "");
    }
    let line = |line: &str| {
        let line = line.trim().trim_start_matches("- ").trim_matches('"');
        let line = line.trim_start_matches("$PREFIX/bin/").trim_start_matches("target/release/");
        line.starts_with("grn ").then(|| filled(line))
    };
    joined.lines().filter_map(line).collect()
}

/// Where one string of Python ends and the next one starts on a line of its own.
fn next_seam(text: &str) -> Option<(usize, usize)> {
    text.match_indices("\"\n").find_map(|(at, _)| {
        let rest = &text[at + 2..];
        let indent = rest.len() - rest.trim_start_matches(' ').len();
        rest[indent..].starts_with('"').then_some((at, 2 + indent + 1))
    })
}

/// A line in which `${...}` and `{...}` are `x`.
fn filled(line: &str) -> String {
    let mut text = String::new();
    let mut depth = 0;
    for c in line.chars() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                text.push('x');
            }
            '$' => {}
            c if depth == 0 => text.push(c),
            _ => {}
        }
    }
    text
}

#[test]
fn commands_are_found_in_each_kind_of_file() {
    let t = |text: &str, expected: &[&str]| assert_eq!(commands_in(text), expected);
    t("    - $PREFIX/bin/grn man $PREFIX/share\n    - grn --version\n", &["grn man PREFIX/share", "grn --version"]);
    t(
        "    grn fit \\\\\n        ${screen} \\\\\n        --outdir ${prefix}\n",
        &["grn fit          x          --outdir x"],
    );
    t("shell(\n    \"grn rank\"\n    \" --run {a:q}\"\n    \" {log}\"\n)", &["grn rank --run x x"]);
    t("RUN cargo build \\\n    && target/release/grn man d\n", &["grn man d"]);
}

#[test]
fn every_command_of_a_package_exists_with_its_options() {
    let mut helps = Helps::default();
    let (mut wrong, mut n) = (Vec::new(), 0);
    let kinds = ["recipe.yaml", "Dockerfile", "main.nf", "wrapper.py"];
    for file in files_under(&root().join("packaging")) {
        if !kinds.contains(&file.file_name().unwrap().to_str().unwrap()) {
            continue;
        }
        for command in commands_in(&fs::read_to_string(&file).unwrap()) {
            n += 1;
            let complaints = helps.complaints(&words(&command)[1..]);
            wrong.extend(complaints.into_iter().map(|c| format!("{}: {c}: {command}", file.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(n >= 20, "only {n} commands were found");
}

#[test]
fn the_tests_of_the_recipe_pass() {
    let text = fs::read_to_string(root().join("packaging/conda/recipe.yaml")).unwrap();
    let tests = text.split("\ntests:\n").nth(1).unwrap().split("  - package_contents:").next().unwrap();
    let script: Vec<&str> = tests.lines().filter_map(|l| l.strip_prefix("      - ")).collect();
    assert!(script.len() > 3, "{tests}");
    let folder = tempfile::tempdir().unwrap();
    bash(folder.path(), &script.join("\n"));
}

// ---- what cargo packs ----

/// Files that the sources embed, relative to the root.
fn embedded() -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for file in files_under(&root().join("src")) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for macro_name in ["include_str!(\"", "include_bytes!(\""] {
            let names = text.split(macro_name).skip(1).filter_map(|rest| rest.split('"').next());
            found.extend(names.map(|name| tidy(&file.parent().unwrap().join(name))));
        }
    }
    found
}

/// The path below the root, without `..`.
fn tidy(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.strip_prefix(root()).unwrap().components() {
        if part == Component::ParentDir {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts
}

#[test]
fn cargo_packs_every_file_that_the_program_embeds() {
    let arguments = ["package", "--list", "--allow-dirty", "--offline", "--package", "grn-cli"];
    let output = run(Command::new(env!("CARGO")).args(arguments).current_dir(root()));
    let packed: BTreeSet<PathBuf> = String::from_utf8(output.stdout).unwrap().lines().map(PathBuf::from).collect();
    let embedded = embedded();
    assert!(embedded.len() > 30, "only {} embedded files were found", embedded.len());
    let missing: Vec<_> = embedded.difference(&packed).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for file in ["src/main.rs", "Cargo.lock", "README.md", "LICENSE-MIT", "LICENSE-APACHE", "configs/default.toml"] {
        assert!(packed.contains(Path::new(file)), "{file}");
    }
}

// ---- modules of nf-core ----

/// A module file, in the parts that these tests run.
struct Module {
    text: String,
    /// What `${...}` stands for.
    values: BTreeMap<String, String>,
}

impl Module {
    /// `values` are those that Groovy would compute; the default of `task.ext.prefix` is read from the file.
    fn read(name: &str, values: &[(&str, &str)]) -> Self {
        let path = root().join("packaging/nf-core/grn").join(name).join("main.nf");
        let text = fs::read_to_string(path).unwrap();
        let given = [("meta.id", "screen"), ("task.cpus", "2"), ("memory", "--memory 2000M"), ("args", "")];
        let values = given.iter().chain(values).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut module = Self { text, values };
        let prefix = module.default_prefix();
        module.values.insert("prefix".to_owned(), prefix);
        module
    }

    fn default_prefix(&self) -> String {
        let after = self.text.split("prefix = task.ext.prefix ?: \"").nth(1).unwrap();
        self.render(after.split('"').next().unwrap())
    }

    /// Text with its values, as Groovy fills a string; a value that no one gave is an error.
    fn render(&self, text: &str) -> String {
        let mut pieces = text.split("${");
        let mut rendered = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (name, rest) = piece.split_once('}').unwrap();
            rendered += self.values.get(name).unwrap_or_else(|| panic!("no value for `{name}`"));
            rendered += rest;
        }
        rendered.replace("\\\\\n", "\\\n").replace("\\$", "$")
    }

    /// The commands of `script:` or `stub:`.
    fn commands(&self, section: &str) -> String {
        let after = self.text.split(&format!("\n    {section}:\n")).nth(1).unwrap();
        self.render(after.split("\"\"\"").nth(1).unwrap())
    }

    /// Files and folders that the process promises.
    fn outputs(&self) -> Vec<String> {
        let section = self.text.split("\n    output:\n").nth(1).unwrap().split("\n    when:").next().unwrap();
        let paths = section.lines().filter(|l| !l.contains("optional: true")).filter_map(|l| l.split("path(\"").nth(1));
        paths.map(|rest| self.render(rest.split("\")").next().unwrap())).collect()
    }

    fn version_command(&self) -> &str {
        self.text.split("eval(\"").nth(1).unwrap().split("\")").next().unwrap()
    }
}

/// The PATH with this build of `grn` first.
fn path_with_grn() -> OsString {
    let mut folders = vec![Path::new(GRN).parent().unwrap().to_path_buf()];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    std::env::join_paths(folders).unwrap()
}

/// Runs commands as Nextflow does, and gives what they print.
fn bash(folder: &Path, commands: &str) -> String {
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", commands]).current_dir(folder).env("PATH", path_with_grn());
    String::from_utf8(run(&mut command).stdout).unwrap()
}

fn assert_written(folder: &Path, module: &Module) {
    let outputs = module.outputs();
    assert!(!outputs.is_empty());
    for output in outputs {
        assert!(folder.join(&output).exists(), "`{output}` is promised and was not written");
    }
}

#[test]
fn scripts_of_the_modules_write_what_they_promise() {
    let small = "--genes 400 --perturbations 12 --cells-per-perturbation 20 --controls 150";
    let modules = [
        Module::read("simulate", &[("args", small)]),
        Module::read("datapseudobulk", &[("screens", "screen.h5ad")]),
        Module::read(
            "fit",
            &[
                ("screen", "screen_pseudobulk.h5ad"),
                ("prior_args", "--prior screen.truth/edges.tsv"),
                ("args", "--seed 3"),
            ],
        ),
        Module::read("predict", &[("run", "screen"), ("perturbations", "genes.txt"), ("format", "tsv")]),
        Module::read("rank", &[("run", "screen"), ("query", "--treated screen.h5ad"), ("args", "--top 5")]),
    ];
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("genes.txt"), "KDM1A\nKDM1A+POU5F1\n").unwrap();
    for module in &modules {
        bash(folder.path(), &module.commands("script"));
        assert_written(folder.path(), module);
        assert_eq!(bash(folder.path(), module.version_command()).trim(), env!("CARGO_PKG_VERSION"));

        let stub = tempfile::tempdir().unwrap();
        bash(stub.path(), &module.commands("stub"));
        assert_written(stub.path(), module);
    }
    let predictions = fs::read_to_string(folder.path().join("screen_predictions.tsv")).unwrap();
    assert!(predictions.starts_with("perturbation\tgene") && predictions.lines().count() == 801);
}

#[test]
fn every_module_and_wrapper_is_complete() {
    let complete = |folder: &str, files: &[&str]| {
        let folder = root().join("packaging").join(folder);
        let mut n = 0;
        for entry in fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()) {
            let name = entry.file_name().unwrap().to_string_lossy().into_owned();
            if name == "test" || name.starts_with('.') {
                continue;
            }
            n += 1;
            files.iter().for_each(|file| assert!(entry.join(file).is_file(), "{}: {file}", entry.display()));
        }
        assert!(n >= 5, "{}: {n}", folder.display());
    };
    let module = ["main.nf", "meta.yml", "environment.yml", "tests/main.nf.test", "tests/nextflow.config"];
    complete("nf-core/grn", &module);
    complete("snakemake", &["wrapper.py", "meta.yaml", "environment.yaml"]);
}

// ---- the archive ----

/// A program that calls this build: packing it takes seconds less than packing an unoptimised build.
fn stand_in(folder: &Path) -> PathBuf {
    let path = folder.join("stand-in");
    fs::write(&path, format!("#!/bin/sh\nexec '{GRN}' \"$@\"\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn has_gnu_tar() -> bool {
    let is_gnu = |name: &str| {
        let said = Command::new(name).arg("--version").output();
        said.is_ok_and(|o| String::from_utf8_lossy(&o.stdout).contains("GNU tar"))
    };
    is_gnu("tar") || is_gnu("gtar")
}

/// Packs into a new folder; the archive.
fn pack(folder: &Path, name: &str) -> PathBuf {
    let out = folder.join(name);
    let program = stand_in(folder);
    let mut command = Command::new(root().join("packaging/release"));
    command.arg("--binary").arg(program).arg("--out").arg(&out).env("CARGO", env!("CARGO"));
    let said = String::from_utf8(run(&mut command).stdout).unwrap();
    let archive = PathBuf::from(said.trim());
    assert_eq!(archive.parent().unwrap(), out);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 3, "archive, checksum and notes, nothing temporary");
    archive
}

#[test]
fn the_release_archive_is_whole_and_the_same_each_time() {
    if !has_gnu_tar() {
        eprintln!("skipped: GNU tar is not installed");
        return;
    }
    let version = env!("CARGO_PKG_VERSION");
    let folder = tempfile::tempdir().unwrap();
    let archive = pack(folder.path(), "first");
    assert!(fs::read(&archive).unwrap() == fs::read(pack(folder.path(), "second")).unwrap(), "the archives differ");

    let out = archive.parent().unwrap();
    let name = archive.file_name().unwrap().to_str().unwrap();
    let said = fs::read_to_string(out.join(format!("{name}.sha256"))).unwrap();
    assert_eq!(said.split_whitespace().nth(1), Some(name));
    let notes = fs::read_to_string(out.join(format!("grn-{version}.md"))).unwrap();
    assert!(notes.starts_with(&format!("## [{version}]")) && notes.matches("\n## ").count() == 0);

    run(Command::new("tar").arg("-xzf").arg(&archive).current_dir(folder.path()));
    let unpacked = folder.path().join(name.strip_suffix(".tar.gz").unwrap());
    let answer = run(Command::new(unpacked.join("grn")).arg("--version"));
    assert_eq!(String::from_utf8_lossy(&answer.stdout), format!("grn {version}\n"));
    let loaded = bash(&unpacked, "source completions/grn.bash; complete -p grn");
    assert!(loaded.contains("-F _grn"), "{loaded}");
    for shell in ["_grn", "grn.fish", "_grn.ps1", "grn.elv"] {
        assert!(
            fs::read_to_string(unpacked.join("completions").join(shell)).unwrap().contains("pseudobulk"),
            "{shell}"
        );
    }
    let pages = fs::read_dir(unpacked.join("man/man1")).unwrap().count();
    assert!(pages > 40 && unpacked.join("man/man1/grn-fit.1").is_file(), "{pages} pages");
    let licences = fs::read_to_string(unpacked.join("licences/THIRD-PARTY.txt")).unwrap();
    for part in ["candle-core v", "hdf5-metno v", "==== text 1 ===="] {
        assert!(licences.contains(part), "{part}");
    }
    for file in ["INSTALL.md", "README.md", "CHANGELOG.md", "licences/LICENSE-MIT", "licences/LICENSE-APACHE"] {
        assert!(unpacked.join(file).is_file(), "{file}");
    }
}
