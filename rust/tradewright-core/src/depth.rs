//! A book of price levels rebuilt from snapshots and differences, and the numbers read off it.
//!
//! Purpose: prices and sizes are exact integers (decimal text times a power of ten); what the venue promises about the
//! numbers of its updates is checked on every event.
//! Entry points: [`Book::new`], [`Book::apply`], [`Book::features`], [`decimal`].
//! Invariants: a book that is not in sync holds no level and gives NaN; every difference is applied, held for the next
//! snapshot, or counted as old; nothing is dropped in silence. The twin is `tradewright._reference.depth`.

use crate::error::{Error, Result};
use std::collections::VecDeque;

/// What became of an event.
pub const STATUSES: [&str; 6] = ["applied", "held", "old", "lost", "old_snapshot", "refused_snapshot"];
/// Why a book is not in sync; the first stands for "it is".
pub const REASONS: [&str; 7] = ["", "no_snapshot", "gap", "crossed", "checksum", "bad_level", "snapshot_too_old"];
/// What is counted, in the order of [`Book::counts`].
pub const COUNTS: [&str; 16] = [
    "snapshots",
    "diffs",
    "applied",
    "held",
    "held_applied",
    "held_old",
    "held_dropped",
    "old",
    "old_snapshots",
    "refused_snapshots",
    "gaps",
    "crossed",
    "checksums_wrong",
    "checksums_right",
    "bad_levels",
    "synced",
];
/// Sequence rules by name.
pub const RULES: [&str; 5] = ["generic", "binance_spot", "binance_usdm", "bybit", "kraken"];

const APPLIED: u8 = 0;
const HELD: u8 = 1;
const OLD: u8 = 2;
const LOST: u8 = 3;
const OLD_SNAPSHOT: u8 = 4;
const REFUSED_SNAPSHOT: u8 = 5;

const NO_SNAPSHOT: u8 = 1;
const GAP: u8 = 2;
const CROSSED: u8 = 3;
const CHECKSUM: u8 = 4;
const BAD_LEVEL: u8 = 5;
const TOO_OLD: u8 = 6;

/// Columns before those that depend on settings: bid, bid size, ask, ask size, spread, the same in bp, mid, microprice.
pub const FIXED: usize = 8;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rule {
    Generic,
    BinanceSpot,
    BinanceUsdm,
    Bybit,
    Kraken,
}

/// One event as the book wants it; -1 stands for a number that the feed does not give.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    pub snapshot: bool,
    pub first: i64,
    pub last: i64,
    pub previous: i64,
    pub checksum: i64,
    pub n_bids: usize,
    pub price: &'a [i64],
    pub size: &'a [i64],
}

struct Held {
    first: i64,
    last: i64,
    previous: i64,
    checksum: i64,
    n_bids: usize,
    price: Vec<i64>,
    size: Vec<i64>,
}

impl Held {
    fn event(&self) -> Event<'_> {
        Event {
            snapshot: false,
            first: self.first,
            last: self.last,
            previous: self.previous,
            checksum: self.checksum,
            n_bids: self.n_bids,
            price: &self.price,
            size: &self.size,
        }
    }
}

/// What a book computes and how it reads its numbers.
#[derive(Clone, Debug)]
pub struct Settings {
    pub rule: String,
    /// Numbers of levels for imbalance, weighted mid and slopes.
    pub levels: Vec<usize>,
    /// Distances from the mid, in millionths of a basis point.
    pub within: Vec<i64>,
    /// Sizes to trade, as integers.
    pub sizes: Vec<i64>,
    pub price_decimals: u32,
    pub size_decimals: u32,
    /// Levels kept on each side; 0 keeps all.
    pub depth: usize,
    /// Differences kept while there is no book.
    pub hold: usize,
}

/// The levels of one side, best last, so that changes near the touch move little.
struct Side {
    levels: Vec<(i64, i64)>,
    sign: i64,
}

impl Side {
    fn set(&mut self, price: i64, size: i64) {
        let sign = self.sign;
        // Best first from the end: near the touch a short walk beats a search.
        let n = self.levels.len();
        let mut at = n;
        let mut steps = 0;
        while at > 0 && steps < 8 && sign * self.levels[at - 1].0 > sign * price {
            at -= 1;
            steps += 1;
        }
        if steps == 8 {
            at = self.levels[..at].partition_point(|level| sign * level.0 <= sign * price);
        }
        if at > 0 && self.levels[at - 1].0 == price {
            if size == 0 {
                self.levels.remove(at - 1);
            } else {
                self.levels[at - 1].1 = size;
            }
        } else if size != 0 {
            self.levels.insert(at, (price, size));
        }
    }

