/*
 * Rules and snapshots as tables. (Random ones: test_policy_model.c.)
 */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "policy/snapshot.h"
#include "test.h"

#define ANY  "0.0.0.0"
#define OWN  "10.1.0.5"
#define TCP  PROTO_TCP
#define ICMP PROTO_ICMP

struct text_rule {
	uint32_t id;
	const char *sip, *sipr, *dip, *dipr; /* NULL: as the first */
	uint16_t port, portr;
	uint8_t proto, action;
	bool ingress, vhost, fqdn;
};

static struct rule_spec rule_of(const struct text_rule *t)
{
	return (struct rule_spec){
		.id = t->id,
		.sip = ip_of(t->sip),
		.sipr = ip_of(t->sipr ? t->sipr : t->sip),
		.dip = ip_of(t->dip),
		.dipr = ip_of(t->dipr ? t->dipr : t->dip),
		.port = t->port,
		.portr = t->portr,
		.proto = t->proto,
		.action = t->action,
		.ingress = t->ingress,
		.vhost = t->vhost,
		.fqdn = t->fqdn ? strdup("example.com") : NULL,
	};
}

static struct policy *compile(const struct text_rule *rules, size_t n,
			      struct policy_spec spec)
{
	struct err err;
	struct policy *p;

	spec.rules = calloc(n ? n : 1, sizeof *spec.rules);
	assert_non_null(spec.rules);
	spec.n_rules = n;
	for (size_t i = 0; i < n; i++)
		spec.rules[i] = rule_of(&rules[i]);
	p = policy_compile(&spec, &err);
	assert_non_null(p);
	return p;
}

/* limits: table */
static void test_match(void **state)
{
	static const struct text_rule rules[] = {
		{ 1, OWN, NULL, "10.2.0.1", "10.2.0.9", 80, 90, TCP, 2, false,
		  false, false },
		{ 2, OWN, NULL, ANY, NULL, 443, 443, TCP, 2, false, false,
		  false },
		{ 3, ANY, NULL, OWN, NULL, 22, 22, TCP, 7, true, false, false },
		{ 4, ANY, "255.255.255.255", OWN, NULL, 22, 22, 0, 6, true,
		  false, false },
		{ 5, OWN, NULL, "10.3.0.1", NULL, 0, 65535, 0, 7, false, false,
		  false },
		{ 6, OWN, NULL, "10.4.0.1", NULL, 0, 65535, TCP, 2, false, true,
		  false },
		{ 7, OWN, NULL, ANY, NULL, 0, 65535, TCP, 2, false, false,
		  true },
	};
	static const struct {
		const char *name, *client, *server;
		uint16_t port;
		uint8_t proto;
		bool ingress, external, icmp;
		uint32_t id;
		uint8_t action;
	} rows[] = {
		{ "range begin", OWN, "10.2.0.1", 80, TCP, 0, 0, 0, 1, 2 },
		{ "range end", OWN, "10.2.0.9", 90, TCP, 0, 0, 0, 1, 2 },
		{ "behind range", OWN, "10.2.0.10", 80, TCP, 0, 0, 0, 0, 6 },
		{ "port below", OWN, "10.2.0.1", 79, TCP, 0, 0, 0, 0, 6 },
		{ "port above", OWN, "10.2.0.1", 91, TCP, 0, 0, 0, 0, 6 },
		{ "other proto", OWN, "10.2.0.1", 80, 17, 0, 0, 0, 0, 6 },
		{ "other client", "10.1.0.6", "10.2.0.1", 80, TCP, 0, 0, 0, 0,
		  6 },
		{ "other direction", OWN, "10.2.0.1", 80, TCP, 1, 0, 0, 0, 6 },
		{ "any external", OWN, "8.8.8.8", 443, TCP, 0, 1, 0, 2, 2 },
		{ "any is not internal", OWN, "8.8.8.8", 443, TCP, 0, 0, 0, 0,
		  6 },
		{ "any of its family", OWN, "2001:db8::1", 443, TCP, 0, 1, 0, 0,
		  6 },
		{ "external client", "8.8.8.8", OWN, 22, TCP, 1, 1, 0, 3, 7 },
		{ "whole range", "10.9.9.9", OWN, 22, TCP, 1, 0, 0, 4, 6 },
		{ "proto 0 is UDP", "10.9.9.9", OWN, 22, 17, 1, 0, 0, 4, 6 },
		{ "proto 0, no ICMP", OWN, "10.3.0.1", 0x800, ICMP, 0, 0, 0, 0,
		  2 },
		{ "ICMP enforced", OWN, "10.3.0.1", 0x800, ICMP, 0, 0, 1, 5,
		  7 },
		{ "ICMP default", OWN, "10.9.0.1", 0x800, ICMP, 0, 0, 1, 0, 6 },
		{ "virtual host", OWN, "10.4.0.1", 80, TCP, 0, 0, 0, 6,
		  POLICY_CHECK_VH },
		{ "unresolved name", OWN, "8.8.8.8", 80, TCP, 0, 1, 0, 0, 6 },
	};
	struct policy *p =
		compile(rules, ARRAY_LEN(rules),
			(struct policy_spec){ .defact = POLICY_VIOLATE });

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy_query q = {
			.client = ip_of(rows[i].client),
			.server = ip_of(rows[i].server),
			.server_port = rows[i].port,
			.proto = rows[i].proto,
			.ingress = rows[i].ingress,
			.peer_external = rows[i].external,
			.icmp_enforced = rows[i].icmp,
		};
		struct judgement j = policy_match(p, &q);

		assert_row(rows[i].name, j.rule_id == rows[i].id);
		assert_row(rows[i].name, j.action == rows[i].action);
	}
	policy_put(p);
}

