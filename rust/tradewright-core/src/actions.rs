//! What happens to an instrument that is not a trade (docs/fill-semantics.md, step 2).
//!
//! Entry point: [`Engine::corporate_actions`], at the start of a bar.
//! Invariants: cash moves only through flows and payouts; what is delivered without payment is a fill of no notional, so that the
//! law of cash holds and quantities add up; the cost of a position moves with it and is never lost.

use crate::engine::{Action, Bar, Engine};
use crate::error::{Error, Result};
use crate::ledger::{Booking, Parcel};
use crate::order::Sizing;
use crate::types::{ActionKind, FlowKind, Kind, Offset, Phase, Reason, Status};
use crate::units::{floor_lot, mul, mul_div, to_units, Units};

impl Engine {
    #[cold]
    pub(crate) fn corporate_actions(&mut self, bar: &Bar) -> Result<()> {
        for kind in [ActionKind::Split, ActionKind::Dividend, ActionKind::SpinOff, ActionKind::Merger, ActionKind::Delisting] {
            for a in bar.actions.iter().filter(|a| a.kind == kind) {
                match kind {
                    ActionKind::Split => self.split(bar.t, a)?,
                    ActionKind::Dividend => self.dividend(bar.t, a)?,
                    ActionKind::SpinOff => self.spin_off(bar, a)?,
                    ActionKind::Merger => self.merge(bar, a)?,
                    ActionKind::Delisting => self.delist(bar.t, a, a.value, Reason::Delisted)?,
                }
            }
        }
        Ok(())
    }

    /// Cash per unit held, which its mark loses; a short pays. Orders that a fall by the dividend would meet are lowered by it.
    fn dividend(&mut self, t: i64, a: &Action) -> Result<()> {
        let j = a.asset as usize;
        let qty = self.ledger.positions[j].qty;
        if qty != 0 {
            let amount = self.money(j, qty, a.value)?;
            self.flow(t, i64::from(a.asset), FlowKind::Dividend, amount);
        }
        if a.value > 0.0 && a.value < self.mark[j] {
            self.mark[j] -= a.value;
        }
        self.lower_orders(j, a.value, Reason::Dividend);
        Ok(())
    }

    /// Orders are cancelled, what is held is paid out, and the asset is gone for good.
    fn delist(&mut self, t: i64, a: &Action, price: f64, reason: Reason) -> Result<()> {
        let j = a.asset as usize;
        if self.is_delisted(j) {
            return Ok(());
        }
        self.cancel_all(j, reason);
        let qty = self.ledger.positions[j].qty;
        if qty != 0 {
            let notional = self.money(j, qty.abs(), price)?;
            self.ledger.book(&Booking {
                order: -1,
                bar: t,
                asset: a.asset,
                phase: Phase::Open,
                qty: -qty,
                price,
                raw_price: price,
                fee: 0,
                notional,
                reason,
                ambiguous: false,
                multiplier: self.spec.rules[j].multiplier,
            })?;
        }
        self.delisted.push(a.asset);
        Ok(())
    }

    /// `value` units of another asset for each unit held, with a share of its cost.
    fn spin_off(&mut self, bar: &Bar, a: &Action) -> Result<()> {
        let j = a.asset as usize;
        if self.is_delisted(j) {
            return Ok(());
        }
        let (price, before) = (self.price_of_received(bar, a), self.mark[j]);
        let worth = self.worth_of_received(a, price);
        let qty = self.ledger.positions[j].qty;
        let concerned = qty != 0 || !self.pool.book[j].is_empty();
        let less = worth < before;
        if concerned && !less && !(worth.is_finite() && before.is_nan()) {
            return Err(Error::Input(format!(
                "the spin-off of asset {j} on bar {} is worth {worth} per unit at a price of {before}; it must be worth less than its parent: state the price of what is received, or load its bars",
                bar.t
            )));
        }
        if less {
            self.mark[j] = before - worth;
        }
        if qty != 0 {
            match a.other.filter(|k| !self.is_delisted(*k as usize)) {
                None => {
                    let amount = self.money(j, qty, worth)?;
                    self.flow(bar.t, i64::from(a.asset), FlowKind::SpinOff, amount);
                }
                Some(k) => {
                    let kept = self.pay_fraction(bar.t, k, mul(qty, to_units(a.value)?)?, price)?;
                    if kept != 0 {
                        let position = &mut self.ledger.positions[j];
                        let moved = mul_div(position.cost, to_units(worth)?, to_units(before)?)?;
                        position.cost -= moved;
                        let parcel = Parcel {
                            qty: kept,
                            cost: moved,
                            fees: 0,
                            entry_bar: bar.t,
                            entry_order: -1,
                            entry_reason: Reason::SpinOff,
                            ambiguous: position.ambiguous,
                        };
                        self.deliver(bar.t, k, &parcel, price, Reason::SpinOff)?;
                    }
                }
            }
        }
        if concerned {
            self.lower_orders(j, worth, Reason::SpinOff);
        }
        Ok(())
    }

