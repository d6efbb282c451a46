//! Scans behind labels, for Python.

use crate::arrays::{column, Column};
use crate::core;
use core::labels as lab;
use numpy::{Element, PyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

type Array<'py, T> = Bound<'py, PyArray1<T>>;

fn read<'py, T: Element>(name: &str, x: &Bound<'py, PyAny>, dtype: &str) -> PyResult<Column<T>> {
    Ok(column::<T>(name, x, dtype)?.0)
}

fn same(name: &str, found: usize, wanted: usize) -> PyResult<()> {
    if found != wanted {
        return Err(PyValueError::new_err(format!("{name} has {found} values; it must have {wanted}")));
    }
    Ok(())
}

/// Rows as indices, each at most `limit - 1`.
fn rows(name: &str, x: &Column<i64>, limit: usize) -> PyResult<Vec<usize>> {
    x.slice()
        .iter()
        .map(|&row| match usize::try_from(row) {
            Ok(at) if at < limit => Ok(at),
            _ => Err(PyValueError::new_err(format!("{name} holds row {row}; rows go from 0 to {}", limit as i64 - 1))),
        })
        .collect()
}

fn ordered(first: &[usize], last: &[usize]) -> PyResult<()> {
    match first.iter().zip(last).position(|(a, b)| a > b) {
        Some(i) => Err(PyValueError::new_err(format!("span {i} begins at row {} and ends at row {}", first[i], last[i]))),
        None => Ok(()),
    }
}

#[pyfunction]
#[pyo3(signature = (open, high, low, close, first, last, upper, lower, upper_wins, *, by_close = false, gap_first = true))]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
fn first_touch<'py>(
    open: &Bound<'py, PyAny>,
    high: &Bound<'py, PyAny>,
    low: &Bound<'py, PyAny>,
    close: &Bound<'py, PyAny>,
    first: &Bound<'py, PyAny>,
    last: &Bound<'py, PyAny>,
    upper: &Bound<'py, PyAny>,
    lower: &Bound<'py, PyAny>,
    upper_wins: &Bound<'py, PyAny>,
    by_close: bool,
    gap_first: bool,
) -> PyResult<(Array<'py, i64>, Array<'py, f64>, Array<'py, i8>, Array<'py, i8>)> {
    let py = open.py();
    let prices =
        [read::<f64>("open", open, "float64")?, read("high", high, "float64")?, read("low", low, "float64")?, read("close", close, "float64")?];
    let n = prices[0].len();
    for (name, x) in ["open", "high", "low", "close"].iter().zip(&prices) {
        same(name, x.len(), n)?;
    }
    let (begin, end) = (rows("first", &read("first", first, "int64")?, n)?, rows("last", &read("last", last, "int64")?, n)?);
    let (up, down) = (read::<f64>("upper", upper, "float64")?, read::<f64>("lower", lower, "float64")?);
    let wins = read::<i8>("upper_wins", upper_wins, "int8")?;
    let m = begin.len();
    for (name, found) in [("last", end.len()), ("upper", up.len()), ("lower", down.len()), ("upper_wins", wins.len())] {
        same(name, found, m)?;
    }
    ordered(&begin, &end)?;
    let (mut row, mut price, mut barrier, mut both) = (vec![0_i64; m], vec![0.0; m], vec![0_i8; m], vec![0_i8; m]);
    py.detach(|| {
        let p = lab::Prices { open: prices[0].slice(), high: prices[1].slice(), low: prices[2].slice(), close: prices[3].slice() };
        for k in 0..m {
            let watch = lab::Watch { first: begin[k], last: end[k], upper: up.slice()[k], lower: down.slice()[k], upper_wins: wins.slice()[k] != 0 };
            let touch = lab::first_touch(p, by_close, gap_first, watch);
            (row[k], price[k], barrier[k], both[k]) = (touch.row as i64, touch.price, touch.barrier, i8::from(touch.both));
        }
    });
    Ok((PyArray1::from_vec(py, row), PyArray1::from_vec(py, price), PyArray1::from_vec(py, barrier), PyArray1::from_vec(py, both)))
}

