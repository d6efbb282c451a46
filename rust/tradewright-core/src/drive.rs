//! Whole runs over arrays.
//!
//! Entry points: [`signals`], [`weights`], [`orders`], [`drive`] (any decision function).
//! Invariant: passing over quiet bars, and the direct lane for plain signals, change no bit of the result; tests compare them with [`Pace::EveryBar`].

use crate::decide::Ticket;
use crate::engine::{Bar, Engine};
use crate::error::{Error, Result};
use crate::lane;
use crate::market::Market;
use crate::simd;
use crate::types::{Kind, Offset, Tif, TrailUpdate, HOLD};
use crate::units::from_units;

/// How to go through the bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Pass over bars on which nothing can happen.
    Quick,
    /// Every bar through the whole engine.
    EveryBar,
}

/// Where decisions come from.
pub trait Decisions {
    /// The first bar from `t` on whose close may take a decision, given the sign of the only asset's position (one asset) .
    fn next(&mut self, t: usize, sign: i8) -> usize;
    fn decide(&mut self, engine: &mut Engine, bar: &Bar, last: bool) -> Result<()>;
    /// Do any of them depend on stamps or sessions (orders for a day, until a date)?
    fn timed(&self) -> bool {
        false
    }
}

struct Signals<'a> {
    codes: &'a [i8],
    size: Option<&'a [f64]>,
    m: usize,
    n: usize,
    /// Per sign of the position: the last answer, valid for every earlier bar from where it was looked for.
    known: [(usize, usize); 3],
}

impl<'a> Signals<'a> {
    fn new(codes: &'a [i8], size: Option<&'a [f64]>, market: &Market) -> Signals<'a> {
        Signals { codes, size, m: market.m, n: market.n, known: [(1, 0); 3] }
    }
}

impl Decisions for Signals<'_> {
    fn next(&mut self, t: usize, sign: i8) -> usize {
        if self.m == 1 {
            let (from, at) = &mut self.known[(sign + 1) as usize];
            if t < *from || t > *at {
                *from = t;
                *at = t + simd::next_opinion(&self.codes[t..], sign);
            }
            *at
        } else {
            (t..self.n).find(|t| self.codes[t * self.m..(t + 1) * self.m].iter().any(|c| *c != HOLD)).unwrap_or(self.n)
        }
    }

    fn decide(&mut self, engine: &mut Engine, bar: &Bar, last: bool) -> Result<()> {
        let at = bar.t as usize * self.m;
        engine.signals(bar, &self.codes[at..at + self.m], self.size.map(|s| &s[at..at + self.m]), last)
    }
}

struct Weights<'a> {
    rows: &'a [i64],
    weights: &'a [f64],
    m: usize,
    at: usize,
    n: usize,
}

impl Decisions for Weights<'_> {
    fn next(&mut self, t: usize, _: i8) -> usize {
        let at = self.rows.partition_point(|r| (*r as usize) < t);
        self.rows.get(at).map_or(self.n, |r| *r as usize)
    }

    fn decide(&mut self, engine: &mut Engine, bar: &Bar, last: bool) -> Result<()> {
        while self.at < self.rows.len() && self.rows[self.at] < bar.t {
            self.at += 1;
        }
        if self.rows.get(self.at) == Some(&bar.t) {
            let from = self.at * self.m;
            engine.weights(bar, &self.weights[from..from + self.m], last)?;
        }
        Ok(())
    }
}

struct Orders<'a> {
    bars: &'a [i64],
    tickets: &'a [Ticket],
    at: usize,
    n: usize,
}

impl Decisions for Orders<'_> {
    fn timed(&self) -> bool {
        self.tickets.iter().any(|t| matches!(t.tif, Tif::Day | Tif::Gtd))
    }

    fn next(&mut self, t: usize, _: i8) -> usize {
        let at = self.bars.partition_point(|b| (*b as usize) < t);
        self.bars.get(at).map_or(self.n, |b| *b as usize)
    }

    fn decide(&mut self, engine: &mut Engine, bar: &Bar, _: bool) -> Result<()> {
        while self.at < self.bars.len() && self.bars[self.at] <= bar.t {
            engine.submit(bar, &self.tickets[self.at])?;
            self.at += 1;
        }
        Ok(())
    }
}

/// Run signals; `equity` receives one value per bar.
pub fn signals(engine: &mut Engine, market: &Market, codes: &[i8], size: Option<&[f64]>, pace: Pace, equity: &mut [f64]) -> Result<()> {
    let cells = market.n * market.m;
    if codes.len() != cells || size.is_some_and(|s| s.len() != cells) {
        return Err(Error::Input(format!("signals have {} values; {} bars of {} assets need {cells}", codes.len(), market.n, market.m)));
    }
    if let Some(i) = simd::first_foreign(codes) {
        return Err(Error::Input(format!("signal {} on bar {}; a signal is 1, 0, -1, or -128 for no opinion", codes[i], i / market.m)));
    }
    if pace == Pace::Quick && lane::plain(engine, market) {
        let mut next = |from: usize, has: i8| {
            let at = from + simd::next_opinion(&codes[from..], has);
            codes.get(at).map(|c| (at, c.signum(), size.map_or(1.0, |s| s[at])))
        };
        if lane::direct(engine, market, &mut next, equity)? {
            return Ok(());
        }
        let record = engine.recording();
        engine.reset(record);
        return drive(engine, market, &mut Signals::new(codes, size, market), Pace::EveryBar, equity);
    }
    drive(engine, market, &mut Signals::new(codes, size, market), pace, equity)
}

