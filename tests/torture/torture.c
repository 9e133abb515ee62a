/*
 * torture [-n FRAMES] [-s SEED] -r RULES [-r RULES]... CAPTURE...
 *
 * Hostile frames through the whole pipeline, as many as are wanted: what it decides
 * has to make sense for each, and nothing may be left of them at the end. Built with
 * sanitizers it also must not read or write what is not its own.
 *
 *   maker       what it makes
 *   noise       any bytes behind Ethernet                    (as isic does)
 *   header      IPv4, IPv6 with any field wrong
 *   transport   TCP, UDP, ICMP of few connections, any flags and numbers
 *   capture     the next frame of a capture, as it is
 *   mutated     ... with some of its bytes changed, or cut, or said to be longer
 *   parts       ... in fragments, which overlap, or not      (as fragroute does)
 *   segments    ... TCP in small segments, overlapping, twice, in any order
 *
 * All captures advance by turns, so their connections live while the rest goes on.
 * Now and then time jumps, the policy changes, flows are ended by hand. Checksums are
 * vouched for in most frames, else most would get no further than those.
 *
 * Exit status 1: something is left, or a maker did not reach what it is for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/limits.h"
#include "detect/sensor_scan.h"
#include "detect/sig_scan.h"
#include "inspect/inspect.h"
#include "inspect/settings.h"
#include "packet/checksum.h"
#include "ring/ring.h"

#define FILES_MAX      128
#define FRAMES_DEFAULT 1000000
#define FLOWS	       4096 /* so few that the table is full most of the time */
#define REPORTS	       256
#define BATCH	       64
#define ROOM	       (FRAME_MAX + 64)
#define IP4_HEADER     20
#define IP6_HEADER     40
#define ETHERNET       14
/* Longer than anything is remembered. */
#define FORGET_US (3600 * USEC_PER_SEC)

static const struct mac mark = { { 0x4e, 0x65, 0x75, 0x56, 0, 1 } };
static const struct mac peer = { { 2, 0, 0, 0, 0, 9 } };

enum maker {
	NOISE,
	HEADER,
	TRANSPORT,
	CAPTURE,
	MUTATED,
	PARTS,
	SEGMENTS,
	MAKERS
};

static const char *const maker_names[MAKERS] = {
	"noise",   "header", "transport", "capture",
	"mutated", "parts",  "segments",
};

struct shot {
	uint8_t *bytes;
	size_t len;
	bool ingress;
};

struct capture {
	struct shot *shots;
	size_t n, at;
};

struct torture {
	struct inspect *in;
	struct snapshot *policies[2];
	struct capture captures[FILES_MAX];
	size_t n_captures;
	uint64_t random;
	usec_t now;
	enum maker by;
	uint64_t fed[MAKERS], passed[MAKERS];
	uint64_t connections, threats, findings;
};

/* 0..below-1; xorshift64, Marsaglia. */
static uint32_t draw(struct torture *t, uint32_t below)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return (uint32_t)((t->random >> 32) % below);
}

static bool one_in(struct torture *t, uint32_t n)
{
	return draw(t, n) == 0;
}

static void scribble(struct torture *t, uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)draw(t, 256);
}

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void set16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void set32(uint8_t *at, uint32_t value)
{
	set16(at, value >> 16);
	set16(at + 2, value);
}

/* --- into the pipeline -------------------------------------------------------- */

/* In memory of just that size, so that a sanitizer sees what reads beyond. */
static void feed(struct torture *t, const uint8_t *bytes, size_t len,
		 size_t wire_len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct frame f = { .wire_len = wire_len };
	struct verdict v;

	BUG_ON(!copy);
	if (len)
		memcpy(copy, bytes, len);
	f.bytes = bytes_of(copy, len);
	f.csum.state = one_in(t, 8) ? FRAME_CSUM_CHECK : FRAME_CSUM_VALID;
	v = inspect_frame(t->in, f, t->now);
	BUG_ON(v.reason == REASON_NONE || v.reason >= REASON__MAX);
	BUG_ON(v.n_send > VERDICT_SEND_MAX);
	BUG_ON(v.forward && v.n_send);
	for (unsigned i = 0; i < v.n_send; i++)
		BUG_ON(bytes_len(v.send[i].bytes) > FRAME_MAX);
	t->fed[t->by]++;
	t->passed[t->by] += v.forward;
	free(copy);
}

static void put_macs(uint8_t *frame, bool ingress)
{
	memcpy(frame, ingress ? mark.b : peer.b, 6);
	memcpy(frame + 6, ingress ? peer.b : mark.b, 6);
}

