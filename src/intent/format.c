/*
 * An intent as an object, its members in the same order each time, without those
 * that say what is so anyway. A list is always a list, also of one.
 */
#include "intent/format.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "intent/words.h"
#include "wire/app.h"
#include "yaml/yaml.h"

/* A json function that fails gives NULL, and setting NULL fails. */
static bool set(json_t *o, const char *key, json_t *v)
{
	return json_object_set_new(o, key, v) == 0;
}

static bool set_text(json_t *o, const char *key, const char *text)
{
	return !text || set(o, key, json_string(text));
}

static json_t *term_json(const struct intent *i, const struct term *t)
{
	json_t *o = json_object(), *value;
	bool ok;

	if (key_is_label(t->key))
		ok = set(o, "key",
			 json_sprintf("%s.%s", intent_key_words[t->key],
				      i->labels[t->label]));
	else
		ok = set_text(o, "key", intent_key_words[t->key]);
	if (t->op != OP_IS)
		ok &= set_text(o, "op", intent_op_words[t->op]);
	if (t->op == OP_ABSENT) {
		value = json_null();
	} else if (t->op == OP_IN) {
		value = json_array();
		for (uint32_t n = 0; n < t->n_values; n++)
			ok &= json_array_append_new(
				      value, json_string(t->values[n])) == 0;
	} else {
		value = json_string(t->values[0]);
	}
	ok &= t->op == OP_ABSENT || set(o, "value", value);
	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

json_t *group_json(const struct intent *i, const struct group *g)
{
	json_t *o = json_object(), *where;
	bool ok = set_text(o, "name", g->name) &&
		  set_text(o, "comment", g->comment);

	if (g->mode >= 0)
		ok &= set_text(o, "mode",
			       intent_mode_name((enum intent_mode)g->mode));
	ok &= intent_add_uses(i, g, o);
	if (g->n_terms > 0) {
		where = json_array();
		for (uint32_t n = 0; n < g->n_terms; n++)
			ok &= json_array_append_new(
				      where, term_json(i, &g->terms[n])) == 0;
		ok &= set(o, "where", where);
	}
	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *words_json(const struct intent *i, const uint32_t *words,
			  size_t n)
{
	json_t *list = json_array();

	for (size_t k = 0; k < n; k++)
		if (json_array_append_new(
			    list, json_string(i->words[words[k]].text)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static bool set_ports(json_t *o, const struct rule *r)
{
	json_t *list = json_array();
	char text[PORT_WORD_MAX];
	bool ok = true;

	for (size_t n = 0; n < r->n_ports; n++)
		ok &= json_array_append_new(
			      list, json_string(port_word_format(&r->ports[n],
								 text))) == 0;
	return set(o, "ports", list) && ok;
}

static bool set_apps(json_t *o, const struct rule *r)
{
	json_t *list = json_array();
	bool ok = true;

	for (size_t n = 0; n < r->n_apps; n++)
		ok &= json_array_append_new(
			      list, json_string(app_name(r->apps[n]))) == 0;
	return set(o, "applications", list) && ok;
}

json_t *rule_json(const struct intent *i, const struct rule *r)
{
	json_t *o = json_object();
	char text[TIME_WORD_MAX];
	bool ok = set(o, "id", json_integer(r->id)) &&
		  set(o, "from", words_json(i, r->from, r->n_from)) &&
		  set(o, "to", words_json(i, r->to, r->n_to));

	if (r->n_ports > 0)
		ok &= set_ports(o, r);
	if (r->n_apps > 0)
		ok &= set_apps(o, r);
	if (r->requests)
		ok &= json_object_set(o, "requests", r->requests) == 0;
	ok &= set_text(o, "action", intent_action_words[r->action]) &&
	      set_text(o, "comment", r->comment);
	if (r->expires != 0)
		ok &= set_text(o, "expires",
			       time_word_format(r->expires, text));
	if (r->disabled)
		ok &= set(o, "disabled", json_true());
	if (r->side != SIDE_BOTH)
		ok &= set_text(o, "side", intent_side_words[r->side]);
	if (r->origin != ORIGIN_USER)
		ok &= set_text(o, "origin", intent_origin_words[r->origin]);
	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

static bool add_all(const struct intent *i, json_t *o)
{
	json_t *groups = json_array(), *rules = json_array();
	json_t *sensors = intent_written_sensors(i);
	bool ok = true;

	/* a policy that has none says nothing of them */
	if (sensors && json_array_size(sensors) == 0)
		json_decref(sensors);
	else
		ok = set(o, "sensors", sensors);
	for (size_t n = 0; n < i->n_groups && ok; n++)
		ok = json_array_append_new(groups,
					   group_json(i, &i->groups[n])) == 0;
	for (size_t n = 0; n < i->n_rules && ok; n++)
		ok = json_array_append_new(rules, rule_json(i, &i->rules[n])) ==
		     0;
	ok &= set(o, "groups", groups);
	ok &= set(o, "rules", rules);
	if (json_array_size(i->responses) > 0)
		ok &= json_object_set(o, "responses", i->responses) == 0;
	return ok;
}

json_t *intent_to_json(const struct intent *i)
{
	json_t *o = json_object();

	if (set_text(o, "default_mode",
		     intent_mode_name(intent_default_mode(i))) &&
	    add_all(i, o))
		return o;
	json_decref(o);
	return NULL;
}

static int add_bytes(const char *bytes, size_t len, void *text)
{
	text_add(text, bytes, len);
	return 0;
}

void text_add_json(struct text *t, const json_t *v)
{
	if (!v || json_dump_callback(v, add_bytes, t, JSON_COMPACT) < 0)
		t->failed = true;
}

/* Takes o. */
static void add_object(struct text *t, bool first, json_t *o)
{
	text_add_word(t, first ? "" : ",");
	text_add_json(t, o);
	json_decref(o);
}

static void add_sensors(struct text *t, const struct intent *i)
{
	json_t *sensors = intent_written_sensors(i);

	if (!sensors)
		t->failed = true;
	if (json_array_size(sensors) == 0) {
		json_decref(sensors);
		return;
	}
	text_add_word(t, "\"sensors\":");
	add_object(t, true, sensors);
	text_add_word(t, ",");
}

/* One after the other: all at once they are ten times the text. */
char *intent_to_text(const struct intent *i)
{
	struct text t = { 0 };

	text_addf(&t, "{\"default_mode\":\"%s\",",
		  intent_mode_name(intent_default_mode(i)));
	add_sensors(&t, i);
	text_add_word(&t, "\"groups\":[");
	for (size_t n = 0; n < i->n_groups; n++)
		add_object(&t, n == 0, group_json(i, &i->groups[n]));
	text_add_word(&t, "],\"rules\":[");
	for (size_t n = 0; n < i->n_rules; n++)
		add_object(&t, n == 0, rule_json(i, &i->rules[n]));
	text_add_word(&t, "]");
	if (json_array_size(i->responses) > 0) {
		text_add_word(&t, ",\"responses\":");
		text_add_json(&t, i->responses);
	}
	text_add_word(&t, "}");
	return text_take(&t);
}

char *intent_to_yaml(const struct intent *i)
{
	json_t *o = json_object();
	char *text = NULL;

	if (set_text(o, "apiVersion", INTENT_API_VERSION) &&
	    set_text(o, "kind", INTENT_KIND) &&
	    set_text(o, "default_mode",
		     intent_mode_name(intent_default_mode(i))) &&
	    add_all(i, o))
		text = yaml_text_write(o);
	json_decref(o);
	return text;
}
