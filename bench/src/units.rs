//! Spans of time and amounts of bytes, as a person writes and reads them.

use std::time::Duration;

/// The longest span, in nanoseconds: a hundred days. Below 2^53 every whole number is itself as a float.
const LONGEST: f64 = 100.0 * 86_400e9;

/// Reads a span of time such as `25s`, `1.5s`, `500ms`, `20us`, `2m` or `1h`.
///
/// # Errors
/// Says what is wrong and how it is written, as a lower-case fragment.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text).ok_or_else(|| {
        format!("`{text}` is not a span of time; write it like \"25s\" or \"500ms\"")
    })?;
    let size = match unit {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" | "min" => 60e9,
        "h" => 3600e9,
        "" => {
            return Err(format!(
                "`{text}` has no unit; write it like \"{text}s\" or \"{text}ms\""
            ));
        }
        _ => {
            return Err(format!(
                "`{unit}` is not a unit of time; use ns, us, ms, s, m or h"
            ));
        }
    };
    // Rounded to whole nanoseconds: a span of 0.1 s is 100,000,000 ns, not one less.
    let nanos = (number * size).round();
    if nanos > LONGEST {
        return Err(format!("`{text}` is longer than a hundred days"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked: not negative, below 2^53"
    )]
    Ok(Duration::from_nanos(nanos as u64))
}

/// Reads an amount of bytes such as `128B`, `64KiB`, `1.5kB` or `2MiB`.
///
/// # Errors
/// Says what is wrong and how it is written, as a lower-case fragment.
pub fn parse_bytes(text: &str) -> Result<usize, String> {
    let (number, unit) = split(text).ok_or_else(|| {
        format!("`{text}` is not an amount of bytes; write it like \"128B\" or \"64KiB\"")
    })?;
    let factor = match unit {
        "B" => 1.0,
        "kB" | "KB" => 1e3,
        "KiB" => 1024.0,
        "MB" => 1e6,
        "MiB" => 1024.0 * 1024.0,
        "GB" => 1e9,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        "" => {
            return Err(format!(
                "`{text}` has no unit; write it like \"{text}B\" or \"{text}KiB\""
            ));
        }
        _ => {
            return Err(format!(
                "`{unit}` is not a unit of bytes; use B, kB, KiB, MB, MiB, GB or GiB"
            ));
        }
    };
    let bytes = (number * factor).round();
    if bytes > 1e15 {
        return Err(format!("`{text}` is more than any machine holds"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked: not negative, below 2^50"
    )]
    Ok(bytes as usize)
}

/// Reads a bandwidth such as `10Mbit`, `750kbit` or `1Gbit`, in bits a second.
///
/// # Errors
/// Says what is wrong and how it is written, as a lower-case fragment.
pub fn parse_bandwidth(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text)
        .ok_or_else(|| format!("`{text}` is not a bandwidth; write it like \"10Mbit\""))?;
    let factor = match unit {
        "bit" => 1.0,
        "kbit" | "Kbit" => 1e3,
        "Mbit" => 1e6,
        "Gbit" => 1e9,
        "" => {
            return Err(format!(
                "`{text}` has no unit; write it like \"{text}Mbit\""
            ));
        }
        _ => {
            return Err(format!(
                "`{unit}` is not a unit of bandwidth; use bit, kbit, Mbit or Gbit (each second)"
            ));
        }
    };
    let bits = (number * factor).round();
    if !(1.0..=1e12).contains(&bits) {
        return Err(format!("`{text}` is not from 1bit to 1000Gbit"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked: from 1 to 10^12"
    )]
    Ok(bits as u64)
}

/// Writes a bandwidth so that [`parse_bandwidth`] reads the same one: `10Mbit`, `750kbit`.
#[must_use]
pub fn write_bandwidth(bits: u64) -> String {
    let (size, unit) = [
        (1_000_000_000, "Gbit"),
        (1_000_000, "Mbit"),
        (1_000, "kbit"),
    ]
    .into_iter()
    .find(|(size, _)| bits >= *size && bits.is_multiple_of(*size))
    .unwrap_or((1, "bit"));
    format!("{}{unit}", bits / size)
}

fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number = text[..end].parse().ok()?;
    Some((number, text[end..].trim()))
}

