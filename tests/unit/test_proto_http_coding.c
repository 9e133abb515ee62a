/*
 * Bodies that are packed: gzip, deflate, brotli, one in the other, broken, too
 * large. Packed here by the libraries that servers use.
 */
#include <stdio.h>
#include <stdlib.h>

#include <brotli/encode.h>
#include <zlib.h>

#include "http_rows.h"
#include "proto/arena.h"
#include "proto/http1.h"
#include "proto/unpack.h"
#include "seed.h"

struct text {
	uint8_t *begin;
	size_t len;
};

static struct text text_of(const void *bytes, size_t len)
{
	struct text t = { malloc(len + 1), len };

	assert_non_null(t.begin);
	memcpy(t.begin, bytes, len);
	return t;
}

/* b is put behind a; b is gone. */
static void join(struct text *a, struct text b)
{
	a->begin = realloc(a->begin, a->len + b.len + 1);
	assert_non_null(a->begin);
	memcpy(a->begin + a->len, b.begin, b.len);
	a->len += b.len;
	free(b.begin);
}

/* t is gone. bits: windowBits of zlib.h. */
static struct text deflated(struct text t, int bits)
{
	z_stream z = { .next_in = t.begin, .avail_in = (unsigned)t.len };
	struct text r;

	assert_int_equal(
		deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY),
		Z_OK);
	r.len = deflateBound(&z, t.len);
	r.begin = malloc(r.len);
	assert_non_null(r.begin);
	z.next_out = r.begin;
	z.avail_out = (unsigned)r.len;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	r.len -= z.avail_out;
	deflateEnd(&z);
	free(t.begin);
	return r;
}

static struct text brotlied(struct text t, int window)
{
	struct text r = { NULL, BrotliEncoderMaxCompressedSize(t.len) };

	r.begin = malloc(r.len);
	if (!r.begin || !BrotliEncoderCompress(5, window, BROTLI_MODE_GENERIC,
					       t.len, t.begin, &r.len, r.begin))
		abort();
	free(t.begin);
	return r;
}

/* How: g gzip, z zlib, r raw deflate, b brotli; the first is done first. */
static struct text packed(struct text t, const char *how)
{
	for (; *how; how++)
		t = *how == 'b'	  ? brotlied(t, 18)
		    : *how == 'g' ? deflated(t, MAX_WBITS + 16)
		    : *how == 'z' ? deflated(t, MAX_WBITS)
				  : deflated(t, -MAX_WBITS);
	return t;
}

static struct text random_text(uint64_t *random, size_t len)
{
	struct text t = text_of("", 0);

	t.begin = realloc(t.begin, len + 1);
	assert_non_null(t.begin);
	t.len = len;
	for (size_t i = 0; i < len; i++)
		t.begin[i] = (uint8_t)('a' + seed_draw(random, 9));
	return t;
}

/* An answer with these headers and this body, in chunks of `most`. */
static struct talk *answer(const char *headers, struct text body, size_t most)
{
	struct talk *t = talk_new(false, false);
	const char *get = "GET / HTTP/1.1\r\n\r\n";
	char head[256];

	(void)snprintf(head, sizeof head,
		       "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n",
		       headers, body.len);
	talk_say(t, PROTO_CLIENT, bytes_of(get, strlen(get)));
	talk_say(t, PROTO_SERVER, bytes_of(head, strlen(head)));
	for (size_t at = 0, n; at < body.len; at += n) {
		n = body.len - at < most ? body.len - at : most;
		talk_say(t, PROTO_SERVER, bytes_of(body.begin + at, n));
	}
	return t;
}

/* All of what is heard of the body, or NULL. */
static char *body_heard(struct talk *t)
{
	const char *name = "S http.response_body ";
	const char *at = strstr(talk_heard(t), name);

	if (!at)
		return NULL;
	at += strlen(name);
	return strndup(at, strcspn(at, "\n"));
}

