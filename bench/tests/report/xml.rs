//! XML as a reader of JUnit sees it.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

/// An element with what it holds.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// Its own text and that of what stands in it.
    pub(crate) text: String,
}

impl Element {
    fn of(start: &BytesStart<'_>) -> Self {
        let attributes = start.attributes().map(|attribute| {
            let attribute = attribute.expect("an attribute is well-formed");
            (attribute.key.as_ref().to_owned(), plain(&attribute.value))
        });
        Self {
            name: start.name().as_ref().to_owned(),
            attributes: attributes.collect(),
            text: String::new(),
        }
    }

    /// Whether it has this attribute.
    pub(crate) fn has(&self, key: &str, value: &str) -> bool {
        let mut attributes = self.attributes.iter();
        attributes.any(|(name, text)| name == key && text == value)
    }
}

fn plain(escaped: &str) -> String {
    let text = unescape(escaped).expect("every entity is known");
    text.into_owned()
}

/// Every element in its order; fails unless all of it is well-formed, with one root.
pub(crate) fn read(text: &str) -> Vec<Element> {
    let legal = |c: char| c >= ' ' || "\t\n\r".contains(c);
    assert!(text.chars().all(legal), "no control characters");
    let mut reader = Reader::from_str(text);
    let mut found: Vec<Element> = Vec::new();
    let (mut depth, mut roots) = (0, 0);
    loop {
        let more = match reader.read_event().expect("XML is well-formed") {
            Event::Start(start) => {
                found.push(Element::of(&start));
                roots += usize::from(depth == 0);
                depth += 1;
                String::new()
            }
            Event::Empty(start) => {
                assert!(depth > 0, "nothing stands beside the root");
                found.push(Element::of(&start));
                String::new()
            }
            Event::End(_) => {
                depth -= 1;
                String::new()
            }
            Event::Text(text) => text.to_string(),
            Event::GeneralRef(name) => plain(&format!("&{};", &*name)),
            Event::Eof => break,
            _ => String::new(),
        };
        if let Some(last) = found.last_mut() {
            last.text.push_str(&more);
        }
    }
    assert_eq!((depth, roots), (0, 1), "one root, closed");
    found
}
