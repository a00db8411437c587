//! Kernels on a GPU, through candle's handle of the device.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::cublas::{Gemm, GemmConfig, sys::cublasOperation_t};
use candle_core::cuda_backend::cudarc::driver::{DeviceRepr, LaunchConfig, PushKernelArg, ValidAsZeroBits};
use candle_core::cuda_backend::{CudaDType, DeviceId, WrapErr, cudarc};
use candle_core::op::BackpropOp;
use candle_core::{CudaDevice, CudaStorage, Layout, Result, Shape, Storage, Tensor, bail};

pub(super) use self::cudarc::driver::{CudaSlice, CudaView, LaunchArgs};
use super::{Arg, Array, Grid, Machine, SOURCE, Value};

/// The machine of a tensor and its values, which must be contiguous f32.
pub(in crate::nn) fn input<'a>(storage: &'a CudaStorage, layout: &Layout) -> Result<(Machine, Array<'a, f32>)> {
    let Some((from, to)) = layout.contiguous_offsets() else { bail!("expected a contiguous tensor") };
    let Some(view) = storage.as_cuda_slice::<f32>()?.try_slice(from..to) else { bail!("expected {to} values") };
    Ok((Machine::Gpu(storage.device().clone()), Array::View(view)))
}

/// What an array is as the storage of a tensor.
pub(in crate::nn) fn output<T: Value + CudaDType>(machine: &Machine, array: Array<'static, T>) -> Result<CudaStorage> {
    match (machine, array) {
        (Machine::Gpu(device), Array::Owned(slice)) => Ok(CudaStorage::wrap_cuda_slice(slice, device.clone())),
        _ => bail!("expected an array of its own on a GPU"),
    }
}

/// The storage of a tensor of a GPU.
pub(in crate::nn) fn array_of(storage: &Storage) -> Result<&CudaStorage> {
    match storage {
        Storage::Cuda(storage) => Ok(storage),
        _ => bail!("expected a tensor on a GPU"),
    }
}

/// An array as a tensor that does not know how it was computed.
pub(in crate::nn) fn output_tensor(machine: &Machine, array: Array<'static, f32>, shape: &Shape) -> Result<Tensor> {
    let storage = Storage::Cuda(output(machine, array)?);
    Ok(Tensor::from_storage(storage, shape.clone(), BackpropOp::none(), false))
}

/// Runs kernels on the values of a storage in place.
pub(in crate::nn) fn overwrite(
    storage: &mut CudaStorage,
    run: impl FnOnce(&Machine, &mut Array<'static, f32>) -> Result<()>,
) -> Result<()> {
    let device = storage.device().clone();
    let slice = storage.as_cuda_slice_mut::<f32>()?;
    let none = device.alloc_zeros::<f32>(1)?;
    let mut array = Array::Owned(std::mem::replace(slice, none));
    let done = run(&Machine::Gpu(device), &mut array);
    if let Array::Owned(values) = array {
        *slice = values;
    }
    done
}

/// A constant as it lies on each GPU that has asked for it.
pub(in crate::nn) struct Resident<C>(Mutex<Vec<(DeviceId, Arc<C>)>>);

impl<C> Default for Resident<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<C> std::fmt::Debug for Resident<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resident")
    }
}

impl<C> Resident<C> {
    /// The constant on this machine, brought there the first time.
    pub(in crate::nn) fn get(&self, machine: &Machine, upload: impl FnOnce(&Machine) -> Result<C>) -> Result<Arc<C>> {
        #[allow(clippy::infallible_destructuring_match, reason = "tests have another kind of machine")]
        let device = match machine {
            Machine::Gpu(device) => device,
            #[cfg(test)]
            Machine::Host(_) => bail!("expected a GPU"),
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, constant)) = known.iter().find(|(id, _)| *id == device.id()) {
            return Ok(Arc::clone(constant));
        }
        let constant = Arc::new(upload(machine)?);
        // Each thread has a stream of its own; another one may be next to read the constant.
        device.cuda_stream().synchronize().w()?;
        known.push((device.id(), Arc::clone(&constant)));
        Ok(constant)
    }
}

/// What a GPU asks of a value.
pub(in crate::nn) trait OnGpu: DeviceRepr + ValidAsZeroBits {}
impl<T: DeviceRepr + ValidAsZeroBits> OnGpu for T {}

pub(super) fn push<'b, T: Value>(array: &'b Array<'_, T>, to: &mut LaunchArgs<'b>) -> Result<()> {
    match array {
        Array::Owned(slice) => to.arg(slice),
        Array::View(view) => to.arg(view),
        #[cfg(test)]
        Array::Host(_) => bail!("expected an array on a GPU"),
    };
    Ok(())
}

