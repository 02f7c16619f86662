/* LD_PRELOAD shim for tests: counts the calls that change files and lets one of them fail, or all from one on.
   fault_arm(n, mode): mode is kill, torn (half a write, then death), enospc, eio, full or readonly; the last two stay.
   In a git that this process starts, FAULT_AT and FAULT_MODE arm it; FAULT_MARK names a file made when it strikes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int armed, count, target;
static char mode;
static const char *mark;

#define REAL(result, name, ...) static result (*real)(__VA_ARGS__); if (!real) real = dlsym(RTLD_NEXT, name)

void fault_arm(int at, const char *how) { target = at; mode = how[0] == 'e' ? how[1] : how[0]; count = 0; armed = 1; }
void fault_pause(void) { armed = 0; }
void fault_resume(void) { armed = 1; }
int fault_count(void) { return count; }

__attribute__((constructor)) static void begin(void) {
    const char *at = getenv("FAULT_AT");
    if (!at || strcmp(program_invocation_short_name, "git")) return;
    mark = getenv("FAULT_MARK");
    fault_arm(atoi(at), getenv("FAULT_MODE"));
}

static int hit(void) {
    if (!armed) return 0;
    count++;
    return mode == 'f' || mode == 'r' ? count >= target : count == target;
}
static int fail(void) {
    if (mark) {
        REAL(int, "open", const char *, int, ...);
        real(mark, O_CREAT | O_WRONLY, 0644);
    }
    if (mode == 'k' || mode == 't') { kill(getpid(), SIGKILL); for (;;) pause(); }
    errno = mode == 'n' || mode == 'f' ? ENOSPC : mode == 'r' ? EROFS : EIO;
    return -1;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        va_list rest; va_start(rest, flags); int bits = va_arg(rest, int); va_end(rest); \
        if ((flags & O_CREAT) && hit()) return fail(); \
        return real(path, flags, bits); \
    }
OPEN(open)
OPEN(open64)

#define WRITE(name, offset_type) \
    ssize_t name(int fd, const void *data, size_t size, offset_type at) { \
        REAL(ssize_t, #name, int, const void *, size_t, offset_type); \
        if (hit()) { if (mode == 't') real(fd, data, size / 2, at); return fail(); } \
        return real(fd, data, size, at); \
    }
WRITE(pwrite, off_t)
WRITE(pwrite64, off64_t)

static int is_file(int fd) { struct stat found; return !fstat(fd, &found) && S_ISREG(found.st_mode); }

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (fd > 2 && is_file(fd) && hit()) { if (mode == 't') real(fd, data, size / 2); return fail(); }
    return real(fd, data, size);
}
int rename(const char *from, const char *to) { REAL(int, "rename", const char *, const char *); return hit() ? fail() : real(from, to); }
int renameat2(int there, const char *from, int here, const char *to, unsigned int how) {
    REAL(int, "renameat2", int, const char *, int, const char *, unsigned int);
    return hit() ? fail() : real(there, from, here, to, how);
}
int link(const char *from, const char *to) { REAL(int, "link", const char *, const char *); return hit() ? fail() : real(from, to); }
int mkdir(const char *path, mode_t bits) { REAL(int, "mkdir", const char *, mode_t); return hit() ? fail() : real(path, bits); }
int mkstemp(char *name) { REAL(int, "mkstemp", char *); return hit() ? fail() : real(name); }
int fsync(int fd) { REAL(int, "fsync", int); return hit() ? fail() : real(fd); }
int fdatasync(int fd) { REAL(int, "fdatasync", int); return hit() ? fail() : real(fd); }
int ftruncate(int fd, off_t size) { REAL(int, "ftruncate", int, off_t); return hit() ? fail() : real(fd, size); }
int ftruncate64(int fd, off64_t size) { REAL(int, "ftruncate64", int, off64_t); return hit() ? fail() : real(fd, size); }
int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    if (hit() && (mode == 'k' || mode == 't' || mode == 'r')) return fail();
    return real(path);
}