/* --- makers ------------------------------------------------------------------- */

static void make_noise(struct torture *t, uint8_t *buf)
{
	static const uint16_t types[] = { 0x0800, 0x86dd, 0x0806, 0x8100,
					  0x88a8, 0x8847, 0x0000 };
	size_t len = draw(t, 200);

	scribble(t, buf, len);
	if (len >= ETHERNET) {
		put_macs(buf, one_in(t, 2));
		set16(buf + 12, types[draw(t, 7)]);
	}
	feed(t, buf, len, len);
}

/* An IPv4 header for so many bytes; returns its length. */
static size_t put_ip4(struct torture *t, uint8_t *ip, uint8_t proto,
		      size_t payload)
{
	memset(ip, 0, IP4_HEADER);
	ip[0] = 0x45;
	set16(ip + 2, (uint32_t)(IP4_HEADER + payload));
	set16(ip + 4, draw(t, 65536));
	ip[8] = 64;
	ip[9] = proto;
	set32(ip + 12, 0x0a000000 + draw(t, 16));
	set32(ip + 16, 0x0a000100 + draw(t, 4));
	return IP4_HEADER;
}

static size_t put_ip6(struct torture *t, uint8_t *ip, uint8_t proto,
		      size_t payload)
{
	memset(ip, 0, IP6_HEADER);
	ip[0] = 0x60;
	set16(ip + 4, (uint32_t)payload);
	ip[6] = proto;
	ip[7] = 64;
	ip[8] = ip[24] = 0xfd;
	ip[23] = (uint8_t)draw(t, 16);
	ip[39] = (uint8_t)draw(t, 4);
	return IP6_HEADER;
}

/* IPv4's own, over what stands there. */
static void put_ip4_sum(uint8_t *ip, size_t len)
{
	set16(ip + 10, 0);
	set16(ip + 10, checksum_fold(checksum_add(0, bytes_of(ip, len))));
}

/* Room for a header of either kind, and L4 behind it; returns where that is. */
static uint8_t *put_ip(struct torture *t, uint8_t *frame, uint8_t proto,
		       size_t payload, bool six)
{
	uint8_t *ip = frame + ETHERNET;

	put_macs(frame, one_in(t, 2));
	set16(frame + 12, six ? 0x86dd : 0x0800);
	return ip + (six ? put_ip6 : put_ip4)(t, ip, proto, payload);
}

static void make_header(struct torture *t, uint8_t *buf)
{
	static const uint8_t protos[] = { 0,  1,  4,  6,  17, 41, 43,
					  44, 47, 50, 51, 58, 60, 132 };
	bool six = one_in(t, 2);
	size_t payload = draw(t, 300);
	uint8_t *ip = buf + ETHERNET;
	uint8_t *l4 =
		put_ip(t, buf, protos[draw(t, sizeof protos)], payload, six);
	size_t header = (size_t)(l4 - ip), len = ETHERNET + header + payload;

	scribble(t, l4, payload);
	/* extension headers that go on and on, of small numbers */
	for (size_t i = 0; six && i + 8 <= payload && !one_in(t, 8); i += 8) {
		l4[i] = protos[draw(t, sizeof protos)];
		l4[i + 1] = (uint8_t)(one_in(t, 4) ? draw(t, 40) : 0);
	}
	for (uint32_t n = draw(t, 4); n > 0; n--)
		ip[draw(t, (uint32_t)header)] = (uint8_t)draw(t, 256);
	if (!six && ip[0] >> 4 == 4 && !one_in(t, 8))
		put_ip4_sum(ip, IP4_HEADER);
	feed(t, buf, len, len);
}

static size_t put_tcp(struct torture *t, uint8_t *l4)
{
	static const uint8_t flags[] = { TCP_SYN,	    TCP_SYN | TCP_ACK,
					 TCP_ACK,	    TCP_ACK | TCP_PSH,
					 TCP_ACK | TCP_FIN, TCP_RST,
					 TCP_ACK | TCP_RST };
	size_t options = 4 * draw(t, 11);

	set16(l4, 1024 + draw(t, 512));
	set16(l4 + 2, one_in(t, 2) ? 80 : 1024 + draw(t, 8));
	/* near each other most of the time */
	set32(l4 + 4, 1000 + draw(t, one_in(t, 8) ? UINT32_MAX : 4096));
	set32(l4 + 8, 1000 + draw(t, one_in(t, 8) ? UINT32_MAX : 4096));
	l4[12] = (uint8_t)((5 + options / 4) << 4);
	l4[13] = one_in(t, 16) ? (uint8_t)draw(t, 256)
			       : flags[draw(t, sizeof flags)];
	set16(l4 + 14, draw(t, 65536));
	set32(l4 + 16, 0);
	for (size_t i = 0; i < options; i++)
		l4[20 + i] =
			(uint8_t)(one_in(t, 3) ? draw(t, 256) : 1 + draw(t, 8));
	return 20 + options;
}

