//! nginx on loopback: alone, and as a proxy before the relay.

use std::env;
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// The release whose answers the table holds.
pub(crate) const RELEASE: &str = "1.22";

/// A running nginx; it ends with the guard.
#[derive(Debug)]
pub(crate) struct Nginx {
    child: Child,
    pub(crate) alone: SocketAddr,
    pub(crate) proxy: SocketAddr,
    _folder: TempDir,
}

impl Nginx {
    /// Starts it before a relay, where it is installed.
    pub(crate) fn start(relay: SocketAddr) -> Option<Self> {
        let program = find()?;
        // A port that is free now may be taken when nginx comes to it.
        let started = (0..5).find_map(|_| Self::begin(program, relay));
        Some(started.unwrap_or_else(|| panic!("nginx does not start")))
    }

    fn begin(program: &str, relay: SocketAddr) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let [alone, proxy] = free();
        let file = folder.path().join("nginx.conf");
        fs::write(
            &file,
            config(folder.path().to_str().unwrap(), alone, proxy, relay),
        )
        .unwrap();
        let mut child = Command::new(program)
            .args(["-e", "stderr", "-p"])
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..500 {
            if child.try_wait().unwrap().is_some() {
                return None;
            }
            if [alone, proxy]
                .iter()
                .all(|address| TcpStream::connect(address).is_ok())
            {
                return Some(Self {
                    child,
                    alone,
                    proxy,
                    _folder: folder,
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
        None
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two addresses that nothing listens on.
fn free() -> [SocketAddr; 2] {
    let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap())
}

/// Connections to the relay are kept and shared, and a body goes on as it comes: what a proxy leaves behind on
/// one is the beginning of somebody else's request.
fn config(folder: &str, alone: SocketAddr, proxy: SocketAddr, relay: SocketAddr) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|of| format!("{of}_temp_path {folder}/{of};\n"))
        .collect();
    format!(
        "daemon off;
master_process off;
pid {folder}/pid;
error_log /dev/null;
events {{ worker_connections 512; }}
http {{
{temporary}access_log off;
upstream relay {{ server {relay}; keepalive 4; }}
server {{
  listen {alone};
  location / {{ return 200 \"ok\\n\"; }}
}}
server {{
  listen {proxy};
  location / {{
    proxy_pass http://relay;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Connection \"\";
    proxy_request_buffering off;
    proxy_buffering off;
  }}
}}
}}
"
    )
}

/// Gives the program, or says past the harness that it is left out.
fn find() -> Option<&'static str> {
    let found = ["nginx", "/usr/sbin/nginx"]
        .into_iter()
        .find_map(|program| {
            let version = Command::new(program).arg("-v").output().ok()?;
            let text = String::from_utf8_lossy(&version.stderr).into_owned();
            Some((program, text.contains(&format!("nginx/{RELEASE}."))))
        });
    let why = match found {
        Some((program, true)) => return Some(program),
        Some(_) => format!("this nginx is not {RELEASE}, whose answers the table holds"),
        None => "nginx is not installed (apt-get install nginx-light)".to_owned(),
    };
    let text = format!("LEFT OUT: malformed requests to nginx: {why}");
    assert!(env::var_os("PUSHMARK_NOTHING_LEFT_OUT").is_none(), "{text}");
    let _ = writeln!(std::io::stderr().lock(), "{text}");
    None
}
