//! Rules compiled into the core: the same function serves a single backtest and a sweep.
//!
//! A rule gives, per bar, the wanted state (long 1, flat 0, short -1), or no opinion before its inputs are defined.

use crate::error::{Error, Result};
use crate::kernels::{self, SmaStream};
use crate::simd;
use crate::types::HOLD;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Mutex;

/// Names and numeric parameters, in order.
pub const RULES: &[(&str, &[&str])] = &[
    ("sma_cross", &["fast", "slow"]),
    ("ema_cross", &["fast", "slow"]),
    ("donchian", &["entry", "exit"]),
    ("bollinger", &["window", "width"]),
    ("rsi", &["window", "low", "high"]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    SmaCross,
    EmaCross,
    Donchian,
    Bollinger,
    Rsi,
}

impl Rule {
    pub fn parse(name: &str) -> Result<Rule> {
        Ok(match name {
            "sma_cross" => Rule::SmaCross,
            "ema_cross" => Rule::EmaCross,
            "donchian" => Rule::Donchian,
            "bollinger" => Rule::Bollinger,
            "rsi" => Rule::Rsi,
            _ => {
                let known: Vec<&str> = RULES.iter().map(|r| r.0).collect();
                return Err(Error::Input(format!("no compiled rule \"{name}\"; there are {}", known.join(", "))));
            }
        })
    }

    pub fn n_params(self) -> usize {
        RULES[self as usize].1.len()
    }
}

/// How states become opinions.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// An opinion at every bar, else only where the state changes.
    pub by_state: bool,
    pub long_only: bool,
}

/// Which derived series a column is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Series {
    Sma(usize),
    Ema(u64),
    Std(usize),
    Max(usize),
    Min(usize),
    Rsi(usize),
}

/// Opinions as rows at which they change; two codes take turns.
#[derive(Default)]
pub struct Changes {
    /// Room for all rows there could be, of which `len` are in use.
    room: Vec<u32>,
    len: usize,
    /// Code of the rows with even index, and of the others.
    first: i8,
    other: i8,
    /// Does an opinion last until the next row (else it is given once)?
    lasting: bool,
    at: usize,
}

impl Changes {
    fn clear(&mut self, lasting: bool) {
        self.len = 0;
        self.at = 0;
        self.lasting = lasting;
    }

    fn rows(&self) -> &[u32] {
        &self.room[..self.len]
    }

    fn code(&self, k: usize) -> i8 {
        if k.is_multiple_of(2) {
            self.first
        } else {
            self.other
        }
    }

    /// The rows from the first one that says long on.
    pub(crate) fn entries_first(&self) -> &[u32] {
        &self.rows()[usize::from(self.first != 1).min(self.len)..]
    }

    /// Bar and code of the first opinion other than `has` from bar `from` on.
    pub fn next(&mut self, from: usize, has: i8) -> Option<(usize, i8)> {
        // The opinion of bar `from` itself is one that lasts already.
        let past = |row: u32| if self.lasting { row as usize <= from } else { (row as usize) < from };
        while self.at < self.len && past(self.room[self.at]) {
            self.at += 1;
        }
        if self.lasting && self.at > 0 && self.code(self.at - 1) != has {
            return Some((from, self.code(self.at - 1)));
        }
        (self.at..self.len).find(|k| self.code(*k) != has).map(|k| (self.room[k] as usize, self.code(k)))
    }
}

/// One indicator: its values, its first defined row, and whether all later ones are defined.
#[derive(Clone, Copy)]
struct Column<'c> {
    values: &'c [f64],
    first: usize,
    whole: bool,
}

/// A hash for a few numbers from our own caller: nobody attacks it, and it takes a fifth of the default's time.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.write_u64(u64::from(*b)));
    }
    fn write_u64(&mut self, x: u64) {
        self.0 = (self.0.rotate_left(5) ^ x).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    fn write_usize(&mut self, x: usize) {
        self.write_u64(x as u64);
    }
    fn write_isize(&mut self, x: isize) {
        self.write_u64(x as u64);
    }
}

/// A column to be made.
struct Job<'j> {
    series: Series,
    out: &'j mut [f64],
    found: &'j mut (usize, bool),
}

/// No column.
const NONE: u32 = u32::MAX;

