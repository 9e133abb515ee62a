/*
 * The document "settings": {"store": {...}, "learn": {...}, "data_plane": {...}}, with
 * what was set and nothing else. The data plane's part is tried before it is stored:
 * only it knows what may be in it.
 */
#include "agent/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/commands.h"
#include "agent/door.h"
#include "agent/record.h"
#include "wire/field.h"

#define DOCUMENT "settings"

/* Its parts; the last is the data plane's. */
static const char *const parts[] = { "store", "learn", "data_plane" };
#define PLANE_PART 2
/* Objects in objects that are merged: data_plane, a section, one of it, and one more. */
#define SETTINGS_DEPTH 4

struct values {
	uint32_t flows_days, events_days, max_mb;
	bool auto_accept;
};

struct settings {
	json_t *set; /* the document; owned */
	struct values file;
};

static struct values values_of(const struct config *c)
{
	return (struct values){ c->flows_days, c->events_days, c->store_max_mb,
				c->auto_accept };
}

/* *v becomes what o says; the limits are those of weir.yaml. */
static int read_values(const json_t *o, struct values *v, struct err *reterr)
{
	struct fields whole = fields_open(o, true, reterr), f;
	const json_t *part = NULL, *ignored;
	int rc = 0;

	if (field_object(&whole, parts[0], FIELD_MAY, &part)) {
		f = fields_open(part, true, reterr);
		(void)field_u32(&f, "flows_days", FIELD_MAY, 1, 3650,
				&v->flows_days);
		(void)field_u32(&f, "events_days", FIELD_MAY, 1, 3650,
				&v->events_days);
		(void)field_u32(&f, "max_mb", FIELD_MAY, 16, 1 << 20,
				&v->max_mb);
		rc = fields_close(&f);
		if (rc < 0)
			err_prefix(reterr, parts[0]);
	}
	if (rc == 0 && field_object(&whole, parts[1], FIELD_MAY, &part)) {
		f = fields_open(part, true, reterr);
		(void)field_bool(&f, "auto_accept", FIELD_MAY, &v->auto_accept);
		rc = fields_close(&f);
		if (rc < 0)
			err_prefix(reterr, parts[1]);
	}
	if (rc < 0)
		return rc;
	(void)field_object(&whole, parts[PLANE_PART], FIELD_MAY, &ignored);
	return fields_close(&whole);
}

static void use(struct agent *a)
{
	struct values v = a->settings->file;
	struct err err;

	/* it was checked before it was stored; a later limit keeps the file's */
	if (read_values(a->settings->set, &v, &err) < 0)
		v = a->settings->file;
	a->config.flows_days = v.flows_days;
	a->config.events_days = v.events_days;
	a->config.store_max_mb = v.max_mb;
	a->config.auto_accept = v.auto_accept;
}

void settings_overlay(struct agent *a)
{
	a->settings->file = values_of(&a->config);
	use(a);
}

void settings_tell_plane(const struct agent *a, struct plane *p)
{
	const json_t *plane =
		json_object_get(a->settings->set, parts[PLANE_PART]);

	/* refused by an older one: `settings` shows what is in force there */
	if (json_object_size(plane) > 0)
		plane_ask(p,
			  json_pack("{s:o}", "weir_settings",
				    json_deep_copy(plane)),
			  DOOR_NOBODY);
}

