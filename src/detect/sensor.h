/*
 * Sensors, as a person or NeuVector's controller writes them: what is not to
 * leave (DLP), or not to come in (WAF).
 *
 *   [{"id": 20001, "name": "customers", "kind": "dlp", "patterns": [
 *      {"secret": ["card_number", "iban"], "where": "body", "count": 3},
 *      {"regex": "customer", "flags": "i"},
 *      {"regex": "^/internal/", "where": "url", "not": true}]}]
 *
 * All patterns have to match in one request or answer, or in what one side of a
 * connection says where no request is told of; one that is negated must match
 * nowhere in it. What is looked at is decoded before (detect/sensor_scan.h).
 *
 * `count` different matches are asked for (default 1): three copies of one card
 * number are one.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "detect/secret.h"
#include "wire/ctrl.h"

enum sensor_kind { SENSOR_DLP, SENSOR_WAF };

/* X(NAME, "name") */
#define SENSOR_WHERES(X)    \
	X(ANY, "any")       \
	X(URL, "url")       \
	X(HEADER, "header") \
	X(BODY, "body")     \
	X(SQL, "sql")       \
	X(PACKET, "packet")

/*
 * ANY: the others but PACKET, and what is sent where no parser tells of them.
 * PACKET: what is sent, as it is, whoever reads it.
 */
enum sensor_where {
#define X(name, text) SENSOR_##name,
	SENSOR_WHERES(X)
#undef X
		SENSOR_WHERE__MAX
};

struct sensor_pattern {
	/* One or more kinds, any of which will do; or an expression. */
	const struct secret_kind *secrets[SENSOR_SECRETS_MAX];
	uint8_t n_secrets;
	const char *regex; /* PCRE2; NULL: secrets */
	const char *flags; /* of "imsxAEG", each once */
	uint8_t where;	   /* enum sensor_where */
	uint8_t count;	   /* 1..SENSOR_COUNT_MAX */
	bool negated;
	/*
	 * URL, HEADER, BODY: where no parser tells of them, all that is sent
	 * is meant (NeuVector).
	 */
	bool or_sent;
};

struct sensor {
	uint32_t id; /* DLP_ID_MIN..DLP_ID_MAX; WAF from DLP_ID_WAF on */
	const char *name;
	const struct sensor_pattern *patterns;
	uint8_t n_patterns; /* 1.. */
	uint8_t kind;	    /* enum sensor_kind */
};

/* Owns all that its sensors point to. Sorted by id, each id once. */
struct sensor_list;

/* "body"; static storage. */
const char *sensor_where_name(enum sensor_where w);

/*
 * v: an array. 0; or -EINVAL, -E2BIG, -ENOMEM with *reterr, whose `at` is a path
 * in it ("[1].patterns[0].regex"), and *ret untouched. Expressions are not
 * compiled here.
 */
int sensor_list_parse(const json_t *v, struct sensor_list **ret,
		      struct err *reterr);
/* As it can be read back, a new reference; NULL: out of memory. */
json_t *sensor_list_json(const struct sensor_list *l);
/*
 * The ready ones: cards, bank_accounts, national_ids, keys. (No WAF ones: those
 * are signatures.) NULL: out of memory.
 */
struct sensor_list *sensor_list_ready(void);
/*
 * NeuVector's rules of ctrl_bld_dlp (reference 2.5, 6.3): 0, or -EINVAL, -E2BIG,
 * -ENOMEM with *reterr and *ret untouched.
 */
int sensor_list_of_dlp(const struct dlp_rule *rules, size_t n,
		       struct sensor_list **ret, struct err *reterr);
/*
 * Puts those of `more` into `to` whose ids are not there; takes `more`, also where
 * it fails: -E2BIG, -ENOMEM with *reterr. Once.
 */
int sensor_list_join(struct sensor_list *to, struct sensor_list *more,
		     struct err *reterr);
/* NULL is accepted. */
void sensor_list_free(struct sensor_list *l);

size_t sensor_list_len(const struct sensor_list *l);
const struct sensor *sensor_list_at(const struct sensor_list *l, size_t i);
