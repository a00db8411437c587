//! Profiles that were made before.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::channel::Profile;
use crate::data::GeneId;

/// Bytes that are kept; what comes later is made anew each time.
const BUDGET: usize = 24 << 20;

/// Profiles by gene. Walks are what predictions cost most, and folds ask for the same genes again and again.
#[derive(Debug, Default)]
pub(super) struct Memo {
    kept: RwLock<HashMap<GeneId, Arc<Profile>>>,
    bytes: AtomicUsize,
}

impl Memo {
    /// The profile of a gene; `make` must give the same for the same gene.
    pub(super) fn get(&self, gene: GeneId, make: impl FnOnce() -> Profile) -> Arc<Profile> {
        if let Some(kept) = self.kept.read().unwrap_or_else(PoisonError::into_inner).get(&gene) {
            return Arc::clone(kept);
        }
        let mut profile = make();
        profile.shrink_to_fit();
        let profile = Arc::new(profile);
        let size = size_of_val(&profile[..]);
        if self.bytes.fetch_add(size, Ordering::Relaxed) + size <= BUDGET {
            self.kept.write().unwrap_or_else(PoisonError::into_inner).insert(gene, Arc::clone(&profile));
        }
        profile
    }
}
