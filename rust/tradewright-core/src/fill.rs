//! From a quantity to money: price, cost, size, limits, and the booking of one fill.

use crate::engine::{Bar, Engine};
use crate::error::Result;
use crate::ledger::Booking;
use crate::order::{Order, Sizing};
use crate::types::{FillRule, Kind, Offset, OnShortCash, Phase, Protection, Reason, SizeBasis, SizeMode, Slip, Status, Tif};
use crate::units::{ceil_lot, floor_lot, floor_units, from_units, mul, to_units, Units, UNIT};

/// `a / b` of non-negative numbers; short ones (the rule) without the long division.
#[inline]
fn divide(a: Units, b: Units) -> Units {
    match (u64::try_from(a), u64::try_from(b)) {
        (Ok(a), Ok(b)) => Units::from(a / b),
        _ => a / b,
    }
}

/// What is to be filled: one part of an order, all of it reducing or all of it increasing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub order: i64,
    pub asset: u32,
    pub buys: bool,
    /// Magnitude.
    pub qty: Units,
    pub raw: f64,
    pub phase: Phase,
    pub as_limit: bool,
    pub fok: bool,
    pub reason: Reason,
    pub ambiguous: bool,
    /// Bar on which the order was submitted.
    pub submitted: i64,
}

/// How a request ended. `asked` is the quantity that remains wanted after cuts by caps and cash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub filled: Units,
    pub asked: Units,
    pub price: f64,
    pub notional: Units,
    pub refused: Reason,
}

impl Outcome {
    fn refused(reason: Reason) -> Outcome {
        Outcome { filled: 0, asked: 0, price: f64::NAN, notional: 0, refused: reason }
    }
}

impl Engine {
    #[inline(always)]
    pub(crate) fn rate(&self, buys: bool, maker: bool) -> f64 {
        let set = &self.spec.set;
        let rate = if maker { set.maker_rate } else { set.taker_rate };
        if buys {
            rate
        } else {
            rate + set.sell_rate
        }
    }

    /// Price after the slippage that does not depend on the quantity.
    #[inline(always)]
    pub(crate) fn static_price(&self, raw: f64, buys: bool) -> f64 {
        let set = &self.spec.set;
        let s = if buys { 1.0 } else { -1.0 };
        match set.slip_model {
            Slip::Rate => raw * (1.0 + s * (set.half_spread + set.slip_a)),
            Slip::Fixed => raw * (1.0 + s * set.half_spread) + s * set.slip_a,
            _ => raw * (1.0 + s * set.half_spread),
        }
    }

    /// Fill price of a market-like fill of `qty`.
    #[inline(always)]
    fn market_price(&self, bar: &Bar, asset: usize, raw: f64, buys: bool, qty: Units) -> f64 {
        let set = &self.spec.set;
        let mut price = self.static_price(raw, buys);
        if matches!(set.slip_model, Slip::VolumeShare | Slip::SquareRoot | Slip::AlmgrenChriss) {
            let s = if buys { 1.0 } else { -1.0 };
            let volume = bar.volume.map_or(f64::NAN, |v| v[asset]);
            let x = if volume > 0.0 { from_units(qty) / volume } else { 1.0 };
            let sigma = bar.sigma.map_or(0.0, |row| if row[asset].is_nan() { 0.0 } else { row[asset] });
            price *= match set.slip_model {
                Slip::VolumeShare => {
                    let m = if set.slip_b > 0.0 { x.min(set.slip_b) } else { x };
                    1.0 + s * (set.slip_a * (m * m))
                }
                Slip::SquareRoot => 1.0 + s * (set.slip_a * sigma * x.sqrt()),
                _ => 1.0 + s * (0.5 * (set.slip_a * sigma * x) + set.slip_b * sigma * x.powf(set.slip_c)),
            };
        }
        self.on_tick(asset, price, buys)
    }

    /// Onto the tick, upwards or downwards.
    #[inline(always)]
    pub(crate) fn on_tick(&self, asset: usize, price: f64, up: bool) -> f64 {
        let tick = self.spec.rules[asset].tick;
        if tick == 0.0 {
            price
        } else if up {
            (price / tick - 1e-9).ceil() * tick
        } else {
            (price / tick + 1e-9).floor() * tick
        }
    }

