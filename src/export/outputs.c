#include "export/outputs.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "export/output.h"

struct outputs {
	pthread_mutex_t lock; /* of the list */
	struct output *at[EXPORT_OUTPUTS_MAX];
	size_t n;
	json_t *state; /* of the weir-export before this one */
	char *host;
};

struct outputs *outputs_new(const json_t *state, const char *host)
{
	struct outputs *os = calloc(1, sizeof *os);

	if (os) {
		os->host = strdup(host);
		os->state = state ? json_deep_copy(state) : json_object();
	}
	if (!os || !os->host || !os->state) {
		if (os) {
			free(os->host);
			json_decref(os->state);
		}
		free(os);
		return NULL;
	}
	pthread_mutex_init(&os->lock, NULL);
	return os;
}

/* Together, so that they wait at the same time. */
static void end_all(struct output **at, size_t n, unsigned ms)
{
	uint64_t until = clock_now().us + ms * 1000ULL;

	for (size_t i = 0; i < n; i++)
		if (at[i])
			output_stop(at[i], until);
	for (size_t i = 0; i < n; i++)
		if (at[i])
			output_join(at[i]);
}

void outputs_free(struct outputs *os)
{
	if (!os)
		return;
	for (size_t i = 0; i < os->n; i++)
		output_free(os->at[i]);
	pthread_mutex_destroy(&os->lock);
	json_decref(os->state);
	free(os->host);
	free(os);
}

void outputs_end(struct outputs *os)
{
	end_all(os->at, os->n, EXPORT_END_MS);
}

/* --- cursors ---------------------------------------------------------------------- */

static bool read_cursor(const json_t *state, const char *name,
			struct cursor *ret)
{
	const json_t *o = json_object_get(state, name), *planes, *p;
	size_t i;

	if (!json_is_object(o))
		return false;
	*ret = (struct cursor){
		.event = (uint64_t)json_integer_value(
			json_object_get(o, "event")),
	};
	planes = json_object_get(o, "planes");
	json_array_foreach (planes, i, p)
		if (i < EXPORT_PLANES_MAX)
			ret->planes[i] = (struct cursor_plane){
				(uint64_t)json_integer_value(
					json_array_get(p, 0)),
				(uint64_t)json_integer_value(
					json_array_get(p, 1)),
				(uint64_t)i + 1,
			};
	return true;
}

static int by_use(const void *a, const void *b)
{
	const struct cursor_plane *x = a, *y = b;

	return x->used < y->used ? -1 : x->used > y->used;
}

static json_t *cursor_json(struct cursor c)
{
	json_t *planes = json_array();

	qsort(c.planes, EXPORT_PLANES_MAX, sizeof *c.planes, by_use);
	for (size_t i = 0; i < EXPORT_PLANES_MAX; i++)
		if (c.planes[i].plane)
			(void)json_array_append_new(
				planes,
				json_pack("[I, I]",
					  (json_int_t)c.planes[i].plane,
					  (json_int_t)c.planes[i].number));
	return json_pack("{s:I, s:o}", "event", (json_int_t)c.event, "planes",
			 planes);
}

json_t *outputs_cursors(struct outputs *os)
{
	json_t *all = json_object();

	pthread_mutex_lock(&os->lock);
	for (size_t i = 0; i < os->n; i++)
		if (!output_is_fresh(os->at[i]))
			(void)json_object_set_new(
				all, output_config(os->at[i])->name,
				cursor_json(
					queue_cursor(output_queue(os->at[i]))));
	pthread_mutex_unlock(&os->lock);
	return all;
}

/* --- configuration ------------------------------------------------------------------ */

static struct output *take(struct output **at, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		struct output *o = at[i];

		if (o && strcmp(output_config(o)->name, name) == 0) {
			at[i] = NULL;
			return o;
		}
	}
	return NULL;
}

static bool is_same(const struct output *o, const struct output_config *c)
{
	return strcmp(output_config(o)->source, c->source) == 0;
}

