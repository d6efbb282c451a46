//! Statistics of a finished run: one pass over the curve, and the sums the ledger kept. Definitions: docs/statistics.md.

use crate::ledger::Tally;
use crate::simd;
use crate::units::from_units;

pub const METRICS: [&str; 22] = [
    "final_equity",
    "total_return",
    "cagr",
    "volatility",
    "sharpe",
    "sortino",
    "calmar",
    "max_drawdown",
    "max_drawdown_bars",
    "n_trades",
    "win_rate",
    "profit_factor",
    "expectancy",
    "avg_trade",
    "best_trade",
    "worst_trade",
    "sqn",
    "exposure",
    "turnover",
    "fees",
    "slippage",
    "kelly",
];

/// All metrics, in the order of [`METRICS`]; NaN where a metric is not defined.
pub fn metrics(equity: &[f64], initial: f64, periods_per_year: f64, risk_free: f64, tally: &Tally, out: &mut [f64; 22]) {
    let last = equity.last().copied().unwrap_or(initial);
    let mut pass = Pass::new(equity.len(), initial, last, periods_per_year, risk_free);
    if let Some(&first) = equity.first() {
        pass.first(first);
        pass.more(equity);
    }
    pass.end(tally, out);
}

/// One pass over a curve, whose length and last value must be known beforehand.
pub(crate) struct Pass {
    n: usize,
    initial: f64,
    last: f64,
    periods_per_year: f64,
    risk_free: f64,
    shift: f64,
    moments: simd::Moments,
    depth: simd::Depth,
}

impl Pass {
    pub fn new(n: usize, initial: f64, last: f64, periods_per_year: f64, risk_free: f64) -> Pass {
        let total = last / initial - 1.0;
        let shift = if n > 0 && total.is_finite() { total / n as f64 } else { 0.0 };
        let risk_free = risk_free / periods_per_year;
        Pass { n, initial, last, periods_per_year, risk_free, shift, moments: simd::Moments::default(), depth: simd::Depth::new(initial) }
    }

    /// The first value.
    pub fn first(&mut self, e: f64) {
        self.moments.add_one(0, e / self.initial - 1.0, e, self.shift, self.risk_free);
        self.depth.one(e);
    }

    /// Values after the first of `equity`, which was taken in before. Calls may be split after multiples of sixteen of them.
    #[inline(always)]
    pub fn more(&mut self, equity: &[f64]) {
        simd::measure(&equity[1..], &equity[..equity.len() - 1], self.shift, self.risk_free, &mut self.moments, &mut self.depth);
    }

    /// Values after the first of the curve that stretches make; returns the smallest.
    pub fn follow(&mut self, stretches: &[simd::Stretch], price: &[f64], n: usize) -> f64 {
        simd::follow(stretches, price, n, self.shift, self.risk_free, &mut self.moments, &mut self.depth)
    }

    pub fn end(self, tally: &Tally, out: &mut [f64; 22]) {
        let Pass { n, initial, last, periods_per_year, risk_free: rf, shift, moments, depth } = self;
        let years = n as f64 / periods_per_year;
        let growth = last / initial;
        let total = growth - 1.0;
        let [sum, square, shortfall, level] = moments.totals();
        let (deepest, longest) = depth.end();
        let count = n as f64;
        let mean = shift + sum / count;
        let variance = if n > 1 { (square - sum * sum / count) / (count - 1.0) } else { f64::NAN };
        let std = if variance > 0.0 {
            variance.sqrt()
        } else if variance.is_nan() {
            f64::NAN
        } else {
            0.0
        };
        let root = periods_per_year.sqrt();
        let cagr = if growth > 0.0 && years > 0.0 { growth.powf(1.0 / years) - 1.0 } else { f64::NAN };
        let downside = (shortfall / count).sqrt();
        let over = |a: f64, b: f64| if b == 0.0 { f64::NAN } else { a / b };
        let trades = tally.n as f64;
        let some = tally.n > 0;
        let if_some = |x: f64| if some { x } else { f64::NAN };
        let win_rate = if_some(tally.wins as f64 / trades);
        let pnl_std = if tally.n > 1 { (tally.pnl_m2 / (trades - 1.0)).sqrt() } else { f64::NAN };
        let mean_win = over(tally.win_sum, tally.wins as f64);
        let mean_loss = over(-tally.loss_sum, tally.losses as f64);
        *out = [
            last,
            total,
            cagr,
            std * root,
            over(mean - rf, std) * root,
            over(mean - rf, downside) * root,
            over(cagr, -deepest),
            deepest,
            longest as f64,
            trades,
            win_rate,
            if_some(over(tally.win_sum, -tally.loss_sum)),
            if_some(tally.pnl_mean),
            if_some(tally.ret_sum / trades),
            if_some(tally.best),
            if_some(tally.worst),
            over(trades.sqrt() * tally.pnl_mean, pnl_std),
            tally.bars_held as f64 / count,
            from_units(tally.traded) / (level / count) / years,
            from_units(tally.fees),
            tally.slippage,
            win_rate - over(1.0 - win_rate, over(mean_win, mean_loss)),
        ];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawdown_is_what_the_definition_says() {
        let mut seed = 1u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 40) as f64 / 16_777_216.0 - 0.5
        };
        for n in [1usize, 7, 63, 64, 65, 1000] {
            let mut e = 100.0;
            let curve: Vec<f64> = (0..n)
                .map(|_| {
                    e *= 1.0 + 0.02 * next();
                    e
                })
                .collect();
            let (mut peak, mut deepest, mut stay, mut longest) = (100.0f64, 0.0f64, 0usize, 0usize);
            for &x in &curve {
                if x >= peak {
                    peak = x;
                    stay = 0
                } else {
                    stay += 1
                }
                deepest = deepest.min(x / peak - 1.0);
                longest = longest.max(stay);
            }
            let mut depth = simd::Depth::new(100.0);
            simd::measure(&curve, &curve, 0.0, 0.0, &mut simd::Moments::default(), &mut depth);
            assert_eq!(depth.end(), (deepest, longest));
        }
    }
}
