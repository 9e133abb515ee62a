/*
 * Sensors, and what groups say of them.
 *
 * Each is parsed by detect/sensor.h, which a data plane does again; its
 * expressions are compiled here, too, so that a wrong one is told to who writes
 * it. An id that nobody gave follows from the name: the same file has the same
 * ids each time, on every host, and a sensor keeps its own when others come and
 * go.
 *
 *   30001.. the ready ones    30100..39999 dlp    45000..49999 waf
 *
 * Below are those that a controller of NeuVector gives.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/sensor.h"
#include "detect/sig_match.h"
#include "intent/model.h"
#include "wire/field.h"
#include "wire/words.h"

#define OWN_DLP_FIRST 30100
#define OWN_WAF_FIRST 45000

const char *const intent_signature_words[SIGNATURES__MAX] = {
	[SIGNATURES_OFF] = "off",
	[SIGNATURES_ALERT] = "alert",
	[SIGNATURES_ENFORCE] = "enforce",
};

static void no_memory(struct fields *f, const char *at)
{
	if (!f->rc)
		f->rc = err_set(f->reterr, ENOMEM, at, "out of memory");
}

static int64_t find_sensor(const struct intent *i, const char *name)
{
	for (size_t n = 0; n < i->n_sensors; n++)
		if (strcmp(i->sensors[n].name, name) == 0)
			return (int64_t)n;
	return -1;
}

static bool has_id(const struct intent *i, uint32_t id)
{
	for (size_t n = 0; n < i->n_sensors; n++)
		if (i->sensors[n].id == id)
			return true;
	return false;
}

/* --- definitions ------------------------------------------------------ */

/* Takes o, of a list of one. -ENOMEM */
static int add_sensor(struct intent *i, const struct sensor *s, json_t *o,
		      bool ready, bool numbered)
{
	struct sensor_known *grown = intent_grow(
		i->sensors, i->n_sensors, &i->room_sensors, sizeof *grown);
	char *name = arena_text(&i->arena, s->name, strlen(s->name));

	if (grown)
		i->sensors = grown;
	if (!grown || !name || !o) {
		json_decref(o);
		return -ENOMEM;
	}
	i->sensors[i->n_sensors++] = (struct sensor_known){
		.name = name,
		.id = numbered ? s->id : 0,
		.kind = s->kind,
		.ready = ready,
		.o = o,
	};
	return 0;
}

int intent_add_ready_sensors(struct intent *i)
{
	struct sensor_list *l = sensor_list_ready();
	json_t *all = l ? sensor_list_json(l) : NULL;
	int rc = all ? 0 : -ENOMEM;

	for (size_t n = 0; n < json_array_size(all) && rc == 0; n++)
		rc = add_sensor(i, sensor_list_at(l, n),
				json_incref(json_array_get(all, n)), true,
				true);
	json_decref(all);
	sensor_list_free(l);
	return rc;
}

static int check_name(const struct intent *i, const char *name,
		      struct err *reterr)
{
	int64_t n = find_sensor(i, name);

	if (!intent_name_is_valid(name))
		return err_set(
			reterr, EINVAL, "name",
			"expected 1..%d letters, digits, \".\", \"_\" or "
			"\"-\", and no address",
			INTENT_NAME_MAX - 1);
	if (n >= 0 && i->sensors[n].ready)
		return err_set(reterr, EINVAL, "name", "\"%s\" is always there",
			       name);
	if (n >= 0)
		return err_set(reterr, EINVAL, "name",
			       "there is another sensor \"%s\"", name);
	return 0;
}

static int check_regexes(const struct sensor *s, struct err *reterr)
{
	for (unsigned n = 0; n < s->n_patterns; n++) {
		const struct sensor_pattern *p = &s->patterns[n];
		struct sig_item item = {
			.bytes = (const uint8_t *)p->regex,
			.len = p->regex ? (uint16_t)strlen(p->regex) : 0,
			.pcre_flags = p->flags,
		};
		struct err err = { 0 };
		void *code = p->regex ? sig_pcre_new(&item, &err) : NULL;
		char at[ERR_AT_MAX];

		sig_pcre_free(code);
		(void)snprintf(at, sizeof at, "patterns[%u].regex", n);
		if (p->regex && !code)
			return err_set(reterr, err.code, at, "%s", err.text);
	}
	return 0;
}

/* What the parser reads: with an id, if it has none any that will do. */
static json_t *list_of_one(const json_t *o, bool numbered)
{
	const char *kind = json_string_value(json_object_get(o, "kind"));
	bool waf = kind && strcmp(kind, "waf") == 0;
	json_t *copy = json_copy((json_t *)(uintptr_t)o);

	if (json_is_object(copy) && !numbered &&
	    json_object_set_new(
		    copy, "id",
		    json_integer(waf ? OWN_WAF_FIRST : OWN_DLP_FIRST)) < 0) {
		json_decref(copy);
		return NULL;
	}
	return json_pack("[o]", copy);
}

