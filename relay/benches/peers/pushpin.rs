//! Pushpin, a proxy that holds connections for an origin, and the tiny origin that it asks what to do with each.
//!
//! The origin answers by GRIP: hold this connection, for that channel. Pushpin needs zurl, which asks for it, and Debian's
//! zurl asks no origin on loopback unless its configuration lets it: so it is started here, and not by Pushpin.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::servers::{CLIENT, pin};

const PUSHPIN: &str = "/usr/bin/pushpin";
const CONDURE: &str = "/usr/bin/condure";
const ZURL: &str = "/usr/bin/zurl";
/// The programs that must be there.
pub(crate) const NEEDED: [&str; 3] = [PUSHPIN, CONDURE, ZURL];

/// The origin, on a thread of its own and the core of the client; it ends with this value.
pub(crate) struct Origin {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    /// How many requests it has answered.
    answered: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Origin {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("invariant: bound");
        let over = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicUsize::new(0));
        let (ends, count) = (Arc::clone(&over), Arc::clone(&answered));
        let serve = move || {
            pin(&[CLIENT]);
            for stream in listener.incoming().flatten() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                // A request that is not whole is nobody's: whoever subscribes sees that no answer comes.
                let _ = answer(stream);
                count.fetch_add(1, Ordering::Relaxed);
            }
        };
        Self {
            address,
            over,
            answered,
            thread: Some(std::thread::spawn(serve)),
        }
    }

    /// Waits until so many requests are answered, or five seconds have passed.
    pub(crate) fn wait_for(&self, count: usize) {
        for _ in 0..10_000 {
            if self.answered() >= count {
                return;
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// Counts the requests that are answered.
    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let woken = TcpStream::connect(self.address).is_ok();
        if let (true, Some(thread)) = (woken, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

/// Starts all of Pushpin, with its files in a folder; clients come to the first address, messages to the second.
pub(crate) fn start(
    folder: &Path,
    (clients, publish): (SocketAddr, SocketAddr),
) -> (Vec<Child>, Origin) {
    let origin = Origin::start();
    let at = folder.display();
    let [log, run] = ["log", "run"].map(|name| folder.join(name));
    fs::create_dir(log).expect("the folder is ours");
    fs::create_dir(run).expect("the folder is ours");
    let write = |name: &str, text: String| {
        let file = folder.join(name);
        fs::write(&file, text).expect("the folder is ours");
        format!("--config={}", file.display())
    };
    write("routes", format!("* {},over_http\n", origin.address));
    // Its packaged limits let 2,500 deliveries a second pass.
    let pushpin = write(
        "pushpin.conf",
        format!(
            "[global]\ninclude={{libdir}}/internal.conf\nrundir={at}/run\nipc_prefix=p-\nport_offset=0\n\
             [runner]\nservices=condure,pushpin-proxy,pushpin-handler\nhttp_port={clients}\nlogdir={at}/log\n\
             log_level=0\nclient_buffer_size=8192\nclient_maxconn=19000\n\
             [proxy]\nroutesfile=routes\nupdates_check=off\nzurl_out_specs=ipc://{at}/run/zurl-in\n\
             zurl_out_stream_specs=ipc://{at}/run/zurl-in-stream\nzurl_in_specs=ipc://{at}/run/zurl-out\n\
             [handler]\npush_in_spec=ipc://{at}/run/push-in\npush_in_sub_specs=ipc://{at}/run/push-in-sub\n\
             push_in_sub_connect=false\npush_in_http_addr={}\npush_in_http_port={}\n\
             push_in_http_max_headers_size=10000\npush_in_http_max_body_size=1000000\n\
             stats_spec=ipc://{at}/run/stats\ncommand_spec=ipc://{at}/run/command\n\
             message_rate=1000000000\nmessage_hwm=1000000000\n",
            publish.ip(),
            publish.port()
        ),
    );
    let zurl = write(
        "zurl.conf",
        format!(
            "[General]\nin_spec=ipc://{at}/run/zurl-in\nin_stream_spec=ipc://{at}/run/zurl-in-stream\n\
             out_spec=ipc://{at}/run/zurl-out\nin_req_spec=\ndefpolicy=allow\nallow=\ndeny=\n\
             max_open_requests=2000\nbuffer_size=200000\ntimeout=600\nin_hwm=100000\nout_hwm=100000\n"
        ),
    );
    let run = |program: &str, config: String| {
        let mut command = Command::new(program);
        let quiet = command
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        quiet.stderr(Stdio::null()).spawn().expect("it starts")
    };
    (vec![run(ZURL, zurl), run(PUSHPIN, pushpin)], origin)
}

/// Tells Pushpin to hold the connection it asks for, and for which channel.
fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let (mut seen, mut bytes) = (Vec::new(), [0; 4096]);
    let end = loop {
        if let Some(end) = memchr::memmem::find(&seen, b"\r\n\r\n") {
            break end + 4;
        }
        match stream.read(&mut bytes)? {
            0 => return Ok(()),
            count => seen.extend_from_slice(&bytes[..count]),
        }
    };
    let head = String::from_utf8_lossy(&seen[..end]).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.parse().ok()).flatten()
    });
    while seen.len() - end < length.unwrap_or(0) {
        match stream.read(&mut bytes)? {
            0 => return Ok(()),
            count => seen.extend_from_slice(&bytes[..count]),
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (kind, channel) = path[1..].split_once('/').unwrap_or_default();
    let hold = |form: &str, how: &str| {
        (
            format!(
                "Content-Type: {form}\r\nGrip-Hold: {how}\r\nGrip-Channel: {channel}\r\nGrip-Timeout: 600\r\n"
            ),
            String::new(),
        )
    };
    let (fields, body) = match kind {
        "sse" => hold("text/event-stream", "stream"),
        "raw" => hold("text/plain", "stream"),
        "lp" => hold("text/plain", "response"),
        // A WebSocket comes as events in the body of a request, and is answered by events: it opens, and subscribes.
        _ => {
            let subscribe = format!("c:{{\"type\":\"subscribe\",\"channel\":\"{channel}\"}}");
            let opens = if seen[end..].starts_with(b"OPEN") {
                format!("OPEN\r\nTEXT {:x}\r\n{subscribe}\r\n", subscribe.len())
            } else {
                String::new()
            };
            let fields = "Content-Type: application/websocket-events\r\nSec-WebSocket-Extensions: grip; message-prefix=\"\"\r\n";
            (fields.to_owned(), opens)
        }
    };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// What publishes a message to the WebSockets of a channel.
pub(crate) fn publish(channel: &str, payload: &str) -> String {
    let content = payload.replace('"', "\\\"");
    let body = format!(
        "{{\"items\":[{{\"channel\":\"{channel}\",\"formats\":{{\"ws-message\":{{\"content\":\"{content}\"}}}}}}]}}"
    );
    format!(
        "POST /publish/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
