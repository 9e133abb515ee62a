/*
 * From what was recorded to what is proposed, and to what another mode would
 * have blocked. Conversations are drawn from a few workloads:
 *
 *	0, 1  web-1, web-2: service web of shop   10.0.0.1, 10.0.0.2
 *	2     db:           service db of shop    10.0.0.3
 *	3     hidden: a written group has its service's name
 */
#include "intent/propose.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "test.h"
#include "wire/words.h"

#define TCP   6
#define UDP   17
#define HTTP  1001
#define TLS   1002
#define MYSQL 2001
#define REDIS 2002

static const char *const abouts[] = {
	"{\"name\":\"web-1\",\"service\":\"web\",\"namespace\":\"shop\"}",
	"{\"name\":\"web-2\",\"service\":\"web\",\"namespace\":\"shop\"}",
	"{\"name\":\"db\",\"namespace\":\"shop\"}",
	"{\"name\":\"hidden\"}",
};
static const char *const ids[] = { "w1", "w2", "db", "h" };
static struct intent_workload workloads[4];
static struct ip_addr addrs[4], node;
static const struct intent_world world = { workloads, 4, &node, 1 };

static int start(void **state)
{
	for (unsigned k = 0; k < 4; k++) {
		addrs[k] = ip_from_v4(0x0a000001 + k);
		workloads[k] = (struct intent_workload){
			.id = ids[k],
			.about = json_loads(abouts[k], 0, NULL),
			.addrs = &addrs[k],
			.n_addrs = 1,
		};
	}
	node = ip_from_v4(0x0a0000fe);
	return 0;
}

static int stop(void **state)
{
	for (unsigned k = 0; k < 4; k++)
		json_decref((json_t *)(uintptr_t)workloads[k].about);
	return 0;
}

static struct intent *from_yaml(const char *text)
{
	struct intent *i = NULL;
	struct err err = { 0 };

	if (intent_from_yaml(text, strlen(text), "f", &i, &err) != 0)
		fail_msg("%s: %s\n%s", err.at, err.text, text);
	return i;
}

/* --- conversations ---------------------------------------------------- */

static struct intent_talk talks[400];
static size_t n_talks;

/* A talk of ten sessions, learned; who: a workload, or an address's last byte. */
static struct intent_talk *talk(size_t client, size_t server, uint8_t proto,
				uint16_t port, uint32_t app)
{
	struct intent_talk *t = &talks[n_talks++];

	*t = (struct intent_talk){
		.who = { .client = client < 4 ? client : INTENT_NOBODY,
			 .server = server < 4 ? server : INTENT_NOBODY,
			 .client_addr =
				 ip_from_v4(0x0a000001 + (uint32_t)client),
			 .server_addr =
				 ip_from_v4(0x0a000001 + (uint32_t)server),
			 .port = port,
			 .proto = proto,
			 .app = app },
		.action = POLICY_LEARN,
		.sessions = 10,
		.bytes = 100000,
		.first_s = 1000 + n_talks,
		.last_s = 2000 + n_talks,
	};
	return t;
}

static json_t *proposals(const char *text)
{
	struct intent *i = from_yaml(text);
	struct err err = { 0 };
	struct intent_judge *j = intent_judge_new(i, &world, 1, &err);
	json_t *list;

	assert_non_null(j);
	list = intent_propose(i, &world, j, talks, n_talks);
	assert_non_null(list);
	intent_judge_free(j);
	intent_put(i);
	n_talks = 0;
	return list;
}

/* keys: all proposals' keys, in order, with a space and a comma between. */
static void assert_keys(const char *text, const char *keys)
{
	json_t *list = proposals(text);
	char got[2048] = "";

	for (size_t k = 0; k < json_array_size(list); k++) {
		size_t len = strlen(got);

		(void)snprintf(got + len, sizeof got - len, "%s%s",
			       k ? ", " : "",
			       json_string_value(json_object_get(
				       json_array_get(list, k), "key")));
	}
	assert_string_equal(got, keys);
	json_decref(list);
}