    #[inline(always)]
    pub(crate) fn notional(&self, asset: usize, qty: Units, price: f64) -> Result<Units> {
        let n = mul(qty, to_units(price)?)?;
        let rules = &self.spec.rules[asset];
        if rules.multiplier_units == UNIT {
            Ok(n)
        } else {
            mul(n, rules.multiplier_units)
        }
    }

    #[inline(always)]
    fn fee(&self, qty: Units, notional: Units, buys: bool, maker: bool) -> Result<Units> {
        let spec = &self.spec;
        let mut rate = if maker { spec.maker } else { spec.taker };
        if !buys {
            rate += spec.sell;
        }
        let by_rate = mul(rate, notional)?;
        if spec.rate_only {
            return Ok(by_rate);
        }
        let mut fee = spec.per_order + mul(spec.per_share, qty)? + by_rate;
        if spec.min_fee > 0 {
            fee = fee.max(spec.min_fee);
        }
        if spec.max_rate > 0 {
            fee = fee.min(mul(spec.max_rate, notional)?);
        }
        Ok(fee)
    }

    /// Quantity of an entry for `equity`, at least 0.
    #[inline]
    pub(crate) fn entry_units(&self, asset: usize, buys: bool, size: f64, raw: f64, equity: f64, protection: &Protection) -> Result<Units> {
        let set = &self.spec.set;
        let rules = &self.spec.rules[asset];
        if !(raw > 0.0 && raw < f64::INFINITY) {
            return Ok(0);
        }
        let price = self.static_price(raw, buys);
        let unit = price * rules.multiplier * (1.0 + self.rate(buys, false)) + set.per_share;
        let q = match set.size_mode {
            SizeMode::Fraction => (size * equity - set.per_order) / unit,
            SizeMode::Value => (size - set.per_order) / unit,
            SizeMode::Quantity => size,
            SizeMode::Risk => {
                let p = protection;
                let distance = match p.stop_kind {
                    Offset::Fraction => p.stop * price,
                    Offset::Amount | Offset::Atr => p.stop,
                    Offset::Price => (price - p.stop).abs(),
                };
                if distance > 0.0 {
                    size * equity / (distance * rules.multiplier)
                } else {
                    0.0
                }
            }
        };
        // NaN (no ATR yet, say) sizes to nothing.
        if q > 0.0 {
            Ok(floor_lot(floor_units(q)?, rules.lot))
        } else {
            Ok(0)
        }
    }

    /// Signed change that brings a position to `weight` of `equity`; `None` inside the buffer.
    #[inline]
    pub(crate) fn target_units(&self, asset: usize, weight: f64, raw: f64, equity: f64) -> Result<Option<Units>> {
        let rules = &self.spec.rules[asset];
        let held = self.ledger.positions[asset].qty;
        if weight == 0.0 {
            return Ok(Some(-held));
        }
        let q = weight.abs() * equity / (raw * rules.multiplier);
        let size = if q > 0.0 { floor_lot(floor_units(q)?, rules.lot) } else { 0 };
        let wanted = if weight < 0.0 { -size } else { size };
        let delta = wanted - held;
        let delta = if delta < 0 { -floor_lot(-delta, rules.lot) } else { floor_lot(delta, rules.lot) };
        let buffer = self.spec.set.rebalance_buffer;
        if delta == 0 {
            return Ok(Some(0));
        }
        if buffer > 0.0 && from_units(delta).abs() * raw * rules.multiplier < buffer * equity {
            return Ok(None);
        }
        Ok(Some(delta))
    }

    /// Equity for sizing inside a bar, and gross exposure of the other assets.
    fn standing(&self, asset: u32, raw: f64) -> (f64, f64) {
        let mut equity = from_units(self.ledger.cash);
        let mut gross = 0.0;
        for &k in &self.ledger.held {
            let p = &self.ledger.positions[k as usize];
            if k == asset {
                equity += p.qm * raw;
            } else {
                let mark = self.mark[k as usize];
                equity += p.qm * mark;
                gross += p.qf.abs() * self.spec.rules[k as usize].multiplier * mark;
            }
        }
        (equity, gross)
    }

