/*
 * Who asks is served one after the other:
 *
 *   read ──▶ merge ──▶ read ... ──▶ our own ──▶ list ──▶ told
 *   bucket   thread                proposals   thread
 *
 * What has come of the bucket is not asked for again, so it is kept for the next who
 * asks, also when this one is not answered. `gather` is the thread's while there is
 * one. Of the same lists under the same policy the next answer is the last one.
 */
#include "agent/member_learn.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "agent/aside.h"
#include "agent/learn.h"
#include "agent/member_own.h"
#include "agent/proposals.h"
#include "agent/record.h"
#include "base/clock.h"
#include "base/log.h"
#include "fleet/pack.h"
#include "intent/gather.h"

#define FORM 1
/* So often it looks whether there is something to tell, ... */
#define LOOK_US (5 * USEC_PER_SEC)
/* ... makes its list, ... */
#define MAKE_US (60 * USEC_PER_SEC)
/* ... and tells one in which nothing is new but how often and when. */
#define FIGURES_US (600 * USEC_PER_SEC)
/* So long the last answer is kept for who asks next. */
#define KEPT_US (600 * USEC_PER_SEC)

/* What a node told; text NULL: nothing any more. */
struct heard {
	struct heard *next;
	char node[FLEET_NAME_MAX];
	char *text; /* packed; owned */
	size_t len;
};

struct ask {
	struct ask *next;
	uint64_t since_s;
	learned_fn *fn;
	void *arg;
};

enum step { STEP_IDLE, STEP_READ, STEP_MERGE, STEP_OWN, STEP_LIST };

struct member_learn {
	bool there, reads, ending;
	struct err why; /* not there, and will not be */

	/* What is told. */
	struct loop_timer look;
	bool making, was_made;
	struct intent *making_of, *told_of; /* counted */
	uint64_t making_news, told_news;
	usec_t made, told;
	bool is_told;			/* something was, of this bucket */
	uint64_t told_rules, told_text; /* hashes */
	size_t n_told, n_untold;
	uint64_t told_rejected; /* hash */

	/* Who asks; the first is being served. */
	struct loop_timer go;
	struct ask *first, **last;
	unsigned n_asks;
	enum step step;
	uint64_t token;
	bool more; /* to read */
	char alone[ERR_TEXT_MAX];

	/* What was heard. */
	struct heard *heard, **heard_last;
	struct intent_gather *gather;
	bool merged; /* something, since `kept` was made */
	bool anew;   /* all of it is told again */

	struct loop_timer forget;
	json_t *kept, *kept_own; /* owned; NULL: none */
	struct intent *kept_of;	 /* counted */
	size_t kept_left;
	uint64_t serial;
};

static uint64_t now_s(void)
{
	return clock_unix_us() / USEC_PER_SEC;
}

/* --- telling ---------------------------------------------------------------- */

/* The first n of list. */
static json_t *list_doc(const json_t *list, size_t n)
{
	json_t *told = json_array();

	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(list, i);

		(void)json_array_append_new(
			told,
			json_pack("{s:O, s:O}", "rule",
				  json_object_get(one, "rule"), "provenance",
				  json_object_get(one, "provenance")));
	}
	return json_pack("{s:i, s:o, s:I}", "form", FORM, "proposals", told,
			 "untold", (json_int_t)(json_array_size(list) - n));
}

static uint64_t hash_rules(const json_t *list)
{
	uint64_t hash = 0;
	const json_t *one, *v;
	size_t i, k;

	json_array_foreach (list, i, one) {
		const json_t *rule = json_object_get(one, "rule");
		const char *key =
			json_string_value(json_object_get(one, "key"));

		hash = XXH3_64bits_withSeed(key, strlen(key), hash);
		json_array_foreach (json_object_get(rule, "ports"), k, v)
			hash = XXH3_64bits_withSeed(json_string_value(v),
						    json_string_length(v),
						    hash);
	}
	return hash;
}

/* 0: told, or the same as what was; -E2BIG: fewer may do. */
static int tell_first(struct agent *a, const json_t *list, size_t n,
		      struct err *reterr)
{
	struct member_learn *l = a->member->learn;
	json_t *doc = list_doc(list, n);
	char *text = doc ? json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS)
			 : NULL;
	uint64_t hash;
	int rc = 0;

	json_decref(doc);
	if (!text)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	hash = XXH3_64bits(text, strlen(text));
	if (strlen(text) > LEARNED_UNPACKED_MAX)
		rc = err_set(reterr, E2BIG, NULL, "more than %d bytes",
			     LEARNED_UNPACKED_MAX);
	else if (!l->is_told || hash != l->told_text)
		rc = fleet_tell(a->member->fleet, FLEET_LEARNED, text, reterr);
	free(text);
	if (rc == 0) {
		l->told_text = hash;
		l->told = clock_now();
		l->is_told = true;
		l->n_told = n;
		l->n_untold = json_array_size(list) - n;
	}
	return rc;
}

