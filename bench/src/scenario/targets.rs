//! `[targets]`: several servers, each by a name, that `matrix.target` puts side by side.

use super::error::{Fault, Report};
use super::keys::{Section, TARGET, brief, listed, nearest, not_a_table};
use super::place::Place;
use super::plan::{Named, Target};
use super::setting::{Served, Setting, transports};
use super::tree::{Entry, Value, place_of};
use super::written::Scenario;
use super::{Dialect, Http, Load, Origin, Poll, TargetName, Trial};

/// Names that mean something else in a gate.
const TAKEN: [&str; 2] = ["baseline", "all"];

const ONE_OF: Section = Section {
    name: "targets.*",
    keys: TARGET.keys,
};

/// A server of `[targets]` as read.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) named: Named,
    place: Place,
    /// `tls` and `http`.
    spoken: Vec<Setting>,
}

/// Reads `[targets]`.
pub(super) fn read(section: &Entry, report: &mut Report) -> Vec<Written> {
    let Value::Table(table) = &section.node.value else {
        let text = not_a_table("targets", &section.node.place);
        report.add(Fault::new(&section.node.place, text));
        return Vec::new();
    };
    let mut targets = Vec::new();
    for entry in table {
        let name = entry.key.as_str();
        let taken = TAKEN.contains(&name) || transports().iter().any(|(known, _)| *known == name);
        if taken || TargetName::new(name).is_none() {
            report.add(Fault::new(
                &entry.place,
                format!(
                    "\"{}\" cannot be the name of a target: at most 24 small letters, digits and hyphens, and no transport, such as [targets.relay]",
                    brief(name)
                ),
            ));
            continue;
        }
        let (target, spoken) = super::target::read(&ONE_OF, entry, report);
        targets.push(Written {
            named: Named {
                name: name.to_owned(),
                target,
            },
            place: entry.place.clone(),
            spoken,
        });
    }
    targets
}

/// Says of each trial which server it is of, and notes what a server of `[targets]` cannot have.
pub(super) fn settle(scenario: &mut Scenario, root: &[Entry], report: &mut Report) {
    let axis = |scenario: &Scenario, key: &str| {
        let found = |axis: &Vec<Setting>| axis.first().is_some_and(|one| one.key() == key);
        scenario.matrix.iter().position(found)
    };
    let Some(chosen) = axis(scenario, "target") else {
        if let Some(first) = scenario.targets.first() {
            let names: Vec<String> = scenario.targets.iter().map(Written::quoted).collect();
            report.add(Fault::new(
                &first.place,
                format!(
                    "[targets] is for comparing servers; add target = [{}] to [matrix], or name the only one [target]",
                    names.join(", ")
                ),
            ));
        }
        let served = Served::new("", &scenario.target, None);
        scenario.load.push(Setting::Target(served));
        return;
    };
    let place = place_of(root, "matrix.target");
    if root.iter().any(|entry| entry.key == "target") {
        report.add(Fault::new(
            &place_of(root, "target"),
            "[target] is the only server; where \"matrix.target\" names several, each is a table of [targets]",
        ));
    }
    for key in ["tls", "http"] {
        if axis(scenario, key).is_some() {
            report.add(Fault::new(
                &place_of(root, &format!("matrix.{key}")),
                format!("\"matrix.{key}\" is for one target; with several say \"{key}\" in each of [targets]"),
            ));
        }
    }
    let before = report.len();
    let mut settled = Vec::new();
    for setting in &scenario.matrix[chosen] {
        let Setting::Target(served) = setting else {
            continue;
        };
        let mut known = scenario.targets.iter();
        match known.find(|one| one.named.name == served.name) {
            Some(one) => settled.extend(report.take(one.served())),
            None => report.add(Fault::new(&place, unknown(&served.name, &scenario.targets))),
        }
    }
    if report.len() == before {
        scenario.matrix[chosen] = settled.into_iter().map(Setting::Target).collect();
    }
}

impl Written {
    fn quoted(&self) -> String {
        format!("\"{}\"", self.named.name)
    }

    /// The server with what it is spoken to over: as its URL says, or as the bundled relay is told.
    fn served(&self) -> Result<Served, Fault> {
        let Named { name, target } = &self.named;
        let mut load = Setting::assemble(&self.spoken);
        let said = |key: &str| self.spoken.iter().any(|one| one.key() == key);
        if let Target::At { endpoint, .. } = target {
            if said("tls") && load.tls != endpoint.tls {
                return Err(Fault::new(
                    &self.place,
                    format!(
                        "\"targets.{name}.tls\" is {}, and its \"url\" says otherwise; remove \"tls\"",
                        load.tls
                    ),
                ));
            }
            load.tls = endpoint.tls;
        }
        if load.http == Http::Two && !load.tls {
            return Err(Fault::new(
                &self.place,
                format!(
                    "\"targets.{name}.http\": HTTP/2 needs TLS, as in every browser; take it out"
                ),
            ));
        }
        Ok(Served::new(name, target, Some((load.tls, load.http))))
    }

    /// `tls` and `http` as they were written.
    pub(super) fn spoken(&self) -> &[Setting] {
        &self.spoken
    }
}

fn unknown(name: &str, targets: &[Written]) -> String {
    let names: Vec<&str> = targets.iter().map(|one| one.named.name.as_str()).collect();
    match nearest(name, &names) {
        Some(near) => format!("no [targets.{}]; did you mean \"{near}\"?", brief(name)),
        None => format!("no [targets.{}]; there are {}", brief(name), listed(&names)),
    }
}

/// What a trial asks of a server that cannot be asked for it.
pub(super) fn complaint(trial: &Trial, target: &Target) -> Option<(&'static str, String)> {
    let dialect = target.dialect();
    let Load {
        transport,
        http,
        poll,
        linger,
        origin,
        ..
    } = trial.load;
    if !dialect.speaks(transport) {
        let text = format!(
            "[target.template] does not say how a server is asked by {transport}; add a table [target.template.{transport}], or take {transport} out"
        );
        return Some(("transport", text));
    }
    if *dialect == Dialect::Relay {
        return None;
    }
    let only = |what: &str, key: &str| {
        format!(
            "{what} is asked for in the relay's own words, which target.server = \"{}\" does not know; leave out \"{key}\"",
            dialect.name()
        )
    };
    if http == Http::Two {
        return Some((
            "http",
            "HTTP/2 is spoken to relays alone; take http = \"2\" out".to_owned(),
        ));
    }
    if poll == Poll::Latest {
        return Some(("poll", only("the newest message alone", "load.poll")));
    }
    if !linger.is_zero() {
        return Some(("linger", only("a longer wait", "load.linger")));
    }
    (origin == Origin::Cross && dialect.template().is_some_and(|one| one.publish.method != "POST")).then(|| {
        let text = "a page of another origin publishes by POST, and target.template.publish.method is another; leave out \"load.origin\"";
        ("origin", text.to_owned())
    })
}
