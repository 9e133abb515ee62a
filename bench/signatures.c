/*
 * signatures [N...]	  what N signatures cost to read, to compile, to keep, and
 *			  to scan with: HTTP requests as a parser tells them,
 *			  raw bytes, bodies
 * signatures print N	  the signatures themselves, for other benchmarks
 *
 * The signatures are made up, of the kinds that Emerging Threats' have and about
 * as many of each; the traffic is benign and looks like what they look for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/bug.h"
#include "detect/sig_scan.h"
#include "wire/app.h"

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
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t memory_kib(void)
{
	struct rusage u;

	BUG_ON(getrusage(RUSAGE_SELF, &u) != 0);
	return (uint64_t)u.ru_maxrss;
}

/* A word that could stand in a path. */
static const char *word(void)
{
	static char words[8][40];
	static unsigned turn;
	static const char *const syllables[] = {
		"ad",	"min", "con",  "fig", "up",  "load", "in",  "dex", "wp",
		"php",	"get", "user", "id",  "log", "view", "api", "sh",  "x",
		"data", "te",  "st",   "ro",  "ot",  "bin",  "cgi", "ja",  "va"
	};
	char *w = words[turn++ % 8];
	unsigned n = 2 + draw(4);

	w[0] = 0;
	for (unsigned i = 0; i < n; i++) {
		size_t len = strlen(w);

		(void)snprintf(w + len, 40 - len, "%s%s",
			       i && draw(3) == 0 ? "/" : "",
			       syllables[draw(27)]);
	}
	return w;
}

static void print_rule(FILE *f, unsigned sid)
{
	unsigned kind = draw(100);

	if (kind < 40)
		(void)fprintf(f,
			      "alert http any any -> any any (http.method; "
			      "content:\"POST\"; http.uri; content:\"/%s.%s\"; "
			      "nocase; ",
			      word(), word());
	else if (kind < 55)
		(void)fprintf(f,
			      "alert http any any -> any any (http.uri; "
			      "content:\"%s=\"; pcre:\"/%s=[0-9]{%u,}/\"; ",
			      word(), word(), 2 + draw(20));
	else if (kind < 65)
		(void)fprintf(f,
			      "alert http any any -> any any (http.header; "
			      "content:\"X-%s|3a 20|%s\"; ",
			      word(), word());
	else if (kind < 70)
		(void)fprintf(f,
			      "alert http any any -> any any "
			      "(http.user_agent; content:\"%s/%u\"; ",
			      word(), draw(9));
	else if (kind < 75)
		(void)fprintf(f,
			      "alert http any any -> any any (http.host; "
			      "content:\"%s.%s.com\"; endswith; ",
			      word(), word());
	else if (kind < 82)
		(void)fprintf(f,
			      "alert http any any -> any any "
			      "(http.request_body; content:\"%s=%s\"; nocase; ",
			      word(), word());
	else if (kind < 88)
		(void)fprintf(f,
			      "alert http any any -> any any "
			      "(flow:to_client; file_data; content:\"<%s\"; "
			      "content:\"%s\"; distance:0; ",
			      word(), word());
	else if (kind < 93)
		(void)fprintf(f,
			      "alert dns any any -> any any (dns.query; "
			      "content:\"%s.%s\"; nocase; ",
			      word(), word());
	else
		(void)fprintf(f,
			      "alert tcp any any -> any [%u,%u] "
			      "(flow:to_server; content:\"|%02x %02x|%s\"; "
			      "depth:%u; ",
			      400 + draw(100), draw(8) ? draw(60000) : 8080,
			      draw(256), draw(256), word(), 60 + draw(100));
	(void)fprintf(f, "msg:\"made up %u\"; sid:%u; rev:1;)\n", sid, sid);
}

static char *make_rules(unsigned n, size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	BUG_ON(!f);
	for (unsigned i = 1; i <= n; i++)
		print_rule(f, i);
	BUG_ON(fclose(f) != 0);
	return text;
}

static void field(struct sig_scanner *s, uint32_t flow, enum proto_side side,
		  enum proto_field f, const char *text)
{
	struct proto_piece p = { .bytes = bytes_of(text, strlen(text)),
				 .field = (uint8_t)f,
				 .side = (uint8_t)side,
				 .begin = true,
				 .end = true };

	sig_piece(s, flow, &p);
}

static void header(struct sig_scanner *s, uint32_t flow, const char *text,
		   bool begin, bool end)
{
	struct proto_piece p = { .bytes = bytes_of(text, strlen(text)),
				 .field = FIELD_HTTP_HEADER,
				 .begin = begin,
				 .end = end };

	sig_piece(s, flow, &p);
}

