//! Scans behind labels: barriers met, trends of best fit, events, overlap and the bootstrap that minds it.
//!
//! Purpose: answer "what happened after this row" for many rows of one instrument's bars, without holes.
//! Entry points: [`first_touch`], [`trend_scan`], [`cusum_events`], [`ewm_std`], [`sequential_draws`].
//! Invariants: columns have one length and rows lie inside of them (the caller checks); sums run in the order of rows, so
//! that the readable twin gives the same bits; nothing here knows what a label is for.

/// What ended a scan.
pub const LAST_ROW: i8 = 0;
pub const UPPER: i8 = 1;
pub const LOWER: i8 = -1;

/// Prices of one instrument, one value a bar.
#[derive(Clone, Copy)]
pub struct Prices<'a> {
    pub open: &'a [f64],
    pub high: &'a [f64],
    pub low: &'a [f64],
    pub close: &'a [f64],
}

/// One question to [`first_touch`]: rows `first..=last` against two levels (infinite: no barrier).
#[derive(Clone, Copy)]
pub struct Watch {
    pub first: usize,
    pub last: usize,
    pub upper: f64,
    pub lower: f64,
    /// When one bar meets both: the upper one counts.
    pub upper_wins: bool,
}

/// The answer: row, price, which barrier, and whether one bar met both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Touch {
    pub row: usize,
    pub price: f64,
    pub barrier: i8,
    pub both: bool,
}

/// First row at which a level is reached, else the last row at its close.
///
/// By closes, the price is that close. Else highs and lows count, a bar that opens at or beyond a level is left at its
/// open, and any other at the level. The open of the first row does so only with `gap_first`: a scan that begins with an
/// entry at that open cannot have passed a level before.
pub fn first_touch(p: Prices<'_>, by_close: bool, gap_first: bool, w: Watch) -> Touch {
    for row in w.first..=w.last {
        if by_close {
            let price = p.close[row];
            if price >= w.upper {
                return Touch { row, price, barrier: UPPER, both: false };
            }
            if price <= w.lower {
                return Touch { row, price, barrier: LOWER, both: false };
            }
            continue;
        }
        let (up, down) = (p.high[row] >= w.upper, p.low[row] <= w.lower);
        if !(up || down) {
            continue;
        }
        let open = p.open[row];
        if gap_first || row > w.first {
            if open >= w.upper {
                return Touch { row, price: open, barrier: UPPER, both: false };
            }
            if open <= w.lower {
                return Touch { row, price: open, barrier: LOWER, both: false };
            }
        }
        let upper = if up && down { w.upper_wins } else { up };
        let (price, barrier) = if upper { (w.upper, UPPER) } else { (w.lower, LOWER) };
        return Touch { row, price, barrier, both: up && down };
    }
    Touch { row: w.last, price: p.close[w.last], barrier: LAST_ROW, both: false }
}

/// Slope's t-value of the line through `x[row..row + length]` for lengths `shortest..=longest` in `step`s: the one of
/// largest magnitude and its length, the shortest of equals. Magnitudes are cut to `limit`; a flat line has 0.
pub fn trend_scan(x: &[f64], row: usize, shortest: usize, longest: usize, step: usize, limit: f64) -> (f64, usize) {
    let origin = x[row];
    let (mut sum, mut cross, mut square) = (0.0, 0.0, 0.0);
    let (mut best, mut chosen) = (0.0_f64, shortest);
    for k in 0..longest {
        let (i, y) = (k as f64, x[row + k] - origin);
        sum += y;
        cross += i * y;
        square += y * y;
        let length = k + 1;
        if length < shortest || !(length - shortest).is_multiple_of(step) {
            continue;
        }
        let n = length as f64;
        let sxx = n * (n * n - 1.0) / 12.0;
        let sxy = cross - (n - 1.0) / 2.0 * sum;
        let syy = square - sum * sum / n;
        let slope = sxy / sxx;
        let residual = (syy - slope * sxy).max(0.0);
        let t = if slope == 0.0 { 0.0 } else { (slope / (residual / (n - 2.0) / sxx).sqrt()).clamp(-limit, limit) };
        if t.abs() > best.abs() {
            (best, chosen) = (t, length);
        }
    }
    (best, chosen)
}

/// Rows at which the sum of changes, since the last event and never below zero, exceeds the threshold: up and down.
///
/// A change that is NaN adds nothing; at a threshold that is not positive and finite the row counts, but nothing is met.
pub fn cusum_events(change: &[f64], threshold: &[f64], rows: &mut Vec<i64>, direction: &mut Vec<i8>) {
    let (mut up, mut down) = (0.0_f64, 0.0_f64);
    for (row, (&d, &h)) in change.iter().zip(threshold).enumerate() {
        if d.is_nan() {
            continue;
        }
        up = (up + d).max(0.0);
        down = (down + d).min(0.0);
        if !(h > 0.0 && h.is_finite()) {
            continue;
        }
        if down < -h {
            down = 0.0;
            rows.push(row as i64);
            direction.push(-1);
        } else if up > h {
            up = 0.0;
            rows.push(row as i64);
            direction.push(1);
        }
    }
}

