/*
 * Proposals are made anew from the store (proposals.h), so there is nothing to
 * keep up to date but what was turned down, by a key that stays the same while
 * more is learned of the same (intent/propose.h). A command about them is done at
 * once with those that are kept, else when they are made; in a fleet, when they are put
 * together with what the other nodes propose (member_learn.h).
 *
 * The candidate is compared in two ways: with all that was recorded since it was
 * set, when asked; and with each connection when it is told of, where a
 * difference becomes an event, once for each pair of ends and rule.
 */
#include "agent/learn.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/commands.h"
#include "agent/member.h"
#include "agent/member_learn.h"
#include "agent/policy.h"
#include "agent/proposals.h"
#include "agent/record.h"
#include "agent/rejected.h"
#include "agent/study.h"
#include "agent/world.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/limits_door.h"
#include "base/log.h"
#include "base/utf8.h"
#include "wire/words.h"

#define AUTO_US (60 * USEC_PER_SEC)
#define DAY_S	86400ULL

struct learn {
	json_t *rejected;
	struct loop_timer accept; /* learn.auto_accept */
	uint64_t accepted_news;	  /* of proposals: what it did last */
	uint64_t accepted_serial; /* in a fleet: likewise */

	struct intent *candidate; /* NULL: there is none */
	uint64_t candidate_since_s;
	bool outdated;
	struct intent_judge *real, *other;
	json_t *index;	 /* workload's id -> number in the judges' world */
	json_t *told;	 /* differences that are told already, by key */
	uint64_t untold; /* connections of others: EVENT_KINDS_MAX were told */
};

static uint64_t now_s(void)
{
	return clock_unix_us() / USEC_PER_SEC;
}

/* --- proposals ---------------------------------------------------------------- */

/* What is done with a list of them: 0, COMMAND_LATER or -errno. */
typedef int list_fn(struct agent *a, struct door_client *c, const json_t *args,
		    const json_t *list, json_t *result, struct err *reterr);

/* A command that waits for the list. */
struct waiting {
	list_fn *fn;
	uint64_t work;
	json_t *args, *result; /* owned */
};

static void list_is_made(struct agent *a, const json_t *list,
			 const struct err *err, void *arg)
{
	struct waiting *w = arg;
	struct door_client *c = door_waits(a, w->work);
	struct err why = *err;
	int rc = list ? 0 : -why.code;

	if (c && rc == 0)
		rc = w->fn(a, c, w->args, list, w->result, &why);
	if (rc != COMMAND_LATER)
		door_worked(a, w->work, rc < 0 ? &why : NULL);
	json_decref(w->args);
	json_decref(w->result);
	free(w);
}

static json_t *of_json(const struct learned_of *of)
{
	json_t *o = json_pack(
		"{s:I, s:I, s:I, s:I, s:I}", "nodes", (json_int_t)of->nodes,
		"dropped", (json_int_t)of->dropped, "refused",
		(json_int_t)of->refused, "untold", (json_int_t)of->untold,
		"left", (json_int_t)of->left);

	if (o && of->alone)
		(void)json_object_set_new(o, "alone", json_string(of->alone));
	return o;
}

static void all_is_made(struct agent *a, const json_t *list,
			const struct learned_of *of, const struct err *err,
			void *arg)
{
	struct waiting *w = arg;

	if (list)
		(void)json_object_set_new(w->result, "fleet", of_json(of));
	list_is_made(a, list, err, arg);
}

/* A command about proposals: with those since args' "since". */
static int with_list(struct agent *a, struct door_client *c, const json_t *args,
		     list_fn *fn, json_t *result, struct err *reterr)
{
	const json_t *list;
	struct waiting *w;
	uint64_t since = 0;
	int rc = arg_uint(args, "since", INT64_MAX, &since, reterr);

	if (rc < 0)
		return rc;
	list = member_is_on(a) ? NULL : proposals_kept(a, since);
	if (list)
		return fn(a, c, args, list, result, reterr);
	w = calloc(1, sizeof *w);
	if (!w)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	*w = (struct waiting){ fn, 0, json_incref((json_t *)(uintptr_t)args),
			       json_incref(result) };
	rc = member_is_on(a)
		     ? member_learned(a, since, all_is_made, w, reterr)
		     : proposals_make(a, since, list_is_made, w, reterr);
	if (rc < 0) {
		json_decref(w->args);
		json_decref(w->result);
		free(w);
		return rc;
	}
	w->work = door_later_work(c, result);
	return COMMAND_LATER;
}

