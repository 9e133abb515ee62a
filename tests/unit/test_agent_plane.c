/*
 * What a data plane is told of rules and sensors, when, and what is told of it: by
 * one that is a thread here and writes down what it is asked.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/body.h"
#include "agent/plane.h"
#include "base/clock.h"
#include "folder.h"
#include "test.h"

#define SAID_MAX 512
/* A machine that does much else. */
#define PATIENCE_US (60 * USEC_PER_SEC)

enum kind { RULES, DETECTION };
static const char *const names[] = { "weir_rules", "weir_detection" };

struct fake {
	const char *door;
	int listening;
	pthread_t thread;
	pthread_mutex_t lock;
	atomic_bool stop, hang_up;
	/* Under the lock. */
	char said[SAID_MAX][24]; /* "weir_rules", "weir_rules?": only asked */
	size_t n_said;
	uint64_t version[2];
	unsigned builds[2]; /* questions until it is built */
	unsigned left[2];
	const char *refuses[2]; /* code of the error; NULL */
	const char *has;	/* messages of weir_config; NULL: none */
	unsigned asked;		/* for connections, of which it has five */
	json_int_t first_epoch, first_after; /* the first time */
};

#define EPOCH 7
#define LAST  5

/* --- the data plane ----------------------------------------------------- */

static json_t *built_json(struct fake *f, enum kind k, const json_t *body)
{
	bool told = json_object_get(body, "version") != NULL;
	uint64_t version =
		(uint64_t)json_integer_value(json_object_get(body, "version"));

	if (f->refuses[k] && (told || strcmp(f->refuses[k], "ENOENT") == 0))
		return json_pack("{s:b, s:{s:s, s:s, s:s}}", "ok", 0, "error",
				 "code", f->refuses[k], "at", names[k], "text",
				 "no");
	if (told) {
		assert_true(json_is_true(json_object_get(body, "force")));
		f->version[k] = version;
		f->left[k] = f->builds[k];
	} else if (f->left[k]) {
		f->left[k]--;
	}
	return json_pack("{s:b, s:I, s:b}", "ok", 1, "version",
			 (json_int_t)f->version[k], "building", f->left[k] > 0);
}

static json_t *connections_json(struct fake *f, const json_t *body)
{
	json_int_t epoch = json_integer_value(json_object_get(body, "epoch"));
	json_int_t after = json_integer_value(json_object_get(body, "after"));
	json_t *list = json_array();

	if (f->asked++ == 0) {
		f->first_epoch = epoch;
		f->first_after = after;
	}
	for (json_int_t i = epoch == EPOCH ? after : 0; i < LAST; i++)
		json_array_append_new(list, json_integer(i + 1));
	return json_pack("{s:b, s:o, s:i, s:i, s:b}", "ok", 1, "connections",
			 list, "next", LAST, "epoch", EPOCH, "more", 0);
}

static json_t *answer_of(struct fake *f, const char *name, const json_t *body)
{
	if (strcmp(name, "weir_connections") == 0)
		return connections_json(f, body);
	for (int k = 0; k < 2; k++)
		if (strcmp(name, names[k]) == 0)
			return built_json(f, (enum kind)k, body);
	return json_pack("{s:b, s:o, s:I}", "ok", 1, "messages",
			 f->has ? json_loads(f->has, 0, NULL) : json_array(),
			 "version", (json_int_t)1);
}

static void answer(struct fake *f, int fd, const char *text, size_t len)
{
	json_t *request = json_loadb(text, len, 0, NULL), *result, *body;
	const char *name;
	char *line;

	assert_non_null(request);
	pthread_mutex_lock(&f->lock);
	json_object_foreach (request, name, body) {
		bool asks = !json_object_get(body, "version");

		if (strcmp(name, "id") == 0)
			continue;
		assert_true(f->n_said < SAID_MAX);
		(void)snprintf(
			f->said[f->n_said++], sizeof *f->said, "%s%s", name,
			asks && strncmp(name, "weir_", 5) == 0 ? "?" : "");
		result = answer_of(f, name, body);
		json_object_set(result, "id", json_object_get(request, "id"));
		line = json_dumps(result, 0);
		assert_true(send(fd, line, strlen(line), MSG_NOSIGNAL) > 0);
		free(line);
		json_decref(result);
	}
	pthread_mutex_unlock(&f->lock);
	json_decref(request);
}

