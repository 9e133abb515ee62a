/*
 * Makes one call of a program fail once, as it could: LD_PRELOAD, for
 * tests/faults/faults.py. Calls are those of libc that ask for memory or for something
 * of the kernel.
 *
 * A site is a name and the way there, by the return addresses as offsets into their
 * files, each once (so a recursion is one site however deep). They are noted in a file
 * that is shared with who runs the test (FAULT_TABLE, a struct table), which says what
 * is to be done when:
 *
 *     OFF     nothing, nothing is noted
 *     NOTE    sites are noted
 *     FAIL    the first call of the target fails, no other; then as NOTE
 *
 * It is for one program (FAULT_PROGRAM, by its name) and for calls of its first
 * process, of those that are forked from it, or of both.
 *
 * Built without sanitizers, for programs without: theirs want to be first.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#define EXPORT __attribute__((visibility("default")))

/* As faults.py reads it. More sites or modules: not noted, and that is told. */
#define SITES_MAX   16384
#define MODULES_MAX 64
#define FRAMES_MAX  14
#define UNWIND_MAX  48
#define NAME_SIZE   24

enum phase { PHASE_OFF, PHASE_NOTE, PHASE_FAIL };

struct module {
	uint64_t base, begin, end;
	char path[232];
};

struct site {
	_Atomic uint64_t key; /* 0: free */
	_Atomic uint32_t count;
	uint32_t n_frames;
	uint32_t roles; /* which have been there: 1 first process, 2 forked */
	char name[NAME_SIZE];
	uint8_t module[16]; /* of each frame; 255: none that is known */
	uint64_t frames[FRAMES_MAX];
	uint32_t order; /* among sites, by when it was first met */
};

struct table {
	_Atomic uint32_t phase;	 /* enum phase, the test's */
	_Atomic uint32_t roles;	 /* the test's */
	_Atomic uint64_t target; /* the test's: of a site */
	_Atomic uint32_t failed; /* how many calls have: 0, 1 */
	_Atomic uint32_t n_sites, lost;
	uint32_t n_modules;
	struct module modules[MODULES_MAX];
	struct site sites[SITES_MAX];
};

/* Of glibc: what malloc(3) and others are there, also before anything is found. */
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

static struct table *table; /* NULL: not for this program */
static uint32_t role = 1;
static _Thread_local bool inside __attribute__((tls_model("initial-exec")));

/* --- where ------------------------------------------------------------------ */

struct way {
	unsigned n, seen;
	uintptr_t at[FRAMES_MAX];
};

static _Unwind_Reason_Code one_frame(struct _Unwind_Context *context, void *arg)
{
	struct way *w = arg;
	uintptr_t at = _Unwind_GetIP(context);

	/* this function's callers here are three, at most; not told */
	if (at == 0 || w->n == FRAMES_MAX || ++w->seen == UNWIND_MAX)
		return _URC_END_OF_STACK;
	for (unsigned i = 0; i < w->n; i++)
		if (w->at[i] == at)
			return _URC_NO_REASON;
	if (at >= table->modules[0].begin && at < table->modules[0].end)
		return _URC_NO_REASON; /* ourselves */
	w->at[w->n++] = at;
	return _URC_NO_REASON;
}

