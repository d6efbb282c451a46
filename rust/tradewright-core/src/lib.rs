//! The order engine of tradewright: one exact, deterministic simulation of orders in a market of bars.
//!
//! Purpose: fill every simulated order, in a sweep of ten thousand backtests, in one backtest and in paper trading.
//! Entry points: [`market::Market`] (arrays), [`spec::Spec`] (settings), [`drive`] (whole runs), [`sweep`] (many runs), [`engine::Engine`] (one bar at a time).
//! Invariants: see `docs/fill-semantics.md`; nothing here knows Python.

mod actions;
pub mod decide;
pub mod depth;
pub mod drive;
pub mod engine;
pub mod error;
mod fill;
pub mod indicators;
pub mod kernels;
pub mod labels;
mod lane;
pub mod ledger;
pub mod market;
pub mod order;
mod pack;
mod path;
pub mod rules;
pub mod simd;
pub mod spec;
pub mod stats;
pub mod sweep;
mod trips;
pub mod types;
pub mod units;
