/*
 * A policy NAME of a namespace NS becomes, if it stands in a file,
 *
 *   group np.NS.NAME              whom its podSelector selects
 *   groups np.NS.NAME.in0.1, ...  the second peer of its first ingress rule
 *   a rule for each of its rules  peers -> np.NS.NAME, allow, side: server
 *   a rule for what isolates      any -> np.NS.NAME, deny, side: server
 *   one for the node              node -> np.NS.NAME, allow, side: server
 *
 * and the same the other way round for egress, side: client. The side keeps
 * apart what Kubernetes keeps apart: what one pod may accept does not say that
 * another may send it. Isolation counts in each mode, as it does in Kubernetes;
 * a user's own rules stand before all of these (parse.c).
 *
 * One that the cluster has (netpol_append_live()) has k8s instead of np, and '_',
 * which is in no name of Kubernetes, before "in0.1": whoever may name policies
 * cannot make two whose groups have the same name. Of such a one what is not
 * understood allows nothing, and the pods are isolated nevertheless: a rule that
 * cannot be read is left out, of a spec that cannot be read nothing but whom it
 * selects is left.
 *
 * The label of a namespace that is its name needs no API server to be known. Who
 * has others is only known with one: without, nobody is selected by them.
 * Kubernetes lets a pod always speak with its node; so does the rule for it.
 */
#include "intent/netpol.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "intent/model.h"
#include "intent/words.h"
#include "wire/field.h"

#define API_VERSION    "networking.k8s.io/v1"
#define NAMESPACE_NAME "kubernetes.io/metadata.name"
/* Of a name that is too long so much is left, and a hash of all of it. */
#define BASE_MAX (INTENT_NAME_MAX - 16)

struct netpol {
	struct intent *i;
	const char *namespace, *name;
	char group[INTENT_NAME_MAX];
	json_t *groups, *rules; /* what is made */
	/* Live: what was not understood is told here. NULL: from a file. */
	json_t *notes;
	struct err *reterr;
};

static int no_memory(struct netpol *p)
{
	return err_set(p->reterr, ENOMEM, "", "out of memory");
}

/* Where in the object that is being read an error is. */
static int prefixed(struct netpol *p, int rc, const char *name, size_t n)
{
	char at[ERR_AT_MAX];

	if (rc == 0)
		return 0;
	(void)snprintf(at, sizeof at, "%s[%zu]", name, n);
	err_prefix(p->reterr, at);
	return rc;
}

/* --- selectors -------------------------------------------------------- */

static bool has_text(const json_t *list, const json_t *text)
{
	for (size_t n = 0; n < json_array_size(list); n++)
		if (json_equal(json_array_get(list, n), text))
			return true;
	return false;
}

/* What is known of a key so far: {"in": [...]?, "not": [...], "is": 1?}. */
static json_t *key_of(json_t *keys, const char *key)
{
	json_t *k = json_object_get(keys, key);

	if (k)
		return k;
	k = json_pack("{s:[]}", "not");
	/* takes k; without memory there is NULL in it */
	return json_object_set_new(keys, key, k) == 0 ? k : NULL;
}

/* Only what is in all lists of a key is left. */
static bool narrow(json_t *k, const json_t *values)
{
	json_t *in = json_object_get(k, "in"), *left;

	if (!in)
		return json_object_set_new(
			       k, "in",
			       json_copy((json_t *)(uintptr_t)values)) == 0;
	left = json_array();
	for (size_t n = 0; n < json_array_size(in); n++)
		if (has_text(values, json_array_get(in, n)) &&
		    json_array_append(left, json_array_get(in, n)) < 0) {
			json_decref(left);
			return false;
		}
	return json_object_set_new(k, "in", left) == 0;
}

static bool is_texts(const json_t *list)
{
	for (size_t n = 0; n < json_array_size(list); n++)
		if (!json_is_string(json_array_get(list, n)))
			return false;
	return json_array_size(list) > 0;
}

