/*
 * What is asked of one buffer: {options, bytes, does it match}. Each as one
 * datagram; those that do not depend on a buffer's end also as TCP, cut at each
 * place, and byte by byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sigs.h"
#include "test.h"

struct row {
	const char *options, *bytes;
	bool match;
	bool whole; /* only as one datagram */
	size_t len; /* 0: strlen(bytes) */
};

#define ROW(options, bytes, match)              \
	{                                       \
		options, bytes, match, false, 0 \
	}
#define WHOLE(options, bytes, match)           \
	{                                      \
		options, bytes, match, true, 0 \
	}
#define BIN(options, bytes, match)                             \
	{                                                      \
		options, bytes, match, false, sizeof bytes - 1 \
	}

static const struct row rows[] = {
	ROW("content:\"abc\";", "xxabcxx", true),
	ROW("content:\"abc\";", "xxabxcx", false),
	ROW("content:\"abc\"; nocase;", "xxAbCxx", true),
	ROW("content:\"abc\";", "xxAbCxx", false),
	ROW("content:\"A[C\"; nocase;", "xa[cx", true),
	ROW("content:\"A[C\"; nocase;", "xa{cx", false),
	BIN("content:\"|00 ff|\";", "a\0\xff\0", true),
	WHOLE("content:\"abc\"; offset:2;", "xabc", false),
	WHOLE("content:\"abc\"; offset:1;", "xabc", true),
	WHOLE("content:\"abc\"; depth:4;", "xabc", true),
	WHOLE("content:\"abc\"; depth:4;", "xxabc", false),
	WHOLE("content:\"abc\"; offset:1; depth:4;", "xxabc", true),
	WHOLE("content:\"abc\"; offset:1; depth:3;", "xxabc", false),
	WHOLE("content:\"ab\"; startswith;", "abx", true),
	WHOLE("content:\"ab\"; startswith;", "xab", false),
	WHOLE("content:\"ab\"; endswith;", "abxab", true),
	WHOLE("content:\"ab\"; endswith;", "abx", false),
	WHOLE("content:\"ab\"; startswith; endswith;", "ab", true),
	WHOLE("content:\"ab\"; startswith; endswith;", "abab", false),
	ROW("content:\"ab\"; content:\"cd\";", "cdxab", true),
	ROW("content:\"ab\"; content:\"cd\"; distance:0;", "cdxab", false),
	ROW("content:\"ab\"; content:\"cd\"; distance:1;", "abcd", false),
	ROW("content:\"ab\"; content:\"cd\"; distance:1;", "abxcd", true),
	ROW("content:\"ab\"; content:\"cd\"; within:3;", "abxcd", true),
	ROW("content:\"ab\"; content:\"cd\"; within:2;", "abcd", true),
	ROW("content:\"ab\"; content:\"cd\"; within:2;", "abxcd", false),
	ROW("content:\"ab\"; content:\"cd\"; distance:1; within:2;", "abxcd",
	    true),
	ROW("content:\"ab\"; content:\"cd\"; distance:1; within:2;", "abxxcd",
	    false),
	ROW("content:\"ab\"; content:\"bc\"; distance:-1; within:2;", "abc",
	    true),
	/* the first ab has no cd behind it, the second has */
	ROW("content:\"ab\"; content:\"cd\"; within:2;", "abxabcd", true),
	ROW("content:\"a\"; content:\"b\"; within:2; content:\"c\"; within:2;",
	    "axbxaxxbabc", true),
	ROW("content:\"a\"; content:\"b\"; within:2; content:\"c\"; within:1;",
	    "abxcabxc", false),
	WHOLE("content:\"ab\"; content:!\"cd\";", "xabx", true),
	WHOLE("content:\"ab\"; content:!\"cd\";", "cdab", false),
	WHOLE("content:\"ab\"; content:!\"cd\"; distance:0;", "cdab", true),
	WHOLE("content:\"ab\"; content:!\"cd\"; within:4;", "abxxxcd", true),
	WHOLE("content:\"ab\"; content:!\"cd\"; within:4;", "abxcd", false),
	/* another ab is tried */
	WHOLE("content:\"ab\"; content:!\"c\"; within:1;", "abcab", true),
	WHOLE("content:!\"cd\";", "xx", true),
	WHOLE("content:!\"cd\";", "xcdx", false),
	WHOLE("isdataat:3;", "abcd", true),
	WHOLE("isdataat:4;", "abcd", false),
	WHOLE("isdataat:!4;", "abcd", true),
	WHOLE("content:\"b\"; isdataat:2,relative;", "abcd", true),
	WHOLE("content:\"b\"; isdataat:3,relative;", "abcd", false),
	WHOLE("content:\"d\"; isdataat:!1,relative;", "abcd", true),
	WHOLE("content:\"c\"; isdataat:!1,relative;", "abcd", false),
	WHOLE("pkt_data; bsize:4;", "abcd", true),
	WHOLE("pkt_data; bsize:<4;", "abcd", false),
	WHOLE("pkt_data; bsize:3<>5;", "abcd", true),
	WHOLE("pkt_data; bsize:!4;", "abcd", false),
	ROW("pcre:\"/a.c/\";", "xabcx", true),
	ROW("pcre:\"/a.c/\";", "xabbcx", false),
	ROW("pcre:\"/A.C/i\";", "xabcx", true),
	WHOLE("pcre:\"/^b/\";", "ab", false),
	WHOLE("pcre:\"/^b/m\";", "a\nb", true),
	WHOLE("pcre:!\"/b/\";", "ac", true),
	WHOLE("pcre:!\"/b/\";", "abc", false),
	ROW("content:\"a\"; pcre:\"/^b/R\";", "xab", true),
	ROW("content:\"a\"; pcre:\"/^b/R\";", "axb", false),
	ROW("content:\"a\"; pcre:\"/^b/R\";", "axab", true),
	ROW("pcre:\"/a\\d+/\"; content:\"x\"; within:1;", "a1ya22x", true),
	/* from a later place of the same match it would be */
	ROW("pcre:\"/a+b/\"; content:\"c\"; distance:0;", "caab", false),
	BIN("content:\"L\"; byte_test:2,=,258,0,relative;", "L\1\2", true),
	BIN("content:\"L\"; byte_test:2,=,513,0,relative,little;", "L\1\2",
	    true),
	BIN("content:\"L\"; byte_test:2,>,258,0,relative;", "L\1\2", false),
	BIN("content:\"L\"; byte_test:2,>=,258,0,relative;", "L\1\2", true),
	BIN("content:\"L\"; byte_test:2,!<,258,0,relative;", "L\1\2", true),
	BIN("content:\"L\"; byte_test:1,&,2,0,relative;", "L\6", true),
	BIN("content:\"L\"; byte_test:1,!&,2,0,relative;", "L\6", false),
	BIN("content:\"L\"; byte_test:1,=,3,0,relative,bitmask 0xf0;", "L\x35",
	    true),
	ROW("content:\"L\"; byte_test:3,=,123,0,relative,string,dec;", "L123",
	    true),
	ROW("content:\"L\"; byte_test:3,=,0x12c,0,relative,string,hex;", "L12c",
	    true),
	BIN("content:\"L\"; byte_test:2,=,1,-3,relative;", "\0\1L", true),
	WHOLE("byte_test:1,=,98,1;", "abc", true),
	WHOLE("byte_test:1,=,98,9;", "abc", false),
	BIN("content:\"L\"; byte_jump:1,0,relative; content:\"x\"; within:1;",
	    "L\2yyx", true),
	BIN("content:\"L\"; byte_jump:1,0,relative; content:\"x\"; within:1;",
	    "L\2yxy", false),
	BIN("content:\"L\"; byte_jump:1,0,relative,multiplier 2; "
	    "content:\"x\"; within:1;",
	    "L\1yyx", true),
	BIN("content:\"L\"; byte_jump:1,0,relative,post_offset -1; "
	    "content:\"x\"; within:1;",
	    "L\2yx", true),
	BIN("content:\"L\"; byte_jump:1,0,relative,align; content:\"x\"; "
	    "within:1;",
	    "L\1yyyyx", true),
	WHOLE("content:\"L\"; byte_jump:1,0,relative,string,from_beginning; "
	      "content:\"a\"; within:1;",
	      "xaL1", true),
	WHOLE("content:\"L\"; byte_jump:1,0,relative,string,from_end; "
	      "content:\"2\"; within:1;",
	      "xaL2", false),
	WHOLE("content:\"L\"; byte_jump:1,0,relative,string,from_end; "
	      "content:\"x\"; within:1;",
	      "xL2", false),
	WHOLE("content:\"L\"; byte_jump:1,0,relative,string,from_end; "
	      "content:\"L\"; within:1;",
	      "xL2", true),
	BIN("content:\"L\"; byte_extract:1,0,n,relative; content:\"x\"; "
	    "distance:n; within:2;",
	    "L\2yyx", true),
	BIN("content:\"L\"; byte_extract:1,0,n,relative; content:\"x\"; "
	    "distance:n; within:2;",
	    "L\4yyxyy", false),
	BIN("content:\"L\"; byte_extract:1,0,n,relative; "
	    "byte_test:1,=,n,1,relative;",
	    "L\2\2", true),
	BIN("content:\"L\"; byte_extract:1,0,n,relative; isdataat:n,relative;",
	    "L\3xx", true),
	BIN("content:\"L\"; byte_extract:1,0,n,relative; isdataat:!n,relative;",
	    "L\4xx", true),
	WHOLE("content:\"b=\"; base64_decode:relative; base64_data; "
	      "content:\"hello\";",
	      "b=aGVsbG8=", true),
	WHOLE("content:\"b=\"; base64_decode:relative; base64_data; "
	      "content:\"Hello\";",
	      "b=aGVsbG8=", false),
	WHOLE("base64_decode:bytes 4,offset 2; base64_data; content:\"hel\"; "
	      "startswith; endswith;",
	      "b=aGVsbG8=", true),
	ROW("content:\"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH\";",
	    "zabcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH", true),
	ROW("content:\"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH\";",
	    "zabcdefghijklmnopqrstuvwxyz0123456789ABCDEFGx", false),
	ROW("content:\"abcdef\"; fast_pattern:1,3;", "xabcdef", true),
	ROW("content:\"abcdef\"; fast_pattern:1,3;", "xbcdef", false),
};

