/*
 * RESP 2 and 3. A command is an array of strings, "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
 * or a line as one types it, "GET k\r\n", maybe with words in quotes.
 *
 * Arguments are taken one by one; only the command, its first key, and of AUTH and
 * HELLO the user are looked at, all others are passed over by their length. Asked
 * is as soon as the key is known, at the latest with the last argument's length.
 *
 * Of answers only their ends are followed (a value of n values is n more), and
 * errors told. What a replica is sent is no answer: behind SYNC the server is not
 * read any more, the client is.
 */
#include "proto/redis.h"

#include <string.h>

#include "proto/frames.h"
#include "proto/redis_commands.h"
#include "proto/text.h"

/* Redis' own bounds: arguments, bytes of one (proto-max-bulk-len at most). */
#define ARGUMENTS_MAX (1u << 30)
#define BULK_MAX      ((uint64_t)1 << 40)
/* "*1048576\r\n", and all other heads. */
#define HEAD_MAX 32
/* A word of a command typed in a line that is looked at. Longer: cut. */
#define WORD_MAX 256
/* Words of such a line that are looked at; the key is none of the others. */
#define LINE_WORDS 8

struct redis {
	struct frames frames;
	uint64_t values_left;	 /* of the server's answer */
	uint32_t args_left, arg; /* arg: its number, 0: the command */
	uint16_t command;	 /* redis_command_place() */
	uint8_t name_len;
	bool asked, key_next, user_next;
	char name[REDIS_NAME_MAX];
};
_Static_assert(sizeof(struct redis) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(redis_state, "redis", struct redis, 1);

static size_t upper(char *to, size_t size, struct bytes b)
{
	size_t len = bytes_len(b) < size ? bytes_len(b) : size;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = b.begin[i];

		to[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
	}
	return len;
}

/* --- recognition ----------------------------------------------------------- */

/* "*3\r\n$3\r\nS": YES. */
static enum proto_guess is_array(struct bytes b)
{
	static const char *const marks[] = { "*", "$" };
	struct bytes line;
	uint64_t n;

	for (int i = 0; i < 2; i++) {
		if (text_begins(b, marks[i]) != PROTO_YES)
			return bytes_len(b) ? PROTO_NO : PROTO_MAYBE;
		if (!text_take_until(&b, '\r', &line)) {
			line = b;
			line.begin++;
			return bytes_len(line) == 0 ||
					       (bytes_len(b) <= HEAD_MAX &&
						text_number(line, BULK_MAX, &n))
				       ? PROTO_MAYBE
				       : PROTO_NO;
		}
		line.begin++;
		if (!text_number(line, ARGUMENTS_MAX, &n) || n == 0)
			return PROTO_NO;
		if (bytes_len(b) == 0)
			return PROTO_MAYBE;
		if (!take_skip(&b, 1) || b.begin[-1] != '\n')
			return PROTO_NO;
	}
	if (bytes_len(b) == 0)
		return PROTO_MAYBE;
	return text_lower(*b.begin) >= 'a' && text_lower(*b.begin) <= 'z'
		       ? PROTO_YES
		       : PROTO_NO;
}

/* A known command in a line; the server's answer must tell. */
static enum proto_guess is_line(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT], s = o->said[PROTO_SERVER], line;
	bool whole = text_take_line(&b, &line);
	char name[REDIS_NAME_MAX];
	struct bytes word;

	if (!whole)
		line = b;
	if (!whole && bytes_len(line) > 0 && line.end[-1] == '\r')
		line.end--;
	word = line;
	(void)text_take_until(&word, ' ', &word);
	for (const uint8_t *p = word.begin; p < word.end; p++)
		if (text_lower(*p) < 'a' || text_lower(*p) > 'z')
			return PROTO_NO;
	if (bytes_len(word) > sizeof name)
		return PROTO_NO;
	if (!whole)
		return o->cut[PROTO_CLIENT] ? PROTO_NO : PROTO_MAYBE;
	if (!redis_command(name, upper(name, sizeof name, word)))
		return PROTO_NO;
	if (bytes_len(s) == 0)
		return o->server_port == 6379 ? PROTO_YES : PROTO_MAYBE;
	if (!text_is_one_of(*s.begin, "+-:$*"))
		return PROTO_NO;
	if (!text_take_until(&s, '\r', &line))
		return PROTO_MAYBE;
	return PROTO_YES;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes client = o->said[PROTO_CLIENT];

	if (o->first == PROTO_SERVER && !o->midstream)
		return PROTO_NO;
	if (bytes_len(client) == 0)
		return PROTO_MAYBE;
	if (*client.begin == '*')
		return is_array(client);
	return is_line(o);
}

