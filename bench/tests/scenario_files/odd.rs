//! Values that nobody can mean: each is refused with its remedy, and none makes the reader panic.

use crate::text;

/// What is said of a scenario that is refused.
fn refused(source: &str) -> String {
    match text(source, &[]) {
        Ok(plan) => panic!("{source} is taken: {plan:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn numbers_that_are_too_small_to_do_anything_are_refused() {
    for (source, why) in [
        (
            "[load]\nrate = 1e-300",
            "\"load.rate\" is 1e-300; it must be from 0.00001",
        ),
        ("[load]\nrate = 5e-324", "it must be from 0.00001"),
        ("[load]\nrate = 1e300", "\"load.rate\" is 1e300;"),
        (
            "[[events]]\nat = \"1s\"\nrate = 1e-300",
            "\"events.rate\" is 1e-300;",
        ),
        (
            "[search]\nvary = \"loss\"\nfrom = 1e-320\nto = 0.5\nwhile = \"lost == 0\"",
            "\"search.from\" must be at least 0.000001",
        ),
        (
            "[search]\nvary = \"batch\"\nfrom = 0\nto = 5\nwhile = \"lost == 0\"",
            "\"search.from\" must be above 0",
        ),
    ] {
        let told = refused(source);
        assert!(told.contains(why), "{source}: {told}");
    }
    // One message in more than a day: it runs, and nothing is published.
    assert!(text("[load]\nrate = 1e-5", &[]).is_ok());
}

#[test]
fn a_bound_that_its_metric_cannot_have_is_refused() {
    for (gate, why) in [
        ("\"* lost\" = \"<= 5%\"", "the share is \"missed_share\""),
        (
            "\"* lost\" = \"<= 20ms\"",
            "\"lost\", which is a number without a unit",
        ),
        (
            "\"* delivery.p99\" = \"<= 20\"",
            "\"delivery.p99\", which is a span of time",
        ),
        ("\"* delivery.p99\" = \"<= 4KiB\"", "write it like \"20ms\""),
        (
            "\"* wire_bytes_per_message\" = \"<= 1s\"",
            "an amount of bytes",
        ),
        (
            "\"* delivery.p99\" = \"<= 1e308 * baseline\"",
            "up to 1,000,000",
        ),
        ("\"* lost\" = \"<= 1 / 0\"", "is not a bound"),
        ("\"* lost\" = \"<= 1 and >= 0\"", "is not a bound"),
        ("\"* lost\" = \"≤ 0\"", "begins with no comparison"),
    ] {
        let told = refused(&format!("[gate]\n{gate}"));
        assert!(told.contains(why), "{gate}: {told}");
    }
    let search = "[search]\nvary = \"rate\"\nfrom = 1\nto = 9\nwhile = \"delivery.p99 <= 100\"";
    assert!(refused(search).contains("which is a span of time"));
}

#[test]
fn brackets_without_end_are_refused() {
    // As deep as a command line can carry: reading it must not use up the stack.
    let deep = format!("{}1{}", "[".repeat(60_000), "]".repeat(60_000));
    for set in [
        format!("load.clients={deep}"),
        format!("load{}=1", ".a".repeat(40_000)),
    ] {
        let told = text("", &[&set]).unwrap_err().to_string();
        assert!(told.contains("load"), "{told}");
    }
}
