//! Arguments that several commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What was typed before or after any command; each has an environment variable, `GRN_` and its name
/// (see `variables.rs`).
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct GlobalArgs {
    /// Settings file (TOML), above `grn.toml` of this folder and that of the user
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Read no `grn.toml`, neither of this folder nor of the user
    #[arg(long, global = true)]
    pub(super) no_config: bool,
    /// One setting as KEY=VALUE (`--set models.gears.steps=100`); repeatable
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// Seed of every random choice
    #[arg(long, global = true, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Threads (default: the processors this process may use)
    #[arg(short = 'j', long, alias = "num-threads", global = true, value_name = "N")]
    pub(super) threads: Option<usize>,
    /// Where tensors live: auto, cpu or cuda:N
    #[arg(long, global = true, value_name = "DEVICE")]
    pub(super) device: Option<String>,
    /// Memory to stay within (`4G`, `512M`): `data pseudobulk` takes more passes, others refuse what would need more
    #[arg(long, global = true, value_name = "SIZE", value_parser = bytes)]
    pub(super) memory: Option<u64>,
    /// Folder for everything the command writes
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) outdir: Option<PathBuf>,
    /// Replace what an earlier run wrote to the output folder
    #[arg(long, global = true)]
    pub(super) overwrite: bool,
    /// Continue an interrupted run in the output folder
    #[arg(long, global = true, conflicts_with = "overwrite")]
    pub(super) resume: bool,
    /// Say what would be done, with sizes, files, memory and time, and stop
    #[arg(long, global = true)]
    pub(super) dry_run: bool,
    /// Print one JSON object to stdout
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Say less: results, notices and errors; `-qq` no notices either
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "verbose")]
    pub(super) quiet: u8,
    /// Say more, and progress as lines
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Colours: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    pub(super) color: Option<ColorArg>,
    /// No progress bars or lines
    #[arg(long, global = true)]
    pub(super) no_progress: bool,
}

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorArg {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How cells are labelled and scaled.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Screen options")]
pub(super) struct ScreenArgs {
    /// A published data set whose columns, control label and quirks are known (`grn data presets` lists them); `none` for
    /// `--celltype-col` or `--batch-col` leaves a column of it out
    #[arg(long = "preset", value_name = "NAME")]
    pub(super) preset: Option<String>,
    /// Column of the perturbation (default: `target_gene`, `perturbation`, `condition` or `gene`, whichever fits)
    #[arg(long, value_name = "COLUMN")]
    pub(super) pert_col: Option<String>,
    /// Label of the control (default: `non-targeting`, `control`, `ctrl`, `NT`, ..., whichever occurs)
    #[arg(long, value_name = "LABEL")]
    pub(super) control_pert: Option<String>,
    /// Column of the cell type (default: none; all cells are one type)
    #[arg(long, value_name = "COLUMN")]
    pub(super) celltype_col: Option<String>,
    /// Column of the batch: each perturbed condition is compared with the control of its own batch
    #[arg(long, value_name = "COLUMN")]
    pub(super) batch_col: Option<String>,
    /// Scale of the values (default: guessed, and the evidence is printed)
    #[arg(long, value_name = "SCALE")]
    pub(super) scale: Option<ScaleArg>,
    /// Total to which the counts of a cell are scaled before log1p: median (the default), 1e4, any number, or none
    #[arg(long, default_value = "", hide_default_value = true, value_name = "SUM")]
    pub(super) target_sum: String,
    /// Table of other gene names: TSV of alias and gene
    #[arg(long, value_name = "FILE")]
    pub(super) aliases: Option<PathBuf>,
    /// The genes that the tokens of Parquet files stand for (default: gene_metadata.parquet beside the cells)
    #[arg(long, value_name = "FILE")]
    pub(super) gene_metadata: Option<PathBuf>,
}

/// `--scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ScaleArg {
    /// Raw molecule counts
    Counts,
    /// log1p of normalised counts
    Log1p,
}

/// Where the gene graph comes from.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Graph options")]
pub(super) struct PriorArgs {
    /// Prior network (STRING, TF-target table, gene sets, any edge list, or a graph of `grn graph build`); repeatable
    #[arg(long = "prior", value_name = "FILE")]
    pub(super) priors: Vec<PathBuf>,
    /// Drop STRING edges with a smaller combined score (0 to 1000)
    #[arg(long, default_value_t = 0.0, value_name = "SCORE")]
    pub(super) min_score: f32,
    /// Leave out an evidence channel (`string.coexpression`; `string` is all of STRING): weights are combined again from
    /// the channels that are left; repeatable
    #[arg(long = "without-channel", value_name = "NAME")]
    pub(super) without_channels: Vec<String>,
}

/// What is known of genes besides the graph.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Feature options")]
pub(super) struct FeatureArgs {
    /// Embedding of genes: TSV or CSV (gene, numbers), .npz, .safetensors, or a torch .pt dictionary; repeatable
    #[arg(long, value_name = "FILE")]
    pub(super) features: Vec<PathBuf>,
    /// Effects of perturbations in another cell line, time or technology: .h5ad or any format of `--features`; repeatable
    #[arg(long, value_name = "FILE")]
    pub(super) other_effects: Vec<PathBuf>,
}

/// A number of bytes: `512M`, `4G`, `1.5GB`, `2GiB`; without a unit, bytes.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("expected a size such as `4G` or `512M`, got `{text}`");
    let text_of_number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 = text_of_number.trim().parse().map_err(|_| wrong())?;
    let unit = match text[text_of_number.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1.0,
        "K" | "KB" => 1e3,
        "M" | "MB" => 1e6,
        "G" | "GB" => 1e9,
        "T" | "TB" => 1e12,
        "KIB" => 1024.0,
        "MIB" => 1_048_576.0,
        "GIB" => 1_073_741_824.0,
        _ => return Err(wrong()),
    };
    let bytes = number * unit;
    if bytes.is_finite() && bytes >= 1.0 { Ok(bytes as u64) } else { Err(wrong()) }
}

/// Two whole numbers that ascend, joined by a comma.
pub(super) fn ascending(text: &str) -> Result<[usize; 2], String> {
    let number = |part: &str| part.trim().parse::<usize>().map_err(|e| format!("`{}`: {e}", part.trim()));
    let (least, most) =
        text.split_once(',').ok_or_else(|| format!("expected two numbers such as `204,3053`, got `{text}`"))?;
    let [least, most] = [number(least)?, number(most)?];
    if least <= most { Ok([least, most]) } else { Err(format!("expected two numbers that ascend, got `{text}`")) }
}
