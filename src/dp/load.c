#include "dp/load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "base/log.h"
#include "wire/ctrl.h"

char *load_read(const char *path, size_t *ret_len)
{
	FILE *f;
	char *text;
	size_t n;

	if (!path)
		return NULL;
	f = fopen(path, "rbe");
	if (!f)
		die("%s: %s", path, strerror(errno));
	text = malloc(OWN_MEMFD_MAX);
	if (!text)
		die("out of memory");
	n = fread(text, 1, OWN_MEMFD_MAX, f);
	if (ferror(f) || n == OWN_MEMFD_MAX)
		die("%s: %s", path, ferror(f) ? "cannot be read" : "too long");
	fclose(f);
	*ret_len = n;
	return text;
}

json_t *load_parse(const char *path, char *text, size_t len)
{
	struct err err;
	json_t *load;

	if (!text)
		return NULL;
	load = ctrl_load(text, len, &err);
	free(text);
	if (!load)
		die("%s: %s", path, err.text);
	if (!json_is_array(load))
		die("%s: expected an array of messages", path);
	return load;
}

json_t *load_threat(json_t *load, uint32_t id)
{
	char name[sizeof "4294967295"];
	json_t *m;

	(void)snprintf(name, sizeof name, "%" PRIu32, id);
	m = json_pack("{s:{s:{s:{s:b}}}}", "weir_settings", "threats", name,
		      "enabled", 1);
	if (!load)
		load = json_array();
	if (json_array_insert_new(load, 0, m) < 0)
		die("out of memory");
	return load;
}

int load_each(const json_t *load, load_fn *fn, void *arg)
{
	for (size_t i = 0; i < json_array_size(load); i++) {
		json_t *o = json_array_get(load, i);
		void *at = json_object_iter(o);
		struct err err = { 0 };
		int rc;

		if (at)
			rc = fn(arg, json_object_iter_key(at),
				json_object_iter_value(at), &err);
		else
			rc = err_set(&err, EINVAL, NULL,
				     "expected {\"NAME\": {...}}");
		if (rc == 0)
			continue;
		log_error("--load: message %zu refused: %s%s%s code=%s", i,
			  err.at, err.at[0] ? ": " : "", err.text,
			  err_code_name(err.code));
		return rc;
	}
	return 0;
}
