/*
 * NeuVector's criteria as terms of ours. Both have: the same key, one of those that say
 * what it is and all of those that say what it is not; different keys, each. What
 * differs:
 *
 *   "=" and "!=" know the wildcards * and ?   an expression says them
 *   regex looks anywhere in the value         ours is about all of it
 *   !regex, and != with a wildcard            ours has none: all of that key becomes
 *                                             one expression that looks ahead
 *   service is SERVICE.NAMESPACE              ours knows them as two
 *
 * What would select more or fewer workloads than it did is lost, and the group
 * with it; what may, in cases that a person can judge, is told as changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "import/nv.h"

#define NAMESPACE "ns:" /* before a label that is the namespace's */

enum op { OP_EQ, OP_NE, OP_HAS, OP_BEGINS, OP_REGEX, OP_NOT_REGEX, OP__MAX };

static const char *const op_words[OP__MAX] = { "=",	 "!=",	  "contains",
					       "prefix", "regex", "!regex" };

/* One key of a group, with all its criteria. */
struct matching {
	struct nv *nv;
	const struct import_object *object;
	const char *field; /* of the criteria */
	const json_t *criteria;
	json_t *terms;
	bool lost;
};

static void lose(struct matching *m, size_t n, const char *why)
{
	char at[ERR_AT_MAX];

	(void)snprintf(at, sizeof at, "%s[%zu]", m->field, n);
	import_tell(&m->nv->report, IMPORT_LOST, m->object, at, "%s", why);
	m->lost = true;
}

static void change(struct matching *m, size_t n, const char *what)
{
	char at[ERR_AT_MAX];

	(void)snprintf(at, sizeof at, "%s[%zu]", m->field, n);
	import_tell(&m->nv->report, IMPORT_CHANGED, m->object, at, "%s", what);
}

static const json_t *at(const struct matching *m, size_t n)
{
	return json_array_get(m->criteria, n);
}

/* OP__MAX: another one. Deprecated words count as what they mean. */
static enum op op_of(const json_t *c)
{
	const char *text = nv_text(c, "op");

	for (int n = 0; n < OP__MAX; n++)
		if (strcmp(text, op_words[n]) == 0)
			return (enum op)n;
	return text[0] ? OP__MAX : OP_EQ;
}

static bool is_negative(enum op op)
{
	return op == OP_NE || op == OP_NOT_REGEX;
}

/* --- expressions ---------------------------------------------------------- */

bool nv_has_wildcard(const char *value)
{
	return strpbrk(value, "*?") != NULL;
}

