//! Programs of indicators for Python.

use crate::arrays::{column, Column};
use crate::{core, raise};
use core::indicators::{self as ind, OPS};
use numpy::PyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

type OpSpec = (String, Vec<usize>, Vec<f64>);

/// Operations in the order of their evaluation.
#[pyclass(frozen, module = "tradewright._core")]
pub(crate) struct Program {
    inner: ind::Program,
}

#[pymethods]
impl Program {
    #[new]
    fn new(n_inputs: usize, ops: Vec<OpSpec>, outputs: Vec<usize>) -> PyResult<Program> {
        Ok(Program { inner: ind::Program::new(n_inputs, &ops, outputs).map_err(raise)? })
    }

    #[getter]
    fn n_inputs(&self) -> usize {
        self.inner.n_inputs()
    }

    fn run<'py>(&self, py: Python<'py>, columns: Vec<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyList>> {
        extend(py, &mut self.inner.state().map_err(raise)?, &self.inner, &columns)
    }

    fn state(&self) -> PyResult<ProgramState> {
        Ok(ProgramState { program: self.inner.clone(), inner: self.inner.state().map_err(raise)?, row: Vec::new() })
    }
}

/// A program and what its operations remember.
#[pyclass(module = "tradewright._core")]
pub(crate) struct ProgramState {
    program: ind::Program,
    inner: ind::State,
    row: Vec<f64>,
}

// SAFETY: operations are plain data; a state is only touched through `&mut self`, which the borrow checks of the class guard.
unsafe impl Sync for ProgramState {}

#[pymethods]
impl ProgramState {
    fn update<'py>(&mut self, py: Python<'py>, values: Vec<f64>) -> PyResult<Bound<'py, PyTuple>> {
        let wanted = self.program.n_inputs();
        if values.len() != wanted {
            return Err(PyValueError::new_err(format!("{} values; the program takes {wanted}", values.len())));
        }
        self.inner.update(&values, &mut self.row);
        PyTuple::new(py, &self.row)
    }

    fn extend<'py>(&mut self, py: Python<'py>, columns: Vec<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyList>> {
        extend(py, &mut self.inner, &self.program, &columns)
    }
}

fn extend<'py>(py: Python<'py>, state: &mut ind::State, program: &ind::Program, columns: &[Bound<'py, PyAny>]) -> PyResult<Bound<'py, PyList>> {
    let wanted = program.n_inputs();
    if columns.len() != wanted {
        return Err(PyValueError::new_err(format!("{} columns; the program takes {wanted}", columns.len())));
    }
    let held = columns.iter().map(|x| Ok(column::<f64>("column", x, "float64")?.0)).collect::<PyResult<Vec<Column<f64>>>>()?;
    let n = held.first().map_or(0, Column::len);
    if held.iter().any(|x| x.len() != n) {
        return Err(PyValueError::new_err("columns differ in length"));
    }
    let mut out = vec![vec![0.0; n]; program.n_outputs()];
    py.detach(|| {
        let views: Vec<&[f64]> = held.iter().map(Column::slice).collect();
        state.extend(&views, &mut out);
    });
    PyList::new(py, out.into_iter().map(|values| PyArray1::from_vec(py, values)))
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let ops = PyDict::new(m.py());
    for (name, inputs, outputs) in OPS {
        ops.set_item(name, (inputs, outputs))?;
    }
    m.add("OPS", ops)?;
    m.add_class::<Program>()?;
    m.add_class::<ProgramState>()
}
