//! Kernels, rules and sweeps for Python.

use crate::arrays::{column, given, Column};
use crate::market::Market;
use crate::spec::Spec;
use crate::{core, raise};
use core::kernels as k;
use core::ledger::Tally;
use core::rules::{Columns, Manner, Rule};
use core::sweep::WIDTH;
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

type Floats<'py> = Bound<'py, PyArray1<f64>>;
type RowsAndWeights<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray2<f64>>);

fn series(name: &str, x: &Bound<'_, PyAny>) -> PyResult<Column<f64>> {
    Ok(column::<f64>(name, x, "float64")?.0)
}

fn at_least(name: &str, value: usize, low: usize) -> PyResult<()> {
    if value < low {
        return Err(PyValueError::new_err(format!("{name} is {value}; it must be {low} or more")));
    }
    Ok(())
}

fn made<'py>(py: Python<'py>, n: usize, f: impl FnOnce(&mut [f64]) + Send) -> Floats<'py> {
    let mut out = vec![0.0; n];
    py.detach(|| f(&mut out));
    PyArray1::from_vec(py, out)
}

#[pyfunction]
fn sma<'py>(x: &Bound<'py, PyAny>, window: usize) -> PyResult<Floats<'py>> {
    at_least("window", window, 1)?;
    let values = series("x", x)?;
    Ok(made(x.py(), values.len(), |out| k::sma(values.slice(), window, out)))
}

#[pyfunction]
fn ema<'py>(x: &Bound<'py, PyAny>, span: f64) -> PyResult<Floats<'py>> {
    if !(span >= 1.0 && span.is_finite()) {
        return Err(PyValueError::new_err(format!("span is {span}; it must be 1 or more")));
    }
    let values = series("x", x)?;
    Ok(made(x.py(), values.len(), |out| k::ema(values.slice(), span, out)))
}

#[pyfunction]
#[pyo3(signature = (x, window, ddof = 0))]
fn rolling_std<'py>(x: &Bound<'py, PyAny>, window: usize, ddof: usize) -> PyResult<Floats<'py>> {
    at_least("window", window, 1)?;
    let values = series("x", x)?;
    Ok(made(x.py(), values.len(), |out| k::rolling_std(values.slice(), window, ddof, out)))
}

#[pyfunction]
fn rolling_max<'py>(x: &Bound<'py, PyAny>, window: usize) -> PyResult<Floats<'py>> {
    at_least("window", window, 1)?;
    let values = series("x", x)?;
    Ok(made(x.py(), values.len(), |out| k::rolling_max(values.slice(), window, out)))
}

#[pyfunction]
fn rolling_min<'py>(x: &Bound<'py, PyAny>, window: usize) -> PyResult<Floats<'py>> {
    at_least("window", window, 1)?;
    let values = series("x", x)?;
    Ok(made(x.py(), values.len(), |out| k::rolling_min(values.slice(), window, out)))
}

#[pyfunction]
fn rsi<'py>(x: &Bound<'py, PyAny>, window: usize) -> PyResult<Floats<'py>> {
    at_least("window", window, 1)?;
    let values = series("x", x)?;
    Ok(made(x.py(), values.len(), |out| k::rsi(values.slice(), window, out)))
}

#[pyfunction]
fn atr<'py>(high: &Bound<'py, PyAny>, low: &Bound<'py, PyAny>, close: &Bound<'py, PyAny>, window: usize) -> PyResult<Floats<'py>> {
    at_least("window", window, 1)?;
    let (h, l, c) = (series("high", high)?, series("low", low)?, series("close", close)?);
    if h.len() != c.len() || l.len() != c.len() {
        return Err(PyValueError::new_err(format!("high, low and close have {}, {} and {} values", h.len(), l.len(), c.len())));
    }
    Ok(made(high.py(), c.len(), |out| k::atr(h.slice(), l.slice(), c.slice(), window, out)))
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn momentum_weights<'py>(
    close: &Bound<'py, PyAny>,
    lookback: usize,
    skip: usize,
    every: usize,
    top: usize,
    start: usize,
) -> PyResult<RowsAndWeights<'py>> {
    at_least("every", every, 1)?;
    at_least("top", top, 1)?;
    at_least("lookback", lookback, skip + 1)?;
    at_least("start", start, lookback)?;
    let py = close.py();
    let (values, n, m) = column::<f64>("close", close, "float64")?;
    let (rows, weights) = py.detach(|| k::momentum_weights(values.slice(), n, m, lookback, skip, every, top, start));
    let count = rows.len();
    Ok((PyArray1::from_vec(py, rows), PyArray1::from_vec(py, weights).reshape([count, m])?))
}

