//! How sure a share is.

/// The 97.5 % point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's 95 % interval of `hits` in `n` (Wilson 1927, J. Am. Stat. Assoc. 22, 209); `None` when the two are no share.
#[must_use]
pub fn wilson(hits: f64, n: f64) -> Option<(f64, f64)> {
    if n <= 0.0 || !(0.0..=n).contains(&hits) {
        return None;
    }
    let p = hits / n;
    let z2 = Z * Z;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    Some(((middle - half).max(0.0), (middle + half).min(1.0)))
}
