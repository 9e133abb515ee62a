/*
 * What is looked for in whose traffic: the union over a workload's groups, and
 * of each sensor the strictest that one of them says. In the body of a message
 * all workloads that have the same looked for stand together. Whoever has what a
 * data plane does for who is not spoken of is left out, so that most changes of
 * workloads change nothing here.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "detect/sensor.h"
#include "intent/format.h"
#include "intent/model.h"

/* Of one workload. */
struct watch {
	uint8_t *uses; /* of each sensor; owned */
	int signatures;
};

static void add_group(struct watch *w, const struct group *g)
{
	for (uint32_t n = 0; n < g->n_uses; n++) {
		uint8_t *use = &w->uses[g->uses[n].sensor];

		if (g->uses[n].block)
			*use = SENSOR_BLOCK;
		else if (*use == SENSOR_NOTHING)
			*use = SENSOR_ALERT;
	}
	if (g->signatures > w->signatures)
		w->signatures = g->signatures;
}

/* Who is not protected is only told of. */
static void soften(const struct intent *i, struct watch *w)
{
	for (size_t n = 0; n < i->n_sensors; n++)
		if (w->uses[n] == SENSOR_BLOCK)
			w->uses[n] = SENSOR_ALERT;
	if (w->signatures == SIGNATURES_ENFORCE)
		w->signatures = SIGNATURES_ALERT;
}

/* false: out of memory. To be ended by free(uses) either way. */
static bool watch_init(struct watch *w, const struct intent *i,
		       const struct intent_workload *of)
{
	int mode = -1;
	struct subject s;

	*w = (struct watch){ .uses = calloc(i->n_sensors + 1, 1),
			     .signatures = -1 };
	if (!w->uses || !subject_init(&s, i, of->about))
		return false;
	for (size_t n = 0; n < i->n_groups; n++) {
		const struct group *g = &i->groups[n];

		if (g->mode <= mode && g->n_uses == 0 && g->signatures < 0)
			continue;
		if (!group_has(i, g, &s, of))
			continue;
		mode = g->mode > mode ? g->mode : mode;
		add_group(w, g);
	}
	subject_done(&s);
	if (mode < 0)
		mode = (int)intent_default_mode(i);
	if (w->signatures < 0)
		w->signatures = SIGNATURES_ENFORCE;
	if (mode != MODE_PROTECT)
		soften(i, w);
	return true;
}

static const char *action_of(const struct watch *w, size_t sensor)
{
	return w->uses[sensor] == SENSOR_BLOCK ? "block" : "alert";
}

json_t *intent_detection_of(const struct intent *i,
			    const struct intent_workload *w)
{
	json_t *list = json_array();
	struct watch all;
	bool ok = watch_init(&all, i, w) && list;

	for (size_t n = 0; n < i->n_sensors && ok; n++) {
		const struct sensor_known *s = &i->sensors[n];

		if (all.uses[n] == SENSOR_NOTHING)
			continue;
		ok = json_array_append_new(
			     list,
			     json_pack("{s:s, s:s, s:i, s:s}", "sensor",
				       s->name, "kind",
				       s->kind == SENSOR_WAF ? "waf" : "dlp",
				       "id", (int)s->id, "action",
				       action_of(&all, n))) == 0;
	}
	free(all.uses);
	if (ok)
		return json_pack("{s:o, s:s}", "sensors", list, "signatures",
				 intent_signature_words[all.signatures]);
	json_decref(list);
	return NULL;
}

/* --- the message's body ----------------------------------------------- */

/* What is said of it, as text; NULL: out of memory. *ret_any: is anything? */
static char *said_of(const struct intent *i, const struct watch *w, bool *used,
		     bool *ret_any)
{
	struct text t = { 0 };
	size_t n_uses = 0;

	text_add_word(&t, "\"sensors\":[");
	for (size_t n = 0; n < i->n_sensors; n++) {
		if (w->uses[n] == SENSOR_NOTHING)
			continue;
		used[n] = true;
		text_addf(&t, "%s{\"id\":%u,\"action\":\"%s\"}",
			  n_uses++ ? "," : "", i->sensors[n].id,
			  action_of(w, n));
	}
	text_addf(&t, "],\"signatures\":\"%s\"",
		  intent_signature_words[w->signatures]);
	*ret_any = n_uses > 0 || w->signatures != SIGNATURES_ENFORCE;
	return text_take(&t);
}

static bool add_macs(json_t *classes, const char *said,
		     const struct intent_workload *w)
{
	json_t *macs = json_object_get(classes, said);
	char text[MAC_TEXT_MAX];
	bool ok = true;

	if (!macs) {
		macs = json_array();
		ok = json_object_set_new(classes, said, macs) == 0;
	}
	for (size_t k = 0; k < w->n_macs && ok; k++)
		ok = json_array_append_new(
			     macs, json_string(mac_format(w->macs[k], text))) ==
		     0;
	return ok;
}

/* What is said -> the MACs of whom; used: of each sensor. */
static bool make_classes(const struct intent *i,
			 const struct intent_world *world, json_t *classes,
			 bool *used)
{
	bool ok = true, any = false;

	for (size_t n = 0; n < world->n && ok; n++) {
		const struct intent_workload *of = &world->workloads[n];
		char *said = NULL;
		struct watch w;

		if (of->n_macs == 0)
			continue;
		if (watch_init(&w, i, of))
			said = said_of(i, &w, used, &any);
		ok = said && (!any || add_macs(classes, said, of));
		free(said);
		free(w.uses);
	}
	return ok;
}

static void write_body(struct text *t, const struct intent *i,
		       const json_t *classes, const bool *used)
{
	const char *said, *between = "";
	json_t *macs;

	text_add_word(t, "{\"sensors\":[");
	for (size_t n = 0; n < i->n_sensors; n++) {
		if (!used[n])
			continue;
		text_add_word(t, between);
		text_add_json(t, i->sensors[n].o);
		between = ",";
	}
	text_add_word(t, "],\"workloads\":[");
	between = "";
	json_object_foreach ((json_t *)(uintptr_t)classes, said, macs) {
		text_addf(t, "%s{\"macs\":", between);
		text_add_json(t, macs);
		text_addf(t, ",%s}", said);
		between = ",";
	}
	text_add_word(t, "]}");
}

char *intent_compile_detection(const struct intent *i,
			       const struct intent_world *world,
			       struct err *reterr)
{
	bool *used = calloc(i->n_sensors + 1, sizeof *used);
	json_t *classes = json_object();
	struct text t = { 0 };
	char *body = NULL;

	if (used && classes && make_classes(i, world, classes, used)) {
		write_body(&t, i, classes, used);
		body = text_take(&t);
	}
	json_decref(classes);
	free(used);
	if (!body)
		/* NULL says that it failed */
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
	return body;
}
