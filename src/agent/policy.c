/*
 * Numbers: each compiled want has one (plane.h), and whoever changed something
 * learns the number that will have it. Versions are what the data plane keeps:
 * the wall clock in milliseconds, or one more than the last, so that an agent
 * that starts anew goes on above the one before.
 *
 * A compilation that fails (a limit) leaves in force what is, and is told in
 * `weir status` and to who asked for the change; the next change tries again.
 */
#include "agent/policy.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "agent/commands.h"
#include "agent/cursors.h"
#include "agent/door.h"
#include "agent/guard.h"
#include "agent/guard_splice.h"
#include "agent/hits.h"
#include "agent/kubernetes.h"
#include "agent/learn.h"
#include "agent/member.h"
#include "agent/parking.h"
#include "agent/peers.h"
#include "agent/record.h"
#include "agent/rules.h"
#include "agent/settings.h"
#include "agent/trail.h"
#include "agent/world.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/utf8.h"

/* What changes together is compiled together. */
#define COMPILE_US 3000
/* So long runtimes may take at start to say whose a diverted port is. */
#define ADOPT_S	      10
#define ADOPT_LOOK_US 5000
/* There was no memory to compile it: once more. */
#define NO_MEMORY_US 1000000
/* So long after the last version in force, what compiling took is given back. */
#define TRIM_US (2 * USEC_PER_SEC)

static uint64_t now_s(void)
{
	return clock_unix_us() / USEC_PER_SEC;
}

void policy_soon(struct agent *a)
{
	loop_timer_need(a->loop, &a->compile, COMPILE_US);
}

void policy_soon_for_change(struct agent *a)
{
	usec_t free_at = usec_add(a->change_compiled_at, COMPILE_PAUSE_US);
	uint64_t pause = usec_since(free_at, clock_now());

	a->change_waits = true;
	loop_timer_need(a->loop, &a->compile,
			pause > COMPILE_US ? pause : COMPILE_US);
}

/* Whatever it was compiled for, workloads' own changes are in it. */
static void was_compiled(struct agent *a)
{
	if (a->change_waits)
		a->change_compiled_at = clock_now();
	a->change_waits = false;
}

/* --- compiling --------------------------------------------------------------- */

static json_t *endpoint_of(const struct port *p)
{
	char mac[MAC_TEXT_MAX], uc[MAC_TEXT_MAX], bc[MAC_TEXT_MAX];

	return json_pack("{s:s, s:s, s:s}", "mac", mac_format(p->mac, mac),
			 "ucmac", mac_format(p->mark, uc), "bcmac",
			 mac_format(p->group_mark, bc));
}

/* Of those that one data plane has. false: out of memory. */
static bool add_endpoint(json_t *all, struct port *p)
{
	char mac[MAC_TEXT_MAX];

	p->plane_mac = (struct mac){ { 0 } };
	/* in place the kernel does quarantine */
	if (p->state != PORT_DIVERTED || !p->workload || mac_is_zero(p->mac) ||
	    (p->layout == PORT_SPLICED && p->mode == INPLACE_QUARANTINE)) {
		p->wanted_in = 0; /* when it is told again, it is as new */
		return true;
	}
	(void)mac_format(p->mac, mac);
	if (json_object_get(all, mac)) {
		(void)err_set(&p->why, EEXIST, NULL,
			      "another port has its MAC %s, too", mac);
		p->wanted_in = 0;
		return true;
	}
	p->plane_mac = p->mac;
	return json_object_set_new(all, mac, endpoint_of(p)) == 0;
}

/*
 * The data plane knows a port by its MAC. Where two have the same, which may be
 * in different networks, the second is not told of, and stays on hold: one that
 * takes another's MAC, or learns it, does not become it. false: out of memory.
 */
static bool add_endpoints(struct agent *a, json_t *all)
{
	bool ok = true;

	/* MACs are one's, wherever it is */
	registry_macs_changed(&a->registry);
	for (struct port *p = a->registry.ports; p; p = p->next)
		if (!mac_is_zero(p->plane_mac) &&
		    mac_equal(p->plane_mac, p->mac))
			ok &= add_endpoint(all, p);
	for (struct port *p = a->registry.ports; p; p = p->next)
		if (mac_is_zero(p->plane_mac) ||
		    !mac_equal(p->plane_mac, p->mac))
			ok &= add_endpoint(all, p);
	return ok;
}

