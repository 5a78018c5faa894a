// What the preloaded library writes, as the reader finds it in the file.

#ifndef ALLOCATIONS_H
#define ALLOCATIONS_H

#include <stdint.h>

/// All words are written by the counted process but for `to_trace`.
struct allocation_counts {
    /// Made by the program itself or by Swift's runtime and libraries.
    uint64_t own;
    uint64_t own_bytes;
    /// Made by libzmq and what it brings along.
    uint64_t zeromq;
    uint64_t zeromq_bytes;
    /// Made by the C library, or by whoever could not be told.
    uint64_t other;
    uint64_t other_bytes;
    /// So many of the next own allocations are written to standard error with their callers.
    uint64_t to_trace;
};

#endif