#[pyfunction]
#[pyo3(signature = (x, first, shortest, longest, step = 1, limit = 1e6))]
fn trend_scan<'py>(
    x: &Bound<'py, PyAny>,
    first: &Bound<'py, PyAny>,
    shortest: usize,
    longest: usize,
    step: usize,
    limit: f64,
) -> PyResult<(Array<'py, f64>, Array<'py, i64>)> {
    let py = x.py();
    if shortest < 3 || longest < shortest || step < 1 {
        return Err(PyValueError::new_err(format!(
            "lengths go from {shortest} to {longest} in steps of {step}; they must begin at 3 or more, not fall, and step by 1 or more"
        )));
    }
    let values = read::<f64>("x", x, "float64")?;
    let limit_row = (values.len() + 1).saturating_sub(longest);
    let begin = rows("first", &read("first", first, "int64")?, limit_row)?;
    let (mut t, mut length) = (vec![0.0; begin.len()], vec![0_i64; begin.len()]);
    py.detach(|| {
        for (k, &row) in begin.iter().enumerate() {
            let (value, chosen) = lab::trend_scan(values.slice(), row, shortest, longest, step, limit);
            (t[k], length[k]) = (value, chosen as i64);
        }
    });
    Ok((PyArray1::from_vec(py, t), PyArray1::from_vec(py, length)))
}

#[pyfunction]
fn cusum_events<'py>(change: &Bound<'py, PyAny>, threshold: &Bound<'py, PyAny>) -> PyResult<(Array<'py, i64>, Array<'py, i8>)> {
    let py = change.py();
    let (d, h) = (read::<f64>("change", change, "float64")?, read::<f64>("threshold", threshold, "float64")?);
    same("threshold", h.len(), d.len())?;
    let (mut found, mut direction) = (Vec::new(), Vec::new());
    py.detach(|| lab::cusum_events(d.slice(), h.slice(), &mut found, &mut direction));
    Ok((PyArray1::from_vec(py, found), PyArray1::from_vec(py, direction)))
}

#[pyfunction]
#[pyo3(signature = (x, alpha, min_count = 2))]
fn ewm_std<'py>(x: &Bound<'py, PyAny>, alpha: f64, min_count: usize) -> PyResult<Array<'py, f64>> {
    if !(alpha > 0.0 && alpha <= 1.0) {
        return Err(PyValueError::new_err(format!("alpha is {alpha}; it must be above 0 and at most 1")));
    }
    let values = read::<f64>("x", x, "float64")?;
    let mut out = vec![0.0; values.len()];
    x.py().detach(|| lab::ewm_std(values.slice(), alpha, min_count, &mut out));
    Ok(PyArray1::from_vec(x.py(), out))
}

#[pyfunction]
fn sequential_draws<'py>(first: &Bound<'py, PyAny>, last: &Bound<'py, PyAny>, uniform: &Bound<'py, PyAny>) -> PyResult<Array<'py, i64>> {
    let py = first.py();
    let limit = 1_usize << 40;
    let (begin, end) = (rows("first", &read("first", first, "int64")?, limit)?, rows("last", &read("last", last, "int64")?, limit)?);
    same("last", end.len(), begin.len())?;
    ordered(&begin, &end)?;
    if begin.is_empty() {
        return Err(PyValueError::new_err("there are no spans to draw from"));
    }
    if begin.windows(2).any(|pair| pair[0] > pair[1]) {
        return Err(PyValueError::new_err("spans must be sorted by their first row"));
    }
    let u = read::<f64>("uniform", uniform, "float64")?;
    Ok(PyArray1::from_vec(py, py.detach(|| lab::sequential_draws(&begin, &end, u.slice()))))
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(first_touch, m)?)?;
    m.add_function(wrap_pyfunction!(trend_scan, m)?)?;
    m.add_function(wrap_pyfunction!(cusum_events, m)?)?;
    m.add_function(wrap_pyfunction!(ewm_std, m)?)?;
    m.add_function(wrap_pyfunction!(sequential_draws, m)?)
}
