//! Inside one bar: which resting orders a price path meets, in which order (docs/fill-semantics.md, section 6).

use crate::engine::{Bar, Engine};
use crate::error::Result;
use crate::order::Order;
use crate::types::{Intrabar, Kind, Phase, TrailUpdate};

/// The points still to be visited, in order; the close is the last.
#[derive(Clone, Copy)]
struct Plan {
    points: [f64; 3],
    at: usize,
    n: usize,
}

impl Plan {
    fn of(points: &[f64]) -> Plan {
        let mut plan = Plan { points: [0.0; 3], at: 0, n: points.len() };
        plan.points[..points.len()].copy_from_slice(points);
        plan
    }

    fn next(&mut self) -> Option<f64> {
        (self.at < self.n).then(|| {
            self.at += 1;
            self.points[self.at - 1]
        })
    }
}

/// Price at which an order reacts, and whether it reacts to falling prices.
#[inline]
fn trigger(o: &Order) -> (f64, bool) {
    let sells = o.rest < 0;
    match o.kind {
        Kind::Limit => (o.limit, !sells),
        Kind::StopLimit if o.triggered => (o.limit, !sells),
        Kind::Trail => (o.trail_level(o.ext), sells),
        _ => (o.stop, sells),
    }
}

#[inline]
pub(crate) fn crossed(o: &Order, price: f64) -> bool {
    let (level, falling) = trigger(o);
    if falling {
        price <= level
    } else {
        price >= level
    }
}

#[inline]
fn ratchet(o: &mut Order, price: f64) {
    if o.kind == Kind::Trail && !o.triggered {
        o.ext = if o.rest < 0 { o.ext.max(price) } else { o.ext.min(price) };
    }
}

