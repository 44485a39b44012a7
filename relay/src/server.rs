//! The server: a bound listener, a stop signal, and every task between them.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::access::{Connections, Rate};
use crate::connection::{self, watch_for_panic};
use crate::log::Log;
use crate::settings::Settings;
use crate::state::{Role, State, empty_log, open_log};
use crate::tls::Tls;

/// Handshakes the kernel finishes ahead of us. A shorter list drops connections in a storm of
/// them, and each dropped one comes back only after a second.
const BACKLOG: i32 = 4096;
/// How often the log says that clients cannot be accepted: it is tried twenty times a second.
const COMPLAINT: Duration = Duration::from_secs(5);
/// Clients that are turned away at the same time with an answer; more are turned away without.
const REFUSALS: usize = 256;
/// As many of these as one address may take.
const REFUSALS_OF_ONE: usize = 64;
/// Bytes that the kernel takes for a client beyond those it has sent already. What a slow reader holds
/// there is bounded by it; the kernel's own bound is megabytes, of which a third must be read before a write goes on.
const UNSENT: u32 = 128 * 1024;

/// Binds a listener of the backlog the relay needs.
///
/// # Errors
/// What the kernel says: the address is in use, not ours, or not allowed.
pub fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    listen(address, false)
}

/// The same on an address that several processes of one user listen on at once: the kernel spreads connections over them.
pub(crate) fn bind_shared(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    listen(address, true)
}

fn listen(address: SocketAddr, shared: bool) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Runs a relay on a bound, non-blocking listener until `stop` is done.
///
/// Then it stops accepting, ends what is open in the way of each transport, and cuts what is
/// still open after the grace period. All its tasks have ended when it returns.
///
/// # Errors
/// When the runtime cannot take the listener, [`Settings::tls`] names no usable certificate, or [`Settings::store`] cannot
/// be followed.
pub async fn serve(
    listener: std::net::TcpListener,
    settings: Settings,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let role = Role::Relay { copy: None };
    let stand = Stand::new(role, listener, &settings).await?;
    serve_as(stand, settings, stop).await
}

/// Runs, in place of a relay, a server whose every address is a WebSocket that gives each message back.
///
/// All else is the relay's: handshake, frames, limits, heartbeats, deadlines, shutdown. So suites that
/// test a WebSocket by its echo test the relay's. A message is at most `max_body` and 1 KiB long, as
/// the relay's longest frame is. Origins are not judged, and there are no channels.
///
/// # Errors
/// When the runtime cannot take the listener, or [`Settings::tls`] names no usable certificate.
pub async fn serve_echo(
    listener: std::net::TcpListener,
    settings: Settings,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let stand = Stand::new(Role::Echo, listener, &settings).await?;
    serve_as(stand, settings, stop).await
}

/// Where a server stands, as what, with which log, and by which certificate it is known.
///
/// The log may hold something: it belongs to the caller again when the server has stopped, and everything that was
/// acknowledged is in it.
pub(crate) struct Stand {
    pub(crate) role: Role,
    pub(crate) listener: std::net::TcpListener,
    pub(crate) log: Arc<Log>,
    pub(crate) tls: Option<Tls>,
}

impl Stand {
    /// Prepares the certificate that the settings ask for, and the log.
    async fn new(
        role: Role,
        listener: std::net::TcpListener,
        settings: &Settings,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?.ip();
        let tls = Tls::prepare(&settings.tls, &[address], &settings.allow_hosts)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let log = match role {
            Role::Relay { .. } => open_log(settings).await.map_err(io::Error::other)?,
            Role::Copy { .. } | Role::Echo => empty_log(settings),
        };
        Ok(Self {
            role,
            listener,
            log,
            tls,
        })
    }
}

