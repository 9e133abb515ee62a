/*
 * The groups that NeuVector's resources name. The same group stands in many of them
 * (an export writes it out wherever a rule speaks of it): what it was said to be
 * first counts, and that it is something else later is told.
 *
 *   containers, external, nodes      the words that are always there
 *   Workload:10.0.0.1                that address
 *   nv.SERVICE.NAMESPACE             the service group SERVICE.NAMESPACE
 *   any other                        a written group; without dots, so that it hides
 *                                    no service
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "import/nv.h"

static const struct {
	const char *theirs, *ours;
	bool workloads;
} always[] = {
	{ "containers", "workloads", true },
	{ "external", "external", false },
	{ "nodes", "node", false },
	{ "node", "node", false },
	{ "any", "any", false },
};

enum nv_mode nv_mode_parse(const char *text)
{
	static const char *const modes[] = { "Discover", "Monitor", "Protect" };

	for (int n = 0; n < NV_MODE_NONE; n++)
		if (strcmp(text, modes[n]) == 0)
			return (enum nv_mode)n;
	return NV_MODE_NONE;
}

static struct nv_group *find(struct nv *nv, const char *name)
{
	for (size_t n = 0; n < nv->n_groups; n++)
		if (strcmp(nv->groups[n]->name, name) == 0)
			return nv->groups[n];
	return NULL;
}

static void group_free(struct nv_group *g)
{
	if (!g)
		return;
	free(g->name);
	json_decref(g->words);
	free(g);
}

void nv_groups_done(struct nv *nv)
{
	for (size_t n = 0; n < nv->n_groups; n++)
		group_free(nv->groups[n]);
	free((void *)nv->groups);
}

/* NULL: out of memory. */
static struct nv_group *append(struct nv *nv, const char *name)
{
	struct nv_group **grown = nv->groups;
	struct nv_group *g = calloc(1, sizeof *g);

	if ((nv->n_groups & (nv->n_groups - 1)) == 0)
		grown = realloc((void *)nv->groups,
				(nv->n_groups ? 2 * nv->n_groups : 1) *
					sizeof *grown);
	if (grown)
		nv->groups = grown;
	if (g) {
		g->name = strdup(name);
		g->words = json_array();
		g->mode = NV_MODE_NONE;
	}
	if (!g || !grown || !g->name || !g->words) {
		group_free(g);
		nv->failed = true;
		return NULL;
	}
	nv->groups[nv->n_groups++] = g;
	return g;
}

static void lose(struct nv *nv, const struct nv_group *g, const char *why)
{
	import_tell(&nv->report, IMPORT_LOST, g->object, g->field,
		    "group %s: %s", g->name, why);
}

/* --- what the files say of it ----------------------------------------------------- */

static const json_t *selector_in(const json_t *o, const char *name,
				 bool criteria)
{
	const json_t *selector = json_object_get(o, "selector");
	bool is = strcmp(nv_text(selector, "name"), name) == 0;

	if (criteria)
		is = is &&
		     json_array_size(json_object_get(selector, "criteria")) > 0;
	return is ? selector : NULL;
}

/* The first selector of that name, with criteria or not; NULL: there is none. */
static const json_t *selector_of(const struct nv *nv, const char *name,
				 bool criteria)
{
	static const char *const ways[] = { "ingress", "egress" };

	for (size_t n = 0; n < nv->objects.n; n++) {
		const json_t *spec =
			json_object_get(nv->objects.at[n].value, "spec");
		const json_t *found = selector_in(spec, name, criteria), *r;
		size_t k;

		if (!found)
			found = selector_in(json_object_get(spec, "target"),
					    name, criteria);
		for (int w = 0; w < 2; w++)
			json_array_foreach (json_object_get(spec, ways[w]), k,
					    r)
				if (!found)
					found = selector_in(r, name, criteria);
		if (found)
			return found;
	}
	return NULL;
}

/* --- what it is ----------------------------------------------------------------- */

/* The name of a service group, as Weir makes it. */
static json_t *service_word(const char *service, size_t len,
			    const char *namespace)
{
	json_t *about = json_pack("{s:s%, s:s}", "service", service, len,
				  "namespace", namespace);
	char *word = about ? intent_service_of(about) : NULL;
	json_t *v = word ? json_string(word) : NULL;

	free(word);
	json_decref(about);
	return v;
}

