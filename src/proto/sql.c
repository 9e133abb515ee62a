/*
 * Theory. One state machine over the bytes; a piece may end anywhere. Text that
 * is quoted or commented must not be taken for statements, and statements must
 * not be taken for quoted text: where a dialect's rules differ (backslashes,
 * nested comments, $tag$, "--1"), the dialect decides.
 *
 *   START ──letter──▶ WORD ──other──▶ BODY ──;──▶ START
 *     └─── comment, quote, $tag$ ────┘  to LINE, BLOCK, QUOTE, DOLLAR and
 *                                           back to where it was (`after`)
 *
 * `asked` for a statement comes when the next one's verb is known, or the text
 * is over: then all of it was told.
 */
#include "proto/sql.h"

#include <string.h>

#include "proto/frames.h"
#include "proto/text.h"

enum mode {
	START, /* before a statement's verb */
	WORD,  /* in a word that may be one */
	BODY,
	DASHES, /* MySQL: "--" begins a comment if a blank follows */
	LINE,
	BLOCK_MARK, /* behind the opening of a comment: MySQL's '!' ? */
	BLOCK_M,    /* MariaDB's "M!" */
	BLOCK,
	QUOTE,
	ESCAPED, /* behind a backslash */
	TAG,	 /* in the first $tag$ */
	DOLLAR,	 /* between them */
	TAG_END, /* in what may be the last */
};

void sql_begin(struct sql *s, enum sql_dialect dialect)
{
	*s = (struct sql){ .dialect = (uint8_t)dialect, .mode = START };
}

static bool is_letter(uint8_t c)
{
	c = text_lower(c);
	return (c >= 'a' && c <= 'z') || c == '_';
}

/* A byte that goes on with a name; all beyond ASCII does. */
static bool is_name(uint8_t c)
{
	return is_letter(c) || text_is_digit(c) || c >= 0x80;
}

static bool word_is(const struct sql *s, const char *word)
{
	return s->word_len == strlen(word) &&
	       memcmp(s->word, word, s->word_len) == 0;
}

static bool tell_verb(struct sql *s, const struct proto_sink *sink)
{
	if (s->told && !sink->asked(sink->arg))
		return false;
	s->told = s->open = true;
	s->verb_inside = s->executed;
	return proto_tell(sink, PROTO_CLIENT, FIELD_SQL_VERB,
			  bytes_of(s->word, s->word_len));
}

static bool is_writing(const struct sql *s)
{
	return word_is(s, "INSERT") || word_is(s, "UPDATE") ||
	       word_is(s, "DELETE") || word_is(s, "MERGE") ||
	       word_is(s, "REPLACE");
}

/* A word of a statement that began with WITH. */
static bool end_of_with_word(struct sql *s, const struct proto_sink *sink)
{
	bool main = s->parens == 0 &&
		    (is_writing(s) || word_is(s, "SELECT") ||
		     word_is(s, "VALUES") || word_is(s, "TABLE"));

	if (main)
		s->with = false;
	else if (!(s->first && is_writing(s)))
		return true;
	return tell_verb(s, sink);
}

static bool end_of_word(struct sql *s, const struct proto_sink *sink)
{
	struct bytes word = bytes_of(s->word, s->word_len);

	s->mode = BODY;
	if (s->use) {
		s->use = false;
		return proto_tell(sink, PROTO_CLIENT, FIELD_SQL_DATABASE, word);
	}
	if (s->with)
		return end_of_with_word(s, sink);
	if (s->open)
		return true;
	if (word_is(s, "WITH")) {
		s->with = true;
		s->parens = 0;
		return true;
	}
	s->use = word_is(s, "USE");
	return tell_verb(s, sink);
}

/* The statement is over. */
static bool end_statement(struct sql *s, const struct proto_sink *sink)
{
	bool ok = true;

	if (s->with && !s->open) {
		memcpy(s->word, "WITH", 4);
		s->word_len = 4;
		ok = tell_verb(s, sink);
	}
	s->with = s->use = s->open = false;
	s->mode = START;
	return ok;
}

static void add_to_word(struct sql *s, uint8_t c)
{
	if (s->word_len == sizeof s->word)
		return;
	if (!s->use && c >= 'a' && c <= 'z')
		c = (uint8_t)(c - 'a' + 'A');
	s->word[s->word_len++] = (char)c;
}

static void enter(struct sql *s, enum mode mode)
{
	s->after = s->mode;
	s->mode = (uint8_t)mode;
}

