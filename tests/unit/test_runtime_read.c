/*
 * What runtimes say, read: tables of texts and messages, good, odd and hostile.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/about.h"
#include "runtime/containerd.pb-c.h"
#include "runtime/containerd_read.h"
#include "runtime/cri.pb-c.h"
#include "runtime/cri_read.h"
#include "runtime/docker_read.h"
#include "runtime/grpc.h"
#include "runtime/process.h"
#include "test.h"

static void test_workload(void **state)
{
	static const char *const rows[][2] = {
		{ "web-6d4cf56db6-x2x9z", "web" },
		{ "my-web-app-7d8bcb4985-2xk4h", "my-web-app" },
		{ "fluentd-x2x9z", "fluentd" },
		{ "backup-28123456-x2x9z", "backup" },
		{ "db-0", "db" },
		{ "db-main-12", "db-main" },
		{ "web", "web" },
		{ "web-proxy", "web-proxy" }, /* vowels are in no random */
		{ "web-aaaaa-bbbbb", "web-aaaaa" },
		{ "kube-apiserver-node", "kube-apiserver-node" },
		{ "-x2x9z", "-x2x9z" },
		{ "-", "-" },
		{ "", "" },
		{ "db-20261129", "db-20261129" },
	};
	char got[RUNTIME_NAME_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		about_workload_of(rows[i][0], got);
		assert_row(rows[i][0], strcmp(got, rows[i][1]) == 0);
	}
}

