//! The command that mends an error.

use super::error::CliError;
use crate::config::ConfigError;
use crate::data::DataError;
use crate::graph::GraphError;
use crate::io::{FetchError, IoError};
use crate::nn::NnError;
use crate::predict::PredictError;
use crate::rank::RankError;
use crate::report::ReportError;
use crate::run::RunError;
use crate::score::ScoreError;
use crate::simulate::SimulateError;

/// One line that says what to try, where there is something to try.
pub(super) fn hint(error: &CliError) -> Option<String> {
    match error {
        CliError::Usage { hint, .. } => hint.clone(),
        CliError::OutdirNotEmpty { .. } => {
            Some("continue with `--resume`, replace with `--overwrite`, or choose another `--outdir`".into())
        }
        CliError::Data(e) => data(e),
        CliError::Graph(e) => graph(e),
        CliError::Io(e) => io(e),
        CliError::Predict(e) => predict(e),
        CliError::Rank(e) => rank(e),
        CliError::Score(e) => score(e),
        CliError::Config(e) => config(e),
        CliError::Run(e) => run(e),
        CliError::Nn(e) => nn(e),
        CliError::Simulate(e) => simulate(e),
        CliError::Report(e) => report(e),
        CliError::Linalg(_) | CliError::BrokenPipe | CliError::Stdout(_) => None,
    }
}

fn config(error: &ConfigError) -> Option<String> {
    match error {
        ConfigError::Invalid { .. } => Some("`grn config show` lists every setting with its value".into()),
        _ => None,
    }
}

fn run(error: &RunError) -> Option<String> {
    match error {
        RunError::NoRun { .. } => Some("make one with `grn fit`, or name one with `--run DIR`".into()),
        RunError::Format { .. } => Some("name the folder of an earlier `grn fit` with `--run DIR`".into()),
        _ => None,
    }
}

fn data(error: &DataError) -> Option<String> {
    match error {
        DataError::UnknownGene { suggestions, .. } | DataError::UnknownPerturbation { suggestions, .. } => {
            did_you_mean(suggestions)
        }
        DataError::DuplicateGene { .. } => Some("keep one row per gene".into()),
        DataError::NoControl { .. } => Some("name the control with `--control-pert LABEL`".into()),
        DataError::BadValue { .. } => {
            Some("mend the matrix, or say what it holds with `--scale counts` or `--scale log1p`".into())
        }
        _ => None,
    }
}

fn report(error: &ReportError) -> Option<String> {
    match error {
        ReportError::Graph(e) => graph(e),
        ReportError::Empty { figure: "curve plot", .. } => {
            Some("models without training steps record no metrics; fit one that has them with `--model gears`".into())
        }
        ReportError::TooMany { most, .. } => {
            Some(format!("show fewer with `--max-genes {most}`, or choose `--layout force`"))
        }
        ReportError::Empty { figure: "ranking plot", .. } => {
            Some("`grn rank --signature change.tsv -o ranking.tsv` writes the steps beside the table".into())
        }
        ReportError::Empty { figure: "calibration plot", .. } => {
            Some("`grn cv --calibrate balanced --outdir DIR` or `grn rank-cv --outdir DIR` measures it".into())
        }
        ReportError::Empty { figure: "network", .. } => Some("add a `--prior FILE` that knows the gene".into()),
        _ => None,
    }
}

fn graph(error: &GraphError) -> Option<String> {
    match error {
        GraphError::Empty { .. } => Some("lower `--min-score` or add another `--prior FILE`".into()),
        GraphError::NoSharedGene { .. } => {
            Some("give the names of the prior's genes with `--aliases FILE` (TSV: alias, gene)".into())
        }
        GraphError::UnknownGene { suggestions, .. } => did_you_mean(suggestions),
        GraphError::UnknownChannel { .. } => Some("`grn graph info G.tsv.gz` lists the channels of a graph".into()),
        _ => None,
    }
}

fn io(error: &IoError) -> Option<String> {
    match error {
        IoError::MissingColumn { hint: None, expected, .. } if expected.contains("target_gene") => {
            Some("say which column names the perturbation of each cell with `--pert-col COLUMN`".into())
        }
        IoError::MissingColumn { hint, .. } => hint.clone(),
        IoError::Format { expected, .. } if expected.starts_with("the control label") => {
            Some("name one of the labels that are there with `--control-pert LABEL`".into())
        }
        IoError::Vcc { .. } => Some("write it anew with `grn score prep PREDICTION.h5ad -o OUT.vcc`".into()),
        IoError::Data { source, .. } => data(source),
        IoError::Graph { source, .. } => graph(source),
        IoError::Fetch(e) => fetch(e),
        IoError::System { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
            Some("make room and run the same command again".into())
        }
        _ => None,
    }
}

