//! The arrays of a run, borrowed from numpy.

use crate::arrays::{column, given, Column};
use crate::{core, raise};
use core::engine::Action;
use core::types::ActionKind;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::sync::OnceLock;

#[pyclass(frozen, module = "tradewright._core")]
pub(crate) struct Market {
    n: usize,
    m: usize,
    ts: Column<i64>,
    session: OnceLock<Column<i64>>,
    /// Makes the sessions when a run needs them.
    session_maker: Option<Py<PyAny>>,
    open: Column<f64>,
    high: Column<f64>,
    low: Column<f64>,
    close: Column<f64>,
    volume: Option<Column<f64>>,
    atr: Option<Column<f64>>,
    sigma: Option<Column<f64>>,
    funding: Option<Column<f64>>,
    actions: Vec<Action>,
    action_bars: Vec<usize>,
    finer: Option<(Column<i64>, [Column<f64>; 4])>,
    /// Forward factors of prices and of volumes, for those who ask for adjusted history.
    factors: Option<[Column<f64>; 2]>,
    whole: OnceLock<bool>,
}

type Floats = Option<Column<f64>>;

fn optional(name: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<Floats> {
    given(value).map(|v| column::<f64>(name, v, "float64").map(|c| c.0)).transpose()
}

fn fits(kind: i64, value: f64) -> bool {
    match ActionKind::from_code(kind) {
        Some(ActionKind::Split) => value > 0.0,
        Some(ActionKind::Dividend) => true,
        Some(ActionKind::Delisting | ActionKind::Merger) => value >= 0.0,
        Some(ActionKind::SpinOff) => value > 0.0,
        None => false,
    }
}

/// Rows of corporate actions by bar: splits, dividends, spin-offs, mergers, delistings.
pub(crate) fn actions(columns: Option<&Bound<'_, PyAny>>, one_bar: bool) -> PyResult<(Vec<Action>, Vec<usize>)> {
    let Some(columns) = given(columns) else { return Ok((Vec::new(), Vec::new())) };
    let columns = columns.cast::<PyDict>()?;
    let get = |name: &str| columns.get_item(name)?.ok_or_else(|| PyValueError::new_err(format!("actions lack the column \"{name}\"")));
    let asset = column::<i64>("actions.asset", &get("asset")?, "int64")?.0;
    let bar = if one_bar && columns.get_item("bar")?.is_none() { None } else { Some(column::<i64>("actions.bar", &get("bar")?, "int64")?.0) };
    let kind = column::<i64>("actions.kind", &get("kind")?, "int64")?.0;
    let value = column::<f64>("actions.value", &get("value")?, "float64")?.0;
    let other = columns.get_item("other")?.map(|v| column::<i64>("actions.other", &v, "int64").map(|c| c.0)).transpose()?;
    let amounts = |name: &str| -> PyResult<Option<Column<f64>>> {
        columns.get_item(name)?.map(|v| column::<f64>("amounts of actions", &v, "float64").map(|c| c.0)).transpose()
    };
    let (cash, price) = (amounts("cash")?, amounts("price")?);
    let n = value.len();
    let ragged = other.as_ref().is_some_and(|c| c.len() != n) || [&cash, &price].into_iter().flatten().any(|c| c.len() != n);
    if ragged || asset.len() != n || kind.len() != n || bar.as_ref().is_some_and(|b| b.len() != n) {
        return Err(PyValueError::new_err("the columns of actions differ in length"));
    }
    let mut rows: Vec<(usize, Action)> = Vec::with_capacity(n);
    for i in 0..n {
        let at = bar.as_ref().map_or(0, |b| b.slice()[i]);
        let at = if one_bar { 0 } else { at };
        let (asset, kind, value) = (asset.slice()[i], kind.slice()[i], value.slice()[i]);
        let other = other.as_ref().map(|c| c.slice()[i]).filter(|k| *k >= 0);
        let (cash, price) = (cash.as_ref().map_or(0.0, |c| c.slice()[i]), price.as_ref().map_or(0.0, |c| c.slice()[i]));
        let sound = other != Some(asset) && cash.is_finite() && cash >= 0.0 && price.is_finite() && price >= 0.0;
        if !sound || at < 0 || asset < 0 || !value.is_finite() || !fits(kind, value) {
            return Err(PyValueError::new_err(format!(
                "corporate action {i} has bar {at}, asset {asset}, kind {kind}, value {value}; kind is 0 (split, ratio above 0), 1 (dividend), 2 (delisting, 0 or more), 3 (spin-off, above 0) or 4 (merger, 0 or more); other must be another asset, cash and price 0 or more"
            )));
        }
        rows.push((
            at as usize,
            Action {
                asset: asset as u32,
                kind: ActionKind::from_code(kind).unwrap_or(ActionKind::Split),
                value,
                other: other.map(|k| k as u32),
                cash,
                price,
            },
        ));
    }
    rows.sort_by_key(|(bar, a)| (*bar, a.kind.rank()));
    Ok((rows.iter().map(|r| r.1).collect(), rows.iter().map(|r| r.0).collect()))
}

#[pymethods]
impl Market {
    #[new]
    #[pyo3(signature = (ts, open, high, low, close, volume = None, *, session = None, atr = None, sigma = None, funding = None, actions = None, detail = None, factors = None, checked = false))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        ts: &Bound<'_, PyAny>,
        open: &Bound<'_, PyAny>,
        high: &Bound<'_, PyAny>,
        low: &Bound<'_, PyAny>,
        close: &Bound<'_, PyAny>,
        volume: Option<&Bound<'_, PyAny>>,
        session: Option<&Bound<'_, PyAny>>,
        atr: Option<&Bound<'_, PyAny>>,
        sigma: Option<&Bound<'_, PyAny>>,
        funding: Option<&Bound<'_, PyAny>>,
        actions: Option<&Bound<'_, PyAny>>,
        detail: Option<&Bound<'_, PyAny>>,
        factors: Option<&Bound<'_, PyAny>>,
        checked: bool,
    ) -> PyResult<Market> {
        let (close, n, m) = column::<f64>("close", close, "float64")?;
        if n == 0 || m == 0 {
            return Err(PyValueError::new_err("there are no bars; give at least one row of open, high, low and close"));
        }
        let (actions, action_bars) = self::actions(actions, false)?;
        let finer = match given(detail) {
            None => None,
            Some(parts) => {
                let parts = parts.cast::<PyTuple>()?;
                if parts.len() != 5 {
                    return Err(PyValueError::new_err("detail is (offsets, open, high, low, close)"));
                }
                let offsets = column::<i64>("detail offsets", &parts.get_item(0)?, "int64")?.0;
                let prices = |k: usize| -> PyResult<Column<f64>> { Ok(column::<f64>("detail prices", &parts.get_item(k)?, "float64")?.0) };
                Some((offsets, [prices(1)?, prices(2)?, prices(3)?, prices(4)?]))
            }
        };
        let factors = match given(factors) {
            None => None,
            Some(pair) => {
                let pair = pair.cast::<PyTuple>()?;
                if pair.len() != 2 {
                    return Err(PyValueError::new_err("factors are (of prices, of volumes)"));
                }
                let one = |k: usize| -> PyResult<Column<f64>> { Ok(column::<f64>("factors", &pair.get_item(k)?, "float64")?.0) };
                let pair = [one(0)?, one(1)?];
                if let Some(bad) = pair.iter().find(|c| c.len() != n * m) {
                    return Err(PyValueError::new_err(format!("factors have {} values; {n} bars of {m} assets need {}", bad.len(), n * m)));
                }
                Some(pair)
            }
        };
        let market = Market {
            n,
            m,
            ts: column::<i64>("ts", ts, "int64")?.0,
            session: OnceLock::new(),
            session_maker: given(session).filter(|s| s.is_callable()).map(|s| s.clone().unbind()),
            open: column::<f64>("open", open, "float64")?.0,
            high: column::<f64>("high", high, "float64")?.0,
            low: column::<f64>("low", low, "float64")?.0,
            close,
            volume: optional("volume", volume)?,
            atr: optional("atr", atr)?,
            sigma: optional("sigma", sigma)?,
            funding: optional("funding", funding)?,
            actions,
            action_bars,
            finer,
            factors,
            whole: OnceLock::new(),
        };
        if let Some(values) = given(session).filter(|s| !s.is_callable()) {
            let _ = market.session.set(column::<i64>("session", values, "int64")?.0);
        }
        let view = core::market::Market { whole: false, ..market.parts() };
        view.check().map_err(raise)?;
        if checked {
            let _ = market.whole.set(true);
            return Ok(market);
        }
        if let Some(i) = view.ts.windows(2).position(|w| w[0] >= w[1]) {
            return Err(PyValueError::new_err(format!(
                "ts[{}] = {} is not after ts[{i}] = {}; stamps must ascend",
                i + 1,
                view.ts[i + 1],
                view.ts[i]
            )));
        }
        Ok(market)
    }

    #[getter]
    fn n_bars(&self) -> usize {
        self.n
    }

    #[getter]
    fn n_assets(&self) -> usize {
        self.m
    }
}

