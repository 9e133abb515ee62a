/*
 * A group as an object: its name, and the terms that say who is in it.
 */
#include <errno.h>
#include <string.h>

#include "intent/model.h"
#include "wire/field.h"

#define LABEL_KEY	    "label."
#define NAMESPACE_LABEL_KEY "namespace_label."

static void no_memory(struct fields *f, const char *at)
{
	if (!f->rc)
		f->rc = err_set(f->reterr, ENOMEM, at, "out of memory");
}

/* The number of a label's key in the intent; -1: out of memory. */
static int64_t label_number(struct intent *i, const char *key)
{
	char **grown;

	for (size_t n = 0; n < i->n_labels; n++)
		if (strcmp(i->labels[n], key) == 0)
			return (int64_t)n;
	grown = intent_grow(i->labels, i->n_labels, &i->room_labels,
			    sizeof *i->labels);
	if (!grown)
		return -1;
	i->labels = grown;
	i->labels[i->n_labels] = arena_text(&i->arena, key, strlen(key));
	return i->labels[i->n_labels] ? (int64_t)i->n_labels++ : -1;
}

/* Is it a label's key behind that prefix? Then it is the term's. */
static bool parse_label(struct intent *i, struct fields *f, const char *key,
			const char *prefix, enum intent_key as, struct term *t)
{
	int64_t label;

	if (strncmp(key, prefix, strlen(prefix)) != 0 ||
	    key[strlen(prefix)] == '\0')
		return false;
	t->key = (uint8_t)as;
	label = label_number(i, key + strlen(prefix));
	if (label < 0)
		no_memory(f, "key");
	t->label = (uint32_t)label;
	return true;
}

static void parse_key(struct intent *i, struct fields *f, struct term *t)
{
	const char *key = NULL;
	int n;

	if (!field_str(f, "key", FIELD_MUST, INTENT_VALUE_MAX - 1, &key) ||
	    parse_label(i, f, key, LABEL_KEY, KEY_LABEL, t) ||
	    parse_label(i, f, key, NAMESPACE_LABEL_KEY, KEY_NAMESPACE_LABEL, t))
		return;
	n = intent_word_index(intent_key_words, INTENT_KEY__MAX, key);
	if (n < 0 || key_is_label((uint8_t)n))
		fields_refuse(f, "key",
			      "expected name, image, label.KEY, namespace, "
			      "namespace_label.KEY, service, pod, runtime, "
			      "node or address, got \"%.40s\"",
			      key);
	else
		t->key = (uint8_t)n;
}

static void parse_op(struct fields *f, struct term *t)
{
	const char *text = NULL;
	char list[80];
	int n;

	if (!field_str(f, "op", FIELD_MAY, 4096, &text))
		return;
	n = intent_word_index(intent_op_words, INTENT_OP__MAX, text);
	if (n < 0)
		fields_refuse(f, "op", "expected %s, got \"%.40s\"",
			      intent_word_list(intent_op_words, INTENT_OP__MAX,
					       list, sizeof list),
			      text);
	else if (t->key == KEY_ADDRESS && n != OP_IS && n != OP_IS_NOT &&
		 n != OP_IN)
		fields_refuse(f, "op",
			      "an address is asked for by =, != or in");
	else
		t->op = (uint8_t)n;
}

static void add_value(struct intent *i, struct fields *f, const json_t *v,
		      struct term *t)
{
	const char *text = json_string_value(v);
	size_t len = json_string_length(v);

	if (f->rc)
		return;
	if (!text) {
		fields_refuse(f, "value", "expected a text, got %s%s",
			      json_type_name(v),
			      json_is_number(v) ? " (quote it)" : "");
		return;
	}
	if (len >= INTENT_VALUE_MAX || strlen(text) != len) {
		fields_refuse(f, "value",
			      "expected at most %d bytes, without NUL",
			      INTENT_VALUE_MAX - 1);
		return;
	}
	t->values[t->n_values] = arena_text(&i->arena, text, len);
	if (!t->values[t->n_values])
		no_memory(f, "value");
	else
		t->n_values++;
}

