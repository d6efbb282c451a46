//! Eight float64 lanes, in the registers of the machine. Every operation is the same IEEE operation in each lane whatever the width.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256d, __m512d, _mm256_add_pd, _mm256_blendv_pd, _mm256_cmp_pd, _mm256_div_pd, _mm256_loadu_pd, _mm256_max_pd, _mm256_min_pd,
    _mm256_movemask_pd, _mm256_mul_pd, _mm256_permute2f128_pd, _mm256_set1_pd, _mm256_setr_pd, _mm256_shuffle_pd, _mm256_storeu_pd, _mm256_sub_pd,
    _mm512_add_pd, _mm512_alignr_epi64, _mm512_castpd_si512, _mm512_castsi512_pd, _mm512_cmp_pd_mask, _mm512_div_pd, _mm512_loadu_pd,
    _mm512_mask_blend_pd, _mm512_max_pd, _mm512_min_pd, _mm512_mul_pd, _mm512_set1_pd, _mm512_storeu_pd, _mm512_sub_pd, _CMP_GE_OQ, _CMP_GT_OQ,
    _CMP_NEQ_UQ,
};

/// `min(a, b)` is `a < b ? a : b` and `max` likewise, as the machine has it.
pub(crate) trait Pack: Copy {
    fn load(x: &[f64; 8]) -> Self;
    fn splat(x: f64) -> Self;
    fn store(self, x: &mut [f64; 8]);
    fn add(self, o: Self) -> Self;
    fn sub(self, o: Self) -> Self;
    fn mul(self, o: Self) -> Self;
    fn div(self, o: Self) -> Self;
    fn min(self, o: Self) -> Self;
    fn max(self, o: Self) -> Self;
    /// Bit `k` is set where lane `k` is greater.
    fn above(self, o: Self) -> u8;
    /// Is any lane not equal (NaN differs)?
    fn differs(self, o: Self) -> bool;
    /// The first `k` lanes of this, the others of `o`.
    fn until(self, k: usize, o: Self) -> Self;
    /// The last lane of `o`, then all of this but the last.
    fn after(self, o: Self) -> Self;

    #[inline(always)]
    fn array(self) -> [f64; 8] {
        let mut x = [0.0; 8];
        self.store(&mut x);
        x
    }
}

macro_rules! each {
    ($a:expr, $b:expr, $f:expr) => {{
        let (a, b) = ($a, $b);
        std::array::from_fn(|k| $f(a[k], b[k]))
    }};
}

impl Pack for [f64; 8] {
    #[inline(always)]
    fn load(x: &[f64; 8]) -> Self {
        *x
    }
    #[inline(always)]
    fn splat(x: f64) -> Self {
        [x; 8]
    }
    #[inline(always)]
    fn store(self, x: &mut [f64; 8]) {
        *x = self;
    }
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        each!(self, o, |a: f64, b: f64| a + b)
    }
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        each!(self, o, |a: f64, b: f64| a - b)
    }
    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        each!(self, o, |a: f64, b: f64| a * b)
    }
    #[inline(always)]
    fn div(self, o: Self) -> Self {
        each!(self, o, |a: f64, b: f64| a / b)
    }
    #[inline(always)]
    fn min(self, o: Self) -> Self {
        each!(self, o, |a: f64, b: f64| if a < b { a } else { b })
    }
    #[inline(always)]
    fn max(self, o: Self) -> Self {
        each!(self, o, |a: f64, b: f64| if a > b { a } else { b })
    }
    #[inline(always)]
    fn above(self, o: Self) -> u8 {
        (0..8).fold(0, |mask, k| mask | u8::from(self[k] > o[k]) << k)
    }
    #[inline(always)]
    fn differs(self, o: Self) -> bool {
        self != o
    }
    #[inline(always)]
    fn until(self, k: usize, o: Self) -> Self {
        std::array::from_fn(|i| if i < k { self[i] } else { o[i] })
    }
    #[inline(always)]
    fn after(self, o: Self) -> Self {
        std::array::from_fn(|i| if i == 0 { o[7] } else { self[i - 1] })
    }
}

/// 512-bit registers. Only used where AVX-512 was detected.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Wide512(__m512d);

/// Two 256-bit registers. Only used where AVX2 was detected.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Wide256(__m256d, __m256d);

#[cfg(target_arch = "x86_64")]
macro_rules! op512 {
    ($($name:ident = $f:ident),+) => { $(
        #[inline(always)]
        fn $name(self, o: Self) -> Self {
            // SAFETY: see the type.
            Wide512(unsafe { $f(self.0, o.0) })
        }
    )+ };
}

