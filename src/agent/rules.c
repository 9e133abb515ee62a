/*
 * What is wanted is one body (body.h), made anew by each change of it; texts are
 * in it alone, so that 30 MB of rules are not there twice, and it is read back
 * when they are asked for.
 *
 *   rules-load ──check──▶ store ──▶ body ──policy.c──▶ plane ──▶ weir-dp
 *                                                        │ builds
 *   weir status, rules-status ◀── kinds[] ◀──rules_told()┘
 *
 * Rules are parsed here to be told of at once; the data plane parses them again,
 * and says what is in force.
 */
#include "agent/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/commands.h"
#include "agent/policy.h"
#include "agent/record.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "detect/sig_parse.h"
#include "wire/field.h"

#define DOCUMENT "rules"

enum kind { SIGNATURES, SENSORS, KIND__MAX };

/* What the host's data plane said last of it. */
struct kind_told {
	json_t *answer; /* owned; NULL: nothing yet */
	struct err err;
	uint64_t version; /* whose end was told as an event */
};

struct rules {
	struct body *body;
	json_t *files; /* [{"name", "bytes", "builtin"?}] */
	json_t *variables;
	struct kind_told kinds[KIND__MAX];
};

struct body *rules_wanted(const struct agent *a)
{
	return a->rules->body;
}

/* --- the body ------------------------------------------------------------------- */

static json_t *file_json(const char *name, json_t *text)
{
	return json_pack("{s:s, s:o}", "name", name, "text", text);
}

/* {"variables", "files"}, a new object; what is given is borrowed. */
static json_t *whole_of(const json_t *user, const char *builtin)
{
	json_t *files = json_array();
	json_t *variables = json_object_get(user, "variables");

	if (builtin)
		(void)json_array_append_new(
			files, file_json(RULES_BUILTIN, json_string(builtin)));
	/* nothing to extend by where there is no document */
	(void)json_array_extend(files, json_object_get(user, "files"));
	return json_pack("{s:O*, s:o}", "variables", variables, "files", files);
}

static json_t *sizes_of(const json_t *files)
{
	json_t *list = json_array();
	const json_t *f;
	size_t i;

	json_array_foreach (files, i, f) {
		const json_t *name = json_object_get(f, "name");
		json_t *one = json_pack("{s:O, s:I}", "name", name, "bytes",
					(json_int_t)json_string_length(
						json_object_get(f, "text")));

		if (strcmp(json_string_value(name), RULES_BUILTIN) == 0)
			(void)json_object_set_new(one, "builtin", json_true());
		(void)json_array_append_new(list, one);
	}
	return list;
}

/* -ENOMEM; else it is wanted from the next policy on. */
static int take(struct agent *a, const json_t *user, const char *builtin)
{
	struct rules *r = a->rules;
	json_t *whole = whole_of(user, builtin), *variables;
	struct body *body = whole ? body_new(json_dumps(whole, JSON_COMPACT))
				  : NULL;

	if (!body) {
		json_decref(whole);
		return -ENOMEM;
	}
	variables = json_object_get(user, "variables");
	body_put(r->body);
	r->body = body;
	json_decref(r->files);
	r->files = sizes_of(json_object_get(whole, "files"));
	json_decref(r->variables);
	r->variables = variables ? json_incref(variables) : json_object();
	json_decref(whole);
	return 0;
}

static bool is_builtin(const json_t *file)
{
	const char *name = json_string_value(json_object_get(file, "name"));

	return name && strcmp(name, RULES_BUILTIN) == 0;
}

/*
 * The body read back: the user's document, and the built-in text (the caller
 * frees it; NULL: there is none). NULL: out of memory.
 */
static json_t *user_of(const struct agent *a, char **ret_builtin)
{
	json_t *whole = json_loads(a->rules->body->text, 0, NULL);
	json_t *files = json_object_get(whole, "files"), *user;

	*ret_builtin = NULL;
	if (!whole)
		return NULL;
	if (is_builtin(json_array_get(files, 0))) {
		*ret_builtin = strdup(json_string_value(
			json_object_get(json_array_get(files, 0), "text")));
		(void)json_array_remove(files, 0);
	}
	user = json_pack("{s:O, s:O}", "variables", a->rules->variables,
			 "files", files);
	json_decref(whole);
	return user;
}

/* --- the built-in file ---------------------------------------------------------- */

