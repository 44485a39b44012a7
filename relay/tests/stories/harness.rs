//! A relay on a thread of its own, and clients that see bytes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use relay::Settings;
use rustls::ClientConfig;
use tokio_util::sync::CancellationToken;

use crate::wire::{Certificate, Wire, wrap};

/// A running relay; it shuts down with the guard.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    /// How its clients speak TLS, where they do.
    client: Option<Arc<ClientConfig>>,
    /// What the relay is known by; its files go with it.
    certificate: Option<Certificate>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    pub(crate) fn start() -> Self {
        Self::with(|_| ())
    }

    /// Starts a relay with other settings than the defaults.
    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            grace: Duration::from_secs(2),
            // All clients come from one address.
            // The names that the stories call it by.
            allow_hosts: ["relay", "r", "me"].map(str::to_owned).into(),
            ..Settings::default()
        };
        change(&mut settings);
        settings.check().unwrap();
        let listener = relay::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime
                .block_on(relay::serve(listener, settings, stopped.cancelled_owned()))
                .unwrap();
        });
        Self {
            address,
            stop,
            client: None,
            certificate: None,
            thread: Some(thread),
        }
    }

    /// Starts a relay that speaks TLS, to clients of version 1.3 or 1.2.
    pub(crate) fn secure(old: bool, change: impl FnOnce(&mut Settings)) -> Self {
        let certificate = Certificate::make();
        let mut relay = Self::with(|settings| {
            certificate.give(settings);
            change(settings);
        });
        relay.client = Some(certificate.client(old, &["http/1.1"]));
        relay.certificate = Some(certificate);
        relay
    }

    /// What its clients speak TLS by, and what they offer to speak in it.
    pub(crate) fn client_config(&self, protocols: &[&str]) -> Arc<ClientConfig> {
        self.certificate.as_ref().unwrap().client(false, protocols)
    }

    pub(crate) fn connect(&self) -> Client {
        let mut client = Client::plain(self.address);
        if let (Some(config), Wire::Plain(stream)) = (&self.client, &client.stream) {
            client.stream = wrap(stream.try_clone().unwrap(), config, "localhost");
        }
        client
    }

    /// Connects and sends bytes.
    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) -> Client {
        let mut client = self.connect();
        client.send(bytes);
        client
    }

    /// Asks once and gives the answer, head and body, with its date masked.
    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> String {
        self.send(request).answer()
    }

    pub(crate) fn get(&self, path: &str) -> Client {
        self.send(get(path))
    }

    /// Publishes on channel `a` and gives the position.
    pub(crate) fn publish(&self, json: &str) -> String {
        self.publish_to("a", json)
    }

    pub(crate) fn publish_to(&self, channel: &str, json: &str) -> String {
        let answer = self.ask(post(&format!("/channels/{channel}/messages"), json));
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        answer.rsplit('"').nth(1).unwrap().to_owned()
    }

    /// The epoch of channel `a`.
    pub(crate) fn epoch(&self) -> String {
        let answer = self.get("/channels/a/messages").answer();
        let next = answer
            .split("relay-next: ")
            .nth(1)
            .unwrap_or_else(|| panic!("no position: {answer}"));
        next.split('-').next().unwrap().to_owned()
    }

    /// Waits until `/metrics` holds a line.
    pub(crate) fn counts(&self, line: &str) {
        let mut text = String::new();
        for _ in 0..200 {
            text = self.get("/metrics").answer();
            if text.lines().any(|found| found == line) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{line} not in {text}");
    }

    /// Begins to shut down.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Shuts down and waits for the end.
    pub(crate) fn join(mut self) {
        self.stop();
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                std::thread::panicking() || ended.is_ok(),
                "the relay panicked"
            );
        }
    }
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

pub(crate) fn post(path: &str, json: &str) -> String {
    let length = json.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{json}"
    )
}

/// A connection, and what of it was read too early.
pub(crate) struct Client {
    pub(crate) stream: Wire,
    rest: Vec<u8>,
}

impl Client {
    /// Connects without TLS.
    pub(crate) fn plain(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self::new(Wire::Plain(stream))
    }