static int read_expression(struct netpol *p, const json_t *o, json_t *keys)
{
	static const char *const operators[] = { "In", "NotIn", "Exists",
						 "DoesNotExist" };
	struct fields f = fields_open(o, true, p->reterr);
	const char *key = NULL, *word = "";
	const json_t *values = NULL;
	json_t *k;
	int op;

	field_str(&f, "key", FIELD_MUST, INTENT_VALUE_MAX - 8, &key);
	field_str(&f, "operator", FIELD_MUST, 4096, &word);
	field_array(&f, "values", FIELD_MAY, INTENT_VALUES_MAX, &values);
	op = intent_word_index(operators, 4, word);
	if (op < 0)
		fields_refuse(&f, "operator",
			      "expected In, NotIn, Exists or DoesNotExist");
	if (op >= 0 && (op < 2) != is_texts(values))
		fields_refuse(&f, "values", "expected %s with %s",
			      op < 2 ? "texts" : "none", word);
	if (fields_close(&f))
		return f.rc;
	k = key_of(keys, key);
	if (!k || (op == 0 && !narrow(k, values)) ||
	    (op == 1 && json_array_extend(json_object_get(k, "not"),
					  (json_t *)(uintptr_t)values) < 0) ||
	    (op == 2 && json_object_set_new(k, "is", json_true()) < 0) ||
	    (op == 3 && json_object_set_new(k, "absent", json_true()) < 0))
		return no_memory(p);
	return 0;
}

static int read_labels(struct netpol *p, const json_t *labels, json_t *keys)
{
	const char *key;
	json_t *value;

	/* jansson's iteration wants a non-const object but changes nothing */
	json_object_foreach ((json_t *)(uintptr_t)labels, key, value) {
		json_t *list = json_pack("[O]", value), *k = key_of(keys, key);
		bool ok = list && k && narrow(k, list);

		json_decref(list);
		/* cut, it would be another one, and select nobody */
		if (strlen(key) >= INTENT_VALUE_MAX - 8)
			return err_set(p->reterr, E2BIG, "",
				       "a label's name has at most %d bytes",
				       INTENT_VALUE_MAX - 9);
		if (!json_is_string(value))
			return err_set(p->reterr, EINVAL, key,
				       "expected a text (quote it)");
		if (!ok)
			return no_memory(p);
	}
	return 0;
}

static bool add_term(json_t *terms, const char *key, const char *op,
		     const json_t *value)
{
	json_t *t = json_pack("{s:s, s:s}", "key", key, "op", op);
	bool ok = t &&
		  (!value || json_object_set(t, "value",
					     (json_t *)(uintptr_t)value) == 0);

	if (ok)
		return json_array_append_new(terms, t) == 0;
	json_decref(t);
	return false;
}

/* What nobody can be: there is such a label, and there is none. */
static bool add_contradiction(json_t *terms, const char *key)
{
	json_t *none = json_string("");
	bool ok = add_term(terms, key, "prefix", none) &&
		  add_term(terms, key, "absent", NULL);

	json_decref(none);
	return ok;
}

/* The terms of a key. */
static int write_key(struct netpol *p, const char *key, const json_t *k,
		     json_t *terms)
{
	const json_t *in = json_object_get(k, "in");
	const json_t *not = json_object_get(k, "not");
	bool is = json_object_get(k, "is"),
	     absent = json_object_get(k, "absent");
	json_t *left = json_array(), *none = json_string("");
	bool ok = left && none, never;

	for (size_t n = 0; n < json_array_size(in) && ok; n++)
		if (!has_text(not, json_array_get(in, n)))
			ok = json_array_append(left, json_array_get(in, n)) ==
			     0;
	never = (in && json_array_size(left) == 0) || (absent && (in || is));
	if (never)
		ok = ok && add_contradiction(terms, key);
	else if (absent)
		ok = ok && add_term(terms, key, "absent", NULL);
	else if (in)
		ok = ok && add_term(terms, key, "in", left);
	else if (is)
		ok = ok && add_term(terms, key, "prefix", none);
	for (size_t n = 0;
	     n < json_array_size(not ) && !in && !absent && !never; n++)
		ok = ok && add_term(terms, key, "!=", json_array_get(not, n));
	json_decref(left);
	json_decref(none);
	return ok ? 0 : no_memory(p);
}

