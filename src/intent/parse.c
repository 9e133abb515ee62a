/*
 * The one parser of both forms: YAML comes here as JSON, too, and its lines are
 * found again by the paths in errors (yaml_text_locate()).
 *
 * intent_append() may be called several times, for the documents of one text;
 * intent_finish() then does what needs all of it:
 *
 *   words of rules find their groups
 *   rules without id get one, of their origin's range
 *   rules of a NetworkPolicy go behind all others, those that deny last: they
 *   end what the user's rules say nothing of, and two policies that select the
 *   same workload add up
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits_response.h"
#include "intent/model.h"
#include "intent/words.h"
#include "wire/app.h"
#include "wire/field.h"
#include "wire/request.h"

/* Ids that are given: from, and to where. Beyond: from IDS_MORE on. */
static const struct {
	uint32_t first, last;
} id_ranges[RULE_ORIGIN__MAX] = {
	[ORIGIN_USER] = { 1, 9999 },
	[ORIGIN_LEARNED] = { 10000, 109999 },
	[ORIGIN_NETWORK_POLICY] = { 110000, 199999 },
	[ORIGIN_KUBERNETES] = { 200000, 999999 },
};
#define IDS_MORE 1000000

static void no_memory(struct fields *f, const char *at)
{
	if (!f->rc)
		f->rc = err_set(f->reterr, ENOMEM, at, "out of memory");
}

/* --- from, to --------------------------------------------------------- */

static uint64_t word_hash(const void *arg, uint32_t n)
{
	const struct intent *i = arg;

	return hash_of_bytes(i->words[n].text, strlen(i->words[n].text));
}

int64_t intent_find_word(const struct intent *i, const char *text)
{
	uint64_t slot = hash_of_bytes(text, strlen(text));
	uint32_t n;

	while (hash_table_next(&i->word_table, &slot, &n))
		if (strcmp(i->words[n].text, text) == 0)
			return n;
	return -1;
}

static bool ref_of_text(const char *text, struct ref *r)
{
	static const struct {
		const char *word;
		enum ref_kind kind;
	} always[] = {
		{ "any", REF_ANY },
		{ "external", REF_EXTERNAL },
		{ "workloads", REF_WORKLOADS },
		{ "node", REF_NODE },
	};

	*r = (struct ref){ .kind = REF_GROUP, .group = -1 };
	for (size_t n = 0; n < sizeof always / sizeof *always; n++)
		if (strcmp(text, always[n].word) == 0) {
			r->kind = (uint8_t)always[n].kind;
			return true;
		}
	if (strncmp(text, "fqdn:", 5) == 0) {
		r->kind = REF_NAME;
		return intent_host_is_valid(text + 5);
	}
	if (range_parse(text, &r->range)) {
		r->kind = REF_RANGE;
		return true;
	}
	return intent_name_is_valid(text);
}

static uint32_t add_word(struct intent *i, struct fields *f, const char *at,
			 const json_t *v)
{
	const char *text = json_string_value(v);
	int64_t known = text ? intent_find_word(i, text) : -1;
	struct ref ref, *grown;

	if (known >= 0)
		return (uint32_t)known;
	if (!text || strlen(text) != json_string_length(v) ||
	    !ref_of_text(text, &ref)) {
		fields_refuse(
			f, at,
			"expected a group's name, any, external, "
			"workloads, node, an address, \"10.0.0.0/8\", "
			"\"10.0.0.5-10.0.0.9\" or \"fqdn:*.example.com\", "
			"got %s%.60s",
			text ? "" : json_type_name(v), text ? text : "");
		return 0;
	}
	grown = intent_grow(i->words, i->n_words, &i->room_words,
			    sizeof *i->words);
	if (grown)
		i->words = grown;
	ref.text = arena_text(&i->arena, text, strlen(text));
	if (!grown || !ref.text) {
		no_memory(f, at);
		return 0;
	}
	i->words[i->n_words++] = ref;
	if (!hash_table_put(&i->word_table, hash_of_bytes(text, strlen(text)),
			    word_hash, i)) {
		i->n_words--;
		no_memory(f, at);
	}
	return (uint32_t)i->n_words - 1;
}

