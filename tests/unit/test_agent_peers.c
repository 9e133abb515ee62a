/*
 * What other nodes tell of who runs there: one agent's inventory as another knows it,
 * by address, against a naive model while nodes tell, change and go; what is malformed
 * changes nothing; and what there is no room for is counted.
 */
#include "agent/peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/policy.h"
#include "base/limits.h"
#include "base/limits_fleet.h"
#include "base/text.h"
#include "seed.h"
#include "test.h"

static const char policy[] =
	"kind: Policy\ndefault_mode: monitor\ngroups:\n"
	"- {name: tier, mode: protect, where: [{key: label.tier, value: "
	"web}]}\n"
	"- {name: there, where: [{key: node, value: b}]}\n";

struct one {
	struct agent a;
};

static int make(void **state)
{
	struct one *o = calloc(1, sizeof *o);
	struct err err = { 0 };

	o->a.config.node = (char *)(uintptr_t) "here";
	o->a.loop = loop_new(&err);
	o->a.peers = peers_new();
	if (intent_from_yaml(policy, strlen(policy), "-", &o->a.intent, &err) <
	    0)
		fail_msg("%s: %s", err.at, err.text);
	*state = o;
	return 0;
}

static int removes(void **state)
{
	struct one *o = *state;

	peers_free(&o->a);
	assert_null(o->a.registry.remote);
	assert_int_equal(o->a.registry.n_remote, 0);
	registry_done(&o->a.registry);
	loop_timer_off(o->a.loop, &o->a.compile);
	loop_free(o->a.loop);
	intent_put(o->a.intent);
	free(o);
	return 0;
}

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	assert_int_equal(ip_parse(text, &a), 0);
	return a;
}

/* Takes about. Addresses up to NULL. */
static struct workload *runs(struct one *o, const char *id, json_t *about,
			     const char *const *addrs)
{
	struct workload *w = registry_add_workload(&o->a.registry, id);

	assert_non_null(w);
	w->agent = &o->a;
	w->about = about;
	w->addrs = calloc(8, sizeof *w->addrs);
	for (; *addrs; addrs++)
		w->addrs[w->n_addrs++] = addr(*addrs);
	registry_changed(&o->a.registry);
	return w;
}

static int tell(struct one *o, const char *node, const char *text)
{
	struct err err = { 0 };
	size_t len = text ? strlen(text) : 0;
	char *copied = text ? malloc(len + 1) : NULL;
	int rc;

	if (copied)
		memcpy(copied, text, len); /* no NUL */
	rc = peers_inventory(&o->a, node, copied, len, &err);
	free(copied);
	if (rc < 0) {
		assert_int_equal(rc, -err.code);
		assert_true(err.text[0]);
	}
	return rc;
}

static const struct workload *who(struct one *o, const char *address)
{
	return registry_by_addr(&o->a.registry, addr(address));
}

static const char *id_of(struct one *o, const char *address)
{
	const struct workload *w = who(o, address);

	return w ? w->id : "";
}

/* The list is as long as it says, and the nodes' parts are in their order. */
static void check_list(struct one *o)
{
	json_t *nodes = peers_json(&o->a), *node;
	const struct workload *w = o->a.registry.remote;
	unsigned n = 0;
	size_t i;

	json_array_foreach (nodes, i, node) {
		const char *name =
			json_string_value(json_object_get(node, "node"));
		json_int_t of_it =
			json_integer_value(json_object_get(node, "workloads"));

		for (; of_it > 0; of_it--, n++, w = w->next) {
			assert_non_null(w);
			assert_true(w->remote);
			assert_string_equal(workload_text(w, "node"), name);
			assert_int_equal(strncmp(w->id, name, strlen(name)), 0);
			assert_int_equal(w->id[strlen(name)], '/');
		}
	}
	assert_null(w);
	assert_int_equal(n, o->a.registry.n_remote);
	json_decref(nodes);
}

static json_int_t count(struct one *o, const char *name)
{
	json_t *counts = peers_counts(&o->a);
	json_int_t n = json_integer_value(json_object_get(counts, name));

	json_decref(counts);
	return n;
}

/* --- one tells another ----------------------------------------------------------- */

