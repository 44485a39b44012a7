//! A comparison in words: what changed, by how much, and how sure that is.

use crate::report::{self, show};
use crate::result::compared::{Better, Compared, Conclusion, Difference, Finding, Row, Sample};

/// Both values of what differs between two runs, in words.
pub(crate) fn against(difference: &Difference) -> String {
    let of = if difference.confirmation {
        " of the confirmation"
    } else {
        ""
    };
    format!("{} against {}{of}", difference.base, difference.candidate)
}

/// One side's median.
pub(crate) fn median(row: &Row, sample: &Sample) -> String {
    show::named(&row.metric, Some(sample.median))
}

/// The effect with its interval, such as `+30.0 % (+20.0 % to +41.0 %)`.
pub(crate) fn effect(row: &Row) -> String {
    let Some(effect) = row.effect else {
        return show::MISSING.to_owned();
    };
    let ratio = show::deviation(Some(effect.ratio));
    match (effect.low, effect.high) {
        (Some(low), Some(high)) => format!(
            "{ratio} ({} to {})",
            show::deviation(Some(low)),
            show::deviation(Some(high))
        ),
        _ => ratio,
    }
}

/// The chance that it is chance, corrected for the number of tests.
pub(crate) fn chance(row: &Row) -> String {
    row.p_corrected.or(row.p).map_or_else(
        || show::MISSING.to_owned(),
        |p| {
            if p < 0.001 {
                "< 0.001".to_owned()
            } else {
                format!("{p:.3}")
            }
        },
    )
}

/// The verdict without the sign that tables have before it.
fn verdict(row: &Row) -> &'static str {
    let text = report::compared::verdict(row);
    text.split_once(' ').map_or(text, |(_, words)| words)
}

/// A row in one line.
pub(crate) fn sentence(row: &Row) -> String {
    let mut text = format!(
        "{} of {}: {}, {} against {} of the base, {}",
        row.metric,
        report::compared::label(row),
        verdict(row),
        median(row, &row.candidate),
        median(row, &row.base),
        effect(row)
    );
    if row.p.is_some() {
        text.push_str(&format!(", p {}", chance(row)));
    }
    if let Some(reason) = &row.reason {
        text.push_str(&format!("; {reason}"));
    }
    if let Some(needed) = row.repeats_needed {
        text.push_str(&format!("; about {needed} repeats would tell"));
    }
    text
}

/// The conclusion in one word and one sentence.
pub(crate) fn conclusion(compared: &Compared) -> String {
    let judged = || {
        compared
            .rows
            .iter()
            .filter(|row| row.better != Better::Neither)
    };
    let count = |finding| judged().filter(|row| row.verdict == finding).count();
    let of = judged().count();
    match compared.verdict {
        Conclusion::Invalid => {
            "A run cannot be trusted, so nothing is concluded from it.".to_owned()
        }
        Conclusion::Worse => {
            let worse = compared.rows.iter().filter(|row| row.fails()).count();
            format!("The candidate is worse in {worse} of {of} figures.")
        }
        Conclusion::NotEnoughEvidence => format!(
            "Nothing is known to be worse, but for {} of {of} figures there is not enough evidence.",
            count(Finding::NotEnoughEvidence)
        ),
        Conclusion::Better => format!(
            "The candidate is better in {} of {of} figures, and worse in none.",
            count(Finding::Better)
        ),
        Conclusion::NoDifference => format!("No difference in any of {of} figures."),
    }
}
