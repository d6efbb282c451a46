//! Cash, positions and what is written down about them. The only place where cash and quantities change.
//!
//! Invariant: `cash = initial + sum of the recorded cash amounts`, in integers.

use crate::error::Result;
use crate::types::{FlowKind, Phase, Reason};
use crate::units::{from_units, mul_div, Units};

#[derive(Clone, Debug)]
pub struct Position {
    pub qty: Units,
    /// Signed money paid for the open quantity, without fees.
    pub cost: Units,
    pub fees: Units,
    /// `from_units(qty)`.
    pub qf: f64,
    /// `from_units(qty) * multiplier`.
    pub qm: f64,
    pub entry_bar: i64,
    pub entry_order: i64,
    pub entry_reason: Reason,
    pub ambiguous: bool,
}

impl Position {
    pub const FLAT: Position =
        Position { qty: 0, cost: 0, fees: 0, qf: 0.0, qm: 0.0, entry_bar: -1, entry_order: -1, entry_reason: Reason::None, ambiguous: false };

    #[inline]
    pub fn sign(&self) -> i8 {
        self.qty.signum() as i8
    }
}

#[derive(Clone, Debug)]
pub struct FillRow {
    pub order: i64,
    pub bar: i64,
    pub asset: u32,
    pub phase: Phase,
    pub qty: Units,
    pub price: f64,
    pub raw_price: f64,
    pub fee: Units,
    pub notional: Units,
    pub cash: Units,
    pub slippage: f64,
    pub ambiguous: bool,
    pub reason: Reason,
}

#[derive(Clone, Debug)]
pub struct TradeRow {
    pub asset: u32,
    pub direction: i8,
    pub qty: Units,
    pub entry_bar: i64,
    pub entry_price: f64,
    pub exit_bar: i64,
    pub exit_price: f64,
    pub fees: f64,
    pub pnl: f64,
    pub ret: f64,
    pub ambiguous: bool,
    pub entry_reason: Reason,
    pub exit_reason: Reason,
    pub entry_order: i64,
    pub exit_order: i64,
}

#[derive(Clone, Debug)]
pub struct FlowRow {
    pub bar: i64,
    /// -1: the account.
    pub asset: i64,
    pub kind: FlowKind,
    pub amount: Units,
}

/// Sums over closed trades and fills; all that a sweep keeps.
#[derive(Clone, Debug)]
pub struct Tally {
    pub n: u64,
    pub wins: u64,
    pub win_sum: f64,
    pub losses: u64,
    pub loss_sum: f64,
    pub pnl_mean: f64,
    pub pnl_m2: f64,
    pub ret_sum: f64,
    pub best: f64,
    pub worst: f64,
    pub fees: Units,
    pub slippage: f64,
    pub traded: Units,
    pub bars_held: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Tally {
            n: 0,
            wins: 0,
            win_sum: 0.0,
            losses: 0,
            loss_sum: 0.0,
            pnl_mean: 0.0,
            pnl_m2: 0.0,
            ret_sum: 0.0,
            best: f64::NEG_INFINITY,
            worst: f64::INFINITY,
            fees: 0,
            slippage: 0.0,
            traded: 0,
            bars_held: 0,
        }
    }
}

impl Tally {
    #[inline(always)]
    pub(crate) fn trade(&mut self, pnl: f64, ret: f64) {
        self.n += 1;
        // Sums without branches: whether a trade wins cannot be foreseen.
        let (won, lost) = (pnl > 0.0, pnl < 0.0);
        self.wins += u64::from(won);
        self.losses += u64::from(lost);
        self.win_sum += if won { pnl } else { 0.0 };
        self.loss_sum += if lost { pnl } else { 0.0 };
        let step = pnl - self.pnl_mean;
        self.pnl_mean += step / self.n as f64;
        self.pnl_m2 += step * (pnl - self.pnl_mean);
        self.ret_sum += ret;
        self.best = self.best.max(ret);
        self.worst = self.worst.min(ret);
    }
}