static void test_told(void **state)
{
	static const char *const web1[] = { "10.0.0.2", "fd00::2", NULL };
	static const char *const web2[] = { "10.0.0.3", NULL };
	static const char *const db[] = { "10.0.0.4", NULL };
	static const char *const nowhere[] = { NULL };
	struct one *here = *state, *there;
	void *made;
	char *text;
	json_t *o;

	(void)make(&made);
	there = made;
	(void)runs(there, "docker:1",
		   json_pack("{s:s, s:s, s:{s:s}}", "name", "web", "node", "x",
			     "labels", "tier", "web"),
		   web1);
	(void)runs(there, "docker:2",
		   json_pack("{s:{s:s}, s:s, s:s}", "labels", "tier", "web",
			     "node", "x", "name", "web"),
		   web2);
	(void)runs(there, "docker:3", json_pack("{s:s}", "name", "db"), db);
	/* of these there is nothing to be told */
	(void)runs(there, "docker:4", json_pack("{s:s}", "name", "new"),
		   nowhere);
	(void)runs(there, "docker:5", NULL, db);
	text = peers_own_inventory(&there->a);
	o = json_loads(text, 0, NULL);
	/* those that are described alike stand together, whatever the order */
	assert_int_equal(json_array_size(json_object_get(o, "workloads")), 2);
	json_decref(o);
	assert_int_equal(tell(here, "b", text), 0);
	free(text);

	check_list(here);
	assert_int_equal(here->a.registry.n_remote, 3);
	assert_string_equal(id_of(here, "10.0.0.2"), "b/docker:1");
	assert_string_equal(id_of(here, "fd00::2"), "b/docker:1");
	assert_string_equal(id_of(here, "10.0.0.3"), "b/docker:2");
	assert_string_equal(id_of(here, "10.0.0.4"), "b/docker:3");
	assert_string_equal(workload_text(who(here, "10.0.0.2"), "name"),
			    "web");
	assert_int_equal(who(here, "10.0.0.2")->n_addrs, 2);
	/* what is told changed who there is, and so what is to be compiled */
	assert_true(here->a.compile.on);
	(void)removes(&made);
}

/* In which groups it is, in their order, each with a ' ' behind it. */
static void groups_are(struct one *o, const char *address, const char *want)
{
	struct workload *w = registry_by_addr(&o->a.registry, addr(address));
	const json_t *groups = policy_groups_of(&o->a, w), *g;
	struct text t = { 0 };
	char *text;
	size_t i;

	json_array_foreach (groups, i, g)
		text_addf(&t, "%s ", json_string_value(g));
	text = text_take(&t);
	assert_string_equal(text, want);
	free(text);
}

#define WEB                                                     \
	"{\"about\":{\"name\":\"web\",\"node\":\"liar\","       \
	"\"labels\":{\"tier\":\"web\"}},\"at\":[[\"1\",\"10.0." \
	"0.2\"]]}"
#define DB                                                                  \
	"{\"about\":{\"name\":\"db\"},\"at\":[[\"2\",\"10.0.0.3\",\"fd00::" \
	"3\"]]}"
#define ONE_WEB	   "{\"form\":1,\"workloads\":[" WEB "]}"
#define WEB_AND_DB "{\"form\":1,\"workloads\":[" WEB "," DB "]}"
#define NOBODY	   "{\"form\":1,\"workloads\":[]}"

static void test_groups(void **state)
{
	static const char next[] =
		"kind: Policy\ngroups:\n"
		"- {name: front, where: [{key: label.tier, value: web}]}\n";
	struct one *o = *state;
	struct err err = { 0 };

	assert_int_equal(tell(o, "b", WEB_AND_DB), 0);
	assert_int_equal(tell(o, "c",
			      "{\"form\":1,\"workloads\":[{\"about\":{"
			      "\"name\":\"web\",\"node\":\"b\"},\"at\":"
			      "[[\"1\",\"10.0.1.2\"]]}]}"),
			 0);
	/* on its node whatever is told */
	assert_string_equal(workload_text(who(o, "10.0.0.2"), "node"), "b");
	assert_string_equal(workload_text(who(o, "10.0.1.2"), "node"), "c");
	groups_are(o, "10.0.0.2", "web tier there ");
	groups_are(o, "10.0.0.3", "db there ");
	groups_are(o, "10.0.1.2", "web ");
	assert_int_equal(who(o, "10.0.0.2")->intent_mode, MODE_PROTECT);
	assert_int_equal(who(o, "10.0.0.3")->intent_mode, MODE_MONITOR);
	/* another policy, other groups */
	intent_put(o->a.intent);
	o->a.intent = NULL;
	assert_int_equal(
		intent_from_yaml(next, strlen(next), "-", &o->a.intent, &err),
		0);
	peers_policy_changed(&o->a);
	groups_are(o, "10.0.0.2", "web front ");
	groups_are(o, "10.0.0.3", "db ");
	assert_int_equal(who(o, "10.0.0.2")->intent_mode, MODE_DISCOVER);
}

