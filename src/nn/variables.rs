//! The trainable tensors of a model, by name.

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, Result, Tensor, Var, bail};

use crate::stats::Rng;

/// Named trainable tensors (f32), in the order of their names.
///
/// Initial values come from a stream of [`Rng`] per name, so that they depend on the seed and the name only.
#[derive(Debug, Clone)]
pub struct Variables {
    vars: BTreeMap<String, Var>,
    seed: u64,
    device: Device,
}

impl Variables {
    /// No variable yet.
    pub fn new(seed: u64, device: &Device) -> Self {
        Self { vars: BTreeMap::new(), seed, device: device.clone() }
    }

    /// Where the tensors live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Adds a tensor of zeros and returns it: it follows every later update.
    pub fn zeros(&mut self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.add(name, &Tensor::zeros(shape, DType::F32, &self.device)?)
    }

    /// Adds a tensor of independent normal values with mean 0 and this standard deviation.
    pub fn normal(&mut self, name: &str, shape: &[usize], sd: f64) -> Result<Tensor> {
        let mut rng = Rng::named(self.seed, name);
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| (sd * rng.normal()) as f32).collect();
        self.add(name, &Tensor::from_vec(values, shape, &self.device)?)
    }

    fn add(&mut self, name: &str, values: &Tensor) -> Result<Tensor> {
        let var = Var::from_tensor(values)?;
        let tensor = var.as_tensor().clone();
        match self.vars.insert(name.to_owned(), var) {
            None => Ok(tensor),
            Some(_) => bail!("variable `{name}` was added twice"),
        }
    }

    /// Names and variables, ascending by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.vars.iter().map(|(name, var)| (name.as_str(), var))
    }

    /// Number of trainable values.
    pub fn n_values(&self) -> usize {
        self.vars.values().map(|v| v.elem_count()).sum()
    }

    /// A copy of all values, each name behind `prefix`.
    pub fn snapshot(&self, prefix: &str) -> Result<HashMap<String, Tensor>> {
        self.iter().map(|(name, var)| Ok((format!("{prefix}{name}"), var.as_tensor().copy()?))).collect()
    }

    /// Sets all values from a snapshot.
    ///
    /// # Errors
    /// A name that is missing or has another shape.
    pub fn restore(&self, prefix: &str, from: &HashMap<String, Tensor>) -> Result<()> {
        for (name, var) in self.iter() {
            let Some(saved) = from.get(&format!("{prefix}{name}")) else { bail!("tensor `{prefix}{name}` is missing") };
            if saved.dims() != var.dims() {
                bail!("tensor `{prefix}{name}`: expected shape {:?}, got {:?}", var.dims(), saved.dims());
            }
            var.set(&saved.to_device(&self.device)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(v: &Tensor) -> Vec<f32> {
        v.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn values_depend_on_seed_and_name_only() {
        let draw = |seed, name: &str| {
            let mut vars = Variables::new(seed, &Device::Cpu);
            vars.zeros("other", &[3]).unwrap();
            values(&vars.normal(name, &[4, 2], 0.5).unwrap())
        };
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
    }

    #[test]
    fn a_snapshot_is_a_copy_and_restores() {
        let mut vars = Variables::new(1, &Device::Cpu);
        let tensor = vars.normal("a", &[2, 2], 1.0).unwrap();
        let before = values(&tensor);
        let saved = vars.snapshot("v.").unwrap();
        vars.vars["a"].set(&Tensor::zeros((2, 2), DType::F32, &Device::Cpu).unwrap()).unwrap();
        assert_eq!(values(&tensor), [0.0; 4]);
        vars.restore("v.", &saved).unwrap();
        assert_eq!(values(&tensor), before);
        assert!(vars.restore("w.", &saved).is_err());
        assert!(vars.zeros("a", &[1]).is_err());
    }
}
