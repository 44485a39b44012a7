//! Charts and the page.

use std::fs;

use bench::report::{charts, console, html, write_all};
use bench::result::RunResult;
use bench::scenario::{Factor, Transport};

use crate::{fixture, protocols};

/// Set `REPORT_OUT` to a folder to keep the files and look at them.
#[test]
fn every_view_of_every_kind_of_run_is_written() {
    let kept = std::env::var_os("REPORT_OUT");
    let temporary = tempfile::tempdir().unwrap();
    let out = kept.map_or_else(|| temporary.path().to_path_buf(), Into::into);
    for (name, run, charts) in [
        ("compare", fixture::compare(), 5),
        ("scale", fixture::scale(), 9),
        ("repeated", fixture::repeated(), 9),
        ("broken", fixture::broken(), 5),
        ("empty", fixture::empty(), 0),
        ("protocols", protocols::three(), 7),
    ] {
        let dir = out.join(name);
        fs::create_dir_all(&dir).unwrap();
        write_all(&dir, &run).unwrap();
        let text = console::render(&run, Some("results/latest"), console::Style::default());
        fs::write(dir.join("console.txt"), text).unwrap();
        for file in [
            "trials.csv",
            "timeline.csv",
            "percentiles.csv",
            "report.html",
        ] {
            assert!(dir.join(file).is_file(), "{name}: {file}");
        }
        let made = fs::read_dir(dir.join("charts")).unwrap().count();
        assert_eq!(made, charts * 2, "{name}: an SVG and a PNG of each");
    }
}

#[test]
fn charts_name_each_transport_and_carry_their_font() {
    for run in [fixture::compare(), fixture::scale()] {
        for chart in charts::all(&run).drawn {
            let svg = chart.svg().unwrap();
            for transport in Transport::ALL {
                assert!(
                    svg.contains(transport.name()),
                    "{}: {transport}",
                    chart.name
                );
            }
            assert!(
                !svg.contains("NaN") && !svg.contains("inf"),
                "{}",
                chart.name
            );
            assert!(svg.contains("src:url(data:font/ttf;base64,"));
            assert!(svg.contains("xmlns=\"http://www.w3.org/2000/svg\""));
            assert!(svg.contains(&format!("<title>{}</title>", chart.title)));
        }
    }
}

#[test]
fn a_png_is_twice_as_dense_as_the_svg() {
    let chart = &charts::all(&fixture::compare()).drawn[0];
    let png = chart.png().unwrap();
    let reader = png::Decoder::new(png.as_slice()).read_info().unwrap();
    assert_eq!((reader.info().width, reader.info().height), (1800, 1040));
    assert!(
        chart
            .svg()
            .unwrap()
            .contains("width=\"900\" height=\"520\"")
    );
}

#[test]
fn what_was_not_measured_is_left_out_with_a_note() {
    let mut run = fixture::compare();
    for trial in &mut run.trials {
        trial.server.cpu_ns = None;
        trial.timeline.clear();
    }
    let charts = charts::all(&run);
    let names: Vec<_> = charts.drawn.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        names,
        ["latency-percentiles", "bytes-per-message", "server-memory"]
    );
    let page = html::render(&run, &charts).unwrap();
    assert!(page.contains("Server CPU time for a thousand deliveries: not measured."));
}

#[test]
fn a_transport_without_data_is_named() {
    let charts = charts::all(&fixture::broken());
    let svg = charts.drawn[0].svg().unwrap();
    assert!(svg.contains("no data: streaming"));
}

#[test]
fn odd_values_do_not_break_a_chart() {
    let mut run = fixture::scale();
    for trial in &mut run.trials {
        trial.server.rss_loaded = Some(1); // less than before: the sum is negative
        trial.latency_ns.delivery.as_mut().unwrap().p50 = 0;
        for point in &mut trial.percentiles {
            point.delivery = 0;
        }
        for row in &mut trial.timeline {
            (row.delivery_p50, row.delivery_p99) = (Some(u64::MAX), Some(0));
        }
    }
    run.trials[0]
        .factors
        .insert("clients".to_owned(), Factor::Text("many".to_owned()));
    for chart in charts::all(&run).drawn {
        assert!(!chart.svg().unwrap().contains("NaN"), "{}", chart.name);
    }
}

#[test]
fn the_page_is_one_file_that_loads_nothing() {
    for run in [fixture::compare(), fixture::broken(), fixture::empty()] {
        let page = page(&run);
        for load in [
            "http://", "https://", "src=", "@import", "fetch(", "import(",
        ] {
            assert!(!page.contains(load), "{load}");
        }
        // What it carries, and what else a browser may ask for: nothing.
        assert_eq!(page.matches("<link").count(), 1);
        assert!(page.contains("<link rel=\"icon\" href=\"data:,\">"));
        assert!(page.contains("content=\"default-src 'none';"));
        assert_eq!(
            page.matches("@font-face").count(),
            2,
            "the font is there once, in two weights"
        );
    }
}

#[test]
fn the_page_says_what_it_is_and_escapes_what_it_shows() {
    let mut run = fixture::broken();
    run.title = "<b>Chat & co</b>".to_owned();
    let page = page(&run);
    assert!(page.contains("&lt;b&gt;Chat &amp; co&lt;/b&gt;") && !page.contains("<b>Chat"));
    for words in [
        "The run cannot be trusted: 1 of 5 trials is invalid.",
        "20,000 of 20,000 messages were lost.",
        "dev profile",
        "Lubbers &amp; Greco 2010",
        "streaming delivery.p99 &lt;= 20ms",
        "Seed 42:",
        "--set 'title=&quot;a b&quot;'",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

fn page(run: &RunResult) -> String {
    html::render(run, &charts::all(run)).expect("every run has a page")
}
