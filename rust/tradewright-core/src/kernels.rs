//! Rolling and recursive functions of one series. NaN until warm; each value is known at the close of its bar.

use crate::simd::{self, calm, fair_volume, sane};

const RESYNC: usize = 512;

/// Mean of the last `window` values. The running sum is taken anew at fixed rows, so errors do not grow with the length of the series.
pub fn sma(x: &[f64], window: usize, out: &mut [f64]) {
    let n = x.len();
    let w = window.max(1);
    if n < w {
        out.fill(f64::NAN);
        return;
    }
    out[..w - 1].fill(f64::NAN);
    // Up to the first hole the running mean, after it each window anew: a row never depends on later rows.
    let clean = if simd::all_finite(x) { n } else { x.iter().position(|v| !v.is_finite()).unwrap_or(n) };
    if clean >= w {
        SmaStream::new(w).fill(x, w - 1, &mut out[w - 1..clean]);
    }
    if clean < n {
        sma_with_holes(x, w, clean.max(w - 1), out);
    }
}

/// The running mean in pieces: consecutive calls of [`SmaStream::fill`] give the bits of one call.
pub struct SmaStream {
    window: usize,
    period: usize,
    sum: f64,
}

impl SmaStream {
    pub fn new(window: usize) -> SmaStream {
        SmaStream { window, period: RESYNC.max(window), sum: 0.0 }
    }

    /// Means of rows `from ..` of `x`; `from` continues where the last call ended, first at `window - 1`.
    pub fn fill(&mut self, x: &[f64], from: usize, out: &mut [f64]) {
        let w = self.window;
        let end = from + out.len();
        let mut i = from;
        while i < end {
            let phase = (i + 1 - w) % self.period;
            let stop = (i + self.period - phase).min(end);
            let part = &mut out[i - from..stop - from];
            let mut sum = self.sum;
            let mut k = 0;
            if phase == 0 {
                sum = window_sum(&x[i + 1 - w..=i]);
                part[0] = sum;
                k = 1;
            }
            simd::difference(&x[i + k..stop], &x[i + k - w..stop - w], &mut part[k..]);
            for o in &mut part[k..] {
                sum += *o;
                *o = sum;
            }
            simd::divide(part, w as f64);
            self.sum = sum;
            i = stop;
        }
    }
}

fn window_sum(x: &[f64]) -> f64 {
    let mut lanes = [0.0f64; 8];
    let mut eights = x.chunks_exact(8);
    for eight in &mut eights {
        for k in 0..8 {
            lanes[k] += eight[k];
        }
    }
    let tail: f64 = eights.remainder().iter().sum();
    ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7])) + tail
}

fn sma_with_holes(x: &[f64], w: usize, from: usize, out: &mut [f64]) {
    let mut last_bad = x[..from].iter().rposition(|v| !v.is_finite());
    for i in from..x.len() {
        if !x[i].is_finite() {
            last_bad = Some(i);
        }
        let whole = last_bad.is_none_or(|b| b + w <= i);
        out[i] = if whole { window_sum(&x[i + 1 - w..=i]) / w as f64 } else { f64::NAN };
    }
}

/// Recursive kernels see finite values only, as if the others did not exist, and give NaN at the others.
fn on_finite(finite: impl Fn(usize) -> bool, n: usize, out: &mut [f64], f: impl Fn(&[usize], &mut [f64])) {
    let rows: Vec<usize> = (0..n).filter(|i| finite(*i)).collect();
    let mut short = vec![f64::NAN; rows.len()];
    f(&rows, &mut short);
    out.fill(f64::NAN);
    for (i, v) in rows.iter().zip(short) {
        out[*i] = v;
    }
}