/* Those that change, and those that are no more, out of the list into gone. */
static size_t pick_changed(struct outputs *os, const struct export_config *c,
			   struct output *gone[EXPORT_OUTPUTS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < os->n; i++) {
		bool stays = false;

		for (size_t k = 0; k < c->n; k++)
			stays |= is_same(os->at[i], &c->outputs[k]);
		if (!stays)
			gone[n++] = os->at[i];
	}
	return n;
}

int outputs_apply(struct outputs *os, struct export_config *c,
		  struct err *reterr)
{
	struct output *gone[EXPORT_OUTPUTS_MAX] = { NULL }, *was;
	struct output *now[EXPORT_OUTPUTS_MAX];
	struct cursor cursor;
	size_t n_gone, n = 0;
	int rc = 0;

	/* what comes meanwhile waits, for a moment: nothing is to be missed */
	pthread_mutex_lock(&os->lock);
	n_gone = pick_changed(os, c, gone);
	end_all(gone, n_gone, 0);
	for (size_t i = 0; i < n_gone; i++)
		(void)take(os->at, os->n, output_config(gone[i])->name);
	for (size_t i = 0; i < c->n; i++) {
		struct output_config *oc = &c->outputs[i];

		was = take(os->at, os->n, oc->name);
		if (was) {
			output_reopen(was);
			now[n++] = was;
			continue;
		}
		was = take(gone, n_gone, oc->name);
		now[n] = output_new(oc, was,
				    read_cursor(os->state, oc->name, &cursor)
					    ? &cursor
					    : NULL,
				    os->host, reterr);
		output_free(was);
		if (now[n])
			n++;
		else
			rc = -reterr->code;
	}
	for (size_t i = 0; i < n_gone; i++)
		output_free(gone[i]);
	memcpy(os->at, now, n * sizeof *now);
	os->n = n;
	/* it was for the beginning: a name that comes back begins anew */
	(void)json_object_clear(os->state);
	pthread_mutex_unlock(&os->lock);
	export_config_done(c);
	return rc;
}

/* --- lines -------------------------------------------------------------------------- */

void outputs_put(struct outputs *os, struct item *i)
{
	pthread_mutex_lock(&os->lock);
	for (size_t k = 0; k < os->n; k++)
		output_put(os->at[k], i);
	pthread_mutex_unlock(&os->lock);
}

static bool is_behind(struct outputs *os, uint64_t now)
{
	bool behind = false;

	pthread_mutex_lock(&os->lock);
	for (size_t k = 0; k < os->n; k++)
		behind |= output_is_behind(os->at[k], now);
	pthread_mutex_unlock(&os->lock);
	return behind;
}

void outputs_hold(struct outputs *os)
{
	uint64_t end = clock_now().us + EXPORT_HOLD_MS * 1000ULL;

	while (clock_now().us < end && is_behind(os, clock_now().us)) {
		struct timespec t = { .tv_nsec = 5 * 1000000L };

		(void)nanosleep(&t, NULL); /* less is as well */
	}
}

uint64_t outputs_event(struct outputs *os)
{
	uint64_t least = UINT64_MAX;

	pthread_mutex_lock(&os->lock);
	for (size_t k = 0; k < os->n; k++) {
		uint64_t at = queue_cursor(output_queue(os->at[k])).event;

		if (!output_is_fresh(os->at[k]) && at < least)
			least = at;
	}
	pthread_mutex_unlock(&os->lock);
	return least;
}

void outputs_caught_up(struct outputs *os, uint64_t last_event)
{
	pthread_mutex_lock(&os->lock);
	for (size_t k = 0; k < os->n; k++)
		output_begin_now(os->at[k], last_event);
	pthread_mutex_unlock(&os->lock);
}

void outputs_events_anew(struct outputs *os)
{
	pthread_mutex_lock(&os->lock);
	for (size_t k = 0; k < os->n; k++)
		queue_pass_events(output_queue(os->at[k]), 0);
	pthread_mutex_unlock(&os->lock);
}

json_t *outputs_status(struct outputs *os)
{
	json_t *list = json_array();

	pthread_mutex_lock(&os->lock);
	for (size_t k = 0; k < os->n; k++)
		(void)json_array_append_new(list, output_status(os->at[k]));
	pthread_mutex_unlock(&os->lock);
	return list;
}