static bool is_rejected(const struct agent *a, const json_t *proposal)
{
	return rejected_has(
		a->learn->rejected,
		json_string_value(json_object_get(proposal, "key")));
}

static void add_shown(struct agent *a, json_t *shown, const json_t *one)
{
	json_t *copy;

	if (!is_rejected(a, one)) {
		(void)json_array_append(shown, (json_t *)(uintptr_t)one);
		return;
	}
	copy = json_copy((json_t *)(uintptr_t)one);
	(void)json_object_set_new(copy, "rejected", json_true());
	(void)json_array_append_new(shown, copy);
}

static const char *id_of(const json_t *proposal)
{
	return json_string_value(json_object_get(proposal, "id"));
}

/* From `after` on, `limit` of them. */
static int show(struct agent *a, struct door_client *c, const json_t *args,
		const json_t *list, json_t *result, struct err *reterr)
{
	bool all = arg_true(args, "all"), behind;
	json_t *shown = json_array();
	const char *after = "", *next = NULL;
	uint64_t limit = PROPOSALS_PAGE_MAX;
	size_t i, total = 0;
	const json_t *one;
	int rc = arg_uint(args, "limit", PROPOSALS_PAGE_MAX, &limit, reterr);

	(void)json_object_set_new(result, "proposals", shown);
	if (rc == 0)
		rc = arg_text(args, "after", &after, reterr);
	if (rc < 0)
		return rc;
	if (limit == 0)
		limit = PROPOSALS_PAGE_MAX;
	behind = !after[0];
	json_array_foreach (list, i, one) {
		if (!all && is_rejected(a, one))
			continue;
		total++;
		if (behind && json_array_size(shown) < limit)
			add_shown(a, shown, one);
		else if (behind && !next)
			next = id_of(json_array_get(shown, limit - 1));
		behind |= strcmp(id_of(one), after) == 0;
	}
	if (!behind && total)
		return err_set(reterr, EINVAL, "after",
			       "that proposal is gone; begin without it");
	(void)json_object_set_new(result, "total",
				  json_integer((json_int_t)total));
	if (next)
		(void)json_object_set_new(result, "next", json_string(next));
	return 0;
}

int command_learned(struct agent *a, struct door_client *c, const json_t *args,
		    json_t *result, struct err *reterr)
{
	return with_list(a, c, args, show, result, reterr);
}

/* Is it among the ids (an array of texts), or are all meant? */
static bool is_chosen(const struct agent *a, const json_t *proposal,
		      const json_t *ids, bool all)
{
	const char *id = id_of(proposal);
	const json_t *v;
	size_t i;

	if (all)
		return !is_rejected(a, proposal);
	json_array_foreach (ids, i, v)
		if (json_is_string(v) && strcmp(json_string_value(v), id) == 0)
			return true;
	return false;
}

static int check_chosen(size_t chosen, const json_t *ids, bool all,
			struct err *reterr)
{
	if (chosen > 0 && (all || chosen == json_array_size(ids)))
		return 0;
	return err_set(reterr, ENOENT, "ids",
		       all ? "nothing is proposed"
			   : "no such proposal; weir policy learned shows "
			     "them");
}

/* The intent with all that are chosen; their ids are added to ret_ids. */
static int with_chosen(struct agent *a, const json_t *list, const json_t *ids,
		       bool all, struct intent **ret, json_t *ret_ids,
		       struct err *reterr)
{
	json_t *rules = json_array();
	const json_t *one;
	size_t n;
	int rc;

	json_array_foreach (list, n, one)
		if (is_chosen(a, one, ids, all))
			(void)json_array_append(rules,
						json_object_get(one, "rule"));
	rc = check_chosen(json_array_size(rules), ids, all, reterr);
	if (rc == 0)
		rc = intent_with_rules(a->intent, rules, INTENT_LAST, ret,
				       ret_ids, reterr);
	json_decref(rules);
	return rc;
}

