/* The parser of weir_policy, for ctrl.c's table. */
#pragma once

#include "wire/ctrl.h"

/* As ctrl_parse(); fills m->whole, which ctrl_msg_done() frees. */
int ctrl_parse_whole(const json_t *body, bool strict, struct ctrl_msg *m,
		     struct err *reterr);
void whole_spec_done(struct whole_spec *w);
