/*
 * Response rules: what is done when an event is told that meets their conditions.
 * They are kept as they were written, once that is checked; an event is compared
 * with that.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits_response.h"
#include "intent/model.h"
#include "wire/field.h"

#define ID_MAX 65535

static const char *const kinds[] = { "violation", "threat", "signature", "dlp",
				     "waf",	  "state",  "change" };
/* Members of events that say something of one kind or another. */
static const char *const members[] = {
	"severity",
	"rule",
	"port",
	"proto",
	"application",
	"client",
	"server",
	"client_address",
	"server_address",
	"client_id",
	"server_id",
	"client_port",
	"server_port",
	"server_name",
	"direction",
	"action",
	"name",
	"classtype",
	"id",
	"field",
	"request",
	"text",
	"count",
	"part",
	"who",
	"by",
	"workload",
	"said_by",
};
static const char *const ops[] = { "=",	 "!=", "prefix", "contains",
				   "in", ">=", "<=" };
static const char *const severities[] = { "info", "low", "medium", "high",
					  "critical" };

#define N(a) ((int)(sizeof(a) / sizeof *(a)))

/* --- reading --------------------------------------------------------------------- */

static void check_word(struct fields *f, const char *name, const char *text,
		       const char *const *words, int n)
{
	char list[512];

	if (intent_word_index(words, n, text) < 0)
		fields_refuse(f, name, "expected %s, got \"%.40s\"",
			      intent_word_list(words, n, list, sizeof list),
			      text);
}

static bool is_value(const json_t *v)
{
	const char *text = json_string_value(v);

	return json_is_integer(v) || (text && strlen(text) < RESPONSE_TEXT_MAX);
}

static bool is_number(const json_t *v)
{
	return json_is_integer(v) ||
	       (json_is_string(v) &&
		intent_word_index(severities, N(severities),
				  json_string_value(v)) >= 0);
}

static void check_value(struct fields *f, const char *op, const json_t *v)
{
	const json_t *one;
	size_t i;

	if (strcmp(op, "in") == 0) {
		if (json_array_size(v) < 1 ||
		    json_array_size(v) > RESPONSE_VALUES_MAX)
			fields_refuse(f, "value",
				      "expected a list of 1 to %d values",
				      RESPONSE_VALUES_MAX);
		json_array_foreach (v, i, one)
			if (!is_value(one))
				fields_refuse(f, "value",
					      "expected texts and numbers");
	} else if (op[0] == '>' || op[0] == '<') {
		if (!is_number(v))
			fields_refuse(f, "value",
				      "expected a number or a severity");
	} else if (!is_value(v)) {
		fields_refuse(f, "value",
			      "expected a number or a text of at most %d "
			      "bytes",
			      RESPONSE_TEXT_MAX - 1);
	}
}

static int check_condition(const json_t *v, struct err *reterr)
{
	struct fields f = fields_open(v, true, reterr);
	const char *field = "", *op = "=";
	const json_t *value = json_object_get(v, "value");
	uint32_t number;
	const json_t *list;

	if (field_str(&f, "field", FIELD_MUST, 40, &field))
		check_word(&f, "field", field, members, N(members));
	if (field_str(&f, "op", FIELD_MAY, 10, &op))
		check_word(&f, "op", op, ops, N(ops));
	/* asked for, in whichever form it has */
	if (json_is_array(value))
		(void)field_array(&f, "value", FIELD_MUST, RESPONSE_VALUES_MAX,
				  &list);
	else if (json_is_integer(value))
		(void)field_u32(&f, "value", FIELD_MUST, 0, UINT32_MAX,
				&number);
	else
		(void)field_str(&f, "value", FIELD_MUST, RESPONSE_TEXT_MAX - 1,
				&field);
	if (f.rc == 0)
		check_value(&f, op, value);
	return fields_close(&f);
}

static void check_quarantine(struct fields *f)
{
	const json_t *o = NULL;
	struct fields in;
	uint32_t seconds;

	if (json_is_true(json_object_get(f->obj, "quarantine"))) {
		bool yes;

		(void)field_bool(f, "quarantine", FIELD_MUST, &yes);
		return;
	}
	if (!field_object(f, "quarantine", FIELD_MAY, &o))
		return;
	in = fields_open(o, true, f->reterr);
	(void)field_u32(&in, "for", FIELD_MAY, 1, RESPONSE_FOR_MAX, &seconds);
	f->rc = fields_close(&in);
	if (f->rc < 0)
		err_prefix(f->reterr, "quarantine");
}

