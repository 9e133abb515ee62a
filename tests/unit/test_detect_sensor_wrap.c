/*
 * Secrets in all that they may be wrapped in are found, in whatever pieces; a lot
 * of text that has none gives no alarm.
 */
#include <stdio.h>
#include <string.h>

#include "seed.h"
#include "sensors.h"

/* --- what is wrapped -------------------------------------------------- */

static size_t base64(const char *in, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
				     "opqrstuvwxyz0123456789+/";
	size_t len = strlen(in), n = 0;

	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = 0;
		size_t have = len - i < 3 ? len - i : 3;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (k < have ? (uint8_t)in[i + k] : 0u);
		for (size_t k = 0; k < 4; k++)
			out[n++] = k <= have ? digits[v >> (18 - 6 * k) & 63]
					     : '=';
	}
	out[n] = '\0';
	return n;
}

/* Each character by itself; codes need at most 8 bytes. */
static void each(const char *in, char *out, char kind)
{
	for (size_t n = 0; *in; in++) {
		unsigned c = (uint8_t)*in;

		switch (kind) {
		case '%': n += (size_t)snprintf(out + n, 9, "%%%02x", c); break;
		case '2':
			n += (size_t)snprintf(out + n, 9, "%%25%02X", c);
			break;
		case '&': n += (size_t)snprintf(out + n, 9, "&#%u;", c); break;
		case 'x': n += (size_t)snprintf(out + n, 9, "&#x%x;", c); break;
		default: n += (size_t)snprintf(out + n, 9, "\\u%04x", c); break;
		}
	}
}

/* kinds: innermost first; 'b' base64, or as each() has it. */
static void wrap(const char *secret, const char *kinds, char out[static 4096])
{
	char in[4096];

	(void)snprintf(out, 4096, "%s", secret);
	for (; *kinds; kinds++) {
		(void)snprintf(in, sizeof in, "%s", out);
		if (*kinds == 'b')
			(void)base64(in, out);
		else
			each(in, out, *kinds);
	}
}

static const char *const wraps[] = {
	"",   "%",  "2",  "&",	"x",  "u",  "b",
	"bb", "b%", "%b", "bu", "u%", "&u", "ub",
};

static const char *const secrets[] = {
	"4111111111111111",
	CARD,
	"4111-1111-1111-1111",
	"GB82 WEST 1234 5698 7654 32",
	"123-45-6789",
	"AKIAIOSFODNN7EXAMPLE",
	"-----BEGIN RSA PRIVATE KEY-----",
};

static void test_wrapped_secrets_are_found(void **state)
{
	static const char *const around[][2] = {
		{ "{\"a\": 17, \"note\": \"", "\", \"b\": [1, 2]}" },
		{ "", "" },
		{ "name=a&v=", "&w=b" },
		{ "<p title='x'>", "</p>" },
		{ "text before ", " and text behind it" },
	};
	uint64_t seed = seed_choose() | 1;
	struct sensor_bench b;

	(void)state;
	bench_with(&b, sensor_list_ready());
	for (size_t s = 0; s < ARRAY_LEN(secrets); s++)
		for (size_t w = 0; w < ARRAY_LEN(wraps); w++)
			for (size_t a = 0; a < ARRAY_LEN(around); a++)
				for (int cut = 0; cut < 5; cut++) {
					static char text[8192], wrapped[4096];
					struct sensor_row r = { .request =
									text };

					wrap(secrets[s], wraps[w], wrapped);
					(void)snprintf(text, sizeof text,
						       "%s%s%s", around[a][0],
						       wrapped, around[a][1]);
					play(&b, &r, cut ? &seed : NULL,
					     cut * cut * cut * 2u);
					if (b.heard.n != 1 ||
					    b.heard.last.depth > SENSOR_DEPTH)
						fail_msg("%s, cut %d: \"%s\"",
							 text, cut,
							 b.heard.text);
				}
	bench_done(&b);
}