static int write_keys(struct netpol *p, json_t *keys, bool namespaces,
		      json_t *terms)
{
	char name[INTENT_VALUE_MAX + 32];
	const char *key;
	json_t *k, *none = json_string("");
	bool known = false;
	int rc = none ? 0 : no_memory(p);

	json_object_foreach (keys, key, k) {
		bool is_name = namespaces && strcmp(key, NAMESPACE_NAME) == 0;

		(void)snprintf(name, sizeof name, "%slabel.%s",
			       namespaces ? "namespace_" : "", key);
		known = known || (namespaces && !is_name);
		/* who has no namespace is in none of any name */
		if (is_name && json_object_set_new(k, "is", json_true()) < 0)
			rc = no_memory(p);
		if (rc == 0)
			rc = write_key(p, is_name ? "namespace" : name, k,
				       terms);
		if (rc)
			break;
	}
	/* of whose labels nothing is known, it is not known what he has not */
	if (rc == 0 && known &&
	    !add_term(terms, "namespace_label." NAMESPACE_NAME, "prefix", none))
		rc = no_memory(p);
	json_decref(none);
	return rc;
}

/* Appends the terms of f's member of that name. */
static int read_selector(struct netpol *p, const json_t *o, bool namespaces,
			 json_t *terms)
{
	struct fields f = fields_open(o, true, p->reterr);
	const json_t *labels = NULL, *list = NULL;
	json_t *keys = json_object();

	field_object(&f, "matchLabels", FIELD_MAY, &labels);
	if (!f.rc && labels) {
		f.rc = read_labels(p, labels, keys);
		if (f.rc)
			err_prefix(p->reterr, "matchLabels");
	}
	field_array(&f, "matchExpressions", FIELD_MAY, INTENT_TERMS_MAX, &list);
	for (size_t n = 0; n < json_array_size(list) && !f.rc; n++)
		f.rc = prefixed(
			p, read_expression(p, json_array_get(list, n), keys),
			"matchExpressions", n);
	if (fields_close(&f) == 0)
		f.rc = write_keys(p, keys, namespaces, terms);
	if (!f.rc && namespaces && json_object_size(keys) == 0) {
		json_t *none = json_string("");

		if (!add_term(terms, "namespace", "prefix", none))
			f.rc = no_memory(p);
		json_decref(none);
	}
	json_decref(keys);
	return f.rc;
}

/* Takes terms. */
static int add_group(struct netpol *p, const char *name, json_t *terms)
{
	json_t *g = json_pack("{s:s, s:o}", "name", name, "where", terms);

	if (!intent_name_is_valid(name)) {
		json_decref(g);
		return err_set(p->reterr, EINVAL, "",
			       "its name and namespace are too long, or not "
			       "those of Kubernetes");
	}
	if (!g || json_array_append_new(p->groups, g) < 0)
		return no_memory(p);
	return 0;
}

/* --- peers ------------------------------------------------------------ */

