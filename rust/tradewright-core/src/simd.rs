//! The few loops worth wide registers, compiled for several instruction sets and chosen at run time.
//!
//! Every variant does the same operations in the same lanes, so results are the same bits on every machine.

use crate::pack::Pack;

/// What this machine has: 2 AVX-512, 1 AVX2 (both with BMI2), 0 the baseline. Found out once.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn level() -> u8 {
    use std::sync::atomic::{AtomicU8, Ordering};
    static LEVEL: AtomicU8 = AtomicU8::new(u8::MAX);
    let known = LEVEL.load(Ordering::Relaxed);
    if known != u8::MAX {
        return known;
    }
    let wide = std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512dq")
        && std::arch::is_x86_feature_detected!("avx512vl");
    let some = std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("bmi2");
    let found = if some && wide { 2 } else { u8::from(some) };
    LEVEL.store(found, Ordering::Relaxed);
    found
}

/// Define a function once and compile it for AVX-512, AVX2 and the baseline.
macro_rules! wide {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$doc])*
        #[inline]
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn inner($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,bmi2")]
                fn avx512($($arg: $ty),*) $(-> $ret)? { inner($($arg),*) }
                #[target_feature(enable = "avx2,bmi2")]
                fn avx2($($arg: $ty),*) $(-> $ret)? { inner($($arg),*) }
                match $crate::simd::level() {
                    // SAFETY: the features were detected on this machine.
                    2 => return unsafe { avx512($($arg),*) },
                    1 => return unsafe { avx2($($arg),*) },
                    _ => {}
                }
            }
            inner($($arg),*)
        }
    };
}

pub(crate) use wide;

/// As `wide!`, for a function generic over the lanes it computes in.
macro_rules! packed {
    ($(#[$doc:meta])* pub fn $name:ident = $inner:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)?) => {
        $(#[$doc])*
        #[inline]
        pub fn $name($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,bmi2")]
                fn avx512($($arg: $ty),*) $(-> $ret)? { $inner::<crate::pack::Wide512>($($arg),*) }
                #[target_feature(enable = "avx2,bmi2")]
                fn avx2($($arg: $ty),*) $(-> $ret)? { $inner::<crate::pack::Wide256>($($arg),*) }
                match level() {
                    // SAFETY: the features were detected on this machine.
                    2 => return unsafe { avx512($($arg),*) },
                    1 => return unsafe { avx2($($arg),*) },
                    _ => {}
                }
            }
            $inner::<[f64; 8]>($($arg),*)
        }
    };
}

packed! {
    /// `out[i] = cash + quantity * price[i]`; the smallest of them.
    pub fn value = value_in(cash: f64, quantity: f64, price: &[f64], out: &mut [f64]) -> f64
}

#[inline(always)]
fn value_in<P: Pack>(cash: f64, quantity: f64, price: &[f64], out: &mut [f64]) -> f64 {
    let (c, q) = (P::splat(cash), P::splat(quantity));
    let mut low = P::splat(f64::INFINITY);
    if let (Some(end), Some(last)) = (out.last_chunk_mut::<8>(), price.last_chunk::<8>()) {
        // The tail as one more (overlapping) step: a loop over single values costs more than the rest of a short stretch.
        let v = c.add(q.mul(P::load(last)));
        v.store(end);
        low = v.min(low);
        let (a, _) = out.as_chunks_mut::<8>();
        let (b, _) = price.as_chunks::<8>();
        for (o, p) in a.iter_mut().zip(b) {
            let v = c.add(q.mul(P::load(p)));
            v.store(o);
            low = v.min(low);
        }
        return least(low);
    }
    let mut lowest = f64::INFINITY;
    for (o, p) in out.iter_mut().zip(price) {
        let v = cash + quantity * p;
        *o = v;
        lowest = if v < lowest { v } else { lowest };
    }
    lowest
}

packed! {
    /// `out[i] = cash`.
    pub fn flat = flat_in(cash: f64, out: &mut [f64])
}

#[inline(always)]
fn flat_in<P: Pack>(cash: f64, out: &mut [f64]) {
    let c = P::splat(cash);
    if let Some(end) = out.last_chunk_mut::<8>() {
        c.store(end);
        let (a, _) = out.as_chunks_mut::<8>();
        for o in a {
            c.store(o);
        }
    } else {
        out.fill(cash);
    }
}

/// Bars from `from` on over which cash and quantity stay as they are.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    pub from: u32,
    pub cash: f64,
    pub quantity: f64,
}

