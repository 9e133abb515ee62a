#include "agent/cursors.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/inventory.h"
#include "base/clock.h"

#define NOTE	"cursors"
#define LOOK_US 100000ULL
#define WAIT_US 10000000ULL /* for runtimes that do not answer */

struct cursors {
	struct plane_cursor at[CURSORS_OF__MAX][PLANE_TOLD__MAX];
	bool changed;
	bool listed; /* or waited for long enough */
	usec_t since;
	struct loop_timer look;
};

static const char *const of_names[CURSORS_OF__MAX] = {
	[CURSORS_HOST] = "host",
	[CURSORS_SPLICES] = "splices",
};

static const char *const told_names[PLANE_TOLD__MAX] = {
	[PLANE_TOLD_CONNECTIONS] = "connections",
	[PLANE_TOLD_THREATS] = "threats",
	[PLANE_TOLD_FINDINGS] = "findings",
};

static uint64_t uint_at(const json_t *list, size_t i)
{
	json_int_t v = json_integer_value(json_array_get(list, i));

	return v > 0 ? (uint64_t)v : 0;
}

static void read_note(struct cursors *c, const json_t *doc)
{
	for (size_t of = 0; of < CURSORS_OF__MAX; of++)
		for (size_t t = 0; t < PLANE_TOLD__MAX; t++) {
			const json_t *one = json_object_get(
				json_object_get(doc, of_names[of]),
				told_names[t]);

			c->at[of][t] = (struct plane_cursor){
				.epoch = uint_at(one, 0),
				.after = uint_at(one, 1),
			};
		}
}

void cursors_flush(struct agent *a)
{
	struct cursors *c = a->cursors;
	json_t *doc;

	if (!c || !c->changed)
		return;
	doc = json_object();
	for (size_t of = 0; of < CURSORS_OF__MAX; of++) {
		json_t *o = json_object();

		for (size_t t = 0; t < PLANE_TOLD__MAX; t++)
			(void)json_object_set_new(
				o, told_names[t],
				json_pack("[I, I]",
					  (json_int_t)c->at[of][t].epoch,
					  (json_int_t)c->at[of][t].after));
		(void)json_object_set_new(doc, of_names[of], o);
	}
	/* without it they come again after a restart */
	if (store_put_note(a->store, NOTE, doc, NULL) == 0)
		c->changed = false;
	json_decref(doc);
}

void cursors_from(const struct agent *a, enum cursors_of of,
		  struct plane_cursor ret[static PLANE_TOLD__MAX])
{
	for (size_t t = 0; t < PLANE_TOLD__MAX; t++)
		ret[t] = a->cursors->at[of][t];
}

static bool told_of(enum plane_news_kind kind, enum plane_told *ret)
{
	switch (kind) {
	case PLANE_CONNECTIONS: *ret = PLANE_TOLD_CONNECTIONS; return true;
	case PLANE_THREATS: *ret = PLANE_TOLD_THREATS; return true;
	case PLANE_FINDINGS: *ret = PLANE_TOLD_FINDINGS; return true;
	default: return false;
	}
}

void cursors_read(struct agent *a, enum cursors_of of,
		  const struct plane_news *n)
{
	enum plane_told t;

	if (!told_of(n->kind, &t))
		return;
	a->cursors->at[of][t] =
		(struct plane_cursor){ .epoch = n->number, .after = n->after };
	a->cursors->changed = true;
}

/* --- when it may begin ---------------------------------------------------------- */

static void look(void *arg)
{
	struct agent *a = arg;
	struct cursors *c = a->cursors;

	if (!inventory_is_listed(a) &&
	    usec_since(clock_now(), c->since) < WAIT_US) {
		loop_timer_need(a->loop, &c->look, LOOK_US);
		return;
	}
	c->listed = true;
	if (a->plane)
		plane_tell(a->plane);
	if (a->splice_plane)
		plane_tell(a->splice_plane);
}

void cursors_hold(struct agent *a, struct plane *p)
{
	struct cursors *c = a->cursors;

	if (c->listed)
		plane_tell(p);
	else
		loop_timer_need(a->loop, &c->look, LOOK_US);
}

int cursors_start(struct agent *a, struct err *reterr)
{
	uint64_t revision;
	json_t *doc = NULL;
	int rc;

	a->cursors = calloc(1, sizeof *a->cursors);
	if (!a->cursors)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	a->cursors->look = (struct loop_timer){ .fn = look, .arg = a };
	a->cursors->since = clock_now();
	rc = store_get_doc(a->store, NOTE, &doc, &revision, reterr);
	if (rc == 0)
		read_note(a->cursors, doc);
	json_decref(doc);
	return rc == -ENOENT ? 0 : rc;
}

void cursors_stop(struct agent *a)
{
	if (!a->cursors)
		return;
	loop_timer_off(a->loop, &a->cursors->look);
	free(a->cursors);
	a->cursors = NULL;
}
