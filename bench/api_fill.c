/*
 * A store as an agent has it after a week on a large host, for bench/api.
 *
 *   api_fill [-n FLOWS] [-d DAYS] DIR <WORKLOADS
 *
 * WORKLOADS: a line "ID NAME ADDRESS" for each, and there are 10,000 rules from
 * 20000 on. Of the flows most are between two workloads and by a rule, some by
 * none (learned), some are violations, some leave the host by a DNS name. A
 * twentieth as many events, and the map's buckets of the last hour, day and week.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/map_set.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/limits.h"
#include "store/store.h"

#define DAY   86400ull
#define RULES 10000
#define BATCH 20000
#define EDGES 8000
#define NAMES 500

static struct workload {
	char id[STORE_ID_MAX], name[64];
	struct ip_addr addr;
} * workloads;
static unsigned n_workloads, n_flows = 1000000, days = 7;
static uint64_t now_s;
static char names[NAMES][40];

static uint32_t draw(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (uint32_t)(*random >> 32);
}

static void read_workloads(void)
{
	char addr[64];
	unsigned room = 0;

	for (;;) {
		struct workload w;

		if (scanf("%191s %63s %63s", w.id, w.name, addr) != 3)
			break;
		if (ip_parse(addr, &w.addr) < 0)
			die("%s: no address", addr);
		if (n_workloads == room) {
			room = room ? 2 * room : 256;
			workloads = reallocarray(workloads, room, sizeof w);
			if (!workloads)
				die("out of memory");
		}
		workloads[n_workloads++] = w;
	}
	if (n_workloads < 2)
		die("wants two workloads at least");
}

/* --- flows -------------------------------------------------------------------- */

/* The n-th of all different ones: by n, so that there are no two. */
static struct store_flow flow_of(unsigned n)
{
	static const uint16_t apps[] = { 0, 1001, 1002, 1004, 2002, 2006 };
	uint64_t random = n * 0x9e3779b97f4a7c15ull + 1;
	uint32_t r = draw(&random), kind = draw(&random) % 100;
	const struct workload *c = &workloads[r % n_workloads];
	const struct workload *s = &workloads[r / n_workloads % n_workloads];
	uint64_t day = now_s / DAY - days + 1 + (uint64_t)n * days / n_flows;
	uint64_t at = day * DAY + r % DAY;
	struct store_flow f = {
		.client = c->id,
		.client_addr = c->addr,
		.server = s->id,
		.server_addr = s->addr,
		.name = "",
		.port = (uint16_t)(1000 + n % 60000),
		.proto = 6,
		.app = apps[r % 6],
		.action = 2,
		.rule_id = 20000 + r % RULES,
		.sessions = 1 + r % 50,
		.bytes = 1000 + r % 100000,
		.packets = 10 + r % 100,
		.first_s = at < now_s ? at : now_s,
		.last_s = at < now_s ? at : now_s,
	};

	if (kind < 10) { /* what is learned is of few ends and ports */
		s = &workloads[(r % n_workloads * 7 + kind % 4 + 1) %
			       n_workloads];
		f.server = s->id;
		f.server_addr = s->addr;
		f.port = (uint16_t)(1000 + r % n_workloads);
		f.name = names[n % NAMES]; /* so that no two are the same */
		f.action = 1;
		f.rule_id = 0;
	} else if (kind < 13) {
		f.action = 7;
		f.violations = 1 + r % 9;
	} else if (kind < 20) {
		f.server = "";
		f.server_addr = ip_from_v4(0x2d000000 + n);
		f.name = names[r % NAMES];
	}
	return f;
}

static void add_flows(struct store *s)
{
	struct store_flow *flows = calloc(BATCH, sizeof *flows);
	struct err err = { 0 };

	if (!flows)
		die("out of memory");
	for (unsigned n = 0; n < n_flows; n += BATCH) {
		unsigned i;

		for (i = 0; i < BATCH && n + i < n_flows; i++)
			flows[i] = flow_of(n + i);
		if (store_add_flows(s, flows, i, &err) < 0)
			die("%s: %s", err.at, err.text);
	}
	free(flows);
}

/* --- events ------------------------------------------------------------------- */

