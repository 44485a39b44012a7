//! What the parts print.

/// Says whether a budget is held, and gives it back.
pub(crate) fn verdict(held: bool, budget: &str) -> bool {
    println!("{budget}: {}", if held { "held" } else { "NOT HELD" });
    held
}

/// Begins a table.
pub(crate) fn head(columns: &[&str]) {
    println!("| {} |", columns.join(" | "));
    println!("|{}", "---|".repeat(columns.len()));
}
