//! The engine bar by bar: what paper trading drives.

use crate::arrays::{column, given, Column};
use crate::context::{protection, ticket};
use crate::market::actions;
use crate::run::Run;
use crate::spec::Spec;
use crate::{core, raise, table};
use core::engine::{Action, Bar, Engine, Record};
use core::units::from_units;
use numpy::PyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The rows of the bar at hand, owned.
#[derive(Default)]
struct Row {
    prices: [Vec<f64>; 4],
    volume: Option<Vec<f64>>,
    atr: Option<Vec<f64>>,
    sigma: Option<Vec<f64>>,
    funding: Option<Vec<f64>>,
    actions: Vec<Action>,
    t: i64,
    ts: i64,
    session: i64,
}

impl Row {
    fn bar(&self) -> Bar<'_> {
        let [open, high, low, close] = &self.prices;
        Bar {
            t: self.t,
            ts: self.ts,
            session: self.session,
            open,
            high,
            low,
            close,
            volume: self.volume.as_deref(),
            sigma: self.sigma.as_deref(),
            atr: self.atr.as_deref(),
            funding: self.funding.as_deref(),
            actions: &self.actions,
            detail: None,
            whole: false,
        }
    }
}

#[pyclass(module = "tradewright._core")]
pub(crate) struct Book {
    engine: Engine,
    row: Row,
    curve: Vec<f64>,
    decided: bool,
    sigma_before: Option<Vec<f64>>,
}

impl Book {
    fn row(&self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
        let n = self.engine.spec.n_assets();
        let (values, rows, cols): (Column<f64>, usize, usize) = column("row", value, "float64")?;
        if rows * cols != n {
            return Err(PyValueError::new_err(format!("{name} has {} values; this book has {n} assets", rows * cols)));
        }
        Ok(values.slice().to_vec())
    }

    fn optional(&self, name: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Vec<f64>>> {
        given(value).map(|v| self.row(name, v)).transpose()
    }

    fn started(&self) -> PyResult<()> {
        if self.row.t < 0 {
            return Err(PyValueError::new_err("no bar has been seen yet; call step first"));
        }
        Ok(())
    }
}

#[pymethods]
impl Book {
    #[new]
    fn new(spec: &Spec) -> Book {
        let mut engine = Engine::new(spec.inner.clone(), Record::ALL);
        engine.exposure = Some(Vec::new());
        Book { engine, row: Row { t: -1, ..Row::default() }, curve: Vec::new(), decided: true, sigma_before: None }
    }

    #[pyo3(signature = (ts, session, open, high, low, close, volume = None, *, atr = None, sigma = None, funding = None, actions = None))]
    #[allow(clippy::too_many_arguments)]
    fn step(
        &mut self,
        ts: i64,
        session: i64,
        open: &Bound<'_, PyAny>,
        high: &Bound<'_, PyAny>,
        low: &Bound<'_, PyAny>,
        close: &Bound<'_, PyAny>,
        volume: Option<&Bound<'_, PyAny>>,
        atr: Option<&Bound<'_, PyAny>>,
        sigma: Option<&Bound<'_, PyAny>>,
        funding: Option<&Bound<'_, PyAny>>,
        actions: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        if self.row.t >= 0 && ts <= self.row.ts {
            return Err(PyValueError::new_err(format!("ts is {ts}, not after the bar before ({}); bars must come in order", self.row.ts)));
        }
        if !self.decided {
            return Err(PyValueError::new_err("the decision of the bar before is not complete; call decided() first"));
        }
        let known = self.optional("sigma", sigma)?;
        let row = Row {
            prices: [self.row("open", open)?, self.row("high", high)?, self.row("low", low)?, self.row("close", close)?],
            volume: self.optional("volume", volume)?,
            atr: self.optional("atr", atr)?,
            // What was known before this bar; on the first one its own, as in a run over arrays.
            sigma: if self.row.t < 0 { known.clone() } else { self.sigma_before.take() },
            funding: self.optional("funding", funding)?,
            actions: self::actions(actions, true)?.0,
            t: self.row.t + 1,
            ts,
            session,
        };
        if let Some(a) = row.actions.iter().find(|a| a.asset.max(a.other.unwrap_or(0)) as usize >= self.engine.spec.n_assets()) {
            return Err(PyValueError::new_err(format!(
                "corporate action of asset {}; this book has {} assets",
                a.asset,
                self.engine.spec.n_assets()
            )));
        }
        self.sigma_before = known;
        self.row = row;
        self.decided = false;
        self.engine.step(&self.row.bar()).map_err(raise)
    }