/// The prices of one asset, and the indicator columns that several parameter sets share.
pub struct Columns<'a> {
    pub high: &'a [f64],
    pub low: &'a [f64],
    pub close: &'a [f64],
    /// All columns, one after another.
    values: Vec<f64>,
    /// First defined row of each, and whether all later ones are.
    made: Vec<(usize, bool)>,
    /// The columns of each parameter set.
    plan: Vec<[u32; 4]>,
}

/// Memory of the last sweep, for the next one: fresh pages cost more than what is written on them.
static KEPT: Mutex<Vec<f64>> = Mutex::new(Vec::new());
const KEPT_VALUES: usize = 4 << 20;
/// Values from which columns are made by several threads.
const WORTH_THREADS: usize = 2_000_000;

impl Drop for Columns<'_> {
    fn drop(&mut self) {
        if let Ok(mut kept) = KEPT.lock() {
            if self.values.capacity() > kept.capacity() && self.values.capacity() <= KEPT_VALUES {
                *kept = std::mem::take(&mut self.values);
            }
        }
    }
}

fn window(name: &str, x: f64) -> Result<usize> {
    if (1.0..=1e9).contains(&x) && x.fract() == 0.0 {
        Ok(x as usize)
    } else {
        Err(Error::Input(format!("{name} is {x}; it must be a whole number of bars, 1 or more")))
    }
}

impl<'a> Columns<'a> {
    pub fn new(high: &'a [f64], low: &'a [f64], close: &'a [f64]) -> Columns<'a> {
        Columns { high, low, close, values: Vec::new(), made: Vec::new(), plan: Vec::new() }
    }

    /// One column; its first defined row, and whether all later ones are.
    fn make(&self, series: Series, out: &mut [f64]) -> (usize, bool) {
        match series {
            Series::Sma(w) => kernels::sma(self.close, w, out),
            Series::Ema(bits) => kernels::ema(self.close, f64::from_bits(bits), out),
            Series::Std(w) => kernels::rolling_std(self.close, w, 0, out),
            Series::Max(w) => kernels::rolling_max(self.high, w, out),
            Series::Min(w) => kernels::rolling_min(self.low, w, out),
            Series::Rsi(w) => kernels::rsi(self.close, w, out),
        }
        let first = out.iter().position(|v| !v.is_nan()).unwrap_or(out.len());
        (first, simd::all_finite(&out[first..]))
    }

    /// Column `k` of a parameter set.
    #[inline]
    fn column(&self, set: usize, k: usize) -> Option<Column<'_>> {
        let at = self.plan[set][k] as usize;
        let n = self.close.len();
        self.made.get(at).map(|&(first, whole)| Column { values: &self.values[at * n..(at + 1) * n], first, whole })
    }

    /// The columns that a parameter set reads.
    fn wants(rule: Rule, p: &[f64]) -> Result<[Option<Series>; 4]> {
        Ok(match rule {
            Rule::SmaCross => [Some(Series::Sma(window("fast", p[0])?)), Some(Series::Sma(window("slow", p[1])?)), None, None],
            Rule::EmaCross => {
                for (name, x) in [("fast", p[0]), ("slow", p[1])] {
                    if !(x >= 1.0 && x.is_finite()) {
                        return Err(Error::Input(format!("{name} is {x}; a span must be 1 or more")));
                    }
                }
                [Some(Series::Ema(p[0].to_bits())), Some(Series::Ema(p[1].to_bits())), None, None]
            }
            Rule::Donchian => {
                let (entry, exit) = (window("entry", p[0])?, window("exit", p[1])?);
                [Some(Series::Max(entry)), Some(Series::Min(exit)), Some(Series::Min(entry)), Some(Series::Max(exit))]
            }
            Rule::Bollinger => {
                let w = window("window", p[0])?;
                [Some(Series::Sma(w)), Some(Series::Std(w)), None, None]
            }
            Rule::Rsi => [Some(Series::Rsi(window("window", p[0])?)), None, None, None],
        })
    }

    /// How many of the parameter sets, from the first on, need no more than `most` columns; at least one.
    pub fn fitting(rule: Rule, params: &[f64], most: usize) -> Result<usize> {
        let mut known = HashSet::new();
        let sets = params.chunks_exact(rule.n_params());
        let all = sets.len();
        if all.saturating_mul(4) <= most {
            return Ok(all);
        }
        for (i, p) in sets.enumerate() {
            known.extend(Self::wants(rule, p)?.into_iter().flatten());
            if known.len() > most {
                return Ok(i.max(1));
            }
        }
        Ok(all)
    }

