//! Squares within squares: the sum of forces from far bodies, taken as one body (Barnes and Hut 1986).

/// A square is one body for a place that is farther away than its side divided by this.
const OPENING: f64 = 0.8;
/// Bodies closer than this are one place: squares are not divided without end.
const SMALLEST: f64 = 1e-3;

/// A body: place and mass.
pub(super) type Body = ([f64; 2], f64);

/// The four squares of a square.
const NONE: usize = usize::MAX;

#[derive(Debug)]
struct Square {
    corner: [f64; 2],
    side: f64,
    /// Sum of mass times place, until [`Quadtree::new`] has divided it by the mass.
    middle: [f64; 2],
    mass: f64,
    /// First of four squares, or [`NONE`].
    parts: usize,
    /// The body of a square that is not divided.
    body: Option<Body>,
}

/// A tree of squares over bodies.
#[derive(Debug)]
pub(super) struct Quadtree {
    squares: Vec<Square>,
}

impl Quadtree {
    /// The tree of these bodies. O(n log n) unless bodies lie extremely close.
    pub(super) fn new(bodies: &[Body]) -> Self {
        let fold = |k: usize| {
            bodies.iter().map(|b| b.0[k]).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
        };
        let ((left, right), (top, bottom)) = (fold(0), fold(1));
        let side = (right - left).max(bottom - top).max(SMALLEST) * 1.001;
        let mut tree = Self { squares: vec![Square::new([left, top], side)] };
        bodies.iter().for_each(|&body| tree.insert(body));
        for square in &mut tree.squares {
            square.middle = square.middle.map(|v| v / square.mass.max(f64::MIN_POSITIVE));
        }
        tree
    }

    fn insert(&mut self, (place, mass): Body) {
        let mut at = 0;
        loop {
            let square = &mut self.squares[at];
            square.mass += mass;
            (0..2).for_each(|k| square.middle[k] += mass * place[k]);
            if square.parts != NONE {
                at = square.parts + square.quarter(place);
                continue;
            }
            match square.body {
                None => {
                    square.body = Some((place, mass));
                    return;
                }
                Some((old, weight)) if square.side < SMALLEST => {
                    square.body = Some((old, weight + mass));
                    return;
                }
                Some(old) => self.divide(at, old),
            }
            at = self.squares[at].parts + self.squares[at].quarter(place);
        }
    }

    /// Makes four squares of one and moves its body into one of them.
    fn divide(&mut self, at: usize, (place, mass): Body) {
        let (corner, half, parts) = (self.squares[at].corner, self.squares[at].side / 2.0, self.squares.len());
        for quarter in 0..4 {
            let corner = [corner[0] + half * f64::from(quarter & 1), corner[1] + half * f64::from(quarter >> 1)];
            self.squares.push(Square::new(corner, half));
        }
        self.squares[at].parts = parts;
        self.squares[at].body = None;
        let quarter = self.squares[at].quarter(place);
        let part = &mut self.squares[parts + quarter];
        part.mass = mass;
        part.middle = place.map(|v| mass * v);
        part.body = Some((place, mass));
    }

    /// Sum over all other bodies of `mass / distance`, as a vector away from them.
    pub(super) fn repulsion(&self, place: [f64; 2]) -> [f64; 2] {
        let mut force = [0.0; 2];
        let mut open = vec![0];
        while let Some(at) = open.pop() {
            let square = &self.squares[at];
            let (dx, dy) = (place[0] - square.middle[0], place[1] - square.middle[1]);
            let squared = dx * dx + dy * dy;
            if square.parts == NONE || square.side * square.side < OPENING * OPENING * squared {
                if square.mass > 0.0 && squared > 0.0 {
                    force[0] += square.mass * dx / squared;
                    force[1] += square.mass * dy / squared;
                }
            } else {
                open.extend(square.parts..square.parts + 4);
            }
        }
        force
    }
}

impl Square {
    fn new(corner: [f64; 2], side: f64) -> Self {
        Self { corner, side, middle: [0.0; 2], mass: 0.0, parts: NONE, body: None }
    }

    /// In which of its quarters a place lies.
    fn quarter(&self, place: [f64; 2]) -> usize {
        let half = self.side / 2.0;
        usize::from(place[0] >= self.corner[0] + half) + 2 * usize::from(place[1] >= self.corner[1] + half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Rng;

    #[test]
    fn the_sum_is_near_that_over_all_bodies() {
        let mut rng = Rng::keyed(3, "bodies", 0, 0);
        let bodies: Vec<Body> =
            (0..500).map(|_| ([rng.normal() * 40.0, rng.normal() * 90.0], 1.0 + rng.uniform())).collect();
        let tree = Quadtree::new(&bodies);
        let size = |v: [f64; 2]| v[0].hypot(v[1]);
        let (mut errors, mut sizes) = (0.0, 0.0);
        for (place, _) in &bodies {
            let mut exact = [0.0; 2];
            for (other, mass) in bodies.iter().filter(|(other, _)| other != place) {
                let (dx, dy) = (place[0] - other[0], place[1] - other[1]);
                let squared = dx * dx + dy * dy;
                exact = [exact[0] + mass * dx / squared, exact[1] + mass * dy / squared];
            }
            let got = tree.repulsion(*place);
            errors += size([got[0] - exact[0], got[1] - exact[1]]);
            sizes += size(exact);
        }
        assert!(errors < 0.05 * sizes, "mean error {} of {}", errors / 500.0, sizes / 500.0);
    }

    #[test]
    fn bodies_at_one_place_do_not_divide_without_end() {
        let tree = Quadtree::new(&[([1.0, 1.0], 1.0), ([1.0, 1.0], 2.0), ([5.0, 1.0], 1.0)]);
        let force = tree.repulsion([5.0, 1.0]);
        assert!((force[0] - 3.0 / 4.0).abs() < 1e-9 && force[1] == 0.0, "{force:?}");
    }
}
