/*
 * Flows as IPFIX: what stands in the bytes, by the positions of RFC 7011.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "export/ipfix.h"
#include "test.h"

static struct item flow_item(const char *from, const char *to)
{
	struct item i = { .kind = ITEM_FLOW, .has_flow = true };

	assert_int_equal(ip_parse(from, &i.flow.client), 0);
	assert_int_equal(ip_parse(to, &i.flow.server), 0);
	i.flow.client_port = 40000;
	i.flow.server_port = 443;
	i.flow.proto = 6;
	i.flow.client_bytes = 0x1122;
	i.flow.server_bytes = 0x3344;
	(void)snprintf(i.flow.application, sizeof i.flow.application, "tls");
	return i;
}

/* Sets of a message: how many of that id, and the first one's bytes. */
static unsigned sets_of(const uint8_t *at, size_t len, uint16_t id,
			struct bytes *ret)
{
	struct bytes b = bytes_of(at, len);
	uint16_t version, size, set, set_len;
	unsigned n = 0;

	assert_true(take_be16(&b, &version) && take_be16(&b, &size));
	assert_int_equal(version, 10);
	assert_int_equal(size, len);
	b.begin += 12; /* time, sequence, domain */
	while (take_be16(&b, &set) && take_be16(&b, &set_len)) {
		assert_true(set_len >= 4 && set_len - 4u <= bytes_len(b));
		if (set == id && n++ == 0)
			*ret = bytes_of(b.begin, set_len - 4u);
		b.begin += set_len - 4u;
	}
	return n;
}

static struct ipfix *make(size_t max)
{
	struct err err = { 0 };
	struct ipfix *x = ipfix_new(1, max, &err);

	if (!x)
		fail_msg("%s", err.text);
	return x;
}

/* All messages, one behind the other; how many. */
struct sent {
	uint8_t bytes[65536];
	size_t len;
	unsigned messages, templates, v4, v6;
	struct bytes first4, first6;
};

static void flush(struct ipfix *x, struct sent *s)
{
	const uint8_t *m;
	struct err err;
	size_t len;
	uint8_t *to = s->bytes + s->len;
	struct bytes ignored;

	assert_int_equal(ipfix_message(x, &m, &len, &err), 0);
	if (len == 0)
		return;
	assert_in_range(len, 20, 1400);
	memcpy(to, m, len);
	s->len += len;
	s->messages++;
	s->templates += sets_of(to, len, 2, &ignored);
	s->v4 += sets_of(to, len, 0x100, s->v4 ? &ignored : &s->first4);
	s->v6 += sets_of(to, len, 0x101, s->v6 ? &ignored : &s->first6);
}

static void add(struct ipfix *x, const struct item *i, struct sent *s)
{
	struct err err;
	bool added;

	assert_int_equal(ipfix_add(x, i, &added, &err), 0);
	if (added)
		return;
	flush(x, s);
	assert_int_equal(ipfix_add(x, i, &added, &err), 0);
	assert_true(added);
}

static bool has(struct bytes set, const char *bytes, size_t len)
{
	return memmem(set.begin, bytes_len(set), bytes, len) != NULL;
}

static void test_flows(void **state)
{
	static struct sent s;
	struct item v4 = flow_item("10.9.0.3", "10.9.0.2");
	struct item v6 = flow_item("fd00::3", "fd00::2");
	struct item none = { .kind = ITEM_HTTP };
	struct ipfix *x = make(1400);

	(void)state;
	add(x, &v4, &s);
	add(x, &none, &s);
	add(x, &v6, &s);
	flush(x, &s);
	flush(x, &s);
	assert_true(s.templates > 0 && s.v4 == 1 && s.v6 == 1);
	assert_true(has(s.first6, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\3", 16));
	assert_true(has(s.first4, "\3tls\x0a\x09\0\3\x0a\x09\0\2\x9c\x40\1\xbb",
			16));
	assert_true(
		has(s.first4, "\0\0\0\0\0\0\x11\x22\0\0\0\0\0\0\x33\x44", 16));
	ipfix_free(x);
}

/* A message has room for so many; then it is sent, and the next one begun. */
static void test_full(void **state)
{
	static struct sent s;
	struct item v4 = flow_item("10.9.0.3", "10.9.0.2");
	struct ipfix *x = make(1400);
	unsigned before;
	struct err err;

	(void)state;
	for (int i = 0; i < 100; i++)
		add(x, &v4, &s);
	flush(x, &s);
	assert_in_range(s.messages, 5, 20);
	assert_in_range(s.templates, 1, 2);
	assert_true(s.len > 100 * 70);
	/* another one reads: templates again */
	before = s.templates;
	assert_int_equal(ipfix_begin(x, &err), 0);
	flush(x, &s);
	assert_int_equal(s.templates, 2 * before);
	/* and by UDP now and then */
	add(x, &v4, &s);
	flush(x, &s);
	assert_int_equal(ipfix_templates(x, &err), 0);
	flush(x, &s);
	assert_int_equal(s.templates, 3 * before);
	ipfix_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("export_ipfix", tests, NULL, NULL);
}