/* --- what a command is ------------------------------------------------------ */

static bool tell_text(const struct proto_sink *sink, enum proto_field f,
		      const char *text)
{
	return proto_tell(sink, PROTO_CLIENT, f, bytes_of(text, strlen(text)));
}

static void begin_command(struct redis *s, uint32_t args)
{
	s->args_left = args;
	s->arg = 0;
	s->asked = s->key_next = s->user_next = false;
	s->command = 0;
	s->name_len = 0;
}

static bool name_is(const struct redis *s, const char *name)
{
	return s->name_len == strlen(name) &&
	       memcmp(s->name, name, s->name_len) == 0;
}

static bool ask(struct redis *s, const struct proto_sink *sink)
{
	if (s->asked)
		return true;
	s->asked = true;
	return sink->asked(sink->arg);
}

/* Is the next argument's content wanted? */
static bool is_wanted(const struct redis *s)
{
	const struct redis_command *c = redis_command_at(s->command);

	if (s->arg == 0)
		return true;
	if (name_is(s, "AUTH"))
		return s->arg == 1 && s->args_left == 2;
	if (name_is(s, "HELLO"))
		return s->arg >= 2 && !s->asked;
	if (!c || s->asked || c->key == 0)
		return false;
	return c->key == REDIS_STREAMS || s->arg == c->key ||
	       (c->counted && s->arg + 1 == c->key);
}

static bool tell_command(struct redis *s, struct bytes name,
			 const struct proto_sink *sink)
{
	enum redis_class class = REDIS_OTHER;
	const struct redis_command *c = NULL;

	s->name_len = (uint8_t)upper(s->name, sizeof s->name, name);
	if (bytes_len(name) <= sizeof s->name)
		c = redis_command(s->name, s->name_len);
	s->command = redis_command_place(c);
	if (c)
		class = (enum redis_class)c->class;
	if (name_is(s, "SYNC") || name_is(s, "PSYNC"))
		s->frames.pass[PROTO_SERVER] = UINT64_MAX;
	return proto_tell(sink, PROTO_CLIENT, FIELD_REDIS_COMMAND,
			  bytes_of(s->name, s->name_len)) &&
	       tell_text(sink, FIELD_REDIS_CLASS, redis_class_name(class));
}

static bool tell_key(struct redis *s, struct bytes key,
		     const struct proto_sink *sink)
{
	return proto_tell(sink, PROTO_CLIENT, FIELD_REDIS_KEY, key) &&
	       ask(s, sink);
}

static bool tell_user(struct redis *s, struct bytes user,
		      const struct proto_sink *sink)
{
	return proto_tell(sink, PROTO_CLIENT, FIELD_SQL_USER, user) &&
	       ask(s, sink);
}

/* An argument that is_wanted(), or as much of it as is told. */
static bool tell_argument(struct redis *s, struct bytes arg,
			  const struct proto_sink *sink)
{
	const struct redis_command *c = redis_command_at(s->command);
	uint64_t keys;

	if (s->arg == 0)
		return tell_command(s, arg, sink);
	if (s->user_next || name_is(s, "AUTH"))
		return tell_user(s, arg, sink);
	if (name_is(s, "HELLO")) {
		s->user_next = text_is_nocase(arg, "auth");
		return true;
	}
	if (c->key == REDIS_STREAMS) {
		if (s->key_next)
			return tell_key(s, arg, sink);
		/* XREADGROUP GROUP name name: whatever these are called */
		s->key_next = text_is_nocase(arg, "streams") &&
			      !(name_is(s, "XREADGROUP") && s->arg <= 3);
		return true;
	}
	if (s->arg != c->key) {
		bool none = text_number(arg, UINT64_MAX, &keys) && keys == 0;

		return !none || ask(s, sink);
	}
	return tell_key(s, arg, sink);
}

/* One more argument is done with. */
static bool end_argument(struct redis *s, const struct proto_sink *sink)
{
	s->arg++;
	if (--s->args_left > 0)
		return true;
	return ask(s, sink) && sink->ended(sink->arg, PROTO_CLIENT);
}

