//! Decisions in Python, one bar at a time, on the engine of every other run.

use crate::arrays::{Column, Curve};
use crate::market::Market;
use crate::run::Run;
use crate::spec::Spec;
use crate::{core, raise};
use core::decide::Ticket;
use core::engine::{Bar, Engine, Record};
use core::types::{Kind, Offset, Protection, Reason, Tif, KINDS, TIFS};
use core::units::from_units;
use numpy::PyArray1;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::cell::{Cell, RefCell};

const FIELDS: &[&str] = &["open", "high", "low", "close", "volume", "atr", "sigma", "funding"];

/// What a decision may see. One object for the whole run.
#[pyclass(unsendable, module = "tradewright._core")]
pub(crate) struct Context {
    engine: RefCell<Engine>,
    market: Py<Market>,
    /// The bar that has just closed.
    now: Cell<usize>,
    m: usize,
    close: *const f64,
}

fn word<T>(name: &str, text: &str, parse: fn(&str) -> Option<T>, known: &[&str]) -> PyResult<T> {
    parse(text).ok_or_else(|| PyValueError::new_err(format!("{name} is \"{text}\"; it must be one of {}", known.join(", "))))
}

fn distance(x: Option<f64>) -> f64 {
    x.filter(|x| *x > 0.0).unwrap_or(0.0)
}

/// An order of exact quantity from keywords; shared with the bar-by-bar book.
#[allow(clippy::too_many_arguments)]
pub(crate) fn ticket(
    quantity: f64,
    kind: &str,
    asset: usize,
    limit: Option<f64>,
    stop: Option<f64>,
    trail: Option<f64>,
    trail_kind: &str,
    tif: &str,
    gtd: Option<i64>,
    reduce_only: bool,
    group: Option<i64>,
    protection: Protection,
) -> PyResult<Ticket> {
    let tif = word("tif", tif, Tif::parse, TIFS)?;
    if tif == Tif::Gtd && gtd.is_none() {
        return Err(PyValueError::new_err("a gtd order needs gtd, the last instant (ns) at which it may live"));
    }
    Ok(Ticket {
        asset: asset as u32,
        kind: word("kind", kind, Kind::parse, KINDS)?,
        quantity,
        size: None,
        limit: limit.unwrap_or(f64::NAN),
        stop: stop.unwrap_or(f64::NAN),
        trail: trail.unwrap_or(f64::NAN),
        trail_kind: word("trail_kind", trail_kind, Offset::parse, &["fraction", "amount"])?,
        tif,
        gtd: gtd.unwrap_or(i64::MAX),
        reduce_only,
        group: group.unwrap_or(-1),
        protection,
        reason: Reason::Order,
    })
}

pub(crate) fn protection(stop: Option<f64>, target: Option<f64>, trail: Option<f64>, kind: &str) -> PyResult<Protection> {
    let kind = word("protect_kind", kind, Offset::parse, core::types::OFFSETS)?;
    if kind == Offset::Price && distance(trail) > 0.0 {
        return Err(PyValueError::new_err("a protective trail cannot be a price; give a fraction, an amount or a multiple of ATR"));
    }
    Ok(Protection { stop: distance(stop), stop_kind: kind, target: distance(target), target_kind: kind, trail: distance(trail), trail_kind: kind })
}

impl Context {
    #[inline]
    fn check(&self, asset: usize) -> PyResult<()> {
        if asset < self.m {
            Ok(())
        } else {
            Err(PyValueError::new_err(format!("there is no asset {asset}; this run has {}, counted from 0", self.m)))
        }
    }

    /// A field of the market; `None` where it was not given.
    fn column(&self, name: &str) -> PyResult<Option<&Column<f64>>> {
        if FIELDS.contains(&name) {
            Ok(self.market.get().field(name))
        } else {
            Err(PyValueError::new_err(format!("no field \"{name}\"; there are {}", FIELDS.join(", "))))
        }
    }

    fn value(&self, name: &str, asset: usize) -> PyResult<f64> {
        self.check(asset)?;
        Ok(self.column(name)?.map_or(f64::NAN, |c| c.slice()[self.now.get() * self.m + asset]))
    }

    fn with<T>(&self, f: impl FnOnce(&mut Engine, &Bar) -> core::error::Result<T>) -> PyResult<T> {
        let mut engine = self.engine.try_borrow_mut().map_err(|_| PyRuntimeError::new_err("the engine is at work"))?;
        let bar = self.market.get().view().bar(self.now.get());
        f(&mut engine, &bar).map_err(raise)
    }

