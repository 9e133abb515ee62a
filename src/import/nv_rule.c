/*
 * Rules of NeuVector's resources. They are one list, by which the first that matches
 * decides: those of a higher priority first, then in the order of the files, of a
 * resource ingress before egress. An export writes a rule into both groups'
 * resources, so the same one may come twice.
 *
 * NeuVector judges a connection at one end: at the server's, and at the client's if
 * the server is outside. A rule that denies does so only if the group there is in
 * Protect, else it tells; a rule of ours denies in each mode. So it becomes an alert
 * where the group's mode is known to be another.
 *
 * Without a rule, the less restrictive mode of both groups counts there, if strict group
 * mode is not on; with Weir each end is judged by its own. Rules at the end of the
 * list, for the end in Protect, make it so for groups of these files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "import/nv.h"
#include "wire/app.h"

/* One rule, as it is read. */
struct reading {
	struct nv *nv;
	const struct import_object *object;
	const char *at; /* "spec.egress[3]" */
	const json_t *rule;
	const struct nv_group *target, *peer;
	bool ingress;
	bool lost;
};

static void lose(struct reading *r, const char *member, const char *why,
		 const char *what)
{
	char at[ERR_AT_MAX];

	(void)snprintf(at, sizeof at, "%s%s%s", r->at, member[0] ? "." : "",
		       member);
	import_tell(&r->nv->report, IMPORT_LOST, r->object, at, "%s%s%s", why,
		    what[0] ? ": " : "", what);
	r->lost = true;
}

/* --- ports, applications ---------------------------------------------------------- */

/* A word of ours; false: it cannot be. text is in lower case, without space. */
static bool port_of(const char *text, char ret[static 32])
{
	size_t len = strcspn(text, "/");
	const char *port = text[len] ? text + len + 1 : "any";

	if (len > 8 || strlen(text) > 24)
		return false;
	if (strspn(text, "0123456789-") == strlen(text) && text[0])
		(void)snprintf(ret, 32, "tcp/%s", text);
	else if (strcmp(port, "any") == 0)
		(void)snprintf(ret, 32, "%.*s", (int)len, text);
	else
		(void)snprintf(ret, 32, "%s", text);
	return true;
}

static bool port_is_accepted(const char *word)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "from", "any", "to",
			      "any", "ports", word, "action", "allow");
	const char *slash = strchr(word, '/');
	struct err err;
	/* NeuVector's have no names */
	bool is = (!slash ||
		   strspn(slash + 1, "0123456789-") == strlen(slash + 1)) &&
		  o && nv_is_accepted("rules", o, &err);

	json_decref(o);
	return is;
}

static void add_port(struct reading *r, const char *text, size_t len,
		     json_t *ports)
{
	char plain[32] = "", word[32];
	size_t n = 0;

	for (size_t k = 0; k < len && n + 1 < sizeof plain; k++) {
		char c = text[k];

		if (c != ' ')
			plain[n++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20)
							  : c;
	}
	if (len >= sizeof plain || !port_of(plain, word) ||
	    !port_is_accepted(word))
		lose(r, "ports", "a port that is none", plain);
	else
		nv_push(r->nv, ports, json_string(word));
}

/* "tcp/80,udp/53", "any" or nothing; NULL: any. */
static json_t *read_ports(struct reading *r)
{
	const json_t *v = json_object_get(r->rule, "ports");
	const char *text = nv_text(r->rule, "ports");
	json_t *ports;

	if (v && !json_is_string(v) && !json_is_null(v))
		lose(r, "ports", "expected a text like \"tcp/80,tcp/443\"", "");
	if (text[0] == '\0' || strcmp(text, "any") == 0)
		return NULL;
	ports = json_array();
	while (*text && !r->lost) {
		size_t len = strcspn(text, ",");

		add_port(r, text, len, ports);
		text += len + (text[len] == ',');
	}
	return ports;
}

/* 0: none of ours. */
static const char *app_of(const char *name)
{
	static const struct {
		const char *theirs, *ours;
	} other[] = {
		{ "SSL", "tls" },
		{ "TNS", "oracle" },
		{ "TDS", "mssql" },
		{ "Node.js", "nodejs" },
	};

	for (size_t n = 0; n < sizeof other / sizeof *other; n++)
		if (strcmp(other[n].theirs, name) == 0)
			return other[n].ours;
	return app_by_name(name) ? app_name(app_by_name(name)) : NULL;
}