/// The same for any role.
pub(crate) async fn serve_as(
    stand: Stand,
    settings: Settings,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let Stand {
        role,
        listener,
        log,
        tls,
    } = stand;
    let address = listener.local_addr()?;
    let options = SockRef::from(&listener);
    // Connections inherit both. A peer that has vanished acknowledges nothing, whatever transport it used.
    options.set_tcp_notsent_lowat(UNSENT)?;
    options.set_tcp_user_timeout(Some(settings.pong_deadline))?;
    let listener = TcpListener::from_std(listener)?;
    let state = Arc::new(State::new(settings, address, role, log, tls));
    let rate = state
        .settings
        .request_rate_per_address
        .map_or_else(Rate::usual, Rate::new);
    let mut server = Server {
        slots: Connections::new(
            state.settings.max_connections,
            state.settings.max_connections_per_address,
            rate,
        ),
        // With turns of their own: being refused costs no turn of those who are served.
        refusals: Connections::new(REFUSALS, REFUSALS_OF_ONE, rate),
        complained: None,
        tasks: JoinSet::new(),
        state,
    };
    let tables = [server.slots.clone(), server.refusals.clone()];
    server.tasks.spawn(sweep(Arc::clone(&server.state), tables));
    let mut stop = pin!(stop);
    loop {
        // Cancel-safe: a connection that is not accepted stays with the kernel, and a task that
        // has ended stays in its set.
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(ended) = server.tasks.join_next() => watch_for_panic(ended),
            accepted = listener.accept() => server.take(accepted).await,
        }
    }
    drop(listener);
    server.drain().await;
    Ok(())
}

/// A running relay's tasks and slots.
struct Server {
    state: Arc<State>,
    slots: Connections,
    refusals: Connections,
    /// When it last said that it cannot accept.
    complained: Option<Instant>,
    /// Every task of the relay: none outlives the set.
    tasks: JoinSet<()>,
}

impl Server {
    async fn take(&mut self, accepted: io::Result<(TcpStream, SocketAddr)>) {
        match accepted {
            Ok((stream, peer)) => self.begin(stream, peer.ip()),
            Err(error) if is_of_one_client(&error) => {}
            Err(error) => {
                // Most likely there are no descriptors left: waiting lets some connection end.
                if self.complained.is_none_or(|at| at.elapsed() >= COMPLAINT) {
                    tracing::warn!(%error, "cannot accept: clients wait");
                    self.complained = Some(Instant::now());
                }
                sleep(Duration::from_millis(50)).await;
            }
        }
    }

    fn begin(&mut self, stream: TcpStream, address: IpAddr) {
        let slot = self.slots.take(address);
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "the client is gone already");
            return;
        }
        let state = Arc::clone(&self.state);
        match slot {
            Ok(slot) => {
                self.tasks.spawn(connection::run(stream, state, slot));
            }
            Err(full) => match self.refusals.take(address) {
                Ok(slot) => {
                    self.tasks
                        .spawn(connection::refuse(stream, state, full, slot));
                }
                Err(_) => connection::turn_away(&self.state, full),
            },
        }
    }

    /// Ends everything that is open.
    async fn drain(mut self) {
        let open = || self.state.metrics.open_connections();
        tracing::info!(connections = open(), "shutting down");
        self.state.stop.cancel();
        self.state.log.close();
        let ended = async {
            while let Some(ended) = self.tasks.join_next().await {
                watch_for_panic(ended);
            }
        };
        if timeout(self.state.settings.grace, ended).await.is_err() {
            tracing::warn!(connections = open(), "cut after the grace period");
            self.tasks.shutdown().await;
        }
        tracing::info!("shut down");
    }
}

/// Drops old messages, idle channels and what is remembered of addresses until the relay stops.
async fn sweep(state: Arc<State>, tables: [Connections; 2]) {
    let pause = state.settings.channel_idle.min(state.settings.ring_age) / 4;
    let mut ticks = interval(pause.clamp(Duration::from_millis(50), Duration::from_secs(30)));
    let stop = state.stop.clone();
    let sweeping = async {
        loop {
            ticks.tick().await;
            state.log.sweep(state.settings.channel_idle);
            for table in &tables {
                table.forget();
            }
        }
    };
    let _ = stop.run_until_cancelled(sweeping).await;
}

/// Tells errors of one connection from those of the listener.
fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}
