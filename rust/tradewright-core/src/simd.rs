//! The few loops worth wide registers, compiled for several instruction sets and chosen at run time.
//!
//! Every variant does the same operations in the same lanes, so results are the same bits on every machine.

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
                if std::arch::is_x86_feature_detected!("avx512bw") && std::arch::is_x86_feature_detected!("avx512dq") && std::arch::is_x86_feature_detected!("avx512vl") {
                    // SAFETY: the features were detected on this machine.
                    return unsafe { avx512($($arg),*) };
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the feature was detected on this machine.
                    return unsafe { avx2($($arg),*) };
                }
            }
            inner($($arg),*)
        }
    };
}

wide! {
    /// `out[i] = cash + quantity * price[i]`.
    pub fn value(cash: f64, quantity: f64, price: &[f64], out: &mut [f64]) {
        for (o, p) in out.iter_mut().zip(price) {
            *o = cash + quantity * p;
        }
    }
}

wide! {
    /// Are all values finite?
    pub fn all_finite(x: &[f64]) -> bool {
        let mut blocks = x.chunks_exact(64);
        for block in &mut blocks {
            // x - x is 0 for finite values and NaN otherwise; the sum keeps any NaN.
            let mut lanes = [0.0f64; 8];
            for eight in block.chunks_exact(8) {
                for k in 0..8 {
                    lanes[k] += eight[k] - eight[k];
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

wide! {
    /// Index of the first code that is an opinion other than `has`, or the length.
    pub fn next_opinion(codes: &[i8], has: i8) -> usize {
        let hold = crate::types::HOLD;
        let mut at = 0;
        for block in codes.chunks_exact(64) {
            let mut any = 0u8;
            for c in block {
                any |= u8::from(*c != has) & u8::from(*c != hold);
            }
            if any != 0 {
                break;
            }
            at += 64;
        }
        codes[at..].iter().position(|c| *c != has && *c != hold).map_or(codes.len(), |k| at + k)
    }
}

wide! {
    /// State 1 where `fast > slow`, else `below`.
    pub fn above(fast: &[f64], slow: &[f64], below: i8, out: &mut [i8]) {
        for ((o, f), s) in out.iter_mut().zip(fast).zip(slow) {
            *o = if f > s { 1 } else { below };
        }
    }
}

/// Sums over a curve of equity: returns less `shift` (first and second power), squared shortfalls below `floor`, and levels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    pub sum: f64,
    pub square: f64,
    pub shortfall: f64,
    pub level: f64,
}

wide! {
    /// Moments of `equity[i] / equity[i - 1] - 1`, the first against `initial`.
    pub fn moments(equity: &[f64], initial: f64, shift: f64, floor: f64) -> Moments {
        let mut sum = [0.0f64; 8];
        let mut square = [0.0f64; 8];
        let mut shortfall = [0.0f64; 8];
        let mut level = [0.0f64; 8];
        let n = equity.len();
        if n == 0 {
            return Moments::default();
        }
        let first = equity[0] / initial - 1.0;
        let d = first - shift;
        let s = (first - floor).min(0.0);
        sum[0] = d;
        square[0] = d * d;
        shortfall[0] = s * s;
        level[0] = equity[0];
        let now = &equity[1..];
        let before = &equity[..n - 1];
        let mut a = now.chunks_exact(8);
        let mut b = before.chunks_exact(8);
        for (x, y) in (&mut a).zip(&mut b) {
            for k in 0..8 {
                let r = x[k] / y[k] - 1.0;
                let d = r - shift;
                let s = (r - floor).min(0.0);
                sum[k] += d;
                square[k] += d * d;
                shortfall[k] += s * s;
                level[k] += x[k];
            }
        }
        for (k, (x, y)) in a.remainder().iter().zip(b.remainder()).enumerate() {
            let r = x / y - 1.0;
            let d = r - shift;
            let s = (r - floor).min(0.0);
            sum[k] += d;
            square[k] += d * d;
            shortfall[k] += s * s;
            level[k] += x;
        }
        let fold = |v: [f64; 8]| ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
        Moments { sum: fold(sum), square: fold(square), shortfall: fold(shortfall), level: fold(level) }
    }
}

wide! {
    /// Smallest and largest value of a block.
    pub fn extremes(block: &[f64]) -> (f64, f64) {
        let mut low = [f64::INFINITY; 8];
        let mut high = [f64::NEG_INFINITY; 8];
        let mut eights = block.chunks_exact(8);
        for x in &mut eights {
            for k in 0..8 {
                low[k] = if x[k] < low[k] { x[k] } else { low[k] };
                high[k] = if x[k] > high[k] { x[k] } else { high[k] };
            }
        }
        for (k, x) in eights.remainder().iter().enumerate() {
            low[k] = if *x < low[k] { *x } else { low[k] };
            high[k] = if *x > high[k] { *x } else { high[k] };
        }
        let mut lowest = low[0];
        let mut highest = high[0];
        for k in 1..8 {
            lowest = lowest.min(low[k]);
            highest = highest.max(high[k]);
        }
        (lowest, highest)
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
    /// Are all values finite and at least zero?
    pub fn not_negative(x: &[f64]) -> bool {
        let mut good = true;
        for v in x {
            good &= (*v >= 0.0) & (*v < f64::INFINITY);
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
