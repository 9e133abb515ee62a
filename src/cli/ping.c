/*
 * A raw socket, so that an ICMP error about an echo of ours is seen as it
 * came, and not as an errno. Everything that arrives is somebody else's until
 * its identifier says otherwise: a reply carries it in its header, an error in
 * what it quotes.
 *
 *   v4 raw:  | IP header | type code sum | id seq | ...
 *   v6 raw:              | type code sum | id seq | ...
 *   error:               | type code sum | unused | IP header | 8 bytes |
 */
#include "cli/ping.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "cli/stop.h"

#define IP4_HEADER_MIN 20
#define IP6_HEADER     40

struct pinger {
	const struct ping_spec *spec;
	int fd;
	bool v6;
	uint16_t id;
	struct ping_result result;
	uint64_t sum_us;
};

static int open_raw(void *arg, struct err *reterr)
{
	struct pinger *p = arg;
	int on = 1;

	p->fd = socket(p->v6 ? AF_INET6 : AF_INET,
		       SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       p->v6 ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP);
	if (p->fd < 0)
		return err_set(reterr, errno, NULL, "raw ICMP socket: %s",
			       strerror(errno));
	/* Only for the TTL that is printed: 0 is shown without. */
	(void)!setsockopt(p->fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on,
			  sizeof on);
	return 0;
}

static uint16_t checksum(const uint8_t *b, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(b[i] << 8 | b[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

static int send_echo(struct pinger *p, uint16_t seq, struct err *reterr)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6 };
	uint8_t buf[PING_BYTES];
	struct outbytes o = outbytes_of(buf, sizeof buf);
	uint16_t sum;
	ssize_t n;

	put_u8(&o, p->v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO);
	put_u8(&o, 0);
	put_be16(&o, 0); /* v6: the kernel fills it in */
	put_be16(&o, p->id);
	put_be16(&o, seq);
	for (uint8_t i = (uint8_t)outbytes_len(&o); i < PING_BYTES; i++)
		put_u8(&o, i);
	if (p->v6) {
		memcpy(&a6.sin6_addr, p->spec->to.b, 16);
		n = sendto(p->fd, buf, sizeof buf, 0, (struct sockaddr *)&a6,
			   sizeof a6);
	} else {
		sum = checksum(buf, sizeof buf);
		buf[2] = (uint8_t)(sum >> 8);
		buf[3] = (uint8_t)sum;
		memcpy(&a4.sin_addr, p->spec->to.b + 12, 4);
		n = sendto(p->fd, buf, sizeof buf, 0, (struct sockaddr *)&a4,
			   sizeof a4);
	}
	if (n < 0)
		return err_set(reterr, errno, NULL, "sending an echo: %s",
			       strerror(errno));
	return 0;
}

/* Skips an IPv4 header; false when it is none. */
static bool skip_ip4(struct bytes *b, uint8_t *ret_ttl)
{
	struct bytes head;
	uint8_t first;

	if (bytes_len(*b) < IP4_HEADER_MIN)
		return false;
	first = b->begin[0];
	if (first >> 4 != 4 || (first & 15) * 4 < IP4_HEADER_MIN ||
	    !take_bytes(b, (size_t)(first & 15) * 4, &head))
		return false;
	*ret_ttl = head.begin[8];
	return true;
}

static bool take_id_seq(struct bytes *b, uint16_t *ret_id, uint16_t *ret_seq)
{
	return take_be16(b, ret_id) && take_be16(b, ret_seq);
}

/* Is this about an echo of ours? Then *e is filled. */
static bool parse_answer(const struct pinger *p, struct bytes b,
			 struct ping_echo *e)
{
	uint16_t id;
	uint8_t ttl;

	if (!p->v6 && !skip_ip4(&b, &e->ttl))
		return false;
	if (!take_u8(&b, &e->type) || !take_u8(&b, &e->code) ||
	    !take_skip(&b, 2))
		return false;
	if (e->type == (p->v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY)) {
		e->outcome = PING_REPLY;
		return take_id_seq(&b, &id, &e->seq) && id == p->id;
	}
	if (p->v6 ? e->type >= ICMP6_ECHO_REQUEST
		  : e->type != ICMP_UNREACH && e->type != ICMP_TIMXCEED)
		return false;
	e->outcome = PING_REJECTED;
	return take_skip(&b, 4) &&
	       (p->v6 ? take_skip(&b, IP6_HEADER) : skip_ip4(&b, &ttl)) &&
	       take_skip(&b, 4) && take_id_seq(&b, &id, &e->seq) && id == p->id;
}

static uint8_t hop_limit(struct msghdr *m)
{
	int value = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_HOPLIMIT)
			memcpy(&value, CMSG_DATA(c), sizeof value);
	return (uint8_t)value;
}

static struct ip_addr addr_of(const struct sockaddr_storage *s)
{
	struct sockaddr_in a4;
	struct sockaddr_in6 a6;
	struct ip_addr a;

