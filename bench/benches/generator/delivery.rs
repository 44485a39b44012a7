//! CPU that the swarm needs for a delivery, against a bare read loop.
//!
//! 1,000 WebSockets, 128-byte messages at a steady pace from another process; the swarm and the
//! bare loop in turn, five times.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bench::clock::Moment;
use bench::kernel;
use bench::record::Window;
use bench::scenario::Transport;
use bench::swarm::Swarm;
use rustix::event::epoll;
use rustix::time::Timespec;

use crate::rig;

const CLIENTS: usize = 1000;
const ROUNDS: u32 = 150;
const PACE: Duration = Duration::from_millis(20);
const TURNS: usize = 5;
const BUDGET: f64 = 1.5;

/// Gives whether the median ratio is within the budget.
pub(crate) fn run() -> bool {
    rig::keep_to(1);
    let (mut bare, mut swarm) = (Vec::new(), Vec::new());
    for turn in 1..=TURNS {
        bare.push(bare_loop());
        swarm.push(swarm_cpu());
        println!(
            "turn {turn}: bare loop {:.2} µs, swarm {:.2} µs a delivery",
            bare[turn - 1],
            swarm[turn - 1]
        );
    }
    let ratio = rig::median(
        bare.iter()
            .zip(&swarm)
            .map(|(bare, swarm)| swarm / bare)
            .collect(),
    );
    println!(
        "median: bare loop {:.2} µs, swarm {:.2} µs, ratio {ratio:.2} (budget {BUDGET})",
        rig::median(bare),
        rig::median(swarm)
    );
    ratio <= BUDGET
}

fn cpu() -> u64 {
    kernel::cpu_time(std::process::id()).unwrap()
}

fn micros_each(spent: u64) -> f64 {
    spent as f64 / 1e3 / (CLIENTS as f64 * f64::from(ROUNDS))
}

fn swarm_cpu() -> f64 {
    let mut server = rig::Server::start();
    let assignment = rig::waiting_clients(
        server.address,
        Transport::Websocket,
        CLIENTS,
        Duration::from_millis(200),
    );
    let (swarm, mut reports) = Swarm::start(assignment).unwrap();
    let drain = std::thread::spawn(move || while reports.blocking_recv().is_some() {});
    let progress = swarm.progress().clone();
    while progress.opened.load(Ordering::Acquire) < CLIENTS as u64
        || !progress.publisher_ready.load(Ordering::Acquire)
    {
        std::thread::sleep(Duration::from_millis(5));
    }
    let now = Moment::now();
    swarm.run(Window {
        start: now,
        measure: now,
        end: now + Duration::from_secs(3600),
    });
    std::thread::sleep(Duration::from_millis(300));
    let before = cpu();
    server.blast(ROUNDS, PACE);
    while progress.delivered.load(Ordering::Relaxed) < CLIENTS as u64 * u64::from(ROUNDS) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let spent = cpu() - before;
    swarm.finish().unwrap();
    drain.join().unwrap();
    micros_each(spent)
}

/// What any client must do: wait, read, look at the frame's head, note the time.
fn bare_loop() -> f64 {
    let mut server = rig::Server::start();
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let mut streams: Vec<TcpStream> = (0..CLIENTS).map(|_| connect(server.address)).collect();
    for (number, stream) in streams.iter().enumerate() {
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(
            &epoll,
            stream,
            epoll::EventData::new_u64(number as u64),
            flags,
        )
        .unwrap();
    }
    let reader = std::thread::spawn(move || {
        let mut events = [epoll::Event {
            flags: epoll::EventFlags::empty(),
            data: epoll::EventData::new_u64(0),
        }; 256];
        let (mut buffer, mut bytes, mut last) = (vec![0; 64 * 1024], 0, Moment::now());
        // A frame of this rig is 4 + 128 or 129 bytes; the exact size comes with the first.
        let mut frame = 0;
        while frame == 0 || bytes < CLIENTS * ROUNDS as usize * frame {
            let forever: Option<&Timespec> = None;
            let count = epoll::wait(&epoll, &mut events, forever).unwrap_or(0);
            for event in &events[..count] {
                let number = usize::try_from(event.data.u64()).unwrap();
                if let Ok(count) = streams[number].read(&mut buffer) {
                    if frame == 0 {
                        frame = 4 + usize::from(buffer[3]);
                    }
                    bytes += count;
                    last = Moment::now();
                }
            }
        }
        last
    });
    std::thread::sleep(Duration::from_millis(300));
    let before = cpu();
    server.blast(ROUNDS, PACE);
    reader.join().unwrap();
    micros_each(cpu() - before)
}

fn connect(server: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.write_all(b"GET /channels/c/socket HTTP/1.1\r\nHost: rig\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").unwrap();
    let mut buffer = [0; 1024];
    let _ = stream.read(&mut buffer).unwrap();
    stream.set_nonblocking(true).unwrap();
    stream
}
