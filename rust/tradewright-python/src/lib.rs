//! The Python face of the order engine: module `tradewright._core`.
//!
//! Purpose: borrow arrays, release the interpreter, compute, hand columns back. No rule of trading lives here.
//! Entry points: the functions and classes registered below; types in `_core.pyi`.

mod arrays;
mod book;
mod context;
mod depth;
mod indicators;
mod kernels;
mod labels;
mod market;
mod run;
mod spec;
mod table;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use tradewright_core as core;

/// Errors of the core as Python exceptions.
pub(crate) fn raise(error: core::error::Error) -> PyErr {
    let text = error.to_string();
    match error {
        core::error::Error::Range(_) => pyo3::exceptions::PyOverflowError::new_err(text),
        core::error::Error::Input(_) => pyo3::exceptions::PyValueError::new_err(text),
    }
}

#[pymodule(gil_used = true)]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = m.py();
    m.add("__backend__", "rust")?;
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add("UNIT", core::units::UNIT)?;
    m.add("HOLD", core::types::HOLD)?;
    m.add("METRICS", PyTuple::new(py, core::stats::METRICS)?)?;
    m.add("KINDS", PyTuple::new(py, core::types::KINDS)?)?;
    m.add("TIFS", PyTuple::new(py, core::types::TIFS)?)?;
    m.add("STATUSES", PyTuple::new(py, core::types::STATUSES)?)?;
    m.add("REASONS", PyTuple::new(py, core::types::REASONS)?)?;
    let rules = PyDict::new(py);
    for (name, params) in core::rules::RULES {
        rules.set_item(name, PyTuple::new(py, *params)?)?;
    }
    m.add("RULES", rules)?;
    m.add_class::<spec::Spec>()?;
    m.add_class::<market::Market>()?;
    m.add_class::<run::Run>()?;
    m.add_class::<context::Context>()?;
    m.add_class::<book::Book>()?;
    m.add_function(wrap_pyfunction!(run::run_signals, m)?)?;
    m.add_function(wrap_pyfunction!(run::run_weights, m)?)?;
    m.add_function(wrap_pyfunction!(run::run_orders, m)?)?;
    m.add_function(wrap_pyfunction!(context::run_callback, m)?)?;
    depth::register(m)?;
    indicators::register(m)?;
    kernels::register(m)?;
    labels::register(m)
}