static void test_time(void **state)
{
	static const struct {
		const char *text;
		long long want;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-29T10:57:57.123456789Z", 1795949877 },
		{ "2026-11-29T10:57:57Z", 1795949877 },
		{ "2026-11-29T11:57:57+01:00", 1795949877 },
		{ "2026-11-29T04:27:57.5-06:30", 1795949877 },
		{ "0001-01-01T00:00:00Z", 0 }, /* Docker's "never" */
		{ "2026-11-29T10:57:57", 0 },
		{ "2026-11-29", 0 },
		{ "", 0 },
		{ "9999-12-31T23:59:59Z", 0 },
		{ "1970-01-01T00:00:00+23:00", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(rows[i].text,
			   about_time(rows[i].text) == rows[i].want);
}

static void test_cgroup(void **state)
{
#define ID64 "46120dbf01abb9af53a67d195a46635d3c2ee6344642a61a88f1cca84d505877"
	static const struct {
		const char *text, *id;
		bool want;
	} rows[] = {
		{ "4:memory:/docker/" ID64 "\n1:name=systemd:/\n", ID64, true },
		{ "0::/system.slice/docker-" ID64 ".scope\n", ID64, true },
		{ "0::/kubepods/pod1/" ID64, ID64, true },
		{ "0::/blue/c1\n", "c1", true },
		{ "0::/\n4:cpu:/blue/c1/sub\n", "c1", true },
		{ "0::/blue/xc1\n", "c1", false },
		{ "0::/blue/c10\n", "c1", false },
		{ "0::/user.slice\n", ID64, false },
		{ "0::/\n", "", false },
		{ "c1\n", "c1", false },
		{ "", "c1", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(rows[i].text,
			   process_cgroup_names(rows[i].text, rows[i].id) ==
				   rows[i].want);
}

static void test_ports(void **state)
{
	json_t *about = json_object(), *want;

	about_port(about, "80/tcp");
	about_port(about, "53/udp");
	about_port(about, "53/tcp");
	about_port(about, "80/tcp");
	about_port(about, "9/sctp");
	about_port(about, "0/tcp");
	about_port(about, "65536/tcp");
	about_port(about, "-1/tcp");
	about_port(about, "80");
	about_port(about, "80/quic");
	about_port(about, "80/tcp ");
	about_port(about, "");
	want = json_pack("[ssss]", "sctp/9", "tcp/53", "tcp/80", "udp/53");
	assert_true(json_equal(json_object_get(about, "ports"), want));
	json_decref(want);
	json_decref(about);
}

static void test_limits(void **state)
{
	static char name[RUNTIME_LABEL_MAX + 1], many[RUNTIME_NAME_MAX + 9];
	json_t *about = json_object(), *labels;
	char text[16];

	memset(name, 'x', sizeof name - 1);
	about_label(about, name, "v"); /* one byte too long */
	about_label(about, "\xff", "v");
	about_label(about, "v", "\xff");
	for (int i = 0; i < RUNTIME_LABELS_MAX + 5; i++) {
		(void)snprintf(text, sizeof text, "l%d", i);
		about_label(about, text, "v");
	}
	labels = json_object_get(about, "labels");
	assert_int_equal(json_object_size(labels), RUNTIME_LABELS_MAX);
	assert_null(json_object_get(labels, name));

	/* not cut within a character */
	for (size_t i = 0; i + 2 < sizeof many; i += 2)
		memcpy(many + i, "\xc3\xa4", 2);
	about_text(about, "image", many);
	assert_int_equal(
		strlen(json_string_value(json_object_get(about, "image"))),
		RUNTIME_NAME_MAX - 2);
	json_decref(about);
}

static void test_version(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} rows[] = {
		{ "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}",
		  "1.41" },
		{ "{\"ApiVersion\":\"1.41\"}", "1.41" },
		{ "{\"ApiVersion\":\"1.99\",\"MinAPIVersion\":\"1.24\"}",
		  "1.44" },
		{ "{\"ApiVersion\":\"2.1\",\"MinAPIVersion\":\"1.60\"}",
		  "1.60" },
		{ "{\"ApiVersion\":\"1.41/../..\"}", NULL },
		{ "{\"ApiVersion\":141}", NULL },
		{ "{\"ApiVersion\":\"\"}", NULL },
		{ "{}", NULL },
		{ "[]", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };
		char got[16] = "";
		bool ok = docker_read_version(rows[i].text,
					      strlen(rows[i].text), got, &err);

		assert_row(rows[i].text, ok == (rows[i].want != NULL));
		assert_row(rows[i].text, ok || err.code != 0);
		assert_row(rows[i].text, !ok || strcmp(got, rows[i].want) == 0);
	}
}

static void test_docker_event(void **state)
{
	static const struct {
		const char *line;
		enum docker_event want;
	} rows[] = {
		{ "{\"Type\":\"container\",\"Action\":\"start\","
		  "\"Actor\":{\"ID\":\"c1\"}}\n",
		  DOCKER_EVENT_LOOK },
		{ "{\"Type\":\"container\",\"Action\":\"died\",\"id\":\"c1\"}",
		  DOCKER_EVENT_LOOK },
		{ "{\"Type\":\"container\",\"Action\":\"exec_die\","
		  "\"Actor\":{\"ID\":\"c1\"}}",
		  DOCKER_EVENT_NONE },
		{ "{\"Type\":\"network\",\"Action\":\"destroy\","
		  "\"Actor\":{\"ID\":\"c1\"}}",
		  DOCKER_EVENT_NONE },
		{ "{\"Type\":\"container\",\"Action\":\"start\","
		  "\"Actor\":{\"ID\":\"../c1\"}}",
		  DOCKER_EVENT_BAD },
		{ "{\"Type\":\"container\",\"Action\":\"start\"}",
		  DOCKER_EVENT_BAD },
		{ "{\"Type\":\"container\",\"Action\":\"start\","
		  "\"Actor\":7,\"id\":[]}",
		  DOCKER_EVENT_BAD },
		{ "{}", DOCKER_EVENT_NONE },
		{ "\n", DOCKER_EVENT_NONE },
		{ "[]", DOCKER_EVENT_BAD },
		{ "{\"Type\":", DOCKER_EVENT_BAD },
		{ "", DOCKER_EVENT_BAD },
	};
	char id[RUNTIME_ID_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		id[0] = '\0';
		assert_row(rows[i].line,
			   docker_read_event(rows[i].line, strlen(rows[i].line),
					     id) == rows[i].want);
		assert_row(rows[i].line, rows[i].want != DOCKER_EVENT_LOOK ||
						 strcmp(id, "c1") == 0);
	}
}

static void test_docker_container(void **state)
{
	static const struct {
		const char *state;
		bool ok, runs;
	} rows[] = {
		{ "{\"Status\":\"running\",\"Pid\":7}", true, true },
		{ "{\"Status\":\"paused\",\"Pid\":7,\"Running\":false}", true,
		  true },
		{ "{\"Status\":\"stopping\",\"Pid\":7}", true, true },
		{ "{\"Status\":\"running\",\"Pid\":0}", true, false },
		{ "{\"Status\":\"exited\",\"Pid\":0}", true, false },
		{ "{\"Status\":\"created\",\"Pid\":7}", true, false },
		{ "{\"Status\":\"restarting\",\"Pid\":0}", true, false },
		{ "{\"Status\":\"running\",\"Pid\":-1}", false, false },
		{ "{\"Status\":\"running\",\"Pid\":4294967303}", false, false },
		{ "{\"Pid\":7}", false, false },
		{ "7", false, false },
	};
	char text[512];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct container c;
		struct err err = { 0 };
		int n = snprintf(text, sizeof text,
				 "{\"Id\":\"ab\",\"Name\":\"/web\","
				 "\"Config\":{\"Labels\":{\"a\":\"b\",\"n\":7},"
				 "\"Image\":\"i:1\"},\"State\":%s}",
				 rows[i].state);
		bool ok = docker_read_container(text, (size_t)n, &c, &err);

		assert_row(rows[i].state, ok == rows[i].ok);
		assert_row(rows[i].state, ok || err.code != 0);
		assert_row(rows[i].state, c.runs == rows[i].runs);
		assert_row(rows[i].state, !c.runs || c.pid == 7);
		json_decref(c.about);
	}
}

static void test_docker_netns(void **state)
{
	static const char *const rows[][2] = {
		{ "\"/var/run/docker/netns/0a\"", "/var/run/docker/netns/0a" },
		{ "\"/proc/7/ns/net\"", NULL },
		{ "\"\"", NULL },
		{ "\"blue\"", NULL },
		{ "7", NULL },
	};
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct container c;
		int n = snprintf(text, sizeof text,
				 "{\"Id\":\"ab\",\"State\":{\"Status\":"
				 "\"running\",\"Pid\":7},\"NetworkSettings\":"
				 "{\"SandboxKey\":%s}}",
				 rows[i][0]);

		assert_true(docker_read_container(text, (size_t)n, &c, NULL));
		assert_row(rows[i][0],
			   rows[i][1]
				   ? c.netns && strcmp(c.netns, rows[i][1]) == 0
				   : !c.netns);
		json_decref(c.about);
		free(c.netns);
	}
}

/* What labels say of name, service, namespace and pod. */
static void test_place(void **state)
{
	static const struct {
		const char *labels, *want; /* name service namespace pod */
	} rows[] = {
		{ "{}", "own own - -" },
		{ "{\"com.docker.compose.service\":\"web\","
		  "\"com.docker.compose.project\":\"shop\"}",
		  "own web shop -" },
		{ "{\"io.podman.compose.service\":\"web\","
		  "\"com.docker.compose.service\":\"\"}",
		  "own web - -" },
		{ "{\"com.docker.swarm.service.name\":\"shop_web\","
		  "\"com.docker.stack.namespace\":\"shop\"}",
		  "own shop_web shop -" },
		{ "{\"io.kubernetes.pod.name\":\"cart-6d4cf56db6-x2x9z\","
		  "\"io.kubernetes.pod.namespace\":\"shop\","
		  "\"io.kubernetes.container.name\":\"app\"}",
		  "app cart shop cart-6d4cf56db6-x2x9z" },
		{ "{\"io.kubernetes.pod.name\":\"db-0\","
		  "\"io.kubernetes.pod.namespace\":\"shop\"}",
		  "db-0 db shop db-0" },
		{ "{\"nerdctl/name\":\"nice\"}", "nice nice - -" },
	};
	static const char *const keys[] = { "name", "service", "namespace",
					    "pod" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *about = json_object();
		char got[4 * RUNTIME_NAME_MAX] = "";
		size_t len = 0;

		json_object_set_new(about, "labels",
				    json_loads(rows[i].labels, 0, NULL));
		about_place(about, "own");
		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			const char *v = json_string_value(
				json_object_get(about, keys[k]));

			len += (size_t)snprintf(got + len, sizeof got - len,
						"%s%s", k ? " " : "",
						v ? v : "-");
		}
		assert_row(rows[i].labels, strcmp(got, rows[i].want) == 0);
		json_decref(about);
	}
}

