/*
 * Theory. A flow is judged when it is new, when it is another connection on old
 * ports, and when the snapshot is no longer the one it was judged under; in
 * between, what was found then holds. A denied frame makes no flow, so a scan
 * fills no table. A flow that was allowed and is denied by a newer policy stays
 * in the table, blocked, until it ages out or a newer policy allows it again.
 */
#include "inspect/judge.h"

#include "inspect/cache_use.h"
#include "inspect/guard.h"
#include "inspect/names.h"
#include "inspect/payload.h"
#include "inspect/refuse.h"
#include "inspect/session.h"

static struct policy_query query_of(const struct flow_key *k,
				    bool client_is_own)
{
	struct policy_query q = {
		.client = client_is_own ? k->own : k->peer,
		.server = client_is_own ? k->peer : k->own,
		.server_port = client_is_own ? k->peer_port : k->own_port,
		.proto = k->proto,
		.ingress = !client_is_own,
	};

	return q;
}

/* Policy may let it be, and the threat that it is may not. */
static void heed_threat(const struct passage *w, const struct judgement *j,
			struct flow_verdict *v, bool *ret_reject)
{
	enum dpi_action action = inspect_settings_judged(&w->in->settings, j);

	if (!dpi_action_drops(action) || passage_is_watched(w))
		return;
	*ret_reject |= action == DPI_RESET && w->packet.proto == PROTO_TCP;
	if (v->blocked)
		return;
	v->blocked = true;
	v->reason = REASON_THREAT;
}

/* Step 7, with grace (reference 5.5). f: the flow, if it is known already. */
static struct flow_verdict judge(struct passage *w, const struct flow_key *k,
				 const struct flow *f, bool client_is_own,
				 bool *ret_reject)
{
	const struct snapshot *s = w->in->snapshot;
	struct policy_query q = query_of(k, client_is_own);
	uint32_t version = snapshot_version(s);
	uint16_t names[NAMES_ASKED_MAX];
	struct request request;
	struct flow_verdict v;
	struct judgement j;

	q.names = names;
	q.n_names = names_of_peer(w->in, k, f, names, w->now);
	if (f) {
		q.app = payload_policy_app(f);
		q.unanswered = payload_is_unanswered(w->in, f);
		q.vhost = payload_host(w->in, f);
		q.request = payload_request(w->in, f, &request);
	}
	j = snapshot_judge(s, w->index, &q);

	if (j.grace_retries > 0) {
		bool external = j.flags & SESSION_EXTERNAL;
		struct ip_addr none = ip_from_v4(0);

		/* all external peers share one window */
		if (external && q.ingress)
			q.client = none;
		else if (external)
			q.server = none;
		if (grace_applies(w->in->grace, q.client, q.server, version,
				  j.grace_retries, w->now)) {
			j.action = POLICY_OPEN;
			j.reason = REASON_GRACE;
			j.flags |= SESSION_TMP_OPEN;
			/* not final: ask again with the next packet */
			version = 0;
		}
	}
	*ret_reject = j.reject;
	v = (struct flow_verdict){ .snapshot_version = version,
				   .rule_id = j.rule_id,
				   .action = j.action,
				   .reason = j.reason,
				   .flags = j.flags,
				   .blocked = j.action == POLICY_DENY,
				   .by_request = j.by_request,
				   .name = j.name };
	heed_threat(w, &j, &v, ret_reject);
	return v;
}

/* It was judged; f: its flow, NULL if there is none yet. */
static void note_threat(struct passage *w, const struct flow_verdict *v,
			struct flow *f)
{
	if (v->flags & SESSION_SVC_EXTIP)
		(void)guard_note(w, THREAT_EXTERNAL_IP, 1, true, f);
}

