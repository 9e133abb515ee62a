/*
 * HTTP/2 that is met in its middle: what is said by hand, and recorded conversations
 * (talks/http2/) from each of their turns on. What is told of a head must be what is
 * told of it from the beginning, or that it is not all.
 */
#include "talk.h"
#include "test.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME(len, type, flags, stream) "\0\0" len type flags "\0\0\0" stream
/* ":method GET", ":scheme http", ":authority h"; five bytes, and the rest. */
#define HEAD	       "\x82\x86\1\1h"
#define GET(len, rest) FRAME(len, "\1", "\5", "\1") HEAD rest
#define WINDOW	       FRAME("\4", "\x8", "\0", "\0") "\0\0\1\0"
#define PING	       FRAME("\x8", "\6", "\0", "\0") "abcdefgh"
#define OK	       FRAME("\1", "\1", "\5", "\1") "\x88"

/* A request whose path and type are of before; DATA that is a message. */
#define GRPC(message) \
	FRAME("\7", "\1", "\4", "\1") "\x83\x86\1\1h\xbe\xbf" message
#define MESSAGE(len, of, bytes) FRAME(len, "\0", "\1", "\1") "\0\0\0\0" of bytes

#define SAID_OK "S http.stat_code 200\nS ended\n"
#define MIDDLE	"C note http2.middle\n"
#define NOBODY	"C http.path ~\nasked\nC ended\n"
/* cut: "~" if it is not all; more: headers */
#define ASKED(path, cut, more)                                                 \
	"C http.method GET\nC http.uri.raw " path cut "\nC http.uri " path cut \
	"\nC http.path " path cut "\nC http.protocol HTTP/2\n"                 \
	"C http.host h\nC http.header host: h\\x0d\\x0a" more                  \
	"\nasked\nC ended\n"
#define A_B "a: b\\x0d\\x0a"
#define C_D "c: d\\x0d\\x0a"