/* NULL: any. */
static json_t *read_apps(struct reading *r)
{
	const json_t *list = json_object_get(r->rule, "applications"), *v;
	json_t *apps;
	size_t n;

	if (list && !json_is_array(list) && !json_is_null(list))
		lose(r, "applications", "expected a list", "");
	if (json_array_size(list) == 0)
		return NULL;
	apps = json_array();
	json_array_foreach (list, n, v) {
		const char *name = json_string_value(v);
		const char *ours = name ? app_of(name) : NULL;

		if (name && strcmp(name, "any") == 0) {
			json_decref(apps);
			return NULL;
		}
		if (ours)
			nv_push(r->nv, apps, json_string(ours));
		else
			lose(r, "applications",
			     "an application that Weir does not know",
			     name ? name : "no text");
	}
	return apps;
}

/* --- actions ------------------------------------------------------------------------ */

static void change(struct reading *r, const char *text)
{
	char at[ERR_AT_MAX];

	(void)snprintf(at, sizeof at, "%s.action", r->at);
	import_tell(&r->nv->report, IMPORT_CHANGED, r->object, at, "%s", text);
}

/* Ours; NULL: told, and lost. */
static const char *read_action(struct reading *r)
{
	const char *action = nv_text(r->rule, "action");
	/* who judges there */
	const struct nv_group *judge =
		r->ingress || !r->peer->workloads ? r->target : r->peer;

	if (strcmp(action, "allow") == 0)
		return "allow";
	if (strcmp(action, "deny") != 0) {
		lose(r, "action", "expected allow or deny", action);
		return NULL;
	}
	switch (judge->mode) {
	case NV_PROTECT: return "deny";
	case NV_DISCOVER:
	case NV_MONITOR:
		change(r, "an alert: NeuVector denies nothing of a group in "
			  "Discover or Monitor. Make it deny with the mode");
		return "alert";
	default:
		change(r, "denied in each mode: of the group the files say no "
			  "mode, and NeuVector denies in Protect only");
		return "deny";
	}
}

/* --- one rule --------------------------------------------------------------------- */

static json_t *comment_of(const struct reading *r)
{
	const char *name = nv_text(r->rule, "name");

	return json_sprintf("%.200s%s(NeuVector: %.200s)", name,
			    name[0] ? " " : "", r->object->name);
}

/* Is it there already? Comments and ids do not count. */
static bool is_known(const struct nv *nv, const json_t *rule)
{
	static const char *const members[] = { "from", "to", "ports",
					       "applications", "action" };
	const json_t *other;
	size_t n;

	json_array_foreach (nv->out_rules, n, other) {
		size_t k = 0;

		while (k < 5) {
			const json_t *a = json_object_get(rule, members[k]);
			const json_t *b = json_object_get(other, members[k]);

			if (a != b && !json_equal(a, b))
				break;
			k++;
		}
		if (k == 5)
			return true;
	}
	return false;
}

static void add_rule(struct reading *r, json_t *ports, json_t *apps,
		     const char *action)
{
	json_t *target = r->target->words, *peer = r->peer->words;
	json_t *rule = json_pack("{s:O, s:O, s:s, s:o}", "from",
				 r->ingress ? peer : target, "to",
				 r->ingress ? target : peer, "action", action,
				 "comment", comment_of(r));
	json_int_t priority =
		json_integer_value(json_object_get(r->rule, "priority"));
	struct err err;

	if (!rule || (ports && json_object_set(rule, "ports", ports) < 0) ||
	    (apps && json_object_set(rule, "applications", apps) < 0)) {
		r->nv->failed = true;
	} else if (!nv_is_accepted("rules", rule, &err)) {
		lose(r, "", err.at, err.text);
	} else if (is_known(r->nv, rule)) {
		import_tell(&r->nv->report, IMPORT_NOTE, r->object, r->at,
			    "the same rule as one before");
	} else {
		nv_push(r->nv, r->nv->out_rules, json_incref(rule));
		nv_push(r->nv, r->nv->order, json_integer(priority));
	}
	json_decref(rule);
}