    fn fill(&mut self, price: &[i64], size: &[i64]) {
        self.levels.clear();
        self.levels.extend(price.iter().copied().zip(size.iter().copied()));
        let sign = self.sign;
        self.levels.sort_by_key(|level| sign * level.0);
        // Of a price given twice the later one holds, as in a sequence of changes.
        let mut kept: Vec<(i64, i64)> = Vec::with_capacity(self.levels.len());
        for &level in &self.levels {
            match kept.last_mut() {
                Some(top) if top.0 == level.0 => *top = level,
                _ => kept.push(level),
            }
        }
        kept.retain(|level| level.1 != 0);
        self.levels = kept;
    }

    fn cut(&mut self, depth: usize) {
        let n = self.levels.len();
        if depth > 0 && n > depth {
            self.levels.drain(..n - depth);
        }
    }

    fn best(&self) -> Option<(i64, i64)> {
        self.levels.last().copied()
    }
}

/// A book of price levels.
pub struct Book {
    rule: Rule,
    settings: Settings,
    bids: Side,
    asks: Side,
    last: i64,
    /// No difference has been applied since the snapshot.
    fresh: bool,
    reason: u8,
    held: VecDeque<Held>,
    counts: [u64; COUNTS.len()],
    touch: Option<[i64; 4]>,
    ofi: f64,
    price_unit: f64,
    size_unit: f64,
}

enum Placed {
    Old,
    Next,
    Gap,
}

impl Book {
    pub fn new(settings: Settings) -> Result<Book> {
        let rule = match settings.rule.as_str() {
            "generic" => Rule::Generic,
            "binance_spot" => Rule::BinanceSpot,
            "binance_usdm" => Rule::BinanceUsdm,
            "bybit" => Rule::Bybit,
            "kraken" => Rule::Kraken,
            other => return Err(Error::Input(format!("there is no sequence rule '{other}'; it must be one of {}", RULES.join(", ")))),
        };
        if settings.price_decimals > 18 || settings.size_decimals > 18 {
            return Err(Error::Input(format!("decimals are {} and {}; they must be 18 or fewer", settings.price_decimals, settings.size_decimals)));
        }
        if settings.levels.contains(&0) || settings.within.iter().any(|x| *x <= 0) || settings.sizes.iter().any(|x| *x <= 0) {
            return Err(Error::Input("levels, distances and sizes must all be above 0".into()));
        }
        let (price_unit, size_unit) = (10f64.powi(settings.price_decimals as i32), 10f64.powi(settings.size_decimals as i32));
        Ok(Book {
            rule,
            settings,
            bids: Side { levels: Vec::new(), sign: 1 },
            asks: Side { levels: Vec::new(), sign: -1 },
            last: -1,
            fresh: true,
            reason: NO_SNAPSHOT,
            held: VecDeque::new(),
            counts: [0; COUNTS.len()],
            touch: None,
            ofi: f64::NAN,
            price_unit,
            size_unit,
        })
    }

    /// Number of columns of [`Book::features`].
    pub fn width(&self) -> usize {
        FIXED + 4 * self.settings.levels.len() + 2 * self.settings.within.len() + 2 * self.settings.sizes.len() + 1
    }

    pub fn synced(&self) -> bool {
        self.reason == 0
    }

    pub fn reason(&self) -> u8 {
        self.reason
    }

    pub fn last(&self) -> i64 {
        self.last
    }

    pub fn counts(&self) -> &[u64; COUNTS.len()] {
        &self.counts
    }

    /// Levels of bids and asks.
    pub fn n_levels(&self) -> (usize, usize) {
        (self.bids.levels.len(), self.asks.levels.len())
    }

    /// The best `n` levels of each side, best first.
    pub fn top(&self, n: usize) -> [Vec<(i64, i64)>; 2] {
        [&self.bids, &self.asks].map(|side| side.levels.iter().rev().take(n).copied().collect())
    }