/// Standard deviation with weights `(1 - alpha)^age`, unbiased; NaN for fewer than `min_count` values. A NaN ages what came
/// before and is itself left out, and its row shows what is known.
pub fn ewm_std(x: &[f64], alpha: f64, min_count: usize, out: &mut [f64]) {
    let keep = 1.0 - alpha;
    let (mut weight, mut squares, mut mean, mut scatter, mut count) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64, 0_usize);
    for (&value, slot) in x.iter().zip(out) {
        weight *= keep;
        squares *= keep * keep;
        scatter *= keep;
        if !value.is_nan() {
            count += 1;
            let step = value - mean;
            weight += 1.0;
            squares += 1.0;
            mean += step / weight;
            scatter += step * (value - mean);
        }
        let spread = weight - squares / weight;
        *slot = if count >= min_count.max(2) && spread > 0.0 { (scatter.max(0.0) / spread).sqrt() } else { f64::NAN };
    }
}

/// Draws labels one after the other, each in proportion to its average uniqueness among those drawn before.
///
/// Spans `first[i]..=last[i]` are sorted by `first`; one draw for each number of `uniform`, which lie in `[0, 1)`.
pub fn sequential_draws(first: &[usize], last: &[usize], uniform: &[f64]) -> Vec<i64> {
    let n = first.len();
    let rows = last.iter().max().map_or(0, |row| row + 1);
    let mut drawn = vec![0_u32; rows];
    let mut chance = vec![1.0_f64; n];
    // The latest end among the labels up to each: where it lies before a row, no label so far reaches that row.
    let reach: Vec<usize> = last
        .iter()
        .scan(0, |most, &row| {
            *most = (*most).max(row);
            Some(*most)
        })
        .collect();
    let mut out = Vec::with_capacity(uniform.len());
    for &u in uniform {
        let total: f64 = chance.iter().sum();
        let mark = u * total;
        let mut so_far = 0.0;
        let mut pick = n - 1;
        for (i, &c) in chance.iter().enumerate() {
            so_far += c;
            if so_far > mark {
                pick = i;
                break;
            }
        }
        out.push(pick as i64);
        for count in &mut drawn[first[pick]..=last[pick]] {
            *count += 1;
        }
        let begin = reach.partition_point(|&row| row < first[pick]);
        for i in begin..n {
            if first[i] > last[pick] {
                break;
            }
            if last[i] >= first[pick] {
                chance[i] = average_uniqueness(&drawn, first[i], last[i]);
            }
        }
    }
    out
}

fn average_uniqueness(drawn: &[u32], first: usize, last: usize) -> f64 {
    let sum: f64 = drawn[first..=last].iter().map(|&count| 1.0 / (1.0 + f64::from(count))).sum();
    sum / (last - first + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: Prices<'_> = Prices { open: &[10.0, 10.0, 13.0], high: &[10.0, 11.0, 14.0], low: &[10.0, 9.0, 12.0], close: &[10.0, 10.5, 13.0] };

    fn watch(upper: f64, lower: f64) -> Watch {
        Watch { first: 1, last: 2, upper, lower, upper_wins: false }
    }

    #[test]
    fn a_gap_through_a_level_leaves_at_the_open() {
        assert_eq!(first_touch(P, false, true, watch(12.0, 8.0)), Touch { row: 2, price: 13.0, barrier: UPPER, both: false });
    }

    #[test]
    fn one_bar_that_meets_both_says_so() {
        assert_eq!(first_touch(P, false, true, watch(11.0, 9.0)), Touch { row: 1, price: 9.0, barrier: LOWER, both: true });
    }

    #[test]
    fn nothing_met_ends_at_the_last_close() {
        assert_eq!(first_touch(P, true, true, watch(20.0, 1.0)), Touch { row: 2, price: 13.0, barrier: LAST_ROW, both: false });
    }

    #[test]
    fn the_only_label_is_drawn_again() {
        assert_eq!(sequential_draws(&[0], &[3], &[0.1, 0.9]), vec![0, 0]);
    }

    #[test]
    fn a_straight_line_has_the_limit() {
        assert_eq!(trend_scan(&[1.0, 2.0, 3.0, 4.0], 0, 3, 4, 1, 1e6), (1e6, 3));
    }
}
