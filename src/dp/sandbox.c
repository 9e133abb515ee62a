/*
 * Theory. The worker reads what hostile workloads send. Who takes it over by a
 * mistake in a parser shall find nothing to go on with but what the worker holds
 * already: its packet sockets, its doors, the maps of verdicts. So a filter of
 * system calls (seccomp(2), by libseccomp) names what the worker does:
 *
 *   memory, threads, waiting    as any program
 *   bytes by descriptors        those that it has, or is given: none is made of a
 *                               path, an address or a number
 *   maps of the kernel          elements of those it has; no map, no program is
 *                               made, loaded or found by its name
 *   signals                     to itself
 *
 * Three answers to what is not named:
 *
 *   EPERM    a library tries that and goes on without, as malloc with
 *            /proc/sys/vm/overcommit_memory. Nothing that does harm by being tried.
 *   ENOSYS   clone3, whose arguments lie in memory where no filter looks: libc
 *            then makes its threads by clone
 *   SIGSYS   only somebody who took the worker over asks for that: another program,
 *            another process, another's memory, another namespace, a kernel
 *            module. The process ends; its opener says why.
 *
 * The opener has capabilities and no parser. It may do all but what has that last
 * answer; to enter network namespaces is what it is for.
 *
 * W^X is not enforced: PCRE2 compiles patterns to code in the worker.
 *
 * Builds with a sanitizer may do what its report needs, too.
 */
#include "dp/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/sanitized.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* --- what is allowed ----------------------------------------------------- */

static const int allowed[] = {
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(mmap),
	SCMP_SYS(mprotect),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	/* threads, and their ends */
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(getpriority),
	SCMP_SYS(gettid),
	SCMP_SYS(rseq),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_setaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(setpriority),
	SCMP_SYS(sysinfo), /* of qsort(3) */
	/* signals */
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	/* time */
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(nanosleep),
	/* waiting */
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(signalfd4),
	/* bytes by descriptors that it has, and descriptors that it is given */
	SCMP_SYS(accept4),
	SCMP_SYS(close),
	SCMP_SYS(fstat),
	SCMP_SYS(ftruncate), /* an answer that is large: dp/door_own.c */
	SCMP_SYS(getrandom),
	SCMP_SYS(getsockopt),
	SCMP_SYS(lseek),
	SCMP_SYS(memfd_create),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),
	SCMP_SYS(write),
	SCMP_SYS(writev),
};

/* Allowed if one argument is as told; a call may stand here more than once. */
struct allowed_if {
	int call;
	struct scmp_arg_cmp arg;
};

static const struct allowed_if allowed_if[] = {
	/* a thread, not a process: pthread_create(3) */
	{ SCMP_SYS(clone),
	  { 0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD } },
	{ SCMP_SYS(prctl), { 0, SCMP_CMP_EQ, PR_SET_NAME, 0 } },
	/*
	 * fstat(3): of a descriptor. A path may be put beside it: what stands
	 * there is told, not opened.
	 */
	{ SCMP_SYS(newfstatat), { 3, SCMP_CMP_EQ, AT_EMPTY_PATH, 0 } },
	{ SCMP_SYS(fcntl), { 1, SCMP_CMP_EQ, F_DUPFD_CLOEXEC, 0 } },
	{ SCMP_SYS(fcntl), { 1, SCMP_CMP_EQ, F_GETFL, 0 } },
	{ SCMP_SYS(fcntl), { 1, SCMP_CMP_EQ, F_GET_SEALS, 0 } },
	{ SCMP_SYS(fcntl), { 1, SCMP_CMP_EQ, F_ADD_SEALS, 0 } },
	{ SCMP_SYS(bpf), { 0, SCMP_CMP_EQ, BPF_MAP_LOOKUP_ELEM, 0 } },
	{ SCMP_SYS(bpf), { 0, SCMP_CMP_EQ, BPF_MAP_UPDATE_ELEM, 0 } },
	{ SCMP_SYS(bpf), { 0, SCMP_CMP_EQ, BPF_MAP_DELETE_ELEM, 0 } },
	{ SCMP_SYS(bpf), { 0, SCMP_CMP_EQ, BPF_MAP_GET_NEXT_KEY, 0 } },
	{ SCMP_SYS(bpf), { 0, SCMP_CMP_EQ, BPF_MAP_LOOKUP_BATCH, 0 } },
	{ SCMP_SYS(bpf), { 0, SCMP_CMP_EQ, BPF_MAP_DELETE_BATCH, 0 } },
};

/* --- what ends the process ------------------------------------------------ */

