/*
 * Random worlds, intents and connections, from small pools so that much
 * overlaps.
 */
#include "intents.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

uint64_t random_state;

uint32_t any(uint32_t below)
{
	return seed_draw(&random_state, below);
}

bool one_in(uint32_t n)
{
	return any(n) == 0;
}

/* --- a world ---------------------------------------------------------- */

static const char *const names[] = { "web-1", "web-22", "db", "x", "node" };
static const char *const namespaces[] = { "shop", "ops" };
static const char *const labels[] = { "a", "b.c/d" };
static const char *const values[] = { "x", "y", "xy", "" };
const char *const hosts[HOSTS] = { "a.example.com", "b.example.com",
				   "example.com", "c.org" };

static struct ip_addr some_addr(void)
{
	struct ip_addr a = { { 0xfd, [15] = (uint8_t)any(12) } };

	return one_in(3) ? a : ip_from_v4(0x0a000000 + any(24));
}

static json_t *some_about(void)
{
	json_t *o = json_object(), *l = json_object();

	json_object_set_new(o, "name", json_string(PICK(names)));
	if (!one_in(3))
		json_object_set_new(o, "service", json_string(PICK(names)));
	if (!one_in(3))
		json_object_set_new(o, "namespace",
				    json_string(PICK(namespaces)));
	for (size_t k = 0; k < ARRAY_LEN(labels); k++)
		if (!one_in(3))
			json_object_set_new(l, labels[k],
					    json_string(PICK(values)));
	json_object_set_new(o, "labels", l);
	return o;
}

void make_world(struct world *w)
{
	size_t n = any(WORKLOADS + 1);

	for (size_t k = 0; k < n; k++) {
		struct intent_workload *one = &w->workloads[k];

		(void)snprintf(w->ids[k], sizeof w->ids[k], "w%zu", k);
		w->macs[k] = (struct mac){ { 2, [5] = (uint8_t)k } };
		*one = (struct intent_workload){ .id = w->ids[k],
						 .about = some_about(),
						 .addrs = w->addrs[k],
						 .n_addrs = any(4),
						 .macs = &w->macs[k],
						 .n_macs = !one_in(4) };
		for (size_t a = 0; a < one->n_addrs; a++)
			w->addrs[k][a] = some_addr();
	}
	w->node[0] = some_addr();
	w->node[1] = some_addr();
	w->w = (struct intent_world){ w->workloads, n, w->node, any(3),
				      one_in(2) };
}

void end_world(struct world *w)
{
	for (size_t k = 0; k < w->w.n; k++)
		json_decref((json_t *)(uintptr_t)w->workloads[k].about);
}

/* --- an intent -------------------------------------------------------- */

const char *const ranges[RANGES] = {
	"10.0.0.0/29", "10.0.0.5",   "10.0.0.3-10.0.0.9",
	"0.0.0.0/0",   "fd00::/124", "fd00::2-fd00::b",
	"::/0",
};
static const char *const group_names[] = { "g0",	 "g1", "g2",	"g3",
					   "web-1.shop", "db", "nobody" };

static json_t *address_term(void)
{
	bool not = one_in(3);

	return json_pack("{s:s, s:s, s:s}", "key", "address", "op",
			 not ? "!=" : "=", "value",
			 one_in(4) && !not ? PICK(hosts) : PICK(ranges));
}

static json_t *some_term(void)
{
	static const char *const keys[] = { "name", "namespace", "service",
					    "label.a", "label.b.c/d" };
	static const char *const ops[] = { "=",	    "!=", "prefix", "contains",
					   "regex", "in", "absent" };
	static const char *const texts[] = { "web-1", "shop", "x", "xy",
					     "web",   "",     "db" };
	const char *key = PICK(keys), *op = PICK(ops);

	if (strcmp(op, "absent") == 0)
		return json_pack("{s:s, s:s}", "key", key, "op", op);
	if (strcmp(op, "in") == 0)
		return json_pack("{s:s, s:s, s:[ss]}", "key", key, "op", op,
				 "value", PICK(texts), PICK(texts));
	if (strcmp(op, "regex") == 0)
		return json_pack("{s:s, s:s, s:s}", "key", key, "op", op,
				 "value", one_in(2) ? "web-[0-9]+" : "x|y|s.*");
	return json_pack("{s:s, s:s, s:s}", "key", key, "op", op, "value",
			 PICK(texts));
}

static json_t *some_group(const char *name)
{
	static const char *const modes[] = { "discover", "monitor", "protect" };
	json_t *g = json_pack("{s:s}", "name", name), *where;
	bool addresses = one_in(4);

	if (!addresses && one_in(3))
		json_object_set_new(g, "mode", json_string(PICK(modes)));
	if (one_in(5) && !addresses)
		return g;
	where = json_array();
	for (uint32_t n = 1 + any(4); n > 0; n--)
		json_array_append_new(where,
				      addresses ? address_term() : some_term());
	json_object_set_new(g, "where", where);
	return g;
}

