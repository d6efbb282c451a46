//! Functions of the last rows: NaN until the window is full and while it holds a missing value.

use super::{sound, Op};

/// Running sums are taken anew after this many rows (or a window, if longer), so errors do not grow with the length of a series.
const RESYNC: usize = 512;

/// The last rows of a column in one piece of memory.
struct History {
    buffer: Vec<f64>,
    keep: usize,
}

impl History {
    fn new(window: usize) -> History {
        History { buffer: Vec::new(), keep: window }
    }

    /// Append a column; the place of its first row. The `window` rows before it are still there, or as many as there were.
    fn push(&mut self, x: &[f64]) -> usize {
        let limit = 2 * self.keep + super::BLOCK;
        if self.buffer.len() + x.len() > limit.max(self.buffer.capacity()) {
            let cut = self.buffer.len().saturating_sub(self.keep);
            self.buffer.drain(..cut);
        }
        self.buffer.extend_from_slice(x);
        self.buffer.len() - x.len()
    }
}

/// Sum in eight lanes: the order is fixed, so it is the same on every machine, and the processor can add them side by side.
fn lanes(part: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0f64; 8];
    let mut eights = part.chunks_exact(8);
    for eight in &mut eights {
        for k in 0..8 {
            sums[k] += f(eight[k]);
        }
    }
    let tail: f64 = eights.remainder().iter().map(|v| f(*v)).sum();
    ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7])) + tail
}

fn lanes_of_two(x: &[f64], y: &[f64], f: impl Fn(f64, f64) -> f64) -> f64 {
    let mut sums = [0.0f64; 8];
    let (mut a, mut b) = (x.chunks_exact(8), y.chunks_exact(8));
    for (u, v) in (&mut a).zip(&mut b) {
        for k in 0..8 {
            sums[k] += f(u[k], v[k]);
        }
    }
    let tail: f64 = a.remainder().iter().zip(b.remainder()).map(|(u, v)| f(*u, *v)).sum();
    ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7])) + tail
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    lanes_of_two(x, y, |u, v| u * v)
}

fn mean(x: &[f64]) -> f64 {
    lanes(x, |v| v) / x.len() as f64
}

fn variance(x: &[f64], ddof: f64) -> f64 {
    let centre = mean(x);
    lanes(x, |v| (v - centre) * (v - centre)) / (x.len() as f64 - ddof)
}

/// Second and third, or fourth, moment around the mean.
fn moments(x: &[f64], fourth: bool) -> (f64, f64) {
    let (n, centre) = (x.len() as f64, mean(x));
    let second = lanes(x, |v| (v - centre) * (v - centre)) / n;
    let higher = if fourth {
        lanes(x, |v| {
            let square = (v - centre) * (v - centre);
            square * square
        })
    } else {
        lanes(x, |v| (v - centre) * (v - centre) * (v - centre))
    };
    (second, higher / n)
}

fn is_flat(x: &[f64]) -> bool {
    x.iter().all(|v| *v == x[0])
}

fn covariance(x: &[f64], y: &[f64], ddof: f64) -> f64 {
    let (a, b) = (mean(x), mean(y));
    lanes_of_two(x, y, |u, v| (u - a) * (v - b)) / (x.len() as f64 - ddof)
}

fn slope(x: &[f64], y: &[f64]) -> f64 {
    covariance(x, y, 0.0) / variance(x, 0.0)
}

/// A function of each full window.
struct Windows<F> {
    window: usize,
    run: usize,
    history: History,
    function: F,
}

impl<F: FnMut(&[f64]) -> f64 + Send> Op for Windows<F> {
    fn rows(&mut self, x: &[&[f64]], out: &mut [Vec<f64>]) {
        let first = self.history.push(x[0]);
        for (i, o) in out[0].iter_mut().enumerate() {
            let end = first + i + 1;
            self.run = if x[0][i].is_nan() { 0 } else { self.run + 1 };
            *o = if self.run >= self.window { sound((self.function)(&self.history.buffer[end - self.window..end])) } else { f64::NAN };
        }
    }
}

