//! `[target]`: the server under test, and whether it may be loaded.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use super::dialect::{self, Dialect};
use super::endpoint::Endpoint;
use super::error::{Fault, Report};
use super::keys::{Section, brief};
use super::place::Place;
use super::plan::{HEALTH, Target};
use super::secret::{Token, TokenSource};
use super::setting::Setting;
use super::tree::Entry;
use super::value::Wanted;

const URL: &str = "url = \"http://127.0.0.1:8080\"";
const ALSO: &str = "also = [\"http://127.0.0.1:8081\"]";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Server {
    Bundled,
    Relay,
    Nchan,
    Template,
}

const SERVERS: [(&str, Server); 4] = [
    ("bundled", Server::Bundled),
    ("relay", Server::Relay),
    ("nchan", Server::Nchan),
    ("template", Server::Template),
];

/// A value and where it was written.
type Placed<T> = Option<(T, Place)>;

/// What `[target]` says, key by key.
#[derive(Default)]
struct Written {
    server: Placed<Server>,
    url: Placed<(String, Endpoint)>,
    also: Placed<Vec<Endpoint>>,
    health: Placed<String>,
    pid: Placed<u32>,
    command: Placed<Vec<String>>,
    allow_hosts: Placed<Vec<String>>,
    token: Placed<TokenSource>,
    tls_ca: Placed<PathBuf>,
    spoken: Vec<Setting>,
}

/// Reads `[target]`, or one of `[targets]`, and what it says of TLS and HTTP; a `url` without a `server` means a relay
/// that runs already.
pub(super) fn read(
    section: &Section,
    entry: &Entry,
    report: &mut Report,
) -> (Target, Vec<Setting>) {
    let before = report.len();
    let mut written = Written::default();
    let mut template = None;
    for entry in section.entries(&entry.node, report) {
        if entry.key == "template" {
            template = Some(entry);
            continue;
        }
        let outcome = written.read(&section.path(&entry.key), entry);
        report.take(outcome);
    }
    let spoken = std::mem::take(&mut written.spoken);
    let dialect = written.dialect(template, report);
    if report.len() > before {
        return (Target::Bundled, spoken);
    }
    let outcome = written.resolve(&entry.place, dialect.unwrap_or_default());
    (report.take(outcome).unwrap_or(Target::Bundled), spoken)
}

impl Written {
    fn read(&mut self, path: &str, entry: &Entry) -> Result<(), Fault> {
        let wanted = |example| Wanted {
            path,
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
            "also" => self.also = Some((also(&wanted(ALSO))?, place)),
            "health" => self.health = Some((health(&wanted("health = \"/healthz\""))?, place)),
            "pid" => {
                let pid = wanted("pid = 4242").whole(1..=4_194_304)?;
                self.pid = u32::try_from(pid).ok().map(|pid| (pid, place));
            }
            "command" => {
                let words = texts(&wanted("command = [\"./server\", \"--port\", \"8080\"]"))?;
                self.command = Some((words, place));
            }
            "tls" | "http" | "nodes" => {
                let setting = Setting::read(&entry.key, path, &entry.node)?;
                self.spoken.push(setting);
            }
            "tls_ca" => {
                let wanted = wanted("tls_ca = \"relay.pem\"");
                self.tls_ca = Some((wanted.text()?.into(), place));
            }
            "token" | "token_file" | "token_env" => {
                let source = token(&wanted("token_file = \"bench.token\""), &entry.key)?;
                if self.token.replace((source, place)).is_some() {
                    return Err(Fault::new(
                        &entry.node.place,
                        "\"target.token\", \"target.token_file\" and \"target.token_env\" exclude each other",
                    ));
                }
            }
            _ => {
                let hosts = texts(&wanted("allow_hosts = [\"push.example.org\"]"))?;
                self.allow_hosts = Some((hosts, place));
            }
        }
        Ok(())
    }