/* One text, or a list of them, as an array of n; NULL: an error, or missing. */
static const json_t *open_words(struct fields *f, const char *name,
				enum field_need need, size_t max, size_t *ret_n)
{
	const json_t *v = json_object_get(f->obj, name);
	const json_t *list = NULL;
	const char *text = NULL;

	*ret_n = 1;
	if (json_is_string(v))
		return field_str(f, name, need, 4096, &text) ? v : NULL;
	if (!field_array(f, name, need, max, &list))
		return NULL;
	*ret_n = json_array_size(list);
	if (*ret_n == 0)
		fields_refuse(f, name, "expected at least one");
	return *ret_n ? list : NULL;
}

static const json_t *word_at(const json_t *v, const char *name, size_t n,
			     char at[static ERR_AT_MAX])
{
	if (!json_is_array(v)) {
		(void)snprintf(at, ERR_AT_MAX, "%s", name);
		return v;
	}
	(void)snprintf(at, ERR_AT_MAX, "%s[%zu]", name, n);
	return json_array_get(v, n);
}

static void parse_end(struct intent *i, struct fields *f, const char *name,
		      uint32_t **ret, uint16_t *ret_n)
{
	size_t n;
	const json_t *v = open_words(f, name, FIELD_MUST, INTENT_WORDS_MAX, &n);
	char at[ERR_AT_MAX];

	if (!v)
		return;
	*ret = arena_alloc(&i->arena, n * sizeof **ret);
	if (!*ret) {
		no_memory(f, name);
		return;
	}
	for (size_t k = 0; k < n && !f->rc; k++) {
		const json_t *word = word_at(v, name, k, at);

		(*ret)[k] = add_word(i, f, at, word);
	}
	*ret_n = (uint16_t)n;
}

/* --- the rest of a rule ----------------------------------------------- */

static void parse_ports(struct intent *i, struct fields *f, struct rule *r)
{
	size_t n;
	const json_t *v =
		open_words(f, "ports", FIELD_MAY, INTENT_WORDS_MAX, &n);
	char at[ERR_AT_MAX];

	if (!v)
		return;
	r->ports = arena_alloc(&i->arena, n * sizeof *r->ports);
	if (!r->ports) {
		no_memory(f, "ports");
		return;
	}
	for (size_t k = 0; k < n && !f->rc; k++) {
		const char *text =
			json_string_value(word_at(v, "ports", k, at));

		if (!text || !port_word_parse(text, &r->ports[k]))
			fields_refuse(
				f, at,
				"expected \"any\", \"tcp\", \"tcp/443\", "
				"\"udp/8000-8100\", \"sctp/9\", \"tcp/http\", "
				"\"icmp\", "
				"\"icmpv6\" or \"ip/47\"%s%.40s%s",
				text ? ", got \"" : "", text ? text : "",
				text ? "\"" : "");
	}
	r->n_ports = (uint16_t)n;
}

static void parse_apps(struct intent *i, struct fields *f, struct rule *r)
{
	size_t n;
	const json_t *v =
		open_words(f, "applications", FIELD_MAY, RULE_APPS_MAX, &n);
	char at[ERR_AT_MAX];

	if (!v)
		return;
	r->apps = arena_alloc(&i->arena, n * sizeof *r->apps);
	if (!r->apps) {
		no_memory(f, "applications");
		return;
	}
	for (size_t k = 0; k < n && !f->rc; k++) {
		const char *text =
			json_string_value(word_at(v, "applications", k, at));

		r->apps[k] = text ? app_by_name(text) : 0;
		if (r->apps[k] == 0)
			fields_refuse(f, at,
				      "expected an application such as http, "
				      "tls or postgresql%s%.40s%s "
				      "(docs/applications.md has all)",
				      text ? ", got \"" : "", text ? text : "",
				      text ? "\"" : "");
	}
	r->n_apps = (uint16_t)n;
}