/* A letter of an expression that means itself. */
static void literal(struct text *t, char c)
{
	bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		     (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;

	if (!plain)
		text_add_word(t, "\\");
	text_add(t, &c, 1);
}

/* "*" is any text, "?" any letter. */
static void wildcard(struct text *t, const char *value)
{
	for (const char *c = value; *c; c++)
		if (*c == '*')
			text_add_word(t, ".*");
		else if (*c == '?')
			text_add_word(t, ".");
		else
			literal(t, *c);
}

/* As an expression that a whole text has to be. */
static void whole(struct text *t, enum op op, const char *value)
{
	if (op == OP_REGEX || op == OP_NOT_REGEX) {
		text_addf(t, ".*(?:%s).*", value);
		return;
	}
	if (op == OP_HAS)
		text_add_word(t, ".*");
	if (op == OP_EQ || op == OP_NE) {
		wildcard(t, value);
	} else {
		/* no wildcards there: a star is a star */
		for (const char *c = value; *c; c++)
			literal(t, *c);
		text_add_word(t, ".*");
	}
}

/* --- terms ---------------------------------------------------------------- */

static void add_term(struct matching *m, const char *key, const char *op,
		     json_t *value)
{
	nv_push(m->nv, m->terms,
		json_pack("{s:s, s:s, s:o}", "key", key, "op", op, "value",
			  value));
}

static void add_regex(struct matching *m, size_t n, const char *key,
		      struct text *t)
{
	char *text = text_take(t);

	if (!text)
		m->nv->failed = true;
	else if (strlen(text) >= INTENT_VALUE_MAX)
		lose(m, n, "as an expression it is too long");
	else
		add_term(m, key, "regex", json_string(text));
	free(text);
}

/* All criteria of the key at n as one expression. */
static void fold(struct matching *m, size_t n, const char *key,
		 const char *theirs)
{
	struct text t = { 0 };
	bool any = false;

	text_add_word(&t, "(?s)");
	for (size_t k = n; k < json_array_size(m->criteria); k++) {
		if (strcmp(nv_text(at(m, k), "key"), theirs) != 0 ||
		    !is_negative(op_of(at(m, k))))
			continue;
		text_add_word(&t, "(?!(?:");
		whole(&t, op_of(at(m, k)), nv_text(at(m, k), "value"));
		text_add_word(&t, ")\\z)");
	}
	for (size_t k = n; k < json_array_size(m->criteria); k++) {
		if (strcmp(nv_text(at(m, k), "key"), theirs) != 0 ||
		    is_negative(op_of(at(m, k))))
			continue;
		text_add_word(&t, any ? "|" : "(?:");
		whole(&t, op_of(at(m, k)), nv_text(at(m, k), "value"));
		any = true;
	}
	text_add_word(&t, any ? ")" : ".*");
	add_regex(m, n, key, &t);
	if (strncmp(key, "label.", 6) == 0 && !any)
		change(m, n,
		       "who has no such label is in the group there, and not "
		       "here");
}

static void add_plain(struct matching *m, size_t n, const char *key)
{
	const char *value = nv_text(at(m, n), "value");
	enum op op = op_of(at(m, n));
	struct text t = { 0 };

	/* "*.example.com" means the same here */
	if (strcmp(key, "address") == 0)
		add_term(m, key, op_words[op], json_string(value));
	else if (op == OP_EQ && strcmp(value, "*") == 0) {
		add_term(m, key, "prefix", json_string(""));
	} else if (op == OP_REGEX || (op == OP_EQ && nv_has_wildcard(value))) {
		text_add_word(&t, "(?s)");
		whole(&t, op, value);
		add_regex(m, n, key, &t);
	} else {
		add_term(m, key, op_words[op], json_string(value));
	}
}

/* Is there an earlier criterion of the same key? */
static bool is_first(const struct matching *m, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (strcmp(nv_text(at(m, k), "key"),
			   nv_text(at(m, n), "key")) == 0)
			return false;
	return true;
}

static void add_key(struct matching *m, size_t n, const char *key)
{
	const char *theirs = nv_text(at(m, n), "key");
	bool folded = false;
	json_t *names;

	for (size_t k = n; k < json_array_size(m->criteria); k++) {
		enum op op = op_of(at(m, k));

		if (strcmp(nv_text(at(m, k), "key"), theirs) == 0)
			folded |= op == OP_NOT_REGEX ||
				  (op == OP_NE &&
				   nv_has_wildcard(nv_text(at(m, k), "value")));
	}
	if (folded) {
		fold(m, n, key, theirs);
		return;
	}
	names = json_array();
	for (size_t k = n; k < json_array_size(m->criteria); k++) {
		const char *value = nv_text(at(m, k), "value");

		if (strcmp(nv_text(at(m, k), "key"), theirs) != 0)
			continue;
		if (op_of(at(m, k)) == OP_EQ && !nv_has_wildcard(value))
			nv_push(m->nv, names, json_string(value));
		else
			add_plain(m, k, key);
	}
	if (json_array_size(names) == 1)
		add_term(m, key, "=", json_incref(json_array_get(names, 0)));
	else if (json_array_size(names) > 1)
		add_term(m, key, "in", json_incref(names));
	json_decref(names);
}

/* --- services --------------------------------------------------------------- */

/*
 * "web.shop" is service web of namespace shop: all of a group's have to be of one
 * namespace, or each would be meant in each.
 */
struct services {
	char namespace[INTENT_VALUE_MAX];
	json_t *names;
};

static void add_service(struct matching *m, size_t n, struct services *s)
{
	const char *value = nv_text(at(m, n), "value");
	const char *dot = strrchr(value, '.');
	const char *namespace = dot ? dot + 1 : "";

	if (json_array_size(s->names) > 0 &&
	    strcmp(s->namespace, namespace) != 0) {
		lose(m, n,
		     "services of several namespaces: make a group of each");
		return;
	}
	/* of a host without Kubernetes */
	if (!dot && json_array_size(s->names) == 0)
		change(m, n, "of any namespace here: it names none");
	(void)snprintf(s->namespace, sizeof s->namespace, "%s", namespace);
	nv_push(m->nv, s->names,
		json_stringn(value,
			     dot ? (size_t)(dot - value) : strlen(value)));
}

/* One that is not said by "=" alone: a part of it may be the namespace's. */
static void add_odd_service(struct matching *m, size_t n)
{
	const char *value = nv_text(at(m, n), "value");
	enum op op = op_of(at(m, n));
	size_t len = strlen(value);
	bool dot = strchr(value, '.') != NULL;

	if (is_negative(op) || dot) {
		lose(m, n,
		     "of SERVICE.NAMESPACE Weir knows both apart: this cannot "
		     "be said of one of them");
	} else if (op == OP_EQ && len > 0 && value[len - 1] != '*') {
		lose(m, n, "this looks at the end of SERVICE.NAMESPACE");
	} else {
		if (op == OP_HAS || op == OP_REGEX)
			change(m, n,
			       "looked for in the service's name alone, there "
			       "in SERVICE.NAMESPACE");
		add_plain(m, n, "service");
	}
}

static void add_services(struct matching *m)
{
	struct services s = { .names = json_array() };

	for (size_t n = 0; n < json_array_size(m->criteria) && !m->lost; n++) {
		if (strcmp(nv_text(at(m, n), "key"), "service") != 0)
			continue;
		if (op_of(at(m, n)) == OP_EQ &&
		    !nv_has_wildcard(nv_text(at(m, n), "value")))
			add_service(m, n, &s);
		else if (json_array_size(s.names) > 0)
			lose(m, n,
			     "a service by name and others by pattern: "
			     "make a group of each");
		else
			add_odd_service(m, n);
	}
	if (!m->lost && json_array_size(s.names) > 0) {
		add_term(m, "service", "in", json_incref(s.names));
		/*
		 * With others of the key beside it either would do: a domain that
		 * is said as well is looked at by nv_where().
		 */
		if (s.namespace[0])
			add_term(m, "namespace", "=", json_string(s.namespace));
	}
	json_decref(s.names);
}

/* Of the services' namespace, as it is said beside; 0: nothing is. */
static int domain_agrees(const struct matching *m, const char *namespace)
{
	int found = 0;

	for (size_t n = 0; n < json_array_size(m->criteria); n++) {
		if (strcmp(nv_text(at(m, n), "key"), "domain") != 0)
			continue;
		if (op_of(at(m, n)) == OP_EQ &&
		    strcmp(nv_text(at(m, n), "value"), namespace) == 0)
			return 1;
		found = -1;
	}
	return found;
}

/* --- all ---------------------------------------------------------------------- */

static const struct {
	const char *theirs, *ours;
} keys[] = {
	{ "image", "image" },	  { "node", "node" },
	{ "container", "name" },  { "domain", "namespace" },
	{ "address", "address" },
};

static bool check_one(struct matching *m, size_t n)
{
	const json_t *c = at(m, n);
	const char *key = nv_text(c, "key"), *value = nv_text(c, "value");

	if (key[0] == '\0')
		lose(m, n, "a criterion without key");
	else if (op_of(c) == OP__MAX)
		lose(m, n, "an operator that is not known");
	else if (!json_is_string(json_object_get(c, "value")))
		lose(m, n, "a criterion without a text as its value");
	else if (strcmp(key, "address") == 0 && strncmp(value, "vh:", 3) == 0)
		lose(m, n,
		     "a virtual host: say it by a rule's requests "
		     "(http.host, tls.sni)");
	return !m->lost;
}

static void add_one(struct matching *m, size_t n)
{
	const char *key = nv_text(at(m, n), "key");
	bool of_namespace = strncmp(key, NAMESPACE, strlen(NAMESPACE)) == 0;
	const char *name = of_namespace ? key + strlen(NAMESPACE) : key;
	const char *ours = of_namespace ? "namespace_label." : "label.";
	char label[INTENT_VALUE_MAX];

	for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
		if (strcmp(key, keys[k].theirs) == 0) {
			add_key(m, n, keys[k].ours);
			return;
		}
	if (name[0] == '\0' || strlen(ours) + strlen(name) >= sizeof label) {
		lose(m, n,
		     name[0] ? "a label's name that is too long"
			     : "a label without a name");
		return;
	}
	if (of_namespace)
		change(m, n,
		       "known only where a Kubernetes API server is asked");
	(void)snprintf(label, sizeof label, "%s%s", ours, name);
	add_key(m, n, label);
}

/* The domain is what the services' names say, or the group is nobody's. */
static void join_domain(struct matching *m, bool *ret_said)
{
	const json_t *t;
	size_t k;

	*ret_said = false;
	json_array_foreach (m->terms, k, t) {
		const char *ns = nv_text(t, "value");
		int agrees;

		if (strcmp(nv_text(t, "key"), "namespace") != 0)
			continue;
		agrees = domain_agrees(m, ns);
		*ret_said = true;
		if (agrees < 0)
			lose(m, 0,
			     "its services and its domain are of different "
			     "namespaces: nobody is in it");
	}
}

json_t *nv_where(struct nv *nv, const struct import_object *o,
		 const char *field, const json_t *criteria)
{
	struct matching m = { nv, o, field, criteria, json_array(), false };
	bool domain = false;

	for (size_t n = 0; n < json_array_size(criteria); n++)
		if (!check_one(&m, n))
			break;
	if (!m.lost)
		add_services(&m);
	if (!m.lost)
		join_domain(&m, &domain);
	for (size_t n = 0; n < json_array_size(criteria) && !m.lost; n++) {
		const char *key = nv_text(at(&m, n), "key");

		if (strcmp(key, "service") == 0 || !is_first(&m, n) ||
		    (domain && strcmp(key, "domain") == 0))
			continue;
		add_one(&m, n);
	}
	if (!m.lost)
		return m.terms;
	json_decref(m.terms);
	return NULL;
}