static uint8_t module_of(uintptr_t at)
{
	for (uint32_t i = 0; i < table->n_modules; i++)
		if (at >= table->modules[i].begin && at < table->modules[i].end)
			return (uint8_t)i;
	return 255;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static void note(uint64_t key, const char *name, const struct way *w)
{
	for (uint32_t i = 0, at = (uint32_t)key; i < SITES_MAX; i++, at++) {
		struct site *s = &table->sites[at % SITES_MAX];
		uint64_t was = 0;

		if (atomic_load(&s->key) != key &&
		    !atomic_compare_exchange_strong(&s->key, &was, key) &&
		    was != key)
			continue;
		if (atomic_fetch_add(&s->count, 1) == 0) {
			s->order = atomic_fetch_add(&table->n_sites, 1);
			(void)snprintf(s->name, sizeof s->name, "%s", name);
			for (unsigned k = 0; k < w->n; k++) {
				s->module[k] = module_of(w->at[k]);
				s->frames[k] = w->at[k];
				if (s->module[k] != 255)
					s->frames[k] -=
						table->modules[s->module[k]]
							.base;
			}
			s->n_frames = w->n;
		}
		s->roles |= role;
		return;
	}
	atomic_fetch_add(&table->lost, 1);
}

/* Shall this call fail? */
static bool fault(const char *name)
{
	struct way w = { 0 };
	uint64_t key = 1;
	uint32_t phase, none = 0;
	int before = errno;
	bool fails = false;

	if (!table || inside)
		return false;
	phase = atomic_load_explicit(&table->phase, memory_order_relaxed);
	if (phase == PHASE_OFF || !(atomic_load(&table->roles) & role))
		return false;
	/* it has been; the rest only goes on */
	if (phase == PHASE_FAIL && atomic_load(&table->failed))
		return false;
	inside = true;
	(void)_Unwind_Backtrace(one_frame, &w);
	for (const char *c = name; *c; c++)
		key = mix(key, (uint64_t)*c);
	for (unsigned i = 0; i < w.n; i++) {
		uint8_t m = module_of(w.at[i]);

		key = mix(key, m);
		if (m != 255)
			key = mix(key, w.at[i] - table->modules[m].base);
	}
	key |= key == 0;
	note(key, name, &w);
	fails = phase == PHASE_FAIL && key == atomic_load(&table->target) &&
		atomic_compare_exchange_strong(&table->failed, &none, 1);
	inside = false;
	errno = before;
	return fails;
}

static int one_module(struct dl_phdr_info *m, size_t size, void *arg)
{
	struct table *t = arg;
	struct module *to;

	if (t->n_modules == MODULES_MAX)
		return 1;
	to = &t->modules[t->n_modules];
	*to = (struct module){ .base = m->dlpi_addr, .begin = UINT64_MAX };
	for (int i = 0; i < m->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &m->dlpi_phdr[i];
		uint64_t begin = m->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD)
			continue;
		if (begin < to->begin)
			to->begin = begin;
		if (begin + p->p_memsz > to->end)
			to->end = begin + p->p_memsz;
	}
	(void)snprintf(to->path, sizeof to->path, "%s", m->dlpi_name);
	t->n_modules++;
	return 0;
}

/* We are the first of them, so that our own frames are found. */
static void find_modules(struct table *t)
{
	struct module first;

	t->n_modules = 0;
	(void)dl_iterate_phdr(one_module, t);
	for (uint32_t i = 0; i < t->n_modules; i++) {
		struct module *m = &t->modules[i];

		if ((uintptr_t)find_modules < m->begin ||
		    (uintptr_t)find_modules >= m->end)
			continue;
		first = *m;
		*m = t->modules[0];
		t->modules[0] = first;
	}
}

static void in_forked(void)
{
	role = 2;
}

static _Unwind_Reason_Code warm(struct _Unwind_Context *context, void *arg)
{
	return _URC_NO_REASON;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAULT_TABLE");
	const char *program = getenv("FAULT_PROGRAM");
	int fd;
	void *p;

	if (!path || !program ||
	    strcmp(program, program_invocation_short_name) != 0)
		return;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE, MAP_SHARED,
		 fd, 0);
	(void)close(fd);
	if (p == MAP_FAILED)
		return;
	find_modules(p);
	(void)_Unwind_Backtrace(warm, NULL);
	(void)pthread_atfork(NULL, NULL, in_forked);
	table = p;
}

/* --- memory ----------------------------------------------------------------- */

EXPORT void *malloc(size_t n)
{
	if (!fault("malloc"))
		return __libc_malloc(n);
	errno = ENOMEM;
	return NULL;
}

EXPORT void *calloc(size_t n, size_t size)
{
	if (!fault("calloc"))
		return __libc_calloc(n, size);
	errno = ENOMEM;
	return NULL;
}

EXPORT void *realloc(void *p, size_t n)
{
	if (!fault("realloc"))
		return __libc_realloc(p, n);
	errno = ENOMEM;
	return NULL;
}

