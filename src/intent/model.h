/*
 * What an intent is made of; for the files of this folder.
 */
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8

#include <pcre2.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/limits_kubernetes.h"
#include "intent/intent.h"
#include "intent/ranges.h"
#include "wire/sensing.h"

/* What a term asks about; the texts are members of `about`. */
enum intent_key {
	KEY_NAME,
	KEY_IMAGE,
	KEY_NAMESPACE,
	KEY_SERVICE,
	KEY_POD,
	KEY_RUNTIME,
	KEY_NODE,
	KEY_LABEL,
	KEY_NAMESPACE_LABEL, /* of the namespace that it is in */
	KEY_ADDRESS,
	INTENT_KEY__MAX
};

enum intent_op {
	OP_IS,
	OP_IS_NOT,
	OP_PREFIX,
	OP_REGEX,
	OP_IN,
	OP_CONTAINS,
	OP_ABSENT, /* there is no such label; without a value */
	INTENT_OP__MAX
};

struct term {
	uint8_t key, op;
	/* The first of those of its key of which one must be true. */
	bool first;
	uint32_t label; /* index into labels, of both keys of labels */
	char **values;
	uint32_t n_values;
	pcre2_code *regex; /* of OP_REGEX; owned */
};

/* A sensor that groups may use: one of the ready ones, or written. */
struct sensor_known {
	char *name;
	uint32_t id;  /* 0: until intent_finish() */
	uint8_t kind; /* enum sensor_kind */
	bool ready;
	json_t *o; /* as detect/sensor.h prints it; owned */
};

/* What a group has looked for. */
struct group_use {
	uint32_t sensor; /* index into sensors */
	bool block;
};

struct group {
	char *name, *comment; /* comment NULL: none */
	int mode;	      /* enum intent_mode; -1: none */
	int signatures;	      /* enum signatures_mode; -1: by mode */
	struct group_use *uses;
	uint32_t n_uses;
	struct term *terms;
	uint32_t n_terms; /* 0: the service group of that name */
	bool addresses;	  /* all terms speak of addresses */
	/* If so: these without those of != , and names. */
	struct ranges ranges;
	char **names;
	uint32_t n_names;
};

enum ref_kind {
	REF_ANY,
	REF_EXTERNAL,
	REF_WORKLOADS,
	REF_NODE,
	REF_GROUP, /* a written group, or a service group */
	REF_RANGE, /* an address, a network, a range */
	REF_NAME,  /* "fqdn:NAME" */
};

/* A word of from or to; each once in the intent. */
struct ref {
	uint8_t kind;
	char *text;
	int64_t group; /* of REF_GROUP: its index; -1: none is written */
	struct addr_range range;
};

struct port_word {
	uint8_t proto; /* 0: any */
	bool all;      /* ports 0..65535 */
	uint16_t first, last;
	/* By the name that the server gives it; "": it is a number. */
	char name[KUBE_PORT_NAME_MAX];
};

enum rule_side { SIDE_BOTH, SIDE_CLIENT, SIDE_SERVER, RULE_SIDE__MAX };

enum rule_origin {
	ORIGIN_USER,
	ORIGIN_LEARNED,
	ORIGIN_NETWORK_POLICY,
	ORIGIN_KUBERNETES, /* a NetworkPolicy of the cluster, as it stands */
	RULE_ORIGIN__MAX
};

struct rule {
	uint32_t id; /* 0: until intent_finish() */
	uint32_t *from, *to;
	uint32_t *apps;
	struct port_word *ports; /* none: any */
	uint16_t n_from, n_to, n_apps, n_ports;
	json_t *requests; /* as wire/request.h reads them; owned; NULL: any */
	char *comment;
	int64_t expires; /* seconds since 1970; 0: never */
	uint8_t action;	 /* index into rule_actions */
	uint8_t side, origin;
	bool disabled;
};

struct intent {
	unsigned refs;
	struct arena arena;
	int mode; /* default; -1 while it was not said */
	struct group *groups;
	struct rule *rules;
	struct ref *words;
	char **labels;		      /* keys of labels that terms ask for */
	struct sensor_known *sensors; /* the ready ones first */
	json_t *responses;	      /* an array, as written; owned */
	size_t n_groups, n_rules, n_words, n_labels, n_sensors;
	size_t room_groups, room_rules, room_words, room_labels, room_sensors;
	struct hash_table group_table, word_table, id_table;
	pcre2_match_context *regex_limits;
};

