/*
 * Proposals of several nodes as one list: what is put together, what is dropped of what
 * a node says, what the policy has already; and random lists against a model that looks
 * at each port.
 */
#include "intent/gather.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/limits_fleet.h"
#include "intent/propose.h"
#include "seed.h"
#include "test.h"

#define LEARNED_RULE "\"action\":\"allow\",\"origin\":\"learned\""

static struct intent *from_yaml(const char *text)
{
	struct intent *i = NULL;
	struct err err = { 0 };

	if (intent_from_yaml(text, strlen(text), "f", &i, &err) != 0)
		fail_msg("%s: %s\n%s", err.at, err.text, text);
	return i;
}

static json_t *from_json(const char *text)
{
	json_error_t e;
	json_t *o = json_loads(text, JSON_DECODE_ANY, &e);

	if (!o)
		fail_msg("%s at %d: %s", e.text, e.position, text);
	return o;
}

/* One that was seen `sessions` times from first to last. */
static json_t *proposal(const char *from, const char *to, const char *port,
			int first, int last, int sessions, const char *workload)
{
	json_t *o = json_pack(
		"{s:{s:[s], s:[s], s:[s], s:s, s:s}, s:{s:i, s:i,"
		" s:i, s:[s]}}",
		"rule", "from", from, "to", to, "ports", port, "action",
		"allow", "origin", "learned", "provenance", "first_seen", first,
		"last_seen", last, "sessions", sessions, "workloads", workload);

	assert_non_null(o);
	return o;
}

static void take(struct intent_gather *g, const char *node, json_t *list)
{
	struct err err = { 0 };

	assert_int_equal(intent_gather_take(g, node, list, 0, &err), 0);
	json_decref(list);
}

static json_t *listed(struct intent_gather *g, const json_t *own,
		      const char *policy, uint64_t since)
{
	struct intent *i = from_yaml(policy);
	json_t *none = json_array(), *list;
	size_t left = 99;

	list = intent_gather_list(g, "a", own ? own : none, i, 1000, since,
				  &left);
	assert_non_null(list);
	assert_int_equal(left, 0);
	json_decref(none);
	intent_put(i);
	return list;
}

static const char *key_at(const json_t *list, size_t n)
{
	return json_string_value(
		json_object_get(json_array_get(list, n), "key"));
}

/* --- put together ------------------------------------------------------------- */

static void test_two_nodes(void **state)
{
	struct intent_gather *g = intent_gather_new();
	json_t *own = json_array(), *list, *want, *id;

	(void)json_array_append_new(
		own, proposal("web", "db", "tcp/5432", 10, 20, 3, "netns:web"));
	take(g, "b",
	     json_pack(
		     "[o, o]",
		     proposal("web", "db", "tcp/5432", 5, 15, 4, "a/netns:web"),
		     proposal("web", "db", "tcp/80", 7, 8, 1, "netns:db")));
	list = listed(g, own, "", 0);
	want = from_json(
		"[{\"id\":\"\",\"key\":\"web db tcp/80\",\"rule\":{\"from\":["
		"\"web\"],\"to\":[\"db\"],\"ports\":[\"tcp/80\"]," LEARNED_RULE
		"},\"provenance\":{\"first_seen\":7,\"last_seen\":8,"
		"\"sessions\":1,\"workloads\":[\"b/netns:db\"],\"nodes\":[{"
		"\"node\":\"b\",\"sessions\":1}]}},"
		"{\"id\":\"\",\"key\":\"web db tcp/5432\",\"rule\":{\"from\":["
		"\"web\"],\"to\":[\"db\"],\"ports\":[\"tcp/"
		"5432\"]," LEARNED_RULE "},\"provenance\":{\"first_seen\":5,"
		"\"last_seen\":20,\"sessions\":7,\"workloads\":["
		"\"netns:web\"],\"nodes\":[{\"node\":\"a\",\"sessions\":3},{"
		"\"node\":\"b\",\"sessions\":4}]}}]");
	id = intent_proposal_id("web db tcp/80");
	assert_true(
		json_equal(json_object_get(json_array_get(list, 0), "id"), id));
	json_decref(id);
	for (size_t k = 0; k < 2; k++)
		(void)json_object_set_new(json_array_get(list, k), "id",
					  json_string(""));
	if (!json_equal(list, want))
		fail_msg("%s", json_dumps(list, 0));
	json_decref(want);
	json_decref(list);
	/* what this node has told once is not what counts here */
	take(g, "a",
	     json_pack("[o]", proposal("old", "db", "tcp/1", 5, 15, 4, "w")));
	/* since then */
	list = listed(g, own, "", 9);
	assert_int_equal(json_array_size(list), 1);
	json_decref(list);
	/* forgotten */
	take(g, "b", NULL);
	list = listed(g, own, "", 0);
	assert_int_equal(json_array_size(list), 1);
	assert_int_equal(
		json_array_size(json_object_get(
			json_object_get(json_array_get(list, 0), "provenance"),
			"nodes")),
		1);
	json_decref(list);
	json_decref(own);
	intent_gather_free(g);
}