#[pyfunction]
#[pyo3(signature = (equity, initial, periods_per_year, risk_free = 0.0))]
fn statistics<'py>(equity: &Bound<'py, PyAny>, initial: f64, periods_per_year: f64, risk_free: f64) -> PyResult<Bound<'py, PyDict>> {
    let curve = series("equity", equity)?;
    let mut all = [0.0; WIDTH];
    core::stats::metrics(curve.slice(), initial, periods_per_year, risk_free, &Tally::default(), &mut all);
    let d = PyDict::new(equity.py());
    // The first nine are those of a curve alone.
    for (name, value) in core::stats::METRICS.iter().zip(all).take(9) {
        d.set_item(name, value)?;
    }
    Ok(d)
}

#[pyfunction]
#[pyo3(signature = (open, high, low, close, volume = None, leap = 0.0))]
fn first_bad_bar(
    open: &Bound<'_, PyAny>,
    high: &Bound<'_, PyAny>,
    low: &Bound<'_, PyAny>,
    close: &Bound<'_, PyAny>,
    volume: Option<&Bound<'_, PyAny>>,
    leap: f64,
) -> PyResult<i64> {
    let (c, _, m) = column::<f64>("close", close, "float64")?;
    let (o, h, l) = (series("open", open)?, series("high", high)?, series("low", low)?);
    let v = given(volume).map(|v| series("volume", v)).transpose()?;
    if [&o, &h, &l].iter().any(|x| x.len() != c.len()) || v.as_ref().is_some_and(|v| v.len() != c.len()) {
        return Err(PyValueError::new_err("open, high, low, close and volume differ in shape"));
    }
    let py = close.py();
    let bad = py.detach(|| k::first_bad_row(o.slice(), h.slice(), l.slice(), c.slice(), v.as_ref().map(Column::slice), m, leap));
    Ok(bad.map_or(-1, |i| i as i64))
}

#[pyfunction]
fn first_foreign_code(codes: &Bound<'_, PyAny>) -> PyResult<i64> {
    let (codes, _, _) = column::<i8>("codes", codes, "int8")?;
    Ok(core::simd::first_foreign(codes.slice()).map_or(-1, |i| i as i64))
}

#[pyfunction]
#[pyo3(signature = (rule, market, params, *, by_state = true, long_only = true))]
fn rule_signals<'py>(
    py: Python<'py>,
    rule: &str,
    market: &Bound<'py, Market>,
    params: &Bound<'py, PyAny>,
    by_state: bool,
    long_only: bool,
) -> PyResult<Bound<'py, PyArray2<i8>>> {
    let rule = Rule::parse(rule).map_err(raise)?;
    let params = series("params", params)?;
    if params.len() != rule.n_params() {
        return Err(PyValueError::new_err(format!("{} parameters; this rule takes {}", params.len(), rule.n_params())));
    }
    let view = market.get().view();
    let manner = Manner { by_state, long_only };
    let (n, m) = (view.n, view.m);
    let codes = py.detach(|| {
        let mut out = vec![0i8; n * m];
        if m == 1 {
            core::rules::opinions(rule, view.high, view.low, view.close, params.slice(), manner, &mut out)?;
            return Ok(out);
        }
        let mut one = vec![0i8; n];
        for j in 0..m {
            let pick = |x: &[f64]| x.iter().skip(j).step_by(m).copied().collect::<Vec<f64>>();
            let (high, low, close) = (pick(view.high), pick(view.low), pick(view.close));
            let mut columns = Columns::new(&high, &low, &close);
            columns.prepare(rule, params.slice(), 1)?;
            columns.opinions(rule, 0, params.slice(), manner, &mut one)?;
            for (t, code) in one.iter().enumerate() {
                out[t * m + j] = *code;
            }
        }
        Ok(out)
    });
    PyArray1::from_vec(py, codes.map_err(raise)?).reshape([n, m])
}

