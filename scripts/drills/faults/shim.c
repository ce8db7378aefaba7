/*
 * Faults at system calls: loaded before libc (LD_PRELOAD), it stands between a program and every call that writes below one directory. It counts
 * them, tells what it saw, and gives one of them a fault: an error, a write that is cut short, or the end of the process.
 *
 * VEILTRAIL_FAULT_DIR      the directory, absolute, without links
 * VEILTRAIL_FAULT_CONTROL  a file of at least sizeof(struct control) bytes that the one who tests shares with us (see shim.ts)
 * VEILTRAIL_FAULT_RECORD   optional: a file that every call is appended to, a line each:
 *                          kind TAB path TAB inode TAB offset TAB length TAB result
 * VEILTRAIL_FAULT_TAPE     optional: a file that takes all that is needed to make the directory again as it was before any of the calls (tape.ts):
 *                          kind TAB path TAB old path TAB number TAB flags TAB result TAB count LF, and that many bytes. Calls come one at a time then.
 *
 * A site is a kind of call and a path below the directory ("-" for the directory itself; of two paths the new one); digits of random names are
 * a star. Calls of a site are counted from 1 over all threads.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { FAULT_NONE, FAULT_EIO, FAULT_ENOSPC, FAULT_KILL, FAULT_TORN, FAULT_SHORT };

/* The same layout as in shim.ts. */
struct control {
  uint32_t armed, fault, stays, nth;
  uint32_t seen, fired, calls, unused;
  char kind[32];
  char path[992];
};

static struct control *control;
static char directory[PATH_MAX];
static size_t directory_length;
static int record = -1;
static int tape = -1;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void start(void) {
  const char *dir = getenv("VEILTRAIL_FAULT_DIR");
  const char *file = getenv("VEILTRAIL_FAULT_CONTROL");
  const char *lines = getenv("VEILTRAIL_FAULT_RECORD");
  const char *bytes = getenv("VEILTRAIL_FAULT_TAPE");
  if (!dir || !file) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) abort();
  struct control *mapped = mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) abort();
  snprintf(directory, sizeof directory, "%s", dir);
  directory_length = strlen(directory);
  if (lines) record = (int)syscall(SYS_openat, AT_FDCWD, lines, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (bytes) tape = (int)syscall(SYS_openat, AT_FDCWD, bytes, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  control = mapped;
}

/* The path below the directory, "-" for the directory itself; NULL for any other. */
static const char *inside(const char *path) {
  if (!control || strncmp(path, directory, directory_length) != 0) return NULL;
  const char *rest = path + directory_length;
  return *rest == 0 ? "-" : *rest == '/' ? rest + 1 : NULL;
}

/* The same, for a site: long runs of hexadecimal digits, and process ids, become a star. */
static const char *below(const char *path, char *out) {
  const char *rest = inside(path);
  if (!rest) return NULL;
  char *to = out;
  while (*rest) {
    size_t run = strspn(rest, "0123456789abcdef");
    if (run >= 12 || (run > 0 && !strncmp(rest + run, ".tmp", 4))) *to++ = '*';
    else if (run > 0) to = (char *)memcpy(to, rest, run) + run;
    else *to++ = *rest, run = 1;
    rest += run;
  }
  *to = 0;
  return out;
}

/* The whole path of a name; of an open file. NULL where it is not to be known. */
static const char *path_at(int dirfd, const char *name, char *out) {
  if (!control) return NULL;
  if (name[0] == '/') return name;
  if (dirfd == AT_FDCWD) return NULL;
  char base[PATH_MAX], link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
  if (length <= 0) return NULL;
  base[length] = 0;
  snprintf(out, 2 * PATH_MAX, "%s/%s", base, name);
  return out;
}

static const char *path_of(int fd, char *out) {
  if (!control || fd < 0) return NULL;
  char link[64];
  int before = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, out, PATH_MAX - 1);
  errno = before;
  if (length <= 0) return NULL;
  out[length] = 0;
  return out;
}

static const char *below_at(int dirfd, const char *name, char *out) {
  char whole[2 * PATH_MAX];
  const char *path = path_at(dirfd, name, whole);
  return path ? below(path, out) : NULL;
}

static const char *below_fd(int fd, char *out) {
  char whole[PATH_MAX];
  const char *path = path_of(fd, whole);
  return path ? below(path, out) : NULL;
}