static const struct {
	const char *ports[12], *want;
} ranges[] = {
	{ { "tcp/8000-8010", "tcp/8005-8020" }, "tcp/8000-8020" },
	{ { "tcp/8000-8010", "tcp/8011-8020" }, "tcp/8000-8020" },
	{ { "tcp/8000-8010", "tcp/8012-8020" }, "tcp/8000-8010 tcp/8012-8020" },
	{ { "tcp/8100-8110", "tcp/8000-8500" }, "tcp/8000-8500" },
	{ { "udp/65000-65535", "udp/64512-65535" }, "udp/64512-65535" },
	/* more than LEARNED_RANGES_MAX: one over all */
	{ { "tcp/7200-7201", "tcp/7210-7211", "tcp/7220-7221", "tcp/7230-7231",
	    "tcp/7240-7241", "tcp/7250-7251", "tcp/7260-7261", "tcp/7270-7271",
	    "tcp/7280-7281" },
	  "tcp/7200-7281" },
};

static void test_ranges(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(ranges); k++) {
		struct intent_gather *g = intent_gather_new();
		char got[256] = "", node[16];
		json_t *list, *ports, *v;
		size_t n;

		for (n = 0; ranges[k].ports[n]; n++) {
			(void)snprintf(node, sizeof node, "n%zu", n);
			take(g, node,
			     json_pack("[o]",
				       proposal("web", "db", ranges[k].ports[n],
						1, 2, 3, "w")));
		}
		list = listed(g, NULL, "", 0);
		assert_int_equal(json_array_size(list), 1);
		ports = json_object_get(
			json_object_get(json_array_get(list, 0), "rule"),
			"ports");
		json_array_foreach (ports, n, v)
			(void)snprintf(got + strlen(got),
				       sizeof got - strlen(got), "%s%s",
				       n ? " " : "", json_string_value(v));
		assert_string_equal(got, ranges[k].want);
		json_decref(list);
		intent_gather_free(g);
	}
}

/* --- what is none -------------------------------------------------------------- */

#define SEEN                                                                \
	",\"provenance\":{\"first_seen\":1,\"last_seen\":2,\"sessions\":3," \
	"\"workloads\":[]}}"
#define RULE(text) "{\"rule\":{" text "}" SEEN
#define ENDS	   "\"from\":[\"web\"],\"to\":[\"db\"],"
#define PORT	   "\"ports\":[\"tcp/80\"],"

