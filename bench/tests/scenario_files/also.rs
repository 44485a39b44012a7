//! `target.also`: more nodes of a server that runs already.

use bench::scenario::{Target, describe};

use crate::text;

const TWO: &str = "[target]\nurl = \"http://10.0.0.7:8080\"\nalso = [\"http://10.0.0.8:8080/\", \"http://b.example\"]\n\
                   allow_hosts = [\"10.0.0.7\", \"10.0.0.8\", \"b.example\"]";

#[test]
fn nodes_are_told_spelt_out_and_read_again() {
    let plan = text(TWO, &[]).unwrap();
    let Target::At { also, .. } = &plan.target else {
        panic!("it is at an address");
    };
    let urls: Vec<String> = also.iter().map(|one| one.url()).collect();
    assert_eq!(urls, ["http://10.0.0.8:8080", "http://b.example"]);
    let told = describe(&plan);
    let all = "http://10.0.0.7:8080 and http://10.0.0.8:8080 and http://b.example";
    assert!(told.contains(all), "{told}");
    assert_eq!(text(&plan.resolved, &[]).unwrap(), plan);
    // With TLS one host name stands for all of them.
    let named = TWO
        .replace("http:", "https:")
        .replace("10.0.0.7", "a.example");
    assert!(text(&named, &[]).is_ok());
    let alone = text("[target]\nurl = \"http://127.0.0.1:8080\"", &[]).unwrap();
    assert!(!alone.resolved.contains("also"), "{}", alone.resolved);
}

#[test]
fn nodes_that_clients_cannot_go_between_or_may_not_load_are_refused() {
    for (source, why) in [
        (
            TWO.replace("\"10.0.0.8\", ", ""),
            "\"10.0.0.8\" is not this machine, and a load test is an attack",
        ),
        (
            TWO.replace("http://b.example", "https://b.example"),
            "both begin with http:// or both with https://",
        ),
        (
            TWO.replace("http:", "https:"),
            "write \"target.url\" with a host name that the certificates of all nodes carry",
        ),
        (
            TWO.replace("http://b.example", "http://127.0.0.1:8081"),
            "one is loopback alone",
        ),
        (
            TWO.replace("http://b.example", "b.example:80"),
            "\"target.also\" has no http://",
        ),
        (TWO.replace("\"http://b.example\"", "8081"), "target.also"),
        (
            "[target]\nalso = [\"http://127.0.0.1:8081\"]".to_owned(),
            "\"target.also\" means nothing for the bundled relay",
        ),
    ] {
        let error = text(&source, &[]).unwrap_err().to_string();
        assert!(error.contains(why), "{source}: {error}");
    }
}
