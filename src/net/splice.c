/*
 * Theory. Taking a workload's port away and giving it another is one batch of
 * netlink requests in the workload's namespace: move eth0 to the agent as vex
 * (with its record in the alias), make the new veth pair, settings, addresses,
 * routes. The kernel works through a batch before sendmsg() returns, so no
 * signal, not even SIGKILL, comes between; whoever dies afterwards leaves a
 * vex whose record says how to put it back.
 *
 *   up     plan       names, mark, redirector, what the port is      no change
 *          base       vbr and vth, if they are not there             undo: base
 *          exchange   the batch                                      undo: restore
 *          connect    rules on vex, vin, vbr; vex and vin up
 *          settle     what is not urgent: sysctls, address flags
 *
 *   down   restore    read what the port is now, delete it, move vex back with
 *                     the old name and ifindex, settings, addresses, routes
 *          base       away with the last workload
 *
 * The workload is cut off from the exchange until connect is through: a few
 * milliseconds, measured as gap_us.
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
#include "net/divert.h"
#include "net/ifconf.h"
#include "net/link.h"
#include "net/probe.h"
#include "net/splice_record.h"
#include "net/tc_u32.h"
#include "net/undo.h"

/* Bounds a wait that usually needs one try. */
#define RUNNING_TRIES	200
#define RUNNING_STEP_MS 1

/* One up, down or list under way: both namespaces and what is known. */
struct job {
	struct netns workload, agent;
	struct divert *divert; /* bpf: loaded before the exchange; owned */
	struct nl *in_workload, *in_agent;
	struct ifconf_state conf; /* of the workload's device */
	struct splice_stat s;
	uint32_t vbr;
	const volatile sig_atomic_t *stop;
	struct undo undo;
};

const char *splice_state_name(enum splice_state s)
{
	static const char *const names[] = { "whole", "half", "orphan" };

	BUG_ON((unsigned)s >= SPLICE_STATE__MAX);
	return names[s];
}

static void job_done(struct job *j)
{
	divert_free(j->divert);
	ifconf_done(&j->conf);
	nl_free(j->in_workload);
	nl_free(j->in_agent);
	netns_done(&j->workload);
	netns_done(&j->agent);
}

/* workload NULL: only the agent's. */
static int job_open(struct job *j, const char *workload, const char *agent,
		    struct err *reterr)
{
	int rc;

	*j = (struct job){ .workload.fd = -1, .agent.fd = -1 };
	rc = netns_open(agent, &j->agent, reterr);
	if (rc == 0)
		rc = nl_open(&j->agent, &j->in_agent, reterr);
	if (rc == 0 && workload)
		rc = netns_open(workload, &j->workload, reterr);
	if (rc == 0 && workload)
		rc = nl_open(&j->workload, &j->in_workload, reterr);
	if (rc == 0 && workload && netns_equal(&j->workload, &j->agent))
		rc = err_set(reterr, EINVAL, "--agent",
			     "workload and agent are the same namespace");
	if (rc < 0)
		job_done(j);
	return rc;
}

static int stopped(const struct job *j, struct err *reterr)
{
	if (j->stop && *j->stop)
		return err_set(reterr, EINTR, NULL, "stopped");
	return 0;
}

static struct divert_endpoint endpoint_of(const struct job *j)
{
	struct divert_endpoint ep = { .vex = j->s.vex_ifindex,
				      .vin = j->s.vin_ifindex,
				      .vbr = j->vbr,
				      .mode = j->s.mode };

	memcpy(ep.mac, j->s.mac.b, sizeof ep.mac);
	memcpy(ep.mark, j->s.ucmac.b, sizeof ep.mark);
	return ep;
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

static int plan_port(const struct splice_spec *spec, struct job *j,
		     struct err *reterr)
{
	const char *dev = spec->dev ? spec->dev : "eth0";
	int rc = ifconf_read(&j->workload, j->in_workload, dev, &j->conf,
			     reterr);

