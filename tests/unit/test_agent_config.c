/*
 * The agent's configuration: what is read, what is refused and where.
 */
#include "agent/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

/* As a file; its path is static. */
static const char *file_of(const char *text)
{
	static char path[] = "/tmp/weir-config-XXXXXX";
	int fd;

	memcpy(path + sizeof path - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

static void test_empty(void **state)
{
	struct config c;
	struct err err;

	assert_int_equal(config_read(file_of(""), &c, &err), 0);
	assert_int_equal(c.default_mode, MODE_DISCOVER);
	assert_int_equal(c.on_failure, INPLACE_CLOSED);
	assert_int_equal(c.on_new, ON_NEW_AUTO);
	assert_int_equal(c.claim_ms, 1000);
	assert_true(c.plane_managed);
	assert_true(c.n_runtimes >= 5);
	assert_string_equal(c.door, "/run/weir/agent.sock");
	assert_true(config_matches(&c.links, "veth7"));
	assert_false(config_matches(&c.exclude, "veth7"));
	config_done(&c);
}

static void test_all(void **state)
{
	static const char text[] =
		"runtimes:\n"
		"- {kind: netns, path: /run/netns}\n"
		"- {kind: docker, path: /tmp/d.sock}\n"
		"guard:\n"
		"  links: ['veth*', cali*]\n"
		"  exclude: [veth0]\n"
		"  on_new: hold\n"
		"  claim_ms: 0\n"
		"  only_ip: true\n"
		"  on_failure: open\n"
		"  watch: inline\n"
		"modes: {default: protect}\n"
		"data_plane: {program: /x/weir-dp, socket: /x/dp.sock, "
		"managed: "
		"false, workers: 4}\n"
		"learn: {auto_accept: true}\n"
		"store: {dir: /x/store, flows_days: 7, events_days: 8, max_mb: "
		"99}\n"
		"control: {socket: /x/agent.sock}\n"
		"node: me\n";
	struct config c;
	struct err err;

	assert_int_equal(config_read(file_of(text), &c, &err), 0);
	assert_int_equal(c.n_runtimes, 2);
	assert_int_equal(c.runtimes[1].kind, RUNTIME_DOCKER);
	assert_string_equal(c.runtimes[1].path, "/tmp/d.sock");
	assert_true(config_matches(&c.links, "cali12"));
	assert_false(config_matches(&c.links, "eth0"));
	assert_true(config_matches(&c.exclude, "veth0"));
	assert_int_equal(c.on_new, ON_NEW_HOLD);
	assert_int_equal(c.claim_ms, 0);
	assert_true(c.only_ip && c.watch_inline && c.auto_accept);
	assert_int_equal(c.on_failure, INPLACE_OPEN);
	assert_int_equal(c.default_mode, MODE_PROTECT);
	assert_string_equal(c.program, "/x/weir-dp");
	assert_string_equal(c.plane_door, "/x/dp.sock");
	assert_false(c.plane_managed);
	assert_int_equal(c.workers, 4);
	assert_string_equal(c.store_dir, "/x/store");
	assert_int_equal(c.flows_days, 7);
	assert_int_equal(c.events_days, 8);
	assert_int_equal(c.store_max_mb, 99);
	assert_string_equal(c.door, "/x/agent.sock");
	assert_string_equal(c.node, "me");
	config_done(&c);
}

static void test_wrong(void **state)
{
	static const struct {
		const char *text, *place, *what; /* parts of the error */
	} rows[] = {
		{ "gard: {}\n", ":1:", "gard" },
		{ "guard:\n  on_new: maybe\n", ":2:", "auto, hold, pass" },
		{ "guard: {claim_ms: -1}\n", ":1:", "claim_ms" },
		{ "guard: {claim_ms: soon}\n", ":1:", "" },
		{ "guard: {links: [1]}\n", ":1:", "texts" },
		{ "guard: []\n", ":1:", "object" },
		{ "data_plane: {workers: 0}\n", ":1:", "" },
		{ "data_plane: {workers: 17}\n", ":1:", "" },
		{ "data_plane: {program: ''}\n", ":1:", "empty" },
		{ "runtimes:\n- {kind: dcoker, path: /x}\n", ":2:", "docker" },
		{ "runtimes:\n- {kind: docker, path: x}\n", ":2:", "/" },
		{ "runtimes:\n- {kind: docker}\n", ":2:", "path" },
		{ "modes: {default: protec}\n", ":1:", "protect" },
		{ "store: {max_mb: 1}\n", ":1:", "" },
		{ "node: [1]\n", ":1:", "" },
		{ "kubernetes: {server: 'http://a'}\n", ":1:", "https" },
		{ "kubernetes: {server: 'https://'}\n", ":1:", "https" },
		{ "kubernetes: {server: 'https://a/b'}\n", ":1:", "https" },
		{ "kubernetes: {server: 'https://a@b'}\n", ":1:", "https" },
		{ "kubernetes: {}\n", ":1:", "no pod" },
		{ "kubernetes: {server: 'https://a', pods: some}\n",
		  ":1:", "cluster, node" },
		{ "node: a\nnode: b\n", ":2:", "" },
		{ "a: [\n", ":", "" },
		{ "{}\n---\n{}\n", "", "documents" },
		{ "- 1\n", ":1:", "object" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config c = { .workers = 77 };
		struct err err;

		assert_row(rows[i].text,
			   config_read(file_of(rows[i].text), &c, &err) < 0);
		if (!strstr(err.at, rows[i].place) ||
		    (!strstr(err.text, rows[i].what) &&
		     !strstr(err.at, rows[i].what)))
			fail_msg("row \"%s\": at \"%s\": %s", rows[i].text,
				 err.at, err.text);
		assert_row("untouched", c.workers == 77);
	}
}

/* In a pod nothing has to be said. */
static void test_kubernetes(void **state)
{
	struct config c, other;
	struct err err;

	setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "6443", 1);
	setenv("NODE_NAME", "n-1", 1);
	assert_int_equal(config_read(file_of("kubernetes: {}\n"), &c, &err), 0);
	assert_true(c.kubernetes.on && c.kubernetes.all_pods);
	assert_string_equal(c.kubernetes.server, "https://[fd00::1]:6443");
	assert_string_equal(
		c.kubernetes.token_file,
		"/var/run/secrets/kubernetes.io/serviceaccount/token");
	assert_string_equal(c.node, "n-1");
	assert_int_equal(config_read(file_of("kubernetes: {server: "
					     "'https://10.0.0.1', pods: node, "
					     "ca_file: /ca}\nnode: other\n"),
				     &other, &err),
			 0);
	assert_string_equal(other.kubernetes.server, "https://10.0.0.1");
	assert_string_equal(other.kubernetes.ca_file, "/ca");
	assert_false(other.kubernetes.all_pods);
	assert_string_equal(other.node, "other");
	assert_true(config_kubernetes_same(&c.kubernetes, &c.kubernetes));
	assert_false(config_kubernetes_same(&c.kubernetes, &other.kubernetes));
	config_done(&c);
	config_done(&other);
	/* without the key none of it counts */
	assert_int_equal(config_read(file_of(""), &c, &err), 0);
	assert_false(c.kubernetes.on);
	assert_true(strcmp(c.node, "n-1") != 0);
	config_done(&c);
	unsetenv("KUBERNETES_SERVICE_HOST");
	unsetenv("KUBERNETES_SERVICE_PORT");
	unsetenv("NODE_NAME");
}

static void test_missing(void **state)
{
	struct config c;
	struct err err;

	assert_int_equal(config_read("/tmp/weir-no-such-file", &c, &err),
			 -ENOENT);
	assert_int_equal(config_read("/tmp", &c, &err), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_kubernetes),
		cmocka_unit_test(test_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
