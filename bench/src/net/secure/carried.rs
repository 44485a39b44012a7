//! Whom clients trust, on its way to the processes that their connections are opened from: every worker trusts whom
//! the coordinator does, whatever is installed beside it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::{Der, TrustAnchor};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Secure;
use crate::scenario::Http;

/// What is written of it.
#[derive(Serialize, Deserialize)]
struct Carried {
    host: String,
    http: Http,
    anchors: Vec<Anchor>,
}

/// A certificate authority, as DER in Base64: its name, its key, and what it may vouch for.
#[derive(Serialize, Deserialize)]
struct Anchor {
    subject: String,
    key: String,
    constraints: Option<String>,
}

impl Serialize for Secure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = |der: &Der<'_>| STANDARD.encode(der.as_ref());
        let anchors = self.roots.roots.iter().map(|anchor| Anchor {
            subject: text(&anchor.subject),
            key: text(&anchor.subject_public_key_info),
            constraints: anchor.name_constraints.as_ref().map(text),
        });
        let carried = Carried {
            host: self.name.to_str().into_owned(),
            http: self.http,
            anchors: anchors.collect(),
        };
        carried.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Secure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let carried = Carried::deserialize(deserializer)?;
        let der = |text: &String| STANDARD.decode(text).map(Der::from);
        let mut roots = RootCertStore::empty();
        for anchor in &carried.anchors {
            let read = || -> Result<TrustAnchor<'static>, base64::DecodeError> {
                Ok(TrustAnchor {
                    subject: der(&anchor.subject)?,
                    subject_public_key_info: der(&anchor.key)?,
                    name_constraints: anchor.constraints.as_ref().map(der).transpose()?,
                })
            };
            roots.roots.push(read().map_err(D::Error::custom)?);
        }
        Self::new(roots, &carried.host, carried.http).map_err(D::Error::custom)
    }
}
