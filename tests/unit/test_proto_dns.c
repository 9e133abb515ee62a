#include "proto/dns.h"
#include "seed.h"
#include "test.h"

#include <stdio.h>

/* www.example.com, A, IN: at 12, "example" at 16, ends at 33. */
#define Q	 "\3WwW\7example\3com\0\0\1\0\1"
#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *name;
	const char *bytes;
	size_t len;
	enum dns_outcome outcome;
} rows[] = {
	{ "query", BYTES("\0\7\1\0\0\1\0\0\0\0\0\0" Q), DNS_OK },
	{ "no question", BYTES("\0\7\1\0\0\0\0\0\0\0\0\0"), DNS_OK },
	{ "empty", BYTES(""), DNS_SHORT },
	{ "header cut", BYTES("\0\7\1\0\0\1\0\0\0\0\0"), DNS_SHORT },
	{ "question cut", BYTES("\0\7\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0"),
	  DNS_SHORT },
	{ "label cut", BYTES("\0\7\1\0\0\1\0\0\0\0\0\0\5a\0\0\1"), DNS_SHORT },
	{ "no end of name", BYTES("\0\7\1\0\0\1\0\0\0\0\0\0\1a"), DNS_SHORT },
	{ "pointer cut", BYTES("\0\7\1\0\0\1\0\0\0\0\0\0\xc0"), DNS_SHORT },
	{ "two questions", BYTES("\0\7\1\0\0\2\0\0\0\0\0\0" Q Q),
	  DNS_QUESTIONS },
	{ "label 0x40", BYTES("\0\7\1\0\0\1\0\0\0\0\0\0\x41" Q), DNS_LABEL },
	{ "label 0x80", BYTES("\0\7\1\0\0\1\0\0\0\0\0\0\x81" Q), DNS_LABEL },
	{ "points to itself",
	  BYTES("\0\7\x81\0\0\1\0\1\0\0\0\0" Q "\xc0\x21\0\1\0\1\0\0\0\1\0\4"
		"abcd"),
	  DNS_POINTER },
	{ "points forward",
	  BYTES("\0\7\x81\0\0\1\0\1\0\0\0\0" Q "\xc0\x23\0\1\0\1\0\0\0\1\0\4"
		"abcd"),
	  DNS_POINTER },
	{ "points to its first label",
	  BYTES("\0\7\x81\0\0\1\0\1\0\0\0\0" Q "\1a\xc0\x21\0\1\0\1\0\0\0\1\0\4"
		"abcd"),
	  DNS_POINTER },
	{ "points into the header",
	  BYTES("\0\7\x81\0\0\1\0\1\0\0\0\0" Q "\xc0\0\0\1\0\1\0\0\0\1\0\4"
		"abcd"),
	  DNS_OK },
	{ "A of 3",
	  BYTES("\0\7\x81\0\0\0\0\1\0\0\0\0\0\0\1\0\1\0\0\0\1\0\3abc"),
	  DNS_RDATA },
	{ "A of 5",
	  BYTES("\0\7\x81\0\0\0\0\1\0\0\0\0\0\0\1\0\1\0\0\0\1\0\5abcde"),
	  DNS_RDATA },
	{ "A of another class",
	  BYTES("\0\7\x81\0\0\0\0\1\0\0\0\0\0\0\1\0\3\0\0\0\1\0\5abcde"),
	  DNS_OK },
	{ "AAAA of 4",
	  BYTES("\0\7\x81\0\0\0\0\1\0\0\0\0\0\0\x1c\0\1\0\0\0\1\0\4abcd"),
	  DNS_RDATA },
	{ "CNAME longer than its record",
	  BYTES("\0\7\x81\0\0\0\0\1\0\0\0\0\0\0\5\0\1\0\0\0\1\0\2\2ab\0"),
	  DNS_RDATA },
	{ "CNAME shorter than its record",
	  BYTES("\0\7\x81\0\0\0\0\1\0\0\0\0\0\0\5\0\1\0\0\0\1\0\5\2ab\0a"),
	  DNS_RDATA },
	{ "other record cut",
	  BYTES("\0\7\x81\0\0\0\0\1\0\0\0\0\0\0\x10\0\1\0\0\0\1\0\5abcd"),
	  DNS_SHORT },
	{ "record cut", BYTES("\0\7\x81\0\0\0\0\1\0\0\0\0\0\0\1\0\1\0\0\0\1\0"),
	  DNS_SHORT },
	{ "no record at all", BYTES("\0\7\x81\0\0\0\0\1\0\0\0\0"), DNS_SHORT },
	{ "bad additional record",
	  BYTES("\0\7\x81\0\0\0\0\0\0\0\0\1\x41\0\1\0\1\0\0\0\1\0\4abcd"),
	  DNS_LABEL },
};