/* Takes out of all those who are spliced. */
static bool move_spliced(struct agent *a, json_t *all, json_t *spliced)
{
	char mac[MAC_TEXT_MAX];
	bool ok = true;

	for (const struct port *p = a->registry.ports; p; p = p->next) {
		if (p->layout != PORT_SPLICED || mac_is_zero(p->plane_mac))
			continue;
		(void)mac_format(p->plane_mac, mac);
		ok &= json_object_set(spliced, mac,
				      json_object_get(all, mac)) == 0;
		(void)json_object_del(all, mac);
	}
	return ok;
}

/* Where it can be asked who listens; who has no namespace is left out. */
static json_t *homes_of(const struct agent *a, bool spliced)
{
	json_t *all = json_object();
	char mac[MAC_TEXT_MAX];

	for (const struct port *p = a->registry.ports; p; p = p->next)
		if (!mac_is_zero(p->plane_mac) && p->workload->ns.fd >= 0 &&
		    (p->layout == PORT_SPLICED) == spliced)
			(void)json_object_set_new(
				all, mac_format(p->plane_mac, mac),
				json_string(p->workload->ns.path));
	return all;
}

static bool add_taps(const struct agent *a, json_t *all)
{
	char mac[MAC_TEXT_MAX];
	bool ok = true;

	for (const struct port *p = a->registry.ports; p; p = p->next) {
		if (p->layout != PORT_LISTENED || mac_is_zero(p->plane_mac))
			continue;
		(void)mac_format(p->plane_mac, mac);
		ok &= json_object_set_new(all, mac,
					  json_pack("{s:s, s:s, s:s}", "netns",
						    p->workload->ns.path,
						    "iface", p->dev, "epmac",
						    mac)) == 0;
	}
	return ok;
}

/* Who is told of to the data planes, by MAC. */
struct here {
	json_t *endpoints; /* in place */
	json_t *spliced;
	json_t *taps;
};

static void here_done(struct here *h)
{
	json_decref(h->endpoints);
	json_decref(h->spliced);
	json_decref(h->taps);
	*h = (struct here){ 0 };
}

/* false and *reterr: no memory for all of them, and then none are told of. */
static bool who_is_here(struct agent *a, struct here *ret, struct err *reterr)
{
	*ret = (struct here){ json_object(), json_object(), json_object() };
	if (ret->endpoints && ret->spliced && ret->taps &&
	    add_endpoints(a, ret->endpoints) &&
	    move_spliced(a, ret->endpoints, ret->spliced) &&
	    add_taps(a, ret->taps))
		return true;
	here_done(ret);
	(void)err_set(reterr, ENOMEM, NULL, "out of memory");
	return false;
}

static void want_of_spliced(struct agent *a, json_t *endpoints,
			    const char *policy)
{
	struct plane_want want = { .endpoints = endpoints,
				   .vth = splicer_vth(a),
				   .port_last = true,
				   .number = a->want_number };

	if (!a->splice_plane) {
		json_decref(endpoints);
		return;
	}
	want.policy = strdup(policy);
	if (want.policy) {
		want.homes = homes_of(a, true);
		want.rules = body_get(rules_wanted(a));
		want.detection = body_get(a->detection);
		plane_want(a->splice_plane, &want);
		return;
	}
	json_decref(endpoints);
	log_warn("policy: out of memory, the data plane of splices goes on "
		 "with what it has for now");
	loop_timer_need(a->loop, &a->compile, NO_MEMORY_US);
}

static uint64_t next_version(struct agent *a)
{
	uint64_t v = clock_unix_us() / 1000;

	if (v <= a->last_version)
		v = a->last_version + 1;
	a->last_version = v;
	return v;
}

/* Compiled again when a rule's time is over. */
static void expire_later(struct agent *a)
{
	uint64_t now = now_s(), at = intent_next_expiry(a->intent, now);

	if (at)
		loop_timer_set(a->loop, &a->expiry, (at - now) * USEC_PER_SEC);
	else
		loop_timer_off(a->loop, &a->expiry);
}

