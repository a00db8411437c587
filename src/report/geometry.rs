//! Points and rectangles of the page, in pixels; y grows downwards.

/// A place on the page.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Point {
    /// Pixels from the left edge.
    pub x: f32,
    /// Pixels from the top edge.
    pub y: f32,
}

impl Point {
    /// A place.
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// The place at this distance in this direction (radians, clockwise from the x axis).
    #[must_use]
    pub fn toward(self, angle: f32, distance: f32) -> Self {
        Self::new(self.x + distance * angle.cos(), self.y + distance * angle.sin())
    }

    /// Direction to another place, radians.
    pub fn angle_to(self, other: Self) -> f32 {
        (other.y - self.y).atan2(other.x - self.x)
    }

    /// Distance to another place.
    pub fn distance(self, other: Self) -> f32 {
        (other.x - self.x).hypot(other.y - self.y)
    }

    /// The place a fraction of the way to another one.
    #[must_use]
    pub fn mix(self, other: Self, fraction: f32) -> Self {
        Self::new(self.x + (other.x - self.x) * fraction, self.y + (other.y - self.y) * fraction)
    }

    /// Moved by these pixels.
    #[must_use]
    pub fn shift(self, dx: f32, dy: f32) -> Self {
        Self::new(self.x + dx, self.y + dy)
    }
}

/// A rectangle with sides along the axes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rect {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl Rect {
    /// A rectangle from its upper left corner.
    pub const fn new(x: f32, y: f32, width: f32, height: f32) -> Self {
        Self { x, y, width, height }
    }

    /// A rectangle around a place.
    pub fn around(center: Point, width: f32, height: f32) -> Self {
        Self::new(center.x - width / 2.0, center.y - height / 2.0, width, height)
    }

    /// Right edge.
    pub fn right(&self) -> f32 {
        self.x + self.width
    }

    /// Bottom edge.
    pub fn bottom(&self) -> f32 {
        self.y + self.height
    }

    /// Middle.
    pub fn center(&self) -> Point {
        Point::new(self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    /// Whether two rectangles share an area.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    /// Whether `inner` lies within.
    pub fn holds(&self, inner: &Self) -> bool {
        self.x <= inner.x && self.y <= inner.y && inner.right() <= self.right() && inner.bottom() <= self.bottom()
    }

    /// The place of this rectangle that is nearest to `p`.
    pub fn nearest(&self, p: Point) -> Point {
        Point::new(p.x.clamp(self.x, self.right()), p.y.clamp(self.y, self.bottom()))
    }

    /// Whether a disc reaches into this rectangle.
    pub fn meets_disc(&self, center: Point, radius: f32) -> bool {
        self.nearest(center).distance(center) < radius
    }

    /// Whether a straight line from `a` to `b` passes through this rectangle (Liang-Barsky clipping).
    pub fn meets_line(&self, a: Point, b: Point) -> bool {
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        let sides = [(-dx, a.x - self.x), (dx, self.right() - a.x), (-dy, a.y - self.y), (dy, self.bottom() - a.y)];
        let (mut enter, mut leave) = (0.0_f32, 1.0_f32);
        for (p, q) in sides {
            if p == 0.0 && q < 0.0 {
                return false;
            }
            if p < 0.0 {
                enter = enter.max(q / p);
            } else if p > 0.0 {
                leave = leave.min(q / p);
            }
        }
        enter <= leave
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_discs_meet_rectangles() {
        let rect = Rect::new(0.0, 0.0, 10.0, 4.0);
        let t = |a: (f32, f32), b: (f32, f32)| rect.meets_line(Point::new(a.0, a.1), Point::new(b.0, b.1));
        assert!(t((-5.0, 2.0), (15.0, 2.0)));
        assert!(t((5.0, 2.0), (6.0, 3.0)));
        assert!(!t((-5.0, 5.0), (15.0, 5.0)));
        assert!(!t((-5.0, 2.0), (-1.0, 2.0)));
        assert!(rect.meets_disc(Point::new(12.0, 2.0), 2.5));
        assert!(!rect.meets_disc(Point::new(12.0, 2.0), 1.5));
    }
}