    #[allow(clippy::too_many_arguments)]
    fn enter(
        &self,
        side: f64,
        size: Option<f64>,
        asset: usize,
        limit: Option<f64>,
        stop: Option<f64>,
        stop_loss: Option<f64>,
        take_profit: Option<f64>,
        trail: Option<f64>,
        tif: &str,
        quantity: Option<f64>,
    ) -> PyResult<i64> {
        self.check(asset)?;
        let kind = match (limit.is_some(), stop.is_some()) {
            (false, false) => "market",
            (true, false) => "limit",
            (false, true) => "stop",
            (true, true) => "stop_limit",
        };
        self.with_ticket(|engine| {
            let base = engine.spec.set.protection;
            let mut p = base;
            for (given, value, of) in [
                (stop_loss, &mut p.stop, &mut p.stop_kind),
                (take_profit, &mut p.target, &mut p.target_kind),
                (trail, &mut p.trail, &mut p.trail_kind),
            ] {
                if given.is_some() {
                    *value = distance(given);
                    *of = Offset::Fraction;
                }
            }
            let mut t = ticket(quantity.map_or(side, |q| side * q.abs()), kind, asset, limit, stop, None, "fraction", tif, None, false, None, p)?;
            if quantity.is_none() {
                t.size = Some(size.unwrap_or(engine.spec.set.size));
            }
            Ok(t)
        })
    }

    fn with_ticket(&self, make: impl FnOnce(&Engine) -> PyResult<Ticket>) -> PyResult<i64> {
        let made = {
            let engine = self.engine.try_borrow().map_err(|_| PyRuntimeError::new_err("the engine is at work"))?;
            make(&engine)?
        };
        self.with(|engine, bar| engine.submit(bar, &made))
    }
}

#[pymethods]
impl Context {
    #[getter]
    fn bar(&self) -> usize {
        self.now.get()
    }

    #[getter]
    fn n_assets(&self) -> usize {
        self.m
    }

    #[getter]
    fn ts(&self) -> i64 {
        self.market.get().view().ts[self.now.get()]
    }

    #[getter]
    fn close(&self) -> f64 {
        // SAFETY: `close` points at `n * m` values that the market keeps alive, and `now < n`.
        unsafe { *self.close.add(self.now.get() * self.m) }
    }

    #[getter]
    fn open(&self) -> PyResult<f64> {
        self.value("open", 0)
    }

    #[getter]
    fn high(&self) -> PyResult<f64> {
        self.value("high", 0)
    }

    #[getter]
    fn low(&self) -> PyResult<f64> {
        self.value("low", 0)
    }

    #[getter]
    fn volume(&self) -> PyResult<f64> {
        self.value("volume", 0)
    }

    #[getter]
    fn position(&self) -> f64 {
        self.engine.borrow().ledger.positions[0].qf
    }

    #[getter]
    fn entry_price(&self) -> f64 {
        let engine = self.engine.borrow();
        let p = &engine.ledger.positions[0];
        if p.qty == 0 {
            f64::NAN
        } else {
            from_units(p.cost.abs()) / p.qm.abs()
        }
    }

    #[getter]
    fn equity(&self) -> f64 {
        self.engine.borrow().equity
    }

    #[getter]
    fn cash(&self) -> f64 {
        from_units(self.engine.borrow().ledger.cash)
    }

    #[pyo3(signature = (name, asset = 0))]
    fn field(&self, name: &str, asset: usize) -> PyResult<f64> {
        self.value(name, asset)
    }

