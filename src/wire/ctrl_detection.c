/*
 * Texts of rules are copied out of the message: another thread reads them, long
 * after the message is gone.
 */
#include "wire/ctrl_detection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "wire/field.h"

static const char *const mode_names[] = { "off", "alert", "enforce" };
_Static_assert(sizeof mode_names / sizeof *mode_names == SIGNATURES__MAX,
	       "one each");

const char *signatures_mode_name(enum signatures_mode m)
{
	return mode_names[m];
}

void rules_message_done(struct rules_message *r)
{
	for (size_t i = 0; r->files && i < r->n_files; i++) {
		free(r->files[i].name);
		free(r->files[i].text);
	}
	for (size_t i = 0; r->variables && i < r->n_variables; i++) {
		free(r->variables[i].name);
		free(r->variables[i].value);
	}
	free(r->files);
	free(r->variables);
	*r = (struct rules_message){ 0 };
}

static bool copy_texts(const struct rules_message *r, struct rules_message *to)
{
	bool ok = true;

	for (; ok && to->n_files < r->n_files; to->n_files++) {
		struct rules_text *t = &to->files[to->n_files];

		t->name = strdup(r->files[to->n_files].name);
		t->text = strdup(r->files[to->n_files].text);
		ok = t->name && t->text;
	}
	for (; ok && to->n_variables < r->n_variables; to->n_variables++) {
		struct rules_variable *v = &to->variables[to->n_variables];

		v->name = strdup(r->variables[to->n_variables].name);
		v->value = strdup(r->variables[to->n_variables].value);
		ok = v->name && v->value;
	}
	return ok;
}

bool rules_message_copy(const struct rules_message *r, struct rules_message *to)
{
	*to = (struct rules_message){ .ask = r->ask,
				      .force = r->force,
				      .version = r->version };
	to->files = calloc(r->n_files + 1, sizeof *to->files);
	to->variables = calloc(r->n_variables + 1, sizeof *to->variables);
	if (to->files && to->variables && copy_texts(r, to))
		return true;
	rules_message_done(to);
	return false;
}

void detection_message_done(struct detection_message *d)
{
	for (size_t i = 0; i < d->n_workloads; i++) {
		free(d->workloads[i].macs);
		free(d->workloads[i].uses);
	}
	free(d->workloads);
	json_decref(d->sensors);
	*d = (struct detection_message){ 0 };
}

static int prefix_element(struct err *err, const char *name, size_t i, int rc)
{
	char at[ERR_AT_MAX];

	(void)snprintf(at, sizeof at, "%s[%zu]", name, i);
	err_prefix(err, at);
	return rc;
}

static int no_memory(struct err *reterr, const char *at)
{
	return err_set(reterr, ENOMEM, at, "out of memory");
}

static void parse_version(struct fields *f, uint64_t *version, bool *force)
{
	if (field_u64(f, "version", FIELD_MUST, version) &&
	    (*version < 1 || *version > POLICY_VERSION_MAX))
		fields_refuse(f, "version", "expected 1..%llu",
			      (unsigned long long)POLICY_VERSION_MAX);
	(void)field_bool(f, "force", FIELD_MAY, force);
}

static int parse_file(const json_t *v, struct rules_text *ret,
		      struct err *reterr)
{
	struct fields f = fields_open(v, true, reterr);
	const char *name = "", *text = "";

	(void)field_str(&f, "name", FIELD_MUST, SIG_FILE_NAME_MAX, &name);
	(void)field_str(&f, "text", FIELD_MUST, SIG_FILE_BYTES_MAX, &text);
	if (fields_close(&f) < 0)
		return f.rc;
	ret->name = strdup(name);
	ret->text = strdup(text);
	return ret->name && ret->text ? 0 : no_memory(reterr, NULL);
}

static int parse_files(const json_t *files, struct rules_message *r,
		       struct err *reterr)
{
	size_t n = json_array_size(files);
	int rc = 0;

	r->files = calloc(n + 1, sizeof *r->files);
	if (!r->files)
		return no_memory(reterr, "files");
	for (size_t i = 0; i < n && rc == 0; i++) {
		r->n_files++;
		rc = parse_file(json_array_get(files, i), &r->files[i], reterr);
		if (rc < 0)
			rc = prefix_element(reterr, "files", i, rc);
	}
	return rc;
}

static int parse_variables(const json_t *object, struct rules_message *r,
			   struct err *reterr)
{
	json_t *all = (json_t *)object, *value;
	const char *name;