/* Are there criteria of other keys, or other operators, than a learned group's? */
static bool is_learned(const json_t *criteria)
{
	const json_t *c;
	size_t n;

	json_array_foreach (criteria, n, c) {
		const char *key = nv_text(c, "key");

		if ((strcmp(key, "service") != 0 &&
		     strcmp(key, "domain") != 0) ||
		    strcmp(nv_text(c, "op"), "=") != 0)
			return false;
	}
	return true;
}

/* nv.web.shop; namespaces have no dots. */
static void read_learned(struct nv *nv, struct nv_group *g)
{
	const char *service = g->name + strlen("nv.");
	const char *dot = strrchr(service, '.');

	if (!dot || dot == service || dot[1] == '\0')
		nv_push(nv, g->words,
			service_word(service, strlen(service), ""));
	else
		nv_push(nv, g->words,
			service_word(service, (size_t)(dot - service),
				     dot + 1));
	g->workloads = true;
}

static void our_name(const char *name, char ret[static INTENT_NAME_MAX])
{
	size_t n = 0;

	for (; name[n] && n + 1 < INTENT_NAME_MAX; n++) {
		char c = name[n];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '-';

		ret[n] = plain ? c : '_';
	}
	ret[n] = '\0';
}

static bool name_is_written(const struct nv *nv, const char *name)
{
	const json_t *g;
	size_t n;

	json_array_foreach (nv->out_groups, n, g)
		if (strcmp(nv_text(g, "name"), name) == 0)
			return true;
	return false;
}

static bool name_is_taken(const struct nv *nv, const char *name)
{
	char learned[INTENT_NAME_MAX + 4];

	/* without a namespace, the service group is called so */
	(void)snprintf(learned, sizeof learned, "nv.%s", name);
	return name_is_written(nv, name) || selector_of(nv, learned, false);
}

static void name_group(struct nv *nv, const struct nv_group *g,
		       char name[static INTENT_NAME_MAX])
{
	char plain[INTENT_NAME_MAX];

	our_name(g->name, plain);
	(void)snprintf(name, INTENT_NAME_MAX, "%s", plain);
	for (unsigned k = 2; name_is_taken(nv, name); k++)
		(void)snprintf(name, INTENT_NAME_MAX, "%.100s_%u", plain, k);
	if (strcmp(name, g->name) != 0)
		import_tell(&nv->report, IMPORT_NOTE, g->object, g->field,
			    "group %s is called %s here", g->name, name);
}

static void read_criteria(struct nv *nv, struct nv_group *g)
{
	char field[64], name[INTENT_NAME_MAX];
	struct err err;
	json_t *where, *made;

	(void)snprintf(field, sizeof field, "%s.criteria", g->field);
	where = nv_where(nv, g->object, field, g->criteria);
	if (!where) {
		lose(nv, g, "it cannot be said here, nor rules about it");
		return;
	}
	name_group(nv, g, name);
	g->workloads = strcmp(nv_text(json_array_get(where, 0), "key"),
			      "address") != 0;
	made = json_pack("{s:s, s:o}", "name", name, "where", where);
	if (made && !nv_is_accepted("groups", made, &err)) {
		lose(nv, g, err.text);
		json_decref(made);
		return;
	}
	nv_push(nv, nv->out_groups, made);
	nv_push(nv, g->words, json_string(name));
}

static bool read_always(struct nv *nv, struct nv_group *g)
{
	for (size_t n = 0; n < sizeof always / sizeof *always; n++) {
		if (strcmp(g->name, always[n].theirs) != 0)
			continue;
		nv_push(nv, g->words, json_string(always[n].ours));
		g->workloads = always[n].workloads;
		if (strcmp(always[n].ours, "node") == 0)
			import_tell(&nv->report, IMPORT_CHANGED, g->object,
				    g->field,
				    "nodes are all hosts of the cluster, node "
				    "is this one");
		return true;
	}
	return false;
}

static bool is_address(const char *word)
{
	json_t *r = json_pack("{s:s, s:s, s:s}", "from", word, "to", "any",
			      "action", "allow");
	struct err err;
	bool is = r && (strchr(word, '.') || strchr(word, ':')) &&
		  strspn(word, "0123456789abcdefABCDEF.:/-") == strlen(word) &&
		  nv_is_accepted("rules", r, &err);

	json_decref(r);
	return is;
}

