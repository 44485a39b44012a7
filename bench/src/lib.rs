//! A swarm of simulated Web push clients that measures latency, bandwidth and server cost.
//!
//! Folders stand in the order of the road that a sample travels:
//! a scenario becomes a plan; the schedule yields *due* times; the publisher
//! stamps and sends; clients yield deliveries; sessions book them; a second's
//! work becomes an interval; all of it becomes one [`result::RunResult`] on
//! disk, and only then a table, CSV, charts, HTML and gates.

pub mod cli;
pub mod client;
pub mod clock;
pub mod exit;
pub mod fleet;
pub mod judge;
pub mod kernel;
pub mod live;
pub mod model;
pub mod net;
pub mod probe;
pub mod reactor;
pub mod record;
pub mod report;
pub mod result;
pub mod scenario;
pub mod schedule;
pub mod selftest;
pub mod sizing;
pub mod stamp;
pub mod stats;
pub mod swarm;
pub mod target;
pub mod units;
pub mod witness;