    /// Take one event and say what became of it.
    pub fn apply(&mut self, event: Event<'_>) -> u8 {
        if event.snapshot {
            return self.seat(event);
        }
        self.counts[1] += 1;
        if self.reason != 0 {
            self.hold(event);
            return HELD;
        }
        match self.place(&event) {
            Placed::Old => {
                self.counts[7] += 1;
                self.ofi = 0.0;
                OLD
            }
            Placed::Gap => {
                self.lose(GAP);
                self.hold(event);
                LOST
            }
            Placed::Next => match self.change(&event) {
                0 => {
                    self.counts[2] += 1;
                    self.flow();
                    APPLIED
                }
                reason => {
                    self.lose(reason);
                    if reason != BAD_LEVEL {
                        self.hold(event);
                    }
                    LOST
                }
            },
        }
    }

    fn hold(&mut self, event: Event<'_>) {
        self.counts[3] += 1;
        self.held.push_back(Held {
            first: event.first,
            last: event.last,
            previous: event.previous,
            checksum: event.checksum,
            n_bids: event.n_bids,
            price: event.price.to_vec(),
            size: event.size.to_vec(),
        });
        if self.held.len() > self.settings.hold {
            self.held.pop_front();
            self.counts[6] += 1;
        }
    }

    fn lose(&mut self, reason: u8) {
        self.reason = reason;
        self.touch = None;
        self.ofi = f64::NAN;
        self.bids.levels.clear();
        self.asks.levels.clear();
        match reason {
            GAP | TOO_OLD => self.counts[10] += 1,
            CROSSED => self.counts[11] += 1,
            CHECKSUM => self.counts[12] += 1,
            BAD_LEVEL => self.counts[14] += 1,
            _ => {}
        }
    }

    fn seat(&mut self, event: Event<'_>) -> u8 {
        self.counts[0] += 1;
        let late = matches!(self.rule, Rule::BinanceSpot | Rule::BinanceUsdm);
        if self.reason == 0 && late && event.last >= 0 && event.last < self.last {
            // Asked for by another connection, it may come after the differences that follow it.
            self.counts[8] += 1;
            self.ofi = 0.0;
            return OLD_SNAPSHOT;
        }
        if event.size.iter().any(|q| *q < 0) || event.price.iter().any(|p| *p <= 0) {
            self.lose(BAD_LEVEL);
            self.counts[9] += 1;
            return REFUSED_SNAPSHOT;
        }
        self.bids.fill(&event.price[..event.n_bids], &event.size[..event.n_bids]);
        self.asks.fill(&event.price[event.n_bids..], &event.size[event.n_bids..]);
        self.bids.cut(self.settings.depth);
        self.asks.cut(self.settings.depth);
        self.last = event.last;
        self.fresh = true;
        self.reason = 0;
        let wrong = self.verify(event.checksum);
        if wrong != 0 {
            self.lose(wrong);
            self.counts[9] += 1;
            return REFUSED_SNAPSHOT;
        }
        let mut held = std::mem::take(&mut self.held);
        while let Some(first) = held.front() {
            let diff = first.event();
            // Without numbers nothing says that a difference came after the snapshot.
            let placed = if diff.last < 0 || self.last < 0 { Placed::Old } else { self.place(&diff) };
            let reason = match placed {
                Placed::Old => {
                    self.counts[5] += 1;
                    0
                }
                Placed::Gap => {
                    if self.fresh {
                        TOO_OLD
                    } else {
                        GAP
                    }
                }
                Placed::Next => {
                    let wrong = self.change(&diff);
                    if wrong == 0 {
                        self.counts[4] += 1;
                    }
                    wrong
                }
            };
            if reason != 0 {
                self.lose(reason);
                if reason == BAD_LEVEL {
                    held.pop_front();
                }
                self.held = held;
                self.counts[9] += 1;
                return REFUSED_SNAPSHOT;
            }
            held.pop_front();
        }
        self.counts[15] += 1;
        self.flow();
        APPLIED
    }