/// The smallest lane.
#[inline(always)]
fn least<P: Pack>(x: P) -> f64 {
    let l = x.array();
    let of = |a: f64, b: f64| if a < b { a } else { b };
    of(of(of(l[0], l[4]), of(l[2], l[6])), of(of(l[1], l[5]), of(l[3], l[7])))
}

/// The largest lane.
#[inline(always)]
fn most<P: Pack>(x: P) -> f64 {
    let h = x.array();
    let of = |a: f64, b: f64| if a > b { a } else { b };
    of(of(of(h[0], h[4]), of(h[2], h[6])), of(of(h[1], h[5]), of(h[3], h[7])))
}

wide! {
    /// Are all values finite?
    pub fn all_finite(x: &[f64]) -> bool {
        let mut blocks = x.chunks_exact(64);
        for block in &mut blocks {
            // Times zero: 0 for finite values and NaN otherwise; the sum keeps any NaN.
            let mut lanes = [0.0f64; 8];
            for eight in block.chunks_exact(8) {
                for k in 0..8 {
                    lanes[k] += eight[k] * 0.0;
                }
            }
            let sum: f64 = lanes.iter().sum();
            if sum != 0.0 {
                return false;
            }
        }
        blocks.remainder().iter().all(|v| v.is_finite())
    }
}

/// Index of the first code that is no signal.
pub fn first_foreign(codes: &[i8]) -> Option<usize> {
    let known = |c: i8| (-1..=1).contains(&c) || c == crate::types::HOLD;
    if all_codes(codes) {
        None
    } else {
        codes.iter().position(|c| !known(*c))
    }
}

wide! {
    /// Are all codes 1, 0, -1 or no opinion?
    pub fn all_codes(codes: &[i8]) -> bool {
        let mut good = true;
        for c in codes {
            good &= ((*c >= -1) & (*c <= 1)) | (*c == crate::types::HOLD);
        }
        good
    }
}

/// Index of the first code that is an opinion other than `has`, or the length.
#[inline]
pub fn next_opinion(codes: &[i8], has: i8) -> usize {
    let hold = crate::types::HOLD;
    let mut at = 0;
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8};
        // SAFETY: SSE2 is part of every x86-64; each load reads the 16 bytes of one chunk.
        unsafe {
            let (a, b) = (_mm_set1_epi8(has), _mm_set1_epi8(hold));
            let boring = |p: *const i8| {
                let x = _mm_loadu_si128(p.cast::<__m128i>());
                _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(x, a), _mm_cmpeq_epi8(x, b))) as u64
            };
            for block in codes.chunks_exact(64) {
                let p = block.as_ptr();
                let mask = boring(p) | boring(p.add(16)) << 16 | boring(p.add(32)) << 32 | boring(p.add(48)) << 48;
                if mask != u64::MAX {
                    return at + (!mask).trailing_zeros() as usize;
                }
                at += 64;
            }
        }
    }
    codes[at..].iter().position(|c| *c != has && *c != hold).map_or(codes.len(), |k| at + k)
}

wide! {
    /// State 1 where `fast > slow`, else `below`.
    pub fn above(fast: &[f64], slow: &[f64], below: i8, out: &mut [i8]) {
        for ((o, f), s) in out.iter_mut().zip(fast).zip(slow) {
            *o = if f > s { 1 } else { below };
        }
    }
}

/// Rows that [`crossings`] may write beyond those it finds.
pub const SPARE: usize = 2;

packed! {
    /// Rows at which `fast > slow` changes, counted from `offset`: whether it holds on the first row, and how many rows there are in
    /// `out` (which needs room for all rows and [`SPARE`] more).
    pub fn crossings = crossings_in(fast: &[f64], slow: &[f64], offset: u32, out: &mut [u32]) -> (bool, usize)
}

