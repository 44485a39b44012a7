//! Clients that take their time: to send, or to read.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::Target;

/// Sends a piece now and then until the relay has something to say.
async fn dribble(target: &Target, mut stream: TcpStream, piece: &[u8]) -> io::Result<()> {
    let mut first = [0];
    loop {
        if timeout(Duration::from_millis(150), stream.peek(&mut first))
            .await
            .is_ok()
        {
            return target.until_told(&mut stream).await;
        }
        stream.write_all(piece).await?;
    }
}

pub(super) async fn slow_head(target: Arc<Target>) -> io::Result<()> {
    let mut stream = target.dial().await?;
    stream
        .write_all(target.request("GET /stats", "").as_bytes())
        .await?;
    dribble(&target, stream, b"X: y\r\n").await
}

pub(super) async fn slow_body(target: Arc<Target>) -> io::Result<()> {
    let mut stream = target.dial().await?;
    let whole = target.post("/channels/attack.body/messages", &" ".repeat(60_000));
    stream
        .write_all(&whole.as_bytes()[..whole.len() - 60_000])
        .await?;
    dribble(&target, stream, b" ").await
}

pub(super) async fn silence(target: Arc<Target>) -> io::Result<()> {
    let mut stream = target.dial().await?;
    target.until_told(&mut stream).await
}

/// The first publishes much, from another address; the others subscribe by each transport, or ask for much, and read little.
pub(super) async fn slow_read(target: Arc<Target>, number: usize, some: usize) -> io::Result<()> {
    const CHANNEL: &str = "/channels/attack.read";
    if number == 0 {
        let message = format!("\"{}\"", "x".repeat(50_000));
        let mut stream = target.dial_with(target.accomplice, 64 << 10).await?;
        // A megabyte at once, which no slow reader has taken when the last of it is there.
        let posts = target
            .post(&format!("{CHANNEL}/messages"), &message)
            .repeat(20);
        let mut answers = vec![0; 64 << 10];
        loop {
            stream.write_all(posts.as_bytes()).await?;
            let mut taken = 0;
            while taken < 20 {
                let read = stream.read(&mut answers).await?;
                let text = String::from_utf8_lossy(&answers[..read]);
                if read == 0 || text.contains("HTTP/1.1 4") {
                    target.told(&answers[..read]);
                    return Ok(());
                }
                taken += text.matches("HTTP/1.1 201").count();
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
    let mut stream = target.dial_with(target.own, 4096).await?;
    let ask = match number % 4 {
        0 => target.request(&format!("GET {CHANNEL}/stream"), "\r\n"),
        1 => target.request(&format!("GET {CHANNEL}/events"), "\r\n"),
        2 => target.request(
            &format!("GET {CHANNEL}/socket"),
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        ),
        _ => target
            .request(&format!("GET {CHANNEL}/messages?after=earliest"), "\r\n")
            .repeat(50),
    };
    stream.write_all(ask.as_bytes()).await?;
    let mut buffer = vec![0; some];
    loop {
        sleep(Duration::from_millis(50)).await;
        let mut left = some;
        while left > 0 {
            // What is there, and no more than its share of the time.
            match stream.try_read(&mut buffer[..left]) {
                Ok(0) => {
                    target.ended("cut");
                    return Ok(());
                }
                Ok(read) => left -= read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
    }
}
