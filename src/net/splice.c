/*
 * Theory. Taking a workload's port away and giving it another is one batch of
 * netlink requests in the workload's namespace: move eth0 to the agent as vex
 * (with its record in the alias), make the new veth pair, settings, addresses,
 * routes. The kernel works through a batch before sendmsg() returns, so no
 * signal, not even SIGKILL, comes between; whoever dies afterwards leaves a
 * vex whose record says how to put it back. What the port is stands in a
 * journal meanwhile, for while it is moved back no device has it.
 *
 *   up     plan       names, mark, redirector, what the port is      no change
 *          base       vbr and vth, if they are not there             undo: base
 *          exchange   the batch                                      undo: restore
 *          connect    rules on vex, vin, vbr; vex and vin up
 *          settle     what is not urgent: sysctls, address flags
 *
 *   down   restore    read what the port is now, delete it, move vex back with
 *                     the old name and ifindex, settings, addresses, routes;
 *                     at last the record goes from its alias
 *          base       away with the last workload
 *
 * A `down` after a killed `up` or `down` finds the record on vex, or on the
 * device that is back already, and goes on from there. Whoever changes
 * something holds a lock on both namespaces.
 *
 * The workload is cut off from the exchange until connect is through, measured
 * as gap_us: 12 to 50 ms, of which 14 of 24 ms traced were the kernel moving
 * the device (it waits for RCU grace periods). What could be done before the
 * exchange is. Only a layout that moves nothing does without this gap.
 */
#include "net/splice.h"

#include <errno.h>
#include <linux/if_link.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/limits.h"
#include "net/divert.h"
#include "net/ifconf.h"
#include "net/inplace.h"
#include "net/journal.h"
#include "net/link.h"
#include "net/probe.h"
#include "net/splice_back.h"
#include "net/splice_base.h"
#include "net/splice_job.h"
#include "net/splice_record.h"
#include "net/tc_u32.h"
#include "net/undo.h"

const char *splice_state_name(enum splice_state s)
{
	static const char *const names[] = { "whole", "half", "orphan" };

	BUG_ON((unsigned)s >= SPLICE_STATE__MAX);
	return names[s];
}

static int stopped(const struct job *j, struct err *reterr)
{
	if (j->stop && *j->stop)
		return err_set(reterr, EINTR, NULL, "stopped");
	return 0;
}

/* --- plan -------------------------------------------------------------- */

static int plan_redirector(const struct splice_spec *spec, struct job *j,
			   struct err *reterr)
{
	if (spec->redirector_auto)
		return probe_best(&j->s.redirector, reterr);
	j->s.redirector = spec->redirector;
	return probe_redirector(spec->redirector, reterr);
}

/* The first N for which neither vexN nor vinN is there; "" for 0. */
static int plan_names(struct job *j, struct err *reterr)
{
	for (unsigned n = 0; n < DIVERT_ENDPOINTS_MAX; n++) {
		uint32_t ifindex;

		(void)snprintf(j->s.vex, IFNAMSIZ, n ? "%s%u" : "%s",
			       SPLICE_VEX, n);
		splice_vin_name(j->s.vex, j->s.vin);
		if (link_index(j->in_agent, j->s.vex, &ifindex, NULL) ==
			    -ENODEV &&
		    link_index(j->in_agent, j->s.vin, &ifindex, NULL) ==
			    -ENODEV)
			return 0;
	}
	return err_set(reterr, ENOSPC, "--agent",
		       "there are %d workloads in it already",
		       DIVERT_ENDPOINTS_MAX);
}

static int plan_unspliced(struct job *j, const char *dev, struct err *reterr)
{
	const struct link_stat *port = &j->conf.link;
	struct splice_stat record;
	struct link_stat vin;

	if (strcmp(port->kind, "veth") == 0 &&
	    link_get_peer(j->in_workload, port, &vin, NULL) == 0 &&
	    vin.group == SPLICE_GROUP)
		return err_set(reterr, EALREADY, "--dev",
			       "%s is spliced already", dev);
	if (splice_record_parse(port->alias, &record))
		return err_set(reterr, EBUSY, "--dev",
			       "%s is half put back; finish with: "
			       "weir splice down",
			       dev);
	return 0;
}

