/*
 * What is kept for workloads: port maps, names, DLP/WAF settings.
 */
#include "dp/kept.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "dp/fqdns.h"
#include "frames.h"
#include "test.h"

static struct ctrl_msg message(const char *name, const char *body)
{
	struct err err = { 0 };
	json_t *v = ctrl_load(body, strlen(body), &err);
	int kind = ctrl_kind_by_name(name);
	struct ctrl_msg m;

	if (!v || kind < 0 ||
	    ctrl_parse((enum ctrl_kind)kind, v, true, &m, &err) < 0)
		fail_msg("%s: %s %s", body, err.at, err.text);
	json_decref(v);
	return m;
}

/* --- ports ------------------------------------------------------------ */

static const struct app_record *port_of(const struct app_maps *m, uint16_t port)
{
	size_t n;
	const struct app_record *apps = app_maps_get(m, 7, &n);

	for (size_t i = 0; i < n; i++)
		if (apps[i].port == port)
			return &apps[i];
	return NULL;
}

static bool is_seven(void *arg, uint16_t endpoint)
{
	(void)arg;
	return endpoint == 7;
}

/* A successor: what the agent told is there already, what was seen comes. */
static void test_ports_handed_over(void **state)
{
	static _Alignas(64) uint8_t memory[8192];
	struct app_maps *m = app_maps_new(), *next = app_maps_new();
	struct app_port told = { 6, 80, 0, 0 };
	struct app_record on_80 = { .port = 80, .ip_proto = 6, .proto = 1001 };
	struct app_record seen = { .port = 53, .ip_proto = 17, .proto = 1004 };
	struct image_writer w;
	struct image_reader r;
	size_t n;

	(void)state;
	assert_int_equal(app_maps_reserve(m, 7), 0);
	app_maps_configure(m, 7, &told, 1);
	assert_true(app_maps_learn(m, 7, &on_80));
	assert_true(app_maps_learn(m, 7, &seen));
	app_maps_told(m, 7);
	assert_true(app_maps_learn(m, 8, &seen)); /* who is gone there */
	image_write(&w, memory, sizeof memory);
	app_maps_save(m, &w);
	assert_int_equal(image_written(&w), 0);
	assert_int_equal(image_read(&r, memory, sizeof memory), 0);
	assert_int_equal(app_maps_reserve(next, 7), 0);
	app_maps_configure(next, 7, &told, 1);
	app_maps_load(next, &r, is_seven, NULL);
	(void)app_maps_get(next, 7, &n);
	assert_int_equal(n, 2);
	assert_int_equal(port_of(next, 80)->proto, 1001);
	assert_int_equal(port_of(next, 53)->proto, 1004);
	assert_false(app_maps_is_changed(next, 7));
	assert_true(app_maps_is_configured(next, 7, 0));
	assert_false(app_maps_is_configured(next, 7, 1));
	assert_null(app_maps_get(next, 8, &n));
	app_maps_free(m);
	app_maps_free(next);
}

static void test_ports(void **state)
{
	struct app_maps *m = app_maps_new();
	struct app_port told[] = { { 6, 80, 1001, 2022 },
				   { 6, 3306, 2001, 0 } };
	struct app_record seen = { .port = 53, .ip_proto = 17, .proto = 1004 };
	size_t n;

	assert_null(app_maps_get(m, 7, &n));
	assert_int_equal(app_maps_reserve(m, 7), 0);
	app_maps_configure(m, 7, told, 2);
	assert_true(app_maps_is_changed(m, 7));
	app_maps_told(m, 7);
	assert_int_equal(port_of(m, 80)->proto, 1001);
	assert_int_equal(port_of(m, 80)->server, 2022);
	assert_int_equal(port_of(m, 3306)->application, 2001);
	assert_int_equal(port_of(m, 3306)->proto, 0);

	/* what is known stays, the same again changes nothing */
	told[0].app = 1009;
	app_maps_configure(m, 7, told, 2);
	assert_false(app_maps_is_changed(m, 7));
	assert_int_equal(port_of(m, 80)->proto, 1001);

	/* seen ones stay when the agent's go */
	assert_true(app_maps_learn(m, 7, &seen));
	assert_true(app_maps_is_changed(m, 7));
	app_maps_configure(m, 7, told, 1);
	assert_non_null(port_of(m, 53));
	assert_null(port_of(m, 3306));
	app_maps_told(m, 7);
	assert_true(app_maps_learn(m, 7, &seen));
	assert_false(app_maps_is_changed(m, 7));
	seen.application = 2009;
	assert_true(app_maps_learn(m, 7, &seen));
	assert_true(app_maps_is_changed(m, 7));

	app_maps_forget(m, 7);
	(void)app_maps_get(m, 7, &n);
	assert_int_equal(n, 0);
	assert_false(app_maps_is_changed(m, 7));
	app_maps_free(m);
}

