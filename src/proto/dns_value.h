/*
 * What is in records of DNS, as text in the form of zone files (RFC 1035 5.1,
 * RFC 9460 2.1), but that the strings of a TXT stand as they are, one behind
 * the other, since so they are looked through.
 *
 * Pure; any thread.
 */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "proto/dns.h"

/* "TYPE65535" and its NUL. */
#define DNS_TYPE_TEXT_MAX 10

/* "AAAA"; "TYPE4711" for one without a name (RFC 3597 5). */
const char *dns_type_name(uint16_t type, char buf[static DNS_TYPE_TEXT_MAX]);

/*
 * Appends r's value, r being a record of `whole`. out->full: not all of it had
 * room. When not DNS_OK it is not what its type says it is; then what was
 * appended is of no use.
 */
enum dns_outcome dns_put_value(struct bytes whole, const struct dns_record *r,
			       struct outbytes *out);