/* --- snapshots ------------------------------------------------------------ */

static const struct mac ep_mac = { { 2, 0, 0, 0, 0, 1 } };

static struct subnet net_of(const char *text, unsigned bits, uint8_t type)
{
	return (struct subnet){ ip_of(text), (uint8_t)(96 + bits), type };
}

struct judge_row {
	const char *name;
	uint8_t dir, defact;
	const char *client, *server;
	bool ingress, has_addrs;
	uint8_t action, reason;
	uint16_t flags;
	uint8_t grace;
};

static void judge_row(const struct judge_row *r)
{
	struct policy *p = compile(
		NULL, 0,
		(struct policy_spec){ .defact = r->defact, .dir = r->dir });
	struct endpoint e = { .used = true, .mac = ep_mac, .policy = p };
	struct subnet internal[] = { net_of("10.0.0.0", 8, 0) };
	struct subnet special[] = {
		net_of("10.7.0.1", 32, IP_TYPE_HOST),
		net_of("10.7.0.2", 32, IP_TYPE_UWL),
		net_of("10.7.0.3", 32, IP_TYPE_DEV),
		net_of("10.7.0.4", 32, IP_TYPE_SVC),
		net_of("10.7.0.5", 32, IP_TYPE_TUNNEL),
		net_of("9.9.9.9", 32, IP_TYPE_EXT),
	};
	struct ip_addr known[] = { ip_of("10.8.0.2"), ip_of("10.8.0.1") };
	struct snapshot *s = snapshot_build(&(struct snapshot_spec){
		.endpoints = &e,
		.n_endpoints = 1,
		.internal = internal,
		.n_internal = ARRAY_LEN(internal),
		.special = special,
		.n_special = ARRAY_LEN(special),
		.policy_addrs = known,
		.n_policy_addrs = r->has_addrs ? ARRAY_LEN(known) : 0,
		.has_policy_addrs = r->has_addrs,
		.version = 1,
	});
	struct policy_query q = { .client = ip_of(r->client),
				  .server = ip_of(r->server),
				  .server_port = 80,
				  .proto = TCP,
				  .ingress = r->ingress };
	struct judgement j;

	policy_put(p); /* the snapshot has its own count */
	assert_row(r->name, s != NULL);
	j = snapshot_judge(s, 0, &q);
	if (j.action != r->action || j.reason != r->reason ||
	    j.flags != r->flags || j.grace_retries != r->grace)
		fail_msg("row \"%s\": action %u, %s, flags %#x, grace %u",
			 r->name, j.action, reason_name(j.reason), j.flags,
			 j.grace_retries);
	snapshot_free(s);
}