	if (json_object_size(object) > SIG_VARIABLE_NAMES_MAX)
		return err_set(reterr, E2BIG, "variables", "more than %d",
			       SIG_VARIABLE_NAMES_MAX);
	r->variables =
		calloc(json_object_size(object) + 1, sizeof *r->variables);
	if (!r->variables)
		return no_memory(reterr, "variables");
	json_object_foreach (all, name, value) {
		struct rules_variable *v = &r->variables[r->n_variables];

		if (!json_is_string(value))
			return err_set(reterr, EINVAL, "variables",
				       "%.40s: expected a string, got %s", name,
				       json_type_name(value));
		r->n_variables++;
		v->name = strdup(name);
		v->value = strdup(json_string_value(value));
		if (!v->name || !v->value)
			return no_memory(reterr, "variables");
	}
	return 0;
}

int ctrl_parse_rules(const json_t *body, bool strict, struct ctrl_msg *m,
		     struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);
	const json_t *files = NULL, *variables = NULL;
	struct rules_message *r = &m->rules;
	int rc;

	r->ask = !field_array(&f, "files", FIELD_MAY, SIG_FILES_MAX, &files);
	if (!r->ask) {
		parse_version(&f, &r->version, &r->force);
		(void)field_object(&f, "variables", FIELD_MAY, &variables);
	}
	rc = fields_close(&f);
	if (rc == 0 && files)
		rc = parse_files(files, r, reterr);
	if (rc == 0 && variables)
		rc = parse_variables(variables, r, reterr);
	return rc;
}

static int parse_use(const json_t *v, struct sensor_use *ret,
		     struct err *reterr)
{
	struct fields f = fields_open(v, true, reterr);
	const char *action = "alert";

	(void)field_u32(&f, "id", FIELD_MUST, DLP_ID_MIN, DLP_ID_MAX, &ret->id);
	ret->action = SENSOR_ALERT;
	if (field_str(&f, "action", FIELD_MAY, 16, &action)) {
		if (strcmp(action, "block") == 0)
			ret->action = SENSOR_BLOCK;
		else if (strcmp(action, "alert") != 0)
			fields_refuse(&f, "action",
				      "expected \"alert\" or \"block\", got "
				      "\"%s\"",
				      action);
	}
	return fields_close(&f);
}

static int parse_uses(const json_t *list, struct workload_sensing *w,
		      struct err *reterr)
{
	size_t n = json_array_size(list);
	int rc = 0;

	w->uses = calloc(n + 1, sizeof *w->uses);
	if (!w->uses)
		return no_memory(reterr, "sensors");
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = parse_use(json_array_get(list, i), &w->uses[w->n_uses++],
			       reterr);
		if (rc < 0)
			rc = prefix_element(reterr, "sensors", i, rc);
	}
	return rc;
}

static int parse_workload(const json_t *v, struct workload_sensing *ret,
			  struct err *reterr)
{
	struct fields f = fields_open(v, true, reterr);
	const json_t *uses = NULL;
	const char *mode = "enforce";
	unsigned i = 0;
	int rc;

	(void)field_macs(&f, "macs", FIELD_MUST, ENDPOINTS_MAX, &ret->macs,
			 &ret->n_macs);
	(void)field_array(&f, "sensors", FIELD_MAY, SENSORS_MAX, &uses);
	(void)field_str(&f, "signatures", FIELD_MAY, 16, &mode);
	while (i < SIGNATURES__MAX && strcmp(mode_names[i], mode) != 0)
		i++;
	if (i == SIGNATURES__MAX)
		fields_refuse(&f, "signatures",
			      "expected \"off\", \"alert\" or \"enforce\", got "
			      "\"%s\"",
			      mode);
	ret->signatures = (uint8_t)i;
	rc = fields_close(&f);
	return rc == 0 && uses ? parse_uses(uses, ret, reterr) : rc;
}

static int parse_workloads(const json_t *list, struct detection_message *d,
			   struct err *reterr)
{
	size_t n = json_array_size(list);
	int rc = 0;

	d->workloads = calloc(n + 1, sizeof *d->workloads);
	if (!d->workloads)
		return no_memory(reterr, "workloads");
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = parse_workload(json_array_get(list, i),
				    &d->workloads[d->n_workloads++], reterr);
		if (rc < 0)
			rc = prefix_element(reterr, "workloads", i, rc);
	}
	return rc;
}

int ctrl_parse_detection(const json_t *body, bool strict, struct ctrl_msg *m,
			 struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);
	const json_t *sensors = NULL, *workloads = NULL;
	struct detection_message *d = &m->detection;
	int rc;

	(void)field_array(&f, "sensors", FIELD_MAY, SENSORS_MAX, &sensors);
	(void)field_array(&f, "workloads", FIELD_MAY, ENDPOINTS_MAX,
			  &workloads);
	d->ask = !sensors && !workloads;
	if (!d->ask) {
		parse_version(&f, &d->version, &d->force);
		if (!sensors || !workloads)
			fields_refuse(&f, sensors ? "workloads" : "sensors",
				      "missing: both are replaced");
	}
	rc = fields_close(&f);
	if (rc < 0 || d->ask)
		return rc;
	d->sensors = json_incref((json_t *)sensors);
	return parse_workloads(workloads, d, reterr);
}
