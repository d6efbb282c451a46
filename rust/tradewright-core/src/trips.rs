//! Round trips of several parameter sets side by side: the lane of [`crate::lane`] for sweeps, where only sums are kept.
//!
//! Entry points: [`Quotes`] (what a fill at each open costs, once per sweep), [`Trips`] (one run: fills, then its curve).
//! A fill is a chain of dependent steps, so the processor idles in a single run; the chains of [`ABREAST`] runs fill the gaps.
//! Invariant: bit for bit what the lane gives. Whatever is not plain (a refusal, numbers beyond 64 bits) is left to the lane.

use crate::ledger::Tally;
use crate::spec::Spec;
use crate::stats::{Pass, METRICS};
use crate::units::{div_unit, half_even, to_units, SCALE, UNIT};
use crate::{lane, simd};

/// Runs in flight at a time.
pub(crate) const ABREAST: usize = 4;

/// A missing sum of money up to here (units) is mended in 64-bit arithmetic.
const SHORTAGE: u128 = 9_000_000;

/// What buying and selling at one open means.
#[derive(Clone, Copy, Default)]
struct Quote {
    /// Price and fee of one unit bought.
    cost: f64,
    buy: u64,
    sell: u64,
    /// Slippage of one unit, signed as the price moves.
    buy_slip: f64,
    sell_slip: f64,
}

/// Quotes of all opens, and what else the runs of a sweep share.
pub(crate) struct Quotes<'a> {
    rows: Vec<Quote>,
    close: &'a [f64],
    /// Closes and room for one step of the widest registers beyond their end.
    padded: Vec<f64>,
    spec: &'a Spec,
    cash: u128,
    /// A quantity up to here has a notional of at most 127 bits.
    most: u128,
    buy_rate: u64,
    sell_rate: u64,
}

impl<'a> Quotes<'a> {
    /// `None` where the lane or the general engine has to do it.
    pub fn new(engine: &crate::engine::Engine, market: &crate::market::Market<'a>, spec: &'a Spec) -> Option<Quotes<'a>> {
        const RATE: i128 = UNIT / 2;
        let (buy_rate, sell_rate) = (spec.taker, spec.taker + spec.sell);
        let size = spec.set.size;
        let plain = lane::plain(engine, market) && lane::lean(engine) && size > 0.0 && size <= 1.0;
        if !plain || spec.taker < 0 || sell_rate > RATE || spec.cash_units >> 88 != 0 {
            return None;
        }
        let units = |price: f64| u64::try_from(to_units(price).ok()?).ok().filter(|u| *u > 0 && u >> 63 == 0);
        let rate = engine.rate(true, false);
        let quote = |raw: &f64| {
            let (up, down) = (engine.static_price(*raw, true), engine.static_price(*raw, false));
            Some(Quote { cost: up * (1.0 + rate), buy: units(up)?, sell: units(down)?, buy_slip: up - raw, sell_slip: down - raw })
        };
        let rows = market.open.iter().map(quote).collect::<Option<Vec<Quote>>>()?;
        let dearest = rows.iter().fold(1, |most, q| q.buy.max(q.sell).max(most));
        let most = (u128::MAX >> 1) / u128::from(dearest);
        let mut padded = market.close.to_vec();
        padded.extend([*padded.last()?; simd::STEP]);
        Some(Quotes {
            rows,
            close: market.close,
            padded,
            spec,
            cash: spec.cash_units as u128,
            most,
            buy_rate: buy_rate as u64,
            sell_rate: sell_rate as u64,
        })
    }
}

/// One run: its decisions, and what its fills left behind.
#[derive(Default)]
pub(crate) struct Trips {
    /// Bars of the decisions, entries and exits by turns.
    at: Vec<u32>,
    stretches: Vec<simd::Stretch>,
    tally: Tally,
    /// Something happened that is not plain.
    odd: bool,
}

impl Trips {
    /// Take the rows at which opinions change; entries and exits take turns, an entry first.
    pub fn begin(&mut self, rows: &[u32], quotes: &Quotes) {
        let n = quotes.rows.len();
        // Decisions on the last bar come too late for the next open.
        let late = usize::from(rows.last().is_some_and(|t| *t as usize + 1 >= n));
        self.at.clear();
        self.at.extend(rows[..rows.len() - late].iter().map(|t| t + 1));
        self.odd = false;
        self.tally = Tally::default();
        self.stretches.clear();
        self.stretches.push(simd::Stretch { from: 0, cash: float(quotes.cash), quantity: 0.0 });
    }

    /// Curve and metrics; false if something was not plain.
    fn end(&mut self, quotes: &Quotes, out: &mut [f64; METRICS.len()]) -> bool {
        let n = quotes.close.len();
        let held = self.at.chunks(2).map(|trip| trip.get(1).map_or(n as u64, |exit| u64::from(*exit)) - u64::from(trip[0]));
        self.tally.bars_held = held.sum();
        let (Some(last), Some(close), false) = (self.stretches.last(), quotes.close.last(), self.odd) else { return false };
        let set = &quotes.spec.set;
        let last = if last.quantity == 0.0 { last.cash } else { last.cash + last.quantity * close };
        let mut pass = Pass::new(n, float(quotes.cash), last, set.periods_per_year, set.risk_free);
        pass.first(self.stretches[0].cash);
        let low = pass.follow(&self.stretches, &quotes.padded, n);
        pass.end(&self.tally, out);
        low > 0.0
    }
}