/* NULL: there is none, *reterr's code ENOENT; or it cannot be read. */
static char *builtin_text(struct agent *a)
{
	struct err err = { 0 };
	size_t len;
	char *text = a->config.rules_builtin
			     ? file_load(a->config.rules_path, RULES_BYTES_MAX,
					 &len, &err)
			     : NULL;

	if (!err.code || err.code == ENOENT)
		return text;
	log_warn("rules: %s: %s, going on without", err.at, err.text);
	record_state(a, "signatures", "medium", err.text);
	return NULL;
}

void rules_read_builtin(struct agent *a)
{
	char *before, *text = builtin_text(a);
	json_t *user = user_of(a, &before);

	if (!user || take(a, user, text) < 0)
		log_warn("rules: out of memory, going on with the old ones");
	json_decref(user);
	free(before);
	free(text);
}

/* --- what was loaded ------------------------------------------------------------ */

static int check_names(const json_t *files, struct err *reterr)
{
	const json_t *f;
	size_t i, k, bytes = 0;
	char at[ERR_AT_MAX];

	json_array_foreach (files, i, f) {
		const json_t *name = json_object_get(f, "name");
		const char *text = json_string_value(name);

		(void)snprintf(at, sizeof at, "files[%zu].name", i);
		if (!text[0] || strcmp(text, RULES_BUILTIN) == 0)
			return err_set(reterr, EINVAL, at,
				       text[0] ? "is the built-in one's"
					       : "must not be empty");
		for (k = 0; k < i; k++)
			if (json_equal(json_object_get(json_array_get(files, k),
						       "name"),
				       name))
				return err_set(reterr, EEXIST, at,
					       "two files are called \"%.60s\"",
					       text);
		bytes += json_string_length(json_object_get(f, "text"));
	}
	return bytes <= RULES_BYTES_MAX
		       ? 0
		       : err_set(reterr, E2BIG, "files", "more than %u bytes",
				 RULES_BYTES_MAX);
}

/* Each is a name and a text, and nothing else. */
static int check_files(const json_t *files, struct err *reterr)
{
	const json_t *f;
	char at[32];
	size_t i;

	json_array_foreach (files, i, f) {
		struct fields one = fields_open(f, true, reterr);
		const char *text = "";
		int rc;

		(void)field_str(&one, "name", FIELD_MUST, SIG_FILE_NAME_MAX,
				&text);
		(void)field_str(&one, "text", FIELD_MUST, RULES_BYTES_MAX,
				&text);
		rc = fields_close(&one);
		(void)snprintf(at, sizeof at, "files[%zu]", i);
		if (rc < 0) {
			err_prefix(reterr, at);
			return rc;
		}
	}
	return check_names(files, reterr);
}

static int set_variables(struct sig_list *l, const json_t *variables,
			 struct err *reterr)
{
	const char *name;
	json_t *v;
	int rc = 0;

	if (json_object_size(variables) > SIG_VARIABLE_NAMES_MAX)
		return err_set(reterr, E2BIG, "variables", "more than %d",
			       SIG_VARIABLE_NAMES_MAX);
	json_object_foreach ((json_t *)(uintptr_t)variables, name, v) {
		if (!json_is_string(v))
			rc = err_set(reterr, EINVAL, name, "expected a text");
		else
			rc = sig_list_set(l, name, json_string_value(v),
					  reterr);
		if (rc < 0) {
			err_prefix(reterr, "variables");
			return rc;
		}
	}
	return 0;
}

static int read_text(struct sig_list *l, const char *name, const char *text,
		     struct err *reterr)
{
	return sig_list_text(l, name, text, strlen(text), reterr);
}

static json_t *fault_json(const struct sig_fault *f)
{
	return json_pack("{s:s, s:i, s:i, s:s%, s:s}", "file", f->file, "line",
			 (int)f->line, "column", (int)f->column, "keyword",
			 f->keyword, strlen(f->keyword), "text", f->text);
}

/* Of the user's files; the first ones are the built-in one's. */
static void tell_faults(const struct sig_list *l, size_t first, json_t *result)
{
	json_t *faults = json_array();
	size_t n = sig_list_faults(l);

	for (size_t i = first; i < n && i - first < RULES_FAULTS_MAX; i++)
		/* a text that is no UTF-8 is left out; it is counted */
		(void)json_array_append_new(faults,
					    fault_json(sig_list_fault(l, i)));
	(void)json_object_set_new(result, "faults", faults);
}

static int refuse_all(const struct sig_list *l, size_t first, uint64_t refused,
		      struct err *reterr)
{
	const struct sig_fault *f = sig_list_fault(l, first);
	char at[ERR_AT_MAX];

