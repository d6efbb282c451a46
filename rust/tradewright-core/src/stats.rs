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
    let n = equity.len();
    let last = equity.last().copied().unwrap_or(initial);
    let years = n as f64 / periods_per_year;
    let growth = last / initial;
    let total = growth - 1.0;
    let shift = if n > 0 && total.is_finite() { total / n as f64 } else { 0.0 };
    let rf = risk_free / periods_per_year;
    let mut moments = simd::Moments::default();
    let mut depth = simd::Depth::new(initial);
    if let Some(&first) = equity.first() {
        moments.add_one(0, first / initial - 1.0, first, shift, rf);
        // Both in one visit to the cache.
        const CHUNK: usize = 2048;
        let mut at = 1;
        simd::follow(&equity[..1], &mut depth);
        while at < n {
            let end = (at + CHUNK).min(n);
            simd::moments(&equity[at..end], &equity[at - 1..end - 1], shift, rf, &mut moments);
            simd::follow(&equity[at..end], &mut depth);
            at = end;
        }
    }
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
            simd::follow(&curve, &mut depth);
            assert_eq!(depth.end(), (deepest, longest));
        }
    }
}
