//! Rows of the engine as columns for Python.

use crate::core;
use core::ledger::{FillRow, FlowRow, TradeRow};
use core::order::OrderRow;
use core::types::FLOW_KINDS;
use core::units::from_units;
use numpy::{Element, PyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

fn put<'py, T: Element, R>(py: Python<'py>, d: &Bound<'py, PyDict>, name: &str, rows: &[R], value: impl Fn(&R) -> T) -> PyResult<()> {
    d.set_item(name, PyArray1::from_iter(py, rows.iter().map(value)))
}

/// A column of Python objects.
fn objects<'py, R, O: IntoPyObject<'py>>(py: Python<'py>, rows: &[R], value: impl Fn(&R) -> O) -> PyResult<Bound<'py, PyAny>> {
    let numpy = py.import("numpy")?;
    let out = numpy.call_method1("empty", (rows.len(), "object"))?;
    let list = PyList::empty(py);
    for row in rows {
        list.append(value(row))?;
    }
    out.set_item(pyo3::types::PySlice::full(py), list)?;
    Ok(out)
}

pub(crate) fn orders<'py>(py: Python<'py>, rows: &[OrderRow], multiplier: &[f64]) -> PyResult<Bound<'py, PyDict>> {
    let d = PyDict::new(py);
    d.set_item("id", PyArray1::from_iter(py, 0..rows.len() as i64))?;
    put(py, &d, "bar", rows, |r| r.bar)?;
    put(py, &d, "asset", rows, |r| i64::from(r.asset))?;
    put(py, &d, "kind", rows, |r| r.kind as i8)?;
    put(py, &d, "quantity", rows, |r| if r.unsized_yet { f64::NAN } else { from_units(r.qty) })?;
    put(py, &d, "limit", rows, |r| r.limit)?;
    put(py, &d, "stop", rows, |r| r.stop)?;
    put(py, &d, "tif", rows, |r| r.tif as i8)?;
    put(py, &d, "status", rows, |r| r.status as i16)?;
    put(py, &d, "filled", rows, |r| from_units(r.filled))?;
    put(py, &d, "price", rows, |r| {
        let size = from_units(r.filled.abs()) * multiplier[r.asset as usize];
        if size > 0.0 {
            from_units(r.paid) / size
        } else {
            f64::NAN
        }
    })?;
    put(py, &d, "reason", rows, |r| r.reason as i16)?;
    put(py, &d, "parent", rows, |r| r.parent)?;
    put(py, &d, "group", rows, |r| r.group)?;
    Ok(d)
}

pub(crate) fn fills<'py>(py: Python<'py>, rows: &[FillRow]) -> PyResult<Bound<'py, PyDict>> {
    let d = PyDict::new(py);
    put(py, &d, "order", rows, |r| r.order)?;
    put(py, &d, "bar", rows, |r| r.bar)?;
    put(py, &d, "asset", rows, |r| i64::from(r.asset))?;
    put(py, &d, "phase", rows, |r| r.phase as i8)?;
    put(py, &d, "quantity", rows, |r| from_units(r.qty))?;
    put(py, &d, "price", rows, |r| r.price)?;
    put(py, &d, "raw_price", rows, |r| r.raw_price)?;
    put(py, &d, "fee", rows, |r| from_units(r.fee))?;
    put(py, &d, "slippage", rows, |r| r.slippage)?;
    put(py, &d, "notional", rows, |r| from_units(r.notional))?;
    put(py, &d, "ambiguous", rows, |r| r.ambiguous)?;
    d.set_item("cash_units", objects(py, rows, |r| r.cash)?)?;
    put(py, &d, "reason", rows, |r| r.reason as i16)?;
    Ok(d)
}

pub(crate) fn trades<'py>(py: Python<'py>, rows: &[TradeRow]) -> PyResult<Bound<'py, PyDict>> {
    let d = PyDict::new(py);
    put(py, &d, "asset", rows, |r| i64::from(r.asset))?;
    put(py, &d, "direction", rows, |r| r.direction)?;
    put(py, &d, "quantity", rows, |r| from_units(r.qty))?;
    put(py, &d, "entry_bar", rows, |r| r.entry_bar)?;
    put(py, &d, "entry_price", rows, |r| r.entry_price)?;
    put(py, &d, "exit_bar", rows, |r| r.exit_bar)?;
    put(py, &d, "exit_price", rows, |r| r.exit_price)?;
    put(py, &d, "fees", rows, |r| r.fees)?;
    put(py, &d, "pnl", rows, |r| r.pnl)?;
    put(py, &d, "ret", rows, |r| r.ret)?;
    put(py, &d, "ambiguous", rows, |r| r.ambiguous)?;
    put(py, &d, "entry_reason", rows, |r| r.entry_reason as i16)?;
    put(py, &d, "exit_reason", rows, |r| r.exit_reason as i16)?;
    put(py, &d, "entry_order", rows, |r| r.entry_order)?;
    put(py, &d, "exit_order", rows, |r| r.exit_order)?;
    Ok(d)
}

pub(crate) fn flows<'py>(py: Python<'py>, rows: &[FlowRow]) -> PyResult<Bound<'py, PyDict>> {
    let d = PyDict::new(py);
    put(py, &d, "bar", rows, |r| r.bar)?;
    put(py, &d, "asset", rows, |r| r.asset)?;
    d.set_item("kind", objects(py, rows, |r| FLOW_KINDS[r.kind as usize])?)?;
    put(py, &d, "amount", rows, |r| from_units(r.amount))?;
    d.set_item("units", objects(py, rows, |r| r.amount)?)?;
    Ok(d)
}

/// What is held at the end, valued at the marks.
pub(crate) fn positions<'py>(py: Python<'py>, held: &[(u32, f64, f64, f64, f64)]) -> PyResult<Bound<'py, PyDict>> {
    let d = PyDict::new(py);
    put(py, &d, "asset", held, |r| i64::from(r.0))?;
    put(py, &d, "quantity", held, |r| r.1)?;
    put(py, &d, "cost", held, |r| r.2)?;
    put(py, &d, "mark", held, |r| r.3)?;
    put(py, &d, "value", held, |r| r.4)?;
    Ok(d)
}