    #[inline]
    pub(crate) fn fill_reducing(&mut self, bar: &Bar, r: &Request) -> Result<Outcome> {
        let j = r.asset as usize;
        let mut qty = r.qty;
        if self.capped {
            let free = self.available[j];
            if free < qty {
                if r.fok {
                    return Ok(Outcome::refused(Reason::Fok));
                }
                qty = free;
            }
            if qty == 0 {
                return Ok(Outcome { filled: 0, asked: r.qty, price: f64::NAN, notional: 0, refused: Reason::None });
            }
        }
        let price = if r.as_limit { r.raw } else { self.market_price(bar, j, r.raw, r.buys, qty) };
        if price.is_nan() || price <= 0.0 {
            return Ok(Outcome::refused(Reason::Price));
        }
        let notional = self.notional(j, qty, price)?;
        let fee = self.fee(qty, notional, r.buys, r.as_limit)?;
        self.book(bar, r, qty, price, notional, fee)?;
        Ok(Outcome { filled: qty, asked: r.qty, price, notional, refused: Reason::None })
    }

    /// The largest quantity up to `qty` that cash pays for, with its notional and fee; by the shortage, so exact.
    pub(crate) fn fit_cash(&self, j: usize, qty: Units, price: f64, as_limit: bool) -> Result<Option<(Units, Units, Units)>> {
        let set = &self.spec.set;
        let (cash, lot, multiplier) = (self.ledger.cash, self.spec.rules[j].lot, self.spec.rules[j].multiplier);
        let start = (from_units(cash) - set.per_order) / (price * multiplier * (1.0 + self.rate(true, as_limit)) + set.per_share);
        let mut qty = if start > 0.0 { qty.min(floor_lot(floor_units(start)?, lot)) } else { 0 };
        let step = to_units(price * multiplier)?.max(1);
        for _ in 0..17 {
            let notional = self.notional(j, qty, price)?;
            let fee = self.fee(qty, notional, true, as_limit)?;
            if qty <= 0 {
                break;
            }
            if notional + fee <= cash {
                return Ok(Some((qty, notional, fee)));
            }
            let whole = (notional + fee - cash).checked_mul(UNIT).map_or(qty, |s| divide(s, step));
            qty = (qty - ceil_lot(whole + 1, lot)).max(0);
        }
        Ok(None)
    }

    /// The same under the margin rule, in floats.
    fn fit_margin(&self, r: &Request, qty: Units, price: f64, equity: f64, gross: f64) -> Result<Option<(Units, Units, Units)>> {
        let j = r.asset as usize;
        let (leverage, lot, multiplier) = (self.spec.set.leverage, self.spec.rules[j].lot, self.spec.rules[j].multiplier);
        let held = self.ledger.positions[j].qty.abs();
        let rate = self.rate(r.buys, r.as_limit);
        let start = (leverage * equity - gross) / (price * multiplier * (1.0 + leverage * rate)) - from_units(held);
        let mut qty = if start > 0.0 { qty.min(floor_lot(floor_units(start)?, lot)) } else { 0 };
        for round in 0..17 {
            let notional = self.notional(j, qty, price)?;
            let fee = self.fee(qty, notional, r.buys, r.as_limit)?;
            if qty <= 0 {
                break;
            }
            let exposure = gross + (from_units(held + qty) * price) * multiplier;
            let allowed = leverage * (equity - from_units(fee));
            if exposure <= allowed {
                return Ok(Some((qty, notional, fee)));
            }
            let cut = if round < 8 {
                ceil_lot(floor_units((exposure - allowed) / (price * multiplier * (1.0 + leverage * rate)))? + 1, lot)
            } else {
                ceil_lot(qty / 1_000_000, lot).max(lot).max(1)
            };
            qty = (qty - cut).max(0);
        }
        Ok(None)
    }

