/*
 * What is wanted is one body (body.h), made anew by each change of it; texts are
 * in it alone, so that 30 MB of rules are not there twice, and it is read back
 * when they are changed.
 *
 *   rules-load ──rules_load.c──▶ store ──▶ body ──policy.c──▶ plane ──▶ weir-dp
 *                (a thread)                                     │ builds
 *   weir status, rules-status ◀── kinds[] ◀─────rules_told()────┘
 *
 * Rules are parsed here to be told of at once; the data plane parses them again,
 * and says what is in force. One change is under way at a time.
 */
#include "agent/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/aside.h"
#include "agent/commands.h"
#include "agent/policy.h"
#include "agent/record.h"
#include "agent/rules_load.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "detect/sig_parse.h"
#include "wire/field.h"
#include "wire/member.h"

#define DOCUMENT "rules"

enum kind { SIGNATURES, SENSORS, KIND__MAX };

/* What the host's data plane said last of it. */
struct kind_told {
	json_t *answer; /* owned; NULL: nothing yet */
	struct err err;
	uint64_t version; /* whose end was told as an event */
};

struct rules {
	struct rules_made made;
	bool loading; /* a change is under way */
	struct kind_told kinds[KIND__MAX];
};

struct body *rules_wanted(const struct agent *a)
{
	return a->rules->made.body;
}

/* Leaves *made empty. */
static void take_made(struct agent *a, struct rules_made *made)
{
	rules_made_done(&a->rules->made);
	a->rules->made = *made;
	*made = (struct rules_made){ .body = NULL };
}

/* --- the built-in file ---------------------------------------------------------- */

/* NULL: it is not wanted; or it cannot be read, *reterr's code is set. */
static char *builtin_text(const struct config *c, struct err *reterr)
{
	size_t len;

	return c->rules_builtin
		       ? file_load(c->rules_path, RULES_BYTES_MAX, &len, reterr)
		       : NULL;
}

static void tell_unread(struct agent *a, const struct err *err)
{
	if (!err->code)
		return;
	log_warn("rules: %s: %s, going on without", err->at, err->text);
	if (err->code == ENOENT) /* `rules status` goes on telling it */
		return;
	record_state(a, "signatures", "medium", err->text);
}

void rules_again_begin(struct agent *a, struct rules_again *ret)
{
	*ret = (struct rules_again){ .before = body_get(a->rules->made.body) };
}

void rules_again_work(struct rules_again *r, const struct config *c)
{
	char *before, *text = builtin_text(c, &r->file);
	json_t *user = rules_user_of(r->before, &before);

	r->is_made = user && rules_make(user, text, &r->made) == 0;
	json_decref(user);
	free(before);
	free(text);
}

bool rules_again_take(struct agent *a, struct rules_again *r)
{
	if (a->rules->made.body != r->before)
		return false;
	tell_unread(a, &r->file);
	if (r->is_made)
		take_made(a, &r->made);
	else
		log_warn("rules: out of memory, going on with the old ones");
	return true;
}

void rules_again_done(struct rules_again *r)
{
	body_put(r->before);
	rules_made_done(&r->made);
	*r = (struct rules_again){ .before = NULL };
}

/* --- what is loaded ------------------------------------------------------------- */

/* A change that is made beside the main loop. */
struct loading {
	struct rules_load load;
	uint64_t work;	/* who waits for it */
	json_t *result; /* owned */
};

static void free_loading(struct loading *l)
{
	rules_load_done(&l->load);
	json_decref(l->result);
	free(l);
}

static void work(void *job)
{
	struct loading *l = job;

	rules_load_work(&l->load);
}

/* Stored, then wanted, then told. */
static int keep(struct agent *a, struct loading *l, struct err *reterr)
{
	struct door_client *c = door_waits(a, l->work);
	uint64_t revision = 0;
	int rc;

	if (a->rules->made.body != l->load.before)
		return err_set(reterr, EAGAIN, NULL,
			       "the built-in rules were read again meanwhile");
	rc = store_put_text(a->store, DOCUMENT, l->load.document, NULL, 0,
			    &revision, reterr);
	if (rc < 0)
		return rc;
	take_made(a, &l->load.made);
	record_change_by(a, l->load.what, c);
	(void)json_object_update(l->result, l->load.answer);
	(void)json_object_set(l->result, "files", a->rules->made.files);
	(void)json_object_set_new(
		l->result, "version",
		json_integer((json_int_t)a->rules->made.body->version));
	policy_soon(a);
	return 0;
}

static void loaded(struct agent *a, void *job)
{
	struct loading *l = job;

	a->rules->loading = false;
	if (!l->load.err.code && keep(a, l, &l->load.err) == 0)
		/* of a first try of it, too */
		l->load.err = (struct err){ 0 };
	door_worked(a, l->work, &l->load.err);
	free_loading(l);
}