/// A function of each full window of two columns.
struct Pairs<F> {
    window: usize,
    run: usize,
    histories: [History; 2],
    function: F,
}

impl<F: FnMut(&[f64], &[f64]) -> f64 + Send> Op for Pairs<F> {
    fn rows(&mut self, x: &[&[f64]], out: &mut [Vec<f64>]) {
        let a = self.histories[0].push(x[0]);
        let b = self.histories[1].push(x[1]);
        let w = self.window;
        for (i, o) in out[0].iter_mut().enumerate() {
            self.run = if x[0][i].is_nan() || x[1][i].is_nan() { 0 } else { self.run + 1 };
            *o = if self.run >= w {
                sound((self.function)(&self.histories[0].buffer[a + i + 1 - w..=a + i], &self.histories[1].buffer[b + i + 1 - w..=b + i]))
            } else {
                f64::NAN
            };
        }
    }
}

/// Sum, or mean, carried along.
struct Sum {
    window: usize,
    run: usize,
    sum: f64,
    divisor: f64,
    history: History,
}

impl Op for Sum {
    fn rows(&mut self, x: &[&[f64]], out: &mut [Vec<f64>]) {
        let first = self.history.push(x[0]);
        let w = self.window;
        let period = RESYNC.max(w);
        let mut until = if self.run >= w { period - 1 - (self.run - w) % period } else { 0 };
        for (i, o) in out[0].iter_mut().enumerate() {
            let value = x[0][i];
            if value.is_nan() {
                self.run = 0;
                *o = f64::NAN;
                continue;
            }
            self.run += 1;
            if self.run < w {
                *o = f64::NAN;
                continue;
            }
            let end = first + i + 1;
            let mut anew = self.run == w || until == 0;
            if !anew {
                let old = self.history.buffer[end - 1 - w];
                self.sum += value - old;
                until -= 1;
                // Where a giant leaves, the sum has lost what stood beside it.
                anew = old.abs() > 8.0 * self.sum.abs() || !self.sum.is_finite();
            }
            if anew {
                self.sum = lanes(&self.history.buffer[end - w..end], |v| v);
                until = period - 1 - (self.run - w) % period;
            }
            *o = sound(self.sum / self.divisor);
        }
    }
}

/// Extreme of the window, or how many rows ago the latest of equals was.
///
/// Rows are cut into blocks of a window (van Herk 1992, Gil and Werman 1993): a window is the end of one block and the beginning of the
/// next, and the extremes of both are at hand, so that a row costs the same for every window and every course of the values.
struct Extreme<const AGE: bool> {
    window: usize,
    run: usize,
    sign: f64,
    block: Vec<f64>,
    ends: Vec<(f64, usize)>,
    best: (f64, usize),
}

impl<const AGE: bool> Extreme<AGE> {
    /// Extremes of the ends of the block that is complete, with their places in it.
    fn turn(&mut self) {
        self.ends.clear();
        self.ends.resize(self.window, (f64::NEG_INFINITY, 0));
        let mut best = (f64::NEG_INFINITY, 0);
        for place in (0..self.window).rev() {
            if self.block[place] > best.0 {
                best = (self.block[place], place);
            }
            self.ends[place] = best;
        }
        self.block.clear();
        self.best = (f64::NEG_INFINITY, 0);
    }
}

