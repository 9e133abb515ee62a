#include "doctor/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor/checks.h"

const char *doctor_result_name(enum doctor_result r)
{
	static const char *const names[] = { "good", "limited", "missing",
					     "not looked at" };

	_Static_assert(sizeof names / sizeof *names == DOCTOR_RESULT__MAX,
		       "one each");
	return names[r];
}

enum doctor_result doctor_result_of(int rc, enum doctor_result failed)
{
	if (rc >= 0)
		return DOCTOR_GOOD;
	return (rc == -EPERM || rc == -EACCES) && geteuid() != 0
		       ? DOCTOR_NOT_LOOKED
		       : failed;
}

/* A file's or a runtime's words may be no UTF-8: then all else is '?'. */
static json_t *text_json(char *text)
{
	json_t *v = json_string(text);

	if (v)
		return v;
	for (char *c = text; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return json_string(text);
}

void doctor_tell(struct doctor *d, const struct doctor_check *c,
		 const char *fmt, ...)
{
	char found[DOCTOR_FOUND_MAX];
	json_t *o;
	va_list ap;

	va_start(ap, fmt);
	/* cut, if it is too long */
	(void)vsnprintf(found, sizeof found, fmt, ap);
	va_end(ap);
	o = json_pack("{s:s, s:s, s:s, s:o, s:s*, s:s*}", "group", d->group,
		      "name", c->name, "result", doctor_result_name(c->result),
		      "found", text_json(found), "means", c->means, "do",
		      c->todo);
	if (json_array_append_new(d->checks, o) < 0)
		d->failed = true;
	d->counts[c->result]++;
}

/* --- the configuration: what all others go by -------------------------------- */

static int read_config(struct doctor *d, struct err *reterr)
{
	const char *path = d->options->config;
	struct err err = { 0 };
	int rc =
		config_read_if(path, d->options->config_must, &d->config, &err);

	d->group = "configuration";
	d->has_config = rc == 0;
	if (rc == 0) {
		doctor_tell(d, &(struct doctor_check){ "file", DOCTOR_GOOD },
			    "%s is right, or not there", path);
		return 0;
	}
	doctor_tell(d,
		    &(struct doctor_check){
			    "file", doctor_result_of(rc, DOCTOR_MISSING),
			    "weir-agent does not start with it; one that runs "
			    "goes on with what it had",
			    "correct it; weir-agent --check says whether it is "
			    "right" },
		    "%s%s%s", err.at, err.at[0] ? ": " : "", err.text);
	return config_init(&d->config, reterr);
}

int doctor_examine(const struct doctor_options *options, json_t **ret,
		   struct err *reterr)
{
	struct doctor d = { .options = options, .checks = json_array() };
	json_t *counts = json_object();
	int rc = read_config(&d, reterr);

	if (rc < 0)
		goto out;
	doctor_privileges(&d);
	doctor_kernel(&d);
	doctor_layouts(&d);
	doctor_runtimes(&d);
	doctor_cni(&d);
	doctor_host(&d);
	doctor_weir(&d);
	for (int r = 0; r < DOCTOR_RESULT__MAX; r++)
		if (json_object_set_new(counts, doctor_result_name(r),
					json_integer((json_int_t)d.counts[r])) <
		    0)
			d.failed = true;
	*ret = json_pack("{s:b, s:s, s:O, s:O}", "ok",
			 d.counts[DOCTOR_MISSING] == 0, "version", WEIR_VERSION,
			 "counts", counts, "checks", d.checks);
	if (!*ret || d.failed) {
		json_decref(*ret);
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	}
out:
	json_decref(counts);
	json_decref(d.checks);
	json_decref(d.status);
	config_done(&d.config);
	return rc;
}