static void test_plain(void **state)
{
	json_t *list, *want;

	talk(0, 2, TCP, 5432, 0);
	talk(1, 2, TCP, 5432, 0);
	list = proposals("");
	want = json_loads("[{\"key\":\"web.shop db.shop tcp/5432\",\"rule\":{"
			  "\"from\":[\"web.shop\"],\"to\":[\"db.shop\"],"
			  "\"ports\":[\"tcp/5432\"],\"action\":\"allow\","
			  "\"origin\":\"learned\"},\"provenance\":{"
			  "\"first_seen\":1001,\"last_seen\":2002,"
			  "\"sessions\":20,\"workloads\":[\"w1\",\"db\","
			  "\"w2\"]}}]",
			  0, NULL);
	assert_true(json_equal(list, want));
	json_decref(list);
	json_decref(want);
}

static void test_not_learned(void **state)
{
	talk(0, 2, TCP, 80, 0)->action = POLICY_ALLOW;
	talk(0, 2, TCP, 81, 0)->action = POLICY_VIOLATE;
	talk(0, 2, TCP, 82, 0)->action = POLICY_DENY;
	talk(70, 71, TCP, 83, 0);
	talk(3, 2, TCP, 84, 0);
	assert_keys("groups: [{name: hidden, where: [{key: name, value: x}]}]",
		    "");
}

static void test_applications(void **state)
{
	talk(0, 2, TCP, 3306, MYSQL);
	talk(1, 2, TCP, 3307, MYSQL);
	talk(0, 2, TCP, 6379, REDIS);
	/* one that closed before it said a word: the port */
	talk(0, 2, TCP, 8443, REDIS);
	talk(1, 2, TCP, 8443, UINT32_MAX);
	/* a base protocol says little: the port */
	talk(0, 2, TCP, 80, HTTP);
	assert_keys("", "web.shop db.shop tcp/80, web.shop db.shop tcp/8443, "
			"web.shop db.shop mysql, web.shop db.shop redis");
}

static const char *const allowed[] = {
	"rules: [{from: web.shop, to: any, action: allow}]",
	"rules: [{from: web.shop, to: db.shop, ports: tcp, action: allow}]",
	"rules: [{from: any, to: db.shop, ports: tcp/1-99, action: deny}]",
	"rules: [{from: any, to: db.shop, ports: tcp/80, action: alert}]",
};

static void test_settled(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(allowed); k++) {
		talk(0, 2, TCP, 80, 0);
		assert_keys(allowed[k], "");
	}
	/* allowed at one end only */
	talk(0, 2, TCP, 80, 0);
	assert_keys("rules: [{from: any, to: db.shop, side: server, action: "
		    "allow}]",
		    "web.shop db.shop tcp/80");
	/* that is what "learn" is for */
	talk(0, 2, TCP, 80, 0);
	assert_keys("default_mode: protect\n"
		    "rules: [{from: any, to: any, action: learn}]",
		    "web.shop db.shop tcp/80");
	/* by application, which this was not */
	talk(0, 2, TCP, 80, 0);
	assert_keys("rules: [{from: any, to: any, applications: tls, action: "
		    "allow}]",
		    "web.shop db.shop tcp/80");
	talk(0, 2, TCP, 80, TLS);
	assert_keys("rules: [{from: any, to: any, applications: tls, action: "
		    "allow}]",
		    "");
}

static void test_outside(void **state)
{
	talk(0, 90, TCP, 443, 0)->who.name = "www.example.com";
	talk(1, 91, TCP, 443, 0)->who.name = "www.example.com";
	talk(0, 92, TCP, 80, 0);
	talk(93, 2, TCP, 5432, 0);
	talk(0, 0xfe - 1, UDP, 53, 0);
	assert_keys("", "10.0.0.94 db.shop tcp/5432, "
			"web.shop 10.0.0.93 tcp/80, "
			"web.shop fqdn:www.example.com tcp/443, "
			"web.shop node udp/53");
	for (size_t k = 0; k < PROPOSE_PEERS_MAX; k++)
		talk(50 + k, 0, TCP, 80, 0);
	for (size_t k = 0; k <= PROPOSE_PEERS_MAX; k++)
		talk(50 + k, 2, TCP, 80, 0);
	assert_keys("", "10.0.0.51 web.shop tcp/80, 10.0.0.52 web.shop tcp/80, "
			"10.0.0.53 web.shop tcp/80, 10.0.0.54 web.shop tcp/80, "
			"10.0.0.55 web.shop tcp/80, 10.0.0.56 web.shop tcp/80, "
			"10.0.0.57 web.shop tcp/80, 10.0.0.58 web.shop tcp/80, "
			"external db.shop tcp/80");
}

