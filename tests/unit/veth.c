#include "veth.h"

#include <linux/if_packet.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/link.h"
#include "test.h"

const char *veth_lacks(void)
{
	int fd, rc, one = 1;

	if (unshare(CLONE_NEWNET) < 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return "unshare(CLONE_NEWNET)";
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return "socket(AF_PACKET)";
	rc = setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one);
	close(fd);
	return rc < 0 ? "setsockopt(PACKET_VNET_HDR)" : NULL;
}

static void bring_up(struct nl *nl, const char *name)
{
	struct err err;
	uint32_t index;

	assert_int_equal(link_index(nl, name, &index, &err), 0);
	assert_int_equal(link_set_quiet(nl, index, &err), 0);
	assert_int_equal(link_set_up(nl, index, true, &err), 0);
}

void veth_make(const char *a, const char *b)
{
	const struct veth_end ends[2] = { { .name = a }, { .name = b } };
	struct err err;
	struct nl *nl;

	assert_int_equal(nl_open(NULL, &nl, &err), 0);
	assert_int_equal(link_add_veth(nl, &ends[0], &ends[1], &err), 0);
	bring_up(nl, a);
	bring_up(nl, b);
	nl_free(nl);
}
