/*
 * Flows wait in an array for a moment and go to the store in one transaction.
 *
 * Events: a scan makes thousands of violations that say the same. Those of one
 * client, server, rule and action are alike: told at the first, and again, with
 * how many came after, when EVENT_MERGE_S have passed. So is each of their ports,
 * but no more than EVENT_PORTS_MAX.
 */
#include "agent/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "agent/cursors.h"
#include "agent/door.h"
#include "agent/flow_json.h"
#include "agent/hits.h"
#include "agent/learn.h"
#include "agent/map.h"
#include "agent/peers.h"
#include "agent/responses.h"
#include "agent/throughput.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/utf8.h"
#include "wire/app.h"
#include "wire/member.h"
#include "wire/words.h"

#define FLUSH_US (2 * USEC_PER_SEC)
#define DAY_S	 86400
#define TRIM_US	 (60 * USEC_PER_SEC)

#define EVENT_TEXT_MAX 512 /* cut */

/* Places that a violation may have in the table. */
#define MERGED_WAYS 16
_Static_assert((EVENT_KINDS_MAX & (EVENT_KINDS_MAX - 1)) == 0, "a mask");

/* Violations that are alike. */
struct merged {
	char client[WORKLOAD_ID_MAX], server[WORKLOAD_ID_MAX];
	struct ip_addr client_addr, server_addr;
	uint32_t rule_id;
	uint8_t action;
	uint64_t told_s; /* 0: unused */
	uint32_t since;	 /* violations after that */
	json_t *event;	 /* as it was told; owned */
	struct {
		uint8_t proto;
		uint16_t port;
	} told[EVENT_PORTS_MAX];
	unsigned n_told;
};

struct record {
	struct loop_timer flush, trim;
	struct store_flow *waiting; /* texts owned */
	size_t n_waiting, size;
	struct merged *merged; /* EVENT_KINDS_MAX */
	json_t *events;	       /* array: not stored yet */
	uint64_t lost_flows, lost_events, missed;
	uint64_t last_event; /* its number in the store */
	bool described;	     /* some workload is to be described anew */
	uint64_t described_day;
	int last_rc; /* of the store */
};

/* --- a connection --------------------------------------------------------------- */

/*
 * Whose ends they are: the one that told is known by its MAC, the other by its
 * address.
 */
static bool read_ends(struct agent *a, const json_t *c, struct store_flow *f,
		      struct workload **ret_client,
		      struct workload **ret_server)
{
	struct workload *teller;
	struct mac mac;

	if (ip_parse(member_text(c, "client"), &f->client_addr) < 0 ||
	    ip_parse(member_text(c, "server"), &f->server_addr) < 0 ||
	    mac_parse(member_text(c, "workload"), &mac) < 0)
		return false;
	teller = registry_by_mac(&a->registry, mac);
	f->ingress = strcmp(member_text(c, "direction"), "ingress") == 0;
	if (f->ingress) {
		*ret_server = teller;
		*ret_client = peers_met(a, f->client_addr);
	} else {
		*ret_client = teller;
		*ret_server = peers_met(a, f->server_addr);
	}
	return true;
}

static uint16_t app_of(const json_t *c)
{
	const char *name = member_text(c, "application");

	return strcmp(name, "unknown") == 0 ? 0 : (uint16_t)app_by_name(name);
}

static bool read_flow(struct agent *a, const json_t *c, struct store_flow *f,
		      struct workload **client, struct workload **server)
{
	*f = (struct store_flow){ .name = member_text(c, "server_name") };
	if (!read_ends(a, c, f, client, server))
		return false;
	f->client = *client ? (*client)->id : "";
	f->server = *server ? (*server)->id : "";
	f->port = (uint16_t)member_number(c, "server_port");
	if (proto_by_text(member_text(c, "proto"), &f->proto) < 0)
		return false;
	f->app = app_of(c);
	f->action = policy_action_by_name(member_text(c, "action"));
	f->rule_id = (uint32_t)member_number(c, "rule");
	f->sessions = (uint32_t)member_number(c, "sessions");
	f->violations = (uint32_t)member_number(c, "violations");
	f->bytes = member_number(c, "bytes");
	f->packets = member_number(c, "packets");
	f->first_s = member_number(c, "first_seen");
	f->last_s = member_number(c, "last_seen");
	return true;
}