#[inline(always)]
fn crossings_in<P: Pack>(fast: &[f64], slow: &[f64], offset: u32, out: &mut [u32]) -> (bool, usize) {
    let Some(first) = fast.first().zip(slow.first()).map(|(f, s)| f > s) else { return (false, 0) };
    let mut before = u64::from(first);
    let (mut at, mut found) = (offset, 0);
    let mut word = |mask: u64, bits: u32, at: u32| {
        let mut changes = mask ^ (mask << 1 | before);
        if bits < 64 {
            changes &= (1 << bits) - 1;
        }
        // How many changes a word has cannot be foreseen, so the first two are written either way.
        if let Some(pair) = out.get_mut(found..).and_then(|o| o.first_chunk_mut::<2>()) {
            let second = changes & changes.wrapping_sub(1);
            *pair = [at + changes.trailing_zeros(), at + second.trailing_zeros()];
            found += usize::from(changes != 0) + usize::from(second != 0);
            changes = second & second.wrapping_sub(1);
        }
        while changes != 0 {
            out[found] = at + changes.trailing_zeros();
            found += 1;
            changes &= changes - 1;
        }
        before = mask >> (bits - 1) & 1;
    };
    // Masks go through memory: joining eight of them in registers costs more than the comparisons.
    let (a, a_rest) = fast.as_chunks::<8>();
    let (b, b_rest) = slow.as_chunks::<8>();
    let mut masks = [0u8; 64];
    for (a, b) in a.chunks(64).zip(b.chunks(64)) {
        for ((m, f), s) in masks.iter_mut().zip(a).zip(b) {
            *m = P::load(f).above(P::load(s));
        }
        let (words, _) = masks.as_chunks::<8>();
        for (k, m) in words.iter().enumerate().take(a.len().div_ceil(8)) {
            let bits = 8 * (a.len() - 8 * k).min(8) as u32;
            word(u64::from_le_bytes(*m), bits, at);
            at += bits;
        }
    }
    if !a_rest.is_empty() {
        let mask = a_rest.iter().zip(b_rest).enumerate().fold(0u64, |m, (k, (f, s))| m | u64::from(f > s) << k);
        word(mask, a_rest.len() as u32, at);
    }
    (first, found)
}

/// Sums over a curve of equity, in two sets of eight lanes: returns less `shift` (first and second power), squared shortfalls below `floor`, and levels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    sum: [[f64; 8]; 2],
    square: [[f64; 8]; 2],
    shortfall: [[f64; 8]; 2],
    level: [[f64; 8]; 2],
}

impl Moments {
    /// One return at level `e`, into lane `k`.
    #[inline(always)]
    pub fn add_one(&mut self, k: usize, r: f64, e: f64, shift: f64, floor: f64) {
        let d = r - shift;
        let s = r - floor;
        let s = if s < 0.0 { s } else { 0.0 };
        let (set, k) = (k / 8, k % 8);
        self.sum[set][k] += d;
        self.square[set][k] += d * d;
        self.shortfall[set][k] += s * s;
        self.level[set][k] += e;
    }

    /// Sums over all lanes: first power, second power, shortfall, level.
    pub fn totals(&self) -> [f64; 4] {
        let eight = |v: &[f64; 8]| ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
        let fold = |v: &[[f64; 8]; 2]| eight(&v[0]) + eight(&v[1]);
        [fold(&self.sum), fold(&self.square), fold(&self.shortfall), fold(&self.level)]
    }
}

/// The running peak, and how far and how long a curve has been below it.
#[derive(Clone, Copy, Debug)]
pub struct Depth {
    peak: f64,
    trough: f64,
    deepest: f64,
    stay: usize,
    longest: usize,
}

impl Depth {
    pub fn new(initial: f64) -> Depth {
        Depth { peak: initial, trough: initial, deepest: 0.0, stay: 0, longest: 0 }
    }

    /// One value.
    pub fn one(&mut self, e: f64) {
        self.next(e);
    }

