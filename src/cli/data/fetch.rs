//! `grn data fetch`.

mod listing;
mod notice;
mod talk;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use self::talk::Talk;
use crate::cli::error::CliError;
use crate::cli::plan::{Plan, bytes};
use crate::cli::session::Session;
use crate::error::{ExitStatus, Notice};
use crate::io::{
    self, Arrived, Checksum, DataFile, DataSet, FetchError, FetchJob, FetchLimits, IoError, SumKind, Verified,
};

/// Where data sets go by default.
const FOLDER: &str = "data";

/// Arguments of `grn data fetch`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn data fetch
  grn data fetch string --to priors
  grn data fetch replogle-k562-essential-bulk --only K562_essential_normalized_bulk_01.h5ad
  grn data fetch vcc-2025-train --base-url https://mirror.example.org --dry-run

A download that was cut, stopped or killed is continued by the same command. Every file is checked as a whole before it gets
its name; its checksum stays beside it (FILE.sha256). Proxies are those of HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY.")]
pub(in crate::cli) struct FetchArgs {
    /// The data set (default: list them)
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Folder for its files (default: data)
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// One file of the data set
    #[arg(long, value_name = "FILE")]
    only: Option<String>,
    /// Scheme and host (and a path before theirs) that replace those of every address: a mirror
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The checksum the file must have, instead of the one that is known
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Attempts in a row that bring less than a megabyte before it gives up
    #[arg(long, default_value_t = 6, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    attempts: u32,
    /// Seconds a host may be silent
    #[arg(long, default_value_t = 60.0, value_name = "SECS")]
    timeout: f64,
    /// Seconds of the first pause between attempts; each further one is twice as long
    #[arg(long, default_value_t = 1.0, value_name = "SECS")]
    pause: f64,
}

pub(super) fn run(args: &FetchArgs, session: &Session) -> Result<ExitStatus, CliError> {
    let Some(name) = &args.name else {
        listing::print(session)?;
        return Ok(ExitStatus::Done);
    };
    let set = named(name)?;
    let jobs = jobs(args, set, session)?;
    let folder = folder(args, session);
    if session.dry_run {
        plan(set, &jobs, &folder, session)?;
        return Ok(ExitStatus::Done);
    }
    session.printer.say(notice::text(set));
    std::fs::create_dir_all(&folder).map_err(|e| IoError::write(&folder, e))?;
    if session.overwrite || jobs.iter().any(|job| !job.to.exists()) {
        notice::write(set, &jobs, &folder)?;
    }
    let mut arrived = Vec::new();
    for job in &jobs {
        match fetch(job, session) {
            Err(IoError::Fetch(stopped @ FetchError::Stopped { .. })) => {
                session.printer.say(format!("{stopped}; the same command goes on from there"));
                return Ok(ExitStatus::Interrupted);
            }
            done => arrived.push(done?),
        }
    }
    report(set, &jobs, &arrived, &folder, session)?;
    Ok(ExitStatus::Done)
}

fn named(name: &str) -> Result<&'static DataSet, CliError> {
    io::data_set(name).ok_or_else(|| {
        let near = crate::data::suggest(name, io::DATA_SETS.iter().map(|set| set.name));
        let near = near.first().map(|name| format!("did you mean `{name}`? "));
        let hint = format!("{}`grn data fetch` lists them", near.unwrap_or_default());
        CliError::usage("no such data set", "one of those listed", format!("`{name}`"), Some(hint))
    })
}

fn folder(args: &FetchArgs, session: &Session) -> PathBuf {
    args.to.clone().or_else(|| session.outdir.clone()).unwrap_or_else(|| FOLDER.into())
}

/// One job per file that is wanted.
fn jobs(args: &FetchArgs, set: &DataSet, session: &Session) -> Result<Vec<FetchJob>, CliError> {
    let files = wanted(args, set)?;
    let base = args.base_url.as_deref().or(session.settings.fetch.base_url.as_deref());
    if let Some(base) = base.filter(|base| !is_base(base)) {
        let hint = Some("for example `--base-url https://mirror.example.org/grn`".to_owned());
        return Err(CliError::usage("--base-url", "http:// or https:// and a host", format!("`{base}`"), hint));
    }
    let stated = stated(args, &files)?;
    let limits = limits(args)?;
    let folder = folder(args, session);
    let job = |file: &&DataFile| FetchJob {
        url: io::with_base(file.url, base),
        to: folder.join(file.name),
        // Who states a checksum means that file, whatever its size.
        bytes: file.bytes.filter(|_| stated.is_none()),
        sum: stated.clone().or_else(|| file.checksum()),
        limits,
    };
    Ok(files.iter().map(job).collect())
}

fn wanted<'a>(args: &FetchArgs, set: &'a DataSet) -> Result<Vec<&'a DataFile>, CliError> {
    let Some(only) = &args.only else { return Ok(set.files.iter().collect()) };
    let found: Vec<&DataFile> = set.files.iter().filter(|file| file.name == only).collect();
    if found.is_empty() {
        let names = crate::error::some_of(set.files.iter().map(|file| file.name), 5);
        return Err(CliError::usage("--only", names, format!("`{only}`"), None));
    }
    Ok(found)
}

fn is_base(base: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| base.strip_prefix(scheme).is_some_and(|host| !host.is_empty()))
}