fn fetch(error: &FetchError) -> Option<String> {
    let by_hand = |url: &str, path: &std::path::Path| {
        format!("download {url} by hand and put it at {}; the same command then checks it", path.display())
    };
    match error {
        FetchError::Offline { url, path, .. } => {
            Some(format!("{}; or name a mirror with `--base-url URL`", by_hand(url, path)))
        }
        FetchError::Status { url, path, status: 401 | 403 } => {
            Some(format!("the host keeps this from programs; {}", by_hand(url, path)))
        }
        FetchError::Status { status: 404 | 410, .. } => Some(
            "the address may have changed, or the mirror lacks the file: try another `--base-url URL`, or download it from \
             the page that `grn data fetch` names under the terms"
                .into(),
        ),
        FetchError::Status { .. } => Some("the same command tries again and goes on with what is there".into()),
        FetchError::Page { url, path, .. } => Some(format!("open it in a browser: {}", by_hand(url, path))),
        FetchError::GaveUp { .. } | FetchError::Stopped { .. } => Some("the same command goes on from there".into()),
        FetchError::Size { .. } => {
            Some("the file at the host is another one; if you trust it, state its checksum with `--sha256 HEX`".into())
        }
        FetchError::Checksum { .. } => Some(
            "the same command fetches it anew; if the host has a new version that you trust, state it with `--sha256 HEX`".into(),
        ),
        FetchError::Differs { .. } => Some("fetch it anew with `--overwrite`, or keep it elsewhere with `--to DIR`".into()),
        FetchError::Taken { .. } => Some("let one of them finish; the same command then goes on".into()),
        FetchError::Request { .. } => Some("check `--base-url URL` and the variables HTTPS_PROXY and NO_PROXY".into()),
        _ => None,
    }
}

fn predict(error: &PredictError) -> Option<String> {
    match error {
        PredictError::UnknownTarget { suggestions, .. } => did_you_mean(suggestions),
        PredictError::UnknownModel { name, known } => {
            did_you_mean(&crate::data::suggest(name, known.iter().map(String::as_str)))
        }
        PredictError::NoFeatures { .. } => {
            Some("give one with `--features FILE` (TSV: gene and numbers; npz, safetensors or torch .pt)".into())
        }
        PredictError::Data(e) => data(e),
        _ => None,
    }
}

fn rank(error: &RankError) -> Option<String> {
    match error {
        RankError::NoSharedGene { .. } => {
            Some("the first column of the signature must hold gene names of the run".into())
        }
        RankError::NoCandidates { .. } => Some("choose another set with `--candidates closed`".into()),
        RankError::UnknownCandidates { .. } => {
            Some("take these names out of the list, or add a prior that has them".into())
        }
        RankError::NoDrug { .. } => {
            Some("name the column of drugs with `--pert-col COLUMN`, or rank without `--drug-targets`".into())
        }
        RankError::NoDrugTarget { .. } => {
            Some("the table of targets must use the gene names of the prior; `grn graph info` shows some".into())
        }
        RankError::AllMasked { .. } => Some("leave it out with `--own excluded,used`".into()),
        RankError::OwnReading { .. } => Some("leave `--own used` out, or use `--mode knockdown`".into()),
        RankError::Data(e) => data(e),
        RankError::Predict(e) => predict(e),
        _ => None,
    }
}

fn nn(error: &NnError) -> Option<String> {
    match error {
        NnError::BadDevice { .. } | NnError::NoCuda { .. } => Some("use the processor with `--device cpu`".into()),
        NnError::Tensor(_) => None,
    }
}

fn simulate(error: &SimulateError) -> Option<String> {
    match error {
        SimulateError::UnknownGene { suggestions, .. } => did_you_mean(suggestions),
        SimulateError::Unconverged { .. } => {
            Some("weaken the links (`--fold 1.5` for the law thermo), or try another `--seed`".into())
        }
        SimulateError::Data(e) => data(e),
        _ => None,
    }
}

fn score(error: &ScoreError) -> Option<String> {
    match error {
        ScoreError::GeneMismatch { .. } => {
            Some("write the prediction with the genes of the real cells, in their order".into())
        }
        ScoreError::PerturbationMismatch { .. } => Some(
            "predict every perturbation of the real cells and add control cells; labels must be spelt alike".into(),
        ),
        ScoreError::BadValue { .. } => {
            Some("say what the matrix holds with `--scale counts` or `--scale log1p`".into())
        }
        ScoreError::CountsNeeded { .. } => {
            Some("give files of raw counts, or another profile such as `--profile cell-eval`".into())
        }
        ScoreError::TooFewCells { .. } => Some("leave `--ceiling` out".into()),
        ScoreError::Data(e) => data(e),
        ScoreError::MetricMismatch { .. } => Some("score both with the same `--profile`".into()),
        ScoreError::NoMetric { .. } => {
            Some("give the agg_results.csv that `grn score --pred P.h5ad --real R.h5ad --outdir DIR` writes".into())
        }
        ScoreError::UnknownProfile { .. }
        | ScoreError::UnknownMetric { .. }
        | ScoreError::NotTested
        | ScoreError::NoVariance
        | ScoreError::Undefined { .. } => None,
    }
}