/// Units that arrive with their cost, not against payment.
#[derive(Clone, Copy, Debug)]
pub struct Parcel {
    /// Signed, like the cost.
    pub qty: Units,
    pub cost: Units,
    pub fees: Units,
    pub entry_bar: i64,
    pub entry_order: i64,
    pub entry_reason: Reason,
    pub ambiguous: bool,
}

pub struct Ledger {
    pub cash: Units,
    pub positions: Vec<Position>,
    /// Assets with a position, ascending.
    pub held: Vec<u32>,
    pub shorts: usize,
    pub tally: Tally,
    pub fills: Option<Vec<FillRow>>,
    pub trades: Option<Vec<TradeRow>>,
    pub flows: Option<Vec<FlowRow>>,
}

/// One fill as it enters the ledger.
#[derive(Clone, Copy, Debug)]
pub struct Booking {
    pub order: i64,
    pub bar: i64,
    pub asset: u32,
    pub phase: Phase,
    /// Signed.
    pub qty: Units,
    pub price: f64,
    pub raw_price: f64,
    pub fee: Units,
    pub notional: Units,
    pub reason: Reason,
    pub ambiguous: bool,
    pub multiplier: f64,
}

impl Ledger {
    pub fn new(n_assets: usize, cash: Units) -> Ledger {
        Ledger {
            cash,
            positions: vec![Position::FLAT; n_assets],
            held: Vec::with_capacity(8),
            shorts: 0,
            tally: Tally::default(),
            fills: None,
            trades: None,
            flows: None,
        }
    }

    /// Book a fill that does not cross zero.
    #[inline(always)]
    pub fn book(&mut self, b: &Booking) -> Result<()> {
        let buys = b.qty > 0;
        let flow = if buys { -b.notional } else { b.notional } - b.fee;
        self.cash += flow;
        self.tally.fees += b.fee;
        self.tally.traded += b.notional;
        let slippage = if b.price == b.raw_price { 0.0 } else { ((b.price - b.raw_price) * from_units(b.qty)) * b.multiplier };
        self.tally.slippage += slippage;
        if let Some(fills) = &mut self.fills {
            fills.push(FillRow {
                order: b.order,
                bar: b.bar,
                asset: b.asset,
                phase: b.phase,
                qty: b.qty,
                price: b.price,
                raw_price: b.raw_price,
                fee: b.fee,
                notional: b.notional,
                cash: flow,
                slippage,
                ambiguous: b.ambiguous,
                reason: b.reason,
            });
        }
        let j = b.asset as usize;
        let position = &mut self.positions[j];
        let signed = if buys { b.notional } else { -b.notional };
        if position.qty == 0 || (position.qty > 0) == buys {
            if position.qty == 0 {
                *position = Position { entry_bar: b.bar, entry_order: b.order, entry_reason: b.reason, ..Position::FLAT };
                if let Err(at) = self.held.binary_search(&b.asset) {
                    self.held.insert(at, b.asset);
                }
                self.shorts += usize::from(!buys);
            }
            position.qty += b.qty;
            position.cost += signed;
            position.fees += b.fee;
            position.ambiguous |= b.ambiguous;
        } else {
            self.reduce(b, signed)?;
        }
        let position = &mut self.positions[j];
        if position.qty == 0 {
            self.drop_held(b.asset, buys);
        } else {
            position.qf = from_units(position.qty);
            position.qm = position.qf * b.multiplier;
        }
        Ok(())
    }

    fn drop_held(&mut self, asset: u32, was_short: bool) {
        if let Ok(at) = self.held.binary_search(&asset) {
            self.held.remove(at);
        }
        self.shorts -= usize::from(was_short);
        self.positions[asset as usize] = Position::FLAT;
    }