/* One that was put together may be cut within a character. */
static json_t *text_json(const char *text)
{
	char buf[EVENT_TEXT_MAX + 1];

	return json_string(utf8_text(text, buf, sizeof buf));
}

/* --- waiting for the store ---------------------------------------------------------- */

static void flow_done(struct store_flow *f)
{
	free((char *)(uintptr_t)f->client);
	free((char *)(uintptr_t)f->server);
	free((char *)(uintptr_t)f->name);
}

static bool make_room(struct record *r)
{
	size_t size = r->size ? 2 * r->size : 256;
	void *more;

	if (r->n_waiting < r->size)
		return true;
	if (r->n_waiting >= FLOWS_WAITING_MAX)
		return false;
	more = realloc(r->waiting, size * sizeof *r->waiting);
	if (!more)
		return false;
	r->waiting = more;
	r->size = size;
	return true;
}

static void wait_for_store(struct agent *a, const struct store_flow *f)
{
	struct record *r = a->record;
	struct store_flow copy = *f;

	if (!make_room(r)) {
		r->lost_flows++;
		return;
	}
	copy.client = strdup(f->client);
	copy.server = strdup(f->server);
	copy.name = strdup(f->name);
	if (!copy.client || !copy.server || !copy.name) {
		flow_done(&copy);
		r->lost_flows++;
		return;
	}
	r->waiting[r->n_waiting++] = copy;
	loop_timer_need(a->loop, &r->flush, FLUSH_US);
}

/*
 * Without its raw bytes: they are for who asks for that one. number: that it is
 * going to have in the store; 0: none, it is lost.
 */
static void publish_event(struct agent *a, json_t *event, uint64_t number)
{
	json_t *told = door_is_followed(a, DOOR_EVENTS) ? json_copy(event)
							: NULL;

	if (!told)
		return;
	(void)json_object_del(told, "raw");
	if (number)
		(void)json_object_set_new(told, "number",
					  json_integer((json_int_t)number));
	door_publish(a, DOOR_EVENTS, told);
	json_decref(told);
}

static void put_event(struct agent *a, json_t *event)
{
	struct record *r = a->record;

	(void)json_object_set_new(
		event, "at",
		json_integer((json_int_t)(clock_unix_us() / USEC_PER_SEC)));
	if (!responses_look(a, event)) {
		json_decref(event);
		return;
	}
	if (json_array_size(r->events) >= FLOWS_WAITING_MAX) {
		publish_event(a, event, 0);
		r->lost_events++;
		json_decref(event);
		return;
	}
	(void)json_array_append_new(r->events, event);
	publish_event(a, event, r->last_event + json_array_size(r->events));
	loop_timer_need(a->loop, &r->flush, FLUSH_US);
}

void record_event(struct agent *a, json_t *event)
{
	put_event(a, event);
}

/* --- events ------------------------------------------------------------------------- */

static bool is_alike(const struct merged *m, const struct store_flow *f)
{
	return m->told_s && m->rule_id == f->rule_id &&
	       m->action == f->action &&
	       ip_equal(m->client_addr, f->client_addr) &&
	       ip_equal(m->server_addr, f->server_addr) &&
	       strcmp(m->client, f->client) == 0 &&
	       strcmp(m->server, f->server) == 0;
}

/* What came after the event was told, if anything. */
static void tell_rest(struct agent *a, struct merged *m)
{
	json_t *again;

	if (m->since) {
		again = json_copy(m->event);
		(void)json_object_set_new(again, "count",
					  json_integer(m->since));
		(void)json_object_set_new(again, "repeated", json_true());
		put_event(a, again);
	}
	json_decref(m->event);
	*m = (struct merged){ .told_s = 0 };
}

/* The first violation to that port, as far as they are told apart. */
static bool is_new_port(struct merged *m, const struct store_flow *f)
{
	for (unsigned i = 0; i < m->n_told; i++)
		if (m->told[i].proto == f->proto && m->told[i].port == f->port)
			return false;
	if (m->n_told == EVENT_PORTS_MAX)
		return false;
	m->told[m->n_told].proto = f->proto;
	m->told[m->n_told++].port = f->port;
	return true;
}

static size_t place_of(const struct store_flow *f)
{
	uint64_t h = XXH3_64bits(f->client_addr.b, sizeof f->client_addr.b);

	h = XXH3_64bits_withSeed(f->server_addr.b, sizeof f->server_addr.b,
				 h + f->rule_id);
	return (size_t)h & (EVENT_KINDS_MAX - 1);
}