pub(super) fn push_mut<'b, T: Value>(array: &'b mut Array<'_, T>, to: &mut LaunchArgs<'b>) -> Result<()> {
    match array {
        Array::Owned(slice) => to.arg(slice),
        Array::View(_) => bail!("expected an array that may be written"),
        #[cfg(test)]
        Array::Host(_) => bail!("expected an array on a GPU"),
    };
    Ok(())
}

pub(super) fn upload<T: Value>(device: &CudaDevice, values: &[T]) -> Result<Array<'static, T>> {
    if values.is_empty() {
        return zeros(device, 0);
    }
    Ok(Array::Owned(device.clone_htod(values)?))
}

/// Nothing is allocated as one value: CUDA refuses empty allocations.
pub(super) fn zeros<T: Value>(device: &CudaDevice, n: usize) -> Result<Array<'static, T>> {
    Ok(Array::Owned(device.alloc_zeros(n.max(1))?))
}

pub(super) fn download<T: Value>(device: &CudaDevice, array: &Array<'static, T>) -> Result<Vec<T>> {
    match array {
        Array::Owned(slice) => device.clone_dtoh(slice),
        Array::View(view) => device.clone_dtoh(view),
        #[cfg(test)]
        Array::Host(_) => bail!("expected an array on a GPU"),
    }
}

/// All kernels as PTX, compiled once by NVRTC for any GPU it knows; the driver makes machine code of it.
pub(crate) fn compile() -> Result<&'static str> {
    static PTX: OnceLock<std::result::Result<String, String>> = OnceLock::new();
    let compiled = || cudarc::nvrtc::compile_ptx(SOURCE).map(|ptx| ptx.to_src()).map_err(|e| e.to_string());
    match PTX.get_or_init(compiled) {
        Ok(ptx) => Ok(ptx),
        Err(reason) => bail!("the CUDA kernels do not compile: {reason}"),
    }
}

#[allow(unsafe_code, reason = "a kernel cannot be launched otherwise")]
pub(super) fn launch(device: &CudaDevice, kernel: &'static str, grid: Grid, args: &mut [Arg<'_>]) -> Result<()> {
    let function = device.get_or_load_custom_func(kernel, "grn", compile()?)?;
    let mut launch = function.builder();
    for arg in args {
        match arg {
            Arg::In(array) => array.push(&mut launch)?,
            Arg::Out(array) => array.push_mut(&mut launch)?,
            Arg::Count(n) => _ = launch.arg(&*n),
            Arg::Number(x) => _ = launch.arg(&*x),
        }
    }
    let (blocks, threads) = grid.size();
    let config = LaunchConfig { grid_dim: (blocks, 1, 1), block_dim: (threads, 1, 1), shared_mem_bytes: 0 };
    // SAFETY: number, order, types and constness of the arguments are those of the kernel's signature, and what it reads
    // and writes lies within them: the tests run the same launches on the processor, which checks both.
    unsafe { launch.launch(config) }.w()?;
    Ok(())
}

/// cuBLAS knows columns where we have rows: it is given c' = b' a'.
#[allow(unsafe_code, reason = "cuBLAS cannot be called otherwise")]
pub(super) fn matmul(
    device: &CudaDevice,
    [rows, inner, columns]: [usize; 3],
    (a, a_transposed): (&Array<'_, f32>, bool),
    (b, b_transposed): (&Array<'_, f32>, bool),
    c: &mut Array<'static, f32>,
    add: bool,
) -> Result<()> {
    let (a, b) = (view(a)?, view(b)?);
    let Array::Owned(c) = c else { bail!("expected an array of its own on a GPU") };
    if a.len() < rows * inner || b.len() < inner * columns || c.len() < rows * columns {
        bail!("product of {rows} x {inner} and {inner} x {columns}: too few values");
    }
    let flag = |transposed| if transposed { cublasOperation_t::CUBLAS_OP_T } else { cublasOperation_t::CUBLAS_OP_N };
    let config = GemmConfig {
        transa: flag(b_transposed),
        transb: flag(a_transposed),
        m: columns as i32,
        n: rows as i32,
        k: inner as i32,
        alpha: 1.0f32,
        lda: if b_transposed { inner } else { columns } as i32,
        ldb: if a_transposed { rows } else { inner } as i32,
        beta: if add { 1.0 } else { 0.0 },
        ldc: columns as i32,
    };
    // SAFETY: all three matrices have as many values as their sizes say.
    unsafe { device.cublas_handle().gemm(config, &b, &a, c) }.w()?;
    Ok(())
}

fn view<'a>(array: &'a Array<'_, f32>) -> Result<CudaView<'a, f32>> {
    match array {
        Array::Owned(slice) => Ok(slice.as_view()),
        Array::View(view) => Ok(view.slice(..)),
        #[cfg(test)]
        Array::Host(_) => bail!("expected an array on a GPU"),
    }
}