static const struct row {
	const char *name;
	struct talk_line lines[6];
	const char *want;
	bool whole; /* in other pieces it would be heard otherwise */
} rows[] = {
	{ "a head that needs no table",
	  { TALK('C', GET("\6", "\x84")), TALK('S', OK) },
	  "app http2\n" ASKED("/", "", "") SAID_OK },
	{ "behind other frames",
	  { TALK('C', WINDOW PING GET("\6", "\x84") GET("\6", "\x85")) },
	  "app http2\n" ASKED("/", "", "") ASKED("/index.html", "", "") },
	{ "a path of before",
	  { TALK('C', GET("\6", "\xbe")), TALK('S', OK) },
	  "app http2\n" MIDDLE "C http.method GET\nC http.path ~\n"
	  "C http.protocol HTTP/2\nC http.host h\n"
	  "C http.header host: h\\x0d\\x0a\nasked\nC ended\n" SAID_OK },
	{ "a field of before: it may be anything",
	  { TALK('C', GET("\7", "\x84\xbf")), TALK('S', OK) },
	  "app http2\n" MIDDLE ASKED("/", "~", "") SAID_OK },
	{ "what is added from then on",
	  { TALK('C', GET("\xb", "\x84\x40\1a\1b")), TALK('S', OK),
	    TALK('C', GET("\xc", "\x84\x40\1c\1d\xbf") GET(
			      "\x8", "\x84\xbf\xbe") GET("\7", "\x84\xc0")) },
	  "app http2\n" ASKED("/", "", A_B) SAID_OK ASKED("/", "", C_D A_B)
		  ASKED("/", "", A_B C_D) MIDDLE ASKED("/", "~", "") },
	{ "a name of before keeps its place",
	  { TALK('C', GET("\xf", "\x84\x40\1a\1b\x7f\x09\1x")), TALK('S', OK),
	    TALK('C', GET("\7", "\x84\xbf") GET("\7", "\x84\xbe")) },
	  "app http2\n" MIDDLE ASKED("/", "~", A_B) SAID_OK ASKED("/", "", A_B)
		  ASKED("/", "~", "") },
	{ "a head in two frames",
	  { TALK('C', PING FRAME("\3", "\1", "\1", "\1") "\x82\x86\1" FRAME(
			      "\3", "\x9", "\4", "\1") "\1h\x84") },
	  "app http2\n" ASKED("/", "", "") },
	{ "a client in the middle of a body",
	  { TALK('S', PING WINDOW), TALK('C', "what is left of it"),
	    TALK('C', GET("\6", "\x84")) },
	  "app http2\n" MIDDLE NOBODY ASKED("/", "", ""),
	  true },
	{ "a server in the middle of one",
	  { TALK('C', WINDOW WINDOW), TALK('S', "<html>"),
	    TALK('C', GET("\6", "\x84")), TALK('S', OK) },
	  "app http2\n" ASKED("/", "", "") SAID_OK,
	  true },
	{ "what no client may say",
	  { TALK('C', WINDOW WINDOW FRAME("\1", "\0", "\x8", "\1") "\7") },
	  "app http2\n" NOBODY "lost\n" },
	{ "a body of before",
	  { TALK('C', WINDOW PING FRAME("\3", "\0", "\1", "\1") "abc") },
	  "app http2\n" MIDDLE "C http.request_body abc\nC ended\n" },
	{ "fields behind a body of before",
	  { TALK('C', WINDOW PING FRAME("\5", "\1", "\5", "\1") "\0\1a\1b") },
	  "app http2\nC http.header " A_B "\nC ended\n" },
	{ "an answer whose status is one of before",
	  { TALK('C', WINDOW PING),
	    TALK('S', FRAME("\1", "\1", "\4",
			    "\1") "\xbe" FRAME("\2", "\0", "\1", "\1") "hi") },
	  "app http2\nS note http2.middle\nS http.response_body hi\nS "
	  "ended\n" },
	{ "a message of gRPC behind a head that does not say so",
	  { TALK('C', PING GRPC(MESSAGE("\x7", "\2", "hi"))) },
	  "app http2\n" MIDDLE "C http.method POST\nC http.path ~\n"
	  "C http.protocol HTTP/2\nC http.host h\n"
	  "C http.header host: h\\x0d\\x0a\nknown grpc\nasked\n"
	  "C grpc.message hi\nC ended\n",
	  true },
	{ "one of a request of before",
	  { TALK('C', WINDOW PING MESSAGE("\x7", "\2", "hi")) },
	  "app http2\nknown grpc\n" MIDDLE
	  "C http.request_body \\x00\\x00\\x00\\x00\\x02hi\nC ended\n" },
	{ "one of an answer of before",
	  { TALK('C', WINDOW PING), TALK('S', MESSAGE("\5", "\0", "")) },
	  "app http2\nknown grpc\n"
	  "S http.response_body \\x00\\x00\\x00\\x00\\x00\nS ended\n" },
	{ "what is longer than it says",
	  { TALK('C', PING GRPC(MESSAGE("\x8", "\2", "hi!"))) },
	  "app http2\n" MIDDLE "C http.method POST\nC http.path ~\n"
	  "C http.protocol HTTP/2\nC http.host h\n"
	  "C http.header host: h\\x0d\\x0a\nasked\n"
	  "C http.request_body \\x00\\x00\\x00\\x00\\x02hi!\nC ended\n" },
	{ "text", { TALK('C', "hello\r\n"), TALK('S', "hello\r\n") }, NULL },
	{ "zeros", { TALK('C', "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") } },
	{ "DATA alone",
	  { TALK('C', FRAME("\1", "\0", "\0", "\1") "a" FRAME(
			      "\1", "\0", "\0",
			      "\1") "b" FRAME("\1", "\0", "\0", "\1") "c") } },
	{ "a reserved bit", { TALK('C', "\0\0\4\x8\0\x80\0\0\0\0\0\0\1") } },
	{ "a client that promises",
	  { TALK('C', FRAME("\5", "\5", "\4", "\1") "\0\0\0\2\x82" PING) } },
	{ "a block that is none",
	  { TALK('C', GET("\7", "\x84\x80") WINDOW WINDOW) } },
	{ "settings of half a value",
	  { TALK('C', FRAME("\5", "\4", "\0", "\0") "\0\1\0\0\0" PING) } },
};

/* most: bytes of a chunk; 0: whole lines. */
static void say_lines(struct talk *t, const struct talk_line *l, size_t most)
{
	for (; l->who; l++)
		for (size_t at = 0, n; at < l->len; at += n) {
			n = most && most < l->len - at ? most : l->len - at;
			talk_say(t, l->who == 'C' ? PROTO_CLIENT : PROTO_SERVER,
				 bytes_of(l->text + at, n));
		}
}

