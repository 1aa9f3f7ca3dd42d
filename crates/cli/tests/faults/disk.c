// A disk that fails: loaded in front of the C library (LD_PRELOAD), it answers the n-th call on a chosen file with an error.
// The file that $TENURE_FAULT names says which: `ID CALL NEEDLE ERRNO FROM COUNT`, such as `1 sync records.db-wal 5 3 1`.
// CALL is write, sync or open (for writing); NEEDLE is a part of the path; calls FROM … FROM+COUNT-1 since ID last changed fail.
// Without the file, or with another text in it, nothing fails.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static long known_id = -1;
static long calls = 0;

#define REAL(name, type) \
    static __typeof__(type) *real = 0; \
    if (!real) real = (__typeof__(type) *)dlsym(RTLD_NEXT, name)

static int real_open(const char *path, int flags) {
    REAL("open", int(const char *, int, ...));
    return real(path, flags);
}

static int fails(const char *call, const char *path) {
    const char *order = getenv("TENURE_FAULT");
    if (!order) return 0;
    int fd = real_open(order, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    char text[512];
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) return 0;
    text[n] = 0;
    long id, from, count;
    int code;
    char wanted[16], needle[256];
    if (sscanf(text, "%ld %15s %255s %d %ld %ld", &id, wanted, needle, &code, &from, &count) != 6) return 0;
    if (strcmp(wanted, call) || !strstr(path, needle)) return 0;
    pthread_mutex_lock(&turn);
    if (id != known_id) {
        known_id = id;
        calls = 0;
    }
    long at = ++calls;
    pthread_mutex_unlock(&turn);
    return at >= from && at < from + count ? code : 0;
}

static int fails_fd(const char *call, int fd) {
    if (!getenv("TENURE_FAULT")) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0 || path[0] != '/') return 0;
    path[n] = 0;
    return fails(call, path);
}

#define GUARD(call, fd) \
    int code = fails_fd(call, fd); \
    if (code) { errno = code; return -1; }

ssize_t write(int fd, const void *data, size_t size) {
    REAL("write", ssize_t(int, const void *, size_t));
    GUARD("write", fd);
    return real(fd, data, size);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL("writev", ssize_t(int, const struct iovec *, int));
    GUARD("write", fd);
    return real(fd, parts, count);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    REAL("pwrite", ssize_t(int, const void *, size_t, off_t));
    GUARD("write", fd);
    return real(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    REAL("pwrite64", ssize_t(int, const void *, size_t, off64_t));
    GUARD("write", fd);
    return real(fd, data, size, at);
}
int fsync(int fd) {
    REAL("fsync", int(int));
    GUARD("sync", fd);
    return real(fd);
}
int fdatasync(int fd) {
    REAL("fdatasync", int(int));
    GUARD("sync", fd);
    return real(fd);
}

static int opened(const char *name, const char *path, int flags, mode_t mode) {
    if ((flags & O_ACCMODE) != O_RDONLY && path) {
        int code = fails("open", path);
        if (code) {
            errno = code;
            return -1;
        }
    }
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
    return real(path, flags, mode);
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        return opened(#name, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