impl<const AGE: bool> Op for Extreme<AGE> {
    fn rows(&mut self, x: &[&[f64]], out: &mut [Vec<f64>]) {
        let w = self.window;
        for (o, v) in out[0].iter_mut().zip(x[0]) {
            if v.is_nan() {
                self.run = 0;
                self.block.clear();
                self.best = (f64::NEG_INFINITY, 0);
                *o = f64::NAN;
                continue;
            }
            if self.block.len() == w {
                self.turn();
            }
            self.run += 1;
            let value = v * self.sign;
            let place = self.block.len();
            self.block.push(value);
            if value >= self.best.0 {
                self.best = (value, place);
            }
            if self.run < w {
                *o = f64::NAN;
                continue;
            }
            let old = if place + 1 < w { self.ends[place + 1] } else { (f64::NEG_INFINITY, 0) };
            let is_old = old.0 > self.best.0;
            *o = if AGE {
                (if is_old { w + place - old.1 } else { place - self.best.1 }) as f64
            } else {
                (if is_old { old.0 } else { self.best.0 }) * self.sign
            };
        }
    }
}

/// The window kept in order: quantiles and ranks.
struct Ordered<F> {
    window: usize,
    run: usize,
    history: History,
    sorted: Vec<f64>,
    function: F,
}

impl<F: FnMut(&[f64], f64) -> f64 + Send> Op for Ordered<F> {
    fn rows(&mut self, x: &[&[f64]], out: &mut [Vec<f64>]) {
        let first = self.history.push(x[0]);
        for (i, o) in out[0].iter_mut().enumerate() {
            // Zeros of either sign are one value, and must be found again.
            let value = x[0][i] + 0.0;
            if value.is_nan() {
                self.run = 0;
                self.sorted.clear();
                *o = f64::NAN;
                continue;
            }
            self.run += 1;
            if self.run > self.window {
                let old = self.history.buffer[first + i - self.window];
                let place = self.sorted.partition_point(|v| *v < old);
                self.sorted.remove(place);
            }
            let place = self.sorted.partition_point(|v| *v < value);
            self.sorted.insert(place, value);
            *o = if self.run >= self.window { sound((self.function)(&self.sorted, value)) } else { f64::NAN };
        }
    }
}

/// Least squares over the row number: slope and intercept at the oldest row; with `fit` r squared and standard error instead.
struct Line {
    window: usize,
    run: usize,
    history: History,
    places: Vec<f64>,
    fit: bool,
}

impl Line {
    fn of(&self, y: &[f64]) -> (f64, f64) {
        let (n, level) = (self.window as f64, mean(y));
        if self.window == 1 {
            return if self.fit { (f64::NAN, f64::NAN) } else { (0.0, level) };
        }
        let sxx = n * (n * n - 1.0) / 12.0;
        // The places add up to 0, so the level need not be taken out of the values; something near it is, for the digits.
        let anchor = y[0];
        let rise = lanes_of_two(&self.places, y, |p, v| p * (v - anchor)) / sxx;
        if !self.fit {
            return (rise, level - rise * (n - 1.0) / 2.0);
        }
        let total = lanes(y, |v| (v - level) * (v - level));
        let rest = (total - rise * rise * sxx).max(0.0);
        let share = if is_flat(y) { f64::NAN } else { (1.0 - rest / total).clamp(0.0, 1.0) };
        (share, if self.window > 2 { (rest / (n - 2.0)).sqrt() } else { f64::NAN })
    }
}

impl Op for Line {
    fn rows(&mut self, x: &[&[f64]], out: &mut [Vec<f64>]) {
        let first = self.history.push(x[0]);
        for (i, v) in x[0].iter().enumerate() {
            self.run = if v.is_nan() { 0 } else { self.run + 1 };
            let end = first + i + 1;
            let whole = self.run >= self.window;
            let (a, b) = if whole { self.of(&self.history.buffer[end - self.window..end]) } else { (f64::NAN, f64::NAN) };
            out[0][i] = sound(a);
            out[1][i] = sound(b);
        }
    }
}

fn quantile(sorted: &[f64], q: f64, nearest: bool) -> f64 {
    let n = sorted.len();
    if nearest {
        return sorted[((q * n as f64).ceil() as usize).max(1) - 1];
    }
    let place = q * (n - 1) as f64;
    let low = place.floor() as usize;
    let high = (low + 1).min(n - 1);
    sorted[low] + (sorted[high] - sorted[low]) * (place - low as f64)
}

