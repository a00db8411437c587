//! The gene decoder, a block of genes at a time.
//!
//! The two products of a block are cuBLAS', everything between them one kernel each. The gradient computes the hidden
//! layers of a block again.

use candle_core::Result;

use super::{Arg, Array, Grid, Machine};

/// Values of the widest layer that are held at a time (64 MiB).
pub(in crate::nn) const VALUES: usize = 1 << 24;

/// The inputs of the operation and their sizes.
pub(in crate::nn) struct Inputs<'a> {
    pub(in crate::nn) genes: Array<'a, f32>,
    pub(in crate::nn) perturbations: Array<'a, f32>,
    /// (H + 1) x 2H, the bias last.
    pub(in crate::nn) weights: Array<'a, f32>,
    pub(in crate::nn) n_genes: usize,
    pub(in crate::nn) n: usize,
    pub(in crate::nn) hidden: usize,
    pub(in crate::nn) norms: bool,
    /// [`VALUES`], or fewer to have more blocks.
    pub(in crate::nn) values: usize,
}

impl Inputs<'_> {
    /// Genes of a block.
    fn block(&self) -> usize {
        (self.values / (2 * self.hidden * self.n.max(1))).clamp(1, self.n_genes.max(1))
    }

    /// First gene and number of genes of each block.
    fn blocks(&self) -> impl Iterator<Item = (usize, usize)> {
        let (block, all) = (self.block(), self.n_genes);
        (0..all).step_by(block).map(move |first| (first, block.min(all - first)))
    }

    /// The arguments that end every kernel of rows.
    fn sizes<'a>(&self, first: usize) -> [Arg<'a>; 4] {
        [Arg::count(first), Arg::count(self.n), Arg::count(self.hidden), Arg::Count(u64::from(self.norms))]
    }
}

/// Layers of the pairs of a block.
struct Hidden {
    /// Pairs x (H + 1): a and a one.
    a: Array<'static, f32>,
    /// Pairs x 2H.
    u: Array<'static, f32>,
}

impl Hidden {
    fn new(m: &Machine, of: &Inputs<'_>) -> Result<Self> {
        let pairs = of.block() * of.n;
        Ok(Self { a: m.zeros(pairs * (of.hidden + 1))?, u: m.zeros(pairs * 2 * of.hidden)? })
    }

    fn fill(&mut self, m: &Machine, of: &Inputs<'_>, (first, genes): (usize, usize)) -> Result<()> {
        let (pairs, h) = (genes * of.n, of.hidden);
        let [first, n, hidden, norms] = of.sizes(first);
        let args =
            &mut [Arg::In(&of.genes), Arg::In(&of.perturbations), Arg::Out(&mut self.a), first, n, hidden, norms];
        m.launch("decoder_hidden", Grid::Rows(pairs), args)?;
        m.matmul([pairs, h + 1, 2 * h], (&self.a, false), (&of.weights, false), &mut self.u, false)
    }
}

/// The output, n_genes x n.
pub(in crate::nn) fn decode(m: &Machine, of: &Inputs<'_>) -> Result<Array<'static, f32>> {
    let mut out = m.zeros(of.n_genes * of.n)?;
    let mut layers = Hidden::new(m, of)?;
    for block in of.blocks() {
        layers.fill(m, of, block)?;
        let [first, n, hidden, norms] = of.sizes(block.0);
        let args = &mut [Arg::In(&of.genes), Arg::In(&layers.u), Arg::Out(&mut out), first, n, hidden, norms];
        m.launch("decoder_output", Grid::Rows(block.1 * of.n), args)?;
    }
    Ok(out)
}

/// Gradients of genes, perturbations and weights.
pub(in crate::nn) fn slopes(m: &Machine, of: &Inputs<'_>, grad: &Array<'_, f32>) -> Result<[Array<'static, f32>; 3]> {
    let (h, pairs) = (of.hidden, of.block() * of.n);
    let mut back = Back {
        genes: m.zeros(of.n_genes * 3 * h)?,
        perturbations: m.zeros(of.n * h)?,
        weights: m.zeros((h + 1) * 2 * h)?,
        slope: m.zeros(pairs)?,
        du: m.zeros(pairs * 2 * h)?,
        da: m.zeros(pairs * h)?,
    };
    let mut layers = Hidden::new(m, of)?;
    for block in of.blocks() {
        layers.fill(m, of, block)?;
        back.second_layer(m, of, &layers, block, grad)?;
        let rows = block.1 * of.n;
        m.matmul([h + 1, rows, 2 * h], (&layers.a, true), (&back.du, false), &mut back.weights, true)?;
        m.matmul([rows, 2 * h, h], (&back.du, false), (&of.weights, true), &mut back.da, false)?;
        back.first_layer(m, of, block)?;
    }
    Ok([back.genes, back.perturbations, back.weights])
}

/// Gradients of the inputs, and those of the layers of a block.
struct Back {
    genes: Array<'static, f32>,
    perturbations: Array<'static, f32>,
    weights: Array<'static, f32>,
    /// That of relu(u) . v, one per pair.
    slope: Array<'static, f32>,
    du: Array<'static, f32>,
    da: Array<'static, f32>,
}

impl Back {
    fn second_layer(
        &mut self,
        m: &Machine,
        of: &Inputs<'_>,
        layers: &Hidden,
        (first, genes): (usize, usize),
        grad: &Array<'_, f32>,
    ) -> Result<()> {
        let [start, n, hidden, norms] = of.sizes(first);
        let args = &mut [
            Arg::In(&of.genes),
            Arg::In(&layers.u),
            Arg::In(grad),
            Arg::Out(&mut self.du),
            Arg::Out(&mut self.slope),
            start,
            n,
            hidden,
            norms,
        ];
        m.launch("decoder_output_slope", Grid::Rows(genes * of.n), args)?;
        let args = &mut [
            Arg::In(&layers.u),
            Arg::In(&self.slope),
            Arg::Out(&mut self.genes),
            Arg::count(first),
            Arg::count(genes),
            Arg::count(of.n),
            Arg::count(of.hidden),
        ];
        m.launch("decoder_own_slope", Grid::Elements(genes * 2 * of.hidden), args)
    }

    fn first_layer(&mut self, m: &Machine, of: &Inputs<'_>, (first, genes): (usize, usize)) -> Result<()> {
        let [start, n, hidden, norms] = of.sizes(first);
        let args =
            &mut [Arg::In(&of.genes), Arg::In(&of.perturbations), Arg::Out(&mut self.da), start, n, hidden, norms];
        m.launch("decoder_hidden_slope", Grid::Rows(genes * of.n), args)?;
        let args = &mut [
            Arg::In(&self.da),
            Arg::Out(&mut self.genes),
            Arg::count(first),
            Arg::count(genes),
            Arg::count(of.n),
            Arg::count(of.hidden),
        ];
        m.launch("decoder_base_slope", Grid::Elements(genes * of.hidden), args)?;
        let args = &mut [
            Arg::In(&self.da),
            Arg::Out(&mut self.perturbations),
            Arg::count(genes),
            Arg::count(of.n),
            Arg::count(of.hidden),
        ];
        m.launch("decoder_perturbation_slope", Grid::Elements(of.n * of.hidden), args)
    }
}