static int plan_port(const struct splice_spec *spec, struct job *j,
		     struct err *reterr)
{
	const char *dev = spec->dev ? spec->dev : "eth0";
	int rc = ifconf_read(&j->workload, j->in_workload, dev, &j->conf,
			     reterr);

	if (rc < 0)
		return rc;
	rc = plan_unspliced(j, dev, reterr);
	if (rc < 0)
		return rc;
	rc = ifconf_check_movable(j->in_workload, &j->conf, reterr);
	if (rc < 0)
		return rc;
	j->s.mac = j->conf.link.mac;
	j->s.dev_ifindex = j->conf.link.ifindex;
	j->s.workload_ino = j->workload.ino;
	(void)snprintf(j->s.dev, IFNAMSIZ, "%s", dev);
	/* a longer path is cut; the inode finds it all the same */
	(void)snprintf(j->s.workload, sizeof j->s.workload, "%.95s",
		       j->workload.path);
	return 0;
}

/* vbr has one sort of rules of ours: they do not see each other. */
static int plan_same_rules(const struct splice_spec *spec, struct job *j,
			   struct err *reterr)
{
	struct splice_stat *list = NULL;
	size_t n = 0;
	int rc;

	if (inplace_is_used(&j->agent))
		return err_set(reterr, EBUSY, "--agent",
			       "workloads are diverted in place in that "
			       "namespace; splice through another, or after "
			       "weir release --all");
	rc = splice_list(spec->agent, &list, &n, reterr);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (list[i].redirector != j->s.redirector)
			rc = err_set(reterr, EOPNOTSUPP, "--redirector",
				     "this agent's workloads use %s",
				     redirector_name(list[i].redirector));
	free(list);
	return rc;
}

static int plan(const struct splice_spec *spec, struct job *j,
		struct err *reterr)
{
	int rc = plan_port(spec, j, reterr);

	if (rc == 0)
		rc = plan_redirector(spec, j, reterr);
	if (rc == 0)
		rc = plan_names(j, reterr);
	if (rc == 0)
		rc = plan_same_rules(spec, j, reterr);
	j->s.mode = spec->mode;
	return rc;
}

/* --- base: vbr and vth --------------------------------------------------- */

static int undo_base(void *arg, struct err *reterr)
{
	struct job *j = arg;

	return base_remove(j->in_agent, NULL, reterr);
}

static int ensure_base(struct job *j, struct err *reterr)
{
	bool made = false;
	int rc = base_ensure(j->in_agent, j->conf.link.mtu, &j->vbr, &made,
			     reterr);

	if (rc == 0 && made)
		undo_push(&j->undo, "remove vbr and vth", undo_base, j);
	return rc;
}

/* --- exchange ------------------------------------------------------------ */

static int add_to(struct nl_batch *b, const char *request)
{
	return nl_batch_add(b, (const struct nlmsghdr *)(const void *)request);
}

static int build_exchange(const struct job *j, struct nl_batch *b)
{
	_Alignas(struct nlmsghdr) char req[NL_REQUEST_MAX];
	char alias[LINK_ALIAS_MAX];
	const struct link_stat *old = &j->conf.link;
	struct link_move move = { .ifindex = old->ifindex,
				  .to = &j->agent,
				  .name = j->s.vex,
				  .alias = alias };
	struct veth_end port = { .name = j->s.dev,
				 .mac = j->s.mac,
				 .ifindex = old->ifindex,
				 .mtu = old->mtu,
				 .txqlen = old->txqlen,
				 .group = old->group };
	struct veth_end vin = { .name = j->s.vin,
				.ns = &j->agent,
				.mtu = old->mtu,
				.group = SPLICE_GROUP };
	int rc;

	splice_record_format(&j->s, alias);
	link_build_move(req, &move);
	rc = add_to(b, req);
	link_build_veth(req, &port, &vin);
	if (rc == 0)
		rc = add_to(b, req);
	link_build_alias(req, old->ifindex, old->alias);
	if (rc == 0)
		rc = add_to(b, req);
	return rc ? rc : ifconf_put(&j->conf, b);
}

