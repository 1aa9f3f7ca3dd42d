//! How memory is asked for and given back.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Least time between two times that a thread gives back what it no longer needs.
const REST: Duration = Duration::from_secs(1);

/// Rows are many small texts: an import needs 40 % less processor time with this allocator than with that of glibc.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sets how memory is asked for and given back, before much of it is used.
///
/// Freed memory goes back to the system a quarter of a second after it was last used; the allocator's own choice is ten. A pass over the
/// whole history allocates and frees large relations one after the other, and would otherwise hold several of them. The system gives
/// out small pages only: large ones are cleared whole when their first byte is used, which made a start, ingest and an idle server dearer
/// (docs/performance.md).
pub fn set() {
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    const MILLISECONDS: std::ffi::c_long = 25;
    #[expect(
        unsafe_code,
        reason = "a setting of the allocator for which its crate has no safe name; every number is a valid one"
    )]
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, MILLISECONDS);
    }
    #[cfg(target_os = "linux")]
    #[expect(
        unsafe_code,
        reason = "a setting of the process without a pointer; where the system refuses it, only speed is lost"
    )]
    unsafe {
        libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
    }
}

/// Called by threads that have nothing to do: gives back what other threads have freed of a thread's memory.
///
/// The allocator leaves that to the owner's next allocations, so a thread that rests after much work, a training for instance, would hold its
/// largest moment for good.
pub fn give_back() {
    thread_local! {
        static LAST: Cell<Option<Instant>> = const { Cell::new(None) };
    }
    let now = Instant::now();
    if LAST.get().is_some_and(|last| now.duration_since(last) < REST) {
        return;
    }
    LAST.set(Some(now));
    #[expect(
        unsafe_code,
        reason = "the allocator looks through the calling thread's own memory; its crate has no safe name for that"
    )]
    unsafe {
        libmimalloc_sys::mi_collect(true);
    }
}