	(void)snprintf(at, sizeof at, "%s:%u:%u", f->file, f->line, f->column);
	return err_set(reterr, EINVAL, at,
		       "%s%s%s; %llu refused, so nothing was "
		       "loaded",
		       f->keyword, f->keyword[0] ? ": " : "", f->text,
		       (unsigned long long)refused);
}

/* As a data plane reads them. What is refused is told in result. */
static int check_rules(const json_t *user, const char *builtin, bool strict,
		       json_t *result, struct err *reterr)
{
	struct sig_list *l = sig_list_new();
	uint64_t refused = 0;
	size_t first = 0, len = 0, i;
	const json_t *f;
	int rc =
		l ? set_variables(l, json_object_get(user, "variables"), reterr)
		  : err_set(reterr, ENOMEM, NULL, "out of memory");

	if (rc == 0 && builtin) {
		rc = read_text(l, RULES_BUILTIN, builtin, reterr);
		refused = sig_list_refused(l);
		first = sig_list_faults(l);
		len = sig_list_len(l);
	}
	json_array_foreach (json_object_get(user, "files"), i, f)
		if (rc == 0)
			rc = read_text(
				l,
				json_string_value(json_object_get(f, "name")),
				json_string_value(json_object_get(f, "text")),
				reterr);
	if (rc == 0 && strict && sig_list_refused(l) > refused)
		rc = refuse_all(l, first, sig_list_refused(l) - refused,
				reterr);
	if (rc == 0) {
		refused = sig_list_refused(l) - refused;
		len = sig_list_len(l) - len;
		tell_faults(l, first, result);
		(void)json_object_set_new(result, "rules",
					  json_integer((json_int_t)len));
		(void)json_object_set_new(result, "refused",
					  json_integer((json_int_t)refused));
	}
	sig_list_free(l);
	return rc;
}

/* Stored, then wanted, then told. user: taken. */
static int change(struct agent *a, struct door_client *c, json_t *user,
		  const char *builtin, const char *what, json_t *result,
		  struct err *reterr)
{
	uint64_t revision = 0;
	int rc = user ? store_put_doc(a->store, DOCUMENT, user, 0, &revision,
				      reterr)
		      : err_set(reterr, ENOMEM, NULL, "out of memory");

	if (rc == 0 && take(a, user, builtin) < 0)
		rc = err_set(reterr, ENOMEM, NULL,
			     "out of memory; stored, for the next start");
	json_decref(user);
	if (rc < 0)
		return rc;
	record_change_by(a, what, c);
	(void)json_object_set(result, "files", a->rules->files);
	(void)json_object_set_new(
		result, "version",
		json_integer((json_int_t)a->rules->body->version));
	policy_soon(a);
	return 0;
}

static size_t find_file(const json_t *files, const char *name)
{
	size_t n = 0;

	while (n < json_array_size(files) &&
	       strcmp(json_string_value(json_object_get(
			      json_array_get(files, n), "name")),
		      name) != 0)
		n++;
	return n;
}

/* What there is, and those files in it or in place of those of their names. */
static void put_over(json_t *user, const json_t *files, const json_t *variables)
{
	json_t *list = json_object_get(user, "files"), *f;
	size_t i;

	json_array_foreach (files, i, f) {
		size_t n = find_file(
			list, json_string_value(json_object_get(f, "name")));

		if (n < json_array_size(list))
			(void)json_array_set(list, n, f);
		else
			(void)json_array_append(list, f);
	}
	(void)json_object_update(json_object_get(user, "variables"),
				 (json_t *)(uintptr_t)variables);
}

static void say_loaded(const json_t *files, const json_t *result, char *buf,
		       size_t size)
{
	size_t i, len;
	const json_t *f;

	(void)snprintf(buf, size, "%lld rules were loaded, %lld refused, of",
		       json_integer_value(json_object_get(result, "rules")),
		       json_integer_value(json_object_get(result, "refused")));
	json_array_foreach (files, i, f) {
		len = strlen(buf);
		/* cut is better than none */
		(void)snprintf(buf + len, size - len, "%s %s", i ? "," : "",
			       json_string_value(json_object_get(f, "name")));
	}
}