    #[inline]
    pub(crate) fn fill_increasing(&mut self, bar: &Bar, r: &Request) -> Result<Outcome> {
        let set = &self.spec.set;
        let j = r.asset as usize;
        let lot = self.spec.rules[j].lot;
        let multiplier = self.spec.rules[j].multiplier;
        if self.halted() {
            return Ok(Outcome::refused(Reason::Halt));
        }
        if set.cooldown > 0 {
            let (from, until) = self.blocked[j];
            if bar.t < until || (from <= r.submitted && r.submitted < until) {
                return Ok(Outcome::refused(Reason::Cooldown));
            }
        }
        if !r.buys && !set.allow_short {
            return Ok(Outcome::refused(Reason::Short));
        }
        let held = self.ledger.positions[j].qty.abs();
        let simple = set.leverage == 1.0 && r.buys && self.ledger.shorts == 0;
        let capped = set.max_position > 0.0 || set.max_gross > 0.0;
        let (equity, gross) = if capped || !simple { self.standing(r.asset, r.raw) } else { (0.0, 0.0) };
        let mut asked = r.qty;
        for (limit, room, reason) in
            [(set.max_position, set.max_position * equity, Reason::MaxPosition), (set.max_gross, set.max_gross * equity - gross, Reason::MaxGross)]
        {
            if limit <= 0.0 {
                continue;
            }
            let most = room / (r.raw * multiplier);
            let cap = if most > 0.0 { floor_lot(floor_units(most)?, lot) - held } else { 0 };
            if asked > cap {
                if r.fok {
                    return Ok(Outcome::refused(Reason::Fok));
                }
                if cap <= 0 {
                    return Ok(Outcome::refused(reason));
                }
                asked = cap;
            }
        }
        let mut qty = asked;
        if self.capped {
            let free = self.available[j];
            if free < qty {
                if r.fok {
                    return Ok(Outcome::refused(Reason::Fok));
                }
                qty = free;
            }
            if qty == 0 {
                return Ok(Outcome { filled: 0, asked, price: f64::NAN, notional: 0, refused: Reason::None });
            }
        }
        let price = if r.as_limit { r.raw } else { self.market_price(bar, j, r.raw, r.buys, qty) };
        if price.is_nan() || price <= 0.0 {
            return Ok(Outcome::refused(Reason::Price));
        }
        let mut notional = self.notional(j, qty, price)?;
        let mut fee = self.fee(qty, notional, r.buys, r.as_limit)?;
        let cash = self.ledger.cash;
        let leverage = set.leverage;
        let fits = |qty: Units, notional: Units, fee: Units| {
            if simple {
                cash - notional - fee >= 0
            } else {
                gross + (from_units(held + qty) * price) * multiplier <= leverage * (equity - from_units(fee))
            }
        };
        if !fits(qty, notional, fee) {
            let reason = if simple { Reason::Cash } else { Reason::Margin };
            if r.fok {
                return Ok(Outcome::refused(Reason::Fok));
            }
            if set.on_short_cash == OnShortCash::Refuse {
                return Ok(Outcome::refused(reason));
            }
            let fitted = if simple { self.fit_cash(j, qty, price, r.as_limit)? } else { self.fit_margin(r, qty, price, equity, gross)? };
            match fitted {
                Some(fit) => (qty, notional, fee) = fit,
                None => return Ok(Outcome::refused(reason)),
            }
            asked = qty;
        }
        let minimum = self.spec.rules[j].min_notional;
        if minimum > 0.0 && from_units(notional) < minimum {
            return Ok(Outcome::refused(Reason::MinNotional));
        }
        self.book(bar, r, qty, price, notional, fee)?;
        Ok(Outcome { filled: qty, asked, price, notional, refused: Reason::None })
    }

    #[inline(always)]
    fn book(&mut self, bar: &Bar, r: &Request, qty: Units, price: f64, notional: Units, fee: Units) -> Result<()> {
        let j = r.asset as usize;
        self.ledger.book(&Booking {
            order: r.order,
            bar: bar.t,
            asset: r.asset,
            phase: r.phase,
            qty: if r.buys { qty } else { -qty },
            price,
            raw_price: r.raw,
            fee,
            notional,
            reason: r.reason,
            ambiguous: r.ambiguous,
            multiplier: self.spec.rules[j].multiplier,
        })?;
        if self.capped {
            self.available[j] -= qty;
        }
        if self.mark[j].is_nan() {
            self.mark[j] = r.raw;
        }
        Ok(())
    }

