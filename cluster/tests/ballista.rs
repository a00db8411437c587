//! The plan on a scheduler and two executors of this machine.
#![allow(clippy::unwrap_used)]

#[path = "support/made.rs"]
mod made_rows;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use grn::data::TargetSum;
use grn_cluster::engine::{Engine, Limits};
use grn_cluster::plan::Question;
use grn_cluster::rows::RowsOptions;
use grn_cluster::table::{Answer, ask};
use made_rows::{assert_as_expected, expected, made, median_total, program, small};

/// `grn-cluster up`; ended with the test.
struct Up {
    process: Child,
    engine: Engine,
    executors: Vec<u64>,
}

impl Up {
    /// Everything it keeps between stages lies in `folder`.
    fn start(folder: &Path) -> Self {
        let mut command = program();
        command.args(["up", "--executors", "2", "--executor-timeout", "5"]).env("TMPDIR", folder);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        let executors = said["executors"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
        Self { process, engine: said["engine"].as_str().unwrap().parse().unwrap(), executors }
    }

    async fn ask(&self, question: &Question, parts: usize) -> Answer {
        let session = self.engine.session(Limits { parts: Some(parts), memory: None }).await.unwrap();
        ask(&session, question, &self.engine.to_string()).await.unwrap()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // SIGINT, as Ctrl-C does; its children end with it.
        let _ = std::process::Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

fn kill(process: u64) {
    assert!(std::process::Command::new("kill").args(["-KILL", &process.to_string()]).status().unwrap().success());
}

fn alive(process: u64) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}

/// Files of stages that lie under a folder.
fn kept(folder: &Path) -> Vec<PathBuf> {
    let mut open = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_answers_as_one_process_does() {
    let (dir, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options = small(4000);
    let (question, _) = made(dir.path(), &options, TargetSum::Median);
    let up = Up::start(work.path());
    let answer = up.ask(&question, 8).await;
    assert_eq!(answer.target, median_total(&options, &question.tokens));
    assert_as_expected(&answer, &expected(&options, answer.target, &question.tokens));
    let local =
        ask(&Engine::DataFusion.session(Limits::default()).await.unwrap(), &question, "datafusion").await.unwrap();
    assert!(answer.difference(&local).unwrap() < 1e-9);

    let executors = up.executors.clone();
    drop(up);
    let start = Instant::now();
    while executors.iter().any(|e| alive(*e)) {
        assert!(start.elapsed() < Duration::from_secs(10), "executors outlive their cluster");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(kept(work.path()), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_survives_an_executor_killed_in_the_middle() {
    let (dir, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options = RowsOptions { genes: 4000, genes_per_cell: 400, drugs: 20, lines: 5, ..small(120_000) };
    let (question, _) = made(dir.path(), &options, TargetSum::Fixed(1e4));
    let up = Up::start(work.path());
    let asked = up.ask(&question, 24);
    let killed = async {
        // What the first executor has done is there, and there is more to do.
        let of_first = || kept(work.path()).into_iter().any(|path| path.components().any(|c| c.as_os_str() == "0"));
        while !of_first() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        kill(up.executors[0]);
        Instant::now()
    };
    let (answer, killed) = tokio::join!(async { (asked.await, Instant::now()) }, killed);
    let (answer, ended) = answer;
    assert!(ended > killed, "the executor was killed while the query ran");
    assert!(!alive(up.executors[0]) && alive(up.executors[1]));
    assert_as_expected(&answer, &expected(&options, 1e4, &question.tokens));
    let local =
        ask(&Engine::DataFusion.session(Limits::default()).await.unwrap(), &question, "datafusion").await.unwrap();
    assert!(answer.difference(&local).unwrap() < 1e-9);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_data_is_named_by_a_cluster_too() {
    let (dir, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (question, _) = made(dir.path(), &small(300), TargetSum::None);
    let up = Up::start(work.path());
    let session = up.engine.session(Limits::default()).await.unwrap();
    // The columns of labels cannot be counts.
    let wrong = Question { celltype_col: Some("plates".into()), ..question.clone() };
    let error = ask(&session, &wrong, "ballista").await.unwrap_err();
    assert!(error.to_string().contains("column `plates` not found"), "{error}");
    let unheard = Engine::Ballista("ballista://127.0.0.1:1".into());
    let error =
        ask(&unheard.session(Limits::default()).await.unwrap(), &question, "ballista://127.0.0.1:1").await.unwrap_err();
    assert!(error.hint().unwrap().contains("grn-cluster up"), "{error}");
}