/* What needs room: on a full disk that stays full these go on failing, and nothing else does. */
static int needs_room(const char *kind) {
  return !strncmp(kind, "write", 5) || !strncmp(kind, "pwrite", 6) || !strcmp(kind, "create") || !strcmp(kind, "mkdir") ||
         !strcmp(kind, "link") || !strcmp(kind, "symlink") || !strcmp(kind, "fallocate") || !strcmp(kind, "copy");
}

/* Counts a call. The fault it is to have, if any; does not return from a kill. */
static enum fault fault_of(const char *kind, const char *path) {
  __atomic_add_fetch(&control->calls, 1, __ATOMIC_SEQ_CST);
  if (!__atomic_load_n(&control->armed, __ATOMIC_SEQ_CST)) return FAULT_NONE;
  enum fault fault = (enum fault)control->fault;
  int hit = 0;
  if (control->stays && __atomic_load_n(&control->fired, __ATOMIC_SEQ_CST) > 0) {
    hit = fault != FAULT_ENOSPC || needs_room(kind);
  } else if (!strcmp(kind, control->kind) && !strcmp(path, control->path)) {
    hit = __atomic_add_fetch(&control->seen, 1, __ATOMIC_SEQ_CST) == control->nth;
  }
  if (!hit) return FAULT_NONE;
  __atomic_add_fetch(&control->fired, 1, __ATOMIC_SEQ_CST);
  if (fault == FAULT_KILL) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
  }
  return fault;
}

static void tell(const char *kind, const char *path, int fd, int64_t offset, int64_t length, int64_t result) {
  if (record < 0) return;
  char line[PATH_MAX + 256];
  int before = errno;
  struct stat stat = {0};
  if (fd >= 0) fstat(fd, &stat);
  int bytes = snprintf(line, sizeof line, "%s\t%s\t%llu\t%lld\t%lld\t%lld\n", kind, path, (unsigned long long)stat.st_ino, (long long)offset,
                       (long long)length, (long long)result);
  syscall(SYS_write, record, line, bytes);
  errno = before;
}

/* While there is a tape, one call after the other, so that their order on it is the one in which they were done. */
static void begin(void) {
  if (tape >= 0) pthread_mutex_lock(&turn);
}
static void end(void) {
  int before = errno;
  if (tape >= 0) pthread_mutex_unlock(&turn);
  errno = before;
}

static void put(const char *kind, const char *path, const char *old, int64_t number, int64_t flags, int64_t result, const struct iovec *parts,
                int count) {
  if (tape < 0) return;
  int before = errno;
  size_t length = 0;
  for (int i = 0; i < count && result > 0; i++) length += parts[i].iov_len;
  if (result >= 0 && length > (size_t)result) length = (size_t)result;
  char line[4 * PATH_MAX];
  int bytes = snprintf(line, sizeof line, "%s\t%s\t%s\t%lld\t%lld\t%lld\t%zu\n", kind, path, old, (long long)number, (long long)flags,
                       (long long)result, length);
  if (syscall(SYS_write, tape, line, bytes) != bytes) abort();
  for (int i = 0; length > 0; i++) {
    size_t part = parts[i].iov_len < length ? parts[i].iov_len : length;
    if (syscall(SYS_write, tape, parts[i].iov_base, part) != (ssize_t)part) abort();
    length -= part;
  }
  errno = before;
}

/* An answer that goes out over HTTP: what was done before it is what it promised. */
static void put_answer(const void *bytes, size_t length) {
  if (tape < 0 || length < 12 || memcmp(bytes, "HTTP/1.1 ", 9) != 0) return;
  begin();
  put("answer", "", "", atoi((const char *)bytes + 9), 0, 0, NULL, 0);
  end();
}

/* A call that is done or fails, on a path. */
#define ON_PATH(kind, path, dir, name, old_dir, old, number, flags, real)                 \
  do {                                                                                    \
    const char *site = (path);                                                            \
    if (!site) return (int)(real);                                                        \
    begin();                                                                              \
    enum fault fault = fault_of(kind, site);                                              \
    int fails = fault == FAULT_EIO || fault == FAULT_ENOSPC;                              \
    if (fails) errno = fault == FAULT_EIO ? EIO : ENOSPC;                                 \
    int result = fails ? -1 : (int)(real);                                                \
    tell(kind, site, -1, 0, 0, result);                                                   \
    put_names(kind, dir, name, old_dir, old, number, flags, result);                      \
    end();                                                                                \
    return result;                                                                        \
  } while (0)