    /// The asset becomes `value` units of another one and cash; without another one it is paid out.
    fn merge(&mut self, bar: &Bar, a: &Action) -> Result<()> {
        let j = a.asset as usize;
        if self.is_delisted(j) {
            return Ok(());
        }
        let Some(k) = a.other.filter(|_| a.value > 0.0) else {
            return self.delist(bar.t, a, a.cash + a.value * a.price, Reason::Merger);
        };
        self.cancel_all(j, Reason::Merger);
        let old = self.ledger.positions[j].clone();
        if old.qty != 0 {
            let price = self.price_of_received(bar, a);
            let worth = self.worth_of_received(a, price) + a.cash;
            if !worth.is_finite() {
                return Err(Error::Input(format!(
                    "the merger of asset {j} on bar {} pays in asset {k}, of which no price is known; state the price of what is received, or load its bars",
                    bar.t
                )));
            }
            let cash = self.money(j, old.qty, a.cash)?;
            self.flow(bar.t, i64::from(a.asset), FlowKind::Merger, cash);
            let whole = mul(old.qty, to_units(a.value)?)?;
            let kept = if self.is_delisted(k as usize) { self.pay(bar.t, k, whole, price)? } else { self.pay_fraction(bar.t, k, whole, price)? };
            let multiplier = self.spec.rules[j].multiplier;
            self.ledger.hand_over(bar.t, a.asset, worth, multiplier, kept == 0);
            if kept != 0 {
                let parcel = Parcel {
                    qty: kept,
                    cost: old.cost,
                    fees: old.fees,
                    entry_bar: old.entry_bar,
                    entry_order: old.entry_order,
                    entry_reason: old.entry_reason,
                    ambiguous: old.ambiguous,
                };
                self.deliver(bar.t, k, &parcel, price, Reason::Merger)?;
            }
        }
        self.delisted.push(a.asset);
        Ok(())
    }

    fn deliver(&mut self, t: i64, asset: u32, parcel: &Parcel, price: f64, reason: Reason) -> Result<()> {
        let k = asset as usize;
        self.ledger.deliver(t, asset, parcel, price, reason, self.spec.rules[k].multiplier)?;
        if self.mark[k].is_nan() {
            self.mark[k] = price;
        }
        self.sweep_reduce_only(k);
        Ok(())
    }

    /// What is left of a quantity of an asset when the part below its lot is paid out.
    fn pay_fraction(&mut self, t: i64, asset: u32, whole: Units, price: f64) -> Result<Units> {
        let kept = floor_lot(whole, self.spec.rules[asset as usize].lot);
        self.pay(t, asset, whole - kept, price)?;
        Ok(kept)
    }

    /// Pay out a quantity that cannot be delivered; nothing is left of it.
    fn pay(&mut self, t: i64, asset: u32, qty: Units, price: f64) -> Result<Units> {
        let amount = self.money(asset as usize, qty, price)?;
        self.flow(t, i64::from(asset), FlowKind::CashInLieu, amount);
        Ok(0)
    }

    fn money(&self, asset: usize, qty: Units, price: f64) -> Result<Units> {
        mul(mul(qty, to_units(price)?)?, self.spec.rules[asset].multiplier_units)
    }

    /// Price of a unit of what is received: as stated, else its mark, else its open on this bar, else NaN.
    fn price_of_received(&self, bar: &Bar, a: &Action) -> f64 {
        if a.price > 0.0 {
            return a.price;
        }
        let Some(k) = a.other.map(|k| k as usize) else { return f64::NAN };
        if self.mark[k].is_finite() {
            self.mark[k]
        } else if bar.has(k) {
            bar.open[k]
        } else {
            f64::NAN
        }
    }

