/*
 * For ports in a workload's network namespace the opener enters that, opens,
 * and comes back; the path must be of a network namespace. That takes
 * CAP_SYS_ADMIN, and CAP_SYS_PTRACE for /proc/PID/ns/net of processes that have
 * capabilities which the opener has not (docs/decisions/
 * 0007-ports-in-other-namespaces.md).
 */
#include "dp/opener_port.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bug.h"
#include "dp/beat.h"
#include "ring/ring.h"

/* The one descriptor of a port that has one. */
static int open_one(const struct opener_port *p, struct err *reterr)
{
	if (p->kind == OPENER_MAP)
		return beat_open(p->iface, reterr);
	if (p->kind == OPENER_QUEUES)
		return ring_nfq_open_stats(reterr);
	if (p->kind == OPENER_NFQ)
		return ring_nfq_open(p->queue, reterr);
	return ring_packet_open(p->iface, p->kind == OPENER_TAP, reterr);
}

static int open_once(const struct opener_port *p, int *fds, struct err *reterr)
{
	if (p->sockets > 1)
		return ring_packet_open_group(p->iface, p->sockets, fds,
					      reterr);
	fds[0] = open_one(p, reterr);
	return fds[0] < 0 ? fds[0] : 0;
}

/* How long one is waited for that was killed and is not quite gone. */
#define BUSY_TRIES   20
#define BUSY_STEP_MS 25

static int open_here(const struct opener_port *p, int *fds, struct err *reterr)
{
	int rc = open_once(p, fds, reterr);

	for (int i = 1; rc == -EBUSY && i < BUSY_TRIES; i++) {
		(void)poll(NULL, 0, BUSY_STEP_MS);
		rc = open_once(p, fds, reterr);
	}
	return rc;
}

static int enter(const char *path, int fd, struct err *reterr)
{
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return err_set(reterr, EINVAL, "netns",
			       "%s is no network namespace", path);
	if (setns(fd, CLONE_NEWNET) < 0)
		return err_set(reterr, errno, "netns", "cannot enter %s: %s",
			       path, strerror(errno));
	return 0;
}

/* The namespace we are in. Not by its path: that would keep a mount busy. */
static int this_namespace(struct err *reterr)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set(reterr, errno, "netns",
			       "cannot open our own namespace: %s",
			       strerror(errno));
	return fd;
}

/* In the namespace `there`, and back. */
static int open_there(const struct opener_port *p, int there, int home,
		      int *netns, int *fds, struct err *reterr)
{
	int rc = enter(p->netns, there, reterr), held = *netns;

	if (rc < 0)
		return rc;
	if (held < 0)
		held = rc = this_namespace(reterr);
	if (rc >= 0)
		rc = open_here(p, fds, reterr);
	/* else the next port would be opened in the wrong place */
	if (setns(home, CLONE_NEWNET) < 0)
		die("cannot come back from %s: %s", p->netns, strerror(errno));
	if (rc >= 0 || rc == -ENETDOWN)
		*netns = held;
	else if (held >= 0 && held != *netns)
		close(held);
	return rc;
}

static int dup_of(int fd, struct err *reterr)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy >= 0 ? copy
			 : err_set(reterr, errno, "netns",
				   "cannot duplicate a descriptor: %s",
				   strerror(errno));
}

/*
 * `held`, if the path is still of it. The descriptor keeps the namespace in
 * being, so its inode's number is nobody else's. The path is not opened: a lost
 * port asks again and again, and would keep a mount busy that goes just then.
 */
static int still_held(const char *path, int held, struct err *reterr)
{
	struct stat now, then;

	if (stat(path, &now) < 0) {
		int code = errno == ENOENT || errno == ENOTDIR ? ESTALE : errno;

		return err_set(reterr, code, "netns", "cannot look at %s: %s",
			       path, strerror(code));
	}
	if (fstat(held, &then) == 0 && now.st_dev == then.st_dev &&
	    now.st_ino == then.st_ino)
		return dup_of(held, reterr);
	return err_set(reterr, ESTALE, "netns", "%s is another namespace now",
		       path);
}

/* The path's; which must be that of `held`, if that is one. */
static int find_namespace(const char *path, int held, struct err *reterr)
{
	int fd = held >= 0 ? still_held(path, held, reterr)
			   : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && held < 0)
		return err_set(reterr, errno, "netns", "cannot open %s: %s",
			       path, strerror(errno));
	return fd;
}

static int open_in_namespace(const struct opener_port *p, int home, int *netns,
			     int *fds, struct err *reterr)
{
	int there = find_namespace(p->netns, *netns, reterr), rc;

	if (there < 0)
		return there;
	rc = open_there(p, there, home, netns, fds, reterr);
	close(there);
	return rc;
}

static bool is_well_formed(const struct opener_port *p)
{
	unsigned most = p->kind == OPENER_PACKET ? WORKERS_MAX : 1;

	return memchr(p->iface, '\0', sizeof p->iface) &&
	       memchr(p->netns, '\0', sizeof p->netns) && p->sockets >= 1 &&
	       p->sockets <= most;
}

int opener_open(const struct opener_port *p, int *netns,
		int fds[static WORKERS_MAX], struct err *reterr)
{
	int home, rc;

	if (!is_well_formed(p))
		return err_set(reterr, EINVAL, NULL, "not a request");
	if (p->kind == OPENER_NETNS)
		return find_namespace(p->netns, *netns, reterr);
	if (!p->netns[0])
		return open_here(p, fds, reterr);
	home = this_namespace(reterr);
	if (home < 0)
		return home;
	rc = open_in_namespace(p, home, netns, fds, reterr);
	close(home);
	return rc;
}
