//! The documentation says what the code says.

use std::fs;
use std::path::Path;

use bench::exit::Exit;
use bench::judge::{deviation, uniform, validity};
use bench::result::metric::{self, Unit};
use bench::scenario::Preset;
use bench::units::{write_bandwidth, write_duration};

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"))
        .expect("the package has a README")
}

/// The parts of a latency series.
const PARTS: [&str; 8] = ["mean", "min", "p50", "p90", "p95", "p99", "p99_9", "max"];

/// Each metric as a row; the parts of a latency series share one.
fn rows() -> Vec<String> {
    let mut rows: Vec<String> = metric::all()
        .map(|metric| {
            let unit = match metric.unit {
                Unit::Nanoseconds => "ns",
                Unit::Bytes => "bytes",
                Unit::BytesPerSecond => "bytes/s",
                Unit::Count => "count",
                Unit::Share => "share",
                Unit::Cores => "processors",
            };
            let series = metric
                .name
                .rsplit_once('.')
                .filter(|(_, part)| PARTS.contains(part));
            match series {
                Some((series, _)) => {
                    let what = metric
                        .formula
                        .split_once(" of ")
                        .or(metric.formula.split_once(' '));
                    format!(
                        "| `{series}.*` | ns | {} |",
                        what.map_or("", |(_, what)| what)
                    )
                }
                None => format!("| `{}` | {unit} | {} |", metric.name, metric.formula),
            }
        })
        .collect();
    rows.dedup();
    rows
}

#[test]
fn every_metric_stands_in_the_readme_with_its_unit_and_formula() {
    let readme = readme();
    let missing: Vec<String> = rows()
        .into_iter()
        .filter(|row| !readme.contains(row.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "missing in bench/README.md:\n{}",
        missing.join("\n")
    );
}

#[test]
fn every_preset_of_a_link_stands_in_the_readme_with_its_figures() {
    let readme = readme();
    for (name, preset) in [
        ("wifi", Preset::Wifi),
        ("4g", Preset::FourG),
        ("3g", Preset::ThreeG),
        ("satellite", Preset::Satellite),
    ] {
        let link = preset.link();
        let row = format!(
            "| `{name}` | {} | {} | {} | {} | {} |",
            write_duration(link.rtt),
            write_duration(link.jitter),
            link.loss,
            write_bandwidth(link.down.unwrap_or_default()),
            write_bandwidth(link.up.unwrap_or_default()),
        );
        assert!(readme.contains(&row), "missing in bench/README.md: {row}");
    }
}

#[test]
fn every_exit_code_stands_in_the_readme() {
    let readme = readme();
    for exit in [
        Exit::Ok,
        Exit::Bug,
        Exit::Usage,
        Exit::Target,
        Exit::Invalid,
        Exit::Gate,
    ] {
        assert!(
            readme.contains(&format!("\n| {} | ", exit.code())),
            "{exit:?}"
        );
    }
}

#[test]
fn every_limit_of_trust_stands_in_the_readme_as_it_is_judged() {
    let readme = readme();
    let percent = |share: f64| format!("{} %", (share * 1e4).round() / 100.0);
    let lag = validity::LAG_LIMIT_NS / 1e6;
    for row in [
        format!(
            "| `connected` | at least {} |",
            percent(validity::CONNECTED_SHARE)
        ),
        format!(
            "| `published` | at least {} |",
            percent(validity::PUBLISHED_SHARE)
        ),
        format!("| `rate` | at most {} and", percent(validity::RATE_SHARE)),
        format!(
            "Poisson arrivals allow {} standard deviations",
            validity::RATE_SIGMAS
        ),
        format!("| `delivered` | at least {} |", validity::DELIVERED),
        format!("| `schedule_lag` | at most {lag} ms |"),
        format!("`negative_publish` | at most {} |", validity::NEGATIVE),
        format!(
            "| `generator_busy` | at most {} |",
            percent(validity::BUSY_LIMIT)
        ),
        format!(
            "| `clock_bound` | at most {} |",
            percent(validity::CLOCK_SHARE)
        ),
        format!(
            "a bound above {} of the median delivery is a warning",
            percent(validity::CLOCK_WARNING)
        ),
        format!("| `steady` | at most {} |", validity::GROWTH_LIMIT),
        format!(
            "above {} and {} ms (bytes: {})",
            percent(deviation::LARGE),
            deviation::LARGE_NS / 1e6,
            percent(deviation::LARGE_BYTES)
        ),
        format!("`d` must be at most {}", uniform::TOLERANCE),
    ] {
        assert!(readme.contains(&row), "{row}");
    }
}

#[test]
fn the_costs_of_a_client_in_the_readme_are_those_of_the_stored_run() {
    let stored = include_str!("../../results/reference/density.txt");
    let readme = readme();
    let (_, table) = stored
        .split_once("| figure | measured |")
        .expect("the stored run ends with its table");
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert!(rows.len() >= 10, "{rows:?}");
    let missing: Vec<&&str> = rows.iter().filter(|row| !readme.contains(**row)).collect();
    assert!(missing.is_empty(), "not in bench/README.md: {missing:#?}");
}