static void check_capture(struct fields *f)
{
	const json_t *o = NULL;
	struct fields in;
	uint32_t seconds;

	if (!field_object(f, "capture", FIELD_MAY, &o))
		return;
	in = fields_open(o, true, f->reterr);
	(void)field_u32(&in, "seconds", FIELD_MUST, 1, 3600, &seconds);
	f->rc = fields_close(&in);
	if (f->rc < 0)
		err_prefix(f->reterr, "capture");
}

static int check_action(const json_t *v, struct err *reterr)
{
	struct fields f = fields_open(v, true, reterr);
	const char *name = "";
	bool yes = true;

	check_quarantine(&f);
	if (f.rc == 0)
		check_capture(&f);
	if (field_str(&f, "webhook", FIELD_MAY, 64, &name) &&
	    !intent_name_is_valid(name))
		fields_refuse(&f, "webhook", "expected a name");
	if (field_bool(&f, "suppress", FIELD_MAY, &yes) && !yes)
		fields_refuse(&f, "suppress", "expected true, or nothing");
	if (f.rc == 0 && json_object_size(v) != 1)
		fields_refuse(&f, "",
			      "expected one of quarantine, capture, webhook "
			      "and suppress");
	return fields_close(&f);
}

/* Each element by check; at: "conditions". */
static void check_each(struct fields *f, const char *name, enum field_need need,
		       size_t max,
		       int (*check)(const json_t *v, struct err *reterr))
{
	const json_t *list = NULL, *v;
	char at[40];
	size_t i;

	if (!field_array(f, name, need, max, &list))
		return;
	json_array_foreach (list, i, v) {
		if (f->rc < 0)
			return;
		f->rc = check(v, f->reterr);
		(void)snprintf(at, sizeof at, "%s[%zu]", name, i);
		if (f->rc < 0)
			err_prefix(f->reterr, at);
	}
	if (need == FIELD_MUST && json_array_size(list) == 0)
		fields_refuse(f, name, "must not be empty");
}

static bool acts_twice(const json_t *response)
{
	static const char *const words[] = { "quarantine", "capture",
					     "suppress" };
	const json_t *a;
	size_t i;

	for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
		unsigned n = 0;

		json_array_foreach (json_object_get(response, "actions"), i, a)
			n += json_object_get(a, words[k]) != NULL;
		if (n > 1)
			return true;
	}
	return false;
}

int intent_append_response(struct intent *i, const json_t *v,
			   struct err *reterr)
{
	struct fields f = fields_open(v, true, reterr);
	const char *event = "", *group = "", *comment = "";
	bool disabled = false;
	uint32_t id = 0;
	json_t *copy;

	(void)field_u32(&f, "id", FIELD_MAY, 0, ID_MAX, &id);
	if (field_str(&f, "event", FIELD_MUST, 20, &event))
		check_word(&f, "event", event, kinds, N(kinds));
	if (field_str(&f, "group", FIELD_MAY, INTENT_NAME_MAX - 1, &group) &&
	    !intent_name_is_valid(group))
		fields_refuse(&f, "group", "is no name of a group");
	check_each(&f, "conditions", FIELD_MAY, RESPONSE_CONDITIONS_MAX,
		   check_condition);
	check_each(&f, "actions", FIELD_MUST, RESPONSE_ACTIONS_MAX,
		   check_action);
	if (f.rc == 0 && acts_twice(v))
		fields_refuse(&f, "actions", "the same one twice");
	(void)field_str(&f, "comment", FIELD_MAY, INTENT_COMMENT_MAX - 1,
			&comment);
	(void)field_bool(&f, "disabled", FIELD_MAY, &disabled);
	if (f.rc == 0 && id && intent_response(i, id))
		fields_refuse(&f, "id", "there is another one with %u", id);
	if (fields_close(&f) < 0)
		return -reterr->code;
	copy = json_deep_copy(v);
	if (!copy || json_object_set_new(copy, "id", json_integer(id)) < 0 ||
	    json_array_append_new(i->responses, copy) < 0)
		return err_set(reterr, ENOMEM, "", "out of memory");
	return 0;
}