static void open_quote(struct sql *s, uint8_t c, uint8_t back, uint8_t back2)
{
	enter(s, QUOTE);
	s->quote = c == '[' ? ']' : c;
	s->escapes = s->dialect == SQL_MYSQL && c != '`';
	/* E'a\'b', but not date'\' */
	if (s->dialect == SQL_POSTGRESQL && c == '\'')
		s->escapes = (back == 'e' || back == 'E') && !is_name(back2);
	if (s->use && c != '\'')
		s->word_len = 0;
}

static bool is_quote(const struct sql *s, uint8_t c)
{
	return c == '\'' || c == '"' || (c == '`' && s->dialect == SQL_MYSQL) ||
	       (c == '[' && s->dialect == SQL_TSQL);
}

/* Two bytes that begin a comment; false: they do not. */
static bool open_comment(struct sql *s, uint8_t back, uint8_t c)
{
	if (c == '#' && s->dialect == SQL_MYSQL)
		enter(s, LINE);
	else if (back == '-' && c == '-')
		enter(s, s->dialect == SQL_MYSQL ? DASHES : LINE);
	else if (back == '/' && c == '/' && s->dialect == SQL_CQL)
		enter(s, LINE);
	else if (back == '/' && c == '*') {
		enter(s, s->dialect == SQL_MYSQL ? BLOCK_MARK : BLOCK);
		s->depth = 1;
	} else
		return false;
	return true;
}

/* In a BODY only WITH's words count; START: "/" "*!50000DROP" */
static bool begins_word(const struct sql *s, uint8_t back)
{
	return s->mode == START || (s->with && !is_name(back));
}

/* START, BODY */
static bool plain(struct sql *s, const struct proto_sink *sink, uint8_t c,
		  uint8_t back, uint8_t back2)
{
	if (open_comment(s, back, c))
		return true;
	if (s->executed && back == '*' && c == '/') {
		/* for another version the comment may be nothing */
		s->executed = false;
		return !s->verb_inside || end_statement(s, sink);
	}
	if (c == ';')
		return end_statement(s, sink);
	if (s->mode == BODY && is_quote(s, c)) {
		open_quote(s, c, back, back2);
		return true;
	}
	if (c == '$' && !is_name(back) && s->mode == BODY &&
	    (s->dialect == SQL_POSTGRESQL || s->dialect == SQL_CQL)) {
		enter(s, TAG);
		s->tag = 0;
		return true;
	}
	if (s->use ? is_name(c) : is_letter(c) && begins_word(s, back)) {
		s->mode = WORD;
		s->word_len = 0;
		add_to_word(s, c);
		return true;
	}
	if (s->with && c == '(')
		s->parens += s->parens < UINT8_MAX;
	else if (s->with && c == ')')
		s->parens -= s->parens > 0;
	/* a comment may lie between */
	if (c > ' ' && c != '/' && c != '-')
		s->first = c == '(';
	return true;
}

/* FNV-1a, 32 bits. */
static uint32_t hash(uint32_t h, uint8_t c)
{
	return ((h ? h : 2166136261u) ^ c) * 16777619u;
}

static bool dollar(struct sql *s, const struct proto_sink *sink, uint8_t c,
		   uint8_t back)
{
	switch (s->mode) {
	case TAG:
		if (c == '$')
			s->mode = DOLLAR;
		else if (is_name(c) && !(back == '$' && text_is_digit(c)))
			s->tag = hash(s->tag, c);
		else {
			s->mode = s->after;
			return plain(s, sink, c, back, '$');
		}
		break;
	case DOLLAR:
		if (c == '$') {
			s->mode = TAG_END;
			s->tag_seen = 0;
		}
		break;
	default: /* TAG_END */
		if (c != '$')
			s->tag_seen = hash(s->tag_seen, c);
		else if (s->tag_seen == s->tag)
			s->mode = s->after;
		else
			s->tag_seen = 0;
		break;
	}
	return true;
}

static void quoted(struct sql *s, uint8_t c)
{
	if (s->mode == ESCAPED)
		s->mode = QUOTE;
	else if (s->escapes && c == '\\')
		s->mode = ESCAPED;
	else if (c == s->quote)
		s->mode = s->after;
	else if (s->use)
		add_to_word(s, c);
}

/* Where nothing but its end counts. */
static void commented(struct sql *s, uint8_t c, uint8_t *back)
{
	bool nests = s->dialect == SQL_POSTGRESQL || s->dialect == SQL_TSQL;

	if (s->mode == LINE) {
		if (c == '\n')
			s->mode = s->after;
	} else if (*back == '*' && c == '/') {
		if (--s->depth == 0)
			s->mode = s->after;
		*back = 0;
	} else if (nests && *back == '/' && c == '*') {
		s->depth += s->depth < UINT8_MAX;
		*back = 0;
	} else
		*back = c;
}