static int read_block(struct netpol *p, const json_t *o, json_t *terms)
{
	struct fields f = fields_open(o, true, p->reterr);
	const char *cidr = NULL;
	const json_t *except = NULL;
	struct addr_range range;
	json_t *text;
	bool ok;

	if (field_str(&f, "cidr", FIELD_MUST, 4096, &cidr) &&
	    !range_parse(cidr, &range))
		fields_refuse(&f, "cidr",
			      "expected a network like "
			      "\"10.0.0.0/8\"");
	field_array(&f, "except", FIELD_MAY, INTENT_TERMS_MAX - 1, &except);
	if (fields_close(&f))
		return f.rc;
	text = json_string(cidr);
	ok = add_term(terms, "address", "=", text);
	json_decref(text);
	for (size_t n = 0; n < json_array_size(except); n++) {
		const json_t *v = json_array_get(except, n);
		const char *net = json_string_value(v);

		if (!net || !range_parse(net, &range))
			return prefixed(p,
					err_set(p->reterr, EINVAL, "",
						"expected a network"),
					"except", n);
		ok = ok && add_term(terms, "address", "!=", v);
	}
	return ok ? 0 : no_memory(p);
}

static int read_pods(struct netpol *p, struct fields *f, const json_t *pods,
		     const json_t *namespaces, json_t *terms)
{
	json_t *own = json_string(p->namespace);
	bool ok = namespaces || add_term(terms, "namespace", "=", own);

	json_decref(own);
	if (!ok)
		f->rc = no_memory(p);
	if (!f->rc && namespaces) {
		f->rc = read_selector(p, namespaces, true, terms);
		if (f->rc)
			err_prefix(p->reterr, "namespaceSelector");
	}
	if (!f->rc && pods) {
		f->rc = read_selector(p, pods, false, terms);
		if (f->rc)
			err_prefix(p->reterr, "podSelector");
	}
	return f->rc;
}

/* A peer becomes a group; its name is appended to words. */
static int read_peer(struct netpol *p, const json_t *o, const char *name,
		     json_t *words)
{
	struct fields f = fields_open(o, true, p->reterr);
	const json_t *pods = NULL, *namespaces = NULL, *block = NULL;
	json_t *terms = json_array();

	field_object(&f, "podSelector", FIELD_MAY, &pods);
	field_object(&f, "namespaceSelector", FIELD_MAY, &namespaces);
	field_object(&f, "ipBlock", FIELD_MAY, &block);
	if (!f.rc && !block == !(pods || namespaces))
		fields_refuse(&f, "ipBlock",
			      block ? "stands alone"
				    : "expected this, podSelector or "
				      "namespaceSelector");
	if (!f.rc && block) {
		f.rc = read_block(p, block, terms);
		if (f.rc)
			err_prefix(p->reterr, "ipBlock");
	} else if (!f.rc) {
		/* sets f.rc */
		(void)read_pods(p, &f, pods, namespaces, terms);
	}
	if (fields_close(&f)) {
		json_decref(terms);
		return f.rc;
	}
	f.rc = add_group(p, name, terms);
	if (!f.rc && json_array_append_new(words, json_string(name)) < 0)
		f.rc = no_memory(p);
	return f.rc;
}

static int read_port(struct netpol *p, const json_t *o, json_t *words)
{
	static const char *const protos[] = { "TCP", "UDP", "SCTP" };
	static const char *const names[] = { "tcp", "udp", "sctp" };
	struct fields f = fields_open(o, true, p->reterr);
	const char *proto = "TCP", *name = NULL;
	uint32_t port = 0, end = 0;
	char text[32];
	int n;

	field_str(&f, "protocol", FIELD_MAY, 4096, &proto);
	n = intent_word_index(protos, 3, proto);
	if (n < 0)
		fields_refuse(&f, "protocol", "expected TCP, UDP or SCTP");
	if (!json_is_string(json_object_get(o, "port")))
		field_u32(&f, "port", FIELD_MAY, 1, UINT16_MAX, &port);
	else if (field_str(&f, "port", FIELD_MAY, 4096, &name) &&
		 !port_name_is_valid(name))
		fields_refuse(&f, "port",
			      "expected a number, or a port's name");
	if (field_u32(&f, "endPort", FIELD_MAY, 1, UINT16_MAX, &end) &&
	    (port == 0 || end < port))
		fields_refuse(&f, "endPort", "expected at least port");
	if (fields_close(&f))
		return f.rc;
	if (name)
		(void)snprintf(text, sizeof text, "%s/%s", names[n], name);
	else if (port == 0)
		(void)snprintf(text, sizeof text, "%s", names[n]);
	else if (end > port)
		(void)snprintf(text, sizeof text, "%s/%u-%u", names[n], port,
			       end);
	else
		(void)snprintf(text, sizeof text, "%s/%u", names[n], port);
	return json_array_append_new(words, json_string(text)) < 0
		       ? no_memory(p)
		       : 0;
}