void judge_note_block(struct inspect *in, const struct flow_key *k,
		      bool client_is_own, const struct flow_verdict *v,
		      uint64_t frames)
{
	struct policy_query q = query_of(k, client_is_own);
	struct block_record r = {
		.ep_mac = passage_mac_of(in, k->endpoint),
		.ingress = q.ingress,
		.from = q.client,
		.to = q.server,
		.to_port = q.server_port,
		.proto = q.proto,
		.reason = v->reason,
		.action = v->action,
		.rule_id = v->rule_id,
		.policy_version = snapshot_version(in->snapshot),
	};

	if (v->flags & SESSION_SVC_EXTIP &&
	    threat_action(in->threats, THREAT_EXTERNAL_IP) != DPI_NONE)
		r.threat = THREAT_EXTERNAL_IP;
	blocks_note(&in->blocks, k->endpoint, &r, frames, in->now);
}

/*
 * Would the workload be the client of the flow that the frame begins? Where the
 * frame does not tell, and of the two ports one is listened on, that is the
 * server's. Another workload is known by its MAC, so only on the same network.
 */
static bool opener_is_own(const struct passage *w, const struct flow_key *k,
			  bool *ret_midstream)
{
	const struct packet *p = &w->packet;
	bool guess = flow_opener_is_own(p, w->ingress, ret_midstream);
	const struct snapshot *s = w->in->snapshot;
	const struct endpoint *peer;
	bool own_listens, peer_listens;

	if (!w->endpoint || flow_opener_is_told(p))
		return guess;
	peer = snapshot_endpoint(
		s,
		snapshot_find_mac(s, w->ingress ? p->src : p->dst, MAC_REAL));
	own_listens = port_set_has(w->endpoint->listens, k->proto, k->own_port);
	peer_listens = peer &&
		       port_set_has(peer->listens, k->proto, k->peer_port);
	/*
	 * Who speaks first over UDP asks: else a workload could reach whom it
	 * may not, from a port that it listens on.
	 */
	if (p->proto == PROTO_UDP && !w->ingress && own_listens)
		return guess;
	return own_listens == peer_listens ? guess : peer_listens;
}

/* It may be, but there is no room to remember that. */
static void table_full(struct passage *w)
{
	if (w->in->settings.flows_full == FLOWS_FULL_DROP &&
	    !passage_is_watched(w))
		passage_drop(w, REASON_FLOW_TABLE_FULL);
	else
		w->in->counts.stateless++;
}

bool judge_request(struct passage *w, struct flow *f, const struct talk *t,
		   bool other_app, bool *ret_reject)
{
	struct flow_verdict before = f->verdict, *v = &f->verdict;

	*v = judge(w, &f->key, f, f->client_is_own, ret_reject);
	if (v->blocked && !v->by_request && !t->host_wanted && !other_app) {
		*v = before;
		return true;
	}
	names_judged(w->in, f);
	if (v->blocked && (v->by_request || t->host_wanted))
		v->reason = REASON_REQUEST;
	else if (v->action == POLICY_VIOLATE)
		judge_note_block(w->in, &f->key, f->client_is_own, v, 1);
	return !v->blocked;
}

bool judge_forwarded(struct passage *w, struct flow *f, struct ip_addr client,
		     bool *ret_reject)
{
	struct flow_key k = f->key;
	struct flow_verdict v;

	k.peer = client;
	v = judge(w, &k, f, false, ret_reject);
	v.flags |= SESSION_XFF;
	if (v.action < POLICY_VIOLATE)
		return true;
	session_denied(w->in, &k, false, &v, 0, 1);
	judge_note_block(w->in, &k, false, &v, 1);
	if (!v.blocked)
		return true;
	/* the connection itself goes on being what it was allowed to be */
	f->verdict.blocked = true;
	f->verdict.reason = v.reason;
	return false;
}

/*
 * The snapshot has changed since f was judged, or more is known of f. true: so
 * has the outcome.
 */
