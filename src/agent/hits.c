/*
 * One table from id to count, which is the document "hits" of the store; written
 * when it changed, every few minutes, and at the end. An agent that is killed
 * loses the count of those minutes, nothing else.
 */
#include "agent/hits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

#define ID_TEXT_MAX 12
#define WRITE_US    (300 * USEC_PER_SEC)

struct hits {
	json_t *rules; /* {"7": [count, last seen]} */
	struct loop_timer write;
};

static void write_hits(void *arg)
{
	struct agent *a = arg;

	/* the store's own state tells of it */
	(void)store_put_note(a->store, "hits", a->hits->rules, NULL);
}

int hits_start(struct agent *a, struct err *reterr)
{
	struct hits *h = calloc(1, sizeof *h);
	uint64_t revision;
	int rc;

	a->hits = h;
	if (!h)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	h->write = (struct loop_timer){ .fn = write_hits, .arg = a };
	rc = store_get_doc(a->store, "hits", &h->rules, &revision, reterr);
	if (rc == -ENOENT) {
		h->rules = json_object();
		rc = h->rules ? 0
			      : err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	return rc;
}

void hits_stop(struct agent *a)
{
	if (!a->hits)
		return;
	if (a->hits->write.on)
		write_hits(a);
	loop_timer_off(a->loop, &a->hits->write);
	json_decref(a->hits->rules);
	free(a->hits);
	a->hits = NULL;
}

void hits_count(struct agent *a, const struct store_flow *f)
{
	char id[ID_TEXT_MAX];
	json_t *pair;
	json_int_t more = f->sessions > f->violations ? f->sessions
						      : f->violations;

	if (f->rule_id == 0 || more == 0)
		return;
	(void)snprintf(id, sizeof id, "%u", f->rule_id);
	pair = json_object_get(a->hits->rules, id);
	if (!pair) {
		if (json_object_size(a->hits->rules) >= POLICY_RULES_MAX)
			return;
		pair = json_pack("[I, I]", (json_int_t)0, (json_int_t)0);
		(void)json_object_set_new(a->hits->rules, id, pair);
	}
	(void)json_integer_set(json_array_get(pair, 0),
			       json_integer_value(json_array_get(pair, 0)) +
				       more);
	(void)json_integer_set(json_array_get(pair, 1), (json_int_t)f->last_s);
	loop_timer_need(a->loop, &a->hits->write, WRITE_US);
}

void hits_forget_others(struct agent *a)
{
	const char *id;
	json_t *pair;
	void *next;

	json_object_foreach_safe (a->hits->rules, next, id, pair) {
		uint32_t number = (uint32_t)strtoul(id, NULL, 10);

		if (intent_has_rule(a->intent, number))
			continue;
		(void)json_object_del(a->hits->rules, id);
		loop_timer_need(a->loop, &a->hits->write, WRITE_US);
	}
}

void hits_count_client(struct agent *a, const struct store_flow *f)
{
	if (intent_rule_is_clients(a->intent, f->rule_id))
		hits_count(a, f);
}

void hits_add(const struct agent *a, json_t *rule)
{
	json_t *pair;
	char id[ID_TEXT_MAX];

	(void)snprintf(
		id, sizeof id, "%u",
		(unsigned)json_integer_value(json_object_get(rule, "id")));
	pair = json_object_get(a->hits->rules, id);
	if (!pair)
		return;
	(void)json_object_set(rule, "hits", json_array_get(pair, 0));
	(void)json_object_set(rule, "last_hit", json_array_get(pair, 1));
}
