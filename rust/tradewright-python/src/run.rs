//! One run over arrays, and what it produced. Columns nobody asked for are not made: the run is repeated with a fuller record when they are.

use crate::arrays::{column, given, Column, Curve};
use crate::market::Market;
use crate::spec::Spec;
use crate::{core, raise, table};
use core::decide::Ticket;
use core::drive::{self, Pace};
use core::engine::{Engine, Record};
use core::ledger::{FillRow, FlowRow, TradeRow};
use core::order::OrderRow;
use core::types::{Kind, Offset, Protection, Reason, Tif, REASONS};
use core::units::{from_units, Units};
use numpy::PyArray1;
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::OnceLock;

/// Decisions given as arrays.
enum Source {
    Signals {
        codes: Column<i8>,
        size: Option<Column<f64>>,
    },
    Weights {
        rows: Column<i64>,
        values: Column<f64>,
    },
    Orders {
        bars: Vec<i64>,
        tickets: Vec<Ticket>,
    },
    /// Decisions of a callback: they cannot be asked for again.
    Gone,
}

impl Source {
    /// Does it matter which session a bar belongs to?
    fn by_session(&self, spec: &core::spec::Spec) -> bool {
        let day_orders = match self {
            Source::Orders { tickets, .. } => tickets.iter().any(|t| t.tif == Tif::Day),
            _ => false,
        };
        day_orders || spec.set.daily_loss > 0.0
    }

    fn drive(&self, engine: &mut Engine, market: &core::market::Market, pace: Pace, equity: &mut [f64]) -> core::error::Result<()> {
        match self {
            Source::Signals { codes, size } => drive::signals(engine, market, codes.slice(), size.as_ref().map(Column::slice), pace, equity),
            Source::Weights { rows, values } => drive::weights(engine, market, rows.slice(), values.slice(), pace, equity),
            Source::Orders { bars, tickets } => drive::orders(engine, market, bars, tickets, pace, equity),
            Source::Gone => Ok(()),
        }
    }
}

/// The columns that are made on demand.
struct Full {
    orders: Vec<OrderRow>,
    fills: Vec<FillRow>,
    flows: Vec<FlowRow>,
    exposure: Vec<f64>,
}

impl Full {
    fn of(engine: &mut Engine) -> Full {
        engine.pool.sync_rows();
        Full {
            orders: engine.pool.rows.take().unwrap_or_default(),
            fills: engine.ledger.fills.take().unwrap_or_default(),
            flows: engine.ledger.flows.take().unwrap_or_default(),
            exposure: engine.exposure.take().unwrap_or_default(),
        }
    }
}

#[pyclass(frozen, module = "tradewright._core")]
pub(crate) struct Run {
    market: Option<Py<Market>>,
    spec: core::spec::Spec,
    source: Source,
    curve: Py<PyArray1<f64>>,
    metrics: [f64; core::sweep::WIDTH],
    trades: Vec<TradeRow>,
    refused: [u64; REASONS.len()],
    cash: Units,
    last: f64,
    held: Vec<(u32, f64, f64, f64, f64)>,
    full: OnceLock<Full>,
    kept: bool,
}

impl Run {
    /// Take the results out of an engine that has seen its last bar.
    pub fn finish(py: Python<'_>, mut engine: Engine, curve: Py<PyArray1<f64>>, equity: &[f64], complete: bool) -> PyResult<Run> {
        let mut metrics = [0.0; core::sweep::WIDTH];
        let set = &engine.spec.set;
        let initial = engine.initial_cash();
        core::stats::metrics(equity, initial, set.periods_per_year, set.risk_free, &engine.ledger.tally, &mut metrics);
        let mut trades = engine.ledger.trades.take().unwrap_or_default();
        let open = engine.ledger.open_trades(&engine.mark, |asset, price| engine.worth(asset, price)).map_err(raise)?;
        trades.extend(open);
        let held = engine
            .ledger
            .held
            .iter()
            .map(|&j| {
                let p = &engine.ledger.positions[j as usize];
                let mark = engine.mark[j as usize];
                (j, p.qf, from_units(p.cost), mark, p.qm * mark)
            })
            .collect();
        let full = OnceLock::new();
        if complete {
            let _ = full.set(Full::of(&mut engine));
        }
        let _ = py;
        Ok(Run {
            market: None,
            source: Source::Gone,
            curve,
            metrics,
            trades,
            refused: engine.refusals,
            cash: engine.ledger.cash,
            last: equity.last().copied().unwrap_or(initial),
            held,
            full,
            kept: true,
            spec: engine.spec,
        })
    }