static json_int_t id_of(const json_t *response)
{
	return json_integer_value(json_object_get(response, "id"));
}

/* Those without an id get one; in the order of their ids. */
int intent_number_responses(struct intent *i, struct err *reterr)
{
	json_t *sorted = json_array(), *r;
	json_int_t last = 0;
	size_t n;

	json_array_foreach (i->responses, n, r)
		if (id_of(r) > last)
			last = id_of(r);
	json_array_foreach (i->responses, n, r)
		if (id_of(r) == 0)
			(void)json_object_set_new(r, "id",
						  json_integer(++last));
	if (last > ID_MAX) {
		json_decref(sorted);
		return err_set(reterr, E2BIG, "responses",
			       "no id is left, up to %d", ID_MAX);
	}
	while (json_array_size(i->responses) > 0) {
		size_t first = 0;

		json_array_foreach (i->responses, n, r)
			if (id_of(r) <
			    id_of(json_array_get(i->responses, first)))
				first = n;
		(void)json_array_append(sorted,
					json_array_get(i->responses, first));
		(void)json_array_remove(i->responses, first);
	}
	json_decref(i->responses);
	i->responses = sorted;
	return 0;
}

const json_t *intent_response(const struct intent *i, uint32_t id)
{
	const json_t *r;
	size_t n;

	json_array_foreach (i->responses, n, r)
		if (id_of(r) == (json_int_t)id)
			return r;
	return NULL;
}

const json_t *intent_responses(const struct intent *i)
{
	return i->responses;
}

/* --- an event ------------------------------------------------------------------------ */

/* As text: of a number its digits. */
static const char *text_of(const json_t *v, char buf[static 24])
{
	if (json_is_string(v))
		return json_string_value(v);
	if (!json_is_integer(v))
		return NULL;
	(void)snprintf(buf, 24, "%lld", (long long)json_integer_value(v));
	return buf;
}

/* A severity is as much as it is in the list of them; false: no number. */
static bool number_of(const json_t *v, json_int_t *ret)
{
	const char *text = json_string_value(v);
	int n = text ? intent_word_index(severities, N(severities), text) : -1;

	*ret = text ? n : json_integer_value(v);
	return json_is_integer(v) || n >= 0;
}

static bool is_same(const char *text, const json_t *value)
{
	char buf[24];
	const char *want = text_of(value, buf);

	return want && strcmp(text, want) == 0;
}

static bool is_in(const char *text, const json_t *list)
{
	const json_t *v;
	size_t i;

	json_array_foreach (list, i, v)
		if (is_same(text, v))
			return true;
	return false;
}

static bool is_met(const json_t *condition, const json_t *event)
{
	const char *op = json_string_value(json_object_get(condition, "op"));
	const json_t *value = json_object_get(condition, "value");
	const json_t *has = json_object_get(
		event, json_string_value(json_object_get(condition, "field")));
	char buf[24], other[24];
	const char *text = text_of(has, buf), *want = text_of(value, other);
	json_int_t a, b;

	if (!op)
		op = "=";
	if (strcmp(op, "!=") == 0) /* also of what it does not have */
		return !text || !is_same(text, value);
	if (!text)
		return false;
	if (strcmp(op, "=") == 0)
		return is_same(text, value);
	if (strcmp(op, "in") == 0)
		return is_in(text, value);
	if (strcmp(op, "prefix") == 0)
		return want && strncmp(text, want, strlen(want)) == 0;
	if (strcmp(op, "contains") == 0)
		return want && strstr(text, want);
	if (!number_of(has, &a) || !number_of(value, &b) ||
	    json_is_string(has) != json_is_string(value))
		return false;
	return op[0] == '>' ? a >= b : a <= b;
}

bool intent_response_meets(const json_t *response, const json_t *event,
			   const json_t *groups)
{
	const char *kind = json_string_value(json_object_get(event, "kind"));
	const json_t *group = json_object_get(response, "group"), *c;
	size_t i;

	if (!kind || json_is_true(json_object_get(response, "disabled")) ||
	    !is_same(kind, json_object_get(response, "event")))
		return false;
	if (group && !is_in(json_string_value(group), groups))
		return false;
	json_array_foreach (json_object_get(response, "conditions"), i, c)
		if (!is_met(c, event))
			return false;
	return true;
}