/* The same on an open file. */
#define ON_FILE(kind, fd, offset, length, real)                                           \
  do {                                                                                    \
    char out[PATH_MAX], whole[PATH_MAX];                                                  \
    const char *site = below_fd(fd, out);                                                 \
    if (!site) return (int)(real);                                                        \
    begin();                                                                              \
    enum fault fault = fault_of(kind, site);                                              \
    int fails = fault == FAULT_EIO || fault == FAULT_ENOSPC;                              \
    if (fails) errno = fault == FAULT_EIO ? EIO : ENOSPC;                                 \
    int result = fails ? -1 : (int)(real);                                                \
    tell(kind, site, fd, offset, length, result);                                         \
    if (tape >= 0) put(kind, inside(path_of(fd, whole)), "", offset, length, result, NULL, 0); \
    end();                                                                                \
    return result;                                                                        \
  } while (0)

static void put_names(const char *kind, int dir, const char *name, int old_dir, const char *old, int64_t number, int64_t flags, int result) {
  if (tape < 0) return;
  char whole[2 * PATH_MAX], old_whole[2 * PATH_MAX];
  const char *path = path_at(dir, name, whole), *old_path = old ? path_at(old_dir, old, old_whole) : NULL;
  const char *from = old_path ? inside(old_path) : NULL;
  put(kind, inside(path), from ? from : "", number, flags, result, NULL, 0);
}

/* Bytes into a file: at an offset, or where it stands (-1). */
static ssize_t write_parts(const char *kind, int fd, const struct iovec *parts, int count, int64_t at) {
  char out[PATH_MAX];
  const char *site = below_fd(fd, out);
  size_t length = 0;
  for (int i = 0; i < count; i++) length += parts[i].iov_len;
  if (site) begin();
  enum fault fault = site ? fault_of(kind, site) : FAULT_NONE;
  int64_t offset = at >= 0 ? at : site ? (int64_t)lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR) : 0;
  if (fault == FAULT_EIO || fault == FAULT_ENOSPC) {
    tell(kind, site, fd, offset, (int64_t)length, -1);
    errno = fault == FAULT_EIO ? EIO : ENOSPC;
    end();
    return -1;
  }
  struct iovec half;
  if (fault == FAULT_TORN || fault == FAULT_SHORT) {
    /* Half of the first part; a single byte is done whole. */
    half.iov_base = parts[0].iov_base;
    half.iov_len = parts[0].iov_len > 1 ? parts[0].iov_len / 2 : parts[0].iov_len;
    parts = &half;
    count = 1;
  }
  ssize_t result = at >= 0 ? syscall(SYS_pwritev, fd, parts, count, (long)at, 0L) : syscall(SYS_writev, fd, parts, count);
  if (site) tell(kind, site, fd, offset, (int64_t)length, result);
  if (fault == FAULT_TORN) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
  }
  char whole[PATH_MAX];
  if (site && tape >= 0) put(kind, inside(path_of(fd, whole)), "", offset, 0, result, parts, count);
  if (site) end();
  return result;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  char out[PATH_MAX];
  /* Sockets, pipes and event counters are none of ours, and are many. */
  if (!below_fd(fd, out)) {
    put_answer(bytes, length);
    return syscall(SYS_write, fd, bytes, length);
  }
  struct iovec part = {(void *)bytes, length};
  return write_parts("write", fd, &part, 1, -1);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  char out[PATH_MAX];
  if (!below_fd(fd, out)) {
    if (count > 0) put_answer(parts[0].iov_base, parts[0].iov_len);
    return syscall(SYS_writev, fd, parts, count);
  }
  return write_parts("write", fd, parts, count, -1);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  struct iovec part = {(void *)bytes, length};
  return write_parts("pwrite", fd, &part, 1, offset);
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) { return write_parts("pwrite", fd, parts, count, offset); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) { return pwritev64(fd, parts, count, offset); }