static struct sigs *with_row(const struct row *r, bool udp)
{
	char text[1024];

	(void)snprintf(text, sizeof text,
		       "alert %s any any -> any any (%s sid:1;)",
		       udp ? "udp" : "tcp", r->options);
	return sigs_new(text, udp);
}

static size_t len_of(const struct row *r)
{
	return r->len ? r->len : strlen(r->bytes);
}

static void check(const struct row *r, struct sigs *s, const char *how)
{
	const char *told = sigs_told(s);
	bool match = strcmp(told, "1") == 0;

	if ((!match && told[0]) || match != r->match)
		fail_msg("%s on \"%s\", %s: \"%s\"", r->options, r->bytes, how,
			 told);
}

static void test_datagram(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sigs *s = with_row(&rows[i], true);

		sigs_payload(s, PROTO_CLIENT, rows[i].bytes, len_of(&rows[i]));
		check(&rows[i], s, "datagram");
		sigs_free(s);
	}
}

static void test_cut(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		size_t len = len_of(r);
		struct sigs *s;

		if (r->whole)
			continue;
		s = with_row(r, false);
		for (size_t cut = 0; cut <= len; cut++) {
			sigs_payload(s, PROTO_CLIENT, r->bytes, cut);
			sigs_payload(s, PROTO_CLIENT, r->bytes + cut,
				     len - cut);
			check(r, s, "cut once");
			sigs_again(s);
		}
		for (size_t k = 0; k < len; k++)
			sigs_payload(s, PROTO_SERVER, r->bytes + k, 1);
		check(r, s, "byte by byte");
		sigs_free(s);
	}
}

