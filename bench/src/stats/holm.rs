//! One rate of false alarms for many tests.

/// Corrects p values so that rejecting each below `alpha` keeps the chance of any false
/// rejection below `alpha`, whatever depends on what.
///
/// Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
/// Statistics 6 (1979): the smallest times their number, the next times one less, never falling.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut corrected = vec![0.0; p.len()];
    let mut least = 0.0_f64;
    for (place, index) in order.into_iter().enumerate() {
        least = least.max((p.len() - place) as f64 * p[index]).min(1.0);
        corrected[index] = least;
    }
    corrected
}
