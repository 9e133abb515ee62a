#include "cli/capture_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "packet/packet.h"
#include "wire/reason.h"

#define USEC_PER_S 1000000u

struct line {
	char *buf;
	size_t len;
};

static void say(struct line *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* What is too long is cut. */
static void say(struct line *l, const char *fmt, ...)
{
	size_t room = CAPTURE_LINE_MAX - l->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->buf + l->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->len += (size_t)n < room ? (size_t)n : room - 1;
}

static const char *reason_of(const struct capture_frame *f)
{
	return f->reason < REASON__MAX ? reason_name((enum reason)f->reason)
				       : "?";
}

static void say_end(struct line *l, struct ip_addr a, uint16_t port)
{
	char text[IP_TEXT_MAX];

	(void)ip_format(a, text);
	if (!port)
		say(l, "%s", text);
	else
		say(l, ip_is_v4(a) ? "%s:%u" : "[%s]:%u", text, port);
}

static void say_tcp_flags(struct line *l, uint8_t flags)
{
	static const char letters[] = "FSRP.U";

	say(l, " [");
	for (unsigned i = 0; letters[i]; i++)
		if (flags & 1u << i)
			say(l, "%c", letters[i]);
	say(l, "]");
}

static void say_proto(struct line *l, const struct packet *p)
{
	switch (p->proto) {
	case PROTO_TCP:
		say(l, " tcp");
		say_tcp_flags(l, p->tcp_flags);
		break;
	case PROTO_UDP: say(l, " udp"); break;
	case PROTO_SCTP: say(l, " sctp"); break;
	case PROTO_ICMP:
	case PROTO_ICMPV6:
		say(l, " icmp%s type %u code %u",
		    p->proto == PROTO_ICMPV6 ? "v6" : "", p->icmp_type,
		    p->icmp_code);
		break;
	default: say(l, " protocol %u", p->proto);
	}
	if (p->is_fragment)
		say(l, " fragment at %u", p->frag_off);
}

/* A snaplen may have cut it: then it says as much as is there. */
static void say_packet(struct line *l, struct bytes frame, uint32_t wire_len)
{
	struct packet p;
	enum packet_outcome outcome = packet_decode(
		&p, (struct frame){ .bytes = frame, .wire_len = wire_len });
	char src[MAC_TEXT_MAX], dst[MAC_TEXT_MAX];

	if (outcome == PACKET_OK) {
		if (p.vlans)
			say(l, "vlan %u ", p.vlans & 0xfff);
		say_end(l, p.saddr, p.sport);
		say(l, " > ");
		say_end(l, p.daddr, p.dport);
		say_proto(l, &p);
		return;
	}
	if (outcome == PACKET_SHORT || outcome == PACKET_VLAN_DEPTH) {
		say(l, "%s", packet_outcome_name(outcome));
		return;
	}
	say(l, "%s > %s ethertype 0x%04x", mac_format(p.src, src),
	    mac_format(p.dst, dst), p.ethertype);
	if (outcome != PACKET_NOT_IP)
		say(l, " %s", packet_outcome_name(outcome));
}

static void say_time(struct line *l, uint64_t us)
{
	time_t s = (time_t)(us / USEC_PER_S);
	struct tm tm = { 0 };
	char text[16] = "";

	if (localtime_r(&s, &tm))
		(void)strftime(text, sizeof text, "%H:%M:%S", &tm);
	say(l, "%s.%06u", text, (unsigned)(us % USEC_PER_S));
}

const char *capture_line(char buf[static CAPTURE_LINE_MAX],
			 const struct capture_frame *f, struct bytes frame,
			 uint64_t at_unix_us)
{
	struct line l = { buf, 0 };

	say_time(&l, at_unix_us);
	say(&l, " %-3s %-7s ", f->ingress ? "in" : "out",
	    capture_outcome_name(f->outcome));
	say_packet(&l, frame, f->wire_len);
	say(&l, ", %u bytes (%s", f->wire_len, reason_of(f));
	if (f->rule_id)
		say(&l, ", rule %u", f->rule_id);
	if (f->flow_id)
		say(&l, ", flow %u", f->flow_id);
	say(&l, ")");
	return buf;
}