static void tell(struct agent *a, const json_t *list)
{
	struct member_learn *l = a->member->learn;
	uint64_t rules = hash_rules(list);
	size_t n = json_array_size(list);
	struct err err = { 0 };
	int rc;

	if (l->is_told && rules == l->told_rules &&
	    usec_since(clock_now(), l->told) < FIGURES_US)
		return;
	if (n > LEARNED_TOLD_MAX)
		n = LEARNED_TOLD_MAX;
	while ((rc = tell_first(a, list, n, &err)) == -E2BIG && n > 0)
		n /= 2;
	if (rc == 0)
		l->told_rules = rules;
	else
		log_warn("fleet: what was learned is not told: %s", err.text);
}

static void note_told(struct agent *a, struct intent *of, uint64_t news)
{
	struct member_learn *l = a->member->learn;

	intent_put(l->told_of);
	l->told_of = intent_get(of);
	l->told_news = news;
	l->made = clock_now();
	l->was_made = true;
}

static void list_is_made(struct agent *a, const json_t *list,
			 const struct err *err, void *arg)
{
	struct member_learn *l = a->member ? a->member->learn : NULL;

	if (!l || l->ending)
		return;
	l->making = false;
	/* else it is tried again in a while */
	if (list) {
		note_told(a, l->making_of, l->making_news);
		tell(a, list);
	} else {
		l->made = clock_now();
		l->was_made = true;
	}
}

static bool is_due(const struct agent *a)
{
	const struct member_learn *l = a->member->learn;

	if (!a->member->up || !l->there || l->making)
		return false;
	if (l->is_told && l->told_of == a->intent &&
	    l->told_news == proposals_news(a->proposals))
		return false;
	return !l->was_made || usec_since(clock_now(), l->made) >= MAKE_US;
}

static void look_due(void *arg)
{
	struct agent *a = arg;
	struct member_learn *l = a->member->learn;
	const json_t *list;
	struct err err;

	loop_timer_set(a->loop, &l->look, LOOK_US);
	if (!is_due(a))
		return;
	list = proposals_kept(a, 0);
	if (list) {
		note_told(a, a->intent, proposals_kept_news(a->proposals));
		tell(a, list);
		return;
	}
	intent_put(l->making_of);
	l->making_of = intent_get(a->intent);
	l->making_news = proposals_news(a->proposals);
	/* else with the next look */
	l->making = proposals_make(a, 0, list_is_made, NULL, &err) == 0;
}

void member_rejected(struct agent *a)
{
	struct member_learn *l = a->member ? a->member->learn : NULL;
	const json_t *map = learn_rejected(a);
	struct err err;
	json_t *doc;
	char *text;
	uint64_t hash;

	if (!l || !l->reads || (!l->told_rejected && !json_object_size(map)))
		return;
	doc = json_pack("{s:i, s:O}", "form", FORM, "rejected", map);
	text = doc ? json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(doc);
	hash = text ? XXH3_64bits(text, strlen(text)) : 0;
	if (text && hash != l->told_rejected) {
		if (fleet_tell(a->member->fleet, FLEET_REJECTED, text, &err) ==
		    0)
			l->told_rejected = hash;
		else
			log_warn("fleet: what was turned down is not told: %s",
				 err.text);
	}
	free(text);
}

/* --- what is heard ------------------------------------------------------------- */

void member_learning(struct agent *a, const struct fleet_news *n)
{
	struct member_learn *l = a->member->learn;

	l->there = !n->err.code;
	l->anew = l->there;
	l->reads = l->there && n->may;
	l->why = n->err;
	l->is_told = false;
	l->was_made = false;
	l->told_rejected = 0;
	if (l->there) {
		loop_timer_need(a->loop, &l->look, 0);
		member_rejected(a);
		return;
	}
	log_warn("fleet: %s", n->err.text);
	record_state(a, "fleet", "low", n->err.text);
}

/* Is damaged: what was known stays. */
static void damaged(const char *node, const char *what, const struct err *err)
{
	log_warn("fleet: what %s %s: %s", node, what, err->text);
}