static size_t put_udp(struct torture *t, uint8_t *l4, size_t payload)
{
	static const uint16_t ports[] = { 53, 123, 443, 4789, 6081, 5353 };

	set16(l4, 1024 + draw(t, 512));
	set16(l4 + 2, ports[draw(t, 6)]);
	set16(l4 + 4, (uint32_t)(one_in(t, 16) ? draw(t, 65536) : 8 + payload));
	set16(l4 + 6, 0);
	return 8;
}

static void make_transport(struct torture *t, uint8_t *buf)
{
	static const uint8_t protos[] = { PROTO_TCP, PROTO_TCP,	 PROTO_TCP,
					  PROTO_UDP, PROTO_ICMP, PROTO_SCTP };
	bool six = one_in(t, 2);
	uint8_t proto = protos[draw(t, sizeof protos)];
	size_t payload = draw(t, 200), header, len;
	uint8_t l4[80 + 200], *at;

	if (proto == PROTO_ICMP && six)
		proto = PROTO_ICMPV6;
	if (proto == PROTO_TCP) {
		header = put_tcp(t, l4);
	} else if (proto == PROTO_UDP) {
		header = put_udp(t, l4, payload);
	} else {
		header = 8;
		scribble(t, l4, header);
	}
	scribble(t, l4 + header, payload);
	at = put_ip(t, buf, proto, header + payload, six);
	memcpy(at, l4, header + payload);
	if (!six)
		put_ip4_sum(buf + ETHERNET, IP4_HEADER);
	len = (size_t)(at - buf) + header + payload;
	feed(t, buf, len, len);
}

/* The next frame of some capture, with our MACs. */
static size_t next_shot(struct torture *t, uint8_t *buf)
{
	struct capture *c = &t->captures[draw(t, (uint32_t)t->n_captures)];
	const struct shot *s = &c->shots[c->at];

	c->at = (c->at + 1) % c->n;
	memcpy(buf, s->bytes, s->len);
	if (s->len >= ETHERNET)
		put_macs(buf, s->ingress);
	return s->len;
}

static void make_capture(struct torture *t, uint8_t *buf)
{
	size_t len = next_shot(t, buf);

	feed(t, buf, len, len);
}

static void make_mutated(struct torture *t, uint8_t *buf)
{
	size_t len = next_shot(t, buf), wire;

	/* in what is said, mostly: headers have makers of their own */
	for (uint32_t n = 1 + draw(t, 8); n > 0 && len > ETHERNET; n--) {
		size_t from = len > 54 && !one_in(t, 4) ? 54 : ETHERNET;

		buf[from + draw(t, (uint32_t)(len - from))] =
			one_in(t, 2) ? (uint8_t)draw(t, 256)
				     : (uint8_t)(0xff * draw(t, 2));
	}
	wire = one_in(t, 8) ? len + draw(t, 100) : len;
	if (one_in(t, 8) && len)
		len = draw(t, (uint32_t)len);
	feed(t, buf, len, wire);
}

static bool is_ip4(const uint8_t *frame, size_t len)
{
	return len > ETHERNET + IP4_HEADER && be16(frame + 12) == 0x0800 &&
	       frame[ETHERNET] == 0x45;
}

/* Of an IPv4 packet, in parts of eight bytes' multiples; some overlap. */
static void make_parts(struct torture *t, uint8_t *buf)
{
	size_t len = next_shot(t, buf);
	uint8_t part[ROOM];
	const size_t head = ETHERNET + IP4_HEADER;

	if (!is_ip4(buf, len)) {
		feed(t, buf, len, len);
		return;
	}
	set16(buf + ETHERNET + 4, draw(t, 256));
	for (size_t at = 0; at < len - head && !one_in(t, 64);) {
		size_t left = len - head - at, n = 8 * (1 + draw(t, 40));
		size_t back = one_in(t, 16) && at >= 8 ? 8 : 0;
		bool last = n >= left;

		n = last ? left : n;
		memcpy(part, buf, head);
		memcpy(part + head, buf + head + at - back, n + back);
		set16(part + ETHERNET + 2, (uint32_t)(IP4_HEADER + n + back));
		set16(part + ETHERNET + 6,
		      (uint32_t)((at - back) / 8) | (last ? 0 : 0x2000));
		if (back && one_in(t, 2))
			scribble(t, part + head, back);
		put_ip4_sum(part + ETHERNET, IP4_HEADER);
		feed(t, part, head + n + back, head + n + back);
		if (one_in(t, 16))
			feed(t, part, head + n + back, head + n + back);
		at += n;
	}
}