static void request(struct sig_scanner *s, uint32_t flow)
{
	field(s, flow, 0, FIELD_HTTP_METHOD, "GET");
	field(s, flow, 0, FIELD_HTTP_URI_RAW, "/static/app/index.html?id=17");
	field(s, flow, 0, FIELD_HTTP_URI, "/static/app/index.html?id=17");
	field(s, flow, 0, FIELD_HTTP_PATH, "/static/app/index.html");
	field(s, flow, 0, FIELD_HTTP_PROTOCOL, "HTTP/1.1");
	field(s, flow, 0, FIELD_HTTP_HOST, "www.example.com");
	header(s, flow, "Host: www.example.com\r\n", true, false);
	field(s, flow, 0, FIELD_HTTP_USER_AGENT,
	      "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0");
	header(s, flow,
	       "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) "
	       "Firefox/128.0\r\n",
	       false, false);
	header(s, flow, "Accept: text/html,*/*;q=0.8\r\n", false, false);
	header(s, flow, "Accept-Encoding: gzip, deflate\r\n", false, false);
	header(s, flow, "Connection: keep-alive\r\n", false, true);
	sig_asked(s, flow);
	sig_ended(s, flow, 0);
	field(s, flow, 1, FIELD_HTTP_STAT_CODE, "200");
	field(s, flow, 1, FIELD_HTTP_STAT_MSG, "OK");
	field(s, flow, 1, FIELD_HTTP_SERVER, "nginx");
	field(s, flow, 1, FIELD_HTTP_RESPONSE_BODY,
	      "<html><body>It works, and so does the view of data.</body>");
	sig_ended(s, flow, 1);
}

static uint8_t text[1460];

static void fill_text(void)
{
	for (size_t n = 0; n < sizeof text;) {
		int more = snprintf((char *)text + n, sizeof text - n, "%s ",
				    word());

		n += (size_t)more;
	}
}

static void measure_scan(struct sig_scanner *s)
{
	struct sig_facts f = { .client = ip_from_v4(1),
			       .server = ip_from_v4(2),
			       .client_port = 40000,
			       .server_port = 8080,
			       .proto = 6 };
	uint32_t flow = sig_open(s, &f), reps = 20000;
	struct proto_piece p = { .bytes = bytes_of(text, sizeof text),
				 .field = FIELD_HTTP_RESPONSE_BODY,
				 .side = 1,
				 .begin = true };
	double t = now();

	sig_known(s, flow, APP_HTTP);
	for (uint32_t i = 0; i < reps; i++)
		request(s, flow);
	printf("  HTTP request and answer      %7.0f ns\n",
	       (now() - t) / reps * 1e9);
	fill_text();
	t = now();
	for (uint32_t i = 0; i < reps; i++, p.begin = false) {
		memcpy(text, &i, sizeof i); /* new, or it is remembered */
		sig_piece(s, flow, &p);
	}
	printf("  body, 1,460 byte pieces      %7.0f ns/KiB\n",
	       (now() - t) / reps * 1e9 / (sizeof text / 1024.0));
	t = now();
	for (uint32_t i = 0; i < reps; i++) {
		memcpy(text, &i, sizeof i);
		sig_payload(s, flow, 0, bytes_of(text, sizeof text), false);
		if (i % 512 == 511) {
			sig_close(s, flow);
			flow = sig_open(s, &f);
		}
	}
	printf("  raw bytes, 1,460 a segment   %7.0f ns/KiB%s\n",
	       (now() - t) / reps * 1e9 / (sizeof text / 1024.0),
	       sig_wants_payload(s, flow, 0) ? "" : " (not wanted)");
	sig_close(s, flow);
}

static void measure(unsigned n)
{
	struct sig_scanner_options o = sig_scanner_options_default();
	size_t len;
	char *rules = make_rules(n, &len);
	struct sig_list *l = sig_list_new();
	struct err err = { 0 };
	double t = now();
	struct sig_scanner *s;
	struct sig_set_size size;
	struct sig_lane *lane;
	struct sig_set *set;

	BUG_ON(!l || sig_list_text(l, "made up", rules, len, &err) != 0);
	printf("%u signatures (%" PRIu64 " refused)\n", n, sig_list_refused(l));
	printf("  read                         %7.2f s\n", now() - t);
	t = now();
	set = sig_set_new(l, NULL, &err);
	BUG_ON(!set);
	printf("  compiled                     %7.2f s\n", now() - t);
	size = sig_set_size(set);
	printf("  Vectorscan %.1f MiB, %u patterns in %u databases; PCRE2 %.1f "
	       "MiB; else %.1f MiB; peak of the process %.0f MiB\n",
	       (double)size.database_bytes / 1048576, size.patterns,
	       size.databases, (double)size.pcre_bytes / 1048576,
	       (double)size.other_bytes / 1048576, (double)memory_kib() / 1024);
	lane = sig_lane_new(set);
	s = sig_scanner_new(&o);
	BUG_ON(!lane || !s);
	sig_scanner_adopt(s, lane);
	measure_scan(s);
	sig_scanner_free(s);
	sig_lane_free(lane);
	sig_set_free(set);
	free(rules);
}

int main(int argc, char **argv)
{
	static const unsigned usual[] = { 200, 2000, 20000 };
	size_t len;

	if (argc == 3 && strcmp(argv[1], "print") == 0) {
		char *rules =
			make_rules((unsigned)strtoul(argv[2], NULL, 10), &len);

		(void)fputs(rules, stdout);
		free(rules);
		return 0;
	}
	if (argc < 2)
		for (unsigned i = 0; i < 3; i++)
			measure(usual[i]);
	for (int i = 1; i < argc; i++)
		measure((unsigned)strtoul(argv[i], NULL, 10));
	return 0;
}
