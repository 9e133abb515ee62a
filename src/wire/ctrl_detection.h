/*
 * The parsers of weir_rules and weir_detection, for ctrl.c's table. What a
 * sensor may be is detect/sensor.h's to say, and a rule detect/sig_parse.h's.
 */
#pragma once

#include "wire/ctrl.h"

/* As ctrl_parse(); fill m->rules, m->detection, which ctrl_msg_done() frees. */
int ctrl_parse_rules(const json_t *body, bool strict, struct ctrl_msg *m,
		     struct err *reterr);
int ctrl_parse_detection(const json_t *body, bool strict, struct ctrl_msg *m,
			 struct err *reterr);
/* Whole. false: out of memory, and *to holds nothing. */
bool rules_message_copy(const struct rules_message *r,
			struct rules_message *to);
void rules_message_done(struct rules_message *r);
void detection_message_done(struct detection_message *d);

/* "enforce"; static storage. */
const char *signatures_mode_name(enum signatures_mode m);
