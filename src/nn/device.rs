//! Where tensors live.

pub use candle_core::Device;

use super::NnError;

/// The device of `auto`, `cpu`, `cuda` or `cuda:N`.
///
/// `auto` is the first GPU where this build can use one, else the CPU. Only the CPU gives the same bits on every machine.
///
/// # Errors
/// [`NnError::BadDevice`]; [`NnError::NoCuda`] where the build has no CUDA or the GPU does not answer.
///
/// ```
/// assert!(grn::nn::parse_device("cpu")?.is_cpu());
/// assert!(grn::nn::parse_device("gpu").is_err());
/// # Ok::<(), grn::nn::NnError>(())
/// ```
pub fn parse_device(text: &str) -> Result<Device, NnError> {
    match text {
        "cpu" => Ok(Device::Cpu),
        "auto" => Ok(Device::cuda_if_available(0).unwrap_or(Device::Cpu)),
        "cuda" => cuda(text, 0),
        _ => match text.strip_prefix("cuda:").and_then(|n| n.parse().ok()) {
            Some(ordinal) => cuda(text, ordinal),
            None => Err(NnError::BadDevice { text: text.to_owned() }),
        },
    }
}

fn cuda(text: &str, ordinal: usize) -> Result<Device, NnError> {
    if !candle_core::utils::cuda_is_available() {
        let reason = "this build has no CUDA\n  expected a build with `--features cuda`, got the CPU build".to_owned();
        return Err(NnError::NoCuda { text: text.to_owned(), reason });
    }
    Device::new_cuda(ordinal).map_err(|e| NnError::NoCuda { text: text.to_owned(), reason: e.to_string() })
}

/// `cpu` or `cuda`, as manifests write it.
pub fn device_name(device: &Device) -> &'static str {
    if device.is_cuda() { "cuda" } else { "cpu" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices_are_read() {
        assert!(parse_device("cpu").unwrap().is_cpu());
        assert!(parse_device("auto").is_ok());
        for text in ["", "gpu", "cuda:", "cuda:x", "CPU"] {
            assert!(matches!(parse_device(text), Err(NnError::BadDevice { .. })), "{text}");
        }
        if !candle_core::utils::cuda_is_available() {
            let error = parse_device("cuda:1").unwrap_err();
            assert!(error.to_string().contains("--features cuda"), "{error}");
        }
    }
}