static void test_replaced_emptied_forgotten(void **state)
{
	struct one *o = *state;
	struct err err = { 0 };
	json_t *list;

	assert_int_equal(tell(o, "b", WEB_AND_DB), 0);
	assert_int_equal(o->a.registry.n_remote, 2);
	assert_int_equal(tell(o, "b", ONE_WEB), 0);
	check_list(o);
	assert_string_equal(id_of(o, "10.0.0.2"), "b/1");
	assert_null(who(o, "10.0.0.3"));
	assert_null(who(o, "fd00::3"));
	assert_int_equal(tell(o, "b", NOBODY), 0);
	assert_null(who(o, "10.0.0.2"));
	assert_int_equal(o->a.registry.n_remote, 0);
	assert_int_equal(count(o, "nodes"), 1); /* it is there */
	assert_int_equal(tell(o, "b", WEB_AND_DB), 0);
	assert_int_equal(tell(o, "b", NULL), 0); /* it is forgotten */
	assert_int_equal(o->a.registry.n_remote, 0);
	assert_int_equal(count(o, "nodes"), 0);
	assert_int_equal(tell(o, "nobody", NULL), 0); /* and is not added */
	assert_int_equal(count(o, "nodes"), 0);

	/* what it says of itself, and that it is forgotten */
	assert_int_equal(tell(o, "b", WEB_AND_DB), 0);
	assert_int_equal(peers_state(&o->a, "b",
				     "{\"revision\":7,\"node\":\"x"
				     "\",\"workloads\":9}",
				     strlen("{\"revision\":7,\"node\":\"x\","
					    "\"workloads\":9}"),
				     12, &err),
			 0);
	list = peers_json(&o->a);
	assert_true(json_integer_value(json_object_get(json_array_get(list, 0),
						       "revision")) == 7);
	assert_true(json_integer_value(json_object_get(json_array_get(list, 0),
						       "seen")) == 12);
	assert_true(json_integer_value(json_object_get(json_array_get(list, 0),
						       "workloads")) == 2);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(list, 0), "node")),
			    "b");
	json_decref(list);
	assert_int_equal(peers_state(&o->a, "b", "[]", 2, 13, &err), -EPROTO);
	assert_int_equal(peers_state(&o->a, "z", "", 0, 13, &err), -EPROTO);
	assert_int_equal(count(o, "nodes"), 1);
	assert_int_equal(peers_state(&o->a, "b", NULL, 0, 0, &err), 0);
	assert_int_equal(peers_state(&o->a, "z", NULL, 0, 0, &err), 0);
	assert_null(who(o, "10.0.0.2"));
	assert_int_equal(count(o, "nodes"), 0);
	assert_int_equal(count(o, "workloads"), 0);
}

/* Who runs here is found before who is said to run elsewhere. */
static void test_ours_first(void **state)
{
	static const char *const ours[] = { "10.0.0.2", NULL };
	struct one *o = *state;
	struct workload *w;

	assert_int_equal(tell(o, "b", WEB_AND_DB), 0);
	w = runs(o, "docker:1", json_pack("{s:s}", "name", "mine"), ours);
	assert_string_equal(id_of(o, "10.0.0.2"), "docker:1");
	assert_string_equal(id_of(o, "10.0.0.3"), "b/2");
	assert_int_equal(tell(o, "b", WEB_AND_DB), 0);
	assert_string_equal(id_of(o, "10.0.0.2"), "docker:1");
	/* and what was here is remembered, but who runs elsewhere is found */
	registry_del_workload(&o->a.registry, w);
	assert_string_equal(id_of(o, "10.0.0.2"), "b/1");
	assert_int_equal(tell(o, "b", NOBODY), 0);
	assert_string_equal(id_of(o, "10.0.0.2"), "docker:1");
}

