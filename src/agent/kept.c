/*
 * The document is small and in memory as it is on the disk; a change is written
 * first, and then true. Only since when somebody is gone is true at once, and
 * written with the next change or once an hour: an agent that is killed counts
 * that time from its next start.
 */
#include "agent/kept.h"

#include <errno.h>
#include <stdio.h>

#include "agent/record.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

#define DOCUMENT "workloads"
#define LOOK_US	 (3600 * USEC_PER_SEC)
#define GONE_S	 (KEPT_GONE_DAYS * 86400LL)

static const char *const parts[] = { "quarantined", "released" };
#define N_PARTS (sizeof parts / sizeof *parts)

static json_int_t now_s(void)
{
	return (json_int_t)(clock_unix_us() / USEC_PER_SEC);
}

static const json_t *kept_of(const json_t *kept, unsigned part, const char *id)
{
	return json_object_get(json_object_get(kept, parts[part]), id);
}

static bool is_kept(const json_t *kept, const char *id)
{
	return kept_of(kept, 0, id) || kept_of(kept, 1, id);
}

static size_t n_kept(const json_t *kept)
{
	size_t n = 0;

	for (unsigned i = 0; i < N_PARTS; i++)
		n += json_object_size(json_object_get(kept, parts[i]));
	return n;
}

static void forget(json_t *kept, const char *id)
{
	for (unsigned i = 0; i < N_PARTS; i++) /* it need not be in it */
		(void)json_object_del(json_object_get(kept, parts[i]), id);
	(void)json_object_del(json_object_get(kept, "gone"), id);
}

/* Who is gone longest, and since when; NULL: all are here. Borrowed. */
static const char *longest_gone(const json_t *kept, json_int_t *ret_since)
{
	const char *id, *first = NULL;
	json_t *since;

	json_object_foreach (json_object_get(kept, "gone"), id, since) {
		if (first && json_integer_value(since) >= *ret_since)
			continue;
		first = id;
		*ret_since = json_integer_value(since);
	}
	return first;
}

/* Takes next. On the disk, and then true. */
static int put(struct agent *a, json_t *next, struct err *reterr)
{
	uint64_t revision;
	int rc = store_put_doc(a->store, DOCUMENT, next, 0, &revision, reterr);

	if (rc < 0) {
		json_decref(next);
		return rc;
	}
	json_decref(a->kept);
	a->kept = next;
	a->kept_changed = false;
	return 0;
}

static void tell_forgotten(struct agent *a, const char *id, json_int_t since)
{
	char what[WORKLOAD_TEXT_MAX];
	bool quarantined = kept_of(a->kept, 0, id);

	(void)snprintf(what, sizeof what,
		       "%.100s is gone for %lld days: that it is %s is "
		       "forgotten",
		       id, (long long)((now_s() - since) / 86400),
		       quarantined ? "quarantined" : "released");
	log_info("workload: %s", what);
	record_change(a, what);
}

/* Whoever is gone for too long, and what changed since the last time. */
static void look(void *arg)
{
	struct agent *a = arg;
	json_t *next = json_deep_copy(a->kept);
	json_int_t since = 0;
	const char *id;
	struct err err;

	loop_timer_set(a->loop, &a->kept_look, LOOK_US);
	while (next && (id = longest_gone(next, &since)) &&
	       now_s() - since > GONE_S) {
		tell_forgotten(a, id, since);
		forget(next, id);
		a->kept_changed = true;
	}
	if (!a->kept_changed || !next)
		json_decref(next);
	else if (put(a, next, &err) < 0) /* then in an hour; the store tells */
		a->kept_changed = true;
}

/* A document that an older agent wrote, or nobody; who is here, comes. */
static int complete(json_t *kept)
{
	json_t *gone = json_object_get(kept, "gone"), *v;
	const char *id;

	if (!gone) {
		gone = json_object();
		if (json_object_set_new(kept, "gone", gone) < 0)
			return -ENOMEM;
	}
	for (unsigned i = 0; i < N_PARTS; i++)
		json_object_foreach (json_object_get(kept, parts[i]), id, v)
			if (!json_object_get(gone, id) &&
			    json_object_set_new(gone, id,
						json_integer(now_s())) < 0)
				return -ENOMEM;
	return 0;
}

int kept_start(struct agent *a, struct err *reterr)
{
	uint64_t revision;
	int rc = store_get_doc(a->store, DOCUMENT, &a->kept, &revision, reterr);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == -ENOENT)
		a->kept = json_pack("{s:{}, s:{}}", parts[0], parts[1]);
	if (!a->kept || complete(a->kept) < 0)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	a->kept_look = (struct loop_timer){ .fn = look, .arg = a };
	loop_timer_set(a->loop, &a->kept_look, LOOK_US);
	return 0;
}

void kept_stop(struct agent *a)
{
	struct err err;

	if (a->kept && a->kept_changed) /* or it is counted anew */
		(void)put(a, json_incref(a->kept), &err);
	if (a->kept_look.fn)
		loop_timer_off(a->loop, &a->kept_look);
	json_decref(a->kept);
	a->kept = NULL;
}

void kept_apply(struct agent *a, struct workload *w)
{
	const char *why = json_string_value(kept_of(a->kept, 0, w->id));

	w->quarantined = why != NULL;
	(void)snprintf(w->quarantine_why, sizeof w->quarantine_why, "%s",
		       why ? why : "");
	w->released = kept_of(a->kept, 1, w->id) != NULL;
	if (json_object_del(json_object_get(a->kept, "gone"), w->id) == 0)
		a->kept_changed = true;
}

void kept_gone(struct agent *a, const char *id)
{
	if (!is_kept(a->kept, id))
		return;
	/* if there is no memory, at the next start */
	(void)json_object_set_new(json_object_get(a->kept, "gone"), id,
				  json_integer(now_s()));
	a->kept_changed = true;
}

/* One that is to be added has a place. */
static int make_room(struct agent *a, json_t *next, struct err *reterr)
{
	json_int_t since = 0;
	const char *id;

	if (n_kept(next) < KEPT_MAX)
		return 0;
	id = longest_gone(next, &since);
	if (!id)
		return err_set(reterr, ENOSPC, NULL,
			       "there are %d quarantined or released workloads "
			       "already",
			       KEPT_MAX);
	tell_forgotten(a, id, since);
	forget(next, id);
	return 0;
}

/* value NULL: not in it any more; taken. */
static int change(struct agent *a, struct workload *w, unsigned part,
		  json_t *value, bool add, struct err *reterr)
{
	json_t *next = json_deep_copy(a->kept);
	json_t *all = json_object_get(next, parts[part]);
	int rc = next && (value || !add)
			 ? 0
			 : err_set(reterr, ENOMEM, NULL, "out of memory");

	if (rc == 0 && add && !kept_of(next, part, w->id))
		rc = make_room(a, next, reterr);
	if (rc == 0 && add && json_object_set(all, w->id, value) < 0)
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	if (rc == 0 && !add)
		(void)json_object_del(all, w->id); /* or it was not */
	json_decref(value);
	if (rc < 0) {
		json_decref(next);
		return rc;
	}
	rc = put(a, next, reterr);
	if (rc == 0)
		kept_apply(a, w);
	return rc;
}

int kept_quarantine(struct agent *a, struct workload *w, const char *why,
		    struct err *reterr)
{
	return change(a, w, 0, why ? json_string(why) : NULL, why, reterr);
}

int kept_release(struct agent *a, struct workload *w, bool released,
		 struct err *reterr)
{
	return change(a, w, 1, released ? json_true() : NULL, released, reterr);
}
