//! Exact ledger numbers: integers in units of 1e-12.
//!
//! Entry points: [`to_units`], [`from_units`], [`mul`], [`mul_div`], [`floor_lot`].
//! Invariant: nothing here wraps; a value that does not fit is an [`Error::Range`].

use crate::error::{Error, Result};

pub type Units = i128;

pub const UNIT: i128 = 1_000_000_000_000;
pub const SCALE: f64 = 1e12;
const LIMIT: f64 = 1.7e38;
/// `floor(2^167 / 10^12)`, for division by multiplication.
const RECIPROCAL: u128 = 187_072_209_578_355_573_530_071_658_587_684_226_515;

/// Round half to even without a call into the maths library (the baseline instruction set has no rounding).
#[inline(always)]
fn round_even(y: f64) -> f64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52: adding it leaves no bits for a fraction
    if y.abs() < 2_251_799_813_685_248.0 {
        (y + MAGIC) - MAGIC
    } else {
        y.round_ties_even()
    }
}

/// Floor, likewise.
#[inline(always)]
fn floor(y: f64) -> f64 {
    if y.abs() < 4.5e18 {
        let whole = y as i64 as f64;
        if whole > y {
            whole - 1.0
        } else {
            whole
        }
    } else {
        y.floor()
    }
}

/// Round half to even of `x * 1e12`, the product in float64.
#[inline(always)]
pub fn to_units(x: f64) -> Result<Units> {
    narrow(round_even(x * SCALE), x)
}

/// Floor of `x * 1e12`.
#[inline(always)]
pub fn floor_units(x: f64) -> Result<Units> {
    narrow(floor(x * SCALE), x)
}

#[inline(always)]
fn narrow(y: f64, x: f64) -> Result<Units> {
    let magnitude = y.abs();
    if magnitude < 1.8e19 {
        let units = i128::from(magnitude as u64);
        Ok(if y < 0.0 { -units } else { units })
    } else if magnitude < LIMIT {
        Ok(y as i128)
    } else {
        Err(Error::Range(x))
    }
}

#[inline(always)]
pub fn from_units(i: Units) -> f64 {
    match i64::try_from(i) {
        Ok(small) => small as f64 / SCALE,
        // Two exact halves and one rounding: the bits of the (slower) general conversion.
        Err(_) if i.unsigned_abs() >> 104 == 0 => {
            const HALF: i128 = 1 << 52;
            ((i >> 52) as i64 as f64 * HALF as f64 + (i & (HALF - 1)) as i64 as f64) / SCALE
        }
        Err(_) => i as f64 / SCALE,
    }
}

/// Quotient and remainder by `10^12`: one long multiplication (the general 128-bit division is ten times slower).
#[inline(always)]
pub(crate) fn div_unit(x: u128) -> (u128, u64) {
    let wide = |a: u64, b: u64| u128::from(a) * u128::from(b);
    let (x1, x0) = ((x >> 64) as u64, x as u64);
    let (r1, r0) = ((RECIPROCAL >> 64) as u64, RECIPROCAL as u64);
    let (a, b, c, d) = (wide(x0, r0), wide(x1, r0), wide(x0, r1), wide(x1, r1));
    let middle = (a >> 64) + u128::from(b as u64) + u128::from(c as u64);
    let high = d + (b >> 64) + (c >> 64) + (middle >> 64);
    // At most one short, because the reciprocal was rounded down.
    let quotient = high >> 39;
    let remainder = x0.wrapping_sub((quotient as u64).wrapping_mul(UNIT as u64));
    if remainder >= UNIT as u64 {
        (quotient + 1, remainder - UNIT as u64)
    } else {
        (quotient, remainder)
    }
}

#[inline(always)]
pub(crate) fn half_even(quotient: u128, remainder: u64) -> u128 {
    const HALF: u64 = UNIT as u64 / 2;
    // No branch: which way it goes cannot be foreseen.
    quotient + u128::from((remainder > HALF) | ((remainder == HALF) & (quotient & 1 == 1)))
}

/// `x * y` if it fits; one of them is short in practice, which spares the general overflow test.
#[inline(always)]
fn product(x: u128, y: u128) -> Option<u128> {
    let (short, long) = if x >> 64 == 0 { (x, y) } else { (y, x) };
    if short >> 64 != 0 {
        return None;
    }
    let (s, low, high) = (short as u64, long as u64, (long >> 64) as u64);
    let bottom = u128::from(s) * u128::from(low);
    if high == 0 {
        return Some(bottom);
    }
    let top = u128::from(s) * u128::from(high);
    if top >> 64 != 0 {
        return None;
    }
    bottom.checked_add(top << 64)
}

/// `round_half_even(a * b / 10^12)` with an exact product.
#[inline(always)]
pub fn mul(a: Units, b: Units) -> Result<Units> {
    let negative = (a < 0) != (b < 0);
    let (x, y) = (a.unsigned_abs(), b.unsigned_abs());
    let magnitude = match product(x, y) {
        Some(product) => {
            let (q, r) = div_unit(product);
            half_even(q, r)
        }
        None => mul_wide(x, y)?,
    };
    if magnitude > i128::MAX as u128 {
        return Err(Error::Range(f64::INFINITY));
    }
    Ok(if negative { -(magnitude as i128) } else { magnitude as i128 })
}

#[cold]
fn mul_wide(x: u128, y: u128) -> Result<u128> {
    let range = || Error::Range(f64::INFINITY);
    let unit = UNIT as u128;
    let (xh, xl, yh, yl) = (x / unit, x % unit, y / unit, y % unit);
    let whole = xh.checked_mul(y).and_then(|v| v.checked_add(xl.checked_mul(yh)?)).ok_or_else(range)?;
    let (q, r) = div_unit(xl * yl);
    let total = whole.checked_add(q).ok_or_else(range)?;
    Ok(half_even(total, r))
}

