//! Spans of time and amounts, as a person writes them.

use bench::units::{
    parse_bandwidth, parse_bytes, parse_duration, show_bytes, show_count, show_nanos,
    write_bandwidth, write_bytes, write_duration,
};

/// What is read is written so that it reads the same; and what is not read has a reason.
pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match parse_duration(text) {
        Ok(span) => assert_eq!(parse_duration(&write_duration(span)), Ok(span)),
        Err(why) => assert!(!why.is_empty()),
    }
    match parse_bytes(text) {
        Ok(bytes) => assert_eq!(parse_bytes(&write_bytes(bytes)), Ok(bytes)),
        Err(why) => assert!(!why.is_empty()),
    }
    match parse_bandwidth(text) {
        Ok(bits) => assert_eq!(parse_bandwidth(&write_bandwidth(bits)), Ok(bits)),
        Err(why) => assert!(!why.is_empty()),
    }
    if let Ok(number) = text.trim().parse::<f64>() {
        assert!(!show_nanos(number).is_empty() && !show_bytes(number).is_empty());
    }
    if let Ok(count) = text.trim().parse::<u64>() {
        let plain: Result<u64, _> = show_count(count).replace(',', "").parse();
        assert_eq!(plain, Ok(count));
    }
}
