//! Books of price levels for Python.

use crate::arrays::{column, Column};
use crate::{core, raise};
use core::depth as d;
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

type Codes<'py> = Bound<'py, PyArray1<i8>>;
type Ints<'py> = Bound<'py, PyArray1<i64>>;
type Rows<'py> = (Codes<'py>, Codes<'py>, Bound<'py, PyArray2<f64>>);

fn ints(name: &str, x: &Bound<'_, PyAny>) -> PyResult<Column<i64>> {
    Ok(column::<i64>(name, x, "int64")?.0)
}

/// A book of price levels rebuilt from events.
#[pyclass(module = "tradewright._core")]
pub(crate) struct DepthBook {
    inner: d::Book,
    row: Vec<f64>,
}

#[pymethods]
impl DepthBook {
    #[new]
    #[pyo3(signature = (rule, *, levels, within, sizes, price_decimals, size_decimals, depth = 0, hold = 10_000))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        rule: String,
        levels: Vec<usize>,
        within: Vec<i64>,
        sizes: Vec<i64>,
        price_decimals: u32,
        size_decimals: u32,
        depth: usize,
        hold: usize,
    ) -> PyResult<DepthBook> {
        let settings = d::Settings { rule, levels, within, sizes, price_decimals, size_decimals, depth, hold };
        let inner = d::Book::new(settings).map_err(raise)?;
        let row = vec![f64::NAN; inner.width()];
        Ok(DepthBook { inner, row })
    }

    #[getter]
    fn width(&self) -> usize {
        self.inner.width()
    }

    #[getter]
    fn synced(&self) -> bool {
        self.inner.synced()
    }

    #[getter]
    fn reason(&self) -> u8 {
        self.inner.reason()
    }

    #[getter]
    fn last_id(&self) -> i64 {
        self.inner.last()
    }

    #[getter]
    fn n_levels(&self) -> (usize, usize) {
        self.inner.n_levels()
    }

    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let out = PyDict::new(py);
        for (name, count) in d::COUNTS.iter().zip(self.inner.counts()) {
            out.set_item(name, count)?;
        }
        Ok(out)
    }

    fn checksum(&self) -> i64 {
        self.inner.checksum()
    }

    fn top<'py>(&self, py: Python<'py>, n: usize) -> [Ints<'py>; 4] {
        let [bids, asks] = self.inner.top(n);
        let (bp, bq): (Vec<i64>, Vec<i64>) = bids.into_iter().unzip();
        let (ap, aq): (Vec<i64>, Vec<i64>) = asks.into_iter().unzip();
        [bp, bq, ap, aq].map(|values| PyArray1::from_vec(py, values))
    }

    #[allow(clippy::too_many_arguments)]
    fn apply(
        &mut self,
        snapshot: bool,
        first: i64,
        last: i64,
        previous: i64,
        checksum: i64,
        n_bids: usize,
        price: &Bound<'_, PyAny>,
        size: &Bound<'_, PyAny>,
    ) -> PyResult<u8> {
        let (price, size) = (ints("price", price)?, ints("size", size)?);
        if price.len() != size.len() || n_bids > price.len() {
            return Err(PyValueError::new_err(format!("{} prices, {} sizes and {n_bids} bids do not fit", price.len(), size.len())));
        }
        Ok(self.inner.apply(d::Event { snapshot, first, last, previous, checksum, n_bids, price: price.slice(), size: size.slice() }))
    }

    fn row<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.inner.features(&mut self.row);
        PyArray1::from_slice(py, &self.row)
    }

    #[allow(clippy::too_many_arguments)]
    fn run<'py>(
        &mut self,
        py: Python<'py>,
        snapshot: &Bound<'py, PyAny>,
        first: &Bound<'py, PyAny>,
        last: &Bound<'py, PyAny>,
        previous: &Bound<'py, PyAny>,
        checksum: &Bound<'py, PyAny>,
        begin: &Bound<'py, PyAny>,
        n_bids: &Bound<'py, PyAny>,
        price: &Bound<'py, PyAny>,
        size: &Bound<'py, PyAny>,
    ) -> PyResult<Rows<'py>> {
        let snapshot = column::<i8>("snapshot", snapshot, "int8")?.0;
        let (first, last) = (ints("first", first)?, ints("last", last)?);
        let (previous, checksum) = (ints("previous", previous)?, ints("checksum", checksum)?);
        let (begin, n_bids) = (ints("begin", begin)?, ints("n_bids", n_bids)?);
        let (price, size) = (ints("price", price)?, ints("size", size)?);
        let n = snapshot.len();
        if [first.len(), last.len(), previous.len(), checksum.len(), n_bids.len()].iter().any(|m| *m != n) || begin.len() != n + 1 {
            return Err(PyValueError::new_err("columns differ in length"));
        }
        let total = price.len() as i64;
        let fits =
            begin.slice().windows(2).zip(n_bids.slice()).all(|(w, b)| 0 <= w[0] && w[0] <= w[1] && w[1] <= total && 0 <= *b && *b <= w[1] - w[0]);
        if size.len() != price.len() || !fits {
            return Err(PyValueError::new_err("levels do not fit their events"));
        }
        let width = self.inner.width();
        let (mut status, mut reason, mut rows) = (vec![0i8; n], vec![0i8; n], vec![f64::NAN; n * width]);
        let book = &mut self.inner;
        py.detach(|| {
            let (prices, sizes) = (price.slice(), size.slice());
            for k in 0..n {
                let span = begin.slice()[k] as usize..begin.slice()[k + 1] as usize;
                status[k] = book.apply(d::Event {
                    snapshot: snapshot.slice()[k] != 0,
                    first: first.slice()[k],
                    last: last.slice()[k],
                    previous: previous.slice()[k],
                    checksum: checksum.slice()[k],
                    n_bids: n_bids.slice()[k] as usize,
                    price: &prices[span.clone()],
                    size: &sizes[span],
                }) as i8;
                reason[k] = book.reason() as i8;
                book.features(&mut rows[k * width..(k + 1) * width]);
            }
        });
        let table = PyArray1::from_vec(py, rows).reshape([n, width])?;
        Ok((PyArray1::from_vec(py, status), PyArray1::from_vec(py, reason), table))
    }
}