    /// What is received per unit of the asset, in its price.
    fn worth_of_received(&self, a: &Action, price: f64) -> f64 {
        match a.other {
            Some(k) => a.value * price * (self.spec.rules[k as usize].multiplier / self.spec.rules[a.asset as usize].multiplier),
            None => a.value * price,
        }
    }

    fn cancel_all(&mut self, j: usize, reason: Reason) {
        while let Some(&slot) = self.pool.book[j].first() {
            self.pool.close(slot, Status::Cancelled, reason);
        }
    }

    /// Buy limits, sell stops and sell trails go down by what the price loses; those that would be left without a price are cancelled.
    fn lower_orders(&mut self, j: usize, amount: f64, reason: Reason) {
        if amount.is_nan() || amount <= 0.0 {
            return;
        }
        let mut at = 0;
        while at < self.pool.book[j].len() {
            let slot = self.pool.book[j][at];
            let o = &self.pool.slots[slot as usize];
            let sells = match o.sizing {
                Sizing::Entry { dir, .. } => dir < 0,
                _ => o.rest < 0,
            };
            let limit = self.on_tick(j, o.limit - amount, false);
            let stop = self.on_tick(j, o.stop - amount, false);
            let ext = o.ext - amount;
            let waits = !o.triggered;
            let o = &mut self.pool.slots[slot as usize];
            let lowest = match o.kind {
                Kind::Limit if !sells => {
                    o.limit = limit;
                    limit
                }
                Kind::StopLimit if !sells && !waits => {
                    o.limit = limit;
                    limit
                }
                Kind::Stop if sells && waits => {
                    o.stop = stop;
                    stop
                }
                Kind::StopLimit if sells && waits => {
                    o.stop = stop;
                    o.limit = limit;
                    stop.min(limit)
                }
                Kind::Trail if sells && waits => {
                    o.ext = ext;
                    ext
                }
                _ => f64::INFINITY,
            };
            let p = &mut o.protection;
            if !sells && p.stop_kind == Offset::Price && p.stop > 0.0 {
                p.stop = (p.stop - amount).max(0.0);
            }
            if sells && p.target_kind == Offset::Price && p.target > 0.0 {
                p.target = (p.target - amount).max(0.0);
            }
            if lowest <= 0.0 {
                self.pool.close(slot, Status::Cancelled, reason);
            } else {
                at += 1;
            }
        }
    }

    fn split(&mut self, t: i64, a: &Action) -> Result<()> {
        let j = a.asset as usize;
        let rules = self.spec.rules[j];
        let r = a.value;
        if r.is_nan() || r <= 0.0 {
            return Err(Error::Input(format!("split ratio {r} of asset {j} on bar {t}; it must be above 0 (7 for seven new shares per old)")));
        }
        let ratio = to_units(r)?;
        self.mark[j] /= r;
        let held = self.ledger.positions[j].qty;
        if held != 0 {
            let whole = mul(held, ratio)?;
            let mut qty = whole;
            let mut paid = 0;
            if rules.lot > 1 {
                let fraction = qty % rules.lot;
                if fraction != 0 {
                    paid = mul(mul(fraction, to_units(self.mark[j])?)?, rules.multiplier_units)?;
                    qty -= fraction;
                }
            }
            self.flow(t, i64::from(a.asset), FlowKind::CashInLieu, paid);
            self.ledger.split(t, a.asset, whole, qty, rules.multiplier, self.mark[j]);
        }
        let mut at = 0;
        while at < self.pool.book[j].len() {
            let slot = self.pool.book[j][at];
            let o = &mut self.pool.slots[slot as usize];
            o.limit /= r;
            o.stop /= r;
            o.ext /= r;
            if o.trail_kind != Offset::Fraction {
                o.trail /= r;
            }
            let p = &mut o.protection;
            use Offset::{Amount, Price};
            if matches!(p.stop_kind, Amount | Price) {
                p.stop /= r;
            }
            if matches!(p.target_kind, Amount | Price) {
                p.target /= r;
            }
            if p.trail_kind == Amount {
                p.trail /= r;
            }
            if o.sizing == Sizing::Fixed {
                o.qty = mul(o.qty, ratio)?;
                o.filled = mul(o.filled, ratio)?;
                o.rest = floor_lot(mul(o.rest, ratio)?, rules.lot);
                if o.rest == 0 {
                    self.pool.close(slot, Status::Cancelled, Reason::Split);
                    continue;
                }
            }
            at += 1;
        }
        self.sweep_reduce_only(j);
        Ok(())
    }
}
