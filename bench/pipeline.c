/*
 * What one core does in the pure pipeline: inspect_frame() over frames in
 * memory, no I/O.
 *
 *   pipeline            prints a table: ns a frame, frames/s, GB/s
 *
 * Established TCP flows under a policy of ten rules; each frame moves its
 * flow's sequence on and is forwarded; L4 checksums are vouched for, as by a
 * network card. Then whole connections of eight frames, by what is said: the
 * cost of finding out what it is. Median of REPEATS; every figure counts only if
 * all frames were forwarded by the rule.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bug.h"
#include "base/limits.h"
#include "frames.h"
#include "inspect/inspect.h"

#define REPEATS	  5
#define RULES	  10
#define OWN	  0x0a010005
#define PEER	  0x0a010006
#define SEQ_OFF	  38
#define ACK_OFF	  42
#define FLAGS_OFF 47
#define SPORT_OFF 34

struct bench {
	struct inspect *in;
	struct snapshot *snapshot;
	uint8_t *frame; /* FRAME_MAX */
	size_t len;
	usec_t now;
};

static void put32(uint8_t *at, uint32_t v)
{
	struct outbytes o = outbytes_of(at, 4);

	put_be32(&o, v);
}

static void put16(uint8_t *at, uint16_t v)
{
	struct outbytes o = outbytes_of(at, 2);

	put_be16(&o, v);
}

/* The headers of a frame, with `payload` bytes behind; ports come with its flow. */
static void make_frame(struct bench *b, bool to_own, size_t payload)
{
	struct outbytes o = outbytes_of(b->frame, FRAME_HEADERS);
	const struct frame_headers h = { .from = to_own ? PEER : OWN,
					 .to = to_own ? OWN : PEER,
					 .payload = payload,
					 .to_own = to_own };

	put_headers(&o, &h);
	b->len = FRAME_HEADERS + payload;
}

static void adopt_policy(struct bench *b)
{
	struct policy_spec spec = { .defact = POLICY_DENY, .dir = 3 };
	struct endpoint e = { .used = true, .mac = own_mac, .ucmac = mark };
	struct ip_addr own = ip_from_v4(OWN);
	struct err err;

	spec.rules = calloc(RULES, sizeof *spec.rules);
	BUG_ON(!spec.rules);
	spec.n_rules = RULES;
	for (uint32_t i = 0; i < RULES; i++)
		spec.rules[i] = (struct rule_spec){
			.id = i + 1,
			.sip = own,
			.sipr = own,
			.dip = ip_from_v4(0x0a010100 - i * 250),
			.dipr = ip_from_v4(0x0a010100 - i * 250),
			.portr = 65535,
			.action = POLICY_ALLOW,
		};
	spec.rules[RULES - 1].dip = spec.rules[RULES - 1].dipr =
		ip_from_v4(PEER);
	e.policy = policy_compile(&spec, &err);
	b->snapshot = snapshot_build(&(struct snapshot_spec){
		.endpoints = &e, .n_endpoints = 1, .version = 1 });
	BUG_ON(!e.policy || !b->snapshot);
	policy_put(e.policy);
	(void)inspect_adopt(b->in, b->snapshot);
}

static void frame_of_flow(struct bench *b, uint32_t flow, uint8_t flags,
			  uint32_t seq)
{
	put16(b->frame + SPORT_OFF, (uint16_t)(1024 + flow % 60000));
	put16(b->frame + SPORT_OFF + 2, (uint16_t)(1 + flow / 60000));
	put32(b->frame + SEQ_OFF, seq);
	put32(b->frame + ACK_OFF, 1);
	b->frame[FLAGS_OFF] = flags;
}

static void pass(struct bench *b)
{
	struct frame f = { .bytes = bytes_of(b->frame, b->len),
			   .wire_len = b->len,
			   .csum = { FRAME_CSUM_VALID } };
	struct verdict v = inspect_frame(b->in, f, b->now);

	BUG_ON(!v.forward || v.reason != REASON_RULE);
}

