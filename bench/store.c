/*
 * What recording costs, and asking of what was recorded.
 *
 *   store [-n FLOWS] [-b BATCH] [-d DAYS] [-w WORKLOADS] DIR
 *
 * Fills a store in DIR (made, and left there) with so many different flows of
 * so many days, a batch a transaction; adds as many again to random ones of the
 * last day; adds a tenth as many events; then asks for pages of all kinds and
 * forgets the first half. Each line: what, how many, how long, and the most
 * memory that was resident until then.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/limits.h"
#include "store/store.h"

#define DAY	  86400ull
#define FIRST_DAY 20000ull

static unsigned n_flows = 1000000;
static unsigned batch = 20000;
static unsigned days = 30;
static unsigned workloads = 200;

static long peak_kib(void)
{
	struct rusage use;

	if (getrusage(RUSAGE_SELF, &use) < 0)
		die("getrusage: cannot be asked");
	return use.ru_maxrss;
}

static void tell(const char *what, uint64_t n, usec_t from)
{
	uint64_t us = usec_since(clock_now(), from);

	printf("%-34s %9llu in %8.1f ms %10.0f /s   %6ld KiB\n", what,
	       (unsigned long long)n, (double)us / 1000,
	       us ? (double)n * 1e6 / (double)us : 0.0, peak_kib());
}

static uint32_t draw(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (uint32_t)(*random >> 32);
}

static char (*ids)[65];

/* The n-th of all different ones. */
static struct store_flow flow_of(unsigned n)
{
	unsigned day = (unsigned)((uint64_t)n * days / n_flows);
	uint64_t random = n * 0x9e3779b97f4a7c15ull + 1;
	uint32_t r = draw(&random);

	return (struct store_flow){
		.client = ids[r % workloads],
		.server = r & 1 << 20 ? "" : ids[(r >> 8) % workloads],
		.client_addr = ip_from_v4(0x0a000000 + r % workloads),
		.server_addr = ip_from_v4(n),
		.name = r & 1 << 20 ? "www.example.org" : "",
		.port = 443,
		.proto = 6,
		.app = 1002,
		.action = 1,
		.rule_id = r % 50,
		.sessions = 1,
		.violations = n % 1000 == 0,
		.bytes = 1000,
		.packets = 10,
		.first_s = (FIRST_DAY + day) * DAY + 10,
		.last_s = (FIRST_DAY + day) * DAY + 100,
	};
}

static void add_flows(struct store *s, const char *what, unsigned from)
{
	struct store_flow *flows = calloc(batch, sizeof *flows);
	uint64_t random = 1;
	struct err err = { 0 };
	usec_t start = clock_now();
	uint64_t worst = 0;

	if (!flows)
		die("out of memory");
	for (unsigned n = 0; n < n_flows; n += batch) {
		unsigned i;
		usec_t begun;

		for (i = 0; i < batch && n + i < n_flows; i++)
			flows[i] = flow_of(
				from ? from + draw(&random) % (n_flows - from)
				     : n + i);
		begun = clock_now();
		if (store_add_flows(s, flows, i, &err) < 0)
			die("%s: %s", err.at, err.text);
		if (usec_since(clock_now(), begun) > worst)
			worst = usec_since(clock_now(), begun);
	}
	tell(what, n_flows, start);
	printf("    longest batch of %u: %.1f ms\n", batch,
	       (double)worst / 1000);
	free(flows);
}

static void add_events(struct store *s)
{
	const json_t *events[1000];
	unsigned total = n_flows / 10;
	struct err err = { 0 };
	usec_t start = clock_now();

	for (unsigned n = 0; n < total; n += 1000) {
		for (unsigned i = 0; i < 1000; i++)
			events[i] = json_pack(
				"{s:s, s:s, s:s, s:s}", "kind",
				i % 100 ? "violation" : "threat", "severity",
				"warning", "workload", ids[i % workloads],
				"text", "10.0.0.7 to 10.0.0.9, tcp port 22");
		if (store_add_events(s, events, 1000,
				     FIRST_DAY * DAY + days * DAY * n / total,
				     NULL, &err) < 0)
			die("%s: %s", err.at, err.text);
		for (unsigned i = 0; i < 1000; i++)
			json_decref((json_t *)(uintptr_t)events[i]);
	}
	tell("events added", total, start);
}

struct page {
	uint64_t cursor, n;
};

static int on_flow(const struct store_flow *f, uint64_t cursor,
		   const json_t *client_about, const json_t *server_about,
		   void *arg)
{
	struct page *p = arg;

	p->cursor = cursor;
	p->n++;
	return 0;
}

static void ask(struct store *s, const char *what, struct store_flow_query q,
		unsigned pages)
{
	struct page p = { 0 };
	struct err err = { 0 };
	usec_t start = clock_now();
	uint64_t before;

	do {
		before = p.n;
		q.after = p.cursor;
		if (store_each_flow(s, &q, on_flow, &p, &err) < 0)
			die("%s: %s", err.at, err.text);
	} while (--pages && p.n - before == q.limit);
	tell(what, p.n, start);
}

static int on_event(const json_t *event, uint64_t number, void *arg)
{
	return on_flow(NULL, number, NULL, NULL, arg);
}

