//! What runs kernels, and what it holds.

use candle_core::Result;

#[cfg(feature = "cuda")]
use super::gpu;
#[cfg(test)]
use super::host;

/// Runs kernels.
#[derive(Debug, Clone)]
pub(in crate::nn) enum Machine {
    /// A GPU.
    #[cfg(feature = "cuda")]
    Gpu(candle_core::CudaDevice),
    /// The processor.
    #[cfg(test)]
    Host(host::Program),
}

/// Numbers on a machine.
#[derive(Debug)]
pub(in crate::nn) enum Array<'a, T: Value> {
    #[cfg(feature = "cuda")]
    Owned(gpu::CudaSlice<T>),
    /// Part of a tensor.
    #[cfg(feature = "cuda")]
    View(gpu::CudaView<'a, T>),
    #[cfg(test)]
    Host(std::borrow::Cow<'a, [T]>),
}

/// What an [`Array`] holds.
pub(in crate::nn) trait Value: Copy + Default + std::fmt::Debug + 'static + OnGpu + OnHost {}

#[cfg(feature = "cuda")]
pub(super) use super::gpu::OnGpu;
#[cfg(test)]
pub(super) use super::host::OnHost;

/// Nothing more is asked of a value where there is no GPU.
#[cfg(not(feature = "cuda"))]
pub(in crate::nn) trait OnGpu {}
#[cfg(not(feature = "cuda"))]
impl<T> OnGpu for T {}

/// Nothing more is asked of a value outside tests.
#[cfg(not(test))]
pub(in crate::nn) trait OnHost {}
#[cfg(not(test))]
impl<T> OnHost for T {}

impl Value for f32 {}
impl Value for f64 {}
impl Value for u32 {}
impl Value for u64 {}

/// An array as an argument of a kernel.
pub(in crate::nn) trait Operand {
    #[cfg(feature = "cuda")]
    fn push<'b>(&'b self, to: &mut gpu::LaunchArgs<'b>) -> Result<()>;
    #[cfg(feature = "cuda")]
    fn push_mut<'b>(&'b mut self, to: &mut gpu::LaunchArgs<'b>) -> Result<()>;
    /// Type and values, as bytes.
    #[cfg(test)]
    fn bytes(&self) -> Result<(u8, Vec<u8>)>;
    /// Takes the values from the bytes.
    #[cfg(test)]
    fn set(&mut self, bytes: &[u8]);
}

impl<T: Value> Operand for Array<'_, T> {
    #[cfg(feature = "cuda")]
    fn push<'b>(&'b self, to: &mut gpu::LaunchArgs<'b>) -> Result<()> {
        gpu::push(self, to)
    }

    #[cfg(feature = "cuda")]
    fn push_mut<'b>(&'b mut self, to: &mut gpu::LaunchArgs<'b>) -> Result<()> {
        gpu::push_mut(self, to)
    }

    #[cfg(test)]
    fn bytes(&self) -> Result<(u8, Vec<u8>)> {
        host::bytes(self)
    }

    #[cfg(test)]
    fn set(&mut self, bytes: &[u8]) {
        host::set(self, bytes);
    }
}

/// An argument of a kernel, in the order of its signature.
pub(in crate::nn) enum Arg<'a> {
    /// `const T *`.
    In(&'a dyn Operand),
    /// `T *`.
    Out(&'a mut dyn Operand),
    /// `Count`.
    Count(u64),
    /// `float`.
    Number(f32),
}

impl Arg<'_> {
    pub(super) fn count(n: usize) -> Self {
        Arg::Count(n as u64)
    }
}

/// The threads of a launch.
#[derive(Debug, Clone, Copy)]
pub(in crate::nn) enum Grid {
    /// At least one thread per element.
    Elements(usize),
    /// 32 threads per row.
    Rows(usize),
}

impl Grid {
    /// Blocks and threads of a block.
    pub(super) fn size(self) -> (u32, u32) {
        match self {
            Self::Elements(n) => (n.div_ceil(256) as u32, 256),
            Self::Rows(n) => (n as u32, 32),
        }
    }
}

impl Machine {
    pub(in crate::nn) fn upload<T: Value>(&self, values: &[T]) -> Result<Array<'static, T>> {
        match self {
            #[cfg(feature = "cuda")]
            Self::Gpu(device) => gpu::upload(device, values),
            #[cfg(test)]
            Self::Host(_) => Ok(Array::Host(values.to_vec().into())),
        }
    }

    pub(in crate::nn) fn zeros<T: Value>(&self, n: usize) -> Result<Array<'static, T>> {
        match self {
            #[cfg(feature = "cuda")]
            Self::Gpu(device) => gpu::zeros(device, n),
            #[cfg(test)]
            Self::Host(_) => Ok(Array::Host(vec![T::default(); n].into())),
        }
    }

    pub(in crate::nn) fn download<T: Value>(&self, array: &Array<'static, T>) -> Result<Vec<T>> {
        match self {
            #[cfg(feature = "cuda")]
            Self::Gpu(device) => gpu::download(device, array),
            #[cfg(test)]
            Self::Host(_) => host::download(array),
        }
    }

    /// Runs a kernel; does nothing where the grid is empty.
    pub(super) fn launch(&self, kernel: &'static str, grid: Grid, args: &mut [Arg<'_>]) -> Result<()> {
        if grid.size().0 == 0 {
            return Ok(());
        }
        match self {
            #[cfg(feature = "cuda")]
            Self::Gpu(device) => gpu::launch(device, kernel, grid, args),
            #[cfg(test)]
            Self::Host(program) => program.launch(kernel, grid, args),
        }
    }

    /// Sets c to (or, where `add`, adds to it) the product of a (rows x inner) and b (inner x columns), all by rows; a
    /// flag says that a factor is given as its transpose.
    pub(super) fn matmul(
        &self,
        shape: [usize; 3],
        a: (&Array<'_, f32>, bool),
        b: (&Array<'_, f32>, bool),
        c: &mut Array<'static, f32>,
        add: bool,
    ) -> Result<()> {
        if shape.contains(&0) {
            return Ok(());
        }
        match self {
            #[cfg(feature = "cuda")]
            Self::Gpu(device) => gpu::matmul(device, shape, a, b, c, add),
            #[cfg(test)]
            Self::Host(_) => host::matmul(shape, a, b, c, add),
        }
    }
}
