/*
 * Paths and hosts as servers come to see them: tables, and random paths against
 * a model that keeps a list of segments.
 */
#include <stdio.h>
#include <string.h>

#include "proto/http_uri.h"
#include "seed.h"

#define D HTTP_PATH_DOUBLE
#define T HTTP_PATH_TRAVERSAL
#define O HTTP_PATH_ODD

/* limits: table */
static const struct {
	const char *path, *want;
	unsigned odd;
} paths[] = {
	{ "/", "/", 0 },
	{ "/a/b.c", "/a/b.c", 0 },
	{ "/a/./b", "/a/b", 0 },
	{ "/a/../b", "/b", 0 },
	{ "/a/..", "/", 0 },
	{ "/a/.", "/a/", 0 },
	{ "/a//b///c", "/a/b/c", 0 },
	{ "//a", "/a", 0 },
	{ "/a/b/../../c", "/c", 0 },
	{ "/..", "/", T },
	{ "/a/../../b", "/b", T },
	{ "/%2e%2E/b", "/b", T },
	{ "/a%2f..%2fb", "/b", 0 },
	{ "/.../b", "/.../b", 0 },
	{ "/.a/..b", "/.a/..b", 0 },
	{ "/a;x=1/b", "/a;x=1/b", 0 },
	{ "/a/..;/b", "/a/..;/b", T },
	{ "/a\\..\\b", "/a\\..\\b", T },
	{ "/..\\b", "/..\\b", T },
	{ "/a\\b", "/a\\b", 0 },
	{ "/%5c..%5cb", "/\\..\\b", T },
	{ "/%c0%af..%c0%afb", "/\300\257..\300\257b", T },
	{ "/%c3%a4", "/\303\244", 0 },
	{ "/%2561", "/%61", D },
	{ "/%252e%252e/", "/%2e%2e/", D },
	{ "/100%", "/100%", O },
	{ "/%zz%4", "/%zz%4", O },
	{ "/%41%6F", "/Ao", 0 },
	{ "*", "*", 0 },
	{ "a/../b", "b", 0 },
	{ "../b", "b", T },
	{ "./b", "b", 0 },
};

static void path_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		size_t len = strlen(paths[i].path);
		uint8_t out[64];
		unsigned odd;
		struct bytes b = http_path_plain(bytes_of(paths[i].path, len),
						 out, &odd);

		assert_row(paths[i].path, odd == paths[i].odd);
		assert_row(paths[i].path,
			   bytes_len(b) == strlen(paths[i].want));
		assert_memory_equal(b.begin, paths[i].want, bytes_len(b));
	}
}

/* limits: table */
static const struct {
	const char *target, *authority, *path, *query;
	bool connect, fragment;
} targets[] = {
	{ "/a?b?c", "", "/a", "b?c", false, false },
	{ "/a?", "", "/a", "", false, false },
	{ "http://h", "h", "/", NULL, false, false },
	{ "http://h?q", "h", "/", "q", false, false },
	{ "HTTPS://u:p@h:1/a/b?q", "u:p@h:1", "/a/b", "q", false, false },
	{ "/http://h/a", "", "/http://h/a", NULL, false, false },
	{ "http:/a", "", "http:/a", NULL, false, false },
	{ "://h/a", "", "://h/a", NULL, false, false },
	{ "*", "", "*", NULL, false, false },
	{ "h:443", "h:443", "", NULL, true, false },
	{ "/a#b?c", "", "/a", NULL, false, true },
	{ "/a?b#c", "", "/a", "b#c", false, false },
};

static void check_part(const char *target, struct bytes b, const char *want)
{
	assert_row(target, bytes_len(b) == strlen(want));
	if (bytes_len(b) > 0)
		assert_memory_equal(b.begin, want, bytes_len(b));
}

static void target_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		const char *target = targets[i].target;
		struct http_target t = http_target_of(
			bytes_of(target, strlen(target)), targets[i].connect);

		check_part(target, t.authority, targets[i].authority);
		check_part(target, t.path, targets[i].path);
		assert_row(target, t.has_query == !!targets[i].query);
		assert_row(target, t.fragment == targets[i].fragment);
		if (targets[i].query)
			check_part(target, t.query, targets[i].query);
	}
}

static const struct {
	const char *authority, *host;
} hosts[] = {
	{ "Example.org", "Example.org" },
	{ " h:80\t", "h" },
	{ "h.:80", "h" },
	{ ".", "." },
	{ "[::1]:80", "[::1]" },
	{ "[::1", "[::1" },
	{ "u:p@h:80", "h" },
	{ "a@b@c", "c" },
	{ "", "" },
	{ ":80", "" },
};

static void host_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		check_part(hosts[i].authority,
			   http_host_of(bytes_of(hosts[i].authority,
						 strlen(hosts[i].authority))),
			   hosts[i].host);
}

/* --- the model -------------------------------------------------------- */

/* Of an absolute path without '%': its segments, as a list that is joined. */
static size_t model(const char *path, char *out, bool *ret_left)
{
	const char *segments[64];
	size_t lens[64], n = 0, len = 0;
	bool open = false; /* ends with '/' */

	*ret_left = false;
	while (*path) {
		size_t part = strcspn(++path, "/");
		bool up = part == 2 && memcmp(path, "..", 2) == 0;
		bool here = part == 0 || (part == 1 && *path == '.');

		open = up || here || path[part] == '/';
		if (up && n == 0)
			*ret_left = true;
		else if (up)
			n--;
		if (!up && !here) {
			assert_true(n < ARRAY_LEN(segments));
			segments[n] = path;
			lens[n++] = part;
		}
		path += part;
	}
	for (size_t i = 0; i < n; i++) {
		out[len++] = '/';
		memcpy(out + len, segments[i], lens[i]);
		len += lens[i];
	}
	if (open || n == 0)
		out[len++] = '/';
	return len;
}

static void against_model(void **state)
{
	static const char *const parts[] = { "/",   "/", ".",  ".",   "..",
					     "/..", "a", "bc", "/./", "//" };
	uint64_t random = seed_choose() | 1;

	(void)state;
	for (int i = 0; i < 50000; i++) {
		char path[256] = "/", sent[800], want[256];
		uint8_t out[sizeof sent];
		size_t len = 1, n = seed_draw(&random, 16), sent_len = 0;
		unsigned odd;
		struct bytes b;
		bool left;

		for (size_t k = 0; k < n; k++) {
			const char *part =
				parts[seed_draw(&random, ARRAY_LEN(parts))];

			memcpy(path + len, part, strlen(part));
			len += strlen(part);
		}
		path[len] = 0;
		/* some of it is sent encoded */
		for (size_t k = 0; k < len; k++) {
			if (k > 0 && seed_draw(&random, 4) == 0)
				sent_len += (size_t)snprintf(
					sent + sent_len, 4,
					seed_draw(&random, 2) ? "%%%02x"
							      : "%%%02X",
					(unsigned char)path[k]);
			else
				sent[sent_len++] = path[k];
		}
		len = model(path, want, &left);
		b = http_path_plain(bytes_of(sent, sent_len), out, &odd);
		if (bytes_len(b) != len || memcmp(b.begin, want, len) != 0 ||
		    odd != (left ? T : 0u))
			fail_msg("%s: %.*s, odd %x, wanted %.*s, %d", path,
				 (int)bytes_len(b), (const char *)b.begin, odd,
				 (int)len, want, left);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_table),
		cmocka_unit_test(target_table),
		cmocka_unit_test(host_table),
		cmocka_unit_test(against_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
