/*
 * libhtp as a witness: what each makes of the same conversation, in short:
 *
 *   C GET /path host body      of each request, once it is over
 *   S 200 body                 of each answer
 *
 * Where they differ the row says what libhtp says, and why that is so. libhtp's
 * own text is kept to, so that another version of it is noticed.
 */
#include <stdio.h>
#include <stdlib.h>

#include <htp/htp.h>
#include <zlib.h>

#include "talk.h"
#include "test.h"

#define TEXT_MAX 4096

struct text {
	char begin[TEXT_MAX];
	size_t len;
};

static void put(struct text *t, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++) {
		bool plain = p[i] > ' ' && p[i] < 0x7f && p[i] != '\\';

		assert_true(t->len + 5 < TEXT_MAX);
		t->len += (size_t)snprintf(t->begin + t->len, 5,
					   plain ? "%c" : "\\x%02x", p[i]);
	}
}

static void put_line(struct text *t, char who, const struct text *words,
		     size_t n)
{
	t->begin[t->len++] = who;
	for (size_t i = 0; i < n; i++) {
		assert_true(t->len + words[i].len + 3 < TEXT_MAX);
		t->begin[t->len++] = ' ';
		memcpy(t->begin + t->len, words[i].begin, words[i].len);
		t->len += words[i].len;
	}
	t->begin[t->len++] = '\n';
	t->begin[t->len] = 0;
}

/* --- ours ------------------------------------------------------------- */

/* Words of a line; host is the first that is told. */
enum { METHOD, PATH, HOST, BODY, WORDS };

struct ours {
	struct text said;
	struct text words[PROTO_SIDE__MAX][WORDS];
};

static bool our_piece(void *arg, const struct proto_piece *p)
{
	struct ours *o = arg;
	struct text *words = o->words[p->side], *word;

	switch ((enum proto_field)p->field) {
	case FIELD_HTTP_METHOD:
	case FIELD_HTTP_STAT_CODE: word = &words[METHOD]; break;
	case FIELD_HTTP_PATH: word = &words[PATH]; break;
	case FIELD_HTTP_HOST: word = &words[HOST]; break;
	case FIELD_HTTP_REQUEST_BODY:
	case FIELD_HTTP_RESPONSE_BODY: word = &words[BODY]; break;
	default: return true;
	}
	if (word != &words[HOST] || word->len == 0)
		put(word, p->bytes.begin, bytes_len(p->bytes));
	return true;
}

static bool our_note(void *arg, enum proto_side side, enum proto_note n)
{
	(void)arg;
	(void)side;
	(void)n;
	return true;
}

static bool our_asked(void *arg)
{
	(void)arg;
	return true;
}

static bool our_known(void *arg, uint32_t app)
{
	(void)arg;
	(void)app;
	return true;
}

static bool our_ended(void *arg, enum proto_side side)
{
	struct ours *o = arg;
	struct text *words = o->words[side];

	if (side == PROTO_SERVER) {
		words[PATH] = words[BODY];
		if (memcmp(words[METHOD].begin, "100", 3) != 0)
			put_line(&o->said, 'S', words, 2);
	} else {
		put_line(&o->said, 'C', words, WORDS);
	}
	memset(words, 0, sizeof o->words[side]);
	return true;
}

/* --- theirs ----------------------------------------------------------- */

struct theirs {
	struct text said;
	struct text body[PROTO_SIDE__MAX];
};

static void put_bstr(struct text *t, const bstr *b)
{
	if (b)
		put(t, bstr_ptr(b), bstr_len(b));
}

static struct theirs *theirs_of(htp_tx_t *tx)
{
	return htp_connp_get_user_data(tx->connp);
}

static int their_request_body(htp_tx_data_t *d)
{
	put(&theirs_of(d->tx)->body[PROTO_CLIENT], d->data, d->len);
	return HTP_OK;
}

static int their_response_body(htp_tx_data_t *d)
{
	put(&theirs_of(d->tx)->body[PROTO_SERVER], d->data, d->len);
	return HTP_OK;
}

static int their_request(htp_tx_t *tx)
{
	struct theirs *t = theirs_of(tx);
	struct text words[WORDS];

	memset(words, 0, sizeof words);
	put_bstr(&words[METHOD], tx->request_method);
	put_bstr(&words[PATH], tx->parsed_uri ? tx->parsed_uri->path : NULL);
	put_bstr(&words[HOST], tx->request_hostname);
	words[BODY] = t->body[PROTO_CLIENT];
	put_line(&t->said, 'C', words, WORDS);
	t->body[PROTO_CLIENT].len = 0;
	return HTP_OK;
}

static int their_response(htp_tx_t *tx)
{
	struct theirs *t = theirs_of(tx);
	struct text words[2];

	memset(words, 0, sizeof words);
	put_bstr(&words[0], tx->response_status);
	words[1] = t->body[PROTO_SERVER];
	put_line(&t->said, 'S', words, 2);
	t->body[PROTO_SERVER].len = 0;
	return HTP_OK;
}