static void parse_values(struct intent *i, struct fields *f, struct term *t)
{
	const json_t *v = json_object_get(f->obj, "value");
	const json_t *list = NULL;
	const char *text = NULL;
	size_t n = 1;

	if (t->op == OP_IN) {
		if (field_array(f, "value", FIELD_MUST, INTENT_VALUES_MAX,
				&list))
			n = json_array_size(list);
		if (n == 0)
			fields_refuse(f, "value", "expected at least one");
	} else {
		field_str(f, "value", FIELD_MUST, INTENT_VALUE_MAX - 1, &text);
	}
	if (f->rc)
		return;
	t->values = arena_alloc(&i->arena, n * sizeof *t->values);
	if (!t->values) {
		no_memory(f, "value");
		return;
	}
	for (size_t k = 0; k < n; k++)
		add_value(i, f, list ? json_array_get(list, k) : v, t);
}

static void compile_regex(struct fields *f, struct term *t)
{
	PCRE2_UCHAR said[120] = "";
	PCRE2_SIZE offset = 0;
	int code = 0;

	/* what is asked for is a whole text: "web" is not "my-web-2" */
	t->regex = pcre2_compile((PCRE2_SPTR)t->values[0],
				 PCRE2_ZERO_TERMINATED,
				 PCRE2_ANCHORED | PCRE2_ENDANCHORED |
					 PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C,
				 &code, &offset, NULL);
	if (t->regex)
		return;
	/* said is cut, or stays empty */
	(void)pcre2_get_error_message(code, said, sizeof said);
	fields_refuse(f, "value", "regular expression, at byte %zu: %s",
		      (size_t)offset + 1, (const char *)said);
}

static int parse_term(struct intent *i, const json_t *o, struct term *t,
		      struct err *reterr)
{
	struct fields f = fields_open(o, true, reterr);

	parse_key(i, &f, t);
	parse_op(&f, t);
	if (t->op != OP_ABSENT)
		parse_values(i, &f, t);
	if (!f.rc && t->op == OP_REGEX)
		compile_regex(&f, t);
	return fields_close(&f);
}

/* --- the group -------------------------------------------------------- */

static bool same_key(const struct term *a, const struct term *b)
{
	return a->key == b->key && a->label == b->label;
}

static void mark_first(struct group *g)
{
	for (uint32_t n = 0; n < g->n_terms; n++) {
		struct term *t = &g->terms[n];

		t->first = !op_is_negative(t->op);
		for (uint32_t k = 0; k < n && t->first; k++)
			t->first = op_is_negative(g->terms[k].op) ||
				   !same_key(&g->terms[k], t);
	}
}

static void add_address(struct intent *i, struct fields *f, struct group *g,
			const struct term *t, const char *text,
			struct ranges *less)
{
	struct addr_range range;
	bool ok = true;

	if (range_parse(text, &range))
		ok = ranges_add(t->op == OP_IS_NOT ? less : &g->ranges, range);
	else if (!intent_host_is_valid(text))
		fields_refuse(f, "value",
			      "expected an address, \"10.0.0.0/8\", "
			      "\"10.0.0.5-10.0.0.9\", \"www.example.com\" or "
			      "\"*.example.com\", got \"%.60s\"",
			      text);
	else if (t->op == OP_IS_NOT)
		fields_refuse(f, "value",
			      "a name cannot be taken away: which "
			      "addresses it has is not known");
	else
		g->names[g->n_names++] =
			arena_text(&i->arena, text, strlen(text));
	if (!ok)
		no_memory(f, "value");
}

static void collect_addresses(struct intent *i, struct fields *f,
			      struct group *g)
{
	struct ranges all = { 0 }, less = { 0 };
	size_t n = 0;
	char at[ERR_AT_MAX];

	for (uint32_t k = 0; k < g->n_terms; k++)
		n += g->terms[k].n_values;
	g->names = arena_alloc(&i->arena, (n + 1) * sizeof *g->names);
	if (!g->names) {
		no_memory(f, "where");
		return;
	}
	for (uint32_t k = 0; k < g->n_terms && !f->rc; k++) {
		const struct term *t = &g->terms[k];

		for (uint32_t v = 0; v < t->n_values && !f->rc; v++)
			add_address(i, f, g, t, t->values[v], &less);
		(void)snprintf(at, sizeof at, "where[%u]", k);
		if (f->rc)
			err_prefix(f->reterr, at);
	}
	ranges_tidy(&g->ranges);
	ranges_tidy(&less);
	all = g->ranges;
	g->ranges = (struct ranges){ 0 };
	if (!f->rc && !ranges_without(&all, &less, &g->ranges))
		no_memory(f, "where");
	if (!f->rc && g->ranges.n == 0 && g->n_names == 0)
		fields_refuse(f, "where", "no address is left");
	ranges_done(&all);
	ranges_done(&less);
}

