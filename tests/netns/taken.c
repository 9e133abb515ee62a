/*
 * A worker of weir-dp that was taken over. Loaded before libc (LD_PRELOAD), it stands
 * in for the first recvmmsg(2) that a thread of the worker does for its ring, and
 * tries there, in the program as it is shipped, what an attacker would. TAKEN names one
 * of what ends the process; without it all else is tried, and told on standard error,
 * a line each: "taken: NAME ERRNO", 0 for what was done.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SYS_fork /* some processors have clone(2) alone */
#define SYS_fork SYS_clone, SIGCHLD, 0, 0, 0, 0
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void told(const char *name, long rc)
{
	char line[128];
	int len = snprintf(line, sizeof line, "taken: %s %d\n", name,
			   rc < 0 ? errno : 0);

	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		_exit(1);
}

/* --- what is refused --------------------------------------------------- */

static void files(void)
{
	struct stat st;

	told("open", open("/etc/passwd", O_RDONLY | O_CLOEXEC));
	told("open-proc", open("/proc/self/mem", O_RDWR | O_CLOEXEC));
	told("create",
	     open("/tmp/taken", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	told("open-netns", open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC));
	told("stat", stat("/etc/passwd", &st));
	told("readlink", readlink("/proc/self/exe", (char[64]){ 0 }, 64));
	told("unlink", unlink("/tmp/taken"));
	told("chmod", chmod("/tmp", 0777));
	told("rename", rename("/tmp/a", "/tmp/b"));
	told("mkdir", mkdir("/tmp/taken.d", 0700));
	told("symlink", symlink("/etc/passwd", "/tmp/taken"));
}

static void sockets(int ring)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL) };
	struct sockaddr_un at = { .sun_family = AF_UNIX,
				  .sun_path = "/tmp/taken" };
	int pair[2];

	told("socket-inet", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	told("socket-unix", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	told("socket-netlink", socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
	told("socket-packet",
	     socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
	told("socketpair",
	     socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	/* its ring, to another device */
	told("bind", bind(ring, (const struct sockaddr *)&to, sizeof to));
	told("connect", connect(ring, (const struct sockaddr *)&at, sizeof at));
	told("listen", listen(ring, 1));
	told("ioctl",
	     syscall(SYS_ioctl, ring, 0x8913 /* SIOCGIFFLAGS */, NULL));
}

static void processes(void)
{
	told("kill-opener", kill(getppid(), SIGTERM));
	told("kill-all", kill(-1, 0));
	told("tgkill-opener", syscall(SYS_tgkill, getppid(), getppid(), 0));
	told("pidfd", syscall(SYS_pidfd_open, getppid(), 0));
	told("prlimit", syscall(SYS_prlimit64, getppid(), 7, NULL, NULL));
	told("clone3", syscall(SYS_clone3, NULL, 0));
	told("seccomp", syscall(SYS_seccomp, 0, 0, NULL));
	told("chdir", chdir("/"));
}

static void kernel(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_HASH };

	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	told("bpf-map", syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr));
	memset(&attr, 0, sizeof attr);
	told("bpf-program",
	     syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr));
	told("bpf-by-id",
	     syscall(SYS_bpf, BPF_MAP_GET_FD_BY_ID, &attr, sizeof attr));
	told("bpf-pinned", syscall(SYS_bpf, BPF_OBJ_GET, &attr, sizeof attr));
	told("bpf-pin", syscall(SYS_bpf, BPF_OBJ_PIN, &attr, sizeof attr));
}

/* --- what ends the process ---------------------------------------------- */

static void deadly(const char *name)
{
	char *const none[] = { NULL };

	if (strcmp(name, "execve") == 0)
		told(name, execve("/bin/true", none, none));
	else if (strcmp(name, "fork") == 0)
		told(name, syscall(SYS_fork));
	else if (strcmp(name, "ptrace") == 0)
		told(name, ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
	else if (strcmp(name, "vm") == 0)
		told(name, syscall(SYS_process_vm_readv, getppid(), NULL, 0,
				   NULL, 0, 0));
	else if (strcmp(name, "setns") == 0)
		told(name, setns(STDERR_FILENO, 0));
	else if (strcmp(name, "unshare") == 0)
		told(name, unshare(CLONE_NEWUSER));
	else if (strcmp(name, "mount") == 0)
		told(name, mount("none", "/mnt", "tmpfs", 0, NULL));
	else if (strcmp(name, "setuid") == 0)
		told(name, syscall(SYS_setuid, 0));
	else if (strcmp(name, "io_uring") == 0)
		told(name, syscall(SYS_io_uring_setup, 1, NULL));
	else if (strcmp(name, "keyctl") == 0)
		told(name, syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	else
		told("unknown", -1);
}

static int ring;

static void run(void)
{
	const char *name = getenv("TAKEN");

	if (name && name[0]) {
		deadly(name);
		return;
	}
	files();
	sockets(ring);
	processes();
	kernel();
	told("end", 0);
}

int recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags,
	     struct timespec *timeout)
{
	/* one worker, so one thread comes here first */
	if (ring == 0)
		ring = fd;
	pthread_once(&once, run);
	return (int)syscall(SYS_recvmmsg, fd, m, n, flags, timeout);
}