static void expired(void *arg)
{
	policy_soon(arg);
}

static void refuse(struct agent *a, uint64_t number, const struct err *why)
{
	log_warn("policy: %s%s%s", why->at, why->at[0] ? ": " : "", why->text);
	a->policy_refused = true;
	a->policy_err = *why;
	door_reached(a, number, why);
}

/* For who is here now. */
struct compiled {
	char *policy; /* a body of weir_policy */
	bool *denied; /* of each workload: some rule denies it something */
	struct body *detection;
};

static void compiled_done(struct compiled *c)
{
	free(c->policy);
	free(c->denied);
	body_put(c->detection);
	*c = (struct compiled){ 0 };
}

/* false and *reterr: a limit, or no memory. */
static bool compile_for_all(struct agent *a, const struct intent *i,
			    struct compiled *ret, struct err *reterr)
{
	struct intent_world world;

	*ret = (struct compiled){ 0 };
	if (world_now(a, &world) < 0) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return false;
	}
	ret->denied = calloc(world.n + 1, sizeof *ret->denied);
	ret->detection = body_new(intent_compile_detection(i, &world, reterr));
	if (ret->denied && ret->detection)
		ret->policy = intent_compile(i, &world, next_version(a),
					     now_s(), ret->denied, reterr);
	else
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
	was_compiled(a);
	if (ret->policy)
		return true;
	compiled_done(ret);
	return false;
}

/* Those of whom some rule denies something are not only watched. */
static void mark_denied(struct agent *a, const bool *denied)
{
	/* nobody has asked for another world since */
	for (struct workload *w = a->registry.workloads; w; w = w->next)
		w->denied_some = denied[w->world_at];
}

/* Takes what h and c have. */
static void send_to_plane(struct agent *a, struct here *h, struct compiled *c)
{
	struct plane_want want = { .number = ++a->want_number,
				   .vth = a->vth,
				   .endpoints = h->endpoints,
				   .taps = h->taps,
				   .homes = homes_of(a, false),
				   .policy = c->policy };

	want.rules = body_get(rules_wanted(a));
	want.detection = body_get(c->detection);
	body_put(a->detection);
	a->detection = body_get(c->detection);
	mark_denied(a, c->denied);
	for (struct port *p = a->registry.ports; p; p = p->next)
		if (!mac_is_zero(p->plane_mac) && !p->wanted_in)
			p->wanted_in = want.number;
	want_of_spliced(a, h->spliced, c->policy);
	plane_want(a->plane, &want);
	*h = (struct here){ 0 };
	c->policy = NULL;
	compiled_done(c);
	expire_later(a);
	learn_outdated(a);
	member_inventory_soon(a);
}

/*
 * The data plane may have judged these ports since before us: what it is told
 * first must not leave out those of whom it is not known yet whose they are.
 */
static bool waits_for_owners(const struct agent *a)
{
	const struct port *p = a->registry.ports;

	if (a->want_number || now_s() - a->started_s > ADOPT_S)
		return false;
	while (p && (p->workload || !p->adopted))
		p = p->next;
	return p;
}

static void compile(void *arg)
{
	struct agent *a = arg;
	struct err err = { 0 };
	struct compiled c;
	struct here here;

	if (waits_for_owners(a)) {
		loop_timer_need(a->loop, &a->compile, ADOPT_LOOK_US);
		return;
	}
	if (who_is_here(a, &here, &err)) {
		if (compile_for_all(a, a->intent, &c, &err)) {
			send_to_plane(a, &here, &c);
			return;
		}
		here_done(&here);
	}
	refuse(a, ++a->want_number, &err);
	/* nobody may ask again, and there may be some */
	if (err.code == ENOMEM)
		loop_timer_need(a->loop, &a->compile, NO_MEMORY_US);
}

void policy_refresh_mode(struct agent *a, struct workload *w)
{
	/* a mode does not depend on MACs */
	struct intent_workload iw = { .id = w->id,
				      .about = w->about,
				      .addrs = w->addrs,
				      .n_addrs = w->n_addrs };

	if (w->about)
		w->intent_mode = intent_mode_of(a->intent, &iw);
	json_decref(w->groups);
	w->groups = NULL;
}

