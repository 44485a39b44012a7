//! A follower of one channel by one transport, which comes back to where it was.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use crate::ledger::{Book, Counts, Published};
use crate::relays::Relays;
use crate::wire::{Wire, broken};

/// All transports.
pub(crate) const TRANSPORTS: [&str; 5] =
    ["polling", "long-polling", "streaming", "sse", "websocket"];
/// The fields of a WebSocket's handshake.
pub(crate) const HANDSHAKE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: relay.v1\r\n";
const POLL: Duration = Duration::from_millis(200);
const AGAIN: Duration = Duration::from_millis(50);

/// One follower and its book.
pub(crate) struct Follower {
    relays: Relays,
    channel: String,
    published: Rc<RefCell<Published>>,
    book: RefCell<Book>,
    /// The last number that was taken when it had its first answer; before that it is owed nothing.
    begun: Cell<Option<u64>>,
    /// Where it goes on.
    position: RefCell<Option<String>>,
    /// The connection has brought no answer yet.
    fresh: Cell<bool>,
}

impl Follower {
    pub(crate) fn new(
        relays: Relays,
        channel: String,
        published: Rc<RefCell<Published>>,
        transport: &'static str,
    ) -> Self {
        Self {
            relays,
            channel,
            published,
            book: RefCell::new(Book::new(transport)),
            begun: Cell::new(None),
            position: RefCell::default(),
            fresh: Cell::new(true),
        }
    }

    /// Follows for ever; who calls it drops it.
    pub(crate) async fn run(&self) {
        loop {
            if let Err(error) = self.session().await
                && error.kind() == ErrorKind::TimedOut
            {
                self.book.borrow_mut().counts.silent += 1;
            }
            sleep(AGAIN).await;
        }
    }

    /// Waits until it has seen the last message that was acknowledged.
    pub(crate) async fn caught_up(&self) {
        while self.book.borrow().last < self.published.borrow().last_acknowledged() {
            sleep(AGAIN).await;
        }
    }

    /// Gives its counts; one that stayed to the end is owed all.
    pub(crate) fn settle(self, stayed: bool) -> Counts {
        let begun = self.begun.get();
        let stayed = stayed && begun.is_some();
        let mut book = self.book.into_inner();
        book.settle(&self.published.borrow(), begun.unwrap_or_default(), stayed)
    }

    async fn session(&self) -> io::Result<()> {
        let mut wire = Wire::open(self.relays.next()).await?;
        self.fresh.set(true);
        let transport = self.book.borrow().transport;
        match transport {
            "polling" => loop {
                self.poll(&mut wire, "").await?;
                sleep(POLL).await;
            },
            "long-polling" => loop {
                self.poll(&mut wire, "wait=5s").await?;
            },
            "streaming" => self.chunks(&mut wire, "stream", "\n").await,
            "sse" => self.chunks(&mut wire, "events", "\n\n").await,
            _ => self.frames(&mut wire).await,
        }
    }

    fn path(&self, end: &str, query: &str) -> String {
        let after = self.position.borrow();
        let after = after
            .as_ref()
            .map(|at| format!("after={at}&"))
            .unwrap_or_default();
        format!("/channels/{}/{end}?{after}{query}", self.channel)
    }

    /// The relay has answered: from here on everything is owed.
    fn begin(&self, position: Option<&str>) {
        if self.begun.get().is_none() {
            let begun = self.published.borrow().last();
            self.begun.set(Some(begun));
            self.book.borrow_mut().last = begun;
            self.fresh.set(false);
        } else if self.fresh.replace(false) {
            self.book.borrow_mut().counts.reconnects += 1;
        }
        if let Some(position) = position {
            self.position.replace(Some(position.to_owned()));
        }
    }

    async fn poll(&self, wire: &mut Wire, query: &str) -> io::Result<()> {
        let head = wire.get(&self.path("messages", query), "").await?;
        let body = wire.body(&head).await?;
        match head.status {
            204 => self.begin(head.field("relay-next")),
            200 => {
                let reply: Value = serde_json::from_slice(&body)?;
                self.begin(None);
                if let Some(reason) = reply["missed"]["reason"].as_str() {
                    self.book.borrow_mut().missed(reason);
                }
                for message in reply["messages"].as_array().into_iter().flatten() {
                    self.message(message)?;
                }
                self.begin(reply["next"].as_str());
            }
            status => return Err(broken(&format!("status {status}"))),
        }
        Ok(())
    }

    async fn chunks(&self, wire: &mut Wire, end: &str, separator: &str) -> io::Result<()> {
        let head = wire.get(&self.path(end, ""), "").await?;
        if head.status != 200 {
            return Err(broken("refused"));
        }
        self.begin(head.field("relay-next"));
        let mut text = String::new();
        while let Some(chunk) = wire.chunk().await? {
            text += std::str::from_utf8(&chunk).map_err(|_| broken("no text"))?;
            while let Some(end) = text.find(separator) {
                let item: String = text.drain(..end + separator.len()).collect();
                if separator == "\n" {
                    self.line(item.trim())?;
                } else {
                    self.event(&item)?;
                }
            }
        }
        Err(ErrorKind::UnexpectedEof.into())
    }

    async fn frames(&self, wire: &mut Wire) -> io::Result<()> {
        let head = wire.get(&self.path("socket", ""), HANDSHAKE).await?;
        if head.status != 101 {
            return Err(broken("refused"));
        }
        self.begin(head.field("relay-next"));
        loop {
            match wire.frame().await? {
                (1, text) => {
                    let text = std::str::from_utf8(&text).map_err(|_| broken("no text"))?;
                    self.line(text)?;
                }
                (9, ping) => wire.send_frame(10, &ping).await?,
                (8, code) => {
                    let _ = wire.send_frame(8, &code).await;
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                _ => {}
            }
        }
    }

    fn line(&self, line: &str) -> io::Result<()> {
        if line.is_empty() {
            return Ok(());
        }
        let value: Value = serde_json::from_str(line)?;
        if let Some(reason) = value["missed"]["reason"].as_str() {
            self.book.borrow_mut().missed(reason);
            return Ok(());
        }
        self.message(&value)
    }

    fn event(&self, event: &str) -> io::Result<()> {
        let field = |name| {
            event
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .map(str::trim)
        };
        let (id, data) = (field("id:"), field("data:"));
        if field("event:") == Some("missed") {
            let value: Value = serde_json::from_str(data.unwrap_or_default())?;
            let reason = value["reason"].as_str().unwrap_or_default();
            self.book.borrow_mut().missed(reason);
        } else if let (Some(id), Some(data)) = (id, data) {
            return self.payload(id, &serde_json::from_str(data)?);
        }
        if let Some(id) = id {
            self.begin(Some(id));
        }
        Ok(())
    }

    fn message(&self, message: &Value) -> io::Result<()> {
        let position = message["position"].as_str().unwrap_or_default();
        self.payload(position, &message["payload"])
    }

    fn payload(&self, position: &str, payload: &Value) -> io::Result<()> {
        let number = payload["n"].as_u64().filter(|_| !position.is_empty());
        let number = number.ok_or_else(|| broken("not one of our messages"))?;
        let begun = self.begun.get().unwrap_or_default();
        self.book.borrow_mut().received(number, begun);
        self.position.replace(Some(position.to_owned()));
        Ok(())
    }
}