static htp_cfg_t *their_config(void)
{
	htp_cfg_t *cfg = htp_config_create();

	assert_non_null(cfg);
	assert_int_equal(
		htp_config_set_server_personality(cfg, HTP_SERVER_APACHE_2),
		HTP_OK);
	htp_config_set_request_decompression(cfg, 1);
	htp_config_register_request_body_data(cfg, their_request_body);
	htp_config_register_response_body_data(cfg, their_response_body);
	htp_config_register_request_complete(cfg, their_request);
	htp_config_register_response_complete(cfg, their_response);
	return cfg;
}

/* --- both ------------------------------------------------------------- */

static void hear_ours(const struct talk_line *lines, struct ours *o)
{
	static const struct dialogue_limits limits = { 1, 1 };
	struct proto_sink sink = { .piece = our_piece,
				   .note = our_note,
				   .asked = our_asked,
				   .ended = our_ended,
				   .known = our_known,
				   .arg = o };
	struct dialogue_pool *p = dialogue_pool_new(&limits, 1);
	struct proto_chunk c = { .last = true };
	uint32_t handle;

	assert_non_null(p);
	handle = dialogue_open(p, false, false, 80);
	for (const struct talk_line *l = lines; l->who; l++) {
		size_t len = l->len ? l->len : strlen(l->text);
		struct proto_chunk said = {
			.bytes = bytes_of(l->text, len),
			.side = l->who == 'C' ? PROTO_CLIENT : PROTO_SERVER,
		};

		/* the rows leave nothing unread */
		assert_int_equal(dialogue_read(p, handle, &said, &sink), len);
	}
	for (c.side = 0; c.side < PROTO_SIDE__MAX; c.side++)
		(void)dialogue_read(p, handle, &c, &sink);
	dialogue_close(p, handle);
	dialogue_pool_free(p);
}

static void hear_theirs(htp_cfg_t *cfg, const struct talk_line *lines,
			struct theirs *t)
{
	htp_connp_t *connp = htp_connp_create(cfg);
	htp_time_t now = { 1, 0 };

	assert_non_null(connp);
	htp_connp_set_user_data(connp, t);
	htp_connp_open(connp, "10.0.0.1", 4000, "10.0.0.2", 80, &now);
	for (const struct talk_line *l = lines; l->who; l++) {
		size_t len = l->len ? l->len : strlen(l->text);

		if (l->who == 'C')
			(void)htp_connp_req_data(connp, &now, l->text, len);
		else
			(void)htp_connp_res_data(connp, &now, l->text, len);
	}
	htp_connp_close(connp, &now);
	htp_connp_destroy_all(connp);
}

#define GET(target)                                                  \
	{                                                            \
		'C', "GET " target " HTTP/1.1\r\nHost: h\r\n\r\n", 0 \
	}
#define HOST_IS(host)                                              \
	{                                                          \
		'C', "GET / HTTP/1.1\r\nHost: " host "\r\n\r\n", 0 \
	}
#define POST(headers, body)                                                  \
	{                                                                    \
		'C', "POST / HTTP/1.1\r\nHost: h\r\n" headers "\r\n" body, 0 \
	}
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define OK(headers, body)                                         \
	{                                                         \
		'S', "HTTP/1.1 200 OK\r\n" headers "\r\n" body, 0 \
	}

