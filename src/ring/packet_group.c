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
 * a socket does not hold for a group (newer kernels have a flag for that).
 * What one of the group sends never comes back to any of it.
 *
 * Members have their numbers in the order in which they joined, and the last
 * takes the number of one that leaves: they are to be closed all together. When
 * the interface goes down and comes up the kernel lets them join again in the
 * order in which they were made.
 *
 * Source: net/packet/af_packet.c, fanout_add(), __fanout_link(),
 * fanout_demux_bpf().
 */
#include <errno.h>
#include <linux/if_packet.h>
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

/* The first begins a group under a number that the kernel chooses. */
static int begin_group(int fd, uint32_t *ret_group)
{
	uint32_t group =
		(uint32_t)(PACKET_FANOUT_CBPF | PACKET_FANOUT_FLAG_UNIQUEID)
		<< 16;
	socklen_t len = sizeof *ret_group;

	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &group, sizeof group) <
		    0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &spread_program,
		       sizeof spread_program) < 0 ||
	    getsockopt(fd, SOL_PACKET, PACKET_FANOUT, ret_group, &len) < 0)
		return -errno;
	return 0;
}

static int join_all(const int *fds, unsigned n)
{
	uint32_t group;
	int rc = begin_group(fds[0], &group);

	for (unsigned i = 1; rc == 0 && i < n; i++)
		if (setsockopt(fds[i], SOL_PACKET, PACKET_FANOUT, &group,
			       sizeof group) < 0)
			rc = -errno;
	for (unsigned i = 0; rc == 0 && i < n; i++)
		if (setsockopt(fds[i], SOL_SOCKET, SO_ATTACH_FILTER,
			       &hear_incoming, sizeof hear_incoming) < 0)
			rc = -errno;
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
		rc = join_all(fds, n);
		if (rc < 0)
			(void)err_set(reterr, -rc, NULL,
				      "cannot share out the frames of %s: %s",
				      ifname, strerror(-rc));
	}
	while (rc < 0 && opened > 0)
		close(fds[--opened]);
	return rc < 0 ? rc : 0;
}
