#include "detect/sensor_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"

static const char *const where_names[] = {
#define X(name, text) text,
	SENSOR_WHERES(X)
#undef X
};
_Static_assert(sizeof where_names / sizeof *where_names == SENSOR_WHERE__MAX,
	       "one each");

const char *sensor_where_name(enum sensor_where w)
{
	return where_names[w];
}

struct sensor_list *sensor_list_new(size_t n)
{
	struct sensor_list *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->sensors = calloc(n + 1, sizeof *l->sensors);
	if (!l->sensors) {
		sensor_list_free(l);
		return NULL;
	}
	return l;
}

void sensor_list_free(struct sensor_list *l)
{
	while (l) {
		struct sensor_list *joined = l->joined;

		free(l->sensors);
		arena_done(&l->arena);
		free(l);
		l = joined;
	}
}

size_t sensor_list_len(const struct sensor_list *l)
{
	return l->n;
}

const struct sensor *sensor_list_at(const struct sensor_list *l, size_t i)
{
	BUG_ON(i >= l->n);
	return &l->sensors[i];
}

static int by_id(const void *a, const void *b)
{
	const struct sensor *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_name(const void *a, const void *b)
{
	const struct sensor *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int check_names(const struct sensor_list *l, struct err *reterr)
{
	const struct sensor **names = calloc(l->n + 1, sizeof *names);
	int rc = 0;

	if (!names)
		return err_set(reterr, ENOMEM, "name", "out of memory");
	for (size_t i = 0; i < l->n; i++)
		names[i] = &l->sensors[i];
	qsort(names, l->n, sizeof *names, by_name);
	for (size_t i = 1; i < l->n && rc == 0; i++)
		if (strcmp(names[i - 1]->name, names[i]->name) == 0)
			rc = err_set(reterr, EINVAL, "name",
				     "two sensors are called \"%.60s\"",
				     names[i]->name);
	free(names);
	return rc;
}

static bool has_id(const struct sensor_list *l, size_t n, uint32_t id)
{
	struct sensor key = { .id = id };

	return n && bsearch(&key, l->sensors, n, sizeof key, by_id);
}

int sensor_list_join(struct sensor_list *to, struct sensor_list *more,
		     struct err *reterr)
{
	struct sensor *grown =
		realloc(to->sensors, (to->n + more->n + 1) * sizeof *grown);
	size_t n = to->n;

	BUG_ON(to->joined);
	to->joined = more;
	if (!grown)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	to->sensors = grown;
	for (size_t i = 0; i < more->n; i++)
		if (!has_id(to, n, more->sensors[i].id))
			to->sensors[to->n++] = more->sensors[i];
	qsort(to->sensors, to->n, sizeof *to->sensors, by_id);
	return to->n <= SENSORS_MAX
		       ? 0
		       : err_set(reterr, E2BIG, NULL, "more than %d sensors",
				 SENSORS_MAX);
}

int sensor_list_finish(struct sensor_list *l, bool named, struct err *reterr)
{
	qsort(l->sensors, l->n, sizeof *l->sensors, by_id);
	for (size_t i = 1; i < l->n; i++)
		if (l->sensors[i - 1].id == l->sensors[i].id)
			return err_set(reterr, EINVAL, "id",
				       "two sensors have the id %u",
				       l->sensors[i].id);
	return named ? check_names(l, reterr) : 0;
}

/* --- printing --------------------------------------------------------- */

static json_t *secrets_json(const struct sensor_pattern *p)
{
	json_t *list;

	if (p->n_secrets == 1)
		return json_string(p->secrets[0]->name);
	list = json_array();
	for (unsigned i = 0; i < p->n_secrets; i++)
		if (json_array_append_new(
			    list, json_string(p->secrets[i]->name)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *pattern_json(const struct sensor_pattern *p)
{
	json_t *v = json_object();
	int rc = p->regex ? json_object_set_new(v, "regex",
						json_string(p->regex))
			  : json_object_set_new(v, "secret", secrets_json(p));

	if (p->flags[0])
		rc |= json_object_set_new(v, "flags", json_string(p->flags));
	if (p->where != SENSOR_ANY)
		rc |= json_object_set_new(v, "where",
					  json_string(where_names[p->where]));
	if (p->count > 1)
		rc |= json_object_set_new(v, "count", json_integer(p->count));
	if (p->negated)
		rc |= json_object_set_new(v, "not", json_true());
	if (p->or_sent)
		rc |= json_object_set_new(v, "or_sent", json_true());
	if (rc == 0)
		return v;
	json_decref(v);
	return NULL;
}

static json_t *sensor_json(const struct sensor *s)
{
	json_t *v = json_object(), *patterns = json_array();
	int rc = 0;

	for (unsigned i = 0; i < s->n_patterns; i++)
		rc |= json_array_append_new(patterns,
					    pattern_json(&s->patterns[i]));
	rc |= json_object_set_new(v, "id", json_integer(s->id));
	rc |= json_object_set_new(v, "name", json_string(s->name));
	rc |= json_object_set_new(
		v, "kind", json_string(s->kind == SENSOR_WAF ? "waf" : "dlp"));
	rc |= json_object_set_new(v, "patterns", patterns);
	if (rc == 0)
		return v;
	json_decref(v);
	return NULL;
}

json_t *sensor_list_json(const struct sensor_list *l)
{
	json_t *v = json_array();

	for (size_t i = 0; i < l->n; i++)
		if (json_array_append_new(v, sensor_json(&l->sensors[i])) < 0) {
			json_decref(v);
			return NULL;
		}
	return v;
}