/* A full map: what was seen gives way to what is told, and is not taken in. */
static void test_ports_full(void **state)
{
	static struct app_port told[ENDPOINT_APPS_MAX];
	struct app_maps *m = app_maps_new();
	struct app_record seen = { .ip_proto = 6 };
	size_t n;

	for (uint16_t i = 0; i < ENDPOINT_APPS_MAX; i++) {
		told[i] = (struct app_port){ 17, (uint16_t)(i + 1), 0, 0 };
		seen.port = (uint16_t)(i + 1);
		assert_true(app_maps_learn(m, 7, &seen));
	}
	seen.port = 5000;
	assert_false(app_maps_learn(m, 7, &seen));
	app_maps_configure(m, 7, told, ENDPOINT_APPS_MAX);
	(void)app_maps_get(m, 7, &n);
	assert_int_equal(n, ENDPOINT_APPS_MAX);
	for (size_t i = 0; i < n; i++)
		assert_true(app_maps_is_configured(m, 7, i));
	app_maps_free(m);
}

/* --- names ------------------------------------------------------------ */

static int set_name(struct fqdns *f, const char *body)
{
	struct ctrl_msg m = message("ctrl_cfg_set_fqdn", body);
	struct err err;
	int rc = fqdns_set(f, &m, &err);

	ctrl_msg_done(&m);
	return rc;
}

static size_t del_names(struct fqdns *f, const char *body)
{
	struct ctrl_msg m = message("ctrl_cfg_del_fqdn", body);
	size_t n = fqdns_del(f, &m);

	ctrl_msg_done(&m);
	return n;
}

static void test_names(void **state)
{
	struct fqdns *f = fqdns_new();
	const struct fqdn_entry *all;
	size_t n;

	assert_int_equal(set_name(f, "{\"fqdn_name\":\"a.b\",\"fqdn_ips\":"
				     "[\"1.1.1.1\",\"1.1.1.1\"]}"),
			 0);
	assert_int_equal(set_name(f, "{\"fqdn_name\":\"A.B\",\"fqdn_ips\":"
				     "[\"1.1.1.1\",\"2.2.2.2\"],"
				     "\"vhost\":true}"),
			 0);
	assert_int_equal(set_name(f, "{\"fqdn_name\":\"*.c\"}"), 0);
	all = fqdns_all(f, &n);
	assert_int_equal(n, 2);
	assert_int_equal(all[0].n_ips, 2);
	assert_true(all[0].vhost);
	assert_true(ip_equal(all[0].ips[1], ip_of("2.2.2.2")));
	assert_int_equal(del_names(f, "{\"names\":[\"a.B\",\"x\"]}"), 1);
	all = fqdns_all(f, &n);
	assert_int_equal(n, 1);
	assert_string_equal(all[0].name, "*.c");
	fqdns_free(f);
}

static void test_names_full(void **state)
{
	struct fqdns *f = fqdns_new();
	char body[64];
	size_t n;

	for (int i = 0; i <= FQDNS_MAX; i++) {
		(void)snprintf(body, sizeof body, "{\"fqdn_name\":\"n%d\"}", i);
		assert_int_equal(set_name(f, body), i < FQDNS_MAX ? 0 : -E2BIG);
	}
	(void)fqdns_all(f, &n);
	assert_int_equal(n, FQDNS_MAX);
	assert_int_equal(del_names(f, "{\"names\":[\"n0\"]}"), 1);
	assert_int_equal(set_name(f, "{\"fqdn_name\":\"n0\"}"), 0);
	fqdns_free(f);
}

