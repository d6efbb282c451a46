//! Numpy arrays in and out.

use numpy::ndarray::ArrayView1;
use numpy::{Element, PyArray1, PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use std::sync::Mutex;

/// A borrowed array that stays alive as long as this value. Callers promise not to write to it meanwhile.
pub(crate) struct Column<T> {
    _owner: Py<PyAny>,
    data: *const T,
    len: usize,
}

// SAFETY: the memory belongs to `_owner`, which is kept; it is only read.
unsafe impl<T: Sync> Send for Column<T> {}
unsafe impl<T: Sync> Sync for Column<T> {}

impl<T> Column<T> {
    pub fn slice(&self) -> &[T] {
        // SAFETY: pointer and length come from a C-contiguous array that `_owner` keeps alive.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }

    pub fn len(&self) -> usize {
        self.len
    }
}

/// Borrow as a C-contiguous array of `T`, converting only if dtype or layout ask for it. Returns rows and columns too (1-D: one column).
pub(crate) fn column<'py, T: Element>(name: &str, value: &Bound<'py, PyAny>, dtype: &str) -> PyResult<(Column<T>, usize, usize)> {
    let array = match value.cast::<PyArrayDyn<T>>() {
        Ok(array) if array.is_c_contiguous() => array.clone(),
        _ => {
            let made = value.py().import("numpy")?.call_method1("ascontiguousarray", (value, dtype))?;
            made.cast_into::<PyArrayDyn<T>>().map_err(|_| PyTypeError::new_err(format!("{name} cannot be read as an array of {dtype}")))?
        }
    };
    let (rows, cols) = match array.shape() {
        [n] => (*n, 1),
        [n, m] => (*n, *m),
        shape => {
            return Err(PyValueError::new_err(format!("{name} has {} dimensions; give (n_bars,) or (n_bars, n_assets)", shape.len())));
        }
    };
    let len = rows * cols;
    let data = if len == 0 { std::ptr::NonNull::dangling().as_ptr() as *const T } else { array.data() as *const T };
    Ok((Column { _owner: array.into_any().unbind(), data, len }, rows, cols))
}

pub(crate) fn given<'a, 'py>(value: Option<&'a Bound<'py, PyAny>>) -> Option<&'a Bound<'py, PyAny>> {
    value.filter(|v| !v.is_none())
}

const HUGE: usize = 2 << 20;
/// Buffers kept for the next run: fresh memory costs more than the engine.
const KEPT_BYTES: usize = 64 << 20;

struct Block {
    data: *mut f64,
    capacity: usize,
}

// SAFETY: a block is plain memory with one owner at a time.
unsafe impl Send for Block {}

static POOL: Mutex<Vec<Block>> = Mutex::new(Vec::new());

fn layout(capacity: usize) -> std::alloc::Layout {
    let bytes = capacity * 8;
    let align = if bytes >= HUGE { HUGE } else { 64 };
    // Infallible: the alignment is a power of two and sizes are far below the limit.
    std::alloc::Layout::from_size_align(bytes, align).unwrap_or(std::alloc::Layout::new::<f64>())
}

#[cfg(target_os = "linux")]
fn advise_huge(data: *mut f64, bytes: usize) {
    extern "C" {
        fn madvise(addr: *mut std::ffi::c_void, length: usize, advice: i32) -> i32;
    }
    const MADV_HUGEPAGE: i32 = 14;
    if bytes >= HUGE {
        // SAFETY: the range has just been allocated by us, aligned to huge pages; advice cannot change its contents.
        unsafe {
            madvise(data.cast(), bytes / HUGE * HUGE, MADV_HUGEPAGE);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_huge(_: *mut f64, _: usize) {}

/// Memory for one curve, given back to the pool when the last array on it is gone.
#[pyclass(frozen, module = "tradewright._core")]
pub(crate) struct Buffer {
    block: Mutex<Option<Block>>,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let Some(block) = self.block.lock().ok().and_then(|mut b| b.take()) else { return };
        if let Ok(mut pool) = POOL.lock() {
            let kept: usize = pool.iter().map(|b| b.capacity * 8).sum();
            if kept + block.capacity * 8 <= KEPT_BYTES && pool.len() < 64 {
                pool.push(block);
                return;
            }
        }
        // SAFETY: allocated with the same layout in `Curve::new`.
        unsafe { std::alloc::dealloc(block.data.cast(), layout(block.capacity)) }
    }
}

/// A curve being written.
pub(crate) struct Curve {
    block: Block,
    len: usize,
}

impl Curve {
    pub fn new(len: usize) -> Curve {
        let capacity = len.max(8);
        if let Ok(mut pool) = POOL.lock() {
            if let Some(at) = pool.iter().position(|b| b.capacity >= capacity && b.capacity <= 2 * capacity) {
                return Curve { block: pool.swap_remove(at), len };
            }
        }
        // SAFETY: the size is not zero; a failed allocation aborts like any other in Rust.
        let data = unsafe { std::alloc::alloc(layout(capacity)) }.cast::<f64>();
        if data.is_null() {
            std::alloc::handle_alloc_error(layout(capacity));
        }
        advise_huge(data, capacity * 8);
        // SAFETY: freshly allocated and at least `len` long; zeroing makes it initialised.
        unsafe { std::ptr::write_bytes(data, 0, capacity.min(4096)) };
        Curve { block: Block { data, capacity }, len }
    }

    pub fn slice(&mut self) -> &mut [f64] {
        // SAFETY: allocated for at least `len` values; every f64 bit pattern is valid and the engine writes each before reading.
        unsafe { std::slice::from_raw_parts_mut(self.block.data, self.len) }
    }

    /// As an array that owns the memory.
    pub fn into_array<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let (data, len) = (self.block.data, self.len);
        let owner = Bound::new(py, Buffer { block: Mutex::new(Some(self.block)) })?;
        // SAFETY: `owner` keeps the memory and becomes the base of the array.
        Ok(unsafe {
            let view = ArrayView1::from_shape_ptr(len, data);
            PyArray1::borrow_from_array(&view, owner.into_any())
        })
    }
}
