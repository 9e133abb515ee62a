/*
 * What a full table costs: a million TCP connections, all open at once and
 * heard from both sides, through inspect_frame() under a policy of 10,000
 * rules, with so many peers that meters and reports are full, too, and so many
 * of them half a DNS message each way that TCP reassembly is.
 *
 *   memory [FLOWS]      prints NAME=VALUE lines (MB are 10^6 bytes)
 *
 * Resident memory is the whole process's, from /proc/self/smaps_rollup: at the
 * start, with the tables and the policy made (ready), with all flows (full),
 * and after as many more connections that found no place (over). These are
 * judged without state: allowed ones pass, denied ones do not, all are counted.
 * Exit status 1: a frame was not decided or counted as it should be.
 *
 * Half of the connections come to the workload, half go from it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "frames.h"
#include "inspect/inspect.h"

#define FLOWS	    1000000
#define RULES	    10000
#define PEERS	    100000 /* more than METER_SOURCES_MAX, REPORTS_MAX */
#define PAYLOAD	    200
#define OWN	    0x0a010005
#define PEER	    0x0a020000
#define PORT_DNS    53 /* allowed by the last two rules, up to ... */
#define PORT_OPEN   443
#define PORT_CLOSED 444
#define PORT_HIGH   20000

struct bench {
	struct inspect *in;
	struct snapshot *snapshot;
	usec_t now;
};

/* A connection, seen from who opens it. */
struct connection {
	uint32_t client, server;
	uint16_t client_port, server_port;
	bool ingress; /* the workload is the server */
};

/* The i-th of all; the workload's first ones are to resolvers. */
static struct connection connection(uint32_t i)
{
	uint32_t peer = PEER + i / 2 % PEERS;
	bool ingress = i % 2;
	bool dns = !ingress && i / 2 <= STREAMS_DEFAULT;

	return (struct connection){
		.client = ingress ? peer : OWN,
		.server = ingress ? OWN : peer,
		.client_port = (uint16_t)(PORT_HIGH + i / 2 / PEERS),
		.server_port = dns ? PORT_DNS : PORT_OPEN,
		.ingress = ingress,
	};
}

/* Resident bytes of this process; 0 when the kernel does not tell. */
static double resident(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "re");
	char line[128];
	double kib = 0;

	if (!f)
		return 0;
	while (fgets(line, sizeof line, f))
		if (strncmp(line, "Rss:", 4) == 0)
			kib = strtod(line + 4, NULL);
	fclose(f);
	return kib * 1024;
}

/* Many rules about single peers that nobody asks about, and two for all. */
static void adopt_policy(struct bench *b)
{
	struct policy_spec spec = { .defact = POLICY_DENY, .dir = 3 };
	struct endpoint e = { .used = true, .mac = own_mac, .ucmac = mark };
	struct err err;

	spec.rules = calloc(RULES, sizeof *spec.rules);
	BUG_ON(!spec.rules);
	spec.n_rules = RULES;
	for (uint32_t i = 0; i < RULES; i++)
		spec.rules[i] = (struct rule_spec){
			.id = i + 1,
			.sip = ip_from_v4(OWN),
			.sipr = ip_from_v4(OWN),
			.dip = ip_from_v4(PEER + i * 7),
			.dipr = ip_from_v4(PEER + i * 7),
			.port = (uint16_t)(1000 + i % 1000),
			.portr = (uint16_t)(1000 + i % 1000),
			.proto = PROTO_TCP,
			.action = POLICY_ALLOW,
		};
	for (uint32_t i = 0; i < 2; i++)
		spec.rules[RULES - 2 + i] = (struct rule_spec){
			.id = RULES - 1 + i,
			.sipr = ip_from_v4(UINT32_MAX),
			.dipr = ip_from_v4(UINT32_MAX),
			.port = PORT_DNS,
			.portr = PORT_OPEN,
			.proto = PROTO_TCP,
			.action = POLICY_ALLOW,
			.ingress = i,
		};
	e.policy = policy_compile(&spec, &err);
	BUG_ON(!e.policy);
	b->snapshot = snapshot_build(&(struct snapshot_spec){
		.endpoints = &e, .n_endpoints = 1, .version = 1 });
	BUG_ON(!b->snapshot);
	policy_put(e.policy);
	(void)inspect_adopt(b->in, b->snapshot); /* there was none before */
}

/* One frame of c by its client or server. */
static struct verdict send_one(struct bench *b, const struct connection *c,
			       bool by_client, uint8_t flags, uint32_t seq,
			       uint32_t ack, size_t payload)
{
	static uint8_t bytes[FRAME_HEADERS + PAYLOAD];
	struct outbytes o = outbytes_of(bytes, sizeof bytes);
	struct frame f = { .bytes = bytes_of(bytes, FRAME_HEADERS + payload),
			   .wire_len = FRAME_HEADERS + payload,
			   .csum = { FRAME_CSUM_VALID } };
	const struct frame_headers h = {
		.from = by_client ? c->client : c->server,
		.to = by_client ? c->server : c->client,
		.from_port = by_client ? c->client_port : c->server_port,
		.to_port = by_client ? c->server_port : c->client_port,
		.seq = seq,
		.ack = ack,
		.payload = payload,
		.flags = flags,
		.to_own = by_client == c->ingress,
	};

	put_headers(&o, &h);
	put_be16(&o, 1000); /* the rest of such a message never comes */
	b->now = usec_add(b->now, 1);
	return inspect_frame(b->in, f, b->now);
}