    /// Compute what sets of parameters need, before several threads read it.
    pub fn prepare(&mut self, rule: Rule, params: &[f64], threads: usize) -> Result<()> {
        let mut known: HashMap<Series, u32, BuildHasherDefault<Mix>> = HashMap::default();
        let mut wanted = Vec::new();
        self.plan.clear();
        for p in params.chunks_exact(rule.n_params()) {
            let mut row = [NONE; 4];
            for (k, series) in Self::wants(rule, p)?.into_iter().enumerate() {
                let Some(series) = series else { continue };
                // In a grid a parameter is often that of the set before.
                let before = self.plan.last().map_or(NONE, |b: &[u32; 4]| b[k]);
                row[k] = if wanted.get(before as usize) == Some(&series) {
                    before
                } else {
                    *known.entry(series).or_insert_with(|| {
                        wanted.push(series);
                        wanted.len() as u32 - 1
                    })
                };
            }
            self.plan.push(row);
        }
        let size = wanted.len() * self.close.len();
        if let Ok(mut kept) = KEPT.lock() {
            if kept.capacity() >= size {
                self.values = std::mem::take(&mut kept);
            }
        }
        // What was there is written over: fresh zeros would cost a quarter of the work.
        self.values.resize(size, 0.0);
        let (mut values, mut made) = (std::mem::take(&mut self.values), vec![(0, false); wanted.len()]);
        let rows = wanted.iter().zip(values.chunks_mut(self.close.len().max(1))).zip(&mut made);
        let mut jobs: Vec<Job> = rows.map(|((series, out), found)| Job { series: *series, out, found }).collect();
        let share = if size < WORTH_THREADS { jobs.len() } else { jobs.len().div_ceil(threads.max(1)) }.max(1);
        let work = |part: &mut [Job]| part.iter_mut().for_each(|job| *job.found = self.make(job.series, job.out));
        std::thread::scope(|scope| {
            let mut parts = jobs.chunks_mut(share);
            let mine = parts.next();
            parts.for_each(|part| drop(scope.spawn(move || work(part))));
            mine.map(work);
        });
        (self.values, self.made) = (values, made);
        Ok(())
    }

    /// Opinions of parameter set `set` as the bars at which they change; false if this rule has to be spelt out bar by bar.
    pub fn changes(&self, rule: Rule, set: usize, manner: Manner, out: &mut Changes) -> Result<bool> {
        if !matches!(rule, Rule::SmaCross | Rule::EmaCross) {
            return Ok(false);
        }
        let known = |k: usize| self.column(set, k).filter(|c| c.whole);
        let (Some(fast), Some(slow)) = (known(0), known(1)) else { return Ok(false) };
        out.clear(manner.by_state);
        let first = fast.first.max(slow.first);
        if first >= self.close.len() {
            return Ok(true);
        }
        let most = self.close.len() + 1 + simd::SPARE;
        if out.room.len() < most {
            out.room.resize(most, 0);
        }
        // Where opinions last, the first defined row has one too.
        let lead = usize::from(manner.by_state);
        out.room[0] = first as u32;
        let (begins, found) = simd::crossings(&fast.values[first..], &slow.values[first..], first as u32, &mut out.room[lead..]);
        out.len = lead + found;
        let below = if manner.long_only { 0 } else { -1 };
        let code = |above: bool| if above { 1 } else { below };
        out.first = code(begins == manner.by_state);
        out.other = code(begins != manner.by_state);
        Ok(true)
    }