static json_t *event_of(unsigned n)
{
	static const char *const kinds[] = { "violation", "violation", "threat",
					     "change", "state" };
	uint64_t random = n * 0x9e3779b97f4a7c15ull + 1;
	uint32_t r = draw(&random);
	const struct workload *c = &workloads[r % n_workloads];
	const struct workload *s = &workloads[r / n_workloads % n_workloads];
	json_t *e = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s}", "kind",
		kinds[r % 5], "severity", "medium", "workload", s->id, "client",
		c->name, "client_id", c->id, "server", s->name, "server_id",
		s->id, "rule", 20000 + (int)(r % RULES), "port",
		1000 + (int)(r % 60000), "proto", "tcp");

	(void)json_object_set_new(
		e, "text",
		json_sprintf("%s -> %s tcp/%u blocked: rule %u", c->name,
			     s->name, 1000 + r % 60000, 20000 + r % RULES));
	return e;
}

static void add_events(struct store *s)
{
	enum { BATCH_EVENTS = 1000 };
	const json_t *events[BATCH_EVENTS];
	unsigned total = n_flows / 20;
	struct err err = { 0 };

	for (unsigned n = 0; n < total; n += BATCH_EVENTS) {
		unsigned i;

		for (i = 0; i < BATCH_EVENTS && n + i < total; i++)
			events[i] = event_of(n + i);
		if (store_add_events(s, events, i,
				     now_s - (uint64_t)(total - n) * days *
						     DAY / total,
				     NULL, &err) < 0)
			die("%s: %s", err.at, err.text);
		while (i-- > 0)
			json_decref((json_t *)(uintptr_t)events[i]);
	}
}

/* --- the map ------------------------------------------------------------------- */

static uint32_t end_of(struct map_set *m, const struct workload *w)
{
	struct map_node n = { .kind = MAP_WORKLOAD,
			      .id = (char *)(uintptr_t)w->id,
			      .name = (char *)(uintptr_t)w->name,
			      .namespace = (char *)(uintptr_t) "",
			      .service = (char *)(uintptr_t) "" };

	return map_node(m, &n);
}

static void add_bucket(struct store *s, unsigned level, uint64_t length_s,
		       uint64_t end_s)
{
	struct map_set m;
	uint8_t *bytes;
	size_t size;
	struct err err = { 0 };

	if (!map_set_init(&m))
		die("out of memory");
	for (unsigned i = 0; i < EDGES; i++) {
		struct map_edge *e = map_edge(
			&m, end_of(&m, &workloads[i % n_workloads]),
			end_of(&m, &workloads[(i * 7 + i / n_workloads + 1) %
					      n_workloads]));

		if (!e)
			continue;
		e->sums = (struct map_sums){ .sessions = 1 + i % 9,
					     .denied = i % 50 == 0,
					     .bytes = i * 100ull };
		e->rule = 20000 + i % RULES;
		e->first_s = end_s - length_s + i % 60;
		e->last_s = e->first_s + 60;
		map_edge_port(e, 6, (uint16_t)(1000 + i), 0);
		map_edge_app(e, 1001, 0);
	}
	if (!map_set_write(&m, &bytes, &size))
		die("out of memory");
	if (store_put_map(s, level, end_s, bytes, size, &err) < 0)
		die("%s: %s", err.at, err.text);
	free(bytes);
	map_set_done(&m);
}

static void add_map(struct store *s)
{
	static const struct {
		unsigned level;
		uint64_t length_s, n;
	} levels[] = { { 0, 300, 24 }, { 1, 3600, 48 }, { 2, DAY, 7 } };

	for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
		uint64_t length = levels[l].length_s;
		uint64_t last = now_s / length * length;

		for (uint64_t i = 0; i < levels[l].n; i++)
			add_bucket(s, levels[l].level, length,
				   last - i * length);
	}
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	struct store *s;
	int c;

	while ((c = getopt(argc, argv, "n:d:")) != -1) {
		unsigned *to = c == 'n' ? &n_flows : c == 'd' ? &days : NULL;

		if (!to || (*to = (unsigned)strtoul(optarg, NULL, 10)) == 0)
			die("see the head of bench/api_fill.c");
	}
	if (optind + 1 != argc)
		die("wants a folder");
	now_s = clock_unix_us() / USEC_PER_SEC;
	for (unsigned i = 0; i < NAMES; i++)
		(void)snprintf(names[i], sizeof names[i], "host%u.example.org",
			       i);
	read_workloads();
	if (store_open(argv[optind], &s, &err) < 0)
		die("%s: %s", err.at, err.text);
	add_flows(s);
	add_events(s);
	add_map(s);
	store_free(s);
	free(workloads);
	return 0;
}