    /// The interface that the server speaks.
    fn dialect(&self, template: Option<&Entry>, report: &mut Report) -> Option<Dialect> {
        let (server, place) = match &self.server {
            Some((server, place)) => (*server, place),
            None => (Server::Relay, &Place::Whole),
        };
        match (server, template) {
            (Server::Bundled | Server::Relay, None) => Some(Dialect::Relay),
            (Server::Bundled | Server::Relay, Some(template)) => {
                report.add(Fault::new(
                    &template.place,
                    "\"target.template\" means nothing for a relay, whose interface is known; \
                     set target.server = \"template\", or remove it",
                ));
                None
            }
            (Server::Nchan, template) => dialect::read(true, template, place, report),
            (Server::Template, Some(_)) => dialect::read(false, template, place, report),
            (Server::Template, None) => {
                report.add(Fault::new(
                    place,
                    "\"target.template\" is missing: server = \"template\" needs to be told how the server is spoken to, such as \
                     template = { publish = { url = \"/pub/{channel}\" }, sse = { url = \"/sub/{channel}\" } }",
                ));
                None
            }
        }
    }

    fn resolve(self, section: &Place, dialect: Dialect) -> Result<Target, Fault> {
        match self.server {
            Some((Server::Bundled, _)) => self.bundled(),
            None if self.url.is_none() => self.bundled(),
            Some((server, ref place)) if self.url.is_none() => {
                let word = SERVERS.iter().find(|(_, known)| *known == server);
                let word = word.map_or("relay", |(word, _)| word);
                Err(Fault::new(
                    place,
                    format!(
                        "\"target.url\" is missing: server = \"{word}\" needs one, such as {URL}"
                    ),
                ))
            }
            Some(_) | None => self.at(section, dialect),
        }
    }