const json_t *policy_groups_of(struct agent *a, struct workload *w)
{
	/* nor do groups */
	struct intent_workload iw = { .id = w->id,
				      .about = w->about,
				      .addrs = w->addrs,
				      .n_addrs = w->n_addrs };

	if (!w->groups)
		w->groups = intent_groups_of(a->intent, &iw);
	return w->groups;
}

bool policy_protects_any(const struct agent *a)
{
	for (const struct workload *w = a->registry.workloads; w; w = w->next)
		if (w->intent_mode == MODE_PROTECT)
			return true;
	return a->intent_protects || a->intent_denies;
}

/* --- changes --------------------------------------------------------------------- */

/* a->intent is another one. */
static void look_at_intent(struct agent *a)
{
	a->intent_protects = intent_protects(a->intent);
	a->intent_denies = intent_denies(a->intent);
	hits_forget_others(a);
}

static void take(struct agent *a, struct intent *next)
{
	intent_put(a->intent);
	a->intent = next;
	look_at_intent(a);
	for (struct workload *w = a->registry.workloads; w; w = w->next)
		policy_refresh_mode(a, w);
	peers_policy_changed(a);
	guard_soon(a);
}

json_t *policy_change_json(const char *what, const struct door_client *c)
{
	char buf[WORKLOAD_TEXT_MAX]; /* it may have been cut in a character */
	json_t *o =
		json_pack("{s:s}", "what", utf8_text(what, buf, sizeof buf));

	if (o && c)
		door_client_sign(c, o);
	else if (o)
		(void)json_object_set_new(o, "who", json_string("weir-agent"));
	return o;
}

static int put_intent(struct agent *a, const struct intent *i,
		      const json_t *about, uint64_t expect_revision,
		      struct err *reterr)
{
	char *doc = intent_to_text(i);
	int rc = doc && about ? store_put_text(a->store, "intent", doc, about,
					       expect_revision,
					       &a->intent_revision, reterr)
			      : err_set(reterr, ENOMEM, NULL, "out of memory");

	free(doc);
	return rc;
}

int policy_check(struct agent *a, struct intent *next, struct err *reterr)
{
	struct compiled c = { 0 };
	struct here here = { 0 };
	/* some limits show only when it is compiled for who is here */
	bool ok = who_is_here(a, &here, reterr) &&
		  compile_for_all(a, next, &c, reterr);

	here_done(&here);
	compiled_done(&c);
	return ok ? 0 : -reterr->code;
}

int64_t policy_take(struct agent *a, struct intent *next, json_t *about,
		    uint64_t expect_revision, struct err *reterr)
{
	struct compiled c = { 0 };
	struct here here = { 0 };
	bool ok = kubernetes_keep_policies(a, &next, reterr) == 0 &&
		  who_is_here(a, &here, reterr) &&
		  compile_for_all(a, next, &c, reterr);
	int rc = ok ? 0 : -reterr->code;

	if (ok)
		rc = put_intent(a, next, about, expect_revision, reterr);
	json_decref(about);
	if (!ok || rc < 0) {
		intent_put(next);
		here_done(&here);
		compiled_done(&c);
		return rc;
	}
	take(a, next);
	if (waits_for_owners(a)) {
		here_done(&here);
		compiled_done(&c);
		policy_soon(a);
		return (int64_t)a->want_number + 1;
	}
	send_to_plane(a, &here, &c);
	return (int64_t)a->want_number;
}

int64_t policy_set(struct agent *a, struct intent *next, const char *what,
		   const struct door_client *by, uint64_t expect_revision,
		   struct err *reterr)
{
	int64_t number = policy_take(a, next, policy_change_json(what, by),
				     expect_revision, reterr);

	if (number >= 0)
		record_change_by(a, what, by);
	return number;
}

/* --- the data plane's news ---------------------------------------------------------- */

static void is_up(struct agent *a, struct plane_news *n)
{
	a->plane_up = true;
	a->plane_starts++;
	a->plane_since_s = now_s();
	json_decref(a->plane_version);
	a->plane_version = n->about;
	n->about = NULL;
	log_info("data plane: up pid=%d",
		 (int)json_integer_value(
			 json_object_get(a->plane_version, "pid")));
	record_state(a, "data-plane", "info", "the data plane is up");
	settings_tell_plane(a, a->plane);
}

