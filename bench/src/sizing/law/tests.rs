//! Laws that were planted are found again.

use proptest::prelude::*;

use super::*;

/// Trials over three variables, whose costs follow a law, times the noise of each.
fn planted(units: [f64; 2], powers: [f64; 3], noise: &[f64]) -> Vec<Point> {
    let mut points = Vec::new();
    let mut noise = noise.iter().cycle();
    for clients in [100.0, 1_000.0, 10_000.0] {
        for rate in [2.0, 20.0] {
            for fan_out in [5.0_f64, 50.0] {
                let work = vec![clients * 0.5, rate * fan_out];
                let at = vec![clients, rate, fan_out];
                let growth: f64 = at
                    .iter()
                    .zip(powers)
                    .map(|(value, power)| f64::powf(*value, power))
                    .product();
                let cost = dot(&units, &work) * growth * noise.next().unwrap();
                points.push(Point { work, at, cost });
            }
        }
    }
    points
}

proptest! {
    #[test]
    fn powers_without_noise_are_found_exactly(powers in prop::array::uniform3(-0.5..0.5_f64), unit in 1e-6..1e3_f64) {
        let points: Vec<Point> = planted([unit, 0.0], powers, &[1.0])
            .into_iter()
            .map(|point| Point { work: vec![point.work[0]], ..point })
            .collect();
        let law = Law::fit(&points).unwrap();
        for (growth, power) in law.growth.iter().zip(powers) {
            prop_assert!((growth.unwrap().exponent - power).abs() < 1e-9);
        }
        let new = law.foresee(&[5e6], &[1e7, 300.0, 700.0]);
        let truth = unit * 5e6 * 1e7_f64.powf(powers[0]) * 300_f64.powf(powers[1]) * 700_f64.powf(powers[2]);
        prop_assert!((new.cost / truth - 1.0).abs() < 1e-6);
        prop_assert!((new.beyond - 1_000.0).abs() < 1e-6);
    }
}

#[test]
fn two_units_are_told_apart() {
    let law = Law::fit(&planted([3e-6, 9e-6], [0.0; 3], &[1.0])).unwrap();
    assert!((law.units[0] / 3e-6 - 1.0).abs() < 1e-9, "{law:?}");
    assert!((law.units[1] / 9e-6 - 1.0).abs() < 1e-9, "{law:?}");
    assert!(law.scatter < 1e-9);
}

#[test]
fn noise_widens_the_interval_and_the_truth_stays_in_it() {
    let noise = [1.05, 0.93, 1.0, 0.98, 1.08, 0.95, 1.02];
    let law = Law::fit(&planted([2e-6, 0.0], [0.1, 0.0, 0.0], &noise)).unwrap();
    let clients = law.growth[0].unwrap();
    assert!(
        (clients.exponent - 0.1).abs() < clients.within,
        "{clients:?}"
    );
    assert!((0.02..0.1).contains(&law.scatter));
    let (near, far) = (
        law.foresee(&[1e3, 1.0], &[1e3, 6.0, 15.0]),
        law.foresee(&[1e6, 1.0], &[1e7, 6.0, 15.0]),
    );
    assert!(
        far.factor > near.factor,
        "farther from what was measured is less sure"
    );
    assert!(near.factor > 1.0 + law.scatter);
}

#[test]
fn a_variable_that_stands_still_or_moves_with_another_has_no_law_of_its_own() {
    let points: Vec<Point> = (1..=8)
        .map(|number| {
            let clients = f64::from(number) * 100.0;
            Point {
                work: vec![clients],
                at: vec![clients, 7.0, clients / 80.0],
                cost: clients * 2.0,
            }
        })
        .collect();
    let law = Law::fit(&points).unwrap();
    assert!(law.growth[0].is_some() && law.growth[1].is_none() && law.growth[2].is_none());
}

#[test]
fn two_trials_give_no_law() {
    let mut points = planted([1e-6, 0.0], [0.0; 3], &[1.0]);
    points.truncate(2);
    assert!(matches!(
        Law::fit(&points),
        Err(NoLaw::TooFew { have: 2, .. })
    ));
    assert_eq!(Law::fit(&[]), Err(NoLaw::Nothing));
}

#[test]
fn a_line_is_as_a_textbook_has_it() {
    // Montgomery and others, example 2.1 in logarithms: slope and its error of a small regression worked by hand:
    // x = 1, 2, 3, 4, 5 and y = 2, 4, 5, 4, 5 give slope 0.6 and a standard error of 0.2828.
    let points: Vec<Point> = [2.0, 4.0, 5.0, 4.0, 5.0]
        .iter()
        .zip(1..)
        .map(|(y, x)| Point {
            work: vec![1.0],
            at: vec![f64::exp(f64::from(x))],
            cost: f64::exp(*y),
        })
        .collect();
    let law = Law::fit(&points).unwrap();
    let growth = law.growth[0].unwrap();
    assert!((growth.exponent - 0.6).abs() < 1e-9, "{growth:?}");
    // Three degrees of freedom, of which the quantile is 3.1824.
    assert!(
        (growth.within / (3.182_446 * 0.282_843) - 1.0).abs() < 1e-4,
        "{growth:?}"
    );
}