static void parse_requests(struct fields *f, struct rule *r)
{
	struct request_spec *s = NULL;

	if (field_requests(f, "requests", FIELD_MAY, &s)) {
		r->requests = request_spec_json(s);
		if (!r->requests)
			no_memory(f, "requests");
	}
	request_spec_free(s);
}

/* One of n words; ret untouched when it is missing. */
static void parse_word(struct fields *f, const char *name, enum field_need need,
		       const char *const *words, int n, uint8_t *ret)
{
	const char *text = NULL;
	char list[80];
	int found;

	if (!field_str(f, name, need, 4096, &text))
		return;
	found = intent_word_index(words, n, text);
	if (found < 0)
		fields_refuse(f, name, "expected %s, got \"%.40s\"",
			      intent_word_list(words, n, list, sizeof list),
			      text);
	else
		*ret = (uint8_t)found;
}

static void parse_expires(struct fields *f, struct rule *r)
{
	const char *text = NULL;

	if (field_str(f, "expires", FIELD_MAY, 4096, &text) &&
	    !time_word_parse(text, &r->expires))
		fields_refuse(f, "expires",
			      "expected a time (UTC) like "
			      "\"2027-01-31T12:00:00Z\" or \"2027-01-31\", got "
			      "\"%.40s\"",
			      text);
}

static void parse_comment(struct intent *i, struct fields *f, struct rule *r)
{
	const char *text = NULL;

	if (!field_str(f, "comment", FIELD_MAY, INTENT_COMMENT_MAX - 1, &text))
		return;
	r->comment = arena_text(&i->arena, text, strlen(text));
	if (!r->comment)
		no_memory(f, "comment");
}

/* NULL: there is none. */
static const struct rule *find_rule(const struct intent *i, uint32_t id)
{
	uint64_t slot = hash_of_bytes(&id, sizeof id);
	uint32_t n;

	while (hash_table_next(&i->id_table, &slot, &n))
		if (i->rules[n].id == id)
			return &i->rules[n];
	return NULL;
}

bool intent_has_rule(const struct intent *i, uint32_t id)
{
	return find_rule(i, id);
}

bool intent_rule_is_clients(const struct intent *i, uint32_t id)
{
	const struct rule *r = find_rule(i, id);

	return r && r->side == SIDE_CLIENT;
}

static uint64_t id_hash(const void *arg, uint32_t n)
{
	const struct intent *i = arg;
	uint32_t id = i->rules[n].id;

	/* those without are never looked for, and must not be in the way */
	return hash_of_bytes(id ? &id : &n, sizeof id);
}

static int append_rule(struct intent *i, const json_t *o, struct err *reterr)
{
	struct fields f = fields_open(o, true, reterr);
	struct rule r = { 0 }, *grown;

	if (i->n_rules == INTENT_RULES_MAX)
		return err_set(reterr, E2BIG, "", "more than %d rules",
			       INTENT_RULES_MAX);
	grown = intent_grow(i->rules, i->n_rules, &i->room_rules,
			    sizeof *i->rules);
	if (!grown)
		return err_set(reterr, ENOMEM, "", "out of memory");
	i->rules = grown;
	field_u32(&f, "id", FIELD_MAY, 1, UINT32_MAX, &r.id);
	if (!f.rc && r.id && find_rule(i, r.id))
		fields_refuse(&f, "id", "there is another rule %u", r.id);
	parse_end(i, &f, "from", &r.from, &r.n_from);
	parse_end(i, &f, "to", &r.to, &r.n_to);
	parse_ports(i, &f, &r);
	parse_apps(i, &f, &r);
	parse_requests(&f, &r);
	parse_word(&f, "action", FIELD_MUST, intent_action_words, RULE_ACTIONS,
		   &r.action);
	parse_comment(i, &f, &r);
	parse_expires(&f, &r);
	field_bool(&f, "disabled", FIELD_MAY, &r.disabled);
	parse_word(&f, "side", FIELD_MAY, intent_side_words, RULE_SIDE__MAX,
		   &r.side);
	parse_word(&f, "origin", FIELD_MAY, intent_origin_words,
		   RULE_ORIGIN__MAX, &r.origin);
	if (fields_close(&f) == 0) {
		i->rules[i->n_rules++] = r;
		if (!hash_table_put(&i->id_table,
				    id_hash(i, (uint32_t)i->n_rules - 1),
				    id_hash, i))
			no_memory(&f, "");
	} else {
		json_decref(r.requests);
	}
	return f.rc;
}