int fsync(int fd) { ON_FILE("fsync", fd, 0, 0, syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { ON_FILE("fsync", fd, 0, 0, syscall(SYS_fdatasync, fd)); }
int ftruncate64(int fd, off64_t length) { ON_FILE("truncate", fd, length, 0, syscall(SYS_ftruncate, fd, length)); }
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }
int fchmod(int fd, mode_t mode) { ON_FILE("chmod", fd, 0, 0, syscall(SYS_fchmod, fd, mode)); }
int fallocate64(int fd, int mode, off64_t from, off64_t length) { ON_FILE("fallocate", fd, from, length, syscall(SYS_fallocate, fd, mode, from, length)); }
int fallocate(int fd, int mode, off_t from, off_t length) { return fallocate64(fd, mode, from, length); }

ssize_t copy_file_range(int in, off64_t *in_at, int out_fd, off64_t *out_at, size_t length, unsigned flags) {
  ON_FILE("copy", out_fd, 0, (int64_t)length, syscall(SYS_copy_file_range, in, in_at, out_fd, out_at, length, flags));
}
ssize_t sendfile64(int out_fd, int in, off64_t *at, size_t length) {
  ON_FILE("copy", out_fd, 0, (int64_t)length, syscall(SYS_sendfile, out_fd, in, at, length));
}
ssize_t sendfile(int out_fd, int in, off_t *at, size_t length) { return sendfile64(out_fd, in, at, length); }

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
  char out[2 * PATH_MAX];
  ON_PATH("rename", below_at(to_dir, to, out), to_dir, to, from_dir, from, 0, flags, syscall(SYS_renameat2, from_dir, from, to_dir, to, flags));
}
int renameat(int from_dir, const char *from, int to_dir, const char *to) { return renameat2(from_dir, from, to_dir, to, 0); }
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int dir, const char *name, int flags) {
  char out[2 * PATH_MAX];
  ON_PATH(flags & AT_REMOVEDIR ? "rmdir" : "unlink", below_at(dir, name, out), dir, name, 0, NULL, 0, flags, syscall(SYS_unlinkat, dir, name, flags));
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }
int remove(const char *name) {
  if (unlink(name) == 0) return 0;
  return errno == EISDIR || errno == EPERM ? rmdir(name) : -1;
}

int mkdirat(int dir, const char *name, mode_t mode) {
  char out[2 * PATH_MAX];
  ON_PATH("mkdir", below_at(dir, name, out), dir, name, 0, NULL, mode, 0, syscall(SYS_mkdirat, dir, name, mode));
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
  char out[2 * PATH_MAX];
  ON_PATH("link", below_at(to_dir, to, out), to_dir, to, from_dir, from, 0, flags, syscall(SYS_linkat, from_dir, from, to_dir, to, flags));
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }
int symlink(const char *from, const char *to) {
  char out[2 * PATH_MAX];
  ON_PATH("symlink", below_at(AT_FDCWD, to, out), AT_FDCWD, to, 0, NULL, 0, 0, syscall(SYS_symlinkat, from, AT_FDCWD, to));
}
int fchmodat(int dir, const char *name, mode_t mode, int flags) {
  char out[2 * PATH_MAX];
  (void)flags;
  ON_PATH("chmod", below_at(dir, name, out), dir, name, 0, NULL, mode, 0, syscall(SYS_fchmodat, dir, name, mode));
}
int chmod(const char *name, mode_t mode) { return fchmodat(AT_FDCWD, name, mode, 0); }
int truncate64(const char *name, off64_t length) {
  char out[2 * PATH_MAX];
  ON_PATH("truncate", below_at(AT_FDCWD, name, out), AT_FDCWD, name, 0, NULL, length, 0, syscall(SYS_truncate, name, length));
}
int truncate(const char *name, off_t length) { return truncate64(name, length); }

/* Opening writes where it may make the file, or empties it. */
static int open_at(int dir, const char *name, int flags, mode_t mode) {
  char out[2 * PATH_MAX];
  const char *path = flags & (O_CREAT | O_TRUNC) ? below_at(dir, name, out) : NULL;
  ON_PATH("create", path, dir, name, 0, NULL, mode, flags, syscall(SYS_openat, dir, name, flags, mode));
}
#define MODE_OF(flags)                          \
  mode_t mode = 0;                              \
  if ((flags) & (O_CREAT | __O_TMPFILE)) {      \
    va_list rest;                               \
    va_start(rest, flags);                      \
    mode = (mode_t)va_arg(rest, int);           \
    va_end(rest);                               \
  }
int open(const char *name, int flags, ...) { MODE_OF(flags) return open_at(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE_OF(flags) return open_at(AT_FDCWD, name, flags | O_LARGEFILE, mode); }
int openat(int dir, const char *name, int flags, ...) { MODE_OF(flags) return open_at(dir, name, flags, mode); }
int openat64(int dir, const char *name, int flags, ...) { MODE_OF(flags) return open_at(dir, name, flags | O_LARGEFILE, mode); }