/* --- DLP -------------------------------------------------------------- */

static const uint16_t ids[] = { 0, 1, 2, 3, 4, 5, 6, 7 };

static struct dlp_targets only(uint16_t i, size_t n)
{
	return (struct dlp_targets){ &ids[i], n };
}

/* By which door; each has its own chunks. */
static bool strict = true;

static int configure(struct dlp *d, unsigned flag, const char *uses,
		     const char *rules, struct dlp_targets at)
{
	char body[512];
	struct ctrl_msg m;
	struct err err;
	int rc;

	(void)snprintf(body, sizeof body,
		       "{\"flag\":%u,\"mac\":[\"02:00:00:00:00:01\"],"
		       "\"dlp_rule_names\":[%s],\"waf_rule_names\":[{\"id\":"
		       "40001,\"action\":2}],\"rule_ids\":[%s],"
		       "\"waf_rule_ids\":[],\"ruletype\":\"inside\","
		       "\"wafruletype\":\"\"}",
		       flag, uses, rules);
	m = message("ctrl_cfg_dlp", body);
	rc = dlp_configure(d, &m, strict, at, &err);
	ctrl_msg_done(&m);
	return rc;
}

static void test_dlp_chunks(void **state)
{
	struct dlp *d = dlp_new();
	const struct dlp_scope *s;

	assert_int_equal(configure(d, 2, "", "", only(0, 1)), -EINVAL);
	assert_int_equal(
		configure(d, 1, "{\"id\":20001,\"action\":1}", "7", only(0, 1)),
		0);
	assert_null(dlp_scope_of(d, 0));
	/* a START forgets what was unfinished */
	assert_int_equal(
		configure(d, 1, "{\"id\":20002,\"action\":1}", "8", only(0, 1)),
		0);
	assert_int_equal(
		configure(d, 2, "{\"id\":20003,\"action\":2}", "9", only(0, 2)),
		0);
	s = dlp_scope_of(d, 1);
	assert_ptr_equal(s, dlp_scope_of(d, 0));
	assert_int_equal(s->users, 2);
	assert_int_equal(s->n_dlp, 2);
	assert_int_equal(s->n_waf, 2);
	assert_int_equal(s->dlp[0].id, 20002);
	assert_int_equal(s->dlp[1].action, 2);
	/* rule ids are those of START alone (2.5) */
	assert_int_equal(s->n_rule_ids, 1);
	assert_int_equal(s->rule_ids[0], 8);
	assert_true(s->inside && !s->waf_inside);
	dlp_clear(d, only(0, 1));
	assert_null(dlp_scope_of(d, 0));
	assert_int_equal(dlp_scope_of(d, 1)->users, 1);
	dlp_free(d);
}

static int build(struct dlp *d, unsigned flag, bool rule, struct dlp_targets at,
		 struct dlp_targets not_at)
{
	char body[512];
	struct ctrl_msg m;
	struct err err;
	int rc;

	(void)snprintf(body, sizeof body,
		       "{\"flag\":%u,\"dir\":1,\"mac\":[],\"delmac\":[],"
		       "\"dlp_rules\":[%s]}",
		       flag,
		       rule ? "{\"name\":\"n\",\"id\":20001,\"patterns\":"
			      "[\"/a/\"]}"
			    : "");
	m = message("ctrl_bld_dlp", body);
	rc = dlp_build(d, &m, strict, at, not_at, &err);
	ctrl_msg_done(&m);
	return rc;
}

static void test_doors(void **state)
{
	struct dlp *d = dlp_new();

	assert_int_equal(
		configure(d, 1, "{\"id\":20001,\"action\":1}", "7", only(0, 1)),
		0);
	assert_int_equal(build(d, 1, true, only(0, 1), only(1, 0)), 0);
	strict = false;
	assert_int_equal(configure(d, 2, "", "", only(0, 1)), -EINVAL);
	assert_int_equal(build(d, 2, true, only(0, 1), only(1, 0)), -EINVAL);
	strict = true;
	assert_int_equal(configure(d, 2, "", "", only(0, 1)), 0);
	assert_int_equal(build(d, 2, true, only(0, 1), only(1, 0)), 0);
	assert_int_equal(dlp_scope_of(d, 0)->n_dlp, 1);
	dlp_free(d);
}