/* --- rules ------------------------------------------------------------ */

/* peers, ports: NULL, or taken; ports: none is any. */
static int add_rule(struct netpol *p, bool ingress, json_t *peers,
		    json_t *ports, const char *action)
{
	json_t *r =
		json_pack("{s:o, s:s, s:s, s:s, s:s}", ingress ? "from" : "to",
			  peers, ingress ? "to" : "from", p->group, "action",
			  action, "side", ingress ? "server" : "client",
			  "origin", p->notes ? "kubernetes" : "network-policy");
	bool ok = r &&
		  json_object_set_new(r, "comment",
				      json_sprintf("NetworkPolicy %s/%s",
						   p->namespace, p->name)) == 0;

	if (ok && json_array_size(ports) > 0)
		ok = json_object_set(r, "ports", ports) == 0;
	json_decref(ports);
	if (ok)
		return json_array_append_new(p->rules, r) < 0 ? no_memory(p)
							      : 0;
	json_decref(r);
	return no_memory(p);
}

static int read_rule(struct netpol *p, const json_t *o, bool ingress, size_t n)
{
	struct fields f = fields_open(o, true, p->reterr);
	const char *peer = ingress ? "from" : "to";
	const json_t *peers = NULL, *ports = NULL;
	json_t *words = json_array(), *port_words = json_array();
	char name[INTENT_NAME_MAX + 64];

	field_array(&f, peer, FIELD_MAY, INTENT_WORDS_MAX, &peers);
	field_array(&f, "ports", FIELD_MAY, INTENT_WORDS_MAX, &ports);
	for (size_t k = 0; k < json_array_size(peers) && !f.rc; k++) {
		(void)snprintf(name, sizeof name, "%s%c%s%zu.%zu", p->group,
			       p->notes ? '_' : '.', ingress ? "in" : "out", n,
			       k);
		f.rc = prefixed(
			p, read_peer(p, json_array_get(peers, k), name, words),
			peer, k);
	}
	for (size_t k = 0; k < json_array_size(ports) && !f.rc; k++)
		f.rc = prefixed(
			p, read_port(p, json_array_get(ports, k), port_words),
			"ports", k);
	if (!f.rc && json_array_size(words) == 0 &&
	    json_array_append_new(words, json_string("any")) < 0)
		f.rc = no_memory(p);
	if (fields_close(&f) == 0)
		return add_rule(p, ingress, words, port_words, "allow");
	json_decref(words);
	json_decref(port_words);
	return f.rc;
}

/* What is wrong is told, and cannot be refused. */
static int note(struct netpol *p)
{
	json_t *text = json_sprintf("%s/%s: %s%s%s", p->namespace, p->name,
				    p->reterr->at, p->reterr->at[0] ? ": " : "",
				    p->reterr->text);

	if (p->reterr->code == ENOMEM)
		return -ENOMEM;
	return json_array_append_new(p->notes, text) < 0 ? no_memory(p) : 0;
}

/* What came of a rule that cannot be read is taken back. */
static void cut(json_t *list, size_t n)
{
	while (json_array_size(list) > n)
		(void)json_array_remove(list, n);
}

