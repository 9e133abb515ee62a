/*
 * A rule for the data plane. It has one protocol, and at most RULE_WORDS_MAX
 * words at an end, so one of ours may become several, all of the same id and
 * action: which of them matches does not matter.
 */
#include <stdio.h>

#include "intent/plan.h"

static bool set_ports(json_t *o, const struct rule *r, uint8_t proto)
{
	json_t *ports = json_array();
	char text[24];
	bool ok = true;

	for (size_t k = 0; k < r->n_ports; k++) {
		const struct port_word *p = &r->ports[k];

		if (p->proto != proto)
			continue;
		if (p->all) {
			json_decref(ports);
			return true;
		}
		(void)snprintf(text, sizeof text, "%u-%u", p->first, p->last);
		ok &= json_array_append_new(ports, json_string(text)) == 0;
	}
	return json_object_set_new(o, "ports", ports) == 0 && ok;
}

static bool set_apps(json_t *o, const struct rule *r)
{
	json_t *apps = json_array();
	bool ok = true;

	for (size_t k = 0; k < r->n_apps; k++)
		ok &= json_array_append_new(apps, json_integer(r->apps[k])) ==
		      0;
	return json_object_set_new(o, "apps", apps) == 0 && ok;
}

/* Has an earlier word the same protocol, or does one say "any"? */
static bool is_said(const struct rule *r, size_t n)
{
	for (size_t k = 0; k < r->n_ports; k++)
		if (r->ports[k].proto == 0)
			return n != k;
	for (size_t k = 0; k < n; k++)
		if (r->ports[k].proto == r->ports[n].proto)
			return true;
	return false;
}

static bool add_part(json_t *parts, const json_t *common, const struct rule *r,
		     uint8_t proto)
{
	json_t *o = json_copy((json_t *)(uintptr_t)common);
	bool ok = o != NULL;

	if (ok && proto != 0)
		ok = json_object_set_new(o, "proto",
					 json_sprintf("%u", proto)) == 0 &&
		     set_ports(o, r, proto);
	/* takes o */
	return json_array_append_new(parts, o) == 0 && ok;
}

/* One for each protocol. */
static json_t *parts_of(const json_t *common, const struct rule *r)
{
	json_t *parts = json_array();
	bool ok = true;

	if (r->n_ports == 0)
		ok = add_part(parts, common, r, 0);
	for (size_t k = 0; k < r->n_ports && ok; k++)
		if (!is_said(r, k))
			ok = add_part(parts, common, r, r->ports[k].proto);
	if (ok)
		return parts;
	json_decref(parts);
	return NULL;
}

/* n words from the first on, as a new array. */
static json_t *some_of(const json_t *words, size_t first, size_t n)
{
	json_t *list = json_array();

	for (size_t k = first; k < json_array_size(words) && k < first + n; k++)
		if (json_array_append(list, json_array_get(words, k)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* peers: taken. */
static json_t *part_of_rule(const struct rule *r, bool ingress, json_t *own,
			    json_t *peers)
{
	json_t *o = json_pack("{s:I, s:o, s:s}", "id", (json_int_t)r->id,
			      ingress ? "from" : "to", peers, "action",
			      intent_action_words[r->action]);
	json_t *parts = NULL;
	bool ok = o != NULL;

	if (ok && ingress)
		ok = json_object_set_new(o, "ingress", json_true()) == 0;
	if (ok && own)
		ok = json_object_set(o, ingress ? "to" : "from", own) == 0;
	if (ok && r->n_apps > 0)
		ok = set_apps(o, r);
	if (ok)
		parts = parts_of(o, r);
	json_decref(o);
	return parts;
}

json_t *plan_rule(const struct rule *r, bool ingress, json_t *own,
		  const json_t *peers)
{
	json_t *all = json_array();
	size_t n = json_array_size(peers);

	for (size_t k = 0; k < n; k += RULE_WORDS_MAX) {
		json_t *parts = part_of_rule(r, ingress, own,
					     some_of(peers, k, RULE_WORDS_MAX));

		/* extending by NULL fails, too */
		if (json_array_extend(all, parts) < 0) {
			json_decref(parts);
			json_decref(all);
			return NULL;
		}
		json_decref(parts);
	}
	return all;
}
