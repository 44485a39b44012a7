//! What holds of every scenario, however it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bench::scenario::{Kind, Known, read_text};
use proptest::prelude::*;

const fn known(name: &'static str, kind: Kind) -> Known<'static> {
    Known { name, kind }
}

const KNOWN: [Known<'_>; 4] = [
    known("lost", Kind::Number),
    known("missed_share", Kind::Share),
    known("header_bytes_per_second", Kind::Bytes),
    known("delivery.p99", Kind::Time),
];

const SEED: &str = include_str!("../../scenarios/lubbers-2010.toml");

/// A gate: what it is on, and what it is held against, in the metric's unit.
fn gate() -> impl Strategy<Value = (String, BTreeSet<String>)> {
    let metrics = [
        ("lost", ""),
        ("missed_share", " ?%"),
        ("header_bytes_per_second", "KiB"),
        ("delivery.p99", "ms"),
    ];
    (proptest::sample::select(metrics.to_vec()), "(\\*|sse)").prop_flat_map(
        |((metric, unit), who)| {
            let rights = proptest::collection::btree_set(gate_right(unit), 1..3);
            (Just(format!("{who} {metric}")), rights)
        },
    )
}

fn gate_right(unit: &str) -> impl Strategy<Value = String> + use<> {
    let sign = "(<=|>=|==|!=|<|>) ";
    let value = format!("[1-9][0-9]{{0,3}}(\\.[0-9]{{1,3}})?{unit}");
    let other = "(0\\.[1-9] ?\\* ?|1[0-9]{2}% \\* )?(websocket|baseline)";
    let bound = proptest::string::string_regex(&format!("{value}|{other}"));
    (sign, bound.expect("a pattern")).prop_map(|(sign, bound)| format!("{sign}{bound}"))
}

fn gate_table(gates: &BTreeMap<String, BTreeSet<String>>) -> String {
    let mut text = "[gate]\n".to_owned();
    for (left, rights) in gates {
        text.push_str(
            &format!("{left:?} = {rights:?}\n")
                .replace('{', "[")
                .replace('}', "]"),
        );
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn no_text_makes_the_reader_panic(text in "(?s).{0,200}", set in ".{0,40}") {
        if let Err(error) = read_text(&text, Path::new("x"), &[set], &KNOWN) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn no_slip_of_the_hand_makes_the_reader_panic(
        cut in 0..SEED.len(),
        length in 0..40_usize,
        typed in "[\\[\\]{}=\"'a-z0-9.\\n\\t é-]{0,6}",
        set in "(load|matrix|phases|target|gate|published|run)\\.[a-z_\"]{1,8}=[\\[\\]a-z0-9,\"]{0,8}",
    ) {
        let mut text = SEED.to_owned();
        let end = (cut + length).min(text.len());
        if text.is_char_boundary(cut) && text.is_char_boundary(end) {
            text.replace_range(cut..end, &typed);
        }
        if let Err(error) = read_text(&text, Path::new("x"), &[set], &KNOWN) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn a_resolved_scenario_reads_as_the_same_plan(
        title in "[^\\p{Cc}]{1,20}",
        seed in 0..i64::MAX,
        clients in proptest::collection::btree_set(1..1_000_000_usize, 1..4),
        rate in 0.001..1_000.0_f64,
        millis in 1..3_600_000_u64,
        payload in 64..=1_048_576_usize,
        pad in 64..=16_384_usize,
        repeats in 1..4_u32,
        loss in 0.0..0.5_f64,
        down in 1..1_000_000_000_u64,
        preset in proptest::bool::ANY,
        cookies in "[!-~][ -~]{0,20}",
        gates in proptest::collection::vec(gate(), 0..4),
    ) {
        let gates: BTreeMap<String, BTreeSet<String>> = gates.into_iter().collect();
        let (link, presets) = if preset {
            ("", "preset = [\"none\", \"4g\"]\n")
        } else {
            ("preset = \"3g\"\n", "")
        };
        let text = format!(
            "title = {}\nseed = {seed}\n[load]\nrate = {rate:?}\npayload = \"{payload}B\"\n\
             poll_interval = \"{millis}ms\"\nheaders = {{ pad_to = {pad} }}\ncookies = {}\n\
             [link]\nloss = {loss:?}\ndown = \"{down}bit\"\n{link}\
             [run]\nrepeats = {repeats}\n[matrix]\n{presets}clients = {:?}\ntransport = [\"sse\", \"websocket\"]\nchannels = [1, 20]\n{}",
            toml::Value::String(title.clone()),
            toml::Value::String(cookies),
            clients.iter().collect::<Vec<_>>(),
            gate_table(&gates),
        );
        match read_text(&text, Path::new("x"), &[], &KNOWN) {
            Err(error) => prop_assert!(title.trim().is_empty(), "{}", error),
            Ok(plan) => {
                prop_assert_eq!(plan.gates.len(), gates.values().map(BTreeSet::len).sum::<usize>());
                let again = read_text(&plan.resolved, Path::new("x"), &[], &KNOWN);
                prop_assert_eq!(again.map_err(|error| error.to_string()), Ok(plan));
            }
        }
    }
}