/* limits: table */
static const struct row {
	const char *name;
	struct talk_line lines[5];
	const char *theirs; /* NULL: the same as ours */
	const char *why;
} rows[] = {
	{ "a request",
	  { GET("/a/b?c=d"), OK("Content-Length: 2\r\n", "ok") },
	  NULL,
	  NULL },
	{ "more than one",
	  { GET("/1"), OK("Content-Length: 1\r\n", "a"), GET("/2"),
	    OK("Content-Length: 1\r\n", "b") },
	  NULL,
	  NULL },
	{ "HEAD",
	  { { 'C',
	      "HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: "
	      "h\r\n\r\n",
	      0 },
	    { 'S',
	      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 304 "
	      "OK\r\n\r\n",
	      0 } },
	  NULL,
	  NULL },
	{ "until the end", { GET("/"), OK("", "all of it") }, NULL, NULL },
	{ "a body",
	  { POST("Content-Length: 3\r\n", "abc"),
	    OK("Content-Length: 0\r\n", "") },
	  NULL,
	  NULL },
	{ "chunks",
	  { POST(CHUNKED, "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"),
	    OK(CHUNKED, "1\r\nz\r\n0\r\nA: b\r\n\r\n") },
	  NULL,
	  NULL },
	{ "chunks, only \\n",
	  { POST(CHUNKED, "3\nabc\n0\n\n"), OK("Content-Length: 0\r\n", "") },
	  NULL,
	  NULL },
	{ "100-continue",
	  { POST("Expect: 100-continue\r\nContent-Length: 2\r\n", ""),
	    { 'S', "HTTP/1.1 100 Continue\r\n\r\n", 0 },
	    { 'C', "ab", 0 },
	    OK("Content-Length: 1\r\n", "x") },
	  NULL,
	  NULL },
	{ "a host in upper case, with a port",
	  { HOST_IS("Example.ORG:8080"), OK("Content-Length: 0\r\n", "") },
	  "C GET / Example.ORG \nS 200 \n",
	  "a field to compare with, not one to show" },
	{ "a host with a dot behind it",
	  { HOST_IS("example.org.") },
	  "C GET / example.org. \n",
	  "the same host, to nginx and to DNS" },
	{ "an address of IPv6", { HOST_IS("[::1]:80") }, NULL, NULL },
	{ "an absolute target",
	  { GET("http://Other.example/p?q") },
	  NULL,
	  NULL },
	{ "the path is made plain", { GET("/a/../b/./c//d") }, NULL, NULL },
	{ "dots that are encoded", { GET("/a/%2e%2e/b") }, NULL, NULL },
	{ "a slash that is encoded",
	  { GET("/a%2fb") },
	  "C GET /a%2fb h \n",
	  "Apache refuses it (404), nginx decodes it" },
	{ "encoded twice", { GET("/%2561") }, NULL, NULL },
	{ "encoded badly", { GET("/%zz%4") }, NULL, NULL },
	{ "beyond the root", { GET("/../../etc/passwd") }, NULL, NULL },
	{ "a backslash", { GET("/a\\..\\b") }, NULL, NULL },
	{ "%u", { GET("/%u0041") }, NULL, NULL },
	{ "NUL", { GET("/a%00b") }, NULL, NULL },
	{ "a fragment", { GET("/a#b?c") }, NULL, NULL },
	{ "UTF-8", { GET("/%c3%a4") }, NULL, NULL },
	{ "upper case is kept", { GET("/A%42") }, NULL, NULL },
	{ "a blank in the target",
	  { GET("/a b") },
	  "C GET /a h \n",
	  "nginx before 1.21.1 and Python take all of it" },
	{ "more blanks, tabs",
	  { { 'C', "GET  \t/a \t HTTP/1.1\r\nHost: h\r\n\r\n", 0 } },
	  NULL,
	  NULL },
	{ "blank lines before it",
	  { { 'C', "\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n", 0 } },
	  NULL,
	  NULL },
	{ "a method in lower case",
	  { { 'C', "get /a HTTP/1.1\r\nHost: h\r\n\r\n", 0 } },
	  NULL,
	  NULL },
	{ "HTTP/0.9",
	  { { 'C', "GET /a\r\n", 0 }, { 'S', "raw", 0 } },
	  NULL,
	  NULL },
	{ "folded",
	  { { 'C', "GET / HTTP/1.1\r\nHost:\r\n h\r\n\r\n", 0 } },
	  NULL,
	  NULL },
	{ "two hosts",
	  { { 'C', "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 0 } },
	  "C GET / a,\\x20b \n",
	  "each is told: a rule for either is met" },
	{ "two lengths",
	  { POST("Content-Length: 3\r\nContent-Length: 1\r\n", "abc") },
	  NULL,
	  NULL },
	{ "a length and chunks",
	  { POST("Content-Length: 3\r\n" CHUNKED, "1\r\na\r\n0\r\n\r\n") },
	  NULL,
	  NULL },
	{ "blanks around a name",
	  { POST("Content-Length : 3\r\n", "abc") },
	  NULL,
	  NULL },
	{ "chunks in HTTP/1.0",
	  { { 'C',
	      "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: "
	      "chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
	      0 } },
	  NULL,
	  NULL },
	{ "xchunked",
	  { POST("Transfer-Encoding: xchunked\r\nContent-Length: 3\r\n",
		 "abc") },
	  "",
	  "libhtp waits for more; nginx and Apache refuse it" },
	{ "a chunk size with 0x",
	  { POST(CHUNKED, "0x1\r\na\r\n0\r\n\r\n") },
	  "C POST / h \n",
	  "not to be known: 1 to Python, 0 to others; we are lost" },
	{ "CONNECT",
	  { { 'C',
	      "CONNECT Example.org:443 HTTP/1.1\r\nHost: "
	      "example.org:443\r\n\r\n",
	      0 },
	    OK("", "") },
	  "S 200 \n",
	  "libhtp tells a request only when its answer did not make it a "
	  "tunnel" },
	{ "an upgrade",
	  { { 'C', "GET /c HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n",
	      0 },
	    { 'S', "HTTP/1.1 101 a\r\nUpgrade: websocket\r\n\r\n", 0 } },
	  NULL,
	  NULL },
};

static void witness(void **state)
{
	htp_cfg_t *cfg = their_config();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct theirs theirs = { .said.len = 0 };
		struct ours ours = { .said.len = 0 };
		const struct row *r = &rows[i];

		hear_ours(r->lines, &ours);
		hear_theirs(cfg, r->lines, &theirs);
		if (strcmp(theirs.said.begin,
			   r->theirs ? r->theirs : ours.said.begin) != 0 ||
		    (r->theirs && !strcmp(r->theirs, ours.said.begin)))
			fail_msg("\"%s\" (%s): ours:\n%stheirs:\n%s", r->name,
				 r->why ? r->why : "alike", ours.said.begin,
				 theirs.said.begin);
	}
	htp_config_destroy(cfg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(witness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