fn units(value: &Bound<'_, PyAny>, decimals: u32) -> PyResult<i64> {
    if let Ok(text) = value.cast::<PyString>() {
        return d::decimal(text.to_str()?, decimals).map_err(raise);
    }
    d::decimal(value.repr()?.to_str()?, decimals).map_err(raise)
}

/// Decimal texts as exact integers of `10^-decimals`.
#[pyfunction]
fn decimal_units<'py>(py: Python<'py>, texts: &Bound<'py, PyList>, decimals: u32) -> PyResult<Ints<'py>> {
    let values = texts.iter().map(|x| units(&x, decimals)).collect::<PyResult<Vec<i64>>>()?;
    Ok(PyArray1::from_vec(py, values))
}

/// Prices and sizes of levels given as pairs.
#[pyfunction]
fn level_units<'py>(py: Python<'py>, levels: &Bound<'py, PyList>, price_decimals: u32, size_decimals: u32) -> PyResult<(Ints<'py>, Ints<'py>)> {
    let n = levels.len();
    let (mut price, mut size) = (Vec::with_capacity(n), Vec::with_capacity(n));
    for level in levels.iter() {
        price.push(units(&level.get_item(0)?, price_decimals)?);
        size.push(units(&level.get_item(1)?, size_decimals)?);
    }
    Ok((PyArray1::from_vec(py, price), PyArray1::from_vec(py, size)))
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = m.py();
    m.add("DEPTH_STATUSES", PyTuple::new(py, d::STATUSES)?)?;
    m.add("DEPTH_REASONS", PyTuple::new(py, d::REASONS)?)?;
    m.add("DEPTH_RULES", PyTuple::new(py, d::RULES)?)?;
    m.add_function(wrap_pyfunction!(decimal_units, m)?)?;
    m.add_function(wrap_pyfunction!(level_units, m)?)?;
    m.add_class::<DepthBook>()
}