static void take_rejected(struct agent *a, const struct fleet_news *n)
{
	struct err err = n->err;
	json_t *doc = NULL;
	size_t len = 0;
	char *text;

	if (!n->text && !err.code)
		return; /* whoever knows of it goes on knowing */
	text = n->text ? unpack_text_most(n->text, n->len, LEARNED_UNPACKED_MAX,
					  &len, &err)
		       : NULL;
	if (text)
		doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (text && !doc)
		(void)err_set(&err, EPROTO, NULL, "is no JSON");
	free(text);
	if (doc && json_integer_value(json_object_get(doc, "form")) == FORM &&
	    learn_rejected_heard(a, json_object_get(doc, "rejected")))
		member_rejected(a);
	else if (err.code)
		damaged(n->node, "turned down", &err);
	json_decref(doc);
}

void member_learn_node(struct agent *a, struct fleet_news *n)
{
	struct member_learn *l = a->member->learn;
	struct heard *h;

	if (n->key == FLEET_REJECTED) {
		take_rejected(a, n);
		return;
	}
	if (strcmp(n->node, a->config.node) == 0)
		return; /* that is known better here */
	if (n->err.code) {
		damaged(n->node, "learned", &n->err);
		return;
	}
	h = calloc(1, sizeof *h);
	if (!h) {
		log_warn("fleet: what %s learned: out of memory", n->node);
		return;
	}
	(void)snprintf(h->node, sizeof h->node, "%s", n->node);
	h->text = n->text;
	h->len = n->len;
	n->text = NULL;
	*l->heard_last = h;
	l->heard_last = &h->next;
}

static void free_heard(struct heard *h)
{
	struct heard *next;

	for (; h; h = next) {
		next = h->next;
		free(h->text);
		free(h);
	}
}

/* --- who asks -------------------------------------------------------------------- */

static void next_ask(struct agent *a)
{
	struct member_learn *l = a->member->learn;

	if (l->first && l->step == STEP_IDLE)
		loop_timer_set(a->loop, &l->go, 0);
}

int member_learned(struct agent *a, uint64_t since_s, learned_fn *fn, void *arg,
		   struct err *reterr)
{
	struct member_learn *l = a->member->learn;
	struct ask *k;

	if (l->n_asks == LEARNED_ASKS_MAX || l->ending)
		return err_set(reterr, EAGAIN, NULL,
			       "%d wait already for what the fleet has learned",
			       LEARNED_ASKS_MAX);
	k = calloc(1, sizeof *k);
	if (!k)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	*k = (struct ask){ .since_s = since_s, .fn = fn, .arg = arg };
	*l->last = k;
	l->last = &k->next;
	l->n_asks++;
	next_ask(a);
	return 0;
}

/* The first has its answer. */
static void answer(struct agent *a, const json_t *list, const json_t *own,
		   size_t left, const struct err *err)
{
	struct member_learn *l = a->member->learn;
	struct ask *k = l->first;
	struct learned_of of = { .own = own, .nodes = 1 };

	l->first = k->next;
	if (!l->first)
		l->last = &l->first;
	l->n_asks--;
	l->step = STEP_IDLE;
	if (l->alone[0]) {
		of.alone = l->alone;
	} else if (l->gather && list) {
		struct intent_gather_sums c = intent_gather_sums(l->gather);

		of.nodes += c.nodes;
		of.dropped = c.dropped;
		of.refused = c.refused;
		of.untold = c.untold;
		of.left = left;
		of.serial = l->serial;
	}
	k->fn(a, list, &of, err, k->arg);
	free(k);
	next_ask(a);
}

static void fail(struct agent *a, const struct err *err)
{
	answer(a, NULL, NULL, 0, err);
}

/* --- putting together --------------------------------------------------------------- */

struct job {
	struct intent_gather *gather; /* borrowed */
	struct err err;
	/* merge */
	struct heard *heard;	 /* owned */
	char of[FLEET_NAME_MAX]; /* whose is damaged */
	/* list */
	const char *node;      /* borrowed */
	json_t *own, *list;    /* owned */
	struct intent *intent; /* counted */
	uint64_t now, since_s;
	size_t left;
};

static void free_job(struct job *j)
{
	free_heard(j->heard);
	json_decref(j->own);
	json_decref(j->list);
	intent_put(j->intent);
	free(j);
}

/* In its thread. -ENOMEM, -EPROTO, -E2BIG. */
static int merge_one(struct intent_gather *g, const struct heard *h,
		     struct err *reterr)
{
	json_t *doc, *list;
	size_t len;
	char *text;
	int rc;

