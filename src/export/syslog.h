/*
 * Lines as messages of RFC 5424, and their frames on a stream (octet counting,
 * RFC 6587 3.4.1 and RFC 5425 4.3).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "export/item.h"

struct syslog_from {
	uint8_t facility; /* 0..23 */
	bool as_text;	  /* the short text; else EVE */
	const char *host; /* "" unknown */
	unsigned pid;
};

/* sequence: 1 and up, of this sender. Out of memory: as text.h. */
void syslog_message(struct text *to, const struct syslog_from *from,
		    const struct item *i, uint32_t sequence);
/* The same behind its length. */
void syslog_frame(struct text *to, const struct syslog_from *from,
		  const struct item *i, uint32_t sequence);