/* --- what is malformed --------------------------------------------------------------- */

#define AT(words) \
	"{\"form\":1,\"workloads\":[{\"about\":{},\"at\":[" words "]}]}"

static void test_malformed(void **state)
{
	static const char *const rows[] = {
		"",
		"{",
		"x",
		"[]",
		"null",
		"{}",
		"{\"form\":1}",
		"{\"form\":0,\"workloads\":[]}",
		"{\"form\":2,\"workloads\":[]}",
		"{\"form\":\"1\",\"workloads\":[]}",
		"{\"workloads\":[]}",
		"{\"form\":1,\"workloads\":{}}",
		"{\"form\":1,\"form\":1,\"workloads\":[]}",
		"{\"form\":1,\"workloads\":[]} x",
		"{\"form\":1,\"workloads\":[1]}",
		"{\"form\":1,\"workloads\":[[]]}",
		"{\"form\":1,\"workloads\":[{}]}",
		"{\"form\":1,\"workloads\":[{\"about\":{}}]}",
		"{\"form\":1,\"workloads\":[{\"at\":[]}]}",
		"{\"form\":1,\"workloads\":[{\"about\":[],\"at\":[]}]}",
		"{\"form\":1,\"workloads\":[{\"about\":{},\"at\":{}}]}",
		AT("1"),
		AT("null"),
		AT("{}"),
		AT("\"id\""),
		AT("[]"),
		AT("[1]"),
		AT("[\"\"]"),
		AT("[null,\"10.0.0.9\"]"),
		AT("[\"1\",1]"),
		AT("[\"1\",null]"),
		AT("[\"1\",\"\"]"),
		AT("[\"1\",\"10.0.0\"]"),
		AT("[\"1\",\"10.0.0.9/32\"]"),
		AT("[\"1\",\"10.0.0.9\",\"x\"]"),
		/* the last of several */
		AT("[\"1\",\"10.0.0.9\"],[\"2\",\"10.0.0.10\"],[\"3\",\"-\"]"),
		"{\"form\":1,\"workloads\":[" WEB "," DB ",{}]}",
	};
	struct one *o = *state;

	assert_int_equal(tell(o, "a", AT("[\"1\",\"10.1.0.1\"]")), 0);
	assert_int_equal(tell(o, "b", WEB_AND_DB), 0);
	assert_int_equal(tell(o, "c", AT("[\"1\",\"10.1.0.2\"]")), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_row(rows[i], tell(o, "b", rows[i]) == -EPROTO);
		assert_row(rows[i], o->a.registry.n_remote == 4);
		assert_row(rows[i], !who(o, "10.0.0.9"));
		assert_row(rows[i], strcmp(id_of(o, "fd00::3"), "b/2") == 0);
	}
	check_list(o);
	groups_are(o, "10.0.0.2", "web tier there ");
}

/* With n addresses, and an id of so many bytes. */
static char *inventory_of(size_t id_len, size_t n)
{
	struct text t = { 0 };

	text_add_word(&t,
		      "{\"form\":1,\"workloads\":[{\"about\":{},\"at\":[[\"");
	for (size_t i = 0; i < id_len; i++)
		text_add_word(&t, "i");
	text_add_word(&t, "\"");
	for (size_t i = 0; i < n; i++)
		text_addf(&t, ",\"10.7.%zu.%zu\"", i / 256, i % 256);
	text_add_word(&t, "],[\"short\",\"10.8.0.1\"]]}]}");
	return text_take(&t);
}

/* An id that is too long with its node's name costs nobody else. */
static void test_long_ids(void **state)
{
	struct one *o = *state;
	char *fits = inventory_of(WORKLOAD_ID_MAX - 1 - strlen("b/"), 1);
	char *too_long = inventory_of(WORKLOAD_ID_MAX - strlen("b/"), 1);
	json_int_t refused = count(o, "refused");

	assert_int_equal(tell(o, "b", fits), 0);
	assert_int_equal(o->a.registry.n_remote, 2);
	assert_int_equal(strlen(id_of(o, "10.7.0.0")), WORKLOAD_ID_MAX - 1);
	assert_int_equal(count(o, "refused"), refused);
	assert_int_equal(tell(o, "b", too_long), 0);
	assert_int_equal(o->a.registry.n_remote, 1);
	assert_null(who(o, "10.7.0.0"));
	assert_string_equal(id_of(o, "10.8.0.1"), "b/short");
	assert_int_equal(count(o, "refused"), refused + 1);
	free(fits);
	free(too_long);
}