/* The words by which both forms write an enum; "" for SIDE_BOTH. */
extern const char *const intent_key_words[INTENT_KEY__MAX];
extern const char *const intent_op_words[INTENT_OP__MAX];
extern const char *const intent_side_words[RULE_SIDE__MAX];
extern const char *const intent_origin_words[RULE_ORIGIN__MAX];
extern const char *const intent_signature_words[SIGNATURES__MAX];
#define RULE_ACTIONS 5
extern const char *const intent_action_words[RULE_ACTIONS];
#define ACTION_ALLOW  0 /* the first of them */
#define ACTION_DENY   1
#define ACTION_REJECT 2
#define ACTION_LEARN  4

/* -1: none of them. */
int intent_word_index(const char *const *words, int n, const char *text);
/* "allow, deny or reject"; returns buf. */
const char *intent_word_list(const char *const *words, int n, char *buf,
			     size_t size);

/* Room for one more in an array of the intent's; NULL: out of memory. */
void *intent_grow(void *array, size_t n, size_t *room, size_t size);

/* The written group of that name; -1: none. */
int64_t intent_find_group(const struct intent *i, const char *name);
/* The word of from or to that is written so; -1: no rule has it. */
int64_t intent_find_word(const struct intent *i, const char *text);
/* 1..INTENT_NAME_MAX-1 letters, digits and "._-", no address. */
bool intent_name_is_valid(const char *name);
bool intent_name_is_reserved(const char *name);
/* cluster.c: of a NetworkPolicy that the cluster has. */
bool intent_name_is_cluster(const char *name);
/* "www.example.com", "*.example.com"; nothing that looks like an address. */
bool intent_host_is_valid(const char *name);

/*
 * Appends what an object says ({default_mode, groups, rules}); and, after the
 * last, numbers the rules and puts them in order.
 */
int intent_append(struct intent *i, const json_t *o, struct err *reterr);
int intent_finish(struct intent *i, struct err *reterr);
/* parse_group.c */
int intent_append_group(struct intent *i, const json_t *o, struct err *reterr);

/* sensors.c: the ready ones, before anything is appended. -ENOMEM */
int intent_add_ready_sensors(struct intent *i);
/*
 * What an object says in "sensors", before the groups that use them. Other
 * members are not looked at.
 */
int intent_append_sensors(struct intent *i, const json_t *o,
			  struct err *reterr);
/* After the last: those without an id get one, by their name. */
void intent_number_sensors(struct intent *i);
/* A group's dlp, waf and signatures. */
struct fields;
void intent_parse_uses(struct intent *i, struct fields *f, struct group *g);
/* Adds them as they were; false: out of memory. */
bool intent_add_uses(const struct intent *i, const struct group *g, json_t *o);
/* The written ones as an array; NULL: out of memory. */
json_t *intent_written_sensors(const struct intent *i);

/* responses.c: checks one, and appends it; and, after the last, numbers them. */
int intent_append_response(struct intent *i, const json_t *v,
			   struct err *reterr);
int intent_number_responses(struct intent *i, struct err *reterr);

/* Expired or disabled? */
bool rule_is_active(const struct rule *r, uint64_t now);
/* Does it deny or reject? */
bool rule_denies(const struct rule *r);

/* Is it about a label, the workload's or its namespace's? */
static inline bool key_is_label(uint8_t key)
{
	return key == KEY_LABEL || key == KEY_NAMESPACE_LABEL;
}

/* What is known of a workload, taken apart for many terms. */
struct subject {
	const char *texts[KEY_LABEL];
	/* n_labels of the intent each; owned by the first */
	const char **labels, **namespace_labels;
	char service[INTENT_NAME_MAX];
};

/* Is it one of those that must all be true, !=  and absent? */
static inline bool op_is_negative(uint8_t op)
{
	return op == OP_IS_NOT || op == OP_ABSENT;
}

/* false: out of memory. To be ended by subject_done() either way. */
bool subject_init(struct subject *s, const struct intent *i,
		  const json_t *about);
void subject_done(struct subject *s);
/* Is it in that group? By what it is, or its addresses. */
bool group_has(const struct intent *i, const struct group *g,
	       const struct subject *s, const struct intent_workload *w);