static const char *const none[] = {
	"17",
	"null",
	"{}",
	"{\"rule\":17" SEEN,
	RULE(""),
	/* it allows what was learned, and nothing else is proposed */
	RULE(ENDS PORT "\"action\":\"deny\",\"origin\":\"learned\""),
	RULE(ENDS PORT "\"action\":\"learn\",\"origin\":\"learned\""),
	RULE(ENDS PORT "\"action\":\"allow\",\"origin\":\"user\""),
	RULE(ENDS PORT "\"action\":\"allow\""),
	RULE(ENDS PORT "\"origin\":\"learned\""),
	RULE(ENDS PORT "\"id\":7," LEARNED_RULE),
	RULE(ENDS PORT "\"side\":\"client\"," LEARNED_RULE),
	RULE(ENDS PORT "\"comment\":\"x\"," LEARNED_RULE),
	RULE(ENDS PORT "\"disabled\":true," LEARNED_RULE),
	RULE(ENDS PORT "\"expires\":\"2099-01-01\"," LEARNED_RULE),
	RULE(ENDS PORT "\"unknown\":1," LEARNED_RULE),
	/* ends that it never has */
	RULE("\"from\":[\"any\"],\"to\":[\"db\"]," PORT LEARNED_RULE),
	RULE("\"from\":[\"web\"],\"to\":[\"workloads\"]," PORT LEARNED_RULE),
	RULE("\"from\":[\"web\",\"b\"],\"to\":[\"db\"]," PORT LEARNED_RULE),
	RULE("\"from\":[\"web\"],\"to\":[\"10.0.0.0/8\"]," PORT LEARNED_RULE),
	RULE("\"from\":[\"fqdn:a.b\"],\"to\":[\"db\"]," PORT LEARNED_RULE),
	RULE("\"from\":[\"web\"],\"to\":[\"fqdn:*.b.com\"]," PORT LEARNED_RULE),
	RULE("\"from\":[\"external\"],\"to\":[\"node\"]," PORT LEARNED_RULE),
	RULE("\"from\":[\"no name!\"],\"to\":[\"db\"]," PORT LEARNED_RULE),
	/* ports and applications likewise */
	RULE(ENDS LEARNED_RULE),
	RULE(ENDS "\"ports\":[\"tcp/80\",\"tcp/81\"]," LEARNED_RULE),
	RULE(ENDS "\"ports\":[\"any\"]," LEARNED_RULE),
	RULE(ENDS "\"ports\":[\"tcp\"]," LEARNED_RULE),
	RULE(ENDS "\"ports\":[\"tcp/http\"]," LEARNED_RULE),
	RULE(ENDS "\"ports\":[\"tcp/70000\"]," LEARNED_RULE),
	RULE(ENDS "\"applications\":[\"http\"]," LEARNED_RULE),
	RULE(ENDS "\"applications\":[\"nothing\"]," LEARNED_RULE),
	RULE(ENDS PORT "\"applications\":[\"redis\"]," LEARNED_RULE),
	RULE(ENDS PORT "\"requests\":{\"methods\":[\"GET\"]}," LEARNED_RULE),
	/* nor is it not said when it was */
	"{\"rule\":{" ENDS PORT LEARNED_RULE "}}",
	"{\"rule\":{" ENDS PORT LEARNED_RULE
	"},\"provenance\":{\"first_seen\":9,\"last_seen\":2,\"sessions\":3}}",
	"{\"rule\":{" ENDS PORT LEARNED_RULE
	"},\"provenance\":{\"first_seen\":1,\"last_seen\":2,\"sessions\":-3}}",
};

static const char *const right[] = {
	RULE(ENDS PORT LEARNED_RULE),
	RULE("\"from\":\"web\",\"to\":\"db\"," PORT LEARNED_RULE),
	RULE(ENDS "\"ports\":[\"icmp\"]," LEARNED_RULE),
	RULE(ENDS "\"ports\":[\"ip/47\"]," LEARNED_RULE),
	RULE(ENDS "\"ports\":[\"udp/32768-65535\"]," LEARNED_RULE),
	RULE(ENDS "\"applications\":[\"redis\"]," LEARNED_RULE),
	RULE("\"from\":[\"10.0.0.9\"],\"to\":[\"db\"]," PORT LEARNED_RULE),
	RULE("\"from\":[\"fd00::9\"],\"to\":[\"db\"]," PORT LEARNED_RULE),
	RULE("\"from\":[\"external\"],\"to\":[\"db\"]," PORT LEARNED_RULE),
	RULE("\"from\":[\"web\"],\"to\":[\"node\"]," PORT LEARNED_RULE),
	RULE("\"from\":[\"web\"],\"to\":[\"fqdn:a.b.com\"]," PORT LEARNED_RULE),
	/* ids that are none are not named */
	"{\"rule\":{" ENDS PORT LEARNED_RULE
	"},\"provenance\":{\"first_seen\":1,\"last_seen\":2,\"sessions\":"
	"9223372036854775807,\"workloads\":[1,\"\",{}],\"more_workloads\":"
	"-1}}",
};

static void test_none(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(none) + ARRAY_LEN(right); k++) {
		bool is_right = k >= ARRAY_LEN(none);
		const char *text = is_right ? right[k - ARRAY_LEN(none)]
					    : none[k];
		struct intent_gather *g = intent_gather_new();
		struct intent_gather_sums c;
		json_t *list;

		/* and what is beside it is taken all the same */
		take(g, "b",
		     json_pack("[o, o]", from_json(text),
			       proposal("x", "y", "tcp/1", 1, 2, 3, "w")));
		c = intent_gather_sums(g);
		list = listed(g, NULL, "", 0);
		if (json_array_size(list) != 1u + is_right ||
		    c.dropped != !is_right || c.refused != 0)
			fail_msg("%s", text);
		json_decref(list);
		intent_gather_free(g);
	}
}