/* An error's place in a list of one is a place in that one. */
static void without_index(struct err *err)
{
	size_t n = strncmp(err->at, "[0]", 3) == 0 ? 3 : 0;

	n += n && err->at[n] == '.';
	memmove(err->at, err->at + n, strlen(err->at + n) + 1);
}

static int append_sensor(struct intent *i, const json_t *o, struct err *reterr)
{
	const json_t *given = json_object_get(o, "id");
	bool numbered = given && !json_is_null(given);
	json_t *list = list_of_one(o, numbered), *printed;
	struct sensor_list *l = NULL;
	const struct sensor *s;
	int rc = list ? sensor_list_parse(list, &l, reterr)
		      : err_set(reterr, ENOMEM, "", "out of memory");

	json_decref(list);
	if (rc < 0) {
		without_index(reterr);
		return rc;
	}
	s = sensor_list_at(l, 0);
	rc = check_name(i, s->name, reterr);
	if (rc == 0)
		rc = check_regexes(s, reterr);
	if (rc == 0 && numbered && has_id(i, s->id))
		rc = err_set(reterr, EINVAL, "id", "there is another sensor %u",
			     s->id);
	printed = rc == 0 ? sensor_list_json(l) : NULL;
	if (rc == 0 && add_sensor(i, s, json_incref(json_array_get(printed, 0)),
				  false, numbered) < 0)
		rc = err_set(reterr, ENOMEM, "", "out of memory");
	json_decref(printed);
	sensor_list_free(l);
	return rc;
}

int intent_append_sensors(struct intent *i, const json_t *o, struct err *reterr)
{
	struct fields f = fields_open(o, false, reterr);
	const json_t *list = NULL;
	char at[ERR_AT_MAX];

	if (!field_array(&f, "sensors", FIELD_MAY, SENSORS_MAX, &list))
		return fields_close(&f);
	for (size_t n = 0; n < json_array_size(list) && !f.rc; n++) {
		if (i->n_sensors == SENSORS_MAX)
			f.rc = err_set(reterr, E2BIG, "",
				       "more than %d sensors, the ready ones "
				       "too",
				       SENSORS_MAX);
		else
			f.rc = append_sensor(i, json_array_get(list, n),
					     reterr);
		(void)snprintf(at, sizeof at, "sensors[%zu]", n);
		if (f.rc)
			err_prefix(reterr, at);
	}
	return fields_close(&f);
}

/* SENSORS_MAX is less than there are of either kind: it ends. */
static uint32_t free_id(const struct intent *i, const struct sensor_known *s)
{
	bool waf = s->kind == SENSOR_WAF;
	uint32_t first = waf ? OWN_WAF_FIRST : OWN_DLP_FIRST;
	uint32_t n = (waf ? DLP_ID_MAX + 1 : DLP_ID_WAF) - first;
	uint32_t k = (uint32_t)(hash_of_bytes(s->name, strlen(s->name)) % n);

	_Static_assert(SENSORS_MAX < DLP_ID_MAX + 1 - OWN_WAF_FIRST &&
			       SENSORS_MAX < DLP_ID_WAF - OWN_DLP_FIRST,
		       "one each");
	while (has_id(i, first + k))
		k = (k + 1) % n;
	return first + k;
}

void intent_number_sensors(struct intent *i)
{
	for (size_t n = 0; n < i->n_sensors; n++) {
		struct sensor_known *s = &i->sensors[n];

		if (s->id == 0)
			s->id = free_id(i, s);
		/* it has the member: nothing is allocated but the number */
		(void)json_object_set_new(s->o, "id", json_integer(s->id));
	}
}

/* --- what groups say -------------------------------------------------- */

static void parse_action(struct fields *f, struct group_use *u)
{
	const char *text = NULL;

	if (!field_str(f, "action", FIELD_MAY, 64, &text))
		return;
	u->block = strcmp(text, "block") == 0;
	if (!u->block && strcmp(text, "alert") != 0)
		fields_refuse(f, "action",
			      "expected alert or block, got \"%.40s\"", text);
}

static int parse_use(const struct intent *i, const json_t *o, int kind,
		     const struct group *g, struct group_use *u,
		     struct err *reterr)
{
	struct fields f = fields_open(o, true, reterr);
	const char *name = NULL;
	int64_t n = -1;

