/*
 * The server greets, "220 host ESMTP"; then the client's lines are commands, and the
 * server's are answers of three digits, "250-more", "250 the last".
 *
 *   MAIL FROM:<a> ; RCPT TO:<b> ; DATA  354  text, lines; a '.' alone ends it
 *   BDAT 86 LAST, and 86 bytes of text
 *   STARTTLS  220  what follows is TLS, which its own parser reads
 *
 * The text is told as it comes, without the dot that is put before lines that begin
 * with one; it is asked about before its last line has gone on. Whoever sends text
 * without waiting for 354 is taken at his word, until the server says no.
 *
 * Whoever says more behind STARTTLS without waiting for the answer wants it to be
 * taken for what comes encrypted (CVE-2011-0411): that is noted, and if TLS begins
 * then, nobody knows what the server makes of it, and it is lost.
 *
 * What the client says in AUTH is no command: one line behind each 334.
 */
#include "proto/smtp.h"

#include <string.h>

#include "proto/frames.h"
#include "proto/text.h"

/* RFC 5321 4.5.3.1 has 512, and more with extensions. Longer: lost. */
#define LINE_MAX 8192
#define NAME_MAX 16

enum mode { COMMANDS, DATA, CHUNK, AUTH };

struct smtp {
	struct frames frames;
	uint64_t chunk_left;
	uint8_t mode;	  /* of the client; enum mode */
	uint32_t answers; /* that are still to come */
	uint32_t data_at; /* of these, DATA's is the so-many-th; 0: none is */
	uint32_t tls_at;  /* likewise STARTTLS's */
	bool text_begun;  /* a piece of it was told */
	bool mid_line;	  /* of the text: its line has begun */
	bool greeted;
	bool auth;     /* the last command was AUTH */
	bool hurried;  /* something came between STARTTLS and its answer */
	uint32_t told; /* proto_note_once() */
};
_Static_assert(sizeof(struct smtp) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(smtp_state, "smtp", struct smtp, 1);

/* --- recognition ----------------------------------------------------------- */

/* Up to NULL. */
static enum proto_guess is_one_of(struct bytes b, const char *const *words)
{
	enum proto_guess best = PROTO_NO;

	for (size_t i = 0; words[i]; i++) {
		enum proto_guess guess = text_begins_nocase(b, words[i]);

		if (guess != PROTO_NO)
			best = guess;
		if (guess == PROTO_YES)
			break;
	}
	return best;
}

static enum proto_guess is_hello(struct bytes b)
{
	static const char *const words[] = { "ehlo ", "helo ", "lhlo ", NULL };

	return is_one_of(b, words);
}

/* What a client may begin with, to a server that has said who it is. */
static enum proto_guess is_command(struct bytes b)
{
	static const char *const words[] = {
		"ehlo", "helo", "lhlo", "quit", "noop",	    "help",    "rset",
		"mail", "vrfy", "expn", "auth", "starttls", "xclient", NULL
	};

	return is_one_of(b, words);
}

/* "220 host ESMTP Postfix"; a server of FTP greets with 220, too. */
static enum proto_guess is_greeting(struct bytes b)
{
	enum proto_guess guess = text_begins(b, "220");
	struct bytes line;

	if (guess != PROTO_YES)
		return guess;
	if (!text_take_line(&b, &line))
		line = b;
	for (; bytes_len(line) >= 4; line.begin++)
		if (text_begins(line, "SMTP") == PROTO_YES)
			return PROTO_YES;
	return PROTO_MAYBE;
}

/* A server's greeting does not say what its client speaks. */
static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes client = o->said[PROTO_CLIENT];
	struct bytes server = o->said[PROTO_SERVER];
	enum proto_guess greeting = is_greeting(server);

	if (bytes_len(server) > 0 && greeting == PROTO_NO)
		return PROTO_NO;
	if (bytes_len(client) == 0)
		return PROTO_MAYBE;
	return greeting == PROTO_YES ? is_command(client) : is_hello(client);
}

/* --- commands ------------------------------------------------------------------- */

static enum frame_step malformed(enum proto_side side,
				 const struct proto_sink *sink)
{
	return sink->note(sink->arg, side, NOTE_MALFORMED) ? FRAME_LOST
							   : FRAME_STOPPED;
}

/* "FROM:<a@b> SIZE=9": what is in <>, or the first word. */
static struct bytes address_of(struct bytes rest)
{
	struct bytes word = rest;

