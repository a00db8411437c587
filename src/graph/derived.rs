//! What others make of a graph and want to make once.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::GeneGraph;

/// One value per type; clones of a graph share them.
#[derive(Clone, Default)]
pub(super) struct Derived(Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>);

impl fmt::Debug for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Derived")
    }
}

impl GeneGraph {
    /// What `make` makes of this graph, made at the first call with this type and kept as long as the graph and its clones.
    ///
    /// ```
    /// use grn::graph::GraphBuilder;
    /// struct Edges(usize);
    /// let graph = GraphBuilder::new().build();
    /// let first = graph.derived(|g| Edges(g.n_edges()));
    /// assert!(std::sync::Arc::ptr_eq(&first, &graph.clone().derived(|_| Edges(9))));
    /// ```
    pub fn derived<T: Any + Send + Sync>(&self, make: impl FnOnce(&Self) -> T) -> Arc<T> {
        let lock = || self.derived.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = |all: &HashMap<TypeId, Arc<dyn Any + Send + Sync>>| {
            all.get(&TypeId::of::<T>()).and_then(|kept| Arc::clone(kept).downcast::<T>().ok())
        };
        if let Some(kept) = found(&lock()) {
            return kept;
        }
        // Made without the lock: making may take long, and may derive something else.
        let made = Arc::new(make(self));
        let mut all = lock();
        found(&all).unwrap_or_else(|| {
            all.insert(TypeId::of::<T>(), Arc::clone(&made) as Arc<dyn Any + Send + Sync>);
            made
        })
    }
}
