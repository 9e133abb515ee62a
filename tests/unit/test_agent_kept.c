/*
 * What a user said of workloads: outlives agent and workload, and not for ever.
 */
#include "agent/kept.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/record.h"
#include "base/clock.h"
#include "base/limits.h"
#include "folder.h"
#include "test.h"

struct one {
	char *dir;
	struct agent a;
};

static void begin(struct one *o)
{
	struct err err = { 0 };

	o->a = (struct agent){ .splice_plane = NULL };
	o->a.loop = loop_new(&err);
	assert_non_null(o->a.loop);
	if (store_open(o->dir, &o->a.store, &err) < 0 ||
	    record_start(&o->a, &err) < 0 || kept_start(&o->a, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
}

static void end(struct one *o)
{
	record_stop(&o->a);
	kept_stop(&o->a);
	store_free(o->a.store);
	loop_free(o->a.loop);
}

static void again(struct one *o)
{
	end(o);
	begin(o);
}

static int make(void **state)
{
	struct one *o = calloc(1, sizeof *o);

	o->dir = folder_make();
	begin(o);
	*state = o;
	return 0;
}

static int removes(void **state)
{
	struct one *o = *state;

	end(o);
	folder_remove(o->dir);
	free(o);
	return 0;
}

static struct workload named(const char *id)
{
	struct workload w = { .n_addrs = 0 };

	(void)snprintf(w.id, sizeof w.id, "%s", id);
	return w;
}

/* What it is found in, when it comes (again). */
static const char *comes(struct one *o, const char *id)
{
	static char why[2 * WORKLOAD_TEXT_MAX];
	struct workload w = named(id);

	kept_apply(&o->a, &w);
	(void)snprintf(why, sizeof why, "%s%s",
		       w.quarantined ? w.quarantine_why : "-",
		       w.released ? " released" : "");
	return why;
}

static void goes(struct one *o, const char *id)
{
	kept_gone(&o->a, id);
}

static void quarantine(struct one *o, const char *id, const char *why)
{
	struct workload w = named(id);
	struct err err;

	if (kept_quarantine(&o->a, &w, why, &err) < 0)
		fail_msg("%s: %s", id, err.text);
}

/* Since when it is gone, as the document says it; as many days ago. */
static void set_gone(struct one *o, const char *id, int days)
{
	json_int_t now = (json_int_t)(clock_unix_us() / USEC_PER_SEC);

	(void)json_object_set_new(json_object_get(o->a.kept, "gone"), id,
				  json_integer(now - days * 86400LL));
}

static void look(struct one *o)
{
	o->a.kept_look.fn(o->a.kept_look.arg);
}

static void test_kept(void **state)
{
	struct one *o = *state;
	struct workload w = named("docker:b");
	struct err err;

	assert_string_equal(comes(o, "docker:a"), "-");
	quarantine(o, "docker:a", "odd");
	assert_int_equal(kept_release(&o->a, &w, true, &err), 0);
	again(o);
	assert_string_equal(comes(o, "docker:a"), "odd");
	assert_string_equal(comes(o, "docker:b"), "- released");
	/* stopped, and started a while later */
	goes(o, "docker:a");
	look(o);
	again(o);
	look(o);
	assert_string_equal(comes(o, "docker:a"), "odd");
	quarantine(o, "docker:a", NULL);
	again(o);
	assert_string_equal(comes(o, "docker:a"), "-");
	assert_string_equal(comes(o, "docker:b"), "- released");
}

static void test_forgotten(void **state)
{
	struct one *o = *state;

	quarantine(o, "docker:here", "1");
	quarantine(o, "docker:late", "2");
	quarantine(o, "docker:gone", "3");
	goes(o, "docker:late");
	goes(o, "docker:gone");
	goes(o, "docker:never"); /* nothing was said of it */
	assert_int_equal(json_object_size(json_object_get(o->a.kept, "gone")),
			 2);
	set_gone(o, "docker:late", KEPT_GONE_DAYS - 1);
	set_gone(o, "docker:gone", KEPT_GONE_DAYS + 1);
	look(o);
	again(o);
	assert_string_equal(comes(o, "docker:gone"), "-");
	assert_string_equal(comes(o, "docker:late"), "2");
	assert_string_equal(comes(o, "docker:here"), "1");
	/* who is here is not gone, however long ago it was */
	set_gone(o, "docker:late", KEPT_GONE_DAYS + 1);
	(void)comes(o, "docker:late");
	look(o);
	again(o);
	assert_string_equal(comes(o, "docker:late"), "2");
	/* since when is on the disk: agents that end do not put it off */
	goes(o, "docker:late");
	set_gone(o, "docker:late", KEPT_GONE_DAYS + 1);
	again(o);
	look(o);
	assert_string_equal(comes(o, "docker:late"), "-");
}

/* As an agent wrote it that did not know who was gone. */
static void test_older(void **state)
{
	struct one *o = *state;
	json_t *doc = json_pack("{s:{s:s}, s:{}}", "quarantined", "docker:a",
				"odd", "released");
	uint64_t revision;

	assert_int_equal(
		store_put_doc(o->a.store, "workloads", doc, 0, &revision, NULL),
		0);
	json_decref(doc);
	end(o);
	begin(o);
	look(o);
	assert_string_equal(comes(o, "docker:a"), "odd");
	goes(o, "docker:a");
	assert_int_equal(json_object_size(json_object_get(o->a.kept, "gone")),
			 1);
}

static void test_full(void **state)
{
	struct one *o = *state;
	json_t *all = json_object_get(o->a.kept, "quarantined");
	struct workload w = named("docker:new");
	struct err err = { 0 };
	char id[32];

	for (int i = 0; i < KEPT_MAX; i++) {
		(void)snprintf(id, sizeof id, "docker:%d", i);
		(void)json_object_set_new(all, id, json_string("full"));
	}
	assert_int_equal(kept_quarantine(&o->a, &w, "x", &err), -ENOSPC);
	assert_string_equal(comes(o, "docker:new"), "-");
	/* one that is in it already can be said otherwise */
	quarantine(o, "docker:7", "other");
	goes(o, "docker:8");
	goes(o, "docker:9");
	set_gone(o, "docker:9", 2);
	quarantine(o, "docker:new", "x");
	assert_string_equal(comes(o, "docker:9"), "-");
	assert_string_equal(comes(o, "docker:8"), "full");
	assert_string_equal(comes(o, "docker:new"), "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept, make, removes),
		cmocka_unit_test_setup_teardown(test_forgotten, make, removes),
		cmocka_unit_test_setup_teardown(test_older, make, removes),
		cmocka_unit_test_setup_teardown(test_full, make, removes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
