/*
 * The YAML stream: documents of ours and of Kubernetes', in any order.
 * NetworkPolicies become groups and rules (netpol.c) behind all of ours.
 */
#include <errno.h>
#include <string.h>

#include "intent/model.h"
#include "intent/netpol.h"
#include "intent/words.h"
#include "wire/field.h"
#include "yaml/yaml.h"

/* Ours have a kind, or none, as what only a person reads. */
static bool is_network_policy(const json_t *v)
{
	const char *kind = json_string_value(json_object_get(v, "kind"));

	return kind && strcmp(kind, "NetworkPolicy") == 0;
}

/* In this order, whatever the documents' is: groups speak of sensors. */
static const struct {
	bool kubernetes;
	int (*append)(struct intent *i, const json_t *o, struct err *reterr);
} turns[] = {
	{ false, intent_append_sensors },
	{ false, intent_append },
	{ true, netpol_append },
};

static int append_all(struct intent *i, const struct yaml_text *y,
		      struct err *reterr)
{
	int rc = 0;

	for (size_t k = 0; k < sizeof turns / sizeof *turns && rc == 0; k++)
		for (size_t n = 0; n < yaml_text_count(y) && rc == 0; n++) {
			const json_t *v = yaml_text_value(y, n);

			if (json_is_null(v) ||
			    is_network_policy(v) != turns[k].kubernetes)
				continue;
			rc = turns[k].append(i, v, reterr);
			if (rc)
				yaml_text_locate(y, n, reterr);
		}
	return rc;
}

int intent_from_yaml(const char *text, size_t len, const char *file,
		     struct intent **ret, struct err *reterr)
{
	struct yaml_text *y = NULL;
	struct intent *i = NULL;
	struct err err = { 0 };
	int rc = yaml_text_read(text, len, file, &y, &err);

	if (rc == 0) {
		i = intent_new();
		rc = i ? append_all(i, y, &err)
		       : err_set(&err, ENOMEM, file, "out of memory");
	}
	if (rc == 0)
		rc = intent_finish(i, &err);
	yaml_text_free(y);
	if (rc == 0) {
		*ret = i;
		return 0;
	}
	intent_put(i);
	if (reterr)
		*reterr = err;
	return rc;
}
