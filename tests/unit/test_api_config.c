/*
 * weir-api's configuration: what is read, what is refused and where.
 */
#include "api/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

/* As a file; its path is static. */
static const char *file_of(const char *text)
{
	static char path[] = "/tmp/weir-api-XXXXXX";
	int fd;

	memcpy(path + sizeof path - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

static int read_text(const char *text, struct api_config *c, struct err *reterr)
{
	const char *path = file_of(text);
	int rc = api_config_read(path, c, reterr);

	(void)unlink(path);
	return rc;
}

static void test_empty(void **state)
{
	char text[API_LISTEN_TEXT_MAX];
	struct api_config c;
	struct err err;

	assert_int_equal(read_text("", &c, &err), 0);
	assert_int_equal(c.n_listens, 1);
	assert_string_equal(api_listen_text(&c.listens[0], text),
			    "127.0.0.1:8787");
	assert_true(c.listens[0].loopback);
	assert_true(c.metrics_local);
	assert_string_equal(c.user, "weir-api");
	assert_string_equal(c.agent, "/run/weir/agent.sock");
	assert_int_equal(api_config_check(&c, &err), 0);
	api_config_done(&c);
}

static void test_all(void **state)
{
	static const char text[] = "listen: ['127.0.0.1:1', '[::1]:2', "
				   "'0.0.0.0:443', '[::]:444']\n"
				   "hosts: [weir.example]\n"
				   "tls: {cert: /x/c.pem, key: /x/k.pem}\n"
				   "state: {dir: /x/s}\n"
				   "agent: {socket: /x/a.sock}\n"
				   "web: {dir: /x/w, openapi: /x/o.yaml}\n"
				   "metrics: {local: false}\n"
				   "user: me\n";
	static const char *const listens[] = { "127.0.0.1:1", "[::1]:2",
					       "0.0.0.0:443", "[::]:444" };
	char at[API_LISTEN_TEXT_MAX];
	struct api_config c;
	struct err err;

	assert_int_equal(read_text(text, &c, &err), 0);
	assert_int_equal(c.n_listens, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(api_listen_text(&c.listens[i], at),
				    listens[i]);
		assert_int_equal(c.listens[i].loopback, i < 2);
	}
	assert_string_equal(c.hosts[0], "weir.example");
	assert_string_equal(c.key, "/x/k.pem");
	assert_string_equal(c.state_dir, "/x/s");
	assert_string_equal(c.agent, "/x/a.sock");
	assert_string_equal(c.web, "/x/w");
	assert_string_equal(c.openapi, "/x/o.yaml");
	assert_false(c.metrics_local);
	assert_string_equal(c.user, "me");
	assert_int_equal(api_config_check(&c, &err), 0);
	api_config_done(&c);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *says; /* part of where or what */
	} rows[] = {
		{ "lisen: []\n", "lisen" },
		{ "listen: []\n", "must name an address" },
		{ "listen: [8787]\n", "list of texts" },
		{ "listen: ['8787']\n", "ADDRESS:PORT" },
		{ "listen: ['localhost:8787']\n", "ADDRESS:PORT" },
		{ "listen: ['127.0.0.1:']\n", "ADDRESS:PORT" },
		{ "listen: ['127.0.0.1:65536']\n", "ADDRESS:PORT" },
		{ "listen: ['127.0.0.1:+1']\n", "ADDRESS:PORT" },
		{ "listen: ['::1:1']\n", "ADDRESS:PORT" },
		{ "tls: {cert: /x}\n", "key" },
		{ "tls: {key: /x}\n", "cert" },
		{ "tls: {cert: /x, key: ''}\n", "key" },
		{ "metrics: {local: 1}\n", "local" },
		{ "hosts: weir\n", "hosts" },
		{ "[]\n", "" },
		{ "a: 1\n---\nb: 2\n", "documents" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct api_config c;
		struct err err = { 0 };

		assert_row(rows[i].text,
			   read_text(rows[i].text, &c, &err) == -EINVAL);
		assert_row(rows[i].text,
			   strstr(err.at, rows[i].says) ||
				   strstr(err.text, rows[i].says));
	}
}

static void test_needs_tls(void **state)
{
	struct api_config c;
	struct err err;

	assert_int_equal(read_text("listen: ['192.0.2.1:80']\n", &c, &err), 0);
	assert_int_equal(api_config_check(&c, &err), -EINVAL);
	assert_non_null(strstr(err.text, "192.0.2.1:80"));
	assert_non_null(strstr(err.text, "TLS"));
	api_config_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_needs_tls),
	};

	return cmocka_run_group_tests_name("api_config", tests, NULL, NULL);
}