static void serve(struct fake *f, int fd)
{
	static char buf[65536];
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	while (!f->stop && !atomic_exchange(&f->hang_up, false)) {
		ssize_t n;

		if (poll(&pfd, 1, 10) <= 0)
			continue;
		n = recv(fd, buf, sizeof buf, 0);
		if (n <= 0)
			break;
		answer(f, fd, buf, (size_t)n);
	}
	close(fd);
}

static void *run(void *arg)
{
	struct fake *f = arg;
	struct pollfd pfd = { .fd = f->listening, .events = POLLIN };

	while (!f->stop) {
		int fd = poll(&pfd, 1, 10) > 0
				 ? accept(f->listening, NULL, NULL)
				 : -1;

		if (fd >= 0)
			serve(f, fd);
	}
	return NULL;
}

/* --- what it was told ------------------------------------------------------- */

/* All since the last time, but for what is asked all the time. */
static char *said(struct fake *f)
{
	static const char *const always[] = {
		"weir_version?",     "ctrl_enable_icmp_policy",
		"weir_settings?",    "weir_config?",
		"weir_connections?", "weir_threats?",
		"weir_findings?",    "weir_rules?",
		"weir_detection?",   "weir_trail?",
	};
	static char all[SAID_MAX * 24];
	size_t len = 0;

	all[0] = '\0';
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->n_said; i++) {
		bool skip = false;

		for (size_t k = 0; k < ARRAY_LEN(always); k++)
			skip |= strcmp(f->said[i], always[k]) == 0;
		if (!skip)
			len += (size_t)snprintf(all + len, sizeof all - len,
						"%s%s", len ? " " : "",
						f->said[i]);
	}
	f->n_said = 0;
	pthread_mutex_unlock(&f->lock);
	return all;
}

struct test {
	char *dir;
	struct fake f;
	struct plane *p;
	struct body *rules, *detection;
	uint64_t number;
};

static int make(void **state)
{
	struct test *t = calloc(1, sizeof *t);
	struct plane_spec spec = { .poll_ms = 20 };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct err err;

	t->dir = folder_make();
	t->f.door = strdup(folder_file(t->dir, "dp.sock"));
	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s", t->f.door);
	t->f.listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(t->f.listening, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(t->f.listening, 4), 0);
	pthread_mutex_init(&t->f.lock, NULL);
	assert_int_equal(pthread_create(&t->f.thread, NULL, run, &t->f), 0);
	spec.door = t->f.door;
	t->p = plane_new(&spec, &err);
	assert_non_null(t->p);
	t->rules = body_new(strdup("{\"files\":[]}"));
	t->detection = body_new(strdup("{\"sensors\":[],\"workloads\":[]}"));
	*state = t;
	return 0;
}

static int removes(void **state)
{
	struct test *t = *state;

	plane_free(t->p, false);
	t->f.stop = true;
	(void)pthread_join(t->f.thread, NULL);
	close(t->f.listening);
	pthread_mutex_destroy(&t->f.lock);
	body_put(t->rules);
	body_put(t->detection);
	free((char *)(uintptr_t)t->f.door);
	folder_remove(t->dir);
	free(t);
	return 0;
}

/* macs: "02:..:01 02:..:02"; at most. */
static void want(struct test *t, unsigned macs)
{
	json_t *all = json_object();
	char mac[18];

	for (unsigned k = 1; k <= macs; k++) {
		(void)snprintf(mac, sizeof mac, "02:00:00:00:00:%02x", k);
		json_object_set_new(all, mac, json_pack("{s:s}", "mac", mac));
	}
	plane_want(t->p, &(struct plane_want){
				 .endpoints = all,
				 .policy = strdup("{\"version\":1}"),
				 .rules = body_get(t->rules),
				 .detection = body_get(t->detection),
				 .number = ++t->number,
			 });
}

/* The next news of that kind; of the others nothing is kept. */
static struct plane_news next(struct test *t, enum plane_news_kind kind)
{
	usec_t end = usec_add(clock_now(), PATIENCE_US);
	struct plane_news n;

	while (usec_before(clock_now(), end)) {
		if (!plane_next(t->p, &n)) {
			(void)poll(NULL, 0, 2);
			continue;
		}
		if (n.kind == kind)
			return n;
		json_decref(n.about);
	}
	fail_msg("no news of kind %d", kind);
	return n;
}