impl Engine {
    /// Orders that the open itself triggers.
    pub(crate) fn triggered_by_open(&mut self, bar: &Bar) -> Result<()> {
        let mut next = 0u32;
        while let Some(asset) = self.live_from(next) {
            next = asset + 1;
            let j = asset as usize;
            if bar.has(j) {
                self.triggered_at(bar, j, bar.open[j], Phase::Open, true)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn live_from(&self, next: u32) -> Option<u32> {
        let at = self.pool.live.partition_point(|a| *a < next);
        self.pool.live.get(at).copied()
    }

    fn triggered_at(&mut self, bar: &Bar, j: usize, price: f64, phase: Phase, older_only: bool) -> Result<()> {
        let mut list = std::mem::take(&mut self.scratch);
        list.clear();
        for &slot in &self.pool.book[j] {
            let o = &self.pool.slots[slot as usize];
            if o.resting() && o.parked != bar.t && !(older_only && o.bar >= bar.t) && crossed(o, price) {
                list.push((slot, o.id));
            }
        }
        if list.len() > 1 {
            let slots = &self.pool.slots;
            list.sort_unstable_by_key(|(slot, id)| (slots[*slot as usize].rank(), *id));
        }
        for &(slot, id) in &list {
            if self.pool.holds(slot, id) {
                self.react(bar, slot, price, phase, false)?;
            }
        }
        self.scratch = list;
        Ok(())
    }

    /// A resting order whose level has been met at `price`.
    pub(crate) fn react(&mut self, bar: &Bar, slot: u32, price: f64, phase: Phase, ambiguous: bool) -> Result<()> {
        let o = &mut self.pool.slots[slot as usize];
        match o.kind {
            Kind::Stop | Kind::Trail => {
                o.triggered = true;
                self.execute(bar, slot, price, phase, false, ambiguous)
            }
            Kind::StopLimit if !o.triggered => {
                o.triggered = true;
                if crossed(o, price) {
                    self.execute(bar, slot, price, phase, true, ambiguous)
                } else {
                    Ok(())
                }
            }
            _ => self.execute(bar, slot, price, phase, true, ambiguous),
        }
    }

    /// Step 5.
    pub(crate) fn inside(&mut self, bar: &Bar) -> Result<()> {
        let mut next = 0u32;
        while let Some(asset) = self.live_from(next) {
            next = asset + 1;
            let j = asset as usize;
            if !bar.has(j) || !self.pool.book[j].iter().any(|s| self.pool.slots[*s as usize].resting()) {
                continue;
            }
            if !self.walk_finer(bar, j)? {
                self.walk(bar, j, bar.open[j], bar.high[j], bar.low[j], bar.close[j])?;
            }
            if self.spec.set.trail_update == TrailUpdate::Bar {
                for &slot in &self.pool.book[j] {
                    let o = &mut self.pool.slots[slot as usize];
                    let extreme = if o.rest < 0 { bar.high[j] } else { bar.low[j] };
                    ratchet(o, extreme);
                }
            }
        }
        Ok(())
    }

    /// Through the finer bars; false if there are none.
    fn walk_finer(&mut self, bar: &Bar, j: usize) -> Result<bool> {
        let Some(d) = bar.detail else { return Ok(false) };
        let m = self.spec.n_assets();
        let mut walked = false;
        for row in 0..d.open.len() / m {
            let i = row * m + j;
            let (o, h, l, c) = (d.open[i], d.high[i], d.low[i], d.close[i]);
            if !(o.is_finite() && h.is_finite() && l.is_finite() && c.is_finite()) {
                continue;
            }
            if walked {
                if self.spec.set.trail_update == TrailUpdate::Path {
                    self.ratchet_all(j, o);
                }
                self.triggered_at(bar, j, o, Phase::Inside, false)?;
            }
            walked = true;
            self.walk(bar, j, o, h, l, c)?;
        }
        Ok(walked)
    }

    #[inline]
    fn ratchet_all(&mut self, j: usize, price: f64) {
        for &slot in &self.pool.book[j] {
            ratchet(&mut self.pool.slots[slot as usize], price);
        }
    }

    /// Could any order react between `low` and `high`?
    #[inline]
    fn quiet(&self, t: i64, j: usize, high: f64, low: f64, path: bool) -> bool {
        self.pool.book[j].iter().all(|s| {
            let o = &self.pool.slots[*s as usize];
            if !o.resting() || o.parked == t {
                return true;
            }
            let (level, falling) = trigger(o);
            let meets = if falling { level >= low } else { level <= high };
            let trails = path && o.kind == Kind::Trail && {
                let moved = o.trail_level(if falling { o.ext.max(high) } else { o.ext.min(low) });
                if falling {
                    moved >= low
                } else {
                    moved <= high
                }
            };
            !meets && !trails
        })
    }

    fn walk(&mut self, bar: &Bar, j: usize, open: f64, high: f64, low: f64, close: f64) -> Result<()> {
        let path = self.spec.set.trail_update == TrailUpdate::Path;
        if self.quiet(bar.t, j, high, low, path) {
            if path {
                for &slot in &self.pool.book[j] {
                    let o = &mut self.pool.slots[slot as usize];
                    let extreme = if o.rest < 0 { high } else { low };
                    ratchet(o, extreme);
                }
            }
            return Ok(());
        }
        let mut plan = self.plan(j, open, high, low, close);
        let mut ambiguous = self.both_sides(bar.t, j, high, low, path);
        let mut at = open;
        if path {
            self.ratchet_all(j, at);
        }
        while let Some(to) = plan.next() {
            while to != at {
                let falling = to < at;
                let Some((slot, level)) = self.nearest(bar.t, j, at, to, falling) else {
                    at = to;
                    if path {
                        self.ratchet_all(j, at);
                    }
                    break;
                };
                at = level;
                if path {
                    self.ratchet_all(j, at);
                }
                let before = self.ledger.positions[j].sign();
                self.react(bar, slot, level, Phase::Inside, ambiguous)?;
                let after = self.ledger.positions[j].sign();
                if after != 0 && after != before {
                    ambiguous = ambiguous || self.both_sides(bar.t, j, high, low, path) || self.hidden_side(bar.t, j, high, low, falling);
                    if let Some(rest) = self.replan(after > 0, falling, high, low, close) {
                        plan = rest;
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// The order that the leg from `at` to `to` meets first.
    #[inline]
    fn nearest(&self, t: i64, j: usize, at: f64, to: f64, falling: bool) -> Option<(u32, f64)> {
        let mut best: Option<(u32, f64, u8)> = None;
        for &slot in &self.pool.book[j] {
            let o = &self.pool.slots[slot as usize];
            if !o.resting() || o.parked == t {
                continue;
            }
            let (level, on_fall) = trigger(o);
            if on_fall != falling || (if falling { level < to } else { level > to }) {
                continue;
            }
            let level = if falling { level.min(at) } else { level.max(at) };
            let rank = o.rank();
            let wins = best.is_none_or(|(_, l, r)| {
                let nearer = if falling { level > l } else { level < l };
                nearer || (level == l && rank < r)
            });
            if wins {
                best = Some((slot, level, rank));
            }
        }
        best.map(|(slot, level, _)| (slot, level))
    }

    fn plan(&self, j: usize, open: f64, high: f64, low: f64, close: f64) -> Plan {
        let expected_high_first = high - open <= open - low;
        let high_first = match (self.spec.set.intrabar, self.ledger.positions[j].sign()) {
            (Intrabar::Expected, _) | (_, 0) => expected_high_first,
            (Intrabar::Pessimistic, sign) => sign < 0,
            (Intrabar::Optimistic, sign) => sign > 0,
        };
        if high_first {
            Plan::of(&[high, low, close])
        } else {
            Plan::of(&[low, high, close])
        }
    }

    /// What is still to come once a position has been opened inside the bar; `None`: as planned.
    fn replan(&self, long: bool, falling: bool, high: f64, low: f64, close: f64) -> Option<Plan> {
        let points: &[f64] = match (self.spec.set.intrabar, long, falling) {
            (Intrabar::Expected, ..) => return None,
            (Intrabar::Pessimistic, true, false) => &[low, high, close],
            (Intrabar::Pessimistic, true, true) => &[low, close],
            (Intrabar::Optimistic, true, false) => &[high, close],
            (Intrabar::Optimistic, true, true) => &[high, low, close],
            (Intrabar::Pessimistic, false, false) => &[high, close],
            (Intrabar::Pessimistic, false, true) => &[high, low, close],
            (Intrabar::Optimistic, false, false) => &[low, high, close],
            (Intrabar::Optimistic, false, true) => &[low, close],
        };
        Some(Plan::of(points))
    }

    /// Do outcomes depend on the order of high and low?
    fn both_sides(&self, t: i64, j: usize, high: f64, low: f64, path: bool) -> bool {
        let (mut below, mut above) = (false, false);
        for &slot in &self.pool.book[j] {
            let o = &self.pool.slots[slot as usize];
            if !o.resting() || o.parked == t {
                continue;
            }
            let (level, falling) = trigger(o);
            below |= falling && level >= low;
            above |= !falling && level <= high;
            if path && o.kind == Kind::Trail {
                let hidden = if falling { high > o.ext && o.trail_level(high) >= low } else { low < o.ext && o.trail_level(low) <= high };
                if hidden {
                    return true;
                }
            }
        }
        below && above
    }

    /// After an opening inside the bar: is there a trigger on the side that may or may not have been visited before?
    fn hidden_side(&self, t: i64, j: usize, high: f64, low: f64, opened_falling: bool) -> bool {
        self.pool.book[j].iter().any(|s| {
            let o = &self.pool.slots[*s as usize];
            if !o.resting() || o.parked == t {
                return false;
            }
            let (level, falling) = trigger(o);
            if opened_falling {
                !falling && level <= high
            } else {
                falling && level >= low
            }
        })
    }
}
