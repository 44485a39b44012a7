//! CPU that a poll takes, beside other tools that ask the same server for the same page.
//!
//! 1,000 connections kept alive, each asking again as soon as it is answered, 200 bytes of body. The generator has one
//! processor and the server the other; they take turns, and of each only the processor time of its own process
//! counts, over a span in which the server counts the answers.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bench::clock::Moment;
use bench::kernel;
use bench::scenario::Transport;
use bench::swarm::Swarm;
use rustix::event::epoll;
use rustix::time::Timespec;

use crate::figures::Figure;
use crate::rig;

const CLIENTS: usize = 1000;
const TURNS: usize = 5;
/// All connect meanwhile, and the processor's clock finds its pace.
const START: Duration = Duration::from_millis(1000);
const SPAN: Duration = Duration::from_secs(2);
/// Tools end by themselves after this, if nobody ends them before.
const TOOL_LIMIT: &str = "30s";
/// Of wrk's, and of oha's.
const BUDGETS: [(&str, f64); 2] = [("wrk", 1.0), ("oha", 2.0 / 3.0)];
/// Set in the environment of a process that polls: what it is, and the server.
const ROLE: &str = "PUSHMARK_RIG_POLLS";
const OURS: &str = "swarm";
const BARE: &str = "bare loop";

/// Polls until its input ends, when this process was started to do so.
pub(crate) fn poll_if_asked() -> bool {
    let Ok(role) = std::env::var(ROLE) else {
        return false;
    };
    let server = std::env::args().nth(1).unwrap().parse().unwrap();
    if role == BARE {
        bare_loop(server);
    }
    let mut assignment = rig::clients(
        server,
        Transport::Polling,
        CLIENTS,
        Duration::from_millis(100),
    );
    // Always over: each asks again as soon as it may.
    assignment.load.poll_interval = Duration::from_nanos(1);
    let (swarm, mut reports) = Swarm::start(assignment).unwrap();
    let drain = std::thread::spawn(move || while reports.blocking_recv().is_some() {});
    let _ = std::io::stdin().read(&mut [0]);
    swarm.finish().unwrap();
    drain.join().unwrap();
    true
}

pub(crate) fn run() -> Vec<Figure> {
    let tools: Vec<&str> = [BARE, OURS, "wrk", "oha"]
        .into_iter()
        .filter(|tool| is_here(tool))
        .collect();
    println!(
        "µs of processor time a poll, and thousands of polls a second (medians of {TURNS} turns)\n"
    );
    let mut spent = vec![Vec::new(); tools.len()];
    let mut rates = vec![Vec::new(); tools.len()];
    for _ in 0..TURNS {
        for (at, tool) in tools.iter().enumerate() {
            let (micros, rate) = measure(tool);
            spent[at].push(micros);
            rates[at].push(rate);
        }
    }
    println!("| tool | µs a poll | each turn | polls/s |\n|---|---|---|---|");
    for (at, tool) in tools.iter().enumerate() {
        let each: Vec<String> = spent[at].iter().map(|one| format!("{one:.2}")).collect();
        println!(
            "| {tool} | {:.2} | {} | {:.0},000 |",
            rig::median(spent[at].clone()),
            each.join(", "),
            rig::median(rates[at].clone()) / 1e3
        );
    }
    let ours = tools.iter().position(|tool| *tool == OURS).unwrap();
    let ratio = |(name, budget): &(&str, f64)| {
        let what = format!("processor time of a poll, of {name}'s");
        match tools.iter().position(|tool| tool == name) {
            None => Figure::missing(&what, &format!("{name} is not installed")),
            Some(at) => {
                let pairs = spent[ours].iter().zip(&spent[at]);
                let ratio = rig::median(pairs.map(|(ours, theirs)| ours / theirs));
                Figure::at_most(&what, ratio, *budget, " times")
            }
        }
    };
    BUDGETS.iter().map(ratio).collect()
}

/// The program of a tool that is not ours: as it is called, or as an environment variable says.
fn program(tool: &str) -> OsString {
    std::env::var_os(tool.to_uppercase()).unwrap_or_else(|| tool.into())
}

fn is_here(tool: &str) -> bool {
    matches!(tool, OURS | BARE)
        || Command::new(program(tool))
            .arg("--version")
            .output()
            .is_ok()
}

/// Starts a generator against a server.
fn start(tool: &str, server: SocketAddr) -> Child {
    let clients = CLIENTS.to_string();
    let url = format!("http://{server}/channels/bench-00000007-0/messages?after=e-0");
    let mut command = match tool {
        OURS | BARE => {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.env(ROLE, tool).arg(server.to_string());
            command
        }
        "wrk" => {
            let mut command = Command::new(program(tool));
            command.args(["-t1", "-c", &clients, "-d", TOOL_LIMIT, &url]);
            command
        }
        _ => {
            let mut command = Command::new(program(tool));
            command.args(["--no-tui", "-c", &clients, "-z", TOOL_LIMIT, &url]);
            command
        }
    };
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    // A child keeps to the processors of the thread that starts it.
    let spawned = std::thread::spawn(move || {
        rig::keep_to(1);
        command.spawn().unwrap()
    });
    spawned.join().unwrap()
}

/// Microseconds of processor time a poll, and polls a second.
fn measure(tool: &str) -> (f64, f64) {
    let mut server = rig::Server::start();
    server.pages();
    let mut generator = start(tool, server.address);
    std::thread::sleep(START);
    let mut now = || {
        let spent = kernel::cpu_time(generator.id()).unwrap();
        (Moment::now(), spent, server.requests())
    };
    let before = now();
    std::thread::sleep(SPAN);
    let after = now();
    generator.kill().unwrap();
    generator.wait().unwrap();
    let polls = (after.2 - before.2) as f64;
    let seconds = after.0.since(before.0) as f64 / 1e9;
    ((after.1 - before.1) as f64 / 1e3 / polls, polls / seconds)
}

/// What any client must do: wait, read, see where the answer ends, ask again.
fn bare_loop(server: SocketAddr) -> ! {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let request = format!(
        "GET /channels/bench-00000007-0/messages?after=e-0 HTTP/1.1\r\nHost: {server}\r\n\r\n"
    );
    let mut streams: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| TcpStream::connect(server).unwrap())
        .collect();
    for (number, stream) in streams.iter_mut().enumerate() {
        stream.set_nodelay(true).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&epoll, &*stream, data, epoll::EventFlags::IN).unwrap();
    }
    let mut events = [epoll::Event {
        flags: epoll::EventFlags::empty(),
        data: epoll::EventData::new_u64(0),
    }; 256];
    let mut buffer = vec![0; 64 * 1024];
    // Ended from outside.
    loop {
        let forever: Option<&Timespec> = None;
        let count = epoll::wait(&epoll, &mut events, forever).unwrap_or(0);
        for event in &events[..count] {
            let stream = &mut streams[usize::try_from(event.data.u64()).unwrap()];
            let count = stream.read(&mut buffer).unwrap();
            assert!(buffer[..count].ends_with(b"}"), "an answer comes whole");
            stream.write_all(request.as_bytes()).unwrap();
        }
    }
}