static bool rejudge(struct passage *w, struct flow *f)
{
	struct flow_verdict before = f->verdict, *v = &f->verdict;
	bool changed, rejected;

	*v = judge(w, &f->key, f, f->client_is_own, &rejected);
	names_judged(w->in, f);
	payload_judged(w->in, f);
	if (!(before.flags & SESSION_SVC_EXTIP))
		note_threat(w, v, f);
	changed = v->action != before.action || v->rule_id != before.rule_id;
	if (v->action == POLICY_VIOLATE)
		judge_note_block(w->in, &f->key, f->client_is_own, v, 1);
	if (!v->blocked || before.blocked)
		return changed;
	/* reference 3.5: a session that turns to deny is reset at both ends */
	if (f->key.proto == PROTO_TCP) {
		refuse_both(w);
	} else if (rejected) {
		refuse_sender(w);
	}
	return changed;
}

/* There is another snapshot, and maybe other sensors. */
static bool judge_anew(struct passage *w, struct flow *f)
{
	bool news = (int32_t)(f->verdict.snapshot_version -
			      w->in->sensors_since) < 0;
	bool changed = rejudge(w, f);

	if (news)
		payload_sensors_came(w, f);
	return changed;
}

/*
 * What f carries says something: it is judged before the packet that says it has
 * gone on.
 */
static void read_payload(struct passage *w, struct flow *f, bool fresh)
{
	enum payload_news news = payload_packet(w, f, fresh);
	bool changed = news == PAYLOAD_JUDGED;

	if (news == PAYLOAD_TOLD)
		changed = rejudge(w, f);
	w->rule_id = f->verdict.rule_id;
	if (news == PAYLOAD_TOLD && f->verdict.blocked) {
		judge_note_block(w->in, &f->key, f->client_is_own, &f->verdict,
				 1);
		passage_drop(w, (enum reason)f->verdict.reason);
	} else if (w->verdict.forward) {
		passage_forward(w, (enum reason)f->verdict.reason);
	}
	if (changed)
		session_packet(w, f, true);
	if (w->marked)
		session_threat(w->in, f);
}

/* The first frame of what would be a flow. */
void judge_new_flow(struct passage *w, const struct flow_key *k)
{
	const struct packet *p = &w->packet;
	bool midstream, rejected, own;
	struct flow_verdict v;
	uint32_t ticket;
	struct flow *f;

	if (p->proto == PROTO_TCP && !(p->tcp_flags & TCP_SYN))
		w->in->counts.packets[INSPECT_TCP_ASTRAY]++;
	own = opener_is_own(w, k, &midstream);
	v = judge(w, k, NULL, own, &rejected);
	w->rule_id = v.rule_id;
	note_threat(w, &v, NULL);
	if (v.action >= POLICY_VIOLATE)
		judge_note_block(w->in, k, own, &v, 1);
	if (v.blocked) {
		session_denied(w->in, k, own, &v, w->threat, 1);
		passage_drop(w, (enum reason)v.reason);
		if (rejected)
			refuse_sender(w);
		else if (!(v.flags & SESSION_SVC_EXTIP)) /* each is a threat */
			cache_denied(w, k, own, &v);
		return;
	}
	passage_forward(w, (enum reason)v.reason);
	/* the end of a connection nobody saw makes no flow */
	if (p->proto == PROTO_TCP && p->tcp_flags & (TCP_RST | TCP_FIN))
		return;
	if (guard_session(w, NULL, own, &ticket))
		return;
	f = flow_make(w->in->flows, k, p, own, midstream, w->now);
	if (!f) {
		meter_session_end(w->in->meters, ticket, w->now);
		table_full(w);
		return;
	}
	f->verdict = v;
	w->flow_id = f->id;
	if (w->threat)
		w->marked = guard_mark(f, w->threat);
	names_judged(w->in, f);
	session_begin(w, f, ticket);
	(void)flow_follow(w->in->flows, f, p, flow_sender(f, w->ingress),
			  w->now); /* a first packet is always in order */
	(void)guard_echo(w, f);	   /* what is asked first: never dropped */
	session_packet(w, f, false);
	w->marked = false; /* told */
	read_payload(w, f, true);
}

