//! Operations without a memory, and shifts by rows.

use super::{sound, Op};

struct One<F>(F);
struct Two<F>(F);
struct Three<F>(F);

impl<F: FnMut(f64) -> f64 + Send> Op for One<F> {
    fn rows(&mut self, x: &[&[f64]], out: &mut [Vec<f64>]) {
        for (o, a) in out[0].iter_mut().zip(x[0]) {
            *o = sound((self.0)(*a));
        }
    }
}

impl<F: FnMut(f64, f64) -> f64 + Send> Op for Two<F> {
    fn rows(&mut self, x: &[&[f64]], out: &mut [Vec<f64>]) {
        for ((o, a), b) in out[0].iter_mut().zip(x[0]).zip(x[1]) {
            *o = sound((self.0)(*a, *b));
        }
    }
}

impl<F: FnMut(f64, f64, f64) -> f64 + Send> Op for Three<F> {
    fn rows(&mut self, x: &[&[f64]], out: &mut [Vec<f64>]) {
        for (((o, a), b), c) in out[0].iter_mut().zip(x[0]).zip(x[1]).zip(x[2]) {
            *o = sound((self.0)(*a, *b, *c));
        }
    }
}

/// The value `rows` rows ago, from a ring of that many.
struct Lag {
    ring: Vec<f64>,
    at: usize,
}

impl Op for Lag {
    fn rows(&mut self, x: &[&[f64]], out: &mut [Vec<f64>]) {
        let size = self.ring.len();
        for (o, v) in out[0].iter_mut().zip(x[0]) {
            *o = self.ring[self.at];
            self.ring[self.at] = *v;
            self.at += 1;
            if self.at == size {
                self.at = 0;
            }
        }
    }
}

fn truth(a: f64, b: f64, is: bool) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        f64::from(u8::from(is))
    }
}

fn missing_of(a: f64, b: f64, v: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        v
    }
}

fn one(f: impl FnMut(f64) -> f64 + Send + 'static) -> Option<Box<dyn Op>> {
    Some(Box::new(One(f)))
}

fn two(f: impl FnMut(f64, f64) -> f64 + Send + 'static) -> Option<Box<dyn Op>> {
    Some(Box::new(Two(f)))
}

pub(super) fn make(name: &str, params: &[f64]) -> Option<Box<dyn Op>> {
    let p = |k: usize| params.get(k).copied();
    match name {
        "add" => two(|a, b| a + b),
        "sub" => two(|a, b| a - b),
        "mul" => two(|a, b| a * b),
        "div" => {
            let zero = p(0)?;
            two(move |a, b| if b == 0.0 { missing_of(a, b, zero) } else { a / b })
        }
        "max2" => two(|a, b| missing_of(a, b, if b > a { b } else { a })),
        "min2" => two(|a, b| missing_of(a, b, if b < a { b } else { a })),
        "gt" => two(|a, b| truth(a, b, a > b)),
        "ge" => two(|a, b| truth(a, b, a >= b)),
        "abs" => one(f64::abs),
        "sqrt" => one(f64::sqrt),
        "log" => one(f64::ln),
        "exp" => one(f64::exp),
        "atan" => one(f64::atan),
        "sign" => one(|a| missing_of(a, a, f64::from(i8::from(a > 0.0) - i8::from(a < 0.0)))),
        "scale" => {
            let k = p(0)?;
            one(move |a| a * k)
        }
        "shift" => {
            let k = p(0)?;
            one(move |a| a + k)
        }
        "fill" => {
            let k = p(0)?;
            one(move |a| missing_of(a, a, k))
        }
        "clip" => {
            let (low, high) = (p(0)?, p(1)?);
            one(move |a| missing_of(a, a, a.max(low).min(high)))
        }
        "where" => Some(Box::new(Three(|condition: f64, a: f64, b: f64| {
            if condition.is_nan() {
                f64::NAN
            } else if condition > 0.0 {
                a
            } else {
                b
            }
        }))),
        "known" => two(|x, other| if other.is_nan() { f64::NAN } else { x }),
        "either" => two(|x, other| if x.is_nan() { other } else { x }),
        "lag" => {
            let size = p(0).filter(|v| *v >= 1.0)? as usize;
            Some(Box::new(Lag { ring: vec![f64::NAN; size], at: 0 }))
        }
        "hold" => {
            let mut last = f64::NAN;
            one(move |a| {
                if !a.is_nan() {
                    last = a;
                }
                last
            })
        }
        _ => None,
    }
}