static void is_down(struct agent *a, const struct plane_news *n)
{
	if (a->plane_up || !a->plane_since_s) {
		log_warn("data plane: down: %s", n->err.text);
		record_state(a, "data-plane", "high", n->err.text);
		a->plane_since_s = now_s();
	}
	a->plane_up = false;
	a->plane_err = n->err;
	a->host_in_force = a->in_force_number = 0;
	rules_plane_is_down(a);
	parking_death(a, a->plane, n->about);
}

/* In force is what both data planes have, if there are two. */
static void both_have(struct agent *a)
{
	uint64_t number = a->host_in_force;

	if (a->splice_plane && a->splice_in_force < number)
		number = a->splice_in_force;
	a->in_force_number = number;
	guard_apply_all(a);
	if (number)
		door_reached(a, number, NULL);
	member_state_soon(a);
}

static void in_force(struct agent *a, const struct plane_news *n)
{
	a->host_in_force = n->number;
	a->in_force_version = (uint64_t)json_integer_value(
		json_object_get(n->about, "version"));
	a->policy_refused = false;
	loop_timer_set(a->loop, &a->trim, TRIM_US);
	both_have(a);
}

/* What compiling took is the system's again, when there is no more to compile for now. */
static void trim(void *arg)
{
	(void)malloc_trim(0);
}

/* What either data plane tells alike. */
static void told(struct agent *a, const struct plane_news *n)
{
	if (n->kind == PLANE_CONNECTIONS)
		record_connections(a, n->about, n->missed);
	else if (n->kind == PLANE_THREATS)
		record_threats(a, n->about, n->missed);
	else if (n->kind == PLANE_FINDINGS)
		record_findings(a, n->about, n->missed);
	else if (n->kind == PLANE_TRAIL)
		trail_told(a, n->about, n->number, n->missed);
	else
		door_answered(a, n->token, n->about, &n->err);
}

static void on_news(void *arg, uint32_t events)
{
	struct agent *a = arg;
	struct plane_news n;

	while (plane_next(a->plane, &n)) {
		switch (n.kind) {
		case PLANE_UP: is_up(a, &n); break;
		case PLANE_HANDED:
			plane_was_handed_over(a, false, n.about);
			break;
		case PLANE_DOWN: is_down(a, &n); break;
		case PLANE_IN_FORCE: in_force(a, &n); break;
		case PLANE_REFUSED: refuse(a, n.number, &n.err); break;
		case PLANE_RULES:
		case PLANE_DETECTION: rules_told(a, &n); break;
		case PLANE_CONNECTIONS:
		case PLANE_THREATS:
		case PLANE_FINDINGS:
		case PLANE_TRAIL:
		case PLANE_ANSWER: told(a, &n); break;
		}
		cursors_read(a, CURSORS_HOST, &n);
		json_decref(n.about);
	}
}

/* Of the one for spliced ports. */
static void on_splice_news(void *arg, uint32_t events)
{
	struct agent *a = arg;
	struct plane_news n;

	while (plane_next(a->splice_plane, &n)) {
		switch (n.kind) {
		case PLANE_UP:
			a->splice_plane_up = true;
			settings_tell_plane(a, a->splice_plane);
			log_info("data plane of splices: up");
			record_state(a, "data-plane-splices", "info",
				     "the data plane of splices is up");
			break;
		case PLANE_HANDED:
			plane_was_handed_over(a, true, n.about);
			break;
		case PLANE_DOWN:
			a->splice_plane_up = false;
			a->splice_in_force = 0;
			log_warn("data plane of splices: down: %s", n.err.text);
			record_state(a, "data-plane-splices", "high",
				     n.err.text);
			both_have(a);
			parking_death(a, a->splice_plane, n.about);
			break;
		case PLANE_IN_FORCE:
			a->splice_in_force = n.number;
			both_have(a);
			break;
		case PLANE_REFUSED: refuse(a, n.number, &n.err); break;
		case PLANE_RULES:
		case PLANE_DETECTION: break; /* the host's tells the same */
		case PLANE_CONNECTIONS:
		case PLANE_THREATS:
		case PLANE_FINDINGS:
		case PLANE_TRAIL:
		case PLANE_ANSWER: told(a, &n); break;
		}
		cursors_read(a, CURSORS_SPLICES, &n);
		json_decref(n.about);
	}
}

