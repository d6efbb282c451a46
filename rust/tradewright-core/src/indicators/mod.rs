//! Indicators as programs: operations on columns, each with a state of its own.
//!
//! Purpose: one definition runs over whole columns and row by row, with the same bits.
//! Entry points: [`Program`] (what to compute), [`State`] (what has been seen), [`OPS`].
//! Invariants: an operation sees its inputs row after row, so nothing can look ahead, and a run over the first rows is the first rows of
//! a run over all. A value that is not finite is missing (NaN): operations without a memory give NaN, windows are NaN while they hold it,
//! recursions see the rows at which all their inputs are there.

mod plain;
mod recursive;
mod rolling;

use crate::error::Error;

/// Rows that go through all operations before the next ones do, so that columns between them stay in the cache.
const BLOCK: usize = 1024;

/// What an operation does with the next rows. `x` are its inputs, all of one length; `out` has a column for each output.
pub(crate) trait Op: Send {
    fn rows(&mut self, x: &[&[f64]], out: &mut [Vec<f64>]);
}

/// Name, inputs and outputs of every operation.
pub const OPS: [(&str, usize, usize); 69] = [
    ("add", 2, 1),
    ("sub", 2, 1),
    ("mul", 2, 1),
    ("div", 2, 1),
    ("max2", 2, 1),
    ("min2", 2, 1),
    ("gt", 2, 1),
    ("ge", 2, 1),
    ("abs", 1, 1),
    ("sqrt", 1, 1),
    ("log", 1, 1),
    ("exp", 1, 1),
    ("atan", 1, 1),
    ("sign", 1, 1),
    ("scale", 1, 1),
    ("shift", 1, 1),
    ("fill", 1, 1),
    ("clip", 1, 1),
    ("sum", 1, 1),
    ("mean", 1, 1),
    ("wma", 1, 1),
    ("weights", 1, 1),
    ("var", 1, 1),
    ("std", 1, 1),
    ("low", 1, 1),
    ("high", 1, 1),
    ("since_low", 1, 1),
    ("since_high", 1, 1),
    ("quantile", 1, 1),
    ("rank", 1, 1),
    ("linreg", 1, 2),
    ("linreg_fit", 1, 2),
    ("mad", 1, 1),
    ("skew", 1, 1),
    ("kurt", 1, 1),
    ("entropy", 1, 1),
    ("corr", 2, 1),
    ("cov", 2, 1),
    ("hurst_variance", 1, 1),
    ("hurst_rs", 1, 1),
    ("fractal_sevcik", 1, 1),
    ("fractal_katz", 1, 1),
    ("ewm", 1, 1),
    ("ewm_adjusted", 1, 1),
    ("wilder_sum", 1, 1),
    ("cum", 1, 1),
    ("cum_since", 2, 1),
    ("product", 1, 1),
    ("highest", 1, 1),
    ("previous", 1, 1),
    ("skip", 1, 1),
    ("run", 1, 1),
    ("adaptive", 2, 1),
    ("linear", 1, 1),
    ("bands", 3, 2),
    ("parabolic", 2, 2),
    ("heikin_ashi", 3, 1),
    ("fisher", 1, 1),
    ("laguerre", 1, 1),
    ("mcginley", 1, 1),
    ("trail", 2, 2),
    ("ratchet", 3, 1),
    ("side", 3, 1),
    ("klinger_force", 3, 1),
    ("where", 3, 1),
    ("known", 2, 1),
    ("either", 2, 1),
    ("lag", 1, 1),
    ("hold", 1, 1),
];

#[derive(Clone, Debug)]
struct Step {
    name: &'static str,
    inputs: Vec<usize>,
    params: Vec<f64>,
    first: usize,
    width: usize,
}

/// Operations in the order of their evaluation.
#[derive(Clone, Debug)]
pub struct Program {
    n_inputs: usize,
    n_slots: usize,
    steps: Vec<Step>,
    outputs: Vec<usize>,
}

impl Program {
    /// `ops`: name, slots it reads, parameters. Slots are first the given columns, then the outputs of the operations in their order.
    pub fn new(n_inputs: usize, ops: &[(String, Vec<usize>, Vec<f64>)], outputs: Vec<usize>) -> Result<Program, Error> {
        let mut steps = Vec::with_capacity(ops.len());
        let mut slots = n_inputs;
        for (name, inputs, params) in ops {
            let Some((name, arity, width)) = OPS.iter().find(|op| op.0 == name) else {
                return Err(Error::Input(format!("{name:?} is no operation")));
            };
            if inputs.len() != *arity || inputs.iter().any(|i| *i >= slots) {
                return Err(Error::Input(format!("{name} reads slots {inputs:?}; it takes {arity} of the {slots} before it")));
            }
            steps.push(Step { name, inputs: inputs.clone(), params: params.clone(), first: slots, width: *width });
            slots += width;
        }
        if let Some(bad) = outputs.iter().find(|o| **o >= slots) {
            return Err(Error::Input(format!("output {bad} is not among the {slots} slots")));
        }
        let program = Program { n_inputs, n_slots: slots, steps, outputs };
        for step in &program.steps {
            make(step.name, &step.params)?;
        }
        Ok(program)
    }

    pub fn n_inputs(&self) -> usize {
        self.n_inputs
    }

    pub fn n_outputs(&self) -> usize {
        self.outputs.len()
    }

    /// State that has seen nothing.
    pub fn state(&self) -> Result<State, Error> {
        let ops = self.steps.iter().map(|s| make(s.name, &s.params)).collect::<Result<Vec<_>, Error>>()?;
        Ok(State { program: self.clone(), ops, slots: vec![Vec::new(); self.n_slots] })
    }
}