    fn place(&self, event: &Event<'_>) -> Placed {
        let (first, last, previous) = (event.first, event.last, event.previous);
        let known = self.last;
        let old = |condition: bool, gap: bool| {
            if condition {
                Placed::Old
            } else if gap {
                Placed::Gap
            } else {
                Placed::Next
            }
        };
        let by_first = if first >= 0 { first > known + 1 } else { last != known + 1 };
        let by_previous = if self.fresh { previous > known } else { previous != known };
        match self.rule {
            Rule::Kraken => Placed::Next,
            Rule::BinanceSpot => old(last <= known, by_first),
            Rule::BinanceUsdm => {
                let behind = last < known || (last == known && !self.fresh);
                old(behind, if previous >= 0 { by_previous } else { by_first })
            }
            Rule::Bybit => old(last <= known, last != known + 1),
            Rule::Generic if last < 0 || known < 0 => Placed::Next,
            Rule::Generic => {
                let gap = if previous >= 0 {
                    by_previous
                } else if first >= 0 {
                    by_first
                } else {
                    false
                };
                old(last <= known, gap)
            }
        }
    }

    /// Write a difference into the book; 0, or why the book is no longer good.
    fn change(&mut self, event: &Event<'_>) -> u8 {
        if event.size.iter().any(|q| *q < 0) || event.price.iter().any(|p| *p <= 0) {
            return BAD_LEVEL;
        }
        for k in 0..event.n_bids {
            self.bids.set(event.price[k], event.size[k]);
        }
        for k in event.n_bids..event.price.len() {
            self.asks.set(event.price[k], event.size[k]);
        }
        self.bids.cut(self.settings.depth);
        self.asks.cut(self.settings.depth);
        self.last = event.last;
        self.fresh = false;
        self.verify(event.checksum)
    }

    fn verify(&mut self, checksum: i64) -> u8 {
        if let (Some(bid), Some(ask)) = (self.bids.best(), self.asks.best()) {
            if bid.0 >= ask.0 {
                return CROSSED;
            }
        }
        if checksum >= 0 {
            if self.checksum() != checksum {
                return CHECKSUM;
            }
            self.counts[13] += 1;
        }
        0
    }

