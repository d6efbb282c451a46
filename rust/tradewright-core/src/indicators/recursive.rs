//! Recursions: they see the rows at which all their inputs are there, as if the others did not exist, and give NaN at the others.

use super::{sound, Op};

/// One output from `step(row, count)` of complete rows; `count` numbers them from 1.
struct Fold<const N: usize, F> {
    count: usize,
    step: F,
}

impl<const N: usize, F: FnMut([f64; N], usize) -> f64 + Send> Op for Fold<N, F> {
    fn rows(&mut self, x: &[&[f64]], out: &mut [Vec<f64>]) {
        for (i, o) in out[0].iter_mut().enumerate() {
            let row: [f64; N] = std::array::from_fn(|k| x[k][i]);
            if row.iter().any(|v| v.is_nan()) {
                *o = f64::NAN;
                continue;
            }
            self.count += 1;
            *o = sound((self.step)(row, self.count));
        }
    }
}

/// Two outputs.
struct FoldTwo<const N: usize, F> {
    count: usize,
    step: F,
}

impl<const N: usize, F: FnMut([f64; N], usize) -> (f64, f64) + Send> Op for FoldTwo<N, F> {
    fn rows(&mut self, x: &[&[f64]], out: &mut [Vec<f64>]) {
        for i in 0..x[0].len() {
            let row: [f64; N] = std::array::from_fn(|k| x[k][i]);
            let (a, b) = if row.iter().any(|v| v.is_nan()) {
                (f64::NAN, f64::NAN)
            } else {
                self.count += 1;
                (self.step)(row, self.count)
            };
            out[0][i] = sound(a);
            out[1][i] = sound(b);
        }
    }
}

fn fold<const N: usize>(step: impl FnMut([f64; N], usize) -> f64 + Send + 'static) -> Option<Box<dyn Op>> {
    Some(Box::new(Fold::<N, _> { count: 0, step }))
}

fn fold_two<const N: usize>(step: impl FnMut([f64; N], usize) -> (f64, f64) + Send + 'static) -> Option<Box<dyn Op>> {
    Some(Box::new(FoldTwo::<N, _> { count: 0, step }))
}

/// `value += alpha * (x - value)` with an alpha for every row, seeded with the x before the first alpha.
struct Adaptive {
    value: f64,
    started: bool,
}

impl Op for Adaptive {
    fn rows(&mut self, x: &[&[f64]], out: &mut [Vec<f64>]) {
        for ((o, v), alpha) in out[0].iter_mut().zip(x[0]).zip(x[1]) {
            *o = f64::NAN;
            if v.is_nan() {
                continue;
            }
            if alpha.is_nan() {
                if !self.started {
                    self.value = *v;
                }
                continue;
            }
            if !self.value.is_finite() {
                self.value = *v;
            }
            self.started = true;
            self.value += alpha * (v - self.value);
            *o = sound(self.value);
        }
    }
}

/// Wilder's stop and reverse.
struct Parabolic {
    side: f64,
    stop: f64,
    extreme: f64,
    speed: f64,
    high: f64,
    low: f64,
}

impl Parabolic {
    fn step(&mut self, high: f64, low: f64, count: usize, first: f64, step: f64, limit: f64) -> (f64, f64) {
        if count == 1 {
            (self.high, self.low) = (high, low);
            return (f64::NAN, f64::NAN);
        }
        if count == 2 {
            let down = self.low - low > high - self.high && self.low - low > 0.0;
            self.side = if down { -1.0 } else { 1.0 };
            self.speed = first;
            (self.stop, self.extreme) = if down { (self.high, low) } else { (self.low, high) };
            (self.high, self.low) = (high, low);
        }
        let up = self.side > 0.0;
        let mut stop = self.stop;
        let out;
        if if up { low <= stop } else { high >= stop } {
            let beyond = |v: f64| if up { v.max(self.high).max(high) } else { v.min(self.low).min(low) };
            out = beyond(self.extreme);
            stop = out;
            self.speed = first;
            self.extreme = if up { low } else { high };
            stop = beyond(stop + first * (self.extreme - stop));
            self.side = -self.side;
        } else {
            out = stop;
            if if up { high > self.extreme } else { low < self.extreme } {
                self.extreme = if up { high } else { low };
                self.speed = (self.speed + step).min(limit);
            }
            stop += self.speed * (self.extreme - stop);
            stop = if up { stop.min(self.low).min(low) } else { stop.max(self.high).max(high) };
        }
        self.stop = stop;
        (self.high, self.low) = (high, low);
        (out, self.side)
    }
}