#define ACCEPTED_TEXT_MAX 64

static void say_accepted(const json_t *rules, char ret[ACCEPTED_TEXT_MAX])
{
	size_t n = json_array_size(rules);

	(void)snprintf(ret, ACCEPTED_TEXT_MAX, "%zu learned rule%s accepted", n,
		       n == 1 ? " was" : "s were");
}

static int accept_chosen(struct agent *a, struct door_client *c,
			 const json_t *args, const json_t *list, json_t *result,
			 struct err *reterr)
{
	json_t *rules = json_array();
	struct intent *next = NULL;
	char what[ACCEPTED_TEXT_MAX];
	int rc;

	(void)json_object_set_new(result, "rules", rules);
	rc = with_chosen(a, list, json_object_get(args, "ids"),
			 arg_true(args, "all"), &next, rules, reterr);
	if (rc < 0)
		return rc;
	say_accepted(rules, what);
	return commands_change(a, c, args, next, what, result, reterr);
}

int command_accept(struct agent *a, struct door_client *c, const json_t *args,
		   json_t *result, struct err *reterr)
{
	return with_list(a, c, args, accept_chosen, result, reterr);
}

/* Takes next. */
static int set_rejected(struct agent *a, json_t *next, struct err *reterr)
{
	uint64_t revision;
	int rc =
		store_put_doc(a->store, "rejected", next, 0, &revision, reterr);

	if (rc < 0) {
		json_decref(next);
		return rc;
	}
	json_decref(a->learn->rejected);
	a->learn->rejected = next;
	return 0;
}

const json_t *learn_rejected(const struct agent *a)
{
	return a->learn->rejected;
}

bool learn_rejected_heard(struct agent *a, const json_t *rejected)
{
	json_t *next = json_copy(a->learn->rejected);
	struct err err;

	if (!next || !rejected_merge(next, rejected)) {
		json_decref(next);
		return false;
	}
	if (set_rejected(a, next, &err) == 0)
		return true;
	log_warn("fleet: what was turned down is not stored: %s", err.text);
	return false;
}

static int reject_chosen(struct agent *a, struct door_client *c,
			 const json_t *args, const json_t *list, json_t *result,
			 struct err *reterr)
{
	json_t *next = json_copy(a->learn->rejected);
	const json_t *ids = json_object_get(args, "ids"), *one;
	bool all = arg_true(args, "all"), undo = arg_true(args, "undo");
	size_t i, chosen = 0;
	int rc = 0;

	json_array_foreach (list, i, one) {
		const char *key =
			json_string_value(json_object_get(one, "key"));

		if (!is_chosen(a, one, ids, all) || rc < 0)
			continue;
		chosen++;
		rc = rejected_set(next, key, !undo, now_s(), reterr);
	}
	if (rc == 0)
		rc = check_chosen(chosen, ids, all, reterr);
	if (rc < 0) {
		json_decref(next);
		return rc;
	}
	(void)json_object_set_new(result, "rejected",
				  json_integer((json_int_t)chosen));
	rc = set_rejected(a, next, reterr);
	if (rc == 0)
		member_rejected(a);
	return rc;
}

int command_reject(struct agent *a, struct door_client *c, const json_t *args,
		   json_t *result, struct err *reterr)
{
	return with_list(a, c, args, reject_chosen, result, reterr);
}

/* learn.auto_accept: what was learned of groups in discover becomes rules. */
static void accept_made(struct agent *a, const json_t *list,
			const struct err *err, void *arg)
{
	json_t *rules = json_array();
	struct intent *next = NULL;
	char what[ACCEPTED_TEXT_MAX];
	struct err why;

	if (list && with_chosen(a, list, NULL, true, &next, rules, &why) == 0) {
		say_accepted(rules, what);
		if (member_is_on(a)
			    ? member_change_by_itself(a, next, what, &why) < 0
			    : policy_set(a, next, what, NULL, 0, &why) < 0)
			log_warn("learned rules: not accepted: %s", why.text);
	}
	json_decref(rules);
}