static void test_many_addresses(void **state)
{
	struct one *o = *state;
	char *most = inventory_of(3, WORKLOAD_ADDRS_MAX);
	char *more = inventory_of(3, WORKLOAD_ADDRS_MAX + 1);

	assert_int_equal(tell(o, "b", most), 0);
	assert_string_equal(id_of(o, "10.7.0.255"), "b/iii");
	assert_int_equal(tell(o, "b", more), -EPROTO);
	assert_string_equal(id_of(o, "10.7.0.255"), "b/iii");
	free(most);
	free(more);
}

/* --- limits -------------------------------------------------------------------------- */

/* So many, each with an address that begins with that. */
static char *many(unsigned n, unsigned first)
{
	struct text t = { 0 };

	text_add_word(&t,
		      "{\"form\":1,\"workloads\":[{\"about\":{\"name\":\"w\"},"
		      "\"at\":[");
	for (unsigned i = 0; i < n; i++)
		text_addf(&t, "%s[\"%u\",\"%u.%u.%u.%u\"]", i ? "," : "", i,
			  first, i >> 16, i >> 8 & 255, i & 255);
	text_add_word(&t, "]}]}");
	return text_take(&t);
}

static void test_workloads_max(void **state)
{
	struct one *o = *state;
	char *half = many(FLEET_WORKLOADS_MAX / 2, 10);
	char *rest = many(FLEET_WORKLOADS_MAX / 2 + 3, 11);

	assert_int_equal(tell(o, "a", half), 0);
	assert_int_equal(count(o, "refused"), 0);
	assert_int_equal(tell(o, "b", rest), 0);
	assert_int_equal(count(o, "workloads"), FLEET_WORKLOADS_MAX);
	assert_int_equal(count(o, "refused"), 3);
	/* its own that go make room for its next */
	assert_int_equal(tell(o, "b", rest), 0);
	assert_int_equal(count(o, "workloads"), FLEET_WORKLOADS_MAX);
	assert_int_equal(count(o, "refused"), 6);
	assert_int_equal(tell(o, "a", NOBODY), 0);
	assert_int_equal(tell(o, "b", rest), 0);
	assert_int_equal(count(o, "refused"), 6);
	assert_int_equal(count(o, "workloads"), FLEET_WORKLOADS_MAX / 2 + 3);
	free(half);
	free(rest);
}

static void test_nodes_max(void **state)
{
	struct one *o = *state;
	struct err err = { 0 };
	char name[16];

	for (unsigned i = 0; i < FLEET_NODES_MAX; i++) {
		(void)snprintf(name, sizeof name, "n%u", i);
		assert_int_equal(tell(o, name, NOBODY), 0);
	}
	assert_int_equal(tell(o, "one-more", ONE_WEB), -ENOSPC);
	assert_int_equal(peers_state(&o->a, "one-more", "{}", 2, 1, &err),
			 -ENOSPC);
	assert_int_equal(count(o, "refused"), 2);
	assert_int_equal(count(o, "nodes"), FLEET_NODES_MAX);
	assert_null(who(o, "10.0.0.2"));
	assert_int_equal(peers_state(&o->a, "n7", NULL, 0, 0, &err), 0);
	assert_int_equal(tell(o, "one-more", ONE_WEB), 0);
	assert_string_equal(id_of(o, "10.0.0.2"), "one-more/1");
}

/* --- against a model ------------------------------------------------------------------ */

#define NODES  12
#define PLACES 300
#define ROUNDS 3000

/* Who has which address, by node: 0 nobody, or the number in its id. */
struct model {
	unsigned at[NODES][PLACES];
	bool known[NODES];
	unsigned order[NODES]; /* known ones, as they came */
	unsigned n_known;
	uint64_t random;
};

static const char *name_of(unsigned node)
{
	static char names[NODES][8];

	(void)snprintf(names[node], sizeof names[node], "n%u", node);
	return names[node];
}