    fn full(&self, py: Python<'_>) -> PyResult<&Full> {
        if let Some(full) = self.full.get() {
            return Ok(full);
        }
        let Some(market) = &self.market else {
            return Ok(self.full.get_or_init(|| Full { orders: vec![], fills: vec![], flows: vec![], exposure: vec![] }));
        };
        let view = market.get().view();
        let made = py.detach(|| {
            let mut engine = Engine::new(self.spec.clone(), Record::ALL);
            engine.exposure = Some(Vec::with_capacity(view.n));
            let mut equity = vec![0.0; view.n];
            self.source.drive(&mut engine, &view, Pace::EveryBar, &mut equity)?;
            Ok(Full::of(&mut engine))
        });
        let made = made.map_err(raise)?;
        Ok(self.full.get_or_init(|| made))
    }
}

#[pymethods]
impl Run {
    #[getter]
    fn equity(&self, py: Python<'_>) -> Py<PyArray1<f64>> {
        self.curve.clone_ref(py)
    }

    #[getter]
    fn exposure<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let empty = Vec::new();
        let values = if self.kept { &self.full(py)?.exposure } else { &empty };
        Ok(PyArray1::from_slice(py, values))
    }

    #[getter]
    fn orders<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let multiplier: Vec<f64> = self.spec.rules.iter().map(|r| r.multiplier).collect();
        let rows = if self.kept { self.full(py)?.orders.as_slice() } else { &[] };
        table::orders(py, rows, &multiplier)
    }

    #[getter]
    fn fills<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        table::fills(py, if self.kept { self.full(py)?.fills.as_slice() } else { &[] })
    }

    #[getter]
    fn trades<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        table::trades(py, if self.kept { self.trades.as_slice() } else { &[] })
    }

    #[getter]
    fn cash_flows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        table::flows(py, if self.kept { self.full(py)?.flows.as_slice() } else { &[] })
    }

    #[getter]
    fn positions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        table::positions(py, &self.held)
    }

    #[getter]
    fn refusals<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let d = PyDict::new(py);
        for (reason, count) in REASONS.iter().zip(self.refused).filter(|(_, c)| *c > 0) {
            d.set_item(reason, count)?;
        }
        Ok(d)
    }

    #[getter]
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let d = PyDict::new(py);
        for (name, value) in core::stats::METRICS.iter().zip(self.metrics) {
            d.set_item(name, value)?;
        }
        Ok(d)
    }

    #[getter]
    fn final_equity(&self) -> f64 {
        self.last
    }

    #[getter]
    fn final_cash_units(&self) -> i128 {
        self.cash
    }
}

/// Run arrays of decisions at full speed; only curve, trades and metrics are kept.
fn go(py: Python<'_>, market: &Bound<'_, Market>, spec: &Spec, source: Source, keep: bool) -> PyResult<Run> {
    let here = market.get();
    if source.by_session(&spec.inner) {
        here.need_sessions(py)?;
    }
    let mut curve = Curve::new(here.view().n);
    let equity = curve.slice();
    let (engine, source) = py
        .detach(|| {
            let mut engine = Engine::new(spec.inner.clone(), if keep { Record::TRADES } else { Record::NOTHING });
            source.drive(&mut engine, &here.view(), Pace::Quick, equity)?;
            Ok((engine, source))
        })
        .map_err(raise)?;
    let array = if keep { curve_array(py, curve)? } else { (PyArray1::from_slice(py, &[]).unbind(), Some(curve)) };
    let (array, mut dropped) = array;
    let values: &[f64] = match &mut dropped {
        Some(curve) => curve.slice(),
        // SAFETY: the array has just been made and nobody else has seen it.
        None => unsafe { numpy::PyArrayMethods::as_slice(array.bind(py)).map_err(|e| PyValueError::new_err(e.to_string()))? },
    };
    let mut run = Run::finish(py, engine, array.clone_ref(py), values, false)?;
    run.market = Some(market.clone().unbind());
    run.source = source;
    run.kept = keep;
    Ok(run)
}

type Kept = (Py<PyArray1<f64>>, Option<Curve>);

fn curve_array(py: Python<'_>, curve: Curve) -> PyResult<Kept> {
    Ok((curve.into_array(py)?.unbind(), None))
}

#[pyfunction]
#[pyo3(signature = (market, spec, signals, *, size = None, keep = true))]
pub(crate) fn run_signals(
    market: &Bound<'_, Market>,
    spec: &Spec,
    signals: &Bound<'_, PyAny>,
    size: Option<&Bound<'_, PyAny>>,
    keep: bool,
) -> PyResult<Run> {
    let codes = column::<i8>("signals", signals, "int8")?.0;
    let size = given(size).map(|s| column::<f64>("size", s, "float64").map(|c| c.0)).transpose()?;
    go(market.py(), market, spec, Source::Signals { codes, size }, keep)
}

#[pyfunction]
pub(crate) fn run_weights(market: &Bound<'_, Market>, spec: &Spec, rows: &Bound<'_, PyAny>, weights: &Bound<'_, PyAny>) -> PyResult<Run> {
    let rows = column::<i64>("rows", rows, "int64")?.0;
    let values = column::<f64>("weights", weights, "float64")?.0;
    go(market.py(), market, spec, Source::Weights { rows, values }, true)
}

