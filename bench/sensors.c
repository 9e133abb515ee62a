/*
 * sensors: what the ready sensors and ten expressions of a user's cost to compile,
 * to keep, and for each KiB of a body, by what the body is: in segments of 1,448
 * bytes and in pieces of 16 KiB. Beside each, in turns, the sum of the same bytes
 * is made, as a measure of what this machine does just now. Medians.
 *
 *   sensors [KIND]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bug.h"
#include "detect/sensor_scan.h"
#include "wire/app.h"

#define BODY_BYTES (256 << 10)
#define ROUNDS	   21
#define USES_MAX   32

/* What users look for. */
static const char *const users[] = {
	"strictly confidential",
	"internal use only",
	"\\bproject-[0-9]{4}\\b",
	"password\\s*[:=]\\s*\\S+",
	"union\\s+select",
	"<script[^>]*>",
	"\\.\\./\\.\\./",
	"/etc/passwd",
	"[a-z0-9._-]+@corp\\.example",
	"customer[ _-]?no\\W{0,3}[0-9]{6,10}",
};

static uint64_t rnd = 88172645463325252u;

static uint32_t draw(uint32_t below)
{
	rnd ^= rnd << 13;
	rnd ^= rnd >> 7;
	rnd ^= rnd << 17;
	return (uint32_t)(rnd >> 32) % below;
}

