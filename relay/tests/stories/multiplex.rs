//! A client of HTTP/2: many requests at once on one connection, by the `h2` crate.

use std::future::{Future, poll_fn};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::ext::Protocol;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Method, Request};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{Relay, frame};

const PATIENCE: Duration = Duration::from_secs(10);

/// Tells a story whose client does several things at once, within bounds.
pub(crate) fn tell(story: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { timeout(PATIENCE * 3, story).await.unwrap() });
}

/// Connects and shakes hands for HTTP/2.
pub(crate) async fn connect(relay: &Relay) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(relay.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let connector = TlsConnector::from(relay.client_config(&["h2", "http/1.1"]));
    let name = "localhost".try_into().unwrap();
    let stream = connector.connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    stream
}

/// One connection, driven until it ends.
pub(crate) struct Mux {
    pub(crate) requests: SendRequest<Bytes>,
    connection: JoinSet<Result<(), h2::Error>>,
}

impl Mux {
    pub(crate) async fn open(relay: &Relay) -> Self {
        Self::with(relay, Builder::new()).await
    }

    /// The same with other windows than the usual.
    pub(crate) async fn with(relay: &Relay, builder: Builder) -> Self {
        let stream = connect(relay).await;
        let (requests, connection) = builder.handshake(stream).await.unwrap();
        let mut driven = JoinSet::new();
        driven.spawn(connection);
        let mut requests = requests.ready().await.unwrap();
        // The relay's settings have come with the first answer; extended CONNECT waits for them.
        let request = Request::get("https://relay/healthz").body(()).unwrap();
        let (answer, _) = requests.send_request(request, true).unwrap();
        answer.await.unwrap();
        Self {
            requests,
            connection: driven,
        }
    }

    /// Waits until the connection has ended in order.
    pub(crate) async fn ended(mut self) -> Result<(), h2::Error> {
        drop(self.requests);
        let ended = timeout(PATIENCE, self.connection.join_next()).await;
        ended.unwrap().unwrap().unwrap()
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.begin(path, &[]).await.answer().await
    }

    /// Sends a request and does not wait for its answer.
    pub(crate) async fn begin(&mut self, path: &str, headers: &[(&str, &str)]) -> Begun {
        self.ask(Method::GET, path, headers, None).await
    }

    pub(crate) async fn publish(&mut self, json: &str) {
        let headers = [("content-type", "application/json")];
        let path = "/channels/a/messages";
        let begun = self.ask(Method::POST, path, &headers, Some(json)).await;
        assert_eq!(begun.answer().await.status, 201);
    }

    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Begun {
        let host = headers.iter().find(|(name, _)| *name == "host");
        let host = host.map_or("relay", |(_, host)| host);
        let mut request = Request::new(());
        *request.uri_mut() = format!("https://{host}{path}").parse().unwrap();
        for (name, value) in headers.iter().filter(|(name, _)| *name != "host") {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        if method == Method::CONNECT {
            let protocol = Protocol::from_static("websocket");
            request.extensions_mut().insert(protocol);
        }
        let ends = body.is_none() && method != Method::CONNECT;
        *request.method_mut() = method;
        self.send(request, ends, body).await
    }

    pub(crate) async fn send(
        &mut self,
        request: Request<()>,
        ends: bool,
        body: Option<&str>,
    ) -> Begun {
        let mut ready = self.requests.clone().ready().await.unwrap();
        let (answer, mut send) = ready.send_request(request, ends).unwrap();
        if let Some(body) = body {
            send.send_data(Bytes::copy_from_slice(body.as_bytes()), true)
                .unwrap();
        }
        Begun { answer, send }
    }

    /// Opens a WebSocket on a stream of its own.
    pub(crate) async fn socket(&mut self, path: &str) -> WebStream {
        let version = [("sec-websocket-version", "13")];
        let begun = self.ask(Method::CONNECT, path, &version, None).await;
        let (answer, send) = begun.both().await;
        assert_eq!(answer.status, 200, "{:?}", answer.headers);
        WebStream { answer, send }
    }
}

/// A request that was sent.
pub(crate) struct Begun {
    answer: h2::client::ResponseFuture,
    pub(crate) send: SendStream<Bytes>,
}

impl Begun {
    pub(crate) async fn answer(self) -> Answer {
        self.both().await.0
    }

    pub(crate) async fn both(self) -> (Answer, SendStream<Bytes>) {
        let answer = timeout(PATIENCE, self.answer).await.unwrap().unwrap();
        let (parts, body) = answer.into_parts();
        let answer = Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
            rest: Vec::new(),
        };
        (answer, self.send)
    }
}

/// An answer whose body comes.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: RecvStream,
    rest: Vec<u8>,
}

impl Answer {
    /// Waits for more of the body; false at its end.
    pub(crate) async fn fill(&mut self) -> Result<bool, h2::Error> {
        let next = poll_fn(|cx| self.body.poll_data(cx));
        match timeout(PATIENCE, next).await.expect("the relay is silent") {
            Some(Ok(data)) => {
                self.body.flow_control().release_capacity(data.len())?;
                self.rest.extend_from_slice(&data);
                Ok(true)
            }
            Some(Err(error)) => Err(error),
            None => Ok(false),
        }
    }

    /// Reads up to and with some text.
    pub(crate) async fn until(&mut self, text: &str) -> String {
        loop {
            let mut windows = self.rest.windows(text.len());
            if let Some(at) = windows.position(|window| window == text.as_bytes()) {
                let read = self.rest.drain(..at + text.len()).collect();
                return String::from_utf8(read).unwrap();
            }
            assert!(self.fill().await.unwrap(), "ended before {text:?}");
        }
    }

    pub(crate) async fn take(&mut self, count: usize) -> Vec<u8> {
        while self.rest.len() < count {
            assert!(self.fill().await.unwrap(), "ended: {:?}", self.rest);
        }
        self.rest.drain(..count).collect()
    }

    /// Reads the whole body.
    pub(crate) async fn text(&mut self) -> String {
        while self.fill().await.unwrap() {}
        String::from_utf8(std::mem::take(&mut self.rest)).unwrap()
    }
}

/// A WebSocket on a stream.
pub(crate) struct WebStream {
    pub(crate) answer: Answer,
    pub(crate) send: SendStream<Bytes>,
}

impl WebStream {
    pub(crate) fn text(&mut self, text: &str) {
        let bytes = frame(0x81, text.as_bytes());
        self.send.send_data(bytes.into(), false).unwrap();
    }

    /// Reads one frame: its first byte and its payload.
    pub(crate) async fn next(&mut self) -> (u8, Vec<u8>) {
        let head = self.answer.take(2).await;
        let length = match head[1] {
            126 => u16::from_be_bytes(self.answer.take(2).await.try_into().unwrap()).into(),
            short => usize::from(short),
        };
        (head[0], self.answer.take(length).await)
    }

    pub(crate) async fn next_text(&mut self) -> String {
        let (first, payload) = self.next().await;
        assert_eq!(first, 0x81, "{payload:?}");
        String::from_utf8(payload).unwrap()
    }

    /// Reads a close frame and the end; gives the code.
    pub(crate) async fn closed(&mut self) -> u16 {
        let (first, payload) = self.next().await;
        assert_eq!(first, 0x88, "{payload:?}");
        self.send.send_data(Bytes::new(), true).unwrap();
        assert_eq!(self.answer.text().await, "");
        u16::from_be_bytes([payload[0], payload[1]])
    }
}
