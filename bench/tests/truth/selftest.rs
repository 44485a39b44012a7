//! The instrument measures itself.

use crate::program::Story;

#[test]
fn the_floor_is_measured_against_budgets_and_told_as_a_table() {
    let ran = Story::new("").bench(&["selftest"]);
    let row = |name: &str| {
        let mut lines = ran.stdout.lines();
        lines
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("no {name} in {} {}", ran.stdout, ran.stderr))
    };
    // A busy machine changes times, and nothing here.
    for name in [
        "messages echoed / delivered",
        "the kernel stamps arrivals",
        "histograms of 10 clients, 10 s / 10,000 clients, 1,000 s",
        "ledger of a client that misses nothing, 10 s / 1,000 s",
    ] {
        assert!(row(name).ends_with(": ok"), "{}", row(name));
    }
    for name in [
        "arrival error: claimed - before the write, p99",
        "booking a delivery, the clock included",
    ] {
        assert!(row(name).contains("under "), "{}", row(name));
    }
    let over = ran.stdout.contains(": OVER");
    assert_eq!(ran.code, Some(if over { 4 } else { 0 }), "{}", ran.stderr);
    assert_eq!(ran.stderr.contains("over budget: "), over);
}
