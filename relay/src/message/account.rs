//! What the messages that a channel keeps weigh in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The weight of one channel's messages, which is also counted in the weight of all channels.
///
/// Bytes are charged when a message is kept and when a form of it is made, and given back when the
/// log lets go of it. A reader that still writes such a message holds it beyond that.
#[derive(Debug, Default)]
pub struct Account {
    own: AtomicUsize,
    all: Arc<AtomicUsize>,
}

impl Account {
    /// Opens an account whose charges count in `all` too.
    #[must_use]
    pub fn within(all: &Arc<AtomicUsize>) -> Self {
        Self {
            own: AtomicUsize::new(0),
            all: Arc::clone(all),
        }
    }

    /// Gives the bytes charged and not given back.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.own.load(Ordering::Relaxed)
    }

    fn charge(&self, bytes: usize) {
        self.own.fetch_add(bytes, Ordering::Relaxed);
        self.all.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: usize) {
        self.own.fetch_sub(bytes, Ordering::Relaxed);
        self.all.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What is charged beside messages, given back when it is dropped.
#[derive(Debug)]
pub struct Beside {
    account: Arc<Account>,
    bytes: usize,
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.account.give_back(self.bytes);
    }
}

/// What one message has been charged.
#[derive(Debug)]
pub(super) struct Charged {
    account: Arc<Account>,
    bytes: AtomicUsize,
}

impl Charged {
    /// No message weighs so much: the log has let go of it, and nothing is charged any more.
    const LET_GO: usize = usize::MAX;

    pub(super) fn new(account: &Arc<Account>, bytes: usize) -> Self {
        account.charge(bytes);
        Self {
            account: Arc::clone(account),
            bytes: AtomicUsize::new(bytes),
        }
    }

    pub(super) fn add(&self, more: usize) {
        // First on the account, then on the message: what is given back was charged before.
        self.account.charge(more);
        let kept = self
            .bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bytes| {
                (bytes != Self::LET_GO).then(|| bytes + more)
            });
        if kept.is_err() {
            self.account.give_back(more);
        }
    }

    /// Charges the same account with something else.
    pub(super) fn beside(&self, bytes: usize) -> Beside {
        self.account.charge(bytes);
        Beside {
            account: Arc::clone(&self.account),
            bytes,
        }
    }

    pub(super) fn give_back(&self) {
        let bytes = self.bytes.swap(Self::LET_GO, Ordering::Relaxed);
        if bytes != Self::LET_GO {
            self.account.give_back(bytes);
        }
    }
}