/// Exponential mean, `alpha = 2 / (span + 1)`, seeded with the mean of the first `floor(span)` values.
pub fn ema(x: &[f64], span: f64, out: &mut [f64]) {
    let alpha = 2.0 / (span + 1.0);
    let seed = (span.floor() as usize).max(1);
    let fold = |x: &[f64], out: &mut [f64]| {
        out.fill(f64::NAN);
        if x.len() < seed {
            return;
        }
        let mut value = x[..seed].iter().sum::<f64>() / seed as f64;
        out[seed - 1] = value;
        for (o, v) in out[seed..].iter_mut().zip(&x[seed..]) {
            value += alpha * (v - value);
            *o = value;
        }
    };
    if simd::all_finite(x) {
        fold(x, out);
    } else {
        on_finite(
            |i| x[i].is_finite(),
            x.len(),
            out,
            |rows, short| {
                let kept: Vec<f64> = rows.iter().map(|i| x[*i]).collect();
                fold(&kept, short);
            },
        );
    }
}

/// Standard deviation of the last `window` values, mean first, so that a small spread on a high level is exact.
pub fn rolling_std(x: &[f64], window: usize, ddof: usize, out: &mut [f64]) {
    let w = window.max(1);
    out.fill(f64::NAN);
    if w <= ddof {
        return;
    }
    for i in (w - 1)..x.len() {
        let part = &x[i + 1 - w..=i];
        let mean = window_sum(part) / w as f64;
        let mut lanes = [0.0f64; 8];
        let mut eights = part.chunks_exact(8);
        for eight in &mut eights {
            for k in 0..8 {
                let d = eight[k] - mean;
                lanes[k] += d * d;
            }
        }
        let tail: f64 = eights.remainder().iter().map(|v| (v - mean) * (v - mean)).sum();
        let square = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7])) + tail;
        out[i] = (square / (w - ddof) as f64).sqrt();
    }
}

/// Largest of the last `window` values (NaN if one of them is NaN).
pub fn rolling_max(x: &[f64], window: usize, out: &mut [f64]) {
    rolling_extreme(x, window, out, |a, b| a >= b);
}

/// Smallest of the last `window` values (NaN if one of them is NaN).
pub fn rolling_min(x: &[f64], window: usize, out: &mut [f64]) {
    rolling_extreme(x, window, out, |a, b| a <= b);
}

fn rolling_extreme(x: &[f64], window: usize, out: &mut [f64], beats: impl Fn(f64, f64) -> bool) {
    let w = window.max(1);
    out.fill(f64::NAN);
    let mut queue: std::collections::VecDeque<usize> = std::collections::VecDeque::with_capacity(w.min(x.len()) + 1);
    let mut last_bad = None;
    for i in 0..x.len() {
        if !x[i].is_finite() {
            last_bad = Some(i);
            queue.clear();
            continue;
        }
        while queue.back().is_some_and(|k| beats(x[i], x[*k])) {
            queue.pop_back();
        }
        queue.push_back(i);
        if queue.front().is_some_and(|k| k + w <= i) {
            queue.pop_front();
        }
        if i + 1 >= w && last_bad.is_none_or(|b| b + w <= i) {
            out[i] = x[queue[0]];
        }
    }
}

/// Relative strength index (Wilder 1978): first value at row `window`; 50 where nothing moved.
pub fn rsi(x: &[f64], window: usize, out: &mut [f64]) {
    let w = window.max(1);
    let scale = w as f64;
    on_finite(
        |i| x[i].is_finite(),
        x.len(),
        out,
        |rows, out| {
            let (mut gain, mut loss) = (0.0, 0.0);
            for k in 1..rows.len() {
                let change = x[rows[k]] - x[rows[k - 1]];
                let (up, down) = (change.max(0.0), (-change).max(0.0));
                if k <= w {
                    gain += up / scale;
                    loss += down / scale;
                } else {
                    gain += (up - gain) / scale;
                    loss += (down - loss) / scale;
                }
                if k >= w {
                    out[k] = if gain + loss > 0.0 { 100.0 * gain / (gain + loss) } else { 50.0 };
                }
            }
        },
    );
}