	if (s->ss_family == AF_INET) {
		memcpy(&a4, s, sizeof a4);
		return ip_from_v4(ntohl(a4.sin_addr.s_addr));
	}
	memcpy(&a6, s, sizeof a6);
	memcpy(a.b, &a6.sin6_addr, 16);
	return a;
}

/* The next datagram about an echo of ours; false: none is waiting. */
static bool next_answer(struct pinger *p, struct ping_echo *ret)
{
	uint8_t buf[2048];
	struct sockaddr_storage from;
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { buf, sizeof buf };

	for (;;) {
		struct msghdr m = { .msg_name = &from,
				    .msg_namelen = sizeof from,
				    .msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = control.buf,
				    .msg_controllen = sizeof control.buf };
		struct ping_echo e = { 0 };
		ssize_t n = recvmsg(p->fd, &m, 0);

		if (n < 0)
			return false;
		if (!parse_answer(p, bytes_of(buf, (size_t)n), &e))
			continue;
		if (p->v6)
			e.ttl = hop_limit(&m);
		e.from = addr_of(&from);
		*ret = e;
		return true;
	}
}

static int ms_left(usec_t deadline)
{
	uint64_t us = usec_since(deadline, clock_now());

	return (int)((us + 999) / 1000);
}

/* Waits for the answer to seq. -EINTR when stopped. */
static int wait_answer(struct pinger *p, uint16_t seq, usec_t sent,
		       struct ping_echo *ret)
{
	usec_t deadline = usec_add(sent, p->spec->timeout_ms * 1000ULL);
	struct ping_echo e;

	for (;;) {
		struct pollfd fd = { .fd = p->fd, .events = POLLIN };
		int left = ms_left(deadline);
		int rc = stop_poll(&fd, 1, left);

		if (rc < 0)
			return rc;
		while (next_answer(p, &e)) {
			if (e.seq != seq)
				continue; /* late: told as silence already */
			e.rtt_us = usec_since(clock_now(), sent);
			*ret = e;
			return 0;
		}
		if (left == 0) {
			*ret = (struct ping_echo){ .outcome = PING_SILENCE,
						   .seq = seq };
			return 0;
		}
	}
}

static void note(struct pinger *p, const struct ping_echo *e)
{
	struct ping_result *r = &p->result;

	if (e->outcome == PING_REJECTED)
		r->rejected++;
	if (e->outcome == PING_REPLY) {
		if (r->received == 0 || e->rtt_us < r->min_us)
			r->min_us = e->rtt_us;
		if (e->rtt_us > r->max_us)
			r->max_us = e->rtt_us;
		r->received++;
		p->sum_us += e->rtt_us;
		r->avg_us = p->sum_us / r->received;
	}
	if (p->spec->on_echo)
		p->spec->on_echo(e, p->spec->arg);
}

static int ping_all(struct pinger *p, struct err *reterr)
{
	for (unsigned i = 1; i <= p->spec->count; i++) {
		usec_t sent = clock_now();
		struct ping_echo e;
		int rc;

		rc = send_echo(p, (uint16_t)i, reterr);
		if (rc < 0)
			return rc;
		p->result.sent++;
		rc = wait_answer(p, (uint16_t)i, sent, &e);
		if (rc < 0)
			return err_set(reterr, -rc, NULL, "stopped");
		note(p, &e);
		sent = usec_add(sent, p->spec->interval_ms * 1000ULL);
		if (i < p->spec->count && stop_poll(NULL, 0, ms_left(sent)) < 0)
			return err_set(reterr, EINTR, NULL, "stopped");
	}
	return 0;
}

int ping_run(const struct ping_spec *spec, struct ping_result *ret,
	     struct err *reterr)
{
	struct pinger p = { .spec = spec, .v6 = !ip_is_v4(spec->to) };
	int rc;

	if (getrandom(&p.id, sizeof p.id, 0) != sizeof p.id)
		p.id = (uint16_t)getpid();
	p.result.id = p.id;
	rc = netns_call(spec->ns, open_raw, &p, reterr);
	if (rc < 0)
		return rc;
	rc = ping_all(&p, reterr);
	close(p.fd);
	if (rc == 0)
		*ret = p.result;
	return rc;
}

const char *ping_error_text(const struct ping_echo *e)
{
	static const struct {
		bool v6;
		uint8_t type, code;
		const char *text;
	} known[] = {
		{ false, ICMP_UNREACH, ICMP_UNREACH_HOST, "host unreachable" },
		{ false, ICMP_UNREACH, ICMP_UNREACH_NET, "net unreachable" },
		{ false, ICMP_UNREACH, ICMP_UNREACH_FILTER_PROHIB,
		  "administratively prohibited" },
		{ true, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE,
		  "no route" },
		{ true, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN,
		  "administratively prohibited" },
		{ true, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR,
		  "address unreachable" },
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].v6 == !ip_is_v4(e->from) &&
		    known[i].type == e->type && known[i].code == e->code)
			return known[i].text;
	return "an ICMP error";
}
