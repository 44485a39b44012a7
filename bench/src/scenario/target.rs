//! `[target]`: the server under test, and whether it may be loaded.

use std::net::{IpAddr, Ipv4Addr};

use http::Uri;

use super::error::{Fault, Report};
use super::keys::{TARGET, brief};
use super::place::Place;
use super::plan::Target;
use super::tree::Entry;
use super::value::Wanted;

const URL: &str = "url = \"http://127.0.0.1:8080\"";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Server {
    Bundled,
    Relay,
    Later(&'static str),
}

const SERVERS: [(&str, Server); 4] = [
    ("bundled", Server::Bundled),
    ("relay", Server::Relay),
    ("nchan", Server::Later("nchan")),
    ("template", Server::Later("template")),
];

/// A value and where it was written.
type Placed<T> = Option<(T, Place)>;

/// What `[target]` says, key by key.
#[derive(Default)]
struct Written {
    server: Placed<Server>,
    url: Placed<(String, String)>,
    pid: Placed<u32>,
    command: Placed<Vec<String>>,
    allow_hosts: Placed<Vec<String>>,
}

/// Reads `[target]`; a `url` without a `server` means a relay that runs already.
pub(super) fn read(section: &Entry, report: &mut Report) -> Option<Target> {
    let before = report.len();
    let mut written = Written::default();
    for entry in TARGET.entries(&section.node, report) {
        let outcome = written.read(entry);
        report.take(outcome);
    }
    if report.len() > before {
        return None;
    }
    let outcome = written.resolve(&section.place);
    report.take(outcome)
}

impl Written {
    fn read(&mut self, entry: &Entry) -> Result<(), Fault> {
        let path = TARGET.path(&entry.key);
        let wanted = |example| Wanted {
            path: &path,
            example,
            node: &entry.node,
        };
        let place = entry.node.place.clone();
        match entry.key.as_str() {
            "server" => {
                let server = wanted("server = \"relay\"").word(&SERVERS)?;
                self.server = Some((server, place));
            }
            "url" => self.url = Some((url(&wanted(URL))?, place)),
            "pid" => {
                let pid = wanted("pid = 4242").whole(1..=4_194_304)?;
                self.pid = u32::try_from(pid).ok().map(|pid| (pid, place));
            }
            "command" => {
                let words = texts(&wanted("command = [\"./server\", \"--port\", \"8080\"]"))?;
                self.command = Some((words, place));
            }
            _ => {
                let hosts = texts(&wanted("allow_hosts = [\"push.example.org\"]"))?;
                self.allow_hosts = Some((hosts, place));
            }
        }
        Ok(())
    }

    fn resolve(self, section: &Place) -> Result<Target, Fault> {
        match self.server {
            Some((Server::Later(name), place)) => Err(Fault::new(
                &place,
                format!(
                    "target.server = \"{name}\" is not supported yet; use \"bundled\" or \"relay\""
                ),
            )),
            Some((Server::Relay, place)) if self.url.is_none() => Err(Fault::new(
                &place,
                format!("\"target.url\" is missing: server = \"relay\" needs one, such as {URL}"),
            )),
            Some((Server::Relay, _)) => self.relay(section),
            None if self.url.is_some() => self.relay(section),
            Some((Server::Bundled, _)) | None => self.bundled(),
        }
    }

    /// The bundled relay, when nothing is said that only another server has.
    fn bundled(self) -> Result<Target, Fault> {
        let stray = [
            self.url.map(|(_, place)| ("url", place)),
            self.pid.map(|(_, place)| ("pid", place)),
            self.command.map(|(_, place)| ("command", place)),
            self.allow_hosts.map(|(_, place)| ("allow_hosts", place)),
        ];
        match stray.into_iter().flatten().next() {
            None => Ok(Target::Bundled),
            Some((key, place)) => Err(Fault::new(
                &place,
                format!(
                    "\"target.{key}\" means nothing for the bundled relay, which bench starts by itself; \
                     set target.server = \"relay\" and {URL}, or remove it"
                ),
            )),
        }
    }

    fn relay(self, section: &Place) -> Result<Target, Fault> {
        let Some(((url, host), place)) = self.url else {
            return Err(Fault::new(section, "\"target.url\" is missing"));
        };
        if let (Some((_, place)), true) = (&self.pid, self.command.is_some()) {
            return Err(Fault::new(
                place,
                "\"target.pid\" and \"target.command\" exclude each other: \
                 bench watches a process that runs, or starts one; remove one of them",
            ));
        }
        let allow_hosts = self.allow_hosts.map_or_else(Vec::new, |(hosts, _)| hosts);
        let allowed = |allowed: &String| allowed.eq_ignore_ascii_case(&host);
        if !is_loopback(&host) && !allow_hosts.iter().any(allowed) {
            return Err(Fault::new(
                &place,
                format!(
                    "\"{}\" is not this machine, and a load test is an attack on a server that does not expect it; \
                     if you may load it, add allow_hosts = [\"{}\"] to [target]",
                    brief(&host),
                    brief(&host)
                ),
            ));
        }
        Ok(Target::Relay {
            url,
            pid: self.pid.map(|(pid, _)| pid),
            command: self.command.map(|(command, _)| command),
            allow_hosts,
        })
    }
}

/// Whether a host is this machine by its name alone; names are never resolved.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

impl Target {
    /// Whether clients may dial it from any address 127.x.y.z.
    #[must_use]
    pub fn is_loopback_v4(&self) -> bool {
        match self {
            Self::Bundled => true,
            Self::Relay { url, .. } => {
                url.parse()
                    .ok()
                    .as_ref()
                    .and_then(Uri::host)
                    .is_some_and(|host| {
                        host.eq_ignore_ascii_case("localhost")
                            || host
                                .parse()
                                .is_ok_and(|address: Ipv4Addr| address.is_loopback())
                    })
            }
        }
    }
}

/// The address without a final slash, and its host without brackets.
fn url(wanted: &Wanted<'_>) -> Result<(String, String), Fault> {
    let text = wanted.text()?;
    let refuse =
        |why: &str| Err(wanted.fault(format!("\"{}\" {why}; write it like {URL}", wanted.path)));
    let Ok(uri) = text.parse::<Uri>() else {
        return refuse("is not an address");
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return refuse("has no http:// or no host");
    };
    match scheme {
        "http" => {}
        "https" => return refuse("is https, which is not supported yet"),
        _ => return refuse("does not begin with http://"),
    }
    if authority.as_str().contains('@') {
        return refuse("holds a user name");
    }
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() || text.contains('#') {
        return refuse("has a path, and the relay's paths are fixed");
    }
    let host = authority.host();
    let rest = authority.as_str().get(host.len()..).unwrap_or_default();
    let port_is_good = match rest.strip_prefix(':') {
        None => rest.is_empty(),
        Some(port) => port.parse::<u16>().is_ok_and(|port| port > 0),
    };
    if host.is_empty() || !port_is_good {
        return refuse("has no good port");
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    Ok((text.trim_end_matches('/').to_owned(), bare.to_owned()))
}

fn texts(wanted: &Wanted<'_>) -> Result<Vec<String>, Fault> {
    wanted
        .list()?
        .iter()
        .map(|node| Wanted { node, ..*wanted }.text().map(str::to_owned))
        .collect()
}
