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
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bug.h"
#include "dp/beat.h"
#include "ring/ring.h"

static int open_here(const struct opener_port *p, struct err *reterr)
{
	if (p->kind == OPENER_BEAT)
		return beat_open(reterr);
	if (p->kind == OPENER_NFQ)
		return ring_nfq_open(p->queue, reterr);
	return ring_packet_open(p->iface, p->kind == OPENER_TAP, reterr);
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

static int open_there(const struct opener_port *p, int home, struct err *reterr)
{
	int there = open(p->netns, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc;

	if (there < 0)
		return err_set(reterr, errno, "netns", "cannot open %s: %s",
			       p->netns, strerror(errno));
	rc = enter(p->netns, there, reterr);
	close(there);
	if (rc < 0)
		return rc;
	rc = open_here(p, reterr);
	/* else the next port would be opened in the wrong place */
	if (setns(home, CLONE_NEWNET) < 0)
		die("cannot come back from %s: %s", p->netns, strerror(errno));
	return rc;
}

int opener_open(const struct opener_port *p, struct err *reterr)
{
	int home, rc;

	if (!memchr(p->iface, '\0', sizeof p->iface) ||
	    !memchr(p->netns, '\0', sizeof p->netns))
		return err_set(reterr, EINVAL, NULL, "not a request");
	if (!p->netns[0])
		return open_here(p, reterr);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return err_set(reterr, errno, "netns",
			       "cannot open our own namespace: %s",
			       strerror(errno));
	rc = open_there(p, home, reterr);
	close(home);
	return rc;
}