    #[inline(always)]
    fn deepen(&mut self, e: f64) {
        self.trough = if e < self.trough { e } else { self.trough };
    }

    #[inline]
    fn rise(&mut self, e: f64) {
        self.settle();
        self.longest = self.longest.max(self.stay);
        self.stay = 0;
        self.peak = e;
        self.trough = e;
    }

    /// 64 values, of which lane by lane the smallest and largest are known. Without a new peak they cost next to nothing.
    #[inline(always)]
    fn block<P: Pack>(&mut self, block: &[f64; 64], low: P, high: P, trough: &mut P) {
        let top = most(high);
        if top < self.peak {
            self.stay += 64;
            *trough = low.min(*trough);
        } else if !low.differs(high) && least(low) == top {
            self.pass(trough);
            self.rise(top);
        } else {
            self.steps(block, trough);
        }
    }

    /// Values one by one, or eight by eight where they lie below the peak.
    #[inline(always)]
    fn steps<P: Pack>(&mut self, values: &[f64], trough: &mut P) {
        let (eights, ones) = values.as_chunks::<8>();
        for eight in eights {
            let e = P::load(eight);
            if P::splat(self.peak).above(e) == u8::MAX {
                self.stay += 8;
                *trough = e.min(*trough);
            } else {
                self.pass(trough);
                eight.iter().for_each(|e| self.next(*e));
            }
        }
        if !ones.is_empty() {
            self.pass(trough);
            ones.iter().for_each(|e| self.next(*e));
        }
    }

    /// The lanes' trough becomes the curve's.
    #[inline(always)]
    fn pass<P: Pack>(&mut self, trough: &mut P) {
        self.deepen(least(*trough));
        *trough = P::splat(f64::INFINITY);
    }

    #[inline(always)]
    fn next(&mut self, e: f64) {
        if e < self.peak {
            self.stay += 1;
            self.deepen(e);
        } else {
            self.rise(e);
        }
    }

    #[inline]
    fn settle(&mut self) {
        if self.trough < self.peak {
            self.deepest = self.deepest.min(self.trough / self.peak - 1.0);
        }
    }

    /// Deepest drawdown (zero or negative) and the longest stay below the peak.
    pub fn end(mut self) -> (f64, usize) {
        self.settle();
        (self.deepest, self.longest.max(self.stay))
    }
}

/// What [`measure`] adds up, in registers. There are two of them, so that one addition need not wait for the one before.
#[derive(Clone, Copy)]
struct Sums<P: Pack>([P; 4]);

impl<P: Pack> Sums<P> {
    #[inline(always)]
    fn load(from: &Moments, set: usize) -> Sums<P> {
        Sums([P::load(&from.sum[set]), P::load(&from.square[set]), P::load(&from.shortfall[set]), P::load(&from.level[set])])
    }

    #[inline(always)]
    fn store(self, into: &mut Moments, set: usize) {
        let Sums([sum, square, shortfall, level]) = self;
        sum.store(&mut into.sum[set]);
        square.store(&mut into.square[set]);
        shortfall.store(&mut into.shortfall[set]);
        level.store(&mut into.level[set]);
    }

    #[inline(always)]
    fn add(&mut self, e: P, was: P, shift: P, floor: P) {
        let (one, zero) = (P::splat(1.0), P::splat(0.0));
        // Out of the market returns are exactly 0 and need no division.
        let r = if e.differs(was) { e.div(was).sub(one) } else { zero };
        let d = r.sub(shift);
        let s = r.sub(floor).min(zero);
        let Sums([sum, square, shortfall, level]) = *self;
        *self = Sums([sum.add(d), square.add(d.mul(d)), shortfall.add(s.mul(s)), level.add(e)]);
    }
}

packed! {
    /// Take in the returns `now[i] / before[i] - 1` and follow the curve `now`. Calls may be split at multiples of sixteen.
    pub fn measure = measure_in(now: &[f64], before: &[f64], shift: f64, floor: f64, into: &mut Moments, depth: &mut Depth)
}