/* What a TCP segment says, from some byte on, so many bytes. */
static void feed_segment(struct torture *t, const uint8_t *frame, size_t head,
			 size_t at, size_t n)
{
	uint8_t part[ROOM];
	const uint8_t *seq = frame + ETHERNET + IP4_HEADER + 4;
	uint32_t number = (uint32_t)be16(seq) << 16 | be16(seq + 2);

	memcpy(part, frame, head);
	memcpy(part + head, frame + head + at, n);
	set16(part + ETHERNET + 2, (uint32_t)(head - ETHERNET + n));
	set32(part + ETHERNET + IP4_HEADER + 4, number + (uint32_t)at);
	if (n && one_in(t, 32))
		part[head + draw(t, (uint32_t)n)] ^= 0x20;
	put_ip4_sum(part + ETHERNET, IP4_HEADER);
	feed(t, part, head + n, head + n);
}

static void make_segments(struct torture *t, uint8_t *buf)
{
	size_t len = next_shot(t, buf), head, said;

	if (!is_ip4(buf, len) || buf[ETHERNET + 9] != PROTO_TCP ||
	    len < ETHERNET + IP4_HEADER + 20) {
		feed(t, buf, len, len);
		return;
	}
	head = ETHERNET + IP4_HEADER + 4u * (buf[ETHERNET + 32] >> 4);
	if (head >= len) {
		feed(t, buf, len, len);
		return;
	}
	said = len - head;
	if (one_in(t, 2)) /* the end first */
		feed_segment(t, buf, head, said / 2, said - said / 2);
	for (size_t at = 0; at < said;) {
		size_t n = 1 + draw(t, 100);
		size_t back = at ? draw(t, at < 8 ? (uint32_t)at : 8) : 0;

		n = n > said - at ? said - at : n;
		feed_segment(t, buf, head, at - back, n + back);
		at += n;
	}
}

static void (*const make[MAKERS])(struct torture *t, uint8_t *buf) = {
	make_noise,   make_header, make_transport, make_capture,
	make_mutated, make_parts,  make_segments,
};

/* --- what is needed for it ------------------------------------------------------ */

static struct snapshot *make_snapshot(uint32_t version, uint8_t action,
				      struct sensing *sensing)
{
	struct policy_spec spec = { .defact = POLICY_DENY,
				    .dir = 3,
				    .ipv6 = true,
				    .reject = true,
				    .n_rules = 2 };
	struct endpoint e = { .used = true, .ucmac = mark, .sensing = sensing };
	struct snapshot *s;
	struct err err;

	spec.rules = calloc(2, sizeof *spec.rules);
	BUG_ON(!spec.rules);
	for (uint32_t i = 0; i < 2; i++)
		spec.rules[i] = (struct rule_spec){
			.id = i + 1,
			.sipr = ip_from_v4(UINT32_MAX),
			.dipr = ip_from_v4(UINT32_MAX),
			.portr = 10000,
			.action = action,
			.ingress = i == 0,
		};
	e.policy = policy_compile(&spec, &err);
	BUG_ON(!e.policy);
	s = snapshot_build(&(struct snapshot_spec){
		.endpoints = &e, .n_endpoints = 1, .version = version });
	BUG_ON(!s);
	policy_put(e.policy);
	return s;
}

static struct sensing *all_sensors(struct sensor_list *ready)
{
	struct sensing_spec spec = { .signatures = SIGNATURES_ALERT };
	size_t n = sensor_list_len(ready);
	struct sensor_use *used = calloc(n ? n : 1, sizeof *used);
	struct sensing *sensing;

	BUG_ON(!used);
	for (size_t i = 0; i < n; i++)
		used[i] = (struct sensor_use){ sensor_list_at(ready, i)->id,
					       SENSOR_ALERT };
	spec.own = (struct sensor_uses){ used, n };
	sensing = sensing_new(&spec);
	BUG_ON(!sensing);
	free(used);
	return sensing;
}