/* --- the client ------------------------------------------------------------- */

static enum frame_step malformed(enum proto_side side,
				 const struct proto_sink *sink)
{
	return sink->note(sink->arg, side, NOTE_MALFORMED) ? FRAME_LOST
							   : FRAME_STOPPED;
}

/* "$17\r\n" with that mark; *rest as it was if not TAKEN. */
static enum frame_step take_head(struct bytes *rest, char mark, uint64_t max,
				 uint64_t *ret)
{
	struct bytes b = *rest, line;

	if (*b.begin != (uint8_t)mark)
		return FRAME_LOST;
	if (!text_take_line(&b, &line))
		return bytes_len(b) > HEAD_MAX ? FRAME_LOST : FRAME_MORE;
	line.begin++;
	if (!text_number(line, max, ret))
		return FRAME_LOST;
	*rest = b;
	return FRAME_TAKEN;
}

/* The next argument of an array. */
static enum frame_step take_argument(struct redis *s, struct bytes *rest,
				     const struct proto_sink *sink)
{
	struct bytes b = *rest, arg;
	uint64_t len;
	enum frame_step step = take_head(&b, '$', BULK_MAX, &len);

	if (step == FRAME_LOST)
		return malformed(PROTO_CLIENT, sink);
	if (step != FRAME_TAKEN)
		return step;
	arg = frames_first(b, len);
	if (is_wanted(s)) {
		/* one more than is told of it, so that it is told cut */
		if (bytes_len(arg) < len && bytes_len(arg) <= FIELD_BYTES_MAX)
			return FRAME_MORE;
		if (!tell_argument(s, arg, sink))
			return FRAME_STOPPED;
	}
	*rest = b;
	s->frames.pass[PROTO_CLIENT] = len + 2;
	return frames_go_on(end_argument(s, sink));
}

static bool is_hex(uint8_t c)
{
	c = text_lower(c);
	return text_is_digit(c) || (c >= 'a' && c <= 'f');
}

static unsigned hex_digit(uint8_t c)
{
	return (unsigned)(text_is_digit(c) ? c - '0'
					   : text_lower(c) - 'a' + 10);
}

/* What a backslash and the bytes behind it are, in a word in double quotes. */
static uint8_t take_escaped(struct bytes *b)
{
	uint8_t c = *b->begin++;

	if (c == 'x' && bytes_len(*b) >= 2 && is_hex(b->begin[0]) &&
	    is_hex(b->begin[1])) {
		c = (uint8_t)(hex_digit(b->begin[0]) << 4 |
			      hex_digit(b->begin[1]));
		b->begin += 2;
		return c;
	}
	switch (c) {
	case 'n': return '\n';
	case 'r': return '\r';
	case 't': return '\t';
	case 'b': return '\b';
	case 'a': return '\a';
	default: return c;
	}
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0;
}

/* The next word of a line, without its quotes; false: there is none. */
static bool take_word(struct bytes *b, char *word, size_t *ret_len)
{
	uint8_t quote = 0;
	size_t len = 0;

	while (bytes_len(*b) > 0 && is_blank(*b->begin))
		b->begin++;
	if (bytes_len(*b) == 0)
		return false;
	while (bytes_len(*b) > 0) {
		uint8_t c = *b->begin++;

		if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? 0 : c;
			continue;
		}
		if (!quote && is_blank(c))
			break;
		if (quote == '"' && c == '\\' && bytes_len(*b) > 0)
			c = take_escaped(b);
		else if (quote == '\'' && c == '\\' && bytes_len(*b) > 0 &&
			 *b->begin == '\'')
			c = *b->begin++;
		if (len < WORD_MAX)
			word[len++] = (char)c;
	}
	*ret_len = len;
	return true;
}

/* A command in one line. */
static enum frame_step take_typed(struct redis *s, struct bytes *rest,
				  const struct proto_sink *sink)
{
	char words[LINE_WORDS][WORD_MAX], more[WORD_MAX];
	size_t len[LINE_WORDS], any;
	struct bytes line;
	uint32_t n = 0;

	if (!text_take_line(rest, &line))
		return FRAME_MORE;
	while (take_word(&line, n < LINE_WORDS ? words[n] : more,
			 n < LINE_WORDS ? &len[n] : &any))
		n++;
	if (n == 0)
		return FRAME_TAKEN;
	begin_command(s, n);
	for (uint32_t i = 0; i < n; i++) {
		if (i < LINE_WORDS && is_wanted(s) &&
		    !tell_argument(s, bytes_of(words[i], len[i]), sink))
			return FRAME_STOPPED;
		if (!end_argument(s, sink))
			return FRAME_STOPPED;
	}
	return FRAME_TAKEN;
}