static void test_detectors(void **state)
{
	struct dlp *d = dlp_new();
	struct dlp_targets none = { 0 };
	struct err err;

	assert_int_equal(build(d, 2, true, only(0, 1), none), -EINVAL);
	assert_int_equal(build(d, 1, true, only(0, 2), none), 0);
	assert_int_equal(build(d, 2, true, only(0, 2), none), 0);
	assert_int_equal(dlp_detector_of(d, 1)->n_rules, 2);
	assert_int_equal(dlp_detector_of(d, 1)->users, 2);
	assert_string_equal(dlp_detector_of(d, 0)->rules[1].patterns[0], "/a/");

	assert_int_equal(dlp_attach(d, only(5, 1), only(2, 1), none, &err),
			 -ESRCH);
	/* the last that has it may be the one that loses it */
	assert_int_equal(
		dlp_attach(d, only(0, 1), only(2, 1), only(0, 2), &err), 0);
	assert_null(dlp_detector_of(d, 0));
	assert_int_equal(dlp_detector_of(d, 2)->users, 1);
	assert_int_equal(dlp_attach(d, only(2, 1), none, only(2, 1), &err), 0);
	assert_null(dlp_detector_of(d, 2));

	/* an END chunk without rules takes it away; so does delmac */
	assert_int_equal(build(d, 3, true, only(3, 2), only(4, 1)), 0);
	assert_null(dlp_detector_of(d, 4));
	assert_non_null(dlp_detector_of(d, 3));
	assert_int_equal(build(d, 3, false, only(3, 1), none), 0);
	assert_null(dlp_detector_of(d, 3));
	dlp_forget(d, 3);
	dlp_free(d);
}

/* Shared and counted: random changes leave no leak and nothing freed in use. */
static void test_dlp_random(void **state)
{
	const char *given = getenv("WEIR_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 0)
			      : (unsigned)time(NULL);
	struct dlp *d = dlp_new();
	struct dlp_targets none = { 0 };
	struct err err;

	print_message("# WEIR_SEED=%u\n", seed);
	srandom(seed);
	for (int i = 0; i < 5000; i++) {
		uint16_t a = (uint16_t)(random() % 8);
		size_t n = (size_t)random() % (size_t)(9 - a);
		unsigned flag = (unsigned)random() % 4;
		size_t users = 0;

		switch (random() % 6) {
		case 0: (void)build(d, flag, true, only(a, n), none); break;
		case 1:
			(void)build(d, flag, random() % 2, only(a, n),
				    only(a, n / 2));
			break;
		case 2:
			(void)dlp_attach(d, only(a, n), only(a, n),
					 only(a, n / 2), &err);
			break;
		case 3: (void)configure(d, flag, "", "1", only(a, n)); break;
		case 4: dlp_clear(d, only(a, n)); break;
		default: dlp_forget(d, a); break;
		}
		for (uint16_t k = 0; k < 8; k++)
			if (dlp_detector_of(d, k) == dlp_detector_of(d, 0))
				users++;
		if (dlp_detector_of(d, 0))
			assert_int_equal(dlp_detector_of(d, 0)->users, users);
	}
	dlp_free(d);
}

static void test_kept(void **state)
{
	struct kept k;

	assert_int_equal(kept_init(&k), 0);
	assert_int_equal(app_maps_reserve(k.apps, 1), 0);
	assert_int_equal(
		build(k.dlp, 3, true, only(1, 1), (struct dlp_targets){ 0 }),
		0);
	kept_forget(&k, 1);
	assert_null(dlp_detector_of(k.dlp, 1));
	kept_done(&k);
	kept_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_ports_handed_over),
		cmocka_unit_test(test_ports_full),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_full),
		cmocka_unit_test(test_dlp_chunks),
		cmocka_unit_test(test_doors),
		cmocka_unit_test(test_detectors),
		cmocka_unit_test(test_dlp_random),
		cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
