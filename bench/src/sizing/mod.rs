//! From what was measured to what a deployment needs: unit costs, the laws by which they grow, and the machines that follow.

mod costs;
pub mod law;
mod need;
mod show;

pub use costs::{Costs, CostsError, Unit};
pub use need::{Demand, Limit, Machine, Need, need};
pub use show::show;