    /// Execute what is left of an order at `raw` (a limit at its price, all else with slippage).
    pub(crate) fn execute(&mut self, bar: &Bar, slot: u32, raw: f64, phase: Phase, as_limit: bool, ambiguous: bool) -> Result<()> {
        let o = &mut self.pool.slots[slot as usize];
        o.parked = bar.t;
        let (id, asset, reduce_only, submitted, mut rest) = (o.id, o.asset, o.reduce_only, o.bar, o.rest);
        let mut request = Request {
            order: id,
            asset,
            buys: rest > 0,
            qty: 0,
            raw,
            phase,
            as_limit,
            fok: o.tif == Tif::Fok,
            reason: o.reason,
            ambiguous,
            submitted,
        };
        let held = self.ledger.positions[asset as usize].qty;
        let opposite = held != 0 && (held > 0) != (rest > 0);
        if reduce_only {
            if !opposite {
                self.pool.close(slot, Status::Cancelled, Reason::PositionClosed);
                return Ok(());
            }
            if rest.abs() > held.abs() {
                rest = -held;
            }
        }
        let closing = if opposite { rest.abs().min(held.abs()) } else { 0 };
        let opening = rest.abs() - closing;
        if closing > 0 {
            request.qty = closing;
            let out = self.fill_reducing(bar, &request)?;
            if out.refused != Reason::None {
                self.refuse(slot, out.refused);
                return Ok(());
            }
            if out.filled > 0 {
                self.after_fill(bar, slot, id, &out, false)?;
            }
            if out.filled < closing {
                return Ok(());
            }
        }
        if opening > 0 && self.pool.holds(slot, id) {
            request.qty = opening;
            let out = self.fill_increasing(bar, &request)?;
            if out.refused != Reason::None {
                self.refuse(slot, out.refused);
                return Ok(());
            }
            self.pool.slots[slot as usize].rest = if request.buys { out.asked } else { -out.asked };
            if out.filled > 0 {
                let protects = self.pool.slots[slot as usize].protection.any();
                self.after_fill(bar, slot, id, &out, true)?;
                if protects && phase != Phase::Close {
                    self.passed_protection(bar, asset as usize, id, raw, phase, ambiguous)?;
                }
            }
        }
        Ok(())
    }

    /// Protective orders that the market has passed already when they are made execute at once, where it stands.
    fn passed_protection(&mut self, bar: &Bar, asset: usize, parent: i64, raw: f64, phase: Phase, ambiguous: bool) -> Result<()> {
        while let Some(&slot) = self.pool.book[asset].iter().find(|s| {
            let o = &self.pool.slots[**s as usize];
            o.parent == parent && o.parked != bar.t && o.resting() && crate::path::crossed(o, raw)
        }) {
            self.react(bar, slot, raw, phase, ambiguous)?;
        }
        Ok(())
    }

    pub(crate) fn refuse(&mut self, slot: u32, reason: Reason) {
        self.refusals[reason as usize] += 1;
        self.pool.close(slot, Status::Refused, reason);
    }

    fn after_fill(&mut self, bar: &Bar, slot: u32, id: i64, out: &Outcome, increasing: bool) -> Result<()> {
        let qty = out.filled;
        let o = &mut self.pool.slots[slot as usize];
        let asset = o.asset as usize;
        let signed = if o.rest > 0 { qty } else { -qty };
        o.filled += signed;
        o.rest -= signed;
        o.paid += out.notional;
        let (group, protective, reason) = (o.group, o.protective(), o.reason);
        let protects = increasing && o.protection.any();
        let protection = o.protection;
        let flat = self.ledger.positions[asset].qty == 0;
        if o.rest == 0 || (flat && o.reduce_only) {
            self.pool.close(slot, Status::Filled, reason);
        }
        if group >= 0 {
            self.one_cancels_other(asset, id, group, protective, qty);
        }
        if protects {
            self.protect(bar, id, asset as u32, signed, out.price, &protection)?;
        }
        if flat && protective {
            self.blocked[asset] = (bar.t, bar.t + self.spec.set.cooldown);
        }
        self.sweep_reduce_only(asset);
        Ok(())
    }