/* The same as a field in pieces: also what depends on its end. */
static void test_field(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		size_t len = len_of(r);
		char text[1024];
		struct sigs *s;

		if (strncmp(r->options, "pkt_data", 8) == 0)
			continue;
		(void)snprintf(text, sizeof text,
			       "alert http any any -> any any "
			       "(http.request_body; %s sid:1;)",
			       r->options);
		s = sigs_new(text, false);
		sig_known(s->scanner, s->flow, 1001);
		for (size_t cut = 0; cut <= len; cut++) {
			sigs_piece(s, PROTO_CLIENT, FIELD_HTTP_REQUEST_BODY,
				   bytes_of(r->bytes, cut), true, false);
			sigs_piece(s, PROTO_CLIENT, FIELD_HTTP_REQUEST_BODY,
				   bytes_of(r->bytes + cut, len - cut), false,
				   true);
			sig_ended(s->scanner, s->flow, PROTO_CLIENT);
			check(r, s, "field, cut once");
		}
		for (size_t k = 0; k < len; k++)
			sigs_piece(s, PROTO_CLIENT, FIELD_HTTP_REQUEST_BODY,
				   bytes_of(r->bytes + k, 1), k == 0,
				   k == len - 1);
		sig_ended(s->scanner, s->flow, PROTO_CLIENT);
		check(r, s, "field, byte by byte");
		sigs_free(s);
	}
}

/* (a+)+[^a] on many a: it ends, and is counted. */
static void test_hostile_pcre(void **state)
{
	struct sigs *s =
		sigs_new("alert tcp any any -> any any (content:\"aaa\"; "
			 "pcre:\"/(a+)+[^a]/\"; sid:1;)",
			 false);
	char a[2000];

	memset(a, 'a', sizeof a);
	sigs_payload(s, PROTO_CLIENT, a, sizeof a);
	assert_string_equal(sigs_told(s), "");
	assert_true(sig_scanner_counts(s->scanner).pcre_limit > 0);
	sigs_free(s);
}

/* Contents that are everywhere, and a last one that is nowhere. */
static void test_hostile_contents(void **state)
{
	struct sigs *s = sigs_new(
		"alert tcp any any -> any any (content:\"a\"; content:\"a\"; "
		"distance:0; content:\"a\"; distance:0; content:\"a\"; "
		"distance:0; content:\"b\"; distance:0; sid:1;)",
		false);
	char a[60000];

	memset(a, 'a', sizeof a);
	sigs_payload(s, PROTO_CLIENT, a, sizeof a);
	assert_string_equal(sigs_told(s), "");
	assert_int_equal(sig_scanner_counts(s->scanner).work_limit, 1);
	/* the next bytes have a budget of their own */
	sigs_payload(s, PROTO_CLIENT, "aab", 3);
	sigs_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagram),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_field),
		cmocka_unit_test(test_hostile_pcre),
		cmocka_unit_test(test_hostile_contents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
