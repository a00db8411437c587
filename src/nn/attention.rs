//! Attention over the neighbours of a node, as one operation.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

#[cfg(any(feature = "cuda", test))]
use super::cuda;
use super::sparse::dense_rows;

/// Slope of the leaky ReLU below zero.
const LEAK: f32 = 0.2;
/// Gradients of the attention vector are summed over this many nodes at a time, then in order.
const CHUNK: usize = 256;

/// Who listens to whom: at least one sender for every receiver.
#[derive(Debug, Clone)]
pub struct Neighbourhoods {
    lists: Arc<Lists>,
}

#[derive(Debug)]
struct Lists {
    n_senders: usize,
    /// First edge of each receiver, and the sender of each edge.
    start: Vec<usize>,
    sender: Vec<u32>,
    /// First place of each sender, and the (edge, receiver) pairs in which it sends.
    sent_start: Vec<usize>,
    sent: Vec<(u32, u32)>,
    #[cfg(feature = "cuda")]
    resident: cuda::Resident<cuda::attention::Edges>,
}

impl Neighbourhoods {
    /// The senders of each receiver.
    ///
    /// # Errors
    /// A receiver without sender, or a sender out of range.
    pub fn new(n_senders: usize, of: &[Vec<u32>]) -> Result<Self> {
        if of.iter().any(|senders| senders.is_empty() || senders.iter().any(|&s| s as usize >= n_senders)) {
            bail!("attention: expected senders below {n_senders}, and one for every receiver");
        }
        let mut start = vec![0; of.len() + 1];
        (0..of.len()).for_each(|i| start[i + 1] = start[i] + of[i].len());
        let sender: Vec<u32> = of.iter().flatten().copied().collect();
        let mut by_sender = vec![Vec::new(); n_senders];
        for (receiver, range) in start.windows(2).enumerate() {
            (range[0]..range[1]).for_each(|e| by_sender[sender[e] as usize].push((e as u32, receiver as u32)));
        }
        let mut sent_start = vec![0; n_senders + 1];
        (0..n_senders).for_each(|i| sent_start[i + 1] = sent_start[i] + by_sender[i].len());
        let sent = by_sender.into_iter().flatten().collect();
        let lists = Lists {
            n_senders,
            start,
            sender,
            sent_start,
            sent,
            #[cfg(feature = "cuda")]
            resident: cuda::Resident::default(),
        };
        Ok(Self { lists: Arc::new(lists) })
    }

    /// GATv2 (Brody, Alon and Yahav, ICLR 2022): y_i = sum over senders j of a_ij l_j, with a_ij the softmax over j of
    /// v . leaky_relu(l_j + r_i), for each of `heads` equal parts of the width by itself.
    ///
    /// `senders` holds l (n_senders x width), `receivers` r (n_receivers x width), `vector` v (width); the result is
    /// n_receivers x width. 6 edges x width operations forward, 12 for the gradient. No edge x width tensor is held, and
    /// neither direction scatters: the bits do not depend on the number of threads.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn attend(&self, senders: &Tensor, receivers: &Tensor, vector: &Tensor, heads: usize) -> Result<Tensor> {
        let (width, lists) = (vector.dim(0)?, &self.lists);
        let expected = [[lists.n_senders, width], [lists.start.len() - 1, width]];
        if senders.dims() != expected[0] || receivers.dims() != expected[1] || heads == 0 || width % heads != 0 {
            bail!("attention: expected {expected:?}, got {:?} and {:?}", senders.dims(), receivers.dims());
        }
        let op = Attention { lists: Arc::clone(lists), heads };
        senders.contiguous()?.apply_op3(&receivers.contiguous()?, &vector.contiguous()?, op)
    }

    /// The same on a machine that runs kernels.
    #[cfg(test)]
    pub(super) fn on_machine(&self, m: &cuda::Machine) -> Result<cuda::attention::Edges> {
        self.lists.on(m)
    }
}

struct Attention {
    lists: Arc<Lists>,
    heads: usize,
}

/// The three inputs.
#[derive(Clone, Copy)]
struct Inputs<'a> {
    l: &'a [f32],
    r: &'a [f32],
    v: &'a [f32],
}