static bool is_allowed(struct verdict v)
{
	return v.forward && v.reason == REASON_RULE;
}

/* Handshake, a request, an answer; true: all passed by the rule. */
static bool talk(struct bench *b, const struct connection *c)
{
	return is_allowed(send_one(b, c, true, TCP_SYN, 0, 0, 0)) &&
	       is_allowed(send_one(b, c, false, TCP_SYN | TCP_ACK, 0, 1, 0)) &&
	       is_allowed(send_one(b, c, true, TCP_ACK, 1, 1, PAYLOAD)) &&
	       is_allowed(
		       send_one(b, c, false, TCP_ACK, 1, 1 + PAYLOAD, PAYLOAD));
}

static int wrong(const char *what)
{
	fprintf(stderr, "memory: %s\n", what);
	return 1;
}

/* A full table's: how one and then many more connections are decided. */
static int go_over(struct bench *b, uint32_t n)
{
	struct connection c = connection(n);
	struct inspect_counts before = inspect_counts(b->in), one, all;
	struct verdict v = send_one(b, &c, true, TCP_SYN, 0, 0, 0);

	one = inspect_counts(b->in);
	if (!is_allowed(v) || one.stateless != before.stateless + 1 ||
	    one.flows.refused_full != before.flows.refused_full + 1 ||
	    one.flows.total != n)
		return wrong("the first one over is not counted stateless");
	c.server_port = PORT_CLOSED;
	if (send_one(b, &c, true, TCP_SYN, 0, 0, 0).forward)
		return wrong("a full table lets a denied one through");
	c = connection(1);
	if (!is_allowed(send_one(b, &c, true, TCP_ACK, 1 + PAYLOAD, 1 + PAYLOAD,
				 0)) ||
	    inspect_counts(b->in).stateless != one.stateless)
		return wrong("a full table loses a flow that it has");
	for (uint32_t i = n; i < 2 * n; i++) {
		c = connection(i);
		if (!is_allowed(send_one(b, &c, true, TCP_SYN, 0, 0, 0)))
			return wrong("one over is not judged by its rule");
	}
	all = inspect_counts(b->in);
	printf("stateless_first=%d\n", (int)(one.stateless - before.stateless));
	printf("stateless=%llu\n", (unsigned long long)all.stateless);
	return 0;
}

static void print_use(const struct bench *b)
{
	struct inspect_counts c = inspect_counts(b->in);

	printf("flows=%u\nflows_limit=%u\n", c.flows.total, c.flows.limit);
	printf("reports=%u\nreports_limit=%u\n", c.reports.in_use,
	       c.reports.limit);
	printf("streams=%u\nstreams_limit=%u\n", c.streams.streams,
	       c.streams.streams_limit);
	printf("blocks=%u\nblocks_limit=%u\n", c.streams.blocks,
	       c.streams.blocks_limit);
	printf("meters=%u\nmeters_limit=%u\n", c.meters[METER_SYN_FLOOD].in_use,
	       c.meters[METER_SYN_FLOOD].limit);
}

static int measure(struct bench *b, uint32_t n)
{
	double start = resident(), ready, full;

	b->in = inspect_new(
		&(struct inspect_options){ .max_flows = n, .seed = 1 });
	if (!b->in)
		return wrong("out of memory");
	adopt_policy(b);
	ready = resident();
	for (uint32_t i = 0; i < n; i++) {
		struct connection c = connection(i);

		if (!talk(b, &c))
			return wrong("a frame did not pass by its rule");
	}
	full = resident();
	print_use(b);
	if (inspect_counts(b->in).flows.total != n)
		return wrong("not all connections are flows");
	printf("rss_start_mb=%.1f\nrss_ready_mb=%.1f\nrss_full_mb=%.1f\n",
	       start / 1e6, ready / 1e6, full / 1e6);
	printf("bytes_per_flow=%.0f\n", (full - ready) / n);
	if (go_over(b, n) != 0)
		return 1;
	printf("rss_over_mb=%.1f\n", resident() / 1e6);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : FLOWS;
	struct bench b = { .now = { USEC_PER_SEC } };
	int status;

	if (n < FLOWS_MIN || n > FLOWS_MAX / 2)
		return wrong("usage: memory [FLOWS]");
	status = measure(&b, (uint32_t)n);
	inspect_free(b.in);
	snapshot_free(b.snapshot);
	return status;
}
