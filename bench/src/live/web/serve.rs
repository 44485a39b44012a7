//! The server: a few resources, and an event stream for each viewer.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::log::Board;
use super::viewer::Stream;

/// Connections at a time: a browser opens some ahead.
const CONNECTIONS: usize = 96;
/// A request head must have come by then.
const HEAD: Duration = Duration::from_secs(10);
/// Who takes nothing for so long is cut.
const STALLED: Duration = Duration::from_secs(20);
/// Bytes that may wait for one connection.
const BUFFER: usize = 64 << 10;

const PAGE: &str = include_str!("../page/index.html");
const STYLE: &str = include_str!("../page/live.css");
/// The scripts by name, each a module.
const SCRIPTS: [(&str, &str); 4] = [
    ("/live.js", include_str!("../page/live.js")),
    ("/history.js", include_str!("../page/history.js")),
    ("/chart.js", include_str!("../page/chart.js")),
    ("/words.js", include_str!("../page/words.js")),
];
/// The report has its style and script inside, and takes the place of the page with its policy.
const POLICY: &str = include_str!("../page/policy.txt").trim_ascii();

type Reply = Response<Either<Full<Bytes>, Stream>>;

/// What every connection is served from.
pub(super) struct Server {
    pub(super) board: Arc<Board>,
    /// A permit for each viewer.
    pub(super) viewers: Arc<Semaphore>,
    /// Whether only this machine can reach it.
    pub(super) is_local: bool,
}

/// What a connection is to the server.
#[derive(Default)]
struct Guest {
    /// Kept until the connection has ended and all was sent on it.
    viewer: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Server {
    /// Serves until told to stop; then what is open is cut.
    pub(super) async fn run(
        self,
        listener: std::net::TcpListener,
        stop: CancellationToken,
    ) -> io::Result<()> {
        let listener = TcpListener::from_std(listener)?;
        let server = Arc::new(self);
        let mut connections = JoinSet::new();
        loop {
            // Cancel-safe: a connection that is not accepted stays with the kernel, a task that ended in its set.
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(_) = connections.join_next() => {}
                accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(Arc::clone(&server).connection(stream));
                    }
                    // No descriptors are left: some connection ends sooner or later.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                },
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) {
        // A viewer that is gone, or looks no more, must not keep its place.
        let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(STALLED));
        let guest = Guest::default();
        let service = service_fn(|request| {
            std::future::ready(Ok::<_, Infallible>(self.answer(&request, &guest)))
        });
        // How a connection ends is its viewer's business.
        let _ = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    fn answer(&self, request: &Request<Incoming>, guest: &Guest) -> Reply {
        if self.is_local && !names_this_machine(request) {
            // Else a page of any site could have its own name resolve to here, and read along.
            return text(
                StatusCode::MISDIRECTED_REQUEST,
                "open this page by its address, such as http://127.0.0.1\n",
            );
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "there is only GET here\n");
        }
        let path = request.uri().path();
        if let Some((_, script)) = SCRIPTS.iter().find(|(name, _)| *name == path) {
            return content(
                "text/javascript; charset=utf-8",
                Bytes::from_static(script.as_bytes()),
            );
        }
        let report = |number: &str| self.board.log().report(number.parse().ok()?);
        match path {
            "/" => {
                let report = self.board.log().whole();
                html(report.unwrap_or(Bytes::from_static(PAGE.as_bytes())))
            }
            "/live.css" => content(
                "text/css; charset=utf-8",
                Bytes::from_static(STYLE.as_bytes()),
            ),
            "/events" => self.events(request, guest),
            // Browsers ask for it, and would complain.
            "/favicon.ico" => content("image/x-icon", Bytes::new()),
            _ => match path.strip_prefix("/report/").and_then(report) {
                Some(page) => html(page),
                None => text(
                    StatusCode::NOT_FOUND,
                    "there is nothing here; the page is at /\n",
                ),
            },
        }
    }

    fn events(&self, request: &Request<Incoming>, guest: &Guest) -> Reply {
        let Ok(place) = Arc::clone(&self.viewers).try_acquire_owned() else {
            let mut reply = text(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many pages follow this run already; close one of them\n",
            );
            let headers = reply.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            return reply;
        };
        *guest.viewer.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
        let id = request.headers().get("last-event-id");
        let id = id.and_then(|id| id.to_str().ok());
        let cursor = self.board.log().resume(id);
        let stream = Stream::new(&self.board, cursor);
        let mut reply = respond("text/event-stream", Either::Right(stream));
        // When all was told the connection ends, and by that its end is known to have been sent.
        let headers = reply.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        reply
    }
}

/// Whether a request names a loopback address, as who is on this machine would.
fn names_this_machine(request: &Request<Incoming>) -> bool {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or("");
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn html(page: Bytes) -> Reply {
    content("text/html; charset=utf-8", page)
}

fn content(kind: &'static str, body: Bytes) -> Reply {
    respond(kind, Either::Left(Full::new(body)))
}

fn text(status: StatusCode, text: &'static str) -> Reply {
    let mut reply = content(
        "text/plain; charset=utf-8",
        Bytes::from_static(text.as_bytes()),
    );
    *reply.status_mut() = status;
    reply
}

fn respond(kind: &'static str, body: Either<Full<Bytes>, Stream>) -> Reply {
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}
