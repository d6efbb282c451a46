//! One bar of the market after another through the order engine (docs/fill-semantics.md, section 3).
//!
//! Entry points: [`Engine::step`] (steps 1 to 8), the decisions in `decide.rs` (9), [`Engine::settle`] (10, 11).
//! Invariants: an order cannot fill on the bar that caused it; cash moves only in the ledger; no allocation per bar once buffers have grown.

use crate::error::Result;
use crate::ledger::Ledger;
use crate::order::{Order, Pool};
use crate::spec::Spec;
use crate::types::{ActionKind, FillRule, FlowKind, Kind, OnHalt, Phase, Reason, Status, Tif, TrailUpdate, REASONS};
use crate::units::{floor_lot, floor_units, from_units, mul, to_units, Units, UNIT};

const NS_PER_YEAR: f64 = 365.0 * 86_400e9;

/// A corporate action of one asset on one bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Action {
    pub asset: u32,
    pub kind: ActionKind,
    /// Split: new units per old. Dividend, delisting: money per unit. Spin-off, merger: units of `other` per unit.
    pub value: f64,
    /// Spin-off, merger: what is received, if it is among the assets of the run.
    pub other: Option<u32>,
    /// Merger: money per unit.
    pub cash: f64,
    /// Spin-off, merger: price of one unit of what is received; 0 where it is not stated.
    pub price: f64,
}

/// Finer bars inside one bar, `n_assets` columns each.
#[derive(Clone, Copy)]
pub struct Detail<'a> {
    pub open: &'a [f64],
    pub high: &'a [f64],
    pub low: &'a [f64],
    pub close: &'a [f64],
}

/// One row of the market.
#[derive(Clone, Copy)]
pub struct Bar<'a> {
    pub t: i64,
    pub ts: i64,
    pub session: i64,
    pub open: &'a [f64],
    pub high: &'a [f64],
    pub low: &'a [f64],
    pub close: &'a [f64],
    pub volume: Option<&'a [f64]>,
    /// Volatility known before this bar.
    pub sigma: Option<&'a [f64]>,
    /// ATR known at the close of this bar.
    pub atr: Option<&'a [f64]>,
    pub funding: Option<&'a [f64]>,
    pub actions: &'a [Action],
    pub detail: Option<Detail<'a>>,
    /// All prices of the run are known to be finite.
    pub whole: bool,
}

impl Bar<'_> {
    #[inline]
    pub fn has(&self, j: usize) -> bool {
        self.whole || (self.open[j].is_finite() && self.high[j].is_finite() && self.low[j].is_finite() && self.close[j].is_finite())
    }
}

/// What the caller wants written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub orders: bool,
    pub fills: bool,
    pub trades: bool,
}

impl Record {
    pub const ALL: Record = Record { orders: true, fills: true, trades: true };
    pub const TRADES: Record = Record { orders: false, fills: false, trades: true };
    pub const NOTHING: Record = Record { orders: false, fills: false, trades: false };
}

pub struct Engine {
    pub spec: Spec,
    pub ledger: Ledger,
    pub pool: Pool,
    pub mark: Vec<f64>,
    pub equity: f64,
    pub refusals: [u64; REASONS.len()],
    pub(crate) t: i64,
    pub(crate) ts: i64,
    pub(crate) session: i64,
    /// Is a volume cap in force?
    pub(crate) capped: bool,
    pub(crate) available: Vec<Units>,
    /// Cooldown per asset: from the bar that went flat until before the second.
    pub(crate) blocked: Vec<(i64, i64)>,
    /// Due in a phase: slot, id, group of precedence, value.
    pub(crate) due: Vec<(u32, i64, u8, f64)>,
    pub(crate) scratch: Vec<(u32, i64)>,
    pub(crate) halted_day: bool,
    pub(crate) halted_for_good: bool,
    day_start: f64,
    peak: f64,
    recorded: f64,
    accrues: bool,
    /// Assets that are not listed any more; their bars do not exist for this run.
    pub(crate) delisted: Vec<u32>,
    /// Prices of a bar without those of delisted assets.
    cells: [Vec<f64>; 4],
    /// Gross exposure over equity at each settled bar, when asked for.
    pub exposure: Option<Vec<f64>>,
}

