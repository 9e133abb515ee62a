/*
 * Who made an interface deaf is a random number in its filter. As long as that
 * process lives it is bound to the abstract socket "weir-deaf-" and the number,
 * in the network namespace of the interface. The kernel takes that name away
 * when the process ends, however it does, and gives no name twice: who can bind
 * it knows that the owner is over. (Where somebody else has bound it nothing is
 * taken off, which is what was before.)
 */
#include "dp/opener_deaf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "ring/deaf.h"

/* A socket with that owner's name; or -errno, -EADDRINUSE: it lives. */
static int bind_sign(uint64_t owner)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;
	/* behind a NUL: a name and no path */
	int len = snprintf(a.sun_path + 1, sizeof a.sun_path - 1,
			   "weir-deaf-%016llx", (unsigned long long)owner);

	if (fd < 0)
		return -errno;
	len += (int)offsetof(struct sockaddr_un, sun_path) + 1;
	if (bind(fd, (const struct sockaddr *)&a, (socklen_t)len) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static bool is_over(void *arg, uint64_t owner)
{
	int fd = bind_sign(owner);

	(void)arg;
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

void deaf_sweep(void)
{
	struct err err;
	unsigned n = 0;

	if (ring_undeafen_all(is_over, NULL, &n, &err) < 0)
		log_warn("opener: what an earlier one left may stay, ignoring: "
			 "%s",
			 err.text);
	if (n)
		log_info("opener: interfaces hear again that one which was "
			 "killed left deaf n=%u",
			 n);
}

/* An owner without interfaces needs no sign; the next one is another. */
static void drop_sign(struct deaf_list *d)
{
	if (d->n || !d->owner)
		return;
	close(d->sign);
	d->owner = 0;
}

static void remove_at(struct deaf_list *d, size_t i)
{
	struct err err;

	if (ring_undeafen(d->list[i].ifindex, d->owner, &err) < 0)
		log_warn("opener: interface stays deaf, ignoring: %s iface=%s",
			 err.text, d->list[i].iface);
	d->list[i] = d->list[--d->n];
	drop_sign(d);
}

void deaf_remove(struct deaf_list *d, const char *iface)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->list[i].iface, iface) == 0) {
			remove_at(d, i);
			return;
		}
}

void deaf_remove_all(struct deaf_list *d)
{
	while (d->n)
		remove_at(d, d->n - 1);
}

/* Before the first filter there is, so that nobody finds it without. */
static int have_sign(struct deaf_list *d, struct err *reterr)
{
	uint64_t owner;
	int fd;

	if (d->owner)
		return 0;
	if (getrandom(&owner, sizeof owner, 0) != sizeof owner || owner == 0)
		return err_set(reterr, EIO, NULL, "no random numbers");
	fd = bind_sign(owner);
	if (fd < 0)
		return err_set(reterr, -fd, NULL, "no sign of life: %s",
			       strerror(-fd));
	d->owner = owner;
	d->sign = fd;
	return 0;
}

static void append(struct deaf_list *d, const char *iface, unsigned ifindex)
{
	struct deaf *one = &d->list[d->n++];

	one->ifindex = ifindex;
	/* the kernel has one of that name, so it fits */
	(void)snprintf(one->iface, sizeof one->iface, "%s", iface);
}

int deaf_take(struct deaf_list *d, const char *iface, uint64_t owner, int sign,
	      struct err *reterr)
{
	unsigned ifindex = if_nametoindex(iface);

	if (ifindex == 0)
		return err_set(reterr, ENODEV, NULL, "no interface %s", iface);
	if (d->n == WORKER_PORTS_MAX)
		return err_set(reterr, ENOSPC, NULL, "too many interfaces");
	if (d->owner && d->owner != owner)
		return err_set(reterr, EBUSY, NULL, "another owner is there");
	if (!d->owner) {
		int fd = fcntl(sign, F_DUPFD_CLOEXEC, 0);

		if (fd < 0)
			return err_set(reterr, errno, NULL, "%s",
				       strerror(errno));
		d->owner = owner;
		d->sign = fd;
	}
	append(d, iface, ifindex);
	return 0;
}

int deaf_add(struct deaf_list *d, const char *iface, struct err *reterr)
{
	unsigned ifindex = if_nametoindex(iface);
	int rc;

	if (ifindex == 0)
		return err_set(reterr, ENODEV, NULL, "no interface %s", iface);
	deaf_remove(d, iface);
	if (d->n == WORKER_PORTS_MAX)
		return err_set(reterr, ENOSPC, NULL, "too many interfaces");
	rc = have_sign(d, reterr);
	if (rc < 0)
		return rc;
	rc = ring_deafen(ifindex, d->owner, reterr);
	if (rc < 0) {
		drop_sign(d);
		return rc;
	}
	append(d, iface, ifindex);
	return 0;
}
