/* The parsers of the DLP/WAF messages (reference 2.5), for ctrl.c's table. */
#pragma once

#include "wire/ctrl.h"

/* As ctrl_parse(); each fills its part of *m, which ctrl_dlp_done() frees. */
int ctrl_parse_cfg_dlp(const json_t *body, bool strict, struct ctrl_msg *m,
		       struct err *reterr);
int ctrl_parse_cfg_dlpmac(const json_t *body, bool strict, struct ctrl_msg *m,
			  struct err *reterr);
int ctrl_parse_bld_dlp(const json_t *body, bool strict, struct ctrl_msg *m,
		       struct err *reterr);
int ctrl_parse_bld_dlpmac(const json_t *body, bool strict, struct ctrl_msg *m,
			  struct err *reterr);
/* Frees what a message of CFG_DLP .. BLD_DLPMAC owns. */
void ctrl_dlp_done(struct ctrl_msg *m);