static void complain(const char *path, const char *why)
{
	(void)fprintf(stderr, "torture: %s: %s\n", path, why);
	exit(2);
}

static void read_rules(struct sig_list *l, const char *path)
{
	struct err err = { 0 };

	if (sig_list_read(l, path, &err) < 0)
		complain(path, err.text);
}

static void add_shot(struct capture *c, struct bytes b,
		     uint8_t server[static 6])
{
	size_t len = bytes_len(b);
	struct shot *s;

	c->shots = reallocarray(c->shots, c->n + 1, sizeof *c->shots);
	BUG_ON(!c->shots);
	s = &c->shots[c->n];
	*s = (struct shot){ .bytes = malloc(len ? len : 1), .len = len };
	BUG_ON(!s->bytes);
	if (len)
		memcpy(s->bytes, b.begin, len);
	/* the workload is whom the first frame goes to */
	if (len >= ETHERNET && c->n == 0)
		memcpy(server, s->bytes, 6);
	s->ingress = len >= ETHERNET && memcmp(s->bytes, server, 6) == 0;
	c->n++;
}

static void read_capture(struct torture *t, const char *path)
{
	FILE *file = fopen(path, "rbe");
	struct err err = { 0 };
	struct ring *ring = file ? ring_capture_new(file, &err) : NULL;
	struct capture *c = &t->captures[t->n_captures];
	uint8_t server[6] = { 0 };

	if (!ring)
		complain(path, file ? err.text : "cannot be read");
	if (t->n_captures == FILES_MAX)
		complain(path, "too many captures");
	while (ring_recv(ring) > 0)
		add_shot(c, ring_frame(ring, 0).bytes, server);
	ring_free(ring);
	t->n_captures += c->n > 0;
}

/* --- all of it -------------------------------------------------------------------- */

/* As the control thread does. */
static void take_reports(struct torture *t)
{
	static struct connection_record connections[REPORTS];
	static struct threat_record threats[REPORTS];
	static struct finding_record findings[REPORTS];
	static struct port_record ports[REPORTS];
	size_t n;

	do
		t->connections += n =
			inspect_drain_connections(t->in, connections, REPORTS);
	while (n == REPORTS);
	do
		t->threats += n =
			inspect_drain_threats(t->in, threats, REPORTS);
	while (n == REPORTS);
	do
		t->findings += n =
			inspect_drain_findings(t->in, findings, REPORTS);
	while (n == REPORTS);
	while (inspect_drain_ports(t->in, ports, REPORTS) == REPORTS)
		continue;
}

static void between_batches(struct torture *t)
{
	uint32_t cursor = 0, ended = 0;

	t->now = usec_add(t->now,
			  one_in(t, 4096) ? draw(t, 1u << 31) : draw(t, 20000));
	(void)inspect_age(t->in, t->now);
	if (one_in(t, 64))
		(void)inspect_adopt(t->in, t->policies[one_in(t, 4)]);
	if (one_in(t, 16384))
		while (inspect_end_flows(t->in,
					 (struct flow_pick){ FLOW_PICK_ALL, 0 },
					 &cursor, &ended))
			continue;
	take_reports(t);
}

static void run(struct torture *t, uint64_t frames)
{
	/* a buffer that any maker fits in */
	static uint8_t buf[ROOM];
	uint64_t done = 0, batches = 0;

	while (done < frames) {
		uint64_t before;

		t->by = draw(t, MAKERS);
		before = t->fed[t->by];
		make[t->by](t, buf);
		done += t->fed[t->by] - before;
		if (done / BATCH > batches) {
			batches = done / BATCH;
			between_batches(t);
		}
	}
}

/* What is left when so much time has passed that nothing should be. */
static uint64_t left(struct torture *t)
{
	struct inspect_counts c;

	t->now = usec_add(t->now, FORGET_US);
	while (inspect_age(t->in, t->now))
		continue;
	inspect_forget_endpoint(t->in, 0);
	take_reports(t);
	c = inspect_counts(t->in);
	return c.flows.total + c.defrag.datagrams;
}

static double resident_mb(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_maxrss / 1024;
}

