/*
 * A network namespace lives as long as something holds it: a process in it, an
 * open descriptor, or a bind mount of its nsfs file. A named one is such a
 * mount on /run/netns/NAME. For a mount made here to be seen by processes in
 * other mount namespaces (`ip netns exec` makes one), /run/netns must be a
 * shared mount, so it is made one when it is not.
 *
 * Entering is per thread (setns). Coming back cannot be skipped: a thread left
 * in the wrong namespace would program somebody else's network.
 */
#include "net/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/bug.h"

static const char self_path[] = "/proc/thread-self/ns/net";

static int path_of(const char *name, char *ret, size_t size, struct err *reterr)
{
	int n = strchr(name, '/') ? snprintf(ret, size, "%s", name)
				  : snprintf(ret, size, NETNS_DIR "/%s", name);

	if (name[0] == '\0' || n < 0 || (size_t)n >= size)
		return err_set(reterr, EINVAL, NULL,
			       "\"%.60s\" is no namespace name or path", name);
	return 0;
}

/* A bare name that can stand in a directory. */
static int check_name(const char *name, struct err *reterr)
{
	if (name[0] == '\0' || strchr(name, '/') || strlen(name) > NAME_MAX ||
	    strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(reterr, EINVAL, NULL,
			       "\"%.60s\" cannot be a namespace's name", name);
	return 0;
}

static bool is_netns(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC &&
	       ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

static int open_path(const char *path, struct netns *ret, struct err *reterr)
{
	struct stat st;
	/* a FIFO that lies there does not make us wait */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_set(reterr, errno, NULL, "network namespace %s: %s",
			       path, strerror(errno));
	if (!is_netns(fd) || fstat(fd, &st) < 0) {
		(void)close(fd); /* opened for reading; nothing to lose */
		return err_set(reterr, EINVAL, NULL,
			       "%s is not a network namespace", path);
	}
	ret->fd = fd;
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	(void)snprintf(ret->path, sizeof(ret->path), "%s", path);
	return 0;
}

int netns_open(const char *name_or_path, struct netns *ret, struct err *reterr)
{
	char path[PATH_MAX];
	int r = path_of(name_or_path, path, sizeof(path), reterr);

	return r < 0 ? r : open_path(path, ret, reterr);
}

int netns_open_self(struct netns *ret, struct err *reterr)
{
	return open_path(self_path, ret, reterr);
}

void netns_done(struct netns *ns)
{
	if (ns->ino != 0 && ns->fd >= 0)
		(void)close(ns->fd); /* opened for reading */
	*ns = (struct netns){ .fd = -1 };
}

bool netns_equal(const struct netns *a, const struct netns *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

bool netns_name_taken(const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return check_name(name, NULL) == 0 &&
	       path_of(name, path, sizeof(path), NULL) == 0 &&
	       lstat(path, &st) == 0;
}

/* Makes the directory, and a shared mount of it. */
static int prepare_dir(struct err *reterr)
{
	if (mkdir(NETNS_DIR, 0755) < 0 && errno != EEXIST)
		return err_set(reterr, errno, NULL, "mkdir %s: %s", NETNS_DIR,
			       strerror(errno));
	if (mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) == 0)
		return 0;
	/* EINVAL: not a mount yet. */
	if (errno == EINVAL &&
	    mount(NETNS_DIR, NETNS_DIR, "none", MS_BIND | MS_REC, NULL) == 0 &&
	    mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) == 0)
		return 0;
	return err_set(reterr, errno, NULL, "share the mount %s: %s", NETNS_DIR,
		       strerror(errno));
}

/* Runs in the new namespace: pin it to its name, and bring up loopback. */
static int pin_here(void *arg, struct err *reterr)
{
	const char *path = arg;
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = 0;

	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &req) < 0)
		r = err_set(reterr, errno, NULL, "loopback up in %s: %s", path,
			    strerror(errno));
	else if (mount(self_path, path, "none", MS_BIND, NULL) < 0)
		r = err_set(reterr, errno, NULL, "bind %s: %s", path,
			    strerror(errno));
	if (sock >= 0)
		(void)close(sock); /* nothing was written to it */
	return r;
}

