//! The report of a run: one HTML file that loads nothing.

use std::fmt::Write;

use super::report_data::{Fact, FigureView, ReportData, Section, TableView};

const PAGE: &str = include_str!("templates/report.html");
const STYLE: &str = include_str!("templates/report.css");
/// Colours of both modes, as declarations of a rule.
const LIGHT: &str = include_str!("templates/light.css");
const DARK: &str = include_str!("templates/dark.css");
/// Wider figures take both columns in print, px.
const WIDE: f32 = 560.0;
const SCRIPT: &str = include_str!("templates/report.js");

/// A section of every report: its anchor, its title, and what to say where it is missing.
struct Part {
    id: &'static str,
    title: &'static str,
    missing: &'static str,
    /// `{run}` stands for the run directory.
    command: &'static str,
    of: fn(&ReportData) -> Option<&Section>,
}

const PARTS: [Part; 8] = [
    Part {
        id: "data",
        title: "Data",
        missing: "The measured responses of this run could not be read.",
        command: "grn fit SCREEN.h5ad --prior string.tsv --outdir {run}",
        of: |r| r.data.as_ref(),
    },
    Part {
        id: "graph",
        title: "Gene graph",
        missing: "The run has no gene graph.",
        command: "grn fit SCREEN.h5ad --prior string.tsv --outdir {run}",
        of: |r| r.graph.as_ref(),
    },
    Part {
        id: "training",
        title: "Training",
        missing: "No metric was recorded while the model was fitted; models without steps record none.",
        command: "grn fit SCREEN.h5ad --prior string.tsv --model gears --outdir {run}",
        of: |r| r.training.as_ref(),
    },
    Part {
        id: "accuracy",
        title: "Accuracy on unseen perturbations",
        missing: "The model has not been cross-validated in this folder, so nothing is known of its accuracy.",
        command: "grn cv SCREEN.h5ad --prior string.tsv --model MODEL --outdir {run}/cv",
        of: |r| r.accuracy.as_ref(),
    },
    Part {
        id: "predictions",
        title: "Predictions",
        missing: "No perturbation has been predicted for this report.",
        command: "grn report --run {run} --pert GENE",
        of: |r| r.predictions.as_ref(),
    },
    Part {
        id: "targets",
        title: "Upstream targets",
        missing: "No ranking of upstream genes lies in this folder.",
        command: "grn rank --run {run} --signature SIGNATURE.tsv -o {run}/ranking.tsv",
        of: |r| r.targets.as_ref(),
    },
    Part {
        id: "notices",
        title: "Notices",
        missing: "There was nothing to notice.",
        command: "",
        of: |r| r.notices.as_ref(),
    },
    Part {
        id: "reproduce",
        title: "How to reproduce",
        missing: "The folder has no manifest, so the run cannot be repeated from it.",
        command: "grn fit SCREEN.h5ad --prior string.tsv --outdir {run}",
        of: |r| r.reproduce.as_ref(),
    },
];

/// Writes a report as one HTML file: inline figures and styles, one script of its own (colours, sorting of tables; all is
/// there without it), nothing loaded from anywhere: its content security policy forbids it. Every text is escaped; figures are taken as SVG documents drawn by [`super::Scene::to_svg`].
///
/// ```
/// use grn::report::{ReportData, html};
/// let page = html(&ReportData { title: "Run <1>".into(), ..ReportData::default() });
/// assert!(page.contains("<h1>Run &lt;1&gt;</h1>"));
/// ```
pub fn html(report: &ReportData) -> String {
    let sections: String = PARTS.iter().map(|part| section(part, report)).collect();
    let nav: String = PARTS.iter().map(|part| nav_line(part, report)).collect();
    fill(
        PAGE,
        &[
            ("version", env!("CARGO_PKG_VERSION")),
            ("title", &escape(&report.title)),
            ("subtitle", &escape(&report.subtitle)),
            ("style", &fill(STYLE.trim_end(), &[("light", LIGHT.trim_end()), ("dark", DARK.trim_end())])),
            ("script", SCRIPT.trim_end()),
            ("nav", nav.trim_end()),
            ("highlights", &facts("highlights", &report.highlights)),
            ("sections", &sections),
        ],
    )
}

/// Text as HTML and XML show it.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Replaces `{{key}}` in one pass: what is filled in is never searched again.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (key, after) = after.split_once("}}").unwrap_or((after, ""));
        out.push_str(values.iter().find(|(k, _)| *k == key).map_or("", |(_, v)| v));
        rest = after;
    }
    out + rest
}

/// The lines that `line` makes of each item, one after the other.
fn joined<T>(items: impl IntoIterator<Item = T>, line: impl Fn(T) -> String) -> String {
    items.into_iter().fold(String::new(), |out, item| out + &line(item))
}