static void test_ports(void **state)
{
	/* near, but not many */
	for (uint16_t k = 0; k < 4; k++)
		talk(0, 2, TCP, (uint16_t)(8000 + k), 0);
	assert_keys("", "web.shop db.shop tcp/8000, web.shop db.shop tcp/8001, "
			"web.shop db.shop tcp/8002, web.shop db.shop tcp/8003");
	/* many: the near ones are a range */
	for (uint16_t k = 0; k < PROPOSE_PORTS_MAX; k++)
		talk(0, 2, TCP, (uint16_t)(8000 + 3 * k), 0);
	talk(0, 2, TCP, 22, 0);
	assert_keys("", "web.shop db.shop tcp/22, "
			"web.shop db.shop tcp/range-7");
	/* those that systems choose */
	for (uint16_t k = 0; k <= PROPOSE_EPHEMERAL_MAX; k++)
		talk(0, 2, UDP, (uint16_t)(33000 + 999 * k), 0);
	talk(0, 2, UDP, 53, 0);
	assert_keys("", "web.shop db.shop udp/53, "
			"web.shop db.shop udp/range-32");
	talk(0, 2, 47, 0, 0);
	talk(0, 2, 1, 0x800, 0);
	assert_keys("", "web.shop db.shop icmp, web.shop db.shop ip/47");
}

static void test_range_is_a_rule(void **state)
{
	struct intent *i;
	struct intent *with = NULL;
	struct err err = { 0 };
	json_t *list, *rule;

	for (uint16_t k = 0; k <= PROPOSE_PORTS_MAX; k++)
		talk(0, 2, TCP, (uint16_t)(8000 + k), 0);
	list = proposals("");
	rule = json_object_get(json_array_get(list, 0), "rule");
	assert_string_equal(json_string_value(json_array_get(
				    json_object_get(rule, "ports"), 0)),
			    "tcp/8000-8016");
	i = from_yaml("");
	assert_int_equal(intent_with_rule(i, rule, -1, &with, NULL, &err), 0);
	intent_put(i);
	intent_put(with);
	json_decref(list);
}

static void sweep(size_t ports, uint64_t sessions, uint64_t bytes)
{
	for (size_t k = 0; k < ports; k++) {
		struct intent_talk *t =
			talk(0, 2, TCP, (uint16_t)(1 + 97 * k), 0);

		t->sessions = sessions;
		t->bytes = bytes;
	}
}

static size_t count(const char *text)
{
	json_t *list = proposals(text);
	size_t n = json_array_size(list);

	json_decref(list);
	return n;
}

static void test_sweeps(void **state)
{
	sweep(PROPOSE_SWEEP_PORTS, 1, 400);
	talk(0, 2, TCP, 5432, 0);
	assert_keys("", "web.shop db.shop tcp/5432");
	/* few ports, much said, or often: no sweep */
	sweep(PROPOSE_SWEEP_PORTS - 1, 1, 400);
	assert_int_equal(count(""), PROPOSE_SWEEP_PORTS - 1);
	sweep(PROPOSE_SWEEP_PORTS, 1, 4000);
	assert_int_equal(count(""), PROPOSE_SWEEP_PORTS);
	sweep(PROPOSE_SWEEP_PORTS, 50, 400);
	assert_int_equal(count(""), PROPOSE_SWEEP_PORTS);
}

/* --- what would be otherwise ------------------------------------------ */

