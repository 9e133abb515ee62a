/*
 * A change of the rules that are loaded, in order: the body that was read back,
 * what is asked for put over it, all of it checked as a data plane reads it, and
 * made to text again, for the store and for the data plane.
 */
#include "agent/rules_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "detect/sig_parse.h"
#include "wire/field.h"

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

	variables = variables ? json_incref(variables) : json_object();
	if (builtin)
		(void)json_array_append_new(
			files, file_json(RULES_BUILTIN, json_string(builtin)));
	/* nothing to extend by where there is no document */
	(void)json_array_extend(files, json_object_get(user, "files"));
	return json_pack("{s:o, s:o}", "variables", variables, "files", files);
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

int rules_make(const json_t *user, const char *builtin, struct rules_made *ret)
{
	json_t *whole = whole_of(user, builtin), *variables;

	*ret = (struct rules_made){
		.body = whole ? body_new(json_dumps(whole, JSON_COMPACT))
			      : NULL,
	};
	if (!ret->body) {
		json_decref(whole);
		return -ENOMEM;
	}
	variables = json_object_get(whole, "variables");
	ret->files = sizes_of(json_object_get(whole, "files"));
	ret->variables = json_incref(variables);
	json_decref(whole);
	return 0;
}

void rules_made_done(struct rules_made *m)
{
	body_put(m->body);
	json_decref(m->files);
	json_decref(m->variables);
	*m = (struct rules_made){ .body = NULL };
}

static bool is_builtin(const json_t *file)
{
	const char *name = json_string_value(json_object_get(file, "name"));

	return name && strcmp(name, RULES_BUILTIN) == 0;
}

json_t *rules_user_of(const struct body *body, char **ret_builtin)
{
	json_t *whole = json_loads(body->text, 0, NULL);
	json_t *files = json_object_get(whole, "files"), *user;

	*ret_builtin = NULL;
	if (!whole)
		return NULL;
	if (is_builtin(json_array_get(files, 0))) {
		*ret_builtin = strdup(json_string_value(
			json_object_get(json_array_get(files, 0), "text")));
		(void)json_array_remove(files, 0);
	}
	user = json_pack("{s:O, s:O}", "variables",
			 json_object_get(whole, "variables"), "files", files);
	json_decref(whole);
	return user;
}

/* --- what is asked for ------------------------------------------------------------ */

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

static int put_in(struct rules_load *l, json_t *user)
{
	int rc = check_files(l->files, &l->err);

	if (rc < 0)
		return rc;
	if (!l->add) {
		(void)json_array_clear(json_object_get(user, "files"));
		(void)json_object_set_new(user, "variables", json_object());
	}
	put_over(user, l->files, l->variables);
	if (json_array_size(json_object_get(user, "files")) < SIG_FILES_MAX)
		return check_names(json_object_get(user, "files"), &l->err);
	return err_set(&l->err, E2BIG, "files", "more than %d together",
		       SIG_FILES_MAX - 1);
}

static int take_out(struct rules_load *l, json_t *user)
{
	json_t *files = json_object_get(user, "files");

	if (!l->unload) {
		(void)json_array_clear(files);
		return 0;
	}
	if (json_array_remove(files, find_file(files, l->unload)) == 0)
		return 0;
	return err_set(&l->err, ENOENT, "name",
		       strcmp(l->unload, RULES_BUILTIN) == 0
			       ? "\"%.60s\" is not loaded by hand: rules."
				 "builtin in weir.yaml"
			       : "no file \"%.60s\" is loaded; weir rules "
				 "status names all",
		       l->unload);
}

static int change(struct rules_load *l, json_t *user, const char *builtin)
{
	int rc = l->files ? put_in(l, user) : take_out(l, user);

	if (rc == 0 && l->files) {
		rc = check_rules(user, builtin, l->strict, l->answer, &l->err);
		if (rc == 0)
			say_loaded(l->files, l->answer, l->what,
				   sizeof l->what);
	} else if (rc == 0) {
		(void)snprintf(l->what, sizeof l->what,
			       "rules are unloaded: %.100s",
			       l->unload ? l->unload : "all");
	}
	if (rc < 0)
		return rc;
	l->document = json_dumps(user, JSON_COMPACT);
	if (l->document && rules_make(user, builtin, &l->made) == 0)
		return 0;
	return err_set(&l->err, ENOMEM, NULL, "out of memory");
}

void rules_load_work(struct rules_load *l)
{
	char *builtin = NULL;
	json_t *user = rules_user_of(l->before, &builtin);

	l->answer = json_object();
	if (user && l->answer)
		(void)change(l, user, builtin); /* l->err has it */
	else
		(void)err_set(&l->err, ENOMEM, NULL, "out of memory");
	json_decref(user);
	free(builtin);
}

void rules_load_done(struct rules_load *l)
{
	body_put(l->before);
	json_decref(l->files);
	json_decref(l->variables);
	free(l->unload);
	json_decref(l->answer);
	free(l->document);
	rules_made_done(&l->made);
}
