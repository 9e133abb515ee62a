/*
 * What is a secret, found in a line of text as a sensor would; and what is seen
 * of it afterwards. The numbers are their offices' own examples.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "detect/secret.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "seed.h"
#include "test.h"

/* The first that is one, in b; false: none. */
static bool find(const struct secret_kind *k, struct bytes b, struct bytes *ret)
{
	pcre2_code *code;
	pcre2_match_data *m;
	bool found = false;
	PCRE2_SIZE at, *ends;
	size_t from = 0;
	int error;

	code = pcre2_compile((PCRE2_SPTR)k->regex, PCRE2_ZERO_TERMINATED, 0,
			     &error, &at, NULL);
	if (!code)
		fail_msg("%s: error %d at %zu", k->name, error, at);
	m = pcre2_match_data_create_from_pattern(code, NULL);
	while (!found &&
	       pcre2_match(code, b.begin, bytes_len(b), from, 0, m, NULL) > 0) {
		ends = pcre2_get_ovector_pointer(m);
		*ret = (struct bytes){ b.begin + ends[0], b.begin + ends[1] };
		found = !k->check || k->check(*ret);
		from = ends[1];
	}
	pcre2_match_data_free(m);
	pcre2_code_free(code);
	return found;
}

static const struct {
	const char *kind, *text;
	const char *masked; /* NULL: there is none in it */
} rows[] = {
	{ "card_number", "4111111111111111", "************1111" },
	{ "card_number", "card=4111-1111-1111-1111;", "****-****-****-1111" },
	{ "card_number", "\"378282246310005\"", "***********0005" },
	{ "card_number", "6011 0009 9013 9424 ", "**** **** **** 9424" },
	{ "card_number", "2223003122003222", "************3222" },
	{ "card_number", "3566002020360505", "************0505" },
	{ "card_number", "30569309025904", "**********5904" },
	{ "card_number", "4111111111111112", NULL },
	{ "card_number", "7111111111111111", NULL },
	{ "card_number", "4444444444444444", NULL },
	{ "card_number", "94111111111111111", NULL },
	{ "card_number", "411111111111111100", NULL },
	{ "card_number", "id-4111111111111111", NULL },
	{ "card_number", "0.4111111111111111", NULL },
	{ "card_number", "5200828282828210x", NULL },
	{ "iban", "DE89370400440532013000", "DE****************3000" },
	{ "iban", "GB82 WEST 1234 5698 7654 32",
	  "GB** **** **** **** **54 32" },
	{ "iban", "DE88370400440532013000", NULL },
	{ "iban", "DE8937040044053201300", NULL },
	{ "iban", "XX89370400440532013000", NULL },
	{ "us_ssn", "ssn 536-90-4399", "***-**-**99" },
	{ "us_ssn", "078-05-1120", NULL },
	{ "us_ssn", "666-12-3456", NULL },
	{ "us_ssn", "536-00-4399", NULL },
	{ "uk_nino", "AB 12 34 56 C", "** ** ** *6 C" },
	{ "uk_nino", "BG123456C", NULL },
	{ "es_dni", "12345678Z", "*******8Z" },
	{ "es_dni", "X1234567L", "*******7L" },
	{ "es_dni", "12345678A", NULL },
	{ "fr_nir", "2 55 08 14 168 025 38", "* ** ** ** *** *** 38" },
	{ "fr_nir", "2 55 08 14 168 025 39", NULL },
	{ "nl_bsn", "111222333", "*******33" },
	{ "nl_bsn", "111222334", NULL },
	{ "de_tax_id", "86095742719", "*********19" },
	{ "de_tax_id", "47 036 892 816", "** *** *** *16" },
	{ "de_tax_id", "86095742718", NULL },
	{ "de_tax_id", "12345678903", NULL },
	{ "pl_pesel", "44051401359", "*********59" },
	{ "pl_pesel", "44051401358", NULL },
	{ "it_fiscal_code", "RSSMRA85T10A562S", "**************2S" },
	{ "it_fiscal_code", "RSSMRA85T10A562T", NULL },
	{ "aws_access_key", "AKIAIOSFODNN7EXAMPLE", "AKIA************MPLE" },
	{ "aws_access_key", "AKIAIOSFODNN7EXAMPLE1", NULL },
	{ "aws_secret_key",
	  "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	  "***_******_******_*** = *************/*******/******************" },
	{ "github_token", "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",
	  "ghp_z***********************************" },
	{ "github_token", "ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18", NULL },
	{ "gitlab_token", "glpat-abcdefghijklmnopqrst",
	  "glpat-a*******************" },
	{ "slack_token", "xoxb-123456789012-abcdefgh",
	  "xoxb-1***********-********" },
	{ "google_api_key", "AIzaSyA1234567890abcdefghijklmnopqrstuv",
	  "AIza***********************************" },
	{ "jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghij",
	  "eyJ*****************.***************.**********" },
	{ "private_key", "x\n-----BEGIN RSA PRIVATE KEY-----\n",
	  "-----***** *** ******* ***-----" },
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct secret_kind *k = secret_kind_find(rows[i].kind);
		struct bytes found,
			b = bytes_of(rows[i].text, strlen(rows[i].text));
		char buf[128];

		assert_non_null(k);
		if (find(k, b, &found) != (rows[i].masked != NULL))
			fail_msg("%s in \"%s\"", k->name, rows[i].text);
		if (rows[i].masked &&
		    strcmp(secret_mask(k, found, buf, sizeof buf),
			   rows[i].masked) != 0)
			fail_msg("%s: \"%s\"", rows[i].text, buf);
	}
}

/* Each has a row that is one, and none is in all of the others. */
static void all_kinds(void **state)
{
	const struct secret_kind *k;

	(void)state;
	for (unsigned n = 0; (k = secret_kind_at(n)); n++) {
		size_t i = 0;

		while (i < ARRAY_LEN(rows) &&
		       !(rows[i].masked && strcmp(rows[i].kind, k->name) == 0))
			i++;
		if (i == ARRAY_LEN(rows))
			fail_msg("%s has no example", k->name);
	}
}

/* Long or short, a mask never shows more than it may, and always ends. */
static void masks(void **state)
{
	uint64_t random = seed_choose() | 1;
	const struct secret_kind *k = secret_kind_find("aws_access_key");
	uint8_t text[64];
	char buf[64];

	(void)state;
	for (int round = 0; round < 100000; round++) {
		size_t n = seed_draw(&random, sizeof text + 1), shown = 0;
		size_t size = 8 + seed_draw(&random, sizeof buf - 7);

		for (size_t i = 0; i < n; i++)
			text[i] = (uint8_t)seed_draw(&random, 256);
		(void)secret_mask(k, bytes_of(text, n), buf, size);
		assert_true(strlen(buf) < size);
		for (const char *p = buf; *p; p++) {
			assert_true(*p >= ' ' && *p <= '~');
			shown += (*p >= '0' && *p <= '9') ||
				 (*p >= 'A' && *p <= 'Z') ||
				 (*p >= 'a' && *p <= 'z');
		}
		assert_true(shown <= 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(all_kinds),
		cmocka_unit_test(masks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