    #[pyo3(signature = (name, n, asset = 0, *, adjusted = false))]
    fn history<'py>(&self, py: Python<'py>, name: &str, n: usize, asset: usize, adjusted: bool) -> PyResult<Bound<'py, PyArray1<f64>>> {
        self.check(asset)?;
        let end = self.now.get() + 1;
        let from = end.saturating_sub(n);
        let Some(values) = self.column(name)?.map(Column::slice) else {
            return Ok(PyArray1::from_vec(py, vec![f64::NAN; end - from]));
        };
        if let Some(factor) = self.market.get().factor(name).filter(|_| adjusted) {
            let now = factor[(end - 1) * self.m + asset];
            return Ok(PyArray1::from_iter(py, (from..end).map(|t| t * self.m + asset).map(|i| values[i] * (factor[i] / now))));
        }
        if self.m == 1 {
            return Ok(PyArray1::from_slice(py, &values[from..end]));
        }
        Ok(PyArray1::from_iter(py, (from..end).map(|t| values[t * self.m + asset])))
    }

    fn position_of(&self, asset: usize) -> PyResult<f64> {
        self.check(asset)?;
        Ok(self.engine.borrow().ledger.positions[asset].qf)
    }

    #[pyo3(signature = (size = None, *, asset = 0, limit = None, stop = None, stop_loss = None, take_profit = None, trail = None, tif = "gtc", quantity = None))]
    #[allow(clippy::too_many_arguments)]
    fn buy(
        &self,
        size: Option<f64>,
        asset: usize,
        limit: Option<f64>,
        stop: Option<f64>,
        stop_loss: Option<f64>,
        take_profit: Option<f64>,
        trail: Option<f64>,
        tif: &str,
        quantity: Option<f64>,
    ) -> PyResult<i64> {
        self.enter(1.0, size, asset, limit, stop, stop_loss, take_profit, trail, tif, quantity)
    }

    #[pyo3(signature = (size = None, *, asset = 0, limit = None, stop = None, stop_loss = None, take_profit = None, trail = None, tif = "gtc", quantity = None))]
    #[allow(clippy::too_many_arguments)]
    fn sell(
        &self,
        size: Option<f64>,
        asset: usize,
        limit: Option<f64>,
        stop: Option<f64>,
        stop_loss: Option<f64>,
        take_profit: Option<f64>,
        trail: Option<f64>,
        tif: &str,
        quantity: Option<f64>,
    ) -> PyResult<i64> {
        self.enter(-1.0, size, asset, limit, stop, stop_loss, take_profit, trail, tif, quantity)
    }

    #[pyo3(signature = (asset = 0))]
    fn close_position(&self, asset: usize) -> PyResult<Option<i64>> {
        self.check(asset)?;
        self.with(|engine, bar| Ok(engine.close_position(bar.t, asset as u32)))
    }

    #[pyo3(signature = (weight, asset = 0))]
    fn target(&self, weight: f64, asset: usize) -> PyResult<Option<i64>> {
        self.check(asset)?;
        if !weight.is_finite() {
            return Err(PyValueError::new_err(format!("the target weight is {weight}; it must be a finite fraction of equity")));
        }
        self.with(|engine, bar| engine.target(bar, asset as u32, weight))
    }

    #[pyo3(signature = (quantity, kind = "market", *, asset = 0, limit = None, stop = None, trail = None, trail_kind = "fraction", tif = "gtc", gtd = None,
        reduce_only = false, group = None, stop_loss = None, take_profit = None, trail_stop = None, protect_kind = "fraction"))]
    #[allow(clippy::too_many_arguments)]
    fn order(
        &self,
        quantity: f64,
        kind: &str,
        asset: usize,
        limit: Option<f64>,
        stop: Option<f64>,
        trail: Option<f64>,
        trail_kind: &str,
        tif: &str,
        gtd: Option<i64>,
        reduce_only: bool,
        group: Option<i64>,
        stop_loss: Option<f64>,
        take_profit: Option<f64>,
        trail_stop: Option<f64>,
        protect_kind: &str,
    ) -> PyResult<i64> {
        self.check(asset)?;
        let p = protection(stop_loss, take_profit, trail_stop, protect_kind)?;
        self.with_ticket(|_| ticket(quantity, kind, asset, limit, stop, trail, trail_kind, tif, gtd, reduce_only, group, p))
    }

    fn cancel(&self, order: i64) -> PyResult<bool> {
        self.with(|engine, _| Ok(engine.cancel(order)))
    }

    #[pyo3(signature = (asset = None))]
    fn active_orders(&self, asset: Option<u32>) -> Vec<i64> {
        self.engine.borrow().active_orders(asset)
    }
}

#[pyfunction]
pub(crate) fn run_callback(py: Python<'_>, market: Py<Market>, spec: &Spec, on_bar: &Bound<'_, PyAny>) -> PyResult<Run> {
    market.get().need_sessions(py)?;
    let view = market.get().view();
    if spec.inner.n_assets() != view.m {
        return Err(PyValueError::new_err(format!("the spec is for {} assets, the market has {}", spec.inner.n_assets(), view.m)));
    }
    let mut engine = Engine::new(spec.inner.clone(), Record::ALL);
    engine.exposure = Some(Vec::with_capacity(view.n));
    let context = Bound::new(
        py,
        Context { engine: RefCell::new(engine), market: market.clone_ref(py), now: Cell::new(0), m: view.m, close: view.close.as_ptr() },
    )?;
    let arguments = PyTuple::new(py, [context.clone().into_any()])?;
    let shared = context.borrow();
    let mut curve = Curve::new(view.n);
    let equity = curve.slice();
    for (t, value) in equity.iter_mut().enumerate() {
        let bar = view.bar(t);
        shared.now.set(t);
        shared.engine.borrow_mut().step(&bar).map_err(raise)?;
        on_bar.call(&arguments, None)?;
        *value = shared.engine.borrow_mut().settle(&bar, t + 1 == view.n).map_err(raise)?;
        if t & 0xffff == 0xffff {
            py.check_signals()?;
        }
    }
    // The engine leaves the context, which a strategy may go on holding.
    let engine = shared.engine.replace(Engine::new(spec.inner.clone(), Record::NOTHING));
    drop(shared);
    let array = curve.into_array(py)?.unbind();
    // SAFETY: the array has just been made and nobody else has seen it.
    let values = unsafe { numpy::PyArrayMethods::as_slice(array.bind(py)).map_err(|e| PyValueError::new_err(e.to_string()))? };
    Run::finish(py, engine, array.clone_ref(py), values, true)
}