static int undo_exchange(void *arg, struct err *reterr)
{
	struct job *j = arg;

	if (link_index(j->in_agent, j->s.vex, &j->s.vex_ifindex, NULL) < 0) {
		/* it was not moved */
		journal_remove(j->workload.ino, j->s.dev_ifindex);
		return 0;
	}
	return back_put(j, true, reterr);
}

static int exchange(struct job *j, usec_t *cut, struct err *reterr)
{
	struct nl_batch b = { 0 };
	int rc = build_exchange(j, &b);

	if (rc < 0)
		rc = err_set(reterr, -rc, NULL, "too much to move at once: %s",
			     strerror(-rc));
	if (rc == 0)
		rc = journal_write(j->workload.ino, &j->conf, true, reterr);
	if (rc == 0) {
		undo_push(&j->undo, "put the device back", undo_exchange, j);
		*cut = clock_now();
		rc = ifconf_send(j->in_workload, &b, "exchange the device",
				 reterr);
	}
	nl_batch_done(&b);
	return rc;
}

/* --- connect --------------------------------------------------------------- */

static int add_rules(struct job *j, struct err *reterr)
{
	struct divert_endpoint ep = job_endpoint(j);

	if (j->s.redirector == REDIRECTOR_U32)
		return u32_add(j->in_agent, &ep, reterr);
	return divert_add(j->divert, &ep, reterr);
}

/*
 * The kernel starts a port's queue in a work item of its own after the other
 * end came up; what is sent before is lost. So it belongs to the gap.
 */
static void await_running(struct job *j)
{
	struct link_stat now;

	if (!(j->conf.link.flags & IFF_RUNNING))
		return; /* it was not before, either */
	for (int i = 0; i < RUNNING_TRIES; i++) {
		if (link_get(j->in_workload, j->s.dev, &now, NULL) < 0 ||
		    now.flags & IFF_RUNNING)
			return;
		(void)poll(NULL, 0, RUNNING_STEP_MS);
	}
}

/*
 * Up, and for all groups: which ones the workload has joined is known to its
 * new port only, and a macvlan or a real card would keep the frames of others.
 */
static int open_vex(struct job *j, struct err *reterr)
{
	_Alignas(struct nlmsghdr) char req[NL_REQUEST_MAX];

	link_build_flags(req, j->s.vex_ifindex, IFF_UP | IFF_ALLMULTI,
			 IFF_UP | IFF_ALLMULTI);
	return nl_ask(j->in_agent, (struct nlmsghdr *)(void *)req, "set vex up",
		      reterr);
}

static int connect_port(struct job *j, int mark, struct err *reterr)
{
	int rc = link_index(j->in_agent, j->s.vex, &j->s.vex_ifindex, reterr);

	if (rc == 0)
		rc = link_index(j->in_agent, j->s.vin, &j->s.vin_ifindex,
				reterr);
	if (rc == 0 && mark == SPLICE_MARK_AUTO) {
		char alias[LINK_ALIAS_MAX];

		splice_marks((uint16_t)j->s.vex_ifindex, &j->s.ucmac,
			     &j->s.bcmac);
		splice_record_format(&j->s, alias);
		rc = link_set_alias(j->in_agent, j->s.vex_ifindex, alias,
				    reterr);
	}
	if (rc == 0)
		rc = link_set_quiet(j->in_agent, j->s.vex_ifindex, reterr);
	if (rc == 0)
		rc = link_set_quiet(j->in_agent, j->s.vin_ifindex, reterr);
	if (rc == 0)
		rc = add_rules(j, reterr);
	if (rc == 0)
		rc = link_set_up(j->in_agent, j->s.vin_ifindex, true, reterr);
	if (rc == 0)
		rc = open_vex(j, reterr);
	if (rc == 0)
		await_running(j);
	return rc;
}

