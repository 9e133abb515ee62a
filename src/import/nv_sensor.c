/*
 * NeuVector's sensors: several rules, any of which will do; of each, all patterns
 * have to match. That is what one sensor of ours is, so a sensor becomes one for each
 * of its rules, and a group that uses it uses all of them. The expressions are
 * looked for in any case and over lines, as NeuVector's agent has its data plane
 * do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "import/nv.h"

static struct nv_sensor *find(struct nv *nv, const char *name)
{
	for (size_t n = 0; n < nv->n_named; n++)
		if (strcmp(nv->named[n].name, name) == 0)
			return &nv->named[n];
	return NULL;
}

/* NULL: out of memory. */
static struct nv_sensor *append(struct nv *nv, const char *name)
{
	struct nv_sensor *grown =
		realloc(nv->named, (nv->n_named + 1) * sizeof *nv->named);
	struct nv_sensor *s = grown ? &grown[nv->n_named] : NULL;

	if (grown)
		nv->named = grown;
	if (s)
		*s = (struct nv_sensor){ strdup(name), json_array() };
	if (!s || !s->name || !s->sensors) {
		if (s) {
			free(s->name);
			json_decref(s->sensors);
		}
		nv->failed = true;
		return NULL;
	}
	nv->n_named++;
	return s;
}

static json_t *name_of(const char *sensor, const char *rule)
{
	char name[INTENT_NAME_MAX];
	size_t n;

	(void)snprintf(name, sizeof name, "%.60s%s%.60s", sensor,
		       rule[0] ? "." : "", rule);
	for (n = 0; name[n]; n++)
		if (!((name[n] >= 'a' && name[n] <= 'z') ||
		      (name[n] >= 'A' && name[n] <= 'Z') ||
		      (name[n] >= '0' && name[n] <= '9') ||
		      strchr("._-", name[n])))
			name[n] = '_';
	return json_string(name);
}

/* --- definitions ------------------------------------------------------------------ */

/* NULL: told, and lost. */
static json_t *read_pattern(struct nv *nv, const struct import_object *o,
			    const char *at, const json_t *p)
{
	static const char *const wheres[] = { "url", "header", "body",
					      "packet" };
	static const char *const known[] = { "key", "op", "value", "context",
					     NULL };
	const char *op = nv_text(p, "op"), *context = nv_text(p, "context");
	const char *where = context[0] ? context : "body";
	bool is_not = strcmp(op, "!regex") == 0, is_where = false;
	json_t *made;

	nv_only(nv, o, at, p, known);
	if (strcmp(where, "uri") == 0)
		where = "url";
	for (int n = 0; n < 4; n++)
		is_where |= strcmp(where, wheres[n]) == 0;
	if (!is_where || (!is_not && strcmp(op, "regex") != 0)) {
		import_tell(&nv->report, IMPORT_LOST, o, at,
			    "a pattern with operator \"%.20s\" and context "
			    "\"%.20s\" is not known",
			    op, context);
		return NULL;
	}
	made = json_pack("{s:s, s:s, s:s}", "regex", nv_text(p, "value"),
			 "flags", "is", "where", where);
	if (!made ||
	    (is_not && json_object_set_new(made, "not", json_true()) < 0) ||
	    (strcmp(where, "packet") != 0 &&
	     json_object_set_new(made, "or_sent", json_true()) < 0))
		nv->failed = true;
	return made;
}

static bool is_taken(const struct nv *nv, const json_t *name)
{
	const json_t *s;
	size_t n;

	json_array_foreach (nv->out_sensors, n, s)
		if (json_equal(json_object_get(s, "name"), name))
			return true;
	return false;
}

static void read_rule(struct nv *nv, const struct import_object *o,
		      struct nv_sensor *s, const json_t *rule, size_t n,
		      bool alone, bool waf)
{
	static const char *const known[] = { "name", "patterns", "id",
					     "cfg_type", NULL };
	const json_t *list = json_object_get(rule, "patterns"), *p;
	json_t *made, *patterns = json_array(), *name;
	char at[64], deeper[96];
	struct err err;
	bool lost = false;
	size_t k;

	(void)snprintf(at, sizeof at, "spec.sensor.rules[%zu]", n);
	nv_only(nv, o, at, rule, known);
	json_array_foreach (list, k, p) {
		json_t *pattern;

		(void)snprintf(deeper, sizeof deeper, "%s.patterns[%zu]", at,
			       k);
		pattern = read_pattern(nv, o, deeper, p);
		if (pattern)
			nv_push(nv, patterns, pattern);
		else
			lost = true;
	}
	name = name_of(s->name, alone ? "" : nv_text(rule, "name"));
	made = json_pack("{s:O, s:s, s:o}", "name", name, "kind",
			 waf ? "waf" : "dlp", "patterns", patterns);
	if (!made)
		nv->failed = true;
	else if (lost)
		import_tell(&nv->report, IMPORT_LOST, o, at,
			    "without that pattern it would be another rule");
	else if (is_taken(nv, name))
		import_tell(&nv->report, IMPORT_LOST, o, at,
			    "there is another sensor %s",
			    json_string_value(name));
	else if (!nv_is_accepted("sensors", made, &err))
		import_tell(&nv->report, IMPORT_LOST, o, at, "%s: %s", err.at,
			    err.text);
	else {
		nv_push(nv, nv->out_sensors, json_incref(made));
		nv_push(nv, s->sensors, json_incref(name));
	}
	json_decref(made);
	json_decref(name);
}