/* Until the last want is in force. */
static void in_force(struct test *t)
{
	struct plane_news n;

	do {
		n = next(t, PLANE_IN_FORCE);
		json_decref(n.about);
	} while (n.number != t->number);
}

/* --- the tests ---------------------------------------------------------------- */

static void test_told(void **state)
{
	struct test *t = *state;

	want(t, 1);
	in_force(t);
	assert_string_equal(said(&t->f), "ctrl_add_mac ctrl_cfg_mac weir_rules "
					 "weir_detection weir_policy");
	/* what it has is not said again */
	want(t, 1);
	in_force(t);
	assert_string_equal(said(&t->f), "weir_policy");
	/* only what changed */
	body_put(t->detection);
	t->detection = body_new(strdup("{\"sensors\":[1],\"workloads\":[]}"));
	want(t, 1);
	in_force(t);
	assert_string_equal(said(&t->f), "weir_detection weir_policy");
	/* who comes anew has nothing looked for before it is said */
	want(t, 2);
	in_force(t);
	assert_string_equal(said(&t->f),
			    "ctrl_add_mac ctrl_cfg_mac weir_detection "
			    "weir_policy");
	want(t, 1);
	in_force(t);
	assert_string_equal(said(&t->f), "ctrl_del_mac weir_policy");
}

/* A connection that breaks; one that has another's; one that is new. */
static void test_again(void **state)
{
	struct test *t = *state;

	want(t, 0);
	in_force(t);
	assert_string_equal(said(&t->f),
			    "weir_rules weir_detection weir_policy");
	t->f.hang_up = true;
	json_decref(next(t, PLANE_UP).about);
	in_force(t);
	assert_string_equal(said(&t->f), "weir_policy");
	pthread_mutex_lock(&t->f.lock);
	t->f.version[RULES] = 4711;
	pthread_mutex_unlock(&t->f.lock);
	t->f.hang_up = true;
	json_decref(next(t, PLANE_UP).about);
	in_force(t);
	assert_string_equal(said(&t->f), "weir_rules weir_policy");
	pthread_mutex_lock(&t->f.lock);
	t->f.version[RULES] = t->f.version[DETECTION] = 0;
	pthread_mutex_unlock(&t->f.lock);
	t->f.hang_up = true;
	json_decref(next(t, PLANE_UP).about);
	in_force(t);
	assert_string_equal(said(&t->f),
			    "weir_rules weir_detection weir_policy");
	assert_true(t->f.version[RULES] == t->rules->version);
}

/* An agent that ended between the two messages of one endpoint left it a tap. */
static void test_unfinished(void **state)
{
	struct test *t = *state;

	want(t, 2);
	in_force(t);
	(void)said(&t->f);
	pthread_mutex_lock(&t->f.lock);
	t->f.has = "[{\"ctrl_add_mac\":{\"mac\":\"02:00:00:00:00:01\"}},"
		   "{\"ctrl_cfg_mac\":{\"macs\":[\"02:00:00:00:00:01\"],"
		   "\"tap\":false}},"
		   "{\"ctrl_add_mac\":{\"mac\":\"02:00:00:00:00:02\"}},"
		   "{\"ctrl_cfg_mac\":{\"macs\":[\"02:00:00:00:00:02\"],"
		   "\"tap\":true}}]";
	pthread_mutex_unlock(&t->f.lock);
	t->f.hang_up = true;
	json_decref(next(t, PLANE_UP).about);
	in_force(t);
	assert_string_equal(said(&t->f),
			    "ctrl_del_mac ctrl_add_mac ctrl_cfg_mac "
			    "weir_detection weir_policy");
}

/* Sensors are in force when they are built; rules are told of when they are. */
static void test_building(void **state)
{
	struct test *t = *state;
	struct plane_news n;

	t->f.builds[RULES] = 6;
	t->f.builds[DETECTION] = 3;
	want(t, 0);
	n = next(t, PLANE_DETECTION);
	assert_true(json_is_true(json_object_get(n.about, "building")));
	json_decref(n.about);
	in_force(t);
	pthread_mutex_lock(&t->f.lock);
	assert_int_equal(t->f.left[DETECTION], 0);
	assert_true(t->f.left[RULES] > 0);
	pthread_mutex_unlock(&t->f.lock);
	for (bool building = true; building;) {
		n = next(t, PLANE_RULES);
		building = json_is_true(json_object_get(n.about, "building"));
		json_decref(n.about);
	}
}