	*u = (struct group_use){ .block = false };
	if (field_str(&f, "sensor", FIELD_MUST, SENSOR_NAME_MAX, &name)) {
		n = find_sensor(i, name);
		u->sensor = (uint32_t)n;
		if (n < 0)
			fields_refuse(&f, "sensor",
				      "there is no sensor \"%.60s\"", name);
		else if (i->sensors[n].kind != kind)
			fields_refuse(&f, "sensor",
				      "\"%.60s\" is a sensor of %s", name,
				      kind == SENSOR_DLP ? "waf" : "dlp");
		for (uint32_t k = 0; k < g->n_uses && !f.rc; k++)
			if (g->uses[k].sensor == u->sensor)
				fields_refuse(&f, "sensor",
					      "\"%.60s\" is there twice", name);
	}
	parse_action(&f, u);
	return fields_close(&f);
}

static void parse_list(struct intent *i, struct fields *f, const char *name,
		       int kind, struct group *g)
{
	const json_t *list = NULL;
	char at[ERR_AT_MAX];

	/* no place: the other list is too long, which is told */
	if (!field_array(f, name, FIELD_MAY, INTENT_USES_MAX, &list) ||
	    !g->uses)
		return;
	for (size_t n = 0; n < json_array_size(list) && !f->rc; n++) {
		f->rc = parse_use(i, json_array_get(list, n), kind, g,
				  &g->uses[g->n_uses], f->reterr);
		(void)snprintf(at, sizeof at, "%s[%zu]", name, n);
		if (f->rc)
			err_prefix(f->reterr, at);
		else
			g->n_uses++;
	}
}

static void parse_signatures(struct fields *f, struct group *g)
{
	const char *text = NULL;
	char list[80];

	if (!field_str(f, "signatures", FIELD_MAY, 64, &text))
		return;
	g->signatures = intent_word_index(intent_signature_words,
					  SIGNATURES__MAX, text);
	if (g->signatures < 0)
		fields_refuse(f, "signatures", "expected %s, got \"%.40s\"",
			      intent_word_list(intent_signature_words,
					       SIGNATURES__MAX, list,
					       sizeof list),
			      text);
}

void intent_parse_uses(struct intent *i, struct fields *f, struct group *g)
{
	size_t n = json_array_size(json_object_get(f->obj, "dlp")) +
		   json_array_size(json_object_get(f->obj, "waf"));

	if (n > 0 && n <= 2UL * INTENT_USES_MAX) {
		g->uses = arena_alloc(&i->arena, n * sizeof *g->uses);
		if (!g->uses)
			no_memory(f, "dlp");
	}
	parse_list(i, f, "dlp", SENSOR_DLP, g);
	parse_list(i, f, "waf", SENSOR_WAF, g);
	parse_signatures(f, g);
}

/* --- as they were written --------------------------------------------- */

static json_t *uses_json(const struct intent *i, const struct group *g,
			 int kind)
{
	json_t *list = json_array();

	for (uint32_t n = 0; n < g->n_uses; n++) {
		const struct sensor_known *s = &i->sensors[g->uses[n].sensor];

		if (s->kind == kind &&
		    json_array_append_new(
			    list,
			    json_pack("{s:s, s:s}", "sensor", s->name, "action",
				      g->uses[n].block ? "block" : "alert")) <
			    0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

bool intent_add_uses(const struct intent *i, const struct group *g, json_t *o)
{
	static const char *const names[] = {
		[SENSOR_DLP] = "dlp", [SENSOR_WAF] = "waf"
	};
	bool ok = true;

	for (int kind = SENSOR_DLP; kind <= SENSOR_WAF && g->n_uses; kind++) {
		json_t *list = uses_json(i, g, kind);

		if (!list || json_array_size(list) > 0)
			ok &= json_object_set(o, names[kind], list) == 0;
		json_decref(list);
	}
	if (g->signatures >= 0)
		ok &= json_object_set_new(
			      o, "signatures",
			      json_string(
				      intent_signature_words[g->signatures])) ==
		      0;
	return ok;
}

json_t *intent_written_sensors(const struct intent *i)
{
	json_t *list = json_array();

	for (size_t n = 0; n < i->n_sensors; n++)
		if (!i->sensors[n].ready &&
		    json_array_append(list, i->sensors[n].o) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *intent_sensors(const struct intent *i)
{
	json_t *list = json_array();

	for (size_t n = 0; n < i->n_sensors; n++) {
		const struct sensor_known *s = &i->sensors[n];

		if (json_array_append_new(
			    list,
			    json_pack("{s:s, s:s, s:i, s:b}", "name", s->name,
				      "kind",
				      s->kind == SENSOR_WAF ? "waf" : "dlp",
				      "id", (int)s->id, "ready", s->ready)) <
		    0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}
