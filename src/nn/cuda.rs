//! Kernels of the custom operations for NVIDIA GPUs, in single precision.
//!
//! `<operation>.cu` holds the kernels of an operation, `<operation>.rs` says in which order they run. The order is written
//! for a [`Machine`]: with the feature `cuda` that is a GPU, for which NVRTC compiles the sources at run time; in tests it
//! is also the processor, for which a C++ compiler does, so that kernels, their arguments and their order are checked
//! against the operations of the CPU where there is no GPU.

pub(super) mod adamw;
pub(super) mod attention;
pub(super) mod clip;
pub(super) mod decoder;
#[cfg(feature = "cuda")]
mod gpu;
#[cfg(test)]
mod host;
pub(super) mod loss;
mod machine;
pub(super) mod rms_norm;
pub(super) mod sparse;
pub(super) mod sparse_features;

#[cfg(all(test, feature = "cuda"))]
pub(crate) use self::gpu::compile;
#[cfg(feature = "cuda")]
pub(super) use self::gpu::{Resident, array_of, input, output, output_tensor, overwrite};
pub(super) use self::machine::{Arg, Array, Grid, Machine, Value};

/// What every source follows, and all kernels, as one program.
const SOURCE: &str = concat!(
    include_str!("cuda/kernel.cuh"),
    include_str!("cuda/adamw.cu"),
    include_str!("cuda/attention.cu"),
    include_str!("cuda/clip.cu"),
    include_str!("cuda/decoder.cu"),
    include_str!("cuda/loss.cu"),
    include_str!("cuda/rms_norm.cu"),
    include_str!("cuda/sparse.cu"),
    include_str!("cuda/sparse_features.cu"),
);

#[cfg(test)]
#[cfg(feature = "cuda")]
mod device_tests;
#[cfg(test)]
mod tests;