fn one_asset(market: &Market) -> PyResult<()> {
    let m = market.view().m;
    if m != 1 {
        return Err(PyValueError::new_err(format!(
            "a compiled sweep takes one asset; the market has {m}. Sweep each, or use a strategy with weights"
        )));
    }
    Ok(())
}

fn table<'py>(py: Python<'py>, rows: Vec<[f64; WIDTH]>) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let n = rows.len();
    PyArray1::from_vec(py, rows.into_flattened()).reshape([n, WIDTH])
}

/// Rows are dealt with in blocks, so that progress can be told and Ctrl-C be heard.
const BLOCK: usize = 4096;

#[pyfunction]
#[pyo3(signature = (market, spec, rule, params, *, by_state = true, long_only = true, threads = 0, progress = None))]
#[allow(clippy::too_many_arguments)]
fn sweep_rule<'py>(
    py: Python<'py>,
    market: &Bound<'py, Market>,
    spec: &Spec,
    rule: &str,
    params: &Bound<'py, PyAny>,
    by_state: bool,
    long_only: bool,
    threads: usize,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    one_asset(market.get())?;
    let rule = Rule::parse(rule).map_err(raise)?;
    let (values, runs, cols) = column::<f64>("params", params, "float64")?;
    let width = rule.n_params();
    if cols != width {
        return Err(PyValueError::new_err(format!("params has {cols} columns; this rule takes {width}")));
    }
    let view = market.get().view();
    let mut rows = vec![[0.0; WIDTH]; runs];
    let mut done = 0;
    for block in rows.chunks_mut(BLOCK) {
        let part = &values.slice()[done * width..(done + block.len()) * width];
        done += block.len();
        py.detach(|| core::sweep::rule(&view, &spec.inner, rule, part, Manner { by_state, long_only }, threads, block)).map_err(raise)?;
        py.check_signals()?;
        if let Some(progress) = &progress {
            progress.call1(py, (done,))?;
        }
    }
    table(py, rows)
}

#[pyfunction]
#[pyo3(signature = (market, spec, signals, *, threads = 0))]
fn sweep_signals<'py>(
    py: Python<'py>,
    market: &Bound<'py, Market>,
    spec: &Spec,
    signals: &Bound<'py, PyAny>,
    threads: usize,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    one_asset(market.get())?;
    let (codes, runs, bars) = column::<i8>("signals", signals, "int8")?;
    let view = market.get().view();
    if bars != view.n {
        return Err(PyValueError::new_err(format!("signals have {bars} bars; the market has {}", view.n)));
    }
    let mut rows = vec![[0.0; WIDTH]; runs];
    py.detach(|| core::sweep::signals(&view, &spec.inner, codes.slice(), threads, &mut rows)).map_err(raise)?;
    table(py, rows)
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(sma, m)?)?;
    m.add_function(wrap_pyfunction!(ema, m)?)?;
    m.add_function(wrap_pyfunction!(rolling_std, m)?)?;
    m.add_function(wrap_pyfunction!(rolling_max, m)?)?;
    m.add_function(wrap_pyfunction!(rolling_min, m)?)?;
    m.add_function(wrap_pyfunction!(rsi, m)?)?;
    m.add_function(wrap_pyfunction!(atr, m)?)?;
    m.add_function(wrap_pyfunction!(momentum_weights, m)?)?;
    m.add_function(wrap_pyfunction!(statistics, m)?)?;
    m.add_function(wrap_pyfunction!(first_bad_bar, m)?)?;
    m.add_function(wrap_pyfunction!(first_foreign_code, m)?)?;
    m.add_function(wrap_pyfunction!(rule_signals, m)?)?;
    m.add_function(wrap_pyfunction!(sweep_rule, m)?)?;
    m.add_function(wrap_pyfunction!(sweep_signals, m)?)
}