static void test_frames(void **state)
{
	static const struct {
		const char *name, *text;
		size_t len;
		long want;
	} rows[] = {
		{ "whole", "\0\0\0\0\2ab", 7, 7 },
		{ "empty message", "\0\0\0\0\0", 5, 5 },
		{ "one and a piece", "\0\0\0\0\1a\0", 7, 6 },
		{ "head not whole", "\0\0\0\0", 4, 0 },
		{ "message not whole", "\0\0\0\0\2a", 6, 0 },
		{ "compressed", "\1\0\0\0\2ab", 7, -1 },
		{ "endless", "\0\377\377\377\377", 5, -1 },
		{ "over the limit", "\0\0\20\0\0", 5, -1 },
	};
	const uint8_t *m;
	size_t len;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(rows[i].name,
			   grpc_split(rows[i].text, rows[i].len) ==
				   rows[i].want);
	assert_true(grpc_unframe("\0\0\0\0\2ab", 7, &m, &len));
	assert_int_equal(len, 2);
	assert_memory_equal(m, "ab", 2);
	assert_false(grpc_unframe("\0\0\0\0\2abc", 8, &m, &len));
	assert_false(grpc_unframe("", 0, &m, &len));
	assert_int_equal(docker_split("a\nb", 3), 2);
	assert_int_equal(docker_split("ab", 2), 0);
}

