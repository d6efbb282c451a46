//! What can go wrong inside the engine: bad settings, bad arrays, numbers outside the ledger.

use std::fmt;

#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    /// A number that the ledger cannot hold, or not a number.
    Range(f64),
    /// A setting or an array that cannot be used; the text names value, limit and next step.
    Input(String),
}

pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Range(x) => write!(
                f,
                "the value {x} does not fit the ledger (finite, at most 1.7e26 in money, price or quantity); check prices, sizes and initial cash"
            ),
            Error::Input(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}