static double now_ns(void)
{
	struct timespec ts;

	/* of this process: others may use the processor, too */
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* ns a frame: `payload` bytes each, round robin over n flows. */
static double measure(struct bench *b, uint32_t n, size_t payload)
{
	uint32_t rounds = n < 2000000 ? 2000000 / n : 1, seq = 1;
	double took[REPEATS];

	make_frame(b, false, 0);
	for (uint32_t i = 0; i < n; i++) {
		frame_of_flow(b, i, TCP_SYN, 0);
		pass(b);
	}
	make_frame(b, false, payload);
	for (int r = 0; r < REPEATS; r++) {
		double start = now_ns();

		for (uint32_t k = 0; k < rounds; k++, seq += (uint32_t)payload)
			for (uint32_t i = 0; i < n; i++) {
				frame_of_flow(b, i, TCP_ACK, seq);
				pass(b);
			}
		took[r] = (now_ns() - start) / rounds / n;
		b->now = usec_add(b->now, USEC_PER_SEC);
	}
	qsort(took, REPEATS, sizeof *took, by_value);
	return took[REPEATS / 2];
}

/* --- connections ------------------------------------------------------------ */

struct talk {
	const char *name, *request, *answer;
};

static const struct talk talks[] = {
	{ "http", "GET / HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 2\r\n\r\nok" },
	{ "redis", "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "$1\r\nx\r\n" },
	/* nDPI is asked about both packets, and about no more */
	{ "nobody's", "\1\2\3\4 not known", "\4\3\2\1 to anybody" },
};

static void one_frame(struct bench *b, uint16_t port, bool answer,
		      uint8_t flags, const char *text, uint32_t seq[2])
{
	size_t len = strlen(text);
	struct outbytes o;

	make_frame(b, answer, len);
	o = outbytes_of(b->frame + FRAME_HEADERS, len);
	put_copy(&o, text, len);
	put16(b->frame + SPORT_OFF, answer ? 7777 : port);
	put16(b->frame + SPORT_OFF + 2, answer ? port : 7777);
	put32(b->frame + SEQ_OFF, seq[answer]);
	put32(b->frame + ACK_OFF, flags & TCP_ACK ? seq[!answer] : 0);
	b->frame[FLAGS_OFF] = flags;
	seq[answer] += (uint32_t)len + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
	pass(b);
}

#define CONNECTION_FRAMES 8

static void one_connection(struct bench *b, uint16_t port, const struct talk *t)
{
	uint32_t seq[2] = { 1000u * port, 77 };

	one_frame(b, port, false, TCP_SYN, "", seq);
	one_frame(b, port, true, TCP_SYN | TCP_ACK, "", seq);
	one_frame(b, port, false, TCP_ACK, "", seq);
	one_frame(b, port, false, TCP_ACK, t->request, seq);
	one_frame(b, port, true, TCP_ACK, t->answer, seq);
	one_frame(b, port, false, TCP_FIN | TCP_ACK, "", seq);
	one_frame(b, port, true, TCP_FIN | TCP_ACK, "", seq);
	one_frame(b, port, false, TCP_ACK, "", seq);
}

/* ns a frame, of 20,000 connections after another. */
static double measure_talk(struct bench *b, const struct talk *t)
{
	double took[REPEATS];

	for (int r = 0; r < REPEATS; r++) {
		double start = now_ns();

		for (uint16_t i = 0; i < 20000; i++)
			one_connection(b, (uint16_t)(20000 + i), t);
		took[r] = (now_ns() - start) / 20000 / CONNECTION_FRAMES;
		b->now = usec_add(b->now, 100 * USEC_PER_SEC);
		while (inspect_age(b->in, b->now))
			continue;
	}
	qsort(took, REPEATS, sizeof *took, by_value);
	return took[REPEATS / 2];
}

static void connections(const struct inspect_options *opt)
{
	printf("\n%10s %12s\n", "says", "ns/frame");
	for (size_t i = 0; i < sizeof talks / sizeof *talks; i++) {
		struct bench b = { .in = inspect_new(opt),
				   .frame = calloc(1, FRAME_MAX),
				   .now = { USEC_PER_SEC } };

		BUG_ON(!b.in || !b.frame);
		adopt_policy(&b);
		printf("%10s %12.0f\n", talks[i].name,
		       measure_talk(&b, &talks[i]));
		inspect_free(b.in);
		snapshot_free(b.snapshot);
		free(b.frame);
	}
}

int main(void)
{
	static const uint32_t flows[] = { 1, 1000, 100000, 1000000 };
	static const size_t payloads[] = { 10, 1446, 65000 };
	struct inspect_options opt = { .max_flows = 1u << 20,
				       .seed = 1,
				       .breadth = true };

	printf("%10s %10s %12s %14s %10s\n", "flows", "frame B", "ns/frame",
	       "Mframes/s", "GB/s");
	for (size_t i = 0; i < sizeof flows / sizeof *flows; i++)
		for (size_t k = 0; k < sizeof payloads / sizeof *payloads;
		     k++) {
			struct bench b = { .in = inspect_new(&opt),
					   .frame = calloc(1, FRAME_MAX),
					   .now = { USEC_PER_SEC } };
			double ns;

			BUG_ON(!b.in || !b.frame);
			adopt_policy(&b);
			ns = measure(&b, flows[i], payloads[k]);
			printf("%10u %10zu %12.0f %14.2f %10.2f\n", flows[i],
			       b.len, ns, 1e3 / ns, (double)b.len / ns);
			inspect_free(b.in);
			snapshot_free(b.snapshot);
			free(b.frame);
		}
	connections(&opt);
	return 0;
}