/*
 * Alike in the table; else the place it is to have: one of the few it may be
 * in, that of the oldest if all are taken.
 */
static struct merged *find_merged(struct agent *a, const struct store_flow *f,
				  uint64_t now)
{
	struct merged *best = NULL;

	for (size_t i = 0; i < MERGED_WAYS; i++) {
		struct merged *m = &a->record->merged[(place_of(f) + i) &
						      (EVENT_KINDS_MAX - 1)];

		if (m->told_s && now >= m->told_s + EVENT_MERGE_S)
			tell_rest(a, m);
		if (is_alike(m, f))
			return m;
		if (!best || m->told_s < best->told_s)
			best = m;
	}
	if (best->told_s)
		tell_rest(a, best);
	return best;
}

static const char *end_name(const struct workload *w, struct ip_addr addr,
			    char buf[static IP_TEXT_MAX])
{
	return w ? workload_name(w) : ip_format(addr, buf);
}

/* Was it really, or is who told of it only watched? */
static bool was_blocked(const struct agent *a, const struct store_flow *f,
			const struct workload *teller)
{
	if (f->action != POLICY_DENY)
		return false;
	for (const struct port *p = a->registry.ports; p; p = p->next)
		if (p->workload == teller && p->state == PORT_DIVERTED &&
		    p->mode == INPLACE_TAP)
			return false;
	return true;
}

/* "app -> web tcp/3306 (http) blocked: no rule allows it"; who: the client. */
static void violation_text(const struct store_flow *f, const char *who,
			   const char *whom, bool blocked,
			   char ret[EVENT_TEXT_MAX])
{
	const char *app = f->app ? app_name(f->app) : NULL;
	char proto[PROTO_TEXT_MAX], why[64] = "no rule allows it";

	if (f->rule_id)
		(void)snprintf(why, sizeof why, "rule %u", f->rule_id);
	(void)snprintf(ret, EVENT_TEXT_MAX, "%s -> %s %s/%u%s%s%s %s: %s", who,
		       whom, proto_name(f->proto, proto), f->port,
		       app ? " (" : "", app ? app : "", app ? ")" : "",
		       blocked ? "blocked" : "would be blocked", why);
}

static void tell_violation(struct agent *a, const struct store_flow *f,
			   const struct workload *client,
			   const struct workload *server)
{
	uint64_t now = clock_unix_us() / USEC_PER_SEC;
	struct merged *m = find_merged(a, f, now);
	char from[IP_TEXT_MAX], to[IP_TEXT_MAX], text[EVENT_TEXT_MAX];
	char client_name[WORKLOAD_TEXT_MAX]; /* both may be in one buffer */
	bool blocked = was_blocked(a, f, f->ingress ? server : client);
	json_t *event;

	if (m->told_s && !is_new_port(m, f)) {
		m->since += f->violations;
		return;
	}
	(void)snprintf(client_name, sizeof client_name, "%s",
		       end_name(client, f->client_addr, from));
	violation_text(f, client_name, end_name(server, f->server_addr, to),
		       blocked, text);
	event = flow_json(f, client ? client->about : NULL,
			  server ? server->about : NULL);
	(void)json_object_set_new(event, "kind", json_string("violation"));
	(void)json_object_set_new(event, "severity",
				  json_string(blocked ? "medium" : "low"));
	(void)json_object_set_new(
		event, "workload",
		json_string(f->ingress ? f->server : f->client));
	(void)json_object_set_new(event, "count", json_integer(f->violations));
	(void)json_object_set_new(event, "blocked", json_boolean(blocked));
	(void)json_object_set_new(event, "text", text_json(text));
	if (m->told_s) {
		put_event(a, event);
		return;
	}
	*m = (struct merged){ .client_addr = f->client_addr,
			      .server_addr = f->server_addr,
			      .rule_id = f->rule_id,
			      .action = f->action,
			      .told_s = now,
			      .event = json_incref(event) };
	(void)snprintf(m->client, sizeof m->client, "%s", f->client);
	(void)snprintf(m->server, sizeof m->server, "%s", f->server);
	(void)is_new_port(m, f); /* it is the first */
	put_event(a, event);
}

/*
 * Both ends of a connection between two workloads tell of it. What the client's
 * end let go, the server's tells, too, if it is guarded: that one counts.
 */
