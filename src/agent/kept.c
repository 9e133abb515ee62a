/*
 * The document is small and in memory as it is on the disk; a change is written
 * first, and then true.
 */
#include "agent/kept.h"

#include <errno.h>
#include <stdio.h>

#define DOCUMENT "workloads"

int kept_start(struct agent *a, struct err *reterr)
{
	uint64_t revision;
	int rc = store_get_doc(a->store, DOCUMENT, &a->kept, &revision, reterr);

	if (rc != -ENOENT)
		return rc;
	a->kept = json_pack("{s:{}, s:{}}", "quarantined", "released");
	return a->kept ? 0 : err_set(reterr, ENOMEM, NULL, "out of memory");
}

void kept_stop(struct agent *a)
{
	json_decref(a->kept);
}

void kept_apply(struct agent *a, struct workload *w)
{
	const char *why = json_string_value(json_object_get(
		json_object_get(a->kept, "quarantined"), w->id));

	w->quarantined = why != NULL;
	(void)snprintf(w->quarantine_why, sizeof w->quarantine_why, "%s",
		       why ? why : "");
	w->released = json_object_get(json_object_get(a->kept, "released"),
				      w->id) != NULL;
}

/* value NULL: not in it any more; taken. */
static int change(struct agent *a, struct workload *w, const char *member,
		  json_t *value, struct err *reterr)
{
	json_t *next = json_deep_copy(a->kept);
	json_t *part = json_object_get(next, member);
	uint64_t revision;
	int rc;

	if (value)
		rc = json_object_set_new(part, w->id, value);
	else
		rc = part ? 0 : -1;
	if (!value)
		(void)json_object_del(part, w->id); /* or it was not */
	rc = rc < 0 ? err_set(reterr, ENOMEM, NULL, "out of memory")
		    : store_put_doc(a->store, DOCUMENT, next, 0, &revision,
				    reterr);
	if (rc < 0) {
		json_decref(next);
		return rc;
	}
	json_decref(a->kept);
	a->kept = next;
	kept_apply(a, w);
	return 0;
}

int kept_quarantine(struct agent *a, struct workload *w, const char *why,
		    struct err *reterr)
{
	return change(a, w, "quarantined", why ? json_string(why) : NULL,
		      reterr);
}

int kept_release(struct agent *a, struct workload *w, bool released,
		 struct err *reterr)
{
	return change(a, w, "released", released ? json_true() : NULL, reterr);
}
