//! How far the stream was followed, for publishers who wait for their message to be there.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// How far the stream was followed.
#[derive(Debug, Default)]
pub(super) struct Applied(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: u64,
    /// Who waits for which number: at most as many as may publish at once.
    waiting: BTreeMap<u64, Vec<oneshot::Sender<()>>>,
}

impl Applied {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn last(&self) -> u64 {
        self.state().last
    }

    /// Begins at a number of another stream: who waits waits no longer.
    pub(super) fn begin(&self, at: u64) {
        *self.state() = State {
            last: at,
            waiting: BTreeMap::new(),
        };
    }

    /// Moves on, and ends the waits for what is reached.
    pub(super) fn reach(&self, offset: u64) {
        let mut state = self.state();
        state.last = state.last.max(offset);
        // A sender that is dropped ends its wait too.
        while let Some(first) = state.waiting.first_entry() {
            if *first.key() > offset {
                break;
            }
            first.remove();
        }
    }

    /// Waits until a number is reached, or another stream begins.
    pub(super) async fn wait_for(&self, offset: u64) {
        let (sender, reached) = oneshot::channel();
        {
            let mut state = self.state();
            if state.last >= offset {
                return;
            }
            state.waiting.entry(offset).or_default().push(sender);
        }
        // Dropped, which is an error, when it is reached.
        let _ = reached.await;
    }
}
