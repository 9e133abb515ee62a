/*
 * What HTTP/1 costs: ns a head, ns a KiB of body. Usage: http [ROUNDS]
 *
 * The conversation of curl with nginx over one connection, as the pipeline
 * hands it over: a request and its answer's head a call, bodies in calls of a
 * full-sized segment and of a GSO frame. The sink does nothing. "wanted" is who
 * listens: all fields, all but bodies, or the path only, as a rule of policy
 * does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/dialogue.h"

#define REQUEST                        \
	"GET /index.html HTTP/1.1\r\n" \
	"Host: 10.78.0.2:8080\r\n"     \
	"User-Agent: curl/7.88.1\r\n"  \
	"Accept: */*\r\n\r\n"
#define BROWSER                                                            \
	"GET /assets/app.3f9c.js?v=17 HTTP/1.1\r\n"                        \
	"Host: shop.example.org\r\n"                                       \
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:115.0) "           \
	"Gecko/20100101 Firefox/115.0\r\n"                                 \
	"Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"            \
	"Accept-Language: en-US,en;q=0.5\r\n"                              \
	"Accept-Encoding: gzip, deflate, br\r\n"                           \
	"Referer: https://shop.example.org/cart?item=4711&ref=front\r\n"   \
	"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n" \
	"X-Forwarded-For: 198.51.100.7\r\n"                                \
	"Connection: keep-alive\r\n\r\n"
#define ANSWER                                             \
	"HTTP/1.1 200 OK\r\n"                              \
	"Server: nginx/1.22.1\r\n"                         \
	"Date: Sun, 29 Nov 2026 18:00:00 GMT\r\n"          \
	"Content-Type: text/html\r\n"                      \
	"Last-Modified: Sun, 29 Nov 2026 17:00:00 GMT\r\n" \
	"Connection: keep-alive\r\n"                       \
	"ETag: \"656770f0-264\"\r\n"                       \
	"Accept-Ranges: bytes\r\n"

#define BODY_BYTES (1u << 20)
/* Requests between two looks at the clock: all may wait for their answers. */
#define BATCH 60

static uint64_t told;

/* Processor time, which others on the machine do not lengthen. */
static uint64_t cpu_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* it exists */
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool piece(void *arg, const struct proto_piece *p)
{
	(void)arg;
	told += bytes_len(p->bytes);
	return true;
}

static bool note(void *arg, enum proto_side side, enum proto_note n)
{
	(void)arg;
	fprintf(stderr, "http: noted %s of side %d\n", proto_note_name(n),
		side);
	exit(1);
}

static bool asked(void *arg)
{
	(void)arg;
	return true;
}

static bool ended(void *arg, enum proto_side side)
{
	(void)arg;
	(void)side;
	return true;
}

static bool known(void *arg, uint32_t app)
{
	(void)arg;
	(void)app;
	return true;
}

static struct proto_sink sinks[] = {
	{ piece, note, asked, ended, known, NULL, { 0 } },
	{ piece, note, asked, ended, known, NULL, { 0 } },
	{ piece, note, asked, ended, known, NULL, { 0 } },
};
static const char *const wanted[] = { "all", "all but bodies", "the path" };

static void unwant(struct proto_sink *sink, enum proto_field f)
{
	sink->unwanted[f / 64] |= (uint64_t)1 << (f % 64);
}

static void say(struct dialogue_pool *p, uint32_t handle, enum proto_side side,
		const void *bytes, size_t len, const struct proto_sink *sink)
{
	struct proto_chunk c = { .bytes = bytes_of(bytes, len),
				 .side = (uint8_t)side };

	if (dialogue_read(p, handle, &c, sink) != len) {
		fprintf(stderr, "http: left unread\n");
		exit(1);
	}
}

