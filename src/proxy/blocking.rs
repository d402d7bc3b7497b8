//! Work on the store, which blocks: on threads that may, so many at a time, and not for ever.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::http::Refusal;
use crate::store::StoreError;

/// One writes and a few read at a time, whatever waits: more would only hold threads that long
/// rewrites and the ledger want.
const AT_ONCE: usize = 16;
/// A batch of the index takes some ten milliseconds; who waits this long waits for a broken disk.
const WAIT: Duration = Duration::from_secs(5);

/// The door to the store.
#[derive(Debug)]
pub(super) struct Blocking {
    places: Arc<Semaphore>,
}

impl Default for Blocking {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Blocking {
    /// Does something with the store. It is done even if the exchange ends meanwhile.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let done = async {
            let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
            let held = move || {
                let done = work();
                drop(place);
                done
            };
            tokio::task::spawn_blocking(held).await.ok()
        };
        match timeout(WAIT, done).await {
            Ok(Some(Ok(value))) => Ok(value),
            Ok(Some(Err(error))) => {
                tracing::error!(%error, "the store cannot be used: nothing leaves");
                Err(Refusal::StoreUnusable)
            }
            Ok(None) => Err(Refusal::StoreUnusable),
            Err(_elapsed) => {
                tracing::error!("the store takes too long: nothing leaves");
                Err(Refusal::StoreUnusable)
            }
        }
    }
}
