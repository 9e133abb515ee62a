/*
 * fleet_sim DIR AGENTS WORKLOADS CHANGES [NODE...]: so many agents of one fleet, each
 * the real client with a connection of its own, in one process without a kernel part.
 * DIR is what `weir fleet init` made, with nodes s0, s1, ..., of which s0 is an editor.
 * Each tells of so many workloads; then s0 changes the policy so many times, and it is
 * told after how long each had it (p50, p99, max), each parsed it, and whether all have
 * the same. Each acknowledges it as a node does. NODE: real nodes, that are to have it in
 * force, too: they say when it was.
 *
 * Before each change it says that it is next, and waits for a line on stdin, if that is
 * no terminal and not empty: what has happened (bench/fleet). "fault": the change behind it
 * is told apart.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <xxhash.h>

#include "base/clock.h"
#include "fleet/fleet.h"
#include "intent/intent.h"

/* linux/prctl.h of 6.16; the headers here are older. */
#ifndef PR_FUTEX_HASH
#define PR_FUTEX_HASH		78
#define PR_FUTEX_HASH_SET_SLOTS 1
#endif
/* A process's futexes have four slots a processor, where thousands of threads wait. */
#define FUTEX_SLOTS 8192

#define REAL_MAX   8
#define PATIENCE_S 600
#define URL_MAX	   256

struct sim {
	struct fleet *fleet;
	char name[FLEET_NAME_MAX];
	bool up;
	uint64_t revision, hash;
	usec_t said; /* what it has in force, at its moment */
	bool says;
	bool *heard; /* of whom the inventory has come; owned */
	size_t peers;
};

struct bench {
	struct sim *sims;
	size_t n, n_up;
	size_t workloads; /* in inventories that s1 has heard */
	int epoll;
	struct intent *intent;
	uint64_t revision, hash; /* what all are to have */
	usec_t begun;
	uint64_t begun_us; /* the same, since 1970 */
	bool proposed, failed, seeing;
	struct err err;
	double *took; /* of all changes, in ms */
	size_t n_took;
	const char *real[REAL_MAX];
	size_t n_real;
	bool real_has[REAL_MAX];
	double real_took[REAL_MAX * 1000];
	size_t n_real_took;
};

static void die_of(const char *what, const struct err *err)
{
	fprintf(stderr, "fleet_sim: %s: %s%s%s\n", what, err->at,
		err->at[0] ? ": " : "", err->text);
	exit(1);
}

/* --- beginning ----------------------------------------------------------------- */

/* "servers: ["tls://a:1", "tls://b:2"]" of a cluster.yaml. */
static size_t read_servers(const char *dir, char urls[][URL_MAX])
{
	char path[4096], line[4096], *at;
	size_t n = 0;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/node-s0/cluster.yaml", dir);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f)) {
		if (!strstr(line, "servers:"))
			continue;
		at = line;
		while ((at = strchr(at, '"')) && n < FLEET_SERVERS_MAX) {
			size_t len = strcspn(++at, "\"");

			(void)snprintf(urls[n++], URL_MAX, "%.*s", (int)len,
				       at);
			at += len + 1;
		}
	}
	if (f)
		(void)fclose(f);
	return n;
}

static void begin(struct bench *b, size_t i, const char *dir,
		  char urls[][URL_MAX], size_t n_urls)
{
	char ca[4096], cert[4096], key[4096];
	struct sim *s = &b->sims[i];
	struct fleet_spec spec = { .name = "weir",
				   .node = s->name,
				   .n_servers = n_urls,
				   .events_days = 1,
				   .flows_days = 1,
				   .events_bytes = 64 << 20,
				   .flows_bytes = 64 << 20,
				   .ca = ca,
				   .cert = cert,
				   .key = key };
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = i };
	struct err err;

	(void)snprintf(s->name, sizeof s->name, "s%zu", i);
	(void)snprintf(ca, sizeof ca, "%s/node-%s/ca.crt", dir, s->name);
	(void)snprintf(cert, sizeof cert, "%s/node-%s/node.crt", dir, s->name);
	(void)snprintf(key, sizeof key, "%s/node-%s/node.key", dir, s->name);
	for (size_t k = 0; k < n_urls; k++)
		spec.servers[k] = urls[(k + i) % n_urls];
	s->heard = calloc(b->n, sizeof *s->heard);
	if (!s->heard)
		exit(1);
	s->fleet = fleet_new(&spec, &err);
	if (!s->fleet)
		die_of(s->name, &err);
	if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, fleet_fd(s->fleet), &e) < 0)
		exit(1);
}