/* Some characters are written in a code, others as they are. */
static void test_half_wrapped_secrets_are_found(void **state)
{
	static const char kinds[] = "%2&xu";
	uint64_t seed = seed_choose() | 1;
	struct sensor_bench b;

	(void)state;
	bench_with(&b, sensor_list_ready());
	for (int turn = 0; turn < 4000; turn++) {
		const char *secret =
			secrets[seed_draw(&seed, ARRAY_LEN(secrets))];
		char kind = kinds[seed_draw(&seed, sizeof kinds - 1)];
		static char text[8192];
		struct sensor_row r = { .request = text };
		size_t len =
			(size_t)snprintf(text, 64, "{\"a\": 17, \"n\": \"");

		for (const char *c = secret; *c; c++) {
			const char one[2] = { *c };

			if (seed_draw(&seed, 2))
				each(one, text + len, kind);
			else
				(void)snprintf(text + len, 2, "%s", one);
			len += strlen(text + len);
		}
		(void)snprintf(text + len, 64, "\", \"b\": [1, 2]}");
		play(&b, &r, turn % 2 ? &seed : NULL, 1 + seed_draw(&seed, 99));
		if (b.heard.n != 1)
			fail_msg("%s: \"%s\"", text, b.heard.text);
	}
	bench_done(&b);
}

/* A body whose lines are of mail's base64. */
static void test_base64_of_lines(void **state)
{
	static char plain[600], coded[1200], text[1600];
	struct sensor_row r = { .request = text };
	struct sensor_bench b;
	size_t n = 0;

	(void)state;
	bench_with(&b, sensor_list_ready());
	for (size_t at = 20; at < 420; at += 7) {
		memset(plain, 'x', sizeof plain - 1);
		memcpy(plain + at, " " CARD " ", strlen(CARD) + 2);
		(void)base64(plain, coded);
		n = 0;
		for (size_t i = 0; coded[i]; i++) {
			text[n++] = coded[i];
			if (i % 76 == 75) {
				text[n++] = '\r';
				text[n++] = '\n';
			}
		}
		text[n] = '\0';
		play(&b, &r, NULL, 0);
		assert_string_equal(b.heard.text, "30001:body:c ");
	}
	bench_done(&b);
}

/* --- random ----------------------------------------------------------- */

/* The same is found in random text with secrets in it, however it is cut. */
static void test_pieces_find_what_the_whole_finds(void **state)
{
	static const char *const bits[] = {
		"4111",
		"1111",
		" ",
		"-",
		"AKIA",
		"IOSFODNN7EXAMPLE",
		"%34",
		"&#52;",
		"\\u0034",
		"4111111111111111",
		"\"",
		",",
		"\n",
		"GB82WEST12345698765432",
		"NDExMTExMTExMTExMTExMQ==",
		"x",
		"123-45-6789",
		"5555 5555 5555 4444",
		"..",
		"eyJ",
		"=",
		"aZ9",
	};
	uint64_t seed = seed_choose() | 1;
	struct sensor_bench b;
	unsigned found = 0;

	(void)state;
	bench_with(&b, sensor_list_ready());
	for (int turn = 0; turn < 1500; turn++) {
		static char text[2048];
		struct sensor_row r = { .response = text };
		char whole[1024], cut[1024];

		text[0] = '\0';
		for (uint32_t n = 1 + seed_draw(&seed, 60); n > 0; n--) {
			const char *bit =
				bits[seed_draw(&seed, ARRAY_LEN(bits))];
			size_t len = strlen(text);

			(void)snprintf(text + len, sizeof text - len, "%s",
				       bit);
		}
		play(&b, &r, NULL, 0);
		(void)sorted(b.heard.text, whole);
		found += b.heard.n;
		play(&b, &r, &seed, 1 + seed_draw(&seed, 300));
		(void)sorted(b.heard.text, cut);
		if (strcmp(whole, cut) != 0)
			fail_msg("%s\nwhole: %s\nin pieces: %s", text, whole,
				 cut);
	}
	assert_true(found > 300);
	bench_done(&b);
}

/* --- what is no secret ------------------------------------------------ */