impl Engine {
    pub fn new(spec: Spec, record: Record) -> Engine {
        let n = spec.n_assets();
        let mut engine = Engine {
            ledger: Ledger::new(n, spec.cash_units),
            pool: Pool::new(n, record.orders),
            mark: vec![f64::NAN; n],
            equity: 0.0,
            refusals: [0; REASONS.len()],
            t: -1,
            ts: 0,
            session: 0,
            capped: spec.set.volume_share > 0.0,
            available: vec![0; n],
            blocked: vec![(i64::MAX, i64::MIN); n],
            due: Vec::new(),
            scratch: Vec::new(),
            halted_day: false,
            halted_for_good: false,
            day_start: 0.0,
            peak: 0.0,
            recorded: 0.0,
            delisted: Vec::new(),
            cells: Default::default(),
            exposure: None,
            accrues: spec.set.borrow_rate > 0.0 || spec.set.margin_rate != 0.0 || spec.set.cash_rate != 0.0,
            spec,
        };
        engine.reset(record);
        engine
    }

    /// Back to the start with the same settings; buffers are kept.
    pub fn reset(&mut self, record: Record) {
        let n = self.spec.n_assets();
        self.ledger.cash = self.spec.cash_units;
        for &j in &self.ledger.held {
            self.ledger.positions[j as usize] = crate::ledger::Position::FLAT;
        }
        self.ledger.held.clear();
        self.ledger.shorts = 0;
        self.ledger.tally = crate::ledger::Tally::default();
        self.ledger.fills = record.fills.then(Vec::new);
        self.ledger.trades = record.trades.then(Vec::new);
        self.ledger.flows = record.fills.then(Vec::new);
        self.pool.reset(n, record.orders);
        self.mark.fill(f64::NAN);
        self.refusals = [0; REASONS.len()];
        self.t = -1;
        self.blocked.fill((i64::MAX, i64::MIN));
        self.delisted.clear();
        self.halted_day = false;
        self.halted_for_good = false;
        let cash = from_units(self.spec.cash_units);
        self.equity = cash;
        self.day_start = cash;
        self.peak = cash;
        self.recorded = cash;
    }

    /// What is being written down.
    pub fn recording(&self) -> Record {
        Record { orders: self.pool.rows.is_some(), fills: self.ledger.fills.is_some(), trades: self.ledger.trades.is_some() }
    }

    pub fn initial_cash(&self) -> f64 {
        from_units(self.spec.cash_units)
    }

    #[inline]
    pub(crate) fn halted(&self) -> bool {
        self.halted_day || self.halted_for_good
    }

    /// Steps 1 to 8.
    pub fn step(&mut self, bar: &Bar) -> Result<()> {
        self.t = bar.t;
        if bar.t > 0 && (self.accrues || bar.funding.is_some()) {
            self.accrue(bar)?;
        }
        if !bar.actions.is_empty() {
            self.corporate_actions(bar)?;
        }
        if self.delisted.is_empty() {
            self.trade(bar)?;
        } else {
            self.trade_listed(bar)?;
        }
        self.ts = bar.ts;
        self.session = bar.session;
        Ok(())
    }

    /// Steps 3 to 8.
    #[inline]
    fn trade(&mut self, bar: &Bar) -> Result<()> {
        if self.capped {
            for j in 0..self.available.len() {
                let share = self.spec.set.volume_share * bar.volume.map_or(0.0, |v| v[j]);
                self.available[j] = if share > 0.0 { floor_lot(floor_units(share)?, self.spec.rules[j].lot) } else { 0 };
            }
        }
        if self.pool.active > 0 {
            self.expire(bar);
            self.start_trails(bar);
            self.market_phase(bar, bar.open, Phase::Open, false)?;
            self.triggered_by_open(bar)?;
            self.end_of_phase(bar, Phase::Open);
            self.inside(bar)?;
            self.market_phase(bar, bar.close, Phase::Close, false)?;
            self.end_of_phase(bar, Phase::Close);
        }
        self.mark_to(bar);
        self.judge(bar)
    }

    /// Steps 3 to 8 on a bar that the delisted assets do not have.
    #[cold]
    fn trade_listed(&mut self, bar: &Bar) -> Result<()> {
        let mut cells = std::mem::take(&mut self.cells);
        for (own, given) in cells.iter_mut().zip([bar.open, bar.high, bar.low, bar.close]) {
            own.clear();
            own.extend_from_slice(given);
            for &j in &self.delisted {
                own[j as usize] = f64::NAN;
            }
        }
        let [open, high, low, close] = &cells;
        let outcome = self.trade(&Bar { open, high, low, close, whole: false, ..*bar });
        self.cells = cells;
        outcome
    }