impl Market {
    fn parts(&self) -> core::market::Market<'_> {
        core::market::Market {
            n: self.n,
            m: self.m,
            ts: self.ts.slice(),
            session: self.session.get().map(Column::slice),
            open: self.open.slice(),
            high: self.high.slice(),
            low: self.low.slice(),
            close: self.close.slice(),
            volume: self.volume.as_ref().map(Column::slice),
            atr: self.atr.as_ref().map(Column::slice),
            sigma: self.sigma.as_ref().map(Column::slice),
            funding: self.funding.as_ref().map(Column::slice),
            actions: &self.actions,
            action_bars: &self.action_bars,
            finer: self.finer.as_ref().map(|(offsets, [open, high, low, close])| core::market::Finer {
                offsets: offsets.slice(),
                open: open.slice(),
                high: high.slice(),
                low: low.slice(),
                close: close.slice(),
            }),
            whole: false,
        }
    }

    /// Have the sessions at hand, for runs in which they matter.
    pub fn need_sessions(&self, py: Python<'_>) -> PyResult<()> {
        if let (None, Some(maker)) = (self.session.get(), &self.session_maker) {
            let made = column::<i64>("session", maker.bind(py).call0()?.as_any(), "int64")?.0;
            if made.len() != self.n {
                return Err(PyValueError::new_err(format!("session has {} values for {} bars", made.len(), self.n)));
            }
            let _ = self.session.set(made);
        }
        Ok(())
    }

    /// For the engine; whether every price is finite is found out once.
    pub fn view(&self) -> core::market::Market<'_> {
        let whole = *self.whole.get_or_init(|| [&self.open, &self.high, &self.low, &self.close].iter().all(|c| core::simd::all_finite(c.slice())));
        core::market::Market { whole, ..self.parts() }
    }

    /// Forward factors of a column; none where it is not a price or volume, or nothing is to be adjusted.
    pub fn factor(&self, name: &str) -> Option<&[f64]> {
        let [price, volume] = self.factors.as_ref()?;
        match name {
            "open" | "high" | "low" | "close" | "atr" => Some(price.slice()),
            "volume" => Some(volume.slice()),
            _ => None,
        }
    }

    /// A column of the market by name.
    pub fn field(&self, name: &str) -> Option<&Column<f64>> {
        match name {
            "open" => Some(&self.open),
            "high" => Some(&self.high),
            "low" => Some(&self.low),
            "close" => Some(&self.close),
            "volume" => self.volume.as_ref(),
            "atr" => self.atr.as_ref(),
            "sigma" => self.sigma.as_ref(),
            "funding" => self.funding.as_ref(),
            _ => None,
        }
    }
}