fn stated(args: &FetchArgs, files: &[&DataFile]) -> Result<Option<Checksum>, CliError> {
    let Some(text) = &args.sha256 else { return Ok(None) };
    if files.len() > 1 {
        let hint = Some("name the file with `--only FILE`".to_owned());
        return Err(CliError::usage("--sha256", "one file", format!("{} files", files.len()), hint));
    }
    let sum = Checksum::of_hex(SumKind::Sha256, text);
    let wrong = || CliError::usage("--sha256", "64 hexadecimal digits", format!("`{text}`"), None);
    sum.ok_or_else(wrong).map(Some)
}

fn limits(args: &FetchArgs) -> Result<FetchLimits, CliError> {
    let seconds = |flag: &str, value: f64, least: f64| {
        let duration = Duration::try_from_secs_f64(value).ok().filter(|_| value >= least);
        duration.ok_or_else(|| CliError::usage(flag, format!("seconds, at least {least}"), value.to_string(), None))
    };
    let (patience, pause) = (seconds("--timeout", args.timeout, 0.1)?, seconds("--pause", args.pause, 0.0)?);
    Ok(FetchLimits { attempts: args.attempts, patience, pause })
}

fn plan(set: &DataSet, jobs: &[FetchJob], folder: &Path, session: &Session) -> Result<(), CliError> {
    let mut plan = Plan::new(format!("fetch {}: {}", set.name, set.what)).size("files", jobs.len());
    for job in jobs {
        let size = job.bytes.map_or("size unknown".to_owned(), |n| bytes(n as f64));
        let sum = job.sum.as_ref().map_or("no checksum known".to_owned(), ToString::to_string);
        let state = if job.to.exists() { ", there already" } else { "" };
        plan = plan.note("file", format!("{}, {size}, {sum}{state}", job.url)).writes(&job.to);
    }
    plan = plan.note("licence", set.terms.licence).note("terms", set.terms.read_at);
    session.plan(&plan.writes(notice::path(set, folder))).map(|_| ())
}

fn fetch(job: &FetchJob, session: &Session) -> Result<Arrived, IoError> {
    let mut talk = Talk::new(job, session.printer.clone());
    let flag = session.interrupt_flag();
    let arrived = io::fetch_file(job, session.overwrite, &flag, &mut |step| talk.hear(step));
    talk.finish();
    let arrived = arrived?;
    let name = job.to.display();
    match (&arrived.verified, arrived.was_there) {
        (Verified::Nothing | Verified::Size, false) => session.printer.notice(&Notice::new(format!(
            "no checksum of `{name}` is known, neither here nor at the host: {}; it is remembered in `{name}.sha256`",
            if arrived.verified == Verified::Size { "only its size was checked" } else { "it was not checked" }
        ))),
        (Verified::Nothing | Verified::Size, true) => session.printer.notice(&Notice::new(format!(
            "`{name}` is there, and no checksum says whether it is the right file; it is remembered in `{name}.sha256`"
        ))),
        (_, true) => session.printer.say(format!("`{name}` is there and is the right file")),
        (_, false) => {}
    }
    Ok(arrived)
}

fn report(
    set: &DataSet,
    jobs: &[FetchJob],
    arrived: &[Arrived],
    folder: &Path,
    session: &Session,
) -> Result<(), CliError> {
    let next = set.next_in(&folder.display().to_string());
    let files = || jobs.iter().zip(arrived);
    let as_json = |(job, file): (&FetchJob, &Arrived)| {
        json!({
            "path": job.to, "url": job.url, "bytes": file.bytes, "sha256": file.sha256, "checked": check_name(&file.verified),
            "was_there": file.was_there, "continued_from": file.continued_from,
        })
    };
    let as_text = |(job, file): (&FetchJob, &Arrived)| {
        format!("{}\t{}\t{}\t{}", job.to.display(), file.bytes, file.sha256, check_name(&file.verified))
    };
    session.printer.result(
        || {
            json!({
                "data_set": set.name, "files": files().map(as_json).collect::<Vec<Value>>(), "licence": set.terms.licence,
                "terms": set.terms.read_at, "next": next,
            })
        },
        || files().map(as_text).collect::<Vec<_>>().join("\n"),
    )?;
    session.printer.say(format!("next:\n  {}", next.join("\n  ")));
    Ok(())
}

/// What a file was checked against, in a word or two.
fn check_name(verified: &Verified) -> String {
    match verified {
        Verified::Known(kind) => format!("known {kind}"),
        Verified::Host(kind) => format!("{kind} of the host"),
        Verified::Remembered => "remembered sha256".to_owned(),
        Verified::Size => "size".to_owned(),
        Verified::Nothing => "unchecked".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::definition;
    use crate::io::DATA_SETS;

    #[test]
    fn what_comes_next_can_be_typed() {
        for set in DATA_SETS {
            for command in set.next_in("data").iter().filter(|command| command.starts_with("grn ")) {
                let parsed = definition().try_get_matches_from(command.split_whitespace());
                assert!(parsed.is_ok(), "{}: {command}: {:?}", set.name, parsed.err());
            }
        }
    }

    #[test]
    fn bases_have_a_scheme_and_a_host() {
        assert!(super::is_base("http://127.0.0.1:1") && super::is_base("https://a.org/b"));
        assert!(!super::is_base("a.org") && !super::is_base("ftp://a.org") && !super::is_base("https://"));
    }
}
