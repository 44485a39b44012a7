//! A road between clients and the relay that can be cut: one address, wherever the relay stands.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// A proxy that copies bytes both ways; it ends with the guard.
pub(crate) struct Road {
    pub(crate) address: SocketAddr,
    traffic: Arc<Mutex<Traffic>>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Traffic {
    /// Where the relay stands; without it clients are turned away.
    relay: Option<SocketAddr>,
    open: Vec<TcpStream>,
    copying: Vec<JoinHandle<()>>,
    over: bool,
}

impl Road {
    pub(crate) fn to(relay: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let traffic = Arc::new(Mutex::new(Traffic {
            relay: Some(relay),
            ..Traffic::default()
        }));
        let shared = Arc::clone(&traffic);
        let accepting = thread::spawn(move || {
            for client in listener.incoming() {
                let mut traffic = shared.lock().unwrap();
                if traffic.over {
                    break;
                }
                // A client that is gone, or that is turned away, tries again.
                let _ = client.and_then(|client| traffic.lead(&client));
            }
        });
        Self {
            address,
            traffic,
            accepting: Some(accepting),
        }
    }

    /// Cuts all connections; who comes is turned away.
    pub(crate) fn block(&self) {
        let mut traffic = self.traffic.lock().unwrap();
        traffic.relay = None;
        traffic.cut();
    }

    /// Turns away who comes; who is there may stay.
    pub(crate) fn keep_out(&self) {
        self.traffic.lock().unwrap().relay = None;
    }

    pub(crate) fn open_to(&self, relay: SocketAddr) {
        self.traffic.lock().unwrap().relay = Some(relay);
    }
}

impl Traffic {
    fn lead(&mut self, client: &TcpStream) -> io::Result<()> {
        let Some(address) = self.relay else {
            return Ok(());
        };
        let relay = TcpStream::connect(address)?;
        for (from, to) in [(client, &relay), (&relay, client)] {
            to.set_nodelay(true)?;
            let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
            self.open.push(from.try_clone()?);
            self.copying.push(thread::spawn(move || {
                // The end of one side is the end of the copy, whatever it ended by.
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            }));
        }
        Ok(())
    }

    fn cut(&mut self) {
        for stream in self.open.drain(..) {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        let copying = {
            let mut traffic = self.traffic.lock().unwrap();
            traffic.over = true;
            traffic.cut();
            std::mem::take(&mut traffic.copying)
        };
        for copy in copying {
            // A panic there has shown itself by what was not copied.
            let _ = copy.join();
        }
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}
