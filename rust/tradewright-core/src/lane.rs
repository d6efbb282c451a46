//! The lane for plain signals: one asset, market orders at the next open, nothing that rests.
//!
//! Entry points: [`changes`] (opinions as rows at which they change), [`direct`] (any source of opinions).
//! Invariant: bit for bit what the general engine gives, without its order book; tests hold it to that.

use crate::drive;
use crate::engine::{Bar, Engine};
use crate::error::Result;
use crate::fill::Request;
use crate::ledger::{Position, TradeRow};
use crate::market::Market;
use crate::simd;
use crate::types::{FillRule, OnShortCash, Phase, Reason, SizeMode, Slip};
use crate::units::{floor_units, from_units, mul, to_units, UNIT};

/// Signals of one asset with nothing but market orders at the next open: no order ever rests, so none need be kept.
pub(crate) fn plain(engine: &Engine, market: &Market) -> bool {
    let set = &engine.spec.set;
    market.m == 1
        && market.n > 0
        && market.whole
        && market.actions.is_empty()
        && market.funding.is_none()
        && set.fill == FillRule::NextOpen
        && !engine.capped
        && !set.protection.any()
        && engine.may_pass()
        && set.leverage == 1.0
        && !set.close_last
        && engine.sizes_at_fill()
        && engine.pool.rows.is_none()
        && engine.ledger.fills.is_none()
}

/// Run opinions as [`signals`] would, where nothing but market orders at the next open can happen. False if the general engine has to do it.
pub(crate) fn changes(engine: &mut Engine, market: &Market, changes: &mut crate::rules::Changes, equity: &mut [f64]) -> Result<bool> {
    if !plain(engine, market) {
        return Ok(false);
    }
    direct(engine, market, &mut |from, has| changes.next(from, has).map(|(at, code)| (at, code, 1.0)), equity)
}

/// `next(from, has)` gives bar, code and scale of the first opinion other than `has`. False: start again with the general engine.
#[inline(always)]
pub(crate) fn direct(
    engine: &mut Engine,
    market: &Market,
    next: &mut impl FnMut(usize, i8) -> Option<(usize, i8, f64)>,
    equity: &mut [f64],
) -> Result<bool> {
    drive::shape(engine, market, equity)?;
    let lean = lean(engine);
    let n = market.n;
    let mut from = 0;
    loop {
        let has = engine.ledger.positions[0].sign();
        // Decisions on the last bar come too late for the next open.
        let decision = next(from, has).filter(|d| d.0 + 1 < n);
        let until = decision.map_or(n, |d| d.0 + 1);
        let cash = from_units(engine.ledger.cash);
        if has == 0 {
            simd::flat(cash, &mut equity[from..until]);
        } else {
            let low = simd::value(cash, engine.ledger.positions[0].qm, &market.close[from..until], &mut equity[from..until]);
            engine.ledger.tally.bars_held += (until - from) as u64;
            // Ruin and margin calls are for the general engine.
            if low <= 0.0 || (has < 0 && margin_called(engine, &market.close[from..until], &equity[from..until])) {
                return Ok(false);
            }
        }
        let Some((at, want, scale)) = decision else { break };
        let size = engine.spec.set.size * scale;
        let done = lean && has + want == 1 && {
            let (t, raw) = (at as i64 + 1, market.open[at + 1]);
            if has == 0 {
                enter(engine, t, raw, size)?
            } else {
                leave(engine, t, raw)?
            }
        };
        if !done {
            engine.mark[0] = market.close[at];
            if !trade_at_open(engine, &market.timeless(at + 1), has, want, size)? {
                return Ok(false);
            }
        }
        from = at + 1;
    }
    engine.t = n as i64 - 1;
    engine.mark[0] = market.close[n - 1];
    engine.equity = equity[n - 1];
    Ok(true)
}

fn margin_called(engine: &Engine, close: &[f64], equity: &[f64]) -> bool {
    let (size, multiplier) = (engine.ledger.positions[0].qf.abs(), engine.spec.rules[0].multiplier);
    let maintenance = engine.spec.set.maintenance_margin;
    maintenance > 0.0 && equity.iter().zip(close).any(|(e, c)| *e < maintenance * (size * multiplier * c))
}