static void outcomes(void **state)
{
	struct dns_msg m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		/* From the heap, so that ASan sees one byte too many. */
		uint8_t *copy = malloc(rows[i].len + !rows[i].len);
		enum dns_outcome o;

		memcpy(copy, rows[i].bytes, rows[i].len);
		o = dns_parse(bytes_of(copy, rows[i].len), &m);
		if (o != rows[i].outcome)
			fail_msg("row \"%s\": %s", rows[i].name,
				 dns_outcome_name(o));
		assert_row(rows[i].name, dns_is_malformed(o) == (o != DNS_OK));
		free(copy);
	}
}

static void answer_is_read(void **state)
{
	static const char bytes[] =
		"\0\7\x83\x85\0\1\0\2\0\0\0\1" Q
		"\xc0\x0c\0\5\0\1\0\0\0\x09\0\7\1a\2cd\xc0\x10"
		"\xc0\x2d\0\1\0\1\xff\xff\xff\xff\0\4\x0a\0\0\1"
		"\0\0\x29\x10\0\0\0\0\0\0\0"
		"xy";
	struct dns_cursor c = { 0 };
	struct dns_record r;
	struct dns_msg m;

	(void)state;
	assert_int_equal(dns_parse(bytes_of(bytes, sizeof bytes - 1), &m),
			 DNS_OK);
	assert_true(m.id == 7 && m.response && m.truncated && m.opcode == 0);
	assert_int_equal(m.rcode, 5);
	assert_true(m.has_question && m.qtype == DNS_TYPE_A && m.qclass == 1);
	assert_string_equal(m.qname.text, "www.example.com");
	assert_int_equal(m.n_trailing, 2);
	assert_true(dns_next_answer(&m, &c, &r));
	assert_string_equal(r.owner.text, "www.example.com");
	assert_string_equal(r.target.text, "a.cd.example.com");
	assert_true(r.type == DNS_TYPE_CNAME && r.ttl_s == 9);
	assert_true(dns_next_answer(&m, &c, &r));
	assert_string_equal(r.owner.text, "a.cd.example.com");
	assert_true(r.type == DNS_TYPE_A && r.ttl_s == 0 && !r.target.len);
	assert_true(ip_equal(r.addr, ip_from_v4(0x0a000001)));
	assert_false(dns_next_answer(&m, &c, &r));
}

/* A query for so many labels of so many bytes. */
static enum dns_outcome ask(const uint8_t *labels, size_t n, uint8_t fill,
			    struct dns_msg *ret)
{
	static uint8_t space[1024];
	struct outbytes o = outbytes_of(space, sizeof space);

	put_copy(&o, "\0\7\1\0\0\1\0\0\0\0\0\0", 12);
	for (size_t i = 0; i < n; i++) {
		put_u8(&o, labels[i]);
		for (uint8_t j = 0; j < labels[i]; j++)
			put_u8(&o, fill);
	}
	put_copy(&o, "\0\0\1\0\1", 5);
	assert_false(o.full);
	return dns_parse(bytes_of(space, outbytes_len(&o)), ret);
}

static void names_have_an_end(void **state)
{
	uint8_t ones[128];
	struct dns_msg m;

	(void)state;
	memset(ones, 1, sizeof ones);
	assert_int_equal(ask((uint8_t[]){ 63, 63, 63, 61 }, 4, 'a', &m), 0);
	assert_int_equal(m.qname.len, 253);
	assert_int_equal(ask((uint8_t[]){ 63, 63, 63, 62 }, 4, 'a', &m),
			 DNS_NAME_LONG);
	assert_int_equal(ask(ones, 127, 'a', &m), DNS_OK);
	assert_int_equal(ask(ones, 128, 'a', &m), DNS_NAME_LONG);
	assert_int_equal(ask((uint8_t[]){ 63 }, 1, '.', &m), DNS_OK);
	assert_int_equal(m.qname.len, 252);
	assert_int_equal(ask((uint8_t[]){ 63, 1 }, 2, 0, &m), DNS_NAME_TEXT);
	assert_false(dns_is_malformed(DNS_NAME_TEXT));
	assert_int_equal(ask((uint8_t[]){ 3, 1 }, 2, '.', &m), DNS_OK);
	assert_string_equal(m.qname.text, "\\046\\046\\046.\\046");
	assert_int_equal(ask((uint8_t[]){ 1, 1 }, 2, '\\', &m), DNS_OK);
	assert_string_equal(m.qname.text, "\\092.\\092");
	assert_int_equal(ask(NULL, 0, 0, &m), DNS_OK);
	assert_string_equal(m.qname.text, ".");
}

