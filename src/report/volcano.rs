//! Fold change against significance.

use super::ReportError;
use super::axes::{Axes, Axis, page};
use super::points::{NamedPoint, draw_cloud, draw_named};
use super::scene::{Scene, Stroke, TextStyle};
use super::theme;

/// Genes with a label.
const NAMED: usize = 12;

/// One gene of a differential-expression table.
#[derive(Debug, Clone, PartialEq)]
pub struct VolcanoGene {
    /// Its name.
    pub gene: String,
    /// log2 of perturbed over control.
    pub log2_fold_change: f64,
    /// p-value adjusted for the number of tests.
    pub fdr: f64,
}

/// A volcano plot of one perturbation.
#[derive(Debug, Clone, PartialEq)]
pub struct VolcanoFigure {
    title: String,
    caption: String,
    genes: Vec<VolcanoGene>,
    threshold: f64,
}

impl VolcanoFigure {
    /// A volcano plot; genes with an adjusted p-value below `threshold` are coloured. Values that are not numbers are
    /// left out, infinite ones are drawn on the rim.
    ///
    /// # Errors
    /// [`ReportError::Empty`] without a gene.
    pub fn new(perturbation: &str, genes: Vec<VolcanoGene>, threshold: f64) -> Result<Self, ReportError> {
        let genes: Vec<_> = genes.into_iter().filter(|g| !g.log2_fold_change.is_nan() && !g.fdr.is_nan()).collect();
        if genes.is_empty() {
            let expected = format!("tested genes of `{perturbation}`");
            return Err(ReportError::Empty { figure: "volcano plot", expected, got: "none".into() });
        }
        let title = format!("{perturbation}: differential expression");
        Ok(Self { title, caption: String::new(), genes, threshold })
    }

    /// Says where the figure comes from.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// Number of significant genes that go up and down.
    pub fn counts(&self) -> (usize, usize) {
        let significant = || self.genes.iter().filter(|g| g.fdr < self.threshold);
        let up = significant().filter(|g| g.log2_fold_change > 0.0).count();
        let down = significant().filter(|g| g.log2_fold_change < 0.0).count();
        (up, down)
    }

    /// Draws it.
    pub fn scene(&self) -> Scene {
        let (mut scene, area) = page(theme::COLUMN, 430.0, &self.title, &self.caption);
        let axes = self.axes(area);
        axes.draw(&mut scene);
        let y = -self.threshold.log10();
        let ((x0, x1), _) = axes.ranges();
        scene.line(axes.at(x0, y), axes.at(x1, y), Stroke::new(theme::MUTED, 1.0).dashed(5.0, 4.0));
        let at = |g: &VolcanoGene| axes.at(g.log2_fold_change, -g.fdr.log10());
        for class in CLASSES {
            let members = self.genes.iter().filter(|g| self.class(g) == class).map(at);
            draw_cloud(&mut scene, members, class.color());
        }
        let cloud: Vec<_> = self.genes.iter().map(at).collect();
        let top = self.top();
        let named: Vec<NamedPoint<'_>> = top
            .iter()
            .map(|g| NamedPoint { at: at(g), name: &g.gene, color: self.class(g).color(), toward: None })
            .collect();
        draw_named(&mut scene, area, &cloud, &named);
        self.draw_legend(&mut scene, &axes);
        let (up, down) = self.counts();
        let names: Vec<&str> = top.iter().take(5).map(|g| g.gene.as_str()).collect();
        scene.alt = format!(
            "{}. Of {} genes {up} go up and {down} go down at an adjusted p-value below {}. Most significant: {}.",
            self.title,
            self.genes.len(),
            self.threshold,
            if names.is_empty() { "none".into() } else { names.join(", ") }
        );
        scene
    }

    fn axes(&self, area: super::Rect) -> Axes {
        let x = self.genes.iter().map(|g| g.log2_fold_change);
        // A p-value of zero is off every scale: the axis ends at the smallest one above zero.
        let y = self.genes.iter().map(|g| -g.fdr.log10()).chain([-self.threshold.log10() * 1.2]);
        Axes::new(
            area,
            Axis::of("log2 fold change (perturbed / control)", x).including(0.0),
            Axis::of("−log10 adjusted p-value", y).starting_at_zero(),
        )
    }

    fn draw_legend(&self, scene: &mut Scene, axes: &Axes) {
        let (up, down) = self.counts();
        let mut x = axes.area.x;
        let y = axes.area.y - 14.0;
        let rest = self.genes.len() - up - down;
        let below = format!("adjusted p < {}", self.threshold);
        let entries = [
            (Class::Down, format!("{down} down")),
            (Class::Up, format!("{up} up ({below})")),
            (Class::Neither, format!("{rest} others")),
        ];
        for (class, text) in entries {
            scene.disc(super::Point::new(x + 4.0, y), 4.0, class.color());
            scene.text(super::Point::new(x + 13.0, y), &text, TextStyle::new(theme::LABEL));
            x += super::text::width(&text, theme::LABEL, false) + 28.0;
        }
    }

    fn class(&self, gene: &VolcanoGene) -> Class {
        match gene {
            g if g.fdr >= self.threshold || g.log2_fold_change == 0.0 => Class::Neither,
            g if g.log2_fold_change > 0.0 => Class::Up,
            _ => Class::Down,
        }
    }

    /// Significant genes by significance, ties by fold change.
    fn top(&self) -> Vec<&VolcanoGene> {
        let mut order: Vec<&VolcanoGene> = self.genes.iter().filter(|g| self.class(g) != Class::Neither).collect();
        order.sort_by(|a, b| {
            let change = b.log2_fold_change.abs().total_cmp(&a.log2_fold_change.abs());
            a.fdr.total_cmp(&b.fdr).then(change).then(a.gene.cmp(&b.gene))
        });
        order.truncate(NAMED);
        order
    }
}

/// What a gene does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Neither,
    Down,
    Up,
}

/// In drawing order.
const CLASSES: [Class; 3] = [Class::Neither, Class::Down, Class::Up];

impl Class {
    fn color(self) -> plotters::style::RGBColor {
        match self {
            Self::Neither => theme::UNKNOWN,
            Self::Down => theme::direction(-1.0),
            Self::Up => theme::direction(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gene(name: &str, log2_fold_change: f64, fdr: f64) -> VolcanoGene {
        VolcanoGene { gene: name.into(), log2_fold_change, fdr }
    }

    #[test]
    fn extreme_values_are_drawn_and_counted() {
        let genes = vec![
            gene("UP", 2.0, 0.001),
            gene("GONE", f64::NEG_INFINITY, 0.0),
            gene("SAME", 0.1, 0.9),
            gene("BAD", f64::NAN, 0.01),
        ];
        let figure = VolcanoFigure::new("T", genes, 0.05).unwrap();
        assert_eq!(figure.counts(), (1, 1));
        let svg = figure.scene().to_svg().unwrap();
        assert!(svg.contains("GONE") && svg.contains("UP") && !svg.contains("BAD"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert!(VolcanoFigure::new("T", vec![], 0.05).is_err());
    }
}
