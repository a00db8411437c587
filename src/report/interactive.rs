//! A network figure as one HTML file: pan, zoom, search, hover, filter by weight and sign.

use serde_json::{Value, json};

use super::html::{escape, fill};
use super::network_figure::{EdgeView, NetworkFigure, NodeView};
use super::theme;

const PAGE: &str = include_str!("templates/network.html");
const STYLE: &str = include_str!("templates/network.css");
const SCRIPT: &str = include_str!("templates/network.js");

impl NetworkFigure {
    /// The figure as a page that is complete in itself: style, script and data are inside, and its content security policy
    /// forbids every request. It works with mouse, touch and keyboard; without script it shows the drawn figure.
    ///
    /// # Errors
    /// As [`super::Scene::to_svg`].
    pub fn to_html(&self) -> Result<String, super::ReportError> {
        let scene = self.scene();
        let description = format!("{} {}", self.extent, self.caption);
        // Inside a script element only `<` could end it.
        let data = self.data().to_string().replace('<', "\\u003c");
        let still = scene.to_svg()?;
        Ok(fill(
            PAGE,
            &[
                ("title", &escape(&self.title)),
                ("description", &escape(description.trim())),
                ("alt", &escape(&self.alt())),
                ("style", STYLE),
                ("script", SCRIPT),
                ("data", &data),
                ("still", &still),
                ("version", env!("CARGO_PKG_VERSION")),
            ],
        ))
    }

    /// What the script draws: places in px, colours as `#rrggbb`.
    fn data(&self) -> Value {
        let placement = self.place();
        let round = |v: f32| (f64::from(v) * 100.0).round() / 100.0;
        let precise = |v: f32| (f64::from(v) * 1e5).round() / 1e5;
        let gene = |(node, p): (&NodeView, &super::Point)| {
            json!({
                "name": node.name, "x": round(p.x), "y": round(p.y), "r": round(self.radius(node.degree)),
                "fill": hex(self.fill(node)), "delta": node.delta.map(precise), "degree": node.degree,
                "hop": node.hop, "module": node.module + 1, "perturbed": node.perturbed,
            })
        };
        let edge = |e: &EdgeView| {
            json!({
                "s": e.source, "t": e.target, "w": precise(e.weight), "sign": e.sign.symbol(), "directed": e.directed,
                "prior": e.prior_only, "both": e.both_ways, "width": round(self.lines().width(e.weight)),
            })
        };
        let limit = self.limit();
        let stop = |k: i32| hex(theme::diverging(limit * k as f32 / 4.0, limit));
        json!({
            "genes": self.nodes.iter().zip(&placement.points).map(gene).collect::<Vec<_>>(),
            "edges": self.edges.iter().map(edge).collect::<Vec<_>>(),
            "limit": precise(limit),
            "stops": (-4..=4).map(stop).collect::<Vec<_>>(),
            "evidence": self.has_coexpression,
        })
    }
}

fn hex(color: plotters::style::RGBColor) -> String {
    format!("#{:02x}{:02x}{:02x}", color.0, color.1, color.2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{GraphBuilder, Sign};

    fn figure(n_genes: usize, n_edges: usize) -> NetworkFigure {
        let mut builder = GraphBuilder::new();
        for k in 1..n_genes {
            builder.add(&format!("G{}", k / 4), &format!("G{k}"), 0.8, Sign::Activation, &[]);
        }
        let pairs = (0..n_genes).flat_map(|step| (0..n_genes).map(move |k| (k, (k + 2 * step + 3) % n_genes)));
        for (a, b) in pairs.take(n_edges) {
            builder.add(&format!("G{a}"), &format!("G{b}"), 0.3, Sign::Repression, &[]);
        }
        NetworkFigure::around(&builder.build(), "G0", 20, n_genes, None).unwrap()
    }

    #[test]
    fn a_thousand_edges_stay_below_a_megabyte() {
        let page = figure(300, 1000).to_html().unwrap();
        assert!(page.len() < 1_000_000, "{} bytes", page.len());
        assert_eq!(page, figure(300, 1000).to_html().unwrap());
    }

    #[test]
    fn the_page_asks_for_nothing() {
        let page = figure(12, 20).to_html().unwrap();
        assert!(page.contains("default-src 'none'"));
        for fetch in ["src=", "@import", "<link", "url(http", "fetch(", "XMLHttpRequest", "{{"] {
            assert!(!page.contains(fetch), "{fetch}");
        }
    }

    #[test]
    fn names_cannot_end_the_script() {
        let mut builder = GraphBuilder::new();
        builder.add("</script><script>alert(1)</script>", "B", 1.0, Sign::Activation, &[]);
        let page = NetworkFigure::around(&builder.build(), "B", 1, 5, None).unwrap().to_html().unwrap();
        assert!(!page.contains("<script>alert(1)"));
        assert_eq!(page.matches("</script>").count(), 2);
    }
}
