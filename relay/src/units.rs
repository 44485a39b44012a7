//! Sizes and times as people type them: `64KiB`, `500ms`.

use std::time::Duration;

/// The reason a size or a time was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// The text is no duration.
    #[error("`{0}` is no duration: write a whole number and a unit, such as 500ms, 25s, 5m or 1h")]
    Duration(String),
    /// The text is no size.
    #[error("`{0}` is no size: write a whole number and a unit, such as 512B, 64KiB or 1MiB")]
    Size(String),
}

/// Reads a duration such as `500ms`, `25s`, `5m` or `1h`.
///
/// # Errors
/// [`UnitError::Duration`] when the number or the unit is missing, unknown or too large.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let wrong = || UnitError::Duration(text.to_owned());
    let (count, unit) = split(text).ok_or_else(wrong)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    // A year bounds it: far beyond any sense, and far from overflowing an `Instant`.
    let total = count
        .checked_mul(millis)
        .filter(|ms| *ms <= 365 * 24 * 3_600_000);
    total.map(Duration::from_millis).ok_or_else(wrong)
}

/// Reads a size such as `512`, `512B`, `64KiB`, `64kB` or `1MiB`.
///
/// # Errors
/// [`UnitError::Size`] when the number is missing or too large, or the unit unknown.
pub fn size(text: &str) -> Result<usize, UnitError> {
    let wrong = || UnitError::Size(text.to_owned());
    let (count, unit) = split(text).ok_or_else(wrong)?;
    let bytes = match unit {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    let total = count
        .checked_mul(bytes)
        .and_then(|n| usize::try_from(n).ok());
    total.ok_or_else(wrong)
}

/// Reads a count of at least one; the error is what is wrong with it.
pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("must be a whole number".to_owned()),
    }
}

/// Reads a duration that is more than nothing; the error is what is wrong with it.
pub(crate) fn nonzero(text: &str) -> Result<Duration, String> {
    match duration(text) {
        Ok(time) if time.is_zero() => Err("must be more than nothing".to_owned()),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    }
}

/// Splits leading digits from the unit behind them.
fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let count = text.get(..end)?.parse().ok()?;
    Some((count, text.get(end..)?.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("25s"), Ok(Duration::from_secs(25)));
        assert_eq!(duration("1m"), Ok(Duration::from_secs(60)));
        for wrong in [
            "",
            "25",
            "s",
            "-1s",
            "1.5s",
            "25 parsecs",
            "99999999999999999999s",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_may_leave_the_unit_out() {
        assert_eq!(size("65536"), Ok(65_536));
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(size("64kB"), Ok(64_000));
        for wrong in ["", "KiB", "1TiB", "-5", "99999999999999999999"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
