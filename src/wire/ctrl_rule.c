/*
 * Rules of our own form. They exist on our own door only. A rule speaks of
 * every combination of its lists; what is missing says "any". Names of hosts
 * and the words "internal" and "external" only make sense for the peer, so at
 * the workload's own end they are refused.
 */
#include "wire/ctrl_rule.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "wire/app.h"
#include "wire/ctrl_fqdn.h"
#include "wire/field.h"

#define SHOW_MAX 40 /* of a text that is wrong */

static const struct {
	const char *word;
	uint8_t action;
	bool reject;
} actions[] = {
	{ "allow", POLICY_ALLOW, false }, { "deny", POLICY_DENY, false },
	{ "reject", POLICY_DENY, true },  { "alert", POLICY_VIOLATE, false },
	{ "learn", POLICY_LEARN, false },
};

static const struct {
	const char *word;
	enum addr_kind kind;
} kinds[] = {
	{ "any", ADDR_ANY },
	{ "external", ADDR_EXTERNAL },
	{ "internal", ADDR_INTERNAL },
};

bool ctrl_is_own_rule(const json_t *v)
{
	return json_object_get(v, "from") || json_object_get(v, "to") ||
	       json_object_get(v, "ports") ||
	       json_is_string(json_object_get(v, "action"));
}

/* A decimal number in 0..max, nothing behind it. */
static bool number_of(const char *text, size_t len, uint32_t max, uint32_t *ret)
{
	uint32_t v = 0;

	if (len == 0 || len > 9)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(text[i] - '0');
	}
	if (v > max)
		return false;
	*ret = v;
	return true;
}

const char *rule_action_word(const struct rule_spec *r)
{
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		if (actions[i].action == r->action &&
		    actions[i].reject == r->reject)
			return actions[i].word;
	return NULL;
}

/* --- addresses -------------------------------------------------------- */

static bool copy_text(const char *text, size_t len, char *buf, size_t size)
{
	if (len >= size)
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	return true;
}

static bool ip_of_text(const char *text, size_t len, struct ip_addr *ret)
{
	char buf[IP_TEXT_MAX];

	return copy_text(text, len, buf, sizeof buf) && ip_parse(buf, ret) == 0;
}

/* All addresses of that prefix; host bits may be set. */
static void fill_prefix(struct addr_word *w, unsigned bits)
{
	for (unsigned i = bits; i < 128; i++) {
		uint8_t bit = (uint8_t)(0x80 >> i % 8);

		w->first.b[i / 8] &= (uint8_t)~bit;
		w->last.b[i / 8] |= bit;
	}
}

bool addr_range_by_text(const char *text, struct addr_word *w)
{
	/* ::fffe:ffff:ffff */
	static const struct ip_addr last_before_v4 = {
		{ [10] = 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff }
	};
	size_t len = strcspn(text, "-/");
	const char *rest = text + len;
	unsigned family;
	uint32_t bits;

	w->kind = ADDR_RANGE;
	if (!ip_of_text(text, len, &w->first))
		return false;
	w->last = w->first;
	family = ip_is_v4(w->first) ? 32 : 128;
	if (*rest == '/') {
		if (!number_of(rest + 1, strlen(rest + 1), family, &bits))
			return false;
		fill_prefix(w, 128 - family + bits);
		/* IPv4's block is there, and in no IPv6 network */
		if (family == 128 && ip_is_v4(w->last))
			w->last = last_before_v4;
	} else if (*rest == '-') {
		return ip_of_text(rest + 1, strlen(rest + 1), &w->last) &&
		       ip_is_v4(w->first) == ip_is_v4(w->last) &&
		       ip_compare(w->first, w->last) <= 0;
	}
	return true;
}

static void set_of_text(struct fields *f, const char *at, const char *text,
			char **ret)
{
	size_t len = strlen(text);

	if (len == 0 || len >= ADDR_SET_NAME_MAX) {
		fields_refuse(f, at, "expected a set's name of 1..%d bytes",
			      ADDR_SET_NAME_MAX - 1);
		return;
	}
	*ret = strdup(text);
	if (!*ret)
		f->rc = err_set(f->reterr, ENOMEM, at, "out of memory");
}

static void host_of_text(struct fields *f, const char *at, const char *text,
			 char **ret)
{
	if (!fqdn_is_valid(text)) {
		fields_refuse(f, at,
			      "expected a name like \"www.example.com\" or "
			      "\"*.example.com\", got \"%.*s\"",
			      SHOW_MAX, text);
		return;
	}
	*ret = fqdn_lower_copy(text);
	if (!*ret)
		f->rc = err_set(f->reterr, ENOMEM, at, "out of memory");
}