/* After a failure that *reterr tells. That undoing failed, too, is added. */
static void take_back(struct job *j, struct err *reterr)
{
	struct err undo = { 0 };
	struct err why = reterr ? *reterr : (struct err){ 0 };

	if (undo_run(&j->undo, &undo) < 0)
		(void)err_set(reterr, why.code, why.at, "%.100s; then %.100s",
			      why.text, undo.text);
}

int splice_up(const struct splice_spec *spec, struct splice_stat *ret,
	      struct err *reterr)
{
	struct job j;
	usec_t cut = { 0 };
	int rc = job_open(&j, spec->workload, spec->agent, reterr);

	if (rc < 0)
		return rc;
	j.stop = spec->stop;
	rc = job_lock(&j, reterr);
	if (rc == 0)
		rc = plan(spec, &j, reterr);
	if (spec->mark != SPLICE_MARK_AUTO)
		splice_marks((uint16_t)spec->mark, &j.s.ucmac, &j.s.bcmac);
	if (rc == 0)
		rc = stopped(&j, reterr);
	if (rc == 0)
		rc = ensure_base(&j, reterr);
	if (rc == 0 && j.s.redirector == REDIRECTOR_BPF)
		rc = divert_open(&j.agent, j.vbr, true, &j.divert, reterr);
	if (rc == 0)
		rc = stopped(&j, reterr);
	if (rc == 0)
		rc = exchange(&j, &cut, reterr);
	if (rc == 0)
		rc = connect_port(&j, spec->mark, reterr);
	j.s.gap_us = usec_since(clock_now(), cut);
	if (rc == 0)
		rc = stopped(&j, reterr);
	if (rc == 0)
		rc = ifconf_settle(&j.workload, j.in_workload, &j.conf, reterr);
	if (rc < 0) {
		take_back(&j, reterr);
	} else {
		journal_remove(j.workload.ino, j.s.dev_ifindex);
		undo_commit(&j.undo);
		*ret = j.s;
	}
	job_done(&j);
	return rc;
}

/* --- list ------------------------------------------------------------------ */

/* State, mode and counters of one record; up: its vex is, which comes last. */
static void fill_stat(struct job *j, struct splice_stat *s, bool up)
{
	struct divert_endpoint ep;
	struct divert_counts counts;
	struct netns w = { .fd = -1 };
	struct divert *d;
	struct err ignored; /* a state says what is wrong */
	bool known = false;

	if (link_index(j->in_agent, s->vin, &s->vin_ifindex, NULL) < 0)
		s->vin_ifindex = 0;
	j->s = *s;
	ep = job_endpoint(j);
	if (s->redirector == REDIRECTOR_U32) {
		known = u32_get_mode(j->in_agent, &ep, &s->mode, &ignored) == 0;
	} else if (j->vbr &&
		   divert_open(&j->agent, j->vbr, false, &d, &ignored) == 0) {
		known = divert_get(d, s->vex_ifindex, &ep, &counts, &ignored) ==
			0;
		divert_free(d);
		if (known)
			s->mode = (enum divert_mode)ep.mode;
		for (int i = 0; known && i < DIVERT_COUNTER__MAX; i++)
			s->counter[i] =
				(struct splice_counter){ counts.frames[i],
							 counts.bytes[i] };
	}
	s->state = known && s->vin_ifindex && up ? SPLICE_WHOLE : SPLICE_HALF;
	if (netns_open(s->workload, &w, NULL) < 0 || w.ino != s->workload_ino)
		s->state = SPLICE_ORPHAN;
	netns_done(&w);
}

static int list_job(struct job *j, struct splice_stat **ret, size_t *ret_count,
		    struct err *reterr)
{
	struct link_stat *links = NULL;
	struct splice_stat *list = NULL;
	size_t n = 0, found = 0;
	int rc;

