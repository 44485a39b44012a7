//! `relay key` and `relay token`: keys drawn and tokens signed, for who runs a relay with tokens.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::access::{Audience, Claims, Keys, Kind, NewKey, Pattern, mint, unix_time};
use crate::settings::{keys_of_env, keys_of_file};
use crate::units::duration;

/// The exit code when a file or a token could not be made.
const FAILED: u8 = 1;

/// The flags of `relay key`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  relay key relay.key                                       a secret, for the relay and for who signs
  relay key sign.key --algorithm eddsa --public relay.key   a pair: the relay cannot sign")]
pub struct KeyArgs {
    /// File to make, readable by its owner alone; it signs tokens
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How it signs
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Algorithm::Hs256)]
    algorithm: Algorithm,
    /// File to make with the public half, which is all that the relay needs of a pair
    #[arg(long, value_name = "FILE", required_if_eq("algorithm", "eddsa"))]
    public: Option<PathBuf>,
    /// Name of the key (kid), which tokens carry; drawn at random when there is none
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Algorithm {
    /// A secret that both signs and checks.
    Hs256,
    /// A pair of Ed25519: one half signs, the other checks.
    Eddsa,
}

/// The flags of `relay token`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "A channel pattern is a channel's name, or the beginning of names with a * behind it.

Examples:
  relay token --keys relay.key --read 'room.*' --publish room.1 --for 1h
  relay token --keys-env RELAY_KEYS --operate               for /metrics and /stats"
)]
pub struct TokenArgs {
    /// JWK Set with the key to sign by; `relay key` makes one
    #[arg(long, value_name = "FILE", value_parser = keys_of_file, required_unless_present = "keys_env", conflicts_with = "keys_env")]
    keys: Option<Keys>,
    /// The same, in this environment variable
    #[arg(long, value_name = "NAME", value_parser = keys_of_env)]
    keys_env: Option<Keys>,
    /// Name of the key to sign by; without one, the first that signs
    #[arg(long, value_name = "KID")]
    key: Option<String>,
    /// Channels that may be read (repeatable)
    #[arg(long, value_name = "PATTERN", required_unless_present_any = ["publish", "operate"])]
    read: Vec<Pattern>,
    /// Channels that may be published on (repeatable)
    #[arg(long, value_name = "PATTERN")]
    publish: Vec<Pattern>,
    /// May read /metrics and /stats
    #[arg(long)]
    operate: bool,
    /// How long it lasts
    #[arg(long = "for", value_name = "TIME", default_value = "1h", value_parser = duration)]
    lasts: Duration,
    /// The relay that it is for, as --token-audience names it there
    #[arg(long, value_name = "NAME", default_value = "relay")]
    audience: String,
    /// Who holds it; the relay does not look at it
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
}

/// Draws a key and writes it: 0 when it is there, 1 when a file could not be made.
#[must_use]
pub fn make_key(args: &KeyArgs) -> ExitCode {
    if args.public.is_some() && args.algorithm == Algorithm::Hs256 {
        return failed(&"a secret has no public half; say --algorithm eddsa");
    }
    let kind = match args.algorithm {
        Algorithm::Hs256 => Kind::Hs256,
        Algorithm::Eddsa => Kind::EdDsa,
    };
    let new = NewKey::draw(kind, args.id.clone());
    let whole = create(&args.file, &new.whole, 0o600);
    let public = args
        .public
        .as_ref()
        .zip(new.public.as_ref())
        .map_or(Ok(()), |(path, text)| create(path, text, 0o644));
    match whole.and(public) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Signs a token and writes it to standard output: 0, or 1 when there is no key to sign by.
#[must_use]
pub fn make_token(args: TokenArgs) -> ExitCode {
    let Some(keys) = args.keys.or(args.keys_env) else {
        return failed(&"there are no keys: --keys FILE or --keys-env NAME");
    };
    let now = unix_time();
    let claims = Claims {
        aud: Audience::One(args.audience),
        exp: now.saturating_add(args.lasts.as_secs()),
        nbf: None,
        iat: Some(now),
        sub: args.subject,
        read: args.read,
        publish: args.publish,
        operate: args.operate,
    };
    match mint(&keys, args.key.as_deref(), &claims) {
        Ok(token) => match writeln!(io::stdout(), "{token}") {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        },
        Err(why) => failed(&why),
    }
}

/// Makes a file that was not there: a key is never written over.
fn create(path: &Path, text: &str, mode: u32) -> Result<(), String> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

fn failed(why: &dyn Display) -> ExitCode {
    // Without a standard error there is still the exit code.
    let _ = writeln!(io::stderr(), "error: {why}");
    ExitCode::from(FAILED)
}