	if (rc < 0)
		return rc;
	if (strcmp(j->conf.link.alias, SPLICE_PORT_ALIAS) == 0)
		return err_set(reterr, EALREADY, "--dev",
			       "%s is spliced already", dev);
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

/* vbr has either our programs or our filters: they do not see each other. */
static int plan_same_redirector(const struct splice_spec *spec, struct job *j,
				struct err *reterr)
{
	struct splice_stat *list = NULL;
	size_t n = 0;
	int rc = splice_list(spec->agent, &list, &n, reterr);

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
		rc = plan_same_redirector(spec, j, reterr);
	j->s.mode = spec->mode;
	return rc;
}

/* --- base: vbr and vth --------------------------------------------------- */

static int remove_base(void *arg, struct err *reterr)
{
	struct job *j = arg;
	uint32_t vbr;

	if (link_index(j->in_agent, SPLICE_VBR, &vbr, NULL) < 0)
		return 0;
	return link_delete(j->in_agent, vbr, reterr);
}

static int make_base(struct job *j, struct err *reterr)
{
	uint32_t mtu = j->conf.link.mtu;
	struct veth_end vbr = { .name = SPLICE_VBR, .mtu = mtu };
	struct veth_end vth = { .name = SPLICE_VTH, .mtu = mtu };
	uint32_t vth_index;
	int rc = link_add_veth(j->in_agent, &vbr, &vth, reterr);

	if (rc < 0)
		return rc;
	undo_push(&j->undo, "remove vbr and vth", remove_base, j);
	rc = link_index(j->in_agent, SPLICE_VBR, &j->vbr, reterr);
	if (rc == 0)
		rc = link_index(j->in_agent, SPLICE_VTH, &vth_index, reterr);
	if (rc == 0)
		rc = link_set_quiet(j->in_agent, j->vbr, reterr);
	if (rc == 0)
		rc = link_set_quiet(j->in_agent, vth_index, reterr);
	if (rc == 0)
		rc = link_set_up(j->in_agent, j->vbr, true, reterr);
	if (rc == 0)
		rc = link_set_up(j->in_agent, vth_index, true, reterr);
	return rc;
}

/* There is a vbr: is it one of ours, and wide enough? */
static int use_base(struct job *j, const struct link_stat *vbr,
		    struct err *reterr)
{
	struct link_stat vth;
	uint32_t mtu = j->conf.link.mtu;
	int rc = link_get(j->in_agent, SPLICE_VTH, &vth, reterr);

	if (rc < 0 || vbr->peer != vth.ifindex)
		return err_set(reterr, EEXIST, SPLICE_VBR,
			       "is there, but is no veth whose other end is %s",
			       SPLICE_VTH);
	j->vbr = vbr->ifindex;
	if (vbr->mtu < mtu)
		rc = link_set_mtu(j->in_agent, vbr->ifindex, mtu, reterr);
	if (rc == 0 && vth.mtu < mtu)
		rc = link_set_mtu(j->in_agent, vth.ifindex, mtu, reterr);
	return rc;
}

static int ensure_base(struct job *j, struct err *reterr)
{
	struct link_stat vbr;

	if (link_get(j->in_agent, SPLICE_VBR, &vbr, NULL) == 0)
		return use_base(j, &vbr, reterr);
	return make_base(j, reterr);
}

/* --- exchange and restore ------------------------------------------------ */

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
				 .txqlen = old->txqlen };
	struct veth_end vin = { .name = j->s.vin,
				.ns = &j->agent,
				.mtu = old->mtu };
	int rc;

	splice_record_format(&j->s, alias);
	link_build_move(req, &move);
	rc = add_to(b, req);
	link_build_veth(req, &port, &vin);
	if (rc == 0)
		rc = add_to(b, req);
	link_build_alias(req, old->ifindex, SPLICE_PORT_ALIAS);
	if (rc == 0)
		rc = add_to(b, req);
	return rc ? rc : ifconf_put(&j->conf, b);
}

/* Is the workload's device the one that a splice has made? */
static bool has_new_port(struct job *j)
{
	struct link_stat now;

	return link_get(j->in_workload, j->s.dev, &now, NULL) == 0 &&
	       strcmp(now.alias, SPLICE_PORT_ALIAS) == 0;
}

static void disconnect(struct job *j)
{
	struct divert_endpoint ep = endpoint_of(j);
	struct err ignored; /* rules that are not there need not go */
	struct divert *d;

	if (j->vbr == 0)
		return;
	if (j->s.redirector == REDIRECTOR_U32) {
		(void)u32_del(j->in_agent, &ep, &ignored);
		return;
	}
	if (divert_open(&j->agent, j->vbr, false, &d, &ignored) < 0)
		return;
	(void)divert_del(d, &ep, &ignored);
	divert_free(d);
}

static int move_back(struct job *j, struct err *reterr)
{
	_Alignas(struct nlmsghdr) char req[NL_REQUEST_MAX];
	struct link_move move = { .ifindex = j->s.vex_ifindex,
				  .to = &j->workload,
				  .name = j->s.dev,
				  .new_ifindex = j->s.dev_ifindex,
				  .alias = "" };
	struct nl_batch b = { 0 };
	int rc;

	link_build_move(req, &move);
	rc = add_to(&b, req);
	if (rc == 0)
		rc = nl_batch_send(j->in_agent, &b, NULL, NULL,
				   "move the device back", reterr);
	nl_batch_done(&b);
	return rc;
}

