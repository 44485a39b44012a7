//! `tls` and `http`: keys of `[target]` that `[matrix]` may list.

use bench::scenario::{Factor, Http, Plan, Protocol, Target, describe};

use crate::text;

/// The three columns of a comparison, as a person writes them.
const COLUMNS: &str = "[matrix]
transport = [\"polling\", \"websocket\"]
tls = [false, true]
http = [\"1.1\", \"2\"]
";

fn spoken(plan: &Plan) -> Vec<Protocol> {
    let trials = plan.trials.iter();
    trials
        .filter_map(|trial| Protocol::of(&trial.load))
        .collect()
}

fn fault(source: &str, sets: &[&str]) -> String {
    match text(source, sets) {
        Ok(plan) => panic!("nothing wrong with {source}: {plan:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_scenario_that_says_nothing_speaks_http_1_without_tls() {
    let load = &text("", &[]).unwrap().trials[0].load;
    assert_eq!((load.tls, load.http), (false, Http::One));
}

#[test]
fn a_matrix_of_both_keys_gives_three_columns_of_each_transport() {
    let plan = text(COLUMNS, &[]).unwrap();
    let three = [Protocol::Http1, Protocol::Http1Tls, Protocol::Http2Tls];
    assert_eq!(spoken(&plan), [three, three].concat());
    let ids: Vec<&str> = plan.trials.iter().map(|trial| trial.id.as_str()).collect();
    assert_eq!(
        ids[..3],
        [
            "polling-tls-false-http-1.1",
            "polling-tls-true-http-1.1",
            "polling-tls-true-http-2"
        ]
    );
    let text = |word: &str| Some(Factor::Text(word.to_owned()));
    let factors = &plan.trials[2].factors;
    assert_eq!(factors.get("tls").cloned(), text("true"));
    assert_eq!(factors.get("http").cloned(), text("2"));
    let told = describe(&plan);
    assert!(
        told.contains(
            "HTTP/1.1, HTTP/1.1 over TLS, HTTP/2 over TLS; HTTP/2 without TLS is left out"
        ),
        "{told}"
    );
}

#[test]
fn all_columns_see_the_same_messages() {
    let plan = text(COLUMNS, &[]).unwrap();
    assert!(
        plan.trials
            .iter()
            .all(|one| one.seed == plan.trials[0].seed)
    );
}

#[test]
fn what_is_spoken_is_spelt_out_and_read_again() {
    for source in [
        COLUMNS,
        "[target]\ntls = true\nhttp = \"2\"",
        "[target]\nurl = \"https://127.0.0.1\"\ntls_ca = \"relay.pem\"",
        "[target]\nurl = \"https://127.0.0.1\"\n[matrix]\nhttp = [\"1.1\", \"2\"]",
    ] {
        let plan = text(source, &[]).unwrap_or_else(|error| panic!("{error}"));
        let again = text(&plan.resolved, &[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again, plan);
    }
}

#[test]
fn the_scheme_of_a_url_says_whether_there_is_tls() {
    let plan = text("[target]\nurl = \"https://localhost:8443\"", &[]).unwrap();
    assert_eq!(spoken(&plan), [Protocol::Http1Tls]);
    assert!(
        matches!(&plan.target, Target::At { endpoint, .. } if endpoint.tls && endpoint.port == 8443)
    );
    for (source, told) in [
        (
            "url = \"https://localhost\"\ntls = false",
            "\"tls\" is false here, and \"target.url\" begins with https://",
        ),
        (
            "url = \"http://localhost\"\ntls = true",
            "\"tls\" is true here, and \"target.url\" begins with http://",
        ),
        (
            "url = \"http://localhost\"\nhttp = \"2\"",
            "begin \"target.url\" with https://",
        ),
        (
            "url = \"http://localhost\"\ntls_ca = \"a.pem\"",
            "\"target.tls_ca\" means nothing without TLS",
        ),
        (
            "tls = true\ntls_ca = \"a.pem\"",
            "\"target.tls_ca\" means nothing for the bundled relay",
        ),
        (
            "url = \"https://localhost\"\n[matrix]\ntls = [true, false]",
            "\"tls\" is false here",
        ),
    ] {
        let text = fault(&format!("[target]\n{source}"), &[]);
        assert!(text.contains(told), "{source}: {text}");
    }
}

#[test]
fn http_2_without_tls_is_refused_where_nothing_else_is_meant() {
    for source in [
        "[target]\nhttp = \"2\"",
        "[matrix]\nhttp = [\"1.1\", \"2\"]",
    ] {
        let told = fault(source, &[]);
        assert!(
            told.contains("HTTP/2 needs TLS, as in every browser; add tls = true to [target]"),
            "{told}"
        );
    }
    let told = fault("[target]\nhttp = \"2\"\n[matrix]\ntls = [false, true]", &[]);
    assert!(told.contains("nothing is left of tls = false"), "{told}");
    let told = fault("[target]\nhttp = \"3\"", &[]);
    assert!(told.contains("it must be one of 1.1, 2"), "{told}");
    let told = fault("[load]\ntls = true", &[]);
    assert!(told.contains("\"tls\" belongs in [target]"), "{told}");
    let told = fault("[target]\ntls = true\n[matrix]\ntls = [false, true]", &[]);
    assert!(
        told.contains("\"tls\" stands in [target] and in [matrix]"),
        "{told}"
    );
}

#[test]
fn a_set_says_what_is_spoken() {
    let plan = text("", &["target.tls=true", "target.http=2"]).unwrap();
    assert_eq!(spoken(&plan), [Protocol::Http2Tls]);
    let plan = text(COLUMNS, &["target.tls=true", "target.http=1.1"]).unwrap();
    assert_eq!(spoken(&plan), [Protocol::Http1Tls, Protocol::Http1Tls]);
    let plan = text("[target]\ntls = true", &["matrix.http=[1.1, 2]"]).unwrap();
    assert_eq!(spoken(&plan), [Protocol::Http1Tls, Protocol::Http2Tls]);
    let plan = text("[target]\ntls = true", &["matrix.tls=[false, true]"]).unwrap();
    assert_eq!(spoken(&plan), [Protocol::Http1, Protocol::Http1Tls]);
}