static json_t *some_words(void)
{
	static const char *const always[] = { "any", "external", "workloads",
					      "node" };
	json_t *list = json_array();

	for (uint32_t n = 1 + any(3); n > 0; n--)
		switch (any(8)) {
		case 0:
			json_array_append_new(list, json_string(PICK(always)));
			break;
		case 1:
			json_array_append_new(list, json_string(PICK(ranges)));
			break;
		case 2:
			json_array_append_new(
				list,
				json_sprintf("fqdn:%s%s", one_in(3) ? "*." : "",
					     PICK(hosts)));
			break;
		default:
			json_array_append_new(list,
					      json_string(PICK(group_names)));
		}
	return list;
}

static json_t *some_rule(void)
{
	static const char *const actions[] = { "allow",	 "allow", "deny",
					       "reject", "alert", "learn" };
	static const char *const ports[] = {
		"any",	"tcp",	  "tcp/80", "tcp/79-443", "udp/53",
		"icmp", "icmpv6", "ip/47",  "sctp/80"
	};
	static const char *const apps[] = { "http", "tls", "mysql" };
	static const char *const sides[] = { "client", "server" };
	json_t *r = json_pack("{s:o, s:o, s:s}", "from", some_words(), "to",
			      some_words(), "action", PICK(actions));

	if (!one_in(3))
		json_object_set_new(r, "ports",
				    json_pack("[sss]", PICK(ports), PICK(ports),
					      PICK(ports)));
	if (one_in(5))
		json_object_set_new(r, "applications",
				    json_pack("[s]", PICK(apps)));
	if (one_in(5))
		json_object_set_new(r, "side", json_string(PICK(sides)));
	if (one_in(8))
		json_object_set_new(r, "disabled", json_boolean(one_in(2)));
	if (one_in(8))
		json_object_set_new(
			r, "expires",
			json_string(one_in(2) ? "2027-01-15" : "2027-01-16"));
	if (one_in(8))
		json_object_set_new(r, "origin", json_string("network-policy"));
	return r;
}

/* One that can be parsed; an address group may be left empty otherwise. */
struct intent *some_intent(void)
{
	static const char *const modes[] = { "discover", "monitor", "protect" };
	struct intent *i = NULL;
	struct err err = { 0 };

	while (!i) {
		json_t *groups = json_array(), *rules = json_array(), *o;

		for (size_t k = 0; k + 1 < ARRAY_LEN(group_names); k++)
			if (!one_in(3))
				json_array_append_new(
					groups, some_group(group_names[k]));
		for (uint32_t n = any(25); n > 0; n--)
			json_array_append_new(rules, some_rule());
		o = json_pack("{s:s, s:o, s:o}", "default_mode", PICK(modes),
			      "groups", groups, "rules", rules);
		if (intent_from_json(o, &i, &err) != 0 &&
		    !strstr(err.text, "no address is left") &&
		    !strstr(err.text, "taken away"))
			fail_msg("%s: %s", err.at, err.text);
		json_decref(o);
	}
	return i;
}

/* --- connections --- */

/* An address of that end; *who: a workload that has it. */
static struct ip_addr some_end(const struct intent_world *w, size_t *who)
{
	*who = INTENT_NOBODY;
	if (w->n && !one_in(3)) {
		size_t k = any((uint32_t)w->n);

		if (w->workloads[k].n_addrs) {
			*who = k;
			return w->workloads[k]
				.addrs[any((uint32_t)w->workloads[k].n_addrs)];
		}
	}
	return some_addr();
}

struct intent_connection some_connection(const struct intent_world *w)
{
	static const uint8_t protos[] = { 6, 6, 17, 1, 58, 47, 132 };
	static const uint16_t ports[] = { 53, 79, 80, 443, 444 };
	static const uint32_t apps[] = { 0, 1001, 1002, 2001, UINT32_MAX };
	struct intent_connection c = { .proto = PICK(protos),
				       .port = PICK(ports),
				       .app = PICK(apps) };

	do {
		c.client_addr = some_end(w, &c.client);
		c.server_addr = some_end(w, &c.server);
	} while (ip_is_v4(c.client_addr) != ip_is_v4(c.server_addr));
	if (one_in(2))
		c.name = PICK(hosts);
	return c;
}

/* That some are known before changes nothing. */
static void compiled_with_known(const struct intent *i,
				const struct intent_world *w, const char *text)
{
	size_t n = w->n ? (size_t)seed_draw(&random_state, (uint32_t)w->n + 1)
			: 0;
	struct intent_known *known = intent_known_new(w->workloads, n);
	struct intent_world with = *w;
	struct err err;
	char *again;

	assert_non_null(known);
	with.known = known;
	again = intent_compile(i, &with, 1, NOW, NULL, &err);
	if (text)
		assert_string_equal(again, text);
	else
		assert_null(again);
	free(again);
	intent_known_free(known);
}

json_t *compiled(const struct intent *i, const struct intent_world *w,
		 struct err *reterr)
{
	char *text = intent_compile(i, w, 1, NOW, NULL, reterr);
	json_t *v = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL)
			 : NULL;

	assert_true(!text || v);
	compiled_with_known(i, w, text);
	free(text);
	return v;
}
