//! The arrays of one run, borrowed; shapes checked once.

use crate::engine::{Action, Bar, Detail};
use crate::error::{Error, Result};

const NS_PER_DAY: i64 = 86_400_000_000_000;

#[derive(Clone, Copy)]
pub struct Finer<'a> {
    /// Rows of bar `t` are `offsets[t] .. offsets[t + 1]`.
    pub offsets: &'a [i64],
    pub open: &'a [f64],
    pub high: &'a [f64],
    pub low: &'a [f64],
    pub close: &'a [f64],
}

#[derive(Clone, Copy)]
pub struct Market<'a> {
    pub n: usize,
    pub m: usize,
    pub ts: &'a [i64],
    /// Trading session of each bar; `None`: the UTC day of its stamp.
    pub session: Option<&'a [i64]>,
    pub open: &'a [f64],
    pub high: &'a [f64],
    pub low: &'a [f64],
    pub close: &'a [f64],
    pub volume: Option<&'a [f64]>,
    pub atr: Option<&'a [f64]>,
    pub sigma: Option<&'a [f64]>,
    pub funding: Option<&'a [f64]>,
    /// Sorted by bar; `action_bars[i]` is the bar of `actions[i]`.
    pub actions: &'a [Action],
    pub action_bars: &'a [usize],
    pub finer: Option<Finer<'a>>,
    /// Every price is finite.
    pub whole: bool,
}

impl<'a> Market<'a> {
    pub fn check(&self) -> Result<()> {
        let cells = self.n * self.m;
        let sized = [("open", self.open.len()), ("high", self.high.len()), ("low", self.low.len()), ("close", self.close.len())];
        for (name, len) in sized {
            if len != cells {
                return Err(Error::Input(format!("{name} has {len} values; {} bars of {} assets need {cells}", self.n, self.m)));
            }
        }
        for (name, part) in [("volume", self.volume), ("atr", self.atr), ("sigma", self.sigma), ("funding", self.funding)] {
            if let Some(values) = part {
                if values.len() != cells {
                    return Err(Error::Input(format!("{name} has {} values; {} bars of {} assets need {cells}", values.len(), self.n, self.m)));
                }
            }
        }
        if let Some(session) = self.session.filter(|s| s.len() != self.n) {
            return Err(Error::Input(format!("session has {} values for {} bars", session.len(), self.n)));
        }
        if self.ts.len() != self.n {
            return Err(Error::Input(format!("ts has {} values for {} bars", self.ts.len(), self.n)));
        }
        if let Some(f) = &self.finer {
            let rows = f.open.len();
            let sorted = f.offsets.windows(2).all(|w| w[0] <= w[1]);
            let ends = f.offsets.first() == Some(&0) && f.offsets.last().map(|x| *x as usize * self.m) == Some(rows);
            if f.offsets.len() != self.n + 1 || !sorted || !ends || f.high.len() != rows || f.low.len() != rows || f.close.len() != rows {
                return Err(Error::Input(format!(
                    "detail needs n_bars + 1 = {} ascending offsets from 0 to its number of rows, and four arrays of equal length; got {} offsets and {rows} values",
                    self.n + 1,
                    f.offsets.len()
                )));
            }
        }
        if let Some((a, bar)) =
            self.actions.iter().zip(self.action_bars).find(|(a, b)| a.asset.max(a.other.unwrap_or(0)) as usize >= self.m || **b >= self.n)
        {
            return Err(Error::Input(format!("corporate action on bar {bar} of asset {}; there are {} bars and {} assets", a.asset, self.n, self.m)));
        }
        Ok(())
    }

    #[inline]
    fn row(&self, values: &'a [f64], t: usize) -> &'a [f64] {
        &values[t * self.m..(t + 1) * self.m]
    }

    /// Bar `t`, with the actions that take effect on it.
    #[inline]
    pub fn bar(&self, t: usize) -> Bar<'a> {
        let session = self.session.map_or_else(|| self.ts[t].div_euclid(NS_PER_DAY), |s| s[t]);
        Bar { ts: self.ts[t], session, ..self.timeless(t) }
    }

    /// Bar `t` for a run in which neither stamps nor sessions matter: they are not fetched from memory.
    #[inline]
    pub fn timeless(&self, t: usize) -> Bar<'a> {
        let actions = if self.actions.is_empty() {
            self.actions
        } else {
            let from = self.action_bars.partition_point(|b| *b < t);
            let to = self.action_bars.partition_point(|b| *b <= t);
            &self.actions[from..to]
        };
        Bar {
            t: t as i64,
            ts: 0,
            session: 0,
            open: self.row(self.open, t),
            high: self.row(self.high, t),
            low: self.row(self.low, t),
            close: self.row(self.close, t),
            volume: self.volume.map(|v| self.row(v, t)),
            sigma: self.sigma.map(|v| self.row(v, t.saturating_sub(1))),
            atr: self.atr.map(|v| self.row(v, t)),
            funding: self.funding.map(|v| self.row(v, t)),
            actions,
            detail: self.finer.as_ref().map(|f| {
                let (a, b) = (f.offsets[t] as usize * self.m, f.offsets[t + 1] as usize * self.m);
                Detail { open: &f.open[a..b], high: &f.high[a..b], low: &f.low[a..b], close: &f.close[a..b] }
            }),
            whole: self.whole,
        }
    }

    /// The first bar from `t` on with a corporate action.
    pub fn next_action(&self, t: usize) -> usize {
        if self.actions.is_empty() {
            return self.n;
        }
        let at = self.action_bars.partition_point(|b| *b < t);
        self.action_bars.get(at).copied().unwrap_or(self.n)
    }
}