/* As many sessions as there can be do not become fewer. */
static void test_many_sessions(void **state)
{
	struct intent_gather *g = intent_gather_new();
	json_t *list, *provenance;
	const char *last = right[ARRAY_LEN(right) - 1];

	take(g, "b", json_pack("[o, o]", from_json(last), from_json(last)));
	take(g, "c", json_pack("[o]", from_json(last)));
	list = listed(g, NULL, "", 0);
	provenance = json_object_get(json_array_get(list, 0), "provenance");
	assert_true(json_integer_value(json_object_get(
			    provenance, "sessions")) == INT64_MAX);
	json_decref(list);
	intent_gather_free(g);
}

/* --- what the policy has ---------------------------------------------------------- */

static const struct {
	const char *policy, *from, *to, *port;
	bool shown;
} settled[] = {
	{ "rules: [{from: web, to: db, ports: tcp/80, action: allow}]", "web",
	  "db", "tcp/80", false },
	{ "rules: [{from: web, to: db, ports: tcp/80, action: deny}]", "web",
	  "db", "tcp/80", false },
	{ "rules: [{from: web, to: db, action: alert}]", "web", "db", "tcp/80",
	  false },
	{ "rules: [{from: web, to: db, ports: tcp/80, action: learn}]", "web",
	  "db", "tcp/80", true },
	{ "rules: [{from: db, to: web, ports: tcp/80, action: allow}]", "web",
	  "db", "tcp/80", true },
	{ "rules: [{from: web, to: db, ports: tcp/81, action: allow}]", "web",
	  "db", "tcp/80", true },
	{ "rules: [{from: web, to: db, ports: udp/80, action: allow}]", "web",
	  "db", "tcp/80", true },
	{ "rules: [{from: [x, any], to: [db, y], ports: [udp, tcp], action: "
	  "allow}]",
	  "web", "db", "tcp/80", false },
	{ "rules: [{from: workloads, to: workloads, action: allow}]", "web",
	  "db", "tcp/80", false },
	{ "rules: [{from: external, to: workloads, action: allow}]", "web",
	  "db", "tcp/80", true },
	{ "rules: [{from: external, to: db, action: deny}]", "10.0.0.9", "db",
	  "tcp/80", false },
	{ "rules: [{from: web, to: external, action: allow}]", "web",
	  "fqdn:a.b.com", "tcp/80", false },
	{ "rules: [{from: web, to: external, action: allow}]", "web", "node",
	  "tcp/80", true },
	{ "rules: [{from: web, to: db, ports: tcp/1-1000, action: allow}]",
	  "web", "db", "tcp/80-90", false },
	{ "rules: [{from: web, to: db, ports: tcp/85-1000, action: allow}]",
	  "web", "db", "tcp/80-90", true },
	{ "rules: [{from: web, to: db, ports: ip/47, action: allow}]", "web",
	  "db", "ip/47", false },
	{ "rules: [{from: web, to: db, disabled: true, action: allow}]", "web",
	  "db", "tcp/80", true },
	{ "rules: [{from: web, to: db, expires: 1970-01-01T00:00:09Z, action: "
	  "allow}]",
	  "web", "db", "tcp/80", true },
	{ "rules: [{from: web, to: db, side: server, action: allow}]", "web",
	  "db", "tcp/80", true },
	{ "rules: [{from: web, to: db, side: server, action: reject}]", "web",
	  "db", "tcp/80", false },
	{ "rules: [{from: web, to: db, applications: tls, action: allow}]",
	  "web", "db", "tcp/80", true },
	/* the first that speaks of it */
	{ "rules: [{from: any, to: db, action: learn}, {from: web, to: db, "
	  "action: deny}]",
	  "web", "db", "tcp/80", true },
	{ "rules: [{from: web, to: any, action: deny}, {from: any, to: db, "
	  "action: learn}]",
	  "web", "db", "tcp/80", false },
};

static void test_settled(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(settled); k++) {
		struct intent_gather *g = intent_gather_new();
		json_t *list;

		take(g, "b",
		     json_pack("[o]", proposal(settled[k].from, settled[k].to,
					       settled[k].port, 1, 2, 3, "w")));
		list = listed(g, NULL, settled[k].policy, 0);
		if (json_array_size(list) != settled[k].shown)
			fail_msg("%s: %s %s %s", settled[k].policy,
				 settled[k].from, settled[k].to,
				 settled[k].port);
		json_decref(list);
		intent_gather_free(g);
	}
}