/* --- news -------------------------------------------------------------------------- */

static double ms_since(const struct bench *b)
{
	return (double)usec_since(clock_now(), b->begun) / 1000.0;
}

/* As member.c does, each at its own moment. */
static void acknowledge(struct sim *s)
{
	char text[256];
	struct err err;

	s->says = false;

	(void)snprintf(text, sizeof text,
		       "{\"form\":1,\"weir\":\"0\",\"revision\":%llu,"
		       "\"in_force\":true,\"plane_up\":true,\"started\":1,"
		       "\"guarded\":100}",
		       (unsigned long long)s->revision);
	if (fleet_tell(s->fleet, FLEET_STATE, text, &err) < 0)
		die_of(s->name, &err);
}

static void has_policy(struct bench *b, struct sim *s,
		       const struct fleet_news *n)
{
	json_t *doc = json_loadb(n->text, n->len, 0, NULL);
	struct intent *i = NULL;
	struct err err;

	if (!doc || intent_from_json(doc, &i, &err) < 0) {
		fprintf(stderr, "fleet_sim: %s: not a policy\n", s->name);
		b->failed = true;
	}
	json_decref(doc);
	intent_put(i);
	s->revision = n->revision;
	s->hash = XXH3_64bits(n->text, n->len);
	if (s->hash == b->hash)
		b->took[b->n_took++] = ms_since(b);
	s->says = true;
	s->said = usec_add(clock_now(), 5000 + (uint64_t)(s - b->sims) * 1000);
}

static void real_says(struct bench *b, const struct fleet_news *n)
{
	json_t *o = json_loadb(n->text, n->len, 0, NULL);
	uint64_t revision =
		(uint64_t)json_integer_value(json_object_get(o, "revision"));

	for (size_t i = 0; i < b->n_real; i++)
		if (strcmp(b->real[i], n->node) == 0 && !b->real_has[i] &&
		    b->revision && revision == b->revision &&
		    json_is_true(json_object_get(o, "in_force"))) {
			b->real_has[i] = true;
			b->real_took[b->n_real_took++] =
				(double)(json_integer_value(json_object_get(
						 o, "in_force_since_ms")) -
					 (json_int_t)(b->begun_us / 1000));
		}
	json_decref(o);
}

static void node_news(struct bench *b, struct sim *s,
		      const struct fleet_news *n)
{
	json_t *o, *list, *one;
	size_t i;

	if (!n->text)
		return;
	if (n->key == FLEET_STATE) {
		real_says(b, n);
		return;
	}
	i = strtoul(n->node + 1, NULL, 10);
	if (n->node[0] != 's' || i >= b->n || s->heard[i])
		return;
	s->heard[i] = true;
	s->peers++;
	if (s != &b->sims[b->n > 1])
		return;
	o = json_loadb(n->text, n->len, 0, NULL);
	list = json_object_get(o, "workloads");
	json_array_foreach (list, i, one)
		b->workloads += json_array_size(json_object_get(one, "at"));
	json_decref(o);
}

static void news_of(struct bench *b, struct sim *s)
{
	struct fleet_news n;

	while (fleet_next(s->fleet, &n)) {
		switch (n.kind) {
		case FLEET_UP:
			b->n_up += !s->up;
			s->up = true;
			break;
		case FLEET_DOWN:
			b->n_up -= s->up;
			s->up = false;
			break;
		case FLEET_POLICY:
			if (n.text)
				has_policy(b, s, &n);
			break;
		case FLEET_PROPOSED:
			b->proposed = true;
			b->err = n.err;
			b->revision = n.revision;
			break;
		case FLEET_NODE: node_news(b, s, &n); break;
		case FLEET_STATES: b->seeing = false; break;
		default: break;
		}
		fleet_news_done(&n);
	}
}