/* ... and in a fleet what others learned of such. */
static void accept_gathered(struct agent *a, const json_t *list,
			    const struct learned_of *of, const struct err *err,
			    void *arg)
{
	struct learn *l = a->learn;
	uint64_t news = proposals_news(a->proposals);
	json_t *safe;

	if (!list || (of->alone ? l->accepted_news == news
				: l->accepted_serial == of->serial))
		return;
	if (of->alone) {
		l->accepted_news = news;
		accept_made(a, list, err, NULL);
		return;
	}
	l->accepted_serial = of->serial;
	safe = learned_safe(a, list, of->own);
	if (safe)
		accept_made(a, safe, err, NULL);
	json_decref(safe);
}

static void accept_all(void *arg)
{
	struct agent *a = arg;
	uint64_t news = proposals_news(a->proposals);
	struct err err;

	loop_timer_set(a->loop, &a->learn->accept, AUTO_US);
	if (a->config.auto_accept && member_is_on(a)) {
		(void)member_learned(a, 0, accept_gathered, NULL, &err);
		return;
	}
	if (!a->config.auto_accept || a->learn->accepted_news == news)
		return;
	/* else once more in a minute */
	if (proposals_make(a, 0, accept_made, NULL, &err) == 0)
		a->learn->accepted_news = news;
}

/* --- another policy ---------------------------------------------------------------- */

/* Who asks waits for it: a second of the processor, with PAST_TALKS_MAX. */
struct comparing {
	struct study study;
	struct intent *next, *before; /* counted; before: NULL: what was done */
	json_t *differ;		      /* what comes of it; owned */
	uint64_t work;
	json_t *result; /* owned */
};

static void free_comparing(struct comparing *c)
{
	past_done(&c->study.past);
	intent_put(c->next);
	intent_put(c->before);
	json_decref(c->differ);
	json_decref(c->result);
	free(c);
}

/* In its thread. */
static void compare(struct study *s)
{
	struct comparing *c = s->arg;
	struct past *p = &s->past;
	struct intent_judge *was = NULL, *after;

	after = intent_judge_new(c->next, &p->world, now_s(), &s->err);
	if (after && c->before)
		was = intent_judge_new(c->before, &p->world, now_s(), &s->err);
	if (after && (was || !c->before)) {
		c->differ = intent_compare(c->next, &p->world, was, after,
					   p->talks, p->n_talks, !c->before);
		if (!c->differ)
			(void)err_set(&s->err, ENOMEM, NULL, "out of memory");
	}
	intent_judge_free(after);
	intent_judge_free(was);
}

/* Who asked may have hung up, or was told that it takes too long. */
static bool is_waited_for(struct agent *a, const struct study *s)
{
	const struct comparing *c = s->arg;

	return door_waits(a, c->work) != NULL;
}

static void compared(struct agent *a, struct study *s)
{
	struct comparing *c = s->arg;

	(void)json_object_set(c->result, "compared", c->differ);
	(void)json_object_set_new(c->result, "conversations",
				  json_integer((json_int_t)s->past.n_talks));
	(void)json_object_set_new(c->result, "cut", json_boolean(s->past.cut));
	door_worked(a, c->work, &s->err);
	free_comparing(c);
	(void)malloc_trim(0); /* a hundred bytes for each conversation */
}

/* Takes next; before: NULL, or counted. */
static int begin(struct agent *a, struct door_client *c, struct intent *next,
		 struct intent *before, uint64_t since_s, json_t *result,
		 struct err *reterr)
{
	static const struct study_kind kind = { .wanted = is_waited_for,
						.work = compare,
						.done = compared };
	struct comparing *m = calloc(1, sizeof *m);
	int rc;