/// Run target weights given on ascending `rows`.
pub fn weights(engine: &mut Engine, market: &Market, rows: &[i64], values: &[f64], pace: Pace, equity: &mut [f64]) -> Result<()> {
    if values.len() != rows.len() * market.m {
        return Err(Error::Input(format!(
            "weights have {} values; {} rows of {} assets need {}",
            values.len(),
            rows.len(),
            market.m,
            rows.len() * market.m
        )));
    }
    ascending("target rows", rows, market.n, true)?;
    drive(engine, market, &mut Weights { rows, weights: values, m: market.m, at: 0, n: market.n }, pace, equity)
}

/// Run orders submitted at the closes of ascending `bars`.
pub fn orders(engine: &mut Engine, market: &Market, bars: &[i64], tickets: &[Ticket], pace: Pace, equity: &mut [f64]) -> Result<()> {
    ascending("order bars", bars, market.n, false)?;
    drive(engine, market, &mut Orders { bars, tickets, at: 0, n: market.n }, pace, equity)
}

fn ascending(what: &str, rows: &[i64], n: usize, strictly: bool) -> Result<()> {
    let sorted = rows.windows(2).all(|w| w[0] < w[1] || (!strictly && w[0] == w[1]));
    let inside = rows.first().is_none_or(|r| *r >= 0) && rows.last().is_none_or(|r| (*r as usize) < n);
    if sorted && inside {
        Ok(())
    } else {
        Err(Error::Input(format!("{what} must ascend and lie between 0 and {}; sort them", n.saturating_sub(1))))
    }
}

pub(crate) fn shape(engine: &Engine, market: &Market, equity: &[f64]) -> Result<()> {
    market.check()?;
    if engine.spec.n_assets() != market.m {
        return Err(Error::Input(format!("the spec is for {} assets, the market has {}", engine.spec.n_assets(), market.m)));
    }
    if equity.len() != market.n {
        return Err(Error::Input(format!("equity has room for {} bars of {}", equity.len(), market.n)));
    }
    Ok(())
}

/// Any decisions, all features.
pub fn drive(engine: &mut Engine, market: &Market, decisions: &mut dyn Decisions, pace: Pace, equity: &mut [f64]) -> Result<()> {
    shape(engine, market, equity)?;
    let n = market.n;
    let timed = engine.timed() || market.funding.is_some() || decisions.timed();
    let quick = pace == Pace::Quick && market.whole && market.funding.is_none() && market.finer.is_none() && engine.may_pass();
    let mut t = 0;
    while t < n {
        if quick && !engine.on_margin() {
            let passed = pass(engine, market, decisions, t, equity);
            if passed > 0 {
                t += passed;
                continue;
            }
        }
        let bar = if timed { market.bar(t) } else { market.timeless(t) };
        let last = t + 1 == n;
        engine.step(&bar)?;
        decisions.decide(engine, &bar, last)?;
        equity[t] = engine.settle(&bar, last)?;
        t += 1;
    }
    Ok(())
}

/// Pass over quiet bars from `t` on; how many.
fn pass(engine: &mut Engine, market: &Market, decisions: &mut dyn Decisions, t: usize, equity: &mut [f64]) -> usize {
    let scan = if engine.pool.active == 0 {
        None
    } else if market.m == 1 {
        match Watch::of(engine) {
            Some(watch) => Some(watch),
            None => return 0,
        }
    } else {
        return 0;
    };
    let sign = if market.m == 1 { engine.ledger.positions[0].sign() } else { 0 };
    // The last bar is always taken by the engine (positions may be closed on it).
    let end = decisions.next(t, sign).min(market.next_action(t)).min(market.n - 1);
    if end <= t {
        return 0;
    }
    let stop = match scan {
        Some(mut watch) => {
            let stop = watch.quiet_until(market, t, end);
            watch.write_back(engine);
            stop
        }
        None => end,
    };
    if stop == t {
        return 0;
    }
    let cash = from_units(engine.ledger.cash);
    let mut low = f64::INFINITY;
    if engine.ledger.held.is_empty() {
        simd::flat(cash, &mut equity[t..stop]);
    } else if market.m == 1 {
        low = simd::value(cash, engine.ledger.positions[0].qm, &market.close[t..stop], &mut equity[t..stop]);
    } else {
        for (row, out) in market.close[t * market.m..stop * market.m].chunks_exact(market.m).zip(&mut equity[t..stop]) {
            let mut value = cash;
            for &j in &engine.ledger.held {
                value += engine.ledger.positions[j as usize].qm * row[j as usize];
            }
            *out = value;
            low = low.min(value);
        }
    }
    // Equity that reaches zero is for the engine to judge.
    if low <= 0.0 {
        return 0;
    }
    engine.passed(&market.timeless(stop - 1), stop - t, equity[stop - 1]);
    stop - t
}