static void read_group(struct nv *nv, struct nv_group *g)
{
	const char *workload = "Workload:";

	if (read_always(nv, g))
		return;
	if (strncmp(g->name, workload, strlen(workload)) == 0) {
		if (is_address(g->name + strlen(workload)))
			nv_push(nv, g->words,
				json_string(g->name + strlen(workload)));
		else
			lose(nv, g,
			     "a workload is known by its group or its "
			     "address only");
	} else if (strncmp(g->name, "Host:", 5) == 0) {
		lose(nv, g, "a single host: write its addresses");
	} else if (strncmp(g->name, "nv.ip.", 6) != 0 &&
		   strncmp(g->name, "nv.", 3) == 0 && is_learned(g->criteria)) {
		read_learned(nv, g);
	} else if (json_array_size(g->criteria) == 0) {
		lose(nv, g, "the files do not say who is in it");
	} else {
		read_criteria(nv, g);
	}
}

/* --- where it is named ------------------------------------------------------------ */

struct nv_group *nv_group_of(struct nv *nv, const struct import_object *o,
			     const char *field, const json_t *selector)
{
	static const char *const known[] = { "name",	      "criteria",
					     "comment",	      "original_name",
					     "name_referral", NULL };
	const char *name = nv_text(selector, "name");
	const json_t *criteria = json_object_get(selector, "criteria");
	struct nv_group *g = find(nv, name);

	nv_only(nv, o, field, selector, known);
	if (name[0] == '\0') {
		import_tell(&nv->report, IMPORT_LOST, o, field,
			    "a selector without the name of a group");
		return NULL;
	}
	if (json_array_size(criteria) == 0)
		criteria = NULL;
	if (g && criteria && g->criteria && !json_equal(criteria, g->criteria))
		import_tell(&nv->report, IMPORT_CHANGED, o, field,
			    "group %s was said to be something else before, "
			    "which is what counts",
			    name);
	if (g)
		return g;
	g = append(nv, name);
	if (!g)
		return NULL;
	g->object = o;
	(void)snprintf(g->field, sizeof g->field, "%s", field);
	g->criteria = json_object_get(
		criteria ? selector : selector_of(nv, name, true), "criteria");
	read_group(nv, g);
	return g;
}

/* --- what is written ---------------------------------------------------------------- */

/* NULL: out of memory. */
static json_t *written(struct nv *nv, const char *word)
{
	json_t *g;
	size_t n;

	json_array_foreach (nv->out_groups, n, g)
		if (strcmp(nv_text(g, "name"), word) == 0)
			return g;
	nv_push(nv, nv->out_groups, json_pack("{s:s}", "name", word));
	return json_array_get(nv->out_groups,
			      json_array_size(nv->out_groups) - 1);
}

void nv_group_use(struct nv *nv, const char *word, const char *key, json_t *v)
{
	json_t *g = written(nv, word), *list = json_object_get(g, key), *use;
	size_t n;

	json_array_foreach (list, n, use)
		if (strcmp(nv_text(use, "sensor"), nv_text(v, "sensor")) == 0) {
			json_decref(v); /* said twice: the first counts */
			return;
		}

	if (!list) {
		list = json_array();
		if (json_object_set_new(g, key, list) < 0)
			nv->failed = true;
	}
	nv_push(nv, list, v);
}

/* Sensors of another kind, say: then the group has none of that kind. */
static void check_uses(struct nv *nv, const struct nv_group *of, json_t *g)
{
	static const char *const keys[] = { "dlp", "waf" };

	for (int k = 0; k < 2; k++) {
		json_t *all = json_pack("{s:[{s:s, s:O*}], s:O}", "groups",
					"name", nv_text(g, "name"), keys[k],
					json_object_get(g, keys[k]), "sensors",
					nv->out_sensors);
		struct intent *i = NULL;
		struct err err;

		if (!all) {
			nv->failed = true;
		} else if (intent_from_json(all, &i, &err) < 0) {
			import_tell(&nv->report, IMPORT_LOST, of->object,
				    of->field, "group %s, %s: %s", of->name,
				    keys[k], err.text);
			(void)json_object_del(g, keys[k]); /* it is there */
		}
		intent_put(i);
		json_decref(all);
	}
}

void nv_groups_finish(struct nv *nv)
{
	static const char *const words[] = { "discover", "monitor", "protect" };

	for (size_t n = 0; n < nv->n_groups; n++) {
		const struct nv_group *g = nv->groups[n];
		const char *word =
			json_string_value(json_array_get(g->words, 0));

		if (word && name_is_written(nv, word))
			check_uses(nv, g, written(nv, word));
		if (g->mode == NV_MODE_NONE || !word)
			continue;
		if (json_object_set_new(written(nv, word), "mode",
					json_string(words[g->mode])) < 0)
			nv->failed = true;
	}
}