EXPORT int posix_memalign(void **ret, size_t align, size_t n)
{
	void *p = fault("posix_memalign") ? NULL : __libc_memalign(align, n);

	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}

EXPORT void *aligned_alloc(size_t align, size_t n)
{
	if (!fault("aligned_alloc"))
		return __libc_memalign(align, n);
	errno = ENOMEM;
	return NULL;
}

/* --- all others -------------------------------------------------------------- */

/* What stands behind our name, looked for once. */
#define REAL(name)                                                  \
	static __typeof__(name) *real;                              \
	if (!real) {                                                \
		bool was = inside;                                  \
		inside = true;                                      \
		real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name); \
		inside = was;                                       \
	}

#define CALL(type, name, params, args, error, failed) \
	EXPORT type name params                       \
	{                                             \
		REAL(name)                            \
		if (!fault(#name))                    \
			return real args;             \
		errno = error;                        \
		return failed;                        \
	}

/* Those that give back what errno would be. */
#define CALL_RC(name, params, args, error) \
	EXPORT int name params             \
	{                                  \
		REAL(name)                 \
		if (!fault(#name))         \
			return real args;  \
		return error;              \
	}

/* With a descriptor of a file: others cannot fail so. */
static bool is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

#define CALL_FILE(type, name, params, args, error)           \
	EXPORT type name params                              \
	{                                                    \
		REAL(name)                                   \
		if (!table || !is_file(fd) || !fault(#name)) \
			return real args;                    \
		errno = error;                               \
		return -1;                                   \
	}

CALL(void *, mmap, (void *a, size_t n, int prot, int flags, int fd, off_t at),
     (a, n, prot, flags, fd, at), ENOMEM, MAP_FAILED)
CALL(void *, mmap64,
     (void *a, size_t n, int prot, int flags, int fd, off64_t at),
     (a, n, prot, flags, fd, at), ENOMEM, MAP_FAILED)

/* By the number of the system call, for those that have no function. */
EXPORT long syscall(long number, ...)
{
	long a[6];
	va_list ap;
	REAL(syscall)

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (!fault("syscall"))
		return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	errno = ENOMEM;
	return -1;
}

#define CALL_OPEN(name)                                   \
	EXPORT int name(const char *path, int flags, ...) \
	{                                                 \
		mode_t mode;                              \
		va_list ap;                               \
		REAL(name)                                \
                                                          \
		va_start(ap, flags);                      \
		mode = (mode_t)va_arg(ap, int);           \
		va_end(ap);                               \
		if (!fault(#name))                        \
			return real(path, flags, mode);   \
		errno = EMFILE;                           \
		return -1;                                \
	}
CALL_OPEN(open)
CALL_OPEN(open64)

#define CALL_OPENAT(name)                                         \
	EXPORT int name(int at, const char *path, int flags, ...) \
	{                                                         \
		mode_t mode;                                      \
		va_list ap;                                       \
		REAL(name)                                        \
                                                                  \
		va_start(ap, flags);                              \
		mode = (mode_t)va_arg(ap, int);                   \
		va_end(ap);                                       \
		if (!fault(#name))                                \
			return real(at, path, flags, mode);       \
		errno = EMFILE;                                   \
		return -1;                                        \
	}
CALL_OPENAT(openat)
CALL_OPENAT(openat64)

/* What programs that are built with _FORTIFY_SOURCE call. */
extern int __open_2(const char *path, int flags);
extern int __open64_2(const char *path, int flags);
extern int __openat_2(int at, const char *path, int flags);
extern int __openat64_2(int at, const char *path, int flags);
extern int __poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t size);
CALL(int, __open_2, (const char *path, int flags), (path, flags), EMFILE, -1)
CALL(int, __open64_2, (const char *path, int flags), (path, flags), EMFILE, -1)
CALL(int, __openat_2, (int at, const char *path, int flags), (at, path, flags),
     EMFILE, -1)
CALL(int, __openat64_2, (int at, const char *path, int flags),
     (at, path, flags), EMFILE, -1)
CALL(int, __poll_chk, (struct pollfd * fds, nfds_t n, int ms, size_t size),
     (fds, n, ms, size), EINTR, -1)

CALL(FILE *, fopen, (const char *path, const char *mode), (path, mode), EMFILE,
     NULL)
CALL(FILE *, fopen64, (const char *path, const char *mode), (path, mode),
     EMFILE, NULL)
CALL(FILE *, fdopen, (int fd, const char *mode), (fd, mode), ENOMEM, NULL)
CALL(DIR *, opendir, (const char *path), (path), EMFILE, NULL)
CALL(DIR *, fdopendir, (int fd), (fd), ENOMEM, NULL)
CALL(struct passwd *, getpwnam, (const char *name), (name), EMFILE, NULL)
CALL(int, memfd_create, (const char *name, unsigned flags), (name, flags),
     EMFILE, -1)
CALL(int, mkostemp, (char *path, int flags), (path, flags), EMFILE, -1)
CALL(int, mkostemp64, (char *path, int flags), (path, flags), EMFILE, -1)
CALL(char *, mkdtemp, (char *path), (path), ENOSPC, NULL)
CALL(int, pipe2, (int fds[2], int flags), (fds, flags), EMFILE, -1)
CALL(int, dup2, (int fd, int to), (fd, to), EMFILE, -1)
CALL(int, mkdir, (const char *path, mode_t mode), (path, mode), ENOSPC, -1)
CALL(int, mkdirat, (int at, const char *path, mode_t mode), (at, path, mode),
     ENOSPC, -1)
CALL(int, rename, (const char *from, const char *to), (from, to), ENOSPC, -1)
CALL(int, renameat, (int from_at, const char *from, int to_at, const char *to),
     (from_at, from, to_at, to), ENOSPC, -1)
CALL(int, link, (const char *from, const char *to), (from, to), ENOSPC, -1)
CALL(int, chmod, (const char *path, mode_t mode), (path, mode), EROFS, -1)
CALL(int, fchmod, (int fd, mode_t mode), (fd, mode), EROFS, -1)
CALL(int, chown, (const char *path, uid_t uid, gid_t gid), (path, uid, gid),
     EROFS, -1)
CALL(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid), EROFS, -1)
CALL(int, fsync, (int fd), (fd), EIO, -1)
CALL(int, fdatasync, (int fd), (fd), EIO, -1)
CALL(int, ftruncate, (int fd, off_t n), (fd, n), ENOSPC, -1)
CALL(int, ftruncate64, (int fd, off64_t n), (fd, n), ENOSPC, -1)
CALL(int, posix_fadvise, (int fd, off_t at, off_t n, int advice),
     (fd, at, n, advice), ENOMEM, ENOMEM)
CALL_FILE(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), EIO)
CALL_FILE(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), ENOSPC)
CALL_FILE(ssize_t, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at),
	  EIO)
CALL_FILE(ssize_t, pread64, (int fd, void *p, size_t n, off64_t at),
	  (fd, p, n, at), EIO)
CALL_FILE(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at),
	  (fd, p, n, at), ENOSPC)
CALL_FILE(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at),
	  (fd, p, n, at), ENOSPC)

CALL(int, socket, (int domain, int type, int protocol),
     (domain, type, protocol), EMFILE, -1)
CALL(int, socketpair, (int domain, int type, int protocol, int fds[2]),
     (domain, type, protocol, fds), EMFILE, -1)
CALL(int, bind, (int fd, const struct sockaddr *to, socklen_t len),
     (fd, to, len), EADDRINUSE, -1)
CALL(int, listen, (int fd, int n), (fd, n), EADDRINUSE, -1)
CALL(int, connect, (int fd, const struct sockaddr *to, socklen_t len),
     (fd, to, len), EAGAIN, -1)
CALL(int, accept, (int fd, struct sockaddr *from, socklen_t *len),
     (fd, from, len), EMFILE, -1)
CALL(int, accept4, (int fd, struct sockaddr *from, socklen_t *len, int flags),
     (fd, from, len, flags), EMFILE, -1)
CALL(int, getsockname, (int fd, struct sockaddr *to, socklen_t *len),
     (fd, to, len), ENOBUFS, -1)
CALL(int, getsockopt, (int fd, int level, int name, void *v, socklen_t *len),
     (fd, level, name, v, len), ENOBUFS, -1)
CALL(int, setsockopt,
     (int fd, int level, int name, const void *v, socklen_t len),
     (fd, level, name, v, len), ENOMEM, -1)
CALL(ssize_t, send, (int fd, const void *p, size_t n, int flags),
     (fd, p, n, flags), ENOBUFS, -1)
CALL(ssize_t, sendto,
     (int fd, const void *p, size_t n, int flags, const struct sockaddr *to,
      socklen_t len),
     (fd, p, n, flags, to, len), ENOBUFS, -1)
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags),
     (fd, m, flags), ENOBUFS, -1)
CALL(ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags),
     EINTR, -1)