static void read_rule(struct reading *r)
{
	static const char *const known[] = { "selector", "applications",
					     "ports",	 "action",
					     "name",	 "priority",
					     NULL };
	const json_t *selector = json_object_get(r->rule, "selector");
	const char *action;
	json_t *ports, *apps;
	char at[ERR_AT_MAX];

	nv_only(r->nv, r->object, r->at, r->rule, known);
	(void)snprintf(at, sizeof at, "%s.selector", r->at);
	r->peer = nv_group_of(r->nv, r->object, at, selector);
	if (!r->peer || json_array_size(r->peer->words) == 0) {
		lose(r, "selector", "the rule is about a group that is lost",
		     r->peer ? r->peer->name : "");
		return;
	}
	if (json_array_size(r->target->words) == 0) {
		lose(r, "", "the rule is about a group that is lost",
		     r->target->name);
		return;
	}
	ports = read_ports(r);
	apps = read_apps(r);
	action = read_action(r);
	if (!r->lost)
		add_rule(r, ports, apps, action);
	json_decref(ports);
	json_decref(apps);
}

static void read_way(struct nv *nv, const struct import_object *o,
		     const struct nv_group *target, bool ingress)
{
	const char *way = ingress ? "ingress" : "egress";
	const json_t *spec = json_object_get(o->value, "spec");
	const json_t *list = json_object_get(spec, way), *v;
	char at[48];
	size_t n;

	json_array_foreach (list, n, v) {
		struct reading r = { .nv = nv,
				     .object = o,
				     .at = at,
				     .rule = v,
				     .target = target,
				     .ingress = ingress };

		(void)snprintf(at, sizeof at, "spec.%s[%zu]", way, n);
		read_rule(&r);
	}
}

/* --- a resource --------------------------------------------------------------------- */

static const json_t *target_of(const struct import_object *o)
{
	return json_object_get(json_object_get(o->value, "spec"), "target");
}

static void read_mode(struct nv *nv, const struct import_object *o,
		      struct nv_group *g)
{
	const char *text = nv_text(target_of(o), "policymode");
	enum nv_mode mode = nv_mode_parse(text);
	const char *field = "spec.target.policymode";

	if (text[0] == '\0' || strcmp(text, "N/A") == 0)
		return;
	if (mode == NV_MODE_NONE)
		import_tell(&nv->report, IMPORT_LOST, o, field,
			    "expected Discover, Monitor or Protect, got "
			    "\"%.40s\"",
			    text);
	else if (!g->workloads || json_array_size(g->words) == 0)
		import_tell(&nv->report, IMPORT_LOST, o, field,
			    "a mode of what is no group of workloads here");
	else if (strcmp(json_string_value(json_array_get(g->words, 0)),
			"workloads") == 0)
		import_tell(&nv->report, IMPORT_LOST, o, field,
			    "for all workloads: weir mode default ...");
	else if (g->mode != NV_MODE_NONE && g->mode != mode)
		import_tell(&nv->report, IMPORT_CHANGED, o, field,
			    "group %s has another mode before, which is what "
			    "counts",
			    g->name);
	else
		g->mode = mode;
}

void nv_target_read(struct nv *nv, const struct import_object *o)
{
	static const char *const known[] = { "policymode", "selector", NULL };
	struct nv_group *g =
		nv_group_of(nv, o, "spec.target.selector",
			    json_object_get(target_of(o), "selector"));

	nv_only(nv, o, "spec.target", target_of(o), known);
	if (g)
		read_mode(nv, o, g);
}

/* What is about processes and files: not empty, so it says something. */
static void tell_hosts_side(struct nv *nv, const struct import_object *o)
{
	static const struct {
		const char *member, *what;
	} members[] = {
		{ "process", "rules about processes" },
		{ "file", "rules about files" },
		{ "process_profile", "the profile of processes" },
	};
	const json_t *spec = json_object_get(o->value, "spec");

	for (size_t n = 0; n < sizeof members / sizeof *members; n++) {
		const json_t *v = json_object_get(spec, members[n].member);
		char at[32], count[24] = "";

		if (json_array_size(v) == 0 && json_object_size(v) == 0)
			continue;
		(void)snprintf(at, sizeof at, "spec.%s", members[n].member);
		if (json_is_array(v))
			(void)snprintf(count, sizeof count, "%zu ",
				       json_array_size(v));
		import_tell(&nv->report, IMPORT_LOST, o, at,
			    "%s%s: Weir looks at traffic alone", count,
			    members[n].what);
	}
}

