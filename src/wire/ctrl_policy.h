/* The parser of ctrl_cfg_policy (reference 2.4), for ctrl.c's table. */
#pragma once

#include "wire/ctrl.h"

/* As ctrl_parse(); fills m->policy, which ctrl_msg_done() frees. */
int ctrl_parse_policy(const json_t *body, bool strict, struct ctrl_msg *m,
		      struct err *reterr);