    /// Opinions of parameter set `set`, whose parameters are `p`.
    pub fn opinions(&self, rule: Rule, set: usize, p: &[f64], manner: Manner, out: &mut [i8]) -> Result<()> {
        let known = |k: usize| self.column(set, k);
        let col = |k: usize| -> &[f64] { known(k).map_or(&[], |c| c.values) };
        let below = if manner.long_only { 0 } else { -1 };
        let n = self.close.len();
        match rule {
            Rule::SmaCross | Rule::EmaCross => {
                let (fast, slow) = (col(0), col(1));
                let first = known(0).map_or(n, |c| c.first).max(known(1).map_or(n, |c| c.first));
                out[..first].fill(HOLD);
                simd::above(&fast[first..], &slow[first..], below, &mut out[first..]);
                if ![0, 1].iter().all(|k| known(*k).is_some_and(|c| c.whole)) {
                    for i in first..n {
                        if fast[i].is_nan() || slow[i].is_nan() {
                            out[i] = HOLD;
                        }
                    }
                }
            }
            Rule::Donchian => donchian(self.close, [col(0), col(1), col(2), col(3)], manner.long_only, out),
            Rule::Bollinger => {
                let (mean, std, width) = (col(0), col(1), p[1]);
                let mut state = 0i8;
                for i in 0..n {
                    if mean[i].is_nan() || std[i].is_nan() || self.close[i].is_nan() {
                        out[i] = HOLD;
                        continue;
                    }
                    let (c, band) = (self.close[i], width * std[i]);
                    if state > 0 && c >= mean[i] || state < 0 && c <= mean[i] {
                        state = 0;
                    }
                    if state == 0 {
                        if c < mean[i] - band {
                            state = 1;
                        } else if !manner.long_only && c > mean[i] + band {
                            state = -1;
                        }
                    }
                    out[i] = state;
                }
            }
            Rule::Rsi => {
                let (rsi, low, high) = (col(0), p[1], p[2]);
                let mut state = 0i8;
                for i in 0..n {
                    if rsi[i].is_nan() {
                        out[i] = HOLD;
                        continue;
                    }
                    if rsi[i] < low {
                        state = 1;
                    } else if rsi[i] > high {
                        state = below;
                    }
                    out[i] = state;
                }
            }
        }
        if !manner.by_state {
            changes_only(out);
        }
        Ok(())
    }
}

/// Opinions for one parameter set of one asset, without keeping columns: what a single backtest asks for.
pub fn opinions(rule: Rule, high: &[f64], low: &[f64], close: &[f64], p: &[f64], manner: Manner, out: &mut [i8]) -> Result<()> {
    if rule == Rule::SmaCross && simd::all_finite(close) {
        let (fast, slow) = (window("fast", p[0])?, window("slow", p[1])?);
        sma_cross(close, fast, slow, if manner.long_only { 0 } else { -1 }, out);
        if !manner.by_state {
            changes_only(out);
        }
        return Ok(());
    }
    let mut columns = Columns::new(high, low, close);
    columns.prepare(rule, p, 1)?;
    columns.opinions(rule, 0, p, manner, out)
}

/// Both means in blocks that stay in the cache.
fn sma_cross(close: &[f64], fast: usize, slow: usize, below: i8, out: &mut [i8]) {
    const BLOCK: usize = 2048;
    let n = close.len();
    let first = fast.max(slow) - 1;
    if first >= n {
        out.fill(HOLD);
        return;
    }
    out[..first].fill(HOLD);
    let (mut f, mut s) = (SmaStream::new(fast), SmaStream::new(slow));
    let mut buffers = [[0.0f64; BLOCK]; 2];
    // The shorter mean starts earlier; bring it up to the common first row.
    for (stream, window) in [(&mut f, fast), (&mut s, slow)] {
        let mut i = window - 1;
        while i < first {
            let k = BLOCK.min(first - i);
            stream.fill(close, i, &mut buffers[0][..k]);
            i += k;
        }
    }
    let mut i = first;
    while i < n {
        let k = BLOCK.min(n - i);
        let [a, b] = &mut buffers;
        f.fill(close, i, &mut a[..k]);
        s.fill(close, i, &mut b[..k]);
        simd::above(&a[..k], &b[..k], below, &mut out[i..i + k]);
        i += k;
    }
}

/// Breakouts of the channel of previous bars; the current bar is no part of it.
fn donchian(close: &[f64], [entry_high, exit_low, entry_low, exit_high]: [&[f64]; 4], long_only: bool, out: &mut [i8]) {
    let mut state = 0i8;
    for i in 0..close.len() {
        out[i] = HOLD;
        if i == 0 {
            continue;
        }
        let (eh, xl, el, xh) = (entry_high[i - 1], exit_low[i - 1], entry_low[i - 1], exit_high[i - 1]);
        if eh.is_nan() || xl.is_nan() || close[i].is_nan() {
            continue;
        }
        if state > 0 && close[i] < xl || state < 0 && close[i] > xh {
            state = 0;
        }
        if close[i] > eh {
            state = 1;
        } else if !long_only && close[i] < el {
            state = -1;
        }
        out[i] = state;
    }
}

/// Keep an opinion only where the state differs from a defined state one bar before.
fn changes_only(out: &mut [i8]) {
    let mut before = HOLD;
    for code in out.iter_mut() {
        let now = *code;
        *code = if now != HOLD && before != HOLD && now != before { now } else { HOLD };
        before = now;
    }
}