/* Takes l. */
static int begin(struct agent *a, struct door_client *c, struct loading *l,
		 json_t *result, struct err *reterr)
{
	static const struct aside_work aside = { work, loaded };
	int rc = a->rules->loading ? err_set(reterr, EBUSY, NULL,
					     "rules are being loaded already")
				   : 0;

	l->load.before = body_get(a->rules->made.body);
	l->result = json_incref(result);
	if (rc == 0)
		rc = aside_run(a, &aside, l, reterr);
	if (rc != 0) {
		free_loading(l);
		return rc;
	}
	a->rules->loading = true;
	l->work = door_later_work(c, result);
	return COMMAND_LATER;
}

int command_rules_load(struct agent *a, struct door_client *c,
		       const json_t *args, json_t *result, struct err *reterr)
{
	struct fields f = fields_open(args, false, reterr);
	const json_t *files = NULL, *variables = NULL;
	struct loading *l;
	int rc;

	(void)field_array(&f, "files", FIELD_MUST, SIG_FILES_MAX - 1, &files);
	(void)field_object(&f, "variables", FIELD_MAY, &variables);
	rc = fields_close(&f);
	if (rc < 0)
		return rc;
	l = calloc(1, sizeof *l);
	if (!l)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	l->load = (struct rules_load){
		.files = json_incref((json_t *)(uintptr_t)files),
		.variables = json_incref((json_t *)(uintptr_t)variables),
		.add = arg_true(args, "add"),
		.strict = arg_true(args, "strict"),
	};
	return begin(a, c, l, result, reterr);
}

int command_rules_unload(struct agent *a, struct door_client *c,
			 const json_t *args, json_t *result, struct err *reterr)
{
	bool all = arg_true(args, "all");
	const char *name = "";
	struct loading *l;
	int rc = arg_text(args, "name", &name, reterr);

	if (rc < 0)
		return rc;
	l = calloc(1, sizeof *l);
	if (l && !all)
		l->load.unload = strdup(name);
	if (l && (all || l->load.unload))
		return begin(a, c, l, result, reterr);
	free(l);
	return err_set(reterr, ENOMEM, NULL, "out of memory");
}

/* The body's text without what was put before it: nothing is taken apart. */
int command_rules_loaded(struct agent *a, struct door_client *c,
			 const json_t *args, json_t *result, struct err *reterr)
{
	const char *at = strstr(a->rules->made.body->text, "\"variables\":");
	char *members = strdup(at);

	if (!members)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	members[strlen(members) - 1] = '\0'; /* the object's end */
	door_answer_text(c, members);
	return 0;
}

/* --- what became of it ---------------------------------------------------------- */

static const char *error_of(const struct kind_told *k)
{
	const char *text =
		json_string_value(json_object_get(k->answer, "error"));

	return k->err.code ? k->err.text : text ? text : "";
}

static uint64_t wanted_version(const struct agent *a, enum kind kind)
{
	const struct body *b = kind == SIGNATURES ? a->rules->made.body
						  : a->detection;

	return b ? b->version : 0;
}

/* In one word. */
static const char *state_of(const struct agent *a, enum kind kind)
{
	const struct kind_told *k = &a->rules->kinds[kind];
	uint64_t wanted = wanted_version(a, kind);

	if (k->err.code == ENOENT)
		return "unknown";
	if (k->err.code)
		return "refused";
	if (!a->plane_up || member_number(k->answer, "version") != wanted)
		return "waiting";
	if (json_is_true(json_object_get(k->answer, "building")))
		return "building";
	return member_number(k->answer, "in_force") == wanted ? "in force"
							      : "refused";
}

/* faults: with all of them. */
static json_t *kind_json(const struct agent *a, enum kind kind, bool faults)
{
	static const char *const members[] = { "signatures", "sensors",
					       "rules",	     "refused",
					       "left_out",   "workloads" };
	const struct kind_told *k = &a->rules->kinds[kind];
	json_t *o = json_pack("{s:s, s:I}", "state", state_of(a, kind),
			      "version", (json_int_t)wanted_version(a, kind));
	json_t *list = json_object_get(k->answer, "faults");

	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (json_object_get(k->answer, members[i]))
			(void)json_object_set(
				o, members[i],
				json_object_get(k->answer, members[i]));
	if (error_of(k)[0])
		(void)json_object_set_new(o, "error", json_string(error_of(k)));
	if (faults)
		(void)json_object_set_new(
			o, "faults", list ? json_incref(list) : json_array());
	return o;
}