impl Attention {
    /// The shares of a receiver's senders, edges x heads.
    fn shares(&self, of: Inputs<'_>, receiver: usize, shares: &mut [f32]) {
        let (width, part) = (of.v.len(), of.v.len() / self.heads);
        let edges = self.lists.start[receiver]..self.lists.start[receiver + 1];
        let r = &of.r[receiver * width..][..width];
        for (k, e) in edges.enumerate() {
            let l = &of.l[self.lists.sender[e] as usize * width..][..width];
            for (h, share) in shares[k * self.heads..][..self.heads].iter_mut().enumerate() {
                let range = h * part..(h + 1) * part;
                *share = score(&l[range.clone()], &r[range.clone()], &of.v[range]);
            }
        }
        for h in 0..self.heads {
            let all = shares.iter().skip(h).step_by(self.heads);
            let most = all.copied().fold(f32::NEG_INFINITY, f32::max);
            let mut sum = 0.0;
            for s in shares.iter_mut().skip(h).step_by(self.heads) {
                *s = (*s - most).exp();
                sum += *s;
            }
            shares.iter_mut().skip(h).step_by(self.heads).for_each(|s| *s /= sum);
        }
    }

    fn receive(&self, of: Inputs<'_>, receiver: usize, to: &mut [f32]) {
        let (width, part) = (of.v.len(), of.v.len() / self.heads);
        let edges = self.lists.start[receiver]..self.lists.start[receiver + 1];
        let mut shares = vec![0f32; edges.len() * self.heads];
        self.shares(of, receiver, &mut shares);
        for (k, e) in edges.enumerate() {
            let l = &of.l[self.lists.sender[e] as usize * width..][..width];
            for (h, share) in shares[k * self.heads..][..self.heads].iter().enumerate() {
                let range = h * part..(h + 1) * part;
                to[range.clone()].iter_mut().zip(&l[range]).for_each(|(t, l)| *t += share * l);
            }
        }
    }

    /// Shares and slopes of the scores of every edge, edges x 2 heads.
    fn edge_slopes(&self, of: Inputs<'_>, grad: &[f32]) -> Vec<f32> {
        let (width, part, heads) = (of.v.len(), of.v.len() / self.heads, self.heads);
        let one = |receiver: usize| -> Vec<f32> {
            let edges = self.lists.start[receiver]..self.lists.start[receiver + 1];
            let mut shares = vec![0f32; edges.len() * heads];
            self.shares(of, receiver, &mut shares);
            let g = &grad[receiver * width..][..width];
            let mut slopes = vec![0f32; shares.len()];
            for (k, e) in edges.clone().enumerate() {
                let l = &of.l[self.lists.sender[e] as usize * width..][..width];
                for h in 0..heads {
                    let range = h * part..(h + 1) * part;
                    slopes[k * heads + h] = g[range.clone()].iter().zip(&l[range]).map(|(g, l)| g * l).sum();
                }
            }
            for h in 0..heads {
                let mean: f32 = (0..edges.len()).map(|k| shares[k * heads + h] * slopes[k * heads + h]).sum();
                (0..edges.len())
                    .for_each(|k| slopes[k * heads + h] = shares[k * heads + h] * (slopes[k * heads + h] - mean));
            }
            let pair = |k: usize| shares[k * heads..][..heads].iter().chain(&slopes[k * heads..][..heads]).copied();
            (0..edges.len()).flat_map(pair).collect()
        };
        (0..self.lists.start.len() - 1).into_par_iter().flat_map_iter(one).collect()
    }

    /// Gradients of l, r and v.
    fn slopes(&self, of: Inputs<'_>, grad: &[f32]) -> [Vec<f32>; 3] {
        let (width, heads) = (of.v.len(), self.heads);
        let part = width / heads;
        let edges = self.edge_slopes(of, grad);
        let mut dl = vec![0f32; of.l.len()];
        dl.par_chunks_mut(width).enumerate().for_each(|(sender, to)| {
            let l = &of.l[sender * width..][..width];
            for &(e, receiver) in &self.lists.sent[self.lists.sent_start[sender]..self.lists.sent_start[sender + 1]] {
                let (r, g) = (&of.r[receiver as usize * width..][..width], &grad[receiver as usize * width..][..width]);
                let edge = &edges[e as usize * 2 * heads..][..2 * heads];
                for c in 0..width {
                    let h = c / part;
                    to[c] += edge[h] * g[c] + edge[heads + h] * of.v[c] * leak(l[c] + r[c]);
                }
            }
        });
        let mut dr = vec![0f32; of.r.len()];
        let chunk = |(chunk, dr): (usize, &mut [f32])| {
            let mut dv = vec![0f32; width];
            for (k, to) in dr.chunks_mut(width).enumerate() {
                let receiver = chunk * CHUNK + k;
                let r = &of.r[receiver * width..][..width];
                for e in self.lists.start[receiver]..self.lists.start[receiver + 1] {
                    let l = &of.l[self.lists.sender[e] as usize * width..][..width];
                    let slope = &edges[e * 2 * heads + heads..][..heads];
                    for c in 0..width {
                        let (s, x) = (slope[c / part], l[c] + r[c]);
                        to[c] += s * of.v[c] * leak(x);
                        dv[c] += s * leak(x) * x;
                    }
                }
            }
            dv
        };
        let parts: Vec<Vec<f32>> = dr.par_chunks_mut(CHUNK * width).enumerate().map(chunk).collect();
        let mut dv = vec![0f32; width];
        parts.iter().for_each(|p| dv.iter_mut().zip(p).for_each(|(t, x)| *t += x));
        [dl, dr, dv]
    }
}