static void by_hand(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t most = 0; most < (rows[i].whole ? 1 : 9); most++) {
			const struct row *r = &rows[i];
			struct talk *t = talk_new(false, true);
			const char *heard = talk_heard(t);

			say_lines(t, r->lines, most);
			if (r->want ? strcmp(heard, r->want) != 0
				    : strstr(heard, "http2") != NULL)
				fail_msg("%s, by %zu:\n%s\nwanted:\n%s",
					 r->name, most, heard,
					 r->want ? r->want : "-");
			talk_free(t);
		}
}

/* The beginning was seen: then it is not HTTP/2. */
static void not_at_the_beginning(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct talk *t = talk_new(false, false);

		say_lines(t, rows[i].lines, 0);
		if (strstr(talk_heard(t), "http2"))
			fail_msg("%s is HTTP/2", rows[i].name);
		talk_free(t);
	}
}

/* --- recorded ---------------------------------------------------------------- */

#define TURNS_MAX 64
#define FILE_MAX  (256u << 10)

static size_t read_turns(const char *path, struct talk_line *ret)
{
	static uint8_t room[FILE_MAX];
	FILE *f = fopen(path, "rbe");
	struct bytes rest, b;
	uint8_t flags;
	uint16_t len;
	size_t n = 0;

	assert_row(path, f);
	rest = bytes_of(room, fread(room, 1, sizeof room, f));
	(void)fclose(f);
	while (n < TURNS_MAX && take_u8(&rest, &flags) &&
	       take_be16(&rest, &len) && take_bytes(&rest, len, &b))
		ret[n++] = (struct talk_line){ flags & 1 ? 'S' : 'C',
					       (const char *)b.begin, len };
	ret[n] = (struct talk_line){ 0 };
	return n;
}

/* Is each whole path of `late` one of `all`? */
static bool are_paths_of(const char *late, const char *all)
{
	static const char word[] = "C http.path ";
	char line[512];

	for (const char *at = late; (at = strstr(at, word)); at++) {
		size_t n = strcspn(at, "\n") + 1;

		assert_true(n < sizeof line);
		memcpy(line, at, n);
		line[n] = '\0';
		if (line[n - 2] != '~' && !strstr(all, line))
			return false;
	}
	return true;
}

/* true: it was recognised. */
static bool from_turn(const char *path, const struct talk_line *lines,
		      const char *all)
{
	struct talk *t = talk_new(false, true);
	const char *heard = talk_heard(t);
	bool known;

	say_lines(t, lines, 0);
	known = strstr(heard, "app http2\n") || strstr(heard, "known http2\n");
	/* a text of gRPC, with what is before it, is a client's id of Kafka */
	if (*heard && !known && strncmp(heard, "app kafka\n", 10) != 0 &&
	    strcmp(heard, "unknown\n") != 0)
		fail_msg("%s is not HTTP/2:\n%s", path, heard);
	if (known &&
	    (strstr(heard, "note malformed") || strstr(heard, "hpack") ||
	     strstr(heard, "lost") || !are_paths_of(heard, all)))
		fail_msg("%s:\n%s\nfrom its beginning:\n%s", path, heard, all);
	talk_free(t);
	return known;
}

static void recorded(void **state)
{
	static struct talk_line lines[TURNS_MAX + 1];
	unsigned known = 0, all = 0;
	glob_t found;

	(void)state;
	assert_int_equal(glob(SOURCE_ROOT "/tests/unit/talks/http2/*.talk", 0,
			      NULL, &found),
			 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		size_t n = read_turns(found.gl_pathv[i], lines);
		struct talk *t = talk_new(false, false);

		say_lines(t, lines, 0);
		for (size_t k = 1; k < n; k++, all++)
			known += from_turn(found.gl_pathv[i], &lines[k],
					   talk_heard(t));
		talk_free(t);
	}
	globfree(&found);
	print_message("%u of %u are recognised\n", known, all);
	assert_true(known > all / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_hand),
		cmocka_unit_test(not_at_the_beginning),
		cmocka_unit_test(recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
