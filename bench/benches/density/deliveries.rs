//! CPU that the swarm needs for a delivery, against a bare read loop.
//!
//! 1,000 WebSockets, messages of 128 bytes at a steady pace from another process; the swarm and the
//! bare loops in turn, five times.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bench::clock::Moment;
use bench::kernel;
use bench::record::Window;
use bench::scenario::Transport;
use bench::swarm::Swarm;
use rustix::event::epoll;
use rustix::time::Timespec;

use crate::figures::Figure;
use crate::rig;

const CLIENTS: usize = 1000;
const ROUNDS: u32 = 150;
const PACE: Duration = Duration::from_millis(20);
const TURNS: usize = 5;
/// Of the bare loop's.
const BUDGET: f64 = 1.15;

pub(crate) fn run() -> Vec<Figure> {
    rig::keep_to(1);
    println!("µs of processor time a delivery; 1,000 WebSockets, 128 bytes, 50,000 a second\n");
    println!("| turn | bare loop | bare loop with kernel stamps | swarm |\n|---|---|---|---|");
    let mut turns = Vec::new();
    for turn in 1..=TURNS {
        let each = [bare_loop(false), bare_loop(true), swarm()];
        println!(
            "| {turn} | {:.2} | {:.2} | {:.2} |",
            each[0], each[1], each[2]
        );
        turns.push(each);
    }
    let middle = |at: usize| rig::median(turns.iter().map(|turn| turn[at]));
    println!(
        "| median | {:.2} | {:.2} | {:.2} |",
        middle(0),
        middle(1),
        middle(2)
    );
    let ratio = rig::median(turns.iter().map(|turn| turn[2] / turn[0]));
    let what = "processor time of a delivery, of a bare loop's";
    vec![Figure::at_most(what, ratio, BUDGET, " times")]
}

fn cpu() -> u64 {
    kernel::cpu_time(std::process::id()).unwrap()
}

fn micros_each(spent: u64) -> f64 {
    spent as f64 / 1e3 / (CLIENTS as f64 * f64::from(ROUNDS))
}

fn swarm() -> f64 {
    let mut server = rig::Server::start();
    let assignment = rig::clients(
        server.address,
        Transport::Websocket,
        CLIENTS,
        Duration::from_millis(200),
    );
    let (swarm, mut reports) = Swarm::start(assignment).unwrap();
    let drain = std::thread::spawn(move || while reports.blocking_recv().is_some() {});
    let progress = swarm.progress().clone();
    rig::wait_for(&progress, CLIENTS);
    let now = Moment::now();
    swarm.run(Window {
        start: now,
        measure: now,
        end: now + Duration::from_secs(3600),
    });
    std::thread::sleep(Duration::from_millis(300));
    let before = cpu();
    server.blast(ROUNDS, PACE);
    let all = CLIENTS as u64 * u64::from(ROUNDS);
    rig::until(|| progress.delivered.load(Ordering::Relaxed) >= all);
    let spent = cpu() - before;
    swarm.finish().unwrap();
    drain.join().unwrap();
    micros_each(spent)
}

/// What any client must do: wait, read, look at the frame's head, note the time.
fn bare_loop(stamps: bool) -> f64 {
    let mut server = rig::Server::start();
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let mut streams: Vec<TcpStream> = (0..CLIENTS).map(|_| connect(server.address)).collect();
    for (number, stream) in streams.iter().enumerate() {
        if stamps {
            kernel::stamp_arrivals(stream.as_fd()).unwrap();
        }
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&epoll, stream, data, flags).unwrap();
    }
    let reader = std::thread::spawn(move || {
        let mut events = [epoll::Event {
            flags: epoll::EventFlags::empty(),
            data: epoll::EventData::new_u64(0),
        }; 256];
        let (mut buffer, mut bytes, mut last) = (vec![0; 64 * 1024], 0, Moment::now());
        // The size of a frame comes with the first.
        let mut frame = 0;
        while frame == 0 || bytes < CLIENTS * ROUNDS as usize * frame {
            let forever: Option<&Timespec> = None;
            let count = epoll::wait(&epoll, &mut events, forever).unwrap_or(0);
            for event in &events[..count] {
                let stream = &mut streams[usize::try_from(event.data.u64()).unwrap()];
                let read = match stamps {
                    false => stream.read(&mut buffer),
                    true => kernel::receive(stream.as_fd(), &mut buffer).map(|read| read.0),
                };
                if let Ok(count) = read {
                    if frame == 0 {
                        frame = 4 + usize::from(u16::from_be_bytes([buffer[2], buffer[3]]));
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
