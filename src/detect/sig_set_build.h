/* What a set is built with; for sig_set.c and sig_channels.c only. */
#pragma once

#include "detect/sig_set_own.h"

struct sig_gather; /* patterns of a channel that is being filled */

struct sig_build {
	struct sig_set *set;
	const struct sig_set_options *opt; /* or NULL */
	struct err *reterr;
	struct hash_table bit_names;
	const char **names; /* of flowbits */
	uint32_t n_names, names_room;
	struct sig_gather *gathers;
	uint32_t n_gathers, gathers_room;
};

/* From the set's arena, counted. NULL: *reterr is set. */
void *sig_build_alloc(struct sig_build *b, size_t size);
/* false: out of memory */
bool sig_build_keep_code(struct sig_build *b, void *code);
void sig_set_free_codes(struct sig_set *s);
/* The content of a group that is searched for; NULL: there is none. */
const struct sig_item *sig_fast_item(const struct sig_group *g);
/* The number of a flowbit's name. false: *reterr. */
bool sig_build_bit(struct sig_build *b, const char *name, uint16_t *ret);

/* Which places each rule's trigger is looked for in, and by what. */
bool sig_build_channels(struct sig_build *b);
/* The i-th channel's database, of what was gathered for it. */
bool sig_build_database(struct sig_build *b, struct sig_channel *c);
/* Of all rules. false: *reterr. */
bool sig_build_fingerprint(struct sig_build *b);
/* Frees what is not the set's. */
void sig_build_done(struct sig_build *b);
