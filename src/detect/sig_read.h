/*
 * What reads a rule, and shares with the keywords' own readers while it does.
 * Only for sig_parse.c, sig_header.c, sig_options.c and sig_content.c.
 */
#pragma once

#include "base/arena.h"
#include "detect/sig.h"

struct sig_list;

struct sig_reader {
	struct sig_list *list;
	struct arena *arena; /* of the list */
	/*
	 * The rule, its line breaks made blanks: a place in it is one in the
	 * original, too.
	 */
	char *text;
	size_t len;
	size_t at;			   /* of the word that is being read */
	char word[SIG_RULE_BYTES_MAX + 1]; /* of the header: a copy */
	const char *keyword;		   /* "": the header */
	bool refused, no_memory;	   /* either: it is over */
	char why[ERR_TEXT_MAX];

	struct signature *s;
	/* What is being gathered; put in the arena at the end. */
	struct sig_group groups[SIG_GROUPS_MAX];
	struct sig_item items[SIG_GROUPS_MAX][SIG_ITEMS_MAX];
	struct sig_item after[SIG_ITEMS_MAX];
	struct sig_header_test headers[SIG_HEADERS_MAX];
	struct sig_bit bits[SIG_BITS_MAX];
	const char *variables[SIG_VARIABLES_MAX];
	unsigned n_after;
	int after_group; /* whose base64_decode they follow; -1: none yet */
	bool has_sid;

	/* Where contents go. */
	uint8_t buffer;
	uint8_t n_transforms, transforms[SIG_TRANSFORMS_MAX];
	bool in_base64;	       /* base64_data */
	int group;	       /* -1: not chosen yet */
	struct sig_item *last; /* content, for its modifiers; NULL: none */
};

/* Returns false, and says why; at: r->at. Only the first one counts. */
bool sig_refuse(struct sig_reader *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A copy in the arena; NULL: r->no_memory. */
char *sig_keep(struct sig_reader *r, const char *text, size_t len);

/* The next of a list "a, b": trimmed, NUL behind it; NULL: no more. */
char *sig_next_word(char **rest);
char *sig_trim(char *text);
/* Decimal, or hexadecimal with 0x; false: it is none, or not in min..max. */
bool sig_read_number(const char *text, int64_t min, int64_t max, int64_t *ret);
/* N, <N, >N, <=N, >=N, !N, N<>M. false: refused. */
bool sig_read_range(struct sig_reader *r, char *text, uint32_t max,
		    uint32_t *ret_lo, uint32_t *ret_hi, bool *ret_not);

/* sig_header.c: "alert tcp any any -> any 80" of r->text; *ret_end behind. */
bool sig_read_header(struct sig_reader *r, size_t *ret_end);
/* What a variable stands for; NULL: there is none of that name. */
const char *sig_variable(const struct sig_list *l, const char *name,
			 size_t len);

/* sig_options.c: one keyword with its value (NULL: none). */
bool sig_read_option(struct sig_reader *r, char *name, char *value);
/* When all were read: what only the whole rule tells. */
bool sig_check_rule(struct sig_reader *r);

/* sig_content.c: readers of keywords. */
bool sig_read_content(struct sig_reader *r, char *value);
bool sig_read_nocase(struct sig_reader *r, char *value);
bool sig_read_rawbytes(struct sig_reader *r, char *value);
bool sig_read_startswith(struct sig_reader *r, char *value);
bool sig_read_endswith(struct sig_reader *r, char *value);
bool sig_read_fast_pattern(struct sig_reader *r, char *value);
bool sig_read_offset(struct sig_reader *r, char *value);
bool sig_read_depth(struct sig_reader *r, char *value);
bool sig_read_distance(struct sig_reader *r, char *value);
bool sig_read_within(struct sig_reader *r, char *value);
bool sig_read_pcre(struct sig_reader *r, char *value);
bool sig_read_byte_test(struct sig_reader *r, char *value);
bool sig_read_byte_jump(struct sig_reader *r, char *value);
bool sig_read_byte_extract(struct sig_reader *r, char *value);
bool sig_read_isdataat(struct sig_reader *r, char *value);
bool sig_read_bsize(struct sig_reader *r, char *value);
bool sig_read_base64_decode(struct sig_reader *r, char *value);
bool sig_read_base64_data(struct sig_reader *r, char *value);
/* A sticky buffer, or a modifier of the content before it. */
bool sig_read_buffer(struct sig_reader *r, unsigned buffer, bool modifier);
bool sig_read_transform(struct sig_reader *r, enum sig_transform t);
/* A variable + 1 of byte_extract; 0: none of that name. */
uint8_t sig_variable_of(const struct sig_reader *r, const char *name);
/* A place for one more item of that buffer; NULL: refused. */
struct sig_item *sig_add_item(struct sig_reader *r, enum sig_item_kind kind);
struct sig_item *sig_add_item_to(struct sig_reader *r, unsigned buffer,
				 enum sig_item_kind kind);
/*
 * "text" with or without '!' before it; its quotes are taken off, what is
 * escaped stays so.
 */
bool sig_unquote(struct sig_reader *r, char *value, bool *ret_not, char **ret);
