/* The parsers of the port messages (reference 2.2), for ctrl.c's table. */
#pragma once

#include "wire/ctrl.h"
#include "wire/field.h"

/* As ctrl_parse(). ADD_SRVC_PORT, DEL_SRVC_PORT: fills m->port. */
int ctrl_parse_srvc_port(const json_t *body, bool strict, struct ctrl_msg *m,
			 struct err *reterr);
/* The other kinds fill m->other_port. */
int ctrl_parse_port_pair(const json_t *body, bool strict, struct ctrl_msg *m,
			 struct err *reterr);
int ctrl_parse_tap_port(const json_t *body, bool strict, struct ctrl_msg *m,
			struct err *reterr);
int ctrl_parse_nfq_port(const json_t *body, bool strict, struct ctrl_msg *m,
			struct err *reterr);

/* An interface name, IFNAMSIZ - 1 bytes at most, as Linux allows it. */
void ctrl_field_iface(struct fields *f, enum field_need need,
		      char ret[static IFNAMSIZ]);
