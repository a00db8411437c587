//! The tokens that stand for genes.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Int32Type};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, lit};
use datafusion::scalar::ScalarValue;
use grn::io::TokenTable;

use crate::functions::wrong;

/// More tokens than this are taken for a mistake.
const MOST: usize = 1 << 24;

/// The tokens of a table of genes, a bit each: token t is bit t % 8 of byte t / 8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTokens {
    bits: Arc<[u8]>,
}

/// The same as functions of the plan get them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a>(&'a [u8]);

impl KnownTokens {
    /// These tokens; negative ones stand for nothing.
    pub fn new(tokens: impl IntoIterator<Item = i64>) -> Self {
        let mut bits = Vec::new();
        for token in tokens.into_iter().filter_map(|t| usize::try_from(t).ok()) {
            bits.resize(bits.len().max(token / 8 + 1), 0);
            bits[token / 8] |= 1u8 << (token % 8);
        }
        Self { bits: bits.into() }
    }

    /// The tokens of a table of genes.
    pub fn of(genes: &TokenTable) -> Self {
        Self::new(genes.tokens().iter().copied())
    }

    /// All tokens are below this.
    pub fn end(&self) -> u32 {
        8 * self.bits.len() as u32
    }

    /// Whether a token stands for a gene.
    pub fn has(&self, token: i64) -> bool {
        Known(&self.bits).has(token)
    }

    /// As an argument of a function of the plan. Engines repeat arguments row by row: of a dictionary only the keys.
    pub(crate) fn literal(&self) -> Expr {
        let bits = ScalarValue::LargeBinary(Some(self.bits.to_vec()));
        lit(ScalarValue::Dictionary(Box::new(DataType::Int32), Box::new(bits)))
    }
}

impl<'a> Known<'a> {
    /// The type of the argument.
    pub(crate) fn data_type() -> DataType {
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::LargeBinary))
    }

    /// From a column of at least one row, the same in all.
    pub(crate) fn read(column: &'a ArrayRef) -> Result<Self> {
        let bits = column.as_dictionary_opt::<Int32Type>().and_then(|column| {
            let bits = column.values().as_binary_opt::<i64>().filter(|values| !values.is_empty())?;
            Some(bits.value(column.key(0)?))
        });
        match bits {
            Some(bits) if bits.len() <= MOST / 8 => Ok(Self(bits)),
            Some(bits) => Err(wrong(format!("expected at most {MOST} tokens, got {}", 8 * bits.len()))),
            None => Err(wrong(format!("expected tokens as {}, got {}", Self::data_type(), column.data_type()))),
        }
    }

    /// All tokens are below this.
    pub(crate) fn end(self) -> u32 {
        8 * self.0.len() as u32
    }

    /// Whether a token stands for a gene.
    pub(crate) fn has(self, token: i64) -> bool {
        let byte = usize::try_from(token).ok().and_then(|t| self.0.get(t / 8));
        byte.is_some_and(|byte| byte >> (token % 8) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_or_not() {
        let known = KnownTokens::new([3, 8, 17, -2]);
        assert_eq!(known.end(), 24);
        let found: Vec<i64> = (-3..40).filter(|t| known.has(*t)).collect();
        assert_eq!(found, [3, 8, 17]);
        assert!(!known.has(i64::MAX) && !KnownTokens::new([]).has(0));
    }
}
