/*
 * How NeuVector's resources are read; for the files nv_*.c and neuvector.c.
 *
 * A group of NeuVector's becomes words, as rules of ours name who they are about:
 * most are one written group, a learned one (nv.SERVICE.NAMESPACE) is the service
 * group that is always there. One that cannot be said has none, and with it each
 * rule that speaks of it is lost.
 */
#pragma once

#include "base/text.h"
#include "import/objects.h"

enum nv_mode { NV_DISCOVER, NV_MONITOR, NV_PROTECT, NV_MODE_NONE };

struct nv_group {
	char *name; /* NeuVector's; owned */
	/* Where it is defined. */
	const struct import_object *object;
	char field[48];
	const json_t *criteria; /* borrowed; NULL: none were said */
	json_t *words;		/* owned; empty: it is lost */
	bool workloads; /* it is about workloads, not addresses or hosts */
	enum nv_mode mode;
};

/* A sensor of NeuVector's: any of its rules will do, so it is several of ours. */
struct nv_sensor {
	char *name;	 /* owned */
	json_t *sensors; /* names of ours; owned */
};

struct nv {
	const struct import_options *options;
	struct import_objects objects;
	struct import_report report;
	struct nv_group **groups; /* owned, and so are they */
	size_t n_groups;
	struct nv_sensor *named; /* owned */
	size_t n_named;
	json_t *out_groups, *out_sensors, *out_rules; /* owned */
	json_t *order; /* of each of out_rules: its priority */
	bool failed;   /* out of memory */
};

/* Takes v. */
void nv_push(struct nv *nv, json_t *list, json_t *v);
/* "" where it is not there or no text. */
const char *nv_text(const json_t *o, const char *name);
/* Tells members of o that are none of these (ends with NULL). */
void nv_only(struct nv *nv, const struct import_object *o, const char *field,
	     const json_t *v, const char *const *known);
/* Would our own parser take it, in a policy with nothing but that? */
bool nv_is_accepted(const char *member, const json_t *v, struct err *reterr);

/* nv_match.c: terms for `where`; NULL: told, and lost. */
json_t *nv_where(struct nv *nv, const struct import_object *o,
		 const char *field, const json_t *criteria);
/* "*" or "?" of a NeuVector value. */
bool nv_has_wildcard(const char *value);

/*
 * nv_group.c: the group that a selector names, read when it is met first. NULL: out of
 * memory, or no name is said, which was told.
 */
struct nv_group *nv_group_of(struct nv *nv, const struct import_object *o,
			     const char *field, const json_t *selector);
/* After all were met: groups to be written, with modes. */
void nv_groups_finish(struct nv *nv);
/* The group of that name uses a sensor, in its list `key`. Takes v. */
void nv_group_use(struct nv *nv, const char *word, const char *key, json_t *v);
enum nv_mode nv_mode_parse(const char *text);

void nv_groups_done(struct nv *nv);

/* nv_rule.c: whose rules they are, with its mode; then the rules. */
void nv_target_read(struct nv *nv, const struct import_object *o);
void nv_rules_read(struct nv *nv, const struct import_object *o);
/* After the last: in the order in which they count, and those for modes. */
void nv_rules_finish(struct nv *nv);

/* nv_sensor.c */
void nv_sensor_read(struct nv *nv, const struct import_object *o, bool waf);
void nv_sensors_use(struct nv *nv, const struct import_object *o,
		    const struct nv_group *target, bool waf);