json_t *rules_json(const struct agent *a)
{
	json_t *o = json_pack("{s:o, s:o}", "signatures",
			      kind_json(a, SIGNATURES, false), "sensors",
			      kind_json(a, SENSORS, false));

	(void)json_object_set_new(json_object_get(o, "signatures"), "files",
				  json_integer((json_int_t)json_array_size(
					  a->rules->made.files)));
	return o;
}

int command_rules_status(struct agent *a, struct door_client *c,
			 const json_t *args, json_t *result, struct err *reterr)
{
	const json_t *files = a->rules->made.files;

	(void)json_object_set(result, "files", a->rules->made.files);
	if (a->config.rules_builtin &&
	    !json_object_get(json_array_get(files, 0), "builtin"))
		(void)json_object_set_new(result, "builtin_missing",
					  json_string(a->config.rules_path));
	(void)json_object_set(result, "variables", a->rules->made.variables);
	(void)json_object_set_new(result, "signatures",
				  kind_json(a, SIGNATURES, true));
	(void)json_object_set_new(result, "sensors",
				  kind_json(a, SENSORS, true));
	return 0;
}

static void say_faults(enum kind kind, const json_t *answer, char *buf,
		       size_t size)
{
	const json_t *f = json_array_get(json_object_get(answer, "faults"), 0);
	const char *file = json_string_value(json_object_get(f, "file"));
	const char *sensor = json_string_value(json_object_get(f, "sensor"));
	const char *text = json_string_value(json_object_get(f, "text"));
	uint64_t bad = member_number(answer, "refused") +
		       member_number(answer, "left_out");

	if (kind == SENSORS)
		(void)snprintf(
			buf, size,
			"%llu sensors cannot be looked for: %.100s: %.200s",
			(unsigned long long)bad, sensor ? sensor : "",
			text ? text : "");
	else
		(void)snprintf(
			buf, size,
			"%llu rules are refused, the first is %.100s:%u: "
			"%.200s",
			(unsigned long long)bad, file ? file : "",
			(unsigned)member_number(f, "line"), text ? text : "");
}

/* Once for each version: it did not come into force, or not whole. */
static void tell_end(struct agent *a, enum kind kind)
{
	static const char *const parts[] = { "signatures", "sensors" };
	struct kind_told *k = &a->rules->kinds[kind];
	const char *state = state_of(a, kind);
	uint64_t version = wanted_version(a, kind);
	char text[400];

	if (strcmp(state, "waiting") == 0 || strcmp(state, "building") == 0 ||
	    k->version == version)
		return;
	k->version = version;
	if (error_of(k)[0]) {
		log_warn("%s: %s", parts[kind], error_of(k));
		record_state(a, parts[kind],
			     strcmp(state, "unknown") == 0 ? "low" : "high",
			     error_of(k));
		return;
	}
	if (member_number(k->answer, "refused") +
	    member_number(k->answer, "left_out")) {
		say_faults(kind, k->answer, text, sizeof text);
		log_warn("%s: %s", parts[kind], text);
		record_state(a, parts[kind], "low", text);
	}
}

void rules_told(struct agent *a, const struct plane_news *n)
{
	enum kind kind = n->kind == PLANE_RULES ? SIGNATURES : SENSORS;
	struct kind_told *k = &a->rules->kinds[kind];

	json_decref(k->answer);
	k->answer = n->about ? json_incref(n->about) : NULL;
	k->err = n->err;
	tell_end(a, kind);
}

void rules_plane_is_down(struct agent *a)
{
	for (int i = 0; i < KIND__MAX; i++) {
		json_decref(a->rules->kinds[i].answer);
		a->rules->kinds[i].answer = NULL;
		a->rules->kinds[i].err = (struct err){ 0 };
	}
}

/* --- start and end -------------------------------------------------------------- */

int rules_start(struct agent *a, struct err *reterr)
{
	uint64_t revision;
	json_t *user = NULL;
	struct err file = { 0 };
	char *builtin;
	int rc = store_get_doc(a->store, DOCUMENT, &user, &revision, reterr);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	a->rules = calloc(1, sizeof *a->rules);
	builtin = a->rules ? builtin_text(&a->config, &file) : NULL;
	tell_unread(a, &file);
	rc = a->rules ? rules_make(user, builtin, &a->rules->made) : -ENOMEM;
	json_decref(user);
	free(builtin);
	return rc == 0 ? 0 : err_set(reterr, -rc, NULL, "out of memory");
}

void rules_stop(struct agent *a)
{
	struct rules *r = a->rules;

	if (!r)
		return;
	for (int i = 0; i < KIND__MAX; i++)
		json_decref(r->kinds[i].answer);
	rules_made_done(&r->made);
	free(r);
	a->rules = NULL;
}