#[cfg(any(feature = "cuda", test))]
impl Lists {
    /// The same on a machine that runs kernels.
    fn on(&self, m: &cuda::Machine) -> Result<cuda::attention::Edges> {
        cuda::attention::Edges::new(m, (&self.start, &self.sender), (&self.sent_start, &self.sent))
    }
}

#[cfg(feature = "cuda")]
impl Attention {
    fn on_gpu<'a>(
        &self,
        inputs: [(&'a candle_core::CudaStorage, &Layout); 3],
    ) -> Result<(cuda::Machine, cuda::attention::Inputs<'a>)> {
        let [(m, l), (_, r), (_, v)] = [
            cuda::input(inputs[0].0, inputs[0].1)?,
            cuda::input(inputs[1].0, inputs[1].1)?,
            cuda::input(inputs[2].0, inputs[2].1)?,
        ];
        let part = inputs[2].1.shape().elem_count() / self.heads;
        Ok((m, cuda::attention::Inputs { l, r, v, heads: self.heads, part }))
    }

    fn slopes_on_gpu(
        &self,
        inputs: [&Tensor; 3],
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let ([l, r, v], g) = (inputs.map(Tensor::storage_and_layout), grad.storage_and_layout());
        let (l, r, v) = ((cuda::array_of(&l.0)?, l.1), (cuda::array_of(&r.0)?, r.1), (cuda::array_of(&v.0)?, v.1));
        let (m, of) = self.on_gpu([l, r, v])?;
        let (_, g) = cuda::input(cuda::array_of(&g.0)?, g.1)?;
        let [dl, dr, dv] = cuda::attention::slopes(&m, &*self.lists.resident.get(&m, |m| self.lists.on(m))?, &of, &g)?;
        let tensor = |x, like: &Tensor| cuda::output_tensor(&m, x, like.shape()).map(Some);
        Ok((tensor(dl, inputs[0])?, tensor(dr, inputs[1])?, tensor(dv, inputs[2])?))
    }
}

/// The slope of the leaky ReLU.
fn leak(x: f32) -> f32 {
    if x > 0.0 { 1.0 } else { LEAK }
}

/// v . leaky_relu(l + r).
fn score(l: &[f32], r: &[f32], v: &[f32]) -> f32 {
    l.iter().zip(r).zip(v).map(|((l, r), v)| v * (l + r) * leak(l + r)).sum()
}

impl CustomOp3 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let of = Inputs { l: dense_rows(s1, l1)?.0, r: dense_rows(s2, l2)?.0, v: dense_rows(s3, l3)?.0 };
        let mut y = vec![0f32; of.r.len()];
        y.par_chunks_mut(of.v.len()).enumerate().for_each(|(receiver, to)| self.receive(of, receiver, to));
        Ok((CpuStorage::F32(y), l2.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &candle_core::CudaStorage,
        l1: &Layout,
        s2: &candle_core::CudaStorage,
        l2: &Layout,
        s3: &candle_core::CudaStorage,
        l3: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        let (m, of) = self.on_gpu([(s1, l1), (s2, l2), (s3, l3)])?;
        let y = cuda::attention::attend(&m, &*self.lists.resident.get(&m, |m| self.lists.on(m))?, &of)?;
        Ok((cuda::output(&m, y)?, l2.shape().clone()))
    }

    fn bwd(
        &self,
        senders: &Tensor,
        receivers: &Tensor,
        vector: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        #[cfg(feature = "cuda")]
        if grad.device().is_cuda() {
            return self.slopes_on_gpu([senders, receivers, vector], grad);
        }
        let flat = |x: &Tensor| x.flatten_all()?.to_vec1::<f32>();
        let (l, r, v, grad) = (flat(senders)?, flat(receivers)?, flat(vector)?, flat(grad)?);
        let [dl, dr, dv] = self.slopes(Inputs { l: &l, r: &r, v: &v }, &grad);
        let tensor = |x: Vec<f32>, like: &Tensor| Tensor::from_vec(x, like.shape(), like.device()).map(Some);
        Ok((tensor(dl, senders)?, tensor(dr, receivers)?, tensor(dv, vector)?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{D, DType, Device};

    use super::super::gradient_check::check;
    use super::*;
    use crate::stats::Rng;

    fn draw(name: &str, shape: &[usize]) -> (Vec<f32>, Tensor) {
        let mut rng = Rng::named(2, name);
        let x: Vec<f32> = (0..shape.iter().product()).map(|_| rng.normal() as f32).collect();
        (x.clone(), Tensor::from_vec(x, shape, &Device::Cpu).unwrap())
    }

    fn neighbourhoods() -> Neighbourhoods {
        Neighbourhoods::new(4, &[vec![0, 2], vec![3], vec![0, 1, 2]]).unwrap()
    }

    /// The same by gathering, with every list padded to the longest.
    fn by_tensors(of: &Neighbourhoods, [senders, receivers, vector]: [&Tensor; 3], heads: usize) -> Result<Tensor> {
        let (l, device) = (&of.lists, senders.device());
        let (n, width) = receivers.dims2()?;
        let most = l.start.windows(2).map(|r| r[1] - r[0]).max().unwrap_or(1);
        let (mut ids, mut mask) = (vec![0u32; n * most], vec![f32::NEG_INFINITY; n * most]);
        for (i, r) in l.start.windows(2).enumerate() {
            for (k, e) in (r[0]..r[1]).enumerate() {
                (ids[i * most + k], mask[i * most + k]) = (l.sender[e], 0.0);
            }
        }
        let part = width / heads;
        let mask = Tensor::from_vec(mask, (n, most, 1), device)?;
        let sent = senders.index_select(&Tensor::from_vec(ids, n * most, device)?, 0)?.reshape((n, most, width))?;
        let x = sent.broadcast_add(&receivers.unsqueeze(1)?)?;
        let leaky = (x.relu()? - (x.neg()?.relu()? * f64::from(LEAK))?)?;
        let scores = leaky.broadcast_mul(vector)?.reshape((n, most, heads, part))?.sum(D::Minus1)?;
        let shares = candle_nn::ops::softmax(&scores.broadcast_add(&mask)?, 1)?;
        let sent = sent.reshape((n, most, heads, part))?;
        sent.broadcast_mul(&shares.unsqueeze(3)?)?.sum(1)?.reshape((n, width))?.to_dtype(DType::F32)
    }

    #[test]
    fn one_operation_and_tensor_operations_agree() {
        let (l, r, v) = (draw("l", &[4, 6]).1, draw("r", &[3, 6]).1, draw("v", &[6]).1);
        for heads in [1, 2, 3] {
            let n = neighbourhoods();
            let (a, b) = (n.attend(&l, &r, &v, heads).unwrap(), by_tensors(&n, [&l, &r, &v], heads).unwrap());
            let off = (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(off < 1e-5, "{heads} heads: {off}");
        }
    }

    #[test]
    fn the_gradient_is_the_numeric_one() {
        let (l, r, v) = (draw("l", &[4, 6]), draw("r", &[3, 6]), draw("v", &[6]));
        let slope = draw("slope", &[3, 6]).1;
        let sum = |y: Result<Tensor>| (y? * &slope)?.sum_all();
        let n = neighbourhoods();
        check(&[4, 6], &l.0, |x| sum(n.attend(x, &r.1, &v.1, 2)));
        check(&[3, 6], &r.0, |x| sum(n.attend(&l.1, x, &v.1, 2)));
        check(&[6], &v.0, |x| sum(n.attend(&l.1, &r.1, x, 2)));
    }

    #[test]
    fn a_receiver_needs_a_sender() {
        assert!(Neighbourhoods::new(2, &[vec![]]).is_err());
        assert!(Neighbourhoods::new(2, &[vec![2]]).is_err());
    }
}