    /// CRC32 of the ten best asks, then bids: digits of price and size without point and leading zeros.
    pub fn checksum(&self) -> i64 {
        let mut text = String::new();
        for side in [&self.asks, &self.bids] {
            for (price, size) in side.levels.iter().rev().take(10) {
                text.push_str(&price.to_string());
                text.push_str(&size.to_string());
            }
        }
        let mut crc = u32::MAX;
        for byte in text.bytes() {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
            }
        }
        i64::from(!crc)
    }

    /// Order-flow imbalance of the change from the last touch to this one.
    fn flow(&mut self) {
        let (Some(bid), Some(ask)) = (self.bids.best(), self.asks.best()) else {
            self.touch = None;
            self.ofi = f64::NAN;
            return;
        };
        self.ofi = match self.touch {
            None => f64::NAN,
            Some([b, qb, a, qa]) => {
                let mut flow: i128 = 0;
                if bid.0 >= b {
                    flow += i128::from(bid.1);
                }
                if bid.0 <= b {
                    flow -= i128::from(qb);
                }
                if ask.0 <= a {
                    flow -= i128::from(ask.1);
                }
                if ask.0 >= a {
                    flow += i128::from(qa);
                }
                flow as f64 / self.size_unit
            }
        };
        self.touch = Some([bid.0, bid.1, ask.0, ask.1]);
    }

    /// Numbers of the book as it stands, in the order of the columns; NaN where it is not in sync or a side is empty.
    pub fn features(&self, out: &mut [f64]) {
        out.fill(f64::NAN);
        let (Some((b, qb)), Some((a, qa))) = (self.bids.best(), self.asks.best()) else { return };
        if self.reason != 0 {
            return;
        }
        let (pu, su) = (self.price_unit, self.size_unit);
        let both = i128::from(b) + i128::from(a);
        let wide = both as f64;
        out[0] = b as f64 / pu;
        out[1] = qb as f64 / su;
        out[2] = a as f64 / pu;
        out[3] = qa as f64 / su;
        out[4] = (a - b) as f64 / pu;
        out[5] = (2 * i128::from(a - b)) as f64 / wide * 1e4;
        out[6] = wide / (2.0 * pu);
        let micro = i128::from(b) * i128::from(qa) + i128::from(a) * i128::from(qb);
        out[7] = micro as f64 / (i128::from(qa) + i128::from(qb)) as f64 / pu;
        let mut k = FIXED;
        for n in &self.settings.levels {
            let (bid_sum, bid_value, bid_slope) = self.ladder(&self.bids, *n, both);
            let (ask_sum, ask_value, ask_slope) = self.ladder(&self.asks, *n, both);
            out[k] = (bid_sum - ask_sum) as f64 / (bid_sum + ask_sum) as f64;
            let (vb, va) = (bid_sum as f64, ask_sum as f64);
            out[k + 1] = (bid_value as f64 / vb * va + ask_value as f64 / va * vb) / (vb + va) / pu;
            out[k + 2] = bid_slope;
            out[k + 3] = ask_slope;
            k += 4;
        }
        const WHOLE: i128 = 10_000_000_000; // 10,000 bp in millionths
        for x in &self.settings.within {
            let low = both * (WHOLE - i128::from(*x));
            let high = both * (WHOLE + i128::from(*x));
            let bids: i128 = self.bids.levels.iter().rev().take_while(|l| 2 * i128::from(l.0) * WHOLE >= low).map(|l| i128::from(l.1)).sum();
            let asks: i128 = self.asks.levels.iter().rev().take_while(|l| 2 * i128::from(l.0) * WHOLE <= high).map(|l| i128::from(l.1)).sum();
            out[k] = bids as f64 / su;
            out[k + 1] = asks as f64 / su;
            k += 2;
        }
        for size in &self.settings.sizes {
            let fair = i128::from(*size) * both;
            if let Some(value) = walk(&self.asks, *size) {
                out[k] = (2 * value - fair) as f64 / fair as f64 * 1e4;
            }
            if let Some(value) = walk(&self.bids, *size) {
                out[k + 1] = (fair - 2 * value) as f64 / fair as f64 * 1e4;
            }
            k += 2;
        }
        out[k] = self.ofi;
    }

    /// Sum of sizes, sum of price times size, and the slope of cumulative size on distance from the mid (size per bp, a line
    /// through the mid) over the best `n` levels.
    fn ladder(&self, side: &Side, n: usize, both: i128) -> (i128, i128, f64) {
        let (mut sum, mut value) = (0i128, 0i128);
        let (mut up, mut down) = (0.0f64, 0.0f64);
        let wide = both as f64;
        for (price, size) in side.levels.iter().rev().take(n) {
            sum += i128::from(*size);
            value += i128::from(*price) * i128::from(*size);
            let away = (2 * i128::from(*price) - both).abs() as f64 / wide * 1e4;
            up += away * (sum as f64 / self.size_unit);
            down += away * away;
        }
        (sum, value, up / down)
    }
}

/// Price times size of trading this much at once; none when the side does not hold it.
fn walk(side: &Side, size: i64) -> Option<i128> {
    let mut left = size;
    let mut value = 0i128;
    for (price, there) in side.levels.iter().rev() {
        let taken = left.min(*there);
        value += i128::from(*price) * i128::from(taken);
        left -= taken;
        if left == 0 {
            return Some(value);
        }
    }
    None
}