static void turn(struct bench *b, int ms)
{
	struct epoll_event e[64];
	int n = epoll_wait(b->epoll, e, 64, ms);
	usec_t now = clock_now();

	for (size_t i = 0; i < b->n; i++)
		if (b->sims[i].says && !usec_before(now, b->sims[i].said))
			acknowledge(&b->sims[i]);

	for (int i = 0; i < n; i++)
		news_of(b, &b->sims[e[i].data.u64]);
}

/* --- what is done -------------------------------------------------------------------- */

static void await(struct bench *b, const char *what,
		  bool (*is)(struct bench *b))
{
	usec_t begun = clock_now();

	while (!is(b)) {
		turn(b, 20);
		if (usec_since(clock_now(), begun) >
		    PATIENCE_S * USEC_PER_SEC) {
			fprintf(stderr, "fleet_sim: not %s in %d s\n", what,
				PATIENCE_S);
			b->failed = true;
			return;
		}
	}
	printf("%-34s %8.0f ms\n", what,
	       (double)usec_since(clock_now(), begun) / 1000.0);
	(void)fflush(stdout);
}

static bool all_up(struct bench *b)
{
	return b->n_up == b->n;
}

static bool all_told(struct bench *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->sims[i].peers < b->n)
			return false;
	return true;
}

static bool agents_have(struct bench *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->sims[i].revision != b->revision ||
		    b->sims[i].hash != b->hash)
			return false;
	return b->proposed;
}

/* Asked when the agents have it, so that it costs them nothing. */
static bool nodes_have(struct bench *b)
{
	struct err err;
	bool all = true;

	for (size_t i = 0; i < b->n_real; i++)
		all &= b->real_has[i];
	if (!all && !b->seeing)
		b->seeing = fleet_states(b->sims[0].fleet, 1, &err) == 0;
	return all;
}

/* As peers_own_inventory() writes it: one service of so many. */
static char *inventory(size_t node, size_t workloads)
{
	json_t *at = json_array(), *o;
	char id[64], addr[64], *text;

	for (size_t i = 0; i < workloads; i++) {
		size_t n = node * workloads + i;

		(void)snprintf(id, sizeof id, "netns:w%zu", i);
		(void)snprintf(addr, sizeof addr, "10.%zu.%zu.%zu",
			       100 + (n >> 16), n >> 8 & 255, n & 255);
		(void)json_array_append_new(at, json_pack("[s, s]", id, addr));
	}
	o = json_pack("{s:i, s:[{s:{s:s, s:s, s:s}, s:o}]}", "form", 1,
		      "workloads", "about", "name", "web", "service", "web",
		      "image", "registry.example/web:1", "at", at);
	text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(o);
	return text;
}

static void tell_all(struct bench *b, size_t workloads)
{
	struct err err = { 0 };

	for (size_t i = 0; i < b->n; i++) {
		char *text = inventory(i, workloads);

		if (!text || fleet_tell(b->sims[i].fleet, FLEET_INVENTORY, text,
					&err) < 0)
			die_of("inventory", &err);
		free(text);
		turn(b, 0);
	}
}