    #[inline(always)]
    fn reduce(&mut self, b: &Booking, signed: Units) -> Result<()> {
        let position = &mut self.positions[b.asset as usize];
        let (q, whole) = (b.qty.abs(), position.qty.abs());
        let cost_out = mul_div(position.cost, q, whole)?;
        let fees_out = mul_div(position.fees, q, whole)?;
        let gross = -signed - cost_out;
        let net = gross - fees_out - b.fee;
        let pnl = from_units(net);
        let ret = pnl / from_units(cost_out.abs());
        self.tally.trade(pnl, ret);
        if let Some(trades) = &mut self.trades {
            trades.push(TradeRow {
                asset: b.asset,
                direction: position.sign(),
                qty: q,
                entry_bar: position.entry_bar,
                entry_price: from_units(position.cost.abs()) / (from_units(whole) * b.multiplier),
                exit_bar: b.bar,
                exit_price: b.price,
                fees: from_units(fees_out + b.fee),
                pnl,
                ret,
                ambiguous: position.ambiguous || b.ambiguous,
                entry_reason: position.entry_reason,
                exit_reason: b.reason,
                entry_order: position.entry_order,
                exit_order: b.order,
            });
        }
        position.qty += b.qty;
        position.cost -= cost_out;
        position.fees -= fees_out;
        Ok(())
    }

    /// Cash that moves without a fill.
    pub fn flow(&mut self, bar: i64, asset: i64, kind: FlowKind, amount: Units) {
        self.cash += amount;
        if let Some(flows) = &mut self.flows {
            flows.push(FlowRow { bar, asset, kind, amount });
        }
    }

    /// New quantity after a split (`whole` before the payment of fractions). A position of which nothing is left is closed; its cost leaves with it (what was paid for the fraction is a cash movement).
    pub fn split(&mut self, bar: i64, asset: u32, whole: Units, qty: Units, multiplier: f64, price: f64) {
        let j = asset as usize;
        if qty == 0 {
            self.write_off(bar, asset, whole, multiplier, price, Reason::Split);
            return;
        }
        let position = &mut self.positions[j];
        position.qty = qty;
        position.qf = from_units(qty);
        position.qm = position.qf * multiplier;
    }

    /// A position ends without proceeds: its cost and fees become a trade of `qty` units (signed).
    fn write_off(&mut self, bar: i64, asset: u32, qty: Units, multiplier: f64, price: f64, reason: Reason) {
        let gone = self.positions[asset as usize].clone();
        let was_short = gone.qty < 0;
        let pnl = from_units(-gone.cost - gone.fees);
        let ret = pnl / from_units(gone.cost.abs());
        self.tally.trade(pnl, ret);
        if let Some(trades) = &mut self.trades {
            trades.push(TradeRow {
                asset,
                direction: if was_short { -1 } else { 1 },
                qty: qty.abs(),
                entry_bar: gone.entry_bar,
                entry_price: if qty == 0 { f64::NAN } else { from_units(gone.cost.abs()) / (from_units(qty.abs()) * multiplier) },
                exit_bar: bar,
                exit_price: price,
                fees: from_units(gone.fees),
                pnl,
                ret,
                ambiguous: gone.ambiguous,
                entry_reason: gone.entry_reason,
                exit_reason: reason,
                entry_order: gone.entry_order,
                exit_order: -1,
            });
        }
        self.drop_held(asset, was_short);
    }