/// Several runs to their end; `done[k]` is false where run `k` has to be done by the lane.
pub(crate) fn run(trips: &mut [Trips; ABREAST], quotes: &Quotes, out: &mut [[f64; METRICS.len()]], done: &mut [bool]) {
    fills(trips, quotes);
    for ((trip, row), done) in trips.iter_mut().zip(out).zip(done) {
        *done = trip.end(quotes, row);
    }
}

simd::wide! {
    /// All fills of several runs, one round trip of each in turn.
    pub(crate) fn fills(trips: &mut [Trips; ABREAST], quotes: &Quotes) {
        let mut books = Books::new(quotes);
        let rounds = trips.iter().map(|t| t.at.len()).max().unwrap_or(0);
        for round in 0..rounds {
            // A run that is over trades on the first bar, and nothing of it is kept.
            let row = |k: usize, trips: &[Trips; ABREAST]| trips[k].at.get(round).copied().filter(|t| (*t as usize) < quotes.rows.len());
            let rows: [Option<u32>; ABREAST] = each(|k| row(k, trips));
            let at: [&Quote; ABREAST] = each(|k| &quotes.rows[rows[k].unwrap_or(0) as usize]);
            let live = each(|k| rows[k].is_some());
            if round % 2 == 0 {
                books.enter(at, live, quotes);
            } else {
                let (pnl, ret) = books.leave(at, live, quotes);
                for k in 0..ABREAST {
                    if live[k] {
                        trips[k].tally.trade(pnl[k], ret[k]);
                    }
                }
            }
            for k in 0..ABREAST {
                if let Some(from) = rows[k] {
                    trips[k].stretches.push(simd::Stretch { from, cash: books.money[k], quantity: books.held[k] });
                }
            }
        }
        for (k, trip) in trips.iter_mut().enumerate() {
            trip.odd = books.odd[k];
            trip.tally.fees = books.fees[k] as i128;
            trip.tally.traded = books.traded[k] as i128;
            trip.tally.slippage = books.slippage[k];
        }
    }
}

/// The books of several runs, side by side: every step is done for all of them before the next one, so that none waits.
struct Books {
    cash: [u128; ABREAST],
    qty: [u128; ABREAST],
    /// Cash and quantity as numbers.
    money: [f64; ABREAST],
    held: [f64; ABREAST],
    spent: [u128; ABREAST],
    entry_fee: [u128; ABREAST],
    fees: [u128; ABREAST],
    traded: [u128; ABREAST],
    slippage: [f64; ABREAST],
    odd: [bool; ABREAST],
}

impl Books {
    fn new(quotes: &Quotes) -> Books {
        Books {
            cash: [quotes.cash; ABREAST],
            qty: [0; ABREAST],
            money: [float(quotes.cash); ABREAST],
            held: [0.0; ABREAST],
            spent: [0; ABREAST],
            entry_fee: [0; ABREAST],
            fees: [0; ABREAST],
            traded: [0; ABREAST],
            slippage: [0.0; ABREAST],
            odd: [false; ABREAST],
        }
    }

    #[inline(always)]
    fn enter(&mut self, at: [&Quote; ABREAST], live: [bool; ABREAST], quotes: &Quotes) {
        let (rate, size) = (quotes.buy_rate, quotes.spec.set.size);
        let wanted: [f64; ABREAST] = each(|k| size * self.money[k] / at[k].cost * SCALE);
        let asked: [u128; ABREAST] = each(|k| floor(wanted[k]));
        let product: [u128; ABREAST] = each(|k| times(asked[k], at[k].buy));
        let price: [(u128, u64); ABREAST] = each(|k| div_unit(product[k]));
        let notional: [u128; ABREAST] = each(|k| half_even(price[k].0, price[k].1));
        let product: [u128; ABREAST] = each(|k| times(notional[k], rate));
        let charge: [(u128, u64); ABREAST] = each(|k| div_unit(product[k]));
        let fee: [u128; ABREAST] = each(|k| half_even(charge[k].0, charge[k].1));
        // Half of all entries with everything ask for some units of money too much: less by the shortage, as the engine does it,
        // without a branch that could be foreseen.
        let short: [u128; ABREAST] = each(|k| beyond(notional[k] + fee[k], self.cash[k]));
        let missing: [u64; ABREAST] = each(|k| (short[k] as u64).wrapping_mul(UNIT as u64) / at[k].buy);
        let cut: [u64; ABREAST] = each(|k| (missing[k] + 1) & 0u64.wrapping_sub(u64::from(short[k] != 0)));
        let price: [(u128, u64); ABREAST] = each(|k| less(price[k], cut[k].wrapping_mul(at[k].buy)));
        let paid: [u128; ABREAST] = each(|k| half_even(price[k].0, price[k].1));
        let charge: [(u128, u64); ABREAST] = each(|k| less(charge[k], rate.wrapping_mul((notional[k] - paid[k]) as u64)));
        let fee: [u128; ABREAST] = each(|k| half_even(charge[k].0, charge[k].1));
        for k in 0..ABREAST {
            if live[k] {
                let (total, cut) = (paid[k] + fee[k], u128::from(cut[k]));
                self.odd[k] |= (asked[k] > quotes.most) | (short[k] > SHORTAGE) | (cut >= asked[k]) | (total > self.cash[k]);
                self.cash[k] = self.cash[k].wrapping_sub(total);
                self.qty[k] = asked[k].wrapping_sub(cut);
                self.spent[k] = paid[k];
                self.entry_fee[k] = fee[k];
                self.fees[k] += fee[k];
                self.traded[k] += paid[k];
            }
        }
        self.held = each(|k| float(self.qty[k]));
        self.money = each(|k| float(self.cash[k]));
        self.slippage = each(|k| if live[k] { self.slippage[k] + at[k].buy_slip * self.held[k] } else { self.slippage[k] });
    }