    /// Is the asset not listed any more?
    #[inline]
    pub(crate) fn is_delisted(&self, asset: usize) -> bool {
        !self.delisted.is_empty() && self.delisted.contains(&(asset as u32))
    }

    fn accrue(&mut self, bar: &Bar) -> Result<()> {
        let dt = (bar.ts - self.ts) as f64 / NS_PER_YEAR;
        let set = &self.spec.set;
        let (borrow, margin, cash_rate) = (set.borrow_rate, set.margin_rate, set.cash_rate);
        for at in 0..self.ledger.held.len() {
            let asset = self.ledger.held[at];
            let j = asset as usize;
            let v = self.ledger.positions[j].qf * self.mark[j] * self.spec.rules[j].multiplier;
            if v < 0.0 && borrow > 0.0 {
                let cost = to_units(-v * borrow * dt)?;
                self.flow(bar.t, i64::from(asset), FlowKind::Borrow, -cost);
            }
            if let Some(row) = bar.funding {
                if row[j].is_finite() && row[j] != 0.0 {
                    let cost = to_units(v * row[j])?;
                    self.flow(bar.t, i64::from(asset), FlowKind::Funding, -cost);
                }
            }
        }
        let c = from_units(self.ledger.cash);
        if c < 0.0 && margin > 0.0 {
            let amount = to_units(c * margin * dt)?;
            self.flow(bar.t, -1, FlowKind::Interest, amount);
        } else if c > 0.0 && cash_rate != 0.0 {
            let amount = to_units(c * cash_rate * dt)?;
            self.flow(bar.t, -1, FlowKind::Interest, amount);
        }
        Ok(())
    }

    pub(crate) fn flow(&mut self, t: i64, asset: i64, kind: FlowKind, amount: Units) {
        if amount != 0 {
            self.ledger.flow(t, asset, kind, amount);
        }
    }

    fn expire(&mut self, bar: &Bar) {
        for at in (0..self.pool.live.len()).rev() {
            let asset = self.pool.live[at] as usize;
            let mut i = 0;
            while i < self.pool.book[asset].len() {
                let slot = self.pool.book[asset][i];
                let o = &mut self.pool.slots[slot as usize];
                let over = match o.tif {
                    Tif::Day if o.bar < bar.t => {
                        if o.session == i64::MIN {
                            o.session = bar.session;
                        }
                        o.session != bar.session
                    }
                    Tif::Gtd => bar.ts > o.gtd,
                    _ => false,
                };
                if over {
                    self.pool.close(slot, Status::Expired, Reason::Expired);
                } else {
                    i += 1;
                }
            }
        }
    }

    /// First active bars are noted; trails start at the open or follow it.
    fn start_trails(&mut self, bar: &Bar) {
        let path = self.spec.set.trail_update == TrailUpdate::Path;
        for &asset in &self.pool.live {
            let j = asset as usize;
            if !bar.has(j) {
                continue;
            }
            let open = bar.open[j];
            for &slot in &self.pool.book[j] {
                let o = &mut self.pool.slots[slot as usize];
                if o.first < 0 && o.bar < bar.t {
                    o.first = bar.t;
                }
                if o.kind == Kind::Trail && !o.triggered {
                    if o.ext.is_nan() {
                        o.ext = open;
                    } else if path {
                        o.ext = if o.rest < 0 { o.ext.max(open) } else { o.ext.min(open) };
                    }
                }
            }
        }
    }

