/*
 * A packet socket gets a frame before the device's tc ingress programs do, and
 * after its tc egress: on vex the frame is seen as it came from the wire,
 * before it is marked; on vbr it is seen as it is handed to the data plane.
 */
#include "cli/watch.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"

#define SNAP_BYTES 256

struct opening {
	const char *dev;
	int fd;
};

static int open_packet(void *arg, struct err *reterr)
{
	struct opening *o = arg;
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL) };
	int on = 1;
	int fd;

	a.sll_ifindex = (int)if_nametoindex(o->dev);
	if (a.sll_ifindex == 0)
		return err_set(reterr, ENODEV, NULL, "no device %s", o->dev);
	/* Protocol 0: nothing arrives before it is bound to the device. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(reterr, errno, NULL, "packet socket: %s",
			       strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof a) < 0) {
		int rc = err_set(reterr, errno, NULL, "watch %s: %s", o->dev,
				 strerror(errno));

		close(fd);
		return rc;
	}
	o->fd = fd;
	return 0;
}

int watch_open(const struct netns *ns, const char *dev, int *ret_fd,
	       struct err *reterr)
{
	struct opening o = { .dev = dev };
	int rc = netns_call(ns, open_packet, &o, reterr);

	if (rc == 0)
		*ret_fd = o.fd;
	return rc;
}

/* Behind it: the L4 header. Fragments and options are none of ours. */
static bool take_ip(struct bytes *b, struct seen *s, uint8_t *ret_proto)
{
	uint16_t total;

	if (s->ethertype == ETHERTYPE_IP) {
		if (bytes_len(*b) < 20 || b->begin[0] != 0x45)
			return false;
		if (!take_skip(b, 2) || !take_be16(b, &total) || total < 20 ||
		    !take_skip(b, 5) || !take_u8(b, ret_proto) ||
		    !take_skip(b, 2) || !take_ip4(b, &s->from) ||
		    !take_ip4(b, &s->to))
			return false;
		s->icmp_bytes = total - 20u;
		return true;
	}
	if (s->ethertype != ETHERTYPE_IPV6 || !take_skip(b, 4) ||
	    !take_be16(b, &total) || !take_u8(b, ret_proto) ||
	    !take_skip(b, 1) || !take_ip6(b, &s->from) || !take_ip6(b, &s->to))
		return false;
	s->icmp_bytes = total;
	return true;
}

static bool parse_echo(struct bytes b, struct seen *s)
{
	bool v6;
	uint8_t proto, type, code;

	if (!take_mac(&b, &s->dst) || !take_mac(&b, &s->src) ||
	    !take_be16(&b, &s->ethertype) || !take_ip(&b, s, &proto))
		return false;
	v6 = s->ethertype == ETHERTYPE_IPV6;
	if (proto != (v6 ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP) ||
	    !take_u8(&b, &type) || !take_u8(&b, &code) || !take_skip(&b, 2) ||
	    !take_be16(&b, &s->id) || !take_be16(&b, &s->seq))
		return false;
	s->is_reply = type == (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY);
	return s->is_reply || type == (v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO);
}

static void take_time(struct msghdr *m, struct timespec *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(ret, CMSG_DATA(c), sizeof *ret);
}

bool watch_next(int fd, struct seen *ret)
{
	uint8_t buf[SNAP_BYTES];
	struct sockaddr_ll from;
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct iovec iov = { buf, sizeof buf };

	for (;;) {
		struct msghdr m = { .msg_name = &from,
				    .msg_namelen = sizeof from,
				    .msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = control.buf,
				    .msg_controllen = sizeof control.buf };
		struct seen s = { 0 };
		ssize_t n = recvmsg(fd, &m, MSG_TRUNC);
		size_t kept = n > SNAP_BYTES ? SNAP_BYTES : (size_t)n;

		if (n < 0)
			return false;
		if (!parse_echo(bytes_of(buf, kept), &s))
			continue;
		take_time(&m, &s.when);
		s.outgoing = from.sll_pkttype == PACKET_OUTGOING;
		s.len_bytes = (uint32_t)n;
		*ret = s;
		return true;
	}
}

void watch_format(const struct seen *s, char link[static WATCH_LINE_MAX],
		  char net[static WATCH_LINE_MAX])
{
	char src[MAC_TEXT_MAX], dst[MAC_TEXT_MAX];
	char from[IP_TEXT_MAX], to[IP_TEXT_MAX];
	bool v6 = s->ethertype == ETHERTYPE_IPV6;
	char when[16] = "";
	struct tm tm;

	if (localtime_r(&s->when.tv_sec, &tm))
		(void)strftime(when, sizeof when, "%H:%M:%S", &tm);
	(void)snprintf(link, WATCH_LINE_MAX,
		       "%s.%06ld %s > %s, ethertype %s (0x%04x), length %u:",
		       when, s->when.tv_nsec / 1000, mac_format(s->src, src),
		       mac_format(s->dst, dst), v6 ? "IPv6" : "IPv4",
		       s->ethertype, s->len_bytes);
	(void)snprintf(net, WATCH_LINE_MAX,
		       "%s > %s: %s echo %s, id %u, seq %u, length %u",
		       ip_format(s->from, from), ip_format(s->to, to),
		       v6 ? "ICMP6," : "ICMP",
		       s->is_reply ? "reply" : "request", s->id, s->seq,
		       s->icmp_bytes);
}
