//! Sizes and times as flags have them.

use crate::units::{duration, size};

/// What is read is what a plain reader of the number and the unit makes of it.
pub(super) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(span) = duration(text) {
        assert_eq!(duration(&format!("{}ms", span.as_millis())), Ok(span));
        assert!(span.as_secs() <= 365 * 24 * 3600);
    }
    if let Ok(bytes) = size(text) {
        assert_eq!(size(&bytes.to_string()), Ok(bytes));
        let digits: String = text
            .trim()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        let count: usize = digits.parse().expect("a size begins with a number");
        assert!(bytes >= count && (count == 0 || bytes % count == 0));
    }
}