static void test_settled_application(void **state)
{
	static const char *const policies[] = {
		"rules: [{from: web, to: db, applications: [tls, redis], "
		"action: allow}]",
		"rules: [{from: web, to: db, action: allow}]",
		"rules: [{from: web, to: db, ports: tcp/6379, action: allow}]",
	};

	for (size_t k = 0; k < ARRAY_LEN(policies); k++) {
		struct intent_gather *g = intent_gather_new();
		json_t *list;

		take(g, "b", json_pack("[o]", from_json(right[5])));
		list = listed(g, NULL, policies[k], 0);
		assert_int_equal(json_array_size(list), k == 2);
		json_decref(list);
		intent_gather_free(g);
	}
}

/* --- limits ------------------------------------------------------------------------ */

static json_t *many(size_t n, const char *from)
{
	json_t *list = json_array();
	char port[32];

	for (size_t k = 0; k < n; k++) {
		(void)snprintf(port, sizeof port, "tcp/%zu", k + 1);
		(void)json_array_append_new(
			list, proposal(from, "db", port, 1, 2, 3, "w"));
	}
	return list;
}

static void test_limits(void **state)
{
	struct intent_gather *g = intent_gather_new();
	struct intent *i = from_yaml("");
	json_t *own = many(5, "own"), *list;
	struct intent_gather_sums c;
	size_t left, n = 0;
	char name[16];

	/* a node's own limit */
	take(g, "n", many(LEARNED_TOLD_MAX + 7, "n"));
	c = intent_gather_sums(g);
	assert_int_equal(c.refused, 7);
	/* all nodes' */
	for (n = 1; n * LEARNED_TOLD_MAX < LEARNED_KEPT_MAX; n++) {
		(void)snprintf(name, sizeof name, "n%zu", n);
		take(g, name, many(LEARNED_TOLD_MAX, name));
	}
	take(g, "late", many(3, "late"));
	c = intent_gather_sums(g);
	assert_int_equal(c.refused, 10);
	assert_int_equal(c.nodes, n + 1);
	/* and what is shown, but for our own */
	list = intent_gather_list(g, "a", own, i, 1000, 0, &left);
	assert_int_equal(json_array_size(list), LEARNED_SHOWN_MAX + 5);
	assert_int_equal(left, LEARNED_KEPT_MAX - LEARNED_SHOWN_MAX);
	json_decref(list);
	/* who tells less leaves room */
	take(g, "n", many(1, "n"));
	take(g, "late", many(3, "late"));
	c = intent_gather_sums(g);
	assert_int_equal(c.refused, 0);
	json_decref(own);
	intent_put(i);
	intent_gather_free(g);
}

/* --- against a model --------------------------------------------------------------- */

#define NODES 5
#define NAMES 3
/* Proposals that a node may have: by ends, and by one of PORTS_N. */
static const char *const names[NAMES] = { "web", "db", "app" };
static const struct {
	const char *word;
	unsigned key, first, last;
} ports[] = {
	{ "tcp/80", 0, 80, 80 },
	{ "tcp/7000-7010", 1, 7000, 7010 },
	{ "tcp/7005-7020", 1, 7005, 7020 },
	{ "tcp/7100-7102", 1, 7100, 7102 },
	{ "udp/53", 2, 53, 53 },
	{ "tcp/7000", 3, 7000, 7000 },
	{ "icmp", 4, 0, 0 },
};
#define PORTS_N (sizeof ports / sizeof *ports)
#define KEYS_N	5

struct said {
	bool is;
	int first, last, sessions;
};

struct model {
	struct said said[NODES][NAMES][NAMES][PORTS_N];
};

static json_t *draw(struct model *m, unsigned node, uint64_t *random)
{
	json_t *list = json_array();

	for (unsigned f = 0; f < NAMES; f++)
		for (unsigned t = 0; t < NAMES; t++)
			for (unsigned p = 0; p < PORTS_N; p++) {
				struct said *s = &m->said[node][f][t][p];

				*s = (struct said){ 0 };
				if (seed_draw(random, 3) > 0)
					continue;
				s->is = true;
				s->first = (int)seed_draw(random, 100);
				s->last =
					s->first + (int)seed_draw(random, 100);
				s->sessions = (int)seed_draw(random, 10);
				(void)json_array_append_new(
					list,
					proposal(names[f], names[t],
						 ports[p].word, s->first,
						 s->last, s->sessions, "w"));
			}
	return list;
}

