//! The command line, and a relay run by it.

use std::io::{self, IsTerminal, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

use crate::descriptors;
use crate::keep::{Keep, KeepError};
use crate::server::{Stand, bind, bind_shared, serve_as};
use crate::settings::{Settings, SettingsError};
use crate::shutdown::{Signals, stdin_ended};
use crate::state::{Role, empty_log, open_log};
use crate::store::StartError;
use crate::tls::{Tls, TlsError};

/// The exit code when the relay could not start, or not keep its log.
const FAILED: u8 = 1;
/// The exit code of flags that make no sense, as clap has it.
const USAGE: u8 = 2;

/// The flags of the relay.
#[derive(Debug, Clone, Args)]
pub struct RelayArgs {
    /// Address to listen on; port 0 takes a free one, and the first line of output names it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Address of a copy of the chat page, which is of another origin there: with and without
    /// --allow-origin, it shows what a browser makes of that
    #[arg(long, value_name = "ADDRESS")]
    pub cors_demo: Option<SocketAddr>,
    /// Threads that serve clients. One is the cheapest per message; more share the work and cost
    /// more for each
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: u16,
    /// File that carries the logs over a restart: written at a graceful stop, read and removed at the next start
    #[arg(long, value_name = "FILE")]
    pub keep: Option<PathBuf>,
    /// Let other relays of the same user listen on the same address: the kernel spreads connections over them
    #[arg(long)]
    pub reuse_port: bool,
    /// Shut down when standard input ends: a relay started by a program ends with it
    #[arg(long)]
    pub exit_with_stdin: bool,
    /// Form of the log on standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Least level that is logged: off, error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log_level: LevelFilter,
    /// Limits
    #[command(flatten)]
    pub settings: Settings,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// The reason the relay could not run.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("cannot listen on {address}: {source} (choose another address with {flag})")]
    Bind {
        address: SocketAddr,
        flag: &'static str,
        source: io::Error,
    },
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
    #[error(transparent)]
    Keep(#[from] KeepError),
    #[error(transparent)]
    Store(#[from] StartError),
}

/// Runs a relay until it is told to stop: 0 when it shut down, 1 when it could not start or not keep its log, 2 when
/// its flags contradict each other, 130 when a second signal ended it at once.
///
/// The first line on standard output is `listening on http://ADDRESS:PORT`, or `https://` where it speaks TLS.
#[must_use]
pub fn run(args: RelayArgs) -> ExitCode {
    let threads = args.threads;
    run_on(args, || runtime(threads))
}

/// The same on a runtime that `make` builds, with all of its drivers on; `--threads` counts for nothing then.
#[must_use]
pub fn run_on(args: RelayArgs, make: impl FnOnce() -> io::Result<Runtime>) -> ExitCode {
    start_log(&args);
    match run_until_stopped(args, make) {
        Ok(code) => code,
        Err(error) => {
            // Standard error is the log's: with `--log-level off` there is still an exit code.
            tracing::error!("{error}");
            ExitCode::from(
                if matches!(error, RunError::Settings(_) | RunError::Tls(_)) {
                    USAGE
                } else {
                    FAILED
                },
            )
        }
    }
}

fn run_until_stopped(
    args: RelayArgs,
    make: impl FnOnce() -> io::Result<Runtime>,
) -> Result<ExitCode, RunError> {
    let mut settings = args.settings;
    settings.check()?;
    settings.check_keep(args.keep.as_deref())?;
    for address in [args.listen].into_iter().chain(args.cors_demo) {
        settings.check_address(address)?;
    }
    descriptors::raise(&mut settings);
    let listener = bind_for("--listen", args.listen, args.reuse_port)?;
    let address = listener.local_addr()?;
    let copy = args
        .cors_demo
        .map(|address| bind_for("--cors-demo", address, args.reuse_port))
        .transpose()?;
    let beside = copy.as_ref().map(TcpListener::local_addr).transpose()?;
    if settings.open {
        tracing::warn!(%address, "open: whoever reaches this address reads and publishes on every channel");
    }
    // Before the first line of output: who reads that may read the certificate too.
    let addresses: Vec<_> = [Some(address), beside]
        .into_iter()
        .flatten()
        .map(|at| at.ip())
        .collect();
    let tls = Tls::prepare(&settings.tls, &addresses, &settings.allow_hosts)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let runtime = make()?;
    let code = runtime.block_on(async {
        let mut signals = Signals::new()?;
        let mut again = Signals::new()?;
        let stdin = args.exit_with_stdin.then(stdin_ended).transpose()?;
        let log = open_log(&settings).await?;
        let keep = Keep::take(args.keep, &log)?;
        let stop = async {
            tokio::select! {
                () = signals.next() => {}
                Some(_) = async { Some(stdin?.await) } => {}
            }
        };
        let second = async {
            again.next().await;
            again.next().await;
        };
        let stand = |role, listener, log| Stand {
            role,
            listener,
            log,
            tls: tls.clone(),
        };
        let relay = stand(Role::Relay { copy: beside }, listener, Arc::clone(&log));
        let copy = copy.map(|listener| {
            let own = empty_log(&settings);
            stand(Role::Copy { relay: address }, listener, own)
        });
        let serve = async {
            announce(scheme, address, beside)?;
            serve_both(relay, copy, settings, stop).await
        };
        let run = async {
            // Boxed: it is the largest future of all, and there is one of it.
            let served = Box::pin(serve).await;
            // Whatever ended it: the file was removed when it was read.
            let kept = Keep::write(keep, log).await;
            served?;
            kept?;
            Ok(ExitCode::SUCCESS)
        };
        tokio::select! {
            ended = run => ended,
            () = second => Ok::<_, RunError>(ExitCode::from(130)),
        }
    })?;
    runtime.shutdown_background();
    Ok(code)
}

/// Says where the relay listens, in one write: who reads only the first line may be gone before a second.
fn announce(scheme: &str, address: SocketAddr, copy: Option<SocketAddr>) -> io::Result<()> {
    let mut lines = format!("listening on {scheme}://{address}\n");
    if let Some(copy) = copy {
        lines += &format!("the chat page of another origin: {scheme}://{copy}\n");
    }
    let mut out = io::stdout();
    out.write_all(lines.as_bytes())?;
    out.flush()
}

/// Serves at both addresses, or the one there is, until `stop` is done or one of them fails.
async fn serve_both(
    relay: Stand,
    copy: Option<Stand>,
    settings: Settings,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let stopping = CancellationToken::new();
    let serve = async |stand: Option<Stand>| match stand {
        Some(stand) => serve_as(stand, settings.clone(), stopping.cancelled()).await,
        None => Ok(()),
    };
    let stop = async {
        stop.await;
        stopping.cancel();
        Ok(())
    };
    tokio::try_join!(serve(Some(relay)), serve(copy), stop).map(|_| ())
}

fn bind_for(
    flag: &'static str,
    address: SocketAddr,
    shared: bool,
) -> Result<TcpListener, RunError> {
    let bound = if shared {
        bind_shared(address)
    } else {
        bind(address)
    };
    bound.map_err(|source| RunError::Bind {
        address,
        flag,
        source,
    })
}

fn runtime(threads: u16) -> io::Result<Runtime> {
    let mut builder = if threads == 1 {
        Builder::new_current_thread()
    } else {
        Builder::new_multi_thread()
    };
    builder
        .worker_threads(usize::from(threads))
        .thread_name("relay")
        .enable_all()
        .build()
}

/// Starts the log on standard error. In tests another log may run already: then that one stays.
fn start_log(args: &RelayArgs) {
    let log = tracing_subscriber::fmt()
        .with_max_level(args.log_level)
        .with_ansi(io::stderr().is_terminal())
        // Where a line cannot be written (a full disk), neither can word of that: the attempt would panic.
        .log_internal_errors(false)
        .with_writer(io::stderr);
    // h2 is not to tell of each frame, nor the client of NATS of each attempt: the relay says itself that its store is away.
    let quiet = args.log_level.min(LevelFilter::WARN);
    let targets = Targets::new()
        .with_default(args.log_level)
        .with_targets([("h2", quiet), ("async_nats", LevelFilter::OFF)]);
    let _ = match args.log_format {
        LogFormat::Text => tracing::subscriber::set_global_default(log.finish().with(targets)),
        LogFormat::Json => {
            tracing::subscriber::set_global_default(log.json().finish().with(targets))
        }
    };
}