/* What is refused is told, once, and nothing waits for it. */
static void test_refused(void **state)
{
	struct test *t = *state;
	struct plane_news n;

	t->f.refuses[RULES] = "EINVAL";
	want(t, 0);
	do {
		n = next(t, PLANE_RULES);
		json_decref(n.about);
	} while (!n.err.code);
	assert_int_equal(n.err.code, EINVAL);
	assert_string_equal(n.err.text, "no");
	in_force(t);
	assert_string_equal(said(&t->f),
			    "weir_rules weir_detection weir_policy");
	want(t, 0);
	in_force(t);
	assert_string_equal(said(&t->f), "weir_policy");
	/* another one may do */
	t->f.refuses[RULES] = NULL;
	body_put(t->rules);
	t->rules = body_new(strdup("{\"files\":[1]}"));
	want(t, 0);
	n = next(t, PLANE_RULES);
	assert_int_equal(n.err.code, 0);
	assert_true((uint64_t)json_integer_value(json_object_get(
			    n.about, "version")) == t->rules->version);
	json_decref(n.about);
}

/* An older one has nothing of the kind: it is not said, and that is told. */
static void test_older(void **state)
{
	struct test *t = *state;
	struct plane_news n;

	t->f.refuses[RULES] = t->f.refuses[DETECTION] = "ENOENT";
	want(t, 1);
	n = next(t, PLANE_RULES);
	assert_int_equal(n.err.code, ENOENT);
	json_decref(n.about);
	n = next(t, PLANE_DETECTION);
	assert_int_equal(n.err.code, ENOENT);
	json_decref(n.about);
	in_force(t);
	assert_string_equal(said(&t->f),
			    "ctrl_add_mac ctrl_cfg_mac weir_policy");
}

/* What was read before is not asked for, and nothing is before it may be. */
static void test_held(void **state)
{
	struct test *t = *state;
	struct plane_spec spec = { .poll_ms = 20,
				   .held = true,
				   .door = t->f.door };
	struct plane_news n;
	struct err err;

	plane_free(t->p, false);
	spec.from[PLANE_TOLD_CONNECTIONS] =
		(struct plane_cursor){ .epoch = EPOCH, .after = 3 };
	pthread_mutex_lock(&t->f.lock);
	t->f.asked = 0;
	pthread_mutex_unlock(&t->f.lock);
	t->p = plane_new(&spec, &err);
	assert_non_null(t->p);
	want(t, 0);
	in_force(t);
	(void)poll(NULL, 0, 200); /* it would have been asked ten times */
	pthread_mutex_lock(&t->f.lock);
	assert_int_equal(t->f.asked, 0);
	pthread_mutex_unlock(&t->f.lock);
	plane_tell(t->p);
	n = next(t, PLANE_CONNECTIONS);
	assert_int_equal(json_array_size(n.about), LAST - 3);
	assert_int_equal(n.number, EPOCH);
	assert_int_equal(n.after, LAST);
	json_decref(n.about);
	pthread_mutex_lock(&t->f.lock);
	assert_int_equal(t->f.first_epoch, EPOCH);
	assert_int_equal(t->f.first_after, 3);
	pthread_mutex_unlock(&t->f.lock);
}

/* The same text is the same version, and another one is not. */
static void test_versions(void **state)
{
	struct body *a = body_new(strdup("{\"files\":[]}"));
	struct body *b = body_new(strdup("{\"files\":[]}"));
	struct body *c = body_new(strdup("{}"));
	json_t *v = json_loads(c->text, 0, NULL);

	assert_true(a->version == b->version);
	assert_true(a->version != c->version && c->version > 0);
	assert_true((uint64_t)json_integer_value(
			    json_object_get(v, "version")) == c->version);
	json_decref(v);
	body_put(a);
	body_put(b);
	body_put(c);
	body_put(NULL);
	assert_null(body_new(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_told, make, removes),
		cmocka_unit_test_setup_teardown(test_again, make, removes),
		cmocka_unit_test_setup_teardown(test_unfinished, make, removes),
		cmocka_unit_test_setup_teardown(test_building, make, removes),
		cmocka_unit_test_setup_teardown(test_refused, make, removes),
		cmocka_unit_test_setup_teardown(test_older, make, removes),
		cmocka_unit_test_setup_teardown(test_held, make, removes),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
