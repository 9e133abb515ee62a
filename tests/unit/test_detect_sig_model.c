/*
 * Random rules on random bytes, against a model that takes the language
 * literally: each content at each place, byte by byte. As a datagram, as a field
 * cut at random, and, where a rule does not depend on the buffer's end, as TCP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seed.h"
#include "sigs.h"
#include "test.h"
#include "wire/app.h"

#define RULES  6
#define ITEMS  4
#define ROUNDS 500

struct content {
	char bytes[5];
	int len;
	bool negated, nocase, relative, has_distance, has_within;
	bool has_offset, has_depth, startswith, endswith;
	int distance, within, offset, depth;
};

struct rule {
	struct content items[ITEMS];
	int n;
	bool ends; /* it depends on where the buffer ends, or begins */
	char text[600];
};

static uint64_t rnd;

static int draw(uint32_t below)
{
	return (int)seed_draw(&rnd, below);
}

static void random_content(struct content *c, bool first)
{
	*c = (struct content){ .len = 1 + draw(3) };
	for (int i = 0; i < c->len; i++)
		c->bytes[i] = "abcAB"[draw(5)];
	c->nocase = draw(3) == 0;
	c->negated = draw(5) == 0;
	c->endswith = draw(12) == 0;
	switch (draw(first ? 4 : 8)) {
	case 0: c->startswith = draw(2); break;
	case 1:
		c->has_offset = true;
		c->offset = draw(6);
		break;
	case 2:
		c->has_depth = true;
		c->depth = c->len + draw(12);
		break;
	case 3: break;
	default:
		c->relative = true;
		c->has_distance = draw(2);
		c->distance = draw(6) - 2;
		c->has_within = !c->has_distance || draw(2);
		c->within = c->len + draw(4);
	}
}

static size_t print_content(const struct content *c, char *to, size_t size)
{
	char more[200] = "";
	size_t n = 0;

	if (c->has_offset)
		n += (size_t)snprintf(more + n, sizeof more - n, "offset:%d; ",
				      c->offset);
	if (c->has_depth)
		n += (size_t)snprintf(more + n, sizeof more - n, "depth:%d; ",
				      c->depth);
	if (c->has_distance)
		n += (size_t)snprintf(more + n, sizeof more - n,
				      "distance:%d; ", c->distance);
	if (c->has_within)
		(void)snprintf(more + n, sizeof more - n, "within:%d; ",
			       c->within);
	return (size_t)snprintf(to, size, "content:%s\"%s\"; %s%s%s%s",
				c->negated ? "!" : "", c->bytes,
				c->nocase ? "nocase; " : "",
				c->startswith ? "startswith; " : "",
				c->endswith ? "endswith; " : "", more);
}

static void random_rule(struct rule *r)
{
	size_t n = 0;
	bool positive = false;

	*r = (struct rule){ .n = 1 + draw(ITEMS) };
	for (int i = 0; i < r->n; i++) {
		struct content *c = &r->items[i];

		random_content(c, i == 0);
		n += print_content(c, r->text + n, sizeof r->text - n);
		if (!c->negated && !positive && draw(4) == 0)
			n += (size_t)snprintf(r->text + n, sizeof r->text - n,
					      "fast_pattern; ");
		positive |= !c->negated;
		r->ends |= c->negated || c->endswith || c->has_offset ||
			   c->has_depth || c->startswith;
	}
}

static int fold(int c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool is_at(const struct content *c, const char *b, int len, int at)
{
	if (at < 0 || at + c->len > len)
		return false;
	for (int i = 0; i < c->len; i++)
		if (c->nocase ? fold(b[at + i]) != fold(c->bytes[i])
			      : b[at + i] != c->bytes[i])
			return false;
	return true;
}

/* May it be at that place, after the last one ended at prev? */
static bool allowed(const struct content *c, int len, int at, int prev)
{
	int end = at + c->len;

	if (c->startswith && at != 0)
		return false;
	if (c->endswith && end != len)
		return false;
	if (c->has_offset && at < c->offset)
		return false;
	if (c->has_depth && end > (c->has_offset ? c->offset : 0) + c->depth)
		return false;
	if (!c->relative)
		return true;
	if (at < prev + (c->has_distance ? c->distance : 0))
		return false;
	return !c->has_within ||
	       end <= prev + (c->has_distance ? c->distance : 0) + c->within;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the rule has items */
static bool model(const struct rule *r, int i, const char *b, int len, int prev)
{
	const struct content *c = &r->items[i];
	bool there = false;

	if (i == r->n)
		return true;
	for (int at = 0; at + c->len <= len; at++) {
		if (!is_at(c, b, len, at) || !allowed(c, len, at, prev))
			continue;
		there = true;
		if (!c->negated && model(r, i + 1, b, len, at + c->len))
			return true;
	}
	return c->negated && !there && model(r, i + 1, b, len, prev);
}

static struct sigs *make(const struct rule *rules, const char *proto,
			 const char *buffer, bool udp)
{
	char text[RULES * 800];
	size_t n = 0;

	for (int i = 0; i < RULES; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
				      "alert %s any any -> any any (%s%s "
				      "sid:%d;)\n",
				      proto, buffer, rules[i].text, i + 1);
	return sigs_new(text, udp);
}

static bool has(const char *told, int sid)
{
	char want[4] = { (char)('0' + sid) };

	for (; *told; told++)
		if (*told == want[0])
			return true;
	return false;
}

static void check(const struct rule *rules, const char *told, const char *b,
		  int len, const char *how, bool all)
{
	for (int i = 0; i < RULES; i++) {
		bool want = model(&rules[i], 0, b, len, 0);

		if (!all && rules[i].ends)
			continue;
		if (has(told, i + 1) != want)
			fail_msg("%s: %s on \"%.*s\": told %s, model %d", how,
				 rules[i].text, len, b, told, want);
	}
}

static void one_round(void)
{
	struct rule rules[RULES];
	char b[64];
	int len = 1 + draw(sizeof b - 1), cut;
	struct sigs *s;

	for (int i = 0; i < RULES; i++)
		random_rule(&rules[i]);
	for (int i = 0; i < len; i++)
		b[i] = "abcAB."[draw(6)];

	s = make(rules, "udp", "", true);
	sigs_payload(s, PROTO_CLIENT, b, (size_t)len);
	check(rules, sigs_told(s), b, len, "datagram", true);
	sigs_free(s);

	s = make(rules, "http", "http.request_body; ", false);
	sig_known(s->scanner, s->flow, APP_HTTP);
	for (int at = 0; at < len; at += cut) {
		cut = 1 + draw((uint32_t)(len - at));
		sigs_piece(s, PROTO_CLIENT, FIELD_HTTP_REQUEST_BODY,
			   bytes_of(b + at, (size_t)cut), at == 0,
			   at + cut == len);
	}
	sig_ended(s->scanner, s->flow, PROTO_CLIENT);
	check(rules, sigs_told(s), b, len, "field", true);
	sigs_free(s);

	s = make(rules, "tcp", "", false);
	for (int at = 0; at < len; at += cut) {
		cut = 1 + draw((uint32_t)(len - at));
		sigs_payload(s, PROTO_CLIENT, b + at, (size_t)cut);
	}
	check(rules, sigs_told(s), b, len, "tcp", false);
	sigs_free(s);
}

static void test_model(void **state)
{
	rnd = seed_choose() | 1;
	for (int i = 0; i < ROUNDS; i++)
		one_round();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_model) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
