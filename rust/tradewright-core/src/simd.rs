//! The few loops worth wide registers, compiled for several instruction sets and chosen at run time.
//!
//! Every variant does the same operations in the same lanes, so results are the same bits on every machine.

use crate::pack::Pack;

/// What this machine has: 2 AVX-512, 1 AVX2, 0 the baseline. Found out once.
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
    let found = if wide { 2 } else { u8::from(std::arch::is_x86_feature_detected!("avx2")) };
    LEVEL.store(found, Ordering::Relaxed);
    found
}

/// Define a function once and compile it for AVX-512, AVX2 and the baseline.
macro_rules! wide {
    ($(#[$doc:meta])* pub fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$doc])*
        #[inline]
        pub fn $name($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn inner($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
                fn avx512($($arg: $ty),*) $(-> $ret)? { inner($($arg),*) }
                #[target_feature(enable = "avx2")]
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

/// As `wide!`, for a function generic over the lanes it computes in.
macro_rules! packed {
    ($(#[$doc:meta])* pub fn $name:ident = $inner:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)?) => {
        $(#[$doc])*
        #[inline]
        pub fn $name($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw")]
                fn avx512($($arg: $ty),*) $(-> $ret)? { $inner::<crate::pack::Wide512>($($arg),*) }
                #[target_feature(enable = "avx2")]
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

packed! {
    /// Rows at which `fast > slow` changes, counted from `offset`, appended to `out`; whether it holds on the first row.
    pub fn crossings = crossings_in(fast: &[f64], slow: &[f64], offset: u32, out: &mut Vec<u32>) -> bool
}

#[inline(always)]
fn crossings_in<P: Pack>(fast: &[f64], slow: &[f64], offset: u32, out: &mut Vec<u32>) -> bool {
    let Some(first) = fast.first().zip(slow.first()).map(|(f, s)| f > s) else { return false };
    let mut before = u64::from(first);
    let mut at = offset;
    let mut word = |mask: u64, bits: u32, at: u32| {
        let mut changes = mask ^ (mask << 1 | before);
        if bits < 64 {
            changes &= (1 << bits) - 1;
        }
        while changes != 0 {
            out.push(at + changes.trailing_zeros());
            changes &= changes - 1;
        }
        before = mask >> (bits - 1) & 1;
    };
    let (a, a_rest) = fast.as_chunks::<64>();
    let (b, b_rest) = slow.as_chunks::<64>();
    for (f, s) in a.iter().zip(b) {
        let (f, _) = f.as_chunks::<8>();
        let (s, _) = s.as_chunks::<8>();
        let mut mask = 0u64;
        for k in 0..8 {
            mask |= u64::from(P::load(&f[k]).above(P::load(&s[k]))) << (8 * k);
        }
        word(mask, 64, at);
        at += 64;
    }
    if !a_rest.is_empty() {
        let mask = a_rest.iter().zip(b_rest).enumerate().fold(0u64, |m, (k, (f, s))| m | u64::from(f > s) << k);
        word(mask, a_rest.len() as u32, at);
    }
    first
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

packed! {
    /// Take in `now[i] / before[i] - 1`. Calls may be split at multiples of sixteen.
    pub fn moments = moments_in(now: &[f64], before: &[f64], shift: f64, floor: f64, into: &mut Moments)
}

#[inline(always)]
fn moments_in<P: Pack>(now: &[f64], before: &[f64], shift: f64, floor: f64, into: &mut Moments) {
    let (one, zero, by, under) = (P::splat(1.0), P::splat(0.0), P::splat(shift), P::splat(floor));
    // Two sets of lanes, so that one addition need not wait for the one before.
    let mut sets = [0, 1].map(|k| [P::load(&into.sum[k]), P::load(&into.square[k]), P::load(&into.shortfall[k]), P::load(&into.level[k])]);
    let (a, a_rest) = now.as_chunks::<16>();
    let (b, b_rest) = before.as_chunks::<16>();
    for (x, y) in a.iter().zip(b) {
        let (x, _) = x.as_chunks::<8>();
        let (y, _) = y.as_chunks::<8>();
        for (k, set) in sets.iter_mut().enumerate() {
            let (e, was) = (P::load(&x[k]), P::load(&y[k]));
            // Out of the market returns are exactly 0 and need no division.
            let r = if e.differs(was) { e.div(was).sub(one) } else { zero };
            let d = r.sub(by);
            let s = r.sub(under).min(zero);
            set[0] = set[0].add(d);
            set[1] = set[1].add(d.mul(d));
            set[2] = set[2].add(s.mul(s));
            set[3] = set[3].add(e);
        }
    }
    for (k, set) in sets.into_iter().enumerate() {
        set[0].store(&mut into.sum[k]);
        set[1].store(&mut into.square[k]);
        set[2].store(&mut into.shortfall[k]);
        set[3].store(&mut into.level[k]);
    }
    for (k, (x, y)) in a_rest.iter().zip(b_rest).enumerate() {
        into.add_one(k, x / y - 1.0, *x, shift, floor);
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

    #[inline(always)]
    fn deepen(&mut self, e: f64) {
        self.trough = if e < self.trough { e } else { self.trough };
    }

    #[inline]
    fn rise(&mut self, e: f64) {
        self.measure();
        self.longest = self.longest.max(self.stay);
        self.stay = 0;
        self.peak = e;
        self.trough = e;
    }

    #[inline]
    fn measure(&mut self) {
        if self.trough < self.peak {
            self.deepest = self.deepest.min(self.trough / self.peak - 1.0);
        }
    }

    /// Deepest drawdown (zero or negative) and the longest stay below the peak.
    pub fn end(mut self) -> (f64, usize) {
        self.measure();
        (self.deepest, self.longest.max(self.stay))
    }
}

/// Lane by lane the smallest and largest of 64 values.
#[inline(always)]
fn extremes<P: Pack>(block: &[f64; 64]) -> (P, P) {
    let (eights, _) = block.as_chunks::<8>();
    let [a, b, c, d] = [0, 1, 2, 3].map(|k| {
        let (x, y) = (P::load(&eights[2 * k]), P::load(&eights[2 * k + 1]));
        (x.min(y), x.max(y))
    });
    (a.0.min(b.0).min(c.0.min(d.0)), a.1.max(b.1).max(c.1.max(d.1)))
}

packed! {
    /// Follow a curve. Blocks without a new peak cost two comparisons a value.
    pub fn follow = follow_in(curve: &[f64], depth: &mut Depth)
}

#[inline(always)]
fn follow_in<P: Pack>(curve: &[f64], depth: &mut Depth) {
    let mut d = *depth;
    // The trough of blocks below the peak, lane by lane until the peak is passed.
    let mut trough = P::splat(f64::INFINITY);
    let mut at = 0;
    while at < curve.len() {
        let rest = &curve[at..];
        let block = if let Some(block) = rest.first_chunk::<64>() {
            at += 64;
            let (low, high) = extremes::<P>(block);
            let top = most(high);
            if top < d.peak {
                d.stay += 64;
                trough = low.min(trough);
                continue;
            }
            d.deepen(least(trough));
            trough = P::splat(f64::INFINITY);
            if !low.differs(high) && least(low) == top {
                d.rise(top);
                continue;
            }
            block.as_slice()
        } else {
            at = curve.len();
            rest
        };
        for &e in block {
            if e < d.peak {
                d.stay += 1;
                d.deepen(e);
            } else {
                d.deepen(least(trough));
                trough = P::splat(f64::INFINITY);
                d.rise(e);
            }
        }
    }
    d.deepen(least(trough));
    *depth = d;
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