    /// The bundled relay, when nothing is said that only another server has.
    fn bundled(self) -> Result<Target, Fault> {
        let stray = [
            self.url.map(|(_, place)| ("url", place)),
            self.also.map(|(_, place)| ("also", place)),
            self.pid.map(|(_, place)| ("pid", place)),
            self.command.map(|(_, place)| ("command", place)),
            self.allow_hosts.map(|(_, place)| ("allow_hosts", place)),
            self.token.map(|(_, place)| ("token", place)),
            self.tls_ca.map(|(_, place)| ("tls_ca", place)),
            self.health.map(|(_, place)| ("health", place)),
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

    fn at(self, section: &Place, dialect: Dialect) -> Result<Target, Fault> {
        let Some(((url, endpoint), place)) = self.url else {
            return Err(Fault::new(section, "\"target.url\" is missing"));
        };
        if let (Some((_, place)), true) = (&self.pid, self.command.is_some()) {
            return Err(Fault::new(
                place,
                "\"target.pid\" and \"target.command\" exclude each other: \
                 bench watches a process that runs, or starts one; remove one of them",
            ));
        }
        if let Some((_, place)) = self.tls_ca.as_ref().filter(|_| !endpoint.tls) {
            return Err(Fault::new(
                place,
                "\"target.tls_ca\" means nothing without TLS; begin \"target.url\" with https://, or remove it",
            ));
        }
        let allow_hosts = self.allow_hosts.map_or_else(Vec::new, |(hosts, _)| hosts);
        may_be_loaded(&endpoint, &allow_hosts).map_err(|why| Fault::new(&place, why))?;
        let also = match self.also {
            None => Vec::new(),
            Some((also, place)) => {
                let fits = |one: &Endpoint| {
                    may_be_loaded(one, &allow_hosts)?;
                    is_node_of(one, &endpoint)
                };
                let all = also.iter().try_for_each(fits);
                all.map_err(|why| Fault::new(&place, why))?;
                also
            }
        };
        Ok(Target::At {
            dialect,
            health: self
                .health
                .map_or_else(|| HEALTH.to_owned(), |(path, _)| path),
            url,
            endpoint,
            also,
            pid: self.pid.map(|(pid, _)| pid),
            command: self.command.map(|(command, _)| command),
            allow_hosts,
            token: self.token.map(|(source, _)| source),
            tls_ca: self.tls_ca.map(|(file, _)| file),
        })
    }
}

impl Target {
    /// Whether clients may dial it from any address 127.x.y.z.
    #[must_use]
    pub fn is_loopback_v4(&self) -> bool {
        match self {
            Self::Bundled => true,
            Self::At { endpoint, .. } => {
                endpoint.is_localhost()
                    || endpoint
                        .host
                        .parse()
                        .is_ok_and(|address: Ipv4Addr| address.is_loopback())
            }
        }
    }
}

/// The address without a final slash, and what it names.
fn url(wanted: &Wanted<'_>) -> Result<(String, Endpoint), Fault> {
    let text = wanted.text()?;
    let endpoint = Endpoint::read(text)
        .map_err(|why| wanted.fault(format!("\"{}\" {why}; write it like {URL}", wanted.path)))?;
    Ok((text.trim_end_matches('/').to_owned(), endpoint))
}

/// The addresses of more nodes.
fn also(wanted: &Wanted<'_>) -> Result<Vec<Endpoint>, Fault> {
    let read = |node| {
        let (_, endpoint) = url(&Wanted {
            node,
            example: URL,
            ..*wanted
        })?;
        Ok(endpoint)
    };
    wanted.list()?.iter().map(read).collect()
}

/// Whether a server may be loaded: this machine's own, or one that the scenario names.
fn may_be_loaded(endpoint: &Endpoint, allow_hosts: &[String]) -> Result<(), String> {
    let allowed = |allowed: &String| allowed.eq_ignore_ascii_case(&endpoint.host);
    if endpoint.is_loopback() || allow_hosts.iter().any(allowed) {
        return Ok(());
    }
    Err(format!(
        "\"{}\" is not this machine, and a load test is an attack on a server that does not expect it; \
         if you may load it, add allow_hosts = [\"{}\"] to [target]",
        brief(&endpoint.host),
        brief(&endpoint.host)
    ))
}

/// Whether clients can go from the node of `target.url` to this one.
fn is_node_of(one: &Endpoint, first: &Endpoint) -> Result<(), String> {
    let (named, first_named) = (one.url(), first.url());
    let (named, first_named) = (brief(&named), brief(&first_named));
    if one.tls != first.tls {
        return Err(format!(
            "\"target.also\": {named} and {first_named} are nodes of one server, so both begin with http:// or both with https://"
        ));
    }
    // Clients look for the host of `target.url` in the certificate of whichever node they dial, and a certificate for one address is
    // no other's.
    if one.tls && first.host.parse::<IpAddr>().is_ok() && one.host != first.host {
        return Err(format!(
            "\"target.also\": the certificate of {named} is checked for the host of \"target.url\", and that of {first_named} is an address of its own; write \"target.url\" with a host name that the certificates of all nodes carry"
        ));
    }
    if one.is_loopback() != first.is_loopback() {
        return Err(format!(
            "\"target.also\": of {named} and {first_named} one is loopback alone, and a client that dials from a loopback address cannot go on to the other; give both an address of the same network"
        ));
    }
    Ok(())
}

/// A path with its query.
fn health(wanted: &Wanted<'_>) -> Result<String, Fault> {
    let path = wanted.text()?;
    if path.starts_with('/') && path.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(path.to_owned());
    }
    Err(wanted.fault(format!(
        "\"{}\" is a path: it begins with / and holds visible ASCII alone, such as {}",
        wanted.path, wanted.example
    )))
}

/// What one of the keys of a token says.
fn token(wanted: &Wanted<'_>, key: &str) -> Result<TokenSource, Fault> {
    let text = wanted.text()?;
    match key {
        "token_file" => Ok(TokenSource::File(text.into())),
        "token_env" => Ok(TokenSource::Env(text.to_owned())),
        _ => Token::new(text)
            .map(TokenSource::Here)
            .map_err(|why| wanted.fault(format!("\"target.token\" {why}"))),
    }
}

fn texts(wanted: &Wanted<'_>) -> Result<Vec<String>, Fault> {
    wanted
        .list()?
        .iter()
        .map(|node| Wanted { node, ..*wanted }.text().map(str::to_owned))
        .collect()
}