/// Writes a span of time so that [`parse_duration`] reads the same span: `25s`, `1500ms`.
#[must_use]
pub fn write_duration(span: Duration) -> String {
    let nanos = span.as_nanos();
    let (size, unit) = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")]
        .into_iter()
        .find(|(size, _)| nanos.is_multiple_of(*size))
        .unwrap_or((1, "ns"));
    format!("{}{unit}", nanos / size)
}

/// Writes an amount of bytes so that [`parse_bytes`] reads the same amount: `128B`, `64KiB`.
#[must_use]
pub fn write_bytes(bytes: usize) -> String {
    if bytes > 0 && bytes.is_multiple_of(1 << 20) {
        format!("{}MiB", bytes >> 20)
    } else if bytes > 0 && bytes.is_multiple_of(1 << 10) {
        format!("{}KiB", bytes >> 10)
    } else {
        format!("{bytes}B")
    }
}

/// Shows a span of nanoseconds with three significant figures: `412 ns`, `1.20 ms`, `25.0 s`.
#[must_use]
pub fn show_nanos(nanos: f64) -> String {
    let size = nanos.abs();
    match size {
        _ if size < 999.5 => format!("{nanos:.0} ns"),
        _ if size < 999.5e3 => three_figures(nanos / 1e3, "µs"),
        _ if size < 999.5e6 => three_figures(nanos / 1e6, "ms"),
        _ => three_figures(nanos / 1e9, "s"),
    }
}

/// Shows an amount of bytes with three significant figures: `311 B`, `9.80 kB`, `1.25 MB`.
#[must_use]
pub fn show_bytes(bytes: f64) -> String {
    let size = bytes.abs();
    match size {
        _ if size < 999.5 => format!("{bytes:.0} B"),
        _ if size < 999.5e3 => three_figures(bytes / 1e3, "kB"),
        _ if size < 999.5e6 => three_figures(bytes / 1e6, "MB"),
        _ => three_figures(bytes / 1e9, "GB"),
    }
}

/// Shows a whole number with its thousands apart: `12,345`.
#[must_use]
pub fn show_count(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn three_figures(value: f64, unit: &str) -> String {
    let size = value.abs();
    match size {
        _ if size < 9.995 => format!("{value:.2} {unit}"),
        _ if size < 99.95 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, nanos) in [
            ("25s", 25_000_000_000),
            ("0.1s", 100_000_000),
            ("500ms", 500_000_000),
            ("20us", 20_000),
            ("2m", 120_000_000_000),
            ("0ms", 0),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_nanos(nanos)),
                "{text}"
            );
        }
        assert!(parse_duration("25").unwrap_err().contains("no unit"));
        assert!(parse_duration("-1s").is_err());
        assert!(
            parse_duration("1 fortnight")
                .unwrap_err()
                .contains("not a unit")
        );
        assert!(parse_duration("99999999999h").is_err());
    }

    #[test]
    fn bytes_are_read_as_people_write_them() {
        assert_eq!(parse_bytes("128B"), Ok(128));
        assert_eq!(parse_bytes("64KiB"), Ok(65_536));
        assert_eq!(parse_bytes("1.5kB"), Ok(1_500));
        assert!(parse_bytes("128").unwrap_err().contains("no unit"));
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_reads_the_same(nanos in 0..8_640_000_000_000_000_u64, bytes in 0..1_usize << 40) {
            let span = Duration::from_nanos(nanos);
            assert_eq!(parse_duration(&write_duration(span)), Ok(span));
            assert_eq!(parse_bytes(&write_bytes(bytes)), Ok(bytes));
            let round = Duration::from_millis(nanos % 100_000);
            assert_eq!(parse_duration(&write_duration(round)), Ok(round));
        }
    }

    #[test]
    fn figures_are_shown_with_three_digits() {
        assert_eq!(show_nanos(412.0), "412 ns");
        assert_eq!(show_nanos(1_204_000.0), "1.20 ms");
        assert_eq!(show_nanos(999_900.0), "1.00 ms");
        assert_eq!(show_bytes(9_800.0), "9.80 kB");
        assert_eq!(show_count(1_234_567), "1,234,567");
    }
}