/* list NULL: it says nothing, so nothing is allowed. */
static int read_direction(struct netpol *p, const json_t *list, bool ingress)
{
	int rc = 0;

	for (size_t n = 0; n < json_array_size(list) && rc == 0; n++) {
		size_t groups = json_array_size(p->groups);
		size_t rules = json_array_size(p->rules);

		rc = prefixed(p,
			      read_rule(p, json_array_get(list, n), ingress, n),
			      ingress ? "ingress" : "egress", n);
		if (rc == 0 || !p->notes)
			continue;
		cut(p->groups, groups);
		cut(p->rules, rules);
		rc = note(p);
	}
	if (rc == 0)
		rc = add_rule(p, ingress, json_pack("[s]", "node"), NULL,
			      "allow");
	if (rc == 0)
		rc = add_rule(p, ingress, json_pack("[s]", "any"), NULL,
			      "deny");
	return rc;
}

/* Without policyTypes: ingress, and egress if there are rules of it. */
static int read_types(struct fields *f, const json_t *egress, bool *ret_in,
		      bool *ret_out)
{
	const json_t *types = NULL;
	char at[ERR_AT_MAX];

	*ret_in = true;
	*ret_out = json_array_size(egress) > 0;
	if (!field_array(f, "policyTypes", FIELD_MAY, 2, &types) ||
	    json_array_size(types) == 0)
		return f->rc;
	*ret_in = *ret_out = false;
	for (size_t n = 0; n < json_array_size(types); n++) {
		const char *text = json_string_value(json_array_get(types, n));

		(void)snprintf(at, sizeof at, "policyTypes[%zu]", n);
		if (text && strcmp(text, "Ingress") == 0)
			*ret_in = true;
		else if (text && strcmp(text, "Egress") == 0)
			*ret_out = true;
		else
			fields_refuse(f, at, "expected Ingress or Egress");
	}
	return f->rc;
}

static int read_subject(struct netpol *p, const json_t *selector)
{
	json_t *terms = json_array();
	struct fields f = { .rc = 0 };

	if (read_pods(p, &f, selector, NULL, terms) == 0)
		return add_group(p, p->group, terms);
	json_decref(terms);
	return f.rc;
}

static int read_spec(struct netpol *p, const json_t *o)
{
	struct fields f = fields_open(o, true, p->reterr);
	const json_t *selector = NULL, *ingress = NULL, *egress = NULL;
	bool in = false, out = false;

	field_object(&f, "podSelector", FIELD_MUST, &selector);
	field_array(&f, "ingress", FIELD_MAY, INTENT_RULES_MAX, &ingress);
	field_array(&f, "egress", FIELD_MAY, INTENT_RULES_MAX, &egress);
	(void)read_types(&f, egress, &in, &out); /* f.rc says the same */
	if (!f.rc && !p->notes && ((ingress && !in) || (egress && !out)))
		/* Kubernetes takes them, and does not look at them */
		fields_refuse(&f, "policyTypes",
			      "leaves out rules that are "
			      "there");
	if (!f.rc)
		f.rc = read_subject(p, selector);
	if (!f.rc && in)
		f.rc = read_direction(p, ingress, true);
	if (!f.rc && out)
		f.rc = read_direction(p, egress, false);
	return fields_close(&f);
}

static void name_group(struct netpol *p)
{
	char whole[512];
	int n = snprintf(whole, sizeof whole, "%s.%s.%s",
			 p->notes ? "k8s" : "np", p->namespace, p->name);
	size_t len = n > 0 ? (size_t)n : 0;

	if (len < BASE_MAX)
		memcpy(p->group, whole, len + 1);
	else
		(void)snprintf(p->group, sizeof p->group, "%.*s_%08x",
			       BASE_MAX - 10, whole,
			       (unsigned)hash_of_bytes(whole, len));
}