	if (!m) {
		intent_put(next);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	m->next = next;
	m->before = before ? intent_get(before) : NULL;
	m->result = json_incref(result);
	rc = study_begin(a, &m->study, &kind, m, since_s, false, reterr);
	if (rc < 0) {
		free_comparing(m);
		return rc;
	}
	m->work = door_later_work(c, result);
	return COMMAND_LATER;
}

int learn_dry_run(struct agent *a, struct door_client *c, struct intent *next,
		  uint64_t since_s, json_t *result, struct err *reterr)
{
	return begin(a, c, next, NULL, since_s, result, reterr);
}

/* --- the candidate ------------------------------------------------------------------- */

void learn_outdated(struct agent *a)
{
	a->learn->outdated = true;
	proposals_outdated(a->proposals);
}

static void drop_judges(struct learn *l)
{
	intent_judge_free(l->real);
	intent_judge_free(l->other);
	json_decref(l->index);
	l->real = l->other = NULL;
	l->index = NULL;
}

static bool make_judges(struct agent *a)
{
	struct learn *l = a->learn;
	struct intent_world world;
	struct err err;

	if (!l->outdated && l->real && l->other)
		return true;
	drop_judges(l);
	l->outdated = false;
	if (world_now(a, &world) < 0)
		return false;
	l->real = intent_judge_new(a->intent, &world, now_s(), &err);
	l->other = intent_judge_new(l->candidate, &world, now_s(), &err);
	l->index = json_object();
	for (size_t i = 0; i < world.n; i++)
		(void)json_object_set_new(l->index, world.workloads[i].id,
					  json_integer((json_int_t)i));
	return l->real && l->other;
}

static size_t number_of(const struct learn *l, const struct workload *w)
{
	const json_t *v = w ? json_object_get(l->index, w->id) : NULL;

	return v ? (size_t)json_integer_value(v) : INTENT_NOBODY;
}

static bool passes(const struct intent_verdict *v)
{
	return v->action != POLICY_DENY;
}

/* They are counted from here on, and summed up when asked. */
static void tell_no_more(struct agent *a)
{
	char text[128];

	if (a->learn->untold++)
		return;
	(void)snprintf(text, sizeof text,
		       "candidate: %d differences were told; more are only "
		       "counted, and in weir policy candidate",
		       EVENT_KINDS_MAX);
	record_state(a, "candidate", "low", text);
}

static void tell_difference(struct agent *a, const struct store_flow *f,
			    const struct workload *client,
			    const struct workload *server,
			    const struct intent_verdict *v)
{
	char text[256], from[IP_TEXT_MAX], to[IP_TEXT_MAX],
		proto[PROTO_TEXT_MAX], names[2][WORKLOAD_TEXT_MAX],
		buf[sizeof text];
	const char *key; /* names are cut anywhere */

	(void)snprintf(names[0], sizeof names[0], "%s",
		       client ? workload_name(client)
			      : ip_format(f->client_addr, from));
	(void)snprintf(names[1], sizeof names[1], "%s",
		       server ? workload_name(server)
			      : ip_format(f->server_addr, to));
	(void)snprintf(text, sizeof text,
		       "candidate: %.64s -> %.64s %s/%u would be %s by ",
		       names[0], names[1], proto_name(f->proto, proto), f->port,
		       passes(v) ? "allowed" : "blocked");
	if (v->rule_id)
		(void)snprintf(text + strlen(text), 24, "rule %u", v->rule_id);
	else
		(void)snprintf(text + strlen(text), 24, "its mode");
	key = utf8_text(text, buf, sizeof buf);
	if (json_object_get(a->learn->told, key))
		return;
	if (json_object_size(a->learn->told) >= EVENT_KINDS_MAX) {
		tell_no_more(a);
		return;
	}
	(void)json_object_set_new(a->learn->told, key, json_true());
	record_state(a, "candidate", "low", key);
}

void learn_look(struct agent *a, const struct store_flow *f,
		const struct workload *client, const struct workload *server)
{
	struct learn *l = a->learn;
	struct intent_connection c = { .client_addr = f->client_addr,
				       .server_addr = f->server_addr,
				       .port = f->port,
				       .proto = f->proto,
				       .app = f->app };
	struct intent_verdict real, other;

	if (f->action == POLICY_LEARN)
		proposals_outdated(a->proposals);
	if (!l->candidate || !make_judges(a))
		return;
	c.client = number_of(l, client);
	c.server = number_of(l, server);
	c.name = f->name && f->name[0] ? f->name : NULL;
	real = intent_judge_ask(l->real, &c);
	other = intent_judge_ask(l->other, &c);
	if (passes(&real) != passes(&other))
		tell_difference(a, f, client, server, &other);
}

/* Takes i; NULL: no candidate any more. */
static void set_candidate(struct learn *l, struct intent *i, uint64_t since_s)
{
	drop_judges(l);
	intent_put(l->candidate);
	l->candidate = i;
	l->candidate_since_s = since_s;
	(void)json_object_clear(l->told);
	l->untold = 0;
}

static int put_candidate(struct agent *a, const json_t *args,
			 struct err *reterr)
{
	struct intent *i = NULL;
	uint64_t revision, now = now_s();
	json_t *doc;
	int rc = commands_read_yaml(a, args, &i, reterr);

