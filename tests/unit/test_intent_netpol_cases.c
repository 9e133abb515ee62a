/*
 * NetworkPolicies against what Kubernetes documents of them: a table of cases
 * (netpol_cases.yaml), each also asked of a model that reads policies one by one;
 * then random policies, the compiled ones against the model.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "intent/intent.h"
#include "netpol_model.h"
#include "seed.h"
#include "wire/words.h"
#include "yaml/yaml.h"

#define PODS	 16
#define CASES_AT SOURCE_ROOT "/tests/unit/netpol_cases.yaml"

/* The pods, as they are in a case; the judge of policies in force. */
struct world {
	json_t *namespaces; /* name: labels */
	json_t *pods;	    /* "NS/NAME": about */
	struct intent_workload workloads[PODS];
	struct ip_addr addrs[PODS][2]; /* IPv4, IPv6 */
	const char *names[PODS];
	size_t n;
	struct ip_addr node;
	json_t *policies;
	struct intent *intent;
	struct intent_judge *judge;
	size_t notes;
};

static struct ip_addr addr_of(const char *text)
{
	struct ip_addr a = { { 0 } };

	if (ip_parse(text, &a) != 0)
		fail_msg("\"%s\": no address", text);
	return a;
}

/* --- a world ---------------------------------------------------------- */

static void set_namespace(struct world *w, const char *name,
			  const json_t *labels)
{
	json_t *all = json_deep_copy(labels);

	json_object_set_new(all, "kubernetes.io/metadata.name",
			    json_string(name));
	json_object_set_new(w->namespaces, name, all);
}

static void add_pod(struct world *w, const char *key, const json_t *pod)
{
	const char *slash = strchr(key, '/');
	json_t *about = json_object(), *of = json_object_get(pod, "ports");

	assert_true(w->n < PODS && slash);
	json_object_set_new(about, "namespace",
			    json_stringn(key, (size_t)(slash - key)));
	json_object_set_new(about, "name", json_string(slash + 1));
	json_object_set_new(about, "labels",
			    json_deep_copy(json_object_get(pod, "labels")));
	if (of)
		json_object_set_new(about, "named_ports", json_deep_copy(of));
	json_object_set_new(w->pods, key, about);
	w->names[w->n] = key;
	w->addrs[w->n][0] =
		addr_of(json_string_value(json_object_get(pod, "ip")));
	w->addrs[w->n][1] =
		(struct ip_addr){ { 0xfd, [15] = (uint8_t)(w->n + 1) } };
	w->workloads[w->n] = (struct intent_workload){
		.id = key, .about = about, .addrs = w->addrs[w->n], .n_addrs = 2
	};
	w->n++;
}

static void make_world(struct world *w, const json_t *doc)
{
	const char *key;
	json_t *v;

	*w = (struct world){ .namespaces = json_object(),
			     .pods = json_object() };
	json_object_foreach (json_object_get(doc, "namespaces"), key, v)
		set_namespace(w, key, v);
	json_object_foreach (json_object_get(doc, "pods"), key, v)
		add_pod(w, key, v);
	w->node = addr_of(json_string_value(json_object_get(doc, "node")));
}

static void forget_judge(struct world *w)
{
	intent_judge_free(w->judge);
	intent_put(w->intent);
	w->judge = NULL;
	w->intent = NULL;
}

static void end_world(struct world *w)
{
	forget_judge(w);
	json_decref(w->namespaces);
	json_decref(w->pods);
	json_decref(w->policies);
}

/* What a step says of pods and namespaces. */
static void change_world(struct world *w, const json_t *step)
{
	const char *key;
	json_t *v;

	json_object_foreach (json_object_get(step, "labels"), key, v)
		json_object_set(json_object_get(w->pods, key), "labels", v);
	json_object_foreach (json_object_get(step, "ports"), key, v)
		json_object_set(json_object_get(w->pods, key), "named_ports",
				v);
	json_object_foreach (json_object_get(step, "namespaces"), key, v)
		set_namespace(w, key, v);
	json_object_foreach (w->pods, key, v)
		json_object_set(
			v, "namespace_labels",
			json_object_get(w->namespaces,
					json_string_value(json_object_get(
						v, "namespace"))));
	v = json_object_get(step, "policies");
	if (v) {
		json_decref(w->policies);
		w->policies = json_incref(v);
	}
}

static void judge_anew(struct world *w, const char *name)
{
	struct intent_world world = { w->workloads, w->n, &w->node, 1, true };
	struct intent *before = w->intent ? w->intent : intent_new();
	json_t *part = NULL, *notes = json_array();
	struct intent *next = NULL;
	struct err err = { 0 };

	if (intent_cluster_read(w->policies, notes, &part, &err) != 0 ||
	    intent_with_cluster(before, part, before, &next, &err) != 0)
		fail_msg("%s: %s: %s", name, err.at, err.text);
	w->notes = json_array_size(notes);
	w->intent = before;
	forget_judge(w);
	w->intent = next;
	w->judge = intent_judge_new(next, &world, 1, &err);
	if (!w->judge)
		fail_msg("%s: %s", name, err.text);
	json_decref(part);
	json_decref(notes);
}