    /// Cancel what had to fill in the phase that ends.
    fn end_of_phase(&mut self, bar: &Bar, phase: Phase) {
        let next_open = self.spec.set.fill == FillRule::NextOpen;
        for at in (0..self.pool.live.len()).rev() {
            let asset = self.pool.live[at] as usize;
            if !bar.has(asset) {
                continue;
            }
            let mut i = 0;
            while i < self.pool.book[asset].len() {
                let slot = self.pool.book[asset][i];
                let o = &self.pool.slots[slot as usize];
                let waits_for_close = o.kind == Kind::Close || (o.kind == Kind::Market && !next_open);
                let here = o.first == bar.t && !o.protective() && waits_for_close == (phase == Phase::Close);
                let why = match (o.tif, o.kind) {
                    _ if !here => None,
                    (Tif::Ioc, _) => Some(Reason::Ioc),
                    (Tif::Fok, _) => Some(Reason::Fok),
                    (_, Kind::Open | Kind::Close) => Some(Reason::Unfilled),
                    _ => None,
                };
                match why {
                    Some(reason) => self.pool.close(slot, Status::Cancelled, reason),
                    None => i += 1,
                }
            }
        }
    }

    fn end_of_same_close(&mut self, bar: &Bar) {
        for at in (0..self.pool.live.len()).rev() {
            let asset = self.pool.live[at] as usize;
            if !bar.has(asset) {
                continue;
            }
            let mut i = 0;
            while i < self.pool.book[asset].len() {
                let slot = self.pool.book[asset][i];
                let o = &self.pool.slots[slot as usize];
                match o.tif {
                    Tif::Ioc if o.kind == Kind::Market && o.bar == bar.t => self.pool.close(slot, Status::Cancelled, Reason::Ioc),
                    Tif::Fok if o.kind == Kind::Market && o.bar == bar.t => self.pool.close(slot, Status::Cancelled, Reason::Fok),
                    _ => i += 1,
                }
            }
        }
    }

    /// Step 7.
    #[inline]
    fn mark_to(&mut self, bar: &Bar) {
        if bar.whole {
            self.mark.copy_from_slice(bar.close);
        } else {
            for j in 0..self.mark.len() {
                if bar.has(j) {
                    self.mark[j] = bar.close[j];
                }
            }
        }
        self.equity = self.value();
    }

    /// Equity at the marks.
    #[inline]
    pub fn value(&self) -> f64 {
        let mut equity = from_units(self.ledger.cash);
        for &j in &self.ledger.held {
            equity += self.ledger.positions[j as usize].qm * self.mark[j as usize];
        }
        equity
    }

    /// Gross exposure at the marks.
    pub fn gross(&self) -> f64 {
        let mut gross = 0.0;
        for &j in &self.ledger.held {
            gross += self.ledger.positions[j as usize].qf.abs() * self.spec.rules[j as usize].multiplier * self.mark[j as usize];
        }
        gross
    }

    /// Step 8: new session, margin, halts.
    fn judge(&mut self, bar: &Bar) -> Result<()> {
        if bar.t > 0 && bar.session != self.session {
            self.day_start = self.recorded;
            self.halted_day = false;
        }
        let set = &self.spec.set;
        let (daily, drawdown, maintenance) = (set.daily_loss, set.max_drawdown, set.maintenance_margin);
        let margined = set.leverage != 1.0 || self.ledger.shorts > 0;
        let held = !self.ledger.held.is_empty();
        if held && self.equity <= 0.0 {
            if !self.halted_for_good {
                self.halted_for_good = true;
                self.cancel_entries();
            }
            self.close_all(bar.t, Reason::Bankrupt);
        }
        if held && maintenance > 0.0 && margined && self.equity < maintenance * self.gross() {
            self.close_all(bar.t, Reason::MarginCall);
        }
        let on_halt = self.spec.set.on_halt;
        if daily > 0.0 && !self.halted_day && self.equity <= self.day_start * (1.0 - daily) {
            self.halted_day = true;
            self.cancel_entries();
            if on_halt == OnHalt::Flatten {
                self.close_all(bar.t, Reason::DailyLoss);
            }
        }
        if drawdown > 0.0 && !self.halted_for_good && self.equity <= self.peak * (1.0 - drawdown) {
            self.halted_for_good = true;
            self.cancel_entries();
            if on_halt != OnHalt::Block {
                self.close_all(bar.t, Reason::Drawdown);
            }
        }
        Ok(())
    }

    fn cancel_entries(&mut self) {
        for at in (0..self.pool.live.len()).rev() {
            let asset = self.pool.live[at] as usize;
            let mut i = 0;
            while i < self.pool.book[asset].len() {
                let slot = self.pool.book[asset][i];
                if self.pool.slots[slot as usize].reduce_only {
                    i += 1;
                } else {
                    self.pool.close(slot, Status::Cancelled, Reason::Halt);
                }
            }
        }
    }