static void parse_word(struct fields *f, const char *at, const json_t *v,
		       struct addr_word *w)
{
	const char *text = json_string_value(v);

	if (!text) {
		fields_refuse(f, at, "expected a string, got %s",
			      json_type_name(v));
		return;
	}
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(text, kinds[i].word) == 0) {
			w->kind = (uint8_t)kinds[i].kind;
			return;
		}
	if (strncmp(text, "set:", 4) == 0) {
		w->kind = ADDR_SET;
		set_of_text(f, at, text + 4, &w->name);
	} else if (strncmp(text, "fqdn:", 5) == 0) {
		w->kind = ADDR_NAME;
		host_of_text(f, at, text + 5, &w->name);
	} else if (!addr_range_by_text(text, w)) {
		fields_refuse(f, at,
			      "expected an address, \"10.0.0.0/8\", "
			      "\"10.0.0.5-10.0.0.9\", \"any\", \"external\", "
			      "\"internal\", \"set:NAME\" or \"fqdn:NAME\", "
			      "got \"%.*s\"",
			      SHOW_MAX, text);
	}
}

const char *addr_word_format(const struct addr_word *w,
			     char buf[static ADDR_WORD_TEXT_MAX])
{
	char first[IP_TEXT_MAX], last[IP_TEXT_MAX];

	switch ((enum addr_kind)w->kind) {
	case ADDR_ANY:
	case ADDR_EXTERNAL:
	case ADDR_INTERNAL:
		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
			if (w->kind == kinds[i].kind)
				(void)snprintf(buf, ADDR_WORD_TEXT_MAX, "%s",
					       kinds[i].word);
		break;
	case ADDR_SET:
		(void)snprintf(buf, ADDR_WORD_TEXT_MAX, "set:%s", w->name);
		break;
	case ADDR_NAME:
		(void)snprintf(buf, ADDR_WORD_TEXT_MAX, "fqdn:%s", w->name);
		break;
	case ADDR_RANGE:
		(void)ip_format(w->first, first);
		(void)ip_format(w->last, last);
		(void)snprintf(buf, ADDR_WORD_TEXT_MAX, "%s%s%s", first,
			       ip_equal(w->first, w->last) ? "" : "-",
			       ip_equal(w->first, w->last) ? "" : last);
	}
	return buf;
}

/* --- lists of a rule -------------------------------------------------- */

/* n elements, all 0, or the sticky error. */
static void *new_list(struct fields *f, const char *name, size_t n, size_t size)
{
	void *v = calloc(n ? n : 1, size);

	if (!v)
		f->rc = err_set(f->reterr, ENOMEM, name, "out of memory");
	return v;
}

/* A list that must not be empty; NULL and 1: it is missing. */
static const json_t *open_list(struct fields *f, const char *name,
			       size_t *ret_n)
{
	const json_t *array = NULL;

	*ret_n = 1;
	if (!field_array(f, name, FIELD_MAY, RULE_WORDS_MAX, &array))
		return NULL;
	*ret_n = json_array_size(array);
	if (*ret_n == 0)
		fields_refuse(f, name, "expected at least one element");
	return array;
}

static void parse_addrs(struct fields *f, const char *name, bool own,
			struct addr_word **ret, size_t *ret_n)
{
	const json_t *array = open_list(f, name, ret_n);
	char at[ERR_AT_MAX];

	*ret = f->rc ? NULL : new_list(f, name, *ret_n, sizeof **ret);
	if (!*ret) {
		*ret_n = 0;
		return;
	}
	if (!array)
		(*ret)[0].kind = ADDR_ANY;
	for (size_t i = 0; array && i < *ret_n && !f->rc; i++) {
		struct addr_word *w = &(*ret)[i];

		(void)snprintf(at, sizeof at, "%s[%zu]", name, i);
		parse_word(f, at, json_array_get(array, i), w);
		if (own && (w->kind == ADDR_EXTERNAL ||
			    w->kind == ADDR_INTERNAL || w->kind == ADDR_NAME))
			fields_refuse(f, at,
				      "this end is the workload itself: "
				      "expected an address, a range, \"any\" "
				      "or \"set:NAME\"");
	}
}

static bool parse_port(const json_t *v, struct port_range *ret)
{
	const char *text = json_string_value(v);
	size_t len;
	uint32_t first, last;

	if (json_is_integer(v)) {
		json_int_t n = json_integer_value(v);

		*ret = (struct port_range){ (uint16_t)n, (uint16_t)n };
		return n >= 0 && n <= 65535;
	}
	if (!text)
		return false;
	len = strcspn(text, "-");
	if (!number_of(text, len, 65535, &first))
		return false;
	last = first;
	if (text[len] &&
	    !number_of(text + len + 1, strlen(text + len + 1), 65535, &last))
		return false;
	*ret = (struct port_range){ (uint16_t)first, (uint16_t)last };
	return first <= last;
}