/* The moved device, back in place, becomes what conf says. */
static int reconfigure(struct job *j, struct err *reterr)
{
	struct nl_batch b = { 0 };
	uint32_t ifindex;
	int rc = link_index(j->in_workload, j->s.dev, &ifindex, reterr);

	if (rc < 0)
		return rc;
	/* the alias is the port's, not the old device's */
	ifconf_retarget(&j->conf, ifindex);
	rc = ifconf_put(&j->conf, &b);
	if (rc == 0)
		rc = ifconf_send(j->in_workload, &b, "restore the device",
				 reterr);
	nl_batch_done(&b);
	if (rc == 0)
		rc = ifconf_settle(&j->workload, j->in_workload, &j->conf,
				   reterr);
	return rc;
}

/*
 * Takes the new port away and puts the old device back. j->s is known; j->conf
 * is what the port is to be (read before, or now if `reread`).
 */
static int restore_port(struct job *j, bool reread, struct err *reterr)
{
	bool configured = true;
	uint32_t port;
	int rc = 0;

	disconnect(j);
	if (has_new_port(j)) {
		if (reread)
			rc = ifconf_read(&j->workload, j->in_workload, j->s.dev,
					 &j->conf, reterr);
		if (rc == 0)
			rc = link_index(j->in_workload, j->s.dev, &port,
					reterr);
		if (rc == 0)
			rc = link_delete(j->in_workload, port, reterr);
	} else {
		configured = !reread;
	}
	if (rc == 0)
		rc = move_back(j, reterr);
	if (rc == 0 && configured)
		rc = reconfigure(j, reterr);
	return rc;
}

static int undo_exchange(void *arg, struct err *reterr)
{
	struct job *j = arg;

	if (link_index(j->in_agent, j->s.vex, &j->s.vex_ifindex, NULL) < 0)
		return 0; /* it was not moved */
	return restore_port(j, false, reterr);
}

static int exchange(struct job *j, struct err *reterr)
{
	struct nl_batch b = { 0 };
	int rc = build_exchange(j, &b);

	if (rc < 0) {
		rc = err_set(reterr, -rc, NULL, "too much to move at once: %s",
			     strerror(-rc));
	} else {
		undo_push(&j->undo, "put the device back", undo_exchange, j);
		rc = ifconf_send(j->in_workload, &b, "exchange the device",
				 reterr);
	}
	nl_batch_done(&b);
	return rc;
}

/* --- connect --------------------------------------------------------------- */

static int add_rules(struct job *j, struct err *reterr)
{
	struct divert_endpoint ep = endpoint_of(j);

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
		rc = link_set_up(j->in_agent, j->s.vex_ifindex, true, reterr);
	if (rc == 0)
		await_running(j);
	return rc;
}

int splice_up(const struct splice_spec *spec, struct splice_stat *ret,
	      struct err *reterr)
{
	struct err ignored; /* the first failure is told */
	struct job j;
	usec_t cut;
	int rc = job_open(&j, spec->workload, spec->agent, reterr);

	if (rc < 0)
		return rc;
	j.stop = spec->stop;
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
	cut = clock_now();
	if (rc == 0)
		rc = exchange(&j, reterr);
	if (rc == 0)
		rc = connect_port(&j, spec->mark, reterr);
	j.s.gap_us = usec_since(clock_now(), cut);
	if (rc == 0)
		rc = stopped(&j, reterr);
	if (rc == 0)
		rc = ifconf_settle(&j.workload, j.in_workload, &j.conf, reterr);
	if (rc < 0) {
		(void)undo_run(&j.undo, &ignored);
	} else {
		undo_commit(&j.undo);
		*ret = j.s;
	}
	job_done(&j);
	return rc;
}

/* --- list ------------------------------------------------------------------ */

/* State, mode and counters of one record. */
static void fill_stat(struct job *j, struct splice_stat *s)
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
	ep = endpoint_of(j);
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
	s->state = known && s->vin_ifindex ? SPLICE_WHOLE : SPLICE_HALF;
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
		fill_stat(j, s);
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

int splice_down(const char *workload, const char *agent, const char *dev,
		struct err *reterr)
{
	struct job j;
	size_t others = 0;
	int rc = job_open(&j, workload, agent, reterr);

	if (rc < 0)
		return rc;
	rc = find_record(&j, j.workload.ino, dev ? dev : "eth0", &others,
			 reterr);
	if (rc == 0)
		rc = restore_port(&j, true, reterr);
	if (rc == 0 && others == 0)
		rc = remove_base(&j, reterr);
	job_done(&j);
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
	disconnect(&j);
	if (s->vin_ifindex)
		rc = link_delete(j.in_agent, s->vin_ifindex, reterr);
	if (rc == 0)
		rc = link_delete(j.in_agent, s->vex_ifindex, reterr);
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
	rc = list_job(&j, &list, &n, reterr);
	if (rc == 0) {
		free(list);
		if (n == 0)
			rc = remove_base(&j, reterr);
	}
	job_done(&j);
	return rc;
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
	ep = endpoint_of(&j);
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