static json_t *compared(const char *before, const char *after, bool blocked)
{
	struct intent *a = from_yaml(before ? before : "");
	struct intent *b = from_yaml(after);
	struct err err = { 0 };
	struct intent_judge *old = intent_judge_new(a, &world, 1, &err);
	struct intent_judge *new = intent_judge_new(b, &world, 1, &err);
	json_t *o = intent_compare(b, &world, before ? old : NULL, new, talks,
				   n_talks, blocked);

	assert_non_null(o);
	intent_judge_free(old);
	intent_judge_free(new);
	intent_put(a);
	intent_put(b);
	n_talks = 0;
	return o;
}

static void assert_compared(json_t *o, const char *want)
{
	json_t *w = json_loads(want, 0, NULL);

	assert_non_null(w);
	if (!json_equal(o, w))
		fail_msg("%s", json_dumps(o, 0));
	json_decref(o);
	json_decref(w);
}

static void test_dry_run(void **state)
{
	talk(0, 2, TCP, 5432, 0);
	talk(1, 2, TCP, 5432, 0);
	talk(0, 2, TCP, 22, 0);
	talk(0, 90, TCP, 443, 0)->who.name = "www.example.com";
	talk(2, 0, TCP, 80, 0)->action = POLICY_DENY;
	assert_compared(
		compared(NULL,
			 "groups: [{name: db.shop, mode: protect}]\n"
			 "rules: [{id: 5, from: any, to: db.shop, ports: "
			 "tcp/22, "
			 "action: reject}]",
			 true),
		"{\"sessions\":50,\"differ\":30,\"rows\":["
		"{\"was\":\"learn\",\"is\":\"deny\",\"rule\":0,"
		"\"side\":\"server\",\"from\":\"web.shop\",\"to\":\"db.shop\","
		"\"port\":\"tcp/5432\",\"sessions\":20,\"first_seen\":1001,"
		"\"last_seen\":2002,\"workloads\":[\"w1\",\"db\",\"w2\"]},"
		"{\"was\":\"learn\",\"is\":\"reject\",\"rule\":5,"
		"\"side\":\"client\",\"from\":\"web.shop\",\"to\":\"db.shop\","
		"\"port\":\"tcp/22\",\"sessions\":10,\"first_seen\":1003,"
		"\"last_seen\":2003,\"workloads\":[\"w1\",\"db\"]}]}");
}

static void test_old_addresses(void **state)
{
	static const char *const rules =
		"default_mode: protect\n"
		"rules: [{from: web.shop, to: db.shop, action: allow}]";
	struct intent_talk *t = talk(0, 2, TCP, 5432, 0);

	/* both had others then; another's, as it happens */
	t->who.client_addr = addrs[3];
	t->who.server_addr = ip_from_v4(0x0a000099);
	assert_compared(compared(NULL, rules, true),
			"{\"sessions\":10,\"differ\":0,\"rows\":[]}");
}

static void test_shadow(void **state)
{
	talk(0, 2, TCP, 5432, 0);
	talk(0, 2, TCP, 22, TLS);
	assert_compared(
		compared("default_mode: protect",
			 "default_mode: protect\n"
			 "rules: [{from: any, to: any, applications: tls, "
			 "action: allow}]",
			 false),
		"{\"sessions\":20,\"differ\":10,\"rows\":["
		"{\"was\":\"deny\",\"is\":\"allow\",\"rule\":1,"
		"\"side\":\"client\",\"from\":\"web.shop\",\"to\":\"db.shop\","
		"\"port\":\"tcp/22\",\"app\":\"tls\",\"sessions\":10,"
		"\"first_seen\":1002,\"last_seen\":2002,"
		"\"workloads\":[\"w1\",\"db\"]}]}");
	talk(0, 2, TCP, 5432, 0);
	assert_compared(compared("", "", false),
			"{\"sessions\":10,\"differ\":0,\"rows\":[]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_not_learned),
		cmocka_unit_test(test_applications),
		cmocka_unit_test(test_settled),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_range_is_a_rule),
		cmocka_unit_test(test_sweeps),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_old_addresses),
		cmocka_unit_test(test_shadow),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