static void tell(const struct torture *t)
{
	struct inspect_counts c = inspect_counts(t->in);

	for (size_t i = 0; i < MAKERS; i++)
		printf("%s=%llu passed=%llu\n", maker_names[i],
		       (unsigned long long)t->fed[i],
		       (unsigned long long)t->passed[i]);
	for (size_t i = 0; i < REASON__MAX; i++)
		if (c.dropped[i])
			printf("dropped_%s=%llu\n", reason_name(i),
			       (unsigned long long)c.dropped[i]);
	printf("flows=%llu datagrams=%llu known=%llu connections=%llu "
	       "threats=%llu findings=%llu\n",
	       (unsigned long long)c.flows.made,
	       (unsigned long long)c.defrag.count[DEFRAG_COMPLETE],
	       (unsigned long long)c.app_known,
	       (unsigned long long)t->connections,
	       (unsigned long long)t->threats, (unsigned long long)t->findings);
}

/* What the pipeline works with. */
struct world {
	struct sig_set *signatures;
	struct sensor_set *sensors;
	struct sensing *sensing;
};

/* Takes the rules. */
static void begin(struct torture *t, struct world *w, struct sig_list *rules)
{
	struct inspect_settings settings = inspect_settings_default();
	struct inspect_options opt = { .max_flows = FLOWS,
				       .seed = 1,
				       .breadth = true,
				       .detection = true };
	struct sensor_list *ready = sensor_list_ready();
	struct sensor_lane *sensor_lane;
	struct sig_lane *lane;
	struct err err;

	BUG_ON(!ready);
	w->sensing = all_sensors(ready);
	w->signatures = sig_set_new(rules, NULL, &err);
	w->sensors = sensor_set_new(ready, NULL, NULL); /* takes the list */
	BUG_ON(!w->sensors || !w->signatures);
	t->policies[0] = make_snapshot(1, POLICY_ALLOW, w->sensing);
	t->policies[1] = make_snapshot(2, POLICY_DENY, w->sensing);
	t->in = inspect_new(&opt);
	lane = sig_lane_new(w->signatures);
	sensor_lane = sensor_lane_new(w->sensors);
	BUG_ON(!t->in || !lane || !sensor_lane);
	settings.tunnels = tunnel_options_all();
	settings.applications.all = true;
	inspect_configure(t->in, &settings);
	(void)inspect_adopt(t->in, t->policies[0]);
	inspect_adopt_signatures(t->in, lane);
	(void)inspect_adopt_sensors(t->in, sensor_lane); /* there was none */
	t->now = (usec_t){ FORGET_US };
}

static void end(struct torture *t, struct world *w)
{
	struct sig_lane *lane;

	inspect_drop_signatures(t->in);
	while ((lane = inspect_give_back_signatures(t->in)))
		sig_lane_free(lane);
	sensor_lane_free(inspect_adopt_sensors(t->in, NULL));
	inspect_free(t->in);
	snapshot_free(t->policies[0]);
	snapshot_free(t->policies[1]);
	sensing_put(w->sensing);
	sensor_set_free(w->sensors);
	sig_set_free(w->signatures);
	for (size_t i = 0; i < t->n_captures; i++) {
		for (size_t k = 0; k < t->captures[i].n; k++)
			free(t->captures[i].shots[k].bytes);
		free(t->captures[i].shots);
	}
}

int main(int argc, char **argv)
{
	static struct torture t;
	uint64_t frames = FRAMES_DEFAULT, seed = 1, rest;
	struct sig_list *rules = sig_list_new();
	bool has_rules = false;
	struct world w;
	double early_mb;
	int c;

	BUG_ON(!rules);
	while ((c = getopt(argc, argv, "n:s:r:")) != -1) {
		switch (c) {
		case 'n': frames = strtoull(optarg, NULL, 10); break;
		case 's': seed = strtoull(optarg, NULL, 10); break;
		case 'r':
			read_rules(rules, optarg);
			has_rules = true;
			break;
		default: return 2;
		}
	}
	for (int i = optind; i < argc; i++)
		read_capture(&t, argv[i]);
	if (!has_rules || t.n_captures == 0) {
		(void)fprintf(stderr, "usage: torture [-n FRAMES] [-s SEED] "
				      "-r RULES... CAPTURE...\n");
		return 2;
	}
	t.random = seed * 0x9e3779b97f4a7c15ULL | 1;
	begin(&t, &w, rules);
	run(&t, frames / 10);
	early_mb = resident_mb();
	run(&t, frames - frames / 10);
	printf("seed=%llu frames=%llu\n", (unsigned long long)seed,
	       (unsigned long long)frames);
	tell(&t);
	printf("early_mb=%.1f late_mb=%.1f\n", early_mb, resident_mb());
	rest = left(&t);
	printf("left=%llu\n", (unsigned long long)rest);
	end(&t, &w);
	return rest > 0;
}