#[inline(always)]
fn measure_in<P: Pack>(now: &[f64], before: &[f64], shift: f64, floor: f64, into: &mut Moments, depth: &mut Depth) {
    let (by, under) = (P::splat(shift), P::splat(floor));
    let (mut even, mut odd) = (Sums::load(into, 0), Sums::load(into, 1));
    let mut d = *depth;
    // The trough of blocks below the peak, lane by lane until the peak is passed.
    let mut trough = P::splat(f64::INFINITY);
    let (a, a_rest) = now.as_chunks::<64>();
    let (b, b_rest) = before.as_chunks::<64>();
    for (x, y) in a.iter().zip(b) {
        let (eights, _) = x.as_chunks::<8>();
        let (were, _) = y.as_chunks::<8>();
        let (mut low, mut high) = (P::splat(f64::INFINITY), P::splat(f64::NEG_INFINITY));
        for k in 0..4 {
            let (e, f) = (P::load(&eights[2 * k]), P::load(&eights[2 * k + 1]));
            even.add(e, P::load(&were[2 * k]), by, under);
            odd.add(f, P::load(&were[2 * k + 1]), by, under);
            (low, high) = (e.min(f).min(low), e.max(f).max(high));
        }
        d.block(x, low, high, &mut trough);
    }
    let (a, a_ones) = a_rest.as_chunks::<16>();
    let (b, b_ones) = b_rest.as_chunks::<16>();
    for (x, y) in a.iter().zip(b) {
        let (eights, _) = x.as_chunks::<8>();
        let (were, _) = y.as_chunks::<8>();
        even.add(P::load(&eights[0]), P::load(&were[0]), by, under);
        odd.add(P::load(&eights[1]), P::load(&were[1]), by, under);
    }
    even.store(into, 0);
    odd.store(into, 1);
    for (k, (x, y)) in a_ones.iter().zip(b_ones).enumerate() {
        into.add_one(k, x / y - 1.0, *x, shift, floor);
    }
    d.steps(a_rest, &mut trough);
    d.deepen(least(trough));
    *depth = d;
}

/// Values that [`follow`] may read beyond the end.
pub const STEP: usize = 8;

packed! {
    /// What [`measure`] does for the curve of the first `n` bars that stretches make, which is written nowhere; its first value
    /// must have been taken in. Returns the smallest value. `price` has [`STEP`] values more than there are bars.
    pub fn follow = follow_in(stretches: &[Stretch], price: &[f64], n: usize, shift: f64, floor: f64, into: &mut Moments, depth: &mut Depth) -> f64
}

/// A curve as it comes out of its stretches, eight values at a time.
struct Walk<'s, P: Pack> {
    coming: std::slice::Iter<'s, Stretch>,
    /// First bar of the stretch after this one.
    next: usize,
    cash: P,
    quantity: P,
    after: &'s [Stretch],
}