#[pyfunction]
pub(crate) fn run_orders(market: &Bound<'_, Market>, spec: &Spec, orders: &Bound<'_, PyDict>) -> PyResult<Run> {
    let (bars, tickets) = tickets(orders)?;
    go(market.py(), market, spec, Source::Orders { bars, tickets }, true)
}

const ORDER_COLUMNS: &[&str] = &[
    "bar",
    "asset",
    "kind",
    "quantity",
    "limit",
    "stop",
    "trail",
    "trail_kind",
    "tif",
    "gtd",
    "reduce_only",
    "group",
    "stop_loss",
    "take_profit",
    "trail_stop",
    "stop_loss_kind",
    "take_profit_kind",
    "trail_stop_kind",
];

fn tickets(orders: &Bound<'_, PyDict>) -> PyResult<(Vec<i64>, Vec<Ticket>)> {
    for key in orders.keys() {
        let name: String = key.extract()?;
        if !ORDER_COLUMNS.contains(&name.as_str()) {
            return Err(PyValueError::new_err(format!("unknown order column \"{name}\"; known are {}", ORDER_COLUMNS.join(", "))));
        }
    }
    let floats = |name: &str| -> PyResult<Option<Column<f64>>> {
        orders.get_item(name)?.filter(|v| !v.is_none()).map(|v| column::<f64>(name, &v, "float64").map(|c| c.0)).transpose()
    };
    let ints = |name: &str| -> PyResult<Option<Column<i64>>> {
        orders.get_item(name)?.filter(|v| !v.is_none()).map(|v| column::<i64>(name, &v, "int64").map(|c| c.0)).transpose()
    };
    let must = |name: &str| PyKeyError::new_err(format!("orders lack the column \"{name}\""));
    let bars = ints("bar")?.ok_or_else(|| must("bar"))?;
    let quantity = floats("quantity")?.ok_or_else(|| must("quantity"))?;
    let n = bars.len();
    let f: Vec<_> = ["limit", "stop", "trail", "stop_loss", "take_profit", "trail_stop"].iter().map(|c| floats(c)).collect::<PyResult<_>>()?;
    let i: Vec<_> = ["asset", "kind", "trail_kind", "tif", "gtd", "reduce_only", "group", "stop_loss_kind", "take_profit_kind", "trail_stop_kind"]
        .iter()
        .map(|c| ints(c))
        .collect::<PyResult<_>>()?;
    let lengths = f.iter().flatten().map(Column::len).chain(i.iter().flatten().map(Column::len)).chain([quantity.len()]);
    if let Some(other) = lengths.into_iter().find(|l| *l != n) {
        return Err(PyValueError::new_err(format!("the columns of orders differ in length: bar has {n} rows, another {other}")));
    }
    let float = |k: usize, row: usize, default: f64| f[k].as_ref().map_or(default, |c| c.slice()[row]);
    let int = |k: usize, row: usize, default: i64| i[k].as_ref().map_or(default, |c| c.slice()[row]);
    let bad = |what: &str, code: i64, row: usize| PyValueError::new_err(format!("order {row} has {what} {code}, which is not a code of it"));
    // NaN and numbers that are not positive: no protection.
    let distance = |x: f64| if x > 0.0 { x } else { 0.0 };
    let offset = |k: usize, row: usize, most: i64| {
        let code = int(k, row, 0);
        Offset::from_code(code).filter(|_| code <= most).ok_or_else(|| bad("a distance kind", code, row))
    };
    let mut list = Vec::with_capacity(n);
    for row in 0..n {
        let asset = int(0, row, 0);
        if asset < 0 {
            return Err(PyValueError::new_err(format!("order {row} is for asset {asset}; assets count from 0")));
        }
        let (kind, tif) = (int(1, row, 0), int(3, row, 0));
        list.push(Ticket {
            asset: asset as u32,
            kind: Kind::from_code(kind).ok_or_else(|| bad("kind", kind, row))?,
            quantity: quantity.slice()[row],
            size: None,
            limit: float(0, row, f64::NAN),
            stop: float(1, row, f64::NAN),
            trail: float(2, row, f64::NAN),
            trail_kind: offset(2, row, 1)?,
            tif: Tif::from_code(tif).ok_or_else(|| bad("time in force", tif, row))?,
            gtd: int(4, row, i64::MAX),
            reduce_only: int(5, row, 0) != 0,
            group: int(6, row, -1),
            protection: Protection {
                stop: distance(float(3, row, 0.0)),
                stop_kind: offset(7, row, 3)?,
                target: distance(float(4, row, 0.0)),
                target_kind: offset(8, row, 3)?,
                trail: distance(float(5, row, 0.0)),
                trail_kind: offset(9, row, 2)?,
            },
            reason: Reason::Order,
        });
    }
    Ok((bars.slice().to_vec(), list))
}