static const struct {
	const char *name, *headers, *how;
} codings[] = {
	{ "gzip", "Content-Encoding: gzip\r\n", "g" },
	{ "x-gzip", "Content-Encoding: X-GZIP\r\n", "g" },
	{ "zlib, said to be gzip", "Content-Encoding: gzip\r\n", "z" },
	{ "deflate", "Content-Encoding: deflate\r\n", "z" },
	{ "raw deflate", "Content-Encoding: deflate\r\n", "r" },
	{ "br", "Content-Encoding: br\r\n", "b" },
	{ "identity", "Content-Encoding: identity\r\n", "" },
	{ "one in the other", "Content-Encoding: gzip, br\r\n", "gb" },
	{ "in two headers",
	  "Content-Encoding: br\r\nContent-Encoding: gzip\r\n", "bg" },
};

static void check_undone(const char *name, const char *headers, const char *how,
			 size_t len, uint64_t *random)
{
	struct text plain = random_text(random, len);
	struct text body = packed(text_of(plain.begin, plain.len), how);
	struct talk *t = answer(headers, body,
				1 + seed_draw(random, (uint32_t)body.len));
	char *heard = body_heard(t);

	plain.begin[plain.len] = 0;
	assert_row(name, heard);
	assert_string_equal(heard, (char *)plain.begin);
	assert_row(name, !strstr(talk_heard(t), "note"));
	free(heard);
	free(plain.begin);
	free(body.begin);
	talk_free(t);
}

static void undone(void **state)
{
	static const size_t lens[] = { 1, 5, 300, 40000 };
	uint64_t random = seed_choose() | 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codings); i++)
		for (size_t j = 0; j < ARRAY_LEN(lens); j++)
			check_undone(codings[i].name, codings[i].headers,
				     codings[i].how, lens[j], &random);
}

/* Transfer-Encoding: gzip, chunked; and a content coding in that. */
static void of_the_transfer(void **state)
{
	struct text body = packed(text_of("hello", 5), "bg");
	const char *head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked"
			   "\r\nContent-Encoding: br\r\n\r\n";
	const char *get = "GET / HTTP/1.1\r\n\r\n";
	struct talk *t = talk_new(false, false);
	char *heard, size[16];

	(void)state;
	talk_say(t, PROTO_CLIENT, bytes_of(get, strlen(get)));
	talk_say(t, PROTO_SERVER, bytes_of(head, strlen(head)));
	for (size_t i = 0; i <= body.len; i++) {
		(void)snprintf(size, sizeof size, "%d\r\n", i < body.len);
		talk_say(t, PROTO_SERVER, bytes_of(size, strlen(size)));
		talk_say(t, PROTO_SERVER,
			 bytes_of(body.begin + i, i < body.len));
		talk_say(t, PROTO_SERVER, bytes_of("\r\n", 2));
	}
	heard = body_heard(t);
	assert_non_null(heard);
	assert_string_equal(heard, "hello");
	free(heard);
	free(body.begin);
	talk_free(t);
}

static void many_in_a_row(void **state)
{
	struct text body = packed(text_of("one ", 4), "g");

	(void)state;
	join(&body, packed(text_of("two ", 4), "g"));
	join(&body, packed(text_of("three", 5), "g"));
	for (size_t most = 1; most <= body.len; most++) {
		struct talk *t =
			answer("Content-Encoding: gzip\r\n", body, most);
		char *heard = body_heard(t);

		assert_string_equal(heard, "one two three");
		free(heard);
		talk_free(t);
	}
	free(body.begin);
}

/* As answer(), and handed over before the byte `at` of the body. */
static struct talk *answer_handed(const char *headers, struct text body,
				  size_t at)
{
	struct text first = { body.begin, at };
	struct talk *t = talk_new(false, false);
	const char *get = "GET / HTTP/1.1\r\n\r\n";
	char head[256];

	(void)snprintf(head, sizeof head,
		       "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n",
		       headers, body.len);
	talk_say(t, PROTO_CLIENT, bytes_of(get, strlen(get)));
	talk_say(t, PROTO_SERVER, bytes_of(head, strlen(head)));
	if (first.len > 0)
		talk_say(t, PROTO_SERVER, bytes_of(first.begin, first.len));
	(void)talk_hand_over(t); /* the counts tell */
	talk_say(t, PROTO_SERVER, bytes_of(body.begin + at, body.len - at));
	return t;
}

