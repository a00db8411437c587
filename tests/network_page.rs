//! The page that `grn plot network -o X.html` writes, in a browser without a window: it draws, searches, filters, and asks
//! for nothing.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;
use std::process::Command;

use grn::graph::{GeneGraph, GraphBuilder, Sign};
use grn::report::{Layout, NetworkFigure};

fn graph() -> GeneGraph {
    let mut builder = GraphBuilder::new();
    builder.add("HUB", "A", 0.9, Sign::Activation, &[]);
    builder.add("HUB", "B<i>", 0.5, Sign::Repression, &[]);
    builder.add("A", "HUB", 0.3, Sign::Repression, &[]);
    builder.add_undirected("A", "C", 0.2, &[]);
    builder.build()
}

/// What a user does, and what is seen then; errors of the page come first.
const VISIT: &str = r##"
const seen = [];
const atFirst = document.getElementById("drawing").getAttribute("viewBox");
const shown = () => document.querySelectorAll("#drawing .edge").length - document.querySelectorAll("#drawing .gone .edge").length;
const box = document.getElementById("search");
const type = (text) => { box.value = text; box.dispatchEvent(new Event("input")); };
seen.push(document.querySelectorAll(".gene").length, shown());
type("b<i>");
seen.push(document.querySelector("#about h2").textContent, document.querySelectorAll(".gene.faint").length);
seen.push(document.querySelector("#about li").textContent.replace(/\s+/g, " "));
window.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
seen.push(document.querySelectorAll(".faint").length);
const weight = document.getElementById("weight");
weight.value = "0.4"; weight.dispatchEvent(new Event("input"));
seen.push(shown());
const repression = document.querySelector("input[value='-']");
repression.click();
seen.push(shown());
document.getElementById("in").click();
seen.push(atFirst !== document.getElementById("drawing").getAttribute("viewBox"));
document.getElementById("all").click();
seen.push(atFirst === document.getElementById("drawing").getAttribute("viewBox"));
seen.push(performance.getEntriesByType("resource").length, document.querySelectorAll("b, i").length);
document.title = [...problems, ...seen].join("|");
"##;

/// A browser: `GRN_BROWSER`, or one of the usual names.
fn browser() -> Option<String> {
    let named = std::env::var("GRN_BROWSER").ok();
    let usual = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    let found = named.into_iter().chain(usual).find(|b| Command::new(b).arg("--version").output().is_ok());
    if found.is_none() {
        println!("skipped: no chromium or chrome");
    }
    found
}

fn dom(browser: &str, page: &Path) -> String {
    let url = format!("file://{}", page.display());
    let flags = ["--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom"];
    let out = Command::new(browser).args(flags).arg(url).output().unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn the_page_draws_searches_and_filters() {
    let Some(browser) = browser() else { return };
    let figure = NetworkFigure::around(&graph(), "HUB", 2, 10, None).unwrap().layout(Layout::Force, 1).unwrap();
    let page = figure.to_html().unwrap();
    let early = "<script>const problems = []; window.onerror = (text) => { problems.push(text); };\
                 document.addEventListener('securitypolicyviolation', (e) => problems.push(e.violatedDirective));</script>";
    let page = page
        .replacen("<body>", &format!("<body>{early}"), 1)
        .replace("</body>", &format!("<script>{VISIT}</script></body>"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("page.html");
    std::fs::write(&path, page).unwrap();
    let dom = dom(&browser, &path);
    let title = dom.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).unwrap().0;
    // Four genes and edges; around `B<i>` the genes A and C are faint; two edges have a weight of .4, one of them activates.
    assert_eq!(title, "4|4|B&lt;i&gt;|2|HUB represses it (0.50)|0|2|1|true|true|0|0");
}
