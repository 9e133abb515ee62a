/*
 * What a splice writes into the alias of vex, so that any process can undo it;
 * and reading it back. For splice*.c only.
 *
 *   "weir-splice 1 bpf 00b4 1a:27:f3:87:3a:27 4026532288 7 eth0 /run/netns/c"
 *    tag        version mark MAC              inode    ifindex dev  namespace
 *              redirector
 *
 * An alias can be written by anybody with CAP_NET_ADMIN, so it is read as
 * hostile text: what does not parse is not ours.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/link.h"
#include "net/splice.h"

void splice_record_format(const struct splice_stat *s,
			  char ret[static LINK_ALIAS_MAX]);
/* Fills workload .. mac, ucmac, bcmac, redirector of *ret. false: not ours. */
bool splice_record_parse(const char *alias, struct splice_stat *ret);
/* ucmac and bcmac of a mark's low 16 bits. */
void splice_marks(uint16_t mark, struct mac *ret_uc, struct mac *ret_bc);
/* "vin3" for "vex3". */
void splice_vin_name(const char *vex, char ret[static IFNAMSIZ]);