    /// A group loses as much as one of its orders filled. Groups of users may span assets, protective ones cannot.
    fn one_cancels_other(&mut self, asset: usize, id: i64, group: i64, protective: bool, qty: Units) {
        let assets = if protective { asset..asset + 1 } else { 0..self.pool.book.len() };
        for j in assets {
            let mut at = 0;
            while at < self.pool.book[j].len() {
                let slot = self.pool.book[j][at];
                let other = &mut self.pool.slots[slot as usize];
                if other.group == group && other.id != id && other.protective() == protective {
                    let cut = qty.min(other.rest.abs());
                    other.rest -= if other.rest > 0 { cut } else { -cut };
                    if other.rest == 0 {
                        self.pool.close(slot, Status::Cancelled, Reason::Oco);
                        continue;
                    }
                }
                at += 1;
            }
        }
    }

    /// Orders that may only reduce and have nothing to reduce.
    pub(crate) fn sweep_reduce_only(&mut self, asset: usize) {
        let held = self.ledger.positions[asset].qty;
        let mut at = 0;
        while at < self.pool.book[asset].len() {
            let slot = self.pool.book[asset][at];
            let o = &self.pool.slots[slot as usize];
            if o.reduce_only && (held == 0 || (held > 0) == (o.rest > 0)) {
                self.pool.close(slot, Status::Cancelled, Reason::PositionClosed);
            } else {
                at += 1;
            }
        }
    }

    /// Stop, target and trail of a fill: new ones, or more of those still at work.
    #[allow(clippy::too_many_arguments)]
    fn protect(&mut self, bar: &Bar, parent: i64, asset: u32, signed: Units, price: f64, p: &Protection) -> Result<()> {
        let j = asset as usize;
        let mut extended = false;
        for at in 0..self.pool.book[j].len() {
            let o = &mut self.pool.slots[self.pool.book[j][at] as usize];
            if o.parent == parent {
                o.qty -= signed;
                o.rest -= signed;
                extended = true;
            }
        }
        if extended {
            return Ok(());
        }
        let long = signed > 0;
        let dir = if long { 1.0 } else { -1.0 };
        let level = |kind: Offset, x: f64, side: f64| match kind {
            Offset::Fraction => price * (1.0 + side * x),
            Offset::Amount | Offset::Atr => price + side * x,
            Offset::Price => x,
        };
        let mut child = Order::market(asset, -signed, Reason::Stop);
        child.reduce_only = true;
        child.parent = parent;
        child.group = parent;
        child.bar = bar.t;
        if p.stop != 0.0 {
            let mut stop = child.clone();
            stop.kind = Kind::Stop;
            stop.stop = self.on_tick(j, level(p.stop_kind, p.stop, -dir), !long);
            self.push_protective(stop.stop, stop);
        }
        if p.target != 0.0 {
            let mut target = child.clone();
            target.kind = Kind::Limit;
            target.reason = Reason::Target;
            target.limit = self.on_tick(j, level(p.target_kind, p.target, dir), long);
            self.push_protective(target.limit, target);
        }
        if p.trail != 0.0 {
            child.kind = Kind::Trail;
            child.reason = Reason::Trail;
            child.ext = price;
            child.trail = p.trail;
            child.trail_kind = if p.trail_kind == Offset::Fraction { Offset::Fraction } else { Offset::Amount };
            self.push_protective(child.trail, child);
        }
        Ok(())
    }

    #[inline]
    fn push_protective(&mut self, number: f64, mut order: Order) {
        if number > 0.0 && number.is_finite() {
            self.pool.push(order);
        } else {
            self.refusals[Reason::Price as usize] += 1;
            self.pool.push_closed(&mut order, Status::Refused, Reason::Price);
        }
    }

    /// Equity at the prices of a phase, before any of its fills.
    #[inline]
    pub(crate) fn phase_equity(&self, bar: &Bar, prices: &[f64]) -> f64 {
        let mut equity = from_units(self.ledger.cash);
        for &k in &self.ledger.held {
            let k = k as usize;
            let price = if bar.has(k) { prices[k] } else { self.mark[k] };
            equity += self.ledger.positions[k].qm * price;
        }
        equity
    }

