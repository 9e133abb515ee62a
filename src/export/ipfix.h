/*
 * Flows as messages of IPFIX (RFC 7011), encoded by libfixbuf into memory; who
 * sends them is out_ipfix.c. docs/export.md has the elements.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "export/item.h"

struct ipfix;

/* max_bytes: of one message. NULL: out of memory, or the library refuses. */
struct ipfix *ipfix_new(uint32_t domain, size_t max_bytes, struct err *reterr);
void ipfix_free(struct ipfix *x); /* NULL is accepted */

/* Somebody else reads from here on: templates first, counted from 0. */
int ipfix_begin(struct ipfix *x, struct err *reterr);
/* The templates once more, while there is nothing in the message under way. */
int ipfix_templates(struct ipfix *x, struct err *reterr);
/*
 * One flow. false: the message under way has no room for it: ipfix_message() first.
 * Lines without a flow are passed over.
 */
int ipfix_add(struct ipfix *x, const struct item *i, bool *ret_added,
	      struct err *reterr);
/*
 * The message under way, borrowed until the next call; *ret_len 0: there is
 * nothing in it.
 */
int ipfix_message(struct ipfix *x, const uint8_t **ret, size_t *ret_len,
		  struct err *reterr);
