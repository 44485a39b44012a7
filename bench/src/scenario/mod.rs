//! What a person asks for: a TOML file, resolved into a [`Plan`] of trials.

mod load;
mod plan;

pub use load::{Arrivals, Headers, Load, MAX_PAYLOAD, MIN_PAYLOAD, Publish, Transport};
pub use plan::{Factor, Phases, Plan, Published, Target, Trial};