static void parse_ports(struct fields *f, struct rule_lists *l)
{
	const json_t *array = open_list(f, "ports", &l->n_ports);
	char at[ERR_AT_MAX];

	if (!f->rc)
		l->ports = new_list(f, "ports", l->n_ports, sizeof *l->ports);
	if (!l->ports) {
		l->n_ports = 0;
		return;
	}
	if (!array)
		l->ports[0] = (struct port_range){ 0, UINT16_MAX };
	for (size_t i = 0; array && i < l->n_ports; i++) {
		if (parse_port(json_array_get(array, i), &l->ports[i]))
			continue;
		(void)snprintf(at, sizeof at, "ports[%zu]", i);
		fields_refuse(f, at,
			      "expected a port or a range like "
			      "\"8000-8100\"");
	}
}

bool field_action(struct fields *f, const char *name, uint8_t *ret_action,
		  bool *ret_reject)
{
	const char *word = NULL;

	if (!field_str(f, name, FIELD_MUST, SHOW_MAX, &word))
		return false;
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		if (strcmp(word, actions[i].word) == 0) {
			*ret_action = actions[i].action;
			*ret_reject = actions[i].reject;
			return true;
		}
	fields_refuse(f, name,
		      "expected allow, deny, reject, alert or learn, got "
		      "\"%s\"",
		      word);
	return false;
}

/* A protocol: a number, or a name. */
static void parse_proto(struct fields *f, enum field_need need, uint8_t *ret)
{
	const char *text = NULL;

	if (!json_is_string(json_object_get(f->obj, "proto"))) {
		field_u8(f, "proto", need, 0, 255, ret);
		return;
	}
	if (field_str(f, "proto", need, 4096, &text) &&
	    proto_by_text(text, ret) < 0)
		fields_refuse(f, "proto",
			      "expected any, tcp, udp, icmp, icmpv6, sctp or a "
			      "number in 0..255, got \"%.*s\"",
			      SHOW_MAX, text);
}

/* 0: neither a number nor a name of an application. */
static uint32_t app_of(const json_t *v)
{
	const char *text = json_string_value(v);
	json_int_t n = json_integer_value(v);
	uint32_t number;

	if (text && number_of(text, strlen(text), 999999999, &number))
		return number;
	if (text)
		return app_by_name(text);
	return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static void parse_apps(struct fields *f, struct rule_spec *r)
{
	const json_t *array = NULL;
	char at[ERR_AT_MAX];
	size_t n;

	if (!field_array(f, "apps", FIELD_MAY, RULE_APPS_MAX, &array))
		return;
	n = json_array_size(array);
	if (n == 0)
		return;
	r->apps = new_list(f, "apps", n, sizeof *r->apps);
	if (!r->apps)
		return;
	r->n_apps = n;
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(array, i);

		r->apps[i] = (struct rule_app){ .app = app_of(v),
						.action = r->action,
						.rule_id = r->id };
		(void)snprintf(at, sizeof at, "apps[%zu]", i);
		if (r->apps[i].app == POLICY_APP_ANY)
			fields_refuse(f, at,
				      "expected an application's name or "
				      "number");
	}
}

int ctrl_parse_own_rule(const json_t *v, struct rule_spec *r,
			struct err *reterr)
{
	struct fields f = fields_open(v, true, reterr);
	struct rule_lists *l = new_list(&f, "from", 1, sizeof *l);

	r->lists = l;
	field_u32(&f, "id", FIELD_MUST, 0, UINT32_MAX, &r->id);
	field_bool(&f, "ingress", FIELD_MAY, &r->ingress);
	parse_proto(&f, FIELD_MAY, &r->proto);
	field_action(&f, "action", &r->action, &r->reject);
	if (l) {
		parse_addrs(&f, "from", !r->ingress, &l->from, &l->n_from);
		parse_addrs(&f, "to", r->ingress, &l->to, &l->n_to);
		parse_ports(&f, l);
	}
	parse_apps(&f, r);
	(void)field_requests(&f, "requests", FIELD_MAY, &r->requests);
	return fields_close(&f);
}

static void words_free(struct addr_word *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(w[i].name);
	free(w);
}

void rule_lists_free(struct rule_lists *l)
{
	if (!l)
		return;
	words_free(l->from, l->n_from);
	words_free(l->to, l->n_to);
	free(l->ports);
	free(l);
}

