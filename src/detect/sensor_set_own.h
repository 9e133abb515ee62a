/* A set from within; for sensor*.c only. */
#pragma once

#include <hs/hs.h>

#include "base/arena.h"
#include "detect/secret_seek.h"
#include "detect/sensor_set.h"

/* Where bytes are looked at: each has a database of its own. */
enum sensor_place {
	SENSOR_PLACE_URL,
	SENSOR_PLACE_HEADER,
	SENSOR_PLACE_BODY,
	SENSOR_PLACE_SQL,
	SENSOR_PLACE_SENT, /* what a side sends, whoever reads it */
	SENSOR_PLACE__MAX
};

/* An expression. Those of kinds of secrets are there once. */
struct sensor_expr {
	void *code;
	const struct secret_kind *secret; /* NULL: somebody's own */
	const char *text, *flags;
	uint32_t width; /* of the longest match; UINT_MAX: no limit */
	uint32_t hs_flags;
	bool sought;	/* its kind is looked for by its lead */
	bool filtered;	/* it is in the databases; else tried always */
	uint8_t places; /* bits: where any pattern wants it */
	uint32_t uses_at, n_uses; /* patterns, in sensor_set.uses */
};

/* A pattern of a sensor; numbered through the whole set. */
struct sensor_rule {
	const struct sensor *sensor;
	const struct sensor_pattern *pattern;
	uint32_t first; /* of the sensor's rules */
	uint8_t places; /* bits, where a parser tells or nobody does */
};

struct sensor_set {
	struct sensor_list *list;
	struct arena arena;
	struct sensor_expr *exprs;
	uint32_t n_exprs;
	struct sensor_rule *rules; /* by sensor */
	uint32_t n_rules;
	uint32_t
		*rules_at; /* of the list's i-th sensor; UINT32_MAX: left out */
	uint32_t *uses;	   /* rules, by expression */
	uint32_t *unfiltered;
	uint32_t n_unfiltered;
	struct secret_seek seek;
	uint32_t sought[SECRETS_SOUGHT_MAX];   /* expressions, as in seek */
	uint16_t sought_at[SENSOR_PLACE__MAX]; /* bits of seek */
	bool has_negated;		       /* any pattern is */
	hs_database_t *dbs[SENSOR_PLACE__MAX]; /* NULL: nothing to look for */
	hs_scratch_t *scratch;		       /* to be cloned */
	struct sensor_set_size size;
	uint64_t fingerprint;
};

/* The number of its sensor in the list; -1: none. */
int64_t sensor_set_index(const struct sensor_set *s, uint32_t id);
/*
 * Does a pattern look there? all_sent: no parser tells what the side sends.
 */
bool sensor_rule_looks(const struct sensor_rule *r, enum sensor_place place,
		       bool all_sent);