static void read_metadata(struct netpol *p, struct fields *f, const json_t *o)
{
	/* much may be in it, and nothing else of it means anything here */
	struct fields m = fields_open(o, false, p->reterr);

	p->namespace = "default";
	field_str(&m, "name", FIELD_MUST, 253, &p->name);
	field_str(&m, "namespace", FIELD_MAY, 63, &p->namespace);
	f->rc = fields_close(&m);
	if (f->rc)
		err_prefix(p->reterr, "metadata");
	else
		name_group(p);
}

static int append_made(struct netpol *p)
{
	json_t *all =
		json_pack("{s:O, s:O}", "groups", p->groups, "rules", p->rules);
	int rc = all ? intent_append(p->i, all, p->reterr) : no_memory(p);

	/* its paths are of what was made here, not of the policy */
	if (rc != 0)
		p->reterr->at[0] = '\0';
	json_decref(all);
	return rc;
}

int netpol_append(struct intent *i, const json_t *policy, struct err *reterr)
{
	struct netpol p = { .i = i,
			    .groups = json_array(),
			    .rules = json_array(),
			    .reterr = reterr };
	struct fields f = fields_open(policy, true, reterr);
	const char *text = NULL;
	const json_t *metadata = NULL, *spec = NULL, *status;

	if (field_str(&f, "apiVersion", FIELD_MUST, 4096, &text) &&
	    strcmp(text, API_VERSION) != 0)
		fields_refuse(&f, "apiVersion", "expected " API_VERSION);
	field_str(&f, "kind", FIELD_MUST, 4096, &text);
	field_object(&f, "status", FIELD_MAY, &status);
	if (field_object(&f, "metadata", FIELD_MUST, &metadata))
		read_metadata(&p, &f, metadata);
	if (field_object(&f, "spec", FIELD_MUST, &spec) && !f.rc) {
		f.rc = read_spec(&p, spec);
		if (f.rc)
			err_prefix(reterr, "spec");
	}
	if (fields_close(&f) == 0)
		f.rc = append_made(&p);
	json_decref(p.groups);
	json_decref(p.rules);
	return f.rc;
}

/* Of a spec that cannot be read whom it selects is left, if that can be. */
static int isolate(struct netpol *p, const json_t *spec)
{
	struct err ignored = { 0 };
	struct fields f = fields_open(spec, false, &ignored);
	const json_t *selector = NULL, *egress = NULL;
	struct err *reterr = p->reterr;
	bool in = true, out = true;
	int rc;

	cut(p->groups, 0);
	cut(p->rules, 0);
	p->reterr = &ignored;
	field_array(&f, "egress", FIELD_MAY, INTENT_RULES_MAX, &egress);
	if (read_types(&f, egress, &in, &out) != 0)
		in = out = true;
	f.rc = 0;
	field_object(&f, "podSelector", FIELD_MAY, &selector);
	rc = read_subject(p, f.rc ? NULL : selector);
	if (rc != 0 && rc != -ENOMEM) /* then all of the namespace */
		rc = read_subject(p, NULL);
	p->reterr = reterr;
	if (rc == 0 && in)
		rc = read_direction(p, NULL, true);
	if (rc == 0 && out)
		rc = read_direction(p, NULL, false);
	return rc == 0 ? 0 : err_set(reterr, -rc, "", "%s", ignored.text);
}

int netpol_append_live(struct intent *i, const char *namespace,
		       const char *name, const json_t *spec, json_t *notes,
		       struct err *reterr)
{
	struct netpol p = { .i = i,
			    .namespace = namespace,
			    .name = name,
			    .groups = json_array(),
			    .rules = json_array(),
			    .notes = notes,
			    .reterr = reterr };
	int rc;

	name_group(&p);
	rc = read_spec(&p, spec);
	if (rc != 0) {
		rc = note(&p);
		if (rc == 0)
			rc = isolate(&p, spec);
	}
	if (rc == 0)
		rc = append_made(&p);
	json_decref(p.groups);
	json_decref(p.rules);
	return rc;
}