static void put_benign(uint64_t *seed, char *to, size_t size)
{
	uint64_t n = (uint64_t)seed_draw(seed, UINT32_MAX) << 32 |
		     seed_draw(seed, UINT32_MAX);

	switch (seed_draw(seed, 12)) {
	case 0: /* ids that begin as no card does */
		(void)snprintf(to, size, "{\"id\": %u%015llu},",
			       seed_draw(seed, 2) ? 1 : 9,
			       (unsigned long long)n % 1000000000000000);
		break;
	case 1:
		(void)snprintf(to, size, "\"ts\": 17%011u, ",
			       seed_draw(seed, UINT32_MAX));
		break;
	case 2:
		(void)snprintf(to, size, "%08x-%04x-4%03x-a%03x-%012llx ",
			       (uint32_t)n, (uint32_t)(n >> 32) & 0xffff,
			       seed_draw(seed, 4096), seed_draw(seed, 4096),
			       (unsigned long long)(n & 0xffffffffffff));
		break;
	case 3:
		(void)snprintf(to, size, "+49 %u %u %u\n",
			       30 + seed_draw(seed, 900),
			       seed_draw(seed, 10000), seed_draw(seed, 10000));
		break;
	case 4:
		(void)snprintf(to, size, "%016llx%016llx ",
			       (unsigned long long)n,
			       (unsigned long long)(n * 0x9e3779b97f4a7c15));
		break;
	case 5:
		(void)snprintf(to, size, ".c%u{margin:%upx %upx;color:#%06x}",
			       seed_draw(seed, 1000), seed_draw(seed, 100),
			       seed_draw(seed, 100), seed_draw(seed, 0xffffff));
		break;
	case 6:
		(void)snprintf(to, size,
			       "!function(e,t){var n=%u;e[\"a%x\"]=t(n<<%u)};",
			       seed_draw(seed, 100000), (uint32_t)n,
			       seed_draw(seed, 32));
		break;
	case 7:
		(void)snprintf(to, size, "ORDER-%04u-%06u; ",
			       2000 + seed_draw(seed, 30),
			       seed_draw(seed, 1000000));
		break;
	case 8:
		(void)snprintf(to, size, "0.%016llu,",
			       (unsigned long long)n % 10000000000000000);
		break;
	case 9:
		(void)snprintf(to, size, "GET /img/%llu.png?v=%u HTTP/1.1\r\n",
			       (unsigned long long)n % 100000000,
			       seed_draw(seed, 1000000));
		break;
	case 10:
		(void)snprintf(to, size, "2026-%02u-%02uT%02u:%02u:%02u.%06uZ ",
			       1 + seed_draw(seed, 12), 1 + seed_draw(seed, 28),
			       seed_draw(seed, 24), seed_draw(seed, 60),
			       seed_draw(seed, 60), seed_draw(seed, 1000000));
		break;
	default:
		(void)snprintf(to, size, "%u.%u.%u.%u:%u getElementById ",
			       seed_draw(seed, 256), seed_draw(seed, 256),
			       seed_draw(seed, 256), seed_draw(seed, 256),
			       seed_draw(seed, 65536));
		break;
	}
}

static void test_no_false_alarms(void **state)
{
	uint64_t seed = seed_choose() | 1;
	struct sensor_bench b;

	(void)state;
	bench_with(&b, sensor_list_ready());
	for (int turn = 0; turn < 150; turn++) {
		static char text[16384];
		struct sensor_row r = { .response = text };
		size_t len = 0;

		while (len < sizeof text - 200) {
			put_benign(&seed, text + len, sizeof text - len);
			len += strlen(text + len);
		}
		play(&b, &r, &seed, 3000);
		if (b.heard.n > 0)
			fail_msg("%s: %s|%.*s|%s", b.heard.text,
				 b.heard.evidence.before, 40,
				 b.heard.evidence.match,
				 b.heard.evidence.after);
	}
	bench_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrapped_secrets_are_found),
		cmocka_unit_test(test_half_wrapped_secrets_are_found),
		cmocka_unit_test(test_base64_of_lines),
		cmocka_unit_test(test_pieces_find_what_the_whole_finds),
		cmocka_unit_test(test_no_false_alarms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