static enum frame_step client(struct redis *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	struct bytes b = *rest, line;
	enum frame_step step;
	uint64_t args;

	if (s->args_left > 0)
		return take_argument(s, rest, sink);
	if (*rest->begin != '*')
		return take_typed(s, rest, sink);
	if (text_take_line(&b, &line) && text_is(line, "*-1")) {
		*rest = b; /* as good as no command */
		return FRAME_TAKEN;
	}
	step = take_head(rest, '*', ARGUMENTS_MAX, &args);
	if (step == FRAME_LOST)
		return malformed(PROTO_CLIENT, sink);
	if (step == FRAME_TAKEN)
		begin_command(s, (uint32_t)args);
	return step;
}

/* --- the server ------------------------------------------------------------- */

/* "WRONGPASS invalid username-password pair" */
static bool tell_error(struct bytes line, const struct proto_sink *sink)
{
	struct bytes word = line;
	bool denied = text_begins(line, "WRONGPASS ") == PROTO_YES ||
		      text_begins(line, "ERR invalid password") == PROTO_YES;

	(void)text_take_until(&word, ' ', &word);
	return proto_tell(sink, PROTO_SERVER, FIELD_SQL_ERROR, word) &&
	       (!denied ||
		sink->note(sink->arg, PROTO_SERVER, NOTE_SQL_DENIED));
}

/* One value's first line; what belongs to it is added to what is to come. */
static enum frame_step value(struct redis *s, struct bytes line,
			     const struct proto_sink *sink)
{
	uint8_t kind = *line.begin++;
	uint64_t n = 0;

	if (text_is_one_of(kind, "$=!*~>%|") && !text_is(line, "-1") &&
	    !text_number(line, BULK_MAX, &n))
		return FRAME_LOST;
	switch (kind) {
	case '$':
	case '=':
	case '!':
		if (!text_is(line, "-1"))
			s->frames.pass[PROTO_SERVER] = n + 2;
		break;
	case '*':
	case '~':
	case '>': s->values_left += n; break;
	case '%': s->values_left += 2 * n; break;
	case '|': s->values_left += 2 * n + 1; break; /* and the value itself */
	case '-':
		if (!tell_error(line, sink))
			return FRAME_STOPPED;
		break;
	default:
		if (!text_is_one_of(kind, "+:_,#("))
			return FRAME_LOST;
		break;
	}
	return FRAME_TAKEN;
}

static enum frame_step server(struct redis *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	struct bytes b = *rest, line;
	enum frame_step step;

	if (!text_take_line(&b, &line))
		return FRAME_MORE;
	*rest = b;
	if (bytes_len(line) == 0)
		return FRAME_TAKEN; /* a master's sign of life */
	if (s->values_left == 0)
		s->values_left = 1;
	step = value(s, line, sink);
	if (step == FRAME_LOST) {
		/* the client's commands are still understood */
		s->frames.pass[PROTO_SERVER] = UINT64_MAX;
		return frames_go_on(
			sink->note(sink->arg, PROTO_SERVER, NOTE_MALFORMED));
	}
	if (step == FRAME_TAKEN && --s->values_left == 0)
		return frames_go_on(sink->ended(sink->arg, PROTO_SERVER));
	return step;
}

static enum frame_step next(void *state, enum proto_side side,
			    struct bytes *rest, const struct proto_sink *sink)
{
	return side == PROTO_CLIENT ? client(state, rest, sink)
				    : server(state, rest, sink);
}

static struct proto_result read(void *state, struct proto_worker *w,
				const struct proto_chunk *c,
				const struct proto_sink *sink)
{
	struct redis *s = state;

	(void)w;
	return frames_read(&s->frames, next, s, c, sink);
}

const struct proto_parser proto_redis = {
	.name = "redis",
	.app = APP_REDIS,
	.tcp = true,
	.state = &redis_state,
	.recognise = recognise,
	.read = read,
};