static enum containerd_event event(const char *namespace, const char *topic,
				   const ProtobufCMessage *inner, char *id)
{
	Ctrd__Envelope e = CTRD__ENVELOPE__INIT;
	Ctrd__Any any = CTRD__ANY__INIT;
	uint8_t packed_inner[256], packed[512];
	size_t n;

	any.value.data = packed_inner;
	if (inner)
		any.value.len = protobuf_c_message_pack(inner, packed_inner);
	e.namespace_ = (char *)namespace;
	e.topic = (char *)topic;
	e.event = inner ? &any : NULL;
	n = ctrd__envelope__pack(&e, packed);
	return containerd_read_event(packed, n, id);
}

static void test_containerd_event(void **state)
{
	Ctrd__ContainerEvent start = CTRD__CONTAINER_EVENT__INIT;
	Ctrd__TaskExit end = CTRD__TASK_EXIT__INIT;
	char id[RUNTIME_ID_MAX];

	start.container_id = "c1";
	assert_int_equal(event("blue", "/tasks/start", &start.base, id),
			 CONTAINERD_EVENT_LOOK);
	assert_string_equal(id, "blue/c1");
	assert_int_equal(event("blue", "/images/create", &start.base, id),
			 CONTAINERD_EVENT_NONE);
	assert_int_equal(event("", "/tasks/start", &start.base, id),
			 CONTAINERD_EVENT_BAD);
	assert_int_equal(event("blue", "/tasks/start", NULL, id),
			 CONTAINERD_EVENT_BAD);
	assert_int_equal(event("blue", "/tasks/exit", NULL, id),
			 CONTAINERD_EVENT_BAD);
	start.container_id = "../c1";
	assert_int_equal(event("blue", "/tasks/start", &start.base, id),
			 CONTAINERD_EVENT_BAD);

	end.container_id = "c1";
	end.id = "c1";
	assert_int_equal(event("blue", "/tasks/exit", &end.base, id),
			 CONTAINERD_EVENT_LOOK);
	end.id = "exec-1";
	assert_int_equal(event("blue", "/tasks/exit", &end.base, id),
			 CONTAINERD_EVENT_NONE);
	assert_int_equal(containerd_read_event((const uint8_t *)"\xff", 1, id),
			 CONTAINERD_EVENT_BAD);
}

static void test_containerd_tasks(void **state)
{
	Ctrd__Process p[4] = { CTRD__PROCESS__INIT, CTRD__PROCESS__INIT,
			       CTRD__PROCESS__INIT, CTRD__PROCESS__INIT };
	Ctrd__Process *all[] = { &p[0], &p[1], &p[2], &p[3] };
	Ctrd__TaskList l = CTRD__TASK_LIST__INIT;
	uint8_t packed[256];
	json_t *tasks;

	p[0] = (Ctrd__Process){ p[0].base, "", "run", 7, 2 };
	p[1] = (Ctrd__Process){ p[1].base, "", "paused", 8, 4 };
	p[2] = (Ctrd__Process){ p[2].base, "", "ended", 9, 3 };
	p[3] = (Ctrd__Process){ p[3].base, "", "a/b", 9, 2 };
	l.n_tasks = 4;
	l.tasks = all;
	tasks = containerd_read_tasks(packed, ctrd__task_list__pack(&l, packed),
				      "blue", NULL);
	assert_int_equal(json_object_size(tasks), 2);
	assert_non_null(json_object_get(tasks, "blue/run"));
	assert_non_null(json_object_get(tasks, "blue/paused"));
	json_decref(tasks);
}

/* Two bytes a task: unpacked it would take hundreds of times that. */
static void test_containerd_bomb(void **state)
{
	size_t len = RUNTIME_ANSWER_BYTES_MAX;
	uint8_t *m = calloc(1, len);
	struct err err = { 0 };

	assert_non_null(m);
	for (size_t i = 0; i < len; i += 2)
		m[i] = 0x0a; /* field 1, and no bytes */
	assert_null(containerd_read_tasks(m, len, "blue", &err));
	assert_int_equal(err.code, EBADMSG);
	free(m);
}