static bool is_told_twice(const struct agent *a, const struct store_flow *f,
			  const struct workload *server)
{
	if (f->ingress || !server || f->violations)
		return false;
	for (const struct port *p = a->registry.ports; p; p = p->next)
		if (p->workload == server && p->state == PORT_DIVERTED &&
		    (p->mode == INPLACE_TAP || p->mode == INPLACE_INLINE))
			return true;
	return false;
}

void record_connections(struct agent *a, const json_t *list, uint64_t missed)
{
	struct workload *client, *server, *teller;
	struct store_flow f;
	const json_t *c;
	size_t i;

	a->record->missed += missed;
	json_array_foreach (list, i, c) {
		if (!read_flow(a, c, &f, &client, &server))
			continue;
		if (is_told_twice(a, &f, server)) {
			hits_count_client(a, &f);
			continue;
		}
		if (door_is_followed(a, DOOR_FLOWS)) {
			json_t *o = flow_json(&f, client ? client->about : NULL,
					      server ? server->about : NULL);

			door_publish(a, DOOR_FLOWS, o);
			json_decref(o);
		}
		teller = f.ingress ? server : client;
		map_flow(a, &f, client, server,
			 f.violations && was_blocked(a, &f, teller));
		if (f.violations) {
			throughput_violation(a, f.violations);
			if (teller)
				teller->violations += f.violations;
			tell_violation(a, &f, client, server);
		}
		hits_count(a, &f);
		learn_look(a, &f, client, server);
		wait_for_store(a, &f);
	}
}

/* Whose ends they are is asked by address: the MAC is one end's. */
static void map_of_threat(struct agent *a, const json_t *t)
{
	struct ip_addr from, to;

	throughput_threat(a);
	if (ip_parse(member_text(t, "from"), &from) == 0 &&
	    ip_parse(member_text(t, "to"), &to) == 0)
		map_threat(a, registry_by_addr(&a->registry, from), from,
			   registry_by_addr(&a->registry, to), to);
}

void record_threats(struct agent *a, const json_t *list, uint64_t missed)
{
	const json_t *t;
	size_t i;

	a->record->missed += missed;
	json_array_foreach (list, i, t) {
		json_t *event = json_copy((json_t *)(uintptr_t)t);
		const struct workload *w;
		struct mac mac;
		char text[EVENT_TEXT_MAX];

		if (!event)
			continue;
		w = mac_parse(member_text(t, "workload"), &mac) == 0
			    ? registry_by_mac(&a->registry, mac)
			    : NULL;
		(void)snprintf(text, sizeof text, "%s: %s -> %s %s (%s)",
			       member_text(t, "name"), member_text(t, "from"),
			       member_text(t, "to"), member_text(t, "action"),
			       w ? workload_name(w) : "no workload");
		(void)json_object_set_new(event, "kind", json_string("threat"));
		(void)json_object_set_new(event, "workload",
					  json_string(w ? w->id : ""));
		(void)json_object_set_new(event, "text", text_json(text));
		map_of_threat(a, t);
		put_event(a, event);
	}
}

/* "client" is who, and "client_address" where, as of a flow. */
static void set_end(json_t *event, const char *end, const struct workload *w)
{
	char member[24];

	(void)snprintf(member, sizeof member, "%s_address", end);
	(void)json_object_set(event, member, json_object_get(event, end));
	(void)snprintf(member, sizeof member, "%s_id", end);
	(void)json_object_set_new(event, member, json_string(w ? w->id : ""));
	(void)json_object_set_new(event, end,
				  text_json(w ? workload_name(w) : ""));
}

/* What leaks is not written to a disk; the data plane has it for a while. */
static bool may_keep_raw(const json_t *event)
{
	return strcmp(member_text(event, "kind"), "dlp") != 0;
}