/* --- asking ----------------------------------------------------------- */

/* Ends of a connection; a pod's address is of the other's family. */
struct ends {
	struct model_end from, to;
	size_t client, server;
};

/* who: index of a pod; beyond: that address. */
static struct model_end end_of(const struct world *w, size_t who,
			       struct ip_addr a)
{
	if (who < w->n)
		return (struct model_end){ .pod = w->workloads[who].about,
					   .addr = w->addrs[who][0] };
	return (struct model_end){ .addr = a, .node = ip_equal(a, w->node) };
}

static struct ends ends_of(const struct world *w, size_t from, size_t to,
			   struct ip_addr a, struct ip_addr b)
{
	struct ends e = { end_of(w, from, a), end_of(w, to, b),
			  from < w->n ? from : INTENT_NOBODY,
			  to < w->n ? to : INTENT_NOBODY };

	if (from < w->n && !ip_is_v4(e.to.addr))
		e.from.addr = w->addrs[from][1];
	if (to < w->n && !ip_is_v4(e.from.addr))
		e.to.addr = w->addrs[to][1];
	return e;
}

static bool is_allowed(const struct world *w, const struct ends *e,
		       uint8_t proto, uint16_t port)
{
	struct intent_connection c = {
		.client = e->client,
		.server = e->server,
		.client_addr = e->from.addr,
		.server_addr = e->to.addr,
		.proto = proto,
		.port = port,
	};

	return intent_judge_ask(w->judge, &c).action != POLICY_DENY;
}

/* Is a pod one that a word means: "NS/NAME", "NS/"*, "*"? */
static bool means(const char *word, const char *pod)
{
	size_t len = strlen(word);

	if (len > 0 && word[len - 1] == '*')
		return strncmp(word, pod, len - 1) == 0;
	return strcmp(word, pod) == 0;
}

struct question {
	char from[64], to[64], proto[8], verdict[8];
	unsigned port;
};

static uint8_t proto_of(const char *word)
{
	return strcmp(word, "udp") == 0	   ? IPPROTO_UDP
	       : strcmp(word, "sctp") == 0 ? IPPROTO_SCTP
					   : IPPROTO_TCP;
}

static void ask_one(const struct world *w, const char *name, const char *line,
		    const struct question *q, size_t from, size_t to,
		    bool model)
{
	struct ip_addr a = { { 0 } }, b = { { 0 } };
	bool want = strcmp(q->verdict, "allow") == 0;
	struct ends e;
	uint8_t proto = proto_of(q->proto);

	if (from == SIZE_MAX)
		a = strcmp(q->from, "node") == 0 ? w->node : addr_of(q->from);
	if (to == SIZE_MAX)
		b = strcmp(q->to, "node") == 0 ? w->node : addr_of(q->to);
	e = ends_of(w, from, to, a, b);
	if (is_allowed(w, &e, proto, (uint16_t)q->port) != want)
		fail_msg("%s: \"%s\" is not so (%s, %s)", name, line,
			 from < w->n ? w->names[from] : q->from,
			 to < w->n ? w->names[to] : q->to);
	if (model && model_allows(w->policies, &e.from, &e.to, proto,
				  (uint16_t)q->port) != want)
		fail_msg("%s: \"%s\" is not so in the model", name, line);
}

static void ask_line(const struct world *w, const char *name, const char *line,
		     bool model)
{
	struct question q;
	size_t asked = 0;

	/* NOLINTNEXTLINE(cert-err34-c): a wrong line is one of this test's */
	if (sscanf(line, "%63s -> %63s %7[a-z]/%u %7s", q.from, q.to, q.proto,
		   &q.port, q.verdict) != 5)
		fail_msg("%s: \"%s\" is no question", name, line);
	for (size_t from = 0; from <= w->n; from++)
		for (size_t to = 0; to <= w->n; to++) {
			bool outside_a = !strpbrk(q.from, "/*");
			bool outside_b = !strpbrk(q.to, "/*");

			if ((from == w->n
				     ? !outside_a
				     : outside_a || !means(q.from,
							   w->names[from])) ||
			    (to == w->n ? !outside_b
					: outside_b ||
						  !means(q.to, w->names[to])) ||
			    (from == to && from < w->n))
				continue;
			ask_one(w, name, line, &q,
				from < w->n ? from : SIZE_MAX,
				to < w->n ? to : SIZE_MAX, model);
			asked++;
		}
	if (asked == 0)
		fail_msg("%s: \"%s\" asks nothing", name, line);
}