/* The proposal whose ports are of that key; NULL: there is none. */
static const json_t *find(const json_t *list, unsigned f, unsigned t,
			  unsigned key)
{
	static const char *const ends[KEYS_N] = { "tcp/80", "tcp/range-6",
						  "udp/53", "tcp/7000",
						  "icmp" };
	char text[64];

	(void)snprintf(text, sizeof text, "%s %s %s", names[f], names[t],
		       ends[key]);
	for (size_t k = 0; k < json_array_size(list); k++)
		if (strcmp(key_at(list, k), text) == 0)
			return json_array_get(list, k);
	return NULL;
}

static bool has_port(const json_t *rule, unsigned port)
{
	const json_t *words = json_object_get(rule, "ports"), *v;
	size_t k;

	json_array_foreach (words, k, v) {
		unsigned first = 0, last;
		const char *slash = strchr(json_string_value(v), '/');

		if (!slash)
			return true;
		if (sscanf(slash + 1, "%u-%u", &first, &last) == 1)
			last = first;
		if (port >= first && port <= last)
			return true;
	}
	return false;
}

static json_int_t number(const json_t *provenance, const char *name)
{
	return json_integer_value(json_object_get(provenance, name));
}

static void check_one(const struct model *m, const json_t *list, unsigned f,
		      unsigned t, unsigned key)
{
	const json_t *one = find(list, f, t, key);
	const json_t *seen = json_object_get(one, "provenance");
	const json_t *rule = json_object_get(one, "rule");
	const json_t *nodes = json_object_get(seen, "nodes");
	int first = 1000, last = -1, sessions = 0;
	size_t n_nodes = 0;

	for (unsigned n = 0; n < NODES; n++) {
		int of_node = 0;
		bool is = false;

		for (unsigned p = 0; p < PORTS_N; p++) {
			const struct said *s = &m->said[n][f][t][p];

			if (!s->is || ports[p].key != key)
				continue;
			is = true;
			of_node += s->sessions;
			first = s->first < first ? s->first : first;
			last = s->last > last ? s->last : last;
			assert_true(has_port(rule, ports[p].first));
			assert_true(has_port(rule, ports[p].last));
			assert_true(key != 1 ||
				    !has_port(rule, ports[p].last + 50));
		}
		sessions += of_node;
		n_nodes += is;
		for (size_t k = 0; k < json_array_size(nodes); k++) {
			const json_t *v = json_array_get(nodes, k);
			const char *name =
				json_string_value(json_object_get(v, "node"));

			if (name[1] == (char)('0' + n))
				assert_int_equal(number(v, "sessions"),
						 of_node);
		}
	}
	assert_int_equal(one != NULL, n_nodes > 0);
	if (!one)
		return;
	assert_int_equal(json_array_size(nodes), n_nodes);
	assert_int_equal(number(seen, "first_seen"), first);
	assert_int_equal(number(seen, "last_seen"), last);
	assert_int_equal(number(seen, "sessions"), sessions);
	assert_int_equal(json_array_size(json_object_get(seen, "workloads")),
			 n_nodes);
}

static void check(const struct model *m, struct intent_gather *g)
{
	json_t *list = listed(g, NULL, "", 0);
	size_t n = 0;

	for (unsigned f = 0; f < NAMES; f++)
		for (unsigned t = 0; t < NAMES; t++)
			for (unsigned key = 0; key < KEYS_N; key++) {
				check_one(m, list, f, t, key);
				n += find(list, f, t, key) != NULL;
			}
	assert_int_equal(json_array_size(list), n);
	json_decref(list);
}

static void test_model(void **state)
{
	uint64_t random = seed_choose() | 1;
	struct intent_gather *g = intent_gather_new();
	static struct model m;
	char name[8];

	for (unsigned round = 0; round < 120; round++) {
		unsigned node = seed_draw(&random, NODES);

		(void)snprintf(name, sizeof name, "n%u", node);
		if (seed_draw(&random, 5) == 0) {
			memset(m.said[node], 0, sizeof m.said[node]);
			take(g, name, NULL);
		} else {
			take(g, name, draw(&m, node, &random));
		}
		check(&m, g);
	}
	intent_gather_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_nodes),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_many_sessions),
		cmocka_unit_test(test_settled),
		cmocka_unit_test(test_settled_application),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