#[cfg(target_arch = "x86_64")]
impl Pack for Wide512 {
    #[inline(always)]
    fn load(x: &[f64; 8]) -> Self {
        // SAFETY: see the type; the array has eight values.
        Wide512(unsafe { _mm512_loadu_pd(x.as_ptr()) })
    }
    #[inline(always)]
    fn splat(x: f64) -> Self {
        // SAFETY: see the type.
        Wide512(unsafe { _mm512_set1_pd(x) })
    }
    #[inline(always)]
    fn store(self, x: &mut [f64; 8]) {
        // SAFETY: see the type; the array has eight values.
        unsafe { _mm512_storeu_pd(x.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn above(self, o: Self) -> u8 {
        // SAFETY: see the type.
        unsafe { _mm512_cmp_pd_mask::<_CMP_GT_OQ>(self.0, o.0) }
    }
    #[inline(always)]
    fn differs(self, o: Self) -> bool {
        // SAFETY: see the type.
        unsafe { _mm512_cmp_pd_mask::<_CMP_NEQ_UQ>(self.0, o.0) != 0 }
    }
    #[inline(always)]
    fn until(self, k: usize, o: Self) -> Self {
        // SAFETY: see the type.
        Wide512(unsafe { _mm512_mask_blend_pd((0xFFu32 << k) as u8, self.0, o.0) })
    }
    #[inline(always)]
    fn after(self, o: Self) -> Self {
        // SAFETY: see the type.
        Wide512(unsafe { _mm512_castsi512_pd(_mm512_alignr_epi64::<7>(_mm512_castpd_si512(self.0), _mm512_castpd_si512(o.0))) })
    }
    op512!(add = _mm512_add_pd, sub = _mm512_sub_pd, mul = _mm512_mul_pd, div = _mm512_div_pd, min = _mm512_min_pd, max = _mm512_max_pd);
}

#[cfg(target_arch = "x86_64")]
macro_rules! op256 {
    ($($name:ident = $f:ident),+) => { $(
        #[inline(always)]
        fn $name(self, o: Self) -> Self {
            // SAFETY: see the type.
            unsafe { Wide256($f(self.0, o.0), $f(self.1, o.1)) }
        }
    )+ };
}

#[cfg(target_arch = "x86_64")]
impl Pack for Wide256 {
    #[inline(always)]
    fn load(x: &[f64; 8]) -> Self {
        // SAFETY: see the type; the array has eight values.
        unsafe { Wide256(_mm256_loadu_pd(x.as_ptr()), _mm256_loadu_pd(x.as_ptr().add(4))) }
    }
    #[inline(always)]
    fn splat(x: f64) -> Self {
        // SAFETY: see the type.
        unsafe { Wide256(_mm256_set1_pd(x), _mm256_set1_pd(x)) }
    }
    #[inline(always)]
    fn store(self, x: &mut [f64; 8]) {
        // SAFETY: see the type; the array has eight values.
        unsafe {
            _mm256_storeu_pd(x.as_mut_ptr(), self.0);
            _mm256_storeu_pd(x.as_mut_ptr().add(4), self.1);
        }
    }
    #[inline(always)]
    fn above(self, o: Self) -> u8 {
        // SAFETY: see the type.
        unsafe {
            let low = _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_GT_OQ>(self.0, o.0));
            let high = _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_GT_OQ>(self.1, o.1));
            (low | high << 4) as u8
        }
    }
    #[inline(always)]
    fn differs(self, o: Self) -> bool {
        // SAFETY: see the type.
        unsafe {
            let low = _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_NEQ_UQ>(self.0, o.0));
            let high = _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_NEQ_UQ>(self.1, o.1));
            low | high != 0
        }
    }
    #[inline(always)]
    fn until(self, k: usize, o: Self) -> Self {
        // SAFETY: see the type.
        unsafe {
            let k = _mm256_set1_pd(k as f64);
            let low = _mm256_cmp_pd::<_CMP_GE_OQ>(_mm256_setr_pd(0.0, 1.0, 2.0, 3.0), k);
            let high = _mm256_cmp_pd::<_CMP_GE_OQ>(_mm256_setr_pd(4.0, 5.0, 6.0, 7.0), k);
            Wide256(_mm256_blendv_pd(self.0, o.0, low), _mm256_blendv_pd(self.1, o.1, high))
        }
    }
    #[inline(always)]
    fn after(self, o: Self) -> Self {
        // SAFETY: see the type.
        unsafe {
            let low = _mm256_permute2f128_pd::<0x21>(o.1, self.0);
            let high = _mm256_permute2f128_pd::<0x21>(self.0, self.1);
            Wide256(_mm256_shuffle_pd::<0b0101>(low, self.0), _mm256_shuffle_pd::<0b0101>(high, self.1))
        }
    }
    op256!(add = _mm256_add_pd, sub = _mm256_sub_pd, mul = _mm256_mul_pd, div = _mm256_div_pd, min = _mm256_min_pd, max = _mm256_max_pd);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<P: Pack>() -> Vec<u64> {
        let a = P::load(&[1.0, -2.5, 3.0, 0.1, 1e300, -0.0, 7.0, 1.0 / 3.0]);
        let b = P::load(&[0.3, 2.5, -3.0, 0.1, 1e10, 5.0, 9.0, 3.0]);
        let lanes = [a.add(b), a.sub(b), a.mul(b), a.div(b), a.min(b), a.max(b), P::splat(2.0), a.after(b)];
        (0..=8)
            .map(|k| a.until(k, b))
            .chain(lanes)
            .flat_map(|p| p.array())
            .map(f64::to_bits)
            .chain([u64::from(a.above(b)), u64::from(a.differs(b)), u64::from(a.differs(a))])
            .collect()
    }

    #[test]
    fn every_width_gives_the_same_bits() {
        let plain = all::<[f64; 8]>();
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx2") {
                assert_eq!(plain, all::<Wide256>());
            }
            if std::arch::is_x86_feature_detected!("avx512f") {
                assert_eq!(plain, all::<Wide512>());
            }
        }
        assert_eq!(plain.len(), 17 * 8 + 3);
    }
}
