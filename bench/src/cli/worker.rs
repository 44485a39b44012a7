//! `bench worker`: a process that simulates clients as a run elsewhere orders; and where a run has its workers from.

use std::str::FromStr;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::run::block_on;
use super::{chain, complain, tell};
use crate::exit::Exit;
use crate::fleet::{self, Company, Waiting};

/// What `--workers` of a run was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Workers {
    /// So many processes of this machine.
    Count(usize),
    /// Those that wait at a NATS server.
    Nats(String),
}

impl FromStr for Workers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("nats://") || text.starts_with("tls://") {
            return Ok(Self::Nats(text.to_owned()));
        }
        text.parse()
            .map(Self::Count)
            .map_err(|_| "give a number of processes, or nats://HOST:PORT".to_owned())
    }
}

/// Who simulates the clients of a run.
#[derive(Debug, Default, Args)]
pub(crate) struct CrewArgs {
    /// Processes that simulate the clients, as run.workers; or nats://HOST:PORT, where workers on other hosts wait
    #[arg(long, value_name = "N or URL")]
    workers: Option<Workers>,
    /// How many of the workers that wait at a NATS server take part
    #[arg(long, value_name = "N", requires = "workers", value_parser = clap::value_parser!(u16).range(1..))]
    expect: Option<u16>,
}

impl CrewArgs {
    /// Where the workers come from, and the change to scenarios that says so.
    pub(super) fn read(&self) -> Result<(Company, Option<String>), Exit> {
        match (&self.workers, self.expect) {
            (None, _) => Ok((Company::Here, None)),
            (Some(Workers::Count(count)), None) => {
                Ok((Company::Here, Some(format!("run.workers={count}"))))
            }
            (Some(Workers::Nats(url)), Some(expect)) => {
                let url = url.clone();
                let expect = expect.into();
                Ok((Company::Nats { url, expect }, None))
            }
            (Some(Workers::Count(_)), Some(_)) => {
                complain(
                    "--expect is for workers at a NATS server: --workers nats://HOST:PORT --expect 4",
                );
                Err(Exit::Usage)
            }
            (Some(Workers::Nats(_)), None) => {
                complain("say how many workers take part: --workers nats://HOST:PORT --expect 4");
                Err(Exit::Usage)
            }
        }
    }
}

/// What `bench worker` was given.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// Where orders come from: a NATS server, such as nats://10.0.0.1:4222
    #[arg(long, value_name = "URL", required_unless_present = "stdio")]
    nats: Option<String>,
    /// What reports call this worker; the first by name publishes [default: the name of this host]
    #[arg(long, requires = "nats")]
    name: Option<String>,
    /// Load no host but this one, whatever orders say; may be given several times
    #[arg(long, value_name = "HOST", requires = "nats")]
    allow_host: Vec<String>,
    /// Take orders on standard input and report on standard output: how `bench run` speaks to the workers that it starts
    #[arg(long, hide = true, conflicts_with = "nats")]
    stdio: bool,
}

pub(super) fn run(args: &WorkerArgs) -> Exit {
    let Some(url) = &args.nats else {
        return over_stdio();
    };
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().into_owned();
    let name = args.name.clone().unwrap_or(host);
    let stop = CancellationToken::new();
    let mut say = |what: Waiting<'_>| match what {
        Waiting::Free { name, url } => tell(&format!("worker {name} waits for orders at {url}")),
        Waiting::Taken => tell("a trial begins"),
        Waiting::Left(why) => tell(&format!("the trial has ended: {why}")),
        Waiting::Other(why) => complain(&why),
    };
    let work = fleet::work_over_nats(url, &name, &args.allow_host, &stop, &mut say);
    match block_on(&stop, work) {
        Ok(Ok(())) => Exit::Ok,
        Ok(Err(error)) => {
            complain(&chain(&error));
            Exit::Target
        }
        Err(exit) => exit,
    }
}

fn over_stdio() -> Exit {
    match fleet::work_over_stdio() {
        Ok(()) => Exit::Ok,
        Err(error) => {
            complain(&format!(
                "a worker needs a run that orders it, by pipes: {error}"
            ));
            Exit::Usage
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_a_number_or_an_address() {
        assert_eq!("4".parse(), Ok(Workers::Count(4)));
        let url = "nats://10.0.0.1:4222";
        assert_eq!(url.parse(), Ok(Workers::Nats(url.to_owned())));
        assert!("four".parse::<Workers>().unwrap_err().contains("nats://"));
    }
}