/* Its beginning, and a note; or all of it. Is it all? */
static bool check_handed(const char *name, const char *headers,
			 struct text body, const char *plain, size_t at)
{
	struct talk *t = answer_handed(headers, body, at);
	bool cut = talk_counts(t).bodies_cut > 0;
	char *heard = body_heard(t);

	assert_row(name, cut == !!strstr(talk_heard(t), "S note limit\n"));
	assert_row(name, strstr(talk_heard(t), "S ended\n"));
	assert_row(name, cut || (heard && strcmp(heard, plain) == 0));
	assert_row(name, !heard || strncmp(plain, heard, strlen(heard)) == 0);
	assert_row(name, !cut || at > 0);
	free(heard);
	talk_free(t);
	return !cut;
}

static void handed_over(void **state)
{
	uint64_t random = seed_choose() | 1;
	struct text row;
	unsigned all = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
		struct text plain = random_text(&random, 60);
		struct text body =
			packed(text_of(plain.begin, plain.len), codings[i].how);

		plain.begin[plain.len] = 0;
		for (size_t at = 0; at < body.len;
		     at += 1 + seed_draw(&random, at < 20 ? 1 : 5))
			all += check_handed(codings[i].name, codings[i].headers,
					    body, (char *)plain.begin, at);
		free(plain.begin);
		free(body.begin);
	}
	assert_true(all > 60); /* "identity" has no decoder */
	/* between two of gzip nothing is lost */
	row = packed(text_of("one ", 4), "g");
	all = (unsigned)row.len;
	join(&row, packed(text_of("two", 3), "g"));
	assert_true(check_handed("row", "Content-Encoding: gzip\r\n", row,
				 "one two", all));
	free(row.begin);
}

/* What is heard of a body that is not what its headers say. */
static void check_odd(const char *headers, struct text body, const char *want)
{
	for (size_t most = 1; most <= body.len; most += body.len / 3 + 1) {
		struct talk *t = answer(headers, body, most);
		const char *at = strstr(talk_heard(t), "S http.header ");

		/* the header, which is not of interest here */
		assert_non_null(at);
		at = strchr(at, '\n') + 1;
		assert_string_equal(at, want);
		talk_free(t);
	}
	free(body.begin);
}

static void broken(void **state)
{
	const char *gzip = "Content-Encoding: gzip\r\n";
	struct text body;

	(void)state;
	check_odd(gzip, text_of("plain", 5),
		  "S note http.coding\nS http.response_body plain\nS ended\n");
	check_odd("Content-Encoding: zstd\r\n", text_of("what", 4),
		  "S note http.coding\nS http.response_body what\nS ended\n");
	check_odd("Content-Encoding: gzip, gzip, gzip\r\n", text_of("what", 4),
		  "S note http.coding\nS http.response_body what\nS ended\n");
	check_odd("Content-Encoding: br\r\n", text_of("\xff\xff\xff\xff", 4),
		  "S note http.coding\n"
		  "S http.response_body \\xff\\xff\\xff\\xff\nS ended\n");
	/* behind it is something */
	body = packed(text_of("a", 1), "z");
	join(&body, text_of("behind", 6));
	check_odd(
		"Content-Encoding: deflate\r\n", body,
		"S note http.coding\nS http.response_body abehind\nS ended\n");
	/* its end is missing: what there is, is told */
	body = packed(text_of("abc", 3), "g");
	body.len -= 4;
	check_odd(gzip, body, "S http.response_body abc\nS ended\n");
	/* gzip in gzip, and the inner one is not */
	check_odd("Content-Encoding: gzip, gzip\r\n",
		  packed(text_of("abc", 3), "g"),
		  "S note http.coding\nS ended\n");
}