static void ask_step(struct world *w, const char *name, const json_t *step,
		     size_t notes)
{
	json_t *v;
	size_t n;

	change_world(w, step);
	judge_anew(w, name);
	assert_row(name, w->notes == notes);
	assert_row(name, json_array_size(json_object_get(step, "asks")) > 0);
	/* what is not understood the model does not know */
	json_array_foreach (json_object_get(step, "asks"), n, v)
		ask_line(w, name, json_string_value(v), notes == 0);
}

static struct yaml_text *read_cases(void)
{
	struct yaml_text *y = NULL;
	struct err err = { 0 };
	size_t len;
	char *text = file_load(CASES_AT, 1 << 20, &len, &err);

	if (!text || yaml_text_read(text, len, CASES_AT, &y, &err) != 0)
		fail_msg("%s: %s", err.at, err.text);
	free(text);
	return y;
}

static void test_cases(void **state)
{
	struct yaml_text *y = read_cases();
	struct world w;
	json_t *step;
	size_t k;

	assert_true(yaml_text_count(y) > 60);
	for (size_t n = 1; n < yaml_text_count(y); n++) {
		const json_t *c = yaml_text_value(y, n);
		const char *name =
			json_string_value(json_object_get(c, "case"));

		make_world(&w, yaml_text_value(y, 0));
		ask_step(&w, name, c,
			 (size_t)json_integer_value(
				 json_object_get(c, "notes")));
		json_array_foreach (json_object_get(c, "then"), k, step)
			ask_step(&w, name, step, 0);
		end_world(&w);
	}
	yaml_text_free(y);
}

/* --- at random -------------------------------------------------------- */

static uint64_t random_state;

static uint32_t any(uint32_t below)
{
	return seed_draw(&random_state, below);
}

#define PICK(pool) ((pool)[any(ARRAY_LEN(pool))])

static json_t *some_selector(bool of_namespaces)
{
	static const char *const pod_keys[] = { "pod", "app", "none" };
	static const char *const space_keys[] = {
		"team", "tier", "kubernetes.io/metadata.name"
	};
	static const char *const values[] = { "a",   "b",     "web", "shop",
					      "ops", "front", "lab" };
	static const char *const ops[] = { "In", "NotIn", "Exists",
					   "DoesNotExist" };
	json_t *o = json_object(), *labels = json_object(),
	       *list = json_array();

	for (uint32_t n = any(3); n > 0; n--) {
		const char *key = of_namespaces ? PICK(space_keys)
						: PICK(pod_keys);
		uint32_t op = any(6);
		json_t *e;

		if (op >= 4) {
			json_object_set_new(labels, key,
					    json_string(PICK(values)));
			continue;
		}
		e = json_pack("{s:s, s:s}", "key", key, "operator", ops[op]);
		if (op < 2)
			json_object_set_new(e, "values",
					    json_pack("[s, s]", PICK(values),
						      PICK(values)));
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "matchLabels", labels);
	json_object_set_new(o, "matchExpressions", list);
	return o;
}

static json_t *some_peer(void)
{
	static const char *const blocks[] = { "10.0.0.0/30", "10.0.0.0/16",
					      "198.51.100.0/24", "0.0.0.0/0",
					      "fd00::/16" };
	static const char *const excepts[] = { "10.0.0.2/32", "10.0.1.0/24",
					       "198.51.100.0/29" };
	json_t *peer = json_object();
	uint32_t kind = any(4);

	if (kind == 0) {
		json_object_set_new(peer, "ipBlock",
				    json_pack("{s:s, s:[s]}", "cidr",
					      PICK(blocks), "except",
					      PICK(excepts)));
		return peer;
	}
	if (kind & 1)
		json_object_set_new(peer, "podSelector", some_selector(false));
	if (kind & 2)
		json_object_set_new(peer, "namespaceSelector",
				    some_selector(true));
	return peer;
}

static json_t *some_port(void)
{
	static const char *const protos[] = { "TCP", "UDP", "SCTP" };
	static const char *const names[] = { "http", "alt", "dns", "none" };
	json_t *p = json_object();
	int first = 79 + (int)any(4);

	if (any(2))
		json_object_set_new(p, "protocol", json_string(PICK(protos)));
	switch (any(4)) {
	case 0: json_object_set_new(p, "port", json_string(PICK(names))); break;
	case 1: json_object_set_new(p, "port", json_integer(first)); break;
	case 2:
		json_object_set_new(p, "port", json_integer(first));
		json_object_set_new(p, "endPort",
				    json_integer(first + (int)any(3)));
		break;
	default: break;
	}
	return p;
}