static const int deadly[] = {
	/* another program or process */
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	/* another's memory or descriptors */
	SCMP_SYS(kcmp),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
#if !SANITIZED /* leaks are looked for by that */
	SCMP_SYS(ptrace),
#endif
	/* another view of the system */
	SCMP_SYS(chroot),
	SCMP_SYS(mount),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(open_tree),
	SCMP_SYS(pivot_root),
	SCMP_SYS(umount2),
	SCMP_SYS(unshare),
	/* another identity */
	SCMP_SYS(capset),
	SCMP_SYS(setgid),
	SCMP_SYS(setgroups),
	SCMP_SYS(setresgid),
	SCMP_SYS(setresuid),
	SCMP_SYS(setuid),
	/* what is as good as the kernel's memory, or often was */
	SCMP_SYS(add_key),
	SCMP_SYS(delete_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(init_module),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(kexec_load),
	SCMP_SYS(keyctl),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(request_key),
	SCMP_SYS(userfaultfd),
};

/* What the opener does, and the worker never. */
static const int of_opener[] = { SCMP_SYS(setns) };

/* --- builds with a sanitizer ----------------------------------------------- */

#if SANITIZED
/* A report names lines and maps; the search for leaks stops all threads. */
static const int of_sanitizers[] = {
	SCMP_SYS(clone),     SCMP_SYS(getdents),   SCMP_SYS(getdents64),
	SCMP_SYS(getrlimit), SCMP_SYS(getuid),	   SCMP_SYS(newfstatat),
	SCMP_SYS(open),	     SCMP_SYS(openat),	   SCMP_SYS(personality),
	SCMP_SYS(prctl),     SCMP_SYS(prlimit64),  SCMP_SYS(ptrace),
	SCMP_SYS(readlink),  SCMP_SYS(readlinkat), SCMP_SYS(sched_getparam),
	SCMP_SYS(tgkill),    SCMP_SYS(uname),	   SCMP_SYS(wait4),
};
#define OF_SANITIZERS COUNT(of_sanitizers)
#else
static const int *const of_sanitizers;
#define OF_SANITIZERS 0
#endif

/* --- the filter -------------------------------------------------------------- */

static int add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls,
		   size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = seccomp_rule_add_array(ctx, action, calls[i], 0, NULL);
	return rc;
}

static int add_ifs(scmp_filter_ctx ctx)
{
	struct scmp_arg_cmp self = { 0, SCMP_CMP_EQ, (uint64_t)getpid(), 0 };
	static const struct scmp_arg_cmp bound[] = {
		{ 0, SCMP_CMP_EQ, 0, 0 },
		{ 1, SCMP_CMP_EQ, RLIMIT_DATA, 0 },
	};
	int rc = 0;

	for (size_t i = 0; i < COUNT(allowed_if) && rc == 0; i++)
		rc = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW,
					    allowed_if[i].call, 1,
					    &allowed_if[i].arg);
	/* abort(3) and raise(3) */
	if (rc == 0)
		rc = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW,
					    SCMP_SYS(tgkill), 1, &self);
	/* setrlimit(3), of itself: dp/fit.h */
	return rc < 0 ? rc
		      : seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW,
					       SCMP_SYS(prlimit64), 2, bound);
}

static int fill_worker(scmp_filter_ctx ctx)
{
	/* some fifty calls: found by halves, not one after the other */
	int rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);

	if (rc == 0)
		rc = add_all(ctx, SCMP_ACT_ALLOW, of_sanitizers, OF_SANITIZERS);
	if (rc == 0)
		rc = add_ifs(ctx);
	if (rc == 0)
		rc = add_all(ctx, SCMP_ACT_ALLOW, allowed, COUNT(allowed));
	if (rc == 0)
		rc = add_all(ctx, SCMP_ACT_KILL_PROCESS, of_opener,
			     COUNT(of_opener));
	if (rc == 0)
		rc = seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(ENOSYS),
					    SCMP_SYS(clone3), 0, NULL);
	return rc;
}

static int enter(uint32_t otherwise, int (*fill)(scmp_filter_ctx),
		 struct err *reterr)
{
	scmp_filter_ctx ctx = seccomp_init(otherwise);
	int rc = ctx ? 0 : -ENOMEM;

	if (rc == 0 && fill)
		rc = fill(ctx);
	if (rc == 0)
		rc = add_all(ctx, SCMP_ACT_KILL_PROCESS, deadly, COUNT(deadly));
	if (rc == 0)
		rc = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	if (rc < 0)
		return err_set(reterr, -rc, "seccomp",
			       "the filter of system calls is refused: %s",
			       strerror(-rc));
	return 0;
}

int sandbox_worker(struct err *reterr)
{
	return enter(SCMP_ACT_ERRNO(EPERM), fill_worker, reterr);
}

int sandbox_opener(struct err *reterr)
{
	return enter(SCMP_ACT_ALLOW, NULL, reterr);
}