/// The levels at which resting orders of the only asset would react.
struct Watch {
    fall: f64,
    rise: f64,
    /// Slot, extreme and level of the only trail, if any.
    trail: Option<(u32, f64, f64)>,
    fraction: bool,
    distance: f64,
    path: bool,
    sells: bool,
}

impl Watch {
    /// `None` when an order is at work that needs every bar.
    fn of(engine: &Engine) -> Option<Watch> {
        let path = engine.spec.set.trail_update == TrailUpdate::Path;
        let mut watch = Watch { fall: f64::NEG_INFINITY, rise: f64::INFINITY, trail: None, fraction: true, distance: 0.0, path, sells: true };
        for &slot in &engine.pool.book[0] {
            let o = &engine.pool.slots[slot as usize];
            if o.tif != Tif::Gtc || !o.resting() || o.triggered {
                return None;
            }
            let sells = o.rest < 0;
            match o.kind {
                Kind::Limit if sells => watch.rise = watch.rise.min(o.limit),
                Kind::Limit => watch.fall = watch.fall.max(o.limit),
                Kind::Trail => {
                    if watch.trail.is_some() || o.ext.is_nan() {
                        return None;
                    }
                    watch.trail = Some((slot, o.ext, o.trail_level(o.ext)));
                    watch.fraction = o.trail_kind == Offset::Fraction;
                    watch.distance = o.trail;
                    watch.sells = sells;
                }
                _ if sells => watch.fall = watch.fall.max(o.stop),
                _ => watch.rise = watch.rise.min(o.stop),
            }
        }
        Some(watch)
    }

    /// First bar of `t .. end` on which something may react.
    fn quiet_until(&mut self, market: &Market, t: usize, end: usize) -> usize {
        match self.trail {
            None => quiet_fixed(&market.low[t..end], &market.high[t..end], self.fall, self.rise) + t,
            Some((slot, ext, level)) => {
                let (low, high) = (&market.low[t..end], &market.high[t..end]);
                let (stop, ext, level) = if self.sells {
                    let factor = 1.0 - self.distance;
                    let place = |e: f64| if self.fraction { e * factor } else { e - self.distance };
                    quiet_trail_sell(low, high, self.fall, self.rise, ext, level, self.path, place)
                } else {
                    let factor = 1.0 + self.distance;
                    let place = |e: f64| if self.fraction { e * factor } else { e + self.distance };
                    quiet_trail_buy(low, high, self.fall, self.rise, ext, level, self.path, place)
                };
                self.trail = Some((slot, ext, level));
                stop + t
            }
        }
    }

    fn write_back(&self, engine: &mut Engine) {
        if let Some((slot, ext, _)) = self.trail {
            engine.pool.slots[slot as usize].ext = ext;
        }
    }
}

fn quiet_fixed(low: &[f64], high: &[f64], fall: f64, rise: f64) -> usize {
    let n = low.len();
    let mut i = 0;
    while i + 8 <= n {
        let mut any = false;
        for k in 0..8 {
            any |= low[i + k] <= fall;
            any |= high[i + k] >= rise;
        }
        if any {
            break;
        }
        i += 8;
    }
    while i < n && low[i] > fall && high[i] < rise {
        i += 1;
    }
    i
}

/// With a sell trail: a bar is quiet if its low stays above every level, also above the one that its own high would raise.
#[allow(clippy::too_many_arguments)]
#[inline]
fn quiet_trail_sell(
    low: &[f64],
    high: &[f64],
    fall: f64,
    rise: f64,
    mut ext: f64,
    mut level: f64,
    path: bool,
    place: impl Fn(f64) -> f64,
) -> (usize, f64, f64) {
    let mut floor = fall.max(level);
    let n = low.len().min(high.len());
    for i in 0..n {
        let (l, h) = (low[i], high[i]);
        if !(l > floor && h < rise) {
            return (i, ext, level);
        }
        if h > ext {
            let raised = place(h);
            if path && l <= raised {
                return (i, ext, level);
            }
            ext = h;
            level = raised;
            floor = fall.max(level);
        }
    }
    (n, ext, level)
}

#[allow(clippy::too_many_arguments)]
#[inline]
fn quiet_trail_buy(
    low: &[f64],
    high: &[f64],
    fall: f64,
    rise: f64,
    mut ext: f64,
    mut level: f64,
    path: bool,
    place: impl Fn(f64) -> f64,
) -> (usize, f64, f64) {
    let mut ceiling = rise.min(level);
    let n = low.len().min(high.len());
    for i in 0..n {
        let (l, h) = (low[i], high[i]);
        if !(h < ceiling && l > fall) {
            return (i, ext, level);
        }
        if l < ext {
            let lowered = place(l);
            if path && h >= lowered {
                return (i, ext, level);
            }
            ext = l;
            level = lowered;
            ceiling = rise.min(level);
        }
    }
    (n, ext, level)
}