    fn signal(&mut self, codes: &Bound<'_, PyAny>) -> PyResult<()> {
        self.started()?;
        let codes = column::<i8>("codes", codes, "int8")?.0;
        if codes.len() != self.engine.spec.n_assets() {
            return Err(PyValueError::new_err(format!("{} signals for {} assets", codes.len(), self.engine.spec.n_assets())));
        }
        self.engine.signals(&self.row.bar(), codes.slice(), None, false).map_err(raise)
    }

    #[pyo3(signature = (quantity, kind = "market", *, asset = 0, limit = None, stop = None, trail = None, trail_kind = "fraction", tif = "gtc", gtd = None,
        reduce_only = false, group = None, stop_loss = None, take_profit = None, trail_stop = None, protect_kind = "fraction"))]
    #[allow(clippy::too_many_arguments)]
    fn submit(
        &mut self,
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
        self.started()?;
        let p = protection(stop_loss, take_profit, trail_stop, protect_kind)?;
        let made = ticket(quantity, kind, asset, limit, stop, trail, trail_kind, tif, gtd, reduce_only, group, p)?;
        self.engine.submit(&self.row.bar(), &made).map_err(raise)
    }

    fn cancel(&mut self, order: i64) -> bool {
        self.engine.cancel(order)
    }

    fn decided(&mut self) -> PyResult<()> {
        self.started()?;
        if self.decided {
            return Err(PyValueError::new_err("there is no bar to decide; call step() first"));
        }
        {
            let value = self.engine.settle(&self.row.bar(), false).map_err(raise)?;
            self.curve.push(value);
            self.decided = true;
        }
        Ok(())
    }

    /// Fills so far, from number `since` on.
    #[pyo3(signature = (since = 0))]
    fn fills<'py>(&self, py: Python<'py>, since: usize) -> PyResult<Bound<'py, PyDict>> {
        let rows = self.engine.ledger.fills.as_deref().unwrap_or_default();
        table::fills(py, &rows[since.min(rows.len())..])
    }

    /// Every order so far, as it stands now.
    fn orders<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.engine.pool.sync_rows();
        let multiplier: Vec<f64> = self.engine.spec.rules.iter().map(|r| r.multiplier).collect();
        table::orders(py, self.engine.pool.rows.as_deref().unwrap_or_default(), &multiplier)
    }

    /// Cash movements so far, from number `since` on.
    #[pyo3(signature = (since = 0))]
    fn cash_flows<'py>(&self, py: Python<'py>, since: usize) -> PyResult<Bound<'py, PyDict>> {
        let rows = self.engine.ledger.flows.as_deref().unwrap_or_default();
        table::flows(py, &rows[since.min(rows.len())..])
    }

    /// End the run: close what is held if the spec says so, and give its columns.
    fn finish(&mut self, py: Python<'_>) -> PyResult<Run> {
        if self.row.t >= 0 {
            if !self.decided {
                self.decided()?;
            }
            let held = !self.engine.ledger.held.is_empty();
            self.engine.close_out(&self.row.bar()).map_err(raise)?;
            if held && self.engine.ledger.held.is_empty() {
                // The bar was counted as held before it was closed out.
                self.engine.ledger.tally.bars_held -= 1;
                if let Some(share) = self.engine.exposure.as_mut().and_then(|e| e.last_mut()) {
                    *share = 0.0;
                }
            }
            if let Some(last) = self.curve.last_mut() {
                *last = self.engine.equity;
            }
        }
        let fresh = Engine::new(self.engine.spec.clone(), Record::ALL);
        let engine = std::mem::replace(&mut self.engine, fresh);
        let curve = std::mem::take(&mut self.curve);
        self.row = Row { t: -1, ..Row::default() };
        let array = PyArray1::from_slice(py, &curve).unbind();
        Run::finish(py, engine, array, &curve, true)
    }

    #[getter]
    fn equity(&self) -> f64 {
        self.engine.equity
    }

    #[getter]
    fn cash(&self) -> f64 {
        from_units(self.engine.ledger.cash)
    }

    #[pyo3(signature = (asset = 0))]
    fn position(&self, asset: usize) -> PyResult<f64> {
        self.engine
            .ledger
            .positions
            .get(asset)
            .map(|p| p.qf)
            .ok_or_else(|| PyValueError::new_err(format!("there is no asset {asset}; this book has {}", self.engine.spec.n_assets())))
    }

    fn active_orders(&self) -> Vec<i64> {
        self.engine.active_orders(None)
    }
}