    pub(crate) fn new(stream: Wire) -> Self {
        Self {
            stream,
            rest: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Reads one answer with its body by length.
    pub(crate) fn answer(&mut self) -> String {
        let head = self.head();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let body = self.take(length.map_or(0, |length| length.parse().unwrap()));
        head + &String::from_utf8(body).unwrap()
    }

    /// Reads the head of an answer and masks its date.
    pub(crate) fn head(&mut self) -> String {
        let head = self.until("\r\n\r\n");
        let masked = head.split_inclusive("\r\n").map(|line| {
            if line.starts_with("date: ") {
                "date: DATE\r\n"
            } else {
                line
            }
        });
        masked.collect()
    }

    /// Reads up to and with some text.
    pub(crate) fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self
                .rest
                .windows(text.len())
                .position(|window| window == text.as_bytes())
            {
                return String::from_utf8_lossy(&self.take(at + text.len())).into_owned();
            }
            let got = self.fill();
            assert!(
                got > 0,
                "closed before {text:?}: {:?}",
                String::from_utf8_lossy(&self.rest)
            );
        }
    }

    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        while self.rest.len() < count {
            assert!(
                self.fill() > 0,
                "closed after {:?}",
                String::from_utf8_lossy(&self.rest)
            );
        }
        self.rest.drain(..count).collect()
    }

    /// Reads what is left until the relay closes. A reset is an end too.
    pub(crate) fn until_closed(&mut self) -> String {
        while self.fill() > 0 {}
        String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned()
    }

    /// Reads until the relay closes or has nothing more to say.
    pub(crate) fn until_closed_or_silent(&mut self) -> String {
        while !self.is_silent() && self.fill() > 0 {}
        String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned()
    }

    /// Tells the relay that nothing more comes.
    pub(crate) fn finish(&mut self) {
        self.stream.finish();
    }

    /// Nothing comes for a short while.
    pub(crate) fn is_silent(&mut self) -> bool {
        let wait = |stream: &Wire, time| stream.tcp().set_read_timeout(Some(time)).unwrap();
        wait(&self.stream, Duration::from_millis(60));
        let mut buffer = [0; 4096];
        let read = match &mut self.stream {
            Wire::Plain(stream) => stream.peek(&mut [0]).map(|_| 0),
            // What comes is kept: through TLS there is no looking without taking.
            tls @ Wire::Tls(_) => tls.read(&mut buffer),
        };
        wait(&self.stream, Duration::from_secs(5));
        self.rest
            .extend_from_slice(&buffer[..*read.as_ref().unwrap_or(&0)]);
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    fn fill(&mut self) -> usize {
        let mut buffer = [0; 65536];
        match self.stream.read(&mut buffer) {
            Ok(count) => {
                self.rest.extend_from_slice(&buffer[..count]);
                count
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!(
                    "the relay is silent after {:?}",
                    String::from_utf8_lossy(&self.rest)
                )
            }
            Err(_) => 0,
        }
    }
}

/// A client's side of a WebSocket, as bytes.
pub(crate) struct Web(pub(crate) Client);

/// The handshake of RFC 6455, with its own key.
pub(crate) const HANDSHAKE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

impl Web {
    pub(crate) fn open(relay: &Relay, query: &str) -> Self {
        let mut client = relay.send(format!(
            "GET /channels/a/socket{query} HTTP/1.1\r\nHost: relay\r\n{HANDSHAKE}\r\n"
        ));
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        Self(client)
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.frame(0x81, text.as_bytes());
    }

    /// Sends one masked frame.
    pub(crate) fn frame(&mut self, first: u8, payload: &[u8]) {
        self.0.send(frame(first, payload));
    }

    /// Reads one frame: its first byte and its payload.
    pub(crate) fn next(&mut self) -> (u8, Vec<u8>) {
        let head = self.0.take(2);
        let length = match head[1] {
            126 => u16::from_be_bytes(self.0.take(2).try_into().unwrap()).into(),
            127 => usize::try_from(u64::from_be_bytes(self.0.take(8).try_into().unwrap())).unwrap(),
            short => usize::from(short),
        };
        (head[0], self.0.take(length))
    }

    pub(crate) fn next_text(&mut self) -> String {
        let (first, payload) = self.next();
        assert_eq!(first, 0x81, "{payload:?}");
        String::from_utf8(payload).unwrap()
    }

    /// Reads a close frame and the end; gives the code.
    pub(crate) fn closed(&mut self) -> u16 {
        let (first, payload) = self.next();
        assert_eq!(first, 0x88, "{:?}", String::from_utf8_lossy(&payload));
        self.0.finish();
        assert_eq!(self.0.until_closed(), "");
        u16::from_be_bytes([payload[0], payload[1]])
    }
}

/// Makes a masked frame.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [7, 1, 9, 4];
    let mut out = vec![first];
    match payload.len() {
        short @ 0..=125 => out.push(0x80 | u8::try_from(short).unwrap()),
        medium @ 126..=0xffff => {
            out.push(0xfe);
            out.extend(u16::try_from(medium).unwrap().to_be_bytes());
        }
        long => {
            out.push(0xff);
            out.extend(u64::try_from(long).unwrap().to_be_bytes());
        }
    }
    out.extend(mask);
    out.extend(
        payload
            .iter()
            .enumerate()
            .map(|(at, byte)| byte ^ mask[at % 4]),
    );
    out
}
