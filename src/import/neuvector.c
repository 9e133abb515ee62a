/*
 * NeuVector's resources. Groups are read first wherever they are defined, since rules
 * name groups that another resource defines; then each resource's rules, in the
 * order of the files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/nv.h"

void nv_push(struct nv *nv, json_t *list, json_t *v)
{
	if (json_array_append_new(list, v) < 0)
		nv->failed = true;
}

const char *nv_text(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

void nv_only(struct nv *nv, const struct import_object *o, const char *field,
	     const json_t *v, const char *const *known)
{
	const char *key;
	json_t *member;
	char at[ERR_AT_MAX];

	json_object_foreach ((json_t *)(uintptr_t)v, key, member) {
		size_t n = 0;

		while (known[n] && strcmp(known[n], key) != 0)
			n++;
		if (known[n] || json_is_null(member))
			continue;
		(void)snprintf(at, sizeof at, "%.100s%s%.50s", field,
			       field[0] ? "." : "", key);
		import_tell(&nv->report, IMPORT_LOST, o, at,
			    "a member that is not known");
	}
}

bool nv_is_accepted(const char *member, const json_t *v, struct err *reterr)
{
	json_t *o = json_pack("{s:[O]}", member, v);
	struct intent *i = NULL;
	int rc = o ? intent_from_json(o, &i, reterr)
		   : err_set(reterr, ENOMEM, NULL, "out of memory");

	intent_put(i);
	json_decref(o);
	return rc == 0;
}

/* --- kinds ------------------------------------------------------------------ */

static const json_t *spec_of(const struct import_object *o)
{
	return json_object_get(o->value, "spec");
}

static void read_definition(struct nv *nv, const struct import_object *o)
{
	static const char *const known[] = { "selector", NULL };
	const json_t *selector = json_object_get(spec_of(o), "selector");

	nv_only(nv, o, "spec", spec_of(o), known);
	(void)nv_group_of(nv, o, "spec.selector", selector);
}

static void read_dlp(struct nv *nv, const struct import_object *o)
{
	nv_sensor_read(nv, o, false);
}

static void read_waf(struct nv *nv, const struct import_object *o)
{
	nv_sensor_read(nv, o, true);
}

static const struct {
	const char *kind;
	/* In turns: definitions; targets and sensors; rules. */
	int turn;
	void (*read)(struct nv *nv, const struct import_object *o);
	const char *lost; /* why; where it has no `read` */
} kinds[] = {
	{ "NvGroupDefinition", 0, read_definition, NULL },
	{ "NvDlpSecurityRule", 1, read_dlp, NULL },
	{ "NvWafSecurityRule", 1, read_waf, NULL },
	{ "NvSecurityRule", 1, nv_target_read, NULL },
	{ "NvClusterSecurityRule", 1, nv_target_read, NULL },
	{ "NvSecurityRule", 2, nv_rules_read, NULL },
	{ "NvClusterSecurityRule", 2, nv_rules_read, NULL },
	{ "NvAdmissionControlSecurityRule", 2, NULL,
	  "Weir does not decide what may be started" },
	{ "NvResponseRuleSecurityRule", 2, NULL,
	  "write it as a response (weir response add)" },
	{ "NvVulnerabilityProfile", 2, NULL,
	  "Weir does not look for vulnerabilities" },
	{ "NvComplianceProfile", 2, NULL, "Weir does not check compliance" },
	{ "NetworkPolicy", 2, NULL, "weir import networkpolicy reads these" },
};
#define TURNS 3

static void read_object(struct nv *nv, const struct import_object *o, int turn)
{
	bool known = false;

	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		if (strcmp(kinds[k].kind, o->kind) != 0)
			continue;
		known = true;
		if (turn == kinds[k].turn && kinds[k].read)
			kinds[k].read(nv, o);
		else if (turn == kinds[k].turn)
			import_tell(&nv->report, IMPORT_LOST, o, "", "%s",
				    kinds[k].lost);
	}
	if (!known && turn == TURNS - 1)
		import_tell(&nv->report, IMPORT_LOST, o, "kind",
			    "it is no policy of NeuVector's");
}

/* --- all --------------------------------------------------------------------- */

static void done(struct nv *nv)
{
	nv_groups_done(nv);
	for (size_t n = 0; n < nv->n_named; n++) {
		free(nv->named[n].name);
		json_decref(nv->named[n].sensors);
	}
	free(nv->named);
	json_decref(nv->out_groups);
	json_decref(nv->out_sensors);
	json_decref(nv->out_rules);
	json_decref(nv->order);
	json_decref(nv->report.list);
	import_objects_done(&nv->objects);
}

static int result_of(struct nv *nv, struct import_result *ret,
		     struct err *reterr)
{
	json_t *all = json_pack("{s:O, s:O, s:O}", "groups", nv->out_groups,
				"sensors", nv->out_sensors, "rules",
				nv->out_rules);
	struct intent *i = NULL;
	int rc;

	if (!all || nv->failed || nv->report.failed) {
		json_decref(all);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	rc = intent_from_json(all, &i, reterr);
	json_decref(all);
	if (rc < 0)
		return rc;
	*ret = (struct import_result){ .intent = i, .report = nv->report.list };
	memcpy(ret->counts, nv->report.counts, sizeof ret->counts);
	nv->report.list = NULL;
	return 0;
}

int import_neuvector(const struct import_file *files, size_t n,
		     const struct import_options *options,
		     struct import_result *ret, struct err *reterr)
{
	struct nv nv = {
		.options = options,
		.report.list = json_array(),
		.out_groups = json_array(),
		.out_sensors = json_array(),
		.out_rules = json_array(),
		.order = json_array(),
	};
	int rc = import_objects_read(files, n, &nv.objects, reterr);

	for (int turn = 0; turn < TURNS && rc == 0; turn++)
		for (size_t k = 0; k < nv.objects.n; k++)
			read_object(&nv, &nv.objects.at[k], turn);
	if (rc == 0) {
		nv_rules_finish(&nv);
		nv_groups_finish(&nv);
		rc = result_of(&nv, ret, reterr);
	}
	done(&nv);
	return rc;
}