fn rank(sorted: &[f64], value: f64, kind: f64) -> f64 {
    let n = sorted.len() as f64;
    let below = sorted.partition_point(|v| *v < value) as f64;
    let equal = sorted.partition_point(|v| *v <= value) as f64 - below;
    match kind as i64 {
        0 => below / (n - 1.0),
        1 => (below + equal) / n,
        _ => (below + (equal + 1.0) / 2.0) / n,
    }
}

fn skew(x: &[f64]) -> f64 {
    if is_flat(x) {
        return f64::NAN;
    }
    let (n, (second, third)) = (x.len() as f64, moments(x, false));
    (n * (n - 1.0)).sqrt() / (n - 2.0) * third / second.powf(1.5)
}

fn kurt(x: &[f64]) -> f64 {
    if is_flat(x) {
        return f64::NAN;
    }
    let (n, (second, fourth)) = (x.len() as f64, moments(x, true));
    (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * fourth / (second * second) - 3.0 * (n - 1.0))
}

fn entropy(x: &[f64], base: f64) -> f64 {
    let total = lanes(x, |v| v);
    -x.iter().map(|v| v / total * (v / total).ln()).sum::<f64>() / base.ln()
}

fn correlation(x: &[f64], y: &[f64]) -> f64 {
    if is_flat(x) || is_flat(y) {
        return f64::NAN;
    }
    (covariance(x, y, 0.0) / (variance(x, 0.0) * variance(y, 0.0)).sqrt()).clamp(-1.0, 1.0)
}

fn hurst_variance(x: &[f64], lags: usize) -> f64 {
    let (mut xs, mut ys) = (Vec::with_capacity(lags), Vec::with_capacity(lags));
    for lag in 1..=lags {
        let square: f64 = x.iter().zip(&x[lag..]).map(|(a, b)| (b - a) * (b - a)).sum();
        xs.push((lag as f64).ln());
        ys.push(0.5 * (square / (x.len() - lag) as f64).ln());
    }
    slope(&xs, &ys)
}

fn rescaled_range(x: &[f64]) -> f64 {
    let (centre, mut level, mut high, mut low) = (mean(x), 0.0f64, 0.0f64, 0.0f64);
    for v in x {
        level += v - centre;
        high = high.max(level);
        low = low.min(level);
    }
    (high - low) / variance(x, 0.0).sqrt()
}

fn hurst_rs(x: &[f64]) -> f64 {
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    let n = x.len();
    let mut size = n;
    while size >= 8 {
        let count = n / size;
        let sum: f64 = (0..count).map(|k| rescaled_range(&x[n - (k + 1) * size..n - k * size])).sum();
        xs.push((size as f64).ln());
        ys.push((sum / count as f64).ln());
        size /= 2;
    }
    slope(&xs, &ys)
}

fn fractal_sevcik(x: &[f64]) -> f64 {
    let (low, high) = x.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    if high == low {
        return f64::NAN;
    }
    let steps = (x.len() - 1) as f64;
    let step = 1.0 / (steps * steps);
    let length: f64 = x.windows(2).map(|p| (((p[1] - p[0]) / (high - low)).powi(2) + step).sqrt()).sum();
    1.0 + (length.ln() + 2.0f64.ln()) / (2.0 * steps).ln()
}

fn fractal_katz(x: &[f64]) -> f64 {
    let path: f64 = x.windows(2).map(|p| (p[1] - p[0]).abs()).sum();
    let reach = x.iter().fold(0.0f64, |m, v| m.max((v - x[0]).abs()));
    let steps = ((x.len() - 1) as f64).ln();
    steps / (steps + (reach / path).ln())
}

fn windows(window: usize, function: impl FnMut(&[f64]) -> f64 + Send + 'static) -> Option<Box<dyn Op>> {
    Some(Box::new(Windows { window, run: 0, history: History::new(window), function }))
}

