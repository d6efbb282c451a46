//! Many runs on one market: metrics are streamed, no curve outlives its run.

use crate::drive::{self, Pace};
use crate::engine::{Engine, Record};
use crate::error::Result;
use crate::lane;
use crate::market::Market;
use crate::rules::{Changes, Columns, Manner, Rule};
use crate::spec::Spec;
use crate::stats::{metrics, METRICS};
use crate::trips::{self, Quotes, Trips};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

pub const WIDTH: usize = METRICS.len();

/// One worker's engine and buffers, reused from run to run.
struct Bench {
    engine: Engine,
    equity: Vec<f64>,
    codes: Vec<i8>,
    changes: Changes,
    trips: [Trips; trips::ABREAST],
}

impl Bench {
    fn new(spec: &Spec, n: usize) -> Bench {
        Bench {
            engine: Engine::new(spec.clone(), Record::NOTHING),
            equity: vec![0.0; n],
            codes: vec![0; n],
            changes: Changes::default(),
            trips: Default::default(),
        }
    }

    fn measure(&mut self, market: &Market, codes: Option<&[i8]>, out: &mut [f64; WIDTH]) -> Result<()> {
        self.engine.reset(Record::NOTHING);
        let codes = codes.unwrap_or(&self.codes);
        drive::signals(&mut self.engine, market, codes, None, Pace::Quick, &mut self.equity)?;
        self.metrics(out);
        Ok(())
    }

    /// The same from changes of opinion; false if they do not suffice.
    fn measure_changes(&mut self, market: &Market, out: &mut [f64; WIDTH]) -> Result<bool> {
        self.engine.reset(Record::NOTHING);
        if !lane::changes(&mut self.engine, market, &mut self.changes, &mut self.equity)? {
            return Ok(false);
        }
        self.metrics(out);
        Ok(true)
    }

    fn metrics(&self, out: &mut [f64; WIDTH]) {
        let set = &self.engine.spec.set;
        metrics(&self.equity, self.engine.initial_cash(), set.periods_per_year, set.risk_free, &self.engine.ledger.tally, out);
    }
}

/// Values that the indicator columns of a sweep may hold at a time: 256 MiB.
const COLUMN_VALUES: usize = 32 << 20;

/// Rows of metrics for a compiled rule, one per parameter set.
pub fn rule(market: &Market, spec: &Spec, rule: Rule, params: &[f64], manner: Manner, threads: usize, out: &mut [[f64; WIDTH]]) -> Result<()> {
    let (width, most) = (rule.n_params(), (COLUMN_VALUES / market.n.max(1)).max(8));
    let mut done = 0;
    while done < out.len() {
        let rest = &params[done * width..];
        let now = Columns::fitting(rule, rest, most)?;
        block(market, spec, rule, &rest[..now * width], manner, threads, &mut out[done..done + now])?;
        done += now;
    }
    Ok(())
}

fn block(market: &Market, spec: &Spec, rule: Rule, params: &[f64], manner: Manner, threads: usize, out: &mut [[f64; WIDTH]]) -> Result<()> {
    let width = rule.n_params();
    let quotes = Quotes::new(&Engine::new(spec.clone(), Record::NOTHING), market, spec);
    let quotes = quotes.as_ref().filter(|_| manner.long_only);
    let columns = || {
        let mut columns = Columns::new(market.high, market.low, market.close);
        columns.prepare(rule, params, workers(threads, params.len() / width))?;
        Ok(columns)
    };
    spread(market, spec, threads, out, columns, |columns, bench, market, first, rows| {
        for (group, rows) in rows.chunks_mut(trips::ABREAST).enumerate() {
            let first = first + group * trips::ABREAST;
            let p = |k: usize| &params[(first + k) * width..(first + k + 1) * width];
            let mut done = [false; trips::ABREAST];
            if let Some(quotes) = quotes {
                let mut known = true;
                for k in 0..rows.len() {
                    known &= columns.changes(rule, first + k, manner, &mut bench.changes)?;
                    bench.trips[k].begin(bench.changes.entries_first(), quotes);
                }
                bench.trips[rows.len()..].iter_mut().for_each(|trip| trip.begin(&[], quotes));
                if known {
                    trips::run(&mut bench.trips, quotes, rows, &mut done);
                }
            }
            for (k, row) in rows.iter_mut().enumerate().filter(|(k, _)| !done[*k]) {
                if columns.changes(rule, first + k, manner, &mut bench.changes)? && bench.measure_changes(market, row)? {
                    continue;
                }
                let mut codes = std::mem::take(&mut bench.codes);
                columns.opinions(rule, first + k, p(k), manner, &mut codes)?;
                bench.codes = codes;
                bench.measure(market, None, row)?;
            }
        }
        Ok(())
    })
}

/// Rows of metrics for given signals, `(n_runs, n_bars)`.
pub fn signals(market: &Market, spec: &Spec, codes: &[i8], threads: usize, out: &mut [[f64; WIDTH]]) -> Result<()> {
    let n = market.n;
    spread(
        market,
        spec,
        threads,
        out,
        || Ok(()),
        |(), bench, market, first, rows| {
            rows.iter_mut().enumerate().try_for_each(|(k, row)| bench.measure(market, Some(&codes[(first + k) * n..(first + k + 1) * n]), row))
        },
    )
}

/// Runs dealt out at a time.
const BATCH: usize = 16;

/// How many threads work on `runs` runs; 0 means all there are.
fn workers(threads: usize, runs: usize) -> usize {
    let most = if threads == 0 { std::thread::available_parallelism().map_or(1, |n| n.get()) } else { threads };
    most.min(runs.div_ceil(BATCH)).max(1)
}

/// Deal runs out in small batches; every run is the same whatever worker takes it. What `before` makes is made while the other
/// threads start, and is there for all.
fn spread<T, B, F>(market: &Market, spec: &Spec, threads: usize, out: &mut [[f64; WIDTH]], before: B, run: F) -> Result<()>
where
    T: Send + Sync,
    B: FnOnce() -> Result<T>,
    F: Fn(&T, &mut Bench, &Market, usize, &mut [[f64; WIDTH]]) -> Result<()> + Sync,
{
    let workers = workers(threads, out.len());
    if workers == 1 {
        return run(&before()?, &mut Bench::new(spec, market.n), market, 0, out);
    }
    let batches: Vec<Mutex<&mut [[f64; WIDTH]]>> = out.chunks_mut(BATCH).map(Mutex::new).collect();
    let (next, shared) = (AtomicUsize::new(0), OnceLock::new());
    let work = || -> Result<()> {
        let mut bench = Bench::new(spec, market.n);
        let Some(shared) = shared.wait() else { return Ok(()) };
        loop {
            let b = next.fetch_add(1, Ordering::Relaxed);
            let Some(batch) = batches.get(b) else { return Ok(()) };
            let mut rows = batch.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            run(shared, &mut bench, market, b * BATCH, &mut rows)?;
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        // Whatever happens to it, nobody waits for ever.
        let nothing = Nothing(&shared);
        let made = before().map(|made| {
            let _ = shared.set(Some(made));
        });
        drop(nothing);
        let mine = made.and_then(|()| work());
        others.into_iter().map(|h| h.join().unwrap_or_else(|p| std::panic::resume_unwind(p))).fold(mine, |a, b| a.and(b))
    })
}

/// Tells those who wait that nothing comes, if nothing came.
struct Nothing<'s, T>(&'s OnceLock<Option<T>>);

impl<T> Drop for Nothing<'_, T> {
    fn drop(&mut self) {
        let _ = self.0.set(None);
    }
}