    /// Profit and return of each.
    #[inline(always)]
    fn leave(&mut self, at: [&Quote; ABREAST], live: [bool; ABREAST], quotes: &Quotes) -> ([f64; ABREAST], [f64; ABREAST]) {
        let product: [u128; ABREAST] = each(|k| times(self.qty[k], at[k].sell));
        let price: [(u128, u64); ABREAST] = each(|k| div_unit(product[k]));
        let notional: [u128; ABREAST] = each(|k| half_even(price[k].0, price[k].1));
        let product: [u128; ABREAST] = each(|k| times(notional[k], quotes.sell_rate));
        let charge: [(u128, u64); ABREAST] = each(|k| div_unit(product[k]));
        let fee: [u128; ABREAST] = each(|k| half_even(charge[k].0, charge[k].1));
        let back: [u128; ABREAST] = each(|k| notional[k].wrapping_sub(fee[k]));
        let pnl = each(|k| signed(back[k] as i128 - self.spent[k] as i128 - self.entry_fee[k] as i128));
        let ret = each(|k| pnl[k] / float(self.spent[k]));
        for k in 0..ABREAST {
            if live[k] {
                self.cash[k] = self.cash[k].wrapping_add(back[k]);
                self.odd[k] |= self.cash[k] >> 88 != 0;
                self.slippage[k] += at[k].sell_slip * -self.held[k];
                self.fees[k] += fee[k];
                self.traded[k] += notional[k];
                self.qty[k] = 0;
            }
        }
        self.held = each(|k| if live[k] { 0.0 } else { self.held[k] });
        self.money = each(|k| float(self.cash[k]));
        (pnl, ret)
    }
}

#[inline(always)]
fn each<T>(f: impl FnMut(usize) -> T) -> [T; ABREAST] {
    std::array::from_fn(f)
}

/// `from_units` of a sum of money below 2^88: two exact halves and one rounding.
#[inline(always)]
fn float(units: u128) -> f64 {
    signed(units as i128)
}

#[inline(always)]
fn signed(units: i128) -> f64 {
    const HALF: i128 = 1 << 52;
    ((units >> 52) as i64 as f64 * HALF as f64 + (units & (HALF - 1)) as i64 as f64) / SCALE
}

/// What `sum` is beyond `limit`, or 0.
#[inline(always)]
fn beyond(sum: u128, limit: u128) -> u128 {
    let (rest, under) = sum.overflowing_sub(limit);
    rest & u128::from(under).wrapping_sub(1)
}

/// Floor of a number from 0 to 2^84; what lies outside comes out as 0 or beyond every limit.
#[inline(always)]
fn floor(x: f64) -> u128 {
    const LOW: f64 = 4_294_967_296.0;
    let high = (x / LOW) as u64;
    (u128::from(high) << 32) + u128::from((x - high as f64 * LOW) as u64)
}

/// A product of at most 128 bits.
#[inline(always)]
fn times(long: u128, short: u64) -> u128 {
    let high = ((long >> 64) as u64).wrapping_mul(short);
    (u128::from(long as u64) * u128::from(short)).wrapping_add(u128::from(high) << 64)
}

/// Quotient and remainder by `UNIT` after `part` is taken away.
#[inline(always)]
fn less((whole, rest): (u128, u64), part: u64) -> (u128, u64) {
    let (quotient, remainder) = (part / UNIT as u64, part % UNIT as u64);
    let borrow = remainder > rest;
    let rest = rest.wrapping_sub(remainder).wrapping_add(if borrow { UNIT as u64 } else { 0 });
    (whole.wrapping_sub(u128::from(quotient) + u128::from(borrow)), rest)
}