static double now(void)
{
	struct timespec t;

	BUG_ON(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* --- bodies: each puts a part of one, at most 400 bytes ---------------- */

static const char *word(void)
{
	static const char *const words[] = {
		"the",	    "of",      "and",	  "customer", "Order", "to",
		"in",	    "Monday",  "is",	  "that",     "Peter", "for",
		"was",	    "address", "with",	  "on",	      "1.",    "London",
		"delivery", "they",    "account", "be",	      "this",  "from",
	};

	return words[draw(sizeof words / sizeof *words)];
}

static size_t put_text(char *to, size_t size)
{
	return (size_t)snprintf(to, size, "%s%s", word(),
				draw(12)  ? " "
				: draw(2) ? ", "
					  : ".\n");
}

static size_t put_json(char *to, size_t size)
{
	return (size_t)snprintf(to, size,
				"{\"id\":%u,\"name\":\"%s %s\",\"ts\":"
				"\"2026-11-%02uT10:%02u:00Z\",\"tags\":[\"a\","
				"\"b\"],\"total\":%u.%02u},",
				draw(1u << 31), word(), word(), 1 + draw(28),
				draw(60), draw(1000), draw(100));
}

static size_t put_html(char *to, size_t size)
{
	return (size_t)snprintf(to, size,
				"<div class=\"c%u\"><a href=\"/p/%u\">%s %u "
				"%s %s</a> some words go %s here</div>\n",
				draw(100), draw(10000), word(), draw(100),
				word(), word(), word());
}

static size_t put_ids(char *to, size_t size)
{
	return (size_t)snprintf(to, size, "%u%07u%08u,", 1 + draw(9),
				draw(10000000), draw(100000000));
}

static size_t put_binary(char *to, size_t size)
{
	(void)size;
	to[0] = (char)draw(256);
	return 1;
}

static size_t put_json_codes(char *to, size_t size)
{
	size_t n = put_json(to, size);

	return n + (size_t)snprintf(to + n, size - n,
				    "{\"note\":\"%s\\n%s \\\"%s\\\" "
				    "\\u00e4\"},",
				    word(), word(), word());
}

static size_t put_html_codes(char *to, size_t size)
{
	size_t n = put_html(to, size);

	return n + (size_t)snprintf(to + n, size - n,
				    "<p>%s &amp; %s &lt;%s&gt; %s&#39;s</p>\n",
				    word(), word(), word(), word());
}

static size_t put_form(char *to, size_t size)
{
	return (size_t)snprintf(to, size, "field_%u=%s+%s%%2C+%s%%20%u&",
				draw(100), word(), word(), word(), draw(1000));
}

static size_t put_percent(char *to, size_t size)
{
	return (size_t)snprintf(to, size, "%%%02x", 'a' + draw(26));
}

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
			       "opqrstuvwxyz0123456789+/";

static size_t put_base64(char *to, size_t size)
{
	size_t n = 0;

	while (n < 76 && n < size)
		to[n++] = digits64[draw(64)];
	to[n++] = '\n';
	return n;
}

static size_t put_base64_unbroken(char *to, size_t size)
{
	(void)size;
	to[0] = digits64[draw(64)];
	return 1;
}

/* 57 bytes of text in a line of 76 digits. */
static size_t put_base64_text(char *to, size_t size)
{
	char text[128];
	size_t n = 0, len = 0;

	while (len < 57)
		len += put_text(text + len, sizeof text - len);
	for (size_t i = 0; i < 57 && n + 5 < size; i += 3) {
		uint32_t v = (uint32_t)(uint8_t)text[i] << 16 |
			     (uint32_t)(uint8_t)text[i + 1] << 8 |
			     (uint8_t)text[i + 2];

		for (int shift = 18; shift >= 0; shift -= 6)
			to[n++] = digits64[v >> shift & 63];
	}
	to[n++] = '\n';
	return n;
}

static const struct kind {
	const char *name;
	size_t (*put)(char *to, size_t size);
} kinds[] = {
	{ "text", put_text },
	{ "json", put_json },
	{ "html", put_html },
	{ "numbers", put_ids },
	{ "binary", put_binary },
	{ "json, codes", put_json_codes },
	{ "html, codes", put_html_codes },
	{ "form", put_form },
	{ "all percent", put_percent },
	{ "base64 lines", put_base64 },
	{ "base64, text", put_base64_text },
	{ "base64, one run", put_base64_unbroken },
};

/* --- measuring -------------------------------------------------------- */

static unsigned sum;

static double time_sum(const char *body)
{
	double begin = now();

	for (size_t i = 0; i < BODY_BYTES; i++)
		sum += (uint8_t)body[i];
	return now() - begin;
}

static double time_scan(struct sensor_scanner *s, struct sensor_uses u,
			const char *body, size_t piece)
{
	uint32_t c = sensor_open(s);
	double begin;

	BUG_ON(!c);
	sensor_known(s, c, APP_HTTP);
	begin = now();
	for (size_t at = 0; at < BODY_BYTES; at += piece) {
		size_t n = BODY_BYTES - at < piece ? BODY_BYTES - at : piece;
		struct proto_piece p = {
			.bytes = bytes_of(body + at, n),
			.field = FIELD_HTTP_RESPONSE_BODY,
			.side = PROTO_SERVER,
			.begin = at == 0,
			.end = at + n == BODY_BYTES,
		};

		(void)sensor_piece(s, c, u, &p);
	}
	(void)sensor_ended(s, c, u, PROTO_SERVER);
	begin = now() - begin;
	(void)sensor_close(s, c, u);
	return begin;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* ns for each KiB. */
static double median(double *times)
{
	qsort(times, ROUNDS, sizeof *times, by_size);
	return times[ROUNDS / 2] / (BODY_BYTES / 1024.0);
}

static void bench(struct sensor_scanner *s, struct sensor_uses u,
		  const struct kind *k)
{
	double segments[ROUNDS], pieces[ROUNDS], sums[ROUNDS], one, two, base;
	char *body = malloc(BODY_BYTES + 512);
	size_t len = 0;

	BUG_ON(!body);
	while (len < BODY_BYTES)
		len += k->put(body + len, 400);
	for (int i = 0; i < ROUNDS; i++) {
		sums[i] = time_sum(body);
		segments[i] = time_scan(s, u, body, 1448);
		pieces[i] = time_scan(s, u, body, 16384);
	}
	base = median(sums);
	one = median(segments);
	two = median(pieces);
	(void)printf("%-16s %6.0f %6.1f %6.0f %6.1f %6.0f\n", k->name, one,
		     one / base, two, two / base, base);
	free(body);
}

static struct sensor_list *make_list(void)
{
	struct sensor_list *ready = sensor_list_ready(), *l = NULL;
	json_t *v = ready ? sensor_list_json(ready) : NULL;

	BUG_ON(!v);
	for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
		char name[16];
		json_t *user;

		(void)snprintf(name, sizeof name, "user %zu", i);
		user = json_pack("{s:I, s:s, s:[{s:s, s:s}]}", "id",
				 (json_int_t)20001 + (json_int_t)i, "name",
				 name, "patterns", "regex", users[i], "flags",
				 "i");
		BUG_ON(json_array_append_new(v, user) < 0);
	}
	BUG_ON(sensor_list_parse(v, &l, NULL) < 0);
	json_decref(v);
	sensor_list_free(ready);
	return l;
}

int main(int argc, char **argv)
{
	struct sensor_use used[USES_MAX];
	struct sensor_uses u = { .uses = used };
	struct sensor_scanner_options o = { .conversations = 1 };
	struct sensor_scanner_counts counts;
	struct sensor_list *l = make_list();
	struct sensor_scanner *s;
	struct sensor_set_size size;
	struct sensor_lane *lane;
	struct sensor_set *set;
	double begin = now();

	for (size_t i = 0; i < sensor_list_len(l) && i < USES_MAX; i++)
		used[u.n++] = (struct sensor_use){ sensor_list_at(l, i)->id,
						   SENSOR_ALERT };
	set = sensor_set_new(l, NULL, NULL);
	BUG_ON(!set);
	size = sensor_set_size(set);
	(void)printf("compiled in %.2f s: %u expressions, %u unfiltered, "
		     "databases %" PRIu64 " KiB, scratch %" PRIu64 " KiB\n",
		     (now() - begin) / 1e9, size.expressions, size.unfiltered,
		     size.database_bytes >> 10, size.scratch_bytes >> 10);
	lane = sensor_lane_new(set);
	s = sensor_scanner_new(&o);
	BUG_ON(!lane || !s);
	(void)sensor_scanner_adopt(s, lane); /* there was none */
	(void)printf("%-16s %6s %6s %6s %6s %6s\n", "ns/KiB", "1448", "x sum",
		     "16384", "x sum", "sum");
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (argc < 2 || strcmp(argv[1], kinds[i].name) == 0)
			bench(s, u, &kinds[i]);
	counts = sensor_scanner_counts(s);
	(void)printf("views %" PRIu64 ", candidates %" PRIu64 ", told %" PRIu64
		     ", bytes %" PRIu64 ", sum %u\n",
		     counts.views, counts.candidates, counts.told,
		     counts.scanned_bytes, sum);
	(void)sensor_scanner_adopt(s, NULL); /* it is lane */
	sensor_scanner_free(s);
	sensor_lane_free(lane);
	sensor_set_free(set);
	return 0;
}