CALL(ssize_t, recvfrom,
     (int fd, void *p, size_t n, int flags, struct sockaddr *from,
      socklen_t *len),
     (fd, p, n, flags, from, len), EINTR, -1)
CALL(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags),
     EINTR, -1)

CALL(int, epoll_create1, (int flags), (flags), EMFILE, -1)

/* What takes out asks for nothing (Linux fs/eventpoll.c, ep_remove). */
EXPORT int epoll_ctl(int fd, int op, int of, struct epoll_event *e)
{
	REAL(epoll_ctl)

	if (op == EPOLL_CTL_DEL || !fault("epoll_ctl"))
		return real(fd, op, of, e);
	errno = ENOSPC;
	return -1;
}

CALL(int, epoll_wait, (int fd, struct epoll_event *e, int n, int ms),
     (fd, e, n, ms), EINTR, -1)
CALL(int, poll, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms), EINTR,
     -1)
CALL(int, eventfd, (unsigned v, int flags), (v, flags), EMFILE, -1)
CALL(int, signalfd, (int fd, const sigset_t *set, int flags), (fd, set, flags),
     EMFILE, -1)
CALL(int, timerfd_create, (int clock, int flags), (clock, flags), EMFILE, -1)
CALL(int, inotify_init1, (int flags), (flags), EMFILE, -1)
CALL(int, inotify_add_watch, (int fd, const char *path, uint32_t mask),
     (fd, path, mask), ENOSPC, -1)
