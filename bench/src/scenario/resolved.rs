//! The scenario as resolved: TOML with every default spelled out, which read
//! again gives the same plan.

use std::fmt::Write;

use super::Endpoint;
use super::GateRule;
use super::dialect;
use super::keys::MATRIX;
use super::plan::{Published, Target};
use super::search::{Search, Written};
use super::secret::TokenSource;
use super::setting::Setting;
use super::written::Scenario;
use crate::units::write_duration;

/// Writes the scenario.
pub(super) fn write(scenario: &Scenario, search: Option<&Search>, title: &str) -> String {
    let mut out = String::new();
    line(&mut out, "title", &quoted(title));
    line(&mut out, "seed", &scenario.seed.to_string());
    if scenario.targets.is_empty() {
        out.push_str("\n[target]\n");
        target(&mut out, &scenario.target);
        spoken(&mut out, scenario);
        template(&mut out, &scenario.target, "target");
    }
    for one in &scenario.targets {
        let table = format!("targets.{}", one.named.name);
        let _ = writeln!(out, "\n[{table}]");
        target(&mut out, &one.named.target);
        for setting in one.spoken() {
            line(&mut out, setting.key(), &setting.toml());
        }
        template(&mut out, &one.named.target, &table);
    }
    out.push_str("\n[load]\n");
    load(&mut out, scenario);
    link(&mut out, scenario);
    if !scenario.matrix.is_empty() {
        out.push_str("\n[matrix]\n");
    }
    for axis in &scenario.matrix {
        let key = axis.first().map_or("", Setting::key);
        let values: Vec<String> = axis.iter().map(Setting::toml).collect();
        line(&mut out, key, &format!("[{}]", values.join(", ")));
    }
    out.push_str("\n[phases]\n");
    for (key, span) in [
        ("ramp", scenario.phases.ramp),
        ("warm_up", scenario.phases.warm_up),
        ("measure", scenario.phases.measure),
        ("drain", scenario.phases.drain),
    ] {
        line(&mut out, key, &quoted(&write_duration(span)));
    }
    for (event, _) in &scenario.events {
        out.push_str("\n[[events]]\n");
        for (key, value) in event.toml() {
            line(&mut out, key, &value);
        }
    }
    if let Some(search) = search {
        out.push_str("\n[search]\n");
        for (key, value) in search.toml() {
            line(&mut out, key, &value);
        }
    }
    out.push_str("\n[run]\n");
    line(&mut out, "repeats", &scenario.repeats.to_string());
    if let Some(workers) = scenario.workers {
        line(&mut out, "workers", &workers.to_string());
    }
    if !scenario.gates.is_empty() {
        out.push_str("\n[gate]\n");
    }
    gates(&mut out, &scenario.gates);
    for figure in &scenario.published {
        published(&mut out, figure);
    }
    out
}

fn target(out: &mut String, target: &Target) {
    let Target::At {
        dialect,
        url,
        health,
        pid,
        command,
        allow_hosts,
        token,
        tls_ca,
        also,
        endpoint: _,
    } = target
    else {
        return line(out, "server", &quoted("bundled"));
    };
    line(out, "server", &quoted(dialect.name()));
    line(out, "url", &quoted(url));
    if !also.is_empty() {
        line(
            out,
            "also",
            &list(&also.iter().map(Endpoint::url).collect::<Vec<_>>()),
        );
    }
    line(out, "health", &quoted(health));
    if let Some(path) = tls_ca {
        line(out, "tls_ca", &quoted(&path.display().to_string()));
    }
    if let Some(pid) = pid {
        line(out, "pid", &pid.to_string());
    }
    if let Some(command) = command {
        line(out, "command", &list(command));
    }
    if !allow_hosts.is_empty() {
        line(out, "allow_hosts", &list(allow_hosts));
    }
    match token {
        None => {}
        Some(TokenSource::Here(_)) => out.push_str("# token: not written down\n"),
        Some(TokenSource::File(path)) => {
            line(out, "token_file", &quoted(&path.display().to_string()));
        }
        Some(TokenSource::Env(name)) => line(out, "token_env", &quoted(name)),
    }
}

/// How a server with an interface of its own is spoken to.
fn template(out: &mut String, target: &Target, table: &str) {
    let tables = target.dialect().template().map(dialect::write);
    for (name, keys) in tables.into_iter().flatten() {
        let _ = writeln!(out, "\n[{table}.{name}]");
        for (key, value) in keys {
            line(out, key, &value);
        }
    }
}

fn spoken(out: &mut String, scenario: &Scenario) {
    for setting in Setting::of_target(&Setting::assemble(&scenario.load)) {
        if !varies(scenario, setting.key()) {
            line(out, setting.key(), &setting.toml());
        }
    }
}

fn load(out: &mut String, scenario: &Scenario) {
    let named = scenario
        .load
        .iter()
        .any(|setting| setting.key() == "publishers");
    for setting in Setting::of_load(&Setting::assemble(&scenario.load)) {
        let key = setting.key();
        debug_assert!(MATRIX.keys.contains(&key));
        if varies(scenario, key) {
            continue;
        }
        if key == "publishers" && !named && varies(scenario, "channels") {
            out.push_str("# publishers: one for each channel, at most 16\n");
            continue;
        }
        line(out, key, &setting.toml());
    }
}

/// Spelt out in figures; where the matrix varies the preset, only the figures that override it.
fn link(out: &mut String, scenario: &Scenario) {
    out.push_str("\n[link]\n");
    let preset = varies(scenario, "preset");
    for setting in Setting::of_link(&Setting::assemble(&scenario.load)) {
        let key = setting.key();
        let named = scenario.load.iter().any(|setting| setting.key() == key);
        if !varies(scenario, key) && (named || !preset) {
            line(out, key, &setting.toml());
        }
    }
}

/// Rules on the same metric of the same trials stand together, and share a key.
fn gates(out: &mut String, gates: &[GateRule]) {
    for same in gates.chunk_by(|one, other| one.left() == other.left()) {
        let bounds: Vec<String> = same.iter().map(|gate| gate.right().to_owned()).collect();
        let value = match &bounds[..] {
            [bound] => quoted(bound),
            several => list(several),
        };
        line(out, &quoted(&same[0].left()), &value);
    }
}

fn varies(scenario: &Scenario, key: &str) -> bool {
    let mut first = scenario.matrix.iter().filter_map(|axis| axis.first());
    let searched = scenario.search.as_ref().map(Written::key);
    first.any(|setting| setting.key() == key) || searched == Some(key)
}

fn published(out: &mut String, figure: &Published) {
    out.push_str("\n[[published]]\n");
    line(out, "source", &quoted(&figure.source));
    line(out, "transport", &quoted(figure.transport.name()));
    line(out, "metric", &quoted(&figure.metric));
    line(out, "value", &format!("{:?}", figure.value));
    if let Some(note) = &figure.note {
        line(out, "note", &quoted(note));
    }
}

fn line(out: &mut String, key: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{key} = {value}");
}

fn list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("[{}]", words.join(", "))
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