/* --- all of it -------------------------------------------------------- */

static void append_all(struct intent *i, struct fields *f, const char *name,
		       size_t max,
		       int (*append)(struct intent *i, const json_t *o,
				     struct err *reterr))
{
	const json_t *list = NULL;
	char at[ERR_AT_MAX];

	if (!field_array(f, name, FIELD_MAY, max, &list))
		return;
	for (size_t n = 0; n < json_array_size(list) && !f->rc; n++) {
		f->rc = append(i, json_array_get(list, n), f->reterr);
		if (!f->rc)
			continue;
		(void)snprintf(at, sizeof at, "%s[%zu]", name, n);
		err_prefix(f->reterr, at);
	}
}

static void parse_default(struct intent *i, struct fields *f)
{
	enum intent_mode mode = MODE_DISCOVER;
	const char *text = NULL;

	if (!field_str(f, "default_mode", FIELD_MAY, 4096, &text))
		return;
	if (i->mode >= 0) {
		fields_refuse(f, "default_mode", "was said before");
		return;
	}
	f->rc = intent_mode_parse(text, &mode, f->reterr);
	if (f->rc)
		(void)snprintf(f->reterr->at, sizeof f->reterr->at,
			       "default_mode");
	else
		i->mode = (int)mode;
}

/* Both may be missing, as in what is stored. */
static void check_kind(struct fields *f)
{
	const char *version = NULL, *kind = NULL;

	if (field_str(f, "apiVersion", FIELD_MAY, 4096, &version) &&
	    strcmp(version, INTENT_API_VERSION) != 0)
		fields_refuse(f, "apiVersion",
			      "expected " INTENT_API_VERSION ", got \"%.40s\"",
			      version);
	if (field_str(f, "kind", FIELD_MAY, 4096, &kind) &&
	    strcmp(kind, INTENT_KIND) != 0)
		fields_refuse(f, "kind",
			      "expected " INTENT_KIND " or NetworkPolicy, got "
			      "\"%.40s\"",
			      kind);
}

int intent_append(struct intent *i, const json_t *o, struct err *reterr)
{
	struct fields f = fields_open(o, true, reterr);
	const json_t *sensors;

	check_kind(&f);
	parse_default(i, &f);
	/* appended before */
	(void)field_array(&f, "sensors", FIELD_MAY, SENSORS_MAX, &sensors);
	append_all(i, &f, "groups", INTENT_GROUPS_MAX, intent_append_group);
	append_all(i, &f, "rules", INTENT_RULES_MAX, append_rule);
	append_all(i, &f, "responses", RESPONSES_MAX, intent_append_response);
	return fields_close(&f);
}

/* Behind the last one of its origin, so that an id is not used again soon. */
static void number_rules(struct intent *i)
{
	uint32_t next[RULE_ORIGIN__MAX], more = IDS_MORE;

	for (int o = 0; o < RULE_ORIGIN__MAX; o++)
		next[o] = id_ranges[o].first;
	for (size_t n = 0; n < i->n_rules; n++)
		for (int o = 0; o < RULE_ORIGIN__MAX; o++) {
			uint32_t id = i->rules[n].id;

			if (id >= next[o] && id <= id_ranges[o].last)
				next[o] = id + 1;
		}
	for (size_t n = 0; n < i->n_rules; n++) {
		struct rule *r = &i->rules[n];

		if (r->id != 0)
			continue;
		if (next[r->origin] <= id_ranges[r->origin].last) {
			r->id = next[r->origin]++;
			continue;
		}
		while (find_rule(i, more))
			more++;
		r->id = more++;
	}
}