/* Pointers to pointers, `hops` of them for the last name. */
static enum dns_outcome chain(unsigned hops)
{
	static uint8_t space[1024];
	struct outbytes o = outbytes_of(space, sizeof space);
	unsigned to = 12;

	put_copy(&o, "\0\7\x81\0\0\1\0", 7);
	put_u8(&o, (uint8_t)hops);
	put_zero(&o, 4);
	put_copy(&o, Q, sizeof Q - 1);
	for (unsigned i = 0; i < hops; i++) {
		unsigned at = (unsigned)outbytes_len(&o);

		put_be16(&o, (uint16_t)(0xc000 | to));
		put_copy(&o, "\0\x10\0\1\0\0\0\0\0\0", 10);
		to = at;
	}
	return dns_parse(bytes_of(space, outbytes_len(&o)),
			 &(struct dns_msg){ 0 });
}

static void hops_have_an_end(void **state)
{
	(void)state;
	assert_int_equal(chain(DNS_HOPS_MAX), DNS_OK);
	assert_int_equal(chain(DNS_HOPS_MAX + 1), DNS_POINTER);
}

static enum dns_outcome many(unsigned n)
{
	static uint8_t space[16384];
	struct outbytes o = outbytes_of(space, sizeof space);

	put_copy(&o, "\0\7\x81\0\0\0", 6);
	put_be16(&o, (uint16_t)(n - 1));
	put_copy(&o, "\0\1\0\0", 4);
	for (unsigned i = 0; i < n; i++)
		put_copy(&o, "\0\0\x10\0\1\0\0\0\0\0\0", 11);
	return dns_parse(bytes_of(space, outbytes_len(&o)),
			 &(struct dns_msg){ 0 });
}

static void records_have_an_end(void **state)
{
	(void)state;
	assert_int_equal(many(DNS_RECORDS_MAX), DNS_OK);
	assert_int_equal(many(DNS_RECORDS_MAX + 1), DNS_RECORDS);
}

static void framed(void **state)
{
	static const char bytes[] = "\0\3abc\0\0\0\2d";
	struct bytes b = bytes_of(bytes, sizeof bytes - 1), m = { 0 };

	(void)state;
	assert_true(dns_take_framed(&b, &m));
	assert_true(bytes_len(m) == 3 && m.begin[0] == 'a');
	assert_true(dns_take_framed(&b, &m));
	assert_int_equal(bytes_len(m), 0);
	assert_false(dns_take_framed(&b, &m));
	assert_int_equal(bytes_len(b), 3);
	b.end--;
	b.end--;
	assert_false(dns_take_framed(&b, &m));
	assert_int_equal(bytes_len(b), 1);
}

/* --- random messages against what they were made from ------------------- */

#define RECORDS 12
#define LABELS	5

struct told {
	char text[256];
	uint16_t type;
	uint32_t ttl;
	uint8_t value[16];
	char target[256];
};

struct maker {
	uint64_t random;
	struct outbytes o;
	/* Names written so far: where, and how they read from there. */
	struct {
		unsigned at, hops;
		char text[256];
	} seen[RECORDS * 2 * LABELS + LABELS];
	unsigned n_seen;
};

/* A name of new labels and perhaps the tail of an old one. */
static void make_name(struct maker *k, char *text)
{
	unsigned n = seed_draw(&k->random, LABELS - 1), tail = 0, hops = 0;
	unsigned at[LABELS], begins[LABELS], len = 0;
	bool has_tail = k->n_seen && seed_draw(&k->random, 3);

	if (has_tail) {
		tail = seed_draw(&k->random, k->n_seen);
		hops = k->seen[tail].hops + 1;
		has_tail = hops <= 8 && strlen(k->seen[tail].text) < 150;
	}
	for (unsigned i = 0; i < n; i++) {
		uint8_t l = (uint8_t)(1 + seed_draw(&k->random, 8));

		at[i] = (unsigned)outbytes_len(&k->o);
		if (i)
			text[len++] = '.';
		begins[i] = len;
		put_u8(&k->o, l);
		for (uint8_t j = 0; j < l; j++) {
			char c = (char)('a' + seed_draw(&k->random, 26));
			bool upper = seed_draw(&k->random, 2);

			put_u8(&k->o, (uint8_t)(upper ? c - 'a' + 'A' : c));
			text[len++] = c;
		}
	}
	text[len] = 0;
	if (has_tail) {
		put_be16(&k->o, (uint16_t)(0xc000 | k->seen[tail].at));
		if (strcmp(k->seen[tail].text, ".") != 0)
			len += (unsigned)snprintf(text + len, 256 - len, "%s%s",
						  n ? "." : "",
						  k->seen[tail].text);
	} else {
		put_u8(&k->o, 0);
	}
	if (len == 0)
		memcpy(text, ".", 2);
	for (unsigned i = 0; i < n; i++) {
		k->seen[k->n_seen].at = at[i];
		k->seen[k->n_seen].hops = has_tail ? hops : 0;
		memcpy(k->seen[k->n_seen++].text, text + begins[i],
		       len - begins[i] + 1);
	}
}