CALL(int, setns, (int fd, int type), (fd, type), ENOMEM, -1)
CALL(int, unshare, (int flags), (flags), ENOSPC, -1)
CALL(pid_t, fork, (void), (), EAGAIN, -1)
CALL(pid_t, waitpid, (pid_t pid, int *status, int options),
     (pid, status, options), EINTR, -1)
CALL(ssize_t, getrandom, (void *p, size_t n, unsigned flags), (p, n, flags),
     EINTR, -1)
CALL(int, sem_wait, (sem_t * s), (s), EINTR, -1)

CALL_RC(pthread_create,
	(pthread_t *restrict t, const pthread_attr_t *restrict attr,
	 void *(*fn)(void *), void *restrict arg),
	(t, attr, fn, arg), EAGAIN)
CALL_RC(posix_spawn,
	(pid_t *restrict pid, const char *restrict path,
	 const posix_spawn_file_actions_t *actions,
	 const posix_spawnattr_t *restrict attr, char *const *restrict argv,
	 char *const *restrict env),
	(pid, path, actions, attr, argv, env), ENOMEM)

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	void *arg;
	va_list ap;
	REAL(ioctl)

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!fault("ioctl"))
		return real(fd, request, arg);
	errno = ENOMEM;
	return -1;
}

#define CALL_FCNTL(name)                                      \
	EXPORT int name(int fd, int command, ...)             \
	{                                                     \
		void *arg;                                    \
		va_list ap;                                   \
		REAL(name)                                    \
                                                              \
		va_start(ap, command);                        \
		arg = va_arg(ap, void *);                     \
		va_end(ap);                                   \
		if (!fault(#name))                            \
			return real(fd, command, arg);        \
		errno = command == F_SETLK ? ENOLCK : EMFILE; \
		return -1;                                    \
	}
CALL_FCNTL(fcntl)
CALL_FCNTL(fcntl64)