fn did_you_mean(names: &[String]) -> Option<String> {
    let first = names.first()?;
    Some(match names.len() {
        1 => format!("did you mean `{first}`?"),
        _ => format!("did you mean {}?", crate::error::some_of(names, 3)),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use clap::error::ErrorKind;

    use crate::cli::definition;

    /// Rust sources of the rooms that talk to users, without comments and tests; strings over several lines joined.
    fn sources() -> Vec<(PathBuf, String)> {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut open = vec![src.join("cli"), src.join("io")];
        let mut found = Vec::new();
        while let Some(folder) = open.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
                if path.is_dir() {
                    open.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap().replace("\\\n", "\u{1}");
                let lines = text.lines().filter(|l| !l.trim_start().starts_with("//"));
                let joined = lines.map(|l| l.split('\u{1}').map(str::trim_start).collect::<String>() + "\n");
                found.push((path, joined.collect()));
            }
        }
        assert!(found.len() > 60);
        found
    }

    /// What stands between backticks and begins so.
    fn quoted<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
        let odd = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
        odd.filter(|code| code.starts_with(start)).collect()
    }

    /// Words of a command as a shell takes them, as far as examples need it.
    fn words(command: &str) -> Vec<String> {
        let command = command.split(" > ").next().unwrap();
        let parts = command.split('\'').enumerate();
        parts
            .flat_map(|(k, part)| match k % 2 {
                0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
                _ => vec![part.to_owned()],
            })
            .filter(|word| word != "...")
            .collect()
    }

    /// `{name}` of a format string is any word.
    fn filled(text: &str) -> String {
        let mut out = String::new();
        let mut depth = 0;
        for c in text.chars() {
            match c {
                '{' => depth += 1,
                '}' => {
                    depth -= 1;
                    out.push('7');
                }
                c if depth == 0 => out.push(c),
                _ => {}
            }
        }
        out
    }

    fn parses(command: &str) -> Result<(), String> {
        let words = words(&filled(command));
        // The name of a command may stand alone in a sentence.
        let bare = words.iter().all(|w| w.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !w.starts_with('-'));
        match definition().try_get_matches_from(&words) {
            Ok(_) => Ok(()),
            Err(e)
                if bare
                    && matches!(
                        e.kind(),
                        ErrorKind::MissingRequiredArgument | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                    ) =>
            {
                Ok(())
            }
            Err(e) => Err(format!("{command}: {e}")),
        }
    }

    #[test]
    fn commands_in_messages_can_be_typed() {
        let mut wrong = Vec::new();
        let mut seen = 0;
        for (path, text) in sources() {
            for command in quoted(&text, "grn ").into_iter().filter(|c| !c.starts_with("grn {")) {
                seen += 1;
                wrong.extend(parses(command).err().map(|e| format!("{}: {e}", path.display())));
            }
        }
        assert!(wrong.is_empty() && seen > 15, "{seen} commands\n{}", wrong.join("\n"));
    }

    #[test]
    fn flags_in_messages_exist() {
        let mut known = BTreeSet::new();
        let mut open = vec![definition()];
        while let Some(command) = open.pop() {
            let arguments = command.get_arguments();
            known.extend(arguments.filter_map(|a| a.get_long().map(|long| format!("--{long}"))));
            open.extend(command.get_subcommands().cloned());
        }
        let mut wrong = Vec::new();
        for (path, text) in sources() {
            for code in quoted(&text, "--") {
                let flag = code.split([' ', '=']).next().unwrap();
                if !known.contains(flag) {
                    wrong.push(format!("{}: {code}", path.display()));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn examples_in_the_help_can_be_typed() {
        let mut open = vec![definition()];
        let (mut seen, mut wrong) = (0, Vec::new());
        while let Some(command) = open.pop() {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let commands = after.lines().filter_map(|l| l.strip_prefix("  ")).flat_map(|l| l.split(" && "));
            for command in commands.filter(|l| l.starts_with("grn ")) {
                seen += 1;
                wrong.extend(parses(command).err());
            }
            open.extend(command.get_subcommands().cloned());
        }
        assert!(wrong.is_empty() && seen > 30, "{seen} examples\n{}", wrong.join("\n"));
    }
}