/// A program and what its operations remember.
pub struct State {
    program: Program,
    ops: Vec<Box<dyn Op>>,
    slots: Vec<Vec<f64>>,
}

impl State {
    /// Outputs of the next rows: one column in, and out, for each input and output.
    pub fn extend(&mut self, columns: &[&[f64]], out: &mut [Vec<f64>]) {
        let n = columns.first().map_or(0, |c| c.len());
        let mut at = 0;
        while at < n {
            let end = (at + BLOCK).min(n);
            for (slot, column) in self.slots.iter_mut().zip(columns) {
                slot.clear();
                slot.extend(column[at..end].iter().map(|v| if v.is_finite() { *v } else { f64::NAN }));
            }
            self.evaluate(end - at);
            for (column, slot) in out.iter_mut().zip(&self.program.outputs) {
                column[at..end].copy_from_slice(&self.slots[*slot]);
            }
            at = end;
        }
    }

    /// Outputs of one more row.
    pub fn update(&mut self, values: &[f64], out: &mut Vec<f64>) {
        for (slot, v) in self.slots.iter_mut().zip(values) {
            slot.clear();
            slot.push(if v.is_finite() { *v } else { f64::NAN });
        }
        self.evaluate(1);
        out.clear();
        out.extend(self.program.outputs.iter().map(|slot| self.slots[*slot][0]));
    }

    fn evaluate(&mut self, n: usize) {
        for (op, step) in self.ops.iter_mut().zip(&self.program.steps) {
            let (before, after) = self.slots.split_at_mut(step.first);
            let out = &mut after[..step.width];
            for column in out.iter_mut() {
                column.resize(n, 0.0);
            }
            let mut x: [&[f64]; 3] = [&[]; 3];
            for (place, slot) in x.iter_mut().zip(&step.inputs) {
                *place = &before[*slot];
            }
            op.rows(&x[..step.inputs.len()], out);
        }
    }
}

fn make(name: &str, params: &[f64]) -> Result<Box<dyn Op>, Error> {
    let found = plain::make(name, params).or_else(|| rolling::make(name, params)).or_else(|| recursive::make(name, params));
    found.ok_or_else(|| Error::Input(format!("{name} cannot be made with parameters {params:?}")))
}

/// The value, or NaN when it is not finite.
#[inline]
fn sound(v: f64) -> f64 {
    if v.is_finite() {
        v
    } else {
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(n: usize) -> Vec<f64> {
        let mut seed = 7u64;
        let mut level = 100.0;
        (0..n)
            .map(|_| {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                level *= 1.0 + ((seed >> 33) as f64 / 2f64.powi(31) - 0.5) * 0.04;
                level
            })
            .collect()
    }

    fn params(name: &str) -> Vec<f64> {
        match name {
            "quantile" => vec![20.0, 0.3, 0.0],
            "weights" => vec![3.0, 0.2, 0.3, 0.5],
            "clip" => vec![90.0, 110.0],
            "var" | "std" | "cov" => vec![20.0, 1.0],
            "rank" => vec![20.0, 2.0],
            "entropy" => vec![20.0, 2.0],
            "hurst_variance" => vec![64.0, 10.0],
            "hurst_rs" => vec![64.0],
            "ewm" => vec![0.1, 19.0],
            "ewm_adjusted" => vec![0.1],
            "wilder_sum" => vec![14.0, 13.0],
            "linear" => vec![0.1, 0.1, 1.2, -0.4],
            "parabolic" => vec![0.02, 0.02, 0.2],
            "laguerre" => vec![0.5],
            "mcginley" => vec![10.0, 0.6],
            "div" => vec![f64::NAN],
            "bands" => vec![0.0],
            _ => vec![20.0],
        }
    }

    #[test]
    fn pieces_give_the_bits_of_the_whole_for_every_operation() {
        let n = 2500;
        let (mut a, b, c) = (walk(n), walk(n + 50)[50..].to_vec(), walk(n + 90)[90..].to_vec());
        a[700] = f64::NAN;
        a[1300] = f64::INFINITY;
        for (name, arity, width) in OPS {
            let ops = [(name.to_string(), (0..arity).collect::<Vec<_>>(), params(name))];
            let program = Program::new(arity, &ops, (arity..arity + width).collect()).unwrap();
            let columns = [&a[..], &b[..], &c[..]];
            let columns = &columns[..arity];
            let mut whole = vec![vec![0.0; n]; width];
            program.state().unwrap().extend(columns, &mut whole);
            let mut state = program.state().unwrap();
            let mut row = Vec::new();
            for i in 0..n {
                state.update(&columns.iter().map(|x| x[i]).collect::<Vec<_>>(), &mut row);
                for k in 0..width {
                    assert!(row[k].to_bits() == whole[k][i].to_bits() || (row[k].is_nan() && whole[k][i].is_nan()), "{name} at {i}");
                }
            }
            assert!(whole.iter().any(|column| column.iter().any(|v| v.is_finite())), "{name} has no value");
        }
    }

    #[test]
    fn unknown_names_and_slots_are_refused() {
        assert!(Program::new(1, &[("nothing".into(), vec![0], vec![])], vec![0]).is_err());
        assert!(Program::new(1, &[("abs".into(), vec![1], vec![])], vec![0]).is_err());
        assert!(Program::new(1, &[("mean".into(), vec![0], vec![])], vec![0]).is_err());
        assert!(Program::new(1, &[], vec![1]).is_err());
    }
}