static void test_judge(void **state)
{
	enum { E = POLICY_DIR_EGRESS, I = POLICY_DIR_INGRESS, D = POLICY_DENY };
	static const struct judge_row rows[] = {
		{ "internal, not enforced", I, D, OWN, "10.2.0.1", 0, 0, 0,
		  REASON_INTERNAL, 0, 0 },
		{ "internal, enforced", E, D, OWN, "10.2.0.1", 0, 0, D,
		  REASON_DEFAULT, 0, 0 },
		{ "ingress, not enforced", E, D, "10.2.0.1", OWN, 1, 0, 0,
		  REASON_INTERNAL, 0, 0 },
		{ "ingress, enforced", I, D, "10.2.0.1", OWN, 1, 0, D,
		  REASON_DEFAULT, 0, 0 },
		{ "external", I, D, OWN, "8.8.8.8", 0, 0, D, REASON_DEFAULT,
		  SESSION_EXTERNAL, 0 },
		{ "external, ingress", E, D, "8.8.8.8", OWN, 1, 0, D,
		  REASON_DEFAULT, SESSION_EXTERNAL, 0 },
		{ "loopback is internal", I, D, OWN, "127.0.0.1", 0, 0, 0,
		  REASON_INTERNAL, 0, 0 },
		{ "foreign source", E, D, "8.8.8.8", "10.2.0.1", 0, 0, 0,
		  REASON_PASS_THROUGH, 0, 0 },
		{ "link-local", E, D, OWN, "169.254.1.1", 0, 0, 0,
		  REASON_LINK_LOCAL, SESSION_LINK_LOCAL, 0 },
		{ "unmanaged", E, D, OWN, "10.7.0.2", 0, 0, 0, REASON_UNMANAGED,
		  SESSION_UNMANAGED, 0 },
		{ "external service", E, D, OWN, "9.9.9.9", 0, 0, D,
		  REASON_EXTERNAL_IP, SESSION_EXTERNAL | SESSION_SVC_EXTIP, 0 },
		{ "the same, not denying", E, 6, OWN, "9.9.9.9", 0, 0, 6,
		  REASON_EXTERNAL_IP, SESSION_EXTERNAL | SESSION_SVC_EXTIP, 0 },
		{ "host is judged, egress", I, D, OWN, "10.7.0.1", 0, 0, D,
		  REASON_DEFAULT, 0, 0 },
		{ "host is not, ingress", E, D, "10.7.0.1", OWN, 1, 0, 0,
		  REASON_INTERNAL, 0, 0 },
		{ "IPv6, of which it does not speak", E, D, "2001:db8::1",
		  "2001:db8::2", 0, 0, 0, REASON_FAMILY_OPEN, 0, 0 },
		/* grace, only with a list */
		{ "unknown peer", E, D, OWN, "10.2.0.1", 0, 1, D,
		  REASON_DEFAULT, 0, 10 },
		{ "known peer", E, D, OWN, "10.8.0.1", 0, 1, D, REASON_DEFAULT,
		  0, 0 },
		{ "the other known peer", E, D, OWN, "10.8.0.2", 0, 1, D,
		  REASON_DEFAULT, 0, 0 },
		{ "external, own unknown", E, D, OWN, "8.8.8.8", 0, 1, D,
		  REASON_DEFAULT, SESSION_EXTERNAL, 2 },
		{ "external, own known", E, D, "10.8.0.1", "8.8.8.8", 0, 1, D,
		  REASON_DEFAULT, SESSION_EXTERNAL, 0 },
		{ "host, own unknown", E, D, OWN, "10.7.0.1", 0, 1, D,
		  REASON_DEFAULT, 0, 3 },
		{ "tunnel, own unknown", E, D, OWN, "10.7.0.5", 0, 1, D,
		  REASON_DEFAULT, 0, 3 },
		{ "device", E, D, OWN, "10.7.0.3", 0, 1, 0, REASON_INTERNAL, 0,
		  0 },
		{ "service", E, D, OWN, "10.7.0.4", 0, 1, D, REASON_DEFAULT, 0,
		  0 },
		{ "nothing to put off", E, 2, OWN, "10.2.0.1", 0, 1, 2,
		  REASON_DEFAULT, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		judge_row(&rows[i]);
}

static void test_ipv6_and_no_policy(void **state)
{
	struct policy *p = compile(NULL, 0,
				   (struct policy_spec){ .defact = POLICY_DENY,
							 .dir = 3,
							 .ipv6 = true });
	struct endpoint e[] = {
		{ .used = true, .mac = ep_mac, .policy = p },
		{ .used = true, .ucmac = ep_mac },
		{ .used = false },
	};
	struct snapshot *s = snapshot_build(&(struct snapshot_spec){
		.endpoints = e, .n_endpoints = ARRAY_LEN(e), .version = 9 });
	struct policy_query q = { .client = ip_of("2001:db8::1"),
				  .server = ip_of("fe80::1"),
				  .proto = TCP };

	policy_put(p);
	assert_non_null(s);
	assert_int_equal(snapshot_judge(s, 0, &q).action, POLICY_DENY);
	assert_int_equal(snapshot_judge(s, 1, &q).reason, REASON_NO_POLICY);
	assert_int_equal(snapshot_judge(s, 2, &q).reason, REASON_NO_POLICY);
	assert_int_equal(snapshot_version(s), 9);
	assert_int_equal(snapshot_find_mac(s, ep_mac, MAC_REAL), 0);
	assert_int_equal(snapshot_find_mac(s, ep_mac, MAC_MARK), 1);
	assert_null(snapshot_endpoint(s, 2));
	assert_null(snapshot_endpoint(s, ENDPOINT_NONE));
	assert_true(snapshot_is_internal(s, ip_of("8.8.8.8")));
	snapshot_free(s);
}

/* --- switches, namespaces, names ------------------------------------------ */

struct switch_row {
	const char *name;
	uint8_t dir, defact;
	const char *client, *server;
	bool ingress, nbe, strict, detect, off, known;
	uint8_t action, reason;
	uint16_t flags;
	uint8_t grace;
};

static void switch_row(const struct switch_row *r)
{
	static const struct text_rule rules[] = {
		{ 1, OWN, NULL, "10.2.0.9", NULL, 0, 65535, TCP,
		  POLICY_CHECK_NBE, false, false, false },
		{ 2, "10.2.0.9", NULL, OWN, NULL, 0, 65535, TCP,
		  POLICY_CHECK_NBE, true, false, false },
	};
	struct policy *p = compile(
		rules, ARRAY_LEN(rules),
		(struct policy_spec){ .defact = r->defact, .dir = r->dir });
	struct endpoint e = {
		.used = true, .mac = ep_mac, .policy = p, .nbe = r->nbe
	};
	struct subnet internal[] = { net_of("10.0.0.0", 8, 0) };
	struct subnet special[] = {
		net_of("10.7.0.2", 32, IP_TYPE_UWL),
		net_of("10.7.0.4", 32, IP_TYPE_SVC),
	};
	struct snapshot *s = snapshot_build(&(struct snapshot_spec){
		.endpoints = &e,
		.n_endpoints = 1,
		.internal = internal,
		.n_internal = ARRAY_LEN(internal),
		.special = special,
		.n_special = ARRAY_LEN(special),
		.has_policy_addrs = r->known,
		.net_policy_disabled = r->off,
		.detect_unmanaged = r->detect,
		.strict_group_mode = r->strict,
		.version = 1,
	});
	struct policy_query q = { .client = ip_of(r->client),
				  .server = ip_of(r->server),
				  .server_port = 80,
				  .proto = TCP,
				  .ingress = r->ingress };
	struct judgement j;

	policy_put(p);
	assert_row(r->name, s != NULL);
	j = snapshot_judge(s, 0, &q);
	if (j.action != r->action || j.reason != r->reason ||
	    j.flags != r->flags || j.grace_retries != r->grace)
		fail_msg("row \"%s\": action %u, %s, flags %#x, grace %u",
			 r->name, j.action, reason_name(j.reason), j.flags,
			 j.grace_retries);
	snapshot_free(s);
}

static void test_switches(void **state)
{
	enum { E = POLICY_DIR_EGRESS, I = POLICY_DIR_INGRESS, D = POLICY_DENY };
	static const struct switch_row rows[] = {
		{ "off", E, D, OWN, "10.2.0.1", .off = true,
		  .reason = REASON_POLICY_OFF, .flags = SESSION_TMP_OPEN },
		{ "strict: no exemption", I, D, OWN, "10.2.0.1", .strict = true,
		  .action = D, .reason = REASON_DEFAULT },
		{ "strict, ingress", E, D, "10.2.0.1", OWN, .ingress = true,
		  .strict = true, .action = D, .reason = REASON_DEFAULT },
		{ "strict, but it does not deny", I, 6, OWN, "10.2.0.1",
		  .strict = true, .reason = REASON_INTERNAL },
		{ "strict: no grace", E, D, OWN, "10.2.0.1", .strict = true,
		  .known = true, .action = D, .reason = REASON_DEFAULT },
		{ "strict: grace for external", E, D, OWN, "8.8.8.8",
		  .strict = true, .known = true, .action = D,
		  .reason = REASON_DEFAULT, .flags = SESSION_EXTERNAL,
		  .grace = 2 },
		{ "unmanaged is judged", I, D, OWN, "10.7.0.2", .detect = true,
		  .action = D, .reason = REASON_DEFAULT,
		  .flags = SESSION_UNMANAGED },
		{ "boundary", E, D, OWN, "10.2.0.9", .nbe = true, .action = D,
		  .reason = REASON_NAMESPACE, .flags = SESSION_NBE_CHECK },
		{ "boundary, ingress", I, D, "10.2.0.9", OWN, .ingress = true,
		  .nbe = true, .action = D, .reason = REASON_NAMESPACE,
		  .flags = SESSION_NBE_CHECK },
		{ "boundary, monitored", E, 6, OWN, "10.2.0.9", .nbe = true,
		  .action = 6, .reason = REASON_NAMESPACE,
		  .flags = SESSION_NBE_CHECK },
		{ "no boundary", E, D, OWN, "10.2.0.9", .action = POLICY_ALLOW,
		  .reason = REASON_RULE },
		{ "boundary: no exemption", I, D, OWN, "10.2.0.1", .nbe = true,
		  .action = D, .reason = REASON_DEFAULT,
		  .flags = SESSION_NBE_SAME },
		{ "boundary: enforced as it is", E, D, OWN, "10.2.0.1",
		  .nbe = true, .action = D, .reason = REASON_DEFAULT },
		{ "boundary: service", E, D, OWN, "10.7.0.4", .nbe = true,
		  .reason = REASON_NAMESPACE_SERVICE },
		{ "boundary: from a service", I, D, "10.7.0.4", OWN,
		  .ingress = true, .nbe = true, .action = D,
		  .reason = REASON_DEFAULT },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		switch_row(&rows[i]);
}

/* Names of others are no names of this policy. */
static void test_names(void **state)
{
	static const char *const texts[] = { "example.org", "example.com" };
	struct name_set *names = name_set_next(NULL, texts, 2, NULL);
	static const struct text_rule rules[] = {
		{ 1, OWN, NULL, "8.8.4.4", NULL, 443, 443, TCP, 2, false, false,
		  true },
		{ 2, OWN, NULL, ANY, NULL, 80, 80, TCP, 2, false, false, true },
	};
	static const struct {
		const char *name, *server;
		uint16_t port, id;
		uint32_t rule;
		uint8_t reason;
	} rows[] = {
		{ "by its address", "8.8.4.4", 443, 0, 1, REASON_RULE },
		{ "by its name", "10.9.0.1", 443, 2, 1, REASON_RULE },
		{ "by another name", "10.9.0.1", 443, 1, 0, REASON_INTERNAL },
		{ "by no known name", "10.9.0.1", 443, 3, 0, REASON_INTERNAL },
		{ "unresolved rule", "8.8.8.8", 80, 2, 2, REASON_RULE },
		{ "unresolved rule, no name", "8.8.8.8", 80, 0, 0,
		  REASON_DEFAULT },
		{ "given address", "9.9.9.9", 80, 0, 2, REASON_RULE },
		{ "given address, other name", "9.9.9.8", 80, 0, 0,
		  REASON_DEFAULT },
	};
	struct policy *p =
		compile(rules, ARRAY_LEN(rules),
			(struct policy_spec){ .defact = POLICY_DENY,
					      .dir = POLICY_DIR_INGRESS });
	struct endpoint e = { .used = true, .mac = ep_mac, .policy = p };
	struct subnet internal[] = { net_of("10.0.0.0", 8, 0) };
	struct name_addr given[] = { { ip_of("9.9.9.9"), 2 },
				     { ip_of("9.9.9.8"), 1 },
				     { ip_of("9.9.9.9"), 1 } };
	struct snapshot *s = snapshot_build(&(struct snapshot_spec){
		.endpoints = &e,
		.n_endpoints = 1,
		.internal = internal,
		.n_internal = 1,
		.version = 1,
		.names = names,
		.name_addrs = given,
		.n_name_addrs = ARRAY_LEN(given),
	});

	assert_int_equal(policy_n_names(p), 1);
	assert_string_equal(policy_name(p, 1), "example.com");
	assert_true(policy_owns_address(p, ip_of(OWN)));
	assert_false(policy_owns_address(p, ip_of("8.8.4.4")));
	policy_put(p);
	assert_non_null(s);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy_query q = { .client = ip_of(OWN),
					  .server = ip_of(rows[i].server),
					  .server_port = rows[i].port,
					  .proto = TCP,
					  .names = &rows[i].id,
					  .n_names = rows[i].id != 0 };
		struct judgement j = snapshot_judge(s, 0, &q);

		assert_row(rows[i].name, j.rule_id == rows[i].rule);
		assert_row(rows[i].name, j.reason == rows[i].reason);
	}
	snapshot_free(s);
	name_set_free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_ipv6_and_no_policy),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
