//! A link to a server that can be cut: nothing goes through then, and nobody is told.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A link; it ends with the guard.
pub(crate) struct Link {
    pub(crate) address: SocketAddr,
    open: Arc<watch::Sender<bool>>,
    _task: JoinSet<()>,
}

impl Link {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = Arc::new(watch::Sender::new(true));
        let mut task = JoinSet::new();
        let sender = Arc::clone(&open);
        task.spawn(async move {
            let mut halves = JoinSet::new();
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let mut may = sender.subscribe();
                may.wait_for(|open| *open).await.unwrap();
                let Ok(far) = TcpStream::connect(server).await else {
                    continue;
                };
                let (near, far) = (near.into_split(), far.into_split());
                halves.spawn(carry(near.0, far.1, sender.subscribe()));
                halves.spawn(carry(far.0, near.1, sender.subscribe()));
            }
        });
        Self {
            address,
            open,
            _task: task,
        }
    }

    pub(crate) fn cut(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.open.send_replace(true);
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut open: watch::Receiver<bool>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if open.wait_for(|open| *open).await.is_err()
            || to.write_all(&bytes[..count]).await.is_err()
        {
            return;
        }
    }
}