/* It grows and grows: not followed for ever. */
static void bombs(void **state)
{
	struct text zeros = { calloc(1, 4 << 20), 4 << 20 };
	struct text once, twice;
	struct talk *t;

	(void)state;
	assert_non_null(zeros.begin);
	once = packed(zeros, "g");
	t = answer("Content-Encoding: gzip\r\n", once, SIZE_MAX / 2);
	assert_non_null(strstr(talk_heard(t), "S note http.ratio\n"));
	talk_free(t);
	twice = packed(once, "g");
	t = answer("Content-Encoding: gzip, gzip\r\n", twice, 100);
	assert_non_null(strstr(talk_heard(t), "S note http.ratio\n"));
	talk_free(t);
	free(twice.begin);
}

/* A window that brotli may have, and we do not. */
static void large_window(void **state)
{
	uint64_t random = seed_choose() | 1;
	struct text body = random_text(&random, 9 << 20);
	struct talk *t;

	(void)state;
	body = brotlied(body, 24);
	assert_true(body.len > 300000);
	body.len = 300000; /* its window is asked for at once */
	t = answer("Content-Encoding: br\r\n", body, 65536);
	assert_non_null(strstr(talk_heard(t), "S note limit\n"));
	talk_free(t);
	free(body.begin);
}

static void pool_is_empty(void **state)
{
	struct unpack_pool *p = unpack_pool_new();
	uint32_t handles[INFLATERS_MAX], br[BROTLIS_MAX];

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < ARRAY_LEN(handles); i++) {
		handles[i] = unpack_begin(p, HTTP_CODING_DEFLATE);
		assert_true(handles[i]);
	}
	assert_false(unpack_begin(p, HTTP_CODING_GZIP));
	for (size_t i = 0; i < ARRAY_LEN(br); i++) {
		br[i] = unpack_begin(p, HTTP_CODING_BROTLI);
		assert_true(br[i]);
	}
	assert_false(unpack_begin(p, HTTP_CODING_BROTLI));
	unpack_end(p, handles[7]);
	unpack_end(p, br[1]);
	unpack_end(p, 0);
	assert_int_equal(unpack_begin(p, HTTP_CODING_GZIP), handles[7]);
	assert_int_equal(unpack_begin(p, HTTP_CODING_BROTLI), br[1]);
	unpack_pool_free(p);
}

/* Random takes and gives: what is in use is its owner's alone. */
static void arena(void **state)
{
	enum { PIECES = 24, BYTES = 8192 };
	uint64_t random = seed_choose() | 1;
	struct arena a = { malloc(BYTES), BYTES };
	struct {
		uint8_t *p;
		size_t len;
	} pieces[PIECES] = { 0 };

	(void)state;
	assert_non_null(a.begin);
	arena_reset(&a);
	for (int i = 0; i < 20000; i++) {
		uint32_t n = seed_draw(&random, PIECES);
		uint8_t mark = (uint8_t)n;

		if (!pieces[n].p) {
			pieces[n].len = seed_draw(&random, 900);
			pieces[n].p = arena_take(&a, pieces[n].len);
			if (pieces[n].p)
				memset(pieces[n].p, mark, pieces[n].len);
			continue;
		}
		for (size_t k = 0; k < pieces[n].len; k++)
			assert_int_equal(pieces[n].p[k], mark);
		arena_give(&a, pieces[n].p);
		pieces[n].p = NULL;
	}
	for (int n = 0; n < PIECES; n++)
		arena_give(&a, pieces[n].p);
	/* nothing is lost */
	assert_non_null(arena_take(&a, BYTES - 16));
	assert_null(arena_take(&a, 1));
	free(a.begin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(undone),
		cmocka_unit_test(of_the_transfer),
		cmocka_unit_test(many_in_a_row),
		cmocka_unit_test(handed_over),
		cmocka_unit_test(broken),
		cmocka_unit_test(bombs),
		cmocka_unit_test(large_window),
		cmocka_unit_test(pool_is_empty),
		cmocka_unit_test(arena),
	};

	talk_parser = &proto_http;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
