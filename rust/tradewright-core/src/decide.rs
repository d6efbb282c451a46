//! Step 9: signals, target weights and orders become orders of the engine.

use crate::engine::{Bar, Engine};
use crate::error::{Error, Result};
use crate::order::{Order, Sizing};
use crate::types::{FillRule, Kind, Offset, Protection, Reason, Status, Tif, HOLD};
use crate::units::{floor_lot, to_units};

/// An order as a user states it.
#[derive(Clone, Debug)]
pub struct Ticket {
    pub asset: u32,
    pub kind: Kind,
    /// Signed; ignored when `size` is given.
    pub quantity: f64,
    /// Size in the size mode of the run, with the sign of `quantity`.
    pub size: Option<f64>,
    pub limit: f64,
    pub stop: f64,
    pub trail: f64,
    pub trail_kind: Offset,
    pub tif: Tif,
    pub gtd: i64,
    pub reduce_only: bool,
    pub group: i64,
    pub protection: Protection,
    pub reason: Reason,
}

impl Ticket {
    pub fn market(asset: u32, quantity: f64) -> Ticket {
        Ticket {
            asset,
            kind: Kind::Market,
            quantity,
            size: None,
            limit: f64::NAN,
            stop: f64::NAN,
            trail: 0.0,
            trail_kind: Offset::Fraction,
            tif: Tif::Gtc,
            gtd: i64::MAX,
            reduce_only: false,
            group: -1,
            protection: Protection::NONE,
            reason: Reason::Order,
        }
    }
}

impl Engine {
    #[inline]
    pub(crate) fn in_cooldown(&self, asset: usize, t: i64) -> bool {
        let (from, until) = self.blocked[asset];
        from <= t && t < until
    }

    /// One code per asset; `scale` multiplies the configured size.
    pub fn signals(&mut self, bar: &Bar, codes: &[i8], scale: Option<&[f64]>, last: bool) -> Result<()> {
        if last && self.spec.set.fill != FillRule::SameClose {
            return Ok(());
        }
        for (j, &code) in codes.iter().enumerate() {
            if code != HOLD {
                self.signal(bar, j, code.signum(), scale.map_or(1.0, |row| row[j]))?;
            }
        }
        Ok(())
    }

    #[inline]
    fn signal(&mut self, bar: &Bar, j: usize, want: i8, scale: f64) -> Result<()> {
        let mut pending = false;
        let mut at = 0;
        while at < self.pool.book[j].len() {
            let slot = self.pool.book[j][at];
            let o = &self.pool.slots[slot as usize];
            if o.reason == Reason::Signal && !o.reduce_only {
                let dir = match o.sizing {
                    Sizing::Entry { dir, .. } => dir,
                    _ => o.rest.signum() as i8,
                };
                if dir != want {
                    self.pool.close(slot, Status::Cancelled, Reason::Replaced);
                    continue;
                }
                pending = true;
            }
            at += 1;
        }
        let has = self.ledger.positions[j].sign();
        if want == has {
            return Ok(());
        }
        if has != 0 && !self.closing(j) {
            self.submit_close(bar.t, j as u32, Reason::Signal);
        }
        if want == 0 || pending {
            return Ok(());
        }
        if let Some(reason) = self.entry_ban(j, bar.t, want < 0) {
            self.refusals[reason as usize] += 1;
            return Ok(());
        }
        let size = self.spec.set.size * scale;
        let mut order = Order::market(j as u32, 0, Reason::Signal);
        order.bar = bar.t;
        order.protection = self.spec.set.protection.with_atr(bar.atr.map_or(f64::NAN, |row| row[j]));
        if self.sizes_at_fill() {
            order.sizing = Sizing::Entry { dir: want, size };
            self.pool.push(order);
        } else {
            let q = self.entry_units(j, want > 0, size, self.mark[j], self.equity, &order.protection)?;
            order.qty = if want > 0 { q } else { -q };
            order.rest = order.qty;
            if q == 0 {
                self.pool.push_closed(&mut order, Status::Cancelled, Reason::Zero);
            } else {
                self.pool.push(order);
            }
        }
        Ok(())
    }

    /// Why no entry may be taken at this close.
    #[inline]
    pub(crate) fn entry_ban(&self, j: usize, t: i64, short: bool) -> Option<Reason> {
        if self.is_delisted(j) {
            Some(Reason::Delisted)
        } else if self.halted() {
            Some(Reason::Halt)
        } else if self.in_cooldown(j, t) {
            Some(Reason::Cooldown)
        } else if short && !self.spec.set.allow_short {
            Some(Reason::Short)
        } else {
            None
        }
    }

    /// Target weights of one row; NaN leaves an asset alone.
    pub fn weights(&mut self, bar: &Bar, weights: &[f64], last: bool) -> Result<()> {
        if last && self.spec.set.fill != FillRule::SameClose {
            return Ok(());
        }
        for (j, &w) in weights.iter().enumerate() {
            if w.is_finite() {
                self.target(bar, j as u32, w)?;
            }
        }
        Ok(())
    }

