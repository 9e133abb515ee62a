/* The parsers of the name messages (reference 2.4), for ctrl.c's table. */
#pragma once

#include "wire/ctrl.h"

/* As ctrl_parse(); they fill m->set_fqdn, m->del_fqdn. */
int ctrl_parse_set_fqdn(const json_t *body, bool strict, struct ctrl_msg *m,
			struct err *reterr);
int ctrl_parse_del_fqdn(const json_t *body, bool strict, struct ctrl_msg *m,
			struct err *reterr);

/* A copy in lower case without a last dot; NULL without memory. */
char *fqdn_lower_copy(const char *name);
/* 1..255 printable bytes, no empty label; "*" only as the first of several. */
bool fqdn_is_valid(const char *name);
