//! The figures that have a budget, and the table of them.

/// A figure beside its budget.
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) budget: String,
    /// `None` when it could not be measured here.
    pub(crate) held: Option<bool>,
}

impl Figure {
    /// One that is to be at most so much, in a unit.
    pub(crate) fn at_most(what: &str, measured: f64, most: f64, unit: &str) -> Self {
        // Small ratios and times need their decimals, sizes have none.
        let show = |value: f64| match value.abs() {
            ..100.0 => format!("{value:.2}{unit}"),
            _ => format!("{value:.0}{unit}"),
        };
        Self {
            what: what.to_owned(),
            measured: show(measured),
            budget: format!("at most {}", show(most)),
            held: Some(measured <= most),
        }
    }

    /// One that needs what is not here.
    pub(crate) fn missing(what: &str, why: &str) -> Self {
        Self {
            what: what.to_owned(),
            measured: why.to_owned(),
            budget: String::new(),
            held: None,
        }
    }
}

/// Writes the table of all figures; gives whether every one that was measured is within its budget.
pub(crate) fn show(figures: &[Figure]) -> bool {
    println!("\n| figure | measured | budget | |\n|---|---|---|---|");
    for figure in figures {
        let verdict = match figure.held {
            Some(true) => "held",
            Some(false) => "not held",
            None => "not measured",
        };
        println!(
            "| {} | {} | {} | {verdict} |",
            figure.what, figure.measured, figure.budget
        );
    }
    figures.iter().all(|figure| figure.held != Some(false))
}