/* --- start and end -------------------------------------------------------------------- */

static int load_intent(struct agent *a, struct err *reterr)
{
	json_t *doc = NULL;
	struct intent *first;
	int rc = store_get_doc(a->store, "intent", &doc, &a->intent_revision,
			       reterr);

	if (rc == 0) {
		rc = intent_from_json(doc, &a->intent, reterr);
		json_decref(doc);
		return rc;
	}
	if (rc != -ENOENT)
		return rc;
	first = intent_new();
	if (!first)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = intent_with_mode(first, NULL, a->config.default_mode, &a->intent,
			      reterr);
	intent_put(first);
	return rc;
}

int policy_start(struct agent *a, struct err *reterr)
{
	struct plane_spec spec = {
		.door = a->config.plane_door,
		.program = a->config.plane_managed ? a->config.program : NULL,
		.crash = a->crash_dir,
		.workers = a->config.workers,
		.poll_ms = 1000,
		.held = true,
	};
	int n = snprintf(a->crash_dir, sizeof a->crash_dir, "%s/crashes",
			 a->config.store_dir);
	int rc = load_intent(a, reterr);

	if (rc < 0)
		return rc;
	if (n < 0 || (size_t)n >= sizeof a->crash_dir)
		return err_set(reterr, ENAMETOOLONG, "store.dir", "too long");
	cursors_from(a, CURSORS_HOST, spec.from);
	look_at_intent(a);
	a->compile.fn = compile;
	a->compile.arg = a;
	a->expiry.fn = expired;
	a->expiry.arg = a;
	a->trim.fn = trim;
	a->plane = plane_new(&spec, reterr);
	if (!a->plane)
		return -reterr->code;
	cursors_hold(a, a->plane);
	a->plane_fd =
		loop_add(a->loop, plane_fd(a->plane), EPOLLIN, on_news, a);
	return a->plane_fd ? 0 : err_set(reterr, ENOMEM, NULL, "out of memory");
}

int policy_splice_plane(struct agent *a, const char *netns, struct err *reterr)
{
	struct plane_spec spec = {
		.door = a->splice_door,
		.program = a->config.plane_managed ? a->config.program : NULL,
		.netns = netns,
		.crash = a->crash_dir,
		.workers = a->config.workers,
		.poll_ms = 1000,
		.held = true,
	};
	int n = snprintf(a->splice_door, sizeof a->splice_door, "%s.splices",
			 a->config.plane_door);

	if (n < 0 || (size_t)n >= sizeof a->splice_door)
		return err_set(reterr, ENAMETOOLONG, "data_plane.socket",
			       "too long");
	cursors_from(a, CURSORS_SPLICES, spec.from);
	a->splice_plane = plane_new(&spec, reterr);
	if (!a->splice_plane)
		return -reterr->code;
	cursors_hold(a, a->splice_plane);
	a->splice_plane_fd = loop_add(a->loop, plane_fd(a->splice_plane),
				      EPOLLIN, on_splice_news, a);
	if (!a->splice_plane_fd) {
		plane_free(a->splice_plane, true);
		a->splice_plane = NULL;
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	if (trail_is_wanted(a))
		plane_want_trail(a->splice_plane);
	policy_soon(a);
	return 0;
}

void policy_stop(struct agent *a)
{
	/*
	 * What is diverted is judged on; without it the data plane has no use,
	 * if it is ours.
	 */
	bool end = a->releasing && a->config.plane_managed;

	loop_remove(a->splice_plane_fd);
	plane_free(a->splice_plane, end);
	splicer_stop(a);
	loop_remove(a->plane_fd);
	plane_free(a->plane, end);
	json_decref(a->plane_version);
	body_put(a->detection);
	intent_put(a->intent);
	a->intent = NULL; /* what is recorded last asks */
}