static void test_containerd_container(void **state)
{
	static char spec[] =
		"{\"annotations\":{\"io.kubernetes.cri.sandbox-name\":\"db-0\","
		"\"io.kubernetes.cri.sandbox-namespace\":\"shop\","
		"\"io.kubernetes.cri.container-name\":7},"
		"\"linux\":{\"namespaces\":[{\"type\":\"network\","
		"\"path\":\"/run/netns/a\"}]}}";
	Ctrd__ContainerAnswer a = CTRD__CONTAINER_ANSWER__INIT;
	Ctrd__Container c = CTRD__CONTAINER__INIT;
	Ctrd__Any any = CTRD__ANY__INIT;
	Ctrd__Label label = CTRD__LABEL__INIT, *labels[] = { &label };
	uint8_t packed[1024];
	struct err err = { 0 };
	struct container got = { 0 };
	json_t *want;

	label.key = "tier";
	label.value = "front";
	any.value = (ProtobufCBinaryData){ sizeof spec - 1, (uint8_t *)spec };
	c = (Ctrd__Container){ c.base, "x", 1, labels, "i:1", &any };
	a.container = &c;
	assert_true(containerd_read_container(
		packed, ctrd__container_answer__pack(&a, packed), "k8s.io/x",
		&got, &err));
	want = json_pack("{s{ssssss}ssssssssssss}", "labels", "tier", "front",
			 "io.kubernetes.pod.name", "db-0",
			 "io.kubernetes.pod.namespace", "shop", "pod", "db-0",
			 "namespace", "shop", "name", "db-0", "service", "db",
			 "image", "i:1", "containerd_namespace", "k8s.io");
	assert_true(json_equal(got.about, want));
	assert_string_equal(got.netns, "/run/netns/a");
	json_decref(got.about);
	free(got.netns);
	json_decref(want);

	a.container = NULL;
	assert_false(containerd_read_container(
		packed, ctrd__container_answer__pack(&a, packed), "k8s.io/x",
		&got, &err));
	assert_int_equal(err.code, EBADMSG);
}

static void test_cri(void **state)
{
	Cri__PodStatusAnswer a = CRI__POD_STATUS_ANSWER__INIT;
	Cri__PodStatus s = CRI__POD_STATUS__INIT;
	Cri__PodMetadata meta = CRI__POD_METADATA__INIT;
	Cri__Entry info = CRI__ENTRY__INIT, *infos[] = { &info };
	uint8_t packed[512];
	struct container c;

	meta.name = "web-x2x9z";
	meta.namespace_ = "shop";
	s.id = "p1";
	s.metadata = &meta;
	s.created_at = 1795949877000000000;
	info.key = "info";
	info.value = "{\"pid\":0,\"runtimeSpec\":{\"linux\":{\"namespaces\":["
		     "{\"type\":\"pid\"},{\"type\":\"network\","
		     "\"path\":\"/run/netns/p1\"}]}}}";
	a.status = &s;
	a.n_info = 1;
	a.info = infos;
	assert_true(cri_read_pod(
		packed, cri__pod_status_answer__pack(&a, packed), &c, NULL));
	assert_true(c.runs);
	assert_int_equal(c.pid, 0);
	assert_string_equal(c.netns, "/run/netns/p1");
	assert_string_equal(
		json_string_value(json_object_get(c.about, "service")), "web");
	assert_int_equal(
		json_integer_value(json_object_get(c.about, "started")),
		1795949877);
	json_decref(c.about);
	free(c.netns);

	s.state = 1;
	info.value = "rubbish";
	assert_true(cri_read_pod(
		packed, cri__pod_status_answer__pack(&a, packed), &c, NULL));
	assert_false(c.runs);
	assert_null(c.netns);
	json_decref(c.about);

	a.status = NULL;
	assert_false(cri_read_pod(
		packed, cri__pod_status_answer__pack(&a, packed), &c, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_workload),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_docker_event),
		cmocka_unit_test(test_docker_container),
		cmocka_unit_test(test_docker_netns),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_containerd_event),
		cmocka_unit_test(test_containerd_tasks),
		cmocka_unit_test(test_containerd_bomb),
		cmocka_unit_test(test_containerd_container),
		cmocka_unit_test(test_cri),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