	if (!h->text)
		return intent_gather_take(g, h->node, NULL, 0, reterr);
	text = unpack_text_most(h->text, h->len, LEARNED_UNPACKED_MAX, &len,
				reterr);
	if (!text)
		return -reterr->code;
	doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	list = json_object_get(doc, "proposals");
	if (json_integer_value(json_object_get(doc, "form")) != FORM ||
	    !json_is_array(list)) {
		json_decref(doc);
		return err_set(reterr, EPROTO, NULL, "is no list of proposals");
	}
	rc = intent_gather_take(
		g, h->node, list,
		(uint32_t)json_integer_value(json_object_get(doc, "untold")),
		reterr);
	json_decref(doc);
	return rc;
}

static void merge_work(void *arg)
{
	struct job *j = arg;

	for (const struct heard *h = j->heard; h; h = h->next)
		if (merge_one(j->gather, h, &j->err) < 0)
			(void)snprintf(j->of, sizeof j->of, "%s", h->node);
}

static void list_work(void *arg)
{
	struct job *j = arg;

	j->list = intent_gather_list(j->gather, j->node, j->own, j->intent,
				     j->now, j->since_s, &j->left);
	if (!j->list)
		(void)err_set(&j->err, ENOMEM, NULL, "out of memory");
}

static void forget_kept(struct member_learn *l)
{
	json_decref(l->kept);
	json_decref(l->kept_own);
	intent_put(l->kept_of);
	l->kept = l->kept_own = NULL;
	l->kept_of = NULL;
}

static void forget_due(void *arg)
{
	struct agent *a = arg;

	forget_kept(a->member->learn);
	(void)malloc_trim(0);
}

static void listed(struct agent *a, void *arg)
{
	struct member_learn *l = a->member->learn;
	struct job *j = arg;

	if (l->ending) {
		free_job(j);
		return;
	}
	l->serial++;
	if (j->list && !j->since_s) {
		forget_kept(l);
		l->kept = json_incref(j->list);
		l->kept_own = json_incref(j->own);
		l->kept_of = intent_get(j->intent);
		l->kept_left = j->left;
		l->merged = false;
		loop_timer_set(a->loop, &l->forget, KEPT_US);
	}
	answer(a, j->list, j->own, j->left, &j->err);
	free_job(j);
}

/* own: what this node proposes. */
static void list_all(struct agent *a, const json_t *own)
{
	static const struct aside_work work = { list_work, listed };
	struct member_learn *l = a->member->learn;
	uint64_t since_s = l->first->since_s;
	struct err err = { 0 };
	struct job *j;

	if (!since_s && l->kept && !l->merged && l->kept_own == own &&
	    l->kept_of == a->intent) {
		loop_timer_set(a->loop, &l->forget, KEPT_US);
		answer(a, l->kept, own, l->kept_left, &err);
		return;
	}
	if (!l->gather)
		l->gather = intent_gather_new();
	j = calloc(1, sizeof *j);
	if (!j || !l->gather) {
		free(j);
		(void)err_set(&err, ENOMEM, NULL, "out of memory");
		fail(a, &err);
		return;
	}
	*j = (struct job){ .gather = l->gather,
			   .node = a->config.node,
			   .own = json_incref((json_t *)(uintptr_t)own),
			   .intent = intent_get(a->intent),
			   .now = now_s(),
			   .since_s = since_s };
	l->step = STEP_LIST;
	if (aside_run(a, &work, j, &err) < 0) {
		free_job(j);
		fail(a, &err);
	}
}

static void own_is_made(struct agent *a, const json_t *list,
			const struct err *err, void *arg)
{
	struct member_learn *l = a->member ? a->member->learn : NULL;

	if (!l || l->ending)
		return;
	if (!list)
		fail(a, err);
	else if (l->alone[0])
		answer(a, list, list, 0, err);
	else
		list_all(a, list);
}

static void make_own(struct agent *a)
{
	struct member_learn *l = a->member->learn;
	const json_t *list = proposals_kept(a, l->first->since_s);
	struct err err = { 0 };

	l->step = STEP_OWN;
	if (list)
		own_is_made(a, list, &err, NULL);
	else if (proposals_make(a, l->first->since_s, own_is_made, NULL, &err) <
		 0)
		fail(a, &err);
}

static void be_alone(struct agent *a, const char *why)
{
	struct member_learn *l = a->member->learn;

	(void)snprintf(l->alone, sizeof l->alone, "%s", why);
	make_own(a);
}