static void parse_where(struct intent *i, struct fields *f, struct group *g)
{
	const json_t *list = NULL;
	size_t n, addresses = 0;
	char at[ERR_AT_MAX];

	if (!field_array(f, "where", FIELD_MAY, INTENT_TERMS_MAX, &list))
		return;
	n = json_array_size(list);
	if (n == 0)
		fields_refuse(f, "where",
			      "expected at least one term; without \"where\" "
			      "the group is the service of that name");
	g->terms = arena_alloc(&i->arena, n * sizeof *g->terms);
	if (!g->terms) {
		no_memory(f, "where");
		return;
	}
	for (size_t k = 0; k < n && !f->rc; k++) {
		struct term *t = &g->terms[g->n_terms++];

		f->rc = parse_term(i, json_array_get(list, k), t, f->reterr);
		addresses += t->key == KEY_ADDRESS;
		(void)snprintf(at, sizeof at, "where[%zu]", k);
		if (f->rc)
			err_prefix(f->reterr, at);
	}
	if (!f->rc && addresses > 0 && addresses < n)
		fields_refuse(f, "where",
			      "a group of addresses speaks of nothing else");
	g->addresses = addresses > 0;
	if (!f->rc && g->addresses)
		collect_addresses(i, f, g);
	mark_first(g);
}

static void parse_name(struct intent *i, struct fields *f, struct group *g)
{
	const char *name = NULL;

	if (!field_str(f, "name", FIELD_MUST, 4096, &name))
		return;
	if (!intent_name_is_valid(name))
		fields_refuse(f, "name",
			      "expected 1..%d letters, digits, \".\", \"_\" or "
			      "\"-\", and no address",
			      INTENT_NAME_MAX - 1);
	else if (intent_name_is_reserved(name))
		fields_refuse(f, "name", "\"%s\" is always there", name);
	else if (intent_find_group(i, name) >= 0)
		fields_refuse(f, "name", "there is another group \"%s\"", name);
	else
		g->name = arena_text(&i->arena, name, strlen(name));
	if (!f->rc && !g->name)
		no_memory(f, "name");
}

static void parse_mode(struct fields *f, struct group *g)
{
	enum intent_mode mode;
	const char *text = NULL;

	if (!field_str(f, "mode", FIELD_MAY, 4096, &text) || f->rc)
		return;
	f->rc = intent_mode_parse(text, &mode, f->reterr);
	if (!f->rc)
		g->mode = (int)mode;
}

static uint64_t hash_of(const void *arg, uint32_t n)
{
	const struct intent *i = arg;

	return hash_of_bytes(i->groups[n].name, strlen(i->groups[n].name));
}

int intent_append_group(struct intent *i, const json_t *o, struct err *reterr)
{
	struct fields f = fields_open(o, true, reterr);
	const char *comment = NULL;
	struct group *g, *grown;

	if (i->n_groups == INTENT_GROUPS_MAX)
		return err_set(reterr, E2BIG, "", "more than %d groups",
			       INTENT_GROUPS_MAX);
	grown = intent_grow(i->groups, i->n_groups, &i->room_groups,
			    sizeof *i->groups);
	if (!grown)
		return err_set(reterr, ENOMEM, "", "out of memory");
	i->groups = grown;
	g = &i->groups[i->n_groups];
	*g = (struct group){ .mode = -1, .signatures = -1 };
	parse_name(i, &f, g);
	if (field_str(&f, "comment", FIELD_MAY, INTENT_COMMENT_MAX - 1,
		      &comment)) {
		g->comment = arena_text(&i->arena, comment, strlen(comment));
		if (!g->comment)
			no_memory(&f, "comment");
	}
	parse_mode(&f, g);
	parse_where(i, &f, g);
	intent_parse_uses(i, &f, g);
	if (!f.rc && g->addresses && (g->n_uses > 0 || g->signatures >= 0))
		fields_refuse(&f, g->n_uses > 0 ? "dlp" : "signatures",
			      "nothing is looked for at addresses: it is for "
			      "groups of workloads");
	if (!f.rc && g->addresses && g->mode >= 0)
		fields_refuse(&f, "mode",
			      "addresses have no mode: it is for "
			      "groups of workloads");
	/* from here on intent_put() ends what is in it */
	i->n_groups++;
	if (fields_close(&f) == 0 && g->name &&
	    !hash_table_put(&i->group_table,
			    hash_of(i, (uint32_t)i->n_groups - 1), hash_of, i))
		no_memory(&f, "");
	return f.rc;
}
