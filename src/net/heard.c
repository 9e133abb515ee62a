/*
 * A packet socket for all protocols is served before tc's ingress, one for a
 * single protocol after it, and after a bridge; so it is for all, and a filter
 * of the old kind (cBPF) says which wake us. What it lets through is parsed
 * here nevertheless: the filter saves work, and is no check.
 *
 *   ARP   the sender's address, RFC 826, if its sender's MAC is the frame's
 *   ND    the source of a solicitation or an advertisement, RFC 4861, with the
 *         hop limit 255: no router has passed it on
 */
#include "net/heard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Ethernet, IPv6's header, and the type behind it; ARP is shorter. */
#define HEARD_BYTES 64
/* A few dozen frames: more tell nothing new. */
#define HEARD_BUFFER_BYTES 65536

#define ARP_ETHERNET 1
#define ND_HOP_LIMIT 255

/* --- parsing --------------------------------------------------------------- */

static void parse_arp(struct bytes b, struct heard *h)
{
	uint16_t hardware, protocol, lengths;
	struct ip_addr sender;
	struct mac mac;

	if (!take_be16(&b, &hardware) || !take_be16(&b, &protocol) ||
	    !take_be16(&b, &lengths) || !take_skip(&b, 2) ||
	    !take_mac(&b, &mac) || !take_ip4(&b, &sender))
		return;
	if (hardware != ARP_ETHERNET || protocol != ETH_P_IP ||
	    lengths != (6 << 8 | 4) || !mac_equal(mac, h->mac))
		return;
	h->addr = sender;
	h->has_addr = !ip_is_any(sender);
}

static void parse_ipv6(struct bytes b, struct heard *h)
{
	uint8_t next, hops, type;
	struct ip_addr source;

	if (!take_skip(&b, 6) || !take_u8(&b, &next) || !take_u8(&b, &hops) ||
	    !take_ip6(&b, &source) || !take_skip(&b, 16) || !take_u8(&b, &type))
		return;
	if (next != IPPROTO_ICMPV6 || hops != ND_HOP_LIMIT ||
	    (type != ND_NEIGHBOR_SOLICIT && type != ND_NEIGHBOR_ADVERT))
		return;
	h->addr = source;
	h->has_addr = !ip_is_any(source);
}

bool heard_parse(struct bytes frame, struct heard *ret)
{
	struct heard h = { 0 };
	uint16_t type;

	if (!take_skip(&frame, 6) || !take_mac(&frame, &h.mac) ||
	    !take_be16(&frame, &type))
		return false;
	if (mac_is_group(h.mac) || mac_is_zero(h.mac))
		return false;
	if (type == ETH_P_ARP)
		parse_arp(frame, &h);
	else if (type == ETH_P_IPV6)
		parse_ipv6(frame, &h);
	*ret = h;
	return true;
}

/* --- the socket -------------------------------------------------------------- */

int heard_less(int fd, struct err *reterr)
{
	/* offsets: type 12, next header 20, ICMPv6's type 54 */
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, 6, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 6),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 20),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 54),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_SOLICIT, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_ADVERT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, HEARD_BYTES),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog prog = { sizeof code / sizeof *code, code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog) ==
	    0)
		return 0;
	return err_set(reterr, errno, NULL, "packet filter: %s",
		       strerror(errno));
}

static int set_up(int fd, uint32_t ifindex, bool all, struct err *reterr)
{
	const struct sockaddr_ll at = { .sll_family = AF_PACKET,
					.sll_protocol = htons(ETH_P_ALL),
					.sll_ifindex = (int)ifindex };
	int one = 1, size = HEARD_BUFFER_BYTES;
	int rc = all ? 0 : heard_less(fd, reterr);

	if (rc < 0)
		return rc;
	/* the kernel's own size would do, too */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
		       sizeof one) < 0 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof at) < 0)
		return err_set(reterr, errno, NULL, "packet socket: %s",
			       strerror(errno));
	return 0;
}

int heard_open(uint32_t ifindex, bool all, int *ret, struct err *reterr)
{
	/* protocol 0: nothing comes before it is bound */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc = fd < 0 ? err_set(reterr, errno, NULL, "packet socket: %s",
				  strerror(errno))
			: set_up(fd, ifindex, all, reterr);

	if (rc < 0) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	*ret = fd;
	return 0;
}

bool heard_next(int fd, unsigned *budget, struct heard *ret)
{
	uint8_t buf[HEARD_BYTES];

	while (*budget > 0) {
		ssize_t n = recv(fd, buf, sizeof buf, 0);

		if (n < 0 && errno == EINTR)
			continue;
		/* also ENETDOWN, when the device was set down: told once */
		if (n < 0)
			return false;
		--*budget;
		if (heard_parse(bytes_of(buf, (size_t)n), ret))
			return true;
	}
	return false;
}