    /// Is a market order to reduce this asset at work already?
    #[inline]
    pub(crate) fn closing(&self, asset: usize) -> bool {
        self.pool.book[asset].iter().any(|s| {
            let o = &self.pool.slots[*s as usize];
            o.reduce_only && o.kind == Kind::Market
        })
    }

    fn close_all(&mut self, t: i64, reason: Reason) {
        for at in 0..self.ledger.held.len() {
            let asset = self.ledger.held[at];
            if !self.closing(asset as usize) {
                self.submit_close(t, asset, reason);
            }
        }
    }

    #[inline]
    pub(crate) fn submit_close(&mut self, t: i64, asset: u32, reason: Reason) -> i64 {
        let mut order = Order::market(asset, -self.ledger.positions[asset as usize].qty, reason);
        order.reduce_only = true;
        order.bar = t;
        self.pool.push(order).1
    }

    /// Steps 9 (orders that fill at this very close), 10 and 11; returns the equity to record.
    pub fn settle(&mut self, bar: &Bar, last: bool) -> Result<f64> {
        if self.spec.set.fill == FillRule::SameClose && self.pool.active > 0 {
            self.market_phase(bar, bar.close, Phase::Close, true)?;
            self.end_of_same_close(bar);
            self.equity = self.value();
        }
        if last {
            self.close_out(bar)?;
        }
        self.recorded = self.equity;
        self.peak = self.peak.max(self.equity);
        self.ledger.tally.bars_held += u64::from(!self.ledger.held.is_empty());
        if self.exposure.is_some() {
            let share = if self.ledger.held.is_empty() {
                0.0
            } else if self.equity > 0.0 {
                self.gross() / self.equity
            } else {
                f64::NAN
            };
            self.exposure.get_or_insert_default().push(share);
        }
        Ok(self.equity)
    }

    /// Step 10: close what is held, if the settings say so.
    pub fn close_out(&mut self, bar: &Bar) -> Result<()> {
        if !self.spec.set.close_last {
            return Ok(());
        }
        let capped = std::mem::replace(&mut self.capped, false);
        for asset in self.ledger.held.clone() {
            let j = asset as usize;
            let raw = if bar.has(j) { bar.close[j] } else { self.mark[j] };
            self.submit_close(bar.t, asset, Reason::End);
            if let Some(&slot) = self.pool.book[j].last() {
                self.execute(bar, slot, raw, Phase::Close, false, false)?;
            }
        }
        self.capped = capped;
        while let Some(&asset) = self.pool.live.last() {
            if let Some(&slot) = self.pool.book[asset as usize].last() {
                self.pool.close(slot, Status::Cancelled, Reason::End);
            }
        }
        self.equity = self.value();
        Ok(())
    }

    /// Take over from bars that were passed over because nothing could happen on them; the last of them was `t`.
    pub(crate) fn passed(&mut self, bar: &Bar, count: usize, equity: f64) {
        self.t = bar.t;
        self.ts = bar.ts;
        self.session = bar.session;
        self.mark.copy_from_slice(bar.close);
        self.equity = equity;
        self.recorded = equity;
        if !self.ledger.held.is_empty() {
            self.ledger.tally.bars_held += count as u64;
        }
    }

    /// May bars be passed over at all with these settings? (Nothing then depends on each single bar but the marks.)
    pub(crate) fn may_pass(&self) -> bool {
        let set = &self.spec.set;
        !self.accrues && set.daily_loss == 0.0 && set.max_drawdown == 0.0
    }

    /// Do stamps or sessions matter with these settings?
    pub(crate) fn timed(&self) -> bool {
        self.accrues || self.spec.set.daily_loss > 0.0
    }

    /// Could a margin call or bankruptcy happen on the marks alone?
    #[inline]
    pub(crate) fn on_margin(&self) -> bool {
        self.spec.set.leverage != 1.0 || self.ledger.shorts > 0
    }

    /// Value of an open quantity at a price, in units.
    pub fn worth(&self, asset: u32, price: f64) -> Result<Units> {
        let j = asset as usize;
        let n = mul(self.ledger.positions[j].qty, to_units(price)?)?;
        let m = self.spec.rules[j].multiplier_units;
        if m == UNIT {
            Ok(n)
        } else {
            mul(n, m)
        }
    }
}