static void change(struct bench *b, unsigned n)
{
	json_t *rule = json_pack(
		"{s:[s], s:[s], s:[o], s:s}", "from", "web", "to", "web",
		"ports", json_sprintf("tcp/%u", 1000 + n), "action", "allow");
	json_t *about = json_pack("{s:s}", "what", "a rule of the benchmark");
	struct intent *next = NULL;
	uint32_t id;
	char *text;

	if (intent_with_rule(b->intent, rule, -1, &next, &id, &b->err) < 0)
		die_of("rule", &b->err);
	json_decref(rule);
	intent_put(b->intent);
	b->intent = next;
	text = intent_to_text(next);
	b->hash = XXH3_64bits(text, strlen(text));
	b->proposed = false;
	memset(b->real_has, 0, sizeof b->real_has);
	for (;;) {
		b->begun = clock_now();
		b->begun_us = clock_unix_us();
		if (fleet_propose(b->sims[0].fleet, b->sims[0].revision, text,
				  about, 1, &b->err) == 0) {
			while (!b->proposed)
				turn(b, 100);
			if (!b->err.code)
				break;
			b->proposed = false;
		}
		turn(b, 200); /* cut off for a moment, or not caught up yet */
		b->n_took = b->n_took / b->n * b->n;
	}
	json_decref(about);
	free(text);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void say(const char *what, double *took, size_t n)
{
	if (!n)
		return;
	qsort(took, n, sizeof *took, by_size);
	printf("%-34s p50 %.0f ms, p99 %.0f ms, max %.0f ms (%zu)\n", what,
	       took[n / 2], took[n * 99 / 100], took[n - 1], n);
	(void)fflush(stdout);
}

/* The change that is the last in both lists, and is taken out of them. */
static void say_fault(struct bench *b, size_t took, size_t real_took)
{
	say("agents: that of a fault", b->took + took, b->n_took - took);
	say("nodes: that of a fault", b->real_took + real_took,
	    b->n_real_took - real_took);
	b->n_took = took;
	b->n_real_took = real_took;
}

static void say_cost(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	printf("%-34s %8ld MB\n", "memory of all agents", r.ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
	static char urls[FLEET_SERVERS_MAX][URL_MAX];
	struct bench b = { .epoll = epoll_create1(EPOLL_CLOEXEC) };
	struct rlimit files = { 1 << 16, 1 << 16 };
	size_t n_urls, workloads;
	unsigned changes;
	char line[256] = "";

	if (argc < 5) {
		fputs("usage: fleet_sim DIR AGENTS WORKLOADS CHANGES "
		      "[NODE...]\n",
		      stderr);
		return 2;
	}
	setlinebuf(stdout); /* somebody waits for what it says */
	(void)setrlimit(RLIMIT_NOFILE, &files);
	/* an older kernel has one table for all processes, a large one */
	(void)prctl(PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS, FUTEX_SLOTS, 0, 0);
	b.n = strtoul(argv[2], NULL, 10);
	workloads = strtoul(argv[3], NULL, 10);
	changes = (unsigned)strtoul(argv[4], NULL, 10);
	for (int i = 5; i < argc && b.n_real < REAL_MAX; i++)
		b.real[b.n_real++] = argv[i];
	b.sims = calloc(b.n, sizeof *b.sims);
	b.took = calloc((size_t)(changes + 1) * b.n * 2, sizeof *b.took);
	b.intent = intent_new();
	n_urls = read_servers(argv[1], urls);
	if (!b.sims || !b.took || !b.intent || !b.n || !n_urls)
		exit(1);
	for (size_t i = 0; i < b.n; i++)
		begin(&b, i, argv[1], urls, n_urls);
	await(&b, "all connected", all_up);
	tell_all(&b, workloads);
	await(&b, "all know all inventories", all_told);
	printf("%-34s %8zu\n", "workloads in inventory", b.workloads);
	b.failed |= b.workloads != b.n * workloads;
	for (unsigned i = 0; i < changes && !b.failed; i++) {
		size_t took = b.n_took, real_took = b.n_real_took;

		puts("a change is next");
		if (fgets(line, sizeof line, stdin) && line[0] == 'q')
			break;
		if (changes <= 1000)
			change(&b, i);
		await(&b, "a change in force on agents", agents_have);
		await(&b, "a change in force on nodes", nodes_have);
		if (line[0] == 'f')
			say_fault(&b, took, real_took);
	}
	say("agents: a change is there", b.took, b.n_took);
	say("nodes: a change is in force", b.real_took, b.n_real_took);
	say_cost();
	for (size_t i = 0; i < b.n; i++) {
		fleet_free(b.sims[i].fleet);
		free(b.sims[i].heard);
	}
	free(b.took);
	free(b.sims);
	intent_put(b.intent);
	return b.failed;
}