	if (rc < 0)
		return rc;
	doc = json_pack("{s:I, s:o}", "since", (json_int_t)now, "intent",
			intent_to_json(i));
	rc = store_put_doc(a->store, "candidate", doc, 0, &revision, reterr);
	json_decref(doc);
	if (rc < 0)
		intent_put(i);
	else
		set_candidate(a->learn, i, now);
	return rc;
}

/* {"text"}: set; {"off": true}; {"promote": true}; else: the report. */
int command_candidate(struct agent *a, struct door_client *c,
		      const json_t *args, json_t *result, struct err *reterr)
{
	struct learn *l = a->learn;
	uint64_t since = l->candidate_since_s;
	struct intent *next;
	int rc;

	if (json_object_get(args, "text"))
		return put_candidate(a, args, reterr);
	if (!l->candidate)
		return err_set(reterr, ENOENT, NULL,
			       "there is no candidate; weir policy candidate "
			       "-f FILE sets one");
	if (arg_true(args, "off")) {
		rc = store_del_doc(a->store, "candidate", reterr);
		if (rc < 0 && rc != -ENOENT)
			return rc;
		set_candidate(l, NULL, 0);
		return 0;
	}
	if (arg_true(args, "promote")) {
		next = intent_get(l->candidate);
		rc = commands_change(a, c, args, next,
				     "the candidate was promoted", result,
				     reterr);
		if (rc >= 0) { /* it is the real one now */
			(void)store_del_doc(a->store, "candidate", NULL);
			set_candidate(l, NULL, 0);
		}
		return rc;
	}
	rc = arg_uint(args, "since", INT64_MAX, &since, reterr);
	if (rc < 0)
		return rc;
	(void)json_object_set_new(result, "since",
				  json_integer((json_int_t)since));
	(void)json_object_set_new(result, "diff",
				  intent_diff(a->intent, l->candidate));
	(void)json_object_set_new(result, "untold",
				  json_integer((json_int_t)l->untold));
	return begin(a, c, intent_get(l->candidate), a->intent, since, result,
		     reterr);
}

/* --- start and end -------------------------------------------------------------------- */

static int load_candidate(struct agent *a, struct err *reterr)
{
	json_t *doc = NULL;
	struct intent *i = NULL;
	uint64_t revision;
	int rc = store_get_doc(a->store, "candidate", &doc, &revision, reterr);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = intent_from_json(json_object_get(doc, "intent"), &i, reterr);
	if (rc == 0)
		set_candidate(a->learn, i,
			      (uint64_t)json_integer_value(
				      json_object_get(doc, "since")));
	json_decref(doc);
	return rc;
}

int learn_start(struct agent *a, struct err *reterr)
{
	struct learn *l = calloc(1, sizeof *l);
	uint64_t revision;
	int rc;

	a->learn = l;
	a->proposals = proposals_new();
	if (!l || !a->proposals)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	l->told = json_object();
	rc = store_get_doc(a->store, "rejected", &l->rejected, &revision,
			   reterr);
	if (rc == -ENOENT) {
		l->rejected = json_object();
		rc = 0;
	}
	if (rc == 0 && (!l->told || !l->rejected))
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	if (rc == 0)
		rc = load_candidate(a, reterr);
	l->accept = (struct loop_timer){ .fn = accept_all, .arg = a };
	loop_timer_set(a->loop, &l->accept, AUTO_US);
	return rc;
}

void learn_stop(struct agent *a)
{
	struct learn *l = a->learn;

	if (!l)
		return;
	loop_timer_off(a->loop, &l->accept);
	proposals_free(a->proposals);
	a->proposals = NULL;
	drop_judges(l);
	intent_put(l->candidate);
	json_decref(l->rejected);
	json_decref(l->told);
	free(l);
	a->learn = NULL;
}