    /// A delivery without payment: it adds to a position of its own sign, closes one of the other sign at its own cost, and opens what is left.
    pub fn deliver(&mut self, bar: i64, asset: u32, parcel: &Parcel, price: f64, reason: Reason, multiplier: f64) -> Result<()> {
        self.free_fill(bar, asset, parcel.qty, price, reason);
        let j = asset as usize;
        let Parcel { mut qty, mut cost, mut fees, .. } = *parcel;
        let held = self.positions[j].qty;
        if held != 0 && (held > 0) != (qty > 0) {
            let position = &mut self.positions[j];
            let (closed, whole) = (qty.abs().min(held.abs()), held.abs());
            let (cost_out, fees_out) = (mul_div(position.cost, closed, whole)?, mul_div(position.fees, closed, whole)?);
            let (cost_in, fees_in) = (mul_div(cost, closed, qty.abs())?, mul_div(fees, closed, qty.abs())?);
            let pnl = from_units(-cost_out - cost_in - fees_out - fees_in);
            let ret = pnl / from_units(cost_out.abs());
            self.tally.trade(pnl, ret);
            if let Some(trades) = &mut self.trades {
                trades.push(TradeRow {
                    asset,
                    direction: position.sign(),
                    qty: closed,
                    entry_bar: position.entry_bar,
                    entry_price: from_units(position.cost.abs()) / (from_units(whole) * multiplier),
                    exit_bar: bar,
                    exit_price: from_units(cost_in.abs()) / (from_units(closed) * multiplier),
                    fees: from_units(fees_out + fees_in),
                    pnl,
                    ret,
                    ambiguous: position.ambiguous || parcel.ambiguous,
                    entry_reason: position.entry_reason,
                    exit_reason: reason,
                    entry_order: position.entry_order,
                    exit_order: -1,
                });
            }
            let step = if qty > 0 { closed } else { -closed };
            position.qty += step;
            position.cost -= cost_out;
            position.fees -= fees_out;
            qty -= step;
            cost -= cost_in;
            fees -= fees_in;
            if position.qty == 0 {
                self.drop_held(asset, held < 0);
            }
        }
        if qty != 0 {
            let position = &mut self.positions[j];
            if position.qty == 0 {
                let Parcel { entry_bar, entry_order, entry_reason, .. } = *parcel;
                *position = Position { entry_bar, entry_order, entry_reason, ..Position::FLAT };
                if let Err(at) = self.held.binary_search(&asset) {
                    self.held.insert(at, asset);
                }
                self.shorts += usize::from(qty < 0);
            }
            position.qty += qty;
            position.cost += cost;
            position.fees += fees;
            position.ambiguous |= parcel.ambiguous;
        }
        let position = &mut self.positions[j];
        position.qf = from_units(position.qty);
        position.qm = position.qf * multiplier;
        Ok(())
    }

    /// A position leaves without payment: its cost goes elsewhere, or is written off where nothing came for it.
    pub fn hand_over(&mut self, bar: i64, asset: u32, price: f64, multiplier: f64, written_off: bool) {
        let held = self.positions[asset as usize].qty;
        self.free_fill(bar, asset, -held, price, Reason::Merger);
        if written_off {
            self.write_off(bar, asset, held, multiplier, price, Reason::Merger);
        } else {
            self.drop_held(asset, held < 0);
        }
    }

    fn free_fill(&mut self, bar: i64, asset: u32, qty: Units, price: f64, reason: Reason) {
        if let Some(fills) = &mut self.fills {
            fills.push(FillRow {
                order: -1,
                bar,
                asset,
                phase: Phase::Open,
                qty,
                price,
                raw_price: price,
                fee: 0,
                notional: 0,
                cash: 0,
                slippage: 0.0,
                ambiguous: false,
                reason,
            });
        }
    }

    /// Rows of the positions still open, valued at `mark`.
    pub fn open_trades(&self, mark: &[f64], value: impl Fn(u32, f64) -> Result<Units>) -> Result<Vec<TradeRow>> {
        let mut rows = Vec::with_capacity(self.held.len());
        for &asset in &self.held {
            let p = &self.positions[asset as usize];
            let price = mark[asset as usize];
            let worth = value(asset, price)?;
            let pnl = from_units(worth - p.cost - p.fees);
            rows.push(TradeRow {
                asset,
                direction: p.sign(),
                qty: p.qty.abs(),
                entry_bar: p.entry_bar,
                entry_price: from_units(p.cost.abs()) / (p.qm.abs()),
                exit_bar: -1,
                exit_price: price,
                fees: from_units(p.fees),
                pnl,
                ret: pnl / from_units(p.cost.abs()),
                ambiguous: p.ambiguous,
                entry_reason: p.entry_reason,
                exit_reason: Reason::Open,
                entry_order: p.entry_order,
                exit_order: -1,
            });
        }
        Ok(rows)
    }
}