fn nav_line(part: &Part, report: &ReportData) -> String {
    let class = if (part.of)(report).is_some() { "" } else { " class=\"missing\"" };
    format!("<li{class}><a href=\"#{}\">{}</a></li>\n", part.id, part.title)
}

fn section(part: &Part, report: &ReportData) -> String {
    let body = (part.of)(report).map_or_else(|| missing(part, report), present);
    let Part { id, title, .. } = part;
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{title}</h2>\n{body}</section>\n"
    )
}

fn missing(part: &Part, report: &ReportData) -> String {
    let note = format!("<p class=\"missing-note\">{}</p>\n", part.missing);
    let run = if report.run.is_empty() { "RUN" } else { &report.run };
    match part.command {
        "" => note,
        command => note + &commands(&[command.replace("{run}", run)]),
    }
}

fn present(section: &Section) -> String {
    let mut out = String::new();
    if !section.intro.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", escape(&section.intro));
    }
    out.push_str(&facts("facts", &section.facts));
    if !section.figures.is_empty() {
        let figures: String = section.figures.iter().map(figure).collect();
        let _ = writeln!(out, "<div class=\"figures\">\n{figures}</div>");
    }
    out.extend(section.tables.iter().map(table));
    if !section.notices.is_empty() {
        let lines: String = joined(&section.notices, |n| format!("<li>{}</li>\n", escape(&n.0)));
        let _ = writeln!(out, "<ul class=\"notices\">\n{lines}</ul>");
    }
    out + &commands(&section.commands)
}

fn facts(class: &str, facts: &[Fact]) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let line = |fact: &Fact| {
        let note = if fact.note.is_empty() { String::new() } else { format!(" <small>{}</small>", escape(&fact.note)) };
        let pair = format!("<dt>{}</dt><dd>{}{note}</dd>", escape(&fact.label), escape(&fact.value));
        // Cards need a box of their own; rows of a list do not.
        if class == "highlights" { format!("<div>{pair}</div>\n") } else { pair + "\n" }
    };
    format!("<dl class=\"{class}\">\n{}</dl>\n", facts.iter().map(line).collect::<String>())
}

fn figure(figure: &FigureView) -> String {
    // Inside HTML the namespace is known.
    let svg = figure.svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
    // Browsers show a title as a tip over the whole figure; its words are the label of the figure already.
    let svg = match (svg.find("<title>"), svg.find("</title>\n")) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &svg[..from], &svg[to + "</title>\n".len()..]),
        _ => svg,
    };
    let caption = match figure.caption.as_str() {
        "" => String::new(),
        text => format!("<figcaption>{}</figcaption>\n", escape(text)),
    };
    let width = svg.split("width=\"").nth(1).and_then(|rest| rest.split('"').next()?.parse::<f32>().ok());
    let class = if width.is_some_and(|w| w > WIDE) { " class=\"wide\"" } else { "" };
    format!("<figure{class}>\n{svg}{caption}</figure>\n")
}

fn table(table: &TableView) -> String {
    let numeric: Vec<bool> = (0..table.header.len()).map(|column| is_numeric(table, column)).collect();
    let class = |column: usize| if numeric.get(column) == Some(&true) { " class=\"number\"" } else { "" };
    let head =
        joined(table.header.iter().enumerate(), |(k, h)| format!("<th scope=\"col\"{}>{}</th>", class(k), escape(h)));
    let row = |(k, cells): (usize, &Vec<String>)| {
        let best = if table.best == Some(k) { " class=\"best\"" } else { "" };
        let cells = joined(cells.iter().enumerate(), |(c, cell)| match c {
            0 => format!("<th scope=\"row\"{}>{}</th>", class(c), escape(cell)),
            _ => format!("<td{}>{}</td>", class(c), escape(cell)),
        });
        format!("<tr{best}>{cells}</tr>\n")
    };
    let body: String = table.rows.iter().enumerate().map(row).collect();
    let caption = escape(&table.caption);
    format!(
        "<div class=\"table\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\">\n<table>\n<caption>{caption}</caption>\n\
         <thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n</div>\n"
    )
}

/// Whether every cell of a column that holds something begins like a number.
fn is_numeric(table: &TableView, column: usize) -> bool {
    let mut cells =
        table.rows.iter().filter_map(|row| row.get(column)).filter(|c| !c.is_empty() && *c != "–").peekable();
    cells.peek().is_some()
        && cells.all(|c| c.trim_start_matches(['−', '-', '+']).starts_with(|c: char| c.is_ascii_digit()))
}