impl<'s, P: Pack> Walk<'s, P> {
    #[inline(always)]
    fn new(stretches: &'s [Stretch]) -> Walk<'s, P> {
        let (none, all) = (P::splat(0.0), stretches);
        let mut walk = Walk { coming: all.iter(), next: 0, cash: none, quantity: none, after: all };
        walk.turn();
        walk
    }

    #[inline(always)]
    fn turn(&mut self) {
        if let Some(s) = self.coming.next() {
            (self.cash, self.quantity) = (P::splat(s.cash), P::splat(s.quantity));
        }
        self.after = self.coming.as_slice();
        self.next = self.after.first().map_or(usize::MAX, |s| s.from as usize);
    }

    #[inline(always)]
    fn eight(&mut self, row: usize, price: &[f64; 8]) -> P {
        let p = P::load(price);
        let mut e = self.cash.add(self.quantity.mul(p));
        while self.next < row + 8 {
            let k = self.next - row;
            self.turn();
            e = e.until(k, self.cash.add(self.quantity.mul(p)));
        }
        e
    }
}

#[inline(always)]
fn follow_in<P: Pack>(stretches: &[Stretch], price: &[f64], n: usize, shift: f64, floor: f64, into: &mut Moments, depth: &mut Depth) -> f64 {
    let (by, under) = (P::splat(shift), P::splat(floor));
    let (mut even, mut odd) = (Sums::load(into, 0), Sums::load(into, 1));
    let mut d = *depth;
    let mut walk = Walk::<P>::new(stretches);
    let mut before = walk.cash;
    let (mut trough, mut least_of_all) = (P::splat(f64::INFINITY), P::splat(f64::INFINITY));
    let prices = &price[1..n + STEP];
    let (blocks, rest) = prices[..n - 1].as_chunks::<64>();
    let mut block = [0.0; 64];
    let mut row = 1;
    for p in blocks {
        let (eights, _) = p.as_chunks::<8>();
        let (values, _) = block.as_chunks_mut::<8>();
        let (mut low, mut high) = (P::splat(f64::INFINITY), P::splat(f64::NEG_INFINITY));
        for k in 0..4 {
            let e = walk.eight(row + 16 * k, &eights[2 * k]);
            even.add(e, e.after(before), by, under);
            e.store(&mut values[2 * k]);
            let f = walk.eight(row + 16 * k + 8, &eights[2 * k + 1]);
            odd.add(f, f.after(e), by, under);
            f.store(&mut values[2 * k + 1]);
            before = f;
            (low, high) = (e.min(f).min(low), e.max(f).max(high));
        }
        least_of_all = low.min(least_of_all);
        d.block(&block, low, high, &mut trough);
        row += 64;
    }
    let left = rest.len();
    let (eights, _) = prices[row - 1..].as_chunks::<8>();
    let (values, _) = block.as_chunks_mut::<8>();
    let mut were = [P::splat(0.0); 8];
    for (k, (p, v)) in eights.iter().zip(values).take(left.div_ceil(8)).enumerate() {
        let e = walk.eight(row + 8 * k, p);
        e.store(v);
        were[k] = e.after(before);
        before = e;
    }
    let (values, _) = block.as_chunks::<8>();
    for k in 0..left / 16 {
        even.add(P::load(&values[2 * k]), were[2 * k], by, under);
        odd.add(P::load(&values[2 * k + 1]), were[2 * k + 1], by, under);
    }
    even.store(into, 0);
    odd.store(into, 1);
    for i in left / 16 * 16..left {
        into.add_one(i % 16, block[i] / were[i / 8].array()[i % 8] - 1.0, block[i], shift, floor);
    }
    let lowest = block[..left].iter().fold(f64::INFINITY, |low, e| if *e < low { *e } else { low });
    d.steps(&block[..left], &mut trough);
    d.deepen(least(trough));
    *depth = d;
    let low = least(least_of_all);
    if lowest < low {
        lowest
    } else {
        low
    }
}

wide! {
    /// Is `low <= open, close <= high` with all prices finite and positive?
    pub fn sane(open: &[f64], high: &[f64], low: &[f64], close: &[f64]) -> bool {
        let mut good = true;
        for (((o, h), l), c) in open.iter().zip(high).zip(low).zip(close) {
            good &= (*l > 0.0) & (*l <= *o) & (*l <= *c) & (*o <= *h) & (*c <= *h) & (*h < f64::INFINITY);
        }
        good
    }
}

wide! {
    /// Is no value `leap` times the one before, or a part of it as small?
    pub fn calm(before: &[f64], after: &[f64], leap: f64) -> bool {
        let mut good = true;
        for (b, a) in before.iter().zip(after) {
            good &= (*a < *b * leap) & (*a * leap > *b);
        }
        good
    }
}

wide! {
    /// Is no value negative or infinite (NaN: not known)?
    pub fn fair_volume(x: &[f64]) -> bool {
        let mut good = true;
        for v in x {
            good &= !((*v < 0.0) | (*v == f64::INFINITY));
        }
        good
    }
}

wide! {
    /// `out[i] = a[i] - b[i]`.
    pub fn difference(a: &[f64], b: &[f64], out: &mut [f64]) {
        for ((o, x), y) in out.iter_mut().zip(a).zip(b) {
            *o = x - y;
        }
    }
}

wide! {
    /// `x[i] /= by`.
    pub fn divide(x: &mut [f64], by: f64) {
        for v in x {
            *v /= by;
        }
    }
}