void nv_sensor_read(struct nv *nv, const struct import_object *o, bool waf)
{
	static const char *const known[] = { "name",	 "comment",   "rules",
					     "cfg_type", "predefine", NULL };
	const json_t *sensor =
		json_object_get(json_object_get(o->value, "spec"), "sensor");
	const json_t *rules = json_object_get(sensor, "rules"), *rule;
	const char *name = nv_text(sensor, "name");
	struct nv_sensor *s;
	size_t n;

	nv_only(nv, o, "spec.sensor", sensor, known);
	if (name[0] == '\0' || find(nv, name)) {
		import_tell(&nv->report, IMPORT_LOST, o, "spec.sensor",
			    name[0] ? "there is another sensor %s"
				    : "a sensor without a name%s",
			    name);
		return;
	}
	s = append(nv, name);
	if (!s)
		return;
	if (nv_text(sensor, "comment")[0])
		import_tell(&nv->report, IMPORT_NOTE, o, "spec.sensor.comment",
			    "sensors have no comment here");
	json_array_foreach (rules, n, rule)
		read_rule(nv, o, s, rule, n, json_array_size(rules) == 1, waf);
}

/* --- uses ------------------------------------------------------------------------- */

/* Those that NeuVector comes with, and what is nearest. */
static const struct {
	const char *theirs, *ours, *text;
} ready[] = {
	{ "sensor.creditcard", "cards",
	  "Weir's cards: a number whose check digit is wrong is none" },
	{ "sensor.ssn", "us_ssn", "Weir's secret us_ssn" },
	{ "sensor.log4sh", NULL,
	  "Weir's signatures look for Log4Shell (weir rules status)" },
	{ "sensor.spr4sh", NULL,
	  "Weir's signatures look for Spring4Shell (weir rules status)" },
};

static void need_ssn(struct nv *nv)
{
	const json_t *s;
	size_t n;

	json_array_foreach (nv->out_sensors, n, s)
		if (strcmp(nv_text(s, "name"), "us_ssn") == 0)
			return;
	nv_push(nv, nv->out_sensors,
		json_pack("{s:s, s:[{s:s}]}", "name", "us_ssn", "patterns",
			  "secret", "us_ssn"));
}

static void use(struct nv *nv, const struct nv_group *target, bool waf,
		const json_t *sensor, bool block)
{
	const json_t *word;
	size_t n;

	json_array_foreach (target->words, n, word)
		nv_group_use(nv, json_string_value(word), waf ? "waf" : "dlp",
			     json_pack("{s:O, s:s}", "sensor", sensor, "action",
				       block ? "block" : "alert"));
}

static void use_ready(struct nv *nv, const struct import_object *o,
		      const char *at, const struct nv_group *target, bool waf,
		      const char *name, bool block)
{
	for (size_t n = 0; n < sizeof ready / sizeof *ready; n++) {
		json_t *ours;

		if (strcmp(ready[n].theirs, name) != 0)
			continue;
		import_tell(&nv->report,
			    ready[n].ours ? IMPORT_CHANGED : IMPORT_LOST, o, at,
			    "%s", ready[n].text);
		if (!ready[n].ours)
			return;
		if (strcmp(ready[n].ours, "us_ssn") == 0)
			need_ssn(nv);
		ours = json_string(ready[n].ours);
		use(nv, target, waf, ours, block);
		json_decref(ours);
		return;
	}
	import_tell(&nv->report, IMPORT_LOST, o, at,
		    "the files do not say what sensor %.80s looks for", name);
}

static void use_one(struct nv *nv, const struct import_object *o,
		    const char *at, const struct nv_group *target, bool waf,
		    const json_t *setting)
{
	const char *name = nv_text(setting, "name");
	const char *action = nv_text(setting, "action");
	bool block = strcmp(action, "deny") == 0;
	const struct nv_sensor *s = find(nv, name);
	const json_t *sensor;
	size_t n;

	if (!block && strcmp(action, "allow") != 0)
		import_tell(&nv->report, IMPORT_LOST, o, at,
			    "expected action allow or deny");
	else if (!s)
		use_ready(nv, o, at, target, waf, name, block);
	else
		json_array_foreach (s->sensors, n, sensor)
			use(nv, target, waf, sensor, block);
}

void nv_sensors_use(struct nv *nv, const struct import_object *o,
		    const struct nv_group *target, bool waf)
{
	const json_t *spec = json_object_get(o->value, "spec");
	const json_t *part = json_object_get(spec, waf ? "waf" : "dlp");
	const json_t *list = json_object_get(part, "settings"), *v;
	const char *name = waf ? "spec.waf" : "spec.dlp";
	const char *word = json_string_value(json_array_get(target->words, 0));
	char at[48];
	size_t n;

	if (json_array_size(list) == 0)
		return;
	if (!json_is_true(json_object_get(part, "status"))) {
		import_tell(&nv->report, IMPORT_LOST, o, name,
			    "it is turned off there (status), so it is left "
			    "out");
		return;
	}
	if (!word || !target->workloads || strcmp(word, "workloads") == 0) {
		import_tell(&nv->report, IMPORT_LOST, o, name,
			    "sensors look at groups of workloads that are "
			    "written");
		return;
	}
	json_array_foreach (list, n, v) {
		(void)snprintf(at, sizeof at, "%s.settings[%zu]", name, n);
		use_one(nv, o, at, target, waf, v);
	}
}
