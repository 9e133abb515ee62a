/*
 * A text of SQL as it comes, in any number of pieces: its statements' first
 * words, and the text itself.
 *
 *   SQL_VERB  of each statement the first word behind blanks, comments and
 *             parentheses. "WITH a AS (...) DELETE": DELETE, and before it what
 *             is written to inside the parentheses; "WITH" if there is neither.
 *   SQL_DATABASE  behind the verb USE
 *   SQL_TEXT  all of it
 *   asked     for each statement; for the last one behind the whole text
 *
 * A comment that MySQL executes for some versions only ("/" "*!80000 DROP") is taken
 * for both: its words count, and the first behind it.
 */
#pragma once

#include "proto/parser.h"

enum sql_dialect {
	SQL_ANSI, /* Oracle: nothing special */
	SQL_MYSQL,
	SQL_POSTGRESQL,
	SQL_TSQL,
	SQL_CQL,
};

/* Part of a parser's state. Everything is sql.c's. */
struct sql {
	uint32_t tag, tag_seen; /* $tag$, hashed; what may be its end */
	uint8_t dialect, mode, after;
	uint8_t quote, depth; /* the quote's last byte; of comments */
	uint8_t parens;	      /* depth, in WITH */
	uint8_t back[2];      /* the last two bytes of the piece before */
	uint8_t word_len;
	bool with, use, first, open, told, escapes, executed, verb_inside;
	bool text_begun;
	char word[64];
};

void sql_begin(struct sql *s, enum sql_dialect dialect);
/*
 * The text goes on by b; end: it is complete with that, which must be called
 * once, for `asked`, which is not called for one that is empty. false: to be
 * stopped.
 */
bool sql_text(struct sql *s, const struct proto_sink *sink, struct bytes b,
	      bool end);
/* A request that has no text, as "KILL" or "USE": its verb, asked. */
bool sql_verb(const struct proto_sink *sink, const char *verb);
