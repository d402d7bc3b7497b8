/* A disk that fails: loaded before the C library (LD_PRELOAD), it lets the n-th operation that changes
 * the files of one folder go wrong. Only for tests; knows nothing of the program that it is loaded into.
 *
 *   TAVS_DISK_FOLDER  the folder, an absolute path without links
 *   TAVS_DISK_AT      which operation, from 1
 *   TAVS_DISK_FAULT   kill  the process is killed before it
 *                     torn  half of it is written, then the process is killed
 *                     error it fails once (EIO)
 *                     full  it and all writes after it fail (ENOSPC), each after half of its bytes
 *   TAVS_DISK_FIRED   a file outside the folder that is made when the fault strikes
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum verdict { GOES, FAILS, HALF_THEN_FAILS, HALF_THEN_DIES };

static atomic_long operations;

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static void strikes(void) {
    const char *path = getenv("TAVS_DISK_FIRED");
    int file = path ? open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) : -1;
    if (file >= 0) close(file);
}

static int is_inside(const char *path) {
    const char *folder = getenv("TAVS_DISK_FOLDER");
    return folder && strncmp(path, folder, strlen(folder)) == 0 && path[strlen(folder)] == '/';
}

static int is_file_inside(int file) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_inside(path);
}

/* What becomes of one more operation. */
static enum verdict judge(int is_write) {
    long number = atomic_fetch_add(&operations, 1) + 1;
    const char *at = getenv("TAVS_DISK_AT"), *fault = getenv("TAVS_DISK_FAULT");
    long first = at ? atol(at) : 0;
    if (!fault || first == 0 || number < first) return GOES;
    if (strcmp(fault, "full") == 0) {
        if (!is_write) return GOES;
        strikes();
        errno = ENOSPC;
        return HALF_THEN_FAILS;
    }
    if (number > first) return GOES;
    strikes();
    if (strcmp(fault, "torn") == 0 && is_write) return HALF_THEN_DIES;
    if (strcmp(fault, "error") != 0) kill(getpid(), SIGKILL);
    errno = EIO;
    return FAILS;
}

#define WRITES(call_half, call_whole)                       \
    do {                                                    \
        switch (is_file_inside(file) ? judge(1) : GOES) {   \
        case FAILS: return -1;                              \
        case HALF_THEN_FAILS:                               \
            if (call_half >= 0) errno = ENOSPC;             \
            return -1;                                      \
        case HALF_THEN_DIES:                                \
            if (call_half >= 0) kill(getpid(), SIGKILL);    \
            kill(getpid(), SIGKILL);                        \
            return -1;                                      \
        default: return call_whole;                         \
        }                                                   \
    } while (0)

ssize_t write(int file, const void *bytes, size_t length) {
    REAL(write);
    WRITES(real(file, bytes, length / 2), real(file, bytes, length));
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    REAL(writev);
    WRITES(real(file, parts, count / 2), real(file, parts, count));
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) {
    REAL(pwrite);
    WRITES(real(file, bytes, length / 2, at), real(file, bytes, length, at));
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) {
    REAL(pwrite64);
    WRITES(real(file, bytes, length / 2, at), real(file, bytes, length, at));
}

#define CHANGES(inside, call) return (inside) && judge(0) != GOES ? -1 : (call)

int fsync(int file) {
    REAL(fsync);
    CHANGES(is_file_inside(file), real(file));
}

int fdatasync(int file) {
    REAL(fdatasync);
    CHANGES(is_file_inside(file), real(file));
}

int ftruncate(int file, off_t length) {
    REAL(ftruncate);
    CHANGES(is_file_inside(file), real(file, length));
}

int ftruncate64(int file, off64_t length) {
    REAL(ftruncate64);
    CHANGES(is_file_inside(file), real(file, length));
}

int rename(const char *from, const char *to) {
    REAL(rename);
    CHANGES(is_inside(from) || is_inside(to), real(from, to));
}

int unlink(const char *path) {
    REAL(unlink);
    CHANGES(is_inside(path), real(path));
}