static void heads(struct dialogue_pool *p, const char *name,
		  const char *request, unsigned rounds)
{
	const char *answer = ANSWER "Content-Length: 0\r\n\r\n";
	size_t request_len = strlen(request), answer_len = strlen(answer);

	for (size_t s = 0; s < sizeof sinks / sizeof *sinks; s++) {
		uint32_t handle = dialogue_open(p, false, false, 80);
		uint64_t begin, half = 0, all = 0;

		for (unsigned i = 0; i < rounds; i++) {
			begin = cpu_ns();
			for (unsigned k = 0; k < BATCH; k++)
				say(p, handle, PROTO_CLIENT, request,
				    request_len, &sinks[s]);
			half += cpu_ns() - begin;
			for (unsigned k = 0; k < BATCH; k++)
				say(p, handle, PROTO_SERVER, answer, answer_len,
				    &sinks[s]);
			all += cpu_ns() - begin;
		}
		printf("%-8s %4zu bytes, wanted: %-15s %6.0f ns a request, "
		       "%6.0f ns an answer\n",
		       name, request_len, wanted[s],
		       (double)half / rounds / BATCH,
		       (double)(all - half) / rounds / BATCH);
		dialogue_close(p, handle);
	}
}

/* chunk: of Transfer-Encoding, 0: a length. */
static void bodies(struct dialogue_pool *p, size_t call, size_t chunk,
		   unsigned rounds)
{
	static char body[BODY_BYTES + 65536];
	size_t len = 0, head_len;
	char head[512];

	while (chunk && len < BODY_BYTES) {
		len += (size_t)snprintf(body + len, 32, "%zx\r\n", chunk);
		memset(body + len, 'x', chunk);
		len += chunk;
		body[len++] = '\r';
		body[len++] = '\n';
	}
	if (chunk) {
		len += (size_t)snprintf(body + len, 8, "0\r\n\r\n");
		head_len = (size_t)snprintf(
			head, sizeof head,
			ANSWER "Transfer-Encoding: chunked\r\n\r\n");
	} else {
		len = BODY_BYTES;
		head_len = (size_t)snprintf(
			head, sizeof head, ANSWER "Content-Length: %zu\r\n\r\n",
			len);
	}
	for (size_t s = 0; s < 2; s++) {
		uint32_t handle = dialogue_open(p, false, false, 80);
		uint64_t begin = cpu_ns(), ns;

		for (unsigned i = 0; i < rounds; i++) {
			say(p, handle, PROTO_CLIENT, REQUEST, strlen(REQUEST),
			    &sinks[s]);
			say(p, handle, PROTO_SERVER, head, head_len, &sinks[s]);
			for (size_t at = 0; at < len; at += call)
				say(p, handle, PROTO_SERVER, body + at,
				    len - at < call ? len - at : call,
				    &sinks[s]);
		}
		ns = cpu_ns() - begin;
		printf("body %s, %5zu bytes a call, wanted: %-15s %6.1f ns a "
		       "KiB, "
		       "%5.0f ns a call\n",
		       chunk ? "in chunks of 4096" : "by its length    ", call,
		       wanted[s], (double)ns * 1024 / rounds / (double)len,
		       (double)ns / rounds / ((double)len / (double)call));
		dialogue_close(p, handle);
	}
}

int main(int argc, char **argv)
{
	static const struct dialogue_limits limits = { 16, 0 };
	struct dialogue_pool *p = dialogue_pool_new(&limits, 7);
	unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 1000;

	if (!p || rounds == 0) {
		fprintf(stderr, "usage: http [ROUNDS]\n");
		return 2;
	}
	unwant(&sinks[1], FIELD_HTTP_REQUEST_BODY);
	unwant(&sinks[1], FIELD_HTTP_RESPONSE_BODY);
	for (int f = 0; f < FIELD__MAX; f++)
		if (f != FIELD_HTTP_PATH)
			unwant(&sinks[2], (enum proto_field)f);
	heads(p, "curl", REQUEST, rounds);
	heads(p, "browser", BROWSER, rounds);
	bodies(p, 1448, 0, rounds);
	bodies(p, 65536, 0, rounds);
	bodies(p, 1448, 4096, rounds);
	dialogue_pool_free(p);
	return told == 0;
}