static void tell_finding(struct agent *a, const json_t *f)
{
	bool in = strcmp(member_text(f, "direction"), "ingress") == 0;
	json_t *event = json_copy((json_t *)(uintptr_t)f);
	char from[IP_TEXT_MAX], to[IP_TEXT_MAX], text[EVENT_TEXT_MAX];
	char client_name[WORKLOAD_TEXT_MAX];
	struct ip_addr client, server;
	struct workload *w, *other, *c;
	struct mac mac;

	if (!event || ip_parse(member_text(f, "client"), &client) < 0 ||
	    ip_parse(member_text(f, "server"), &server) < 0) {
		json_decref(event);
		return;
	}
	w = mac_parse(member_text(f, "workload"), &mac) == 0
		    ? registry_by_mac(&a->registry, mac)
		    : NULL;
	other = registry_by_addr(&a->registry, in ? client : server);
	c = in ? other : w;
	(void)snprintf(client_name, sizeof client_name, "%s",
		       end_name(c, client, from));
	(void)snprintf(text, sizeof text, "%s %d %s: %s -> %s %s",
		       member_text(f, "kind"), (int)member_number(f, "id"),
		       member_text(f, "name"), client_name,
		       end_name(in ? w : other, server, to),
		       member_text(f, "action"));
	set_end(event, "client", c);
	set_end(event, "server", in ? w : other);
	(void)json_object_set_new(event, "workload",
				  json_string(w ? w->id : ""));
	(void)json_object_set_new(event, "text", text_json(text));
	if (!may_keep_raw(event))
		(void)json_object_del(event, "raw");
	(void)json_object_del(event, "number"); /* the data plane's */
	throughput_threat(a);
	map_threat(a, c, client, in ? w : other, server);
	put_event(a, event);
}

void record_findings(struct agent *a, const json_t *list, uint64_t missed)
{
	const json_t *f;
	size_t i;

	a->record->missed += missed;
	json_array_foreach (list, i, f)
		tell_finding(a, f);
}

void record_state_of(struct agent *a, const struct workload *w,
		     const char *part, const char *severity, const char *text)
{
	put_event(a, json_pack("{s:s, s:s, s:s, s:s, s:o}", "kind", "state",
			       "severity", severity, "part", part, "workload",
			       w ? w->id : "", "text", text_json(text)));
}

static json_t *change_json(const char *what)
{
	return json_pack("{s:s, s:s, s:s, s:o}", "kind", "change", "severity",
			 "info", "workload", "", "text", text_json(what));
}

void record_change(struct agent *a, const char *what)
{
	put_event(a, change_json(what));
}

void record_change_by(struct agent *a, const char *what,
		      const struct door_client *c)
{
	json_t *event = change_json(what);

	if (c)
		door_client_sign(c, event);
	put_event(a, event);
}

void record_workload(struct agent *a, struct workload *w)
{
	w->described = true;
	a->record->described = true;
	loop_timer_need(a->loop, &a->record->flush, FLUSH_US);
}

/* --- to the store -------------------------------------------------------------------- */

/* Told once when it begins to fail, and once when it works again. */
static void told_store(struct agent *a, int rc, const struct err *why)
{
	struct record *r = a->record;

	if ((rc < 0) == (r->last_rc < 0))
		return;
	r->last_rc = rc;
	if (rc < 0)
		log_warn("store: nothing is recorded: %s", why->text);
	else
		log_info("store: recording again");
}

static int flush_flows(struct agent *a, struct err *reterr)
{
	struct record *r = a->record;
	int rc = 0;

	if (r->n_waiting)
		rc = store_add_flows(a->store, r->waiting, r->n_waiting,
				     reterr);
	/* kept for the next time, as long as there is room */
	if (rc < 0 && r->n_waiting < FLOWS_WAITING_MAX)
		return rc;
	if (rc < 0)
		r->lost_flows += r->n_waiting;
	for (size_t i = 0; i < r->n_waiting; i++)
		flow_done(&r->waiting[i]);
	r->n_waiting = 0;
	return rc;
}

static int flush_events(struct agent *a, struct err *reterr)
{
	struct record *r = a->record;
	size_t n = json_array_size(r->events);
	const json_t **list;
	int rc;

	if (n == 0)
		return 0;
	list = calloc(n, sizeof *list);
	if (!list)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	for (size_t i = 0; i < n; i++)
		list[i] = json_array_get(r->events, i);
	rc = store_add_events(a->store, list, n, clock_unix_us() / USEC_PER_SEC,
			      &r->last_event, reterr);
	free(list);
	if (rc == 0)
		(void)json_array_clear(r->events);
	return rc;
}

static void describe_all(struct agent *a)
{
	struct workload *const lists[] = { a->registry.workloads,
					   a->registry.remote };
	uint64_t now = clock_unix_us() / USEC_PER_SEC;

	a->record->described = false;
	for (size_t i = 0; i < 2; i++)
		for (struct workload *w = lists[i]; w; w = w->next) {
			if (!w->described)
				continue;
			w->described = store_put_workload(a->store, w->id,
							  w->about, now,
							  NULL) < 0;
			a->record->described |= w->described;
		}
}