	if (link_index(j->in_agent, SPLICE_VBR, &j->vbr, NULL) < 0)
		j->vbr = 0;
	rc = link_list(j->in_agent, &links, &n, reterr);
	if (rc < 0)
		return rc;
	list = calloc(n + 1, sizeof *list);
	if (!list) {
		free(links);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	for (size_t i = 0; i < n; i++) {
		struct splice_stat *s = &list[found];

		if (strncmp(links[i].name, SPLICE_VEX, 3) != 0 ||
		    !splice_record_parse(links[i].alias, s))
			continue;
		memcpy(s->vex, links[i].name, IFNAMSIZ);
		splice_vin_name(s->vex, s->vin);
		s->vex_ifindex = links[i].ifindex;
		fill_stat(j, s, links[i].flags & IFF_UP);
		found++;
	}
	free(links);
	*ret = list;
	*ret_count = found;
	return 0;
}

int splice_list(const char *agent, struct splice_stat **ret, size_t *ret_count,
		struct err *reterr)
{
	struct job j;
	int rc = job_open(&j, NULL, agent, reterr);

	if (rc < 0)
		return rc;
	rc = list_job(&j, ret, ret_count, reterr);
	job_done(&j);
	return rc;
}

/* --- down and mode ----------------------------------------------------------- */

/* The record of that workload's device in j's agent; into j->s. */
static int find_record(struct job *j, uint64_t ino, const char *dev,
		       size_t *ret_others, struct err *reterr)
{
	struct splice_stat *list = NULL;
	size_t n = 0;
	bool found = false;
	int rc = list_job(j, &list, &n, reterr);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (list[i].workload_ino != ino ||
		    strcmp(list[i].dev, dev) != 0)
			continue;
		j->s = list[i];
		found = true;
	}
	free(list);
	*ret_others = n - found;
	if (!found)
		return err_set(reterr, ENOENT, "--netns",
			       "its %s is not spliced through this agent", dev);
	return 0;
}

/* A device that a killed `down` has put back, but not finished. */
static bool find_half_back(struct job *j, const char *dev)
{
	struct splice_stat record;
	struct link_stat now;

	if (link_get(j->in_workload, dev, &now, NULL) < 0 ||
	    !splice_record_parse(now.alias, &record) ||
	    record.workload_ino != j->workload.ino ||
	    strcmp(record.dev, dev) != 0)
		return false;
	j->s = record;
	return true;
}

/*
 * Nothing of this workload is spliced here. Of an `up` that was killed before
 * the exchange there may be vbr and vth, and the journal.
 */
static int down_nothing(struct job *j, const char *dev, size_t others,
			struct err *reterr)
{
	bool removed = false;
	uint32_t ifindex;
	struct err err;

	if (link_index(j->in_workload, dev, &ifindex, NULL) == 0)
		journal_remove(j->workload.ino, ifindex);
	if (others == 0 && base_remove(j->in_agent, &removed, &err) == 0 &&
	    removed)
		return 0;
	return err_set(reterr, ENOENT, "--netns",
		       "its %s is not spliced through this agent", dev);
}

int splice_down(const char *workload, const char *agent, const char *dev,
		struct err *reterr)
{
	struct job j;
	size_t others = 0;
	bool known = false;
	int rc = job_open(&j, workload, agent, reterr);

	if (rc < 0)
		return rc;
	dev = dev ? dev : "eth0";
	rc = job_lock(&j, reterr);
	if (rc == 0)
		rc = find_record(&j, j.workload.ino, dev, &others, reterr);
	if (rc == -ENOENT && !find_half_back(&j, dev)) {
		rc = down_nothing(&j, dev, others, reterr);
		job_done(&j);
		return rc;
	}
	if (rc == 0 || rc == -ENOENT)
		rc = back_recall(&j, &known, reterr);
	if (rc == 0)
		rc = back_put(&j, known, reterr);
	if (rc == 0 && others == 0)
		rc = base_remove(j.in_agent, NULL, reterr);
	job_done(&j);
	return rc;
}

/*
 * A veth or macvlan would have ended with its namespace; a real card goes to
 * the caller's, as the kernel does with those of a namespace that ends.
 */
