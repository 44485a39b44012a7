//! The Prometheus text of `/metrics`.

use std::fmt::Error;
use std::sync::atomic::Ordering;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::{Closed, Metrics, Transport};
use crate::log::{Kept, Missed};

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
    /// Writes all counters, and what the logs hold, in the `OpenMetrics` text format.
    ///
    /// # Errors
    /// Only when the text cannot be formatted, which is a bug.
    pub fn exposition(&self, kept: Kept) -> Result<String, Error> {
        let mut registry = Registry::with_prefix("relay");
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register_collector(Box::new(self.snapshot(kept)));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }

    fn snapshot(&self, kept: Kept) -> Snapshot {
        use MetricType::{Counter, Gauge};
        let mut rows = Vec::new();
        let mut row = |name, kind, help, values| {
            rows.push(Row {
                name,
                help,
                kind,
                values,
            })
        };
        let by_transport = |value: &dyn Fn(Transport) -> i64| {
            Values::By(
                "transport",
                Transport::ALL.map(|t| (t.name(), value(t))).to_vec(),
            )
        };
        row(
            "published",
            Counter,
            "Messages published",
            Values::One(signed(self.published_total())),
        );
        let delivered = by_transport(&|t| {
            signed(
                self.transports[t as usize]
                    .delivered
                    .load(Ordering::Relaxed),
            )
        });
        row(
            "delivered",
            Counter,
            "Messages written to clients",
            delivered,
        );
        let bytes =
            by_transport(&|t| signed(self.transports[t as usize].bytes.load(Ordering::Relaxed)));
        row(
            "delivered_bytes",
            Counter,
            "Bytes of these messages with their framing",
            bytes,
        );
        row(
            "subscribers",
            Gauge,
            "Clients that wait for messages",
            by_transport(&|t| self.waiting(t)),
        );
        let empty = self.empty_polls.load(Ordering::Relaxed);
        row(
            "empty_polls",
            Counter,
            "Polls that found nothing",
            Values::One(signed(empty)),
        );
        let missed = [Missed::Evicted, Missed::Recreated];
        let missed = missed.map(|m| {
            (
                m.reason(),
                signed(self.missed[m as usize].load(Ordering::Relaxed)),
            )
        });
        row(
            "missed",
            Counter,
            "Readers told that they missed messages",
            Values::By("reason", missed.to_vec()),
        );
        let closed = Closed::ALL.map(|c| {
            (
                c.name(),
                signed(self.closed[c as usize].load(Ordering::Relaxed)),
            )
        });
        row(
            "closed",
            Counter,
            "Connections that ended",
            Values::By("reason", closed.to_vec()),
        );
        row(
            "connections",
            Gauge,
            "Open connections",
            Values::One(self.open_connections()),
        );
        row(
            "channels",
            Gauge,
            "Channels that exist",
            Values::One(signed(kept.channels as u64)),
        );
        row(
            "kept_messages",
            Gauge,
            "Messages kept",
            Values::One(signed(kept.messages as u64)),
        );
        row(
            "kept_bytes",
            Gauge,
            "Payload bytes kept",
            Values::One(signed(kept.bytes as u64)),
        );
        Snapshot(rows)
    }
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

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
