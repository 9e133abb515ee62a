/*
 * What a decision about a new flow costs (snapshot_judge), by the number of
 * rules, and what it costs to compile them. The rules are those of one
 * workload: to single peers, small ranges of peers and any external address,
 * on common ports, port ranges and all ports. Three of four connections asked
 * about are one that some rule speaks of.
 *
 * Compiling is told in processor time, which others on the machine do not
 * lengthen.
 *
 * Connections are asked about in batches, since reading a clock costs as much
 * as a decision; told are the median and the 99th percentile of the batches'
 * means.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "policy/snapshot.h"

#define QUERIES	  32768
#define BATCH	  32
#define ROUNDS	  40
#define RULES_MAX 10000

static uint64_t random_state = 20250101;

static uint32_t any(uint32_t below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t); /* both clocks exist */
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct ip_addr own(bool ipv6)
{
	struct ip_addr a = { { 0x20, 1, 0x0d, 0xb8, [15] = 5 } };

	return ipv6 ? a : ip_from_v4(0x0a010005);
}

static struct ip_addr peer(bool ipv6)
{
	struct ip_addr a = { { 0x20, 1, 0x0d, 0xb8, 1 } };
	uint32_t v4 = 0x0a000000 + any(1u << 24);

	if (!ipv6)
		return ip_from_v4(v4);
	for (int i = 0; i < 4; i++)
		a.b[12 + i] = (uint8_t)(v4 >> (24 - 8 * i));
	return a;
}

static void ports_of(struct rule_spec *r)
{
	static const uint16_t common[] = { 22,	 53,   80,   443,  3306, 5432,
					   6379, 8080, 8443, 9092, 9200 };

	r->port = common[any(sizeof common / sizeof *common)];
	r->portr = r->port;
	switch (any(6)) {
	case 0:
		r->port = 0;
		r->portr = UINT16_MAX;
		break;
	case 1: r->portr = (uint16_t)(r->port + any(1000)); break;
	default: break;
	}
}

static struct rule_spec rule(uint32_t id, bool ipv6)
{
	struct rule_spec r = { .id = id,
			       .sip = own(ipv6),
			       .sipr = own(ipv6),
			       .proto = any(3) ? 6 : 17,
			       .action = any(4) ? POLICY_ALLOW : POLICY_DENY };

	ports_of(&r);
	r.dip = peer(ipv6);
	r.dipr = r.dip;
	if (any(5) == 0) {
		r.dip.b[15] = 0;
		r.dipr.b[15] = 0xff;
	} else if (any(50) == 0) {
		r.dip = ipv6 ? (struct ip_addr){ 0 } : ip_from_v4(0);
		r.dipr = r.dip;
	}
	return r;
}

static struct policy_query query(const struct rule_spec *rules, size_t n,
				 bool ipv6)
{
	const struct rule_spec *r = &rules[any((uint32_t)n)];
	struct policy_query q = { .client = own(ipv6),
				  .server = peer(ipv6),
				  .server_port = (uint16_t)any(65536),
				  .proto = any(3) ? 6 : 17 };

	if (any(4) == 0)
		return q;
	q.proto = r->proto;
	q.server_port = (uint16_t)(r->port + any(r->portr - r->port + 1u));
	if (ip_is_any(r->dip))
		q.server.b[ipv6 ? 1 : 12] = 9; /* external */
	else
		q.server = r->dip;
	return q;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct policy_query queries[QUERIES];
static double means[ROUNDS * QUERIES / BATCH];

/* Nobody knows the sum, so it must be computed. */
static volatile uint32_t sink;

static void ask(const struct snapshot *s)
{
	size_t n = 0;
	uint32_t sum = 0;

	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < QUERIES; i += BATCH) {
			uint64_t from = clock_ns(CLOCK_MONOTONIC);

			for (size_t k = 0; k < BATCH; k++)
				sum += snapshot_judge(s, 0, &queries[i + k])
					       .rule_id;
			means[n++] =
				(double)(clock_ns(CLOCK_MONOTONIC) - from) /
				BATCH;
		}
	sink = sum;
	qsort(means, n, sizeof *means, by_value);
}

static void measure(size_t n_rules, bool ipv6, double *first)
{
	struct policy_spec spec = { .n_rules = n_rules,
				    .defact = POLICY_DENY,
				    .dir = POLICY_DIR_EGRESS,
				    .ipv6 = true };
	struct subnet internal[] = {
		{ ip_from_v4(0x0a000000), 96 + 8, 0 },
		{ { { 0x20, 1, 0x0d, 0xb8 } }, 32, 0 },
	};
	struct endpoint e = { .used = true };
	struct err err = { 0 };
	struct snapshot *s;
	uint64_t from, compiled, built;

	spec.rules = calloc(n_rules, sizeof *spec.rules);
	for (size_t i = 0; i < n_rules; i++)
		spec.rules[i] = rule((uint32_t)i + 1, ipv6);
	for (size_t i = 0; i < QUERIES; i++)
		queries[i] = query(spec.rules, n_rules, ipv6);
	from = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	e.policy = policy_compile(&spec, &err);
	compiled = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	s = snapshot_build(&(struct snapshot_spec){ .endpoints = &e,
						    .n_endpoints = 1,
						    .internal = internal,
						    .n_internal = 2,
						    .version = 1 });
	built = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	ask(s);
	if (*first == 0)
		*first = means[sizeof means / sizeof *means / 2];
	printf("IPv%d %6zu rules: %6.0f ns median (x%.2f), %6.0f ns p99, "
	       "compiled in %7.2f ms, snapshot in %5.2f ms, index %5.1f "
	       "bytes a rule\n",
	       ipv6 ? 6 : 4, n_rules, means[sizeof means / sizeof *means / 2],
	       means[sizeof means / sizeof *means / 2] / *first,
	       means[sizeof means / sizeof *means * 99 / 100],
	       (double)(compiled - from) / 1e6,
	       (double)(built - compiled) / 1e6,
	       (double)policy_index_bytes(e.policy) / (double)n_rules);
	snapshot_free(s);
	policy_put(e.policy);
}

int main(void)
{
	static const size_t sizes[] = { 10, 100, 1000, RULES_MAX };

	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		double first = 0;

		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
			measure(sizes[i], ipv6, &first);
	}
	return 0;
}