static int drop_vex(struct job *j, struct err *reterr)
{
	struct netns here = { .fd = -1 };
	struct link_stat vex;
	int rc = link_get_index(j->in_agent, j->s.vex_ifindex, &vex, reterr);

	if (rc < 0)
		return rc;
	if (vex.kind[0])
		return link_delete(j->in_agent, vex.ifindex, reterr);
	rc = link_set_alias(j->in_agent, vex.ifindex, "", reterr);
	if (rc == 0)
		rc = netns_open_self(&here, reterr);
	if (rc == 0)
		rc = link_move(j->in_agent, vex.ifindex, &here, NULL, reterr);
	netns_done(&here);
	return rc;
}

/* The workload is gone: so is what its device was good for. */
static int drop_orphan(const char *agent, const struct splice_stat *s,
		       struct err *reterr)
{
	struct job j;
	int rc = job_open(&j, NULL, agent, reterr);

	if (rc < 0)
		return rc;
	j.s = *s;
	if (link_index(j.in_agent, SPLICE_VBR, &j.vbr, NULL) < 0)
		j.vbr = 0;
	rc = job_lock(&j, reterr);
	if (rc == 0) {
		back_disconnect(&j);
		if (s->vin_ifindex)
			rc = link_delete(j.in_agent, s->vin_ifindex, reterr);
	}
	if (rc == 0)
		rc = drop_vex(&j, reterr);
	if (rc == 0)
		journal_remove(s->workload_ino, s->dev_ifindex);
	job_done(&j);
	return rc;
}

static int remove_idle_base(const char *agent, struct err *reterr)
{
	struct splice_stat *list = NULL;
	struct job j;
	size_t n = 0;
	int rc = job_open(&j, NULL, agent, reterr);

	if (rc < 0)
		return rc;
	rc = job_lock(&j, reterr);
	if (rc == 0)
		rc = list_job(&j, &list, &n, reterr);
	if (rc == 0) {
		free(list);
		if (n == 0)
			rc = base_remove(j.in_agent, NULL, reterr);
	}
	job_done(&j);
	return rc;
}

int splice_drop(const char *agent, const struct splice_stat *s,
		struct err *reterr)
{
	int rc = drop_orphan(agent, s, reterr);

	return rc < 0 ? rc : remove_idle_base(agent, reterr);
}

int splice_down_all(const char *agent, struct err *reterr)
{
	struct splice_stat *list = NULL;
	struct err err;
	size_t n = 0;
	int first, rc = splice_list(agent, &list, &n, reterr);

	if (rc < 0)
		return rc;
	first = 0;
	for (size_t i = 0; i < n; i++) {
		rc = list[i].state == SPLICE_ORPHAN
			     ? drop_orphan(agent, &list[i], &err)
			     : splice_down(list[i].workload, agent, list[i].dev,
					   &err);
		if (rc < 0 && first == 0) {
			first = rc;
			*reterr = err;
		}
	}
	free(list);
	rc = remove_idle_base(agent, &err);
	if (rc < 0 && first == 0) {
		first = rc;
		*reterr = err;
	}
	return first;
}

int splice_set_mode(const char *workload, const char *agent, const char *dev,
		    enum divert_mode mode, struct err *reterr)
{
	struct divert_endpoint ep;
	struct divert *d;
	struct job j;
	size_t others = 0;
	int rc = job_open(&j, workload, agent, reterr);

	if (rc < 0)
		return rc;
	rc = find_record(&j, j.workload.ino, dev ? dev : "eth0", &others,
			 reterr);
	ep = job_endpoint(&j);
	if (rc == 0 && j.s.redirector == REDIRECTOR_U32) {
		rc = u32_set_mode(j.in_agent, &ep, mode, reterr);
	} else if (rc == 0) {
		rc = divert_open(&j.agent, j.vbr, false, &d, reterr);
		if (rc == 0) {
			rc = divert_set_mode(d, ep.vex, mode, reterr);
			divert_free(d);
		}
	}
	job_done(&j);
	return rc;
}