static void read_on(struct agent *a)
{
	struct member_learn *l = a->member->learn;
	struct err err;

	l->token = ++a->member->last_token;
	l->step = STEP_READ;
	if (fleet_learned(a->member->fleet, l->token, &err) < 0)
		be_alone(a, err.text);
}

static void merged(struct agent *a, void *arg)
{
	struct member_learn *l = a->member->learn;
	struct job *j = arg;

	if (j->of[0])
		damaged(j->of, "learned", &j->err);
	free_job(j);
	if (l->ending)
		return;
	l->merged = true;
	if (l->more)
		read_on(a);
	else
		make_own(a);
}

static void merge(struct agent *a)
{
	static const struct aside_work work = { merge_work, merged };
	struct member_learn *l = a->member->learn;
	struct err err = { 0 };
	struct job *j;

	if (!l->heard) {
		if (l->more)
			read_on(a);
		else
			make_own(a);
		return;
	}
	if (!l->gather)
		l->gather = intent_gather_new();
	j = calloc(1, sizeof *j);
	if (!j || !l->gather) {
		free(j);
		(void)err_set(&err, ENOMEM, NULL, "out of memory");
		fail(a, &err);
		return;
	}
	*j = (struct job){ .gather = l->gather, .heard = l->heard };
	l->step = STEP_MERGE;
	if (aside_run(a, &work, j, &err) < 0) { /* heard stays */
		free(j);
		fail(a, &err);
		return;
	}
	l->heard = NULL;
	l->heard_last = &l->heard;
}

void member_heard(struct agent *a, const struct fleet_news *n)
{
	struct member_learn *l = a->member->learn;

	if (l->step != STEP_READ || n->token != l->token)
		return; /* it was not waited for */
	l->more = n->may;
	if (n->err.code)
		be_alone(a, n->err.text);
	else
		merge(a);
}

void member_learn_down(struct agent *a)
{
	struct member_learn *l = a->member->learn;

	if (l->step == STEP_READ)
		be_alone(a, "this node is cut off from the fleet");
}

static void go_on(void *arg)
{
	struct agent *a = arg;
	struct member_learn *l = a->member->learn;

	l->alone[0] = '\0';
	if (l->anew) {
		intent_gather_free(l->gather);
		l->gather = NULL;
		free_heard(l->heard);
		l->heard = NULL;
		l->heard_last = &l->heard;
		l->merged = true;
		l->anew = false;
	}
	if (!a->member->up)
		be_alone(a, "this node is cut off from the fleet");
	else if (l->why.code)
		be_alone(a, l->why.text);
	else if (!l->there)
		be_alone(a, "the servers do not keep yet what was learned");
	else if (!l->reads)
		be_alone(a, "this node is no editor");
	else
		read_on(a);
}

/* --- start and end ---------------------------------------------------------------------- */

json_t *member_learn_json(const struct agent *a)
{
	const struct member_learn *l = a->member->learn;
	json_t *o = json_pack("{s:b, s:I, s:I}", "reads", l->reads, "told",
			      (json_int_t)l->n_told, "untold",
			      (json_int_t)l->n_untold);

	if (o && l->why.code)
		(void)json_object_set_new(o, "text", json_string(l->why.text));
	return o;
}

int member_learn_start(struct agent *a, struct err *reterr)
{
	struct member_learn *l = calloc(1, sizeof *l);

	a->member->learn = l;
	if (!l)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	l->last = &l->first;
	l->heard_last = &l->heard;
	l->look = (struct loop_timer){ .fn = look_due, .arg = a };
	l->go = (struct loop_timer){ .fn = go_on, .arg = a };
	l->forget = (struct loop_timer){ .fn = forget_due, .arg = a };
	loop_timer_set(a->loop, &l->look, LOOK_US);
	return 0;
}

void member_learned_end(struct agent *a)
{
	struct member_learn *l = a->member ? a->member->learn : NULL;
	struct err err;

	if (!l)
		return;
	l->ending = true;
	loop_timer_off(a->loop, &l->look);
	loop_timer_off(a->loop, &l->go);
	loop_timer_off(a->loop, &l->forget);
	(void)err_set(&err, ECANCELED, NULL, "weir-agent is ending");
	while (l->first)
		fail(a, &err);
	loop_timer_off(a->loop, &l->go);
}

void member_learn_stop(struct agent *a)
{
	struct member_learn *l = a->member->learn;

	if (!l)
		return;
	forget_kept(l);
	free_heard(l->heard);
	intent_gather_free(l->gather);
	intent_put(l->making_of);
	intent_put(l->told_of);
	free(l);
	a->member->learn = NULL;
}