    /// Market orders due in a phase: quantities first, then reducing before increasing, small before large.
    pub(crate) fn market_phase(&mut self, bar: &Bar, prices: &[f64], phase: Phase, submitted_now: bool) -> Result<()> {
        let fill = self.spec.set.fill;
        let mut due = std::mem::take(&mut self.due);
        due.clear();
        let mut sized = false;
        for &asset in &self.pool.live {
            if !bar.has(asset as usize) {
                continue;
            }
            for &slot in &self.pool.book[asset as usize] {
                let o = &self.pool.slots[slot as usize];
                let ours = if submitted_now {
                    o.bar == bar.t && o.kind == Kind::Market
                } else {
                    o.bar < bar.t
                        && match (o.kind, phase) {
                            (Kind::Market, Phase::Open) => fill == FillRule::NextOpen,
                            (Kind::Market, _) => fill != FillRule::NextOpen,
                            (Kind::Open, Phase::Open) | (Kind::Close, Phase::Close) => true,
                            (Kind::Stop | Kind::Trail, Phase::Open) => o.triggered,
                            _ => false,
                        }
                };
                if ours {
                    sized |= o.sizing != Sizing::Fixed;
                    due.push((slot, o.id, 0, f64::NAN));
                }
            }
        }
        if due.is_empty() {
            self.due = due;
            return Ok(());
        }
        let equity = if sized { self.phase_equity(bar, prices) } else { 0.0 };
        for entry in &mut due {
            let o = &self.pool.slots[entry.0 as usize];
            let asset = o.asset as usize;
            let raw = prices[asset];
            let resolved = match o.sizing {
                Sizing::Fixed => None,
                Sizing::Entry { dir, size } => {
                    let q = self.entry_units(asset, dir > 0, size, raw, equity, &o.protection)?;
                    Some((if dir > 0 { q } else { -q }, Reason::Zero))
                }
                Sizing::Target(weight) => {
                    entry.3 = weight * equity - self.ledger.positions[asset].qf * raw * self.spec.rules[asset].multiplier;
                    match self.target_units(asset, weight, raw, equity)? {
                        Some(delta) => Some((delta, Reason::Zero)),
                        None => Some((0, Reason::WithinBuffer)),
                    }
                }
            };
            if let Some((qty, why)) = resolved {
                let o = &mut self.pool.slots[entry.0 as usize];
                o.qty = qty;
                o.rest = qty;
                o.sizing = Sizing::Fixed;
                if qty == 0 {
                    self.pool.close(entry.0, Status::Cancelled, why);
                    entry.1 = -2;
                    continue;
                }
            }
            let o = &self.pool.slots[entry.0 as usize];
            let (mut rest, held) = (o.rest, self.ledger.positions[asset].qty);
            if o.reduce_only {
                if held == 0 || (held > 0) == (rest > 0) {
                    self.pool.close(entry.0, Status::Cancelled, Reason::PositionClosed);
                    entry.1 = -2;
                    continue;
                }
                if rest.abs() > held.abs() {
                    rest = -held;
                }
            }
            let reduces = held != 0 && (held > 0) != (rest > 0) && rest.abs() <= held.abs();
            entry.2 = if o.reduce_only { 0 } else { 2 - u8::from(reduces) };
            if entry.3.is_nan() {
                entry.3 = from_units(rest) * raw * self.spec.rules[asset].multiplier;
            }
        }
        if due.len() > 1 {
            due.sort_unstable_by(|a, b| a.2.cmp(&b.2).then(a.3.total_cmp(&b.3)).then(a.1.cmp(&b.1)));
        }
        for &(slot, id, ..) in &due {
            if id >= 0 && self.pool.holds(slot, id) {
                let raw = prices[self.pool.slots[slot as usize].asset as usize];
                self.execute(bar, slot, raw, phase, false, false)?;
            }
        }
        self.due = due;
        Ok(())
    }

    /// Does the size of signal entries wait for the fill?
    #[inline]
    pub(crate) fn sizes_at_fill(&self) -> bool {
        self.spec.set.size_basis == SizeBasis::Fill
    }
}
