/*
 * Settings as JSON: what is read, what is refused and how that is told, and
 * that what is shown can be read.
 */
#include "dp/settings.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "wire/ctrl.h"

static int read_text(const char *text, struct inspect_settings *s,
		     struct err *reterr)
{
	json_t *v = ctrl_load(text, strlen(text), reterr);
	int rc;

	assert_row(text, v);
	rc = settings_read(v, s, s, reterr);
	json_decref(v);
	return rc;
}

/* What is not the default after that, as one line; the caller's to free(). */
static char *changed_by(const char *text)
{
	struct inspect_settings s = inspect_settings_default();
	struct err err = { 0 };
	json_t *v;
	char *line;

	if (read_text(text, &s, &err) < 0)
		fail_msg("%s: %s: %s", text, err.at, err.text);
	v = settings_changed_json(&s);
	line = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(v);
	assert_row(text, line);
	return line;
}

static void test_good(void **state)
{
	/* same NULL: text itself */
	static const struct {
		const char *text, *same;
	} rows[] = {
		{ "{}", NULL },
		{ "{\"meters\":{}}", "{}" },
		{ "{\"meters\":null}", "{}" },
		{ "{\"meters\":{\"syn-flood\":{\"upper\":800}}}", "{}" },
		{ "{\"policy\":{\"absent\":\"drop\"}}", NULL },
		{ "{\"policy\":{\"absent\":\"open\"}}", "{}" },
		{ "{\"meters\":{\"syn-flood\":{\"upper\":900}}}", NULL },
		{ "{\"meters\":{\"syn-flood\":{\"enabled\":false,\"idle_s\":9,"
		  "\"log_gap_s\":0,\"lower\":1,\"span_s\":60,"
		  "\"upper\":2147483648}}}",
		  NULL },
		{ "{\"meters\":{\"source-sessions\":{\"enabled\":true,"
		  "\"span_s\":0}}}",
		  "{\"meters\":{\"source-sessions\":{\"enabled\":true}}}" },
		{ "{\"meters\":{\"icmp-flood\":{\"lower\":50},"
		  "\"session-rate\":{\"enabled\":true},"
		  "\"udp-flood\":{\"enabled\":true}}}",
		  NULL },
		{ "{\"threats\":{\"1001\":{\"enabled\":false},\"2003\":{"
		  "\"action\":\"allow\",\"enabled\":true}}}",
		  NULL },
		{ "{\"threats\":{\"1001\":{\"action\":\"allow\"},"
		  "\"1002\":{\"action\":\"allow\"},"
		  "\"1003\":{\"action\":\"reset\"},"
		  "\"2026\":{\"action\":\"reset\"}}}",
		  NULL },
		{ "{\"threats\":{\"1001\":{\"action\":\"drop\"}}}", "{}" },
		{ "{\"streams\":{\"on\":{\"conflict\":\"pass\",\"no_stream\":"
		  "\"drop\",\"outside\":\"bypass\"},\"overlap\":\"last\"}}",
		  NULL },
		{ "{\"fragments\":{\"overlap\":\"first\"}}", NULL },
		{ "{\"flows\":{\"full\":\"drop\"}}", NULL },
		{ "{\"flows\":{\"full\":\"judge\"}}", "{}" },
		{ "{\"tunnels\":{\"geneve_ports\":[],\"look\":[\"gre\","
		  "\"vxlan\"],\"vxlan_ports\":[4789]}}",
		  NULL },
		{ "{\"tunnels\":{\"look\":[\"ipip\",\"6in4\",\"4in6\","
		  "\"ip6ip6\",\"gre\",\"vxlan\",\"geneve\"]}}",
		  NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *line = changed_by(rows[i].text);

		assert_string_equal(line,
				    rows[i].same ? rows[i].same : rows[i].text);
		free(line);
	}
}

/* What is left of them when text is read after them. */
static void check_left(const char *changed, const char *text, const char *left)
{
	struct inspect_settings s = inspect_settings_default();
	struct err err = { 0 };
	json_t *v;
	char *line;

	assert_int_equal(read_text(changed, &s, &err), 0);
	assert_row(text, read_text(text, &s, &err) == 0);
	v = settings_changed_json(&s);
	line = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(line, left);
	free(line);
	json_decref(v);
}

/* null is the default again: of a member, of an object, of a whole section. */
static void test_null(void **state)
{
	static const char changed[] =
		"{\"cache\":{\"frames\":9,\"on\":false},"
		"\"meters\":{\"syn-flood\":{\"upper\":900}},"
		"\"streams\":{\"on\":{\"conflict\":\"pass\"},"
		"\"overlap\":\"last\"}}";
	static const struct {
		const char *text, *left;
	} rows[] = {
		{ "{}", changed },
		{ "{\"cache\":null,\"meters\":null}",
		  "{\"streams\":{\"on\":{\"conflict\":\"pass\"},"
		  "\"overlap\":\"last\"}}" },
		{ "{\"cache\":{\"on\":null},\"streams\":null,"
		  "\"meters\":{\"syn-flood\":null}}",
		  "{\"cache\":{\"frames\":9}}" },
		{ "{\"cache\":{\"frames\":null,\"on\":true},\"streams\":{"
		  "\"on\":{\"conflict\":null}},\"tunnels\":{\"look\":null},"
		  "\"meters\":{\"syn-flood\":{\"upper\":null}}}",
		  "{\"streams\":{\"overlap\":\"last\"}}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_left(changed, rows[i].text, rows[i].left);
}

static const struct {
	const char *text, *at;
} refused[] = {
	{ "[]", "" },
	{ "{\"nonsense\":{}}", "nonsense" },
	{ "{\"meters\":[]}", "meters" },
	{ "{\"meters\":{\"nonsense\":{}}}", "meters.nonsense" },
	{ "{\"threats\":{\"2999\":{}}}", "threats.2999" },
	{ "{\"threats\":{\"2002\":{\"action\":\"allow\"}}}",
	  "threats.2002.action" },
	{ "{\"meters\":{\"syn-flood\":{\"nonsense\":1}}}",
	  "meters.syn-flood.nonsense" },
	{ "{\"meters\":{\"syn-flood\":{\"enabled\":1}}}",
	  "meters.syn-flood.enabled" },
	{ "{\"meters\":{\"syn-flood\":{\"upper\":\"9\"}}}",
	  "meters.syn-flood.upper" },
	{ "{\"meters\":{\"syn-flood\":{\"upper\":0}}}",
	  "meters.syn-flood.upper" },
	{ "{\"meters\":{\"syn-flood\":{\"upper\":2147483649}}}",
	  "meters.syn-flood.upper" },
	{ "{\"meters\":{\"syn-flood\":{\"upper\":-1}}}",
	  "meters.syn-flood.upper" },
	/* with the lower limit that is set */
	{ "{\"meters\":{\"syn-flood\":{\"upper\":599}}}",
	  "meters.syn-flood.lower" },
	{ "{\"meters\":{\"syn-flood\":{\"span_s\":61}}}",
	  "meters.syn-flood.span_s" },
	{ "{\"meters\":{\"source-sessions\":{\"span_s\":1}}}",
	  "meters.source-sessions.span_s" },
	{ "{\"meters\":{\"syn-flood\":{\"idle_s\":0}}}",
	  "meters.syn-flood.idle_s" },
	{ "{\"meters\":{\"syn-flood\":{\"log_gap_s\":3601}}}",
	  "meters.syn-flood.log_gap_s" },
	{ "{\"threats\":{\"9999\":{}}}", "threats.9999" },
	{ "{\"threats\":{\"2001\":{\"action\":\"drop\"}}}",
	  "threats.2001.action" },
	{ "{\"threats\":{\"1001\":{\"action\":\"reset\"}}}",
	  "threats.1001.action" },
	{ "{\"threats\":{\"2026\":{\"action\":\"bypass\"}}}",
	  "threats.2026.action" },
	{ "{\"threats\":{\"2003\":true}}", "threats.2003" },
	{ "{\"streams\":{\"overlap\":\"kill\"}}", "streams.overlap" },
	{ "{\"streams\":{\"on\":{\"none\":\"pass\"}}}", "streams.on.none" },
	{ "{\"streams\":{\"on\":{\"fin\":\"allow\"}}}", "streams.on.fin" },
	{ "{\"fragments\":{\"overlap\":\"last\"}}", "fragments.overlap" },
	{ "{\"flows\":{\"full\":\"\"}}", "flows.full" },
	{ "{\"flows\":{\"full\":\"drop\",\"more\":1}}", "flows.more" },
	{ "{\"tunnels\":{\"look\":[\"gre\",\"none\"]}}", "tunnels.look[1]" },
	{ "{\"tunnels\":{\"look\":[7]}}", "tunnels.look[0]" },
	{ "{\"tunnels\":{\"look\":\"gre\"}}", "tunnels.look" },
	{ "{\"tunnels\":{\"vxlan_ports\":[0]}}", "tunnels.vxlan_ports[0]" },
	{ "{\"tunnels\":{\"geneve_ports\":[1,65536]}}",
	  "tunnels.geneve_ports[1]" },
	{ "{\"tunnels\":{\"vxlan_ports\":[\"4789\"]}}",
	  "tunnels.vxlan_ports[0]" },
	{ "{\"tunnels\":{\"vxlan_ports\":[1,2,3,4,5,6,7,8,9]}}",
	  "tunnels.vxlan_ports" },
	/* nothing of it is kept, whatever was right before */
	{ "{\"flows\":{\"full\":\"drop\"},\"tunnels\":{\"look\":["
	  "\"gre\"],\"geneve_ports\":[1],\"vxlan_ports\":[0]}}",
	  "tunnels.vxlan_ports[0]" },
};

static void is_refused(const char *text, const char *at)
{
	struct inspect_settings s = inspect_settings_default();
	struct err err = { 0 };
	json_t *changed;

	assert_row(text, read_text(text, &s, &err) < 0);
	assert_string_equal(err.at, at);
	assert_row(text, err.text[0]);
	changed = settings_changed_json(&s);
	assert_row(text, json_object_size(changed) == 0);
	json_decref(changed);
}

static void test_bad(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		is_refused(refused[i].text, refused[i].at);
}

static void test_texts(void **state)
{
	struct inspect_settings s = inspect_settings_default();
	struct err err = { 0 };

	(void)read_text("{\"flows\":{\"full\":\"burn\"}}", &s, &err);
	assert_string_equal(err.text,
			    "expected one of judge, drop; got \"burn\"");
	(void)read_text("{\"threats\":{\"2006\":{\"action\":\"\"}}}", &s, &err);
	assert_string_equal(err.text, "expected one of allow, drop; got \"\"");
	(void)read_text("{\"meters\":{\"syn-flood\":{\"lower\":801}}}", &s,
			&err);
	assert_string_equal(err.text, "expected an integer in 1..800, got 801");
}

/* All that is shown of one makes another one the same. */
static void test_round_trip(void **state)
{
	struct inspect_settings s = inspect_settings_default();
	struct inspect_settings other = inspect_settings_default();
	struct err err = { 0 };
	json_t *v, *back;

	assert_int_equal(
		read_text("{\"meters\":{\"udp-flood\":{\"upper\":9000}},"
			  "\"threats\":{\"2025\":{\"action\":\"allow\"}},"
			  "\"streams\":{\"on\":{\"fin\":\"bypass\"}},"
			  "\"tunnels\":{\"look\":[\"geneve\"]}}",
			  &s, &err),
		0);
	v = settings_json(&s);
	assert_int_equal(settings_read(v, &other, &other, &err), 0);
	back = settings_json(&other);
	assert_true(json_equal(v, back));
	json_decref(v);
	json_decref(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	   cmocka_unit_test(test_null),
		cmocka_unit_test(test_bad),	   cmocka_unit_test(test_texts),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
