//! Attention over neighbours.

use candle_core::Result;

use super::sparse::counts;
use super::{Arg, Array, Grid, Machine};

/// Who listens to whom, on a machine.
#[derive(Debug)]
pub(in crate::nn) struct Edges {
    n: usize,
    n_senders: usize,
    n_receivers: usize,
    /// First edge of each receiver; sender and receiver of each edge.
    start: Array<'static, u64>,
    sender: Array<'static, u32>,
    receiver: Array<'static, u32>,
    /// First place of each sender in the edges by sender.
    sent_start: Array<'static, u64>,
    sent: Array<'static, u32>,
}

impl Edges {
    /// First edge of each receiver and the sender of each edge; the first place of each sender, and the (edge, receiver)
    /// pairs in which it sends.
    pub(in crate::nn) fn new(
        m: &Machine,
        (start, sender): (&[usize], &[u32]),
        (sent_start, sent): (&[usize], &[(u32, u32)]),
    ) -> Result<Self> {
        let mut receiver = vec![0; sender.len()];
        sent.iter().for_each(|&(edge, r)| receiver[edge as usize] = r);
        Ok(Self {
            n: sender.len(),
            n_senders: sent_start.len() - 1,
            n_receivers: start.len() - 1,
            start: m.upload(&counts(start))?,
            sender: m.upload(sender)?,
            receiver: m.upload(&receiver)?,
            sent_start: m.upload(&counts(sent_start))?,
            sent: m.upload(&sent.iter().map(|s| s.0).collect::<Vec<_>>())?,
        })
    }
}

/// The inputs: senders, receivers, attention vector; heads and width of a head.
pub(in crate::nn) struct Inputs<'a> {
    pub(in crate::nn) l: Array<'a, f32>,
    pub(in crate::nn) r: Array<'a, f32>,
    pub(in crate::nn) v: Array<'a, f32>,
    pub(in crate::nn) heads: usize,
    pub(in crate::nn) part: usize,
}

impl Inputs<'_> {
    fn sizes<'a>(&self, n: usize) -> [Arg<'a>; 3] {
        [Arg::count(n), Arg::count(self.heads), Arg::count(self.part)]
    }
}

/// Shares of all edges, n_edges x heads.
fn shares(m: &Machine, edges: &Edges, of: &Inputs<'_>) -> Result<Array<'static, f32>> {
    let mut share = m.zeros(edges.n * of.heads)?;
    let [n, heads, part] = of.sizes(edges.n);
    let args = &mut [
        Arg::In(&edges.sender),
        Arg::In(&edges.receiver),
        Arg::In(&of.l),
        Arg::In(&of.r),
        Arg::In(&of.v),
        Arg::Out(&mut share),
        n,
        heads,
        part,
    ];
    m.launch("attention_score", Grid::Elements(edges.n * of.heads), args)?;
    let args = &mut [Arg::In(&edges.start), Arg::Out(&mut share), Arg::count(edges.n_receivers), Arg::count(of.heads)];
    m.launch("attention_share", Grid::Elements(edges.n_receivers * of.heads), args)?;
    Ok(share)
}

/// What the receivers hear, n_receivers x width.
pub(in crate::nn) fn attend(m: &Machine, edges: &Edges, of: &Inputs<'_>) -> Result<Array<'static, f32>> {
    let share = shares(m, edges, of)?;
    let n_values = edges.n_receivers * of.heads * of.part;
    let mut y = m.zeros(n_values)?;
    let [n, heads, part] = of.sizes(edges.n_receivers);
    let args = &mut [
        Arg::In(&edges.start),
        Arg::In(&edges.sender),
        Arg::In(&share),
        Arg::In(&of.l),
        Arg::Out(&mut y),
        n,
        heads,
        part,
    ];
    m.launch("attention_sum", Grid::Elements(n_values), args)?;
    Ok(y)
}

/// Slopes of the scores of all edges, n_edges x heads.
fn score_slopes(
    m: &Machine,
    edges: &Edges,
    of: &Inputs<'_>,
    share: &Array<'_, f32>,
    grad: &Array<'_, f32>,
) -> Result<Array<'static, f32>> {
    let mut slope = m.zeros(edges.n * of.heads)?;
    let [n, heads, part] = of.sizes(edges.n);
    let args = &mut [
        Arg::In(&edges.sender),
        Arg::In(&edges.receiver),
        Arg::In(&of.l),
        Arg::In(grad),
        Arg::Out(&mut slope),
        n,
        heads,
        part,
    ];
    m.launch("attention_share_slope", Grid::Elements(edges.n * of.heads), args)?;
    let args = &mut [
        Arg::In(&edges.start),
        Arg::In(share),
        Arg::Out(&mut slope),
        Arg::count(edges.n_receivers),
        Arg::count(of.heads),
    ];
    m.launch("attention_score_slope", Grid::Elements(edges.n_receivers * of.heads), args)?;
    Ok(slope)
}

/// Gradients of senders, receivers and attention vector.
pub(in crate::nn) fn slopes(
    m: &Machine,
    edges: &Edges,
    of: &Inputs<'_>,
    grad: &Array<'_, f32>,
) -> Result<[Array<'static, f32>; 3]> {
    let width = of.heads * of.part;
    let share = shares(m, edges, of)?;
    let slope = score_slopes(m, edges, of, &share, grad)?;
    let mut dl = m.zeros(edges.n_senders * width)?;
    let [n, heads, part] = of.sizes(edges.n_senders);
    let args = &mut [
        Arg::In(&edges.sent_start),
        Arg::In(&edges.sent),
        Arg::In(&edges.receiver),
        Arg::In(&share),
        Arg::In(&slope),
        Arg::In(&of.l),
        Arg::In(&of.r),
        Arg::In(&of.v),
        Arg::In(grad),
        Arg::Out(&mut dl),
        n,
        heads,
        part,
    ];
    m.launch("attention_sender_slope", Grid::Elements(edges.n_senders * width), args)?;
    let [dr, dv] = receiver_slopes(m, edges, of, &slope)?;
    Ok([dl, dr, dv])
}

fn receiver_slopes(
    m: &Machine,
    edges: &Edges,
    of: &Inputs<'_>,
    slope: &Array<'_, f32>,
) -> Result<[Array<'static, f32>; 2]> {
    let width = of.heads * of.part;
    let n_values = edges.n_receivers * width;
    let (mut dr, mut dv_part, mut dv) = (m.zeros(n_values)?, m.zeros::<f32>(n_values)?, m.zeros(width)?);
    let [n, heads, part] = of.sizes(edges.n_receivers);
    let args = &mut [
        Arg::In(&edges.start),
        Arg::In(&edges.sender),
        Arg::In(slope),
        Arg::In(&of.l),
        Arg::In(&of.r),
        Arg::In(&of.v),
        Arg::Out(&mut dr),
        Arg::Out(&mut dv_part),
        n,
        heads,
        part,
    ];
    m.launch("attention_receiver_slope", Grid::Elements(n_values), args)?;
    let args = &mut [Arg::In(&dv_part), Arg::Out(&mut dv), Arg::count(edges.n_receivers)];
    m.launch("attention_vector_slope", Grid::Rows(width), args)?;
    Ok([dr, dv])
}
