/*
 * What another intent would do about what was recorded: each conversation is
 * judged, and what differs is added up by groups, port and the rule that would
 * decide.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "intent/ends.h"
#include "intent/propose.h"
#include "intent/words.h"
#include "wire/app.h"
#include "wire/words.h"

struct row {
	const char *from, *to;
	const struct intent_talk *talk; /* one of them */
	uint8_t was;
	struct intent_verdict is;
	uint64_t sessions, first_s, last_s;
	json_t *workloads; /* owned */
	size_t more;
};

struct differing {
	struct ends ends;
	struct row *rows;
	size_t n, room;
	struct hash_table table;
	uint64_t sessions, differ;
	bool failed;
};

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP ||
	       proto == IPPROTO_SCTP;
}

/* What is the same in all conversations of a row; its bytes are compared. */
struct row_key {
	uint64_t v[5];
};

static struct row_key key_of(const struct row *r)
{
	const struct intent_connection *c = &r->talk->who;
	uint64_t port = has_ports(c->proto) ? c->port : 0;

	return (struct row_key){ {
		(uintptr_t)r->from,
		(uintptr_t)r->to,
		(uint64_t)c->app << 32 | r->is.rule_id,
		port << 8 | c->proto,
		(uint64_t)r->was << 16 | (uint64_t)r->is.action << 8 |
			r->is.client_side,
	} };
}

static uint64_t hash_of(const void *arg, uint32_t n)
{
	const struct differing *d = arg;
	struct row_key k = key_of(&d->rows[n]);

	return hash_of_bytes(&k, sizeof k);
}

/* The row like that one; NULL: out of memory. */
static struct row *find_row(struct differing *d, const struct row *like)
{
	struct row_key k = key_of(like), other;
	uint64_t hash = hash_of_bytes(&k, sizeof k), slot = hash;
	struct row *grown;
	uint32_t n;

	while (hash_table_next(&d->table, &slot, &n)) {
		other = key_of(&d->rows[n]);
		if (memcmp(&k, &other, sizeof k) == 0)
			return &d->rows[n];
	}
	grown = intent_grow(d->rows, d->n, &d->room, sizeof *d->rows);
	if (!grown)
		return NULL;
	d->rows = grown;
	d->rows[d->n] = *like;
	d->rows[d->n].workloads = json_array();
	d->n++;
	return hash_table_put(&d->table, hash, hash_of, d) ? &d->rows[d->n - 1]
							   : NULL;
}

static void add(struct differing *d, const struct intent_talk *t, uint8_t was,
		struct intent_verdict is)
{
	struct row like = { .talk = t,
			    .was = was,
			    .is = is,
			    .first_s = t->first_s,
			    .last_s = t->last_s };
	bool outside;
	struct row *r;

	like.from = ends_word(&d->ends, &t->who, true, &outside);
	like.to = ends_word(&d->ends, &t->who, false, &outside);
	r = find_row(d, &like);
	if (!r) {
		d->failed = true;
		return;
	}
	r->sessions += t->sessions;
	r->first_s = t->first_s < r->first_s ? t->first_s : r->first_s;
	r->last_s = t->last_s > r->last_s ? t->last_s : r->last_s;
	d->differ += t->sessions;
	d->failed |= !ends_note_workload(&d->ends, t->who.client, r->workloads,
					 &r->more) ||
		     !ends_note_workload(&d->ends, t->who.server, r->workloads,
					 &r->more);
}

/* Ways to be let through without a word are all one. */
static uint8_t plain(uint8_t action)
{
	return action == POLICY_LEARN || action >= POLICY_VIOLATE
		       ? action
		       : POLICY_ALLOW;
}

static void judge(struct differing *d, const struct intent_judge *before,
		  const struct intent_judge *after, const struct intent_talk *t,
		  bool only_blocked)
{
	struct intent_connection c = t->who;
	struct intent_verdict is;
	uint8_t was = t->action;

	/* what is over will not be identified any more */
	if (!app_name(c.app))
		c.app = POLICY_APP_UNIDENTIFIED;
	is = intent_judge_ask(after, &c);
	if (before)
		was = intent_judge_ask(before, &c).action;
	is.action = plain(is.action);
	was = plain(was);
	d->sessions += t->sessions;
	if (only_blocked ? is.action == POLICY_DENY && was != POLICY_DENY
			 : is.action != was)
		add(d, t, was, is);
}

/* --- telling ---------------------------------------------------------- */

static int by_sessions(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->sessions != y->sessions)
		return x->sessions < y->sessions ? 1 : -1;
	if (x->last_s != y->last_s)
		return x->last_s < y->last_s ? 1 : -1;
	/* some order that does not depend on chance */
	return memcmp(&x->talk->who.server_addr, &y->talk->who.server_addr,
		      sizeof(struct ip_addr));
}

static const char *action_word(uint8_t action, bool reject)
{
	switch (action) {
	case POLICY_LEARN: return "learn";
	case POLICY_VIOLATE: return "alert";
	case POLICY_DENY: return reject ? "reject" : "deny";
	default: return "allow";
	}
}

static json_t *row_json(const struct row *r)
{
	const struct intent_connection *c = &r->talk->who;
	struct port_word port = { .proto = c->proto,
				  .all = !has_ports(c->proto),
				  .first = c->port,
				  .last = c->port };
	const char *app = app_name(c->app);
	char text[PORT_WORD_MAX];
	json_t *o = json_pack(
		"{s:s, s:s, s:I, s:s, s:s*, s:s*, s:s, s:I, s:I, s:I, s:O}",
		"was", action_word(r->was, false), "is",
		action_word(r->is.action, r->is.reject), "rule",
		(json_int_t)r->is.rule_id, "side",
		r->is.client_side ? "client" : "server", "from", r->from, "to",
		r->to, "port", port_word_format(&port, text), "sessions",
		(json_int_t)r->sessions, "first_seen", (json_int_t)r->first_s,
		"last_seen", (json_int_t)r->last_s, "workloads", r->workloads);

	if (o &&
	    ((app && c->app != POLICY_APP_UNIDENTIFIED &&
	      json_object_set_new(o, "app", json_string(app)) < 0) ||
	     (r->more &&
	      json_object_set_new(o, "more_workloads",
				  json_integer((json_int_t)r->more)) < 0))) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *tell(struct differing *d)
{
	json_t *rows = json_array();
	bool ok = rows && !d->failed && !d->ends.failed;

	if (d->n)
		qsort(d->rows, d->n, sizeof *d->rows, by_sessions);
	for (size_t n = 0; n < d->n && ok; n++)
		ok = json_array_append_new(rows, row_json(&d->rows[n])) == 0;
	if (ok)
		return json_pack("{s:I, s:I, s:o}", "sessions",
				 (json_int_t)d->sessions, "differ",
				 (json_int_t)d->differ, "rows", rows);
	json_decref(rows);
	return NULL;
}

json_t *intent_compare(const struct intent *i, const struct intent_world *world,
		       const struct intent_judge *before,
		       const struct intent_judge *after,
		       const struct intent_talk *talks, size_t n,
		       bool only_blocked)
{
	struct differing d = { 0 };
	json_t *told = NULL;

	if (ends_init(&d.ends, i, world)) {
		for (size_t k = 0; k < n && !d.failed; k++)
			judge(&d, before, after, &talks[k], only_blocked);
		told = tell(&d);
	}
	for (size_t k = 0; k < d.n; k++)
		json_decref(d.rows[k].workloads);
	free(d.rows);
	hash_table_done(&d.table);
	ends_done(&d.ends);
	return told;
}
