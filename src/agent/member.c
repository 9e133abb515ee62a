#include "agent/member.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <xxhash.h>

#include "agent/commands.h"
#include "agent/door_client.h"
#include "agent/kubernetes.h"
#include "agent/member_own.h"
#include "agent/peers.h"
#include "agent/policy.h"
#include "agent/record.h"
#include "base/clock.h"
#include "base/log.h"

/* What changes together is told together. */
#define INVENTORY_US 100000
#define STATE_US     5000
/*
 * All nodes have something to say of a change, and at the same moment: each has a moment
 * of its own in a time that grows with the fleet, as servers take so many a second.
 */
#define STATE_EACH_US 1000
/* So long after a change the store hears of others; of the first one. */
#define SAVE_US	      (60 * USEC_PER_SEC)
#define SAVE_FIRST_US (2 * USEC_PER_SEC)

static uint64_t now_s(void)
{
	return clock_unix_us() / USEC_PER_SEC;
}

/* --- who waits -------------------------------------------------------------------- */

/* Questions that were not answered in time, and nobody waits for any more. */
static void sweep_waiting(struct agent *a)
{
	struct member *m = a->member;
	struct waiting **at = &m->waiting, *w;

	while ((w = *at)) {
		if (w->is_change || !w->work || door_waits(a, w->work)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		m->n_waiting--;
		free(w);
	}
}

struct waiting *member_waiting_add(struct agent *a, struct err *reterr)
{
	struct member *m = a->member;
	struct waiting *w;

	if (m->n_waiting == FLEET_WAITING_MAX)
		sweep_waiting(a);
	if (m->n_waiting == FLEET_WAITING_MAX) {
		(void)err_set(reterr, EAGAIN, NULL,
			      "%d answers of the fleet are waited for",
			      FLEET_WAITING_MAX);
		return NULL;
	}
	w = calloc(1, sizeof *w);
	if (!w) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	w->token = ++m->last_token;
	w->next = m->waiting;
	m->waiting = w;
	m->n_waiting++;
	return w;
}

struct waiting *member_waiting_take(struct member *m, uint64_t token)
{
	struct waiting **at = &m->waiting, *w;

	while (*at && (*at)->token != token)
		at = &(*at)->next;
	w = *at;
	if (w) {
		*at = w->next;
		m->n_waiting--;
	}
	return w;
}

/* The client that asked for it is told when what is stored is in force. */
static void wait_for_force(struct agent *a, uint64_t work)
{
	struct door_client *c = door_waits(a, work);
	json_t *result;

	if (!c)
		return;
	result = c->result;
	c->result = NULL;
	(void)json_object_set_new(result, "in_force", json_true());
	door_later_number(c, a->member->number, result);
	json_decref(result);
	if (a->member->number <= a->in_force_number)
		door_reached(a, a->in_force_number, NULL);
}

static void finish_change(struct agent *a, struct waiting *w)
{
	struct member *m = a->member;
	struct door_client *c = door_waits(a, w->work);

	if (c) {
		(void)json_object_set_new(
			c->result, "revision",
			json_integer((json_int_t)a->intent_revision));
		(void)json_object_set_new(
			c->result, "fleet_revision",
			json_integer((json_int_t)w->revision));
		(void)json_object_set_new(c->result, "in_force", json_false());
	}
	if (m->refused.code)
		door_worked(a, w->work, &m->refused);
	else if (w->wait && a->plane_up)
		wait_for_force(a, w->work);
	else
		door_worked(a, w->work, NULL);
	free(w);
}

/* Those whose change is stored, and has come. */
static void finish_changes(struct agent *a)
{
	struct member *m = a->member;
	struct waiting **at = &m->waiting, *w;

	while ((w = *at)) {
		if (!w->is_change || !w->revision ||
		    w->revision > m->revision) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		m->n_waiting--;
		finish_change(a, w);
	}
}

/* --- changes ------------------------------------------------------------------------ */

/* Can anything be changed now? */
static int may_change(const struct agent *a, struct err *reterr)
{
	const struct member *m = a->member;

	if (!m->up || !m->heard)
		return err_set(reterr, ENOTCONN, NULL,
			       "this node is cut off from the fleet, whose "
			       "policy it is (%s); what is in force stays",
			       m->why.text[0] ? m->why.text
					      : "not connected yet");
	if (m->refused.code)
		return err_set(reterr, EPERM, NULL,
			       "the fleet's policy could not be taken here, "
			       "so it cannot be changed from here: %s",
			       m->refused.text);
	return 0;
}

static int propose(struct agent *a, const struct intent *next, const char *what,
		   const struct door_client *by, uint64_t token,
		   struct err *reterr)
{
	json_t *about = policy_change_json(what, by);
	char *text = intent_to_text(next);
	int rc;

	if (!about || !text ||
	    json_object_set_new(about, "node", json_string(a->config.node)) < 0)
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	else
		rc = fleet_propose(a->member->fleet, a->member->revision, text,
				   about, token, reterr);
	free(text);
	json_decref(about);
	return rc;
}

/* Takes next. NULL: *reterr. */
static struct waiting *begin_change(struct agent *a, struct intent *next,
				    const char *what,
				    const struct door_client *by,
				    struct err *reterr)
{
	struct waiting *w = NULL;
	int rc = may_change(a, reterr);

	if (rc == 0)
		rc = policy_check(a, next, reterr);
	if (rc == 0)
		w = member_waiting_add(a, reterr);
	if (w && propose(a, next, what, by, w->token, reterr) < 0) {
		free(member_waiting_take(a->member, w->token));
		w = NULL;
	}
	intent_put(next);
	if (w)
		w->is_change = true;
	return w;
}

int member_change(struct agent *a, struct door_client *c, const json_t *args,
		  struct intent *next, const char *what, uint64_t expect,
		  json_t *result, struct err *reterr)
{
	struct waiting *w;

	if (expect && expect != a->intent_revision) {
		intent_put(next);
		return err_set(reterr, ESTALE, "revision",
			       "expected %llu, and it is %llu",
			       (unsigned long long)expect,
			       (unsigned long long)a->intent_revision);
	}
	w = begin_change(a, next, what, c, reterr);
	if (!w)
		return -reterr->code;
	w->wait = !json_is_false(json_object_get(args, "wait"));
	w->work = door_later_work(c, result);
	return COMMAND_LATER;
}

int member_change_by_itself(struct agent *a, struct intent *next,
			    const char *what, struct err *reterr)
{
	/* it goes with its answer */
	return begin_change(a, next, what, NULL, reterr) ? 0 : -reterr->code;
}

static void proposed(struct agent *a, const struct fleet_news *n)
{
	struct member *m = a->member;
	struct waiting *w = m->waiting;

	while (w && w->token != n->token)
		w = w->next;
	if (!w)
		return;
	if (!n->err.code) {
		w->revision = n->revision;
		finish_changes(a);
		return;
	}
	if (!door_waits(a, w->work))
		log_warn("fleet: a change was not taken: %s", n->err.text);
	door_worked(a, w->work, &n->err);
	free(member_waiting_take(m, n->token));
}

/* --- the fleet's policy -------------------------------------------------------------- */

static void refuse(struct agent *a, const struct err *why)
{
	struct member *m = a->member;

	m->refused = *why;
	m->number = 0;
	log_warn("fleet: policy %llu is not taken: %s%s%s",
		 (unsigned long long)m->revision, why->at,
		 why->at[0] ? ": " : "", why->text);
	record_state(a, "fleet", "high", why->text);
}

static void tell_change(struct agent *a, const struct fleet_news *n)
{
	const char *what = json_string_value(json_object_get(n->about, "what"));
	json_t *event = json_pack(
		"{s:s, s:s, s:s+, s:I}", "kind", "change", "severity", "info",
		"text", "the fleet's policy: ", what ? what : "changed",
		"fleet_revision", (json_int_t)n->revision);
	static const char *const copied[] = { "who", "by", "node" };

	for (size_t i = 0; event && i < sizeof copied / sizeof *copied; i++) {
		json_t *v = json_object_get(n->about, copied[i]);

		if (json_is_string(v))
			(void)json_object_set(event, copied[i], v);
	}
	if (event)
		record_event(a, event);
}

/* Is it what is in force here, or on its way? */
static bool is_ours(const struct agent *a, const struct intent *next)
{
	char *own = intent_to_text(a->intent), *text = intent_to_text(next);
	bool same = own && text && strcmp(own, text) == 0;

	free(own);
	free(text);
	return same;
}

/* As it is for this node: its cluster's NetworkPolicies are its own. */
static int read_policy(struct agent *a, const struct fleet_news *n,
		       struct intent **ret, struct err *reterr)
{
	json_t *doc = json_loadb(n->text, n->len, JSON_REJECT_DUPLICATES, NULL);
	int rc = doc ? intent_from_json(doc, ret, reterr)
		     : err_set(reterr, EPROTO, NULL, "it is no JSON");

	json_decref(doc);
	if (rc < 0)
		return rc;
	rc = kubernetes_keep_policies(a, ret, reterr);
	if (rc < 0)
		intent_put(*ret);
	return rc;
}

static int take_text(struct agent *a, struct fleet_news *n, struct err *reterr)
{
	json_t *about = json_copy(n->about);
	struct intent *next = NULL;
	int64_t number;
	int rc = read_policy(a, n, &next, reterr);

	if (rc == 0 && is_ours(a, next)) {
		a->member->number = a->want_number;
		intent_put(next);
		json_decref(about);
		return 0;
	}
	if (about)
		(void)json_object_set_new(
			about, "fleet", json_integer((json_int_t)n->revision));
	if (rc < 0) {
		json_decref(about);
		return rc;
	}
	number = policy_take(a, next, about, 0, reterr);
	if (number < 0)
		return (int)number;
	a->member->number = (uint64_t)number;
	tell_change(a, n);
	return 0;
}

static void take_policy(struct agent *a, struct fleet_news *n)
{
	struct member *m = a->member;
	struct err err = { 0 };

	m->heard = true;
	m->revision = n->revision;
	m->refused = (struct err){ 0 };
	if (n->revision == 0) {
		m->number = 0;
	} else if (!n->text) {
		(void)err_set(&err, ENOMEM, NULL, "out of memory");
		refuse(a, &err);
	} else if (take_text(a, n, &err) < 0) {
		refuse(a, &err);
	}
	finish_changes(a);
	member_state_soon(a);
}

/* --- what is told of this node ---------------------------------------------------------- */

static bool is_in_force(const struct agent *a)
{
	const struct member *m = a->member;

	return m->revision && !m->refused.code && a->in_force_number &&
	       m->number <= a->in_force_number;
}

static void note_in_force(const struct agent *a)
{
	struct member *m = a->member;

	if (!is_in_force(a) || m->in_force_of == m->revision)
		return;
	m->in_force_of = m->revision;
	m->in_force_us = clock_unix_us();
}

static char *state_text(const struct agent *a)
{
	const struct member *m = a->member;
	json_t *o = json_pack("{s:i, s:s, s:I, s:b, s:b, s:I, s:i}", "form", 1,
			      "weir", WEIR_VERSION, "revision",
			      (json_int_t)m->revision, "in_force",
			      is_in_force(a), "plane_up", a->plane_up,
			      "started", (json_int_t)a->started_s, "guarded",
			      (int)a->registry.n_workloads);
	char *text;

	if (o && is_in_force(a))
		(void)json_object_set_new(
			o, "in_force_since_ms",
			json_integer((json_int_t)(m->in_force_us / 1000)));
	if (o && m->cert_end_s)
		(void)json_object_set_new(
			o, "certificate_ends",
			json_integer((json_int_t)m->cert_end_s));
	if (o && m->refused.code)
		(void)json_object_set_new(o, "refused",
					  json_string(m->refused.text));
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	return text;
}

static void say_state(struct agent *a, bool anyway)
{
	struct member *m = a->member;
	char *text = state_text(a);
	struct err err;

	if (!text ||
	    (!anyway && m->state_told && strcmp(text, m->state_told) == 0)) {
		free(text);
		return;
	}
	/* without memory it is said with the next beat */
	(void)fleet_tell(m->fleet, FLEET_STATE, text, &err);
	free(m->state_told);
	m->state_told = text;
}

static void state_due(void *arg)
{
	say_state(arg, false);
}

static void beat_due(void *arg)
{
	struct agent *a = arg;

	say_state(a, true);
	loop_timer_set(a->loop, &a->member->beat, MEMBER_BEAT_S * USEC_PER_SEC);
}

static void inventory_due(void *arg)
{
	struct agent *a = arg;
	char *text = peers_own_inventory(a);
	uint64_t hash = text ? XXH3_64bits(text, strlen(text)) : 0;
	struct err err = { 0 };

	if (text && hash == a->member->inventory_told) {
		free(text);
		return;
	}
	if (text &&
	    fleet_tell(a->member->fleet, FLEET_INVENTORY, text, &err) == 0)
		a->member->inventory_told = hash;
	else
		log_warn("fleet: who runs here is not told: %s",
			 text ? err.text : "out of memory");
	free(text);
}

void member_inventory_soon(struct agent *a)
{
	if (a->member)
		loop_timer_need(a->loop, &a->member->inventory, INVENTORY_US);
}

/* The name's, so that it stays the same. */
static uint64_t own_moment(const struct agent *a)
{
	uint64_t hash = XXH3_64bits(a->config.node, strlen(a->config.node));

	return hash % (1 + peers_number(a)) * STATE_EACH_US;
}

void member_state_soon(struct agent *a)
{
	if (!a->member)
		return;
	note_in_force(a);
	loop_timer_need(a->loop, &a->member->state, STATE_US + own_moment(a));
}

/* --- news --------------------------------------------------------------------------------- */

static void is_up(struct agent *a)
{
	struct member *m = a->member;

	m->up = true;
	m->since_s = now_s();
	m->why = (struct err){ 0 };
	log_info("fleet: connected");
	record_state(a, "fleet", "info", "connected to the fleet");
	/* servers that lost what they had are told it again */
	m->inventory_told = 0;
	member_inventory_soon(a);
	say_state(a, true);
	member_send_up(a);
}

static void is_down(struct agent *a, const struct fleet_news *n)
{
	struct member *m = a->member;

	if (m->up)
		m->since_s = now_s();
	m->up = false;
	m->why = n->err;
	log_warn("fleet: cut off: %s%s%s", n->err.at, n->err.at[0] ? ": " : "",
		 n->err.text);
	record_state(a, "fleet", "medium", n->err.text);
	member_learn_down(a);
	member_states_down(a);
}

/* Of another node; what is wrong with it is said once for each time it comes. */
static void node_told(struct agent *a, struct fleet_news *n)
{
	struct err err = n->err;
	int rc = -err.code;

	if (n->key == FLEET_LEARNED || n->key == FLEET_REJECTED) {
		member_learn_node(a, n);
		return;
	}
	if (strcmp(n->node, a->config.node) == 0)
		return;
	if (!err.code && n->key == FLEET_INVENTORY)
		rc = peers_inventory(a, n->node, n->text, n->len, &err);
	else if (!err.code)
		rc = peers_state(a, n->node, n->text, n->len,
				 n->at_us / USEC_PER_SEC, &err);
	if (rc < 0)
		log_warn("fleet: node %s: %s%s%s", n->node, err.at,
			 err.at[0] ? ": " : "", err.text);
	else if (n->key == FLEET_INVENTORY || !n->text)
		loop_timer_need(a->loop, &a->member->save,
				a->member->saved ? SAVE_US : SAVE_FIRST_US);
}

static void save_due(void *arg)
{
	struct agent *a = arg;

	a->member->saved = true;
	peers_save(a);
}

static void forgotten(struct agent *a, const struct fleet_news *n)
{
	struct waiting *w = member_waiting_take(a->member, n->token);

	if (w)
		door_worked(a, w->work, n->err.code ? &n->err : NULL);
	free(w);
}

static void on_news(void *arg, uint32_t events)
{
	struct agent *a = arg;
	struct fleet_news n;

	while (fleet_next(a->member->fleet, &n)) {
		switch (n.kind) {
		case FLEET_UP: is_up(a); break;
		case FLEET_DOWN: is_down(a, &n); break;
		case FLEET_POLICY: take_policy(a, &n); break;
		case FLEET_PROPOSED: proposed(a, &n); break;
		case FLEET_NODE: node_told(a, &n); break;
		case FLEET_LEARNING: member_learning(a, &n); break;
		case FLEET_HEARD: member_heard(a, &n); break;
		case FLEET_SENT:
		case FLEET_LAST: member_sent(a, &n); break;
		case FLEET_STATES: member_states_read(a, &n); break;
		case FLEET_FORGOTTEN: forgotten(a, &n); break;
		case FLEET_ASKED: member_asked(a, &n); break;
		case FLEET_ANSWERED: member_answered(a, &n); break;
		case FLEET_READ: member_was_read(a, &n); break;
		}
		fleet_news_done(&n);
	}
}

/* --- commands -------------------------------------------------------------------------------- */

json_t *member_json(const struct agent *a)
{
	const struct member *m = a->member;
	struct fleet_counts c;
	json_t *o;

	if (!m)
		return NULL;
	c = fleet_counts(m->fleet);
	o = json_pack(
		"{s:s, s:s, s:b, s:I, s:I, s:b, s:o, s:o, s:o, s:{s:I, s:I}}",
		"name", a->config.cluster.name, "node", a->config.node, "up",
		m->up, "since", (json_int_t)m->since_s, "revision",
		(json_int_t)m->revision, "in_force", is_in_force(a), "others",
		peers_counts(a), "sent", member_send_json(a), "learned",
		member_learn_json(a), "news", "found", (json_int_t)c.found,
		"no_room", (json_int_t)c.no_room);
	if (o && !m->up)
		(void)json_object_set_new(
			o, "text",
			json_string(m->why.text[0] ? m->why.text
						   : "not connected yet"));
	if (o && m->cert_end_s)
		(void)json_object_set_new(
			o, "certificate_ends",
			json_integer((json_int_t)m->cert_end_s));
	if (o && m->refused.code)
		(void)json_object_set_new(o, "refused",
					  json_string(m->refused.text));
	return o;
}

int command_fleet_forget(struct agent *a, struct door_client *c,
			 const json_t *args, json_t *result, struct err *reterr)
{
	struct waiting *w;
	const char *node;
	int rc = arg_text(args, "node", &node, reterr);

	if (!a->member)
		return err_set(reterr, ENOENT, NULL,
			       "this host is of no fleet");
	if (rc == 0 && strcmp(node, a->config.node) == 0)
		rc = err_set(reterr, EINVAL, "node",
			     "that is this node; it tells of itself");
	if (rc < 0)
		return rc;
	w = member_waiting_add(a, reterr);
	if (!w)
		return -reterr->code;
	rc = fleet_forget(a->member->fleet, node, w->token, reterr);
	if (rc < 0) {
		free(member_waiting_take(a->member, w->token));
		return rc;
	}
	w->work = door_later_work(c, result);
	return COMMAND_LATER;
}

/* --- start and end ------------------------------------------------------------------------------ */

static int begin(struct agent *a, struct member *m, struct err *reterr)
{
	struct fleet_spec spec;

	member_spec(a, &spec);
	member_keys_look(a);
	m->inventory = (struct loop_timer){ .fn = inventory_due, .arg = a };
	m->state = (struct loop_timer){ .fn = state_due, .arg = a };
	m->beat = (struct loop_timer){ .fn = beat_due, .arg = a };
	m->save = (struct loop_timer){ .fn = save_due, .arg = a };
	m->since_s = now_s();
	m->fleet = fleet_new(&spec, reterr);
	if (!m->fleet)
		return -reterr->code;
	m->loop_fd = loop_add(a->loop, fleet_fd(m->fleet), EPOLLIN, on_news, a);
	if (!m->loop_fd)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	loop_timer_set(a->loop, &m->beat, MEMBER_BEAT_S * USEC_PER_SEC);
	member_inventory_soon(a);
	member_state_soon(a);
	if (member_learn_start(a, reterr) < 0)
		return -reterr->code;
	return member_send_start(a, reterr);
}

int member_start(struct agent *a, struct err *reterr)
{
	int rc;

	if (a->config.cluster.n_servers == 0)
		return 0;
	a->peers = peers_new();
	a->member = calloc(1, sizeof *a->member);
	if (!a->peers || !a->member)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = peers_load(a, reterr);
	return rc < 0 ? rc : begin(a, a->member, reterr);
}

void member_stop(struct agent *a)
{
	struct member *m = a->member;
	struct waiting *w;

	if (m) {
		member_ask_stop(a);
		member_send_stop(a);
		member_learn_stop(a);
		loop_remove(m->loop_fd);
		fleet_free(m->fleet);
		member_read_stop(a);
		loop_timer_off(a->loop, &m->inventory);
		loop_timer_off(a->loop, &m->state);
		loop_timer_off(a->loop, &m->beat);
		if (m->save.on)
			peers_save(a);
		loop_timer_off(a->loop, &m->save);
		while ((w = m->waiting)) {
			m->waiting = w->next;
			free(w);
		}
		free(m->state_told);
		free(m);
		a->member = NULL;
	}
	peers_free(a);
}
