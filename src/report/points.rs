//! Clouds of points and their labels.

use std::collections::BTreeMap;
use std::f32::consts::PI;

use plotters::style::{Color, RGBColor};

use super::geometry::{Point, Rect};
use super::labels::{LabelPlacer, LabelRequest};
use super::scene::Scene;
use super::theme;

/// Points closer than this are drawn once, darker; px.
const MERGE: f32 = 2.0;
/// Radius of a point, px.
pub(super) const RADIUS: f32 = 2.6;

/// Draws a cloud. Points that fall on the same two pixels become one that is darker the more there are, so that a file
/// of 20,000 genes stays small and dense regions stay readable.
pub(super) fn draw_cloud(scene: &mut Scene, points: impl IntoIterator<Item = Point>, color: RGBColor) {
    let mut cells: BTreeMap<(i32, i32), u32> = BTreeMap::new();
    for p in points {
        *cells.entry(((p.x / MERGE).round() as i32, (p.y / MERGE).round() as i32)).or_default() += 1;
    }
    let (radius, faint) = if cells.len() > 1000 { (RADIUS * 0.75, 0.24) } else { (RADIUS, 0.45) };
    for ((x, y), n) in cells {
        let opacity = (faint + 0.12 * f64::from(n).log2()).min(1.0);
        scene.disc(Point::new(x as f32 * MERGE, y as f32 * MERGE), radius, color.mix(opacity));
    }
}

/// A point with a name.
#[derive(Debug, Clone)]
pub(super) struct NamedPoint<'a> {
    pub(super) at: Point,
    pub(super) name: &'a str,
    pub(super) color: RGBColor,
    /// Preferred direction of the label, radians; away from the middle where it is not given.
    pub(super) toward: Option<f32>,
}

/// Draws named points on top of a cloud, with labels that overlap neither each other nor a named point.
pub(super) fn draw_named(scene: &mut Scene, area: Rect, cloud: &[Point], named: &[NamedPoint<'_>]) {
    let discs = named.iter().map(|n| (n.at, RADIUS + 1.5)).collect();
    let mut placer = LabelPlacer::new(area, discs);
    for &p in cloud {
        placer.avoid_line(&[p, p]);
    }
    for n in named {
        scene.disc(n.at, RADIUS + 1.6, theme::PAPER);
        scene.disc(n.at, RADIUS + 0.8, n.color);
    }
    for n in named {
        let toward = n.toward.unwrap_or(if n.at.x < area.center().x { PI } else { 0.0 });
        let (anchor, text) = (n.at, n.name);
        let request =
            LabelRequest { anchor, radius: RADIUS + 1.5, text, size: theme::LABEL - 0.5, bold: false, toward };
        if let Some(label) = placer.place(&request) {
            label.draw(scene, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_points_at_one_place_are_one_shape() {
        let mut scene = Scene::new(10.0, 10.0, "");
        draw_cloud(&mut scene, (0..1000).map(|_| Point::new(5.0, 5.0)), theme::BLUE);
        assert_eq!(scene.shapes.len(), 1);
    }
}
