//! The command that mends an error.

use super::error::CliError;
use crate::config::ConfigError;
use crate::data::DataError;
use crate::graph::GraphError;
use crate::io::IoError;
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
        IoError::MissingColumn { hint, .. } => hint.clone(),
        IoError::Vcc { .. } => Some("write it anew with `grn score prep PREDICTION.h5ad -o OUT.vcc`".into()),
        IoError::Data { source, .. } => data(source),
        IoError::Graph { source, .. } => graph(source),
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
        ScoreError::NoMetric { .. } => Some("give the agg_results.csv that `grn score --outdir DIR` writes".into()),
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
