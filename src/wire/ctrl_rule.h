/*
 * Rules as we write them, and what belongs to them; for ctrl.c, ctrl_policy.c
 * and whoever prints them again.
 *
 *   {"id": 7, "from": ["10.0.0.0/8", "set:web"], "to": ["any"],
 *    "ports": ["443", "8000-8100"], "proto": "tcp", "apps": ["http", 1002],
 *    "action": "allow", "ingress": false,
 *    "requests": [{"http.method": "GET"}]}
 */
#pragma once

#include "wire/ctrl.h"
#include "wire/field.h"

/* Text of an address word, NUL included: "fqdn:" and the longest name. */
#define ADDR_WORD_TEXT_MAX (FQDN_TEXT_MAX + 8)

/* Is it such a rule? (Else the reference's form.) */
bool ctrl_is_own_rule(const json_t *v);
/* 0 or -errno with *reterr; *r is to be ended by rule_spec_done() either way. */
int ctrl_parse_own_rule(const json_t *v, struct rule_spec *r,
			struct err *reterr);
void rule_lists_free(struct rule_lists *l);

/* weir_sets, weir_explain. */
int ctrl_parse_sets(const json_t *body, bool strict, struct ctrl_msg *m,
		    struct err *reterr);
int ctrl_parse_explain(const json_t *body, bool strict, struct ctrl_msg *m,
		       struct err *reterr);

/*
 * Members of other messages, as field.h's: named sets (*ret and each element
 * are the caller's to free, also after an error; *ret_n counts those begun), an
 * action by its word.
 */
void field_sets(struct fields *f, const char *name, enum field_need need,
		struct addr_set_spec **ret, size_t *ret_n);
bool field_action(struct fields *f, const char *name, uint8_t *ret_action,
		  bool *ret_reject);
/* "10.0.0.5", "10.0.0.0/8", "10.0.0.5-10.0.0.9", the same of IPv6. */
bool addr_range_by_text(const char *text, struct addr_word *ret);

/* As it can be read back; returns buf. */
const char *addr_word_format(const struct addr_word *w,
			     char buf[static ADDR_WORD_TEXT_MAX]);
/* "allow", "deny", "reject", "alert", "learn"; NULL: no such word for it. */
const char *rule_action_word(const struct rule_spec *r);
