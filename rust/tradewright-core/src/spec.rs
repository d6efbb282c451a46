//! Everything that is constant in a run, checked once; rates and amounts also as ledger units.

use crate::error::{Error, Result};
use crate::types::{FillRule, Intrabar, OnHalt, OnShortCash, Protection, SizeBasis, SizeMode, Slip, TrailUpdate};
use crate::units::{to_units, Units};

#[derive(Clone, Debug)]
pub struct Settings {
    pub initial_cash: f64,
    pub periods_per_year: f64,
    pub risk_free: f64,
    pub fill: FillRule,
    pub intrabar: Intrabar,
    pub trail_update: TrailUpdate,
    pub size: f64,
    pub size_mode: SizeMode,
    pub size_basis: SizeBasis,
    pub allow_short: bool,
    pub leverage: f64,
    pub maintenance_margin: f64,
    pub on_short_cash: OnShortCash,
    pub close_last: bool,
    pub volume_share: f64,
    pub cooldown: i64,
    pub max_position: f64,
    pub max_gross: f64,
    pub daily_loss: f64,
    pub max_drawdown: f64,
    pub on_halt: OnHalt,
    pub rebalance_buffer: f64,
    pub protection: Protection,
    pub per_order: f64,
    pub per_share: f64,
    pub maker_rate: f64,
    pub taker_rate: f64,
    pub sell_rate: f64,
    pub min_fee: f64,
    pub max_rate: f64,
    pub half_spread: f64,
    pub slip_model: Slip,
    pub slip_a: f64,
    pub slip_b: f64,
    pub slip_c: f64,
    pub borrow_rate: f64,
    pub margin_rate: f64,
    pub cash_rate: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            initial_cash: 100_000.0,
            periods_per_year: 252.0,
            risk_free: 0.0,
            fill: FillRule::NextOpen,
            intrabar: Intrabar::Pessimistic,
            trail_update: TrailUpdate::Path,
            size: 1.0,
            size_mode: SizeMode::Fraction,
            size_basis: SizeBasis::Fill,
            allow_short: true,
            leverage: 1.0,
            maintenance_margin: 0.25,
            on_short_cash: OnShortCash::Resize,
            close_last: false,
            volume_share: 0.0,
            cooldown: 0,
            max_position: 0.0,
            max_gross: 0.0,
            daily_loss: 0.0,
            max_drawdown: 0.0,
            on_halt: OnHalt::Block,
            rebalance_buffer: 0.0,
            protection: Protection::NONE,
            per_order: 0.0,
            per_share: 0.0,
            maker_rate: 0.0,
            taker_rate: 0.0,
            sell_rate: 0.0,
            min_fee: 0.0,
            max_rate: 0.0,
            half_spread: 0.0,
            slip_model: Slip::None,
            slip_a: 0.0,
            slip_b: 0.0,
            slip_c: 0.6,
            borrow_rate: 0.0,
            margin_rate: 0.0,
            cash_rate: 0.0,
        }
    }
}

/// Trading rules of one instrument, floats and units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    pub tick: f64,
    pub lot: Units,
    pub min_notional: f64,
    pub multiplier: f64,
    pub multiplier_units: Units,
}

#[derive(Clone, Debug)]
pub struct Spec {
    pub set: Settings,
    pub rules: Vec<Rules>,
    pub cash_units: Units,
    pub(crate) per_order: Units,
    pub(crate) per_share: Units,
    pub(crate) maker: Units,
    pub(crate) taker: Units,
    pub(crate) sell: Units,
    pub(crate) min_fee: Units,
    pub(crate) max_rate: Units,
    /// Costs that are only a rate of the notional: the common case, with the shortest arithmetic.
    pub(crate) rate_only: bool,
}