/* A new inventory of that node, and its text. */
static char *draw_inventory(struct model *m, unsigned node)
{
	unsigned n = 0, some = 1 + seed_draw(&m->random, 60);
	struct text t = { 0 };

	memset(m->at[node], 0, sizeof m->at[node]);
	text_add_word(&t, "{\"form\":1,\"workloads\":[");
	for (unsigned p = 0; p < PLACES; p++) {
		if (seed_draw(&m->random, some + 2) < some)
			continue;
		m->at[node][p] = ++n;
		text_addf(&t,
			  "%s{\"about\":{\"name\":\"w%u\"},\"at\":[[\"%u\","
			  "\"10.0.%u.%u\"]]}",
			  n > 1 ? "," : "", p, n, p / 256, p % 256);
	}
	text_add_word(&t, "]}");
	return text_take(&t);
}

static void model_knows(struct model *m, unsigned node)
{
	if (!m->known[node])
		m->order[m->n_known++] = node;
	m->known[node] = true;
}

static void model_forgets(struct model *m, unsigned node)
{
	unsigned n = 0;

	memset(m->at[node], 0, sizeof m->at[node]);
	m->known[node] = false;
	for (unsigned i = 0; i < m->n_known; i++)
		if (m->order[i] != node)
			m->order[n++] = m->order[i];
	m->n_known = n;
}

static void step(struct one *o, struct model *m)
{
	unsigned node = seed_draw(&m->random, NODES);
	struct err err = { 0 };
	char *text;

	switch (seed_draw(&m->random, 8)) {
	case 0:
		assert_int_equal(tell(o, name_of(node), NULL), 0);
		model_forgets(m, node);
		break;
	case 1:
		assert_int_equal(
			peers_state(&o->a, name_of(node), NULL, 0, 0, &err), 0);
		model_forgets(m, node);
		break;
	case 2:
		assert_int_equal(
			peers_state(&o->a, name_of(node), "{}", 2, 1, &err), 0);
		model_knows(m, node);
		break;
	default:
		text = draw_inventory(m, node);
		assert_int_equal(tell(o, name_of(node), text), 0);
		model_knows(m, node);
		free(text);
	}
}

/* Of several with one address that one whose node came first. */
static void check_places(struct one *o, const struct model *m)
{
	for (unsigned p = 0; p < PLACES; p++) {
		char text[32], want[32] = "";

		(void)snprintf(text, sizeof text, "10.0.%u.%u", p / 256,
			       p % 256);
		for (unsigned i = 0; i < m->n_known && !want[0]; i++)
			if (m->at[m->order[i]][p])
				(void)snprintf(want, sizeof want, "%s/%u",
					       name_of(m->order[i]),
					       m->at[m->order[i]][p]);
		if (strcmp(id_of(o, text), want) != 0)
			fail_msg("%s is %s, not %s", text, id_of(o, text),
				 want);
	}
}

static void check_names(struct one *o, const struct model *m)
{
	json_t *nodes = peers_json(&o->a);

	assert_int_equal(json_array_size(nodes), m->n_known);
	for (unsigned i = 0; i < m->n_known; i++)
		assert_string_equal(json_string_value(json_object_get(
					    json_array_get(nodes, i), "node")),
				    name_of(m->order[i]));
	json_decref(nodes);
}

static void test_model(void **state)
{
	struct one *o = *state;
	struct model *m = calloc(1, sizeof *m);

	m->random = seed_choose() | 1;
	for (unsigned i = 0; i < ROUNDS; i++) {
		step(o, m);
		if (i % 10)
			continue;
		check_list(o);
		check_names(o, m);
		check_places(o, m);
	}
	assert_int_equal(count(o, "refused"), 0);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_told, make, removes),
		cmocka_unit_test_setup_teardown(test_groups, make, removes),
		cmocka_unit_test_setup_teardown(test_replaced_emptied_forgotten,
						make, removes),
		cmocka_unit_test_setup_teardown(test_ours_first, make, removes),
		cmocka_unit_test_setup_teardown(test_malformed, make, removes),
		cmocka_unit_test_setup_teardown(test_long_ids, make, removes),
		cmocka_unit_test_setup_teardown(test_many_addresses, make,
						removes),
		cmocka_unit_test_setup_teardown(test_workloads_max, make,
						removes),
		cmocka_unit_test_setup_teardown(test_nodes_max, make, removes),
		cmocka_unit_test_setup_teardown(test_model, make, removes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