/// `round_half_even(a * part / whole)` for `0 <= part <= whole`, exact.
pub fn mul_div(a: Units, part: Units, whole: Units) -> Result<Units> {
    if part == whole {
        return Ok(a);
    }
    let negative = a < 0;
    let (q, r, d) = muldiv_u(a.unsigned_abs(), part.unsigned_abs(), whole.unsigned_abs())?;
    let twice = r.checked_mul(2);
    let up = match twice {
        Some(t) => t > d || (t == d && q & 1 == 1),
        None => true,
    };
    let m = (q + u128::from(up)) as i128;
    Ok(if negative { -m } else { m })
}

fn muldiv_u(a: u128, b: u128, d: u128) -> Result<(u128, u128, u128)> {
    if d == 0 {
        return Err(Error::Range(f64::NAN));
    }
    if let Some(p) = a.checked_mul(b) {
        return Ok((p / d, p % d, d));
    }
    // 256-bit product by schoolbook limbs, then bitwise long division (rare: positions beyond 1e7 units of money times quantity).
    let mask = u128::from(u64::MAX);
    let (a1, a0, b1, b0) = (a >> 64, a & mask, b >> 64, b & mask);
    let low = a0 * b0;
    let (mid, carry) = (a1 * b0).overflowing_add(a0 * b1);
    let (lo, c1) = low.overflowing_add(mid << 64);
    let hi = a1 * b1 + (mid >> 64) + (u128::from(carry) << 64) + u128::from(c1);
    if hi >= d {
        return Err(Error::Range(f64::INFINITY));
    }
    let (mut rem, mut quo) = (hi, 0u128);
    for i in (0..128).rev() {
        let top = rem >> 127;
        rem = (rem << 1) | ((lo >> i) & 1);
        quo <<= 1;
        if top == 1 || rem >= d {
            rem = rem.wrapping_sub(d);
            quo |= 1;
        }
    }
    Ok((quo, rem, d))
}

/// Towards zero to a multiple of `lot` (0: fractional, nothing to do).
#[inline]
pub fn floor_lot(q: Units, lot: Units) -> Units {
    if lot <= 1 {
        q
    } else {
        q - q % lot
    }
}

/// Away from zero to a multiple of `lot`, for non-negative `q`.
#[inline]
pub fn ceil_lot(q: Units, lot: Units) -> Units {
    if lot <= 1 {
        q
    } else {
        (q + lot - 1) / lot * lot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_prices_are_exact() {
        assert_eq!(to_units(100.01).unwrap(), 100_010_000_000_000);
        assert_eq!(mul(to_units(100.01).unwrap(), 100 * UNIT).unwrap(), 10_001 * UNIT);
        assert_eq!(to_units(123_456.78).unwrap(), 123_456_780_000_000_000);
    }

    #[test]
    fn floats_of_large_numbers_are_rounded_once() {
        let mut i: i128 = 12_345;
        for _ in 0..200 {
            i = i.wrapping_mul(1_000_003).wrapping_add(777) % (1 << 103);
            assert_eq!(from_units(i), i as f64 / SCALE);
            assert_eq!(from_units(-i), -i as f64 / SCALE);
        }
    }

    #[test]
    fn quick_rounding_is_the_library_s() {
        let mut y = -3.7e15f64;
        for k in 0..200_000 {
            y += 37_000_000_123.456 * f64::from(k % 3);
            for x in [y, y / 1e6, y / 1e12, (y / 1e9).trunc() + 0.5, -0.0, 0.5, 1.5, -2.5] {
                assert_eq!(round_even(x), x.round_ties_even());
                assert_eq!(floor(x), x.floor());
            }
        }
    }

    #[test]
    fn halves_round_to_even() {
        assert_eq!(mul(1, UNIT / 2).unwrap(), 0);
        assert_eq!(mul(3, UNIT / 2).unwrap(), 2);
        assert_eq!(mul(-3, UNIT / 2).unwrap(), -2);
        assert_eq!(mul_div(5, 1, 2).unwrap(), 2);
        assert_eq!(mul_div(-7, 1, 2).unwrap(), -4);
    }

    #[test]
    fn wide_products_agree_with_narrow_ones() {
        let mut seed = 7u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed >> 1
        };
        for _ in 0..10_000 {
            let (a, b) = (u128::from(next()), u128::from(next()));
            let product = a * b;
            let expected = half_even(product / UNIT as u128, (product % UNIT as u128) as u64);
            assert_eq!(mul(a as i128, b as i128).unwrap() as u128, expected);
            assert_eq!(mul_wide(a, b).unwrap(), expected);
            let large = (a * b).wrapping_mul(7).wrapping_add(u128::from(next() % 3));
            assert_eq!(div_unit(large), (large / UNIT as u128, (large % UNIT as u128) as u64));
        }
        for edge in [0, 1, UNIT as u128 - 1, UNIT as u128, UNIT as u128 + 1, u128::MAX, u128::MAX - 1, u128::MAX / UNIT as u128 * UNIT as u128] {
            assert_eq!(div_unit(edge), (edge / UNIT as u128, (edge % UNIT as u128) as u64));
        }
        let big = 170_000_000_000_000i128 * UNIT;
        assert_eq!(mul(big, 3 * UNIT).unwrap(), 3 * big);
        assert!(mul(i128::MAX, i128::MAX).is_err());
        assert_eq!(mul_div(i128::MAX / 3, 3 * UNIT, 4 * UNIT).unwrap(), 42_535_295_865_117_307_932_921_825_928_971_026_432);
    }
}
