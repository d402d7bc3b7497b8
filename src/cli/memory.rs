//! How the memory allocator treats what is freed.

/// Has the allocator keep freed blocks of up to so many bytes for what comes next, and up to twice as much at the end
/// of each heap. By its own measure glibc gives the end of a heap back after each large block, and takes it anew for
/// the next. It raises both of its bounds when a block that was mapped on its own is freed (mallopt(3)). An allocator
/// that does otherwise is left as it is, as is a glibc that the environment tells its bounds
/// (`MALLOC_TRIM_THRESHOLD_`).
pub(super) fn keep_freed(block: usize) {
    // Not to be optimised away: that it is made and freed is what counts.
    drop(std::hint::black_box(Vec::<u8>::with_capacity(block)));
}