void nv_rules_read(struct nv *nv, const struct import_object *o)
{
	static const char *const known[] = {
		"target",	   "ingress", "egress", "process", "file",
		"process_profile", "dlp",     "waf",	NULL
	};
	const struct nv_group *target =
		nv_group_of(nv, o, "spec.target.selector",
			    json_object_get(target_of(o), "selector"));

	nv_only(nv, o, "spec", json_object_get(o->value, "spec"), known);
	tell_hosts_side(nv, o);
	if (!target) {
		import_tell(&nv->report, IMPORT_LOST, o, "spec",
			    "whose rules they are is not said");
		return;
	}
	read_way(nv, o, target, true);
	read_way(nv, o, target, false);
	nv_sensors_use(nv, o, target, false);
	nv_sensors_use(nv, o, target, true);
}

/* --- the order, and modes ------------------------------------------------------------ */

static void sort_rules(struct nv *nv)
{
	json_t *sorted = json_array();
	size_t n = json_array_size(nv->out_rules);

	/* 0 to 100, and what is not of these first or last */
	for (json_int_t p = 101; p >= -1; p--)
		for (size_t k = 0; k < n; k++) {
			json_int_t is = json_integer_value(
				json_array_get(nv->order, k));

			is = is > 100 ? 101 : is < 0 ? -1 : is;
			if (is == p)
				nv_push(nv, sorted,
					json_incref(json_array_get(
						nv->out_rules, k)));
		}
	json_decref(nv->out_rules);
	nv->out_rules = sorted;
}

/* The words of all groups in that mode, INTENT_WORDS_MAX from the first-th on. */
static json_t *words_in(struct nv *nv, enum nv_mode mode, size_t first)
{
	json_t *words = json_array();
	size_t seen = 0;

	for (size_t n = 0; n < nv->n_groups; n++) {
		if (nv->groups[n]->mode != mode ||
		    json_array_size(nv->groups[n]->words) == 0)
			continue;
		if (seen++ >= first &&
		    json_array_size(words) < INTENT_WORDS_MAX)
			nv_push(nv, words,
				json_incref(json_array_get(nv->groups[n]->words,
							   0)));
	}
	return words;
}

static void add_between(struct nv *nv, const json_t *from, const json_t *to,
			const char *side, const char *action)
{
	nv_push(nv, nv->out_rules,
		json_pack("{s:O, s:O, s:s, s:s, s:s}", "from", from, "to", to,
			  "side", side, "action", action, "comment",
			  "the less restrictive mode counts, as in "
			  "NeuVector"));
}

/* Between these, which are in Protect, and those in that mode, both ways. */
static size_t relax_some(struct nv *nv, const json_t *strict, enum nv_mode mode,
			 const char *action)
{
	size_t made = 0, n = INTENT_WORDS_MAX;

	for (size_t at = 0; n == INTENT_WORDS_MAX; at += n) {
		json_t *others = words_in(nv, mode, at);

		n = json_array_size(others);
		if (n > 0) {
			add_between(nv, strict, others, "client", action);
			add_between(nv, others, strict, "server", action);
			made += 2;
		}
		json_decref(others);
	}
	return made;
}

static size_t relax(struct nv *nv, enum nv_mode mode, const char *action)
{
	size_t made = 0, n = INTENT_WORDS_MAX;

	for (size_t at = 0; n == INTENT_WORDS_MAX; at += n) {
		json_t *strict = words_in(nv, NV_PROTECT, at);

		n = json_array_size(strict);
		if (n > 0)
			made += relax_some(nv, strict, mode, action);
		json_decref(strict);
	}
	return made;
}

void nv_rules_finish(struct nv *nv)
{
	size_t made = 0;

	sort_rules(nv);
	if (!nv->options->strict) {
		made = relax(nv, NV_DISCOVER, "learn");
		made += relax(nv, NV_MONITOR, "alert");
	}
	if (made > 0)
		import_tell(&nv->report, IMPORT_NOTE, &nv->objects.at[0], "",
			    "the last %zu rules let the less restrictive mode "
			    "of two groups count, as NeuVector does without "
			    "strict group mode (--strict: without them)",
			    made);
}
