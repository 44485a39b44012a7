//! The Prometheus text of `/metrics`.

use std::fmt::Error;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::{Closed, Metrics, Transport};
use crate::log::{Kept, Missed};
use crate::store::Health;

const COUNTER: MetricType = MetricType::Counter;
const GAUGE: MetricType = MetricType::Gauge;

/// The counters at one moment, a row for each metric.
#[derive(Debug)]
struct Snapshot(Vec<Row>);

#[derive(Debug)]
struct Row {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    values: Values,
}

#[derive(Debug)]
enum Values {
    One(i64),
    By(&'static str, Vec<(&'static str, i64)>),
}

impl Metrics {
    /// Writes all counters, what the logs hold, how many tickets wait and how it stands with the store, in the `OpenMetrics` text format.
    ///
    /// # Errors
    /// Only when the text cannot be formatted, which is a bug.
    pub fn exposition(&self, kept: Kept, tickets: usize, store: Health) -> Result<String, Error> {
        let mut registry = Registry::with_prefix("relay");
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register_collector(Box::new(self.snapshot(kept, tickets, store)));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }

    fn snapshot(&self, kept: Kept, tickets: usize, store: Health) -> Snapshot {
        let mut rows = self.totals(kept, tickets);
        rows.extend(of_store(store));
        rows.extend(self.by_transport());
        rows.extend(self.by_reason());
        Snapshot(rows)
    }

    fn totals(&self, kept: Kept, tickets: usize) -> Vec<Row> {
        let one = |name, kind, help, value| Row {
            name,
            help,
            kind,
            values: Values::One(value),
        };
        let size = |count: usize| signed(count as u64);
        vec![
            one(
                "published",
                COUNTER,
                "Messages published",
                signed(self.published_total()),
            ),
            one(
                "empty_polls",
                COUNTER,
                "Polls that found nothing",
                load(&self.empty_polls),
            ),
            one(
                "connections",
                GAUGE,
                "Open connections",
                self.open_connections(),
            ),
            one(
                "streams",
                GAUGE,
                "Open streams of HTTP/2",
                self.open_streams(),
            ),
            one(
                "throttled",
                COUNTER,
                "Waits of addresses that had used up their turns",
                signed(self.throttled_total()),
            ),
            one(
                "tickets",
                GAUGE,
                "Tickets that wait to be used",
                size(tickets),
            ),
            one(
                "channels",
                GAUGE,
                "Channels that exist",
                size(kept.channels),
            ),
            one("kept_messages", GAUGE, "Messages kept", size(kept.messages)),
            one("kept_bytes", GAUGE, "Payload bytes kept", size(kept.bytes)),
            one(
                "log_bytes",
                GAUGE,
                "Memory that the messages kept take with all their forms",
                size(kept.weight),
            ),
            one(
                "trimmed",
                COUNTER,
                "Messages evicted because all channels together kept too much",
                signed(kept.trimmed),
            ),
        ]
    }

    fn by_transport(&self) -> [Row; 3] {
        let row = |name, kind, help, value: &dyn Fn(Transport) -> i64| {
            let values = Transport::ALL.map(|transport| (transport.name(), value(transport)));
            Row {
                name,
                help,
                kind,
                values: Values::By("transport", values.to_vec()),
            }
        };
        let of = |transport: Transport| &self.transports[transport as usize];
        [
            row("delivered", COUNTER, "Messages written to clients", &|t| {
                load(&of(t).delivered)
            }),
            row(
                "delivered_bytes",
                COUNTER,
                "Bytes of these with framing",
                &|t| load(&of(t).bytes),
            ),
            row(
                "subscribers",
                GAUGE,
                "Clients that wait for messages",
                &|t| self.waiting(t),
            ),
        ]
    }

    fn by_reason(&self) -> [Row; 3] {
        let missed = Missed::ALL.map(|why| (why.reason(), load(&self.missed[why as usize])));
        let closed = Closed::ALL.map(|why| (why.name(), load(&self.closed[why as usize])));
        let streams = |why: Closed| load(&self.streams_closed[why as usize]);
        let streams = Closed::ALL.map(|why| (why.name(), streams(why)));
        let row = |name, help, values: &[(&'static str, i64)]| {
            let values = Values::By("reason", values.to_vec());
            Row {
                name,
                help,
                kind: COUNTER,
                values,
            }
        };
        [
            row("missed", "Readers told that they missed messages", &missed),
            row("closed", "Connections that ended", &closed),
            row("streams_closed", "Streams of HTTP/2 that ended", &streams),
        ]
    }
}

fn of_store(store: Health) -> [Row; 5] {
    let row = |name, kind, help, value| Row {
        name,
        help,
        kind,
        values: Values::One(signed(value)),
    };
    [
        row(
            "store_connected",
            GAUGE,
            "Whether the store is followed; 1 in memory",
            u64::from(store.connected),
        ),
        row(
            "store_reconnects",
            COUNTER,
            "Times the store was lost and found again",
            store.reconnects,
        ),
        row(
            "store_pending",
            GAUGE,
            "Messages on their way to the store",
            store.pending as u64,
        ),
        row(
            "store_lag",
            GAUGE,
            "Messages in the store that have not come here yet",
            store.lag,
        ),
        row(
            "store_unreadable",
            COUNTER,
            "Messages in the store that were none of a relay's",
            store.unreadable,
        ),
    ]
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        for row in &self.0 {
            let number = |value: i64| -> Box<dyn EncodeMetric> {
                match row.kind {
                    MetricType::Counter => Box::new(ConstCounter::new(value.unsigned_abs())),
                    _ => Box::new(ConstGauge::new(value)),
                }
            };
            let mut metric = encoder.encode_descriptor(row.name, row.help, None, row.kind)?;
            match &row.values {
                Values::One(value) => number(*value).encode(metric)?,
                Values::By(key, values) => {
                    for (label, value) in values {
                        number(*value).encode(metric.encode_family(&[(*key, *label)])?)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn load(value: &AtomicU64) -> i64 {
    signed(value.load(Ordering::Relaxed))
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