/* *back: the byte before; 0 where that has had its meaning. */
static bool step(struct sql *s, const struct proto_sink *sink, uint8_t c,
		 uint8_t *back, uint8_t back2)
{
	uint8_t before = *back;
	enum mode mode = (enum mode)s->mode;

	*back = c;
	switch (mode) {
	case WORD:
		if (is_name(c)) {
			add_to_word(s, c);
			return true;
		}
		if (!end_of_word(s, sink))
			return false;
		s->first = false;
		break;
	case START:
	case BODY: break;
	case DASHES:
		s->mode = c <= ' ' ? (c == '\n' ? s->after : LINE) : s->after;
		return c <= ' ' || plain(s, sink, c, 0, 0);
	case BLOCK_MARK:
	case BLOCK_M:
		if (c == 'M' && mode == BLOCK_MARK) {
			s->mode = BLOCK_M;
			return true;
		}
		s->mode = c == '!' ? s->after : BLOCK;
		s->executed |= c == '!';
		return true;
	case LINE:
	case BLOCK:
		*back = before;
		commented(s, c, back);
		return true;
	case QUOTE:
	case ESCAPED:
		quoted(s, c);
		if (s->mode == BODY && s->use)
			return end_of_word(s, sink);
		return true;
	default: return dollar(s, sink, c, before);
	}
	if (!plain(s, sink, c, before, back2))
		return false;
	if (s->mode == BLOCK)
		*back = 0; /* of its opening */
	return true;
}

/* In BODY: bytes that plain() does something for. */
static const bool means[256] = {
	[';'] = true, ['\''] = true, ['"'] = true, ['`'] = true, ['['] = true,
	['$'] = true, ['#'] = true,  ['-'] = true, ['/'] = true, ['*'] = true,
};

/* The next of b that is one of two; its end: there is none. */
static const uint8_t *next_of(struct bytes b, uint8_t one, uint8_t other)
{
	const uint8_t *p = b.begin;

	if (one == other) {
		p = memchr(b.begin, one, bytes_len(b));
		return p ? p : b.end;
	}
	while (p < b.end && *p != one && *p != other)
		p++;
	return p;
}

/* The next byte that step() must see: most of a text is none. */
static const uint8_t *next_meant(const struct sql *s, struct bytes b)
{
	const uint8_t *p = b.begin;

	if (s->use || (s->with && s->mode == BODY))
		return p;
	switch ((enum mode)s->mode) {
	case BODY:
		while (p < b.end && !means[*p])
			p++;
		return p;
	case QUOTE: return next_of(b, s->quote, s->escapes ? '\\' : s->quote);
	case LINE: return next_of(b, '\n', '\n');
	case DOLLAR: return next_of(b, '$', '$');
	default: return p;
	}
}

static bool scan(struct sql *s, const struct proto_sink *sink, struct bytes b)
{
	uint8_t back = s->back[0], back2 = s->back[1], before;
	const uint8_t *p;

	while (bytes_len(b) > 0) {
		p = next_meant(s, b);
		if (p > b.begin) {
			back2 = p - b.begin > 1 ? p[-2] : back;
			back = p[-1];
			b.begin = p;
			continue;
		}
		before = back;
		if (!step(s, sink, *p, &back, back2))
			return false;
		back2 = before;
		b.begin++;
	}
	s->back[0] = back;
	s->back[1] = back2;
	return true;
}

/* A client's ping: "", ";". */
static bool is_empty(struct bytes b)
{
	while (b.begin < b.end && text_is_one_of(*b.begin, " \t\r\n;"))
		b.begin++;
	return b.begin == b.end;
}

bool sql_text(struct sql *s, const struct proto_sink *sink, struct bytes b,
	      bool end)
{
	bool begin = !s->text_begun, nothing = begin && end && is_empty(b);

	if (!scan(s, sink, b))
		return false;
	if (end && s->mode == WORD && !end_of_word(s, sink))
		return false;
	if (end && !end_statement(s, sink))
		return false;
	if (bytes_len(b) > 0 || (end && s->text_begun)) {
		s->text_begun = true;
		if (!frames_piece(sink, PROTO_CLIENT, FIELD_SQL_TEXT, b, begin,
				  end))
			return false;
	}
	return !end || nothing || sink->asked(sink->arg);
}

bool sql_verb(const struct proto_sink *sink, const char *verb)
{
	return proto_tell(sink, PROTO_CLIENT, FIELD_SQL_VERB,
			  bytes_of(verb, strlen(verb))) &&
	       sink->asked(sink->arg);
}
