/*
 * A scanner with a set of rules, and one connection; what it tells, as text:
 * the sids in order, "1 2!" (! silent). Fails the cmocka test when the rules
 * cannot be had.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "detect/sig_scan.h"

struct sigs {
	struct sig_scanner *scanner;
	struct sig_set *set;
	struct sig_lane *lane;
	uint32_t flow;
	struct sig_facts facts;
	char told[4096];
	size_t n_told;
	struct sig_told last; /* around: into around[] */
	uint8_t around[1024];
};

/* of TCP: a connection from 10.0.0.1:1234 to 10.0.0.2:80 */
struct sigs *sigs_new(const char *rules, bool udp);
struct sigs *sigs_new_with(const char *rules, bool udp,
			   const struct sig_scanner_options *o);
void sigs_free(struct sigs *s);
/* Another connection, and nothing told. */
void sigs_again(struct sigs *s);
/* Whole fields, as parsers tell them; "" is a field, too. */
void sigs_field(struct sigs *s, enum proto_side side, enum proto_field f,
		const char *text);
/* A piece of one. */
void sigs_piece(struct sigs *s, enum proto_side side, enum proto_field f,
		struct bytes b, bool begin, bool end);
void sigs_payload(struct sigs *s, enum proto_side side, const void *b,
		  size_t len);
/* What was told since the last time; "" nothing. */
const char *sigs_told(struct sigs *s);
