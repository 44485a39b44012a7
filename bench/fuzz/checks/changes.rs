//! Documents that are changed here and there, so that a fuzzer need not find a whole one.

use serde_json::Value;

/// A document of ours.
pub(crate) struct Changeable {
    pub(crate) document: Value,
    /// Every place in it.
    places: Vec<String>,
}

impl Changeable {
    pub(crate) fn of(text: &str) -> Self {
        let document = serde_json::from_str(text).expect("a file of ours");
        let mut places = Vec::new();
        collect(&document, "", &mut places);
        Self { document, places }
    }

    /// A document from a fuzzer's bytes: one as it stands, or changes to this one. Each line of these has the number of a
    /// place, and JSON to stand there.
    pub(crate) fn changed(&self, data: &[u8]) -> Option<Vec<u8>> {
        if data.starts_with(b"{") {
            return Some(data.to_vec());
        }
        let mut document = self.document.clone();
        for line in std::str::from_utf8(data).ok()?.lines().take(16) {
            let (place, value) = line.split_once(' ')?;
            let place = &self.places[place.parse::<usize>().ok()? % self.places.len()];
            // A change before it may have taken the place away.
            if let Some(found) = document.pointer_mut(place) {
                *found = serde_json::from_str(value).ok()?;
            }
        }
        Some(document.to_string().into_bytes())
    }
}

fn collect(value: &Value, place: &str, places: &mut Vec<String>) {
    places.push(place.to_owned());
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                collect(item, &format!("{place}/{at}"), places);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(field, &format!("{place}/{name}"), places);
            }
        }
        _ => {}
    }
}
