//! `bench plan`: the machines of a deployment, from a stored run.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{chain, complain, say};
use crate::exit::Exit;
use crate::result;
use crate::scenario::Transport;
use crate::sizing::{self, Costs, CostsError, Demand, Machine};
use crate::units::{parse_bandwidth, parse_bytes, parse_duration};

pub(super) const EXAMPLES: &str = "Examples:
  bench plan --clients 10_000_000 --rate 1000 --channels 100_000
  bench plan --clients 10_000_000 --rate 1000 --channels 100_000 --transport websocket --cores 32 --memory 128GiB
  bench run scenarios/costs.toml && bench plan --costs results/latest --clients 200_000 --rate 50";

/// What `bench plan` was given.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Subscribers, such as `10_000_000`
    #[arg(long, value_name = "COUNT", value_parser = count)]
    clients: u64,
    /// Messages published a second, in all channels together
    #[arg(long, value_name = "RATE", value_parser = positive)]
    rate: f64,
    /// Channels, over which clients and messages are spread evenly
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = count)]
    channels: u64,
    /// Bytes of a message
    #[arg(long, value_name = "BYTES", default_value = "128B", value_parser = parse_bytes)]
    payload: usize,
    /// How often a client polls
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = interval)]
    poll_interval: Duration,
    /// Only this transport; may be given several times
    #[arg(long = "transport", value_name = "NAME", value_parser = transport)]
    transports: Vec<Transport>,
    /// The stored run that unit costs are taken from
    #[arg(long, value_name = "DIR", default_value = "results/reference/costs")]
    costs: PathBuf,
    /// Processors of a machine
    #[arg(long, value_name = "COUNT", default_value = "8", value_parser = positive)]
    cores: f64,
    /// Memory of a machine
    #[arg(long, value_name = "BYTES", default_value = "32GiB", value_parser = parse_bytes)]
    memory: usize,
    /// Bandwidth of a machine, each way
    #[arg(long, value_name = "RATE", default_value = "10Gbit", value_parser = parse_bandwidth)]
    bandwidth: u64,
    /// Connections that a machine may hold, its processes together
    #[arg(long, value_name = "COUNT", default_value = "500_000", value_parser = count)]
    connections: u64,
    /// The share of a machine that may be used: the rest is for peaks, and for a machine that fails
    #[arg(long = "use", value_name = "SHARE", default_value = "60%", value_parser = share)]
    share: f64,
}

pub(super) fn run(args: &PlanArgs) -> Exit {
    if args.channels > args.clients {
        complain(
            "there are more channels than clients; lower --channels, for one without a client costs nothing",
        );
        return Exit::Usage;
    }
    let run = match result::load(&args.costs) {
        Ok(run) => run,
        Err(error) => {
            complain(&format!(
                "{}; name a stored run with --costs DIR, or make one: bench run scenarios/costs.toml",
                chain(&error)
            ));
            return Exit::Usage;
        }
    };
    match plan(args, &run) {
        Ok(text) => say(&text),
        Err(error) => {
            complain(&format!("{}: {}", args.costs.display(), chain(&error)));
            Exit::Usage
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a machine has less than 2^53 of anything"
)]
fn plan(args: &PlanArgs, run: &result::RunResult) -> Result<String, CostsError> {
    let costs = Costs::of(run)?;
    let demand = Demand {
        clients: args.clients,
        rate: args.rate,
        channels: args.channels,
        payload: args.payload,
        poll_interval: args.poll_interval,
    };
    let machine = Machine {
        cores: args.cores,
        memory: args.memory as f64,
        bandwidth: args.bandwidth as f64 / 8.0,
        connections: args.connections as f64,
        share: args.share,
    };
    let transports = match &args.transports[..] {
        [] => costs.transports().collect(),
        some => some.to_vec(),
    };
    let needs = transports.into_iter().map(|transport| {
        let price = costs.price(transport)?;
        Ok((
            transport,
            price,
            sizing::need(price, transport, &demand, &machine),
        ))
    });
    let needs = needs.collect::<Result<Vec<_>, CostsError>>()?;
    let place = args.costs.display();
    let environment = &run.environment;
    let source = format!(
        "{place} ({}, {}, {} processors, {})",
        environment.target, environment.cpu, environment.cores, run.started
    );
    Ok(sizing::show(&source, &costs, &demand, &machine, &needs))
}

/// A whole number above 0; `_` and `,` may set thousands apart.
fn count(text: &str) -> Result<u64, String> {
    let digits: String = text.chars().filter(|c| !matches!(c, '_' | ',')).collect();
    let number = digits
        .parse()
        .ok()
        .filter(|number| (1..=1_000_000_000_000).contains(number));
    number.ok_or_else(|| "write a whole number above 0, such as 10_000_000".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    let digits: String = text.chars().filter(|c| !matches!(c, '_' | ',')).collect();
    let number = digits.parse::<f64>().ok();
    number
        .filter(|number| number.is_finite() && *number > 0.0 && *number <= 1e12)
        .ok_or_else(|| "write a number above 0, such as 20 or 0.5".to_owned())
}

fn interval(text: &str) -> Result<Duration, String> {
    let span = parse_duration(text)?;
    if span < Duration::from_millis(1) {
        return Err("a client polls at most once a millisecond".to_owned());
    }
    Ok(span)
}

fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = text
        .strip_suffix('%')
        .map_or((text, 1.0), |number| (number, 100.0));
    let share = number
        .trim()
        .parse::<f64>()
        .ok()
        .map(|number| number / unit);
    share
        .filter(|share| *share > 0.0 && *share <= 1.0)
        .ok_or_else(|| "write a share above 0 and at most 100%, such as 60%".to_owned())
}

fn transport(text: &str) -> Result<Transport, String> {
    let all = Transport::ALL;
    all.into_iter()
        .find(|one| one.name() == text)
        .ok_or_else(|| {
            let names = all.map(Transport::name);
            format!("the transports are {}", names.join(", "))
        })
}
