/*
 * Opening packet sockets, which takes privileges; what is done with them is in
 * packet_socket.c, and takes none.
 */
#include "ring/packet_open.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "ring/ring.h"

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof value);
}

static int configure(int fd, bool tap, struct err *reterr)
{
	if (set_option(fd, SOL_PACKET, PACKET_VNET_HDR, 1) < 0)
		return err_set(reterr, errno, NULL,
			       "kernel refuses PACKET_VNET_HDR: %s",
			       strerror(errno));
	if (set_option(fd, SOL_PACKET, PACKET_AUXDATA, 1) < 0)
		return err_set(reterr, errno, NULL,
			       "kernel refuses PACKET_AUXDATA: %s",
			       strerror(errno));
	/*
	 * Else each frame we send would come back to us (Linux >= 4.20). A tap
	 * sends nothing, and wants what the workload sends.
	 */
	if (!tap && set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1) < 0)
		return err_set(reterr, errno, NULL,
			       "kernel refuses PACKET_IGNORE_OUTGOING: %s",
			       strerror(errno));
	/* without CAP_NET_ADMIN the system's maximum must do */
	if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES) < 0)
		(void)set_option(fd, SOL_SOCKET, SO_RCVBUF,
				 SOCKET_BUFFER_BYTES);
	if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES) < 0)
		(void)set_option(fd, SOL_SOCKET, SO_SNDBUF,
				 SOCKET_BUFFER_BYTES);
	return 0;
}

int packet_open(const char *ifname, bool tap, const struct sock_fprog *filter,
		struct err *reterr)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_protocol =
					  __builtin_bswap16(ETH_P_ALL) };
	int fd, rc, error = 0;
	socklen_t error_len = sizeof error;

	ll.sll_ifindex = (int)if_nametoindex(ifname);
	if (ll.sll_ifindex == 0)
		return err_set(reterr, ENODEV, NULL,
			       "no interface %s in this network namespace",
			       ifname);
	/* protocol 0: hears nothing before it is bound to the interface */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(reterr, errno, NULL,
			       "cannot open a packet socket: %s",
			       strerror(errno));
	rc = configure(fd, tap, reterr);
	if (rc < 0)
		goto err_close;
	if (filter && setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter,
				 sizeof *filter) < 0) {
		rc = err_set(reterr, errno, NULL,
			     "cannot attach a filter to a packet socket: %s",
			     strerror(errno));
		goto err_close;
	}
	if (bind(fd, (struct sockaddr *)&ll, sizeof ll) < 0) {
		rc = err_set(reterr, errno, NULL,
			     "cannot bind a packet socket to %s: %s", ifname,
			     strerror(errno));
		goto err_close;
	}
	/* the first call would fail: an interface that is down says so here */
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) == 0 &&
	    error != 0) {
		rc = err_set(reterr, error, NULL, "%s: %s", ifname,
			     strerror(error));
		goto err_close;
	}
	return fd;
err_close:
	close(fd);
	return rc;
}

int ring_packet_open(const char *ifname, bool tap, struct err *reterr)
{
	int fd = packet_open(ifname, tap, NULL, reterr);
	int rc = fd < 0 || tap ? 0 : packet_claim(fd, ifname, reterr);

	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}
