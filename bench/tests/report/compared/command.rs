//! How the command is used, and misused.

use bench::result::compared::Compared;

use super::{Bench, base};

#[test]
fn a_command_that_makes_no_sense_is_told_why() {
    let bench = Bench::new();
    bench.keep("before", &base());
    for (words, why) in [
        (vec!["before", "nowhere"], "nowhere"),
        (
            vec!["before", "before", "--metric", "speed"],
            "`speed` is not a metric",
        ),
        (
            vec!["before", "before", "--metric", "clients"],
            "neither better nor worse",
        ),
        (
            vec!["before", "before", "--min-effect", "five"],
            "write a share like 5%",
        ),
        (
            vec!["before", "before", "--alpha", "0"],
            "above 0 and below 50%",
        ),
        (
            vec!["before", "some.toml"],
            "two folders of results, or two scenarios",
        ),
        (
            vec!["before", "before", "--set-base", "seed=1"],
            "stored results stay as they are",
        ),
    ] {
        let (code, _, told) = bench.compare(&words);
        assert_eq!(code, 2, "{words:?}: {told}");
        assert!(told.contains(why), "{words:?}: {told}");
    }
    let (code, text, _) = bench.compare(&[
        "before",
        "before",
        "--metric",
        "delivery.p90",
        "--json",
        "-",
    ]);
    let document: Compared = serde_json::from_str(&text).unwrap();
    assert_eq!((code, document.rows.len()), (0, 1));
}