int settings_start(struct agent *a, struct err *reterr)
{
	struct settings *s = calloc(1, sizeof *s);
	uint64_t revision;
	int rc;

	a->settings = s;
	if (!s)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = store_get_doc(a->store, DOCUMENT, &s->set, &revision, reterr);
	if (rc == -ENOENT) {
		s->set = json_object();
		rc = s->set ? 0
			    : err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	if (rc == 0)
		settings_overlay(a);
	return rc;
}

void settings_stop(struct agent *a)
{
	if (!a->settings)
		return;
	json_decref(a->settings->set);
	free(a->settings);
	a->settings = NULL;
}

/* --- commands --------------------------------------------------------------------- */

static json_t *values_json(struct values v)
{
	return json_pack("{s:{s:i, s:i, s:i}, s:{s:b}, s:{}}", parts[0],
			 "flows_days", (int)v.flows_days, "events_days",
			 (int)v.events_days, "max_mb", (int)v.max_mb, parts[1],
			 "auto_accept", v.auto_accept, parts[PLANE_PART]);
}

/* Members of the answer: what holds, and what would if nothing were set. */
static void add_values(const struct agent *a, json_t *result)
{
	(void)json_object_set_new(result, "settings",
				  values_json(values_of(&a->config)));
	(void)json_object_set_new(result, "defaults",
				  values_json(a->settings->file));
}

/* A data plane that starts is told so first (plane_sync.c): an agent's default. */
static void use_agents_policy(json_t *plane)
{
	json_t *policy = json_object_get(plane, "policy");

	if (json_is_null(policy)) {
		policy = json_pack("{s:n}", "absent");
		(void)json_object_set_new(plane, "policy", policy);
	}
	if (json_is_null(json_object_get(policy, "absent")))
		(void)json_object_set_new(policy, "absent",
					  json_string("drop"));
}

static bool add_plane(struct agent *a, const json_t *about, json_t *result,
		      struct err *reterr)
{
	json_t *settings = json_object_get(about, "settings");
	json_t *defaults = json_deep_copy(json_object_get(about, "defaults"));

	if (settings)
		(void)json_object_set(json_object_get(result, "settings"),
				      parts[PLANE_PART], settings);
	if (defaults) { /* an older one does not tell */
		(void)json_object_set_new(json_object_get(defaults, "policy"),
					  "absent", json_null());
		use_agents_policy(defaults);
		(void)json_object_set_new(json_object_get(result, "defaults"),
					  parts[PLANE_PART], defaults);
	}
	return true; /* without it, too */
}

int command_settings(struct agent *a, struct door_client *c, const json_t *args,
		     json_t *result, struct err *reterr)
{
	add_values(a, result);
	(void)json_object_set_new(result, "set",
				  json_deep_copy(a->settings->set));
	if (!a->plane_up)
		return 0;
	door_later_plane_then(c, json_pack("{s:{}}", "weir_settings"),
			      add_plane, result);
	return COMMAND_LATER;
}

/* The object of that name; made, if there is something else or nothing. */
static json_t *object_in(json_t *o, const char *name)
{
	json_t *there = json_object_get(o, name);

	if (json_is_object(there))
		return there;
	there = json_object();
	(void)json_object_set_new(o, name, there);
	return there;
}

/* What `more` says goes before what is there; null takes it away. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void merge(json_t *into, const json_t *more, unsigned depth)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)more, key, v) {
		if (json_is_null(v))
			(void)json_object_del(into, key);
		else if (json_is_object(v) && depth > 0)
			merge(object_in(into, key), v, depth - 1);
		else
			(void)json_object_set_new(into, key, json_deep_copy(v));
	}
}

/* What was set and is not any more is null: the data plane's default again. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void add_nulls(json_t *next, const json_t *before, unsigned depth)
{
	const char *key;
	json_t *v, *now;

	json_object_foreach ((json_t *)(uintptr_t)before, key, v) {
		now = json_object_get(next, key);
		if (!now)
			(void)json_object_set_new(next, key, json_null());
		else if (json_is_object(now) && json_is_object(v) && depth > 0)
			add_nulls(now, v, depth - 1);
	}
}

/* What a data plane has to be told, which has `before`; NULL: nothing. */
static json_t *plane_message(const json_t *before, const json_t *next)
{
	json_t *plane =
		json_deep_copy(json_object_get(next, parts[PLANE_PART]));

	if (!plane)
		plane = json_object();
	add_nulls(plane, json_object_get(before, parts[PLANE_PART]),
		  SETTINGS_DEPTH);
	use_agents_policy(plane);
	if (json_object_size(plane) > 0)
		return plane;
	json_decref(plane);
	return NULL;
}

/* Stored, and then so. Takes next. */
static int take(struct agent *a, json_t *next, struct err *reterr)
{
	uint64_t revision;
	int rc = store_put_doc(a->store, DOCUMENT, next, 0, &revision, reterr);

	if (rc < 0) {
		json_decref(next);
		return rc;
	}
	json_decref(a->settings->set);
	a->settings->set = next;
	use(a);
	return 0;
}

/* Whatever comes of it. */
static void tell(struct plane *p, const json_t *before, const json_t *next)
{
	json_t *plane = plane_message(before, next);

	if (plane)
		plane_ask(p, json_pack("{s:o}", "weir_settings", plane),
			  DOOR_NOBODY);
}

/* The data plane has it; so it may be stored. If not, it has to take it back. */
static bool plane_took(struct agent *a, const json_t *about, json_t *result,
		       struct err *reterr)
{
	json_t *next = json_object_get(result, "set");
	json_t *before = json_incref(a->settings->set);
	bool ok = about && take(a, json_incref(next), reterr) == 0;

	/* one that has not said so may have it all the same */
	if (!ok)
		tell(a->plane, next, before);
	else if (a->splice_plane_up)
		tell(a->splice_plane, before, next);
	json_decref(before);
	if (!ok)
		return false;
	add_values(a, result);
	return add_plane(a, about, result, reterr);
}

int command_settings_set(struct agent *a, struct door_client *c,
			 const json_t *args, json_t *result, struct err *reterr)
{
	const json_t *said = json_object_get(args, "settings");
	struct values v = a->settings->file;
	json_t *next, *plane = NULL;
	int rc;

	if (!json_is_object(said))
		return err_set(reterr, EINVAL, "settings",
			       "expected an object");
	next = arg_true(args, "part") ? json_deep_copy(a->settings->set)
				      : json_object();
	merge(next, said, SETTINGS_DEPTH);
	rc = read_values(next, &v, reterr);
	if (rc < 0) {
		err_prefix(reterr, "settings");
		json_decref(next);
		return rc;
	}
	record_change_by(a, "settings were set", c);
	if (json_object_get(said, parts[PLANE_PART]) ||
	    !json_equal(json_object_get(next, parts[PLANE_PART]),
			json_object_get(a->settings->set, parts[PLANE_PART])))
		plane = plane_message(a->settings->set, next);
	if (!plane) {
		rc = take(a, next, reterr);
		if (rc == 0)
			add_values(a, result);
		return rc;
	}
	if (!a->plane_up) {
		json_decref(next);
		json_decref(plane);
		return err_set(reterr, ENOTCONN, "settings.data_plane",
			       "the data plane is down");
	}
	(void)json_object_set_new(result, "set", next);
	door_later_plane_then(c, json_pack("{s:o}", "weir_settings", plane),
			      plane_took, result);
	return COMMAND_LATER;
}