	if (!text_take_until(&word, ':', &rest))
		return bytes_of(NULL, 0);
	word = text_trim(word);
	rest = word;
	if (text_take_until(&word, '<', &rest) &&
	    text_take_until(&word, '>', &rest))
		return rest;
	(void)text_take_until(&rest, ' ', &rest);
	return rest;
}

/* What is behind a command; s->mode says how it goes on. false: to be stopped. */
static bool begin_command(struct smtp *s, const char *name, struct bytes rest,
			  const struct proto_sink *sink)
{
	struct bytes number = rest;

	s->auth = strcmp(name, "AUTH") == 0;
	if (strcmp(name, "MAIL") == 0)
		return proto_tell(sink, PROTO_CLIENT, FIELD_SMTP_MAIL_FROM,
				  address_of(rest));
	if (strcmp(name, "RCPT") == 0)
		return proto_tell(sink, PROTO_CLIENT, FIELD_SMTP_RCPT_TO,
				  address_of(rest));
	if (strcmp(name, "DATA") == 0) {
		s->mode = DATA;
		s->mid_line = false;
		s->data_at = s->answers;
	} else if (strcmp(name, "BDAT") == 0) {
		(void)text_take_until(&number, ' ', &number);
		if (text_number(number, UINT32_MAX, &s->chunk_left) &&
		    s->chunk_left > 0)
			s->mode = CHUNK;
	} else if (strcmp(name, "STARTTLS") == 0) {
		s->tls_at = s->answers;
	}
	return true;
}