/// Average true range (Wilder 1978): the first value, at row `window`, is the mean of the true ranges of rows 1 to `window`.
pub fn atr(high: &[f64], low: &[f64], close: &[f64], window: usize, out: &mut [f64]) {
    let w = window.max(1);
    let scale = w as f64;
    let finite = |i: usize| high[i].is_finite() && low[i].is_finite() && close[i].is_finite();
    on_finite(finite, close.len(), out, |rows, out| {
        let (mut sum, mut value) = (0.0, 0.0);
        for k in 1..rows.len() {
            let (i, before) = (rows[k], close[rows[k - 1]]);
            let range = (high[i] - low[i]).max((high[i] - before).abs()).max((low[i] - before).abs());
            if k <= w {
                sum += range;
                value = sum / scale;
            } else {
                value += (range - value) / scale;
            }
            if k >= w {
                out[k] = value;
            }
        }
    });
}

/// Rows and equal weights of the `top` assets by `close[t - skip] / close[t - lookback] - 1`; ties go to the lower column.
#[allow(clippy::too_many_arguments)]
pub fn momentum_weights(
    close: &[f64],
    n: usize,
    m: usize,
    lookback: usize,
    skip: usize,
    every: usize,
    top: usize,
    start: usize,
) -> (Vec<i64>, Vec<f64>) {
    let every = every.max(1);
    let count = if n > start { (n - start).div_ceil(every) } else { 0 };
    let mut rows = Vec::with_capacity(count);
    let mut weights = vec![0.0; count * m];
    let mut rank: Vec<(f64, usize)> = Vec::with_capacity(m);
    let weight = 1.0 / top.max(1) as f64;
    for (k, t) in (start..n).step_by(every).enumerate() {
        let recent = &close[(t - skip) * m..(t - skip + 1) * m];
        let old = &close[(t - lookback) * m..(t - lookback + 1) * m];
        rank.clear();
        rank.extend(recent.iter().zip(old).enumerate().map(|(j, (a, b))| (a / b - 1.0, j)).filter(|(v, _)| v.is_finite()));
        let order = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        let best = top.min(rank.len());
        if best > 0 && best < rank.len() {
            rank.select_nth_unstable_by(best - 1, order);
        }
        for &(_, j) in &rank[..best] {
            weights[k * m + j] = weight;
        }
        rows.push(t as i64);
    }
    (rows, weights)
}

/// First row with a bar that cannot be, or (with `leap` above 0) whose close is `leap` times that of the row before or a part of it
/// as small. In blocks, so that each price comes from memory once.
pub fn first_bad_row(open: &[f64], high: &[f64], low: &[f64], close: &[f64], volume: Option<&[f64]>, m: usize, leap: f64) -> Option<usize> {
    const BLOCK: usize = 256;
    let n = close.len();
    let good = |at: usize, end: usize| {
        let from = at.max(m);
        sane(&open[at..end], &high[at..end], &low[at..end], &close[at..end])
            && volume.is_none_or(|v| fair_volume(&v[at..end]))
            && (leap <= 0.0 || from >= end || calm(&close[from - m..end - m], &close[from..end], leap))
    };
    let mut at = 0;
    while at < n {
        let end = (at + BLOCK).min(n);
        if !good(at, end) {
            if let Some(i) = (at..end).find(|i| !good(*i, *i + 1)) {
                return Some(i / m);
            }
        }
        at = end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_mean_does_not_drift() {
        let x: Vec<f64> = (0..20_000).map(|i| 1e6 + ((i * 7919) % 104_729) as f64 * 1e-4).collect();
        let mut out = vec![0.0; x.len()];
        for w in [1, 2, 20, 100, 700] {
            sma(&x, w, &mut out);
            for i in (w - 1..x.len()).step_by(997) {
                let exact = x[i + 1 - w..=i].iter().sum::<f64>() / w as f64;
                assert!((out[i] / exact - 1.0).abs() < 1e-13);
            }
            assert!(out[..w - 1].iter().all(|v| v.is_nan()));
        }
    }

    #[test]
    fn a_prefix_gives_a_prefix() {
        let x: Vec<f64> = (0..3000).map(|i| 50.0 + ((i * 31) % 97) as f64 * 0.37).collect();
        let (mut whole, mut part) = (vec![0.0; 3000], vec![0.0; 1777]);
        sma(&x, 33, &mut whole);
        sma(&x[..1777], 33, &mut part);
        assert!(whole[..1777].iter().zip(&part).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
