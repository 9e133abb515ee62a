/*
 * Community ID, version 1, seed 0: the name of a conversation by which tools find
 * each other's records of it (the specification's flow tuple, hashed by SHA-1).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define COMMUNITY_TEXT_MAX 32 /* "1:" and 28 of base64, and NUL */

/*
 * Ports as on the wire; of ICMP and ICMPv6 type and code of a message that `src`
 * sent. Protocols without ports: 0, 0, which do not count.
 */
void community_id(struct ip_addr src, struct ip_addr dst, uint16_t src_port,
		  uint16_t dst_port, uint8_t proto,
		  char ret[static COMMUNITY_TEXT_MAX]);