static enum frame_step command(struct smtp *s, struct bytes *rest,
			       const struct proto_sink *sink)
{
	struct bytes line, word, after;
	char name[NAME_MAX + 1] = { 0 };

	if (!text_take_line(rest, &line))
		return bytes_len(*rest) <= LINE_MAX
			       ? FRAME_MORE
			       : malformed(PROTO_CLIENT, sink);
	if (s->mode == AUTH) {
		s->mode = COMMANDS;
		s->answers++;
		return FRAME_TAKEN;
	}
	after = line = text_trim(line);
	word = line;
	if (text_take_until(&after, ' ', &word))
		after = text_trim(after);
	else
		after.begin = after.end;
	word = frames_first(word, NAME_MAX);
	for (size_t i = 0; i < bytes_len(word); i++) {
		uint8_t c = word.begin[i];

		name[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
	}
	s->answers += s->answers < UINT32_MAX;
	return frames_go_on(
		frames_piece(sink, PROTO_CLIENT, FIELD_SMTP_COMMAND,
			     bytes_of(name, bytes_len(word)), true, true) &&
		begin_command(s, name, after, sink) && sink->asked(sink->arg) &&
		sink->ended(sink->arg, PROTO_CLIENT));
}

/* --- the text --------------------------------------------------------------------- */

static bool tell_text(struct smtp *s, struct bytes b, bool end,
		      const struct proto_sink *sink)
{
	bool begin = !s->text_begun;

	if (bytes_len(b) == 0 && (begin || !end))
		return true;
	s->text_begun = !end;
	return frames_piece(sink, PROTO_CLIENT, FIELD_SMTP_BODY, b, begin, end);
}

/* A text is over: it is asked about. */
static enum frame_step end_text(struct smtp *s, const struct proto_sink *sink)
{
	/* DATA's text gets an answer of its own */
	s->answers += s->mode == DATA;
	s->mode = COMMANDS;
	s->data_at = 0;
	return frames_go_on(tell_text(s, bytes_of(NULL, 0), true, sink) &&
			    sink->asked(sink->arg) &&
			    sink->ended(sink->arg, PROTO_CLIENT));
}

/* A line that begins with a dot. TAKEN: s->mode says whether that was all. */
static enum frame_step dot(struct smtp *s, struct bytes *rest,
			   const struct proto_sink *sink)
{
	struct bytes b = *rest, line;
	bool bare;

	if (bytes_len(b) < 2)
		return FRAME_MORE;
	if (b.begin[1] == '\r' && bytes_len(b) < 3)
		return FRAME_MORE;
	if (b.begin[1] != '\n' && !(b.begin[1] == '\r' && b.begin[2] == '\n')) {
		rest->begin++; /* put there because the line begins so */
		s->mid_line = true;
		return FRAME_TAKEN;
	}
	/* some servers take "\n.\n" for the end, others do not */
	bare = b.begin[1] == '\n';
	(void)text_take_line(rest, &line);
	if (bare &&
	    !proto_note_once(sink, &s->told, PROTO_CLIENT, NOTE_MALFORMED))
		return FRAME_STOPPED;
	return end_text(s, sink);
}

/* Up to the next line that begins with a dot, or all that is there. */
static enum frame_step data(struct smtp *s, struct bytes *rest,
			    const struct proto_sink *sink)
{
	struct bytes b = *rest, line, text = *rest;

	if (!s->mid_line && *b.begin == '.')
		return dot(s, rest, sink);
	while (bytes_len(b) > 0 && (s->mid_line || *b.begin != '.')) {
		s->mid_line = !text_take_until(&b, '\n', &line);
		if (s->mid_line)
			b.begin = b.end;
	}
	text.end = b.begin;
	rest->begin = b.begin;
	return frames_go_on(tell_text(s, text, false, sink));
}

static enum frame_step chunk(struct smtp *s, struct bytes *rest,
			     const struct proto_sink *sink)
{
	struct bytes text = frames_first(*rest, s->chunk_left);

	rest->begin = text.end;
	s->chunk_left -= bytes_len(text);
	if (!tell_text(s, text, false, sink))
		return FRAME_STOPPED;
	return s->chunk_left > 0 ? FRAME_TAKEN : end_text(s, sink);
}

/* --- the server ------------------------------------------------------------- */

/* The last line of an answer. */
static enum frame_step answer(struct smtp *s, struct bytes line,
			      const struct proto_sink *sink)
{
	bool to_data = s->data_at == 1;
	uint8_t digit = *line.begin;

	if (!s->greeted) {
		s->greeted = true;
		return frames_go_on(sink->ended(sink->arg, PROTO_SERVER));
	}
	if (text_begins(line, "334") == PROTO_YES && s->auth &&
	    s->mode == COMMANDS) {
		s->mode = AUTH;
	} else if (text_begins(line, "535") == PROTO_YES &&
		   !sink->note(sink->arg, PROTO_SERVER, NOTE_SQL_DENIED)) {
		return FRAME_STOPPED;
	}
	if (s->tls_at == 1 && digit == '2')
		return s->hurried ? FRAME_LOST : FRAME_TLS;
	/* DATA was refused: what follows are commands */
	if (to_data && digit != '3' && s->mode == DATA) {
		s->mode = COMMANDS;
		if (s->text_begun &&
		    !tell_text(s, bytes_of(NULL, 0), true, sink))
			return FRAME_STOPPED;
	}
	s->answers -= s->answers > 0;
	s->data_at -= s->data_at > 0;
	s->tls_at -= s->tls_at > 0;
	s->hurried &= s->tls_at > 0;
	return frames_go_on(sink->ended(sink->arg, PROTO_SERVER));
}

static enum frame_step server(struct smtp *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	struct bytes line;

	if (!text_take_line(rest, &line))
		return bytes_len(*rest) <= LINE_MAX
			       ? FRAME_MORE
			       : malformed(PROTO_SERVER, sink);
	if (bytes_len(line) < 3)
		return FRAME_TAKEN;
	if (bytes_len(line) > 3 && line.begin[3] == '-')
		return FRAME_TAKEN;
	return answer(s, line, sink);
}

static enum frame_step next(void *state, enum proto_side side,
			    struct bytes *rest, const struct proto_sink *sink)
{
	struct smtp *s = state;

	if (side == PROTO_SERVER)
		return server(s, rest, sink);
	s->hurried = s->tls_at > 0;
	if (s->hurried &&
	    !proto_note_once(sink, &s->told, side, NOTE_MALFORMED))
		return FRAME_STOPPED;
	switch ((enum mode)s->mode) {
	case DATA: return data(s, rest, sink);
	case CHUNK: return chunk(s, rest, sink);
	case COMMANDS:
	case AUTH: break;
	}
	return command(s, rest, sink);
}

static struct proto_result read(void *state, struct proto_worker *w,
				const struct proto_chunk *c,
				const struct proto_sink *sink)
{
	struct smtp *s = state;

	(void)w;
	return frames_read(&s->frames, next, s, c, sink);
}

const struct proto_parser proto_smtp = {
	.name = "smtp",
	.app = APP_SMTP,
	.tcp = true,
	.state = &smtp_state,
	.recognise = recognise,
	.read = read,
};