/// What `signal` and the open phase do for one asset without protection, without putting orders into the book.
/// False: something rare happened that the general engine has to sort out.
#[inline]
fn trade_at_open(engine: &mut Engine, bar: &Bar, has: i8, want: i8, size: f64) -> Result<bool> {
    let raw = bar.open[0];
    let submitted = bar.t - 1;
    let mut request = Request {
        order: engine.pool.next_id,
        asset: 0,
        buys: has < 0,
        qty: engine.ledger.positions[0].qty.abs(),
        raw,
        phase: Phase::Open,
        as_limit: false,
        fok: false,
        reason: Reason::Signal,
        ambiguous: false,
        submitted,
    };
    let mut enters = want != 0;
    if enters {
        if let Some(reason) = engine.entry_ban(0, submitted, want < 0) {
            engine.refusals[reason as usize] += 1;
            enters = false;
        }
    }
    let equity = if enters { from_units(engine.ledger.cash) + engine.ledger.positions[0].qm * raw } else { 0.0 };
    if has != 0 {
        engine.pool.next_id += 1;
        let out = engine.fill_reducing(bar, &request)?;
        if out.refused != Reason::None {
            return Ok(false);
        }
    }
    if enters {
        request.order = engine.pool.next_id;
        engine.pool.next_id += 1;
        request.buys = want > 0;
        request.qty = engine.entry_units(0, want > 0, size, raw, equity, &crate::types::Protection::NONE)?;
        if request.qty > 0 {
            let out = engine.fill_increasing(bar, &request)?;
            if out.refused != Reason::None {
                engine.refusals[out.refused as usize] += 1;
            }
        }
    }
    Ok(true)
}

/// Are costs rates of the notional, sizes fractions of equity, and instruments without rules? Then a fill is a few products.
pub(crate) fn lean(engine: &Engine) -> bool {
    let (spec, rules) = (&engine.spec, &engine.spec.rules[0]);
    let set = &spec.set;
    spec.rate_only
        && matches!(set.slip_model, Slip::None | Slip::Rate)
        && set.size_mode == SizeMode::Fraction
        && set.on_short_cash == OnShortCash::Resize
        && set.cooldown == 0
        && set.max_position == 0.0
        && set.max_gross == 0.0
        && rules.multiplier_units == UNIT
        && rules.lot <= 1
        && rules.tick == 0.0
        && rules.min_notional == 0.0
}

/// A lean long entry of a flat book. False, and nothing done, if there is anything to refuse.
#[inline(always)]
fn enter(engine: &mut Engine, t: i64, raw: f64, size: f64) -> Result<bool> {
    let price = engine.static_price(raw, true);
    let cash = engine.ledger.cash;
    let wanted = size * from_units(cash) / (price * (1.0 + engine.rate(true, false)));
    if wanted.is_nan() || wanted <= 0.0 || price <= 0.0 || engine.halted() {
        return Ok(false);
    }
    let mut qty = floor_units(wanted)?;
    let mut notional = mul(qty, to_units(price)?)?;
    let mut fee = mul(engine.spec.taker, notional)?;
    if notional + fee > cash {
        match engine.fit_cash(0, qty, price, false)? {
            Some(fit) => (qty, notional, fee) = fit,
            None => return Ok(false),
        }
    }
    if qty == 0 {
        return Ok(false);
    }
    let order = engine.pool.next_id;
    engine.pool.next_id += 1;
    let ledger = &mut engine.ledger;
    ledger.cash = cash - notional - fee;
    let held = from_units(qty);
    ledger.tally.fees += fee;
    ledger.tally.traded += notional;
    if price != raw {
        ledger.tally.slippage += (price - raw) * held;
    }
    ledger.positions[0] = Position {
        qty,
        cost: notional,
        fees: fee,
        qf: held,
        qm: held,
        entry_bar: t,
        entry_order: order,
        entry_reason: Reason::Signal,
        ambiguous: false,
    };
    ledger.held.push(0);
    Ok(true)
}

/// A lean exit of all that is held long.
#[inline(always)]
fn leave(engine: &mut Engine, t: i64, raw: f64) -> Result<bool> {
    let price = engine.static_price(raw, false);
    if price.is_nan() || price <= 0.0 {
        return Ok(false);
    }
    let order = engine.pool.next_id;
    engine.pool.next_id += 1;
    let rate = engine.spec.taker + engine.spec.sell;
    let ledger = &mut engine.ledger;
    let position = std::mem::replace(&mut ledger.positions[0], Position::FLAT);
    let notional = mul(position.qty, to_units(price)?)?;
    let fee = mul(rate, notional)?;
    ledger.cash += notional - fee;
    ledger.held.clear();
    ledger.tally.fees += fee;
    ledger.tally.traded += notional;
    if price != raw {
        ledger.tally.slippage += (price - raw) * -position.qf;
    }
    let pnl = from_units(notional - position.cost - position.fees - fee);
    let ret = pnl / from_units(position.cost);
    ledger.tally.trade(pnl, ret);
    if let Some(trades) = &mut ledger.trades {
        trades.push(TradeRow {
            asset: 0,
            direction: 1,
            qty: position.qty,
            entry_bar: position.entry_bar,
            entry_price: from_units(position.cost) / position.qm,
            exit_bar: t,
            exit_price: price,
            fees: from_units(position.fees + fee),
            pnl,
            ret,
            ambiguous: false,
            entry_reason: position.entry_reason,
            exit_reason: Reason::Signal,
            entry_order: position.entry_order,
            exit_order: order,
        });
    }
    Ok(true)
}
