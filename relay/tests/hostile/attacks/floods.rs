//! Clients that do much: connections, frames, names, tickets, pages.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::Target;

pub(super) async fn flood(target: Arc<Target>) -> io::Result<()> {
    let mut stream = target.dial().await?;
    let ask = target.request("GET /healthz", "\r\n");
    stream.write_all(ask.as_bytes()).await?;
    // Whoever is let in stays for a while, so that the others find the place full.
    let mut first = [0; 16];
    let read = stream.read(&mut first).await?;
    target.told(&first[..read]);
    if first[..read].starts_with(b"HTTP/1.1 200") {
        sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

pub(super) async fn pings(target: Arc<Target>) -> io::Result<()> {
    let (mut answers, mut frames) = target.websocket("attack.ping").await?.into_split();
    let many = [0x89, 0x80, 1, 2, 3, 4].repeat(5000);
    let mut pongs = vec![0; 64 << 10];
    loop {
        tokio::select! {
            sent = frames.write_all(&many) => sent?,
            read = answers.read(&mut pongs) => if read? == 0 {
                target.ended("cut");
                return Ok(());
            },
        }
    }
}

/// One message that never ends, in fragments of nothing or of one byte.
pub(super) async fn fragments(target: Arc<Target>, number: usize) -> io::Result<()> {
    let (mut answers, mut frames) = target.websocket("attack.fragment").await?.into_split();
    let (first, piece): (&[u8], &[u8]) = if number.is_multiple_of(2) {
        (&[0x01, 0x80, 1, 2, 3, 4], &[0x00, 0x80, 1, 2, 3, 4])
    } else {
        // A letter under that mask.
        (
            &[0x01, 0x81, 1, 2, 3, 4, b'x' ^ 1],
            &[0x00, 0x81, 1, 2, 3, 4, b'x' ^ 1],
        )
    };
    frames.write_all(first).await?;
    let many = piece.repeat(200);
    let mut answer = vec![0; 4096];
    loop {
        tokio::select! {
            read = answers.read(&mut answer) => {
                target.told(&answer[..read?]);
                return Ok(());
            }
            sent = frames.write_all(&many) => sent?,
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Sends requests by the dozen and counts the answers by their status.
async fn pipeline(target: &Target, ask: impl Fn(u64) -> String) -> io::Result<()> {
    const AT_ONCE: u64 = 50;
    let mut stream = target.dial().await?;
    let mut answers = Vec::new();
    loop {
        let first = target.number.fetch_add(AT_ONCE, Ordering::Relaxed);
        let requests: String = (first..first + AT_ONCE).map(&ask).collect();
        stream.write_all(requests.as_bytes()).await?;
        let mut found = 0;
        while found < AT_ONCE {
            if stream.read_buf(&mut answers).await? == 0 {
                target.ended("cut");
                return Ok(());
            }
            let text = String::from_utf8_lossy(&answers);
            let whole = |rest: &&str| rest.len() >= 3;
            for answer in text.split("HTTP/1.1 ").skip(1).filter(whole) {
                found += 1;
                target.ends_many(answer.get(..3).unwrap_or("?"), 1);
            }
            // What may be the beginning of a status line is read again with the rest of it.
            let line = text.rfind("HTTP/1.1 ").filter(|at| text.len() - at < 12);
            let kept = line.unwrap_or_else(|| text.len() - text.len().min(8));
            answers = text[kept..].as_bytes().to_vec();
        }
    }
}

pub(super) async fn names(target: Arc<Target>, publish: bool) -> io::Result<()> {
    let salt: u32 = rand::random();
    pipeline(&target, |number| {
        let path = format!("/channels/attack.{salt:x}.{number}/messages");
        if publish {
            target.post(&path, "1")
        } else {
            target.request(&format!("GET {path}"), "\r\n")
        }
    })
    .await
}

pub(super) async fn tickets(target: Arc<Target>) -> io::Result<()> {
    pipeline(&target, |_| {
        target.post("/tickets", r#"{"channel":"attack"}"#)
    })
    .await
}

/// The first fills a channel; the others read all of it again and again.
pub(super) async fn replay(target: Arc<Target>, number: usize) -> io::Result<()> {
    let mut stream = target.dial().await?;
    let mut buffer = vec![0; 256 << 10];
    let path = "/channels/attack.replay/messages";
    let message = format!("\"{}\"", "x".repeat(5000));
    loop {
        let ask = if number == 0 {
            target.post(path, &message)
        } else {
            target.request(&format!("GET {path}?after=earliest"), "\r\n")
        };
        stream.write_all(ask.as_bytes()).await?;
        // An answer is whole when nothing has come for a moment: they need not be exact.
        let mut first = true;
        while let Ok(read) = timeout(
            Duration::from_millis(if first { 1000 } else { 2 }),
            stream.read(&mut buffer),
        )
        .await
        {
            let read = read?;
            if first {
                target.told(&buffer[..read]);
            }
            if read == 0 {
                return Ok(());
            }
            first = false;
        }
    }
}