impl Spec {
    /// `rules` per asset as `(tick, lot, min_notional, multiplier)`.
    pub fn new(set: Settings, rules: &[(f64, f64, f64, f64)]) -> Result<Spec> {
        let finite = [
            ("initial_cash", set.initial_cash, 0.0, 1e26),
            ("periods_per_year", set.periods_per_year, 0.0, 1e9),
            ("size", set.size, 0.0, 1e26),
            ("leverage", set.leverage, 0.0, 1e4),
            ("maintenance_margin", set.maintenance_margin, 0.0, 1.0),
            ("volume_share", set.volume_share, 0.0, 1.0),
            ("max_position", set.max_position, 0.0, 1e6),
            ("max_gross", set.max_gross, 0.0, 1e6),
            ("daily_loss", set.daily_loss, 0.0, 1.0),
            ("max_drawdown", set.max_drawdown, 0.0, 1.0),
            ("rebalance_buffer", set.rebalance_buffer, 0.0, 1.0),
            ("per_order", set.per_order, 0.0, 1e12),
            ("per_share", set.per_share, 0.0, 1e12),
            ("min_fee", set.min_fee, 0.0, 1e12),
            ("max_rate", set.max_rate, 0.0, 1.0),
            ("taker_rate", set.taker_rate, -0.01, 1.0),
            ("maker_rate", set.maker_rate, -0.01, 1.0),
            ("sell_rate", set.sell_rate, 0.0, 1.0),
            ("half_spread", set.half_spread, 0.0, 0.999),
            ("slip_a", set.slip_a, 0.0, 1e12),
            ("slip_b", set.slip_b, 0.0, 1e12),
            ("slip_c", set.slip_c, 0.0, 10.0),
            ("borrow_rate", set.borrow_rate, 0.0, 100.0),
            ("margin_rate", set.margin_rate, 0.0, 100.0),
            ("cash_rate", set.cash_rate, -1.0, 100.0),
            ("risk_free", set.risk_free, -1.0, 10.0),
            ("stop", set.protection.stop, 0.0, 1e12),
            ("target", set.protection.target, 0.0, 1e12),
            ("trail", set.protection.trail, 0.0, 1e12),
        ];
        for (name, value, low, high) in finite {
            if !(value >= low && value <= high) {
                return Err(Error::Input(format!("{name} is {value}; it must lie between {low} and {high}")));
            }
        }
        if set.initial_cash <= 0.0 {
            return Err(Error::Input(format!("initial_cash is {}; it must be above 0", set.initial_cash)));
        }
        if set.leverage < 1.0 {
            return Err(Error::Input(format!("leverage is {}; use 1 or more, and size or max_gross to hold less", set.leverage)));
        }
        if set.cooldown < 0 {
            return Err(Error::Input(format!("cooldown is {} bars; it must be 0 or more", set.cooldown)));
        }
        if set.size_mode == SizeMode::Risk && set.protection.stop <= 0.0 {
            return Err(Error::Input("size_mode \"risk\" needs a stop: risk per trade is size times equity over the distance of the stop".into()));
        }
        if rules.is_empty() {
            return Err(Error::Input("a run needs at least one asset".into()));
        }
        let mut list = Vec::with_capacity(rules.len());
        for (j, &(tick, lot, min_notional, multiplier)) in rules.iter().enumerate() {
            if !(tick >= 0.0 && lot >= 0.0 && min_notional >= 0.0 && multiplier > 0.0 && multiplier < 1e12) {
                return Err(Error::Input(format!(
                    "asset {j} has tick {tick}, lot {lot}, min_notional {min_notional}, multiplier {multiplier}; tick, lot and min_notional must be 0 or more and multiplier above 0"
                )));
            }
            list.push(Rules { tick, lot: to_units(lot)?, min_notional, multiplier, multiplier_units: to_units(multiplier)? });
        }
        let rate_only = set.per_order == 0.0 && set.per_share == 0.0 && set.min_fee == 0.0 && set.max_rate == 0.0;
        Ok(Spec {
            cash_units: to_units(set.initial_cash)?,
            per_order: to_units(set.per_order)?,
            per_share: to_units(set.per_share)?,
            maker: to_units(set.maker_rate)?,
            taker: to_units(set.taker_rate)?,
            sell: to_units(set.sell_rate)?,
            min_fee: to_units(set.min_fee)?,
            max_rate: to_units(set.max_rate)?,
            rate_only,
            rules: list,
            set,
        })
    }

    pub fn n_assets(&self) -> usize {
        self.rules.len()
    }
}
