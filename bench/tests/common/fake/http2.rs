//! The fake over HTTP/2, by the server of the `h2` crate: a thread and a runtime for each connection.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use bytes::{Bytes, BytesMut};
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::{Method, Response};
use tokio::task::LocalSet;
use tokio_rustls::TlsAcceptor;

use super::connection::LOOK;
use super::log::{Batch, Entry};
use super::wire::{self, Request};
use super::{Shared, count, socket};

type Failed = Box<dyn std::error::Error>;

/// Serves one connection to its end.
pub(super) fn serve(tcp: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    tcp.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // What a client does that goes is no news.
    let _ = LocalSet::new().block_on(&runtime, connection(tcp, shared));
    Ok(())
}

async fn connection(tcp: TcpStream, shared: &Arc<Shared>) -> Result<(), Failed> {
    let certificate = shared.certificate.as_ref().ok_or("it has none")?;
    let acceptor = TlsAcceptor::from(Arc::clone(&certificate.config));
    let tcp = tokio::net::TcpStream::from_std(tcp)?;
    let tls = acceptor.accept(tcp).await?;
    let mut builder = server::Builder::new();
    if !shared.plan.no_connect {
        builder.enable_connect_protocol();
    }
    let mut connection = builder.handshake(tls).await?;
    while let Some(request) = connection.accept().await {
        let (request, respond) = request?;
        let (parts, body) = request.into_parts();
        let method = match parts.method {
            Method::CONNECT => "GET".to_owned(),
            method => method.to_string(),
        };
        let target = parts.uri.path_and_query().ok_or("no path")?;
        if shared.plan.close_polls && method == "GET" {
            // After the answer to this one.
            connection.graceful_shutdown();
        }
        let exchange = Exchange {
            request: Request::new(&format!("{method} {target} HTTP/2")),
            body,
            respond,
            shared: Arc::clone(shared),
        };
        tokio::task::spawn_local(async move {
            let _ = exchange.answer().await;
        });
    }
    Ok(())
}

struct Exchange {
    request: Request,
    body: RecvStream,
    respond: SendResponse<Bytes>,
    shared: Arc<Shared>,
}

impl Exchange {
    async fn answer(self) -> Result<(), Failed> {
        let (method, path, _) = self.request.line();
        let rest = path.strip_prefix("/channels/").unwrap_or_default();
        let (name, leaf) = rest.split_once('/').unwrap_or(("", path));
        let (name, leaf) = (name.to_owned(), leaf.to_owned());
        match (method, leaf.as_str()) {
            ("POST", "messages") => self.publish(&name).await,
            ("GET", "messages") => self.poll(&name).await,
            ("GET", "stream") => {
                let encode = |entry: &Entry, place| wire::item(entry, place) + "\n";
                self.endless(&name, |entry, place| encode(entry, place).into())
                    .await
            }
            ("GET", "events") => {
                self.endless(&name, |entry, place| wire::event(entry, place).into())
                    .await
            }
            ("GET", "socket") if self.request.query("receive") == Some("false") => {
                self.sockets(&name).await
            }
            ("GET", "socket") => {
                let encode = |entry: &Entry, place| socket::frame(&wire::item(entry, place));
                self.endless(&name, |entry, place| encode(entry, place).into())
                    .await
            }
            _ => self.whole(200, "", "ok"),
        }
    }

    fn whole(mut self, status: u16, next: &str, body: &str) -> Result<(), Failed> {
        let mut head = Response::builder().status(status);
        if !next.is_empty() {
            head = head.header("relay-next", next);
        }
        let mut send = self
            .respond
            .send_response(head.body(())?, body.is_empty())?;
        if !body.is_empty() {
            send.send_data(body.to_owned().into(), true)?;
        }
        Ok(())
    }

    /// Takes a message in; gives whether it was taken.
    fn take(&self, name: &str, payload: &[u8]) -> bool {
        let tally = self.shared.tally(name);
        count(&tally.asked);
        let payload = String::from_utf8_lossy(payload).into_owned();
        self.shared
            .log
            .append(name, payload, &self.shared.plan, &tally);
        count(&tally.published);
        true
    }

    async fn publish(mut self, name: &str) -> Result<(), Failed> {
        let mut payload = BytesMut::new();
        while let Some(part) = self.body.data().await {
            payload.extend_from_slice(&part?);
        }
        self.take(name, &payload);
        self.whole(201, "", r#"{"position":"fake-0"}"#)
    }

    async fn read(
        &self,
        name: &str,
        after: usize,
        wait: std::time::Duration,
    ) -> Result<Batch, Failed> {
        let (shared, name) = (Arc::clone(&self.shared), name.to_owned());
        let read = tokio::task::spawn_blocking(move || shared.log.read(&name, after, wait));
        Ok(read.await?)
    }

    async fn poll(self, name: &str) -> Result<(), Failed> {
        count(&self.shared.tally(name).polls);
        let batch = match self.request.after() {
            Some(after) => self.read(name, after, self.request.wait()).await?,
            None => Batch {
                entries: Vec::new(),
                next: self.shared.log.head(name),
            },
        };
        let next = format!("fake-{}", batch.next);
        match batch.entries.is_empty() {
            true => self.whole(204, &next, ""),
            false => self.whole(200, &next, &wire::page(&batch.entries, batch.next)),
        }
    }

    async fn endless(
        mut self,
        name: &str,
        encode: impl Fn(&Entry, usize) -> Bytes,
    ) -> Result<(), Failed> {
        let head = self.shared.log.head(name);
        let answer = Response::builder().header("relay-next", format!("fake-{head}"));
        let mut send = self.respond.send_response(answer.body(())?, false)?;
        let (mut place, mut records) = (self.request.after().unwrap_or(head), 0);
        let tally = self.shared.tally(name);
        let plan = &self.shared.plan;
        while !self.shared.stop.load(SeqCst) {
            let batch = self.read(name, place, LOOK).await?;
            for (entry, place) in batch.entries.iter().zip(place + 1..) {
                let ripe = plan.reset_after > 0 && records >= plan.reset_after;
                let more = |done| (done < plan.resets).then_some(done + 1);
                if ripe && tally.resets.fetch_update(SeqCst, SeqCst, more).is_ok() {
                    return end(&mut send, plan.politely);
                }
                records += 1;
                send.send_data(encode(entry, place), false)?;
            }
            place = batch.next;
        }
        Ok(())
    }

    /// Answers publishes until the client goes.
    async fn sockets(mut self, name: &str) -> Result<(), Failed> {
        let mut send = self.respond.send_response(Response::new(()), false)?;
        let mut bytes = BytesMut::new();
        while let Some(part) = self.body.data().await {
            let part = part?;
            self.body.flow_control().release_capacity(part.len())?;
            bytes.extend_from_slice(&part);
            while let Some((said, used)) = socket::said(&bytes) {
                let _ = bytes.split_to(used);
                let (payload, id) = (said["publish"].to_string(), &said["id"]);
                self.take(name, payload.as_bytes());
                let answer = format!(r#"{{"published":"fake-0","id":{id}}}"#);
                send.send_data(socket::frame(&answer).into(), false)?;
            }
        }
        Ok(())
    }
}

/// Ends a stream: in good order, or by a reset.
fn end(send: &mut SendStream<Bytes>, politely: bool) -> Result<(), Failed> {
    match politely {
        true => send.send_data(Bytes::new(), true)?,
        false => send.send_reset(Reason::INTERNAL_ERROR),
    }
    Ok(())
}