fn commands(commands: &[String]) -> String {
    joined(commands, |c| format!("<pre>{}</pre>\n", escape(c)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Notice;
    use crate::report::theme;

    fn full() -> ReportData {
        let section = Section {
            intro: "What <b>it</b> is".into(),
            facts: vec![Fact::new("Genes", 7225).note("measured")],
            figures: vec![FigureView {
                svg: "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"></svg>\n".into(),
                alt: "A \"figure\"".into(),
                caption: "Below & above".into(),
            }],
            tables: vec![TableView {
                caption: "Genes".into(),
                header: vec!["gene".into(), "delta".into()],
                rows: vec![vec!["<script>alert(1)</script>".into(), "−0.5".into()], vec!["SOX2".into(), "0.1".into()]],
                best: Some(1),
            }],
            notices: vec![Notice::new("3 genes <lost>")],
            commands: vec!["grn predict --pert A > out".into()],
        };
        let some = || Some(section.clone());
        ReportData {
            title: "Run {{sections}} <1>".into(),
            subtitle: "mean".into(),
            run: "runs/a b".into(),
            highlights: vec![Fact::new("Pearson r", "0.61")],
            data: some(),
            graph: some(),
            training: some(),
            accuracy: some(),
            predictions: some(),
            targets: some(),
            notices: some(),
            reproduce: some(),
        }
    }

    #[test]
    fn every_text_is_escaped_and_nothing_is_loaded() {
        let page = html(&full());
        assert!(page.matches("<script").count() == 1 && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(!page.contains("<b>it</b>") && page.contains("3 genes &lt;lost&gt;"));
        assert!(page.contains("<h1>Run {{sections}} &lt;1&gt;</h1>"), "a filled text is not filled again");
        assert!(page.contains("default-src 'none'") && page.contains(":root[data-theme=\"dark\"]"));
        for fetch in ["http:", "https:", "url(", "src=", "@import", "<link", "fetch(", "XMLHttpRequest", "{{light}}"] {
            assert!(!page.contains(fetch), "{fetch}");
        }
        assert_eq!(page, html(&full()));
    }

    #[test]
    fn every_section_is_there_and_the_missing_ones_say_what_to_do() {
        let (full, empty) = (html(&full()), html(&ReportData { run: "runs/x".into(), ..ReportData::default() }));
        for part in &PARTS {
            let opening = format!("<section id=\"{}\"", part.id);
            assert!(full.contains(&opening) && empty.contains(&opening), "{}", part.id);
            assert!(!full.contains(part.missing) && empty.contains(part.missing), "{}", part.id);
        }
        assert!(empty.contains("--outdir runs/x/cv"));
    }

    #[test]
    fn elements_are_closed() {
        let page = html(&full());
        for tag in ["section", "figure", "table", "tr", "td", "th", "dl", "dt", "dd", "ul", "li", "div", "pre", "main"]
        {
            let (open, close) = (
                page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count(),
                page.matches(&format!("</{tag}>")).count(),
            );
            assert_eq!(open, close, "{tag}");
        }
    }

    /// Relative luminance of `#rrggbb` (WCAG 2.2).
    fn luminance(hex: &str) -> f64 {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    #[test]
    fn contrasts_are_sufficient_in_both_modes() {
        assert!((luminance("#ffffff") - 1.0).abs() < 1e-12 && luminance("#000000").abs() < 1e-12);
        for (mode, colors) in [("light", LIGHT), ("dark", DARK)] {
            let color = |name: &str| {
                let start = colors.find(&format!("--{name}: #")).unwrap_or_else(|| panic!("{name}")) + name.len() + 4;
                &colors[start..start + 7]
            };
            let t = |front: &str, back: &str, least: f64| {
                let (a, b) = (luminance(color(front)), luminance(color(back)));
                let ratio = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(ratio >= least, "{mode}: {front} on {back} has {ratio:.2}, wanted {least}");
            };
            // Text (WCAG 2.2, 1.4.3: 4.5), then lines and areas that carry meaning (1.4.11: 3).
            for front in ["ink", "muted", "accent"] {
                ["paper", "page", "soft"].iter().for_each(|back| t(front, back, 4.5));
            }
            t("ink", "warn-soft", 4.5);
            t("ink", "code", 4.5);
            t("warn", "warn-soft", 3.0);
            for front in ["blue", "vermillion", "green", "purple", "orange", "slate", "activation", "unsigned"] {
                t(front, "paper", 3.0);
            }
        }
    }

    #[test]
    fn numbers_are_aligned() {
        let page = html(&full());
        assert!(page.contains("<td class=\"number\">−0.5</td>") && page.contains("<th scope=\"row\">SOX2</th>"));
    }

    #[test]
    fn the_style_knows_the_colours_of_the_figures() {
        let series = theme::SERIES.into_iter().chain(theme::PARTS);
        let lines = [theme::PAPER, theme::INK, theme::MUTED, theme::GRID, theme::UNKNOWN, theme::UNSIGNED];
        for color in series.chain(lines).chain([theme::ACTIVATION, theme::REPRESSION]) {
            let hex = format!("#{:02X}{:02X}{:02X}", color.0, color.1, color.2);
            assert!(STYLE.contains(&hex), "{hex}");
        }
    }
}