    /// One order towards a weight; its id, or none when there is nothing to order.
    pub fn target(&mut self, bar: &Bar, asset: u32, weight: f64) -> Result<Option<i64>> {
        let j = asset as usize;
        let mut at = 0;
        while at < self.pool.book[j].len() {
            let slot = self.pool.book[j][at];
            if self.pool.slots[slot as usize].reason == Reason::Weights {
                self.pool.close(slot, Status::Cancelled, Reason::Replaced);
            } else {
                at += 1;
            }
        }
        if self.is_delisted(j) {
            self.refusals[Reason::Delisted as usize] += u64::from(weight != 0.0);
            return Ok(None);
        }
        if weight < 0.0 && !self.spec.set.allow_short {
            self.refusals[Reason::Short as usize] += 1;
            return Ok(None);
        }
        let mut order = Order::market(asset, 0, Reason::Weights);
        order.bar = bar.t;
        if self.sizes_at_fill() {
            // An asset that is neither held nor wanted needs no order.
            if weight == 0.0 && self.ledger.positions[j].qty == 0 {
                return Ok(None);
            }
            order.sizing = Sizing::Target(weight);
        } else {
            match self.target_units(j, weight, self.mark[j], self.equity)? {
                Some(delta) if delta != 0 => {
                    order.qty = delta;
                    order.rest = delta;
                }
                _ => return Ok(None),
            }
        }
        Ok(Some(self.pool.push(order).1))
    }

    /// A user's order, submitted at this close. Returns its id.
    pub fn submit(&mut self, bar: &Bar, ticket: &Ticket) -> Result<i64> {
        let j = ticket.asset as usize;
        if j >= self.spec.n_assets() {
            return Err(Error::Input(format!("order for asset {j}; there are {} assets, counted from 0", self.spec.n_assets())));
        }
        let rules = self.spec.rules[j];
        let mut order = Order::market(ticket.asset, 0, ticket.reason);
        order.bar = bar.t;
        order.kind = ticket.kind;
        order.tif = ticket.tif;
        order.gtd = ticket.gtd;
        order.reduce_only = ticket.reduce_only;
        order.group = ticket.group;
        let atr = bar.atr.map_or(f64::NAN, |row| row[j]);
        order.protection = ticket.protection.with_atr(atr);
        let buys = ticket.quantity > 0.0;
        if matches!(ticket.kind, Kind::Limit | Kind::StopLimit) {
            order.limit = self.on_tick(j, ticket.limit, !buys);
        }
        if matches!(ticket.kind, Kind::Stop | Kind::StopLimit) {
            order.stop = self.on_tick(j, ticket.stop, buys);
        }
        if ticket.kind == Kind::Trail {
            order.trail = if ticket.trail_kind == Offset::Atr { ticket.trail * atr } else { ticket.trail };
            order.trail_kind = if ticket.trail_kind == Offset::Fraction { Offset::Fraction } else { Offset::Amount };
        }
        let delisted = self.is_delisted(j);
        if let Some(size) = ticket.size {
            if delisted {
                order.sizing = Sizing::Entry { dir: if buys { 1 } else { -1 }, size };
                self.refusals[Reason::Delisted as usize] += 1;
                return Ok(self.pool.push_closed(&mut order, Status::Refused, Reason::Delisted));
            }
            let resting = ticket.kind != Kind::Market;
            if self.sizes_at_fill() && !resting {
                order.sizing = Sizing::Entry { dir: if buys { 1 } else { -1 }, size };
                return Ok(self.pool.push(order).1);
            }
            let raw = if order.limit.is_finite() {
                order.limit
            } else if order.stop.is_finite() {
                order.stop
            } else {
                self.mark[j]
            };
            let q = self.entry_units(j, buys, size, raw, self.equity, &order.protection)?;
            order.qty = if buys { q } else { -q };
            if q == 0 {
                return Ok(self.pool.push_closed(&mut order, Status::Cancelled, Reason::Zero));
            }
        } else {
            if !ticket.quantity.is_finite() {
                return Err(Error::Input(format!("order quantity {} for asset {j}; it must be a finite number, negative to sell", ticket.quantity)));
            }
            let q = floor_lot(to_units(ticket.quantity.abs())?, rules.lot);
            order.qty = if buys { q } else { -q };
            if delisted {
                self.refusals[Reason::Delisted as usize] += 1;
                return Ok(self.pool.push_closed(&mut order, Status::Refused, Reason::Delisted));
            }
            if q == 0 {
                self.refusals[Reason::BelowLot as usize] += 1;
                return Ok(self.pool.push_closed(&mut order, Status::Refused, Reason::BelowLot));
            }
        }
        order.rest = order.qty;
        let good = |x: f64| x > 0.0 && x.is_finite();
        let priced = match ticket.kind {
            Kind::Limit => good(order.limit),
            Kind::Stop => good(order.stop),
            Kind::StopLimit => good(order.limit) && good(order.stop),
            Kind::Trail => good(order.trail),
            _ => true,
        };
        if !priced {
            self.refusals[Reason::Price as usize] += 1;
            return Ok(self.pool.push_closed(&mut order, Status::Refused, Reason::Price));
        }
        Ok(self.pool.push(order).1)
    }

    /// Market order for minus the position; none when flat or when one is at work.
    pub fn close_position(&mut self, t: i64, asset: u32) -> Option<i64> {
        let j = asset as usize;
        if self.ledger.positions[j].qty == 0 || self.closing(j) {
            return None;
        }
        Some(self.submit_close(t, asset, Reason::Order))
    }

    /// Ids of the orders at work, ascending.
    pub fn active_orders(&self, asset: Option<u32>) -> Vec<i64> {
        let slots = &self.pool.slots;
        let mut ids: Vec<i64> = self
            .pool
            .live
            .iter()
            .filter(|j| asset.is_none_or(|a| a == **j))
            .flat_map(|j| self.pool.book[*j as usize].iter().map(|s| slots[*s as usize].id))
            .collect();
        ids.sort_unstable();
        ids
    }

    /// Withdraw an order; false if it is not at work any more.
    pub fn cancel(&mut self, id: i64) -> bool {
        match self.pool.find(id) {
            Some(slot) => {
                self.pool.close(slot, Status::Cancelled, Reason::Cancelled);
                true
            }
            None => false,
        }
    }
}
