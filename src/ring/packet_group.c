/*
 * Several packet sockets that share out the frames of one interface, as a
 * fanout group of the kernel's, by a program of ours.
 *
 * The kernel takes what the program says modulo the sockets that have joined so
 * far, so until the last one has, a frame may go to the wrong one. Nothing must
 * be heard before: each socket is born with a filter that lets nothing by, and
 * gets another one when all have joined.
 *
 *   opened, silent ──▶ bound ──▶ joined ... all joined ──▶ hearing
 *
 * That other one drops what goes out of the interface: PACKET_IGNORE_OUTGOING of
 * a socket does not hold for a group. Newer kernels have a flag for that, with
 * which nothing is left to it to drop.
 * What one of the group sends never comes back to any of it.
 *
 * Members have their numbers in the order in which they joined, and the last
 * takes the number of one that leaves: they are to be closed all together. When
 * the interface goes down and comes up the kernel lets them join again in the
 * order in which they were made.
 *
 * A group also says whose an interface's frames are. It has a number that follows
 * from the interface, and may have no more sockets than it was begun with; so a
 * second data plane, which would let go on what the first has dropped, finds it
 * full. One socket is a group, too, for that alone. (A kernel that does not know
 * max_num_members cannot tell.)
 *
 * Source: net/packet/af_packet.c, fanout_add(), __fanout_link(),
 * fanout_demux_bpf().
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/spread.h"
#include "ring/packet_open.h"
#include "ring/ring.h"

static struct sock_filter nothing[] = {
	BPF_STMT(BPF_RET | BPF_K, 0),
};
static const struct sock_fprog hear_nothing = { 1, nothing };

static struct sock_filter incoming[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		 (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
};
static const struct sock_fprog hear_incoming = { 4, incoming };

/* Newer than the headers that we build with. */
#define FANOUT_IGNORE_OUTGOING 0x4000
/* Less likely somebody else's number than a small one. */
#define GROUP_OF(ifindex) ((uint16_t)((ifindex) ^ 0x7765))

static int join(int fd, const struct fanout_args *g)
{
	/* what is 0 is not said: older kernels take four bytes only */
	socklen_t len = g->max_num_members
				? sizeof *g
				: offsetof(struct fanout_args, max_num_members);

	return setsockopt(fd, SOL_PACKET, PACKET_FANOUT, g, len) < 0 ? -errno
								     : 0;
}

/*
 * Begins a group for n sockets on that interface and joins it. -EBUSY: there is
 * one; -EOPNOTSUPP: the kernel cannot tell.
 */
static int claim(int fd, unsigned ifindex, unsigned n, struct fanout_args *ret)
{
	/* of one it does not matter who gets a frame */
	uint16_t type = n > 1 ? PACKET_FANOUT_CBPF : PACKET_FANOUT_CPU;
	struct fanout_args g = { .id = GROUP_OF(ifindex),
				 .type_flags = type | FANOUT_IGNORE_OUTGOING,
				 .max_num_members = n };
	int rc = join(fd, &g);

	if (rc == -EINVAL) { /* an older kernel? */
		g.type_flags = type;
		rc = join(fd, &g);
	}
	*ret = g;
	if (rc == -ENOSPC)
		return -EBUSY;
	if (rc != -EINVAL)
		return rc;
	/* one for another number of sockets, or a kernel older still */
	g.id = 0;
	g.type_flags |= PACKET_FANOUT_FLAG_UNIQUEID;
	return join(fd, &g) == 0 ? -EBUSY : -EOPNOTSUPP;
}

static int hear(int fd)
{
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &hear_incoming,
			  sizeof hear_incoming) < 0
		       ? -errno
		       : 0;
}

static int begin_unclaimed(int fd, struct fanout_args *ret)
{
	struct fanout_args g = { .type_flags = PACKET_FANOUT_CBPF |
					       PACKET_FANOUT_FLAG_UNIQUEID };
	int rc = join(fd, &g), value;
	socklen_t len = sizeof value;

	if (rc == 0 &&
	    getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &value, &len) < 0)
		rc = -errno;
	if (rc == 0)
		*ret = (struct fanout_args){
			.id = (uint16_t)value,
			.type_flags = PACKET_FANOUT_CBPF,
		};
	return rc;
}

static int busy(const char *ifname, struct err *reterr)
{
	return err_set(reterr, EBUSY, NULL,
		       "%s has a data plane already; two would each let go on "
		       "what the other drops",
		       ifname);
}

int packet_claim(int fd, const char *ifname, struct err *reterr)
{
	struct fanout_args g;
	int rc = claim(fd, if_nametoindex(ifname), 1, &g);

	if (rc == -EBUSY)
		return busy(ifname, reterr);
	if (rc == -EOPNOTSUPP)
		return 0;
	if (rc == 0 && !(g.type_flags & FANOUT_IGNORE_OUTGOING))
		rc = hear(fd);
	if (rc < 0)
		return err_set(reterr, -rc, NULL,
			       "cannot have the frames of %s to ourselves: %s",
			       ifname, strerror(-rc));
	return 0;
}

static int join_all(const int *fds, unsigned n, unsigned ifindex)
{
	struct fanout_args group;
	int rc = claim(fds[0], ifindex, n, &group);

	if (rc == -EOPNOTSUPP)
		rc = begin_unclaimed(fds[0], &group);
	if (rc == 0 && setsockopt(fds[0], SOL_PACKET, PACKET_FANOUT_DATA,
				  &spread_program, sizeof spread_program) < 0)
		rc = -errno;
	for (unsigned i = 1; rc == 0 && i < n; i++)
		rc = join(fds[i], &group);
	for (unsigned i = 0; rc == 0 && i < n; i++)
		rc = hear(fds[i]);
	return rc;
}

int ring_packet_open_group(const char *ifname, unsigned n, int *fds,
			   struct err *reterr)
{
	unsigned opened = 0;
	int rc = 0;

	while (rc >= 0 && opened < n) {
		rc = packet_open(ifname, false, &hear_nothing, reterr);
		if (rc >= 0)
			fds[opened++] = rc;
	}
	if (rc >= 0) {
		rc = join_all(fds, n, if_nametoindex(ifname));
		if (rc == -EBUSY)
			(void)busy(ifname, reterr);
		else if (rc < 0)
			(void)err_set(reterr, -rc, NULL,
				      "cannot share out the frames of %s: %s",
				      ifname, strerror(-rc));
	}
	while (rc < 0 && opened > 0)
		close(fds[--opened]);
	return rc < 0 ? rc : 0;
}