fn pairs(window: usize, function: impl FnMut(&[f64], &[f64]) -> f64 + Send + 'static) -> Option<Box<dyn Op>> {
    Some(Box::new(Pairs { window, run: 0, histories: [History::new(window), History::new(window)], function }))
}

fn ordered(window: usize, function: impl FnMut(&[f64], f64) -> f64 + Send + 'static) -> Option<Box<dyn Op>> {
    Some(Box::new(Ordered { window, run: 0, history: History::new(window), sorted: Vec::new(), function }))
}

fn extreme<const AGE: bool>(window: usize, sign: f64) -> Option<Box<dyn Op>> {
    let best = (f64::NEG_INFINITY, 0);
    Some(Box::new(Extreme::<AGE> { window, run: 0, sign, block: Vec::new(), ends: Vec::new(), best }))
}

pub(super) fn make(name: &str, params: &[f64]) -> Option<Box<dyn Op>> {
    let p = |k: usize| params.get(k).copied();
    let window = p(0).filter(|v| *v >= 1.0).map(|v| v as usize);
    match name {
        "weights" => {
            let weights = params.get(1..).filter(|w| Some(w.len()) == window)?.to_vec();
            windows(weights.len(), move |x| dot(x, &weights))
        }
        "sum" | "mean" => {
            let window = window?;
            let divisor = if name == "sum" { 1.0 } else { window as f64 };
            Some(Box::new(Sum { window, run: 0, sum: 0.0, divisor, history: History::new(window + 1) }))
        }
        "wma" => {
            let n = window?;
            let weights: Vec<f64> = (1..=n).map(|i| i as f64).collect();
            let whole = n as f64 * (n as f64 + 1.0) / 2.0;
            windows(n, move |x| dot(x, &weights) / whole)
        }
        "var" | "std" => {
            let (window, ddof, root) = (window?, p(1)?, name == "std");
            windows(window, move |x| {
                if x.len() as f64 <= ddof {
                    return f64::NAN;
                }
                let v = variance(x, ddof);
                if root {
                    v.sqrt()
                } else {
                    v
                }
            })
        }
        "low" => extreme::<false>(window?, -1.0),
        "high" => extreme::<false>(window?, 1.0),
        "since_low" => extreme::<true>(window?, -1.0),
        "since_high" => extreme::<true>(window?, 1.0),
        "quantile" => {
            let (q, nearest) = (p(1).filter(|q| (0.0..=1.0).contains(q))?, p(2)? != 0.0);
            ordered(window?, move |sorted, _| quantile(sorted, q, nearest))
        }
        "rank" => {
            let kind = p(1)?;
            ordered(window?, move |sorted, value| rank(sorted, value, kind))
        }
        "linreg" | "linreg_fit" => {
            let (window, fit) = (window?, name == "linreg_fit");
            let centre = (window as f64 - 1.0) / 2.0;
            let places = (0..window).map(|i| i as f64 - centre).collect();
            Some(Box::new(Line { window, run: 0, history: History::new(window), places, fit }))
        }
        "mad" => windows(window?, |x| {
            let centre = mean(x);
            lanes(x, |v| (v - centre).abs()) / x.len() as f64
        }),
        "skew" => windows(window?, skew),
        "kurt" => windows(window?, kurt),
        "entropy" => {
            let base = p(1)?;
            windows(window?, move |x| entropy(x, base))
        }
        "corr" => pairs(window?, correlation),
        "cov" => {
            let ddof = p(1)?;
            pairs(window?, move |x, y| if x.len() as f64 > ddof { covariance(x, y, ddof) } else { f64::NAN })
        }
        "hurst_variance" => {
            let (window, lags) = (window?, p(1)? as usize);
            if lags + 1 > window {
                return None;
            }
            windows(window, move |x| hurst_variance(x, lags))
        }
        "hurst_rs" => windows(window?, hurst_rs),
        "fractal_sevcik" => windows(window?, fractal_sevcik),
        "fractal_katz" => windows(window?, fractal_katz),
        _ => None,
    }
}