/// Bands that only tighten until the close crosses them: line and direction.
fn bands(start: f64) -> Option<Box<dyn Op>> {
    let (mut top, mut floor, mut before, mut side) = (f64::NAN, f64::NAN, f64::NAN, start);
    fold_two::<3>(move |[basis, width, close], count| {
        let (mut upper, mut lower) = (basis + width, basis - width);
        if count > 1 {
            if !(upper < top || before > top) {
                upper = top;
            }
            if !(lower > floor || before < floor) {
                lower = floor;
            }
            side = match side > 0.0 {
                true if close < lower => -1.0,
                true => 1.0,
                false if close > upper => 1.0,
                false => -1.0,
            };
        } else if side == 0.0 {
            side = if close > upper { 1.0 } else { -1.0 };
        }
        (top, floor, before) = (upper, lower, close);
        (if side > 0.0 { lower } else { upper }, side)
    })
}

/// Level that follows a line at a distance on its side: level and direction.
fn trail() -> Option<Box<dyn Op>> {
    let (mut floor, mut top, mut before, mut side) = (0.0f64, 0.0f64, 0.0f64, 1.0f64);
    fold_two::<2>(move |[line, distance], count| {
        let (mut long, mut short) = (line - distance, line + distance);
        if count > 1 {
            let (above, below) = (line > top, line < floor);
            if before > floor && line > floor {
                long = long.max(floor);
            }
            if before < top && line < top {
                short = short.min(top);
            }
            if above {
                side = 1.0;
            } else if below {
                side = -1.0;
            }
        }
        (floor, top, before) = (long, short, line);
        (if side > 0.0 { long } else { short }, side)
    })
}

fn laguerre(gamma: f64) -> Option<Box<dyn Op>> {
    let mut stage = [0.0f64; 4];
    fold::<1>(move |[x], count| {
        if count == 1 {
            stage = [x; 4];
        } else {
            let old = stage;
            stage[0] = (1.0 - gamma) * x + gamma * old[0];
            for k in 1..4 {
                stage[k] = -gamma * stage[k - 1] + old[k - 1] + gamma * old[k];
            }
        }
        let (mut up, mut all) = (0.0, 0.0);
        for pair in stage.windows(2) {
            let move_ = pair[0] - pair[1];
            up += move_.max(0.0);
            all += move_.abs();
        }
        if all > 0.0 {
            up / all
        } else {
            0.5
        }
    })
}

fn klinger_force() -> Option<Box<dyn Op>> {
    let (mut level, mut range, mut trend, mut span) = (0.0f64, 0.0f64, 0.0f64, 0.0f64);
    fold::<3>(move |[now, day, volume], count| {
        if count == 1 {
            (level, range) = (now, day);
            return f64::NAN;
        }
        let side = if now > level { 1.0 } else { -1.0 };
        span = if side == trend { span + day } else { range + day };
        (level, range, trend) = (now, day, side);
        if span > 0.0 {
            volume * (2.0 * (day / span - 1.0)).abs() * side * 100.0
        } else {
            0.0
        }
    })
}