/* --- weir_sets -------------------------------------------------------- */

void addr_set_spec_done(struct addr_set_spec *s)
{
	free(s->name);
	words_free(s->ranges, s->n_ranges);
}

static void parse_set(struct fields *f, const char *name, const json_t *v,
		      struct addr_set_spec *s)
{
	char at[ERR_AT_MAX];
	size_t n = json_array_size(v);

	(void)snprintf(at, sizeof at, "sets.%.*s", SHOW_MAX, name);
	set_of_text(f, at, name, &s->name);
	if (!json_is_array(v)) {
		fields_refuse(f, at, "expected an array of addresses");
		return;
	}
	if (n > ADDR_SET_WORDS_MAX) {
		f->rc = err_set(f->reterr, E2BIG, at,
				"expected at most %d elements, got %zu",
				ADDR_SET_WORDS_MAX, n);
		return;
	}
	s->ranges = new_list(f, at, n, sizeof *s->ranges);
	if (f->rc)
		return;
	s->n_ranges = n;
	for (size_t i = 0; i < n && !f->rc; i++) {
		const json_t *word = json_array_get(v, i);

		(void)snprintf(at, sizeof at, "sets.%.*s[%zu]", SHOW_MAX, name,
			       i);
		parse_word(f, at, word, &s->ranges[i]);
		if (s->ranges[i].kind != ADDR_RANGE)
			fields_refuse(f, at,
				      "a set holds addresses and ranges "
				      "only");
	}
}

void field_sets(struct fields *f, const char *name, enum field_need need,
		struct addr_set_spec **ret, size_t *ret_n)
{
	const json_t *sets = NULL;
	const char *key;
	json_t *v;
	size_t n;

	if (!field_object(f, name, need, &sets))
		return;
	n = json_object_size(sets);
	if (n > ADDR_SETS_MAX)
		f->rc = err_set(f->reterr, E2BIG, name,
				"expected at most %d sets, got %zu",
				ADDR_SETS_MAX, n);
	else
		*ret = new_list(f, name, n, sizeof **ret);
	if (f->rc)
		return;
	json_object_foreach ((json_t *)(uintptr_t)sets, key, v)
		if (!f->rc)
			parse_set(f, key, v, &(*ret)[(*ret_n)++]);
}

int ctrl_parse_sets(const json_t *body, bool strict, struct ctrl_msg *m,
		    struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	field_sets(&f, "sets", FIELD_MUST, &m->sets.sets, &m->sets.n);
	return fields_close(&f);
}

/* --- weir_explain ----------------------------------------------------- */

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP ||
	       proto == IPPROTO_SCTP;
}

int ctrl_parse_explain(const json_t *body, bool strict, struct ctrl_msg *m,
		       struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);
	struct explain_spec *e = &m->explain;
	const json_t *app = json_object_get(body, "app");
	const char *vhost = "", *text;
	uint32_t number;
	bool has_port;

	field_ip(&f, "from", FIELD_MUST, &e->from);
	field_ip(&f, "to", FIELD_MUST, &e->to);
	parse_proto(&f, FIELD_MUST, &e->proto);
	has_port = field_u16(&f, "port", FIELD_MAY, 0, UINT16_MAX, &e->port);
	if (json_is_string(app))
		field_str(&f, "app", FIELD_MAY, 64, &text);
	else
		field_u32(&f, "app", FIELD_MAY, 0, UINT32_MAX, &number);
	e->app = app_of(app);
	if (!f.rc && json_is_string(app) && e->app == 0)
		fields_refuse(&f, "app", "no application is called \"%s\"",
			      text);
	e->has_workload = field_mac(&f, "workload", FIELD_MAY, &e->workload);
	(void)field_mac(&f, "from_workload", FIELD_MAY, &e->from_workload);
	(void)field_mac(&f, "to_workload", FIELD_MAY, &e->to_workload);
	if (field_str(&f, "vhost", FIELD_MAY, FQDN_TEXT_MAX - 1, &vhost))
		memcpy(e->vhost, vhost, strlen(vhost) + 1);
	if (field_request(&f, "request", FIELD_MAY, &e->request))
		e->asked = json_incref(json_object_get(body, "request"));
	if (!f.rc && ip_is_v4(e->from) != ip_is_v4(e->to))
		fields_refuse(&f, "to", "is of another family than from");
	if (!f.rc && e->proto == 0)
		fields_refuse(&f, "proto", "expected one protocol");
	/* else it would be answered for port 0, which nobody asks about */
	if (!f.rc && !has_port && has_ports(e->proto))
		fields_refuse(&f, "port",
			      "missing: tcp, udp and sctp have one");
	return fields_close(&f);
}
