// Counts heap allocations by who asks for them. Loaded with LD_PRELOAD; the counts are in the file that
// ALLOCATION_COUNTS names, so that a running process can be read from outside.
//
// The direct caller decides: Swift allocates through its runtime, a library of its own; C++ through operator
// new, which is replaced here as well, because all its callers would else look like libstdc++.

// For dl_iterate_phdr.
#define _GNU_SOURCE

#include "include/allocations.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// glibc's own names for what is replaced here.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

enum owner { OWN, ZEROMQ, OTHER };

struct range {
    uintptr_t start, end;
    enum owner owner;
};

enum { MAXIMUM_RANGES = 256 };
static struct range ranges[MAXIMUM_RANGES];
static size_t range_count;
static struct allocation_counts early_counts;
static struct allocation_counts *counts = &early_counts;
static _Thread_local bool is_tracing;

static bool contains(const char *path, const char *part) { return strstr(path, part) != NULL; }

static enum owner owner_of_object(const char *path) {
    if (path[0] == '\0') return OWN; // The program itself has no name here.
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    if (contains(name, "libswift") || contains(name, "lib_") || contains(name, "libFoundation") ||
        contains(name, "libdispatch") || contains(name, "libBlocksRuntime")) {
        return OWN;
    }
    if (contains(name, "libzmq") || contains(name, "libstdc++") || contains(name, "libsodium")) return ZEROMQ;
    return OTHER;
}

static int note_object(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    (void)context;
    for (int index = 0; index < info->dlpi_phnum && range_count < MAXIMUM_RANGES; index++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[index];
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_X)) continue;
        uintptr_t start = info->dlpi_addr + header->p_vaddr;
        ranges[range_count++] =
            (struct range){start, start + header->p_memsz, owner_of_object(info->dlpi_name)};
    }
    return 0;
}

__attribute__((constructor)) static void begin(void) {
    dl_iterate_phdr(note_object, NULL);
    const char *path = getenv("ALLOCATION_COUNTS");
    if (!path) return;
    int file = open(path, O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, sizeof *counts) != 0) abort();
    void *shared = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared == MAP_FAILED) abort();
    close(file);
    counts = shared;
    // The first use of backtrace allocates: not while something is counted.
    void *frame;
    backtrace(&frame, 1);
}

static void add(uint64_t *counter, uint64_t value) {
    atomic_fetch_add_explicit((_Atomic uint64_t *)counter, value, memory_order_relaxed);
}

static void trace(void) {
    if (is_tracing || counts->to_trace == 0) return;
    is_tracing = true;
    counts->to_trace--;
    void *frames[24];
    int depth = backtrace(frames, 24);
    static const char title[] = "allocation:\n";
    if (write(STDERR_FILENO, title, sizeof title - 1) > 0) backtrace_symbols_fd(frames, depth, STDERR_FILENO);
    is_tracing = false;
}

static void count(size_t size, void *caller) {
    uintptr_t address = (uintptr_t)caller;
    enum owner owner = OTHER;
    for (size_t index = 0; index < range_count; index++) {
        if (address >= ranges[index].start && address < ranges[index].end) {
            owner = ranges[index].owner;
            break;
        }
    }
    switch (owner) {
    case OWN:
        add(&counts->own, 1);
        add(&counts->own_bytes, size);
        trace();
        break;
    case ZEROMQ:
        add(&counts->zeromq, 1);
        add(&counts->zeromq_bytes, size);
        break;
    case OTHER:
        add(&counts->other, 1);
        add(&counts->other_bytes, size);
        break;
    }
}

#define COUNT(size) count(size, __builtin_return_address(0))

void *malloc(size_t size) {
    COUNT(size);
    return __libc_malloc(size);
}

void *calloc(size_t count_of_items, size_t size) {
    COUNT(count_of_items * size);
    return __libc_calloc(count_of_items, size);
}

void *realloc(void *block, size_t size) {
    COUNT(size);
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
    COUNT(size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    COUNT(size);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    COUNT(size);
    void *made = __libc_memalign(alignment, size);
    if (!made) return ENOMEM;
    *block = made;
    return 0;
}

// operator new in its forms, by their mangled names (Itanium C++ ABI, 5.1.5).

static void *made_or_abort(void *block) {
    if (!block) abort();
    return block;
}

void *_Znwm(size_t size) {
    COUNT(size);
    return made_or_abort(__libc_malloc(size ? size : 1));
}

void *_Znam(size_t size) {
    COUNT(size);
    return made_or_abort(__libc_malloc(size ? size : 1));
}

void *_ZnwmRKSt9nothrow_t(size_t size, const void *nothrow) {
    (void)nothrow;
    COUNT(size);
    return __libc_malloc(size ? size : 1);
}

void *_ZnamRKSt9nothrow_t(size_t size, const void *nothrow) {
    (void)nothrow;
    COUNT(size);
    return __libc_malloc(size ? size : 1);
}

void *_ZnwmSt11align_val_t(size_t size, size_t alignment) {
    COUNT(size);
    return made_or_abort(__libc_memalign(alignment, size ? size : 1));
}

void *_ZnamSt11align_val_t(size_t size, size_t alignment) {
    COUNT(size);
    return made_or_abort(__libc_memalign(alignment, size ? size : 1));
}
