/* Steps the clocks that one process sees; preloaded into it by `stampede chaos`.
 *
 * Two offsets in nanoseconds stand in a small file that the harness writes and every process maps: the wall
 * clock's and the monotonic clock's. They can be changed at any time and are felt by the next call. libfaketime
 * does the same and more, but redis-server does not start with it (its issue 130).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *offsets;
static const int64_t none[2];

static const volatile int64_t *current(void) {
    if (!offsets) {
        const char *path = getenv("STAMPEDE_CHAOS_CLOCK");
        int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *map = file < 0 ? MAP_FAILED : mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, file, 0);
        if (file >= 0) close(file);
        offsets = map == MAP_FAILED ? none : map;
    }
    return offsets;
}

static int64_t offset_of(clockid_t id) {
    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        return current()[0];
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
        return current()[1];
    default:
        return 0;
    }
}

/* The system call itself: dlsym allocates, and allocators ask for the time. */
int clock_gettime(clockid_t id, struct timespec *time) {
    int result = syscall(SYS_clock_gettime, id, time);
    int64_t offset = result == 0 ? offset_of(id) : 0;
    if (offset) {
        int64_t nanoseconds = time->tv_nsec + offset % 1000000000;
        int64_t seconds = time->tv_sec + offset / 1000000000;
        if (nanoseconds < 0) nanoseconds += 1000000000, seconds--;
        if (nanoseconds >= 1000000000) nanoseconds -= 1000000000, seconds++;
        time->tv_sec = seconds;
        time->tv_nsec = nanoseconds;
    }
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where) *where = now.tv_sec;
    return now.tv_sec;
}
