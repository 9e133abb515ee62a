/*
 * The index of rules against a naive model: the rules as they were sent, asked
 * one after the other from the front. Rule sets and queries are random, and of
 * everything there is: both forms of rules, both families, ranges that overlap,
 * "any" and "external", sets, names, applications, virtual hosts. Queries are
 * mostly made from the borders of rules, where mistakes live. The seed is
 * printed; WEIR_SEED=n runs that one.
 */
#include "policy/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "policy/snapshot.h"
#include "test.h"

#define PAIRS	  150000
#define QUERIES	  60 /* of one rule set */
#define RULES_MAX 1500
#define SETS	  3

static const char *const name_pool[] = {
	"a.example.com",   "*.example.com", "b.example.org", "*.c.org", "d",
	"*.example.com.d",
};

static uint64_t random_state;

/* xorshift64*: the same numbers everywhere. */
static uint32_t any(uint32_t below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

static bool one_in(uint32_t n)
{
	return any(n) == 0;
}

/* --- random input --------------------------------------------------------- */

static struct ip_addr some_v4(void)
{
	switch (any(5)) {
	case 0: return ip_from_v4(any(8));
	case 1: return ip_from_v4(UINT32_MAX - any(8));
	case 2: return ip_from_v4(0x0a000000 + any(1u << 16));
	default: return ip_from_v4(0x0a010000 + any(40));
	}
}

static struct ip_addr some_v6(void)
{
	struct ip_addr a = { { 0x20, 0x01, 0x0d, 0xb8 } };

	switch (any(5)) {
	case 0: a = (struct ip_addr){ { [15] = (uint8_t)any(4) } }; break;
	case 1:
		memset(a.b, 0xff, sizeof a.b);
		a.b[15] = (uint8_t)(0xff - any(4));
		break;
	case 2:
		a.b[7] = (uint8_t)any(4);
		a.b[15] = (uint8_t)any(256);
		break;
	default: a.b[15] = (uint8_t)any(40);
	}
	return a;
}

static struct ip_addr some_addr(bool v6)
{
	return v6 ? some_v6() : some_v4();
}

static void some_range(bool v6, struct ip_addr *first, struct ip_addr *last)
{
	*first = some_addr(v6);
	*last = one_in(2) ? *first : some_addr(v6);
	if (ip_compare(*last, *first) < 0) {
		struct ip_addr t = *first;

		*first = *last;
		*last = t;
	}
}

static uint16_t some_port(void)
{
	static const uint16_t often[] = { 0, 1, 22, 80, 443, 65534, 65535 };

	return one_in(3) ? (uint16_t)any(65536) : often[any(ARRAY_LEN(often))];
}

static void some_ports(uint16_t *first, uint16_t *last)
{
	uint16_t a = some_port(), b = one_in(2) ? a : some_port();

	if (one_in(4)) {
		a = 0;
		b = UINT16_MAX;
	}
	*first = a < b ? a : b;
	*last = a < b ? b : a;
}

static uint8_t some_proto(void)
{
	static const uint8_t protos[] = { 1, 6, 6, 6, 17, 17, 58, 132, 47 };

	return protos[any(ARRAY_LEN(protos))];
}

static uint8_t some_action(void)
{
	static const uint8_t actions[] = { POLICY_OPEN,	 POLICY_LEARN,
					   POLICY_ALLOW, POLICY_CHECK_NBE,
					   POLICY_DENY,	 POLICY_VIOLATE };

	return actions[any(ARRAY_LEN(actions))];
}

static uint32_t some_app(void)
{
	static const uint32_t apps[] = { POLICY_APP_UNKNOWN_YET,
					 POLICY_APP_UNIDENTIFIED, 1001, 1002,
					 2001 };

	return apps[any(ARRAY_LEN(apps))];
}

static void add_apps(struct rule_spec *r)
{
	r->n_apps = 1 + any(3);
	r->apps = calloc(r->n_apps, sizeof *r->apps);
	for (size_t i = 0; i < r->n_apps; i++)
		r->apps[i] = (struct rule_app){ some_app(), some_action(),
						r->id * 10 + (uint32_t)i };
	r->action = one_in(2) ? POLICY_CHECK_APP : some_action();
}

static const char *some_name(void)
{
	return name_pool[any(ARRAY_LEN(name_pool))];
}

static struct rule_spec reference_rule(uint32_t id, bool v6)
{
	struct rule_spec r = { .id = id,
			       .proto = one_in(3) ? 0 : some_proto(),
			       .action = some_action(),
			       .ingress = one_in(2),
			       .reject = one_in(4) };
	struct ip_addr none = v6 ? (struct ip_addr){ 0 } : ip_from_v4(0);
	bool other = one_in(40); /* a rule that matches nothing */

	some_range(v6, &r.sip, &r.sipr);
	some_range(v6 != other, &r.dip, &r.dipr);
	if (one_in(5))
		r.sip = r.sipr = none;
	if (one_in(5) && !other)
		r.dip = r.dipr = none;
	some_ports(&r.port, &r.portr);
	if (one_in(6)) {
		r.fqdn = strdup(some_name());
		r.vhost = one_in(2);
	}
	if (one_in(6))
		add_apps(&r);
	else if (one_in(30))
		r.action = POLICY_CHECK_APP;
	return r;
}

static void some_words(bool own, struct addr_word **ret, size_t *ret_n)
{
	static const uint8_t kinds[] = { ADDR_RANGE,	ADDR_RANGE,
					 ADDR_RANGE,	ADDR_ANY,
					 ADDR_SET,	ADDR_EXTERNAL,
					 ADDR_INTERNAL, ADDR_NAME };
	size_t n = 1 + any(3);

	*ret = calloc(n, sizeof **ret);
	*ret_n = n;
	for (size_t i = 0; i < n; i++) {
		struct addr_word *w = &(*ret)[i];

		w->kind = kinds[any(own ? 5 : ARRAY_LEN(kinds))];
		if (w->kind == ADDR_RANGE)
			some_range(one_in(2), &w->first, &w->last);
		if (w->kind == ADDR_NAME)
			w->name = strdup(some_name());
		if (w->kind == ADDR_SET) {
			w->name = strdup("set0");
			w->name[3] = (char)('0' + any(SETS));
		}
	}
}

static struct rule_spec our_rule(uint32_t id)
{
	struct rule_spec r = { .id = id,
			       .proto = one_in(3) ? 0 : some_proto(),
			       .action = some_action(),
			       .ingress = one_in(2),
			       .reject = one_in(4) };
	struct rule_lists *l = calloc(1, sizeof *l);

	r.lists = l;
	some_words(!r.ingress, &l->from, &l->n_from);
	some_words(r.ingress, &l->to, &l->n_to);
	l->n_ports = 1 + any(2);
	l->ports = calloc(l->n_ports, sizeof *l->ports);
	for (size_t i = 0; i < l->n_ports; i++)
		some_ports(&l->ports[i].first, &l->ports[i].last);
	if (one_in(5))
		add_apps(&r);
	return r;
}

static struct addr_set_spec sets[SETS];

static void make_sets(void)
{
	for (int s = 0; s < SETS; s++) {
		struct addr_set_spec *set = &sets[s];

		set->name = strdup("set0");
		set->name[3] = (char)('0' + s);
		set->n_ranges = any(5);
		set->ranges = calloc(set->n_ranges + 1, sizeof *set->ranges);
		for (size_t i = 0; i < set->n_ranges; i++)
			some_range(one_in(2), &set->ranges[i].first,
				   &set->ranges[i].last);
	}
}

/* --- the model ------------------------------------------------------------ */

struct asked {
	struct policy_query q;
	const char *names[NAMES_PER_ADDR_MAX]; /* texts of q.names */
	unsigned n_names;
};

static bool icmp(uint8_t proto)
{
	return proto == 1 || proto == 58;
}

static bool within(struct ip_addr a, struct ip_addr first, struct ip_addr last)
{
	return ip_is_v4(a) == ip_is_v4(first) && ip_compare(first, a) <= 0 &&
	       ip_compare(a, last) <= 0;
}

static bool goes_by(const struct asked *a, const char *name)
{
	for (unsigned i = 0; i < a->n_names; i++)
		if (strcmp(a->names[i], name) == 0)
			return true;
	return false;
}

static bool reference_end_says(const struct asked *a, const struct rule_spec *r,
			       bool client)
{
	struct ip_addr first = client ? r->sip : r->dip;
	struct ip_addr last = client ? r->sipr : r->dipr;
	struct ip_addr addr = client ? a->q.client : a->q.server;
	bool peer = client == r->ingress;
	bool whole = ip_is_any(first) && ip_is_any(last);

	if (peer && r->fqdn && goes_by(a, r->fqdn))
		return true;
	if (!whole)
		return within(addr, first, last);
	if (ip_is_v4(addr) != ip_is_v4(first))
		return false;
	return !peer || (!r->fqdn && a->q.peer_external);
}

static bool word_says(const struct asked *a, const struct addr_word *w,
		      struct ip_addr addr)
{
	switch ((enum addr_kind)w->kind) {
	case ADDR_RANGE: return within(addr, w->first, w->last);
	case ADDR_ANY: return true;
	case ADDR_EXTERNAL: return a->q.peer_external;
	case ADDR_INTERNAL: return !a->q.peer_external;
	case ADDR_NAME: return goes_by(a, w->name);
	case ADDR_SET: break;
	}
	for (int s = 0; s < SETS; s++)
		for (size_t i = 0; i < sets[s].n_ranges; i++)
			if (strcmp(w->name, sets[s].name) == 0 &&
			    within(addr, sets[s].ranges[i].first,
				   sets[s].ranges[i].last))
				return true;
	return false;
}

static bool words_say(const struct asked *a, const struct addr_word *w,
		      size_t n, struct ip_addr addr)
{
	for (size_t i = 0; i < n; i++)
		if (word_says(a, &w[i], addr))
			return true;
	return false;
}

static bool ports_say(const struct rule_spec *r, uint16_t port)
{
	if (!r->lists)
		return port >= r->port && port <= r->portr;
	for (size_t i = 0; i < r->lists->n_ports; i++)
		if (port >= r->lists->ports[i].first &&
		    port <= r->lists->ports[i].last)
			return true;
	return false;
}

static bool host_is(const char *vhost, const char *name)
{
	char host[300];
	size_t n = 0, want = strlen(name);

	for (; vhost[n] && vhost[n] != ':'; n++)
		host[n] = (char)((vhost[n] >= 'A' && vhost[n] <= 'Z')
					 ? vhost[n] + 32
					 : vhost[n]);
	host[n] = '\0';
	if (name[0] == '*')
		return n >= want &&
		       strcmp(host + n - (want - 1), name + 1) == 0;
	return strcmp(host, name) == 0;
}

static const struct rule_app *sub_rule(const struct rule_spec *r, uint32_t app)
{
	for (size_t i = 0; i < r->n_apps; i++)
		if (r->apps[i].app == 0 || r->apps[i].app == app)
			return &r->apps[i];
	return NULL;
}

static bool rule_says(const struct asked *a, const struct rule_spec *r,
		      struct judgement *ret)
{
	const struct policy_query *q = &a->q;
	const struct rule_lists *l = r->lists;
	bool apps = r->n_apps > 0 || r->action == POLICY_CHECK_APP;

	if (r->ingress != q->ingress)
		return false;
	if (r->proto == 0 ? icmp(q->proto) && !q->icmp_enforced
			  : r->proto != q->proto)
		return false;
	if (!icmp(q->proto) && !ports_say(r, q->server_port))
		return false;
	if (l && (!words_say(a, l->from, l->n_from, q->client) ||
		  !words_say(a, l->to, l->n_to, q->server)))
		return false;
	if (!l && (!reference_end_says(a, r, true) ||
		   !reference_end_says(a, r, false)))
		return false;
	if (apps && q->app && !sub_rule(r, q->app))
		return false;
	if (r->vhost && q->vhost && !host_is(q->vhost, r->fqdn))
		return false;
	*ret = (struct judgement){ .rule_id = r->id,
				   .action = r->action,
				   .reason = REASON_RULE,
				   .reject = r->reject };
	if ((r->vhost && !q->vhost) || (apps && !q->app)) {
		ret->action = r->vhost && !q->vhost ? POLICY_CHECK_VH
						    : POLICY_CHECK_APP;
		ret->reason = REASON_APP_PENDING;
	} else if (apps) {
		ret->action = sub_rule(r, q->app)->action;
		ret->rule_id = sub_rule(r, q->app)->rule_id;
	}
	return true;
}

static struct judgement model_match(const struct policy_spec *spec,
				    const struct asked *a)
{
	struct judgement j = { .action = spec->defact,
			       .reason = REASON_DEFAULT,
			       .reject = spec->reject };

	for (size_t i = 0; i < spec->n_rules; i++)
		if (rule_says(a, &spec->rules[i], &j))
			return j;
	if (icmp(a->q.proto) && !a->q.icmp_enforced)
		return (struct judgement){ .action = POLICY_ALLOW,
					   .reason = REASON_ICMP_OPEN };
	return j;
}

/* --- queries -------------------------------------------------------------- */

/* One of both ends of a range, or an address beside it. */
static struct ip_addr near(struct ip_addr first, struct ip_addr last)
{
	struct ip_addr a = one_in(2) ? first : last;

	if (one_in(6))
		a.b[15]++;
	else if (one_in(6))
		a.b[15]--;
	return a;
}

static struct ip_addr near_words(const struct addr_word *w, size_t n, bool v6)
{
	const struct addr_word *one = &w[any((uint32_t)n)];

	return one->kind == ADDR_RANGE && ip_is_v4(one->first) != v6
		       ? near(one->first, one->last)
		       : some_addr(v6);
}

static void ask_about(struct policy_query *q, const struct rule_spec *r,
		      bool v6)
{
	if (one_in(5))
		return;
	q->ingress = r->ingress;
	if (r->lists) {
		q->client = near_words(r->lists->from, r->lists->n_from, v6);
		q->server = near_words(r->lists->to, r->lists->n_to, v6);
		q->server_port = r->lists->ports[0].first;
	} else if (ip_is_v4(r->sip) != v6 && ip_is_v4(r->dip) != v6) {
		q->client = near(r->sip, r->sipr);
		q->server = near(r->dip, r->dipr);
		q->server_port = one_in(2) ? r->port : r->portr;
	}
	if (one_in(8))
		q->server_port++;
	if (r->proto && !one_in(8))
		q->proto = r->proto;
	if (ip_is_v4(q->client) != ip_is_v4(q->server))
		q->server = some_addr(!ip_is_v4(q->client));
}

static uint16_t number_in(const struct policy *p, const char *name)
{
	for (uint16_t i = 1; i <= policy_n_names(p); i++)
		if (strcmp(policy_name(p, i), name) == 0)
			return i;
	return 0; /* no rule speaks of it */
}

static struct asked some_question(const struct policy *p,
				  const struct policy_spec *spec,
				  uint16_t numbers[static NAMES_PER_ADDR_MAX])
{
	static const char *const hosts[] = {
		NULL,
		"",
		"a.example.com",
		"X.Example.Com:8080",
		"d",
		"example.com",
		"x.y.c.org",
		"c.org",
	};
	bool v6 = one_in(2);
	struct asked a = { .q = { .client = some_addr(v6),
				  .server = some_addr(v6),
				  .server_port = some_port(),
				  .proto = some_proto(),
				  .ingress = one_in(2),
				  .peer_external = one_in(2),
				  .icmp_enforced = one_in(2),
				  .app = some_app(),
				  .vhost = hosts[any(ARRAY_LEN(hosts))] } };

	if (spec->n_rules)
		ask_about(&a.q, &spec->rules[any((uint32_t)spec->n_rules)], v6);
	a.n_names = one_in(2) ? 0 : any(4);
	for (unsigned i = 0; i < a.n_names; i++) {
		a.names[i] = some_name();
		numbers[i] = number_in(p, a.names[i]);
	}
	a.q.names = numbers;
	a.q.n_names = a.n_names;
	return a;
}

static bool same_judgement(struct judgement a, struct judgement b)
{
	return a.rule_id == b.rule_id && a.action == b.action &&
	       a.reason == b.reason && a.reject == b.reject &&
	       a.flags == b.flags;
}

/* Many rules on few addresses: small sets, and now and then a large one. */
static struct policy_spec some_policy(const struct addr_sets *known)
{
	struct policy_spec spec = { .defact = some_action(),
				    .reject = one_in(2),
				    .sets = known };
	bool v6 = one_in(3);

	spec.n_rules = one_in(40) ? any(RULES_MAX) : any(40);
	spec.rules = calloc(spec.n_rules + 1, sizeof *spec.rules);
	assert_non_null(spec.rules);
	for (size_t i = 0; i < spec.n_rules; i++)
		spec.rules[i] = one_in(4) ? our_rule((uint32_t)i + 1)
					  : reference_rule((uint32_t)i + 1,
							   v6 != one_in(5));
	return spec;
}

static void test_rules(void **state)
{
	uint32_t by_rule = 0, pending = 0;

	for (int done = 0; done < PAIRS; done += QUERIES) {
		struct addr_sets *known;
		struct policy_spec spec;
		struct policy *p, *again;
		struct err err;

		make_sets();
		known = addr_sets_new(sets, SETS);
		spec = some_policy(known);
		p = policy_compile(&spec, &err);
		assert_non_null(p);
		again = policy_with_sets(p, known, &err);
		assert_non_null(again);
		for (int i = 0; i < QUERIES; i++) {
			uint16_t numbers[NAMES_PER_ADDR_MAX];
			struct asked a = some_question(p, &spec, numbers);
			struct judgement want = model_match(&spec, &a);

			assert_true(
				same_judgement(policy_match(p, &a.q), want));
			assert_true(same_judgement(policy_match(again, &a.q),
						   want));
			by_rule += want.reason == REASON_RULE;
			pending += want.reason == REASON_APP_PENDING;
		}
		policy_put(p);
		policy_put(again);
		addr_sets_free(known);
		for (int s = 0; s < SETS; s++)
			addr_set_spec_done(&sets[s]);
	}
	print_message("# %u by rule, %u pending\n", by_rule, pending);
	/* It was worth it. */
	assert_true(by_rule > PAIRS / 5);
	assert_true(pending > PAIRS / 100);
}

/* --- subnets -------------------------------------------------------------- */

static struct subnet some_subnet(void)
{
	bool v6 = one_in(3);
	struct subnet s = { .net = some_addr(v6),
			    .prefix_bits =
				    (uint8_t)(v6 ? any(129) : 96 + any(33)) };

	for (unsigned i = s.prefix_bits; i < 128; i++)
		s.net.b[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	return s;
}

static void test_subnets(void **state)
{
	for (int round = 0; round < 500; round++) {
		struct subnet nets[60];
		size_t n = 1 + any(ARRAY_LEN(nets));
		struct snapshot *s;

		for (size_t i = 0; i < n; i++)
			nets[i] = some_subnet();
		s = snapshot_build(&(struct snapshot_spec){ .internal = nets,
							    .n_internal = n });
		assert_non_null(s);
		for (int i = 0; i < 100; i++) {
			struct ip_addr a = some_addr(one_in(2));
			bool want = ip_is_loopback(a);

			for (size_t k = 0; k < n; k++)
				want |= ip_is_v4(a) == ip_is_v4(nets[k].net) &&
					ip_in_prefix(a, nets[k].net,
						     nets[k].prefix_bits);
			assert_int_equal(snapshot_is_internal(s, a), want);
		}
		snapshot_free(s);
	}
}

/* --- bounds --------------------------------------------------------------- */

static struct rule_spec plain_rule(uint32_t i, struct ip_addr first,
				   struct ip_addr last)
{
	return (struct rule_spec){ .id = i + 1,
				   .sip = ip_from_v4(0x0a010005),
				   .sipr = ip_from_v4(0x0a010005),
				   .dip = first,
				   .dipr = last,
				   .portr = UINT16_MAX,
				   .proto = 6,
				   .action = POLICY_ALLOW };
}

/*
 * Ranges of which each overlaps half of all others, and port ranges as well:
 * cutting separates little, so the budget must hold, and answers stay right.
 */
static void test_budget(void **state)
{
	enum { RULES = 4000 };
	struct policy_spec spec = { .n_rules = RULES, .defact = POLICY_DENY };
	struct policy *p;
	struct err err;

	spec.rules = calloc(RULES, sizeof *spec.rules);
	for (uint32_t i = 0; i < RULES; i++) {
		struct rule_spec *r = &spec.rules[i];

		*r = plain_rule(i, ip_from_v4(any(1u << 31)),
				ip_from_v4((1u << 31) + any(1u << 31)));
		some_ports(&r->port, &r->portr);
		r->action = POLICY_CHECK_APP; /* hides nothing behind it */
	}
	p = policy_compile(&spec, &err);
	assert_non_null(p);
	print_message("# %zu bytes for %d overlapping rules\n",
		      policy_index_bytes(p), RULES);
	assert_true(policy_index_bytes(p) <
		    RULES * (4 * MATCH_COPIES_MAX + 64 + 32));
	for (int i = 0; i < 1000; i++) {
		struct asked a = { .q = { .client = ip_from_v4(0x0a010005),
					  .server = ip_from_v4(any(UINT32_MAX)),
					  .server_port = some_port(),
					  .proto = 6 } };

		assert_true(same_judgement(policy_match(p, &a.q),
					   model_match(&spec, &a)));
	}
	policy_put(p);
}

static void test_too_many_ranges(void **state)
{
	struct policy_spec spec = { .n_rules = 1, .defact = POLICY_DENY };
	struct rule_lists *l = calloc(1, sizeof *l);
	struct err err = { 0 };

	spec.rules = calloc(1, sizeof *spec.rules);
	spec.rules[0].lists = l;
	spec.rules[0].proto = 6;
	l->n_from = l->n_to = 1000;
	l->from = calloc(l->n_from, sizeof *l->from);
	l->to = calloc(l->n_to, sizeof *l->to);
	for (uint32_t i = 0; i < 1000; i++) {
		l->from[i].first = l->from[i].last = ip_from_v4(2 * i);
		l->to[i].first = l->to[i].last = ip_from_v4(3 * i);
	}
	l->n_ports = 1;
	l->ports = calloc(1, sizeof *l->ports);
	assert_null(policy_compile(&spec, &err));
	assert_int_equal(err.code, E2BIG);
}

static void test_unknown_set(void **state)
{
	struct policy_spec spec = { .n_rules = 1 };
	struct rule_lists *l = calloc(1, sizeof *l);
	struct err err = { 0 };

	spec.rules = calloc(1, sizeof *spec.rules);
	spec.rules[0].lists = l;
	l->n_from = l->n_to = 1;
	l->from = calloc(1, sizeof *l->from);
	l->to = calloc(1, sizeof *l->to);
	l->from[0].kind = ADDR_ANY;
	l->to[0] = (struct addr_word){ .kind = ADDR_SET, .name = strdup("db") };
	l->n_ports = 1;
	l->ports = calloc(1, sizeof *l->ports);
	assert_null(policy_compile(&spec, &err));
	assert_int_equal(err.code, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_subnets),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_too_many_ranges),
		cmocka_unit_test(test_unknown_set),
	};
	const char *given = getenv("WEIR_SEED");

	random_state = given ? strtoull(given, NULL, 0)
			     : (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ULL;
	print_message("# WEIR_SEED=%llu\n", (unsigned long long)random_state);
	random_state |= 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
