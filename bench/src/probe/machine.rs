//! The machine: what it is, and which processors each side keeps to.

use std::fs;

use super::process::kilobytes;
use crate::result::Environment;

/// Which processors the server and the generator keep to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processors {
    /// The server's.
    pub server: Vec<usize>,
    /// Those of subscribers and publisher.
    pub generator: Vec<usize>,
}

impl Processors {
    /// Keeps both sides apart when this process may use at least two processors: the server has
    /// the first, or the first half of them, and the generator the others.
    #[must_use]
    pub fn apart(half: bool) -> Option<Self> {
        let allowed = rustix::thread::sched_getaffinity(None).ok()?;
        let mut server: Vec<_> = (0..rustix::thread::CpuSet::MAX_CPU)
            .filter(|processor| allowed.is_set(*processor))
            .collect();
        let share = if half { server.len() / 2 } else { 1 };
        let generator = server.split_off(share.min(server.len()));
        (!generator.is_empty() && !server.is_empty()).then_some(Self { server, generator })
    }

    /// As a person would say it.
    #[must_use]
    pub fn describe(&self) -> String {
        let list = |processors: &[usize]| {
            processors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(",")
        };
        format!(
            "server on CPU {}, clients and publisher on CPU {}",
            list(&self.server),
            list(&self.generator)
        )
    }
}

/// What is known of this machine and this build.
#[must_use]
pub fn environment(target: String, pinning: Option<String>) -> Environment {
    let uname = rustix::system::uname();
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).ok()?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name).map(str::to_owned))?;
        Some(line.trim_start_matches([' ', '\t', ':']).trim().to_owned())
    };
    let memory = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| kilobytes(&text, "MemTotal:"));
    Environment {
        kernel: format!(
            "{} {}",
            uname.sysname().to_string_lossy(),
            uname.release().to_string_lossy()
        ),
        cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
        cores: std::thread::available_parallelism()
            .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
        memory: memory.unwrap_or(0),
        profile: if cfg!(debug_assertions) {
            "dev"
        } else {
            "release"
        }
        .to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("PUSHMARK_COMMIT").map(ToOwned::to_owned),
        pinning,
        target,
        kernel_timestamps: true,
    }
}