pub(super) fn make(name: &str, params: &[f64]) -> Option<Box<dyn Op>> {
    let p = |k: usize| params.get(k).copied();
    match name {
        "ewm" => {
            let (alpha, seed) = (p(0)?, p(1).filter(|s| *s >= 1.0)?);
            let (mut sum, mut value, n) = (0.0, f64::NAN, seed as usize);
            fold::<1>(move |[x], count| {
                if count > n {
                    value += alpha * (x - value);
                } else {
                    sum += x;
                    if count == n {
                        value = sum / seed;
                    }
                }
                value
            })
        }
        "ewm_adjusted" => {
            let keep = 1.0 - p(0)?;
            let (mut top, mut bottom) = (0.0, 0.0);
            fold::<1>(move |[x], _| {
                top = top * keep + x;
                bottom = bottom * keep + 1.0;
                top / bottom
            })
        }
        "wilder_sum" => {
            let (window, seed) = (p(0)?, p(1).filter(|s| *s >= 1.0)? as usize);
            let mut value = 0.0;
            fold::<1>(move |[x], count| {
                value += if count <= seed { x } else { x - value / window };
                if count >= seed {
                    value
                } else {
                    f64::NAN
                }
            })
        }
        "cum" => {
            let mut value = 0.0;
            fold::<1>(move |[x], _| {
                value += x;
                value
            })
        }
        "cum_since" => {
            let (mut value, mut last) = (0.0, f64::NAN);
            fold::<2>(move |[x, key], _| {
                value = if key == last { value + x } else { x };
                last = key;
                value
            })
        }
        "product" => {
            let mut value = p(0)?;
            fold::<1>(move |[x], _| {
                value *= x;
                value
            })
        }
        "highest" => {
            let mut value = f64::NEG_INFINITY;
            fold::<1>(move |[x], _| {
                value = f64::max(value, x);
                value
            })
        }
        "previous" => {
            let mut last = f64::NAN;
            fold::<1>(move |[x], _| std::mem::replace(&mut last, x))
        }
        "skip" => {
            let rows = p(0)? as usize;
            fold::<1>(move |[x], count| if count > rows { x } else { f64::NAN })
        }
        "run" => {
            let mut value = 0.0;
            fold::<1>(move |[x], _| {
                value = if x > 0.0 { value + 1.0 } else { 0.0 };
                value
            })
        }
        "adaptive" => Some(Box::new(Adaptive { value: f64::NAN, started: false })),
        "linear" => {
            let (a, b, c, d) = (p(0)?, p(1)?, p(2)?, p(3)?);
            let (mut x1, mut y1, mut y2) = (0.0, 0.0, 0.0);
            fold::<1>(move |[x], count| {
                if count == 1 {
                    (x1, y1, y2) = (x, x, x);
                }
                let y = a * x + b * x1 + c * y1 + d * y2;
                (x1, y1, y2) = (x, y, y1);
                y
            })
        }
        "bands" => bands(p(0)?),
        "parabolic" => {
            let (first, step, limit) = (p(0)?, p(1)?, p(2)?);
            let mut state = Parabolic { side: 0.0, stop: f64::NAN, extreme: f64::NAN, speed: 0.0, high: f64::NAN, low: f64::NAN };
            fold_two::<2>(move |[high, low], count| state.step(high, low, count, first, step, limit))
        }
        "heikin_ashi" => {
            let (mut open, mut close) = (0.0, 0.0);
            fold::<3>(move |[o, c, average], count| {
                open = if count == 1 { (o + c) / 2.0 } else { (open + close) / 2.0 };
                close = average;
                open
            })
        }
        "fisher" => {
            let (mut value, mut line) = (0.0f64, 0.0f64);
            fold::<1>(move |[x], _| {
                value = (0.66 * x + 0.67 * value).clamp(-0.999, 0.999);
                line = 0.5 * ((1.0 + value) / (1.0 - value)).ln() + 0.5 * line;
                line
            })
        }
        "laguerre" => laguerre(p(0)?),
        "mcginley" => {
            let (window, k) = (p(0)?, p(1)?);
            let mut value = 0.0f64;
            fold::<1>(move |[x], count| {
                if count == 1 || value == 0.0 || x == 0.0 {
                    value = x;
                } else {
                    let ratio = x / value;
                    value += (x - value) / (k * window * ratio * ratio * ratio * ratio).max(1.0);
                }
                value
            })
        }
        "trail" => trail(),
        "ratchet" => {
            let mut value = 0.0f64;
            fold::<3>(move |[floor, ceiling, condition], count| {
                let rising = condition > 0.0;
                let level = if rising { floor } else { ceiling };
                value = match (count > 1, rising) {
                    (false, _) => level,
                    (true, true) => level.max(value),
                    (true, false) => level.min(value),
                };
                value
            })
        }
        "side" => {
            let mut value = 0.0;
            fold::<3>(move |[close, upper, lower], _| {
                if close > upper {
                    value = 1.0;
                } else if close < lower {
                    value = -1.0;
                }
                value
            })
        }
        "klinger_force" => klinger_force(),
        _ => None,
    }
}
