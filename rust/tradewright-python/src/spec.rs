//! Settings of a run from keyword arguments.

use crate::arrays::column;
use crate::{core, raise};
use core::spec::Settings;
use core::types as t;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

#[pyclass(frozen, module = "tradewright._core")]
pub(crate) struct Spec {
    pub inner: core::spec::Spec,
}

fn choice<T>(name: &str, value: &Bound<'_, PyAny>, parse: fn(&str) -> Option<T>, known: &[&str]) -> PyResult<T> {
    let text = value.cast::<PyString>().map_err(|_| PyTypeError::new_err(format!("{name} must be one of {}", known.join(", "))))?;
    let text = text.to_str()?;
    parse(text).ok_or_else(|| PyValueError::new_err(format!("{name} is \"{text}\"; it must be one of {}", known.join(", "))))
}

/// One number for all assets, or one for each.
fn per_asset(name: &str, value: &Bound<'_, PyAny>, n: usize) -> PyResult<Vec<f64>> {
    if let Ok(x) = value.extract::<f64>() {
        return Ok(vec![x; n]);
    }
    let (values, rows, cols) = column::<f64>(name, value, "float64")?;
    if rows * cols != n {
        return Err(PyValueError::new_err(format!("{name} has {} values for {n} assets", rows * cols)));
    }
    Ok(values.slice().to_vec())
}

const NAMES: &[&str] = &[
    "initial_cash",
    "periods_per_year",
    "risk_free",
    "fill",
    "intrabar",
    "trail_update",
    "size",
    "size_mode",
    "size_basis",
    "allow_short",
    "leverage",
    "maintenance_margin",
    "on_short_cash",
    "close_last",
    "volume_share",
    "cooldown",
    "max_position",
    "max_gross",
    "daily_loss",
    "max_drawdown",
    "on_halt",
    "rebalance_buffer",
    "stop",
    "stop_kind",
    "target",
    "target_kind",
    "trail",
    "trail_kind",
    "per_order",
    "per_share",
    "maker_rate",
    "taker_rate",
    "sell_rate",
    "min_fee",
    "max_rate",
    "half_spread",
    "slip_model",
    "slip_a",
    "slip_b",
    "slip_c",
    "borrow_rate",
    "margin_rate",
    "cash_rate",
    "tick",
    "lot",
    "min_notional",
    "multiplier",
];

/// The known name that shares most letter pairs with a mistyped one.
fn nearest(name: &str) -> &'static str {
    let pairs = |s: &str| s.as_bytes().windows(2).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let mine = pairs(name);
    NAMES
        .iter()
        .max_by_key(|known| {
            let theirs = pairs(known);
            let shared = mine.iter().filter(|p| theirs.contains(p)).count() as i64;
            4 * shared - (theirs.len() as i64 - mine.len() as i64).abs()
        })
        .copied()
        .unwrap_or("size")
}

#[pymethods]
impl Spec {
    #[new]
    #[pyo3(signature = (n_assets = 1, **settings))]
    fn new(n_assets: usize, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Spec> {
        let mut s = Settings::default();
        let n = n_assets;
        let (mut tick, mut lot, mut min_notional, mut multiplier) = (vec![0.0; n], vec![0.0; n], vec![0.0; n], vec![1.0; n]);
        if let Some(settings) = settings {
            for (key, v) in settings {
                let key = key.cast_into::<PyString>().map_err(|_| PyTypeError::new_err("names of settings are text"))?;
                let name = key.to_str()?;
                let number = || v.extract::<f64>().map_err(|_| PyTypeError::new_err(format!("{name} must be a number, not {v}")));
                match name {
                    "initial_cash" => s.initial_cash = number()?,
                    "periods_per_year" => s.periods_per_year = number()?,
                    "risk_free" => s.risk_free = number()?,
                    "fill" => s.fill = choice(name, &v, t::FillRule::parse, t::FILL_RULES)?,
                    "intrabar" => s.intrabar = choice(name, &v, t::Intrabar::parse, t::INTRABARS)?,
                    "trail_update" => s.trail_update = choice(name, &v, t::TrailUpdate::parse, t::TRAIL_UPDATES)?,
                    "size" => s.size = number()?,
                    "size_mode" => s.size_mode = choice(name, &v, t::SizeMode::parse, t::SIZE_MODES)?,
                    "size_basis" => s.size_basis = choice(name, &v, t::SizeBasis::parse, t::SIZE_BASES)?,
                    "allow_short" => s.allow_short = v.extract()?,
                    "leverage" => s.leverage = number()?,
                    "maintenance_margin" => s.maintenance_margin = number()?,
                    "on_short_cash" => s.on_short_cash = choice(name, &v, t::OnShortCash::parse, t::ON_SHORT_CASH)?,
                    "close_last" => s.close_last = v.extract()?,
                    "volume_share" => s.volume_share = number()?,
                    "cooldown" => s.cooldown = v.extract()?,
                    "max_position" => s.max_position = number()?,
                    "max_gross" => s.max_gross = number()?,
                    "daily_loss" => s.daily_loss = number()?,
                    "max_drawdown" => s.max_drawdown = number()?,
                    "on_halt" => s.on_halt = choice(name, &v, t::OnHalt::parse, t::ON_HALTS)?,
                    "rebalance_buffer" => s.rebalance_buffer = number()?,
                    "stop" => s.protection.stop = number()?,
                    "stop_kind" => s.protection.stop_kind = choice(name, &v, t::Offset::parse, &t::OFFSETS[..3])?,
                    "target" => s.protection.target = number()?,
                    "target_kind" => s.protection.target_kind = choice(name, &v, t::Offset::parse, &t::OFFSETS[..3])?,
                    "trail" => s.protection.trail = number()?,
                    "trail_kind" => s.protection.trail_kind = choice(name, &v, t::Offset::parse, &t::OFFSETS[..3])?,
                    "per_order" => s.per_order = number()?,
                    "per_share" => s.per_share = number()?,
                    "maker_rate" => s.maker_rate = number()?,
                    "taker_rate" => s.taker_rate = number()?,
                    "sell_rate" => s.sell_rate = number()?,
                    "min_fee" => s.min_fee = number()?,
                    "max_rate" => s.max_rate = number()?,
                    "half_spread" => s.half_spread = number()?,
                    "slip_model" => s.slip_model = choice(name, &v, t::Slip::parse, t::SLIP_MODELS)?,
                    "slip_a" => s.slip_a = number()?,
                    "slip_b" => s.slip_b = number()?,
                    "slip_c" => s.slip_c = number()?,
                    "borrow_rate" => s.borrow_rate = number()?,
                    "margin_rate" => s.margin_rate = number()?,
                    "cash_rate" => s.cash_rate = number()?,
                    "tick" => tick = per_asset(name, &v, n)?,
                    "lot" => lot = per_asset(name, &v, n)?,
                    "min_notional" => min_notional = per_asset(name, &v, n)?,
                    "multiplier" => multiplier = per_asset(name, &v, n)?,
                    _ => return Err(PyValueError::new_err(format!("unknown setting \"{name}\"; did you mean \"{}\"?", nearest(name)))),
                }
            }
        }
        let rules: Vec<_> = (0..n).map(|j| (tick[j], lot[j], min_notional[j], multiplier[j])).collect();
        Ok(Spec { inner: core::spec::Spec::new(s, &rules).map_err(raise)? })
    }

    #[getter]
    fn n_assets(&self) -> usize {
        self.inner.n_assets()
    }
}