/// Decimal text as an integer number of units of `10^-decimals`, exactly.
pub fn decimal(text: &str, decimals: u32) -> Result<i64> {
    let bad = || Error::Input(format!("'{text}' is no decimal number"));
    let trimmed = text.trim();
    let (negative, body) = match trimmed.as_bytes().first() {
        Some(b'-') => (true, &trimmed[1..]),
        Some(b'+') => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    let (digits, power) = match body.find(['e', 'E']) {
        Some(at) => (&body[..at], body[at + 1..].parse::<i32>().map_err(|_| bad())?),
        None => (body, 0),
    };
    if power.abs() > 64 {
        return Err(bad());
    }
    let (mut value, mut places, mut seen, mut point) = (0i128, 0i32, 0usize, false);
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' => {
                seen += 1;
                if seen > 36 {
                    return Err(Error::Input(format!("'{text}' has more than 36 digits")));
                }
                value = value * 10 + i128::from(byte - b'0');
                places += i32::from(point);
            }
            b'.' if !point => point = true,
            _ => return Err(bad()),
        }
    }
    if seen == 0 {
        return Err(bad());
    }
    let mut shift = decimals as i32 - places + power;
    if value == 0 {
        shift = 0;
    }
    let too_large = || Error::Input(format!("'{text}' does not fit 64 bits at {decimals} decimals; keep fewer decimals"));
    while shift < 0 {
        if value % 10 != 0 {
            return Err(Error::Input(format!("'{text}' is finer than {decimals} decimals; keep more decimals")));
        }
        value /= 10;
        shift += 1;
        if value == 0 {
            break;
        }
    }
    if shift > 38 {
        return Err(too_large());
    }
    for _ in 0..shift {
        value = value.checked_mul(10).ok_or_else(too_large)?;
    }
    i64::try_from(if negative { -value } else { value }).map_err(|_| too_large())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(rule: &str) -> Book {
        Book::new(Settings {
            rule: rule.into(),
            levels: vec![1, 2],
            within: vec![10_000_000],
            sizes: vec![3],
            price_decimals: 0,
            size_decimals: 0,
            depth: 0,
            hold: 4,
        })
        .unwrap()
    }

    fn event<'a>(snapshot: bool, ids: (i64, i64, i64), n_bids: usize, price: &'a [i64], size: &'a [i64]) -> Event<'a> {
        Event { snapshot, first: ids.0, last: ids.1, previous: ids.2, checksum: -1, n_bids, price, size }
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal("61837.63000000", 2).unwrap(), 6_183_763);
        assert_eq!(decimal("-0.10", 8).unwrap(), -10_000_000);
        assert_eq!(decimal("1e-05", 8).unwrap(), 1000);
        assert_eq!(decimal("0.000", 0).unwrap(), 0);
        for wrong in ["", ".", "1.2.3", "abc", "1e", "0.001", "99999999999999999999"] {
            assert!(decimal(wrong, 2).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_difference_that_came_early_is_held_and_applied() {
        let mut b = book("binance_spot");
        assert_eq!(b.apply(event(false, (5, 9, -1), 1, &[98], &[7])), HELD);
        assert_eq!(b.apply(event(false, (10, 12, -1), 1, &[99], &[0])), HELD);
        assert_eq!(b.apply(event(true, (-1, 10, -1), 2, &[99, 98, 101], &[5, 4, 6])), APPLIED);
        assert_eq!(b.top(3)[0], vec![(98, 4)]);
        assert_eq!(b.last(), 12);
        assert_eq!((b.counts()[4], b.counts()[5]), (1, 1));
    }

    #[test]
    fn a_gap_ends_the_book_until_the_next_snapshot() {
        let mut b = book("binance_usdm");
        let mut row = vec![0.0; b.width()];
        b.apply(event(true, (-1, 10, -1), 1, &[99, 101], &[5, 6]));
        assert_eq!(b.apply(event(false, (9, 12, 8), 1, &[99], &[4])), APPLIED);
        assert_eq!(b.apply(event(false, (15, 16, 14), 1, &[99], &[3])), LOST);
        b.features(&mut row);
        assert!(!b.synced() && row.iter().all(|x| x.is_nan()));
        assert_eq!(b.apply(event(true, (-1, 15, -1), 1, &[99, 101], &[9, 6])), APPLIED);
        assert_eq!(b.top(1)[0], vec![(99, 3)]);
    }

    #[test]
    fn crossed_books_and_old_events() {
        let mut b = book("bybit");
        b.apply(event(true, (-1, 1, -1), 1, &[99, 101], &[5, 6]));
        assert_eq!(b.apply(event(false, (-1, 1, -1), 1, &[98], &[5])), OLD);
        assert_eq!(b.apply(event(false, (-1, 2, -1), 1, &[101], &[5])), LOST);
        assert_eq!(REASONS[b.reason() as usize], "crossed");
    }

    #[test]
    fn costs_and_flow_by_hand() {
        let mut b = book("generic");
        let mut row = vec![0.0; b.width()];
        b.apply(event(true, (-1, 1, -1), 2, &[99, 98, 101, 102], &[2, 2, 2, 2]));
        b.apply(event(false, (-1, 2, -1), 1, &[99], &[4]));
        b.features(&mut row);
        // mid 100; three bought for 2 x 101 + 102 = 304, four above 300
        assert!((row[FIXED + 10] - 4.0 / 300.0 * 1e4).abs() < 1e-9);
        assert_eq!(row[row.len() - 1], 2.0);
        assert_eq!(row[FIXED], 2.0 / 6.0);
    }
}