static void make_record(struct maker *k, struct told *t)
{
	static const uint16_t types[] = { DNS_TYPE_A, DNS_TYPE_AAAA,
					  DNS_TYPE_CNAME, 16 };
	struct outbytes len;

	memset(t, 0, sizeof *t);
	make_name(k, t->text);
	t->type = types[seed_draw(&k->random, 4)];
	t->ttl = seed_draw(&k->random, 1u << 31);
	put_be16(&k->o, t->type);
	put_be16(&k->o, DNS_CLASS_IN);
	put_be32(&k->o, t->ttl);
	len = k->o;
	put_be16(&k->o, 0);
	for (unsigned i = 0; i < 16; i++)
		t->value[i] = (uint8_t)(1 + seed_draw(&k->random, 255));
	if (t->type == DNS_TYPE_CNAME)
		make_name(k, t->target);
	else
		put_copy(&k->o, t->value, t->type == DNS_TYPE_A ? 4 : 16);
	put_be16(&len, (uint16_t)(k->o.at - len.at - 2));
}

static void check_record(const struct dns_record *r, const struct told *t)
{
	struct bytes v = bytes_of(t->value, 16);
	struct ip_addr a = { { 0 } };

	if (t->type == DNS_TYPE_A)
		assert_true(take_ip4(&v, &a));
	if (t->type == DNS_TYPE_AAAA)
		assert_true(take_ip6(&v, &a));
	assert_string_equal(r->owner.text, t->text);
	assert_string_equal(r->target.text, t->target);
	assert_int_equal(r->owner.len, strlen(t->text));
	assert_int_equal(r->type, t->type);
	assert_int_equal(r->ttl_s, t->ttl);
	assert_true(ip_equal(r->addr, a));
}

static void one_message(uint64_t *random)
{
	static uint8_t space[8192];
	static struct told told[RECORDS];
	static struct maker k;
	unsigned n = seed_draw(random, RECORDS), i = 0;
	struct dns_cursor c = { 0 };
	struct dns_record r;
	struct dns_msg m;
	char qname[256];
	size_t len;

	k.random = *random;
	k.n_seen = 0;
	k.o = outbytes_of(space, sizeof space);
	put_copy(&k.o, "\0\7\x81\0\0\1\0", 7);
	put_u8(&k.o, (uint8_t)n);
	put_zero(&k.o, 4);
	make_name(&k, qname);
	put_be32(&k.o, 0x10001);
	for (i = 0; i < n; i++)
		make_record(&k, &told[i]);
	*random = k.random;
	assert_false(k.o.full);
	len = outbytes_len(&k.o);
	assert_int_equal(dns_parse(bytes_of(space, len), &m), DNS_OK);
	assert_string_equal(m.qname.text, qname);
	for (i = 0; dns_next_answer(&m, &c, &r); i++)
		check_record(&r, &told[i]);
	assert_int_equal(i, n);
	/* Whatever is cut off, it does not go unnoticed. */
	assert_int_equal(
		dns_parse(bytes_of(space, seed_draw(random, (uint32_t)len)),
			  &m),
		DNS_SHORT);
}

static void random_messages(void **state)
{
	uint64_t random = seed_choose() | 1;

	(void)state;
	for (int i = 0; i < 50000; i++)
		one_message(&random);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes),
		cmocka_unit_test(answer_is_read),
		cmocka_unit_test(names_have_an_end),
		cmocka_unit_test(hops_have_an_end),
		cmocka_unit_test(records_have_an_end),
		cmocka_unit_test(framed),
		cmocka_unit_test(random_messages),
	};

	return cmocka_run_group_tests_name("proto_dns", tests, NULL, NULL);
}