/* A new connection on old ports: nothing of the old judgement counts. */
static bool reopened_may_be(struct passage *w, struct flow *f)
{
	uint32_t ticket;
	bool rejected;

	f->verdict = judge(w, &f->key, NULL, f->client_is_own, &rejected);
	names_judged(w->in, f);
	note_threat(w, &f->verdict, f);
	if (f->verdict.action >= POLICY_VIOLATE)
		judge_note_block(w->in, &f->key, f->client_is_own, &f->verdict,
				 1);
	if (f->verdict.blocked) {
		passage_drop(w, (enum reason)f->verdict.reason);
		session_denied(w->in, &f->key, f->client_is_own, &f->verdict,
			       f->threat, 1);
		if (rejected)
			refuse_sender(w);
	} else if (!guard_session(w, f, f->client_is_own, &ticket)) {
		session_begin(w, f, ticket);
		return true;
	}
	flow_end(w->in->flows, f);
	return false;
}

bool judge_is_allowed(struct passage *w, const struct flow *f)
{
	struct flow_verdict now = f->verdict;
	bool rejected;

	if (now.snapshot_version != snapshot_version(w->in->snapshot))
		now = judge(w, &f->key, f, f->client_is_own, &rejected);
	return !now.blocked && !f->cut;
}

bool judge_is_open(struct passage *w, const struct flow_key *k,
		   bool client_is_own, enum reason *ret)
{
	struct policy_query q = query_of(k, client_is_own);
	struct judgement j = snapshot_judge(w->in->snapshot, w->index, &q);

	*ret = (enum reason)j.reason;
	return j.reason == REASON_NO_POLICY || j.reason == REASON_POLICY_OFF ||
	       j.reason == REASON_FAMILY_OPEN;
}

/* Of what is over as if it had been reset nothing goes on. */
static void stop_cut(struct passage *w, const struct flow *f)
{
	if (!f->verdict.blocked) {
		guard_stop(w, (enum reason)f->cut_why, f->cut_id);
		/* who has missed the reset, or taken it for an old one */
		if (f->cut_why == REASON_KILLED && f->key.proto == PROTO_TCP)
			refuse_both(w);
		return;
	}
	judge_note_block(w->in, &f->key, f->client_is_own, &f->verdict, 1);
	passage_drop(w, (enum reason)f->verdict.reason);
}

void judge_known_flow(struct passage *w, struct flow *f)
{
	const struct packet *p = &w->packet;
	enum flow_side side = flow_sender(f, w->ingress);
	bool changed = false, stopped;
	enum flow_step step;

	step = flow_follow(w->in->flows, f, p, side, w->now);
	w->rule_id = f->verdict.rule_id;
	if (step == FLOW_STEP_REOPENED) {
		/* what was marked before the packet was followed is gone */
		w->marked = w->threat && guard_mark(f, w->threat);
		if (!reopened_may_be(w, f))
			return;
	}
	if (step == FLOW_STEP_OUT_OF_WINDOW)
		w->in->counts.out_of_window++;
	if (f->cut) {
		cache_flow(w, f);
		stop_cut(w, f);
		return;
	}
	if (f->verdict.snapshot_version != snapshot_version(w->in->snapshot))
		changed = judge_anew(w, f);
	w->rule_id = f->verdict.rule_id;
	session_packet(w, f, changed);
	w->marked = false; /* told */
	if (f->verdict.blocked) {
		judge_note_block(w->in, &f->key, f->client_is_own, &f->verdict,
				 1);
		passage_drop(w, (enum reason)f->verdict.reason);
		cache_flow(w, f);
		return;
	}
	stopped = guard_handshake(w, f, flow_sender(f, w->ingress)) ||
		  guard_window(w, f) || guard_echo(w, f);
	if (w->marked)
		session_threat(w->in, f);
	if (stopped)
		return;
	passage_forward(w, (enum reason)f->verdict.reason);
	/* what its receiver does not believe says nothing */
	if (step != FLOW_STEP_OUT_OF_WINDOW)
		read_payload(w, f, step == FLOW_STEP_REOPENED);
	cache_flow(w, f);
}