void record_flush(struct agent *a)
{
	struct record *r = a->record;
	struct err err = { 0 };
	int rc, rc2;

	if (r->described)
		describe_all(a);
	rc = flush_flows(a, &err);
	rc2 = flush_events(a, rc < 0 ? NULL : &err);
	told_store(a, rc < 0 ? rc : rc2, &err);
	if (rc == 0 && rc2 == 0)
		cursors_flush(a);
	if (rc < 0 || rc2 < 0 || r->described)
		loop_timer_need(a->loop, &r->flush, FLUSH_US);
}

static void flush(void *arg)
{
	record_flush(arg);
}

/* Once a day, or the store forgets who is here with the last flow. */
static void describe_again(struct agent *a, uint64_t now)
{
	if (now / DAY_S == a->record->described_day)
		return;
	a->record->described_day = now / DAY_S;
	for (struct workload *w = a->registry.workloads; w; w = w->next)
		record_workload(a, w);
}

static void trim(void *arg)
{
	struct agent *a = arg;
	uint64_t now = clock_unix_us() / USEC_PER_SEC;
	bool all = store_trim(a->store, now - a->config.flows_days * 86400ULL,
			      now - a->config.events_days * 86400ULL,
			      (uint64_t)a->config.store_max_mb << 20);

	describe_again(a, now);
	for (size_t i = 0; i < EVENT_KINDS_MAX; i++)
		if (a->record->merged[i].told_s &&
		    now >= a->record->merged[i].told_s + EVENT_MERGE_S)
			tell_rest(a, &a->record->merged[i]);
	loop_timer_set(a->loop, &a->record->trim, all ? TRIM_US : USEC_PER_SEC);
}

static json_t *store_json(const struct agent *a)
{
	struct store_stats s;

	store_stats(a->store, &s);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "flows",
			 (json_int_t)s.flows, "events", (json_int_t)s.events,
			 "workloads", (json_int_t)s.workloads, "revisions",
			 (json_int_t)s.revisions, "bytes_on_disk",
			 (json_int_t)s.bytes_on_disk, "bytes_used",
			 (json_int_t)s.bytes_used, "write_failures",
			 (json_int_t)s.write_failures, "damaged",
			 (json_int_t)s.damaged);
}

json_t *record_stats(const struct agent *a)
{
	const struct record *r = a->record;

	json_int_t events = (json_int_t)json_array_size(r->events);

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o}", "waiting",
			 (json_int_t)r->n_waiting + events, "lost_flows",
			 (json_int_t)r->lost_flows, "lost_events",
			 (json_int_t)r->lost_events, "lost_map",
			 (json_int_t)map_lost(a), "missed",
			 (json_int_t)r->missed, "last_event",
			 (json_int_t)r->last_event, "state",
			 store_state(a->store), "store", store_json(a));
}

uint64_t record_last_event(const struct agent *a)
{
	return a->record->last_event;
}

int record_start(struct agent *a, struct err *reterr)
{
	struct record *r = calloc(1, sizeof *r);

	a->record = r;
	if (r) {
		r->merged = calloc(EVENT_KINDS_MAX, sizeof *r->merged);
		r->events = json_array();
	}
	if (!r || !r->merged || !r->events)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	r->flush = (struct loop_timer){ .fn = flush, .arg = a };
	r->trim = (struct loop_timer){ .fn = trim, .arg = a };
	/* a store that cannot be read is told by who writes to it */
	(void)store_last_event(a->store, &r->last_event, NULL);
	loop_timer_set(a->loop, &r->trim, TRIM_US);
	return 0;
}

void record_stop(struct agent *a)
{
	struct record *r = a->record;

	if (!r)
		return;
	if (r->merged)
		for (size_t i = 0; i < EVENT_KINDS_MAX; i++)
			if (r->merged[i].told_s)
				tell_rest(a, &r->merged[i]);
	record_flush(a);
	loop_timer_off(a->loop, &r->flush);
	loop_timer_off(a->loop, &r->trim);
	for (size_t i = 0; i < r->n_waiting; i++)
		flow_done(&r->waiting[i]);
	free(r->waiting);
	free(r->merged);
	json_decref(r->events);
	free(r);
	a->record = NULL;
}