static void ask_events(struct store *s, const char *what,
		       struct store_event_query q)
{
	struct page p = { 0 };
	struct err err = { 0 };
	usec_t start = clock_now();

	if (store_each_event(s, &q, on_event, &p, &err) < 0)
		die("%s: %s", err.at, err.text);
	tell(what, p.n, start);
}

static void trim(struct store *s)
{
	struct store_stats stats;
	usec_t start = clock_now();
	uint64_t before;
	uint64_t worst = 0;
	bool is_done;

	store_stats(s, &stats);
	before = stats.flows + stats.events;
	do {
		usec_t begun = clock_now();

		is_done = store_trim(s, (FIRST_DAY + days / 2) * DAY,
				     (FIRST_DAY + days / 2) * DAY, UINT64_MAX);
		if (usec_since(clock_now(), begun) > worst)
			worst = usec_since(clock_now(), begun);
	} while (!is_done);
	store_stats(s, &stats);
	tell("rows forgotten", before - stats.flows - stats.events, start);
	printf("    longest piece: %.1f ms\n", (double)worst / 1000);
}

static void ask_all(struct store *s)
{
	uint64_t end = (FIRST_DAY + days) * DAY;

	ask(s, "flows, 100 pages of 1,000",
	    (struct store_flow_query){ .limit = 1000 }, 100);
	ask(s, "flows, last page of 1,000",
	    (struct store_flow_query){ .since_s = end - DAY, .limit = 1000 },
	    1);
	ask(s, "flows of one workload, first page",
	    (struct store_flow_query){ .workload = ids[7], .limit = 1000 }, 1);
	ask(s, "flows of one workload, last day",
	    (struct store_flow_query){
		    .workload = ids[7], .since_s = end - DAY, .limit = 1000 },
	    1);
	ask(s, "violations, all",
	    (struct store_flow_query){ .only_violations = true,
				       .limit = STORE_PAGE_MAX },
	    1);
	ask(s, "flows, all",
	    (struct store_flow_query){ .limit = STORE_PAGE_MAX }, 1000);
	ask_events(s, "events of the last day",
		   (struct store_event_query){ .since_s = end - DAY,
					       .limit = STORE_PAGE_MAX });
	ask_events(
		s, "threats, first page",
		(struct store_event_query){ .kind = "threat", .limit = 1000 });
	ask_events(s, "events of one workload",
		   (struct store_event_query){ .workload = ids[7],
					       .limit = 1000 });
}

static void put_docs(struct store *s)
{
	json_t *doc = json_array();
	struct err err = { 0 };
	usec_t start;

	for (int i = 0; i < 10000; i++)
		json_array_append_new(
			doc, json_pack("{s:i, s:s, s:s, s:[s], s:s}", "id", i,
				       "from", "web.shop", "to", "db.shop",
				       "ports", "tcp/5432", "action", "allow"));
	start = clock_now();
	for (int i = 0; i < 20; i++)
		if (store_put_doc(s, "intent", doc, 0, NULL, &err) < 0)
			die("%s: %s", err.at, err.text);
	tell("policies of 10,000 rules saved", 20, start);
	json_decref(doc);
}

static void fill(struct store *s)
{
	json_t *about = json_pack("{s:s, s:s, s:{s:s}}", "name", "web-1",
				  "image", "nginx:1.25", "labels",
				  "com.docker.compose.service", "web");

	ids = calloc(workloads, sizeof *ids);
	if (!ids || !about)
		die("out of memory");
	for (unsigned i = 0; i < workloads; i++) {
		(void)snprintf(ids[i], sizeof *ids, "%064x", i);
		(void)store_put_workload(s, ids[i], about, FIRST_DAY * DAY,
					 NULL); /* would be seen below */
	}
	json_decref(about);
	tell("begun", 0, clock_now());
	add_flows(s, "flows added, all new", 0);
	add_flows(s, "flows added, known ones of a day",
		  n_flows - n_flows / days);
	add_flows(s, "flows added, known ones of any day", 1);
	add_events(s);
}

static void tell_stats(struct store *s)
{
	struct store_stats stats;
	usec_t start = clock_now();

	store_stats(s, &stats);
	tell("counted", stats.flows + stats.events, start);
	printf("    %.0f MiB on the disk, %.0f used\n",
	       (double)stats.bytes_on_disk / 1048576,
	       (double)stats.bytes_used / 1048576);
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	struct store *s;
	usec_t start;
	int c;

	while ((c = getopt(argc, argv, "n:b:d:w:")) != -1) {
		unsigned *to = c == 'n'	  ? &n_flows
			       : c == 'b' ? &batch
			       : c == 'd' ? &days
			       : c == 'w' ? &workloads
					  : NULL;

		if (!to || (*to = (unsigned)strtoul(optarg, NULL, 10)) == 0)
			die("see the head of bench/store.c");
	}
	if (optind + 1 != argc)
		die("wants a folder");
	if (store_open(argv[optind], &s, &err) < 0)
		die("%s: %s", err.at, err.text);
	fill(s);
	tell_stats(s);
	store_free(s);
	start = clock_now();
	if (store_open(argv[optind], &s, &err) < 0)
		die("%s: %s", err.at, err.text);
	tell("opened", 1, start);
	ask_all(s);
	put_docs(s);
	trim(s);
	tell_stats(s);
	store_free(s);
	return 0;
}
