//! What clients speak: HTTP/1.1 or HTTP/2, with or without TLS (`tls` and `http` of `[target]`).
//!
//! A URL says by its scheme whether there is TLS; the bundled relay has it or not as the scenario wishes.

use std::fmt;

use super::error::{Fault, Report};
use super::place::Place;
use super::plan::{Target, Trial};
use super::setting::Setting;
use super::tree::{Entry, place_of};
use super::written::Scenario;
use super::{Http, Load};

/// What stands between TCP and a transport; also the order of every table and chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// HTTP/1.1 as it is.
    Http1,
    /// HTTP/1.1 over TLS.
    Http1Tls,
    /// HTTP/2 over TLS. Without it bench speaks none, as no browser does.
    Http2Tls,
}

impl Protocol {
    /// What a load asks for; nothing when it is HTTP/2 without TLS.
    #[must_use]
    pub fn of(load: &Load) -> Option<Self> {
        match (load.http, load.tls) {
            (Http::One, false) => Some(Self::Http1),
            (Http::One, true) => Some(Self::Http1Tls),
            (Http::Two, true) => Some(Self::Http2Tls),
            (Http::Two, false) => None,
        }
    }

    /// Its name in tables, charts and words, such as `HTTP/2 over TLS`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http1Tls => "HTTP/1.1 over TLS",
            Self::Http2Tls => "HTTP/2 over TLS",
        }
    }

    /// What the trials speak, and what their matrix leaves out; nothing when it is HTTP/1.1 as it is.
    pub(super) fn told(trials: &[Trial]) -> Option<String> {
        let of = |trial: &Trial| Self::of(&trial.load);
        let mut spoken: Vec<Self> = trials.iter().filter_map(of).collect();
        spoken.sort_unstable();
        spoken.dedup();
        let names: Vec<&str> = spoken.iter().map(|one| one.name()).collect();
        let crossed = spoken.contains(&Self::Http1) && spoken.contains(&Self::Http2Tls);
        let note = if crossed {
            "; HTTP/2 without TLS is left out: no browser speaks it"
        } else {
            ""
        };
        (spoken != [Self::Http1]).then(|| format!("{}{note}", names.join(", ")))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Lets a URL say whether there is TLS, and notes what contradicts it and what nobody can speak.
pub(super) fn settle(scenario: &mut Scenario, root: &[Entry], report: &mut Report) {
    if let Target::At { endpoint, .. } = &scenario.target {
        let said = endpoint.tls;
        if let Some(place) = contradiction(scenario, said, root) {
            let (does, other) = if said {
                ("https://, which is TLS", "http://")
            } else {
                ("http://, which is no TLS", "https://")
            };
            report.add(Fault::new(
                &place,
                format!("\"tls\" is {} here, and \"target.url\" begins with {does}; remove \"tls\", or begin the URL with {other}", !said),
            ));
            return;
        }
        if !listed(scenario, "tls") {
            scenario.load.push(Setting::Tls(said));
        }
    }
    several(scenario, root, report);
    let values = |key: &str| {
        let axis = scenario.matrix.iter().find(|axis| is(axis, key));
        let base = Setting::of_target(&Setting::assemble(&scenario.load));
        axis.cloned()
            .unwrap_or_else(|| base.into_iter().filter(|one| one.key() == key).collect())
    };
    let (tls, http) = (values("tls"), values("http"));
    if http.contains(&Setting::Http(Http::Two)) && !tls.contains(&Setting::Tls(true)) {
        let remedy = match scenario.target {
            Target::Bundled => "add tls = true to [target]",
            Target::At { .. } => "begin \"target.url\" with https://",
        };
        report.add(Fault::new(
            &place(scenario, "http", root),
            format!("HTTP/2 needs TLS, as in every browser; {remedy}, or take http = \"2\" out"),
        ));
    } else if tls.contains(&Setting::Tls(false)) && !http.contains(&Setting::Http(Http::One)) {
        report.add(Fault::new(
            &place(scenario, "tls", root),
            "HTTP/2 needs TLS, so nothing is left of tls = false; take it out, or list http = [\"1.1\", \"2\"] in [matrix]",
        ));
    }
}

/// Notes several relays where bench cannot start them.
fn several(scenario: &Scenario, root: &[Entry], report: &mut Report) {
    let all = scenario.matrix.iter().flatten().chain(&scenario.load);
    let nodes = |setting: &Setting| matches!(setting, Setting::Nodes(count) if *count > 1);
    if !all.clone().any(nodes) {
        return;
    }
    let place = place(scenario, "nodes", root);
    if matches!(scenario.target, Target::At { .. }) {
        report.add(Fault::new(
            &place,
            "\"nodes\" means nothing for a server at an address: bench starts several relays only where it starts the \
             bundled one; remove it, or remove \"target.url\"",
        ));
    } else if all.clone().any(|setting| *setting == Setting::Tls(true)) {
        report.add(Fault::new(
            &place,
            "\"nodes\" and \"tls\" exclude each other: each relay would make a certificate of its own; remove one of them",
        ));
    }
}

/// Where `tls` stands that says otherwise than the URL.
fn contradiction(scenario: &Scenario, said: bool, root: &[Entry]) -> Option<Place> {
    let other = Setting::Tls(!said);
    let lists = scenario.matrix.iter().any(|axis| axis.contains(&other));
    let says = scenario.load.contains(&other);
    (lists || says).then(|| place(scenario, "tls", root))
}

fn listed(scenario: &Scenario, key: &str) -> bool {
    scenario.matrix.iter().any(|axis| is(axis, key))
}

fn is(axis: &[Setting], key: &str) -> bool {
    axis.first().is_some_and(|first| first.key() == key)
}

fn place(scenario: &Scenario, key: &str, root: &[Entry]) -> Place {
    let section = if listed(scenario, key) {
        "matrix"
    } else {
        "target"
    };
    place_of(root, &format!("{section}.{key}"))
}