int command_rules_load(struct agent *a, struct door_client *c,
		       const json_t *args, json_t *result, struct err *reterr)
{
	struct fields f = fields_open(args, false, reterr);
	const json_t *files = NULL, *variables = NULL;
	char *builtin = NULL, what[WORKLOAD_TEXT_MAX];
	json_t *user = user_of(a, &builtin);
	int rc;

	(void)field_array(&f, "files", FIELD_MUST, SIG_FILES_MAX - 1, &files);
	(void)field_object(&f, "variables", FIELD_MAY, &variables);
	rc = fields_close(&f);
	if (rc == 0)
		rc = check_files(files, reterr);
	if (rc == 0 && user && !arg_true(args, "add")) {
		(void)json_array_clear(json_object_get(user, "files"));
		(void)json_object_set_new(user, "variables", json_object());
	}
	if (rc == 0 && user) {
		put_over(user, files, variables);
		files = json_object_get(user, "files");
		rc = json_array_size(files) < SIG_FILES_MAX
			     ? check_names(files, reterr)
			     : err_set(reterr, E2BIG, "files",
				       "more than %d together",
				       SIG_FILES_MAX - 1);
	}
	if (rc == 0)
		rc = check_rules(user, builtin, arg_true(args, "strict"),
				 result, reterr);
	if (rc == 0) {
		say_loaded(json_object_get(args, "files"), result, what,
			   sizeof what);
		rc = change(a, c, json_incref(user), builtin, what, result,
			    reterr);
	}
	json_decref(user);
	free(builtin);
	return rc;
}

int command_rules_unload(struct agent *a, struct door_client *c,
			 const json_t *args, json_t *result, struct err *reterr)
{
	char *builtin = NULL, what[WORKLOAD_TEXT_MAX];
	json_t *user = user_of(a, &builtin);
	json_t *files = json_object_get(user, "files");
	const char *name = "";
	int rc = arg_text(args, "name", &name, reterr);

	if (rc == 0 && arg_true(args, "all")) {
		(void)json_array_clear(files);
	} else if (rc == 0 &&
		   json_array_remove(files, find_file(files, name)) < 0) {
		rc = err_set(
			reterr, ENOENT, "name",
			strcmp(name, RULES_BUILTIN) == 0
				? "\"%.60s\" is not loaded by hand: rules."
				  "builtin in weir.yaml"
				: "no file \"%.60s\" is loaded; weir rules "
				  "status names all",
			name);
	}
	if (rc == 0) {
		(void)snprintf(what, sizeof what, "rules are unloaded: %.100s",
			       arg_true(args, "all") ? "all" : name);
		rc = change(a, c, json_incref(user), builtin, what, result,
			    reterr);
	}
	json_decref(user);
	free(builtin);
	return rc;
}

int command_rules_loaded(struct agent *a, struct door_client *c,
			 const json_t *args, json_t *result, struct err *reterr)
{
	json_t *whole = json_loads(a->rules->body->text, 0, NULL);

	if (!whole)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	(void)json_object_set(result, "files", json_object_get(whole, "files"));
	(void)json_object_set(result, "variables", a->rules->variables);
	json_decref(whole);
	return 0;
}

/* --- what became of it ---------------------------------------------------------- */

static uint64_t uint_of(const json_t *o, const char *member)
{
	return (uint64_t)json_integer_value(json_object_get(o, member));
}

static const char *error_of(const struct kind_told *k)
{
	const char *text =
		json_string_value(json_object_get(k->answer, "error"));

	return k->err.code ? k->err.text : text ? text : "";
}

static uint64_t wanted_version(const struct agent *a, enum kind kind)
{
	const struct body *b = kind == SIGNATURES ? a->rules->body
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
	if (!a->plane_up || uint_of(k->answer, "version") != wanted)
		return "waiting";
	if (json_is_true(json_object_get(k->answer, "building")))
		return "building";
	return uint_of(k->answer, "in_force") == wanted ? "in force"
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

	(void)json_object_set_new(
		json_object_get(o, "signatures"), "files",
		json_integer((json_int_t)json_array_size(a->rules->files)));
	return o;
}

int command_rules_status(struct agent *a, struct door_client *c,
			 const json_t *args, json_t *result, struct err *reterr)
{
	(void)json_object_set(result, "files", a->rules->files);
	(void)json_object_set(result, "variables", a->rules->variables);
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
	uint64_t bad = uint_of(answer, "refused") + uint_of(answer, "left_out");

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
			(unsigned)uint_of(f, "line"), text ? text : "");
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
	if (uint_of(k->answer, "refused") + uint_of(k->answer, "left_out")) {
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
	char *builtin;
	int rc = store_get_doc(a->store, DOCUMENT, &user, &revision, reterr);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	a->rules = calloc(1, sizeof *a->rules);
	builtin = a->rules ? builtin_text(a) : NULL;
	rc = a->rules ? take(a, user, builtin) : -ENOMEM;
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
	body_put(r->body);
	json_decref(r->files);
	json_decref(r->variables);
	free(r);
	a->rules = NULL;
}