static json_t *some_rules(bool ingress)
{
	json_t *rules = json_array();

	for (uint32_t n = any(3); n > 0; n--) {
		json_t *rule = json_object(), *peers = json_array(),
		       *ports = json_array();

		for (uint32_t k = any(3); k > 0; k--)
			json_array_append_new(peers, some_peer());
		for (uint32_t k = any(3); k > 0; k--)
			json_array_append_new(ports, some_port());
		json_object_set_new(rule, ingress ? "from" : "to", peers);
		json_object_set_new(rule, "ports", ports);
		json_array_append_new(rules, rule);
	}
	return rules;
}

static json_t *some_policies(void)
{
	static const char *const spaces[] = { "shop", "ops", "lab" };
	json_t *all = json_array();
	char name[16];

	for (uint32_t n = any(5); n > 0; n--) {
		json_t *spec = json_object(), *types = json_array();

		json_object_set_new(spec, "podSelector", some_selector(false));
		json_object_set_new(spec, "ingress", some_rules(true));
		json_object_set_new(spec, "egress", some_rules(false));
		if (any(2))
			json_array_append_new(types, json_string("Ingress"));
		if (any(2))
			json_array_append_new(types, json_string("Egress"));
		json_object_set_new(spec, "policyTypes", types);
		(void)snprintf(name, sizeof name, "p%u", n);
		json_array_append_new(all,
				      json_pack("{s:s, s:s, s:o}", "namespace",
						PICK(spaces), "name", name,
						"spec", spec));
	}
	return all;
}

static void ask_some(const struct world *w)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP,
					  IPPROTO_SCTP };
	struct ip_addr outside[4] = { w->node, addr_of("198.51.100.7"),
				      addr_of("fd00:9::1"),
				      addr_of("198.51.100.9") };

	for (unsigned k = 0; k < 300; k++) {
		size_t from = any((uint32_t)w->n + 2);
		size_t to = any((uint32_t)w->n + 2);
		struct ip_addr a = PICK(outside), b = PICK(outside);
		struct ends e = ends_of(w, from, to, a, b);
		uint8_t proto = PICK(protos);
		uint16_t port = any(4) ? (uint16_t)(79 + any(5)) : 8080;
		char *text;

		if (from == to || (from >= w->n && to >= w->n) ||
		    is_allowed(w, &e, proto, port) ==
			    model_allows(w->policies, &e.from, &e.to, proto,
					 port))
			continue;
		text = json_dumps(w->policies, JSON_INDENT(1));
		fail_msg("%s -> %s %u/%u: %s",
			 from < w->n ? w->names[from] : "outside",
			 to < w->n ? w->names[to] : "outside", proto, port,
			 text);
	}
}

static void test_random(void **state)
{
	struct yaml_text *y = read_cases();
	struct world w;
	json_t *step;

	random_state = seed_choose() | 1;
	for (unsigned round = 0; round < 150; round++) {
		make_world(&w, yaml_text_value(y, 0));
		for (unsigned k = 0; k < 2; k++) {
			step = json_pack("{s:o}", "policies", some_policies());
			change_world(&w, step);
			judge_anew(&w, "random");
			assert_int_equal(w.notes, 0);
			ask_some(&w);
			json_decref(step);
		}
		end_world(&w);
	}
	yaml_text_free(y);
}

/* A rule that stays has the id that it had. */
static void test_ids(void **state)
{
	struct yaml_text *y = read_cases();
	json_t *step = json_pack("{s:o}", "policies", json_array());
	json_t *list = json_object_get(step, "policies"), *was, *is;
	json_t *spec = json_pack("{s:{}, s:[{}]}", "podSelector", "ingress");
	struct intent *odd = NULL, *kept = NULL;
	struct world w;

	make_world(&w, yaml_text_value(y, 0));
	json_array_append_new(list,
			      json_pack("{s:s, s:s, s:O}", "namespace", "shop",
					"name", "b", "spec", spec));
	change_world(&w, step);
	judge_anew(&w, "ids");
	was = intent_cluster_of(w.intent);
	assert_int_equal(json_array_size(json_object_get(was, "rules")), 3);
	json_array_insert_new(list, 0,
			      json_pack("{s:s, s:s, s:O}", "namespace", "shop",
					"name", "a", "spec", spec));
	judge_anew(&w, "ids");
	json_array_remove(list, 0);
	judge_anew(&w, "ids");
	is = intent_cluster_of(w.intent);
	assert_true(json_equal(was, is));
	/* whatever else is wanted, they are what they were */
	odd = intent_new();
	assert_int_equal(intent_with_cluster(odd, NULL, w.intent, &kept, NULL),
			 0);
	json_decref(is);
	is = intent_cluster_of(kept);
	assert_true(json_equal(was, is));
	intent_put(kept);
	intent_put(odd);
	json_decref(was);
	json_decref(is);
	json_decref(spec);
	json_decref(step);
	end_world(&w);
	yaml_text_free(y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
