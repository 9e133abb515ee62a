/*
 * Any words as a rule of ours: what is taken can be printed, and read back as
 * the same; and a connection made of its first words meets that rule.
 *
 * The input is lines; the first byte of each says what the rest is:
 *   f, t  a word of "from", "to"   p  of "ports"   a  of "apps"
 *   P  "proto"   A  "action"   i  the rule is ingress
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "policy/policy.h"
#include "wire/ctrl_rule.h"

/* Bounds the time of an input: a rule is all combinations of its words. */
#define WORDS_MAX 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A new string; NULL: no UTF-8, or with a NUL, as no message can have it. */
static json_t *text_of(const char *line, size_t len)
{
	return memchr(line, 0, len) ? NULL : json_stringn(line, len);
}

/* An application's number as one, so that both forms are met. */
static json_t *app_of(const char *line, size_t len)
{
	uint32_t v = 0;

	for (size_t i = 0; i < len; i++) {
		if (line[i] < '0' || line[i] > '9' || i > 5)
			return text_of(line, len);
		v = v * 10 + (uint32_t)(line[i] - '0');
	}
	return json_integer(v);
}

static void append(json_t *rule, const char *list, json_t *word)
{
	json_t *all = json_object_get(rule, list);

	if (!all) {
		all = json_array();
		(void)json_object_set_new(rule, list, all);
	}
	if (word && json_array_size(all) < WORDS_MAX)
		(void)json_array_append_new(all, word);
	else
		json_decref(word);
}

static void set_text(json_t *rule, const char *name, json_t *text)
{
	if (text)
		(void)json_object_set_new(rule, name, text);
}

static void add_line(json_t *rule, const char *line, size_t len)
{
	const char *rest = line + 1;

	if (len == 0)
		return;
	len--;
	switch (line[0]) {
	case 'f': append(rule, "from", text_of(rest, len)); break;
	case 't': append(rule, "to", text_of(rest, len)); break;
	case 'p': append(rule, "ports", text_of(rest, len)); break;
	case 'a': append(rule, "apps", app_of(rest, len)); break;
	case 'P': set_text(rule, "proto", text_of(rest, len)); break;
	case 'A': set_text(rule, "action", text_of(rest, len)); break;
	case 'i': set_text(rule, "ingress", json_true()); break;
	default: break;
	}
}

static json_t *rule_of(const char *text, size_t len)
{
	json_t *rule = json_object();
	const char *end = text + len;

	BUG_ON(!rule);
	(void)json_object_set_new(rule, "id", json_integer(7));
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		stop = stop ? stop : end;
		add_line(rule, text, (size_t)(stop - text));
		text = stop + 1;
	}
	return rule;
}

static json_t *words_json(const struct addr_word *w, size_t n)
{
	json_t *list = json_array();
	char text[ADDR_WORD_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(
			list, json_string(addr_word_format(&w[i], text)));
	return list;
}

static void check_same(const struct addr_word *a, size_t n_a,
		       const struct addr_word *b, size_t n_b)
{
	BUG_ON(n_a != n_b);
	for (size_t i = 0; i < n_a; i++) {
		BUG_ON(a[i].kind != b[i].kind || !a[i].name != !b[i].name);
		BUG_ON(a[i].name && strcmp(a[i].name, b[i].name) != 0);
		if (a[i].kind == ADDR_RANGE)
			BUG_ON(!ip_equal(a[i].first, b[i].first) ||
			       !ip_equal(a[i].last, b[i].last));
	}
}

/* The same rule with its words as we print them. */
static void check_printed(json_t *json, const struct rule_spec *r)
{
	struct rule_spec again = { 0 };
	struct err err = { 0 };

	(void)json_object_set_new(json, "from",
				  words_json(r->lists->from, r->lists->n_from));
	(void)json_object_set_new(json, "to",
				  words_json(r->lists->to, r->lists->n_to));
	BUG_ON(ctrl_parse_own_rule(json, &again, &err) != 0);
	check_same(r->lists->from, r->lists->n_from, again.lists->from,
		   again.lists->n_from);
	check_same(r->lists->to, r->lists->n_to, again.lists->to,
		   again.lists->n_to);
	BUG_ON(!rule_action_word(r));
	rule_spec_done(&again);
}

/* A connection that r speaks of; false: its first words make none. */
static bool query_of(const struct rule_spec *r, struct policy_query *ret)
{
	const struct addr_word *from = r->lists->from, *to = r->lists->to;

	if (from->kind != ADDR_RANGE || to->kind != ADDR_RANGE ||
	    ip_is_v4(from->first) != ip_is_v4(to->first))
		return false;
	*ret = (struct policy_query){ .client = from->first,
				      .server = to->last,
				      .server_port = r->lists->ports->last,
				      .proto = r->proto ? r->proto : 6,
				      .ingress = r->ingress };
	return true;
}

/* Takes r. */
static void check_compiled(const struct rule_spec *r)
{
	struct policy_spec spec = { .n_rules = 1, .defact = POLICY_DENY };
	struct policy_query q = { 0 };
	bool asked = query_of(r, &q);
	struct err err = { 0 };
	struct policy *p;

	spec.rules = malloc(sizeof *spec.rules);
	BUG_ON(!spec.rules);
	spec.rules[0] = *r;
	p = policy_compile(&spec, &err);
	if (!p) {
		/* it names a set, and there are none */
		BUG_ON(err.code != ENOENT);
		return;
	}
	if (asked)
		BUG_ON(policy_match(p, &q).rule_id != 7);
	policy_put(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	json_t *json = rule_of((const char *)data, len);
	struct rule_spec r = { 0 };
	struct err err = { 0 };

	if (ctrl_parse_own_rule(json, &r, &err) == 0) {
		check_printed(json, &r);
		check_compiled(&r);
	} else {
		BUG_ON(err.code == 0 || err.text[0] == '\0');
		rule_spec_done(&r);
	}
	json_decref(json);
	return 0;
}