/* 0: the user's and learned; then those of NetworkPolicies, whoever has them. */
static unsigned rank_of(const struct rule *r)
{
	if (r->origin < ORIGIN_NETWORK_POLICY)
		return 0;
	return r->action == ACTION_DENY ? 2 : 1;
}

static int sort_rules(struct intent *i, struct err *reterr)
{
	struct rule *sorted = malloc((i->n_rules + 1) * sizeof *sorted);
	size_t out = 0;

	if (!sorted)
		return err_set(reterr, ENOMEM, "", "out of memory");
	for (unsigned rank = 0; rank <= 2; rank++)
		for (size_t n = 0; n < i->n_rules; n++)
			if (rank_of(&i->rules[n]) == rank)
				sorted[out++] = i->rules[n];
	free(i->rules);
	i->rules = sorted;
	i->room_rules = i->n_rules + 1;
	/* all have one now, and other places */
	hash_table_done(&i->id_table);
	for (uint32_t n = 0; n < i->n_rules; n++)
		if (!hash_table_put(&i->id_table, id_hash(i, n), id_hash, i))
			return err_set(reterr, ENOMEM, "", "out of memory");
	return 0;
}

/* Names of hosts, each as often as it stands there; ret NULL: only counts. */
static size_t list_hosts(const struct intent *i, const char **ret)
{
	size_t n = 0;

	for (size_t k = 0; k < i->n_words; k++)
		if (i->words[k].kind == REF_NAME) {
			if (ret)
				ret[n] = i->words[k].text + strlen("fqdn:");
			n++;
		}
	for (size_t g = 0; g < i->n_groups; g++)
		for (size_t k = 0; k < i->groups[g].n_names; k++) {
			if (ret)
				ret[n] = i->groups[g].names[k];
			n++;
		}
	return n;
}

static int by_host(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* More than the data plane knows would be refused by it, too late. */
static int check_hosts(const struct intent *i, struct err *reterr)
{
	size_t n = list_hosts(i, NULL), different = 0;
	const char **hosts;

	if (n <= FQDNS_MAX)
		return 0;
	hosts = calloc(n, sizeof *hosts);
	if (!hosts)
		return err_set(reterr, ENOMEM, "", "out of memory");
	(void)list_hosts(i, hosts);
	qsort(hosts, n, sizeof *hosts, by_host);
	for (size_t k = 0; k < n; k++)
		different += k == 0 || by_host(&hosts[k - 1], &hosts[k]) != 0;
	free(hosts);
	if (different <= FQDNS_MAX)
		return 0;
	return err_set(reterr, E2BIG, "", "more than %d names of hosts",
		       FQDNS_MAX);
}

int intent_finish(struct intent *i, struct err *reterr)
{
	if (i->mode < 0)
		i->mode = MODE_DISCOVER;
	for (size_t n = 0; n < i->n_words; n++)
		if (i->words[n].kind == REF_GROUP)
			i->words[n].group =
				intent_find_group(i, i->words[n].text);
	number_rules(i);
	intent_number_sensors(i);
	if (intent_number_responses(i, reterr) < 0 ||
	    check_hosts(i, reterr) < 0)
		return -reterr->code;
	return sort_rules(i, reterr);
}

int intent_from_json(const json_t *o, struct intent **ret, struct err *reterr)
{
	struct intent *i = intent_new();
	struct err err = { 0 };
	int rc;

	if (!i)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = intent_append_sensors(i, o, &err);
	if (rc == 0)
		rc = intent_append(i, o, &err);
	if (rc == 0)
		rc = intent_finish(i, &err);
	if (rc == 0) {
		*ret = i;
		return 0;
	}
	intent_put(i);
	if (reterr)
		*reterr = err;
	return rc;
}