int netns_create(const char *name, struct err *reterr)
{
	char path[PATH_MAX];
	int fd, r;

	r = check_name(name, reterr);
	if (r == 0)
		r = path_of(name, path, sizeof(path), reterr);
	if (r == 0)
		r = prepare_dir(reterr);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
	if (fd < 0)
		return err_set(reterr, errno, NULL,
			       "make network namespace %s: %s", path,
			       strerror(errno));
	(void)close(fd); /* an empty file, only a place to mount on */
	r = netns_call_scratch(pin_here, path, reterr);
	if (r < 0)
		(void)unlink(path); /* r tells what went wrong */
	return r;
}

int netns_delete(const char *name, struct err *reterr)
{
	char path[PATH_MAX];
	int r = check_name(name, reterr);

	if (r == 0)
		r = path_of(name, path, sizeof(path), reterr);
	if (r < 0)
		return r;
	/* A dead leftover is a file with nothing mounted: EINVAL is fine. */
	if (umount2(path, MNT_DETACH) < 0 && errno != EINVAL)
		return err_set(reterr, errno, NULL, "unmount %s: %s", path,
			       strerror(errno));
	if (unlink(path) < 0)
		return err_set(reterr, errno, NULL, "remove %s: %s", path,
			       strerror(errno));
	return 0;
}

/*
 * Goes back to where the thread was before: to go on elsewhere would be worse than to
 * crash. The kernel needs memory for it, and there may be some in a second.
 */
static void come_back(int home)
{
	unsigned tries = 0;

	while (setns(home, CLONE_NEWNET) < 0) {
		BUG_ON(errno != ENOMEM || ++tries > 100);
		(void)poll(NULL, 0, 10);
	}
	(void)close(home); /* opened for reading */
}

static int open_home(struct err *reterr)
{
	int fd = open(self_path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(reterr, errno, NULL, "%s: %s", self_path,
			       strerror(errno));
	return fd;
}

int netns_call(const struct netns *ns, int (*fn)(void *arg, struct err *reterr),
	       void *arg, struct err *reterr)
{
	int home = open_home(reterr), r;

	if (home < 0)
		return home;
	if (setns(ns->fd, CLONE_NEWNET) < 0) {
		r = err_set(reterr, errno, NULL,
			    "enter network namespace %s: %s", ns->path,
			    strerror(errno));
		(void)close(home); /* opened for reading */
		return r;
	}
	r = fn(arg, reterr);
	come_back(home);
	return r;
}

int netns_call_scratch(int (*fn)(void *arg, struct err *reterr), void *arg,
		       struct err *reterr)
{
	int home = open_home(reterr), r;

	if (home < 0)
		return home;
	if (unshare(CLONE_NEWNET) < 0) {
		r = err_set(reterr, errno, NULL, "make a network namespace: %s",
			    strerror(errno));
		(void)close(home); /* opened for reading */
		return r;
	}
	r = fn(arg, reterr);
	come_back(home);
	return r;
}

struct spawn {
	char *const *argv;
	const posix_spawn_file_actions_t *actions;
	pid_t pid;
};

static int spawn_here(void *arg, struct err *reterr)
{
	struct spawn *s = arg;
	int r = posix_spawn(&s->pid, s->argv[0], s->actions, NULL, s->argv,
			    environ);

	if (r != 0)
		return err_set(reterr, r, NULL, "start %s: %s", s->argv[0],
			       strerror(r));
	return 0;
}

int netns_spawn(const struct netns *ns, char *const argv[],
		const posix_spawn_file_actions_t *actions, pid_t *ret_pid,
		struct err *reterr)
{
	struct spawn s = { .argv = argv, .actions = actions };
	int r = netns_call(ns, spawn_here, &s, reterr);

	if (r == 0)
		*ret_pid = s.pid;
	return r;
}
